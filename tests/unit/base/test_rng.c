#include "base_test.h"

#include "base/rng.h"

static void test_the_seed_fixes_the_run(void **state)
{
    struct rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t v = rng_next(&a);
        assert_true(v == rng_next(&b));
        same += v == rng_next(&c);
    }
    assert_int_equal(same, 0);
}

/* The state 1, 2, 3, 4 and the seed 1234567: what the authors' reference programs print. */
static void test_reference_values(void **state)
{
    struct rng r = {{1, 2, 3, 4}};
    static const uint64_t xoshiro[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    for (size_t i = 0; i < COUNT_OF(xoshiro); i++)
        assert_true(rng_next(&r) == xoshiro[i]);

    static const uint64_t splitmix[] = {6457827717110365317u, 3203168211198807973u,
                                        9817491932198370423u, 4593380528125082431u};
    rng_seed(&r, 1234567);
    for (size_t i = 0; i < COUNT_OF(splitmix); i++)
        assert_true(r.s[i] == splitmix[i]);
}

static void test_below_stays_below_and_is_even(void **state)
{
    struct rng r;
    rng_seed(&r, 7);
    for (int i = 0; i < 1000; i++)
        assert_true(rng_below(&r, 1) == 0);
    enum { SIDES = 10, THROWS = 100000 };
    int seen[SIDES] = {0};
    for (int i = 0; i < THROWS; i++) {
        uint64_t v = rng_below(&r, SIDES);
        assert_true(v < SIDES);
        seen[v]++;
    }
    for (int i = 0; i < SIDES; i++)
        assert_in_range(seen[i], THROWS / SIDES * 95 / 100, THROWS / SIDES * 105 / 100);
}

/* With 3/4 of the range, taking the remainder would give the lower third twice as often. */
static void test_below_has_no_bias_in_large_ranges(void **state)
{
    struct rng r;
    rng_seed(&r, 8);
    uint64_t n = (uint64_t)3 << 62;
    int low = 0;
    for (int i = 0; i < 30000; i++) {
        uint64_t v = rng_below(&r, n);
        assert_true(v < n);
        low += v < n / 3;
    }
    assert_in_range(low, 9500, 10500);
}

static void test_entropy_fills_all_and_nothing_else(void **state)
{
    unsigned char text[64];
    int zeros = 0;
    for (size_t len = 0; len < sizeof(text); len++) {
        memset(text, 0, sizeof(text));
        rng_entropy(text, len);
        for (size_t i = len; i < sizeof(text); i++)
            assert_int_equal(text[i], 0);
        for (size_t i = 0; i < len; i++)
            zeros += text[i] == 0;
    }
    assert_true(zeros < 100); /* 2016 bytes, of which 8 are expected to be 0 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_seed_fixes_the_run),
        cmocka_unit_test(test_reference_values),
        cmocka_unit_test(test_below_stays_below_and_is_even),
        cmocka_unit_test(test_below_has_no_bias_in_large_ranges),
        cmocka_unit_test(test_entropy_fills_all_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
