/* INFO: persistence, stats, replication and what follows. What Corsac does not have is told as Redis tells it of a
 * server that does not use it: dashboards read these fields whether or not they mean anything. */
#include "server/info.h"

#include "base/num.h"
#include "clients/clients.h"
#include "clients/pubsub.h"

#define NO_ID "0000000000000000000000000000000000000000"

void info_persistence(struct server *s, struct buf *out)
{
    info_line(out, "loading:%d", s->persist.loading);
    info_line(out, "async_loading:0");
    info_line(out, "current_cow_peak:0");
    info_line(out, "current_cow_size:0");
    info_line(out, "current_cow_size_age:0");
    info_line(out, "current_fork_perc:0.00");
    info_line(out, "current_save_keys_processed:0");
    info_line(out, "current_save_keys_total:0");
    info_line(out, "rdb_changes_since_last_save:%llu",
              (unsigned long long)engine_stats(s->engine)->dirty);
    info_line(out, "rdb_bgsave_in_progress:0");
    info_line(out, "rdb_last_save_time:%lld", (long long)(s->created_wall_ms / 1000));
    info_line(out, "rdb_last_bgsave_status:ok");
    info_line(out, "rdb_last_bgsave_time_sec:-1");
    info_line(out, "rdb_current_bgsave_time_sec:-1");
    info_line(out, "rdb_saves:0");
    info_line(out, "rdb_last_cow_size:0");
    info_line(out, "rdb_last_load_keys_expired:0");
    info_line(out, "rdb_last_load_keys_loaded:0");
    persist_info(s, out);
    info_line(out, "module_fork_in_progress:0");
    info_line(out, "module_fork_last_cow_size:0");
}

#define U(x) ((unsigned long long)(x))

static void info_traffic(const struct server *s, struct buf *out)
{
    const struct engine_stats *e = engine_stats(s->engine);
    info_line(out, "total_connections_received:%llu", U(e->connections));
    info_line(out, "total_commands_processed:%llu", U(e->commands));
    info_line(out, "instantaneous_ops_per_sec:%.0f", server_rate(s, METRIC_COMMANDS));
    info_line(out, "total_net_input_bytes:%llu", U(e->in_bytes));
    info_line(out, "total_net_output_bytes:%llu", U(e->out_bytes));
    info_line(out, "total_net_lent_bytes:%llu", U(e->lent_bytes));
    info_line(out, "total_net_repl_input_bytes:0");
    info_line(out, "total_net_repl_output_bytes:0");
    info_line(out, "instantaneous_input_kbps:%.2f", server_rate(s, METRIC_IN_BYTES) / 1024);
    info_line(out, "instantaneous_output_kbps:%.2f", server_rate(s, METRIC_OUT_BYTES) / 1024);
    info_line(out, "instantaneous_input_repl_kbps:0.00");
    info_line(out, "instantaneous_output_repl_kbps:0.00");
    info_line(out, "rejected_connections:%llu", U(e->rejected_connections));
    info_line(out, "sync_full:0");
    info_line(out, "sync_partial_ok:0");
    info_line(out, "sync_partial_err:0");
}

/* Of all commands. What EXEC runs is counted by itself, and so is not counted with EXEC. */
static double commands_us(const struct server *s)
{
    uint64_t ticks = 0;
    for (size_t i = 0; i < cmd_table_count(s->table); i++) {
        const struct cmd *c = cmd_table_at(s->table, i);
        if (strcmp(c->full_name, "exec") != 0)
            ticks += c->stats.ticks;
    }
    return engine_ticks_us(s->engine, ticks);
}

void info_stats(struct server *s, struct buf *out)
{
    const struct engine_stats *e = engine_stats(s->engine);
    const struct pubsub *pubsub = clients_pubsub(s->clients);
    struct ks_stats k;
    ks_stats(s->ks, &k);
    info_traffic(s, out);
    info_line(out, "expired_subkeys:0");
    info_line(out, "expired_keys:%llu", U(k.expired));
    info_line(out, "expired_stale_perc:0.00");
    info_line(out, "expired_time_cap_reached_count:%llu", U(e->expired_time_cap_reached));
    info_line(out, "expire_cycle_cpu_milliseconds:0");
    info_line(out, "evicted_keys:0");
    info_line(out, "evicted_clients:0");
    info_line(out, "evicted_scripts:0");
    info_line(out, "total_eviction_exceeded_time:0");
    info_line(out, "current_eviction_exceeded_time:0");
    info_line(out, "keyspace_hits:%llu", U(k.hits));
    info_line(out, "keyspace_misses:%llu", U(k.misses));
    info_line(out, "pubsub_channels:%zu", pubsub_channel_count(pubsub));
    info_line(out, "pubsub_patterns:%zu", pubsub_pattern_count(pubsub));
    info_line(out, "pubsubshard_channels:%zu", pubsub_shard_channel_count(pubsub));
    info_line(out, "latest_fork_usec:0");
    info_line(out, "total_forks:0");
    info_line(out, "migrate_cached_sockets:0");
    info_line(out, "slave_expires_tracked_keys:0");
    info_line(out, "active_defrag_hits:0");
    info_line(out, "active_defrag_misses:0");
    info_line(out, "active_defrag_key_hits:0");
    info_line(out, "active_defrag_key_misses:0");
    info_line(out, "total_active_defrag_time:0");
    info_line(out, "current_active_defrag_time:0");
    info_line(out, "tracking_total_keys:0");
    info_line(out, "tracking_total_items:0");
    info_line(out, "tracking_total_prefixes:0");
    info_line(out, "unexpected_error_replies:0");
    info_line(out, "total_error_replies:%llu", U(e->errors));
    info_line(out, "dump_payload_sanitizations:0");
    info_line(out, "total_reads_processed:%llu", U(e->reads_processed));
    info_line(out, "total_writes_processed:%llu", U(e->writes_processed));
    info_line(out, "io_threaded_reads_processed:0");
    info_line(out, "io_threaded_writes_processed:0");
    info_line(out, "reply_buffer_shrinks:0");
    info_line(out, "reply_buffer_expands:0");
    info_line(out, "client_query_buffer_limit_disconnections:%llu",
              U(e->query_limit_disconnections));
    info_line(out, "client_output_buffer_limit_disconnections:%llu",
              U(e->output_limit_disconnections));
    info_line(out, "eventloop_cycles:%llu", U(s->cycles));
    info_line(out, "eventloop_duration_sum:%llu", U(s->busy_us));
    info_line(out, "eventloop_duration_cmd_sum:%.0f", commands_us(s));
    info_line(out, "instantaneous_eventloop_cycles_per_sec:%.0f", server_rate(s, METRIC_CYCLES));
    double cycles = server_rate(s, METRIC_CYCLES);
    info_line(out, "instantaneous_eventloop_duration_usec:%.0f",
              cycles > 0 ? server_rate(s, METRIC_BUSY_US) / cycles : 0);
    info_line(out, "acl_access_denied_auth:%llu", U(e->auth_failures));
    info_line(out, "acl_access_denied_cmd:0");
    info_line(out, "acl_access_denied_key:0");
    info_line(out, "acl_access_denied_channel:0");
}

