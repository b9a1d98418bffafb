/* INFO: server, clients, memory, cpu. */
#include "engine/version.h"
#include "server/info.h"

#include <event2/event.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "clients/pubsub.h"
#include "engine/block.h"
#include "engine/interest.h"
#include "server/version.h"

#ifdef __clang__
#define COMPILER_MAJOR __clang_major__
#define COMPILER_MINOR __clang_minor__
#define COMPILER_PATCH __clang_patchlevel__
#else
#define COMPILER_MAJOR __GNUC__
#define COMPILER_MINOR __GNUC_MINOR__
#define COMPILER_PATCH __GNUC_PATCHLEVEL__
#endif

#define LISTENERS_MAX (NET_BIND_MAX + 1)

void info_server(struct server *s, struct buf *out)
{
    struct utsname os;
    int64_t up_s = (clock_mono_us() - s->start_us) / 1000000;
    int64_t now_us = clock_wall_us();
    uname(&os);
    info_line(out, "redis_version:%s", ENGINE_REDIS_VERSION);
    info_line(out, "corsac_version:%s", corsac_version);
    info_line(out, "server_name:corsac");
    info_line(out, "redis_git_sha1:%.*s", (int)strcspn(corsac_git_sha, "-"), corsac_git_sha);
    info_line(out, "redis_git_dirty:%d", strstr(corsac_git_sha, "-dirty") != NULL);
    info_line(out, "redis_build_id:%s", corsac_git_sha);
    info_line(out, "redis_mode:standalone");
    info_line(out, "os:%s %s %s", os.sysname, os.release, os.machine);
    info_line(out, "arch_bits:%d", (int)sizeof(void *) * 8);
    info_line(out, "monotonic_clock:POSIX clock_gettime");
    info_line(out, "multiplexing_api:%s", event_base_get_method(s->base));
    info_line(out, "atomicvar_api:c11-builtin");
    info_line(out, "gcc_version:%d.%d.%d", COMPILER_MAJOR, COMPILER_MINOR, COMPILER_PATCH);
    info_line(out, "process_id:%d", (int)getpid());
    info_line(out, "process_supervised:no");
    info_line(out, "run_id:%s", s->run_id);
    info_line(out, "tcp_port:%u", s->config.net.port);
    info_line(out, "server_time_usec:%lld", (long long)now_us);
    info_line(out, "uptime_in_seconds:%lld", (long long)up_s);
    info_line(out, "uptime_in_days:%lld", (long long)(up_s / 86400));
    info_line(out, "hz:%lld", (long long)s->config.hz);
    info_line(out, "configured_hz:%lld", (long long)s->config.hz);
    info_line(out, "lru_clock:%lld", (long long)(now_us / 1000000 & 0xffffff));
    info_line(out, "executable:%s", s->executable ? s->executable : "");
    info_line(out, "config_file:%s", s->config_host.file ? s->config_host.file : "");
    info_line(out, "io_threads_active:0");
    char where[LISTENERS_MAX][128];
    int n = s->net ? net_listening(s->net, where, LISTENERS_MAX) : 0;
    for (int i = 0; i < n; i++)
        info_line(out, "listener%d:name=%s,bind=%s", i, where[i][0] == '/' ? "unix" : "tcp",
                  where[i]);
}

void info_clients(struct server *s, struct buf *out)
{
    size_t subscribers = 0, watching = 0, watched = 0, timed = 0;
    for (const struct session *c = engine_sessions(s->engine); c; c = c->next) {
        size_t keys = interest_count(c, INTEREST_WATCH);
        subscribers += c->pubsub != NULL;
        watching += keys > 0;
        watched += keys;
        timed += (c->flags & SESSION_BLOCKED) && c->block_deadline_us != INT64_MAX;
    }
    struct net_stats n = {0};
    if (s->net)
        net_stats(s->net, &n);
    info_line(out, "connected_clients:%zu", s->net ? net_clients(s->net) : 0);
    info_line(out, "cluster_connections:0");
    info_line(out, "maxclients:%lld", (long long)s->config.net.clients_max);
    info_line(out, "client_recent_max_input_buffer:%zu", n.largest_query_bytes);
    info_line(out, "client_recent_max_output_buffer:%zu", n.largest_output_bytes);
    info_line(out, "blocked_clients:%zu",
              engine_sessions_blocked(s->engine) + engine_sessions_paused(s->engine));
    info_line(out, "tracking_clients:0");
    info_line(out, "pubsub_clients:%zu", subscribers);
    info_line(out, "watching_clients:%zu", watching);
    info_line(out, "clients_in_timeout_table:%zu", timed);
    info_line(out, "total_watched_keys:%zu", watched);
    info_line(out, "total_blocking_keys:%zu", engine_keys_waited_for(s->engine));
    info_line(out, "total_blocking_keys_on_nokey:0");
}

