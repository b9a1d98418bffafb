/* Channels, patterns, shard channels and keyspace notifications, in RESP2; test_resp3.c has the shapes of RESP3. */
#include "e2e/raw.h"
#include "e2e/server.h"
#include "e2e/talk.h"

#include <sys/socket.h>

static void subscribing_and_publishing(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(s->c, "PUBLISH one nobody", ":0");
    talk_check(sub, "SUBSCRIBE one two one", "[\"subscribe\", \"one\", :1]");
    talk_check_next(sub, "[\"subscribe\", \"two\", :2]");
    talk_check_next(sub, "[\"subscribe\", \"one\", :2]");
    talk_check(s->c, "PUBLISH one \"a\\x00b\"", ":1");
    talk_check(s->c, "PUBLISH two \"\"", ":1");
    talk_check(s->c, "PUBLISH three x", ":0");
    talk_check_next(sub, "[\"message\", \"one\", \"a\\x00b\"]");
    talk_check_next(sub, "[\"message\", \"two\", \"\"]");
    talk_check(sub, "UNSUBSCRIBE one", "[\"unsubscribe\", \"one\", :1]");
    talk_check(s->c, "PUBLISH one gone", ":0");
    talk_check(sub, "UNSUBSCRIBE", "[\"unsubscribe\", \"two\", :0]");
    talk_check(sub, "UNSUBSCRIBE", "[\"unsubscribe\", nil, :0]");
    talk_check(sub, "GET k", "nil"); /* as before */
    talk_free(&sub);
}

static void patterns(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(sub, "PSUBSCRIBE n?ws.* new[sx].art", "[\"psubscribe\", \"n?ws.*\", :1]");
    talk_check_next(sub, "[\"psubscribe\", \"new[sx].art\", :2]");
    talk_check(sub, "SUBSCRIBE news.art", "[\"subscribe\", \"news.art\", :3]");
    /* Once for the channel, and once for each pattern. */
    talk_check(s->c, "PUBLISH news.art x", ":3");
    talk_check_next(sub, "[\"message\", \"news.art\", \"x\"]");
    talk_check_next(sub, "[\"pmessage\", \"*\", \"news.art\", \"x\"]");
    talk_check_next(sub, "[\"pmessage\", \"*\", \"news.art\", \"x\"]");
    talk_check(s->c, "PUBLISH nows.b y", ":1");
    talk_check_next(sub, "[\"pmessage\", \"n?ws.*\", \"nows.b\", \"y\"]");
    talk_check(s->c, "PUBSUB NUMPAT", ":2");
    talk_check(sub, "PUNSUBSCRIBE nothing", "[\"punsubscribe\", \"nothing\", :3]");
    talk_check(sub, "PUNSUBSCRIBE n?ws.*", "[\"punsubscribe\", \"n?ws.*\", :2]");
    talk_check(sub, "PUNSUBSCRIBE", "[\"punsubscribe\", \"new[sx].art\", :1]");
    talk_free(&sub);
    talk_check_soon(s->c, "PUBLISH news.art x", ":0");
}

static void shard_channels(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(sub, "SSUBSCRIBE one two", "[\"ssubscribe\", \"one\", :1]");
    talk_check_next(sub, "[\"ssubscribe\", \"two\", :2]");
    talk_check(s->c, "PUBLISH one x", ":0"); /* a channel of that name is another */
    talk_check(s->c, "SPUBLISH one x", ":1");
    talk_check_next(sub, "[\"smessage\", \"one\", \"x\"]");
    talk_check(s->c, "PUBSUB SHARDCHANNELS o*", "[\"one\"]");
    talk_check(s->c, "PUBSUB SHARDNUMSUB one three", "[\"one\", :1, \"three\", :0]");
    talk_check(s->c, "PUBSUB CHANNELS", "[]");
    talk_check(sub, "SUNSUBSCRIBE one", "[\"sunsubscribe\", \"one\", :1]");
    talk_check(sub, "SUNSUBSCRIBE", "[\"sunsubscribe\", \"two\", :0]");
    talk_free(&sub);
}

