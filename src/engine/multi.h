#pragma once
/* Transactions: the commands queued between MULTI and EXEC. */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "cmd/table.h"

#define MULTI_COMMANDS_MAX (1024 * 1024)

struct session;

extern const struct cmd_row engine_rows_multi[]; /* MULTI EXEC DISCARD WATCH UNWATCH */

/* Queues a copy of a request that passed its checks. False: no memory (the transaction is then dirty). */
bool multi_queue(struct session *s, struct cmd *cmd, const struct slice *argv, int argc);
/* Drops the queued commands and leaves the transaction; watches are forgotten, too. */
void multi_discard(struct session *s);
size_t multi_count(const struct session *s);
size_t multi_memory(const struct session *s);
bool multi_is_exec(const struct cmd *cmd);
/* Flags (enum cmd_flag) of all queued commands, or-ed: does EXEC write? */
unsigned multi_flags(const struct session *s);
/* The flags that every queued command has. */
unsigned multi_common_flags(const struct session *s);
