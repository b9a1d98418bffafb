/* Large values that are sent without copying them: what the server does with them afterwards must not show in replies
 * that are still on their way. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/blob.h"
#include "e2e/raw.h"
#include "e2e/server.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

#define VALUE_BYTES_MAX ((size_t)9 * 1024 * 1024)
#define SALTS           4096

/* Bytes that tell where they belong and whose they are. */
static const char *value_of(unsigned salt)
{
    static char bytes[VALUE_BYTES_MAX + SALTS];
    assert_true(salt < SALTS);
    if (!bytes[0]) {
        uint32_t x = 1;
        for (size_t i = 0; i < sizeof(bytes); i++) {
            x = x * 1664525u + 1013904223u;
            bytes[i] = (char)(x >> 24);
        }
    }
    return bytes + salt;
}

static void set(redisContext *c, const char *key, size_t len, unsigned salt)
{
    redisReply *r = redisCommand(c, "SET %s %b", key, value_of(salt), len);
    assert_non_null(r);
    assert_string_equal(r->str, "OK");
    freeReplyObject(r);
}

static void get(redisContext *c, const char *key, size_t len, unsigned salt)
{
    redisReply *r = redisCommand(c, "GET %s", key);
    assert_non_null(r);
    assert_int_equal(r->len, len);
    assert_memory_equal(r->str, value_of(salt), len);
    freeReplyObject(r);
}

static int64_t lent_bytes(redisContext *c)
{
    return talk_info_int(c, "stats", "total_net_lent_bytes");
}

/* Sent as often as it takes until it is lent. */
static void set_lendable(redisContext *c, const char *key, size_t len, unsigned salt)
{
    set(c, key, len, salt);
    for (int i = 0; i < BLOB_SENT_COPIED; i++)
        get(c, key, len, salt);
}

/* A client that reads only when a test does. Its receive buffer holds less than the larger values, so that some of
 * each waits at the server; what it holds refers to the server's pages just as well. */
