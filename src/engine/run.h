#pragma once
/* Running one request: what engine.c's batches, EXEC and a replayed log share. */
#include "base/slice.h"
#include "engine/engine.h"

/* Runs a request that was found and checked already: monitors, the handler, statistics, slow log. The reply goes to
 * the session. */
void engine_call(struct engine *e, struct session *s, struct cmd *cmd, const struct slice *argv,
                 int argc);
/* Runs the request again that the session waits with, where its key has a value of the type that it waits for: see
 * interest_serve_fn. */
bool engine_serve(struct session *s, const struct item *it);
