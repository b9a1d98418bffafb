/* INFO: lines whose names depend on the data. */
#include "admin/info.h"

#include "admin/admin_impl.h"
#include "base/num.h"

#define U(x) ((unsigned long long)(x))

void info_listeners(const struct admin *a, struct buf *out)
{
    char where[ADMIN_LISTENERS_MAX][ADMIN_LISTENER_CHARS];
    int n = a->host.listeners ? a->host.listeners(a->host.server, where, ADMIN_LISTENERS_MAX) : 0;
    for (int i = 0; i < n; i++)
        info_line(out, "listener%d:name=%s,bind=%s", i, where[i][0] == '/' ? "unix" : "tcp",
                  where[i]);
}

void info_commandstats(const struct admin *a, struct buf *out)
{
    const struct cmd_table *t = engine_table(a->engine);
    for (size_t i = 0; i < cmd_table_count(t); i++) {
        const struct cmd *c = cmd_table_at(t, i);
        const struct cmd_stats *st = &c->stats;
        if (!st->calls && !st->rejected_calls && !st->failed_calls)
            continue;
        double us = engine_ticks_us(a->engine, st->ticks);
        info_line(
            out,
            "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu",
            c->full_name, U(st->calls), us, st->calls ? us / (double)st->calls : 0,
            U(st->rejected_calls), U(st->failed_calls));
    }
}

void info_errorstats(const struct admin *a, struct buf *out)
{
    int count;
    const struct engine_error_stat *errors = engine_error_stats(a->engine, &count);
    for (int i = 0; i < count; i++)
        info_line(out, "errorstat_%s:count=%llu", errors[i].code, U(errors[i].count));
}

/* The least duration, in microseconds, that `percent` of the calls stay below; buckets are powers of two. */
static double percentile(const uint64_t *histogram, double percent)
{
    uint64_t calls = 0, seen = 0;
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++)
        calls += histogram[i];
    for (int i = 0; i < CMD_HISTOGRAM_BUCKETS; i++) {
        seen += histogram[i];
        if (seen > 0 && (double)seen * 100 >= percent * (double)calls)
            return (double)(1ULL << i);
    }
    return 0;
}

void info_latencystats(const struct admin *a, struct buf *out)
{
    const struct engine_config *config = engine_config(a->engine);
    const struct cmd_table *t = engine_table(a->engine);
    if (!config->latency_tracking)
        return;
    for (size_t i = 0; i < cmd_table_count(t); i++) {
        const struct cmd *c = cmd_table_at(t, i);
        if (!c->stats.histogram || !c->stats.calls)
            continue;
        buf_printf(out, "latency_percentiles_usec_%s:", c->full_name);
        for (int k = 0; k < config->percentile_count; k++) {
            char name[32];
            int len = num_print_double(name, config->percentiles[k]);
            buf_printf(out, "%sp%.*s=%.3f", k ? "," : "", len, name,
                       percentile(c->stats.histogram, config->percentiles[k]));
        }
        buf_append_cstr(out, "\r\n");
    }
}

void info_databases(const struct admin *a, struct buf *out)
{
    const struct keyspace *ks = engine_keyspace(a->engine);
    for (int db = 0; db < ks_databases(ks); db++) {
        uint64_t keys = ks_size(ks, db);
        if (keys > 0)
            info_line(out, "db%d:keys=%llu,expires=%llu,avg_ttl=%llu", db, U(keys),
                      U(ks_expires(ks, db)), U(ks_average_ttl_ms(ks, db)));
    }
}

unsigned info_shard_count(const struct keyspace *ks)
{
    struct ks_move_stats m;
    ks_move_stats(ks, &m);
    unsigned shards = ks_shards(ks);
    return m.active && m.from > shards ? m.from : shards;
}

void info_shards(const struct admin *a, struct buf *out)
{
    const struct keyspace *ks = engine_keyspace(a->engine);
    unsigned shards = info_shard_count(ks);
    for (unsigned i = 0; i < shards; i++) {
        struct ks_shard_stats st;
        ks_shard_stats(ks, i, &st);
        info_line(out, "shard%u:slots=%u,keys=%llu,expires=%llu,bytes=%llu", i, st.slots,
                  U(st.keys), U(st.expires), U(st.bytes));
    }
}
