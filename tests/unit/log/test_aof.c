/* The log whole, without faults: appending, restarting, rewriting, and copies of its directory as a
 * crash would have left it. */
#include "aof_world.h"

#include <poll.h>

#include "base/clock.h"
#include "log/aof_impl.h"

/* The whole cycle of a loop: sleeps until the log says that something changed. */
static void await_synced(struct aof *a, uint64_t pos)
{
    int64_t until_us = clock_mono_us() + 10000000;
    aof_want_sync(a, pos);
    for (aof_poll(a); aof_synced(a) < pos; aof_poll(a)) {
        struct pollfd p = {.fd = aof_event_fd(a), .events = POLLIN};
        assert_true(clock_mono_us() < until_us);
        assert_null(aof_fault(a));
        poll(&p, 1, 1000);
    }
}

static void await_promised(struct aof *a, uint64_t pos)
{
    int64_t until_us = clock_mono_us() + 10000000;
    for (aof_poll(a); aof_promised(a) < pos; aof_poll(a)) {
        struct pollfd p = {.fd = aof_event_fd(a), .events = POLLIN};
        assert_true(clock_mono_us() < until_us);
        poll(&p, 1, 1000);
    }
}

static void test_locked_directory(void **state)
{
    (void)state;
    struct world w;
    char error[AOF_ERROR_CHARS] = "";
    world_init(&w, 1);
    struct aof *a = world_open(&w, "locked", WRITER_NO), *second = NULL;
    struct aof_options o = {.dir = "locked", .filename = "other", .logger = &w.logger};
    assert_int_equal(aof_open(&second, &o, error), ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(error, "another server"));
    assert_non_null(strstr(error, "locked"));
    aof_close(&a);
    assert_int_equal(aof_open(&second, &o, error), ERR_OK);
    aof_close(&second);
    o.dir = "no/such/place";
    assert_int_equal(aof_open(&second, &o, error), ERR_IO);
    assert_non_null(strstr(error, "no/such/place"));
    world_deinit(&w);
    remove_dir("locked");
}

static void test_restarts(void **state)
{
    (void)state;
    for (int policy = WRITER_NO; policy <= WRITER_ALWAYS; policy++) {
        struct world w;
        world_init(&w, 2 + (uint64_t)policy);
        remove_dir("log");
        for (int round = 0; round < 30; round++) {
            struct aof *a =
                world_restart(&w, "log", (enum writer_policy)policy, w.points[w.count - 1].pos);
            for (uint64_t n = rng_below(&w.rng, 40); n > 0; n--) {
                world_turn(&w, a);
                if (rng_below(&w.rng, 10) == 0) {
                    await_synced(a, aof_pos(a));
                    assert_int_equal(aof_promised(a), aof_pos(a));
                }
            }
            assert_null(aof_fault(a));
            assert_true(aof_close(&a));
        }
        world_judge_dir(&w, "log", w.points[w.count - 1].pos);
        world_deinit(&w);
        struct stat st; /* a restart goes on in the last increment */
        assert_int_equal(stat("log/log.aof.1.incr.aof", &st), 0);
        assert_int_not_equal(stat("log/log.aof.2.incr.aof", &st), 0);
    }
}

/* The time is recorded ahead of a batch, so never within a transaction, and only where it is another than before. */
static void test_timestamps(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "\r\n#TS:20\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$5\r\nMULTI\r\n"
        "*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n*1\r\n$4\r\nEXEC\r\n#SEAL ",
        "\r\n*1\r\n$1\r\nc\r\n#SEAL ", "\r\n#TS:22\r\n*1\r\n$1\r\nd\r\n#SEAL "};
    struct world w;
    struct buf got;
    world_init(&w, 4);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_NO, 0);
    stream_clock(a->stream, 20);
    stream_unit_begin(a->stream);
    stream_put(a->stream, 0, 1, &SLICE("a"));
    stream_put(a->stream, 0, 1, &SLICE("b"));
    stream_unit_end(a->stream);
    stream_seal(a->stream);
    stream_put(a->stream, 0, 1, &SLICE("c"));
    stream_seal(a->stream);
    stream_clock(a->stream, 22);
    stream_put(a->stream, 0, 1, &SLICE("d"));
    assert_true(aof_close(&a));
    buf_init(&got);
    read_whole("log/log.aof.1.incr.aof", &got);
    const char *at = buf_cstr(&got);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        at = strstr(at, expected[i]);
        assert_non_null(at);
        at += strlen(expected[i]);
    }
    buf_deinit(&got);
    world_deinit(&w);
}

