#include "unit/engine/harness.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/words.h"
#include "engine/check.h"
#include "engine/gate.h"

#define IOVECS 16

static struct client *client_of(const struct session *s)
{
    return session_transport(s);
}

static void on_ready(struct session *s)
{
    client_of(s)->readies++;
}

static void on_close(struct session *s)
{
    assert_true(session_is(s, SESSION_CLOSE_NOW | SESSION_CLOSE_AFTER_REPLY));
}

static void on_resume(struct session *s)
{
    client_of(s)->resumes++;
}

static void on_describe(const struct session *s, struct session_transport_info *out)
{
    *out = (struct session_transport_info){.fd = (int)session_id(s) + 7, .reading = true};
    if (client_of(s)->unix_socket) {
        snprintf(out->addr, sizeof(out->addr), "/tmp/corsac.sock:0");
        snprintf(out->laddr, sizeof(out->laddr), "/tmp/corsac.sock:0");
    } else {
        snprintf(out->addr, sizeof(out->addr), "127.0.0.1:%d", 50000 + (int)session_id(s));
        snprintf(out->laddr, sizeof(out->laddr), "127.0.0.1:%d", HARNESS_PORT);
    }
}

static const struct session_ops ops = {
    .ready = on_ready,
    .close = on_close,
    .resume = on_resume,
    .describe = on_describe,
};

static void on_effect(void *arg, int db, int argc, const struct slice *argv)
{
    struct harness *h = arg;
    buf_printf(&h->effects, "%d", db);
    for (int i = 0; i < argc; i++) {
        buf_append_char(&h->effects, ' ');
        buf_append_slice(&h->effects, argv[i]);
    }
    buf_append_char(&h->effects, '\n');
    h->e->promise.pos++;
}

void harness_init(struct harness *h)
{
    *h = (struct harness){.now_us = 1000000, .wall_ms = 1700000000000};
    logger_init(&h->logger);
    h->logger.level = LOG_LEVEL_NOTHING;
    rng_seed(&h->rng, 1);
    outq_pool_init(&h->pool);
    buf_init(&h->effects);
    h->table = cmd_table_new();
    h->ks = ks_new(&(struct ks_options){.databases = 16, .shards = 4, .now_ms = 1});
    assert_non_null(h->ks);
    struct engine_options options = {
        .ks = h->ks,
        .table = h->table,
        .logger = &h->logger,
        .rng = &h->rng,
        .effect = on_effect,
        .effect_arg = h,
        .now_us = h->now_us,
        .wall_ms = h->wall_ms,
    };
    h->around = clients_new(&h->rng);
    h->admin = admin_new();
    clients_observe(h->around, &options.observers);
    admin_observe(h->admin, &options.observers);
    h->config = (struct engine_config){
        .slowlog_us = -1,
        .slowlog_len_max = 128,
        .bulk_bytes_max = 512 * 1024 * 1024,
        .latency_tracking = true,
    };
    h->e = engine_new(&options, &h->config);
    h->e->active_expiry = false;
    clients_attach(h->around, h->e);
    admin_attach(h->admin, h->e);
    harness_advance(h, 0);
}

void harness_deinit(struct harness *h)
{
    struct client *c;
    while ((c = h->clients)) {
        h->clients = c->next;
        client_close(c);
        buf_deinit(&c->pending);
        buf_deinit(&c->read);
        mem_free(c);
    }
    engine_free(&h->e);
    admin_free(&h->admin);
    clients_free(&h->around);
    ks_free(&h->ks);
    cmd_table_free(&h->table);
    outq_pool_deinit(&h->pool);
    buf_deinit(&h->effects);
    logger_deinit(&h->logger);
}

struct client *harness_connect(struct harness *h)
{
    struct client *c = mem_zalloc(sizeof(*c));
    c->harness = h;
    buf_init(&c->pending);
    buf_init(&c->read);
    c->session = session_new(h->e, &ops, c, &h->pool);
    assert_non_null(c->session);
    struct client **last = &h->clients; /* in order of their ids */
    while (*last)
        last = &(*last)->next;
    *last = c;
    return c;
}

void client_close(struct client *c)
{
    if (c->session)
        session_free(&c->session);
}

/* --- requests --------------------------------------------------------------------------------- */

static void set_clocks(struct harness *h)
{
    engine_turn(h->e, h->now_us, h->wall_ms);
}

/* The request is handed over in blocks of its exact size, so that a sanitizer sees any read beyond. */
static bool offer(struct client *c, int argc, const struct slice *argv)
{
    struct slice *copy = mem_alloc((size_t)argc * sizeof(*copy));
    for (int i = 0; i < argc; i++)
        copy[i] = slice_of(memcpy(mem_alloc(argv[i].len + !argv[i].len), argv[i].ptr, argv[i].len),
                           argv[i].len);
    set_clocks(c->harness);
    assert_int_equal(c->session->checks, session_checks(c->session));
    mem_fail_after(c->harness->fail_nth);
    int taken = engine_run(c->harness->e, c->session,
                           &(struct engine_request){.argv = copy, .argc = argc}, 1, NULL);
    mem_fail_after(0);
    c->harness->fail_nth = 0;
    for (int i = 0; i < argc; i++)
        mem_free((void *)copy[i].ptr);
    mem_free(copy);
    return taken == 1;
}

static bool offer_line(struct client *c, struct slice line)
{
    struct words w;
    words_init(&w);
    assert_int_equal(words_split(&w, line), ERR_OK);
    bool taken = offer(c, w.count, w.at);
    words_deinit(&w);
    return taken;
}

static void offer_pending(struct client *c)
{
    while (c->session && c->pending.len > 0) {
        const char *end = memchr(c->pending.ptr, '\n', c->pending.len);
        size_t len = (size_t)(end - c->pending.ptr);
        if (!offer_line(c, slice_of(c->pending.ptr, len)))
            return;
        buf_consume(&c->pending, len + 1);
    }
}

const char *client_received(struct client *c)
{
    struct iovec iov[IOVECS];
    int n;
    uint64_t until = c->session ? gate_open_until(c->session) : 0;
    buf_clear(&c->read);
    while (until > 0 && (n = outq_peek_until(session_queue(c->session), until, iov, IOVECS)) > 0) {
        for (int i = 0; i < n; i++) {
            buf_append(&c->read, iov[i].iov_base, iov[i].iov_len);
            outq_drain(session_queue(c->session), iov[i].iov_len);
            session_sent(c->session, iov[i].iov_len);
        }
    }
    return buf_cstr(&c->read);
}

const char *client_run(struct client *c, const char *line)
{
    buf_append_cstr(&c->pending, line);
    buf_append_char(&c->pending, '\n');
    offer_pending(c);
    return client_received(c);
}

const char *client_run_words(struct client *c, int argc, const struct slice *argv)
{
    assert_true(offer(c, argc, argv));
    return client_received(c);
}

void harness_advance(struct harness *h, int64_t us)
{
    h->now_us += us;
    h->wall_ms += us / 1000;
    set_clocks(h);
    engine_deadlines(h->e);
    for (struct client *c = h->clients; c; c = c->next) {
        if (c->session && session_is(c->session, SESSION_CLOSE_NOW | SESSION_CLOSE_AFTER_REPLY))
            client_close(c);
        offer_pending(c);
    }
}
