/* INFO: gathers the facts of its rows, by section. */
#include "admin/info.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "admin/admin_impl.h"
#include "base/clock.h"
#include "clients/clients.h"
#include "clients/pubsub.h"
#include "engine/interest.h"
#include "engine/version.h"

#define LRU_CLOCK_MASK 0xffffff

void info_gather_server(struct admin *a, struct info_facts *f)
{
    struct info_build *b = &f->build;
    struct utsname os;
    admin_process(a, &f->process);
    uname(&os);
    snprintf(b->os, sizeof(b->os), "%s %s %s", os.sysname, os.release, os.machine);
    snprintf(b->git_sha, sizeof(b->git_sha), "%.*s", (int)strcspn(corsac_git_sha, "-"),
             corsac_git_sha);
    b->version = corsac_version;
    b->build_id = corsac_git_sha;
    b->dirty = strstr(corsac_git_sha, "-dirty") != NULL;
    b->pid = getpid();
    b->clock_us = clock_wall_us();
    b->clock_lru = b->clock_us / 1000000 & LRU_CLOCK_MASK;
    b->up_s = (clock_mono_us() - f->process.start_us) / 1000000;
    b->up_days = b->up_s / 86400;
}

/* Walks all connections, so that sections with the same facts do it once. */
static void gather_net(struct admin *a, struct info_facts *f)
{
    if (f->net.clients == 0)
        admin_net(a, &f->net);
}

void info_gather_clients(struct admin *a, struct info_facts *f)
{
    struct info_sessions *out = &f->sessions;
    const struct engine *e = a->engine;
    admin_process(a, &f->process);
    gather_net(a, f);
    for (const struct session *s = engine_sessions(e); s; s = session_next(s)) {
        size_t keys = interest_count(s, INTEREST_WATCH);
        out->subscribed += session_is_subscribed(s);
        out->watching += keys > 0;
        out->watched_keys += keys;
        out->timed += session_has_deadline(s);
    }
    out->keys_waited_for = engine_keys_waited_for(e);
    out->blocked = engine_sessions_blocked(e) + engine_sessions_paused(e);
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static int64_t beyond(uint64_t a, uint64_t b)
{
    return (int64_t)a - (int64_t)b;
}

static void heap_ratios(const struct mem_stats *heap, struct info_memory *m)
{
    m->frag_ratio = ratio((double)heap->active, (double)heap->allocated);
    m->frag_bytes = beyond(heap->active, heap->allocated);
    m->heap_rss_ratio = ratio((double)heap->resident, (double)heap->active);
    m->heap_rss_bytes = beyond(heap->resident, heap->active);
    m->overhead_ratio = ratio((double)m->rss, (double)heap->resident);
    m->overhead_bytes = beyond(m->rss, heap->resident);
    m->fragmentation = ratio((double)m->rss, (double)heap->allocated);
    m->fragmentation_bytes = beyond(m->rss, heap->allocated);
}

void info_gather_memory(struct admin *a, struct info_facts *f)
{
    struct info_memory *m = &f->memory;
    struct sysinfo system = {0};
    mem_stats(&f->heap);
    ks_stats(engine_keyspace(a->engine), &f->data);
    gather_net(a, f);
    sysinfo(&system);
    m->used = samples_memory(&a->samples);
    m->peak = a->samples.peak_bytes;
    m->rss = a->samples.rss_bytes;
    m->startup = a->samples.startup_bytes;
    m->clients = f->net.query_bytes + f->net.output_bytes;
    m->system = (uint64_t)system.totalram * system.mem_unit;
    f->build.allocator = mem_allocator();

    uint64_t items = f->data.bytes - f->data.table_bytes;
    m->dataset = items < m->used ? items : m->used;
    m->overhead = m->used - m->dataset;
    m->peak_perc = 100 * ratio((double)m->used, (double)m->peak);
    m->dataset_perc =
        m->used > m->startup ? 100 * ratio((double)m->dataset, (double)(m->used - m->startup)) : 0;
    heap_ratios(&f->heap, m);
}

void info_gather_persistence(struct admin *a, struct info_facts *f)
{
    f->engine = *engine_stats(a->engine);
    admin_process(a, &f->process);
    admin_persistence(a, &f->aof);
}

/* The time of all commands. EXEC is left out, as the commands that it runs are counted themselves. */
static double commands_us(const struct engine *e)
{
    const struct cmd_table *t = engine_table(e);
    uint64_t ticks = 0;
    for (size_t i = 0; i < cmd_table_count(t); i++) {
        const struct cmd *c = cmd_table_at(t, i);
        if (strcmp(c->full_name, "exec") != 0)
            ticks += c->stats.ticks;
    }
    return engine_ticks_us(e, ticks);
}

void info_gather_stats(struct admin *a, struct info_facts *f)
{
    const struct samples *s = &a->samples;
    f->engine = *engine_stats(a->engine);
    ks_stats(engine_keyspace(a->engine), &f->data);
    admin_process(a, &f->process);
    if (a->host.clients) {
        const struct pubsub *p = clients_pubsub(a->host.clients);
        f->pubsub = (struct info_pubsub){
            .channels = pubsub_channel_count(p),
            .patterns = pubsub_pattern_count(p),
            .shard_channels = pubsub_shard_channel_count(p),
        };
    }
    double cycles = samples_rate(s, RATE_CYCLES);
    f->rates = (struct info_rates){
        .commands = samples_rate(s, RATE_COMMANDS),
        .in_kb = samples_rate(s, RATE_IN_BYTES) / 1024,
        .out_kb = samples_rate(s, RATE_OUT_BYTES) / 1024,
        .cycles = cycles,
        .turn_us = ratio(samples_rate(s, RATE_BUSY_US), cycles),
        .commands_us = commands_us(a->engine),
    };
}

void info_gather_replication(struct admin *a, struct info_facts *f)
{
    admin_process(a, &f->process);
}

static int64_t microseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

void info_gather_cpu(struct admin *a, struct info_facts *f)
{
    struct rusage self = {0}, children = {0}, thread = {0};
    (void)a;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    getrusage(RUSAGE_THREAD, &thread);
    f->cpu = (struct info_cpu){
        .sys_us = microseconds(self.ru_stime),
        .user_us = microseconds(self.ru_utime),
        .sys_children_us = microseconds(children.ru_stime),
        .user_children_us = microseconds(children.ru_utime),
        .sys_thread_us = microseconds(thread.ru_stime),
        .user_thread_us = microseconds(thread.ru_utime),
    };
}

void info_gather_shards(struct admin *a, struct info_facts *f)
{
    struct keyspace *ks = engine_keyspace(a->engine);
    struct ks_move_stats m;
    ks_move_stats(ks, &m);
    f->move = (struct info_move){
        .shards = ks_shards(ks),
        .active = m.active,
        .from = m.from,
        .to = m.to,
        .perc = 100 * m.done,
        .keys = m.keys_moved,
        .slots = m.slots_moved,
    };
}
