/* Worlds of many seeds: see world.h.
 *
 *   test_sim                      SEEDS of them, for make test
 *   SIM_SEEDS=5000 test_sim       that many (make sim SEEDS=5000)
 *   SIM_SEED=42 test_sim          this one, with all that happens in it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/world.h"

#ifdef __SANITIZE_ADDRESS__
#define SEEDS 30
#else
#define SEEDS 150
#endif
#define SEEDS_TWICE    10
#define FAILURES_SHOWN 10

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_promises_hold(void **state)
{
    uint64_t only = number_from("SIM_SEED", 0), last = number_from("SIM_SEEDS", SEEDS), failed = 0;
    struct sim_result sum = {.failure = ""}, r;
    for (uint64_t seed = only ? only : 1; seed <= (only ? only : last); seed++) {
        sim_run(seed, only != 0, &r);
        sum.requests += r.requests;
        sum.events += r.events;
        sum.crashes += r.crashes;
        sum.faults += r.faults;
        sum.waits += r.waits;
        sum.held += r.held;
        sum.served += r.served;
        sum.timeouts += r.timeouts;
        if (r.failure[0] && ++failed <= FAILURES_SHOWN)
            printf("# SIM_SEED=%llu %s\n", (unsigned long long)seed, r.failure);
    }
    printf(
        "# %llu requests, %llu messages, %llu crashes, %llu faults, %llu waits for a sync, %llu "
        "requests held, %llu served that waited for a key, %llu that waited in vain; %llu seeds failed\n",
        (unsigned long long)sum.requests, (unsigned long long)sum.events,
        (unsigned long long)sum.crashes, (unsigned long long)sum.faults,
        (unsigned long long)sum.waits, (unsigned long long)sum.held, (unsigned long long)sum.served,
        (unsigned long long)sum.timeouts, (unsigned long long)failed);
    assert_int_equal(failed, 0);
    assert_true(only || (sum.waits > 0 && sum.held > 0 && sum.served > 0 && sum.timeouts > 0));
}

static void test_a_seed_says_all(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS_TWICE; seed++) {
        struct sim_result a, b;
        sim_run(seed, false, &a);
        sim_run(seed, false, &b);
        assert_int_equal(a.trace, b.trace);
        assert_string_equal(a.failure, b.failure);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises_hold),
        cmocka_unit_test(test_a_seed_says_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
