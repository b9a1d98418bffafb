#pragma once
/* Running one request outside a batch: for EXEC, and for sessions that waited for a key. Batches: engine_run. */
#include "base/slice.h"
#include "engine/engine.h"

/* Runs a request whose command was found and checked: the handler, monitors, statistics, slow log. The reply goes to
 * the session. */
void engine_call(struct engine *e, struct session *s, struct cmd *cmd, const struct slice *argv,
                 int argc);
/* Runs the request again with which the session waits, if `it` has the type that the request waits for. False: nothing
 * was done. See interest_serve_fn. */
bool engine_serve(struct session *s, const struct item *it);
