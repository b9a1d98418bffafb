/* The log's process is killed, or its power cut, at random moments. */
#include "aof_faulty.h"

#define KILL_SYNC_US 500 /* that a sync takes: there is time to be killed within one */

struct told { /* by the child, shared */
    _Atomic uint64_t synced, written;
};

/* Writes and rewrites until it is killed. Same seed, same commands: the parent does them again. */
static void child(struct told *told, uint64_t seed, uint32_t faults)
{
    struct world w;
    struct rng rng;
    world_init(&w, seed);
    rng_seed(&rng, seed + 1);
    struct aof *a = world_restart(&w, "log", (enum writer_policy)(seed % 3), 0);
    if (faults)
        disk_shim_fail(shim, 1u << DISK_SYNC, faults, 2, EIO);
    for (;;) {
        world_turn(&w, a);
        if (w.given >= 0)
            world_rewrite_slice(&w, a);
        else if (rng_below(&rng, 20) == 0)
            world_rewrite_begin(&w, a);
        if (rng_below(&rng, 10) == 0)
            aof_want_sync(a, aof_pos(a));
        usleep((useconds_t)rng_below(&rng, 400));
        aof_poll(a);
        atomic_store(&told->written, aof_written(a));
        atomic_store(&told->synced, aof_synced(a));
    }
}

static void kill_once(struct told *told, uint64_t seed, bool power_cut, uint32_t faults)
{
    remove_dir("log");
    disk_shim_forget(shim);
    snprintf(shim->grave, sizeof(shim->grave), "%s", power_cut ? grave : "");
    atomic_store(&told->synced, 0);
    atomic_store(&told->written, 0);
    pid_t pid = fork();
    if (pid == 0) {
        child(told, seed, faults);
        _exit(1);
    }
    usleep((useconds_t)(5000 + seed * 7919 % 40000));
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    disk_shim_fail(shim, 0, 0, 0, 0);
    shim->grave[0] = 0;
    uint64_t least = atomic_load(power_cut ? &told->synced : &told->written);
    if (power_cut)
        disk_shim_power_cut(shim, (uint32_t)seed);

    /* The same commands, into a log that goes nowhere near the first. */
    struct world w;
    world_init(&w, seed);
    remove_dir("again");
    struct aof *again = world_restart(&w, "again", WRITER_NO, 0);
    struct world_data d;
    struct aof *a = world_open(&w, "log", WRITER_NO);
    char error[AOF_ERROR_CHARS];
    uint64_t pos = world_load_until(a, &d, error);
    aof_close(&a);
    /* With `no`, a sync that failed may leave a gap, which a power cut then shows: the start is refused
     * rather than done without what is missing. What was synced is all ahead of it. */
    bool gap = power_cut && faults && seed % 3 == WRITER_NO && strstr(error, "missing");
    if (error[0] && !gap)
        fail_msg("seed %llu: %s", (unsigned long long)seed, error);
    if (pos < least)
        fail_msg("seed %llu: %llu of %llu came back", (unsigned long long)seed,
                 (unsigned long long)pos, (unsigned long long)least);
    /* A rewrite puts a SELECT in: positions differ, so states are compared with all that were. */
    bool found = pos == 0;
    for (size_t turns = 0, i = 0; !found && turns < 5000; turns++) {
        world_turn(&w, again);
        while (!found && i < w.count)
            found = w.points[i++].hash == world_hash(&d);
    }
    assert_true(found);
    aof_close(&again);
    world_deinit(&w);
}

static void kill_often(bool power_cut, bool faults)
{
    struct told *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    atomic_store(&shim->delay_us, KILL_SYNC_US);
    atomic_store(&shim->delay_kinds, 1u << DISK_SYNC | 1u << DISK_SYNC_DIR);
    for (uint64_t seed = 0; seed < 60; seed++)
        kill_once(told, seed, power_cut, faults ? 1 + (uint32_t)seed % 20 : 0);
    atomic_store(&shim->delay_us, 0);
    munmap(told, sizeof(*told));
}

static void test_killed(void **state)
{
    (void)state;
    kill_often(false, false);
}

static void test_power_cut(void **state)
{
    (void)state;
    kill_often(true, false);
}

static void test_killed_after_failed_syncs(void **state)
{
    (void)state;
    kill_often(false, true);
}

static void test_power_cut_after_failed_syncs(void **state)
{
    (void)state;
    kill_often(true, true);
}

int main(int argc, char **argv)
{
    (void)argc;
    if (!begin_under_shim(argv))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_power_cut),
        cmocka_unit_test(test_killed_after_failed_syncs),
        cmocka_unit_test(test_power_cut_after_failed_syncs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
