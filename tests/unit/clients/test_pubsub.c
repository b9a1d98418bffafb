#include <stdio.h>

#include "base/mem.h"
#include "clients/pubsub.h"
#include "engine/run.h"
#include "unit/engine/harness.h"

static struct harness h;
static struct client *a, *b, *c;

static int setup(void **state)
{
    (void)state;
    harness_init(&h);
    a = harness_connect(&h);
    b = harness_connect(&h);
    c = harness_connect(&h);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pubsub_validate(clients_pubsub(h.around));
    harness_deinit(&h);
    return 0;
}

/* --- channels and patterns -------------------------------------------------------------------- */

static void test_subscribe(void **state)
{
    (void)state;
    assert_reply(a, "SUBSCRIBE x y x",
                 "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"
                 "*3\r\n$9\r\nsubscribe\r\n$1\r\ny\r\n:2\r\n"
                 "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:2\r\n");
    assert_reply(a, "PSUBSCRIBE p*", "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n");
    assert_reply(a, "SSUBSCRIBE s", "*3\r\n$10\r\nssubscribe\r\n$1\r\ns\r\n:1\r\n");
    assert_reply(b, "PUBLISH x hi", ":1\r\n");
    assert_received(a, "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    assert_reply(b, "PUBLISH pub hi", ":1\r\n");
    assert_received(a, "*4\r\n$8\r\npmessage\r\n$2\r\np*\r\n$3\r\npub\r\n$2\r\nhi\r\n");
    assert_reply(b, "SPUBLISH s hi", ":1\r\n");
    assert_received(a, "*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$2\r\nhi\r\n");
    assert_reply(b, "SPUBLISH x hi", ":0\r\n");
    assert_reply(b, "PUBLISH s hi", ":0\r\n");
    assert_reply(b, "PUBLISH '' ''", ":0\r\n");
    assert_received(a, "");
}

static void test_unsubscribe(void **state)
{
    (void)state;
    client_run(a, "SUBSCRIBE x y z");
    client_run(a, "PSUBSCRIBE p q");
    client_run(a, "SSUBSCRIBE s");
    assert_reply(a, "UNSUBSCRIBE none y",
                 "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnone\r\n:5\r\n"
                 "*3\r\n$11\r\nunsubscribe\r\n$1\r\ny\r\n:4\r\n");
    assert_reply(a, "UNSUBSCRIBE",
                 "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:3\r\n"
                 "*3\r\n$11\r\nunsubscribe\r\n$1\r\nz\r\n:2\r\n");
    assert_reply(a, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:2\r\n");
    assert_reply(a, "PUNSUBSCRIBE",
                 "*3\r\n$12\r\npunsubscribe\r\n$1\r\np\r\n:1\r\n"
                 "*3\r\n$12\r\npunsubscribe\r\n$1\r\nq\r\n:0\r\n");
    assert_reply(a, "SUNSUBSCRIBE s", "*3\r\n$12\r\nsunsubscribe\r\n$1\r\ns\r\n:0\r\n");
    assert_reply(a, "SUNSUBSCRIBE", "*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n:0\r\n");
    assert_null(session_pubsub(a->session));
    assert_reply(b, "PUBLISH x hi", ":0\r\n");
    assert_reply(a, "ECHO back", "$4\r\nback\r\n");
}

static void test_resp3(void **state)
{
    (void)state;
    client_run(a, "HELLO 3");
    client_run(c, "SUBSCRIBE x");
    assert_reply(a, "SUBSCRIBE x", ">3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    client_run(a, "PSUBSCRIBE ?");
    assert_reply(b, "PUBLISH x hi", ":3\r\n");
    assert_received(a, ">3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n"
                       ">4\r\n$8\r\npmessage\r\n$1\r\n?\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    assert_received(c, "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    assert_reply(a, "ECHO x", "$1\r\nx\r\n"); /* anything goes in RESP3 */
    assert_reply(a, "PING", "+PONG\r\n");
    client_run(a, "PUNSUBSCRIBE");
    assert_reply(a, "UNSUBSCRIBE", ">3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n");
    assert_reply(a, "UNSUBSCRIBE", ">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n");
}

static void test_subscribed_mode(void **state)
{
    (void)state;
    client_run(a, "SUBSCRIBE x");
    assert_reply(a, "PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    assert_reply(a, "PING hi", "*2\r\n$4\r\npong\r\n$2\r\nhi\r\n");
    assert_reply(
        a, "CLIENT ID",
        "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
        "RESET are allowed in this context\r\n");
    assert_reply(a, "RESET", "+RESET\r\n");
    assert_reply(a, "PING", "+PONG\r\n");
    assert_reply(b, "PUBLISH x hi", ":0\r\n");
}

/* A client's own messages come behind the reply to the request that caused them. */
static void test_own_message(void **state)
{
    (void)state;
    client_run(a, "HELLO 3");
    client_run(a, "SUBSCRIBE x");
    assert_reply(a, "PUBLISH x hi", ":1\r\n>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    client_run(a, "MULTI");
    client_run(a, "PUBLISH x hi");
    client_run(a, "ECHO x");
    assert_reply(a, "EXEC",
                 "*2\r\n:1\r\n$1\r\nx\r\n>3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
}

static void test_multi(void **state)
{
    (void)state;
    client_run(a, "MULTI");
    client_run(a, "SUBSCRIBE x");
    client_run(a, "SSUBSCRIBE x");
    client_run(a, "ECHO x");
    client_run(a, "UNSUBSCRIBE");
    assert_reply(a, "EXEC",
                 "*4\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n"
                 "-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client\r\n"
                 "$1\r\nx\r\n"
                 "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n");
}

static void test_reply_off(void **state)
{
    (void)state;
    client_run(a, "CLIENT REPLY OFF");
    assert_reply(a, "SUBSCRIBE x", "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    assert_reply(a, "PING", "");
    client_run(b, "PUBLISH x hi");
    assert_received(a, "*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$2\r\nhi\r\n");
    assert_reply(a, "UNSUBSCRIBE", "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n");
}

static void test_end_of_session(void **state)
{
    (void)state;
    client_run(a, "SUBSCRIBE x");
    client_run(a, "PSUBSCRIBE *");
    client_run(c, "SUBSCRIBE x");
    client_close(a);
    pubsub_validate(clients_pubsub(h.around));
    assert_reply(b, "PUBLISH x hi", ":1\r\n");
    client_run(b, "CLIENT KILL TYPE pubsub");
    assert_reply(b, "PUBLISH x hi", ":0\r\n"); /* it is closing and takes nothing */
    harness_advance(&h, 0);
    assert_int_equal(pubsub_channel_count(clients_pubsub(h.around)), 0);
    assert_int_equal(pubsub_pattern_count(clients_pubsub(h.around)), 0);
}

/* Large messages are held once, whatever the number of those who get them. */
static void test_large_message(void **state)
{
    (void)state;
    size_t len = 100000, head;
    char expected[64];
    char *text = mem_alloc(len);
    memset(text, 'x', len);
    client_run(a, "HELLO 3");
    client_run(a, "SUBSCRIBE big");
    client_run(c, "SUBSCRIBE big");
    struct slice words[] = {SLICE("PUBLISH"), SLICE("big"), slice_of(text, len)};
    assert_string_equal(client_run_words(b, 3, words), ":2\r\n");
    for (int i = 0; i < 2; i++) {
        struct client *to = i ? c : a;
        assert_true(outq_memory(session_queue(to->session)) > len);
        const char *got = client_received(to);
        head =
            (size_t)snprintf(expected, sizeof(expected),
                             "%c3\r\n$7\r\nmessage\r\n$3\r\nbig\r\n$%zu\r\n", i ? '*' : '>', len);
        assert_int_equal(to->read.len, head + len + 2);
        assert_memory_equal(got, expected, head);
        assert_memory_equal(got + head, text, len);
        assert_memory_equal(got + head + len, "\r\n", 2);
    }
    mem_free(text);
}

/* --- PUBSUB ----------------------------------------------------------------------------------- */

static void test_introspection(void **state)
{
    (void)state;
    assert_reply(b, "PUBSUB CHANNELS", "*0\r\n");
    assert_reply(b, "PUBSUB NUMSUB", "*0\r\n");
    client_run(a, "SUBSCRIBE x y ab");
    client_run(a, "PSUBSCRIBE p q");
    client_run(a, "SSUBSCRIBE s t");
    client_run(c, "SUBSCRIBE y");
    client_run(c, "PSUBSCRIBE p");
    assert_reply(b, "PUBSUB CHANNELS", "*3\r\n$1\r\nx\r\n$1\r\ny\r\n$2\r\nab\r\n");
    assert_reply(b, "PUBSUB CHANNELS ?", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    assert_reply(
        b, "PUBSUB CHANNELS a b",
        "-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.\r\n");
    assert_reply(b, "PUBSUB NUMSUB y z", "*4\r\n$1\r\ny\r\n:2\r\n$1\r\nz\r\n:0\r\n");
    assert_reply(b, "PUBSUB NUMPAT", ":2\r\n");
    assert_reply(b, "PUBSUB SHARDCHANNELS t*", "*1\r\n$1\r\nt\r\n");
    assert_reply(b, "PUBSUB SHARDNUMSUB s x", "*4\r\n$1\r\ns\r\n:1\r\n$1\r\nx\r\n:0\r\n");
    assert_reply(b, "PUBSUB NUMPAT x",
                 "-ERR wrong number of arguments for 'pubsub|numpat' command\r\n");
    assert_reply(b, "PUBSUB foo", "-ERR unknown subcommand 'foo'. Try PUBSUB HELP.\r\n");
    assert_has(client_run(b, "PUBSUB HELP"), "PUBSUB <subcommand>");
    client_run(b, "HELLO 3");
    assert_reply(b, "PUBSUB NUMSUB y", "*2\r\n$1\r\ny\r\n:2\r\n");
}

/* --- notifications ---------------------------------------------------------------------------- */

static void test_notify(void **state)
{
    (void)state;
    client_run(a, "PSUBSCRIBE *");
    unit_event(h.e, 0, SLICE("k"), NOTIFY_STRING, "set");
    assert_received(a, "");
    h.config.notify = NOTIFY_KEYSPACE | NOTIFY_KEYEVENT | NOTIFY_STRING;
    unit_event(h.e, 11, SLICE("k"), NOTIFY_STRING, "set");
    assert_received(a,
                    "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$17\r\n__keyspace@11__:k\r\n$3\r\nset\r\n"
                    "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$19\r\n__keyevent@11__:set\r\n$1\r\nk\r\n");
    unit_event(h.e, 0, SLICE("k"), NOTIFY_GENERIC, "del");
    assert_received(a, "");
    h.config.notify = NOTIFY_KEYEVENT | NOTIFY_ALL;
    unit_event(h.e, 0, SLICE("k"), NOTIFY_GENERIC, "del");
    assert_received(a,
                    "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$18\r\n__keyevent@0__:del\r\n$1\r\nk\r\n");
    unit_event(h.e, 0, SLICE("k"), NOTIFY_KEY_MISS, "keymiss");
    assert_received(a, ""); /* A leaves it out */
}

/* --- memory that is refused ------------------------------------------------------------------- */

static void test_no_memory(void **state)
{
    (void)state;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        struct client *one = harness_connect(&h);
        h.fail_nth = n;
        const char *reply = client_run(one, "SUBSCRIBE fresh");
        done = reply[0] == '*';
        if (!done) {
            assert_has(reply, "-OOM ");
            assert_null(session_pubsub(one->session));
            assert_int_equal(pubsub_channel_count(clients_pubsub(h.around)), 0);
        }
        pubsub_validate(clients_pubsub(h.around));
        client_close(one);
        assert_true(n < 20);
    }
    client_run(a, "SUBSCRIBE x");
    mem_fail_after(1);
    assert_int_equal(pubsub_publish(clients_pubsub(h.around), SLICE("x"), SLICE("hi")), 0);
    mem_fail_after(0);
    assert_received(a, "");
}

/* --- against a model -------------------------------------------------------------------------- */

#define MODEL_SESSIONS 12
#define MODEL_NAMES    40
#define MODEL_STEPS    4000

static bool model[MODEL_SESSIONS][PUBSUB_KINDS][MODEL_NAMES];

static size_t model_count(enum pubsub_kind kind, int name)
{
    size_t n = 0;
    for (int s = 0; s < MODEL_SESSIONS; s++)
        n += model[s][kind][name];
    return n;
}

static size_t model_session_count(int s, enum pubsub_kind kind)
{
    size_t n = 0;
    for (int name = 0; name < MODEL_NAMES; name++)
        n += model[s][kind][name];
    return n;
}

static void check_session(struct client *one, int s)
{
    size_t count[PUBSUB_KINDS];
    pubsub_counts(one->session, &count[0], &count[1], &count[2]);
    for (enum pubsub_kind kind = 0; kind < PUBSUB_KINDS; kind++)
        assert_int_equal(count[kind], model_session_count(s, kind));
    assert_int_equal(session_pubsub(one->session) != NULL, count[0] + count[1] + count[2] > 0);
}

static void model_step(struct client *const *all, struct rng *rng)
{
    int s = (int)rng_below(rng, MODEL_SESSIONS), name = (int)rng_below(rng, MODEL_NAMES);
    enum pubsub_kind kind = (enum pubsub_kind)rng_below(rng, PUBSUB_KINDS);
    char text[16];
    struct slice what = slice_of(text, (size_t)snprintf(text, sizeof(text), "name%d", name));
    bool *in = &model[s][kind][name];
    uint64_t choice = rng_below(rng, 100);
    if (choice < 50) {
        assert_int_equal(pubsub_join(clients_pubsub(h.around), all[s]->session, kind, what),
                         *in ? ERR_EXISTS : ERR_OK);
        *in = true;
    } else if (choice < 90) {
        assert_int_equal(pubsub_leave(all[s]->session, kind, what), *in);
        *in = false;
    } else if (choice < 91) {
        pubsub_leave_all(all[s]->session);
        memset(model[s], 0, sizeof(model[s]));
    } else if (kind == PUBSUB_SHARD) {
        assert_int_equal(pubsub_publish_shard(clients_pubsub(h.around), what, SLICE("m")),
                         model_count(kind, name));
    } else {
        assert_int_equal(pubsub_publish(clients_pubsub(h.around), what, SLICE("m")),
                         model_count(PUBSUB_CHANNEL, name) + model_count(PUBSUB_PATTERN, name));
    }
    assert_int_equal(pubsub_subscribers(clients_pubsub(h.around), kind, what),
                     model_count(kind, name));
    check_session(all[s], s);
    client_received(all[s]);
}

static void test_model(void **state)
{
    (void)state;
    struct client *all[MODEL_SESSIONS];
    struct rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < MODEL_SESSIONS; i++)
        all[i] = harness_connect(&h);
    memset(model, 0, sizeof(model));
    for (int i = 0; i < MODEL_STEPS; i++) {
        model_step(all, &rng);
        if (i % 16 == 0)
            pubsub_validate(clients_pubsub(h.around));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_subscribe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unsubscribe, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resp3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_subscribed_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_multi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reply_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end_of_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_introspection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_notify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_model, setup, teardown),
    };
    return cmocka_run_group_tests_name("clients/pubsub", tests, NULL, NULL);
}
