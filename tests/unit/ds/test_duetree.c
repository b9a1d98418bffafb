#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/duetree.h"

/* A tree against a naive model: a list of deadlines, each with its hash. */

#define DAY_MS   (INT64_C(24) * 3600 * 1000)
#define START_MS INT64_C(1700000000000)
#define HASHES   (UINT64_C(1) << 32)
#define DUES_MAX 3000

struct due {
    uint32_t hash;
    int64_t deadline_ms; /* INT64_MAX: not there */
};

struct model {
    struct duetree tree;
    struct rng rng;
    struct due dues[DUES_MAX];
    int64_t now_ms;
    bool exact; /* every bound is that of a deadline: none goes untold, no part is split */
};

static struct model *model_new(uint64_t seed)
{
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    rng_seed(&m->rng, seed);
    m->now_ms = START_MS;
    duetree_init(&m->tree, m->now_ms);
    for (size_t i = 0; i < DUES_MAX; i++)
        m->dues[i] = (struct due){(uint32_t)rng_next(&m->rng), INT64_MAX};
    return m;
}

static void model_free(struct model *m)
{
    duetree_deinit(&m->tree);
    free(m);
}

static void add(struct model *m, struct due *x, int64_t deadline_ms)
{
    x->deadline_ms = deadline_ms;
    assert_int_equal(duetree_add(&m->tree, x->hash, deadline_ms), ERR_OK);
}

static int64_t least_of(const struct model *m, uint64_t from, uint64_t to)
{
    int64_t least_ms = INT64_MAX;
    for (size_t i = 0; i < DUES_MAX; i++)
        if (m->dues[i].hash >= from && m->dues[i].hash < to && m->dues[i].deadline_ms < least_ms)
            least_ms = m->dues[i].deadline_ms;
    return least_ms;
}

/* Does what an owner does, until nothing is due. */
static void expire(struct model *m)
{
    uint64_t from, to;
    while (duetree_due(&m->tree, m->now_ms, &from, &to)) {
        assert_int_equal(to - from, HASHES >> m->tree.bits);
        if (m->exact)
            assert_true(least_of(m, from, to) <= m->now_ms);
        for (size_t i = 0; i < DUES_MAX; i++) {
            struct due *x = &m->dues[i];
            if (x->hash >= from && x->hash < to && x->deadline_ms <= m->now_ms)
                x->deadline_ms = INT64_MAX;
        }
        duetree_settle(&m->tree, from, least_of(m, from, to));
    }
    duetree_validate(&m->tree);
    int64_t least_ms = least_of(m, 0, HASHES), next_ms = duetree_next_ms(&m->tree);
    assert_true(next_ms > m->now_ms);
    if (least_ms != INT64_MAX)
        assert_true(next_ms - DUETREE_TICK_MS < least_ms);
    if (m->exact)
        assert_true(next_ms >= least_ms);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void run_random(struct model *m, uint64_t ahead_ms, int rounds)
{
    for (int round = 0; round < rounds; round++) {
        uint64_t adds = rng_below(&m->rng, 50);
        for (uint64_t i = 0; i < adds; i++) {
            struct due *x = &m->dues[rng_below(&m->rng, DUES_MAX)];
            if (x->deadline_ms == INT64_MAX)
                add(m, x, m->now_ms + (int64_t)rng_below(&m->rng, ahead_ms) - 50);
            else if (!m->exact)
                x->deadline_ms = INT64_MAX;
        }
        if (!m->exact && rng_below(&m->rng, 8) == 0) {
            uint64_t entries = rng_below(&m->rng, UINT64_C(1) << rng_below(&m->rng, 23));
            assert_int_equal(duetree_fit(&m->tree, entries), ERR_OK);
            assert_true(entries <= (uint64_t)DUETREE_PART_MAX << m->tree.bits);
            assert_true(m->tree.bits == 0 || entries >= (uint64_t)DUETREE_PART_MIN << m->tree.bits);
        }
        m->now_ms += (int64_t)rng_below(&m->rng, ahead_ms / 20);
        expire(m);
    }
}

static void test_found_when_due(void **state)
{
    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        struct model *m = model_new((uint64_t)exact);
        m->exact = exact;
        if (exact)
            assert_int_equal(duetree_fit(&m->tree, 20000), ERR_OK);
        run_random(m, 1000, 300);
        run_random(m, 60 * 1000, 300);
        model_free(m);
    }
}

