#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/table.h"

#define HASHES (UINT64_C(1) << 32)

/* A table against a naive model: a fixed set of things, each of which is in the table or not. */

struct thing {
    uint32_t hash;
    bool in;       /* the table should have it */
    bool constant; /* it has been in the table all through the walk */
    unsigned seen;
};

struct model {
    struct table table;
    struct rng rng;
    struct thing *things;
    size_t n, in;
};

static uint32_t rehash(const void *p, void *arg)
{
    (void)arg;
    return ((const struct thing *)p)->hash;
}

static bool same(const void *p, const void *key)
{
    return p == key;
}

/* --- hashes, good and bad --------------------------------------------------------------------- */

typedef uint32_t (*hash_fn)(struct rng *rng, size_t i);

static uint32_t hash_random(struct rng *rng, size_t i)
{
    (void)i;
    return (uint32_t)rng_next(rng);
}

static uint32_t hash_lowest(struct rng *rng, size_t i)
{
    (void)rng, (void)i;
    return 0;
}

static uint32_t hash_highest(struct rng *rng, size_t i)
{
    (void)rng, (void)i;
    return UINT32_MAX;
}

static uint32_t hash_clustered(struct rng *rng, size_t i)
{
    return (uint32_t)(i % 3 * 0x55500000) + (uint32_t)rng_below(rng, 4096);
}

static uint32_t hash_sorted(struct rng *rng, size_t i)
{
    (void)rng;
    return (uint32_t)i * 1000;
}

/* The first and the last hash of some bucket: where rounding would show. */
static uint32_t hash_edges(struct rng *rng, size_t i)
{
    uint64_t n = 1 + rng_below(rng, 2000);
    uint64_t start = ((rng_below(rng, n) << 32) + n - 1) / n;
    return (uint32_t)(start - i % 2);
}

/* Hashes that differ only where neither tag nor entry hold them. */
static uint32_t hash_high_bits(struct rng *rng, size_t i)
{
    (void)i;
    return (uint32_t)rng_below(rng, 256) << 24 | 0xabcdef;
}

static const hash_fn hash_fns[] = {hash_random, hash_lowest, hash_highest,  hash_clustered,
                                   hash_sorted, hash_edges,  hash_high_bits};
#define HASH_FNS (sizeof(hash_fns) / sizeof(hash_fns[0]))

/* --- the model -------------------------------------------------------------------------------- */

static void model_init(struct model *m, size_t n, hash_fn hash, uint64_t seed)
{
    *m = (struct model){.n = n, .things = calloc(n, sizeof(struct thing))};
    assert_non_null(m->things);
    rng_seed(&m->rng, seed);
    table_init(&m->table, rehash, NULL);
    for (size_t i = 0; i < n; i++)
        m->things[i].hash = hash(&m->rng, i);
}

static void model_deinit(struct model *m)
{
    table_deinit(&m->table);
    free(m->things);
}

static struct table_pos find(struct model *m, struct thing *x)
{
    return table_find(&m->table, x->hash, same, x);
}

static void insert(struct model *m, struct thing *x)
{
    assert_int_equal(table_insert(&m->table, x->hash, x), ERR_OK);
    x->in = true;
    m->in++;
}

static void take_out(struct model *m, struct thing *x)
{
    table_remove(&m->table, find(m, x), x->hash);
    x->in = x->constant = false;
    m->in--;
}

/* Inserts or removes something. While below `target` entries, more is inserted than removed. */
static void change(struct model *m, size_t target)
{
    struct thing *x = &m->things[rng_below(&m->rng, m->n)];
    struct table_pos pos = find(m, x);
    assert_int_equal(pos.bucket != NULL, x->in);
    bool wanted = m->in < target ? rng_below(&m->rng, 8) > 0 : rng_below(&m->rng, 8) == 0;
    if (x->in)
        assert_ptr_equal(table_at(pos), x);
    if (wanted && !x->in)
        insert(m, x);
    else if (!wanted && x->in)
        take_out(m, x);
    if (rng_below(&m->rng, 16) == 0)
        table_work(&m->table, (uint32_t)rng_below(&m->rng, 5));
}

static void validate(struct model *m)
{
    table_validate(&m->table);
    assert_int_equal(m->table.count, m->in);
    for (size_t i = 0; i < m->n; i++) {
        struct table_pos pos = find(m, &m->things[i]);
        assert_int_equal(pos.bucket != NULL, m->things[i].in);
    }
}

static void see(void *p, uint32_t hash, void *arg)
{
    struct thing *x = p;
    (void)arg;
    assert_int_equal(hash, x->hash);
    x->seen++;
}

