#include "engine/latency.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "engine/latency_report.h"

struct latency {
    struct latency_series *series[LATENCY_EVENTS_MAX]; /* owned, `count` of them */
    int count;
};

struct latency *latency_new(void)
{
    return mem_zalloc(sizeof(struct latency));
}

static void forget(struct latency *l, int i)
{
    mem_free(l->series[i]);
    l->count--;
    memmove(&l->series[i], &l->series[i + 1], (size_t)(l->count - i) * sizeof(l->series[0]));
}

static void forget_all(struct latency *l)
{
    while (l->count > 0)
        forget(l, l->count - 1);
}

void latency_free(struct latency **l)
{
    forget_all(*l);
    mem_free(*l);
    *l = NULL;
}

static int index_of(const struct latency *l, struct slice event)
{
    for (int i = 0; i < l->count; i++)
        if (slice_equal(slice_from_cstr(l->series[i]->event), event))
            return i;
    return -1;
}

static struct latency_series *find_or_add(struct latency *l, const char *event)
{
    int i = index_of(l, slice_from_cstr(event));
    if (i >= 0)
        return l->series[i];
    if (l->count == LATENCY_EVENTS_MAX)
        return NULL;
    struct latency_series *s = mem_zalloc(sizeof(*s));
    s->event = event;
    l->series[l->count++] = s;
    return s;
}

static struct latency_sample *newest(struct latency_series *s)
{
    return &s->samples[(s->start + s->count - 1) % LATENCY_HISTORY_LEN];
}

void latency_add(struct latency *l, const char *event, int64_t duration_ms, int64_t threshold_ms,
                 int64_t wall_ms)
{
    if (threshold_ms <= 0 || duration_ms < threshold_ms)
        return;
    struct latency_series *s = find_or_add(l, event);
    if (!s)
        return;
    if (duration_ms > s->ms_max)
        s->ms_max = duration_ms;

    int64_t wall_s = wall_ms / 1000;
    if (s->count == 0 || newest(s)->wall_s != wall_s) {
        if (s->count == LATENCY_HISTORY_LEN)
            s->start = (s->start + 1) % LATENCY_HISTORY_LEN;
        else
            s->count++;
        *newest(s) = (struct latency_sample){wall_s, duration_ms};
    }
    if (duration_ms > newest(s)->ms)
        newest(s)->ms = duration_ms;
}

int latency_event_count(const struct latency *l)
{
    return l->count;
}

const struct latency_series *latency_event(const struct latency *l, int i)
{
    return l->series[i];
}

const struct latency_series *latency_find(const struct latency *l, struct slice event)
{
    int i = index_of(l, event);
    return i >= 0 ? l->series[i] : NULL;
}

/* --- LATENCY ---------------------------------------------------------------------------------- */

static void cmd_latency_latest(struct cmd_ctx *c)
{
    const struct latency *l = engine_of(c)->latency;
    resp_array(c->out, (size_t)l->count);
    for (int i = 0; i < l->count; i++) {
        const struct latency_series *s = l->series[i];
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
    const struct latency_series *s = latency_find(engine_of(c)->latency, c->argv[2]);
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
    struct latency *l = engine_of(c)->latency;
    int before = l->count;
    if (c->argc == 2)
        forget_all(l);
    for (int i = 2; i < c->argc; i++) {
        int at = index_of(l, c->argv[i]);
        if (at >= 0)
            forget(l, at);
    }
    resp_int(c->out, before - l->count);
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

const struct cmd_row engine_rows_latency[] = {
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
