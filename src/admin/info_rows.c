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

/* Where a value lies. Fails to compile where the value's type is not the one that the row's kind prints. */
#define AT(type, place)                                                          \
    (offsetof(struct info_facts, place) +                                        \
     0 * sizeof(char[_Generic(((struct info_facts *)0)->place, type : 1, default \
                              : -1)]))
#define FIELD(kind_, type, name_, place, ...)                                \
    {                                                                        \
        .name = (name_), .kind = (kind_), .at = AT(type, place), __VA_ARGS__ \
    }

/* clang-format off */
#define U64(name, place, ...)     FIELD(INFO_U64, uint64_t, name, place, __VA_ARGS__)
#define I64(name, place, ...)     FIELD(INFO_I64, int64_t, name, place, __VA_ARGS__)
#define BOOL(name, place, ...)    FIELD(INFO_BOOL, bool, name, place, __VA_ARGS__)
#define WHOLE(name, place, ...)   FIELD(INFO_WHOLE, double, name, place, __VA_ARGS__)
#define DECIMAL(name, place, ...) FIELD(INFO_DECIMAL, double, name, place, __VA_ARGS__)
#define PERCENT(name, place, ...) FIELD(INFO_PERCENT, double, name, place, __VA_ARGS__)
#define SECONDS(name, place, ...) FIELD(INFO_SECONDS, int64_t, name, place, __VA_ARGS__)
#define TEXT(name, place, ...)    FIELD(INFO_TEXT, const char *, name, place, __VA_ARGS__)
#define CHARS(name, place, ...)   FIELD(INFO_CHARS, char *, name, place, __VA_ARGS__)
#define SIZE(name, place, ...)    U64(name, place, __VA_ARGS__), FIELD(INFO_BYTES, uint64_t, name "_human", place)
#define FIXED(name_, text_, ...)  {.name = (name_), .kind = INFO_FIXED, .text = (text_), __VA_ARGS__}
#define ABSENT(name_, text_, ...) {.name = (name_), .kind = INFO_ABSENT, .text = (text_), __VA_ARGS__}
#define LINES(name_, fn, ...)     {.name = (name_), .kind = INFO_LINES, .lines = (fn), __VA_ARGS__}

/* Shown while a flag of struct admin_persistence is set. */
#define ONLY(when, kind_, type, name_, place, ...) \
    {.name = (name_), .kind = (kind_), .at = AT(type, place), .only = AT(bool, aof.when), __VA_ARGS__}
#define ONLY_U64(when, name, place, ...)     ONLY(when, INFO_U64, uint64_t, name, place, __VA_ARGS__)
#define ONLY_I64(when, name, place, ...)     ONLY(when, INFO_I64, int64_t, name, place, __VA_ARGS__)
#define ONLY_WHOLE(when, name, place, ...)   ONLY(when, INFO_WHOLE, double, name, place, __VA_ARGS__)
#define ONLY_DECIMAL(when, name, place, ...) ONLY(when, INFO_DECIMAL, double, name, place, __VA_ARGS__)
#define ONLY_ABSENT(when, name_, text_, ...) \
    {.name = (name_), .kind = INFO_ABSENT, .text = (text_), .only = AT(bool, aof.when), __VA_ARGS__}

/* The field as a metric: Corsac's name, behind "corsac_", in base units; the name that exporters of Redis give it,
 * behind "redis_", in the field's own unit; NULL: none. `per`: so many of the field's units make one base unit. */
#define METRIC(type_, name_, redis_, per_, help_) .metric = {type_, name_, redis_, per_, help_}
#define GAUGE(name, redis, help)            METRIC(METRIC_GAUGE, name, redis, 1, help)
#define COUNTER(name, redis, help)          METRIC(METRIC_COUNTER, name, redis, 1, help)
#define GAUGE_PER(per, name, redis, help)   METRIC(METRIC_GAUGE, name, redis, per, help)
#define COUNTER_PER(per, name, redis, help) METRIC(METRIC_COUNTER, name, redis, per, help)
#define LABEL(name, redis)                  METRIC(METRIC_LABEL, name, redis, 1, NULL)
/* Several metrics, written by a function. */
#define METRICS(fn) .metrics = (fn)

