/* Waiting for keys. Commands of the test's own take, pass on and want strings, as BLPOP, BLMOVE and the like do with
 * their types. */
#include "engine/check.h"
#include "engine/engine_impl.h"
#include "engine/gate_impl.h"
#include "engine/interest.h"
#include "unit/engine/harness.h"

#include <stdio.h>
#include <stdlib.h>

#define NULL_ARRAY "*-1\r\n"
#define NULL_BULK  "$-1\r\n"

static struct harness h;
static struct client *a, *b, *c, *d;

/* --- commands ------------------------------------------------------------------------------------------- */

static void wait_for(struct cmd_ctx *x, enum item_type type, int last, bool null_bulk)
{
    int64_t ms;
    if (ctx_arg_timeout(x, x->argc - 1, &ms))
        ctx_block(x, &(struct ctx_wait){.type = type,
                                        .first = 1,
                                        .step = 1,
                                        .count = last,
                                        .timeout_ms = ms,
                                        .null_bulk = null_bulk});
}

/* TAKE key [key ...] timeout: the first key that is there, with its value, and deletes it. */
static void cmd_take(struct cmd_ctx *x)
{
    int64_t ms;
    if (!ctx_arg_timeout(x, x->argc - 1, &ms))
        return;
    for (int i = 1; i < x->argc - 1; i++) {
        struct key key = ctx_key(x, i);
        const struct item *it = ctx_write(x, &key);
        if (!it)
            continue;
        resp_array(x->out, 2);
        resp_bulk(x->out, key.name);
        ctx_reply_string(x, it);
        ctx_delete_effect(x, &key);
        return;
    }
    wait_for(x, TYPE_STRING, x->argc - 2, false);
}

/* PASS source destination timeout: moves the value, unless the destination holds "no". */
static void cmd_pass(struct cmd_ctx *x)
{
    struct key from = ctx_key(x, 1), to = ctx_key(x, 2);
    const struct item *it = ctx_write(x, &from), *there = ctx_write(x, &to);
    char scratch[NUM_I64_CHARS], value[64];
    struct slice s;
    if (!it) {
        wait_for(x, TYPE_STRING, 1, true);
        return;
    }
    if (there && string_short(there, scratch, &s) && slice_is(s, "no")) {
        resp_error(x->out, ERR_TEXT_WRONGTYPE);
        return;
    }
    it = ctx_write(x, &from);
    assert_true(string_short(it, scratch, &s) && s.len < sizeof(value));
    memcpy(value, s.ptr, s.len);
    s.ptr = value;
    ctx_delete_effect(x, &from);
    assert_true(ctx_store(x, &to, s, ITEM_NO_EXPIRY));
    ctx_effect_set(x, to.name, s, ITEM_NO_EXPIRY);
    resp_bulk(x->out, s);
}

/* WANT key length timeout: takes the value once it is that long. */
static void cmd_want(struct cmd_ctx *x)
{
    int64_t length;
    struct key key = ctx_key(x, 1);
    const struct item *it = ctx_write(x, &key);
    assert_true(num_parse_i64(x->argv[2], &length));
    if (!it || string_len(it) < (uint64_t)length) {
        wait_for(x, TYPE_STRING, 1, true);
        return;
    }
    ctx_reply_string(x, it);
    ctx_delete_effect(x, &key);
}

/* LISTEN key timeout: waits for a list, which nothing makes. */
static void cmd_listen(struct cmd_ctx *x)
{
    wait_for(x, TYPE_LIST, 1, false);
}

#define TAKES (CMD_WRITE | CMD_BLOCKING)
static const struct cmd_row rows[] = {
    {.name = "take", .fn = cmd_take, .arity = -3, .flags = TAKES},
    {.name = "pass", .fn = cmd_pass, .arity = 4, .flags = TAKES},
    {.name = "want", .fn = cmd_want, .arity = 4, .flags = TAKES},
    {.name = "listen", .fn = cmd_listen, .arity = 3, .flags = TAKES},
    {.name = NULL},
};

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    cmd_table_add(h.table, rows, NULL);
    a = harness_connect(&h);
    b = harness_connect(&h);
    c = harness_connect(&h);
    d = harness_connect(&h);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    if (h.e->gate) {
        gate_open_all(h.e);
        gate_free(&h.e->gate);
    }
    harness_deinit(&h);
    return 0;
}

