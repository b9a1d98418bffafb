/* Metrics whose labels depend on the data: by command, error, database, shard and event. */
#include "admin/admin_impl.h"
#include "admin/info.h"
#include "admin/latency.h"
#include "admin/metrics_text.h"
#include "base/mem.h"
#include "base/num.h"

#define COUNT(of) (sizeof(of) / sizeof((of)[0]))

/* --- one label -------------------------------------------------------------------------------------------- */

/* Lines of a family that differ in one label, whose buffer they share. */
struct list {
    struct buf *out;
    struct buf label;
    struct metric_family family;
    const char *name; /* of the label */
};

static void list_begin(struct list *l, struct buf *out, const char *label)
{
    *l = (struct list){.out = out, .name = label};
    buf_init(&l->label);
}

static void list_end(struct list *l)
{
    buf_deinit(&l->label);
}

static void list_head(struct list *l, const struct metric_family *family)
{
    l->family = *family;
    metrics_head(l->out, family);
}

static void list_label(struct list *l, const char *value)
{
    buf_clear(&l->label);
    metrics_label(&l->label, l->name, slice_from_cstr(value));
    if (l->label.err != ERR_OK)
        l->out->err = l->label.err;
}

static void list_u64(struct list *l, const char *label, uint64_t value)
{
    list_label(l, label);
    metrics_line(l->out, &l->family, &l->label);
    metrics_u64(l->out, value);
}

static void list_seconds(struct list *l, const char *label, uint64_t ns)
{
    list_label(l, label);
    metrics_line(l->out, &l->family, &l->label);
    metrics_seconds(l->out, ns);
}

/* --- commands --------------------------------------------------------------------------------------------- */

enum command_figure { CALLS, SECONDS, REJECTED, FAILED };

static const struct {
    enum command_figure figure;
    const char *own, *redis, *help;
} command_families[] = {
    {CALLS, "command_calls_total", "commands_total", "Calls of a command."},
    {SECONDS, "command_seconds_total", "commands_duration_seconds_total",
     "Time that calls of a command took."},
    {REJECTED, "command_rejected_calls_total", "commands_rejected_calls_total",
     "Calls of a command that were refused before it ran."},
    {FAILED, "command_failed_calls_total", "commands_failed_calls_total",
     "Calls of a command that replied an error."},
};

static bool was_called(const struct cmd *c)
{
    return c->stats.calls || c->stats.rejected_calls || c->stats.failed_calls;
}

static uint64_t ticks_ns(const struct engine *e, uint64_t ticks)
{
    return (uint64_t)(engine_ticks_us(e, ticks) * 1e3);
}

static void list_command(struct list *l, const struct engine *e, const struct cmd *c,
                         enum command_figure figure)
{
    switch (figure) {
    case CALLS: list_u64(l, c->full_name, c->stats.calls); break;
    case SECONDS: list_seconds(l, c->full_name, ticks_ns(e, c->stats.ticks)); break;
    case REJECTED: list_u64(l, c->full_name, c->stats.rejected_calls); break;
    case FAILED: list_u64(l, c->full_name, c->stats.failed_calls); break;
    }
}

static void append_commands(const struct admin *a, struct buf *out, bool own)
{
    const struct cmd_table *t = engine_table(a->engine);
    struct list l;
    list_begin(&l, out, own ? "command" : "cmd");
    for (size_t i = 0; i < COUNT(command_families); i++) {
        list_head(&l,
                  &(struct metric_family){own ? METRICS_OWN : METRICS_REDIS,
                                          own ? command_families[i].own : command_families[i].redis,
                                          METRIC_COUNTER, command_families[i].help});
        for (size_t k = 0; k < cmd_table_count(t); k++)
            if (was_called(cmd_table_at(t, k)))
                list_command(&l, a->engine, cmd_table_at(t, k), command_families[i].figure);
    }
    list_end(&l);
}

void metrics_commands(const struct admin *a, struct buf *out)
{
    append_commands(a, out, true);
    append_commands(a, out, false);
}

