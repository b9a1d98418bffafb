#include "admin/latency_report.h"

#include <math.h>
#include <stdlib.h>

#include "admin/admin_impl.h"
#include "admin/latency.h"
#include "base/buf.h"
#include "engine/engine.h"

/* --- GRAPH ------------------------------------------------------------------------------------ */

#define GRAPH_COLUMNS_MAX 80
#define GRAPH_ROWS        5
#define GRAPH_RULE \
    "--------------------------------------------------------------------------------\n"
_Static_assert(sizeof(GRAPH_RULE) - 2 == GRAPH_COLUMNS_MAX, "the rule is as wide as the graph");

/* Half rows of a bar, at least one: the highest sample fills all rows. */
static int64_t bar_height(const struct latency_sample *sample, int64_t high_ms)
{
    int64_t halves = high_ms > 0 ? sample->ms * 2 * GRAPH_ROWS / high_ms : 0;
    return halves > 0 ? halves : 1;
}

static void append_row(struct buf *text, const struct latency_series *s, uint32_t first, int row,
                       int64_t high_ms)
{
    for (uint32_t i = first; i < s->count; i++) {
        int64_t above = bar_height(latency_at(s, i), high_ms) - 2 * row;
        buf_append_char(text, above >= 2 ? '#' : above == 1 ? '.' : ' ');
    }
    buf_append_char(text, '\n');
}

/* The latest samples, one a column, oldest on the left:
 *
 *      #
 *     .#
 *    .##.   */
static void append_graph(struct buf *text, const struct latency_series *s, int64_t now_s)
{
    uint32_t first = s->count > GRAPH_COLUMNS_MAX ? s->count - GRAPH_COLUMNS_MAX : 0;
    int64_t high = latency_at(s, first)->ms, low = high;
    for (uint32_t i = first; i < s->count; i++) {
        int64_t ms = latency_at(s, i)->ms;
        high = ms > high ? ms : high;
        low = ms < low ? ms : low;
    }
    buf_printf(text, "%s - high %lld ms, low %lld ms (all time high %lld ms)\n" GRAPH_RULE,
               s->event, (long long)high, (long long)low, (long long)s->ms_max);
    for (int row = GRAPH_ROWS - 1; row >= 0; row--)
        append_row(text, s, first, row, high);
    buf_printf(text, GRAPH_RULE "%u samples, from %lld s to %lld s ago\n", s->count - first,
               (long long)(now_s - latency_at(s, first)->wall_s),
               (long long)(now_s - latency_at(s, s->count - 1)->wall_s));
}

void latency_cmd_graph(struct cmd_ctx *c)
{
    const struct latency_series *s = latency_find(admin_of(c)->latency, c->argv[2]);
    struct buf text;
    if (!s) {
        resp_errorf(c->out, "No samples available for event '%.*s'",
                    slice_shown(c->argv[2], RESP_LINE_BYTES_MAX), c->argv[2].ptr);
        return;
    }
    buf_init(&text);
    append_graph(&text, s, engine_wall_ms(admin_of(c)->engine) / 1000);
    ctx_reply_text(c, &text);
}

/* --- DOCTOR ----------------------------------------------------------------------------------- */

struct digest {
    double average_ms, deviation_ms; /* mean absolute deviation */
    double period_s;                 /* between samples; 0: there is only one */
};

static struct digest digest(const struct latency_series *s)
{
    struct digest d = {0};
    for (uint32_t i = 0; i < s->count; i++)
        d.average_ms += (double)latency_at(s, i)->ms / s->count;
    for (uint32_t i = 0; i < s->count; i++)
        d.deviation_ms += fabs((double)latency_at(s, i)->ms - d.average_ms) / s->count;
    if (s->count > 1)
        d.period_s = (double)(latency_at(s, s->count - 1)->wall_s - latency_at(s, 0)->wall_s) /
                     (s->count - 1);
    return d;
}

static void append_series(struct buf *text, int number, const struct latency_series *s,
                          int64_t now_s)
{
    struct digest d = digest(s);
    buf_printf(text,
               "%d. %s: %u spikes, %.0f ms on average (mean deviation %.0f ms), worst %lld ms",
               number, s->event, s->count, d.average_ms, d.deviation_ms, (long long)s->ms_max);
    if (s->count > 1)
        buf_printf(text, ", one every %.1f s", d.period_s);
    buf_printf(text, ", the latest %lld s ago.\n",
               (long long)(now_s - latency_at(s, s->count - 1)->wall_s));
}

