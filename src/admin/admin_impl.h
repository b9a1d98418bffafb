#pragma once
/* What this room's handlers see of it. */
#include "admin/admin.h"
#include "cmd/ctx.h"
#include "cmd/table.h"

struct admin {
    struct engine *engine; /* borrowed; NULL until it is attached */
    struct latency *latency;
    struct slowlog *slowlog;
};

static inline struct admin *admin_of(const struct cmd_ctx *c)
{
    return c->cmd->room;
}

extern const struct cmd_row
    admin_rows_absent[]; /* what Corsac has not: MODULE CLUSTER SCRIPT ... */
extern const struct cmd_row admin_rows_command[]; /* COMMAND */
extern const struct cmd_row admin_rows_latency[]; /* LATENCY */
extern const struct cmd_row admin_rows_slowlog[]; /* SLOWLOG */