static const struct info_field server_fields[] = {
    FIXED("redis_version", ENGINE_REDIS_VERSION, LABEL("redis_version", "redis_version")),
    TEXT("corsac_version", build.version, LABEL("version", NULL)),
    FIXED("server_name", "corsac"),
    CHARS("redis_git_sha1", build.git_sha, LABEL("git_sha", NULL)),
    BOOL("redis_git_dirty", build.dirty),
    TEXT("redis_build_id", build.build_id, LABEL(NULL, "redis_build_id")),
    FIXED("redis_mode", "standalone", LABEL(NULL, "redis_mode")),
    CHARS("os", build.os, LABEL("os", "os")),
    FIXED("arch_bits", ARCH_BITS),
    FIXED("monotonic_clock", "POSIX clock_gettime"),
    TEXT("multiplexing_api", process.event_api, LABEL("event_api", NULL)),
    FIXED("atomicvar_api", "c11-builtin"),
    FIXED("gcc_version", COMPILER, LABEL("compiler", NULL)),
    I64("process_id", build.pid, LABEL("process_id", "process_id")),
    FIXED("process_supervised", "no"),
    TEXT("run_id", process.run_id, LABEL("run_id", "run_id")),
    U64("tcp_port", process.port, LABEL("tcp_port", "tcp_port")),
    I64("server_time_usec", build.clock_us),
    I64("uptime_in_seconds", build.up_s, GAUGE("uptime_seconds", "uptime_in_seconds", "Time since the start.")),
    I64("uptime_in_days", build.up_days),
    U64("hz", process.hz, GAUGE("housekeeping_hertz", "hz", "Rounds of housekeeping a second.")),
    U64("configured_hz", process.hz, GAUGE(NULL, "configured_hz", "Rounds of housekeeping a second, as configured.")),
    I64("lru_clock", build.clock_lru),
    TEXT("executable", process.executable),
    TEXT("config_file", process.config_file),
    ABSENT("io_threads_active", "0"),
    LINES("listener", info_listeners),
};

static const struct info_field clients_fields[] = {
    U64("connected_clients", net.clients, GAUGE("connected_clients", "connected_clients", "Connections of clients.")),
    ABSENT("cluster_connections", "0"),
    U64("maxclients", process.clients_max,
        GAUGE("clients_max", "max_clients", "Connections that are let in: maxclients.")),
    U64("client_recent_max_input_buffer", net.largest_query_bytes,
        GAUGE("client_input_buffer_largest_bytes", "client_recent_max_input_buffer_bytes",
            "Memory of the largest input buffer of a connection.")),
    U64("client_recent_max_output_buffer", net.largest_output_bytes,
        GAUGE("client_output_buffer_largest_bytes", "client_recent_max_output_buffer_bytes",
            "Memory of the largest output buffer of a connection.")),
    U64("blocked_clients", sessions.blocked,
        GAUGE("blocked_clients", "blocked_clients", "Clients that wait for a key, a sync or the end of a pause.")),
    ABSENT("tracking_clients", "0", GAUGE(NULL, "tracking_clients", "Clients with client-side caching.")),
    U64("pubsub_clients", sessions.subscribed,
        GAUGE("subscribed_clients", "pubsub_clients", "Clients that are subscribed to anything.")),
    U64("watching_clients", sessions.watching,
        GAUGE("watching_clients", "watching_clients", "Clients that watch keys.")),
    U64("clients_in_timeout_table", sessions.timed,
        GAUGE("blocked_clients_with_timeout", "clients_in_timeout_table",
            "Clients that wait until some time at most.")),
    U64("total_watched_keys", sessions.watched_keys,
        GAUGE("watched_keys", "total_watched_keys", "Keys that clients watch.")),
    U64("total_blocking_keys", sessions.keys_waited_for,
        GAUGE("blocking_keys", "total_blocking_keys", "Keys that clients wait for.")),
    ABSENT("total_blocking_keys_on_nokey", "0"),
};

