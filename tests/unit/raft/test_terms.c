#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "raft/terms.h"

#define ENTRIES_MAX 300
#define STEPS       20000

/* The model: the term of each entry, one by one. */
struct model {
    uint64_t base, last, of[ENTRIES_MAX + 1];
};

static void compare(const struct terms *t, const struct model *m)
{
    assert_int_equal(t->last, m->last);
    assert_int_equal(t->base, m->base);
    assert_int_equal(terms_last_term(t), m->of[m->last]);
    uint64_t term;
    assert_false(terms_at(t, m->last + 1, &term));
    assert_true(m->base == 0 || !terms_at(t, m->base - 1, &term));
    for (uint64_t i = m->base; i <= m->last; i++) {
        assert_true(terms_at(t, i, &term));
        assert_int_equal(term, m->of[i]);
        uint64_t first = i;
        while (first > m->base + 1 && m->of[first - 1] == m->of[i])
            first--;
        if (i > m->base)
            assert_int_equal(terms_run_first(t, i), first);
    }
}

static void test_like_a_list_of_terms(void **state)
{
    struct rng r;
    rng_seed(&r, 1);
    struct terms t;
    struct model m = {.base = 0};
    terms_init(&t, 0, 0);
    for (int step = 0; step < STEPS; step++) {
        uint64_t kind = rng_below(&r, 10), count = rng_below(&r, 5);
        if (kind < 6 && m.last + count <= ENTRIES_MAX) {
            uint64_t term = m.of[m.last] + rng_below(&r, 2) * rng_below(&r, 3);
            for (uint64_t i = 0; i < count; i++)
                m.of[++m.last] = term;
            terms_append(&t, term, count);
        } else if (kind < 9) {
            uint64_t from = m.base + 1 + rng_below(&r, m.last - m.base + 2);
            if (from <= m.last)
                m.last = from - 1;
            terms_cut(&t, from);
        } else {
            m.base += rng_below(&r, m.last - m.base + 1);
            terms_drop(&t, m.base);
        }
        if (m.last > ENTRIES_MAX - 8) {
            uint64_t base_term = m.of[m.base];
            terms_deinit(&t);
            memset(&m, 0, sizeof(m));
            m.base = m.last = rng_below(&r, 3);
            m.of[m.base] = m.base ? base_term : 0;
            terms_init(&t, m.base, m.of[m.base]);
        }
        compare(&t, &m);
    }
    terms_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_a_list_of_terms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
