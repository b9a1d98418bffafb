/* The log on a disk that fails several times in a row, is full for a while, or writes less than it was given. */
#include "aof_faulty.h"

static void test_three_in_a_row(void **state)
{
    (void)state;
    fail_every_call(WRITER_ALWAYS, 3, EIO);
}

static void test_no_space_at_every_call(void **state)
{
    (void)state;
    fail_every_call(WRITER_ALWAYS, 2, ENOSPC);
}

static void test_short_writes(void **state)
{
    (void)state;
    fail_every_call(WRITER_EVERYSEC, 1, 0);
    fail_every_call(WRITER_ALWAYS, 1000, 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!begin_under_shim(argv))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_in_a_row),
        cmocka_unit_test(test_no_space_at_every_call),
        cmocka_unit_test(test_short_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
