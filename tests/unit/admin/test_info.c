/* INFO: every field is there, in its place, and what Corsac has not has the value that Redis gives. */
#include <stdlib.h>
#include <string.h>

#include "admin/admin.h"
#include "admin/info.h"
#include "unit/server/server_test.h"

/* A field that ends in a colon has any value. Those with a plus are there with a log, or while one is loaded. */
static const char *const expected[] = {
    "# Server",
    "redis_version:7.2.4",
    "corsac_version:",
    "server_name:corsac",
    "redis_git_sha1:",
    "redis_git_dirty:",
    "redis_build_id:",
    "redis_mode:standalone",
    "os:",
    "arch_bits:64",
    "monotonic_clock:POSIX clock_gettime",
    "multiplexing_api:",
    "atomicvar_api:c11-builtin",
    "gcc_version:",
    "process_id:",
    "process_supervised:no",
    "run_id:",
    "tcp_port:",
    "server_time_usec:",
    "uptime_in_seconds:",
    "uptime_in_days:",
    "hz:",
    "configured_hz:",
    "lru_clock:",
    "executable:",
    "config_file:",
    "io_threads_active:0",
    "# Clients",
    "connected_clients:",
    "cluster_connections:0",
    "maxclients:",
    "client_recent_max_input_buffer:",
    "client_recent_max_output_buffer:",
    "blocked_clients:",
    "tracking_clients:0",
    "pubsub_clients:",
    "watching_clients:",
    "clients_in_timeout_table:",
    "total_watched_keys:",
    "total_blocking_keys:",
    "total_blocking_keys_on_nokey:0",
    "# Memory",
    "used_memory:",
    "used_memory_human:",
    "used_memory_rss:",
    "used_memory_rss_human:",
    "used_memory_peak:",
    "used_memory_peak_human:",
    "used_memory_peak_perc:",
    "used_memory_overhead:",
    "used_memory_startup:",
    "used_memory_dataset:",
    "used_memory_dataset_perc:",
    "allocator_allocated:",
    "allocator_active:",
    "allocator_resident:",
    "allocator_muzzy:0",
    "total_system_memory:",
    "total_system_memory_human:",
    "used_memory_lua:0",
    "used_memory_lua_human:0B",
    "used_memory_vm_eval:0",
    "used_memory_scripts_eval:0",
    "number_of_cached_scripts:0",
    "number_of_functions:0",
    "number_of_libraries:0",
    "used_memory_vm_functions:0",
    "used_memory_vm_total:0",
    "used_memory_vm_total_human:0B",
    "used_memory_functions:0",
    "used_memory_scripts:0",
    "used_memory_scripts_human:0B",
    "maxmemory:0",
    "maxmemory_human:0B",
    "maxmemory_policy:noeviction",
    "allocator_frag_ratio:",
    "allocator_frag_bytes:",
    "allocator_rss_ratio:",
    "allocator_rss_bytes:",
    "rss_overhead_ratio:",
    "rss_overhead_bytes:",
    "mem_fragmentation_ratio:",
    "mem_fragmentation_bytes:",
    "mem_not_counted_for_evict:0",
    "mem_overhead_db_hashtable_rehashing:0",
    "mem_replica_full_sync_buffer:0",
    "mem_replication_backlog:0",
    "mem_total_replication_buffers:0",
    "mem_clients_slaves:0",
    "mem_clients_normal:",
    "mem_cluster_links:0",
    "mem_aof_buffer:0",
    "mem_allocator:",
    "mem_tables:",
    "active_defrag_running:0",
    "lazyfree_pending_objects:",
    "lazyfreed_objects:",
    "# Persistence",
    "loading:",
    "async_loading:0",
    "current_cow_peak:0",
    "current_cow_size:0",
    "current_cow_size_age:0",
    "current_fork_perc:0.00",
    "current_save_keys_processed:0",
    "current_save_keys_total:0",
    "rdb_changes_since_last_save:",
    "rdb_bgsave_in_progress:0",
    "rdb_last_save_time:",
    "rdb_last_bgsave_status:ok",
    "rdb_last_bgsave_time_sec:-1",
    "rdb_current_bgsave_time_sec:-1",
    "rdb_saves:0",
    "rdb_last_cow_size:0",
    "rdb_last_load_keys_expired:0",
    "rdb_last_load_keys_loaded:0",
    "aof_enabled:",
    "aof_rewrite_in_progress:",
    "aof_rewrite_scheduled:",
    "aof_last_rewrite_time_sec:",
    "aof_current_rewrite_time_sec:",
    "aof_last_bgrewrite_status:",
    "aof_rewrites:",
    "aof_rewrites_consecutive_failures:",
    "aof_last_write_status:",
    "aof_last_cow_size:0",
    "+aof_current_size:",
    "+aof_base_size:",
    "+aof_pending_rewrite:0",
    "+aof_buffer_length:",
    "+aof_pending_bio_fsync:0",
    "+aof_delayed_fsync:",
    "+aof_position:",
    "+aof_written_position:",
    "+aof_synced_position:",
    "+loading_start_time:",
    "+loading_total_bytes:",
    "+loading_rdb_used_mem:0",
    "+loading_loaded_bytes:",
    "+loading_loaded_perc:",
    "+loading_eta_seconds:",
    "module_fork_in_progress:0",
    "module_fork_last_cow_size:0",
    "# Stats",
    "total_connections_received:",
    "total_commands_processed:",
    "instantaneous_ops_per_sec:",
    "total_net_input_bytes:",
    "total_net_output_bytes:",
    "total_net_lent_bytes:",
    "total_net_repl_input_bytes:0",
    "total_net_repl_output_bytes:0",
    "instantaneous_input_kbps:",
    "instantaneous_output_kbps:",
    "instantaneous_input_repl_kbps:0.00",
    "instantaneous_output_repl_kbps:0.00",
    "rejected_connections:",
    "sync_full:0",
    "sync_partial_ok:0",
    "sync_partial_err:0",
    "expired_subkeys:0",
    "expired_keys:",
    "expired_stale_perc:0.00",
    "expired_time_cap_reached_count:",
    "expire_cycle_cpu_milliseconds:0",
    "evicted_keys:0",
    "evicted_clients:0",
    "evicted_scripts:0",
    "total_eviction_exceeded_time:0",
    "current_eviction_exceeded_time:0",
    "keyspace_hits:",
    "keyspace_misses:",
    "pubsub_channels:",
    "pubsub_patterns:",
    "pubsubshard_channels:",
    "latest_fork_usec:0",
    "total_forks:0",
    "migrate_cached_sockets:0",
    "slave_expires_tracked_keys:0",
    "active_defrag_hits:0",
    "active_defrag_misses:0",
    "active_defrag_key_hits:0",
    "active_defrag_key_misses:0",
    "total_active_defrag_time:0",
    "current_active_defrag_time:0",
    "tracking_total_keys:0",
    "tracking_total_items:0",
    "tracking_total_prefixes:0",
    "unexpected_error_replies:0",
    "total_error_replies:",
    "dump_payload_sanitizations:0",
    "total_reads_processed:",
    "total_writes_processed:",
    "io_threaded_reads_processed:0",
    "io_threaded_writes_processed:0",
    "reply_buffer_shrinks:0",
    "reply_buffer_expands:0",
    "client_query_buffer_limit_disconnections:",
    "client_output_buffer_limit_disconnections:",
    "eventloop_cycles:",
    "eventloop_duration_sum:",
    "eventloop_duration_cmd_sum:",
    "instantaneous_eventloop_cycles_per_sec:",
    "instantaneous_eventloop_duration_usec:",
    "acl_access_denied_auth:",
    "acl_access_denied_cmd:0",
    "acl_access_denied_key:0",
    "acl_access_denied_channel:0",
    "# Replication",
    "role:master",
    "connected_slaves:0",
    "master_failover_state:no-failover",
    "master_replid:",
    "master_replid2:0000000000000000000000000000000000000000",
    "master_repl_offset:0",
    "second_repl_offset:-1",
    "repl_backlog_active:0",
    "repl_backlog_size:0",
    "repl_backlog_first_byte_offset:0",
    "repl_backlog_histlen:0",
    "# CPU",
    "used_cpu_sys:",
    "used_cpu_user:",
    "used_cpu_sys_children:",
    "used_cpu_user_children:",
    "used_cpu_sys_main_thread:",
    "used_cpu_user_main_thread:",
    "# Modules",
    "# Commandstats",
    "# Errorstats",
    "# Latencystats",
    "# Cluster",
    "cluster_enabled:0",
    "# Keyspace",
    "db0:",
    "# Shards",
    "shards:",
    "shard0:",
    "resharding:",
    "resharding_from:",
    "resharding_to:",
    "resharding_done_perc:",
    "resharding_keys_moved:",
    "resharding_slots_moved:",
};
#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