/* Advice on events whose names begin with `prefix`. */
static const struct {
    const char *prefix, *advice;
} remedies[] = {
    {"command",
     "SLOWLOG GET shows which requests were slow. Those over a whole database or value "
     "(KEYS, FLUSHALL SYNC, long ranges) hold everybody up: SCAN and smaller pieces do not."},
    {"fast-command",
     "Commands that are fast by nature were slow: the machine had no CPU or memory to "
     "give. Look for swapping, busy neighbours and a process on the same core."},
    {"aof",
     "The disk was slow to take the log. Look for other writers on the device; a device of its "
     "own for appendonlydir or appendfsync everysec takes the load off."},
    {"expire", "Many keys came due at once. Spread their times to live."},
    {"evict",
     "Memory is at its limit, and every write makes room first. Raise maxmemory or keep less."},
};

static void append_advice(struct buf *text, const struct engine *e, const char *event)
{
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (strncmp(event, remedies[i].prefix, strlen(remedies[i].prefix)) == 0)
            buf_printf(text, "- %s: %s\n", event, remedies[i].advice);
    if (strcmp(event, "command") != 0)
        return;
    if (engine_config(e)->slowlog_us < 0)
        buf_append_cstr(text, "- The slow log is off: CONFIG SET slowlog-log-slower-than 1000 lets "
                              "it note what takes a millisecond.\n");
    else if (engine_config(e)->slowlog_us > engine_config(e)->latency_ms * 1000)
        buf_printf(text,
                   "- The slow log leaves out what takes less than %lld us, more than the %lld "
                   "ms noted here: lower slowlog-log-slower-than.\n",
                   (long long)engine_config(e)->slowlog_us,
                   (long long)engine_config(e)->latency_ms);
}

static void append_diagnosis(struct buf *text, const struct latency *l, const struct engine *e)
{
    int events = latency_event_count(l);
    if (engine_config(e)->latency_ms <= 0)
        buf_append_cstr(text, "Latency is not watched. CONFIG SET latency-monitor-threshold "
                              "<milliseconds> notes everything that takes as long from then on.\n");
    if (events == 0) {
        if (engine_config(e)->latency_ms > 0)
            buf_printf(text, "Nothing has taken %lld ms or longer since latency is watched.\n",
                       (long long)engine_config(e)->latency_ms);
        return;
    }
    buf_append_cstr(text, "These took long enough to be noted:\n\n");
    for (int i = 0; i < events; i++)
        append_series(text, i + 1, latency_event(l, i), engine_wall_ms(e) / 1000);
    buf_append_cstr(text, "\nWhat may help:\n\n");
    for (int i = 0; i < events; i++)
        append_advice(text, e, latency_event(l, i)->event);
}

void latency_cmd_doctor(struct cmd_ctx *c)
{
    struct buf text;
    buf_init(&text);
    append_diagnosis(&text, admin_of(c)->latency, admin_of(c)->engine);
    ctx_reply_text(c, &text);
}

/* --- HISTOGRAM -------------------------------------------------------------------------------- */

static size_t filled_buckets(const struct cmd *cmd)
{
    size_t n = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        n += cmd->stats.histogram[i] > 0;
    return n;
}

/* Counts of calls that took less than so many microseconds; each count includes the ones before it. */
static void reply_histogram(struct resp_writer *w, const struct cmd *cmd)
{
    uint64_t calls = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        calls += cmd->stats.histogram[i];
    resp_bulk_cstr(w, cmd->full_name);
    resp_map(w, 2);
    resp_bulk_cstr(w, "calls");
    resp_int(w, (int64_t)calls);
    resp_bulk_cstr(w, "histogram_usec");
    resp_map(w, filled_buckets(cmd));
    calls = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++) {
        calls += cmd->stats.histogram[i];
        if (cmd->stats.histogram[i] > 0) {
            resp_int(w, INT64_C(1) << i);
            resp_int(w, (int64_t)calls);
        }
    }
}

/* A command, or all subcommands of a container. Returns how many were shown. */
static size_t reply_if_called(struct resp_writer *w, const struct cmd *cmd)
{
    size_t shown = 0;
    if (cmd->stats.histogram && filled_buckets(cmd) > 0) {
        reply_histogram(w, cmd);
        shown++;
    }
    for (struct cmd **sub = cmd->subs; sub && *sub; sub++)
        shown += reply_if_called(w, *sub);
    return shown;
}

void latency_cmd_histogram(struct cmd_ctx *c)
{
    struct resp_inner in;
    size_t shown = 0;
    resp_inner_open(&in, c->out);
    if (c->argc == 2)
        for (size_t i = 0; i < cmd_table_top_count(c->table); i++)
            shown += reply_if_called(&in.w, cmd_table_top_at(c->table, i));
    for (int i = 2; i < c->argc; i++) {
        const struct cmd *cmd = cmd_lookup_full(c->table, c->argv[i]);
        if (cmd)
            shown += reply_if_called(&in.w, cmd);
    }
    resp_inner_close_map(&in, shown);
}
