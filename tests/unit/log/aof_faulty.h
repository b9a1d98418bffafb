#pragma once
/* The log on a disk that fails at every call in turn, and one that loses what was not synced: what the tests of it
 * share. A test program runs itself again with disk_shim.so under it. */
#include "aof_world.h"
#include "shim/power_cut.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "log/aof_impl.h"

#define ALL_CALLS (1u << DISK_CALLS) - 1

static struct disk_shim *shim;
static char grave[256];

/* Below DISK_SHIM_HOLD_US, and generous for slow machines. */
#define NOT_HELD_UP_US (20 * 1000 * 1000)

/* --- faults --------------------------------------------------------------------------------- */

static inline void await_synced(struct aof *a, uint64_t pos)
{
    int64_t until_us = clock_mono_us() + 20000000;
    aof_want_sync(a, pos);
    for (aof_poll(a); aof_synced(a) < pos; aof_poll(a)) {
        struct pollfd p = {.fd = aof_event_fd(a), .events = POLLIN};
        if (clock_mono_us() > until_us)
            fail_msg("serving does not resume: %s", aof_fault(a) ? aof_fault(a) : "no fault");
        poll(&p, 1, 100);
    }
}

/* Waits until all is safe, and rewrites as the engine does where a sync that failed with `no` left a gap: whether one
 * did may be known only after the disk works again. */
static inline void await_resumed(struct world *w, struct aof *a)
{
    int64_t until_us = clock_mono_us() + 20000000;
    aof_want_sync(a, aof_pos(a));
    for (aof_poll(a); aof_synced(a) < aof_pos(a) || w->sink; world_rewrite_slice(w, a)) {
        if (!w->sink && aof_rewrite_due(a))
            world_rewrite_begin(w, a);
        if (clock_mono_us() > until_us)
            fail_msg("serving does not resume: %s", aof_fault(a) ? aof_fault(a) : "no fault");
        usleep(500);
    }
}

/* Writes, rewrites and writes on, while the nth call fails. What the log reports is noted, and what is
 * said in a fault is looked at. Returns whether the fault came to pass. */
static inline bool run_with_fault(enum writer_policy policy, uint32_t nth, uint32_t times,
                                  int error, uint64_t seed)
{
    struct world w;
    world_init(&w, seed);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", policy, 0);
    disk_shim_fail(shim, ALL_CALLS, nth, times, error);
    for (int i = 0; i < 30; i++) {
        world_turn(&w, a);
        if (i == 8)
            world_rewrite_begin(&w, a);
        if (i > 8)
            world_rewrite_slice(&w, a);
        if (i % 5 == 0)
            usleep(200);
        aof_poll(a);
        if (aof_fault(a))
            assert_non_null(strstr(aof_fault(a), "ing"));
        if (i % 7 == 0)
            aof_want_sync(a, aof_pos(a));
    }
    for (int i = 0; a->rewrite && i < 300; i++) {
        world_rewrite_slice(&w, a);
        aof_poll(a);
        usleep(500);
    }
    bool failed = atomic_load(&shim->failed) > 0;
    disk_shim_fail(shim, 0, 0, 0, 0);
    await_resumed(&w, a);
    assert_null(aof_fault(a));
    world_turn(&w, a); /* and all is well again */
    await_resumed(&w, a);
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
    return failed;
}

static inline void fail_every_call(enum writer_policy policy, uint32_t times, int error)
{
    uint32_t nth = 1;
    for (int quiet = 0; quiet < 3 && nth < 200;
         nth++) /* threads: not every run has as many calls */
        quiet = run_with_fault(policy, nth, times, error, nth) ? 0 : quiet + 1;
    assert_true(nth > 10);
}

/* --- under the shim --------------------------------------------------------------------------- */

/* build/VARIANT/tests/unit/log/this -> build/VARIANT/tests/shim/disk_shim.so */
static inline void run_again(char **argv)
{
    char self[1024], so[1200], control[1100], *slash = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = 0;
    snprintf(so, sizeof(so), "%s", self);
    for (int up = 0; up < 3; up++)
        if ((slash = strrchr(so, '/')))
            *slash = 0;
    strcat(so, "/shim/disk_shim.so");
    if (access(so, R_OK) != 0) {
        fprintf(stderr, "%s is missing\n", so);
        exit(1);
    }
    assert_non_null(getcwd(control, 1000));
    strcat(control, "/disk_shim");
    assert_non_null(disk_shim_map(control, 1));
    const char *options = getenv("ASAN_OPTIONS");
    char asan[2048];
    snprintf(asan, sizeof(asan), "%s:verify_asan_link_order=0", options ? options : "");
    setenv("ASAN_OPTIONS", asan, 1);
    setenv("DISK_SHIM", control, 1);
    setenv("LD_PRELOAD", so, 1);
    execv(self, argv);
    exit(1);
}

/* False: something is missing. */
static inline bool begin_under_shim(char **argv)
{
    if (!getenv("DISK_SHIM"))
        run_again(argv);
    shim = disk_shim_map(getenv("DISK_SHIM"), 0);
    if (!shim || !getcwd(grave, sizeof(grave) - 8) || mkdir("grave", 0700) != 0 ||
        mkdir("disk", 0700) != 0 || chdir("disk") != 0 || !getcwd(shim->dir, sizeof(shim->dir)))
        return false;
    strcat(grave, "/grave");
    atomic_store(&shim->sync_nothing, 1); /* what a power cut takes goes by what the shim noted */
    return true;
}