static void what_pubsub_tells(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s), *sub2 = srv_connect(s);
    static const struct talk_step nobody[] = {
        {"PUBSUB CHANNELS", "[]"},
        {"PUBSUB NUMSUB", "[]"},
        {"PUBSUB NUMSUB a b", "[\"a\", :0, \"b\", :0]"},
        {"PUBSUB NUMPAT", ":0"},
        {"PUBSUB NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try PUBSUB HELP."},
        {"PUBSUB HELP", "[+PUBSUB <subcommand> [*"},
    };
    talk_check_all(s->c, nobody);
    talk_check(sub, "SUBSCRIBE a", "*");
    talk_check(sub2, "SUBSCRIBE a", "*");
    talk_check(sub2, "PSUBSCRIBE x*", "*");
    talk_check(sub, "PSUBSCRIBE x*", "*");
    static const struct talk_step two[] = {
        {"PUBSUB CHANNELS", "[\"a\"]"},
        {"PUBSUB CHANNELS b*", "[]"},
        {"PUBSUB NUMSUB a b", "[\"a\", :2, \"b\", :0]"},
        {"PUBSUB NUMPAT", ":1"}, /* distinct ones */
        {"INFO stats", "*pubsub_channels:1*pubsub_patterns:1*"},
    };
    talk_check_all(s->c, two);
    talk_free(&sub);
    talk_free(&sub2);
    talk_check_soon(s->c, "PUBSUB CHANNELS", "[]");
}

static void a_subscriber_may_do_little_in_resp2(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(sub, "SUBSCRIBE a", "*");
    static const struct talk_step steps[] = {
        {"GET k",
         "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed "
         "in this context"},
        {"PING", "[\"pong\", \"\"]"},
        {"PING text", "[\"pong\", \"text\"]"},
        {"RESET", "+RESET"},
        {"GET k", "nil"},
    };
    talk_check_all(sub, steps);
    talk_check(s->c, "PUBLISH a x", ":0");
    talk_check(sub, "SUBSCRIBE a", "*");
    talk_check(sub, "QUIT", "+OK");
    talk_check_closed(sub);
    talk_free(&sub);
}

static void messages_in_a_transaction(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(sub, "SUBSCRIBE a", "*");
    static const struct talk_step steps[] = {
        {"MULTI", "+OK"},
        {"PUBLISH a 1", "+QUEUED"},
        {"PUBLISH a 2", "+QUEUED"},
        {"EXEC", "[:1, :1]"},
    };
    talk_check_all(s->c, steps);
    talk_check_next(sub, "[\"message\", \"a\", \"1\"]");
    talk_check_next(sub, "[\"message\", \"a\", \"2\"]");
    talk_free(&sub);
}

static void many_messages_come_in_order_to_everybody(void **state)
{
    enum { SUBSCRIBERS = 20, MESSAGES = SRV_SCALED(2000) };
    struct srv *s = *state;
    redisContext *subs[SUBSCRIBERS];
    for (int i = 0; i < SUBSCRIBERS; i++) {
        subs[i] = srv_connect(s);
        talk_check(subs[i], "SUBSCRIBE a", "*");
    }
    for (int i = 0; i < MESSAGES; i++)
        redisAppendCommand(s->c, "PUBLISH a %d", i);
    for (int i = 0; i < MESSAGES; i++)
        talk_check_next(s->c, ":20");
    for (int k = 0; k < SUBSCRIBERS; k++) {
        for (int i = 0; i < MESSAGES; i++) {
            char expected[64];
            snprintf(expected, sizeof(expected), "[\"message\", \"a\", \"%d\"]", i);
            talk_check_next(subs[k], expected);
        }
        talk_free(&subs[k]);
    }
}

