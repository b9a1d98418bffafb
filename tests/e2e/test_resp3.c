/* What HELLO 3 changes: the shapes of replies. */
#include "e2e/raw.h"
#include "e2e/server.h"

/* A client of its own, switched to RESP3. */
static struct raw hello3(void **state)
{
    struct srv *s = *state;
    struct raw r;
    raw_connect(&r, s->port);
    raw_check(&r, "HELLO 3",
              "{\"server\": \"*\", \"version\": \"*\", \"proto\": :3, \"id\": :*, "
              "\"mode\": \"standalone\", \"role\": \"master\", \"modules\": [*]}");
    return r;
}

static void hello_switches_protocols(void **state)
{
    struct raw r = hello3(state);
    static const struct talk_step steps[] = {
        {"HELLO", "{\"server\": *, \"proto\": :3, *}"},
        {"GET nothing", "_"},
        {"HELLO 4", "-NOPROTO unsupported protocol version"},
        {"HELLO abc", "-ERR Protocol version is not an integer or out of range"},
        {"HELLO 3 NONSENSE", "-ERR Syntax error in HELLO option 'NONSENSE'"},
        {"HELLO 3 SETNAME \"a b\"",
         "-ERR Client names cannot contain spaces, newlines or special characters."},
        {"HELLO 3 SETNAME fox", "{*}"},
        {"CLIENT GETNAME", "\"fox\""},
        {"HELLO 3 AUTH default wrong", "*"}, /* no password is set: Redis takes any */
        {"HELLO 2", "[\"server\", *, \"proto\", :2, *]"},
        {"GET nothing", "nil"},
        {"HELLO 3", "{*}"},
        {"RESET", "+RESET"},
        {"GET nothing", "nil"}, /* RESET goes back to RESP2 */
    };
    raw_check_all(&r, steps);
    raw_close(&r);
}

static void nulls_doubles_booleans_and_text(void **state)
{
    struct raw r = hello3(state);
    static const struct talk_step steps[] = {
        {"SET k v", "+OK"},
        {"MGET k nothing", "[\"v\", _]"},
        {"SET k w NX", "_"},
        {"GETDEL nothing", "_"},
        {"RANDOMKEY", "\"k\""},
        {"OBJECT ENCODING nothing", "_"},
        {"INCRBYFLOAT f 1.5", "\"1.5\""},
        {"INCR n", ":1"},
        {"EXISTS k", ":1"},
        {"INFO server", "=txt:\"# Server\\r\\n*"},
        {"CLIENT INFO", "=txt:\"id=*resp=3*"},
        {"CLIENT LIST", "=txt:\"id=*"},
        {"LATENCY DOCTOR", "=txt:\"*"},
        {"LOLWUT", "=txt:\"*"},
        {"MEMORY DOCTOR", "=txt:\"*"},
    };
    raw_check_all(&r, steps);
    raw_close(&r);
}

static void maps_and_sets(void **state)
{
    struct raw r = hello3(state);
    static const struct talk_step steps[] = {
        {"CONFIG GET hz", "{\"hz\": \"10\"}"},
        {"CONFIG GET nosuch", "{}"},
        {"CLIENT TRACKINGINFO", "{\"flags\": ~[\"off\"], \"redirect\": :-1, \"prefixes\": []}"},
        {"MSET a ohmytext b mynewtext", "+OK"},
        {"LCS a b IDX", "{\"matches\": [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], \"len\": :6}"},
        {"COMMAND INFO get",
         "[[\"get\", :2, ~[+readonly, +fast], :1, :1, :1, ~[*], ~[], ~[{*}], *[]]]"},
        {"COMMAND DOCS get", "{\"get\": {\"summary\": \"*\", \"since\": \"1.0.0\", *}}"},
        {"COMMAND GETKEYSANDFLAGS GET a", "[[\"a\", ~[+RO, +access]]]"},
        {"MEMORY STATS", "{\"peak.allocated\": :*, *\"peak.percentage\": ,*}"},
        {"LATENCY HISTOGRAM get", "{*}"},
        {"PUBSUB NUMSUB ch", "[\"ch\", :0]"},
        {"FUNCTION LIST", "[]"},
    };
    raw_check_all(&r, steps);
    raw_close(&r);
}

