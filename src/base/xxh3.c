#include "base/xxh3.h"

/* Compiled into this object, so that the server needs no library of it at run time. */
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t xxh3_64(struct slice s)
{
    return XXH3_64bits(s.ptr, s.len);
}

uint64_t xxh3_64_runs(struct slice (*next)(void *arg), void *arg)
{
    XXH3_state_t state;
    struct slice run;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    while ((run = next(arg)).len > 0)
        XXH3_64bits_update(&state, run.ptr, run.len);
    return XXH3_64bits_digest(&state);
}
