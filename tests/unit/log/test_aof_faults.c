/* The log on a disk that fails at every call in turn, or is slow. */
#include "aof_faulty.h"

static void test_io_error_at_every_call(void **state)
{
    (void)state;
    for (int policy = WRITER_NO; policy <= WRITER_ALWAYS; policy++)
        fail_every_call((enum writer_policy)policy, 1, EIO);
}

static void test_the_fault_is_told(void **state)
{
    (void)state;
    struct world w;
    static const struct {
        uint32_t kinds;
        int error;
        const char *text;
    } cases[] = {
        {1u << DISK_WRITE, ENOSPC, "Errors writing to the AOF file: No space left on device"},
        {1u << DISK_SYNC, EIO, "Input/output error"},
    };
    for (size_t i = 0; i < 2; i++) {
        world_init(&w, i);
        remove_dir("log");
        struct aof *a = world_restart(&w, "log", WRITER_ALWAYS, 0);
        world_turn(&w, a);
        await_synced(a, aof_pos(a));
        uint64_t good = aof_pos(a);
        disk_shim_fail(shim, cases[i].kinds, 1, UINT32_MAX, cases[i].error);
        world_turn(&w, a);
        for (int n = 0; !aof_fault(a) && n < 2000; n++) {
            usleep(1000);
            aof_poll(a);
        }
        assert_non_null(aof_fault(a));
        assert_non_null(strstr(aof_fault(a), cases[i].text));
        usleep(350000);
        aof_poll(a);
        assert_int_equal(aof_synced(a), good);
        assert_non_null(aof_fault(a));
        disk_shim_fail(shim, 0, 0, 0, 0);
        await_synced(a, aof_pos(a));
        assert_null(aof_fault(a));
        assert_true(world_close(&w, &a));
        world_judge_dir(&w, "log", w.points[w.count - 1].pos);
        world_deinit(&w);
    }
}

/* With `everysec` a sync that failed is followed by one of the fresh file at once, not a second later: until that went
 * well, writes are refused. The fastest of some, for busy machines. */
static void test_a_fault_of_a_sync_ends_at_once(void **state)
{
    (void)state;
    int64_t fastest_us = INT64_MAX;
    for (int round = 0; round < 3; round++) {
        struct world w;
        world_init(&w, 7);
        remove_dir("log");
        struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
        world_turn(&w, a);
        await_synced(a, aof_pos(a));
        disk_shim_fail(shim, 1u << DISK_SYNC, 1, 1, EIO);
        world_turn(&w, a);
        int64_t until_us = clock_mono_us() + NOT_HELD_UP_US, began_us = 0;
        for (aof_poll(a); !began_us || aof_fault(a); aof_poll(a)) {
            if (!began_us && aof_fault(a))
                began_us = clock_mono_us();
            assert_true(clock_mono_us() < until_us);
            if (atomic_load(&shim->failed) && aof_synced(a) == aof_pos(a))
                break;
            usleep(100);
        }
        int64_t took_us = began_us ? clock_mono_us() - began_us : 0;
        fastest_us = took_us < fastest_us ? took_us : fastest_us;
        disk_shim_fail(shim, 0, 0, 0, 0);
        assert_true(world_close(&w, &a));
        world_deinit(&w);
    }
    assert_true(fastest_us < 500000);
}

/* Every call stands still until some turns were made beside it. */
static void test_nothing_waits_for_a_slow_disk(void **state)
{
    (void)state;
    struct world w;
    int64_t longest_us = 0;
    world_init(&w, 1);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_ALWAYS, 0);
    disk_shim_delay(shim, ALL_CALLS, DISK_SHIM_HOLD_US);
    for (int i = 0; i < 400; i++) {
        int64_t start_us = clock_mono_us();
        world_turn(&w, a);
        if (i % 100 == 50)
            world_rewrite_begin(&w, a);
        world_rewrite_slice(&w, a);
        if (i % 100 == 80)
            world_rewrite_cancel(&w);
        aof_poll(a);
        int64_t took_us = clock_mono_us() - start_us;
        longest_us = took_us > longest_us ? took_us : longest_us;
        usleep(1000);
        if (i % 5 == 0)
            disk_shim_let_go(shim);
    }
    disk_shim_delay(shim, 0, 0);
    assert_true(longest_us < NOT_HELD_UP_US);
    await_synced(a, aof_pos(a));
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

#define ABOUT_NAMES (1u << DISK_OPEN | 1u << DISK_SYNC_DIR | 1u << DISK_RENAME)

