#include "base_test.h"

#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static void test_monotonic_time_passes(void **state)
{
    int64_t before_us = clock_mono_us();
    usleep(2000);
    int64_t after_us = clock_mono_us();
    assert_true(after_us - before_us >= 2000);
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = clock_mono_us();
        assert_true(now_us >= after_us);
        after_us = now_us;
    }
}

static void test_wall_time_is_the_time_of_day(void **state)
{
    int64_t before_s = (int64_t)time(NULL) - 1; /* time() may lag by a tick */
    int64_t now_us = clock_wall_us(), now_ms = clock_wall_ms();
    int64_t after_s = (int64_t)time(NULL) + 1;
    assert_true(now_us >= before_s * 1000000 && now_us <= after_s * 1000000);
    assert_true(now_ms >= before_s * 1000 && now_ms <= after_s * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_monotonic_time_passes),
        cmocka_unit_test(test_wall_time_is_the_time_of_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