void info_replication(struct server *s, struct buf *out)
{
    info_line(out, "role:master");
    info_line(out, "connected_slaves:0");
    info_line(out, "master_failover_state:no-failover");
    info_line(out, "master_replid:%s", s->repl_id);
    info_line(out, "master_replid2:%s", NO_ID);
    info_line(out, "master_repl_offset:0");
    info_line(out, "second_repl_offset:-1");
    info_line(out, "repl_backlog_active:0");
    info_line(out, "repl_backlog_size:0");
    info_line(out, "repl_backlog_first_byte_offset:0");
    info_line(out, "repl_backlog_histlen:0");
}

void info_modules(struct server *s, struct buf *out)
{
    (void)s;
    (void)out;
}

void info_commandstats(struct server *s, struct buf *out)
{
    for (size_t i = 0; i < cmd_table_count(s->table); i++) {
        const struct cmd *c = cmd_table_at(s->table, i);
        const struct cmd_stats *st = &c->stats;
        if (!st->calls && !st->rejected_calls && !st->failed_calls)
            continue;
        double us = engine_ticks_us(s->engine, st->ticks);
        info_line(
            out,
            "cmdstat_%s:calls=%llu,usec=%.0f,usec_per_call=%.2f,rejected_calls=%llu,failed_calls=%llu",
            c->full_name, U(st->calls), us, st->calls ? us / (double)st->calls : 0,
            U(st->rejected_calls), U(st->failed_calls));
    }
}

void info_errorstats(struct server *s, struct buf *out)
{
    int count;
    const struct engine_error_stat *errors = engine_error_stats(s->engine, &count);
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

void info_latencystats(struct server *s, struct buf *out)
{
    if (!s->config.engine.latency_tracking)
        return;
    for (size_t i = 0; i < cmd_table_count(s->table); i++) {
        const struct cmd *c = cmd_table_at(s->table, i);
        if (!c->stats.histogram || !c->stats.calls)
            continue;
        buf_printf(out, "latency_percentiles_usec_%s:", c->full_name);
        for (int k = 0; k < s->config.engine.percentile_count; k++) {
            char name[32];
            int len = num_print_double(name, s->config.engine.percentiles[k]);
            buf_printf(out, "%sp%.*s=%.3f", k ? "," : "", len, name,
                       percentile(c->stats.histogram, s->config.engine.percentiles[k]));
        }
        buf_append_cstr(out, "\r\n");
    }
}

void info_cluster(struct server *s, struct buf *out)
{
    (void)s;
    info_line(out, "cluster_enabled:0");
}

void info_keyspace(struct server *s, struct buf *out)
{
    for (int db = 0; db < ks_databases(s->ks); db++) {
        uint64_t keys = ks_size(s->ks, db);
        if (keys > 0)
            info_line(out, "db%d:keys=%llu,expires=%llu,avg_ttl=%llu", db, U(keys),
                      U(ks_expires(s->ks, db)), U(ks_average_ttl_ms(s->ks, db)));
    }
}

void info_shards(struct server *s, struct buf *out)
{
    struct ks_move_stats m;
    ks_move_stats(s->ks, &m);
    unsigned shards = ks_shards(s->ks);
    if (m.active && m.from > shards)
        shards = m.from; /* those that are being emptied still hold keys */
    info_line(out, "shards:%u", ks_shards(s->ks));
    for (unsigned i = 0; i < shards; i++) {
        struct ks_shard_stats st;
        ks_shard_stats(s->ks, i, &st);
        info_line(out, "shard%u:slots=%u,keys=%llu,expires=%llu,bytes=%llu", i, st.slots,
                  U(st.keys), U(st.expires), U(st.bytes));
    }
    info_line(out, "resharding:%d", m.active);
    info_line(out, "resharding_from:%u", m.from);
    info_line(out, "resharding_to:%u", m.to);
    info_line(out, "resharding_done_perc:%.2f", 100 * m.done);
    info_line(out, "resharding_keys_moved:%llu", U(m.keys_moved));
    info_line(out, "resharding_slots_moved:%u", m.slots_moved);
}