static const struct info_field memory_fields[] = {
    SIZE("used_memory", memory.used, GAUGE("memory_used_bytes", "memory_used_bytes", "Memory in use.")),
    SIZE("used_memory_rss", memory.rss,
        GAUGE("memory_resident_bytes", "memory_used_rss_bytes", "Memory of the process in RAM.")),
    SIZE("used_memory_peak", memory.peak,
        GAUGE("memory_used_peak_bytes", "memory_used_peak_bytes", "Most memory in use since the start.")),
    PERCENT("used_memory_peak_perc", memory.peak_perc,
        GAUGE_PER(100, "memory_used_peak_ratio", NULL, "Memory in use, of the most that ever was.")),
    U64("used_memory_overhead", memory.overhead,
        GAUGE("memory_overhead_bytes", "memory_used_overhead_bytes", "Memory in use that is no data.")),
    U64("used_memory_startup", memory.startup,
        GAUGE("memory_startup_bytes", "memory_used_startup_bytes", "Memory in use after the start.")),
    U64("used_memory_dataset", memory.dataset,
        GAUGE("memory_dataset_bytes", "memory_used_dataset_bytes", "Memory of keys and values.")),
    PERCENT("used_memory_dataset_perc", memory.dataset_perc,
        GAUGE_PER(100, "memory_dataset_ratio", NULL, "Memory of keys and values, of that in use beyond the start.")),
    U64("allocator_allocated", heap.allocated,
        GAUGE("allocator_allocated_bytes", "allocator_allocated_bytes", "Bytes that the allocator gave out.")),
    U64("allocator_active", heap.active,
        GAUGE("allocator_active_bytes", "allocator_active_bytes",
            "Bytes of pages that the allocator has something in.")),
    U64("allocator_resident", heap.resident,
        GAUGE("allocator_resident_bytes", "allocator_resident_bytes",
            "Bytes of pages that the allocator holds in RAM.")),
    ABSENT("allocator_muzzy", "0"),
    SIZE("total_system_memory", memory.system,
        GAUGE("system_memory_bytes", "total_system_memory_bytes", "Memory of the machine.")),
    ABSENT("used_memory_lua", "0", GAUGE(NULL, "memory_used_lua_bytes", "Memory of scripts' interpreters.")),
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
    ABSENT("used_memory_scripts", "0", GAUGE(NULL, "memory_used_scripts_bytes", "Memory of scripts.")),
    ABSENT("used_memory_scripts_human", "0B"),
    ABSENT("maxmemory", "0", GAUGE(NULL, "memory_max_bytes", "Memory that may be used: maxmemory, 0 without limit.")),
    ABSENT("maxmemory_human", "0B"),
    FIXED("maxmemory_policy", "noeviction", LABEL(NULL, "maxmemory_policy")),
    DECIMAL("allocator_frag_ratio", memory.frag_ratio,
        GAUGE("allocator_fragmentation_ratio", "allocator_frag_ratio", "Active bytes by allocated ones.")),
    I64("allocator_frag_bytes", memory.frag_bytes,
        GAUGE("allocator_fragmentation_bytes", "allocator_frag_bytes", "Active bytes less allocated ones.")),
    DECIMAL("allocator_rss_ratio", memory.heap_rss_ratio,
        GAUGE("allocator_resident_ratio", "allocator_rss_ratio", "Resident bytes of the allocator by active ones.")),
    I64("allocator_rss_bytes", memory.heap_rss_bytes,
        GAUGE("allocator_unused_bytes", "allocator_rss_bytes", "Resident bytes of the allocator less active ones.")),
    DECIMAL("rss_overhead_ratio", memory.overhead_ratio,
        GAUGE("memory_resident_overhead_ratio", "rss_overhead_ratio",
            "Memory of the process by that of its allocator.")),
    I64("rss_overhead_bytes", memory.overhead_bytes,
        GAUGE("memory_resident_overhead_bytes", "rss_overhead_bytes",
            "Memory of the process less that of its allocator.")),
    DECIMAL("mem_fragmentation_ratio", memory.fragmentation,
        GAUGE("memory_fragmentation_ratio", "mem_fragmentation_ratio", "Memory of the process by what was allocated.")),
    I64("mem_fragmentation_bytes", memory.fragmentation_bytes,
        GAUGE("memory_fragmentation_bytes", "mem_fragmentation_bytes",
            "Memory of the process less what was allocated.")),
    ABSENT("mem_not_counted_for_evict", "0",
        GAUGE(NULL, "mem_not_counted_for_eviction_bytes", "Memory that maxmemory does not count.")),
    ABSENT("mem_overhead_db_hashtable_rehashing", "0"),
    ABSENT("mem_replica_full_sync_buffer", "0"),
    ABSENT("mem_replication_backlog", "0"),
    ABSENT("mem_total_replication_buffers", "0"),
    ABSENT("mem_clients_slaves", "0", GAUGE(NULL, "mem_clients_slaves", "Memory of replicas' connections.")),
    U64("mem_clients_normal", memory.clients,
        GAUGE("clients_memory_bytes", "mem_clients_normal", "Memory of connections' buffers.")),
    ABSENT("mem_cluster_links", "0"),
    ABSENT("mem_aof_buffer", "0"),
    TEXT("mem_allocator", build.allocator, LABEL("allocator", NULL)),
    U64("mem_tables", data.table_bytes,
        GAUGE("memory_tables_bytes", NULL, "Memory of the tables of keys and deadlines.")),
    ABSENT("active_defrag_running", "0", GAUGE(NULL, "active_defrag_running", "Memory is being defragmented.")),
    U64("lazyfree_pending_objects", data.lazy_pending,
        GAUGE("lazyfree_pending_values", "lazyfree_pending_objects", "Values that are yet to be freed.")),
    U64("lazyfreed_objects", data.lazy_freed,
        COUNTER("lazyfreed_values_total", "lazyfreed_objects_total", "Values freed in slices.")),
};