/* Lines whose names depend on what was run. */
static bool depends(const char *line)
{
    static const char *const starts[] = {"cmdstat_", "errorstat_", "latency_percentiles_",
                                         "listener"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(line, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void check_line(const char *line, const char *want)
{
    size_t len = strlen(want);
    if (len > 0 && want[len - 1] == ':')
        assert_memory_equal(line, want, len);
    else
        assert_string_equal(line, want);
}

/* `all`: with the fields that have a plus. */
static void check_fields(struct test_server *t, bool all)
{
    char *info = strdup(strstr(test_server_run(t, "INFO everything"), "# Server")), *rest = NULL;
    size_t i = 0;
    for (char *line = strtok_r(info, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        if (depends(line))
            continue;
        while (!all && i < EXPECTED && expected[i][0] == '+')
            i++;
        assert_true(i < EXPECTED);
        check_line(line, expected[i] + (expected[i][0] == '+'));
        i++;
    }
    assert_int_equal(i, EXPECTED);
    free(info);
}

static void test_every_field(void **state)
{
    (void)state;
    struct test_server t;
    test_server_init(&t, "");
    assert_reply(&t, "SET a b", "+OK\r\n");
    check_fields(&t, false);
    test_server_deinit(&t);
}

static void loads_and_appends(void *server, struct admin_persistence *out)
{
    (void)server;
    out->loading = out->open = true;
    out->load_total = 200;
    out->load_bytes = 100;
    out->load_perc = 50;
    out->load_eta_s = 3;
    out->pos = 7;
    out->write_status = "err";
}

static void test_fields_of_a_log(void **state)
{
    (void)state;
    struct test_server t;
    test_server_init(&t, "");
    assert_reply(&t, "SET a b", "+OK\r\n");
    admin_set_host(t.s->admin, &(struct admin_host){.persistence = loads_and_appends});
    check_fields(&t, true);
    const char *info = test_server_run(&t, "INFO persistence");
    assert_has(info, "\r\naof_last_write_status:err\r\n");
    assert_has(info, "\r\naof_position:7\r\n");
    assert_has(info, "\r\nloading_loaded_perc:50.00\r\nloading_eta_seconds:3\r\n");
    test_server_deinit(&t);
}

/* A name that stands twice would hide one of two figures from whoever reads by name. */
static void test_names_are_unique(void **state)
{
    (void)state;
    size_t count;
    const struct info_section *sections = info_sections(&count);
    for (size_t a = 0; a < count; a++)
        for (size_t i = 0; i < sections[a].count; i++)
            for (size_t b = a; b < count; b++)
                for (size_t k = b == a ? i + 1 : 0; k < sections[b].count; k++)
                    assert_string_not_equal(sections[a].fields[i].name, sections[b].fields[k].name);
}

/* One of each kind. */
static void test_values(void **state)
{
    (void)state;
    static const struct {
        enum info_kind kind;
        size_t at;
        const char *text, *printed;
    } cases[] = {
        {INFO_U64, offsetof(struct info_facts, engine.in_bytes), NULL, "18446744073709551615"},
        {INFO_I64, offsetof(struct info_facts, build.pid), NULL, "-5"},
        {INFO_BOOL, offsetof(struct info_facts, aof.open), NULL, "1"},
        {INFO_WHOLE, offsetof(struct info_facts, rates.commands), NULL, "2"},
        {INFO_DECIMAL, offsetof(struct info_facts, rates.commands), NULL, "2.25"},
        {INFO_PERCENT, offsetof(struct info_facts, rates.commands), NULL, "2.25%"},
        {INFO_BYTES, offsetof(struct info_facts, memory.used), NULL, "1.50M"},
        {INFO_SECONDS, offsetof(struct info_facts, cpu.sys_us), NULL, "3.000004"},
        {INFO_TEXT, offsetof(struct info_facts, build.version), NULL, "x"},
        {INFO_CHARS, offsetof(struct info_facts, build.os), NULL, "os"},
        {INFO_FIXED, 0, "fixed", "fixed"},
        {INFO_ABSENT, 0, "0", "0"},
    };
    struct info_facts f = {.engine.in_bytes = UINT64_MAX,
                           .build = {.pid = -5, .version = "x", .os = "os"},
                           .aof.open = true,
                           .rates.commands = 2.25,
                           .memory.used = 3 << 19,
                           .cpu.sys_us = 3000004};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct info_field row = {.kind = cases[i].kind, .at = cases[i].at, .text = cases[i].text};
        struct buf out;
        buf_init(&out);
        info_append_value(&f, &row, &out);
        assert_string_equal(buf_cstr(&out), cases[i].printed);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field),
        cmocka_unit_test(test_fields_of_a_log),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