static bool is_blocked(const struct client *x)
{
    return session_is(x->session, SESSION_BLOCKED);
}

static const char *took(const char *key, const char *value)
{
    static char text[256];
    snprintf(text, sizeof(text), "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(key), key,
             strlen(value), value);
    return text;
}

/* --- serving -------------------------------------------------------------------------------------------- */

static void first_come_first_served(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k 0", "");
    assert_reply(b, "TAKE x k 0", "");
    assert_true(is_blocked(a) && is_blocked(b));
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 2);
    assert_reply(c, "SET k 1", "+OK\r\n");
    assert_received(a, took("k", "1"));
    assert_received(b, "");
    assert_false(is_blocked(a));
    assert_int_equal(a->resumes, 1);
    assert_int_equal(a->readies, 1);
    assert_reply(a, "TAKE k 0", "");
    assert_reply(c, "SET k 2", "+OK\r\n");
    assert_received(b, took("k", "2"));
    assert_received(a, "");
    assert_reply(c, "SET x 3", "+OK\r\n");
    assert_received(a, "");
    assert_reply(c, "GET x", "$1\r\n3\r\n");
    assert_string_equal(buf_cstr(&h.effects),
                        "0 SET k 1\n0 DEL k\n0 SET k 2\n0 DEL k\n0 SET x 3\n");
    assert_int_equal(h.e->blocked_count, 1);
}

static void who_finds_something_does_not_wait(void **state)
{
    (void)state;
    client_run(c, "SET k2 v");
    assert_reply(a, "TAKE k1 k2 0", took("k2", "v"));
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 0);
}

/* What several commands of an EXEC made of the keys counts, not what each of them did. */
static void a_transaction_serves_at_its_end(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k1 k2 0", "");
    assert_reply(b, "TAKE k2 0", "");
    client_run(c, "MULTI");
    client_run(c, "SET k2 two");
    client_run(c, "SET k1 one");
    client_run(c, "DEL k2");
    client_run(c, "GET k1");
    assert_reply(c, "EXEC", "*4\r\n+OK\r\n+OK\r\n:1\r\n$3\r\none\r\n");
    assert_received(a, took("k1", "one"));
    assert_received(b, "");
    client_run(c, "MULTI");
    client_run(c, "SET k2 x");
    client_run(c, "DEL k2");
    client_run(c, "EXEC");
    assert_true(is_blocked(b));
}

/* The order in which keys became ready decides, and for each key the order of arrival; the arguments' order then says
 * which key is taken. */
static void keys_are_served_as_they_became_ready(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k1 0", "");
    assert_reply(b, "TAKE k1 k2 0", "");
    client_run(c, "MULTI");
    client_run(c, "SET k2 two");
    client_run(c, "SET k1 one");
    client_run(c, "EXEC");
    assert_received(b, took("k1", "one"));
    assert_received(a, "");
    assert_reply(c, "GET k2", "$3\r\ntwo\r\n");
}

static void served_clients_serve_others(void **state)
{
    (void)state;
    assert_reply(a, "PASS k1 k2 0", "");
    assert_reply(b, "PASS k2 k3 0", "");
    assert_reply(c, "TAKE k3 0", "");
    assert_reply(d, "SET k1 v", "+OK\r\n");
    assert_received(a, "$1\r\nv\r\n");
    assert_received(b, "$1\r\nv\r\n");
    assert_received(c, took("k3", "v"));
    assert_reply(d, "DBSIZE", ":0\r\n");
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 0);
    assert_false(h.e->keys_ready);
}

/* In a circle, each takes once. */
static void a_circle_ends(void **state)
{
    (void)state;
    assert_reply(a, "PASS k1 k2 0", "");
    assert_reply(b, "PASS k2 k1 0", "");
    assert_reply(d, "SET k1 v", "+OK\r\n");
    assert_received(a, "$1\r\nv\r\n");
    assert_received(b, "$1\r\nv\r\n");
    assert_reply(d, "GET k1", "$1\r\nv\r\n");
    assert_reply(a, "PASS k1 k1 0", "$1\r\nv\r\n");
}