static const struct info_field persistence_fields[] = {
    BOOL("loading", aof.loading, GAUGE("loading", "loading_dump_file", "1 while the append-only file is loaded.")),
    ABSENT("async_loading", "0"),
    ABSENT("current_cow_peak", "0"),
    ABSENT("current_cow_size", "0"),
    ABSENT("current_cow_size_age", "0"),
    ABSENT("current_fork_perc", "0.00"),
    ABSENT("current_save_keys_processed", "0"),
    ABSENT("current_save_keys_total", "0"),
    U64("rdb_changes_since_last_save", engine.dirty,
        COUNTER("changes_total", "rdb_changes_since_last_save", "Changes of keys since the start.")),
    ABSENT("rdb_bgsave_in_progress", "0", GAUGE(NULL, "rdb_bgsave_in_progress", "An RDB file is being written.")),
    I64("rdb_last_save_time", process.saved_unix_s,
        GAUGE("data_created_timestamp_seconds", "rdb_last_save_timestamp_seconds", "When the data set began.")),
    ABSENT("rdb_last_bgsave_status", "ok", GAUGE(NULL, "rdb_last_bgsave_status", "The last RDB file was written.")),
    ABSENT("rdb_last_bgsave_time_sec", "-1",
        GAUGE(NULL, "rdb_last_bgsave_duration_sec", "Time that the last RDB file took.")),
    ABSENT("rdb_current_bgsave_time_sec", "-1",
        GAUGE(NULL, "rdb_current_bgsave_duration_sec", "Time that this RDB file has taken.")),
    ABSENT("rdb_saves", "0"),
    ABSENT("rdb_last_cow_size", "0", GAUGE(NULL, "rdb_last_cow_size_bytes", "Memory copied for the last RDB file.")),
    ABSENT("rdb_last_load_keys_expired", "0"),
    ABSENT("rdb_last_load_keys_loaded", "0"),
    BOOL("aof_enabled", aof.enabled, GAUGE("aof_enabled", "aof_enabled", "1 where there is an append-only file.")),
    BOOL("aof_rewrite_in_progress", aof.rewriting,
        GAUGE("aof_rewriting", "aof_rewrite_in_progress", "1 while the append-only file is rewritten.")),
    BOOL("aof_rewrite_scheduled", aof.rewrite_scheduled,
        GAUGE("aof_rewrite_scheduled", "aof_rewrite_scheduled", "1 while a rewrite waits for its turn.")),
    I64("aof_last_rewrite_time_sec", aof.last_rewrite_s,
        GAUGE("aof_last_rewrite_seconds", "aof_last_rewrite_duration_sec",
            "Time that the last rewrite took; -1: there was none.")),
    I64("aof_current_rewrite_time_sec", aof.current_rewrite_s,
        GAUGE("aof_current_rewrite_seconds", "aof_current_rewrite_duration_sec",
            "Time that this rewrite has taken; -1: there is none.")),
    TEXT("aof_last_bgrewrite_status", aof.last_rewrite_status,
        GAUGE("aof_last_rewrite_ok", "aof_last_bgrewrite_status", "1 where the last rewrite succeeded.")),
    U64("aof_rewrites", aof.rewrites,
        COUNTER("aof_rewrites_total", "aof_rewrites_total", "Rewrites of the append-only file.")),
    U64("aof_rewrites_consecutive_failures", aof.rewrite_failures,
        GAUGE("aof_rewrite_failures_in_a_row", "aof_rewrites_consecutive_failures",
            "Rewrites that failed since one succeeded.")),
    TEXT("aof_last_write_status", aof.write_status,
        GAUGE("aof_write_ok", "aof_last_write_status",
            "0 while the append-only file cannot be written and writes are refused.")),
    ABSENT("aof_last_cow_size", "0", GAUGE(NULL, "aof_last_cow_size_bytes", "Memory copied for the last rewrite.")),
    ONLY_U64(open, "aof_current_size", aof.current_bytes,
        GAUGE("aof_size_bytes", "aof_current_size_bytes", "Size of the append-only file.")),
    ONLY_U64(open, "aof_base_size", aof.base_bytes,
        GAUGE("aof_base_size_bytes", "aof_base_size_bytes", "Its size after the last rewrite.")),
    ONLY_ABSENT(open, "aof_pending_rewrite", "0", GAUGE(NULL, "aof_pending_rewrite", "A rewrite waits for its turn.")),
    ONLY_U64(open, "aof_buffer_length", aof.buffer_bytes,
        GAUGE("aof_buffer_bytes", "aof_buffer_length", "What is yet to be written to the append-only file.")),
    ONLY_ABSENT(open, "aof_pending_bio_fsync", "0",
        GAUGE(NULL, "aof_pending_bio_fsync", "Syncs that wait for a thread.")),
    ONLY_U64(open, "aof_delayed_fsync", aof.slow_syncs,
        COUNTER("aof_slow_syncs_total", "aof_delayed_fsync", "Syncs that took longer than a second.")),
    ONLY_U64(open, "aof_position", aof.pos,
        COUNTER("aof_position_bytes_total", NULL, "Log position: behind all that was put into the append-only file.")),
    ONLY_U64(open, "aof_written_position", aof.written_pos,
        COUNTER("aof_written_position_bytes_total", NULL, "Log position up to which all is written.")),
    ONLY_U64(open, "aof_synced_position", aof.synced_pos,
        COUNTER("aof_synced_position_bytes_total", NULL, "Log position up to which all is synced.")),
    ONLY_I64(loading, "loading_start_time", aof.load_start_unix_s,
        GAUGE("loading_start_timestamp_seconds", "loading_start_time", "When loading began.")),
    ONLY_U64(loading, "loading_total_bytes", aof.load_total,
        GAUGE("loading_size_bytes", "loading_total_bytes", "What is to be loaded.")),
    ONLY_ABSENT(loading, "loading_rdb_used_mem", "0"),
    ONLY_U64(loading, "loading_loaded_bytes", aof.load_bytes,
        GAUGE("loading_loaded_bytes", "loading_loaded_bytes", "What is loaded.")),
    ONLY_DECIMAL(loading, "loading_loaded_perc", aof.load_perc,
        GAUGE_PER(100, "loading_loaded_ratio", NULL, "What is loaded, of all.")),
    ONLY_WHOLE(loading, "loading_eta_seconds", aof.load_eta_s,
        GAUGE("loading_left_seconds", "loading_eta_seconds", "Time that loading takes yet.")),
    ABSENT("module_fork_in_progress", "0", GAUGE(NULL, "module_fork_in_progress", "A module has forked.")),
    ABSENT("module_fork_last_cow_size", "0", GAUGE(NULL, "module_fork_last_cow_size", "Memory copied for it.")),
};