/* Decades: deadlines beyond the range of ticks, and an epoch that has to follow. */
static void test_far_deadlines(void **state)
{
    (void)state;
    struct model *m = model_new(7);
    run_random(m, 1200 * (uint64_t)DAY_MS, 500);
    assert_true(m->now_ms > START_MS + 20 * 365 * DAY_MS);
    run_random(m, 2000, 300);
    model_free(m);
}

/* One deadline, every millisecond around it. */
static void test_rounding(void **state)
{
    (void)state;
    for (int64_t deadline_ms = START_MS - 20; deadline_ms < START_MS + 40; deadline_ms++) {
        struct duetree tree;
        uint64_t from, to;
        duetree_init(&tree, START_MS - 30);
        assert_int_equal(duetree_add(&tree, 0xffffffff, deadline_ms), ERR_OK);
        int64_t now_ms = START_MS - 30;
        while (!duetree_due(&tree, now_ms, &from, &to))
            now_ms++;
        assert_in_range(now_ms, deadline_ms, deadline_ms + DUETREE_TICK_MS - 1);
        assert_true(duetree_next_ms(&tree) == now_ms);
        duetree_deinit(&tree);
    }
}

static void test_extreme_deadlines(void **state)
{
    (void)state;
    struct model *m = model_new(1);
    assert_true(duetree_next_ms(&m->tree) == INT64_MAX);
    add(m, &m->dues[0], INT64_MAX - 1);
    add(m, &m->dues[1], INT64_MAX); /* never */
    expire(m);
    assert_true(duetree_next_ms(&m->tree) > m->now_ms + 390 * DAY_MS);
    add(m, &m->dues[2], 0);
    assert_true(duetree_next_ms(&m->tree) == 0);
    expire(m);
    assert_true(m->dues[2].deadline_ms == INT64_MAX);
    model_free(m);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    struct model *m = model_new(2);
    assert_int_equal(duetree_fit(&m->tree, 20000), ERR_OK);
    add(m, &m->dues[0], m->now_ms + 1000);
    m->now_ms -= 40 * DAY_MS;
    add(m, &m->dues[1], m->now_ms + 500);
    add(m, &m->dues[2], m->now_ms + 100);
    expire(m); /* looks at both at once, and the tree knows the new time */
    m->exact = true;
    for (; m->dues[1].deadline_ms != INT64_MAX; m->now_ms++)
        expire(m);
    assert_true(m->dues[2].deadline_ms == INT64_MAX);
    assert_true(m->dues[0].deadline_ms != INT64_MAX);
    model_free(m);
}

static void test_bounds_survive_resizing(void **state)
{
    (void)state;
    struct model *m = model_new(3);
    for (size_t i = 0; i < DUES_MAX; i++)
        add(m, &m->dues[i], m->now_ms + 1 + (int64_t)rng_below(&m->rng, 100000));
    const uint64_t entries[] = {1000, 1 << 14, 1 << 20, 1 << 24, 1 << 13, 0, 1 << 26, 1};
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        assert_int_equal(duetree_fit(&m->tree, entries[i]), ERR_OK);
        duetree_validate(&m->tree);
        int64_t least_ms = least_of(m, 0, HASHES);
        assert_in_range(duetree_next_ms(&m->tree), least_ms, least_ms + DUETREE_TICK_MS - 1);
    }
    model_free(m);
}

static void test_refused_memory(void **state)
{
    (void)state;
    struct model *m = model_new(4);
    mem_fail_after(1);
    assert_int_equal(duetree_add(&m->tree, 1, m->now_ms), ERR_NOMEM);
    assert_true(duetree_next_ms(&m->tree) == INT64_MAX);
    assert_int_equal(duetree_memory(&m->tree), 0);
    add(m, &m->dues[0], m->now_ms + 5);
    int64_t next_ms = duetree_next_ms(&m->tree);
    mem_fail_after(1);
    assert_int_equal(duetree_fit(&m->tree, 100000), ERR_NOMEM);
    assert_int_equal(m->tree.bits, 0);
    assert_true(duetree_next_ms(&m->tree) == next_ms);
    mem_fail_after(0);
    assert_int_equal(duetree_fit(&m->tree, 100000), ERR_OK);
    assert_int_equal(m->tree.bits, 8);
    assert_true(duetree_next_ms(&m->tree) == next_ms);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_when_due), cmocka_unit_test(test_far_deadlines),
        cmocka_unit_test(test_rounding),       cmocka_unit_test(test_extreme_deadlines),
        cmocka_unit_test(test_clock_set_back), cmocka_unit_test(test_bounds_survive_resizing),
        cmocka_unit_test(test_refused_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
