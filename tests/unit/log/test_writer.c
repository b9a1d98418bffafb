/* The writer threads: order, group commit, policies, wishes, jobs, the end, and syncs that fail. */
#include "log_test.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "log/stream.h"
#include "log/writer.h"

struct fixture {
    char path[64];
    int fd; /* the writer's; this test reads the file by its path */
    struct writer *w;
    struct buf sent;
    uint64_t pos;
};

static void open_writer(struct fixture *f, enum writer_policy policy, writer_refresh_fn refresh)
{
    memset(f, 0, sizeof(*f));
    snprintf(f->path, sizeof(f->path), "writer-XXXXXX");
    f->fd = mkstemp(f->path);
    assert_true(f->fd >= 0);
    buf_init(&f->sent);
    struct writer_options o = {.policy = policy, .fd = f->fd, .refresh = refresh, .arg = f};
    f->w = writer_new(&o);
    assert_non_null(f->w);
}

static void give(struct fixture *f, struct rng *rng)
{
    struct buf b;
    buf_init(&b);
    size_t len = 1 + rng_below(rng, rng_below(rng, 20) ? 200 : 300000);
    assert_int_equal(buf_reserve(&b, len), ERR_OK);
    for (size_t i = 0; i < len; i++)
        b.ptr[i] = (char)rng_next(rng);
    b.len = len;
    buf_append(&f->sent, b.ptr, len);
    f->pos += len;
    writer_submit(f->w, &b, f->pos, 0, 0);
    assert_int_equal(b.len, 0);
    buf_deinit(&b);
}

static void expect_file(struct fixture *f, const char *path)
{
    struct buf got;
    buf_init(&got);
    read_whole(path, &got);
    assert_int_equal(got.len, f->sent.len);
    assert_memory_equal(got.ptr, f->sent.ptr, got.len);
    buf_deinit(&got);
}

static void close_writer(struct fixture *f)
{
    assert_true(writer_free(&f->w, 1000));
    expect_file(f, f->path);
    buf_deinit(&f->sent);
    unlink(f->path);
}

/* Sleeps on the event's descriptor, as the loop does, so that a wake-up that is lost shows. */
static void await(struct fixture *f, bool synced, uint64_t pos, struct writer_state *s)
{
    int64_t until_us = clock_mono_us() + 5000000;
    for (;;) {
        writer_poll(f->w, s);
        assert_true(s->synced <= s->written);
        if ((synced ? s->synced : s->written) >= pos)
            return;
        assert_true(clock_mono_us() < until_us);
        struct pollfd p = {.fd = writer_event_fd(f->w), .events = POLLIN};
        assert_true(poll(&p, 1, 5000) == 1);
    }
}

static void test_order_under_every_policy(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    for (int policy = WRITER_NO; policy <= WRITER_ALWAYS; policy++) {
        struct fixture f;
        struct writer_state s;
        open_writer(&f, (enum writer_policy)policy, NULL);
        for (int i = 0; i < 2000; i++) {
            give(&f, &rng);
            if (rng_below(&rng, 50) == 0)
                await(&f, policy == WRITER_ALWAYS, f.pos, &s);
        }
        await(&f, policy == WRITER_ALWAYS, f.pos, &s);
        assert_int_equal(s.file_bytes, f.pos);
        assert_int_equal(s.write_errno | s.sync_errno, 0);
        if (policy == WRITER_NO) {
            assert_int_equal(s.kept_bytes, 0);
            assert_int_equal(s.synced, 0);
        }
        close_writer(&f);
    }
}

static void test_everysec_syncs_within_a_second_or_so(void **state)
{
    (void)state;
    struct rng rng;
    struct fixture f;
    struct writer_state s;
    rng_seed(&rng, 2);
    open_writer(&f, WRITER_EVERYSEC, NULL);
    give(&f, &rng);
    int64_t start_us = clock_mono_us();
    await(&f, false, f.pos, &s);
    assert_int_equal(s.synced, 0);
    assert_int_equal(s.kept_bytes, f.pos);
    await(&f, true, f.pos, &s);
    assert_true(clock_mono_us() - start_us > 500000);
    assert_true(clock_mono_us() - start_us < 3000000);
    assert_int_equal(s.kept_bytes, 0);
    assert_int_equal(s.syncs, 1);
    close_writer(&f);
}