static const struct info_field stats_fields[] = {
    U64("total_connections_received", engine.connections,
        COUNTER("connections_accepted_total", "connections_received_total", "Connections that were accepted.")),
    U64("total_commands_processed", engine.commands,
        COUNTER("commands_processed_total", "commands_processed_total", "Commands that were run.")),
    WHOLE("instantaneous_ops_per_sec", rates.commands,
        GAUGE("commands_per_second", "instantaneous_ops_per_sec", "Commands a second, of late.")),
    U64("total_net_input_bytes", engine.in_bytes,
        COUNTER("network_received_bytes_total", "net_input_bytes_total", "Bytes that clients sent.")),
    U64("total_net_output_bytes", engine.out_bytes,
        COUNTER("network_sent_bytes_total", "net_output_bytes_total", "Bytes that clients were sent.")),
    U64("total_net_lent_bytes", engine.lent_bytes,
        COUNTER("network_lent_bytes_total", NULL, "Of the bytes sent: without a copy.")),
    ABSENT("total_net_repl_input_bytes", "0"),
    ABSENT("total_net_repl_output_bytes", "0"),
    DECIMAL("instantaneous_input_kbps", rates.in_kb,
        GAUGE_PER(1.0 / 1024, "network_received_bytes_per_second", "instantaneous_input_kbps",
            "Bytes that clients send a second, of late.")),
    DECIMAL("instantaneous_output_kbps", rates.out_kb,
        GAUGE_PER(1.0 / 1024, "network_sent_bytes_per_second", "instantaneous_output_kbps",
            "Bytes that clients are sent a second, of late.")),
    ABSENT("instantaneous_input_repl_kbps", "0.00"),
    ABSENT("instantaneous_output_repl_kbps", "0.00"),
    U64("rejected_connections", engine.rejected_connections,
        COUNTER("connections_rejected_total", "rejected_connections_total", "Connections beyond maxclients.")),
    ABSENT("sync_full", "0", GAUGE(NULL, "replica_resyncs_full", "Full resyncs of replicas.")),
    ABSENT("sync_partial_ok", "0", GAUGE(NULL, "replica_partial_resync_accepted", "Partial resyncs of replicas.")),
    ABSENT("sync_partial_err", "0",
        GAUGE(NULL, "replica_partial_resync_denied", "Partial resyncs that became full ones.")),
    U64("expired_subkeys", data.elements_expired,
        COUNTER("expired_elements_total", "expired_subkeys_total", "Fields and members whose time had come.")),
    U64("expired_keys", data.expired, COUNTER("expired_keys_total", "expired_keys_total", "Keys whose time had come.")),
    ABSENT("expired_stale_perc", "0.00",
        GAUGE(NULL, "expired_stale_percentage", "Keys that are due and not yet removed.")),
    U64("expired_time_cap_reached_count", engine.expired_time_cap_reached,
        COUNTER("expire_slices_cut_total", "expired_time_cap_reached_total",
            "Slices of expiry that ended for lack of time.")),
    ABSENT("expire_cycle_cpu_milliseconds", "0"),
    ABSENT("evicted_keys", "0", COUNTER(NULL, "evicted_keys_total", "Keys evicted for lack of memory.")),
    ABSENT("evicted_clients", "0", COUNTER(NULL, "evicted_clients_total", "Clients closed for lack of memory.")),
    ABSENT("evicted_scripts", "0", COUNTER(NULL, "evicted_scripts_total", "Scripts forgotten for lack of room.")),
    ABSENT("total_eviction_exceeded_time", "0", GAUGE(NULL, "total_eviction_exceeded_time", "Time over maxmemory.")),
    ABSENT("current_eviction_exceeded_time", "0"),
    U64("keyspace_hits", data.hits,
        COUNTER("keyspace_hits_total", "keyspace_hits_total", "Reads of keys that were there.")),
    U64("keyspace_misses", data.misses,
        COUNTER("keyspace_misses_total", "keyspace_misses_total", "Reads of keys that were not there.")),
    U64("pubsub_channels", pubsub.channels,
        GAUGE("pubsub_channels", "pubsub_channels", "Channels that somebody is subscribed to.")),
    U64("pubsub_patterns", pubsub.patterns,
        GAUGE("pubsub_patterns", "pubsub_patterns", "Patterns that somebody is subscribed to.")),
    U64("pubsubshard_channels", pubsub.shard_channels,
        GAUGE("pubsub_shard_channels", "pubsubshard_channels", "Shard channels that somebody is subscribed to.")),
    ABSENT("latest_fork_usec", "0", GAUGE(NULL, "latest_fork_usec", "Time that the last fork took.")),
    ABSENT("total_forks", "0"),
    ABSENT("migrate_cached_sockets", "0", GAUGE(NULL, "migrate_cached_sockets_total", "Sockets that MIGRATE holds.")),
    ABSENT("slave_expires_tracked_keys", "0",
        GAUGE(NULL, "slave_expires_tracked_keys", "Keys that a writable replica has to expire.")),
    ABSENT("active_defrag_hits", "0", GAUGE(NULL, "defrag_hits", "Values moved by defragmentation.")),
    ABSENT("active_defrag_misses", "0", GAUGE(NULL, "defrag_misses", "Values that defragmentation left in place.")),
    ABSENT("active_defrag_key_hits", "0", GAUGE(NULL, "defrag_key_hits", "Keys moved by defragmentation.")),
    ABSENT("active_defrag_key_misses", "0",
        GAUGE(NULL, "defrag_key_misses", "Keys that defragmentation left in place.")),
    ABSENT("total_active_defrag_time", "0"),
    ABSENT("current_active_defrag_time", "0"),
    ABSENT("tracking_total_keys", "0", GAUGE(NULL, "tracking_total_keys", "Keys that clients cache.")),
    ABSENT("tracking_total_items", "0", GAUGE(NULL, "tracking_total_items", "Clients by cached key.")),
    ABSENT("tracking_total_prefixes", "0", GAUGE(NULL, "tracking_total_prefixes", "Prefixes that clients cache.")),
    ABSENT("unexpected_error_replies", "0", GAUGE(NULL, "unexpected_error_replies", "Errors that nobody should get.")),
    U64("total_error_replies", engine.errors,
        COUNTER("error_replies_total", "total_error_replies", "Errors that were replied.")),
    ABSENT("dump_payload_sanitizations", "0", GAUGE(NULL, "dump_payload_sanitizations", "Dumps that were checked.")),
    U64("total_reads_processed", engine.reads_processed,
        COUNTER("socket_reads_total", "total_reads_processed", "Times that a connection was read from.")),
    U64("total_writes_processed", engine.writes_processed,
        COUNTER("socket_writes_total", "total_writes_processed", "Times that a connection was written to.")),
    ABSENT("io_threaded_reads_processed", "0", GAUGE(NULL, "io_threaded_reads_processed", "Reads by other threads.")),
    ABSENT("io_threaded_writes_processed", "0",
        GAUGE(NULL, "io_threaded_writes_processed", "Writes by other threads.")),
    ABSENT("reply_buffer_shrinks", "0"),
    ABSENT("reply_buffer_expands", "0"),
    U64("client_query_buffer_limit_disconnections", engine.query_limit_disconnections,
        COUNTER("clients_closed_for_input_total", "client_query_buffer_limit_disconnections_total",
            "Connections closed as their requests were too large.")),
    U64("client_output_buffer_limit_disconnections", engine.output_limit_disconnections,
        COUNTER("clients_closed_for_output_total", "client_output_buffer_limit_disconnections_total",
            "Connections closed as they did not take their replies.")),
    U64("eventloop_cycles", process.cycles,
        COUNTER("loop_turns_total", "eventloop_cycles", "Turns of the event loop.")),
    U64("eventloop_duration_sum", process.busy_us,
        COUNTER_PER(1e6, "loop_busy_seconds_total", "eventloop_duration_sum",
            "Time that turns of the event loop took, without waiting.")),
    WHOLE("eventloop_duration_cmd_sum", rates.commands_us,
        COUNTER_PER(1e6, "commands_seconds_total", "eventloop_duration_cmd_sum", "Time that commands took.")),
    WHOLE("instantaneous_eventloop_cycles_per_sec", rates.cycles,
        GAUGE("loop_turns_per_second", "instantaneous_eventloop_cycles_per_sec",
            "Turns of the event loop a second, of late.")),
    WHOLE("instantaneous_eventloop_duration_usec", rates.turn_us,
        GAUGE_PER(1e6, "loop_turn_seconds", "instantaneous_eventloop_duration_usec",
            "Time of a turn of the event loop, of late.")),
    U64("acl_access_denied_auth", engine.auth_failures,
        COUNTER("auth_failures_total", "acl_access_denied_auth_total", "Wrong passwords.")),
    ABSENT("acl_access_denied_cmd", "0",
        COUNTER(NULL, "acl_access_denied_cmd_total", "Commands that users may not run.")),
    ABSENT("acl_access_denied_key", "0",
        COUNTER(NULL, "acl_access_denied_key_total", "Keys that users may not touch.")),
    ABSENT("acl_access_denied_channel", "0",
        COUNTER(NULL, "acl_access_denied_channel_total", "Channels that users may not touch.")),
};

