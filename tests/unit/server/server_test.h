#pragma once
/* A whole server in this process, without its loop: requests are lines in redis-cli's quoting, replies come back as
 * the raw bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "engine/engine_impl.h"
#include "server/server_impl.h"

struct test_server {
    struct server *s;
    struct outq_pool pool;
    struct session *session;
    bool local; /* the client comes from this machine */
    struct buf reply;
};

/* `options` are lines of a configuration. It listens on no port unless they say so. */
void test_server_init(struct test_server *t, const char *options);
void test_server_deinit(struct test_server *t);
/* The reply, with a NUL behind; good until the next call. */
const char *test_server_run(struct test_server *t, const char *line);

#define assert_reply(t, line, bytes) assert_string_equal(test_server_run(t, line), bytes)
#define assert_has(text, part)       assert_non_null(strstr(text, part))