static void connect_slow(struct raw *r, int port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = SRV_PATIENCE_MS / 1000};
    int bytes = 100 * 1024;
    *r = (struct raw){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    buf_init(&r->in);
    assert_true(r->fd >= 0);
    assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
    assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(connect(r->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

static void receive_exactly(const struct raw *r, const char *want, size_t len)
{
    char part[65536];
    for (size_t at = 0; at < len;) {
        size_t most = len - at < sizeof(part) ? len - at : sizeof(part);
        ssize_t got = recv(r->fd, part, most, 0);
        assert_true(got > 0);
        if (memcmp(part, want + at, (size_t)got) != 0)
            fail_msg("within %zd bytes at %zu something else arrived", got, at);
        at += (size_t)got;
    }
}

static void receive_value(const struct raw *r, size_t len, unsigned salt)
{
    char front[32];
    receive_exactly(r, front, (size_t)snprintf(front, sizeof(front), "$%zu\r\n", len));
    receive_exactly(r, value_of(salt), len);
    receive_exactly(r, "\r\n", 2);
}

/* Takes the memory that was just freed, and writes all over it. */
static void use_memory(redisContext *c, size_t len)
{
    char key[32];
    for (unsigned i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "other:%u", i);
        set(c, key, len, 1000 + i);
    }
    talk_check(c, "DEL other:0 other:1 other:2", ":3");
    for (size_t left = len; left > 1024; left /= 2)
        set(c, "other", left, 2000);
    talk_check(c, "SETRANGE other 70000 tail", ":70004");
    talk_check(c, "DEL other", ":1");
}

/* --- tests -------------------------------------------------------------------------------------------------- */

/* The last is freed on a thread. */
static const size_t sizes[] = {40000, 65536, 1024 * 1024, VALUE_BYTES_MAX};

/* A reply is under way while the value changes, and its memory is used again. */
static void change_under_way(const struct srv *s, size_t len, const char *change)
{
    struct raw slow;
    set_lendable(s->c, "k", len, 7);
    set(s->c, "j", len, 8);
    int64_t before = lent_bytes(s->c);
    connect_slow(&slow, s->port);
    raw_send_command(&slow, "GET k");
    for (int64_t until = srv_now_ms() + SRV_PATIENCE_MS; lent_bytes(s->c) == before;)
        assert_true(srv_now_ms() < until);
    freeReplyObject(talk_ask(s->c, "%s", change));
    use_memory(s->c, len);
    receive_value(&slow, len, 7);
    raw_close(&slow);
}

static void changes_do_not_reach_replies_under_way(void **state)
{
    struct srv *s = *state;
    srv_need_corsac(s);
    static const char *const changes[] = {"DEL k",    "SETRANGE k 3 hello", "APPEND k x",
                                          "SET k v",  "RENAME j k",         "UNLINK k",
                                          "FLUSHALL", "PEXPIRE k 0"};
    for (size_t size = 0; size < COUNT_OF(sizes); size++) {
        size_t count = sizes[size] > 1024 * 1024 ? 1 : COUNT_OF(changes) / (size + 1);
        for (size_t change = 0; change < count; change++)
            change_under_way(s, sizes[size], changes[change]);
    }
}

static void edits_after_lending_are_seen_by_later_replies(void **state)
{
    struct srv *s = *state;
    srv_need_corsac(s);
    for (size_t size = 0; size < COUNT_OF(sizes) - 1; size++) {
        size_t len = sizes[size];
        char want[64];
        set_lendable(s->c, "k", len, 9);
        get(s->c, "k", len, 9);
        talk_check(s->c, "SETRANGE k 5 hello", (snprintf(want, sizeof(want), ":%zu", len), want));
        talk_check(s->c, "APPEND k world", (snprintf(want, sizeof(want), ":%zu", len + 5), want));
        for (int i = 0; i < BLOB_SENT_COPIED + 2; i++) {
            redisReply *r = redisCommand(s->c, "GET k");
            assert_non_null(r);
            assert_int_equal(r->len, len + 5);
            assert_memory_equal(r->str + 5, "hello", 5);
            assert_memory_equal(r->str + len, "world", 5);
            freeReplyObject(r);
        }
    }
}

/* What it costs to be lent is paid only where it is worth it. */
static void only_what_was_sent_before_and_never_edited_is_lent(void **state)
{
    struct srv *s = *state;
    srv_need_corsac(s);
    size_t len = 100000;
    int64_t before = lent_bytes(s->c);
    set_lendable(s->c, "k", len, 1);
    assert_int_equal(lent_bytes(s->c), before);
    get(s->c, "k", len, 1);
    int64_t lent = lent_bytes(s->c) - before;
    assert_true(lent > 0 && lent <= (int64_t)len + 16);

    before = lent_bytes(s->c);
    set(s->c, "small", BLOB_PAGES_BYTES_MIN / 2, 1);
    talk_check(s->c, "SETRANGE k 0 x", ":100000");
    for (int i = 0; i < BLOB_SENT_COPIED + 2; i++) {
        get(s->c, "small", BLOB_PAGES_BYTES_MIN / 2, 1);
        redisReply *r = redisCommand(s->c, "GET k");
        assert_non_null(r);
        assert_int_equal(r->str[0], 'x');
        freeReplyObject(r);
    }
    assert_int_equal(lent_bytes(s->c), before);
}

/* More than the socket takes at once, small replies in between, and a reader that takes its time. */
static void pipelined_replies_stay_in_order(void **state)
{
    struct srv *s = *state;
    srv_need_corsac(s);
    enum { ROUNDS = 3 };
    for (size_t i = 0; i < COUNT_OF(sizes) - 1; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%zu", i);
        set_lendable(s->c, key, sizes[i], (unsigned)i);
    }
    struct raw slow;
    connect_slow(&slow, s->port);
    for (int round = 0; round < ROUNDS; round++)
        raw_send_text(&slow, "GET k0\r\nPING\r\nGET k1\r\nGET k2\r\nECHO x\r\nPING\r\nGET k2\r\n");
    for (int round = 0; round < ROUNDS; round++) {
        receive_value(&slow, sizes[0], 0);
        receive_exactly(&slow, "+PONG\r\n", 7);
        receive_value(&slow, sizes[1], 1);
        receive_value(&slow, sizes[2], 2);
        receive_exactly(&slow, "$1\r\nx\r\n+PONG\r\n", 14);
        receive_value(&slow, sizes[2], 2);
    }
    raw_close(&slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(changes_do_not_reach_replies_under_way, srv_test_setup),
        cmocka_unit_test_setup(edits_after_lending_are_seen_by_later_replies, srv_test_setup),
        cmocka_unit_test_setup(only_what_was_sent_before_and_never_edited_is_lent, srv_test_setup),
        cmocka_unit_test_setup(pipelined_replies_stay_in_order, srv_test_setup),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
