#pragma once
/* Functions by which the rooms above the engine hear of events, handed in when the engine is made, each with the
 * object of its room. NULL: the room does not listen. None of them runs a request or frees a session. */
#include <stdint.h>

#include "base/slice.h"

struct buf;
struct cmd;
struct cmd_ctx;
struct session;

struct engine_observers {
    void *clients; /* borrowed for the engine's life, as `admin` */
    /* An event on a key, of a class that config.notify names. */
    void (*event)(void *clients, int db, struct slice key, unsigned class, const char *name);
    /* A request has run. Called while engine.monitors is not 0. */
    void (*request)(void *clients, const struct session *s, const struct cmd *cmd,
                    const struct slice *argv, int argc);
    /* The session ends or is reset: it leaves everything it takes part in. */
    void (*leave)(void *clients, struct session *s);
    /* Appends the session's line of CLIENT LIST, without the line break. */
    void (*describe)(void *clients, const struct session *s, struct buf *out);

    void *admin;
    /* A request took long enough for the slow log, the latency monitor or the clock: see engine.slow_ticks_min. */
    void (*slow)(void *admin, const struct cmd_ctx *c, int64_t us);
    /* Work of its own that the engine did in one piece. `work` is static text. */
    void (*worked)(void *admin, const char *work, int64_t ms);
};
