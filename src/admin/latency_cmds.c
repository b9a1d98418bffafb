/* LATENCY: reads and resets the history of events. */
#include "admin/admin_impl.h"
#include "admin/latency.h"
#include "admin/latency_report.h"

static void cmd_latency_latest(struct cmd_ctx *c)
{
    const struct latency *l = admin_of(c)->latency;
    int count = latency_event_count(l);
    resp_array(c->out, (size_t)count);
    for (int i = 0; i < count; i++) {
        const struct latency_series *s = latency_event(l, i);
        const struct latency_sample *last = latency_at(s, s->count - 1);
        resp_array(c->out, 4);
        resp_bulk_cstr(c->out, s->event);
        resp_int(c->out, last->wall_s);
        resp_int(c->out, last->ms);
        resp_int(c->out, s->ms_max);
    }
}

static void cmd_latency_history(struct cmd_ctx *c)
{
    const struct latency_series *s = latency_find(admin_of(c)->latency, c->argv[2]);
    uint32_t count = s ? s->count : 0;
    resp_array(c->out, count);
    for (uint32_t i = 0; i < count; i++) {
        resp_array(c->out, 2);
        resp_int(c->out, latency_at(s, i)->wall_s);
        resp_int(c->out, latency_at(s, i)->ms);
    }
}

static void cmd_latency_reset(struct cmd_ctx *c)
{
    struct latency *l = admin_of(c)->latency;
    int forgotten = 0;
    if (c->argc == 2)
        forgotten = latency_forget_all(l);
    for (int i = 2; i < c->argc; i++)
        forgotten += latency_forget(l, c->argv[i]);
    resp_int(c->out, forgotten);
}

static void cmd_latency_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Explain what was observed and what may be done about it.",
        "GRAPH <event>",
        "    Draw the samples of an event.",
        "HISTORY <event>",
        "    List the samples of an event: Unix time and milliseconds.",
        "LATEST",
        "    List for each event the latest sample and the worst.",
        "RESET [<event> ...]",
        "    Forget the samples of these events, of all if none is named.",
        "HISTOGRAM [<command> ...]",
        "    Show how many calls of each command took up to how many microseconds.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define LATENCY_FLAGS (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define LATENCY_ACL   (ACL_ADMIN | ACL_DANGEROUS)
#define LATENCY_TIPS  "nondeterministic_output,request_policy:all_nodes,response_policy:special"

static const struct cmd_row latency_subs[] = {
    {.name = "doctor",
     .fn = latency_cmd_doctor,
     .arity = 2,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Explains the latency that was observed.",
     .synopsis = "",
     .tips = LATENCY_TIPS},
    {.name = "graph",
     .fn = latency_cmd_graph,
     .arity = 3,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Draws the latency of an event.",
     .synopsis = "event",
     .tips = LATENCY_TIPS},
    {.name = "histogram",
     .fn = latency_cmd_histogram,
     .arity = -2,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of commands shown",
     .summary = "Shows how long the calls of commands took, as a cumulative distribution.",
     .synopsis = "[command ...]",
     .tips = LATENCY_TIPS},
    {.name = "history",
     .fn = cmd_latency_history,
     .arity = 3,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Lists the latency of an event over time.",
     .synopsis = "event",
     .tips = LATENCY_TIPS},
    {.name = "latest",
     .fn = cmd_latency_latest,
     .arity = 2,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Lists the latest and worst latency of every event.",
     .synopsis = "",
     .tips = LATENCY_TIPS},
    {.name = "reset",
     .fn = cmd_latency_reset,
     .arity = -2,
     .flags = LATENCY_FLAGS,
     .acl = LATENCY_ACL,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Forgets the latency of some events or of all.",
     .synopsis = "[event ...]",
     .tips = "request_policy:all_nodes,response_policy:agg_sum"},
    {.name = "help",
     .fn = cmd_latency_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(1)",
     .summary = "Tells what the subcommands do.",
     .synopsis = ""},
    {0},
};

const struct cmd_row admin_rows_latency[] = {
    {.name = "latency",
     .arity = -2,
     .group = "server",
     .since = "2.8.13",
     .complexity = "Depends on the subcommand.",
     .summary = "Shows and forgets what was noted about latency.",
     .synopsis = "subcommand [argument ...]",
     .subs = latency_subs},
    {0},
};