static void forget_seen(struct model *m)
{
    for (size_t i = 0; i < m->n; i++)
        m->things[i].seen = 0;
}

/* Inserts things until there are so many. */
static void fill(struct model *m, size_t entries)
{
    for (size_t i = 0; i < m->n && m->in < entries; i++)
        if (!m->things[i].in)
            insert(m, &m->things[i]);
    assert_int_equal(m->in, entries);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void run_random(struct model *m, size_t rounds, size_t ops, size_t ops_between_checks)
{
    for (size_t round = 0; round < rounds; round++) {
        size_t target = round % 3 == 2 ? 0 : rng_below(&m->rng, m->n);
        for (size_t op = 0; op < ops; op++) {
            change(m, target);
            if (op % ops_between_checks == 0)
                validate(m);
        }
    }
    while (table_work(&m->table, 100))
        ;
    validate(m);
}

static void test_random_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < HASH_FNS; i++) {
        struct model m;
        model_init(&m, 60, hash_fns[i], i);
        run_random(&m, 30, 200, 1);
        model_deinit(&m);
    }
}

/* Around 256 buckets, where the place begins to say the rest of the hash. */
static void test_random_middle(void **state)
{
    (void)state;
    for (size_t i = 0; i < HASH_FNS; i++) {
        struct model m;
        bool all_equal = hash_fns[i] == hash_lowest || hash_fns[i] == hash_highest;
        model_init(&m, all_equal ? 300 : 4000, hash_fns[i], i);
        run_random(&m, 12, 8000, 2000);
        model_deinit(&m);
    }
}

/* Across the size from which on the lines are mapped. */
static void test_random_large(void **state)
{
    (void)state;
    const hash_fn fns[] = {hash_random, hash_edges, hash_clustered};
    for (size_t i = 0; i < 3; i++) {
        struct model m;
        model_init(&m, fns[i] == hash_clustered ? 20000 : 60000, fns[i], i);
        run_random(&m, 6, 150000, 50000);
        model_deinit(&m);
    }
}

/* --- size ------------------------------------------------------------------------------------- */

/* Nothing but inserts, then nothing but removals, without any other work: every move is over in
 * time. */
static void test_size_follows_entries(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 100000, hash_random, 1);
    for (size_t i = 0; i < m.n; i++) {
        insert(&m, &m.things[i]);
        assert_true(m.table.count <= (uint64_t)m.table.n_high * TABLE_FILL_MAX);
        assert_true(m.in < 100 || table_memory(&m.table) < m.in * 22);
    }
    for (size_t i = 0; i < m.n; i++) {
        take_out(&m, &m.things[i]);
        assert_true(m.in < 10 || m.table.n_high * 2 <= m.in);
        assert_true(m.in < 100 || table_memory(&m.table) < m.in * 64);
    }
    while (table_work(&m.table, 1))
        ;
    assert_int_equal(table_memory(&m.table), 0);
    validate(&m);
    model_deinit(&m);
}

/* A move that turns round at every point, and back again. */
static void test_moves_turn_round(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 30000, hash_edges, 2);
    for (size_t high = 50; high < m.n; high = high * 5 / 4) {
        for (size_t i = 0; i < 20; i++) {
            fill(&m, high);
            size_t low = rng_below(&m.rng, high);
            while (m.in > low)
                take_out(&m, &m.things[m.in - 1]);
            table_work(&m.table, (uint32_t)rng_below(&m.rng, 64));
            table_validate(&m.table);
        }
    }
    model_deinit(&m);
}

static void test_expect(void **state)
{
    (void)state;
    const size_t counts[] = {0, 1, 7, 8, 100, 3000, 50000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct model m;
        model_init(&m, counts[i] + 1, hash_random, i);
        assert_int_equal(table_expect(&m.table, 5, TABLE_USUAL_PAGES), ERR_OK);
        assert_int_equal(table_expect(&m.table, counts[i], TABLE_USUAL_PAGES), ERR_OK);
        uint32_t buckets = m.table.n_high;
        fill(&m, counts[i]);
        assert_int_equal(m.table.n_high, buckets);
        validate(&m);
        model_deinit(&m);
    }
}