static const struct info_field replication_fields[] = {
    FIXED("role", "master", LABEL("role", "role")),
    ABSENT("connected_slaves", "0", GAUGE(NULL, "connected_slaves", "Replicas that are connected.")),
    ABSENT("master_failover_state", "no-failover"),
    TEXT("master_replid", process.repl_id, LABEL(NULL, "master_replid")),
    ABSENT("master_replid2", NO_ID),
    ABSENT("master_repl_offset", "0", GAUGE(NULL, "master_repl_offset", "Offset of replication.")),
    ABSENT("second_repl_offset", "-1",
        GAUGE(NULL, "second_repl_offset", "Offset up to which the second ID of replication holds.")),
    ABSENT("repl_backlog_active", "0", GAUGE(NULL, "repl_backlog_is_active", "There is a backlog for replicas.")),
    ABSENT("repl_backlog_size", "0", GAUGE(NULL, "replication_backlog_bytes", "Size of the backlog for replicas.")),
    ABSENT("repl_backlog_first_byte_offset", "0",
        GAUGE(NULL, "repl_backlog_first_byte_offset", "Offset at which the backlog begins.")),
    ABSENT("repl_backlog_histlen", "0", GAUGE(NULL, "repl_backlog_history_bytes", "What the backlog holds.")),
};

