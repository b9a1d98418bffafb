#include "base/raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static int out[2];

static const char *written(void)
{
    static char text[256];
    ssize_t n = read(out[0], text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static int setup(void **state)
{
    (void)state;
    return pipe(out);
}

static int teardown(void **state)
{
    (void)state;
    close(out[0]);
    return out[1] >= 0 ? close(out[1]) : 0;
}

static void test_texts(void **state)
{
    (void)state;
    raw_text(out[1], "one ");
    raw_slice(out[1], slice_of("two\0three", 9));
    raw_text(out[1], "");
    assert_memory_equal(written(), "one two\0three", 13);
}

static void test_numbers(void **state)
{
    (void)state;
    static const int64_t ints[] = {0, 7, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++) {
        raw_int(out[1], ints[i]);
        raw_text(out[1], " ");
    }
    assert_string_equal(written(), "0 7 -1 10 9223372036854775807 -9223372036854775808 ");
    raw_uint(out[1], 0);
    raw_text(out[1], " ");
    raw_uint(out[1], UINT64_MAX);
    assert_string_equal(written(), "0 18446744073709551615");
    raw_hex(out[1], 0, 1);
    raw_text(out[1], " ");
    raw_hex(out[1], 0xbeef, 8);
    raw_text(out[1], " ");
    raw_hex(out[1], UINT64_MAX, 16);
    assert_string_equal(written(), "0 0000beef ffffffffffffffff");
}

/* A descriptor that is gone, as in a crash nothing can be done about it. */
static void test_nowhere_to_write(void **state)
{
    (void)state;
    close(out[1]);
    raw_text(out[1], "lost");
    raw_uint(out[1], 5);
    out[1] = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nowhere_to_write, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
