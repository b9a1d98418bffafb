#include "engine/kept.h"

#include <string.h>

#include "base/mem.h"

struct kept_request *kept_new(struct cmd *cmd, const struct slice *argv, int argc)
{
    size_t bytes = sizeof(struct kept_request) + (size_t)argc * sizeof(struct slice);
    for (int i = 0; i < argc; i++)
        bytes += argv[i].len;
    struct kept_request *r = mem_try_alloc(bytes);
    if (!r)
        return NULL;
    *r = (struct kept_request){.cmd = cmd, .argc = argc, .bytes = bytes};
    char *place = (char *)&r->argv[argc];
    for (int i = 0; i < argc; i++) {
        r->argv[i] = slice_of(place, argv[i].len);
        if (argv[i].len)
            memcpy(place, argv[i].ptr, argv[i].len);
        place += argv[i].len;
    }
    return r;
}