static const struct info_field cpu_fields[] = {
    SECONDS("used_cpu_sys", cpu.sys_us,
        COUNTER("cpu_system_seconds_total", "cpu_sys_seconds_total", "Processor time in the kernel.")),
    SECONDS("used_cpu_user", cpu.user_us,
        COUNTER("cpu_user_seconds_total", "cpu_user_seconds_total", "Processor time of the process itself.")),
    SECONDS("used_cpu_sys_children", cpu.sys_children_us,
        COUNTER("cpu_children_system_seconds_total", "cpu_sys_children_seconds_total",
            "Processor time of children in the kernel.")),
    SECONDS("used_cpu_user_children", cpu.user_children_us,
        COUNTER("cpu_children_user_seconds_total", "cpu_user_children_seconds_total", "Processor time of children.")),
    SECONDS("used_cpu_sys_main_thread", cpu.sys_thread_us,
        COUNTER("cpu_loop_system_seconds_total", "cpu_sys_main_thread_seconds_total",
            "Processor time of the event loop's thread in the kernel.")),
    SECONDS("used_cpu_user_main_thread", cpu.user_thread_us,
        COUNTER("cpu_loop_user_seconds_total", "cpu_user_main_thread_seconds_total",
            "Processor time of the event loop's thread itself.")),
};

