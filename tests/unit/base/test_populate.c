#include "base_test.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/populate.h"

#define PAGE_BYTES  4096
#define JOB_BYTES   ((size_t)5 << 20)
#define WAIT_US_MAX 20000000

static char *map(void)
{
    char *p = mmap(NULL, JOB_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(p != MAP_FAILED);
    return p;
}

static void wait_for(atomic_bool *done)
{
    for (int us = 0; !atomic_load(done); us += 1000) {
        assert_true(us < WAIT_US_MAX);
        usleep(1000);
    }
}

static size_t pages_there(char *p)
{
    unsigned char there[JOB_BYTES / PAGE_BYTES];
    size_t count = 0;
    assert_int_equal(mincore(p, JOB_BYTES, there), 0);
    for (size_t i = 0; i < sizeof(there); i++)
        count += there[i] & 1;
    return count;
}

static void pages_are_there_and_keep_what_they_hold(void **state)
{
    (void)state;
    struct populator *p = populator_new();
    char *at = map();
    atomic_bool done = false;
    at[JOB_BYTES / 2] = 'x';
    assert_true(populator_ask(p, at, JOB_BYTES, &done));
    wait_for(&done);
    assert_int_equal(pages_there(at), JOB_BYTES / PAGE_BYTES);
    assert_int_equal(at[JOB_BYTES / 2], 'x');
    assert_int_equal(at[0], 0);
    munmap(at, JOB_BYTES);
    populator_free(&p);
    assert_null(p);
}

static void a_mapping_may_go_meanwhile(void **state)
{
    (void)state;
    struct populator *p = populator_new();
    for (int i = 0; i < 50; i++) {
        char *at = map();
        populator_ask(p, at, JOB_BYTES, NULL);
        munmap(at, JOB_BYTES);
    }
    atomic_bool done = false;
    char *at = map();
    for (int us = 0; !populator_ask(p, at, JOB_BYTES, &done); us += 1000) {
        assert_true(us < WAIT_US_MAX); /* too many are under way */
        usleep(1000);
    }
    wait_for(&done);
    munmap(at, JOB_BYTES);
    populator_free(&p);
}

static void unused_it_is_nothing(void **state)
{
    (void)state;
    struct populator *p = populator_new();
    populator_free(&p);
    populator_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_there_and_keep_what_they_hold),
        cmocka_unit_test(a_mapping_may_go_meanwhile),
        cmocka_unit_test(unused_it_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