/* The time of the calls in the histogram. Only the time of all calls is known: where latency-tracking was off for a
 * while, the histogram has fewer, and gets its share of that time. */
static uint64_t histogram_ns(const struct engine *e, const struct cmd_stats *st)
{
    uint64_t counted = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        counted += st->histogram[i];
    double ns = (double)ticks_ns(e, st->ticks);
    return (uint64_t)(counted < st->calls ? ns * (double)counted / (double)st->calls : ns);
}

void metrics_durations(const struct admin *a, struct buf *out)
{
    const struct cmd_table *t = engine_table(a->engine);
    struct list l;
    if (!engine_config(a->engine)->latency_tracking)
        return;
    list_begin(&l, out, "command");
    list_head(&l, &(struct metric_family){METRICS_OWN, "command_duration_seconds", METRIC_HISTOGRAM,
                                          "How long calls of a command took."});
    for (size_t i = 0; i < cmd_table_count(t); i++) {
        const struct cmd *c = cmd_table_at(t, i);
        if (!c->stats.histogram || !c->stats.calls)
            continue;
        list_label(&l, c->full_name);
        metrics_histogram(out, &l.family, &l.label, c->stats.histogram,
                          histogram_ns(a->engine, &c->stats));
    }
    list_end(&l);
}

/* --- errors ----------------------------------------------------------------------------------------------- */

void metrics_errors(const struct admin *a, struct buf *out)
{
    static const struct {
        const struct metric_family family;
        const char *label;
    } families[] = {
        {{METRICS_OWN, "errors_total", METRIC_COUNTER, "Errors that were replied, by code."},
         "code"},
        {{METRICS_REDIS, "errors_total", METRIC_COUNTER, "Errors that were replied, by code."},
         "err"},
    };
    int count;
    const struct engine_error_stat *errors = engine_error_stats(a->engine, &count);
    for (size_t i = 0; i < COUNT(families); i++) {
        struct list l;
        list_begin(&l, out, families[i].label);
        list_head(&l, &families[i].family);
        for (int k = 0; k < count; k++)
            list_u64(&l, errors[k].code, errors[k].count);
        list_end(&l);
    }
}

/* --- databases and shards --------------------------------------------------------------------------------- */

enum database_figure { KEYS, EXPIRING, TTL };

static void append_databases(const struct admin *a, struct buf *out, bool own)
{
    static const struct {
        enum database_figure figure;
        const char *own, *redis, *help;
    } families[] = {
        {KEYS, "database_keys", "db_keys", "Keys of a database."},
        {EXPIRING, "database_expiring_keys", "db_keys_expiring",
         "Keys of a database that have a deadline."},
        {TTL, "database_ttl_seconds", "db_avg_ttl_seconds",
         "How long keys with a deadline have yet, about, on average."},
    };
    const struct keyspace *ks = engine_keyspace(a->engine);
    struct list l;
    list_begin(&l, out, own ? "database" : "db");
    for (size_t i = 0; i < COUNT(families); i++) {
        list_head(&l, &(struct metric_family){own ? METRICS_OWN : METRICS_REDIS,
                                              own ? families[i].own : families[i].redis,
                                              METRIC_GAUGE, families[i].help});
        for (int db = 0; db < ks_databases(ks); db++) {
            char name[sizeof("db") + NUM_I64_CHARS] = "db";
            /* Database 0 is shown while it is empty, too, as nearly all data are there. */
            if (ks_size(ks, db) == 0 && db > 0)
                continue;
            name[2 + num_print_i64(name + 2, db)] = '\0';
            const char *label = own ? name + 2 : name;
            if (families[i].figure == TTL)
                list_seconds(&l, label, ks_average_ttl_ms(ks, db) * 1000000);
            else
                list_u64(&l, label,
                         families[i].figure == KEYS ? ks_size(ks, db) : ks_expires(ks, db));
        }
    }
    list_end(&l);
}

void metrics_databases(const struct admin *a, struct buf *out)
{
    append_databases(a, out, true);
    append_databases(a, out, false);
}

