/* The files of an open log are taken away from it: that is noticed, and which of them it was. */
#include "log/aof_watch.h"

#include <poll.h>
#include <stdatomic.h>

#include "unit/log/aof_files.h"
#include "unit/log/aof_world.h"

#define PATIENCE_MS (20 * AOF_WATCH_MS)

struct watched {
    struct world w;
    struct aof *a;
};

/* A log that is written to, in files that are all there. */
static void begin(struct watched *t, uint64_t seed)
{
    remove_dir("log");
    remove_dir("moved");
    world_init(&t->w, seed);
    t->a = world_restart(&t->w, "log", WRITER_ALWAYS, 0);
    for (int i = 0; i < 10; i++)
        world_turn(&t->w, t->a);
    assert_true(aof_is_there(t->a));
}

static int gone(const struct watched *t)
{
    return atomic_load(&t->a->gone);
}

static void await_gone(const struct watched *t, enum aof_gone want)
{
    for (int ms = 0; ms < PATIENCE_MS && gone(t) == AOF_THERE; ms += 10)
        poll(NULL, 0, 10);
    assert_int_equal(gone(t), want);
}

static void end(struct watched *t)
{
    world_close(&t->w, &t->a);
    world_deinit(&t->w);
    remove_dir("log");
    remove_dir("moved");
}

static void test_nothing_happens_to_files_that_stay(void **state)
{
    (void)state;
    struct watched t;
    begin(&t, 1);
    poll(NULL, 0, 2 * AOF_WATCH_MS + AOF_WATCH_MS / 2);
    assert_int_equal(gone(&t), AOF_THERE);
    assert_true(aof_is_there(t.a));
    end(&t);
}

static void test_directory_moved(void **state)
{
    (void)state;
    struct watched t;
    begin(&t, 2);
    assert_int_equal(rename("log", "moved"), 0);
    assert_false(aof_is_there(t.a));
    await_gone(&t, AOF_GONE_DIRECTORY);
    end(&t);
}

/* Another directory of the same name is no better. */
static void test_directory_replaced(void **state)
{
    (void)state;
    struct watched t;
    begin(&t, 3);
    assert_int_equal(rename("log", "moved"), 0);
    assert_int_equal(mkdir("log", 0755), 0);
    assert_false(aof_is_there(t.a));
    await_gone(&t, AOF_GONE_DIRECTORY);
    end(&t);
}

static void test_manifest_removed(void **state)
{
    (void)state;
    struct watched t;
    char path[512];
    begin(&t, 4);
    snprintf(path, sizeof(path), "log/%s", t.a->manifest_name);
    assert_int_equal(unlink(path), 0);
    assert_true(aof_is_there(t.a));
    await_gone(&t, AOF_GONE_MANIFEST);
    end(&t);
}

/* The file that is written to: another one has its name. */
static void test_increment_replaced(void **state)
{
    (void)state;
    struct watched t;
    char path[512];
    begin(&t, 5);
    snprintf(path, sizeof(path), "log/%s", t.a->incr_name);
    assert_int_equal(rename(path, "log/other"), 0);
    file_write(path, SLICE("x"));
    await_gone(&t, AOF_GONE_FILE);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_happens_to_files_that_stay),
        cmocka_unit_test(test_directory_moved),
        cmocka_unit_test(test_directory_replaced),
        cmocka_unit_test(test_manifest_removed),
        cmocka_unit_test(test_increment_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