/* Writes and has it written. Where a call that has to do with names stands still, that went by it, and the call goes
 * on. Returns whether one did. */
static bool write_beside_calls(struct world *w, struct aof *a)
{
    bool beside = atomic_load(&shim->delayed) > 0;
    int64_t start_us = clock_mono_us();
    world_turn(w, a);
    for (aof_poll(a); a->state.written < aof_pos(a); aof_poll(a)) {
        assert_true(clock_mono_us() - start_us < NOT_HELD_UP_US);
        usleep(100);
    }
    if (beside)
        disk_shim_let_go(shim);
    return beside;
}

/* What a rewrite does with files is waited for by no write: it stands still here, and writing does not. */
static void test_no_write_waits_for_a_rewrite(void **state)
{
    (void)state;
    struct world w;
    int beside = 0;
    world_init(&w, 2);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    world_turn(&w, a);
    await_synced(a, aof_pos(a));
    disk_shim_delay(shim, ABOUT_NAMES, DISK_SHIM_HOLD_US);
    uint32_t renames = atomic_load(&shim->calls[DISK_RENAME]);
    assert_true(world_rewrite_begin(&w, a));
    while (a->rewrite) {
        beside += write_beside_calls(&w, a);
        world_rewrite_slice(&w, a);
        usleep(1000);
    }
    disk_shim_delay(shim, 0, 0);
    assert_true(w.rewrite_ok);
    assert_int_equal(atomic_load(&shim->calls[DISK_RENAME]) - renames, 4);
    assert_true(beside > 4);
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* Nor for history that goes as it is no longer kept. */
static void test_no_write_waits_for_history(void **state)
{
    (void)state;
    struct world w;
    int beside = 0;
    world_init(&w, 4);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    aof_configure(a, &(struct aof_config){.policy = WRITER_EVERYSEC, .keep_history = true});
    assert_true(world_rewrite_begin(&w, a));
    while (a->rewrite) {
        world_rewrite_slice(&w, a);
        usleep(1000);
    }
    assert_true(w.rewrite_ok);
    assert_true(a->manifest.count > manifest_live(&a->manifest));
    disk_shim_delay(shim, ABOUT_NAMES, DISK_SHIM_HOLD_US);
    aof_configure(a, &(struct aof_config){.policy = WRITER_EVERYSEC});
    do {
        beside += write_beside_calls(&w, a);
        usleep(1000);
    } while (aof_history_busy(a));
    disk_shim_delay(shim, 0, 0);
    assert_true(beside > 1);
    assert_int_equal(a->manifest.count, manifest_live(&a->manifest));
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* A log that is begun anew while serving. */
static void test_beginning_anew_waits_for_no_slow_disk(void **state)
{
    (void)state;
    struct world w;
    char error[AOF_ERROR_CHARS];
    struct aof *a = NULL;
    world_init(&w, 3);
    remove_dir("log");
    struct aof_options o = {.dir = "log",
                            .filename = "log.aof",
                            .config.policy = WRITER_ALWAYS,
                            .fresh = true,
                            .logger = &w.logger};
    disk_shim_delay(shim, ALL_CALLS, DISK_SHIM_HOLD_US);
    int64_t start_us = clock_mono_us();
    assert_int_equal(aof_open(&a, &o, error), ERR_OK);
    assert_int_equal(aof_start(a, AOF_FRESH, error), ERR_OK);
    world_follow(a);
    assert_true(world_rewrite_begin(&w, a));
    world_turn(&w, a);
    while (aof_promised(a) < aof_pos(a)) { /* by the snapshot to come */
        usleep(100);
        aof_poll(a);
    }
    assert_true(clock_mono_us() - start_us < NOT_HELD_UP_US);
    assert_int_equal(aof_synced(a), 0);
    disk_shim_delay(shim, 0, 0);
    while (a->rewrite) {
        world_turn(&w, a);
        world_rewrite_slice(&w, a);
        aof_poll(a);
        usleep(1000);
    }
    assert_true(w.rewrite_ok);
    await_synced(a, aof_pos(a));
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!begin_under_shim(argv))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_fault_is_told),
        cmocka_unit_test(test_io_error_at_every_call),
        cmocka_unit_test(test_a_fault_of_a_sync_ends_at_once),
        cmocka_unit_test(test_nothing_waits_for_a_slow_disk),
        cmocka_unit_test(test_no_write_waits_for_a_rewrite),
        cmocka_unit_test(test_no_write_waits_for_history),
        cmocka_unit_test(test_beginning_anew_waits_for_no_slow_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
