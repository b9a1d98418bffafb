/* What stands between a request and its handler: in which order it is asked about, and what a client hears. */
#include <stdio.h>

#include "engine/check.h"
#include "engine/durable.h"
#include "unit/engine/harness.h"

static struct harness h;

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

static void set_log(const char *fault, bool full)
{
    h.e->promise.fault = fault;
    h.e->promise.full = full;
    engine_checks_update(h.e);
    if (!full)
        engine_pause(h.e, PAUSE_NONE, 0);
    harness_advance(&h, 1);
}

static void what_is_wrong_with_a_request_is_said_during_a_pause(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h);
    assert_reply(a, "CLIENT PAUSE 1000 ALL", "+OK\r\n");
    assert_reply(b, "GET", "-ERR wrong number of arguments for 'get' command\r\n");
    assert_reply(b, "NOSUCH x",
                 "-ERR unknown command 'NOSUCH', with args beginning with: 'x' \r\n");
    assert_reply(b, "CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n");
    assert_reply(b, "PING", "");
    harness_advance(&h, 1000000);
    assert_received(b, "+PONG\r\n");
}

static void who_is_held_is_seen(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h);
    assert_reply(a, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    assert_reply(b, "SET k v", "");
    assert_int_equal(h.e->paused_count, 1);
    const char *list = client_run(a, "CLIENT LIST ID 2");
    assert_has(list, " flags=b ");
    assert_has(list, " cmd=set ");
    assert_reply(a, "CLIENT UNPAUSE", "+OK\r\n");
    harness_advance(&h, 1);
    assert_received(b, "+OK\r\n");
    assert_int_equal(h.e->paused_count, 0);
    assert_has(client_run(a, "CLIENT LIST ID 2"), " flags=N ");
}

static void nothing_expires_while_writes_are_paused(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h);
    assert_reply(a, "SET k v PX 10", "+OK\r\n");
    buf_clear(&h.effects);
    assert_reply(a, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    harness_advance(&h, 20000);
    assert_reply(a, "GET k", "$-1\r\n");
    assert_reply(a, "DBSIZE", ":1\r\n");
    engine_work(h.e, 1000);
    assert_string_equal(buf_cstr(&h.effects), "");
    harness_advance(&h, 1000000);
    assert_reply(a, "GET k", "$-1\r\n");
    assert_reply(a, "DBSIZE", ":0\r\n");
    assert_string_equal(buf_cstr(&h.effects), "0 DEL k\n");
}

static void only_an_exec_is_held_for_what_is_queued(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h), *c = harness_connect(&h);
    assert_reply(b, "MULTI", "+OK\r\n");
    assert_reply(b, "SET k v", "+QUEUED\r\n");
    assert_reply(c, "MULTI", "+OK\r\n");
    assert_reply(c, "SET k v", "+QUEUED\r\n");
    assert_reply(a, "CLIENT PAUSE 1000 WRITE", "+OK\r\n");
    assert_reply(c, "DISCARD", "+OK\r\n");
    assert_reply(b, "EXEC", "");
    harness_advance(&h, 1000000);
    assert_received(b, "*1\r\n+OK\r\n");
}

static void a_fault_of_the_log_comes_before_its_fullness(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h);
    assert_reply(b, "MULTI", "+OK\r\n");
    assert_reply(b, "SET k v", "+QUEUED\r\n");
    set_log("No space", true);
    assert_reply(a, "SET k v", "-MISCONF No space\r\n");
    assert_reply(a, "GET k", "$-1\r\n");
    assert_reply(b, "EXEC", "-EXECABORT Transaction discarded because of: MISCONF No space\r\n");
    assert_reply(b, "EXEC", "-ERR EXEC without MULTI\r\n");
    set_log(NULL, true);
    assert_reply(a, "SET k v", "");
    assert_reply(b, "GET k", "$-1\r\n");
    set_log(NULL, false);
    assert_received(a, "+OK\r\n");
}

