#pragma once
/* Requests that wait for a key. A request that finds nothing (ctx_block) is kept with its session, which is interested
 * in the keys until one of them holds a value of the type asked for. Then the request runs again, as a unit of its own:
 *
 *   handler --> ctx_block --> kept --> a key is ready --> handler --> replies: done
 *                              |  ^                          |
 *                              |  '--- keeps its place <--- ctx_block
 *                              v
 *                  deadline, CLIENT UNBLOCK --> the empty reply, or an error
 *
 * The request is counted once, when it is over. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/kept.h"
#include "store/item.h"

struct cmd_ctx;
struct ctx_wait;
struct session;

/* A waiting request of a session. */
struct key_wait {
    struct kept_request *request; /* owned */
    enum item_type type;          /* type of the value that it waits for */
    bool again;                   /* it ran again, and goes on waiting */
    uint64_t ticks;               /* time that it has run for so far */
};

/* ctx_block of the running request. False: it may not wait, and is to be answered at once. */
bool wait_begin(struct cmd_ctx *c, const struct ctx_wait *w);
/* The request ran again and has replied. */
void wait_done(struct session *s);
size_t wait_memory(const struct session *s);
