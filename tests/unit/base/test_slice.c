#include "base_test.h"

static void test_compares_content(void **state)
{
    assert_true(slice_equal(SLICE("abc"), slice_from_cstr("abc")));
    assert_false(slice_equal(SLICE("abc"), SLICE("abd")));
    assert_false(slice_equal(SLICE("abc"), SLICE("ab")));
    assert_true(slice_equal((struct slice){NULL, 0}, SLICE("")));
    assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
    assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
}

static void test_ignores_case_of_ascii_only(void **state)
{
    assert_true(slice_equal_nocase(SLICE("GeT"), SLICE("gEt")));
    assert_false(slice_equal_nocase(SLICE("get"), SLICE("gets")));
    assert_true(slice_equal_nocase((struct slice){NULL, 0}, SLICE("")));
    /* These differ in the bit that letters differ in, and are no letters. */
    assert_false(slice_equal_nocase(SLICE("@[{"), SLICE("`{[")));
    assert_false(slice_equal_nocase(SLICE("\xc4"), SLICE("\xe4")));
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char x = (char)a, y = (char)b;
            bool letters = (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && (a | 0x20) == (b | 0x20);
            assert_int_equal(slice_equal_nocase(slice_of(&x, 1), slice_of(&y, 1)),
                             a == b || letters);
        }
    }
}

static void test_compares_with_a_c_string(void **state)
{
    assert_true(slice_is(SLICE("KeepTTL"), "KEEPTTL"));
    assert_false(slice_is(SLICE("KEEPTT"), "KEEPTTL"));
    assert_false(slice_is(SLICE("KEEPTTLS"), "KEEPTTL"));
    assert_true(slice_is((struct slice){NULL, 0}, ""));
    assert_false(slice_is(SLICE("x"), ""));
    /* A NUL in the slice is a byte like another, not the end of both. */
    assert_false(slice_is(SLICE("nx\0"), "nx"));
    assert_false(slice_is(SLICE("nx\0y"), "nx"));
}

static void test_orders_by_bytes_then_by_length(void **state)
{
    static const struct slice ascending[] = {
        {NULL, 0},  {"\0", 1}, {"\0\0", 2}, {"A", 1}, {"a", 1},
        {"a\0", 2}, {"ab", 2}, {"abc", 3},  {"b", 1}, {"\xff", 1},
    };
    for (size_t i = 0; i < COUNT_OF(ascending); i++) {
        for (size_t j = 0; j < COUNT_OF(ascending); j++) {
            int order = slice_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compares_content),
        cmocka_unit_test(test_ignores_case_of_ascii_only),
        cmocka_unit_test(test_compares_with_a_c_string),
        cmocka_unit_test(test_orders_by_bytes_then_by_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
