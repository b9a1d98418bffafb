/* How long `always` waits for more to sync at once. */
#include "log_test.h"

#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "log/writer_impl.h"

#define SYNC_MS    20
#define CLIENTS    8
#define REQUESTS   320
#define FOREVER_US 10000000
#define AT_ONCE_US 5000000 /* on a machine that is busy */
#define IN_VAIN_US 2000
#define ROUNDS     200
#define SYNC_US    10000

/* A disk that is slow: the writer's call comes here. */
int fdatasync(int fd) /* NOLINT(readability-inconsistent-declaration-parameter-name) */
{
    (void)fd;
    struct timespec delay = {.tv_nsec = SYNC_MS * 1000000L};
    return nanosleep(&delay, NULL);
}

struct client {
    uint64_t pos; /* of its latest write */
};

static void send_write(struct writer *w, uint64_t *pos, struct client *c)
{
    struct buf b;
    buf_init(&b);
    buf_append_cstr(&b, "one write\n");
    c->pos = *pos += b.len;
    writer_submit(w, &b, c->pos, 0, 1);
    buf_deinit(&b);
}

/* Clients that answer every reply with a write: a sync serves nearly all of them, not one half. */
static void test_a_sync_serves_all_who_come_back(void **state)
{
    (void)state;
    char path[] = "gather-XXXXXX";
    struct writer_options o = {.policy = WRITER_ALWAYS, .fd = mkstemp(path)};
    struct client clients[CLIENTS] = {0};
    struct writer_state s;
    uint64_t pos = 0;
    int requests = 0;
    struct writer *w = writer_new(&o);
    assert_non_null(w);
    for (int i = 0; i < CLIENTS; i++, requests++) {
        send_write(w, &pos, &clients[i]);
        usleep(1000); /* the first one's sync has begun: two groups */
    }
    while (requests < REQUESTS) {
        struct pollfd p = {.fd = writer_event_fd(w), .events = POLLIN};
        assert_int_equal(poll(&p, 1, AT_ONCE_US / 1000), 1);
        writer_poll(w, &s);
        for (int i = 0; i < CLIENTS; i++) {
            if (s.synced < clients[i].pos)
                continue;
            send_write(w, &pos, &clients[i]);
            requests++;
        }
    }
    writer_poll(w, &s);
    assert_in_range(s.syncs, REQUESTS / CLIENTS - 2, REQUESTS / CLIENTS * 3 / 2);
    assert_true(writer_free(&w, 1000));
    unlink(path);
}

/* The loop is woken when a write is synced, and not before, unless somebody waits for that. */
static void test_the_loop_is_woken_once(void **state)
{
    (void)state;
    char path[] = "gather-XXXXXX";
    struct writer_options o = {.policy = WRITER_ALWAYS, .fd = mkstemp(path)};
    struct client client;
    struct writer_state s;
    uint64_t pos = 0;
    struct writer *w = writer_new(&o);
    assert_non_null(w);
    for (int written = 0; written < 2; written++) {
        if (written)
            writer_want_written(w);
        send_write(w, &pos, &client);
        int wakes = 0;
        do {
            struct pollfd p = {.fd = writer_event_fd(w), .events = POLLIN};
            assert_int_equal(poll(&p, 1, AT_ONCE_US / 1000), 1);
            writer_poll(w, &s);
            wakes++;
        } while (s.synced < pos);
        assert_int_equal(wakes, written ? 2 : 1);
    }
    struct pollfd p = {.fd = writer_event_fd(w), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    writer_set_policy(w, WRITER_EVERYSEC); /* by which it may have been written long ago */
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_true(writer_free(&w, 1000));
    unlink(path);
}

/* A writer that has no threads: only what gathering looks at. */
static void init_bare(struct writer *w)
{
    pthread_condattr_t attr;
    memset(w, 0, sizeof(*w));
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, &attr);
    pthread_condattr_destroy(&attr);
    w->policy = WRITER_ALWAYS;
    w->gather.sync_us = SYNC_US;
    w->gather.expected = CLIENTS;
    w->queued_waiting = 1;
}

static int64_t gather_us(struct writer *w, int64_t at_most_us)
{
    int64_t start_us = clock_mono_us();
    w->gather.until_us = start_us + at_most_us;
    pthread_mutex_lock(&w->lock);
    writer_gather(w);
    pthread_mutex_unlock(&w->lock);
    return clock_mono_us() - start_us;
}

static void deinit_bare(struct writer *w)
{
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
}

static void test_waiting_in_vain_grows_rare(void **state)
{
    (void)state;
    struct writer w;
    int waits = 0;
    init_bare(&w);
    for (int i = 0; i < ROUNDS; i++) {
        unsigned skip = w.gather.skip;
        int64_t took_us = gather_us(&w, IN_VAIN_US);
        waits += took_us >= IN_VAIN_US && w.gather.skip > skip;
    }
    assert_in_range(waits, 5, 10);

    deinit_bare(&w);
}

static void test_nothing_is_waited_for_without_reason(void **state)
{
    (void)state;
    struct writer w;
    init_bare(&w);
    w.queued_waiting = CLIENTS; /* all are there */
    assert_true(gather_us(&w, FOREVER_US) < AT_ONCE_US);
    w.queued_waiting = 1;
    w.queued_job = true;
    assert_true(gather_us(&w, FOREVER_US) < AT_ONCE_US);
    w.queued_job = false;
    w.give_up_us = 1; /* stopping */
    assert_true(gather_us(&w, FOREVER_US) < AT_ONCE_US);
    w.give_up_us = 0;
    w.policy = WRITER_EVERYSEC;
    assert_true(gather_us(&w, FOREVER_US) < AT_ONCE_US);
    w.policy = WRITER_ALWAYS;
    w.gather.sync_us = 20; /* a fast disk */
    assert_true(gather_us(&w, FOREVER_US) < AT_ONCE_US);
    w.gather.sync_us = SYNC_US;
    assert_true(gather_us(&w, -1) < AT_ONCE_US); /* too late */
    assert_int_equal(w.gather.in_vain, 0);
    deinit_bare(&w);
}

/* The wait is bounded by what a sync takes, and by a limit of its own. */
static void test_the_bound(void **state)
{
    (void)state;
    struct writer w;
    init_bare(&w);
    for (int i = 0; i < 100; i++)
        writer_gather_synced(&w, 1000000, 1000);
    assert_in_range(w.gather.until_us, 1000000 + 700, 1000000 + 1000);
    for (int i = 0; i < 100; i++)
        writer_gather_synced(&w, 1000000, 1000000);
    assert_int_equal(w.gather.until_us, 1000000 + 10000);
    writer_gather_take(&w);
    assert_int_equal(w.queued_waiting, 0);
    w.queued_waiting = 3; /* came during the sync */
    writer_gather_synced(&w, 1000000, 1000000);
    assert_int_equal(w.gather.expected, 4);
    deinit_bare(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sync_serves_all_who_come_back),
        cmocka_unit_test(test_the_loop_is_woken_once),
        cmocka_unit_test(test_waiting_in_vain_grows_rare),
        cmocka_unit_test(test_nothing_is_waited_for_without_reason),
        cmocka_unit_test(test_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