/* A subscriber that is killed, or whose peer just vanishes, is forgotten, and harms no one. */
static void subscribers_that_go(void **state)
{
    struct srv *s = *state;
    redisContext *killed = srv_connect(s), *stays = srv_connect(s);
    struct raw gone;
    int64_t id = talk_ask_int(killed, "CLIENT ID");
    raw_connect(&gone, s->port);
    raw_check(&gone, "SUBSCRIBE a", "*");
    talk_check(killed, "SUBSCRIBE a", "*");
    talk_check(stays, "SUBSCRIBE a", "*");
    talk_check(s->c, "PUBLISH a 1", ":3");

    struct linger reset = {.l_onoff = 1}; /* the connection ends with a reset */
    setsockopt(gone.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    raw_close(&gone);
    char command[64];
    snprintf(command, sizeof(command), "CLIENT KILL ID %lld", (long long)id);
    talk_check(s->c, command, ":1");
    talk_check_closed(killed);
    talk_check_soon(s->c, "PUBSUB NUMSUB a", "[\"a\", :1]");
    talk_check(s->c, "PUBLISH a 2", ":1");
    talk_check_next(stays, "[\"message\", \"a\", \"1\"]");
    talk_check_next(stays, "[\"message\", \"a\", \"2\"]");
    talk_check(s->c, "CLIENT KILL TYPE pubsub", ":1");
    talk_check_closed(stays);
    talk_free(&killed);
    talk_free(&stays);
}

/* --- keyspace notifications ------------------------------------------------------------------------- */

struct notification {
    const char *command; /* by another client */
    const char *events;  /* what it gives, "event key" separated by commas */
};

/* Each command's events come to both kinds of channels: by event, and by key. */
static void check_notifications(struct srv *s, const struct notification *cases, size_t count)
{
    redisContext *by_event = srv_connect(s), *by_key = srv_connect(s);
    talk_check(by_event, "PSUBSCRIBE __keyevent@*__:*", "*");
    talk_check(by_key, "PSUBSCRIBE __keyspace@*__:*", "*");
    for (size_t i = 0; i < count; i++) {
        talk_check(s->c, cases[i].command, "*");
        char *events = strdup(cases[i].events), *place = NULL;
        for (char *e = strtok_r(events, ",", &place); e; e = strtok_r(NULL, ",", &place)) {
            char event[64], key[64], expected[256];
            int db = 0;
            assert_true(sscanf(e, "%63s %63s %d", event, key, &db) >= 2);
            snprintf(expected, sizeof(expected),
                     "[\"pmessage\", \"*\", \"__keyevent@%d__:%s\", \"%s\"]", db, event, key);
            talk_check_next(by_event, expected);
            snprintf(expected, sizeof(expected),
                     "[\"pmessage\", \"*\", \"__keyspace@%d__:%s\", \"%s\"]", db, key, event);
            talk_check_next(by_key, expected);
        }
        free(events);
    }
    /* Nothing is left over: the next message is the one asked for here. */
    talk_check(s->c, "PUBLISH __keyevent@0__:end x", ":1");
    talk_check(s->c, "PUBLISH __keyspace@0__:end x", ":1");
    talk_check_next(by_event, "[\"pmessage\", \"*\", \"__keyevent@0__:end\", \"x\"]");
    talk_check_next(by_key, "[\"pmessage\", \"*\", \"__keyspace@0__:end\", \"x\"]");
    talk_free(&by_event);
    talk_free(&by_key);
    talk_check(s->c, "CONFIG SET notify-keyspace-events \"\"", "+OK");
}

static void notifications_of_all_classes(void **state)
{
    struct srv *s = *state;
    static const struct notification cases[] = {
        {"SET k 1", "set k"},
        {"SET k 2 EX 1000", "set k,expire k"},
        {"SETEX k 1000 3", "set k,expire k"},
        {"SETNX new 1", "set new"},
        {"SETNX new 1", ""},
        {"MSET a 1 b 2", "set a,set b"},
        {"MSETNX a 1 c 2", ""},
        {"MSETNX c 1", "set c"},
        {"INCR a", "incrby a"},
        {"DECRBY a 5", "incrby a"},
        {"INCRBYFLOAT a 0.5", "incrbyfloat a"},
        {"APPEND b x", "append b"},
        {"SETRANGE b 1 y", "setrange b"},
        {"GETSET b z", "set b"},
        {"GET b", ""},
        {"GETEX b EX 1000", "expire b"},
        {"GETEX b PERSIST", "persist b"},
        {"GETDEL b", "del b"},
        {"EXPIRE a 1000", "expire a"},
        {"PERSIST a", "persist a"},
        {"PERSIST a", ""},
        {"EXPIRE a -1", "del a"},
        {"RENAME k r", "rename_from k,rename_to r"},
        {"COPY r s", "copy_to s"},
        {"MOVE s 1", "move_from s,move_to s 1"},
        {"DEL r new nothing", "del r,del new"},
        {"UNLINK c", "del c"},
        {"FLUSHALL", ""},
    };
    talk_check(s->c, "CONFIG SET notify-keyspace-events KEA", "+OK");
    check_notifications(s, cases, sizeof(cases) / sizeof(cases[0]));
}

/* n (a key is new) and m (a key was not there) are not in A: they are many. */
static void notifications_of_new_and_missing_keys(void **state)
{
    struct srv *s = *state;
    static const struct notification cases[] = {
        {"SET k 1", "new k"},    {"SET k 2", ""}, {"GET k", ""}, {"GET nothing", "keymiss nothing"},
        {"RENAME k r", "new r"},
    };
    talk_check(s->c, "CONFIG SET notify-keyspace-events KEnm", "+OK");
    check_notifications(s, cases, sizeof(cases) / sizeof(cases[0]));
}

static void notifications_of_keys_that_expire(void **state)
{
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(s->c, "CONFIG SET notify-keyspace-events Ex", "+OK");
    talk_check(sub, "PSUBSCRIBE *", "*");
    talk_check(s->c, "SET actively 1 PX 20", "+OK");
    talk_check_next(sub, "[\"pmessage\", \"*\", \"__keyevent@0__:expired\", \"actively\"]");
    talk_check(s->c, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
    talk_check(s->c, "SET looked-at 1 PX 20", "+OK");
    talk_check_silence(sub, 60);
    talk_check(s->c, "GET looked-at", "nil");
    talk_check_next(sub, "[\"pmessage\", \"*\", \"__keyevent@0__:expired\", \"looked-at\"]");
    talk_check(s->c, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
    talk_check(s->c, "CONFIG SET notify-keyspace-events \"\"", "+OK");
    talk_free(&sub);
}

static void only_the_classes_asked_for_are_published(void **state)
{
    static const struct {
        const char *classes, *shown;
        bool set, del;
    } cases[] = {
        {"E", "", false, false},   {"$", "$", false, false},   {"E$", "$E", true, false},
        {"Eg", "gE", false, true}, {"Eg$", "g$E", true, true}, {"EA", "AE", true, true},
    };
    struct srv *s = *state;
    redisContext *sub = srv_connect(s);
    talk_check(sub, "PSUBSCRIBE __key*", "*");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char command[64];
        snprintf(command, sizeof(command), "CONFIG SET notify-keyspace-events %s",
                 cases[i].classes);
        talk_check(s->c, command, "+OK");
        if (cases[i].shown[0]) {
            char expected[64];
            snprintf(expected, sizeof(expected), "[\"notify-keyspace-events\", \"%s\"]",
                     cases[i].shown);
            talk_check(s->c, "CONFIG GET notify-keyspace-events", expected);
        }
        talk_check(s->c, "SET k v", "+OK");
        talk_check(s->c, "DEL k", ":1");
        if (cases[i].set)
            talk_check_next(sub, "[\"pmessage\", \"*\", \"__keyevent@0__:set\", \"k\"]");
        if (cases[i].del)
            talk_check_next(sub, "[\"pmessage\", \"*\", \"__keyevent@0__:del\", \"k\"]");
    }
    talk_check_silence(sub, 20);
    talk_check(s->c, "CONFIG SET notify-keyspace-events KEAq", "-ERR CONFIG SET failed*");
    talk_check(s->c, "CONFIG SET notify-keyspace-events \"\"", "+OK");
    talk_free(&sub);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(subscribing_and_publishing),
        TEST(patterns),
        TEST(shard_channels),
        TEST(what_pubsub_tells),
        TEST(a_subscriber_may_do_little_in_resp2),
        TEST(messages_in_a_transaction),
        TEST(many_messages_come_in_order_to_everybody),
        TEST(subscribers_that_go),
        TEST(notifications_of_all_classes),
        TEST(notifications_of_new_and_missing_keys),
        TEST(notifications_of_keys_that_expire),
        TEST(only_the_classes_asked_for_are_published),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