enum shard_figure { SHARD_SLOTS, SHARD_KEYS, SHARD_EXPIRING, SHARD_BYTES };

static const struct {
    enum shard_figure figure;
    const char *name, *help;
} shard_families[] = {
    {SHARD_SLOTS, "shard_slots", "Hash slots of a shard."},
    {SHARD_KEYS, "shard_keys", "Keys of a shard."},
    {SHARD_EXPIRING, "shard_expiring_keys", "Keys of a shard that have a deadline."},
    {SHARD_BYTES, "shard_bytes", "Memory of a shard's keys, values and tables."},
};

static uint64_t of_shard(const struct ks_shard_stats *st, enum shard_figure figure)
{
    switch (figure) {
    case SHARD_SLOTS: return st->slots;
    case SHARD_KEYS: return st->keys;
    case SHARD_EXPIRING: return st->expires;
    case SHARD_BYTES: return st->bytes;
    }
    __builtin_unreachable();
}

void metrics_shards(const struct admin *a, struct buf *out)
{
    const struct keyspace *ks = engine_keyspace(a->engine);
    unsigned shards = info_shard_count(ks);
    struct ks_shard_stats *of = mem_try_alloc(shards * sizeof(*of));
    struct list l;
    if (!of) {
        out->err = ERR_NOMEM;
        return;
    }
    for (unsigned i = 0; i < shards; i++)
        ks_shard_stats(ks, i, &of[i]);
    list_begin(&l, out, "shard");
    for (size_t i = 0; i < COUNT(shard_families); i++) {
        list_head(&l, &(struct metric_family){METRICS_OWN, shard_families[i].name, METRIC_GAUGE,
                                              shard_families[i].help});
        for (unsigned k = 0; k < shards; k++) {
            char label[NUM_I64_CHARS];
            label[num_print_u64(label, k)] = '\0';
            list_u64(&l, label, of_shard(&of[k], shard_families[i].figure));
        }
    }
    list_end(&l);
    mem_free(of);
}

/* --- figures that INFO has not ---------------------------------------------------------------------------- */

void metrics_latency(const struct admin *a, struct buf *out)
{
    static const struct {
        struct metric_family family;
        const char *label;
        bool worst;
    } families[] = {
        {{METRICS_OWN, "latency_spike_seconds", METRIC_GAUGE,
          "The latest spike of an event that took latency-monitor-threshold or longer."},
         "event",
         false},
        {{METRICS_OWN, "latency_spike_worst_seconds", METRIC_GAUGE,
          "The worst spike of such an event."},
         "event",
         true},
        {{METRICS_REDIS, "latency_spike_duration_seconds", METRIC_GAUGE,
          "The latest spike of an event."},
         "event_name",
         false},
    };
    for (size_t i = 0; i < COUNT(families); i++) {
        struct list l;
        list_begin(&l, out, families[i].label);
        list_head(&l, &families[i].family);
        for (int k = 0; k < latency_event_count(a->latency); k++) {
            const struct latency_series *s = latency_event(a->latency, k);
            int64_t ms = families[i].worst ? s->ms_max : latency_at(s, s->count - 1)->ms;
            list_seconds(&l, s->event, (uint64_t)ms * 1000000);
        }
        list_end(&l);
    }
}

static void append_histogram(struct buf *out, const char *name, const char *help,
                             const struct histogram *h)
{
    const struct metric_family family = {METRICS_OWN, name, METRIC_HISTOGRAM, help};
    metrics_head(out, &family);
    metrics_histogram(out, &family, NULL, h->count, h->sum_us * 1000);
}

void metrics_waits(const struct admin *a, struct buf *out)
{
    struct admin_process p;
    admin_process(a, &p);
    append_histogram(out, "gate_wait_seconds",
                     "How long replies waited for the append-only file: what a client got in one "
                     "turn of the loop is one wait.",
                     &engine_stats(a->engine)->gate_waits);
    if (p.turns)
        append_histogram(out, "loop_turn_duration_seconds",
                         "How long turns of the event loop took, without waiting.", p.turns);
}
