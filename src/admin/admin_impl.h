#pragma once
/* The fields of this room's object, for its own files. */
#include "admin/admin.h"
#include "admin/host.h"
#include "admin/samples.h"
#include "cmd/ctx.h"
#include "cmd/table.h"

struct admin {
    struct engine *engine; /* borrowed; NULL until it is attached */
    struct latency *latency;
    struct slowlog *slowlog;
    struct samples samples;
    struct admin_host host; /* functions are NULL without one */
};

static inline struct admin *admin_of(const struct cmd_ctx *c)
{
    return c->cmd->room;
}

/* Finds the value that a reply describes. The look-up leaves its access clock alone, and counts as no hit or miss. */
static inline const struct item *admin_look_at(struct cmd_ctx *c, const struct key *k)
{
    ctx_note(c, k);
    return ks_find(c->ks, c->db, k, KS_NO_TOUCH);
}

/* The host's figures; without a host they are 0, and texts empty. */
void admin_process(const struct admin *a, struct admin_process *out);
void admin_net(const struct admin *a, struct admin_net *out);
void admin_persistence(const struct admin *a, struct admin_persistence *out);

extern const struct cmd_row admin_rows_debug[];   /* DEBUG */
extern const struct cmd_row admin_rows_info[];    /* INFO */
extern const struct cmd_row admin_rows_memory[];  /* MEMORY */
extern const struct cmd_row admin_rows_process[]; /* TIME ROLE LOLWUT */
/* commands of features that Corsac has not: MODULE, CLUSTER ... */
extern const struct cmd_row admin_rows_absent[];
extern const struct cmd_row admin_rows_command[]; /* COMMAND */
extern const struct cmd_row admin_rows_latency[]; /* LATENCY */
extern const struct cmd_row admin_rows_slowlog[]; /* SLOWLOG */
