/* Units and the gate: which replies and messages wait for what. The log is played: each effect is one position. */
#include "engine/check.h"
#include "engine/gate_impl.h"
#include "unit/engine/harness.h"

static struct harness h;
static struct client *a, *b;

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    h.e->gate = gate_new();
    a = harness_connect(&h);
    b = harness_connect(&h);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    gate_open_all(h.e);
    gate_free(&h.e->gate);
    harness_deinit(&h);
    return 0;
}

/* What the turn put into the log is handed on; later it is safe. */
static void turn_ends(void)
{
    gate_sealed(h.e);
}

static void all_is_safe(void)
{
    h.e->promise.policy = h.e->promise.written = h.e->promise.synced = h.e->promise.pos;
    gate_advance(h.e);
}

static void set_fault(const char *fault, bool strict)
{
    h.e->promise.fault = fault;
    h.e->promise.fault_since_us = h.now_us;
    h.e->promise.strict = strict;
    engine_checks_update(h.e);
}

static void a_change_waits_and_so_does_who_reads_it(void **state)
{
    (void)state;
    assert_reply(a, "SET k v", "");
    assert_reply(b, "GET other", "$-1\r\n");
    assert_reply(b, "GET k", "");
    assert_reply(b, "GET other", ""); /* in its order */
    all_is_safe();
    assert_received(a, "+OK\r\n");
    assert_received(b, "$1\r\nv\r\n$-1\r\n");
    assert_reply(b, "GET k", "$1\r\nv\r\n");
}

static void that_a_key_is_not_there_may_have_to_wait(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "DEL k",    "GET k",         "TTL k",        "EXISTS k",         "UNLINK k",
        "TYPE k",   "OBJECT FREQ k", "STRLEN k",     "PERSIST k",        "TOUCH k",
        "GETDEL k", "EXPIRE k 5",    "RENAME k new", "COPY k n",         "SET k v XX",
        "MOVE k 1", "LCS k k",       "GETEX k",      "OBJECT ENCODING k"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct client *c = harness_connect(&h);
        client_run(a, "SET k v");
        client_run(a, "DEL k");
        turn_ends();
        assert_reply(c, lines[i], "");
        all_is_safe();
        assert_true(client_received(c)[0] != 0);
        client_received(a);
    }
}

static void a_transaction_waits_from_its_first_byte(void **state)
{
    (void)state;
    assert_reply(a, "MULTI", "+OK\r\n");
    assert_reply(a, "GET other", "+QUEUED\r\n");
    assert_reply(a, "SET k v", "+QUEUED\r\n");
    assert_reply(a, "EXEC", "");
    assert_reply(b, "GET other", "$-1\r\n");
    assert_reply(b, "GET k", "");
    all_is_safe();
    assert_received(a, "*2\r\n$-1\r\n+OK\r\n");
    assert_string_equal(buf_cstr(&h.effects), "0 SET k v\n");
    assert_reply(a, "MULTI", "+OK\r\n");
    assert_reply(a, "GET k", "+QUEUED\r\n");
    assert_reply(a, "EXEC", "*1\r\n$1\r\nv\r\n");
    buf_clear(&h.effects);
    assert_reply(a, "SET k w", "");
    assert_string_equal(buf_cstr(&h.effects), "0 SET k w\n");
}

static void counted_keys_are_told_apart(void **state)
{
    (void)state;
    assert_reply(a, "MSETEX 2 k1 v k2 v EX 10", "");
    assert_reply(b, "GET other", "$-1\r\n");
    assert_reply(b, "MGET x y z", "*3\r\n$-1\r\n$-1\r\n$-1\r\n");
    assert_reply(b, "GET k2", "");
    all_is_safe();
    assert_received(b, "$1\r\nv\r\n");
}

static void more_keys_than_are_noted_count_as_all(void **state)
{
    (void)state;
    struct buf line;
    buf_init(&line);
    buf_append_cstr(&line, "MSET");
    for (int i = 0; i <= TOUCHED_KEYS_MAX; i++)
        buf_printf(&line, " k%d v", i);
    assert_reply(a, buf_cstr(&line), "");
    assert_reply(b, "GET other", "");
    all_is_safe();
    assert_received(b, "$-1\r\n");
    client_received(a);
    assert_reply(a, "FLUSHALL", "");
    assert_reply(b, "GET other", "");
    all_is_safe();
    assert_received(b, "$-1\r\n");
    assert_reply(a, "SET k v", "");
    assert_reply(b, "DBSIZE", "");
    buf_deinit(&line);
}