/* What is there already comes along, whatever the table was doing; a move down turns round. */
static void test_expect_more(void **state)
{
    (void)state;
    const size_t before[] = {1, 100, 2000, 3500, 5000, 20000};
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        for (int shrinking = 0; shrinking < 2; shrinking++) {
            struct model m;
            model_init(&m, 50000, hash_random, i);
            if (shrinking) {
                fill(&m, 50000);
                for (size_t j = before[i]; j < m.n; j++)
                    take_out(&m, &m.things[j]);
            }
            fill(&m, before[i]);
            assert_int_equal(table_expect(&m.table, 49000, TABLE_HUGE_PAGES), ERR_OK);
            assert_false(table_moving(&m.table));
            validate(&m);
            uint32_t buckets = m.table.n_high;
            assert_true(buckets >= 49000 / TABLE_FILL_MAX);
            fill(&m, 49000);
            assert_int_equal(m.table.n_high, buckets);
            table_huge_pages_end(&m.table);
            fill(&m, 50000);
            assert_int_equal(table_expect(&m.table, 10, TABLE_USUAL_PAGES), ERR_OK);
            assert_true(m.table.n_high >= buckets);
            validate(&m);
            model_deinit(&m);
        }
    }
}

/* A large table has memory for its next size before it grows, which somebody else may touch, keeps it through work
 * and removals, grows into it, and gives it back when it is not needed after all. */
static void test_reserve(void **state)
{
    (void)state;
    enum { LINES = 32 * 1024, LIMIT = LINES * TABLE_FILL_MAX };
    struct model m;
    struct table_room room;
    model_init(&m, LIMIT + 100, hash_random, 3);
    fill(&m, 1000);
    assert_false(table_reserve(&m.table, &room)); /* small */
    fill(&m, LIMIT * 8 / 10);
    while (table_work(&m.table, 1000))
        ;
    assert_int_equal(m.table.n_high, LINES);
    assert_false(table_reserve(&m.table, &room)); /* too early */
    fill(&m, LIMIT * 9 / 10);
    assert_true(table_reserve(&m.table, &room));
    assert_ptr_equal(room.at, m.table.buckets + LINES);
    assert_int_equal(room.bytes, LINES / 2 * sizeof(struct table_bucket));
    assert_int_equal((uintptr_t)m.table.buckets % (2 << 20), 0);
    memset(room.at, 0, room.bytes);
    assert_false(table_reserve(&m.table, &room)); /* done */
    assert_false(table_work(&m.table, 1000));
    take_out(&m, &m.things[0]);
    assert_int_equal(m.table.n_mapped, LINES * 3 / 2);
    validate(&m);

    const struct table_bucket *before = m.table.buckets;
    fill(&m, LIMIT + 1);
    assert_int_equal(m.table.n_high, LINES * 3 / 2);
    assert_ptr_equal(m.table.buckets, before);
    while (table_work(&m.table, 1000))
        ;
    validate(&m);
    model_deinit(&m);

    model_init(&m, LIMIT, hash_random, 4);
    fill(&m, LIMIT * 9 / 10);
    while (table_work(&m.table, 1000))
        ;
    assert_true(table_reserve(&m.table, &room));
    for (size_t i = 0; i < LIMIT / 4; i++)
        if (m.things[i].in)
            take_out(&m, &m.things[i]);
    while (table_work(&m.table, 1000))
        ;
    assert_int_equal(m.table.n_mapped, LINES);
    validate(&m);
    model_deinit(&m);
}

/* --- walks ------------------------------------------------------------------------------------ */

/* Any cut of the hashes into ranges gives everything once, also in the middle of a move. */
static void test_ranges_partition(void **state)
{
    (void)state;
    for (size_t i = 0; i < HASH_FNS; i++) {
        struct model m;
        model_init(&m, 3000, hash_fns[i], i);
        for (size_t target = 10; target < 2500; target = target * 3 / 2) {
            for (size_t op = 0; op < target; op++)
                change(&m, target);
            forget_seen(&m);
            for (uint64_t from = 0, to; from < HASHES; from = to) {
                uint64_t width = UINT64_C(1) << (10 + rng_below(&m.rng, 23));
                to = from + 1 + rng_below(&m.rng, width);
                if (to > HASHES || rng_below(&m.rng, 64) == 0)
                    to = HASHES;
                table_range(&m.table, from, to, see, NULL);
            }
            for (size_t k = 0; k < m.n; k++)
                assert_int_equal(m.things[k].seen, m.things[k].in);
        }
        model_deinit(&m);
    }
}

/* A walk from bucket to bucket, while the table grows and shrinks under it: what is there all the
 * time is seen exactly once. */
