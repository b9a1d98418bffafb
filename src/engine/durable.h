#pragma once
/* The engine's side of the log: effects go to it, and clients ask how far it is. */
#include <stdbool.h>

#include "base/err.h"
#include "cmd/table.h"

struct aof;
struct engine;

extern const struct cmd_row engine_rows_durable[]; /* WAITAOF */

/* From now on effects go to the log and replies wait for it; without `effects`, it is there to be rewritten
 * only. Borrows it until engine_log_detach. */
void engine_log_attach(struct engine *e, struct aof *aof, bool effects);
/* Brings the promise up to what the log says: whoever changes the policy calls it. */
void engine_log_look(struct engine *e);
/* There is memory for what the command may put into the stream: asked before it changes anything. Reading commands may
 * end keys that are due. */
bool engine_has_room(struct engine *e, const struct cmd *cmd, const struct slice *argv, int argc);
/* Hands the batch of the turn to it. */
void engine_log_turn_end(struct engine *e);
/* No effects go to it any more; replies that wait for it still do. */
void engine_log_stop(struct engine *e);
/* It has had a fault for as long as anybody waits for its end: see gate_fault. */
void engine_log_failed(struct engine *e);
/* Replies wait for nothing any more. */
void engine_log_detach(struct engine *e);
/* The log's descriptor is readable: positions moved on. Between requests only. */
void engine_log_moved(struct engine *e);
/* Tells whoever waits for the promise, or for room in the log. engine_log_moved does. */
void engine_promise_moved(struct engine *e);
/* CLIENT DURABILITY fsync|written|none|default. */
void cmd_client_durability(struct cmd_ctx *c);
