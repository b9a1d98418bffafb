#include "engine/kept.h"

#include <string.h>

#include "base/blob.h"
#include "base/mem.h"
#include "engine/session_impl.h"

static struct blob *blob_of(const struct session *s, struct slice arg)
{
    bool may = arg.len >= KEPT_BLOB_BYTES_MIN && s->ops && s->ops->blob;
    return may ? s->ops->blob(s, arg.ptr) : NULL;
}

static struct blob **blobs(const struct kept_request *r)
{
    return (struct blob **)(r->argv + r->argc);
}

struct kept_request *kept_new(const struct session *s, struct cmd *cmd, const struct slice *argv,
                              int argc)
{
    size_t bytes = sizeof(struct kept_request) + (size_t)argc * sizeof(struct slice), apart = 0;
    int count = 0;
    for (int i = 0; i < argc; i++) {
        if (!blob_of(s, argv[i])) {
            bytes += argv[i].len;
            continue;
        }
        bytes += sizeof(struct blob *);
        apart += argv[i].len;
        count++;
    }
    struct kept_request *r = mem_try_alloc(bytes);
    if (!r)
        return NULL;
    *r = (struct kept_request){
        .cmd = cmd, .argc = argc, .blob_count = count, .bytes = bytes + apart};
    struct blob **hold = blobs(r);
    char *place = (char *)(hold + count);
    for (int i = 0; i < argc; i++) {
        struct blob *b = blob_of(s, argv[i]);
        r->argv[i] = slice_of(b ? b->data : place, argv[i].len);
        if (b) {
            *hold++ = blob_hold(b);
        } else if (argv[i].len) {
            memcpy(place, argv[i].ptr, argv[i].len);
            place += argv[i].len;
        }
    }
    return r;
}

void kept_free(struct kept_request **pr)
{
    struct kept_request *r = *pr;
    for (int i = 0; r && i < r->blob_count; i++)
        blob_drop(blobs(r)[i]);
    mem_free(r);
    *pr = NULL;
}

struct blob *kept_blob(const struct kept_request *r, const char *bytes)
{
    for (int i = 0; i < r->blob_count; i++)
        if (blobs(r)[i]->data == bytes)
            return blobs(r)[i];
    return NULL;
}