/* Who is answered with an error took nothing: the next one gets it. */
static void an_error_leaves_it_to_the_next(void **state)
{
    (void)state;
    client_run(d, "SET dst no");
    assert_reply(a, "PASS k dst 0", "");
    assert_reply(b, "PASS k other 0", "");
    assert_reply(d, "SET k v", "+OK\r\n");
    assert_received(a, ERR_TEXT_WRONGTYPE "\r\n");
    assert_received(b, "$1\r\nv\r\n");
    assert_has(client_run(d, "CLIENT LIST ID 1"), " cmd=pass ");
    const struct cmd *pass = cmd_lookup(h.table, SLICE("pass"));
    assert_int_equal(pass->stats.calls, 2);
    assert_int_equal(pass->stats.failed_calls, 1);
}

static void who_waits_on_keeps_its_place(void **state)
{
    (void)state;
    assert_reply(a, "WANT k 3 0.5", "");
    assert_reply(b, "WANT k 2 0", "");
    assert_reply(c, "WANT k 3 0", "");
    harness_advance(&h, 400000);
    assert_reply(d, "SET k 1", "+OK\r\n");
    assert_true(is_blocked(a) && is_blocked(b) && is_blocked(c));
    assert_reply(d, "APPEND k 2", ":2\r\n");
    assert_received(b, "$2\r\n12\r\n");
    assert_reply(d, "SET k 123", "+OK\r\n");
    assert_received(a, "$3\r\n123\r\n");
    assert_reply(a, "WANT k 3 0.5", "");
    assert_reply(d, "SET k 1", "+OK\r\n");
    harness_advance(&h, 500000);
    assert_received(a, NULL_ARRAY); /* the deadline is that of its arrival */
    assert_true(is_blocked(c));
}

static void another_type_does_not_wake(void **state)
{
    (void)state;
    assert_reply(a, "LISTEN k 0", "");
    assert_reply(b, "TAKE k 0", "");
    assert_reply(c, "SET k v", "+OK\r\n");
    assert_received(a, "");
    assert_received(b, took("k", "v"));
    assert_true(is_blocked(a));
}

struct coming {
    const char *lines[4];
    const char *value;
};

/* However a key comes into being. */
static void every_way_of_coming_serves(void **state)
{
    (void)state;
    static const struct coming ways[] = {
        {{"SET o v", "RENAME o k"}, "v"},
        {{"SET o v", "RENAMENX o k"}, "v"},
        {{"SET o v", "COPY o k"}, "v"},
        {{"SELECT 1", "SET k v", "MOVE k 0", "SELECT 0"}, "v"},
        {{"SELECT 1", "SET k v", "SWAPDB 0 1", "SELECT 0"}, "v"},
        {{"SELECT 1", "SET k v", "SWAPDB 1 0", "SELECT 0"}, "v"},
        {{"SELECT 1", "SET o v", "COPY o k DB 0", "SELECT 0"}, "v"},
        {{"MSET x 1 k 2", "GET x"}, "2"},
        {{"INCR k"}, "1"},
        {{"SETRANGE k 0 v"}, "v"},
        {{"MULTI", "SET x 1", "SET k v", "EXEC"}, "v"},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        assert_reply(a, "TAKE k 0", "");
        assert_reply(b, "TAKE other 0", "");
        for (int line = 0; line < 4 && ways[i].lines[line]; line++)
            client_run(c, ways[i].lines[line]);
        assert_received(a, took("k", ways[i].value));
        assert_true(is_blocked(b));
        client_run(c, "FLUSHALL");
        assert_true(is_blocked(b));
        client_run(c, "CLIENT UNBLOCK 2");
        client_received(b);
    }
}