static int count_files(const char *dir)
{
    int count = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        count += e->d_name[0] != '.';
    closedir(d);
    return count;
}

static void test_rewrite_replaces_the_base(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 5);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    for (int round = 1; round <= 5; round++) {
        for (int i = 0; i < 50 && round > 1; i++) /* the first time there is nothing at all */
            world_turn(&w, a);
        assert_true(world_rewrite_begin(&w, a));
        assert_false(world_rewrite_begin(&w, a));
        while (w.given >= 0) {
            world_turn(&w, a);
            world_rewrite_slice(&w, a);
        }
        await_rewrite(&w, a);
        struct aof_stats st;
        aof_stats(a, &st);
        assert_true(w.rewrite_ok);
        assert_int_equal(w.rewrites, round);
        assert_false(st.rewriting);
        struct buf manifest, want;
        buf_init(&manifest);
        buf_init(&want);
        read_whole("log/log.aof.manifest", &manifest);
        buf_printf(
            &want,
            "file log.aof.%d.base.aof seq %d type b\nfile log.aof.%d.incr.aof seq %d type i\n",
            round + 1, round + 1, round + 1, round + 1);
        assert_int_equal(manifest.len, want.len);
        assert_memory_equal(manifest.ptr, want.ptr, want.len);
        buf_deinit(&manifest);
        buf_deinit(&want);
        assert_int_equal(count_files("log"), 3);
        await_synced(a, aof_pos(a));
        aof_stats(a, &st);
        struct stat base, incr;
        char name[64];
        snprintf(name, sizeof(name), "log/log.aof.%d.base.aof", round + 1);
        assert_int_equal(stat(name, &base), 0);
        snprintf(name, sizeof(name), "log/log.aof.%d.incr.aof", round + 1);
        assert_int_equal(stat(name, &incr), 0);
        assert_int_equal(st.base_bytes, base.st_size);
        assert_int_equal(st.current_bytes, base.st_size + incr.st_size);
    }
    assert_true(aof_close(&a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

static void test_cancel(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 6);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_NO, 0);
    for (int round = 0; round < 60; round++) {
        world_turn(&w, a);
        assert_true(world_rewrite_begin(&w, a));
        for (uint64_t n = rng_below(&w.rng, 11); n > 0; n--) {
            world_turn(&w, a);
            world_rewrite_slice(&w, a);
        }
        world_rewrite_cancel(&w);
        if (round == 59)
            break; /* closed while it is being tidied up */
        await_rewrite(&w, a);
        assert_false(aof_rewriting(a));
        if (round % 10 == 0) {
            assert_true(aof_close(&a));
            a = world_restart(&w, "log", WRITER_NO, w.points[w.count - 1].pos);
        }
    }
    assert_true(aof_close(&a));
    DIR *d = opendir("log");
    for (struct dirent *e; (e = readdir(d));)
        assert_int_not_equal(strncmp(e->d_name, "temp-", 5), 0);
    closedir(d);
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* --- the next increment, prepared and not begun ----------------------------------------------- */

#define OLD_INCREMENT  "copy/log.aof.1.incr.aof"
#define NEXT_INCREMENT "copy/log.aof.2.incr.aof"

static off_t size_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void copy_dir(const char *from, const char *to)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s; cp -r %s %s", to, from, to);
    assert_int_equal(system(command), 0);
}

/* Loads "copy", goes on in it, and loads that. */
static void go_on_in_copy(struct world *w, uint64_t least)
{
    struct world_data data = w->data;
    size_t count = w->count;
    struct sink *sink = w->sink;
    struct aof *a = world_restart(w, "copy", WRITER_ALWAYS, least);
    for (int i = 0; i < 3; i++)
        world_turn(w, a);
    assert_true(aof_close(&a));
    world_judge_dir(w, "copy", w->points[w->count - 1].pos);
    w->data = data;
    w->count = count;
    w->sink = sink;
}

