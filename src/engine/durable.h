#pragma once
/* The engine's side of the log: effects go to it, replies and WAITAOF wait for its positions. */
#include <stdbool.h>

#include "base/err.h"
#include "cmd/table.h"

struct aof;
struct engine;

extern const struct cmd_row engine_rows_durable[]; /* WAITAOF */

/* From now on effects go to the log and replies wait for it; without `effects`, the log is there to be rewritten
 * only. Borrows it until engine_log_detach. */
void engine_log_attach(struct engine *e, struct aof *aof, bool effects);
/* Copies the log's positions and state to the promise: to be called after a change of the policy, too. */
void engine_log_look(struct engine *e);
/* There is memory for the command's effects in the stream: asked before it changes anything. A reading command may
 * have effects, too: it ends keys that are due. */
bool engine_has_room(struct engine *e, const struct cmd *cmd, const struct slice *argv, int argc);
/* Hands the turn's batch to the log. */
void engine_log_turn_end(struct engine *e);
/* No effects go to the log any more; replies go on waiting for it. */
void engine_log_stop(struct engine *e);
/* The log has had a fault for GATE_FAULT_US: see gate_fault. */
void engine_log_failed(struct engine *e);
/* Replies wait for nothing any more. */
void engine_log_detach(struct engine *e);
/* The log's descriptor is readable: positions moved on. Between requests only. */
void engine_log_moved(struct engine *e);
/* Wakes sessions that wait for the promise, or for room in the log. engine_log_moved does so itself. */
void engine_promise_moved(struct engine *e);
/* CLIENT DURABILITY fsync|written|none|default. */
void cmd_client_durability(struct cmd_ctx *c);