static void test_wish(void **state)
{
    (void)state;
    struct rng rng;
    struct fixture f;
    struct writer_state s;
    rng_seed(&rng, 3);
    for (int policy = WRITER_NO; policy <= WRITER_EVERYSEC; policy++) {
        open_writer(&f, (enum writer_policy)policy, NULL);
        for (int i = 0; i < 20; i++) {
            if (i % 2 == 0) { /* before it is submitted, and behind */
                writer_want_sync(f.w, f.pos + 1);
                give(&f, &rng);
            } else {
                give(&f, &rng);
                await(&f, false, f.pos, &s);
                writer_want_sync(f.w, f.pos);
            }
            int64_t start_us = clock_mono_us();
            await(&f, true, f.pos, &s);
            assert_true(clock_mono_us() - start_us < 900000);
        }
        close_writer(&f);
    }
}

/* Positions go back where a log is cut: whoever wishes for one that was there before means what stands there now. */
static void test_wish_where_positions_went_back(void **state)
{
    (void)state;
    struct fixture f;
    struct writer_state s;
    struct buf b;
    open_writer(&f, WRITER_NO, NULL);
    const uint64_t pos[] = {1000, 500, 600, 400};
    for (size_t i = 0; i < sizeof(pos) / sizeof(pos[0]); i++) {
        buf_init(&b);
        buf_append_cstr(&b, "a batch");
        buf_append_cstr(&f.sent, "a batch");
        uint64_t ticket = writer_submit(f.w, &b, pos[i], 0, 0);
        buf_deinit(&b);
        writer_want_sync(f.w, pos[i]);
        int64_t until_us = clock_mono_us() + 5000000;
        for (s.tickets_synced = 0; s.tickets_synced < ticket; writer_poll(f.w, &s)) {
            assert_true(clock_mono_us() < until_us);
            usleep(100);
        }
    }
    close_writer(&f);
}

/* Turns as the loop has them: what was written by their end is not told of, and what is written later always is. */
static void test_turns(void **state)
{
    struct fixture f;
    struct rng rng;
    struct writer_state s = {0};
    int quiet = 0, told = 0;
    (void)state;
    rng_seed(&rng, 11);
    open_writer(&f, WRITER_NO, NULL);
    for (int turn = 0; turn < 2000 && (turn < 300 || quiet == 0 || told == 0); turn++) {
        struct pollfd p = {.fd = writer_event_fd(f.w), .events = POLLIN};
        writer_hush(f.w);
        give(&f, &rng);
        if (rng_below(&rng, 2))
            usleep((useconds_t)rng_below(&rng, 2000));
        bool some = writer_look(f.w, &s);
        if (some && s.written == f.pos) {
            assert_int_equal(poll(&p, 1, 0), 0);
            quiet++;
            continue;
        }
        assert_false(some);
        assert_int_equal(poll(&p, 1, 5000), 1);
        writer_poll(f.w, &s);
        assert_int_equal(s.written, f.pos);
        told++;
    }
    assert_true(quiet > 0 && told > 0);
    assert_false(writer_look(f.w, &s)); /* nothing new */
    close_writer(&f);
}

#define DROPPED_BATCHES   3000
#define DROPPED_AT_A_POLL 200 /* at most */

struct kept {
    struct writer *w;
    struct batch *at[DROPPED_BATCHES];
    int count;
};

static void keep(void *arg, struct batch *b)
{
    struct kept *k = arg;
    struct buf head;
    buf_init(&head);
    k->at[k->count++] = batch_hold(b);
    writer_submit_batch(k->w, b, &head, 0);
}

static int count_dropped(const struct kept *k)
{
    int n = 0;
    for (int i = 0; i < k->count; i++)
        n += k->at[i]->refs == 1;
    return n;
}