/* A crash while the manifest names it: the increment before is the last one, be its end torn. */
static void test_crash_while_prepared(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 10);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_ALWAYS, 0);
    for (int i = 0; i < 3; i++)
        world_turn(&w, a);
    assert_true(world_rewrite_begin(&w, a));
    await_prepared(&w, a);
    uint64_t before = aof_pos(a);
    world_turn(&w, a);
    await_synced(a, aof_pos(a));
    copy_dir("log", "whole");
    copy_dir("log", "copy");
    assert_int_equal(size_of(NEXT_INCREMENT), 0);
    off_t bytes = size_of(OLD_INCREMENT);
    go_on_in_copy(&w, aof_pos(a));
    assert_int_equal(size_of(OLD_INCREMENT), bytes); /* and the next one is gone on in */
    assert_true(size_of(NEXT_INCREMENT) > 0);
    for (off_t cut = 1; cut < SEAL_BYTES; cut += 11) {
        copy_dir("whole", "copy");
        assert_int_equal(truncate(OLD_INCREMENT, bytes - cut), 0);
        go_on_in_copy(&w, before);
        assert_true(size_of(OLD_INCREMENT) <
                    bytes - cut); /* cut, as Redis loads no torn file but the last */
    }
    world_rewrite_cancel(&w);
    await_rewrite(&w, a);
    world_turn(&w, a);
    assert_true(world_rewrite_begin(&w, a)); /* takes the one that is there */
    while (w.given >= 0)
        world_rewrite_slice(&w, a);
    await_rewrite(&w, a);
    world_turn(&w, a);
    assert_true(aof_close(&a));
    copy_dir("log", "copy");
    assert_int_equal(count_files("copy"), 3);
    assert_true(size_of(NEXT_INCREMENT) > 0);
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* A crash behind the switch: the header was not synced, and there may be any part of it, or zeros. */
static void test_crash_behind_the_switch(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 11);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_ALWAYS, 0);
    for (int i = 0; i < 3; i++)
        world_turn(&w, a);
    assert_true(world_rewrite_begin(&w, a));
    await_prepared(&w, a);
    world_rewrite_advance(&w);
    for (int i = 0; atomic_load(&a->rewrite->jobs.switched) == 0 && i < 10000; i++)
        usleep(1000);
    copy_dir("log", "whole");
    assert_true(world_close(&w, &a));
    copy_dir("whole", "copy");
    off_t header = size_of(NEXT_INCREMENT);
    assert_true(header > SEAL_BYTES);
    for (off_t left = 0; left <= header; left += left < header - 4 ? 4 : 1) {
        copy_dir("whole", "copy");
        assert_int_equal(truncate(NEXT_INCREMENT, left), 0);
        if (left < header && left % 8 == 0)
            assert_int_equal(truncate(NEXT_INCREMENT, header + 100), 0); /* zeros */
        go_on_in_copy(&w, w.points[w.count - 1].pos);
    }
    world_deinit(&w);
}