static void test_walk_sees_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        struct model m;
        hash_fn hash = i % 2 ? hash_random : hash_fns[i / 2 % HASH_FNS];
        model_init(&m, hash == hash_random ? 2000 * (1 + i % 4) : 300, hash, i);
        fill(&m, m.n / 2);
        forget_seen(&m);
        for (size_t k = 0; k < m.n; k++)
            m.things[k].constant = m.things[k].in;
        size_t target = i % 3 == 0 ? m.n : 0;
        for (uint64_t at = 0, to; at < HASHES; at = to) {
            to = table_bucket_end(&m.table, (uint32_t)at);
            assert_true(to > at && to <= HASHES);
            table_range(&m.table, at, to, see, NULL);
            for (uint64_t ops = rng_below(&m.rng, 20); ops > 0; ops--)
                change(&m, target);
        }
        for (size_t k = 0; k < m.n; k++)
            assert_true(!m.things[k].constant || m.things[k].seen == 1);
        model_deinit(&m);
    }
}

static void test_random_is_even(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 600, hash_random, 5);
    for (size_t entries = 1; entries <= m.n; entries += entries / 8 + 1) {
        fill(&m, entries);
        forget_seen(&m);
        for (size_t i = 0; i < entries * 200; i++) {
            struct thing *x = table_random(&m.table, rng_next(&m.rng));
            assert_true(x->in);
            x->seen++;
        }
        for (size_t i = 0; i < m.n; i++)
            if (m.things[i].in)
                assert_in_range(m.things[i].seen, 120, 290);
    }
    model_deinit(&m);
}

static void test_random_finds_the_few(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 400, hash_highest, 6);
    assert_null(table_random(&m.table, 1));
    assert_int_equal(table_expect(&m.table, 1000000, TABLE_USUAL_PAGES), ERR_OK);
    assert_null(table_random(&m.table, 1));
    fill(&m, 400);
    for (size_t i = 0; i < 400 * 20; i++)
        ((struct thing *)table_random(&m.table, rng_next(&m.rng)))->seen++;
    for (size_t i = 0; i < m.n; i++)
        assert_in_range(m.things[i].seen, 1, 60);
    model_deinit(&m);
}

/* --- emptying --------------------------------------------------------------------------------- */

static void drained(void *p, uint32_t hash, void *arg)
{
    struct model *m = arg;
    struct thing *x = p;
    assert_true(x->in && hash == x->hash);
    x->in = false;
    m->in--;
}

static void test_drain(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * HASH_FNS; i++) {
        struct model m;
        hash_fn hash = hash_fns[i / 2];
        model_init(&m, hash == hash_random ? 40000 : 500, hash, i);
        bool interrupted = i % 2;
        fill(&m, m.n - rng_below(&m.rng, m.n / 2));
        uint64_t slice = 1 + rng_below(&m.rng, 100), from = 0;
        while (from < HASHES) {
            size_t before = m.in;
            from = table_drain(&m.table, from, slice, drained, &m);
            assert_true(before - m.in < slice + TABLE_BUCKET_ENTRIES);
            assert_int_equal(m.table.count, m.in);
            if (from == HASHES)
                break;
            struct thing *x = &m.things[rng_below(&m.rng, m.n)];
            if (interrupted && !x->in && rng_below(&m.rng, 8) == 0)
                insert(&m, x);
        }
        assert_int_equal(m.in, 0);
        assert_int_equal(table_memory(&m.table), 0);
        validate(&m);
        fill(&m, m.n / 2);
        validate(&m);
        model_deinit(&m);
    }
}

/* --- refused memory --------------------------------------------------------------------------- */

/* While the table is on the heap, every allocation of an insert that may be refused is refused
 * once. */
static void test_refused_heap(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 3000, hash_random, 8);
    unsigned refused = 0;
    for (size_t i = 0; i < m.n; i++) {
        struct thing *x = &m.things[i];
        mem_fail_after(1);
        enum err e = table_insert(&m.table, x->hash, x);
        mem_fail_after(0);
        if (e) {
            assert_int_equal(e, ERR_NOMEM);
            refused++;
            validate(&m);
            insert(&m, x);
        } else {
            x->in = true;
            m.in++;
        }
    }
    assert_true(refused > 10);
    validate(&m);
    /* A smaller block may be refused as well: then the larger one stays. */
    for (size_t i = 0; i < m.n; i++) {
        mem_fail_after(1);
        take_out(&m, &m.things[i]);
        mem_fail_after(0);
    }
    validate(&m);
    assert_int_equal(table_expect(&m.table, 100, TABLE_USUAL_PAGES), ERR_OK);
    uint32_t buckets = m.table.n_high;
    mem_fail_after(1);
    assert_int_equal(table_expect(&m.table, 1000, TABLE_USUAL_PAGES), ERR_NOMEM);
    mem_fail_after(0);
    assert_int_equal(m.table.n_high, buckets);
    fill(&m, m.n);
    validate(&m);
    model_deinit(&m);
}