static void messages_are_pushes(void **state)
{
    struct srv *s = *state;
    struct raw r = hello3(state);
    static const struct talk_step steps[] = {
        {"SUBSCRIBE ch", ">[\"subscribe\", \"ch\", :1]"},
        {"PSUBSCRIBE c*", ">[\"psubscribe\", \"c*\", :2]"},
        {"SSUBSCRIBE sh", ">[\"ssubscribe\", \"sh\", :1]"},
        {"SET k v", "+OK"}, /* in RESP3 a subscriber may do anything */
    };
    raw_check_all(&r, steps);
    talk_check(s->c, "PUBLISH ch hello", ":2");
    raw_check_next(&r, ">[\"message\", \"ch\", \"hello\"]");
    raw_check_next(&r, ">[\"pmessage\", \"c*\", \"ch\", \"hello\"]");
    talk_check(s->c, "SPUBLISH sh hi", ":1");
    raw_check_next(&r, ">[\"smessage\", \"sh\", \"hi\"]");
    /* A message to oneself comes after the command's own reply. */
    raw_check(&r, "PUBLISH ch mine", ":2");
    raw_check_next(&r, ">[\"message\", \"ch\", \"mine\"]");
    raw_check_next(&r, ">[\"pmessage\", \"c*\", \"ch\", \"mine\"]");
    raw_check(&r, "UNSUBSCRIBE", ">[\"unsubscribe\", \"ch\", :1]");
    raw_check(&r, "PUNSUBSCRIBE", ">[\"punsubscribe\", \"c*\", :0]");
    raw_check(&r, "UNSUBSCRIBE", ">[\"unsubscribe\", _, :0]");
    raw_close(&r);
}

static void transactions(void **state)
{
    struct srv *s = *state;
    struct raw r = hello3(state);
    static const struct talk_step steps[] = {
        {"MULTI", "+OK"},
        {"GET nothing", "+QUEUED"},
        {"CONFIG GET hz", "+QUEUED"},
        {"HELLO 2", "+QUEUED"},
        {"CONFIG GET hz", "+QUEUED"},
        {"EXEC", "[_, {\"hz\": \"10\"}, [\"server\", *], [\"hz\", \"10\"]]"},
        {"HELLO 3", "{*}"},
        {"WATCH k", "+OK"},
        {"MULTI", "+OK"},
        {"PING", "+QUEUED"},
    };
    raw_check_all(&r, steps);
    talk_check(s->c, "SET k changed", "+OK");
    raw_check(&r, "EXEC", "_");
    raw_close(&r);
}

static void hello_with_a_password(void **state)
{
    (void)state;
    struct srv *s = srv_start("--requirepass secret");
    struct raw r;
    raw_connect(&r, s->port);
    static const struct talk_step steps[] = {
        {"GET k", "-NOAUTH Authentication required."},
        {"HELLO 3",
         "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
         "AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "
         "version at the same time"},
        {"HELLO 3 AUTH default wrong",
         "-WRONGPASS invalid username-password pair or user is disabled."},
        {"HELLO 3 AUTH nobody secret",
         "-WRONGPASS invalid username-password pair or user is disabled."},
        {"GET k", "-NOAUTH Authentication required."},
        {"HELLO 3 AUTH default secret SETNAME me", "{*\"proto\": :3*}"},
        {"CLIENT GETNAME", "\"me\""},
        {"GET k", "_"},
    };
    raw_check_all(&r, steps);
    raw_close(&r);
    srv_stop(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(hello_switches_protocols),
        TEST(nulls_doubles_booleans_and_text),
        TEST(maps_and_sets),
        TEST(messages_are_pushes),
        TEST(transactions),
        cmocka_unit_test(hello_with_a_password),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