static void a_message_about_a_key_waits_with_its_change(void **state)
{
    (void)state;
    h.config.notify = NOTIFY_KEYEVENT | NOTIFY_STRING | NOTIFY_EXPIRED | NOTIFY_GENERIC;
    client_run(b, "SUBSCRIBE __keyevent@0__:set __keyevent@0__:expired news");
    struct client *c = harness_connect(&h);
    assert_reply(a, "PUBLISH news early", ":1\r\n");
    assert_received(b, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nearly\r\n");
    assert_reply(a, "SET k v PX 10", "");
    assert_received(b, "");
    assert_reply(c, "PUBLISH news late", ":1\r\n");
    assert_received(b, ""); /* in its order */
    all_is_safe();
    assert_received(b, "*3\r\n$7\r\nmessage\r\n$18\r\n__keyevent@0__:set\r\n$1\r\nk\r\n"
                       "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$4\r\nlate\r\n");
    client_received(a);
    turn_ends();
    harness_advance(&h, 20000);
    h.e->active_expiry = true;
    engine_work(h.e, 1000);
    assert_received(b, "");
    all_is_safe();
    assert_received(b, "*3\r\n$7\r\nmessage\r\n$22\r\n__keyevent@0__:expired\r\n$1\r\nk\r\n");
}

static void with_a_fault_reads_answer_from_memory(void **state)
{
    (void)state;
    struct client *c = harness_connect(&h);
    assert_reply(a, "SET k v", "");
    assert_reply(b, "GET k", "");
    turn_ends();
    set_fault("No space left", false);
    assert_reply(c, "GET k", "$1\r\nv\r\n");
    assert_reply(c, "DBSIZE", ":1\r\n");
    assert_reply(c, "SET k w", "-MISCONF No space left\r\n");
    harness_advance(&h, GATE_FAULT_US - 1);
    assert_received(b, "");
    assert_true(engine_next_deadline_us(h.e) == h.now_us + 1);
    harness_advance(&h, 1);
    assert_received(b, "$1\r\nv\r\n"); /* it only read */
    assert_null(a->session);           /* whether it is kept nobody can say */
    assert_true(engine_next_deadline_us(h.e) == INT64_MAX);
    set_fault(NULL, false);
}

static void with_a_fault_nothing_is_told_that_a_sync_was_promised_for(void **state)
{
    (void)state;
    struct client *c = harness_connect(&h);
    assert_reply(c, "SET safe 1", "");
    all_is_safe();
    assert_received(c, "+OK\r\n");
    assert_reply(a, "SET k v", "");
    assert_reply(b, "GET k", "");
    turn_ends();
    set_fault("No space left", true);
    assert_reply(c, "GET k", "-MISCONF No space left\r\n");
    assert_reply(c, "GET safe", "$1\r\n1\r\n");
    assert_reply(c, "DBSIZE", ":2\r\n");
    assert_reply(c, "MULTI", "+OK\r\n");
    assert_reply(c, "GET safe", "+QUEUED\r\n");
    assert_reply(c, "GET k", "+QUEUED\r\n");
    assert_reply(c, "EXEC", "-MISCONF No space left\r\n");
    harness_advance(&h, GATE_FAULT_US);
    assert_null(a->session);
    assert_null(b->session);
    set_fault(NULL, true);
    assert_reply(c, "GET k", "");
    all_is_safe();
    assert_received(c, "$1\r\nv\r\n");
}

#define in_turn(test) cmocka_unit_test_setup_teardown(test, start, stop)

static void a_transaction_that_cannot_begin_runs_nothing(void **state)
{
    (void)state;
    struct client *c = harness_connect(&h);
    h.fail_nth = 1;
    assert_has(client_run(c, "MULTI"), "-OOM");
    assert_true(session_is(c->session, SESSION_CLOSE_AFTER_REPLY));
    assert_reply(c, "SET k v", "");
    assert_reply(a, "EXISTS k", ":0\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_turn(a_change_waits_and_so_does_who_reads_it),
        in_turn(a_transaction_that_cannot_begin_runs_nothing),
        in_turn(that_a_key_is_not_there_may_have_to_wait),
        in_turn(a_transaction_waits_from_its_first_byte),
        in_turn(counted_keys_are_told_apart),
        in_turn(more_keys_than_are_noted_count_as_all),
        in_turn(a_message_about_a_key_waits_with_its_change),
        in_turn(with_a_fault_reads_answer_from_memory),
        in_turn(with_a_fault_nothing_is_told_that_a_sync_was_promised_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