/* A sync may let thousands of batches go: no look at the state drops them all. */
static void test_batches_are_dropped_in_slices(void **state)
{
    (void)state;
    struct fixture f;
    struct writer_state s;
    static struct kept k;
    struct slice argv[] = {SLICE("DEL"), SLICE("k")};
    open_writer(&f, WRITER_EVERYSEC, NULL);
    k.w = f.w;
    struct stream *st = stream_new(0);
    struct stream_consumer consumer = {.take = keep, .arg = &k};
    stream_attach(st, &consumer);
    while (k.count < DROPPED_BATCHES) {
        stream_put(st, 0, 2, argv);
        stream_seal(st);
    }
    writer_want_sync(f.w, stream_pos(st));
    int64_t until_us = clock_mono_us() + 60000000;
    for (int before = count_dropped(&k), now; before < k.count; before = now) {
        writer_poll(f.w, &s);
        now = count_dropped(&k);
        assert_in_range(now - before, 0, DROPPED_AT_A_POLL);
        assert_true(clock_mono_us() < until_us);
        usleep(now == before ? 1000 : 0);
    }
    assert_true(writer_free(&f.w, 1000));
    while (k.count > 0)
        batch_drop(k.at[--k.count]);
    stream_detach(st, &consumer);
    stream_drop(&st);
    buf_deinit(&f.sent);
    unlink(f.path);
}

static void test_policy_changes(void **state)
{
    (void)state;
    struct rng rng;
    struct fixture f;
    struct writer_state s;
    rng_seed(&rng, 4);
    open_writer(&f, WRITER_NO, NULL);
    give(&f, &rng);
    await(&f, false, f.pos, &s);
    writer_set_policy(f.w, WRITER_ALWAYS); /* what is written already is synced too */
    await(&f, true, f.pos, &s);
    writer_set_policy(f.w, WRITER_EVERYSEC);
    give(&f, &rng);
    await(&f, false, f.pos, &s);
    writer_set_policy(f.w, WRITER_NO); /* nothing is kept any more */
    for (int i = 0; s.kept_bytes && i < 200; i++) {
        usleep(5000);
        writer_poll(f.w, &s);
    }
    assert_int_equal(s.kept_bytes, 0);
    for (int i = 0; i < 500; i++) {
        writer_set_policy(f.w, (enum writer_policy)rng_below(&rng, 3));
        give(&f, &rng);
    }
    writer_set_policy(f.w, WRITER_ALWAYS);
    await(&f, true, f.pos, &s);
    close_writer(&f);
}

static void test_group_commit(void **state)
{
    (void)state;
    struct rng rng;
    struct fixture f;
    struct writer_state s;
    rng_seed(&rng, 5);
    open_writer(&f, WRITER_ALWAYS, NULL);
    for (int i = 0; i < 5000; i++)
        give(&f, &rng);
    await(&f, true, f.pos, &s);
    assert_true(s.syncs < 2500); /* many batches a sync */
    close_writer(&f);
}

/* --- jobs ----------------------------------------------------------------------------------- */

struct switcher {
    struct fixture *f;
    char path[64];
    uint64_t size_at; /* of the file before, as the job saw it */
    struct writer_state seen;
};

static void job_next_file(void *arg, struct writer_file *out)
{
    struct switcher *j = arg;
    j->size_at = (uint64_t)lseek(j->f->fd, 0, SEEK_END);
    snprintf(j->path, sizeof(j->path), "writer-XXXXXX");
    out->fd = mkstemp(j->path);
    out->bytes = 0;
    j->f->fd = out->fd;
}

static void test_jobs_happen_between_batches(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 6);
    for (int policy = WRITER_NO; policy <= WRITER_ALWAYS; policy++) {
        struct fixture f;
        struct switcher jobs[20];
        uint64_t size[20];
        struct writer_state s;
        open_writer(&f, (enum writer_policy)policy, NULL);
        uint64_t file_start = 0;
        for (int i = 0; i < 20; i++) {
            for (uint64_t n = rng_below(&rng, 30); n > 0; n--)
                give(&f, &rng);
            jobs[i].f = &f;
            size[i] = f.pos - file_start;
            file_start = f.pos;
            writer_submit_job(f.w, job_next_file, &jobs[i]);
        }
        give(&f, &rng);
        await(&f, false, f.pos, &s);
        assert_true(s.synced >= file_start); /* a file is safe before the next one is begun */
        assert_int_equal(s.file_bytes, f.pos - file_start);
        assert_true(writer_free(&f.w, 1000));
        struct buf all;
        buf_init(&all);
        read_whole(f.path, &all);
        unlink(f.path);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(jobs[i].size_at, size[i]);
            read_whole(jobs[i].path, &all);
            unlink(jobs[i].path);
        }
        assert_int_equal(all.len, f.sent.len);
        assert_memory_equal(all.ptr, f.sent.ptr, all.len);
        buf_deinit(&all);
        buf_deinit(&f.sent);
    }
}