/* Lets the kernel refuse all further address space, or no longer. */
static void refuse_mappings(bool refuse)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = refuse ? 1 : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

/* The same for larger tables: one that is to leave the heap, one below and one above a page of the
 * page table. */
static void test_refused_mappings(void **state)
{
    (void)state;
    const size_t buckets[] = {384, 1024, 49152};
    for (size_t i = 0; i < 3; i++) {
        struct model m;
        model_init(&m, buckets[i] * TABLE_FILL_MAX + 1, hash_random, i);
        fill(&m, m.n - 1);
        assert_int_equal(m.table.n_low, buckets[i]);
        struct thing *last = &m.things[m.n - 1];
        refuse_mappings(true);
        enum err e = table_insert(&m.table, last->hash, last);
        refuse_mappings(false);
        assert_int_equal(e, ERR_NOMEM);
        validate(&m);
        insert(&m, last);
        assert_true(table_moving(&m.table));
        validate(&m);
        model_deinit(&m);
    }
    struct model m;
    model_init(&m, 100, hash_random, 3);
    fill(&m, 100);
    refuse_mappings(true);
    assert_int_equal(table_expect(&m.table, UINT64_C(1) << 40, TABLE_HUGE_PAGES), ERR_NOMEM);
    refuse_mappings(false);
    validate(&m);
    model_deinit(&m);
    struct table t;
    table_init(&t, rehash, NULL);
    refuse_mappings(true);
    enum err e = table_expect(&t, UINT64_C(1) << 40, TABLE_USUAL_PAGES);
    refuse_mappings(false);
    assert_int_equal(e, ERR_NOMEM);
    table_deinit(&t);
}

/* --- small things ----------------------------------------------------------------------------- */

static void test_candidates(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 9);
    for (int i = 0; i < 100000; i++) {
        struct table_bucket b = {.used = (uint8_t)rng_next(&rng)};
        uint32_t hash = (uint32_t)rng_below(&rng, 3) + (uint32_t)rng_below(&rng, 2) * 0xfd;
        unsigned expected = 0;
        for (unsigned k = 0; k < TABLE_BUCKET_ENTRIES; k++) {
            b.tag[k] = (uint8_t)(rng_below(&rng, 3) + rng_below(&rng, 2) * 0xfd);
            expected |= (unsigned)(b.tag[k] == (uint8_t)hash && b.used >> k & 1) << k;
        }
        assert_int_equal(table_candidates(&b, hash | 0xabcd00), expected);
        assert_int_equal(table_candidates_slow(&b, hash | 0xabcd00), expected);
    }
}

static void test_replace(void **state)
{
    (void)state;
    struct model m;
    model_init(&m, 100, hash_lowest, 10);
    fill(&m, 99);
    for (size_t i = 0; i + 1 < m.n; i++) {
        struct thing *x = &m.things[i], *other = &m.things[m.n - 1];
        struct table_pos pos = find(&m, x);
        table_replace(pos, other);
        assert_ptr_equal(table_at(find(&m, other)), other);
        assert_null(find(&m, x).bucket);
        table_replace(pos, x);
    }
    validate(&m);
    model_deinit(&m);
}

static void test_empty(void **state)
{
    (void)state;
    struct table t;
    table_init(&t, rehash, NULL);
    table_validate(&t);
    table_prefetch(&t, 1);
    assert_null(table_find(&t, 1, same, NULL).bucket);
    table_range(&t, 0, HASHES, see, NULL);
    assert_true(table_bucket_end(&t, 0) == HASHES);
    assert_true(table_drain(&t, 0, 1, see, NULL) == HASHES);
    assert_false(table_work(&t, 10));
    assert_false(table_moving(&t));
    assert_int_equal(table_memory(&t), 0);
    table_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_candidates),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_random_small),
        cmocka_unit_test(test_random_middle),
        cmocka_unit_test(test_random_large),
        cmocka_unit_test(test_size_follows_entries),
        cmocka_unit_test(test_moves_turn_round),
        cmocka_unit_test(test_expect),
        cmocka_unit_test(test_expect_more),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_ranges_partition),
        cmocka_unit_test(test_walk_sees_all),
        cmocka_unit_test(test_random_is_even),
        cmocka_unit_test(test_random_finds_the_few),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_refused_heap),
        cmocka_unit_test(test_refused_mappings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