static void databases_are_told_apart(void **state)
{
    (void)state;
    client_run(a, "SELECT 3");
    assert_reply(a, "TAKE k 0", "");
    assert_reply(b, "TAKE k 0", "");
    client_run(c, "SELECT 3");
    assert_reply(c, "SET k three", "+OK\r\n");
    assert_received(a, took("k", "three"));
    assert_true(is_blocked(b));
    assert_string_equal(buf_cstr(&h.effects), "3 SET k three\n3 DEL k\n");
}

static void one_key_named_twice_is_waited_for_once(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k k k 0", "");
    assert_int_equal(interest_count(a->session, INTEREST_BLOCKED), 1);
    client_run(c, "SET k v");
    assert_received(a, took("k", "v"));
}

/* --- not waiting ---------------------------------------------------------------------------------------- */

static void timeouts_are_read_as_seconds(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"TAKE k x", "-ERR timeout is not a float or out of range\r\n"},
        {"TAKE k nan", "-ERR timeout is not a float or out of range\r\n"},
        {"TAKE k 1e5000", "-ERR timeout is not a float or out of range\r\n"},
        {"TAKE k -1", "-ERR timeout is negative\r\n"},
        {"TAKE k -0.01", "-ERR timeout is negative\r\n"},
        {"TAKE k inf", "-ERR timeout is out of range\r\n"},
        {"TAKE k 0x7FFFFFFFFFFFFF", "-ERR timeout is out of range\r\n"},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_reply(a, lines[i][0], lines[i][1]);
    assert_reply(a, "TAKE k 0.0001", "");
    harness_advance(&h, 999);
    assert_received(a, "");
    harness_advance(&h, 1);
    assert_received(a, NULL_ARRAY);
    assert_reply(a, "PASS k l 1.5", "");
    harness_advance(&h, 1499999);
    assert_received(a, "");
    harness_advance(&h, 1);
    assert_received(a, NULL_ARRAY);
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 0);
    assert_reply(c, "SET k v", "+OK\r\n");
    assert_received(a, "");
    client_run(a, "HELLO 3");
    assert_reply(a, "TAKE none 0.001", "");
    harness_advance(&h, 1000);
    assert_received(a, "_\r\n");
}

