/* INFO's rows, by section, in the order in which INFO shows them. */
#include "admin/info.h"

#include "engine/version.h"

#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)
#ifdef __clang__
#define COMPILER \
    STRING(__clang_major__) "." STRING(__clang_minor__) "." STRING(__clang_patchlevel__)
#else
#define COMPILER STRING(__GNUC__) "." STRING(__GNUC_MINOR__) "." STRING(__GNUC_PATCHLEVEL__)
#endif
#if UINTPTR_MAX == UINT64_MAX
#define ARCH_BITS "64"
#else
#define ARCH_BITS "32"
#endif

#define NO_ID "0000000000000000000000000000000000000000"

/* Where a value lies. It does not compile if it is of another type than the row's kind prints. */
#define AT(type, place)                                                          \
    (offsetof(struct info_facts, place) +                                        \
     0 * sizeof(char[_Generic(((struct info_facts *)0)->place, type : 1, default \
                              : -1)]))
#define FIELD(kind_, type, name_, place)                        \
    {                                                           \
        .name = (name_), .kind = (kind_), .at = AT(type, place) \
    }

/* clang-format off */
#define U64(name, place)     FIELD(INFO_U64, uint64_t, name, place)
#define I64(name, place)     FIELD(INFO_I64, int64_t, name, place)
#define BOOL(name, place)    FIELD(INFO_BOOL, bool, name, place)
#define WHOLE(name, place)   FIELD(INFO_WHOLE, double, name, place)
#define DECIMAL(name, place) FIELD(INFO_DECIMAL, double, name, place)
#define PERCENT(name, place) FIELD(INFO_PERCENT, double, name, place)
#define SECONDS(name, place) FIELD(INFO_SECONDS, int64_t, name, place)
#define TEXT(name, place)    FIELD(INFO_TEXT, const char *, name, place)
#define CHARS(name, place)   FIELD(INFO_CHARS, char *, name, place)
#define SIZE(name, place)    U64(name, place), FIELD(INFO_BYTES, uint64_t, name "_human", place)
#define FIXED(name_, text_)  {.name = (name_), .kind = INFO_FIXED, .text = (text_)}
#define ABSENT(name_, text_) {.name = (name_), .kind = INFO_ABSENT, .text = (text_)}
#define LINES(name_, fn)     {.name = (name_), .kind = INFO_LINES, .lines = (fn)}

/* Shown while a condition holds of the append-only file. */
#define ONLY(when, kind_, type, name_, place) \
    {.name = (name_), .kind = (kind_), .at = AT(type, place), .only = AT(bool, aof.when)}
#define ONLY_U64(when, name, place)     ONLY(when, INFO_U64, uint64_t, name, place)
#define ONLY_I64(when, name, place)     ONLY(when, INFO_I64, int64_t, name, place)
#define ONLY_WHOLE(when, name, place)   ONLY(when, INFO_WHOLE, double, name, place)
#define ONLY_DECIMAL(when, name, place) ONLY(when, INFO_DECIMAL, double, name, place)
#define ONLY_ABSENT(when, name_, text_) \
    {.name = (name_), .kind = INFO_ABSENT, .text = (text_), .only = AT(bool, aof.when)}

static const struct info_field server_fields[] = {
    FIXED("redis_version", ENGINE_REDIS_VERSION),
    TEXT("corsac_version", build.version),
    FIXED("server_name", "corsac"),
    CHARS("redis_git_sha1", build.git_sha),
    BOOL("redis_git_dirty", build.dirty),
    TEXT("redis_build_id", build.build_id),
    FIXED("redis_mode", "standalone"),
    CHARS("os", build.os),
    FIXED("arch_bits", ARCH_BITS),
    FIXED("monotonic_clock", "POSIX clock_gettime"),
    TEXT("multiplexing_api", process.event_api),
    FIXED("atomicvar_api", "c11-builtin"),
    FIXED("gcc_version", COMPILER),
    I64("process_id", build.pid),
    FIXED("process_supervised", "no"),
    TEXT("run_id", process.run_id),
    U64("tcp_port", process.port),
    I64("server_time_usec", build.clock_us),
    I64("uptime_in_seconds", build.up_s),
    I64("uptime_in_days", build.up_days),
    U64("hz", process.hz),
    U64("configured_hz", process.hz),
    I64("lru_clock", build.clock_lru),
    TEXT("executable", process.executable),
    TEXT("config_file", process.config_file),
    ABSENT("io_threads_active", "0"),
    LINES("listener", info_listeners),
};

