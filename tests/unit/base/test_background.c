/* A thread puts itself behind others, and nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/background.h"

struct rank {
    int policy, nice;
};

static struct rank rank_now(void)
{
    return (struct rank){sched_getscheduler(0), getpriority(PRIO_PROCESS, (id_t)gettid())};
}

static void *enter(void *arg)
{
    struct rank *after = arg;
    background_enter();
    *after = rank_now();
    return NULL;
}

static void test_only_the_caller(void **state)
{
    (void)state;
    struct rank before = rank_now(), after, still;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, enter, &after), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(after.policy, SCHED_BATCH);
    assert_int_equal(after.nice, before.nice < 0 ? before.nice + 19 : 19);
    still = rank_now();
    assert_int_equal(still.policy, before.policy);
    assert_int_equal(still.nice, before.nice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_the_caller)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