static void a_transaction_does_not_wait(void **state)
{
    (void)state;
    client_run(a, "MULTI");
    client_run(a, "TAKE k 0");
    client_run(a, "PASS k l 0");
    client_run(a, "SET k v");
    client_run(a, "TAKE k 0");
    assert_reply(a, "EXEC", "*4\r\n" NULL_ARRAY NULL_BULK "+OK\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
    assert_int_equal(h.e->blocked_count, 0);
}

static void who_waits_is_unblocked_and_counted(void **state)
{
    (void)state;
    const struct cmd *take = cmd_lookup(h.table, SLICE("take"));
    assert_reply(a, "TAKE k 0", "");
    assert_int_equal(take->stats.calls, 0);
    assert_has(client_run(c, "CLIENT LIST ID 1"), " flags=b ");
    assert_reply(c, "CLIENT UNBLOCK 1", ":1\r\n");
    assert_received(a, NULL_ARRAY);
    assert_int_equal(take->stats.calls, 1);
    assert_int_equal(take->stats.failed_calls, 0);
    assert_reply(a, "TAKE k 0", "");
    assert_reply(c, "CLIENT UNBLOCK 1 ERROR", ":1\r\n");
    assert_received(a, "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    assert_int_equal(take->stats.calls, 2);
    assert_int_equal(take->stats.failed_calls, 1);
    assert_int_equal(h.e->errors[0].count, 1);
    assert_string_equal(h.e->errors[0].code, "UNBLOCKED");
    assert_reply(a, "TAKE k 0", "");
    client_run(c, "SET k v");
    assert_int_equal(take->stats.calls, 3);
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 0);
}

static void requests_behind_wait_until_it_is_served(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k 0", "");
    assert_reply(a, "SET k mine", "");
    assert_reply(a, "RESET", "");
    assert_reply(c, "SET k v", "+OK\r\n");
    harness_advance(&h, 1);
    assert_received(a, "*2\r\n$1\r\nk\r\n$1\r\nv\r\n+OK\r\n+RESET\r\n");
}

/* What is given to a client that is gone is lost. */
static void who_is_killed_takes_nothing(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k 0", "");
    assert_reply(b, "TAKE k 0", "");
    assert_reply(d, "TAKE k 0", "");
    client_close(a);
    client_run(c, "MULTI");
    client_run(c, "CLIENT KILL ID 2");
    client_run(c, "SET k v");
    assert_reply(c, "EXEC", "*2\r\n:1\r\n+OK\r\n");
    assert_received(d, took("k", "v"));
    assert_received(b, "");
}

/* --- pauses, faults ------------------------------------------------------------------------------------- */

static void a_pause_is_waited_for(void **state)
{
    (void)state;
    for (int by_time = 0; by_time < 2; by_time++) {
        assert_reply(a, "TAKE k 0", "");
        client_run(c, "MULTI");
        client_run(c, "CLIENT PAUSE 100 WRITE");
        client_run(c, "SET k v");
        assert_reply(c, "EXEC", "*2\r\n+OK\r\n+OK\r\n");
        assert_received(a, "");
        assert_reply(c, "GET k", "$1\r\nv\r\n");
        if (by_time)
            harness_advance(&h, 100000);
        else
            assert_reply(c, "CLIENT UNPAUSE", "+OK\r\n");
        assert_received(a, took("k", "v"));
    }
}

static void a_fault_of_the_log_is_told(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k 0", "");
    client_run(c, "MULTI");
    client_run(c, "CLIENT PAUSE 100 WRITE");
    client_run(c, "SET k v");
    client_run(c, "EXEC");
    h.e->promise.fault = "No space";
    engine_checks_update(h.e);
    harness_advance(&h, 100000);
    assert_received(a, "-MISCONF No space\r\n");
    h.e->promise.fault = NULL;
    engine_checks_update(h.e);
    assert_reply(c, "GET k", "$1\r\nv\r\n");
}

static void a_load_is_waited_for(void **state)
{
    (void)state;
    assert_reply(a, "TAKE k 0", "");
    engine_loading(h.e, true);
    struct key key = ks_key(h.ks, SLICE("k"));
    ks_set_string(h.ks, 0, &key, SLICE("v"), ITEM_NO_EXPIRY);
    interest_changed(h.e->interest, 0, &key);
    interest_serve(h.e->interest);
    assert_received(a, "");
    engine_loading(h.e, false);
    interest_serve(h.e->interest);
    assert_received(a, took("k", "v"));
}

static void lack_of_memory_changes_nothing(void **state)
{
    (void)state;
    for (size_t nth = 1;; nth++) {
        h.fail_nth = nth;
        const char *reply = client_run(a, "TAKE k1 k2 k3 0");
        if (*reply == '\0')
            break;
        assert_string_equal(reply, ERR_TEXT_NOMEM "\r\n");
        assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 0);
        assert_int_equal(h.e->blocked_count, 0);
    }
    assert_int_equal(interest_keys(h.e->interest, INTEREST_BLOCKED), 3);
}

/* --- replies -------------------------------------------------------------------------------------------- */

static void the_gate_holds_what_was_served(void **state)
{
    (void)state;
    h.e->gate = gate_new();
    assert_reply(a, "TAKE k 0", "");
    assert_reply(b, "TAKE other 0", "");
    client_run(c, "CLIENT DURABILITY fsync");
    assert_reply(c, "SET k v", "");
    assert_false(is_blocked(a));
    assert_received(a, "");
    gate_sealed(h.e);
    h.e->promise.policy = h.e->promise.pos - 1; /* the SET is safe, what it woke is not */
    h.e->promise.synced = h.e->promise.policy;
    gate_advance(h.e);
    assert_received(c, "+OK\r\n");
    assert_received(a, "");
    h.e->promise.policy = h.e->promise.synced = h.e->promise.pos;
    gate_advance(h.e);
    assert_received(a, took("k", "v"));
}

