/* MEMORY: the memory of a key and of the whole server, and whether it is used as it should be. */
#include "admin/admin_impl.h"
#include "admin/info.h"
#include "base/mem.h"

/* A table takes this many bytes an entry on average: a cache line has 7 places, which are filled to about 6/7. */
#define TABLE_ENTRY_BYTES 11

/* Redis looks at some elements of a large value and guesses the rest; Corsac always counts. */
static bool parse_samples(struct cmd_ctx *c)
{
    for (int i = 3; i < c->argc; i += 2) {
        int64_t samples;
        if (!slice_is(c->argv[i], "samples") || i + 1 == c->argc) {
            ctx_reply_syntax(c);
            return false;
        }
        if (!ctx_arg_i64(c, i + 1, &samples))
            return false;
        if (samples < 0) {
            ctx_reply_syntax(c);
            return false;
        }
    }
    return true;
}

static void memory_usage(struct cmd_ctx *c)
{
    if (!parse_samples(c))
        return;
    struct key k = ctx_key(c, 2);
    const struct item *it = admin_look_at(c, &k);
    if (!it)
        resp_null(c->out);
    else
        resp_int(c->out, (int64_t)value_memory(it) + TABLE_ENTRY_BYTES);
}

/* --- MEMORY STATS ----------------------------------------------------------------------------------- */

static void pair_int(struct resp_inner *in, size_t *pairs, const char *name, uint64_t v)
{
    resp_bulk_cstr(&in->w, name);
    resp_int(&in->w, (int64_t)v);
    ++*pairs;
}

