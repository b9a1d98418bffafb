#include "base_test.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/num.h"
#include "base/rng.h"

static bool parses_i64(struct slice s, int64_t *out)
{
    struct slice exact = exact_new(s);
    bool ok = num_parse_i64(exact, out);
    exact_free(exact);
    return ok;
}

static bool parses_u64(struct slice s, uint64_t *out)
{
    struct slice exact = exact_new(s);
    bool ok = num_parse_u64(exact, out);
    exact_free(exact);
    return ok;
}

/* Prints as printf does and reads back as it was. */
static void check_i64(int64_t v)
{
    char want[32], got[NUM_I64_CHARS];
    int len = snprintf(want, sizeof(want), "%" PRId64, v);
    assert_int_equal(num_print_i64(got, v), len);
    assert_memory_equal(got, want, (size_t)len);
    int64_t back = ~v;
    assert_true(parses_i64(slice_of(got, (size_t)len), &back));
    assert_true(back == v);
}

static void check_u64(uint64_t v)
{
    char want[32], got[NUM_I64_CHARS];
    int len = snprintf(want, sizeof(want), "%" PRIu64, v);
    assert_int_equal(num_print_u64(got, v), len);
    assert_memory_equal(got, want, (size_t)len);
    uint64_t back = ~v;
    assert_true(parses_u64(slice_of(got, (size_t)len), &back));
    assert_true(back == v);
}

static void test_round_trip_around_powers(void **state)
{
    for (int base = 2; base <= 10; base += 8) {
        for (uint64_t power = 1;; power *= (uint64_t)base) {
            for (int64_t off = -2; off <= 2; off++) {
                check_u64(power + (uint64_t)off);
                check_i64((int64_t)(power + (uint64_t)off));
                check_i64((int64_t) - (power + (uint64_t)off));
            }
            if (power > UINT64_MAX / (uint64_t)base)
                break;
        }
    }
    check_i64(INT64_MIN);
    check_i64(INT64_MAX);
    check_u64(UINT64_MAX);
}

static void test_round_trip_of_random_numbers(void **state)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t v = rng_next(&rng) >> rng_below(&rng, 64);
        check_u64(v);
        check_i64((int64_t)v);
        check_i64((int64_t)-v);
    }
}

static void test_limits(void **state)
{
    int64_t i;
    uint64_t u;
    assert_true(parses_i64(SLICE("9223372036854775807"), &i) && i == INT64_MAX);
    assert_true(parses_i64(SLICE("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_true(parses_u64(SLICE("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(parses_i64(SLICE("9223372036854775808"), &i));
    assert_false(parses_i64(SLICE("-9223372036854775809"), &i));
    assert_false(parses_i64(SLICE("18446744073709551615"), &i));
    assert_false(parses_u64(SLICE("18446744073709551616"), &u));
    assert_false(parses_u64(SLICE("18446744073709551620"), &u));
    assert_false(parses_u64(SLICE("99999999999999999999"), &u));
    assert_false(parses_u64(SLICE("100000000000000000000"), &u));
    assert_false(parses_u64(SLICE("-1"), &u));
}

static void test_only_the_canonical_form_parses(void **state)
{
    static const char *const bad[] = {
        "",         "-",        "+1",         " 1",          "1 ",          "01",
        "-01",      "00",       "-0",         "--1",         "1.0",         "1e3",
        "0x10",     "a",        "1a",         "a1",          "1234567a",    "1234567/",
        "1234567:", "/2345678", ":2345678",   "12345678a",   "a12345678",   "123456789012345678-",
        "1-2",      "\xff",     "123456\xb2", "\xb1g345678", "g234567\xb1", "1234567\xc0"};
    int64_t i = 77;
    uint64_t u = 77;
    for (size_t n = 0; n < COUNT_OF(bad); n++) {
        assert_false(parses_i64(slice_from_cstr(bad[n]), &i));
        assert_false(parses_u64(slice_from_cstr(bad[n]), &u));
    }
    assert_false(parses_i64(SLICE("12\0"), &i));
    assert_false(parses_i64((struct slice){NULL, 0}, &i));
    assert_true(i == 77 && u == 77); /* left alone by what fails */
}

/* Every byte at every place of a number of every length: only digits do. */
static void test_a_wrong_byte_is_found_wherever_it_is(void **state)
{
    for (size_t len = 1; len <= 19; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[20];
                memset(text, '1', len);
                text[at] = (char)byte;
                uint64_t v;
                bool digit = byte >= '0' && byte <= '9' && !(at == 0 && byte == '0' && len > 1);
                assert_int_equal(parses_u64(slice_of(text, len), &v), digit);
            }
        }
    }
}

static void check_memory(const char *text, int64_t want)
{
    int64_t got = 0;
    if (!num_parse_memory(slice_from_cstr(text), &got) || got != want)
        fail_msg("%s: got %" PRId64 ", want %" PRId64, text, got, want);
}

static void test_memory_units(void **state)
{
    check_memory("0", 0);
    check_memory("512", 512);
    check_memory("512b", 512);
    check_memory("1k", 1000);
    check_memory("1kb", 1024);
    check_memory("1K", 1000);
    check_memory("1Kb", 1024);
    check_memory("3m", 3000000);
    check_memory("3mb", 3 << 20);
    check_memory("2g", 2000000000);
    check_memory("2GB", (int64_t)2 << 30);
    check_memory("0100mb", 100 << 20);
    check_memory("-1", -1);
    check_memory("-2kb", -2048);
    check_memory("9223372036854775807", INT64_MAX);
    check_memory("-9223372036854775808", INT64_MIN);
    check_memory("8589934591gb", INT64_MAX - (1 << 30) + 1);
    check_memory("-8589934592gb", INT64_MIN);
}

static void test_memory_that_is_none(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "mb",
                                      "1kk",
                                      "1 mb",
                                      "1tb",
                                      "1.5gb",
                                      " 1",
                                      "+1",
                                      "1b b",
                                      "--1",
                                      "k",
                                      "9223372036854775808",
                                      "8589934592gb",
                                      "-8589934593gb",
                                      "99999999999999999999",
                                      "1%"};
    int64_t v = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (num_parse_memory(slice_from_cstr(bad[i]), &v))
            fail_msg("\"%s\" parses", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_around_powers),
        cmocka_unit_test(test_round_trip_of_random_numbers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_only_the_canonical_form_parses),
        cmocka_unit_test(test_a_wrong_byte_is_found_wherever_it_is),
        cmocka_unit_test(test_memory_units),
        cmocka_unit_test(test_memory_that_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
