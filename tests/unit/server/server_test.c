#include "unit/server/server_test.h"

#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "engine/session.h"
#include "unit/config/config_test.h"

static struct test_server *server_of_session(const struct session *s)
{
    return session_transport(s);
}

static void on_anything(struct session *s)
{
    (void)s;
}

static void on_describe(const struct session *s, struct session_transport_info *out)
{
    *out = (struct session_transport_info){.fd = -1};
    snprintf(out->addr, sizeof(out->addr),
             server_of_session(s)->local ? "127.0.0.1:50000" : "192.0.2.1:50000");
}

static const struct session_ops ops = {
    .ready = on_anything, .close = on_anything, .resume = on_anything, .describe = on_describe};

void test_server_init(struct test_server *t, const char *options)
{
    *t = (struct test_server){.local = true};
    char error[CONFIG_ERROR_CHARS] = "";
    struct loaded l;
    loaded_init(&l, NULL);
    load_text(&l, "port 0\nloglevel nothing\n");
    load_text(&l, options);
    assert_string_equal(loaded_problems(&l), "");
    struct config c;
    config_copy(&c, &l.config, &server_options);
    loaded_deinit(&l);
    t->s = server_new(&c, error);
    assert_string_equal(error, "");
    assert_non_null(t->s);
    assert_int_equal(server_listen(t->s, error), ERR_OK);
    outq_pool_init(&t->pool);
    buf_init(&t->reply);
    t->session = session_new(t->s->engine, &ops, t, &t->pool);
    session_flags(t->session, SESSION_AUTHENTICATED, 0);
}

void test_server_deinit(struct test_server *t)
{
    session_free(&t->session);
    server_free(&t->s);
    outq_pool_deinit(&t->pool);
    buf_deinit(&t->reply);
}

static void take_reply(struct test_server *t)
{
    struct iovec iov[16];
    int n;
    while ((n = outq_peek(session_queue(t->session), iov, 16)) > 0) {
        size_t bytes = 0;
        for (int i = 0; i < n; i++) {
            buf_append(&t->reply, iov[i].iov_base, iov[i].iov_len);
            bytes += iov[i].iov_len;
        }
        outq_drain(session_queue(t->session), bytes);
    }
}

const char *test_server_run(struct test_server *t, const char *line)
{
    struct words w;
    words_init(&w);
    assert_int_equal(words_split(&w, slice_from_cstr(line)), ERR_OK);
    struct engine_request r = {.argv = w.at, .argc = w.count};
    buf_clear(&t->reply);
    assert_int_equal(engine_run(t->s->engine, t->session, &r, 1, NULL), 1);
    take_reply(t);
    words_deinit(&w);
    return buf_cstr(&t->reply);
}
