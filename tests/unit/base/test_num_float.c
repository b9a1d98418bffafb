#include "base_test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "base/rng.h"

static bool parses(const char *text, double *out)
{
    struct slice exact = exact_new(slice_from_cstr(text));
    bool ok = num_parse_double(exact, out);
    exact_free(exact);
    return ok;
}

static bool parses_long(const char *text, long double *out)
{
    struct slice exact = exact_new(slice_from_cstr(text));
    bool ok = num_parse_long_double(exact, out);
    exact_free(exact);
    return ok;
}

static void test_doubles_parse_as_strtod_reads_them(void **state)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "-1.5",
                                       "3.14",
                                       "0.1",
                                       "00.10",
                                       "1.",
                                       "+1",
                                       "+1.5",
                                       ".5",
                                       "-.5",
                                       "1e3",
                                       "1E-3",
                                       "0x10",
                                       "0x1p-3",
                                       "inf",
                                       "-inf",
                                       "+inf",
                                       "INFINITY",
                                       "123456789012345",
                                       "1234567890123456",
                                       "9007199254740993",
                                       "0.3333333333333333",
                                       "0.123456789012345",
                                       "1.7976931348623157e308",
                                       "5e-324",
                                       "2.2250738585072011e-308",
                                       "0.000000000000001",
                                       "99999999999999.9",
                                       "1e-5",
                                       "0e400"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        double want = strtod(good[i], NULL), got = NAN;
        if (!parses(good[i], &got) || got != want || signbit(got) != signbit(want))
            fail_msg("%s: got %.17g, want %.17g", good[i], got, want);
    }
}

static void test_texts_that_are_no_numbers(void **state)
{
    static const char *const bad[] = {"",       " 1",     "\t1", "1 ",  "1a",  "a",   "nan",
                                      "NaN",    "-nan",   "-",   "+",   ".",   "-.",  "1..2",
                                      "1.2.3",  "1e",     "e5",  "0x",  "--1", "1,5", "1e400",
                                      "-1e400", "1e-400", "in",  "infi"};
    double d = 77;
    long double ld = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (parses(bad[i], &d))
            fail_msg("\"%s\" parses as a double", bad[i]);
    /* A long double reaches further. */
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (!strstr(bad[i], "400") && parses_long(bad[i], &ld))
            fail_msg("\"%s\" parses as a long double", bad[i]);
    assert_false(parses_long("1e5000", &ld));
    assert_false(parses_long("1e-5000", &ld));
    assert_false(num_parse_double((struct slice){NULL, 0}, &d));
    assert_false(num_parse_double(SLICE("1\0"), &d));
    assert_false(num_parse_long_double(SLICE("1\0"), &ld));
}

static void test_too_long_a_text_is_refused(void **state)
{
    static char digits[NUM_DOUBLE_CHARS];
    memset(digits, '0', sizeof(digits));
    double d;
    long double ld;
    assert_true(num_parse_double(slice_of(digits, sizeof(digits) - 1), &d));
    assert_false(num_parse_double(slice_of(digits, sizeof(digits)), &d));
    assert_true(num_parse_long_double(slice_of(digits, sizeof(digits) - 1), &ld));
    assert_false(num_parse_long_double(slice_of(digits, sizeof(digits)), &ld));
}

static void test_random_decimals_parse_as_strtod_reads_them(void **state)
{
    struct rng rng;
    rng_seed(&rng, 2);
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int digits = 1 + (int)rng_below(&rng, 17), point = (int)rng_below(&rng, 17), len = 0;
        if (rng_below(&rng, 2))
            text[len++] = '-';
        for (int n = 0; n < digits; n++) {
            text[len++] = (char)('0' + rng_below(&rng, 10));
            if (n == point)
                text[len++] = '.';
        }
        text[len] = '\0';
        double want = strtod(text, NULL), got = NAN;
        assert_true(parses(text, &got));
        assert_memory_equal(&got, &want, sizeof(got));
    }
}

static void check_print(double v, const char *want)
{
    char text[32];
    int len = num_print_double(text, v);
    assert_slice_equal(slice_of(text, (size_t)len), slice_from_cstr(want));
}

