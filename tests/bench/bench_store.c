/* What the keyspace costs.
 *   bench_store                                        GET and SET of 1 and 10 million keys, beside their targets
 *   bench_store KEYS_IN_THOUSANDS [SHARDS, 1]          everything that it does, slice by slice
 *
 * Keys are drawn at random from all, 16 bytes long, with values of 32 bytes. Names are made ahead of the
 * clock, some thousand at a time, as a request's lie in a read buffer that is in the cache. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store/keyspace.h"
#include "store/string.h"
#include "store/snapshot.h"

#define NAMES       4096 /* made at a time */
#define NAME_BYTES  16
#define VALUE_BYTES 32
#define BATCH       16 /* commands that a turn of the server finds in one read, say */
#define OPS         4000000
#define NOW_MS      1700000000000
#define GET_NS_MAX  100 /* targets, on average and without batching */
#define SET_NS_MAX  200

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Of this thread alone: the longest slice is to be the slice's fault, not that of other processes. Costs some
 * hundred nanoseconds itself. */
static uint64_t cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

struct bench {
    struct keyspace *ks;
    struct rng rng;
    uint64_t keys;
    char names[NAMES][NAME_BYTES + 1];
    struct key hashed[BATCH];
};

static void name_is(char *to, uint64_t n)
{
    snprintf(to, NAME_BYTES + 1, "key:%012" PRIu64, n);
}

static void make_names(struct bench *b, uint64_t first, bool random)
{
    for (uint64_t i = 0; i < NAMES; i++)
        name_is(b->names[i], random ? rng_below(&b->rng, b->keys) : first + i);
}

static struct key key_at(const struct bench *b, unsigned i)
{
    return ks_key(b->ks, slice_of(b->names[i], NAME_BYTES));
}

/* --- operations ------------------------------------------------------------------------------------- */

typedef void (*op_fn)(struct bench *b, const struct key *k);

static void op_get(struct bench *b, const struct key *k)
{
    char scratch[NUM_I64_CHARS];
    const struct item *it = ks_find(b->ks, 0, k, KS_READ);
    struct slice s = string_run(it, 0, scratch);
    __asm__ volatile("" : : "r"(s.ptr[0]), "r"(s.len));
}

static void op_set(struct bench *b, const struct key *k)
{
    static const char value[VALUE_BYTES + 1] = "a value of some thirty-two bytes";
    struct slice s = {value, VALUE_BYTES};
    if (!ks_set_string(b->ks, 0, k, s, ITEM_NO_EXPIRY))
        abort();
}

static void op_miss(struct bench *b, const struct key *k)
{
    struct key other = *k;
    other.name.len--;
    other.hash = ~other.hash;
    if (ks_find(b->ks, 0, &other, KS_READ))
        abort();
}

static void run_singly(struct bench *b, op_fn op)
{
    for (unsigned i = 0; i < NAMES; i++) {
        struct key k = key_at(b, i);
        op(b, &k);
    }
}

static void run_batched(struct bench *b, op_fn op)
{
    for (unsigned i = 0; i < NAMES; i += BATCH) {
        for (unsigned j = 0; j < BATCH; j++) {
            b->hashed[j] = key_at(b, i + j);
            ks_prefetch(b->ks, 0, &b->hashed[j]);
        }
        for (unsigned j = 0; j < BATCH; j++)
            ks_prefetch_item(b->ks, 0, &b->hashed[j], 0);
        for (unsigned j = 0; j < BATCH; j++)
            op(b, &b->hashed[j]);
    }
}

/* Nanoseconds of one, on average. */
static double time_op(struct bench *b, op_fn op, bool batched)
{
    uint64_t ns = 0, ops = 0;
    for (; ops < OPS; ops += NAMES) {
        make_names(b, 0, true);
        uint64_t start = now_ns();
        (batched ? run_batched : run_singly)(b, op);
        ns += now_ns() - start;
    }
    return (double)ns / (double)ops;
}

static void measure(struct bench *b, const char *what, op_fn op, bool batched)
{
    printf("%-28s %7.1f ns\n", what, time_op(b, op, batched));
}

/* --- filling ---------------------------------------------------------------------------------------- */

static double time_fill(struct bench *b, bool batched)
{
    uint64_t ns = 0, done = 0;
    for (; done < b->keys; done += NAMES) {
        make_names(b, done, false);
        uint64_t start = now_ns();
        (batched ? run_batched : run_singly)(b, op_set);
        ns += now_ns() - start;
    }
    b->keys = done;
    return (double)ns / (double)done;
}

