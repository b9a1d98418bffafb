/* How long work that nobody waits for may take, turn by turn, on a clock of the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/rng.h"
#include "server/pace.h"

struct loop {
    struct pace pace;
    int64_t now_us, worked_us, longest_us;
};

/* A turn in which clients took so long; idle: none came. Work takes as long as it may, to the unit of work. */
static void turn(struct loop *l, int64_t clients_us, bool idle, int64_t percent, int64_t unit_us)
{
    l->now_us += clients_us;
    int64_t slice_us = pace_turn(&l->pace, l->now_us, percent, idle), took_us = 0;
    while (took_us < slice_us)
        took_us += unit_us;
    l->now_us += took_us;
    l->worked_us += took_us;
    l->longest_us = took_us > l->longest_us ? took_us : l->longest_us;
    pace_took(&l->pace, took_us);
}

static double share(const struct loop *l, int64_t began_us)
{
    return 100 * (double)l->worked_us / (double)(l->now_us - began_us);
}

/* However short or long turns are, and however many have requests: it has its share, and hardly more. */
static void test_least_share(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (int64_t percent = 1; percent <= 90; percent += percent < 10 ? 3 : 20) {
        for (int64_t most_us = 1; most_us <= 2000; most_us = most_us * 3 + 1) {
            struct loop l = {.now_us = 1000000000, .pace.now_us = 1000000000};
            while (l.now_us < 1000000000 + 3000000)
                turn(&l, 1 + (int64_t)rng_below(&rng, (uint64_t)most_us), false, percent, 5);
            double had = share(&l, 1000000000);
            assert_true(had > 0.9 * (double)percent && had < 1.1 * (double)percent + 1);
            int64_t cap_us = PACE_SPAN_US * percent / 100 + PACE_DUE_US + 5;
            assert_true(l.longest_us <= cap_us);
        }
    }
}

static void test_all_of_it(void **state)
{
    (void)state;
    struct loop l = {.now_us = 0};
    for (int i = 0; i < 10000; i++)
        turn(&l, 100, false, 100, 5);
    assert_true(share(&l, 0) > 45); /* a turn of clients, and as long a slice at least */
}

/* What clients leave, in short slices that grow while nobody comes. */
static void test_idle(void **state)
{
    (void)state;
    struct loop l = {.now_us = 5000};
    turn(&l, 100, false, 1, 1);
    assert_int_equal(l.worked_us, PACE_SPAN_US / 100); /* of the time since its clock began */
    l.worked_us = l.longest_us = 0;
    turn(&l, 2, false, 1, 1);
    assert_int_equal(l.worked_us, 0);
    turn(&l, 2, true, 1, 1);
    assert_true(l.worked_us >= PACE_IDLE_US_MIN && l.worked_us <= PACE_IDLE_US_MIN + 1);
    for (int i = 0; i < 1000; i++)
        turn(&l, 2, true, 1, 1);
    assert_int_equal(l.longest_us, PACE_IDLE_US_MAX);
    assert_true(share(&l, 5000) > 90);
    /* What was had while they left it is not due when they come back. */
    l.worked_us = 0;
    for (int i = 0; i < 10; i++)
        turn(&l, 100, false, 1, 1);
    assert_int_equal(l.worked_us, 0);
    turn(&l, 1, true, 1, 1);
    assert_true(l.worked_us <= PACE_IDLE_US_MIN + 1);
}

static void test_due(void **state)
{
    (void)state;
    struct pace p = {.now_us = 1000};
    assert_int_equal(pace_turn(&p, 1000, 10, false), 0);
    assert_int_equal(pace_due_in_us(&p, 10), 500);
    assert_int_equal(pace_turn(&p, 1499, 10, false), 0);
    assert_int_equal(pace_due_in_us(&p, 10), 1);
    assert_int_equal(pace_turn(&p, 1500, 10, false), 50);
    assert_int_equal(pace_due_in_us(&p, 10), 0);
    pace_took(&p, 60);
    assert_int_equal(pace_due_in_us(&p, 10), 500);
    assert_int_equal(pace_due_in_us(&p, 100), 50);
    /* After a long stop: not more than is due of PACE_SPAN_US. */
    assert_int_equal(pace_turn(&p, 100000000, 10, false), PACE_SPAN_US / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least_share),
        cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