static const struct info_field clients_fields[] = {
    U64("connected_clients", net.clients),
    ABSENT("cluster_connections", "0"),
    U64("maxclients", process.clients_max),
    U64("client_recent_max_input_buffer", net.largest_query_bytes),
    U64("client_recent_max_output_buffer", net.largest_output_bytes),
    U64("blocked_clients", sessions.blocked),
    ABSENT("tracking_clients", "0"),
    U64("pubsub_clients", sessions.subscribed),
    U64("watching_clients", sessions.watching),
    U64("clients_in_timeout_table", sessions.timed),
    U64("total_watched_keys", sessions.watched_keys),
    U64("total_blocking_keys", sessions.keys_waited_for),
    ABSENT("total_blocking_keys_on_nokey", "0"),
};

static const struct info_field memory_fields[] = {
    SIZE("used_memory", memory.used),
    SIZE("used_memory_rss", memory.rss),
    SIZE("used_memory_peak", memory.peak),
    PERCENT("used_memory_peak_perc", memory.peak_perc),
    U64("used_memory_overhead", memory.overhead),
    U64("used_memory_startup", memory.startup),
    U64("used_memory_dataset", memory.dataset),
    PERCENT("used_memory_dataset_perc", memory.dataset_perc),
    U64("allocator_allocated", heap.allocated),
    U64("allocator_active", heap.active),
    U64("allocator_resident", heap.resident),
    ABSENT("allocator_muzzy", "0"),
    SIZE("total_system_memory", memory.system),
    ABSENT("used_memory_lua", "0"),
    ABSENT("used_memory_lua_human", "0B"),
    ABSENT("used_memory_vm_eval", "0"),
    ABSENT("used_memory_scripts_eval", "0"),
    ABSENT("number_of_cached_scripts", "0"),
    ABSENT("number_of_functions", "0"),
    ABSENT("number_of_libraries", "0"),
    ABSENT("used_memory_vm_functions", "0"),
    ABSENT("used_memory_vm_total", "0"),
    ABSENT("used_memory_vm_total_human", "0B"),
    ABSENT("used_memory_functions", "0"),
    ABSENT("used_memory_scripts", "0"),
    ABSENT("used_memory_scripts_human", "0B"),
    ABSENT("maxmemory", "0"),
    ABSENT("maxmemory_human", "0B"),
    FIXED("maxmemory_policy", "noeviction"),
    DECIMAL("allocator_frag_ratio", memory.frag_ratio),
    I64("allocator_frag_bytes", memory.frag_bytes),
    DECIMAL("allocator_rss_ratio", memory.heap_rss_ratio),
    I64("allocator_rss_bytes", memory.heap_rss_bytes),
    DECIMAL("rss_overhead_ratio", memory.overhead_ratio),
    I64("rss_overhead_bytes", memory.overhead_bytes),
    DECIMAL("mem_fragmentation_ratio", memory.fragmentation),
    I64("mem_fragmentation_bytes", memory.fragmentation_bytes),
    ABSENT("mem_not_counted_for_evict", "0"),
    ABSENT("mem_overhead_db_hashtable_rehashing", "0"),
    ABSENT("mem_replica_full_sync_buffer", "0"),
    ABSENT("mem_replication_backlog", "0"),
    ABSENT("mem_total_replication_buffers", "0"),
    ABSENT("mem_clients_slaves", "0"),
    U64("mem_clients_normal", memory.clients),
    ABSENT("mem_cluster_links", "0"),
    ABSENT("mem_aof_buffer", "0"),
    TEXT("mem_allocator", build.allocator),
    U64("mem_tables", data.table_bytes),
    ABSENT("active_defrag_running", "0"),
    U64("lazyfree_pending_objects", data.lazy_pending),
    U64("lazyfreed_objects", data.lazy_freed),
};