/* As Redis 7.2 answers ZSCORE. */
static void test_doubles_print_as_redis_prints_them(void **state)
{
    check_print(0, "0");
    check_print(-0.0, "-0");
    check_print(INFINITY, "inf");
    check_print(-INFINITY, "-inf");
    check_print(NAN, "nan");
    check_print(-NAN, "nan");
    check_print(3, "3");
    check_print(-3, "-3");
    check_print(0.1, "0.1");
    check_print(-0.1, "-0.1");
    check_print(3.14, "3.14");
    check_print(0.1 + 0.2, "0.30000000000000004");
    check_print(1.0 / 3, "0.3333333333333333");
    check_print(1e15, "1000000000000000");
    check_print(1e17, "100000000000000000");
    check_print(0x1p61, "2305843009213693952");
    check_print(-0x1p61, "-2305843009213693952");
    check_print(1e20, "1e+20");
    check_print(1.23e25, "1.23e+25");
    check_print(123456789012e10, "1.23456789012e+21");
    check_print(12345678901234567890.0, "12345678901234567000");
    check_print(1e-5, "0.00001");
    check_print(1e-6, "0.000001");
    check_print(1e-7, "1e-7");
    check_print(0.00123, "0.00123");
    check_print(1.23e-10, "1.23e-10");
    check_print(12345.678, "12345.678");
    check_print(12345.6789012, "1.23456789012e+4");
    check_print(1234.56789012, "1234.56789012");
    check_print(1.5e300, "1.5e+300");
    check_print(1.5e-300, "1.5e-300");
    check_print(DBL_MAX, "1.7976931348623157e+308");
    check_print(-DBL_MAX, "-1.7976931348623157e+308");
    check_print(DBL_MIN, "2.2250738585072014e-308");
    check_print(5e-324, "5e-324");
}

/* Reads back as the same bits, and no fewer digits would. */
static void check_shortest(double v)
{
    char text[33];
    int len = num_print_double(text, v);
    assert_in_range(len, 1, 32);
    text[len] = '\0';
    double back = strtod(text, NULL);
    assert_memory_equal(&back, &v, sizeof(v));
    back = NAN;
    assert_true(parses(text, &back) && back == v);
    if (fabs(v) < 0x1p62 && v == (double)(int64_t)v)
        return; /* printed to the last digit */

    int digits = 0, significant = 0;
    for (const char *p = text; *p && *p != 'e'; p++) {
        if (*p < '0' || *p > '9' || (*p == '0' && digits == 0))
            continue;
        digits++;
        if (*p != '0')
            significant = digits;
    }
    char shorter[40];
    if (significant > 1) {
        snprintf(shorter, sizeof(shorter), "%.*e", significant - 2, v);
        assert_true(strtod(shorter, NULL) != v);
    }
}

static void test_printed_doubles_are_the_shortest_that_read_back(void **state)
{
    struct rng rng;
    rng_seed(&rng, 3);
    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_next(&rng);
        double v;
        memcpy(&v, &bits, sizeof(v));
        if (isfinite(v))
            check_shortest(v);
        check_shortest((double)(int64_t)bits / 1e6);
        check_shortest((double)rng_below(&rng, 100000) / 100);
        check_shortest((double)rng_below(&rng, 1000000000) / 1e7);
        bits >>= 12 + rng_below(&rng, 50); /* denormal */
        memcpy(&v, &bits, sizeof(v));
        if (v != 0)
            check_shortest(v);
    }
    for (int e = -1074; e < 1024; e++) {
        check_shortest(ldexp(1, e));
        check_shortest(nextafter(ldexp(1, e), 0) == 0 ? 1 : nextafter(ldexp(1, e), 0));
        check_shortest(nextafter(ldexp(1, e), INFINITY));
    }
}

static void check_print_long(long double v, const char *want)
{
    static char text[NUM_DOUBLE_CHARS];
    int len = num_print_long_double(text, v);
    assert_slice_equal(slice_of(text, (size_t)len), slice_from_cstr(want));
}

static void test_long_doubles_print_as_incrbyfloat_stores_them(void **state)
{
    check_print_long(0, "0");
    check_print_long(-0.0L, "0");
    check_print_long(3, "3");
    check_print_long(100, "100");
    check_print_long(-1000, "-1000");
    check_print_long(3.0e3L, "3000");
    check_print_long(10.5L + 0.1L, "10.6");
    check_print_long(-5.25L, "-5.25");
    check_print_long(5.0e3L + 2.0e2L, "5200");
    check_print_long(1e-17L, "0.00000000000000001");
    check_print_long(1e-19L, "0");
    check_print_long(-1e-19L, "0");
    check_print_long(17179869184, "17179869184");
    check_print_long(INFINITY, "inf");
    check_print_long(-INFINITY, "-inf");
    check_print_long(NAN, "nan");
}

static void test_the_longest_long_double_fits(void **state)
{
    static char text[NUM_DOUBLE_CHARS];
    int len = num_print_long_double(text, -LDBL_MAX);
    assert_true(len > LDBL_MAX_10_EXP && len < NUM_DOUBLE_CHARS);
    long double back;
    assert_true(num_parse_long_double(slice_of(text, (size_t)len), &back));
    assert_true(back == -LDBL_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_parse_as_strtod_reads_them),
        cmocka_unit_test(test_texts_that_are_no_numbers),
        cmocka_unit_test(test_too_long_a_text_is_refused),
        cmocka_unit_test(test_random_decimals_parse_as_strtod_reads_them),
        cmocka_unit_test(test_doubles_print_as_redis_prints_them),
        cmocka_unit_test(test_printed_doubles_are_the_shortest_that_read_back),
        cmocka_unit_test(test_long_doubles_print_as_incrbyfloat_stores_them),
        cmocka_unit_test(test_the_longest_long_double_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