static void fill(struct bench *b, const char *what, bool batched)
{
    printf("%-28s %7.1f ns\n", what, time_fill(b, batched));
}

/* The same, with a clock around each call. */
static void fill_watched(struct bench *b)
{
    uint64_t longest = 0, over = 0;
    for (uint64_t done = 0; done < b->keys; done += NAMES) {
        make_names(b, done, false);
        for (unsigned i = 0; i < NAMES; i++) {
            struct key k = key_at(b, i);
            uint64_t start = cpu_ns();
            op_set(b, &k);
            uint64_t ns = cpu_ns() - start;
            longest = ns > longest ? ns : longest;
            over += ns > 100000;
        }
    }
    printf("%-28s %7.1f us (%" PRIu64 " calls over 100 us)\n", "SET insert, longest call",
           (double)longest / 1000, over);
}

static void start(struct bench *b, unsigned shards)
{
    struct ks_options o = {.databases = 16, .shards = shards, .hash_key = {1, 2}, .now_ms = NOW_MS};
    b->ks = ks_new(&o);
}

static void print_memory(const struct bench *b, const struct mem_stats *before)
{
    struct mem_stats after;
    struct ks_stats s;
    mem_stats(&after);
    ks_stats(b->ks, &s);
    double keys = (double)b->keys, payload = NAME_BYTES + VALUE_BYTES;
    double allocated = (double)(after.allocated - before->allocated) / keys;
    double resident = (double)(after.resident - before->resident) / keys;
    printf(
        "bytes a key: counted %.1f (tables %.1f), allocated %.1f, resident %.1f; key and value %.0f\n",
        (double)s.bytes / keys, (double)s.table_bytes / keys, allocated, resident, payload);
}

/* --- slices ----------------------------------------------------------------------------------------- */

struct slices {
    uint64_t clock_ns, count, ns, longest;
};

/* What asking the clock costs, to be taken off. */
static uint64_t clock_cost_ns(void)
{
    uint64_t start = cpu_ns();
    for (int i = 0; i < 999; i++)
        cpu_ns();
    return (cpu_ns() - start) / 1000;
}

static void slice_done(struct slices *s, uint64_t start)
{
    uint64_t ns = cpu_ns() - start;
    ns = ns > s->clock_ns ? ns - s->clock_ns : 0;
    s->count++;
    s->ns += ns;
    s->longest = ns > s->longest ? ns : s->longest;
}

static void print_slices(const char *what, const struct slices *s)
{
    printf("%-28s %7.1f us average, %.1f us longest of %" PRIu64 " slices, %.0f ms\n", what,
           (double)s->ns / 1000 / (double)s->count, (double)s->longest / 1000, s->count,
           (double)s->ns / 1e6);
}

static void work(struct bench *b, const char *what)
{
    struct slices s = {.clock_ns = clock_cost_ns()};
    for (bool more = true; more;) {
        uint64_t begin = cpu_ns();
        more = ks_work(b->ks);
        slice_done(&s, begin);
    }
    print_slices(what, &s);
}

static void expire(struct bench *b)
{
    struct slices s = {.clock_ns = clock_cost_ns()};
    for (uint64_t done = 0; done < b->keys; done += NAMES) {
        make_names(b, done, false);
        for (unsigned i = 0; i < NAMES; i++) {
            struct key k = key_at(b, i);
            ks_set_int(b->ks, 0, &k, 1, NOW_MS + 1000 + (int64_t)(done + i) % 1000);
        }
    }
    ks_clock(b->ks, NOW_MS + 2010);
    for (bool more = true; more;) {
        uint64_t begin = cpu_ns();
        ks_expire_some(b->ks, 64, &more);
        slice_done(&s, begin);
    }
    print_slices("expiring all, 64 a call", &s);
    if (ks_size(b->ks, 0) != 0)
        abort();
}

static void ignore(const struct item *it, void *arg)
{
    (void)it, (void)arg;
}

static void scan(struct bench *b)
{
    struct slices s = {.clock_ns = clock_cost_ns()};
    uint64_t cursor = 0;
    do {
        uint64_t begin = cpu_ns();
        cursor = ks_scan(b->ks, 0, cursor, 10, ignore, NULL);
        slice_done(&s, begin);
    } while (cursor && s.count < 100000);
    print_slices("SCAN COUNT 10", &s);
}

struct copied {
    char bytes[1 << 16];
    size_t at;
    uint64_t keys;
};

