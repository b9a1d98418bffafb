#pragma once
/* Replies with many elements of one value: HGETALL, LRANGE 0 -1, ... A short reply is written at once. A long one is
 * written as the client reads it, from the value as it was when the request ran: the value is held, not copied. */
#include <stdbool.h>
#include <stddef.h>

#include "cmd/ctx.h"

/* About how many bytes of a reply are written at once. */
#define REPLY_WALK_AT_ONCE_BYTES ((size_t)16 * 1024)

/* Writes the next elements that `state` asks for to `w`: at least one, and about `bytes` bytes. Moves `state` behind
 * them. True: there are more. */
typedef bool (*reply_walk_fn)(void *state, const struct item *it, struct resp_writer *w,
                              size_t bytes);

struct reply_walk {
    void (*header)(struct resp_writer *w, size_t n); /* resp_array, resp_set or resp_map */
    size_t count; /* of elements, in a map of pairs; at least 1 */
    reply_walk_fn write;
    /* The handler's own record of where the walk is and where it ends; copied. It must not point into the item: later
     * calls of `write` are given another item with the same value. */
    void *state;
    size_t state_bytes;
};

/* Replies the header and the elements of a value that the handler has read. Where there is no memory to hold the value,
 * replies -OOM instead. */
void ctx_reply_walk(struct cmd_ctx *c, const struct item *it, const struct reply_walk *walk);