/* Stopped while a base takes its place: it does, and nothing that takes long is left for aof_close. */
static void test_stop_while_placing(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 9);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_NO, 0);
    world_turn(&w, a);
    assert_true(world_rewrite_begin(&w, a));
    while (w.given >= 0)
        world_rewrite_slice(&w, a);
    int64_t until_us = clock_mono_us() + 10000000;
    for (world_poll(&w, a); w.phase < SNAPSHOT_PLACING; world_poll(&w, a))
        assert_true(clock_mono_us() < until_us);
    aof_stop(a);
    for (aof_poll(a); !aof_stopped(a); aof_poll(a))
        assert_true(clock_mono_us() < until_us);
    assert_int_equal(a->rewrite->jobs.history_count, 0);
    world_rewrite_advance(&w);
    assert_true(w.rewrite_ok);
    assert_true(aof_close(&a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

static void check_start(const char *name, const char *want)
{
    char path[64];
    struct buf b;
    buf_init(&b);
    snprintf(path, sizeof(path), "log/log.aof.%s.aof", name);
    read_whole(path, &b);
    if (b.len < strlen(want) || memcmp(b.ptr, want, strlen(want)) != 0)
        fail_msg("%s begins with %.*s", path, (int)(b.len < 100 ? b.len : 100), b.ptr);
    buf_deinit(&b);
}

#define DATE          "#TS:00000000001700000000\r\n#CORSAC:1\r\n"
#define SNAPSHOT_DATE "#TS:00000000001700000005\r\n#CORSAC:1\r\n"

/* ... whether or not times are recorded; a base tells its own where they are. */
static void test_files_begin_with_their_date(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 9);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_NO, 0);
    check_start("1.base", DATE "#BASE\r\n#TS:1700000000\r\n#END ");
    check_start("1.incr", DATE "#SEAL ");
    for (int round = 2; round <= 3; round++) {
        world_turn(&w, a);
        assert_true(world_rewrite_begin(&w, a));
        while (w.given >= 0)
            world_rewrite_slice(&w, a);
        await_rewrite(&w, a);
        check_start(round == 2 ? "2.base" : "3.base", round == 2 ? SNAPSHOT_DATE
                                                          "#BASE\r\n#TS:1700000005\r\n*2\r\n"
                                                                 : SNAPSHOT_DATE "#BASE\r\n*2\r\n");
        check_start(round == 2 ? "2.incr" : "3.incr", SNAPSHOT_DATE "#SEAL ");
        aof_configure(a, &(struct aof_config){.policy = WRITER_NO});
    }
    assert_true(aof_close(&a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

static void write_whole(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A log in "log" that begins anew beside what is kept there, its first rewrite done. */
static struct aof *begin_beside_history(struct world *w)
{
    char error[AOF_ERROR_CHARS];
    struct aof *a = NULL;
    struct aof_options o = {.dir = "log",
                            .filename = "log.aof",
                            .config.keep_history = true,
                            .fresh = true,
                            .logger = &w->logger};
    assert_int_equal(aof_open(&a, &o, error), ERR_OK);
    assert_int_equal(aof_start(a, AOF_FRESH, error), ERR_OK);
    world_follow(a);
    assert_true(world_rewrite_begin(w, a));
    while (w->given >= 0)
        world_rewrite_slice(w, a);
    await_rewrite(w, a);
    assert_true(w->rewrite_ok);
    return a;
}

/* History that is kept has its names: a log that begins anew beside it takes others, until it is to go. */
static void test_names_of_history_are_taken(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 12);
    remove_dir("log");
    assert_int_equal(mkdir("log", 0700), 0);
    write_whole("log/log.aof.1.base.aof", "old base");
    write_whole("log/log.aof.1.incr.aof", "old increment");
    write_whole("log/log.aof.manifest", "file log.aof.1.base.aof seq 1 type h\n"
                                        "file log.aof.1.incr.aof seq 1 type h\n");
    struct aof *a = begin_beside_history(&w);
    world_turn(&w, a);
    await_synced(a, aof_pos(a));
    assert_int_equal(count_files("log"), 5);
    check_start("1.base", "old base");
    check_start("1.incr", "old increment");
    check_start("2.base", SNAPSHOT_DATE "#BASE\r\n");
    check_start("2.incr", SNAPSHOT_DATE "#SEAL ");
    aof_configure(a, &(struct aof_config){.policy = WRITER_NO});
    assert_true(aof_close(&a));
    assert_int_equal(count_files("log"), 3);
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

/* ... but not for ever: the manifest has to have room for what is needed. */
static void test_history_is_not_kept_without_end(void **state)
{
    (void)state;
    for (int more = 0; more <= 1; more++) {
        struct world w;
        struct buf manifest;
        world_init(&w, 13);
        buf_init(&manifest);
        remove_dir("log");
        assert_int_equal(mkdir("log", 0700), 0);
        for (int i = 1; i <= AOF_HISTORY_FILES_MAX + more; i++)
            buf_printf(&manifest, "file log.aof.%d.incr.aof seq %d type h\n", i, i);
        write_whole("log/log.aof.1.incr.aof", "old increment");
        write_whole("log/log.aof.manifest", buf_cstr(&manifest));
        buf_deinit(&manifest);
        struct aof *a = begin_beside_history(&w);
        assert_true(aof_close(&a));
        assert_int_equal(count_files("log"), more ? 3 : 4);
        world_deinit(&w);
    }
}

/* appendonly switched on: what lay there stays until the first rewrite is done. */
static void test_fresh(void **state)
{
    (void)state;
    char error[AOF_ERROR_CHARS];
    struct world old, w;
    world_init(&old, 7);
    world_init(&w, 8);
    remove_dir("log");
    struct aof *a = world_restart(&old, "log", WRITER_NO, 0);
    for (int i = 0; i < 20; i++)
        world_turn(&old, a);
    aof_close(&a);
    for (int finish = 0; finish <= 1; finish++) {
        a = world_open(&w, "log", WRITER_ALWAYS);
        assert_false(aof_is_empty(a));
        assert_int_equal(aof_start(a, AOF_FRESH, error), ERR_OK);
        world_follow(a);
        assert_true(world_rewrite_begin(&w, a));
        for (int i = 0; i < 5; i++)
            world_turn(&w, a);
        await_promised(a, aof_pos(a));
        assert_int_equal(aof_synced(a), 0); /* nobody would load it */
        assert_int_equal(aof_written(a), 0);
        if (finish) {
            world_rewrite_cancel(&w);
            await_rewrite(&w, a);
            assert_true(aof_rewrite_due(a)); /* another one */
            assert_true(world_rewrite_begin(&w, a));
            while (w.given >= 0)
                world_rewrite_slice(&w, a);
            await_rewrite(&w, a);
            assert_int_equal(aof_synced(a), aof_pos(a));
            assert_false(aof_rewrite_due(a));
        }
        assert_true(world_close(&w, &a));
        if (finish)
            world_judge_dir(&w, "log", w.points[w.count - 1].pos);
        else
            world_judge_dir(&old, "log", old.points[old.count - 1].pos);
        memset(&w.data, 0, sizeof(w.data));
        w.count = finish ? w.count : 1;
    }
    world_deinit(&old);
    world_deinit(&w);
}

/* --- copies --------------------------------------------------------------------------------- */

static void read_manifest(struct buf *b)
{
    buf_clear(b);
    read_whole("log/log.aof.manifest", b);
}

/* The directory as a crash at one instant would leave it: as long as the manifest is the same one,
 * files only grow. */
static void copy_log(void)
{
    struct buf before, after;
    buf_init(&before);
    buf_init(&after);
    do {
        read_manifest(&before);
        assert_int_equal(system("rm -rf copy; cp -r log copy 2>/dev/null; true"), 0);
        read_manifest(&after);
    } while (before.len != after.len || memcmp(before.ptr, after.ptr, after.len) != 0);
    FILE *f = fopen("copy/log.aof.manifest", "w");
    assert_non_null(f);
    fwrite(after.ptr, 1, after.len, f);
    fclose(f);
    buf_deinit(&before);
    buf_deinit(&after);
}

static void test_crash_at_any_moment_of_a_rewrite(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, 9);
    remove_dir("log");
    struct aof *a = world_restart(&w, "log", WRITER_EVERYSEC, 0);
    for (int i = 0; i < 600; i++) {
        world_turn(&w, a);
        switch (rng_below(&w.rng, 4)) {
        case 0:
            if (!a->rewrite)
                world_rewrite_begin(&w, a);
            break;
        case 1: world_rewrite_slice(&w, a); break;
        case 2: world_poll(&w, a); break;
        case 3: usleep((unsigned)rng_below(&w.rng, 3000)); break;
        }
        if (rng_below(&w.rng, 5) == 0) {
            aof_poll(a);
            uint64_t least = aof_written(a);
            copy_log();
            world_judge_dir(&w, "copy", least);
        }
    }
    assert_true(w.rewrites > 3);
    assert_true(world_close(&w, &a));
    world_judge_dir(&w, "log", w.points[w.count - 1].pos);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locked_directory),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_timestamps),
        cmocka_unit_test(test_rewrite_replaces_the_base),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_crash_while_prepared),
        cmocka_unit_test(test_crash_behind_the_switch),
        cmocka_unit_test(test_stop_while_placing),
        cmocka_unit_test(test_files_begin_with_their_date),
        cmocka_unit_test(test_names_of_history_are_taken),
        cmocka_unit_test(test_history_is_not_kept_without_end),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_crash_at_any_moment_of_a_rewrite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