static void an_exec_that_is_refused_ends_its_transaction(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h);
    assert_reply(a, "MULTI", "+OK\r\n");
    assert_reply(a, "SET k v", "+QUEUED\r\n");
    assert_reply(a, "EXEC now",
                 "-EXECABORT Transaction discarded because of: wrong number of "
                 "arguments for 'exec' command\r\n");
    assert_reply(a, "EXEC", "-ERR EXEC without MULTI\r\n");
    assert_reply(a, "SUBSCRIBE x", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    assert_reply(a, "EXEC",
                 "-EXECABORT Transaction discarded because of: Can't execute 'exec': only "
                 "(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this "
                 "context\r\n");
    assert_reply(a, "GET k",
                 "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / "
                 "PING / QUIT / RESET are allowed in this context\r\n");
}

static void while_loading_nothing_that_was_queued_before_runs(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h);
    assert_reply(a, "MULTI", "+OK\r\n");
    assert_reply(a, "SET k v", "+QUEUED\r\n");
    assert_reply(b, "MULTI", "+OK\r\n");
    assert_reply(b, "CLIENT GETNAME", "+QUEUED\r\n");
    engine_loading(h.e, true);
    assert_reply(a, "EXEC",
                 "-EXECABORT Transaction discarded because of: LOADING Redis is loading "
                 "the dataset in memory\r\n");
    assert_reply(b, "EXEC", "*1\r\n$-1\r\n");
    assert_reply(a, "GET k", "-LOADING Redis is loading the dataset in memory\r\n");
    engine_loading(h.e, false);
    assert_reply(a, "GET k", "$-1\r\n");
}

static void replies_are_not_chosen_within_a_transaction(void **state)
{
    (void)state;
    static const char *const lines[] = {"CLIENT REPLY OFF", "CLIENT REPLY SKIP", "CLIENT REPLY ON"};
    struct client *a = harness_connect(&h);
    for (int i = 0; i < 3; i++) {
        assert_reply(a, "MULTI", "+OK\r\n");
        assert_reply(a, lines[i], "-ERR Command not allowed inside a transaction\r\n");
        assert_reply(a, "EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
    }
    assert_reply(a, "PING", "+PONG\r\n");
}

static void a_reply_that_comes_later_is_dropped_as_well(void **state)
{
    (void)state;
    struct client *a = harness_connect(&h), *b = harness_connect(&h);
    assert_reply(a, "CLIENT REPLY SKIP", "");
    assert_reply(a, "WAIT 1 100", "");
    assert_reply(a, "PING", "");
    harness_advance(&h, 100000);
    assert_received(a, "+PONG\r\n");
    assert_reply(a, "CLIENT REPLY OFF", "");
    assert_reply(a, "WAIT 1 0", "");
    assert_reply(b, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    assert_received(a, "");
    assert_reply(a, "CLIENT REPLY ON", "+OK\r\n");
    assert_reply(a, "WAIT 1 0", "");
    assert_reply(b, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    assert_received(a, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
}

#define WAITING 100

static void deadlines_come_in_their_order(void **state)
{
    (void)state;
    struct client *at[WAITING];
    char line[64];
    for (int i = 0; i < WAITING; i++) {
        at[i] = harness_connect(&h);
        snprintf(line, sizeof(line), "WAIT 1 %d", 1 + i * 37 % WAITING);
        assert_reply(at[i], line, "");
    }
    client_close(at[50]);
    for (int ms = 1; ms <= WAITING; ms++) {
        int64_t due_us = engine_next_deadline_us(h.e);
        assert_true(due_us > h.now_us);
        harness_advance(&h, 1000);
        for (int i = 0; i < WAITING; i++)
            if (1 + i * 37 % WAITING == ms && i != 50)
                assert_received(at[i], ":0\r\n");
            else if (1 + i * 37 % WAITING > ms && i != 50)
                assert_true(session_is(at[i]->session, SESSION_BLOCKED));
    }
    assert_true(engine_next_deadline_us(h.e) == INT64_MAX);
    heap_validate(&h.e->deadlines);
}

#define checked(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        checked(what_is_wrong_with_a_request_is_said_during_a_pause),
        checked(who_is_held_is_seen),
        checked(nothing_expires_while_writes_are_paused),
        checked(only_an_exec_is_held_for_what_is_queued),
        checked(a_fault_of_the_log_comes_before_its_fullness),
        checked(an_exec_that_is_refused_ends_its_transaction),
        checked(while_loading_nothing_that_was_queued_before_runs),
        checked(replies_are_not_chosen_within_a_transaction),
        checked(a_reply_that_comes_later_is_dropped_as_well),
        checked(deadlines_come_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
