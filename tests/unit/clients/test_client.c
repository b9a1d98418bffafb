/* PING ... HELLO, WAIT and CLIENT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/engine/harness.h"

#define WRONGPASS "-WRONGPASS invalid username-password pair or user is disabled.\r\n"
#define HELLO_REST \
    "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"

static struct harness h;
static struct client *a, *b;
static const struct slice password = {"secret", 6};

static int setup(void **state)
{
    (void)state;
    harness_init(&h);
    a = harness_connect(&h);
    b = harness_connect(&h);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

/* --- the connection --------------------------------------------------------------------------- */

static void test_simple(void **state)
{
    (void)state;
    assert_reply(a, "PING", "+PONG\r\n");
    assert_reply(a, "ping hi", "$2\r\nhi\r\n");
    assert_reply(a, "PING a b", "-ERR wrong number of arguments for 'ping' command\r\n");
    assert_reply(a, "ECHO hi", "$2\r\nhi\r\n");
    assert_reply(a, "SELECT 15", "+OK\r\n");
    assert_int_equal(session_db(a->session), 15);
    assert_reply(a, "SELECT 16", "-ERR DB index is out of range\r\n");
    assert_reply(a, "SELECT -1", "-ERR DB index is out of range\r\n");
    assert_reply(a, "SELECT x", "-ERR value is not an integer or out of range\r\n");
    assert_reply(a, "SELECT 3000000000",
                 "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
    assert_int_equal(session_db(a->session), 15);
}

static void test_quit(void **state)
{
    (void)state;
    client_run(a, "MULTI");
    assert_reply(a, "QUIT", "+OK\r\n");
    assert_true(session_is(a->session, SESSION_CLOSE_AFTER_REPLY));
    assert_reply(a, "PING", ""); /* it takes no more requests */
    harness_advance(&h, 0);
    assert_null(a->session);
}

static void test_reset(void **state)
{
    (void)state;
    client_run(a, "HELLO 3 SETNAME me");
    client_run(a, "SELECT 2");
    client_run(a, "CLIENT NO-TOUCH ON");
    client_run(a, "CLIENT REPLY OFF");
    client_run(a, "MULTI");
    assert_reply(a, "RESET", "+RESET\r\n");
    assert_int_equal(session_db(a->session), 0);
    assert_int_equal(a->session->flags, SESSION_AUTHENTICATED);
    assert_reply(a, "CLIENT GETNAME", "$-1\r\n");
    assert_reply(a, "EXEC", "-ERR EXEC without MULTI\r\n");
    h.config.password = password;
    assert_reply(a, "RESET", "+RESET\r\n");
    assert_reply(a, "PING", "-NOAUTH Authentication required.\r\n");
    h.config.password = SLICE("");
}

static void test_auth(void **state)
{
    (void)state;
    assert_reply(
        a, "AUTH x",
        "-ERR AUTH <password> called without any password configured for the default user. "
        "Are you sure your configuration is correct?\r\n");
    assert_reply(a, "AUTH default anything", "+OK\r\n");
    assert_reply(a, "AUTH other x", WRONGPASS);
    assert_reply(a, "AUTH a b c", "-ERR syntax error\r\n");
    h.config.password = password;
    assert_reply(a, "PING", "+PONG\r\n"); /* who was in stays in */
    struct client *c = harness_connect(&h);
    assert_reply(c, "PING", "-NOAUTH Authentication required.\r\n");
    static const char *const wrong[] = {
        "AUTH ''",     "AUTH secre",           "AUTH secrets",       "AUTH secretsecret",
        "AUTH Secret", "AUTH \"secret\\x00\"", "AUTH Default secret"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_reply(c, wrong[i], WRONGPASS);
    assert_int_equal(h.e->stats.auth_failures, 1 + sizeof(wrong) / sizeof(wrong[0]));
    assert_reply(c, "PING", "-NOAUTH Authentication required.\r\n");
    assert_reply(c, "AUTH secret", "+OK\r\n");
    assert_reply(c, "PING", "+PONG\r\n");
    assert_reply(c, "AUTH default bad", WRONGPASS);
    assert_reply(c, "PING", "+PONG\r\n"); /* a wrong guess takes nothing away */
    assert_reply(c, "AUTH default secret", "+OK\r\n");
    h.config.password = SLICE("");
}

static void test_hello(void **state)
{
    (void)state;
    assert_reply(
        a, "HELLO",
        "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:2\r\n"
        "$2\r\nid\r\n:1\r\n" HELLO_REST);
    assert_reply(
        a, "HELLO 3 SETNAME me",
        "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.4\r\n$5\r\nproto\r\n:3\r\n"
        "$2\r\nid\r\n:1\r\n" HELLO_REST);
    assert_reply(a, "CLIENT GETNAME", "$2\r\nme\r\n");
    assert_has(client_run(a, "HELLO"), "$5\r\nproto\r\n:3\r\n");
    assert_reply(a, "HELLO 4", "-NOPROTO unsupported protocol version\r\n");
    assert_reply(a, "HELLO 1", "-NOPROTO unsupported protocol version\r\n");
    assert_reply(a, "HELLO x", "-ERR Protocol version is not an integer or out of range\r\n");
    assert_reply(a, "HELLO 2 foo", "-ERR Syntax error in HELLO option 'foo'\r\n");
    assert_reply(a, "HELLO 2 auth a", "-ERR Syntax error in HELLO option 'auth'\r\n");
    assert_reply(a, "HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'\r\n");
    assert_reply(a, "HELLO 2 AUTH a b SETNAME 'x y'",
                 "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    assert_reply(a, "HELLO 2 SETNAME other AUTH a b", WRONGPASS);
    assert_reply(a, "CLIENT GETNAME", "$2\r\nme\r\n");
    assert_int_equal(session_proto(a->session), 3);
}

static void test_hello_auth(void **state)
{
    (void)state;
    h.config.password = password;
    struct client *c = harness_connect(&h);
    assert_reply(
        c, "HELLO 3",
        "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
        "RESP protocol version at the same time\r\n");
    assert_int_equal(session_proto(c->session), 2);
    assert_reply(c, "HELLO 3 AUTH default bad", WRONGPASS);
    assert_has(client_run(c, "HELLO 3 SETNAME x AUTH default secret"), "%7\r\n");
    assert_reply(c, "CLIENT GETNAME", "$1\r\nx\r\n");
    h.config.password = SLICE("");
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* The bound of all deadlines is the least of them, or too low after it has gone. */
static void test_deadlines(void **state)
{
    (void)state;
    assert_true(engine_next_deadline_us(h.e) == INT64_MAX);
    client_run(a, "WAIT 1 50");
    assert_int_equal(engine_next_deadline_us(h.e), h.now_us + 50000);
    client_run(b, "WAIT 1 20");
    assert_int_equal(engine_next_deadline_us(h.e), h.now_us + 20000);
    client_close(b);
    harness_advance(&h, 20000);
    assert_received(a, "");
    assert_int_equal(engine_next_deadline_us(h.e), h.now_us + 30000);
    struct client *c = harness_connect(&h);
    client_run(c, "CLIENT PAUSE 5 WRITE");
    assert_int_equal(engine_next_deadline_us(h.e), h.now_us + 5000);
    harness_advance(&h, 30000);
    assert_received(a, ":0\r\n");
    assert_true(engine_next_deadline_us(h.e) == INT64_MAX);
}

static void test_sessions_are_found_by_id(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static struct client *clients[COUNT];
    uint64_t first = h.e->next_session_id;
    for (int i = 0; i < COUNT; i++)
        clients[i] = harness_connect(&h);
    for (int i = 0; i < COUNT; i += 3)
        client_close(clients[i]);
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(engine_session_by_id(h.e, first + (uint64_t)i), clients[i]->session);
    assert_null(engine_session_by_id(h.e, first + COUNT));
    assert_null(engine_session_by_id(h.e, 0));
}

static void test_wait(void **state)
{
    (void)state;
    assert_reply(a, "WAIT 0 0", ":0\r\n");
    assert_reply(a, "WAIT -1 0", ":0\r\n");
    assert_reply(a, "WAIT x 1", "-ERR value is not an integer or out of range\r\n");
    assert_reply(a, "WAIT 0 x", "-ERR timeout is not an integer or out of range\r\n");
    assert_reply(a, "WAIT 0 -1", "-ERR timeout is negative\r\n");
    assert_reply(a, "WAIT 1 9223372036854775807", "-ERR timeout is out of range\r\n");
    assert_reply(a, "WAIT 1 10", "");
    assert_reply(a, "PING", "");
    harness_advance(&h, 9999);
    assert_received(a, "");
    harness_advance(&h, 1);
    assert_received(a, ":0\r\n+PONG\r\n");
    client_run(a, "CLIENT REPLY SKIP"); /* an answer that comes later is skipped too */
    client_run(a, "WAIT 1 10");
    harness_advance(&h, 10000);
    assert_reply(a, "PING", "+PONG\r\n");
    client_run(a, "CLIENT REPLY OFF");
    client_run(a, "WAIT 1 10");
    harness_advance(&h, 10000);
    assert_reply(a, "CLIENT REPLY ON", "+OK\r\n");
    client_run(a, "MULTI");
    client_run(a, "WAIT 1 0");
    assert_reply(a, "EXEC", "*1\r\n:0\r\n");
    client_run(a, "WAIT 1 0");
    harness_advance(&h, 1000000000);
    assert_received(a, "");
}

static void test_unblock(void **state)
{
    (void)state;
    assert_reply(b, "CLIENT UNBLOCK 1", ":0\r\n");
    assert_reply(b, "CLIENT UNBLOCK 99", ":0\r\n");
    assert_reply(b, "CLIENT UNBLOCK -1", ":0\r\n");
    assert_reply(b, "CLIENT UNBLOCK x", "-ERR value is not an integer or out of range\r\n");
    assert_reply(b, "CLIENT UNBLOCK 1 foo",
                 "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR\r\n");
    client_run(a, "WAIT 1 0");
    assert_reply(b, "CLIENT UNBLOCK 1", ":1\r\n");
    assert_received(a, ":0\r\n");
    client_run(a, "WAIT 1 0");
    assert_reply(b, "CLIENT UNBLOCK 1 TIMEOUT", ":1\r\n");
    assert_received(a, ":0\r\n");
    client_run(a, "WAIT 1 0");
    assert_reply(b, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    assert_received(a, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    client_run(a, "WAIT 1 0");
    client_close(a);
    assert_int_equal(h.e->blocked_count, 0);
}

static void test_pause(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT PAUSE x", "-ERR timeout is not an integer or out of range\r\n");
    assert_reply(a, "CLIENT PAUSE -1", "-ERR timeout is negative\r\n");
    assert_reply(a, "CLIENT PAUSE 1 foo", "-ERR CLIENT PAUSE mode must be WRITE or ALL\r\n");
    assert_reply(
        a, "CLIENT PAUSE 1 WRITE x",
        "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.\r\n");
    assert_reply(a, "CLIENT PAUSE 0", "+OK\r\n");
    assert_reply(b, "PING", "+PONG\r\n");
    assert_reply(a, "CLIENT PAUSE 100", "+OK\r\n");
    assert_reply(b, "PING", "");
    harness_advance(&h, 99999);
    assert_received(b, "");
    harness_advance(&h, 1);
    assert_received(b, "+PONG\r\n");

    assert_reply(a, "CLIENT PAUSE 100000 WRITE", "+OK\r\n");
    assert_reply(b, "PING", "+PONG\r\n");
    assert_reply(b, "PUBLISH x y", "");
    assert_reply(a, "CLIENT UNPAUSE", "+OK\r\n");
    harness_advance(&h, 0);
    assert_received(b, ":0\r\n");
}

/* A second pause is merged: the later end and the stronger kind. */
static void test_pause_twice(void **state)
{
    (void)state;
    client_run(a, "CLIENT PAUSE 100 WRITE");
    client_run(a, "CLIENT PAUSE 10 ALL");
    assert_reply(b, "PING", "");
    harness_advance(&h, 99999);
    assert_received(b, "");
    harness_advance(&h, 1);
    assert_received(b, "+PONG\r\n");
}

/* --- CLIENT ----------------------------------------------------------------------------------- */

static void test_names(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT ID", ":1\r\n");
    assert_reply(a, "CLIENT GETNAME", "$-1\r\n");
    assert_reply(a, "CLIENT SETNAME me", "+OK\r\n");
    assert_reply(a, "CLIENT GETNAME", "$2\r\nme\r\n");
    static const char *const bad[] = {"CLIENT SETNAME 'a b'", "CLIENT SETNAME \"a\\n\"",
                                      "CLIENT SETNAME \"\\x7f\"", "CLIENT SETNAME \"\\xe9\""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_reply(
            a, bad[i],
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
    assert_reply(a, "CLIENT SETNAME ''", "+OK\r\n");
    assert_reply(a, "CLIENT GETNAME", "$-1\r\n");
    assert_reply(a, "CLIENT SETINFO lib-name redis-py", "+OK\r\n");
    assert_reply(a, "CLIENT SETINFO LIB-VER 1.2", "+OK\r\n");
    assert_has(client_run(a, "CLIENT INFO"), " lib-name=redis-py lib-ver=1.2");
    assert_reply(a, "CLIENT SETINFO lib-name 'a b'",
                 "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n");
    assert_reply(a, "CLIENT SETINFO LIB-VER 'a b'",
                 "-ERR LIB-VER cannot contain spaces, newlines or special characters.\r\n");
    assert_reply(a, "CLIENT SETINFO foo bar", "-ERR Unrecognized option 'foo'\r\n");
}

static void test_switches(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT NO-EVICT ON", "+OK\r\n");
    assert_true(session_is(a->session, SESSION_NO_EVICT));
    assert_reply(a, "CLIENT NO-EVICT off", "+OK\r\n");
    assert_false(session_is(a->session, SESSION_NO_EVICT));
    assert_reply(a, "CLIENT NO-TOUCH on", "+OK\r\n");
    assert_true(session_is(a->session, SESSION_NO_TOUCH));
    assert_reply(a, "CLIENT NO-TOUCH maybe", "-ERR syntax error\r\n");
    assert_reply(a, "CLIENT GETREDIR", ":-1\r\n");
    assert_reply(
        a, "CLIENT TRACKINGINFO",
        "*6\r\n$5\r\nflags\r\n*1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n");
    client_run(a, "HELLO 3");
    assert_reply(
        a, "CLIENT TRACKINGINFO",
        "%3\r\n$5\r\nflags\r\n~1\r\n$3\r\noff\r\n$8\r\nredirect\r\n:-1\r\n$8\r\nprefixes\r\n*0\r\n");
}

static void test_reply(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT REPLY foo", "-ERR syntax error\r\n");
    assert_reply(a, "CLIENT REPLY SKIP", "");
    assert_reply(a, "PING", "");
    assert_reply(a, "PING", "+PONG\r\n");
    assert_reply(a, "CLIENT REPLY OFF", "");
    assert_reply(a, "PING", "");
    assert_reply(a, "NONE", "");
    assert_reply(a, "CLIENT REPLY SKIP", "");
    assert_reply(a, "PING", "");
    assert_reply(a, "PING", "");
    assert_reply(a, "CLIENT REPLY ON", "+OK\r\n");
    assert_reply(a, "PING", "+PONG\r\n");
}

static void test_list(void **state)
{
    (void)state;
    assert_has(client_run(a, "CLIENT LIST"),
               "id=1 addr=127.0.0.1:50001 laddr=127.0.0.1:6379 fd=8 name=");
    assert_has(client_run(a, "CLIENT LIST"), "\nid=2 addr=127.0.0.1:50002 ");
    assert_has(client_run(a, "CLIENT INFO"), "cmd=client|info user=default");
    assert_has_not(client_run(a, "CLIENT INFO"), "id=2 ");
    client_run(b, "SUBSCRIBE x");
    assert_has(client_run(a, "CLIENT LIST TYPE pubsub"), "\r\nid=2 ");
    assert_has_not(client_run(a, "CLIENT LIST TYPE pubsub"), "id=1 ");
    assert_has(client_run(a, "CLIENT LIST TYPE normal"), "\r\nid=1 ");
    assert_has_not(client_run(a, "CLIENT LIST TYPE normal"), "id=2 ");
    assert_reply(a, "CLIENT LIST TYPE replica", "$0\r\n\r\n");
    assert_reply(a, "CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n");
    const char *both = client_run(a, "CLIENT LIST ID 99 2 0 1");
    assert_true(strstr(both, "id=2 ") < strstr(both, "id=1 "));
    assert_reply(a, "CLIENT LIST ID 99", "$0\r\n\r\n");
    assert_reply(a, "CLIENT LIST ID 1 x", "-ERR Invalid client ID\r\n");
    assert_reply(a, "CLIENT LIST ID", "-ERR syntax error\r\n");
    assert_reply(a, "CLIENT LIST TYPE", "-ERR syntax error\r\n");
    assert_reply(a, "CLIENT LIST foo bar", "-ERR syntax error\r\n");
    client_run(a, "HELLO 3");
    assert_has(client_run(a, "CLIENT LIST"), "\r\ntxt:id=1 ");
    assert_has(client_run(a, "CLIENT INFO"), "\r\ntxt:id=1 ");
    session_flags(b->session, SESSION_INTERNAL, 0);
    assert_has_not(client_run(a, "CLIENT LIST"), "id=2 ");
    assert_has_not(client_run(a, "CLIENT LIST ID 2"), "id=2 ");
    session_flags(b->session, 0, SESSION_INTERNAL);
}

static void test_kill(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT KILL 127.0.0.1:1", "-ERR No such client\r\n");
    assert_reply(a, "CLIENT KILL ID", "-ERR No such client\r\n");
    assert_reply(a, "CLIENT KILL 127.0.0.1:50002", "+OK\r\n");
    assert_true(session_is(b->session, SESSION_CLOSE_NOW));
    assert_reply(a, "CLIENT KILL 127.0.0.1:50002",
                 "-ERR No such client\r\n"); /* it is dead already */
    harness_advance(&h, 0);
    assert_null(b->session);
    assert_reply(a, "CLIENT KILL 127.0.0.1:50001", "+OK\r\n"); /* the old form spares nobody */
    assert_true(session_is(a->session, SESSION_CLOSE_AFTER_REPLY));
}

static void assert_kills(const char *line, int count)
{
    char reply[32];
    struct client *victim = harness_connect(&h), *me = harness_connect(&h);
    client_run(victim, "SUBSCRIBE x");
    harness_advance(&h, 5000000);
    snprintf(reply, sizeof(reply), ":%d\r\n", count);
    assert_reply(me, line, reply);
    assert_int_equal(session_is(victim->session, SESSION_CLOSE_NOW), count > 0);
    client_close(victim);
    client_close(me);
}

/* The sessions that CLIENT LIST shows, by their ids: "1 2". */
static void assert_lists(const char *options, const char *ids)
{
    char line[256], found[64] = "";
    snprintf(line, sizeof(line), "CLIENT LIST %s", options);
    const char *at = client_run(a, line);
    if (at[0] == '-') {
        assert_string_equal(at, ids);
        return;
    }
    for (; (at = strstr(at, "id=")); at++)
        if (at[-1] == '\n')
            snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%d",
                     *found ? " " : "", atoi(at + 3));
    if (strcmp(found, ids) != 0)
        fail_msg("%s: %s, not %s", line, found, ids);
}

static void test_list_filters(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"ID 2 1", "2 1"},
        {"ID 1 2 NAME bee", "2"},
        {"NAME bee ID 2 1", "2"},
        {"NOT-ID 2", "1"},
        {"NOT-ID 1 2", ""},
        {"NOT-ID x", "-ERR Invalid client ID\r\n"},
        {"TYPE normal", "1"},
        {"TYPE primary", ""},
        {"NOT-TYPE pubsub", "1"},
        {"NOT-TYPE x", "-ERR Unknown client type 'x'\r\n"},
        {"USER default", "1 2"},
        {"NOT-USER default", ""},
        {"NOT-USER x", "-ERR No such user 'x'\r\n"},
        {"ADDR 127.0.0.1:50002", "2"},
        {"NOT-ADDR 127.0.0.1:50002", "1"},
        {"LADDR 127.0.0.1:6379", "1 2"},
        {"NOT-LADDR 127.0.0.1:6379", ""},
        {"IP 127.0.0.1", "1 2"},
        {"IP 127.0.0", ""},
        {"NOT-IP 127.0.0.1", ""},
        {"NAME bee", "2"},
        {"NAME \"\"", ""},
        {"NOT-NAME bee", "1"},
        {"NAME bee NAME cee", ""},
        {"LIB-NAME lib", "2"},
        {"NOT-LIB-NAME lib", "1"},
        {"LIB-VER 1.2", "2"},
        {"NOT-LIB-VER 1.2", "1"},
        {"FLAGS N", "1"},
        {"FLAGS P", "2"},
        {"FLAGS PN", ""},
        {"FLAGS \"\"", "1 2"},
        {"NOT-FLAGS P", "1"},
        {"FLAGS ?", "-ERR Unknown flags found in the provided filter: ?\r\n"},
        {"NOT-FLAGS ?", "-ERR Unknown flags found in the NOT-FLAGS filter: ?\r\n"},
        {"CAPA r", "2"},
        {"NOT-CAPA r", "1"},
        {"CAPA x", "-ERR Unknown capa found in the provided filter: x\r\n"},
        {"NOT-CAPA x", "-ERR Unknown capa found in the NOT-CAPA filter: x\r\n"},
        {"DB 0", "1"},
        {"DB 3", "2"},
        {"NOT-DB 3", "1"},
        {"DB 16", "-ERR DB number should be between 0 and 15\r\n"},
        {"NOT-DB -1", "-ERR NOT-DB number should be between 0 and 15\r\n"},
        {"DB x", "-ERR DB is not an integer or out of range\r\n"},
        {"MAXAGE 10", "1 2"},
        {"MAXAGE 11", ""},
        {"MAXAGE 0", "-ERR maxage should be greater than 0\r\n"},
        {"IDLE 10", "2"},
        {"IDLE 11", ""},
        {"IDLE x", "-ERR idle is not an integer or out of range\r\n"},
        {"IDLE 0", "-ERR idle should be greater than 0\r\n"},
        {"NOT-IDLE 5", "-ERR syntax error\r\n"},
        {"SKIPME yes", "2"},
        {"SKIPME no", "1 2"},
        {"SKIPME x", "-ERR syntax error\r\n"},
        {"NAME", "-ERR syntax error\r\n"},
        {"NOT-NAME cee NOT-DB 1 FLAGS P", "2"},
    };
    client_run(b, "CLIENT SETNAME bee");
    client_run(b, "CLIENT SETINFO LIB-NAME lib");
    client_run(b, "CLIENT SETINFO LIB-VER 1.2");
    assert_reply(b, "CLIENT CAPA future redirect", "+OK\r\n");
    client_run(b, "SELECT 3");
    client_run(b, "SUBSCRIBE x");
    harness_advance(&h, 10000000);
    client_run(a, "PING");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_lists(cases[i][0], cases[i][1]);
    char line[16 * 1024] = "CLIENT LIST NOT-ID";
    for (int i = 0; i < 1025; i++)
        strcat(line, " 7");
    assert_reply(a, line, "-ERR NOT-ID takes at most 1024 numbers\r\n");
}

static void test_tracking(void **state)
{
    (void)state;
    assert_reply(a, "CLIENT TRACKING OFF", "+OK\r\n");
    assert_reply(a, "CLIENT TRACKING x", "-ERR syntax error\r\n");
    assert_has(client_run(a, "CLIENT TRACKING ON"), "-ERR Keys are not tracked yet");
    assert_has(client_run(a, "CLIENT CACHING YES"), "-ERR CLIENT CACHING can be called only");
}

/* HELP names every subcommand. */
static void test_help_is_whole(void **state)
{
    (void)state;
    const struct cmd *client = cmd_lookup(h.table, SLICE("client"));
    char reply[16 * 1024];
    snprintf(reply, sizeof(reply), "%s", client_run(a, "CLIENT HELP"));
    for (struct cmd **sub = client->subs; *sub; sub++) {
        char line[64] = "+";
        for (const char *p = (*sub)->row->name; *p; p++)
            snprintf(line + strlen(line), 2, "%c", *p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        if (!strstr(reply, line))
            fail_msg("CLIENT HELP does not name %s", line + 1);
    }
}

static void test_kill_filters(void **state)
{
    (void)state;
    client_close(a);
    client_close(b);
    assert_kills("CLIENT KILL ID 3", 1);
    assert_kills("CLIENT KILL ID 3", 0);
    assert_kills("CLIENT KILL ID 1 ID 7", 1); /* the last counts */
    assert_kills("CLIENT KILL TYPE pubsub", 1);
    assert_kills("CLIENT KILL TYPE normal", 0);
    assert_kills("CLIENT KILL TYPE master", 0);
    assert_kills("CLIENT KILL USER default", 1);
    assert_kills("CLIENT KILL USER default SKIPME no", 2);
    assert_kills("CLIENT KILL ADDR 127.0.0.1:50019 LADDR 127.0.0.1:6379", 1);
    assert_kills("CLIENT KILL ADDR 127.0.0.1:50021 LADDR 127.0.0.1:1", 0);
    assert_kills("CLIENT KILL MAXAGE 5 SKIPME yes", 1);
    assert_kills("CLIENT KILL MAXAGE 6", 0);
    assert_kills("CLIENT KILL IDLE 5", 1);
    assert_kills("CLIENT KILL NOT-TYPE pubsub", 0);
    assert_kills("CLIENT KILL FLAGS P", 1);
    assert_kills("CLIENT KILL TYPE pubsub SKIPME no", 1);
}

static void test_kill_errors(void **state)
{
    (void)state;
    static const struct {
        const char *line, *reply;
    } cases[] = {
        {"CLIENT KILL ID x", "-ERR client-id should be greater than 0\r\n"},
        {"CLIENT KILL ID 0", "-ERR client-id should be greater than 0\r\n"},
        {"CLIENT KILL ID -1", "-ERR client-id should be greater than 0\r\n"},
        {"CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'\r\n"},
        {"CLIENT KILL USER foo", "-ERR No such user 'foo'\r\n"},
        {"CLIENT KILL SKIPME maybe", "-ERR syntax error\r\n"},
        {"CLIENT KILL MAXAGE x", "-ERR maxage is not an integer or out of range\r\n"},
        {"CLIENT KILL MAXAGE 0", "-ERR maxage should be greater than 0\r\n"},
        {"CLIENT KILL ID 1 ID", "-ERR syntax error\r\n"},
        {"CLIENT KILL a b", "-ERR syntax error\r\n"},
        {"CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
        {"CLIENT", "-ERR wrong number of arguments for 'client' command\r\n"},
        {"CLIENT foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n"},
        {"CLIENT ID x", "-ERR wrong number of arguments for 'client|id' command\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_reply(a, cases[i].line, cases[i].reply);
    assert_has(client_run(a, "CLIENT HELP"), "CLIENT <subcommand>");
    assert_non_null(a->session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_simple, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hello_auth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(test_deadlines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sessions_are_found_by_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unblock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pause, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pause_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_switches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_filters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tracking, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_is_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_filters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kill_errors, setup, teardown),
    };
    return cmocka_run_group_tests_name("clients/client", tests, NULL, NULL);
}