static void line_human(struct buf *out, const char *name, uint64_t bytes)
{
    char human[INFO_HUMAN_CHARS];
    info_human(bytes, human);
    info_line(out, "%s:%llu", name, (unsigned long long)bytes);
    info_line(out, "%s_human:%s", name, human);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void info_allocator(const struct server *s, const struct mem_stats *m, struct buf *out)
{
    size_t rss = s->rss_bytes;
    info_line(out, "allocator_frag_ratio:%.2f", ratio((double)m->active, (double)m->allocated));
    info_line(out, "allocator_frag_bytes:%lld", (long long)m->active - (long long)m->allocated);
    info_line(out, "allocator_rss_ratio:%.2f", ratio((double)m->resident, (double)m->active));
    info_line(out, "allocator_rss_bytes:%lld", (long long)m->resident - (long long)m->active);
    info_line(out, "rss_overhead_ratio:%.2f", ratio((double)rss, (double)m->resident));
    info_line(out, "rss_overhead_bytes:%lld", (long long)rss - (long long)m->resident);
    info_line(out, "mem_fragmentation_ratio:%.2f", ratio((double)rss, (double)m->allocated));
    info_line(out, "mem_fragmentation_bytes:%lld", (long long)rss - (long long)m->allocated);
}

void info_memory(struct server *s, struct buf *out)
{
    struct mem_stats m;
    struct ks_stats k;
    struct net_stats n = {0};
    struct sysinfo system = {0};
    mem_stats(&m);
    ks_stats(s->ks, &k);
    if (s->net)
        net_stats(s->net, &n);
    sysinfo(&system);
    size_t used = server_memory(s);
    uint64_t clients = n.query_bytes + n.output_bytes;
    uint64_t items = k.bytes - k.table_bytes;
    uint64_t dataset = items < used ? items : used;

    line_human(out, "used_memory", used);
    line_human(out, "used_memory_rss", s->rss_bytes);
    line_human(out, "used_memory_peak", s->peak_bytes);
    info_line(out, "used_memory_peak_perc:%.2f%%",
              100 * ratio((double)used, (double)s->peak_bytes));
    info_line(out, "used_memory_overhead:%llu", (unsigned long long)(used - dataset));
    info_line(out, "used_memory_startup:%zu", s->startup_bytes);
    info_line(out, "used_memory_dataset:%llu", (unsigned long long)dataset);
    info_line(out, "used_memory_dataset_perc:%.2f%%",
              used > s->startup_bytes
                  ? 100 * ratio((double)dataset, (double)(used - s->startup_bytes))
                  : 0);
    info_line(out, "allocator_allocated:%zu", m.allocated);
    info_line(out, "allocator_active:%zu", m.active);
    info_line(out, "allocator_resident:%zu", m.resident);
    info_line(out, "allocator_muzzy:0");
    line_human(out, "total_system_memory", (uint64_t)system.totalram * system.mem_unit);
    line_human(out, "used_memory_lua", 0);
    info_line(out, "used_memory_vm_eval:0");
    info_line(out, "used_memory_scripts_eval:0");
    info_line(out, "number_of_cached_scripts:0");
    info_line(out, "number_of_functions:0");
    info_line(out, "number_of_libraries:0");
    info_line(out, "used_memory_vm_functions:0");
    line_human(out, "used_memory_vm_total", 0);
    info_line(out, "used_memory_functions:0");
    line_human(out, "used_memory_scripts", 0);
    line_human(out, "maxmemory", 0);
    info_line(out, "maxmemory_policy:noeviction");
    info_allocator(s, &m, out);
    info_line(out, "mem_not_counted_for_evict:0");
    info_line(out, "mem_overhead_db_hashtable_rehashing:0");
    info_line(out, "mem_replica_full_sync_buffer:0");
    info_line(out, "mem_replication_backlog:0");
    info_line(out, "mem_total_replication_buffers:0");
    info_line(out, "mem_clients_slaves:0");
    info_line(out, "mem_clients_normal:%llu", (unsigned long long)clients);
    info_line(out, "mem_cluster_links:0");
    info_line(out, "mem_aof_buffer:0");
    info_line(out, "mem_allocator:%s", mem_allocator());
    info_line(out, "mem_tables:%llu", (unsigned long long)k.table_bytes);
    info_line(out, "active_defrag_running:0");
    info_line(out, "lazyfree_pending_objects:%llu", (unsigned long long)k.lazy_pending);
    info_line(out, "lazyfreed_objects:%llu", (unsigned long long)k.lazy_freed);
}

static void line_time(struct buf *out, const char *name, struct timeval t)
{
    info_line(out, "%s:%ld.%06ld", name, (long)t.tv_sec, (long)t.tv_usec);
}

void info_cpu(struct server *s, struct buf *out)
{
    struct rusage self = {0}, children = {0}, thread = {0};
    (void)s;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    getrusage(RUSAGE_THREAD, &thread);
    line_time(out, "used_cpu_sys", self.ru_stime);
    line_time(out, "used_cpu_user", self.ru_utime);
    line_time(out, "used_cpu_sys_children", children.ru_stime);
    line_time(out, "used_cpu_user_children", children.ru_utime);
    line_time(out, "used_cpu_sys_main_thread", thread.ru_stime);
    line_time(out, "used_cpu_user_main_thread", thread.ru_utime);
}
