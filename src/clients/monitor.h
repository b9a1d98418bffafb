#pragma once
/* MONITOR: sessions that see every request of the others. */
#include <stdbool.h>

#include "base/slice.h"
#include "cmd/table.h"

struct monitors;
struct session;

extern const struct cmd_row clients_rows_monitor[];

struct monitors *monitors_new(void);
void monitors_free(struct monitors **m);
bool monitors_any(const struct monitors *m);
void monitors_leave(struct monitors *m, struct session *s);
/* Sends the line of a request of `s` to all monitors. */
void monitors_feed(struct monitors *m, const struct session *s, const struct cmd *cmd,
                   const struct slice *argv, int argc);