static const struct info_field persistence_fields[] = {
    BOOL("loading", aof.loading),
    ABSENT("async_loading", "0"),
    ABSENT("current_cow_peak", "0"),
    ABSENT("current_cow_size", "0"),
    ABSENT("current_cow_size_age", "0"),
    ABSENT("current_fork_perc", "0.00"),
    ABSENT("current_save_keys_processed", "0"),
    ABSENT("current_save_keys_total", "0"),
    U64("rdb_changes_since_last_save", engine.dirty),
    ABSENT("rdb_bgsave_in_progress", "0"),
    I64("rdb_last_save_time", process.saved_unix_s),
    ABSENT("rdb_last_bgsave_status", "ok"),
    ABSENT("rdb_last_bgsave_time_sec", "-1"),
    ABSENT("rdb_current_bgsave_time_sec", "-1"),
    ABSENT("rdb_saves", "0"),
    ABSENT("rdb_last_cow_size", "0"),
    ABSENT("rdb_last_load_keys_expired", "0"),
    ABSENT("rdb_last_load_keys_loaded", "0"),
    BOOL("aof_enabled", aof.enabled),
    BOOL("aof_rewrite_in_progress", aof.rewriting),
    BOOL("aof_rewrite_scheduled", aof.rewrite_scheduled),
    I64("aof_last_rewrite_time_sec", aof.last_rewrite_s),
    I64("aof_current_rewrite_time_sec", aof.current_rewrite_s),
    TEXT("aof_last_bgrewrite_status", aof.last_rewrite_status),
    U64("aof_rewrites", aof.rewrites),
    U64("aof_rewrites_consecutive_failures", aof.rewrite_failures),
    TEXT("aof_last_write_status", aof.write_status),
    ABSENT("aof_last_cow_size", "0"),
    ONLY_U64(open, "aof_current_size", aof.current_bytes),
    ONLY_U64(open, "aof_base_size", aof.base_bytes),
    ONLY_ABSENT(open, "aof_pending_rewrite", "0"),
    ONLY_U64(open, "aof_buffer_length", aof.buffer_bytes),
    ONLY_ABSENT(open, "aof_pending_bio_fsync", "0"),
    ONLY_U64(open, "aof_delayed_fsync", aof.slow_syncs),
    ONLY_U64(open, "aof_position", aof.pos),
    ONLY_U64(open, "aof_written_position", aof.written_pos),
    ONLY_U64(open, "aof_synced_position", aof.synced_pos),
    ONLY_I64(loading, "loading_start_time", aof.load_start_unix_s),
    ONLY_U64(loading, "loading_total_bytes", aof.load_total),
    ONLY_ABSENT(loading, "loading_rdb_used_mem", "0"),
    ONLY_U64(loading, "loading_loaded_bytes", aof.load_bytes),
    ONLY_DECIMAL(loading, "loading_loaded_perc", aof.load_perc),
    ONLY_WHOLE(loading, "loading_eta_seconds", aof.load_eta_s),
    ABSENT("module_fork_in_progress", "0"),
    ABSENT("module_fork_last_cow_size", "0"),
};

static const struct info_field stats_fields[] = {
    U64("total_connections_received", engine.connections),
    U64("total_commands_processed", engine.commands),
    WHOLE("instantaneous_ops_per_sec", rates.commands),
    U64("total_net_input_bytes", engine.in_bytes),
    U64("total_net_output_bytes", engine.out_bytes),
    U64("total_net_lent_bytes", engine.lent_bytes),
    ABSENT("total_net_repl_input_bytes", "0"),
    ABSENT("total_net_repl_output_bytes", "0"),
    DECIMAL("instantaneous_input_kbps", rates.in_kb),
    DECIMAL("instantaneous_output_kbps", rates.out_kb),
    ABSENT("instantaneous_input_repl_kbps", "0.00"),
    ABSENT("instantaneous_output_repl_kbps", "0.00"),
    U64("rejected_connections", engine.rejected_connections),
    ABSENT("sync_full", "0"),
    ABSENT("sync_partial_ok", "0"),
    ABSENT("sync_partial_err", "0"),
    U64("expired_subkeys", data.elements_expired),
    U64("expired_keys", data.expired),
    ABSENT("expired_stale_perc", "0.00"),
    U64("expired_time_cap_reached_count", engine.expired_time_cap_reached),
    ABSENT("expire_cycle_cpu_milliseconds", "0"),
    ABSENT("evicted_keys", "0"),
    ABSENT("evicted_clients", "0"),
    ABSENT("evicted_scripts", "0"),
    ABSENT("total_eviction_exceeded_time", "0"),
    ABSENT("current_eviction_exceeded_time", "0"),
    U64("keyspace_hits", data.hits),
    U64("keyspace_misses", data.misses),
    U64("pubsub_channels", pubsub.channels),
    U64("pubsub_patterns", pubsub.patterns),
    U64("pubsubshard_channels", pubsub.shard_channels),
    ABSENT("latest_fork_usec", "0"),
    ABSENT("total_forks", "0"),
    ABSENT("migrate_cached_sockets", "0"),
    ABSENT("slave_expires_tracked_keys", "0"),
    ABSENT("active_defrag_hits", "0"),
    ABSENT("active_defrag_misses", "0"),
    ABSENT("active_defrag_key_hits", "0"),
    ABSENT("active_defrag_key_misses", "0"),
    ABSENT("total_active_defrag_time", "0"),
    ABSENT("current_active_defrag_time", "0"),
    ABSENT("tracking_total_keys", "0"),
    ABSENT("tracking_total_items", "0"),
    ABSENT("tracking_total_prefixes", "0"),
    ABSENT("unexpected_error_replies", "0"),
    U64("total_error_replies", engine.errors),
    ABSENT("dump_payload_sanitizations", "0"),
    U64("total_reads_processed", engine.reads_processed),
    U64("total_writes_processed", engine.writes_processed),
    ABSENT("io_threaded_reads_processed", "0"),
    ABSENT("io_threaded_writes_processed", "0"),
    ABSENT("reply_buffer_shrinks", "0"),
    ABSENT("reply_buffer_expands", "0"),
    U64("client_query_buffer_limit_disconnections", engine.query_limit_disconnections),
    U64("client_output_buffer_limit_disconnections", engine.output_limit_disconnections),
    U64("eventloop_cycles", process.cycles),
    U64("eventloop_duration_sum", process.busy_us),
    WHOLE("eventloop_duration_cmd_sum", rates.commands_us),
    WHOLE("instantaneous_eventloop_cycles_per_sec", rates.cycles),
    WHOLE("instantaneous_eventloop_duration_usec", rates.turn_us),
    U64("acl_access_denied_auth", engine.auth_failures),
    ABSENT("acl_access_denied_cmd", "0"),
    ABSENT("acl_access_denied_key", "0"),
    ABSENT("acl_access_denied_channel", "0"),
};

