#pragma once
/* MONITOR: sessions that see every request of the others. */
#include <stdbool.h>

#include "base/slice.h"
#include "cmd/table.h"

struct engine;
struct monitors;
struct session;

extern const struct cmd_row engine_rows_monitor[];

struct monitors *monitors_new(struct engine *e);
void monitors_free(struct monitors **m);
bool monitors_any(const struct monitors *m);
void monitors_leave(struct session *s);
/* Sends the line of a request of `s` to all monitors. */
void monitors_feed(struct monitors *m, const struct session *s, const struct cmd *cmd,
                   const struct slice *argv, int argc);
