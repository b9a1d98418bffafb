#pragma once
/* Replies with many elements of one value: HGETALL, LRANGE 0 -1, ... A few are written at once. Many are written as the
 * client takes them, from the value as it was when the request ran: it is held, which copies nothing. */
#include <stdbool.h>
#include <stddef.h>

#include "cmd/ctx.h"

/* A reply of about as many bytes is written at once. */
#define REPLY_WALK_AT_ONCE_BYTES ((size_t)16 * 1024)

/* Writes the next elements of the value to `w`: about `bytes`, at least one element, and no more than stand in `state`
 * as wanted. Moves `state` behind them. True: there are more. */
typedef bool (*reply_walk_fn)(void *state, const struct item *it, struct resp_writer *w,
                              size_t bytes);

struct reply_walk {
    void (*header)(struct resp_writer *w, size_t n); /* resp_array, resp_set or resp_map */
    size_t count;                                    /* elements, of a map pairs: 1 at least */
    reply_walk_fn write;
    /* Where it is and how far it goes, of the handler's own kind; copied. What it points to lies outside of the item,
     * which is another one with the same value when `write` is called again. */
    void *state;
    size_t state_bytes;
};

/* The header and the elements, of a value that the handler read. -OOM in their place where there is no memory to hold
 * it. */
void ctx_reply_walk(struct cmd_ctx *c, const struct item *it, const struct reply_walk *walk);