static const struct info_field commandstats_fields[] = {
    LINES("cmdstat", info_commandstats, METRICS(metrics_commands)),
};

static const struct info_field errorstats_fields[] = {
    LINES("errorstat", info_errorstats, METRICS(metrics_errors)),
};

static const struct info_field latencystats_fields[] = {
    LINES("latency_percentiles_usec", info_latencystats, METRICS(metrics_durations)),
};

static const struct info_field cluster_fields[] = {
    ABSENT("cluster_enabled", "0", GAUGE(NULL, "cluster_enabled", "It is part of a cluster.")),
};

static const struct info_field keyspace_fields[] = {
    LINES("db", info_databases, METRICS(metrics_databases)),
};

static const struct info_field shards_fields[] = {
    U64("shards", move.shards, GAUGE("shards", NULL, "Shards of the keyspace.")),
    LINES("shard", info_shards, METRICS(metrics_shards)),
    BOOL("resharding", move.active, GAUGE("resharding", NULL, "1 while keys move between shards.")),
    U64("resharding_from", move.from, GAUGE("resharding_from_shards", NULL, "Shards before the move.")),
    U64("resharding_to", move.to, GAUGE("resharding_to_shards", NULL, "Shards after the move.")),
    DECIMAL("resharding_done_perc", move.perc,
        GAUGE_PER(100, "resharding_done_ratio", NULL, "How much of the move is done.")),
    U64("resharding_keys_moved", move.keys,
        GAUGE("resharding_moved_keys", NULL, "Keys that this move, or the last one, moved.")),
    U64("resharding_slots_moved", move.slots,
        GAUGE("resharding_moved_slots", NULL, "Slots that this move, or the last one, moves.")),
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