static void job_open_late(void *arg, struct writer_file *out)
{
    out->fd = open(((struct fixture *)arg)->path, O_WRONLY);
}

static void test_without_a_file_at_first(void **state)
{
    (void)state;
    struct rng rng;
    struct fixture f, other;
    struct writer_state s;
    rng_seed(&rng, 7);
    open_writer(&other, WRITER_NO, NULL);
    memset(&f, 0, sizeof(f));
    snprintf(f.path, sizeof(f.path), "writer-XXXXXX");
    close(mkstemp(f.path));
    struct writer_options o = {.fd = -1, .event_fd = writer_event_fd(other.w)};
    f.w = writer_new(&o);
    give(&f, &rng); /* before there is a file: fails until there is one */
    for (s.write_errno = 0; !s.write_errno; writer_poll(f.w, &s))
        usleep(1000);
    writer_stop(f.w, -1);
    for (s.ended = false; !s.ended; writer_poll(f.w, &s))
        usleep(1000);
    assert_false(writer_free(&f.w, 0));
    buf_clear(&f.sent);
    f.pos = 0;
    f.w = writer_new(&o);
    writer_submit_job(f.w, job_open_late, &f);
    for (int i = 0; i < 100; i++)
        give(&f, &rng);
    writer_want_sync(f.w, f.pos);
    struct pollfd p = {.fd = writer_event_fd(other.w), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1); /* the other's event tells of it */
    for (s.synced = 0; s.synced < f.pos; writer_poll(f.w, &s))
        usleep(1000);
    close_writer(&f);
    close_writer(&other);
}

/* Where that is asked for, what comes before there is a file counts as safe, and is in no file. */
static void test_passes_over_until_there_is_a_file(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 9);
    for (int policy = WRITER_NO; policy <= WRITER_ALWAYS; policy++) {
        struct fixture f;
        struct writer_state s;
        memset(&f, 0, sizeof(f));
        snprintf(f.path, sizeof(f.path), "writer-XXXXXX");
        close(mkstemp(f.path));
        struct writer_options o = {
            .policy = (enum writer_policy)policy, .fd = -1, .pass_over = true};
        f.w = writer_new(&o);
        for (int i = 0; i < 10; i++)
            give(&f, &rng);
        for (s.synced = s.written = 0; s.synced < f.pos || s.written < f.pos;) {
            usleep(1000);
            writer_poll(f.w, &s);
            assert_int_equal(s.write_errno, 0);
        }
        assert_int_equal(s.kept_bytes, 0);
        writer_submit_job(f.w, job_open_late, &f);
        buf_clear(&f.sent);
        for (int i = 0; i < 10; i++)
            give(&f, &rng);
        close_writer(&f);
    }
}

/* --- the end -------------------------------------------------------------------------------- */

static void on_end(void *arg)
{
    ++*(int *)arg;
}

static void test_stop(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 8);
    for (int i = 0; i < 300; i++) { /* at any moment of its threads' lives */
        struct fixture f;
        open_writer(&f, (enum writer_policy)(i % 3), NULL);
        for (uint64_t n = rng_below(&rng, 20); n > 0; n--)
            give(&f, &rng);
        if (i % 4 == 0)
            usleep((unsigned)rng_below(&rng, 2000));
        close_writer(&f); /* everything that was submitted is there */
    }
    int ends = 0;
    struct writer_options o = {.fd = -1, .end = on_end, .arg = &ends};
    struct writer *w = writer_new(&o);
    assert_true(writer_free(&w, 0));
    assert_int_equal(ends, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_under_every_policy),
        cmocka_unit_test(test_everysec_syncs_within_a_second_or_so),
        cmocka_unit_test(test_wish),
        cmocka_unit_test(test_wish_where_positions_went_back),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_batches_are_dropped_in_slices),
        cmocka_unit_test(test_policy_changes),
        cmocka_unit_test(test_group_commit),
        cmocka_unit_test(test_jobs_happen_between_batches),
        cmocka_unit_test(test_without_a_file_at_first),
        cmocka_unit_test(test_passes_over_until_there_is_a_file),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
