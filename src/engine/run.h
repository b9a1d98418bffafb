#pragma once
/* Running one request: what engine.c's batches, EXEC and a replayed log share. */
#include "base/slice.h"
#include "engine/engine.h"

/* Runs a request that was found and checked already: monitors, the handler, statistics, slow log. The reply goes to
 * the session. */
void engine_call(struct engine *e, struct session *s, struct cmd *cmd, const struct slice *argv,
                 int argc);