static const struct info_field replication_fields[] = {
    FIXED("role", "master"),
    ABSENT("connected_slaves", "0"),
    ABSENT("master_failover_state", "no-failover"),
    TEXT("master_replid", process.repl_id),
    ABSENT("master_replid2", NO_ID),
    ABSENT("master_repl_offset", "0"),
    ABSENT("second_repl_offset", "-1"),
    ABSENT("repl_backlog_active", "0"),
    ABSENT("repl_backlog_size", "0"),
    ABSENT("repl_backlog_first_byte_offset", "0"),
    ABSENT("repl_backlog_histlen", "0"),
};

static const struct info_field cpu_fields[] = {
    SECONDS("used_cpu_sys", cpu.sys_us),
    SECONDS("used_cpu_user", cpu.user_us),
    SECONDS("used_cpu_sys_children", cpu.sys_children_us),
    SECONDS("used_cpu_user_children", cpu.user_children_us),
    SECONDS("used_cpu_sys_main_thread", cpu.sys_thread_us),
    SECONDS("used_cpu_user_main_thread", cpu.user_thread_us),
};

static const struct info_field commandstats_fields[] = {
    LINES("cmdstat", info_commandstats),
};

static const struct info_field errorstats_fields[] = {
    LINES("errorstat", info_errorstats),
};

static const struct info_field latencystats_fields[] = {
    LINES("latency_percentiles_usec", info_latencystats),
};

static const struct info_field cluster_fields[] = {
    ABSENT("cluster_enabled", "0"),
};

static const struct info_field keyspace_fields[] = {
    LINES("db", info_databases),
};

static const struct info_field shards_fields[] = {
    U64("shards", move.shards),
    LINES("shard", info_shards),
    BOOL("resharding", move.active),
    U64("resharding_from", move.from),
    U64("resharding_to", move.to),
    DECIMAL("resharding_done_perc", move.perc),
    U64("resharding_keys_moved", move.keys),
    U64("resharding_slots_moved", move.slots),
};

#define COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))
#define SECTION(name, title, by_default, gather) \
    {#name, title, by_default, gather, name##_fields, COUNT(name##_fields)}

static const struct info_section sections[] = {
    SECTION(server, "Server", true, info_gather_server),
    SECTION(clients, "Clients", true, info_gather_clients),
    SECTION(memory, "Memory", true, info_gather_memory),
    SECTION(persistence, "Persistence", true, info_gather_persistence),
    SECTION(stats, "Stats", true, info_gather_stats),
    SECTION(replication, "Replication", true, info_gather_replication),
    SECTION(cpu, "CPU", true, info_gather_cpu),
    {"modules", "Modules", true, NULL, NULL, 0}, /* there are none */
    SECTION(commandstats, "Commandstats", false, NULL),
    SECTION(errorstats, "Errorstats", true, NULL),
    SECTION(latencystats, "Latencystats", false, NULL),
    SECTION(cluster, "Cluster", true, NULL),
    SECTION(keyspace, "Keyspace", true, NULL),
    SECTION(shards, "Shards", true, info_gather_shards),
};
/* clang-format on */

const struct info_section *info_sections(size_t *count)
{
    *count = COUNT(sections);
    return sections;
}