static void pair_double(struct resp_inner *in, size_t *pairs, const char *name, double v)
{
    resp_bulk_cstr(&in->w, name);
    resp_double(&in->w, v);
    ++*pairs;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static uint64_t stats_of_databases(struct cmd_ctx *c, struct resp_inner *in, size_t *pairs)
{
    uint64_t keys = 0;
    for (int db = 0; db < ks_databases(c->ks); db++) {
        uint64_t n = ks_size(c->ks, db);
        keys += n;
        if (n == 0)
            continue;
        resp_bulkf(&in->w, "db.%d", db);
        resp_map(&in->w, 2);
        resp_bulk_cstr(&in->w, "overhead.hashtable.main");
        resp_int(&in->w, (int64_t)n * TABLE_ENTRY_BYTES);
        resp_bulk_cstr(&in->w, "overhead.hashtable.expires");
        resp_int(&in->w, 0);
        ++*pairs;
    }
    return keys;
}

static void memory_stats(struct cmd_ctx *c)
{
    struct info_facts f = {0};
    const struct info_memory *m = &f.memory;
    info_gather_memory(admin_of(c), &f);

    struct resp_inner in;
    size_t pairs = 0;
    resp_inner_open(&in, c->out);
    pair_int(&in, &pairs, "peak.allocated", m->peak);
    pair_int(&in, &pairs, "total.allocated", m->used);
    pair_int(&in, &pairs, "startup.allocated", m->startup);
    pair_int(&in, &pairs, "replication.backlog", 0);
    pair_int(&in, &pairs, "clients.slaves", 0);
    pair_int(&in, &pairs, "clients.normal", m->clients);
    pair_int(&in, &pairs, "cluster.links", 0);
    pair_int(&in, &pairs, "aof.buffer", 0);
    pair_int(&in, &pairs, "lua.caches", 0);
    pair_int(&in, &pairs, "functions.caches", 0);
    uint64_t keys = stats_of_databases(c, &in, &pairs);
    pair_int(&in, &pairs, "overhead.total", m->overhead);
    pair_int(&in, &pairs, "keys.count", keys);
    pair_int(&in, &pairs, "keys.bytes-per-key", keys ? f.data.bytes / keys : 0);
    pair_int(&in, &pairs, "dataset.bytes", m->dataset);
    pair_double(&in, &pairs, "dataset.percentage",
                100 * ratio((double)m->dataset, (double)m->used));
    pair_double(&in, &pairs, "peak.percentage", m->peak_perc);
    pair_int(&in, &pairs, "allocator.allocated", f.heap.allocated);
    pair_int(&in, &pairs, "allocator.active", f.heap.active);
    pair_int(&in, &pairs, "allocator.resident", f.heap.resident);
    pair_double(&in, &pairs, "allocator-fragmentation.ratio", m->frag_ratio);
    pair_int(&in, &pairs, "allocator-fragmentation.bytes", (uint64_t)m->frag_bytes);
    pair_double(&in, &pairs, "allocator-rss.ratio", m->heap_rss_ratio);
    pair_int(&in, &pairs, "allocator-rss.bytes", (uint64_t)m->heap_rss_bytes);
    pair_double(&in, &pairs, "rss-overhead.ratio", m->overhead_ratio);
    pair_int(&in, &pairs, "rss-overhead.bytes", (uint64_t)m->overhead_bytes);
    pair_double(&in, &pairs, "fragmentation", m->fragmentation);
    pair_int(&in, &pairs, "fragmentation.bytes", (uint64_t)m->fragmentation_bytes);
    resp_inner_close_map(&in, pairs);
}

/* --- the others ------------------------------------------------------------------------------------- */

#define DOCTOR_BYTES_MIN (5u * 1024 * 1024) /* below it every ratio is noise */

static void memory_doctor(struct cmd_ctx *c)
{
    const struct samples *s = &admin_of(c)->samples;
    struct mem_stats m;
    mem_stats(&m);
    struct buf out;
    buf_init(&out);
    if (m.allocated < DOCTOR_BYTES_MIN) {
        buf_append_cstr(&out,
                        "The server is empty or nearly so: there is nothing to examine yet.\n");
    } else {
        if (s->peak_bytes > m.allocated + m.allocated / 2)
            buf_append_cstr(
                &out,
                "* The peak was more than half as large again as what is in use now. The system gets "
                "memory back with a delay; MEMORY PURGE hurries it.\n");
        if (ratio((double)m.active, (double)m.allocated) > 1.4)
            buf_append_cstr(
                &out,
                "* More than 40% of the pages in use are holes that deleted keys left behind. They are "
                "filled by keys of similar size.\n");
        if (ratio((double)s->rss_bytes, (double)m.active) > 1.3)
            buf_append_cstr(
                &out,
                "* The process holds more than 30% beyond the pages in use. MEMORY PURGE gives unused "
                "pages back.\n");
        if (out.len == 0)
            buf_append_cstr(&out, "Nothing stands out: memory is used as it should be.\n");
    }
    ctx_reply_text(c, &out);
}

static void memory_malloc_stats(struct cmd_ctx *c)
{
    struct mem_stats m;
    mem_stats(&m);
    struct buf out;
    buf_init(&out);
    buf_printf(
        &out,
        "Allocator: %s\nAllocated: %zu\nActive: %zu\nResident: %zu\nMapped: %zu\nRetained: %zu\nMetadata: %zu\n",
        mem_allocator(), m.allocated, m.active, m.resident, m.mapped, m.retained, m.metadata);
    ctx_reply_text(c, &out);
}

static void memory_purge(struct cmd_ctx *c)
{
    mem_purge();
    resp_ok(c->out);
}

static void memory_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Tell whether memory is used as it should be.",
        "MALLOC-STATS",
        "    Tell the allocator's own figures.",
        "PURGE",
        "    Give unused pages back to the system now.",
        "STATS",
        "    Tell what memory is used for.",
        "USAGE <key> [SAMPLES <count>]",
        "    Tell how many bytes a key and its value take. SAMPLES changes nothing: all is counted.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

#define SHARDS_TIPS "nondeterministic_output,request_policy:all_shards,response_policy:special"

static const struct cmd_row memory_subs[] = {
    {.name = "usage",
     .fn = memory_usage,
     .arity = -3,
     .flags = CMD_READONLY,
     .keys = {{2, 2, 1, 0, KEY_RO}},
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(N) where N is the number of elements of the value",
     .summary = "Tells how many bytes a key and its value take.",
     .synopsis = "key [SAMPLES count]"},
    {.name = "stats",
     .fn = memory_stats,
     .arity = 2,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Tells what memory is used for.",
     .tips = SHARDS_TIPS},
    {.name = "doctor",
     .fn = memory_doctor,
     .arity = 2,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Tells whether memory is used as it should be.",
     .tips = SHARDS_TIPS},
    {.name = "malloc-stats",
     .fn = memory_malloc_stats,
     .arity = 2,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Tells the allocator's own figures.",
     .tips = SHARDS_TIPS},
    {.name = "purge",
     .fn = memory_purge,
     .arity = 2,
     .group = "server",
     .since = "4.0.0",
     .complexity = "Depends on how much memory is unused",
     .summary = "Gives unused memory back to the system.",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "help",
     .fn = memory_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Tells what MEMORY can do."},
    {.name = NULL},
};

const struct cmd_row admin_rows_memory[] = {
    {.name = "memory",
     .arity = -2,
     .group = "server",
     .since = "4.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "Commands on memory.",
     .subs = memory_subs},
    {.name = NULL},
};