static void no_reply_is_given_to_whom_wants_none(void **state)
{
    (void)state;
    client_run(a, "CLIENT REPLY SKIP");
    assert_reply(a, "TAKE k 0", "");
    assert_reply(c, "SET k v", "+OK\r\n");
    assert_false(is_blocked(a));
    assert_received(a, "");
    assert_reply(a, "PING", "+PONG\r\n");
    client_run(a, "CLIENT REPLY OFF");
    assert_reply(a, "TAKE k 0.1", "");
    harness_advance(&h, 100000);
    assert_received(a, "");
}

/* Messages about keys that the service causes come behind the replies: to who caused it, to who is served, and to who
 * is both subscribed and not asked for replies. */
static void messages_come_behind_replies(void **state)
{
    (void)state;
    static const char set[] = ">4\r\n$8\r\npmessage\r\n$15\r\n__keyevent@0__*\r\n"
                              "$18\r\n__keyevent@0__:set\r\n$1\r\nk\r\n";
    static const char del[] = ">4\r\n$8\r\npmessage\r\n$15\r\n__keyevent@0__*\r\n"
                              "$18\r\n__keyevent@0__:del\r\n$1\r\nk\r\n";
    char text[512];
    h.config.notify = NOTIFY_ALL | NOTIFY_KEYEVENT;
    for (int i = 0; i < 2; i++) {
        client_run(i ? c : a, "HELLO 3");
        client_run(i ? c : a, "PSUBSCRIBE __keyevent@0__*");
    }
    assert_reply(a, "TAKE k 0", "");
    snprintf(text, sizeof(text), "+OK\r\n%s%s", set, del);
    assert_reply(c, "SET k v", text);
    snprintf(text, sizeof(text), "%s%s%s", set, took("k", "v"), del);
    assert_received(a, text);
    client_run(c, "CLIENT REPLY OFF");
    assert_reply(a, "TAKE k 0", "");
    snprintf(text, sizeof(text), "%s%s", set, del);
    assert_reply(c, "SET k v", text);
}

static void monitors_see_it_once(void **state)
{
    (void)state;
    client_run(d, "MONITOR");
    assert_reply(a, "TAKE k 0", "");
    assert_has(client_received(d), "\"TAKE\" \"k\" \"0\"");
    assert_reply(c, "SET k v", "+OK\r\n");
    const char *lines = client_received(d);
    assert_has(lines, "\"SET\" \"k\" \"v\"");
    assert_has_not(lines, "TAKE");
}

static void the_slow_log_has_it_once(void **state)
{
    (void)state;
    h.config.slowlog_us = 0;
    engine_config_changed(h.e);
    assert_reply(a, "TAKE k 0", "");
    assert_reply(b, "TAKE k 0.1", "");
    client_run(c, "SLOWLOG RESET");
    client_run(c, "SET k v");
    harness_advance(&h, 100000);
    h.config.slowlog_us = -1;
    engine_config_changed(h.e);
    assert_received(b, NULL_ARRAY);
    assert_reply(c, "SLOWLOG LEN", ":4\r\n"); /* RESET, SET and both */
}

/* --- WATCH beside it ------------------------------------------------------------------------------------ */

static void watched_keys_are_waited_for(void **state)
{
    (void)state;
    client_run(b, "WATCH k");
    assert_reply(a, "TAKE k 0", "");
    client_run(b, "MULTI");
    client_run(c, "SET k v");
    assert_received(a, took("k", "v"));
    assert_reply(b, "EXEC", "*-1\r\n");
    assert_int_equal(interest_keys(h.e->interest, INTEREST_WATCH), 0);
    client_run(b, "WATCH k");
    assert_int_equal(interest_keys(h.e->interest, INTEREST_WATCH), 1);
    assert_reply(a, "TAKE k 0", "");
    client_run(b, "MULTI");
    assert_reply(b, "EXEC", "*0\r\n");
}

/* --- at random ------------------------------------------------------------------------------------------ */

#define MANY  40
#define KEYS  6
#define STEPS 20000

struct waiter {
    struct client *client;
    int keys[2], count;
    unsigned since; /* 0: it does not wait */
};

static struct rng random_numbers;

static unsigned draw(unsigned below)
{
    return (unsigned)rng_below(&random_numbers, below);
}