/* What a log would do: copies the key and the value. */
static void copy_item(void *arg, int db, const struct item *it)
{
    (void)db;
    struct copied *c = arg;
    char scratch[NUM_I64_CHARS];
    struct slice key = item_key(it), value = string_run(it, 0, scratch);
    if (c->at + key.len + value.len > sizeof(c->bytes))
        c->at = 0;
    memcpy(c->bytes + c->at, key.ptr, key.len);
    memcpy(c->bytes + c->at + key.len, value.ptr, value.len);
    c->at += key.len + value.len;
    c->keys++;
}

static void snapshot(struct bench *b)
{
    struct slices s = {.clock_ns = clock_cost_ns()};
    struct copied *c = calloc(1, sizeof(*c));
    uint64_t begin = cpu_ns();
    struct ks_snapshot *taken = ks_snapshot_begin(b->ks, copy_item, c);
    if (!taken)
        abort();
    printf("%-28s %7.1f us\n", "snapshot, begin", (double)(cpu_ns() - begin) / 1000);
    for (bool more = true; more;) {
        begin = cpu_ns();
        more = ks_snapshot_slice(taken, 256);
        slice_done(&s, begin);
    }
    print_slices("snapshot, 256 keys a slice", &s);
    if (c->keys != b->keys)
        abort();
    ks_snapshot_end(&taken);
    taken = ks_snapshot_begin(b->ks, copy_item, c);
    measure(b, "SET overwrite, a snapshot on", op_set, true);
    ks_snapshot_end(&taken);
    work(b, "after it was cancelled");
    free(c);
}

/* --- what is run ------------------------------------------------------------------------------------ */

static struct bench *bench_new(uint64_t keys, unsigned shards)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->keys = keys;
    rng_seed(&b->rng, 1);
    start(b, shards);
    return b;
}

static void bench_free(struct bench *b)
{
    ks_free(&b->ks);
    free(b);
}

static void print_target(uint64_t keys, const char *what, double single_ns, double batched_ns,
                         double ns_max)
{
    printf(
        "%2.0f M keys, %-14s %7.1f ns, in batches of %d %7.1f ns; target %3.0f ns unbatched: %s\n",
        (double)keys / 1e6, what, single_ns, BATCH, batched_ns, ns_max,
        single_ns < ns_max ? "PASS" : "MISS");
}

/* Names in random order, one thread. */
static void targets(uint64_t keys)
{
    struct bench *b = bench_new(keys, 1);
    double insert_ns = time_fill(b, false);
    ks_flush(b->ks, 0, false);
    while (ks_work(b->ks))
        ;
    double insert_batched_ns = time_fill(b, true);
    while (ks_work(b->ks))
        ;
    double get_ns = time_op(b, op_get, false), get_batched_ns = time_op(b, op_get, true);
    double set_ns = time_op(b, op_set, false), set_batched_ns = time_op(b, op_set, true);
    print_target(keys, "GET", get_ns, get_batched_ns, GET_NS_MAX);
    print_target(keys, "SET", set_ns, set_batched_ns, SET_NS_MAX);
    print_target(keys, "SET of new", insert_ns, insert_batched_ns, SET_NS_MAX);
    bench_free(b);
}

static void details(uint64_t keys, unsigned shards)
{
    struct mem_stats before;
    mem_stats(&before);
    struct bench *b = bench_new(keys, shards);
    fill(b, "SET insert", false);
    while (ks_work(b->ks))
        ;
    printf("%" PRIu64 " keys in %u shards\n", b->keys, shards);
    print_memory(b, &before);
    measure(b, "GET", op_get, false);
    measure(b, "GET, batches of 16", op_get, true);
    measure(b, "GET of nothing", op_miss, false);
    measure(b, "SET overwrite", op_set, false);
    measure(b, "SET overwrite, batches of 16", op_set, true);
    scan(b);
    snapshot(b);
    ks_set_shards(b->ks, shards + 1);
    work(b, "one shard more");
    ks_flush(b->ks, 0, false);
    work(b, "freeing after FLUSHALL");
    fill(b, "SET insert, batches of 16", true);
    ks_flush(b->ks, 0, true);
    fill_watched(b);
    expire(b);
    bench_free(b);
}

int main(int argc, char **argv)
{
    mem_purge_in_background(true); /* as the server does */
    if (argc > 1) {
        details(strtoull(argv[1], NULL, 10) * 1000, argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    } else {
        targets(1000000);
        targets(10000000);
    }
    return 0;
}
