/* Sorted integers in a run of bytes, against a naive list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "ds/intset.h"

#define COUNT_MAX 300

struct model {
    int64_t v[COUNT_MAX];
    size_t count;
    char run[INTSET_HEADER_BYTES + 8 * COUNT_MAX];
    size_t bytes;
};

static struct slice run_of(const struct model *m)
{
    return slice_of(m->run, m->bytes);
}

static int64_t draw(struct rng *r)
{
    static const int64_t edges[] = {127,          128,      -128,      -129,      8388607,
                                    8388608,      -8388608, -8388609,  1LL << 39, (1LL << 39) - 1,
                                    -(1LL << 39), 0,        -1,        INT16_MAX, INT16_MIN,
                                    32768,        -32769,   INT32_MAX, INT32_MIN, 1LL << 31,
                                    INT64_MAX,    INT64_MIN};
    switch (rng_below(r, 8)) {
    case 0: return edges[rng_below(r, sizeof(edges) / sizeof(edges[0]))];
    case 1: return (int64_t)rng_next(r);
    case 2: return (int64_t)rng_next(r) >> 32;
    default: return (int64_t)rng_below(r, 400) - 200;
    }
}

static void add(struct model *m, int64_t v)
{
    size_t n = 0;
    if (m->count == 0) {
        intset_init(m->run, v);
        m->bytes = intset_bytes(intset_width_of(v), 1);
    } else {
        if (intset_find(run_of(m), v, &n))
            return;
        size_t width = intset_width(run_of(m)), wanted = intset_width_of(v);
        if (wanted > width)
            intset_widen(m->run, m->count, width = wanted);
        m->bytes = intset_bytes(width, m->count + 1);
        char *at = m->run + intset_bytes(width, n);
        memmove(at + width, at, (m->count - n) * width);
        intset_put(m->run, n, v);
    }
    memmove(&m->v[n + 1], &m->v[n], (m->count - n) * sizeof(m->v[0]));
    m->v[n] = v;
    m->count++;
}

static void check(const struct model *m, struct rng *r)
{
    struct slice s = run_of(m);
    assert_true(intset_valid(s));
    assert_int_equal(intset_count(s), m->count);
    for (size_t i = 0; i < m->count; i++) {
        size_t n;
        assert_true(intset_at(s, i) == m->v[i]);
        assert_true(intset_find(s, m->v[i], &n));
        assert_int_equal(n, i);
    }
    for (int i = 0; i < 20; i++) {
        int64_t v = draw(r);
        size_t n, below = 0;
        bool there = false;
        for (size_t k = 0; k < m->count; k++) {
            below += m->v[k] < v;
            there |= m->v[k] == v;
        }
        assert_true(intset_find(s, v, &n) == there);
        assert_int_equal(n, below);
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rng r;
        struct model m = {.count = 0};
        rng_seed(&r, seed);
        for (int i = 0; i < 200; i++) {
            add(&m, draw(&r));
            check(&m, &r);
        }
    }
}

static void test_what_is_not_valid(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        {"", 0},           {"\0", 1},         {"\2\1", 2},         {"\11\1\1\1\1\1\1\1\1\1", 10},
        {"\2\1\0\1\0", 5}, {"\2\2\0\1\0", 5}, {"\4\1\0\0\0\0", 6}, {"\1\1\377", 3},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(intset_valid(bad[i]));
    assert_true(intset_valid(SLICE("\2")));
    assert_true(intset_valid(SLICE("\2\1\0\2\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_what_is_not_valid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
