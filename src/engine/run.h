#pragma once
/* Running one request: what engine.c's batches, EXEC and a replayed log share. */
#include "base/slice.h"
#include "engine/engine.h"

/* Runs a request that was found and checked already: monitors, the handler, statistics, slow log. The reply goes to
 * the session. */
void engine_call(struct engine *e, struct session *s, struct cmd *cmd, const struct slice *argv,
                 int argc);
/* What happened to a key, for whoever listens for its class. */
static inline void engine_event(struct engine *e, int db, struct slice key, unsigned class,
                                const char *name)
{
    if ((class & e->config->notify) && e->observers.event)
        e->observers.event(e->observers.clients, db, key, class, name);
}
/* Sends an effect to the log; inside a transaction, as part of its group. */
void engine_effect(struct engine *e, int db, int argc, const struct slice *argv);
/* Ends the group of effects that a transaction sent to the log. */
void engine_effects_end(struct engine *e);