static bool waits_for(const struct waiter *w, int key)
{
    return w->since && (w->keys[0] == key || (w->count == 2 && w->keys[1] == key));
}

/* Whoever has waited longest for the key gets it. */
static struct waiter *expected(struct waiter *all, int key)
{
    struct waiter *first = NULL;
    for (int i = 0; i < MANY; i++)
        if (waits_for(&all[i], key) && (!first || all[i].since < first->since))
            first = &all[i];
    return first;
}

static void many_wait_at_random(void **state)
{
    (void)state;
    struct waiter all[MANY] = {{0}};
    char line[64], key[16];
    bool there[KEYS] = {false};
    rng_seed(&random_numbers, 7);
    for (int i = 0; i < MANY; i++)
        all[i].client = harness_connect(&h);
    for (unsigned step = 1; step < STEPS; step++) {
        struct waiter *w = &all[draw(MANY)];
        int k = (int)draw(KEYS);
        switch (draw(8)) {
        case 0: /* gives up */
            snprintf(line, sizeof(line), "CLIENT UNBLOCK %llu",
                     (unsigned long long)session_id(w->client->session));
            assert_reply(d, line, w->since ? ":1\r\n" : ":0\r\n");
            assert_received(w->client, w->since ? NULL_ARRAY : "");
            w->since = 0;
            break;
        case 1: /* dies */
            client_close(w->client);
            w->client = harness_connect(&h);
            w->since = 0;
            break;
        case 2:
        case 3:
        case 4: /* waits, or takes */
            if (w->since)
                break;
            w->count = 1 + (int)draw(2);
            w->keys[0] = k;
            w->keys[1] = (int)draw(KEYS);
            snprintf(line, sizeof(line), w->count == 2 ? "TAKE k%d k%d 0" : "TAKE k%d 0", k,
                     w->keys[1]);
            int found = there[k] ? k : w->count == 2 && there[w->keys[1]] ? w->keys[1] : -1;
            snprintf(key, sizeof(key), "k%d", found);
            assert_reply(w->client, line, found < 0 ? "" : took(key, "v"));
            if (found < 0)
                w->since = step;
            else
                there[found] = false;
            break;
        default: /* gives */
            snprintf(line, sizeof(line), "SET k%d v", k);
            snprintf(key, sizeof(key), "k%d", k);
            struct waiter *first = expected(all, k);
            assert_reply(d, line, "+OK\r\n");
            there[k] = !first;
            if (first) {
                assert_received(first->client, took(key, "v"));
                first->since = 0;
            }
        }
        size_t waiting = 0;
        for (int i = 0; i < MANY; i++)
            waiting += all[i].since != 0;
        assert_int_equal(h.e->blocked_count, waiting);
    }
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(first_come_first_served),
        fresh(who_finds_something_does_not_wait),
        fresh(a_transaction_serves_at_its_end),
        fresh(keys_are_served_as_they_became_ready),
        fresh(served_clients_serve_others),
        fresh(a_circle_ends),
        fresh(an_error_leaves_it_to_the_next),
        fresh(who_waits_on_keeps_its_place),
        fresh(another_type_does_not_wake),
        fresh(every_way_of_coming_serves),
        fresh(databases_are_told_apart),
        fresh(one_key_named_twice_is_waited_for_once),
        fresh(timeouts_are_read_as_seconds),
        fresh(a_transaction_does_not_wait),
        fresh(who_waits_is_unblocked_and_counted),
        fresh(requests_behind_wait_until_it_is_served),
        fresh(who_is_killed_takes_nothing),
        fresh(a_pause_is_waited_for),
        fresh(a_fault_of_the_log_is_told),
        fresh(a_load_is_waited_for),
        fresh(lack_of_memory_changes_nothing),
        fresh(the_gate_holds_what_was_served),
        fresh(no_reply_is_given_to_whom_wants_none),
        fresh(messages_come_behind_replies),
        fresh(monitors_see_it_once),
        fresh(the_slow_log_has_it_once),
        fresh(watched_keys_are_waited_for),
        fresh(many_wait_at_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
