/* Commands on keys of any type, on databases, and SCAN, in RESP2. */
#include "e2e/server.h"
#include "e2e/talk.h"

#define RUN(state, steps) talk_check_all(((struct srv *)*(state))->c, steps)

#define SYNTAX    "-ERR syntax error"
#define NOT_INT   "-ERR value is not an integer or out of range"
#define NO_KEY    "-ERR no such key"
#define BAD_INDEX "-ERR DB index is out of range"

static void deleting_and_existing(void **state)
{
    static const struct talk_step steps[] = {
        {"DEL a", ":0"},
        {"MSET a 1 b 2 c 3", "+OK"},
        {"EXISTS a b a nothing", ":3"},
        {"TOUCH a b nothing", ":2"},
        {"DEL a b a", ":2"},
        {"EXISTS a", ":0"},
        {"UNLINK c nothing", ":1"},
        {"DBSIZE", ":0"},
        {"DEL", "-ERR wrong number of arguments for 'del' command"},
        {"TYPE a", "+none"},
        {"SET a v", "+OK"},
        {"TYPE a", "+string"},
        {"RANDOMKEY", "\"a\""},
        {"DEL a", ":1"},
        {"RANDOMKEY", "nil"},
    };
    RUN(state, steps);
}

static void expiring(void **state)
{
    static const struct talk_step steps[] = {
        {"EXPIRE k 10", ":0"},
        {"TTL k", ":-2"},
        {"PTTL k", ":-2"},
        {"EXPIRETIME k", ":-2"},
        {"SET k v", "+OK"},
        {"TTL k", ":-1"},
        {"PTTL k", ":-1"},
        {"PEXPIRETIME k", ":-1"},
        {"EXPIRE k 9999", ":1"},
        {"TTL k", ":99*"},
        {"PTTL k", ":99*"},
        {"PERSIST k", ":1"},
        {"PERSIST k", ":0"},
        {"PEXPIRE k 9999000", ":1"},
        {"TTL k", ":99*"},
        {"EXPIREAT k 33177117420", ":1"},
        {"EXPIRETIME k", ":33177117420"},
        {"PEXPIRETIME k", ":33177117420000"},
        {"PEXPIREAT k 33177117420123", ":1"},
        {"PEXPIRETIME k", ":33177117420123"},
        {"EXPIRETIME k", ":33177117420"},
        {"EXPIRE k abc", NOT_INT},
        {"EXPIRE k 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
        {"PEXPIRE k 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
        {"EXPIRE k -9223372036854775808", "-ERR invalid expire time in 'expire' command"},
        {"EXPIRE k 10 NONSENSE", "-ERR Unsupported option NONSENSE"},
        {"EXPIRE k -1", ":1"},
        {"EXISTS k", ":0"},
    };
    RUN(state, steps);
}

static void expiring_on_conditions(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k v", "+OK"},
        {"EXPIRE k 100 XX", ":0"},
        {"EXPIRE k 100 GT", ":0"},
        {"TTL k", ":-1"},
        {"EXPIRE k 1000 LT", ":1"},
        {"EXPIRE k 2000 NX", ":0"},
        {"EXPIRE k 2000 LT", ":0"},
        {"EXPIRE k 500 GT", ":0"},
        {"EXPIRE k 9999 GT", ":1"},
        {"TTL k", ":99*"},
        {"EXPIRE k 500 XX LT", ":1"},
        {"PERSIST k", ":1"},
        {"EXPIRE k 9999 NX", ":1"},
        {"TTL k", ":99*"},
        {"EXPIRE k 10 NX XX",
         "-ERR NX and XX, GT or LT options at the same time are not compatible"},
        {"EXPIRE k 10 NX GT",
         "-ERR NX and XX, GT or LT options at the same time are not compatible"},
        {"EXPIRE k 10 GT LT", "-ERR GT and LT options at the same time are not compatible"},
    };
    RUN(state, steps);
}

static void renaming(void **state)
{
    static const struct talk_step steps[] = {
        {"RENAME a b", NO_KEY},
        {"RENAMENX a b", NO_KEY},
        {"SET a 1 EX 9999", "+OK"},
        {"RENAME a b", "+OK"},
        {"EXISTS a", ":0"},
        {"TTL b", ":99*"},
        {"RENAME b b", "+OK"},
        {"GET b", "\"1\""},
        {"SET c 2", "+OK"},
        {"RENAMENX b c", ":0"},
        {"RENAME c b", "+OK"},
        {"TTL b", ":-1"},
        {"GET b", "\"2\""},
        {"RENAMENX b d", ":1"},
        {"RENAMENX d d", ":0"},
        {"GET d", "\"2\""},
        {"RENAME d \"{far}\"", "+OK"},
        {"GET \"{far}\"", "\"2\""},
        {"DBSIZE", ":1"},
    };
    RUN(state, steps);
}

static void copying_and_moving(void **state)
{
    static const struct talk_step steps[] = {
        {"COPY a b", ":0"},
        {"SET a 1 EX 9999", "+OK"},
        {"COPY a b", ":1"},
        {"TTL b", ":99*"},
        {"COPY a b", ":0"},
        {"SET a 2", "+OK"},
        {"COPY a b REPLACE", ":1"},
        {"GET b", "\"2\""},
        {"TTL b", ":-1"},
        {"COPY a a", "-ERR source and destination objects are the same"},
        {"COPY a a DB 1", ":1"},
        {"COPY a b DB 99", BAD_INDEX},
        {"COPY a b DB abc", NOT_INT},
        {"COPY a b NONSENSE", SYNTAX},
        {"MOVE a 1", ":0"},
        {"MOVE b 1", ":1"},
        {"MOVE b 1", ":0"},
        {"MOVE a 0", "-ERR source and destination objects are the same"},
        {"MOVE a 99", BAD_INDEX},
        {"MOVE a abc", "-ERR value is not an integer or out of range"},
        {"SELECT 1", "+OK"},
        {"MGET a b", "[\"2\", \"2\"]"},
        {"DBSIZE", ":2"},
    };
    RUN(state, steps);
}

static void databases(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k zero", "+OK"},
        {"SELECT 15", "+OK"},
        {"GET k", "nil"},
        {"SET k fifteen", "+OK"},
        {"SELECT 16", BAD_INDEX},
        {"SELECT -1", BAD_INDEX},
        {"SELECT abc", NOT_INT},
        {"GET k", "\"fifteen\""},
        {"SWAPDB 0 15", "+OK"},
        {"GET k", "\"zero\""},
        {"SWAPDB 0 16", BAD_INDEX},
        {"SWAPDB abc 1", "-ERR invalid first DB index"},
        {"SWAPDB 1 abc", "-ERR invalid second DB index"},
        {"SELECT 0", "+OK"},
        {"GET k", "\"fifteen\""},
        {"INFO keyspace", "*db0:keys=1,expires=0,avg_ttl=0*db15:keys=1,expires=0,avg_ttl=0*"},
        {"FLUSHDB", "+OK"},
        {"DBSIZE", ":0"},
        {"SELECT 15", "+OK"},
        {"DBSIZE", ":1"},
        {"FLUSHDB SYNC", "+OK"},
        {"DBSIZE", ":0"},
        {"SET k v", "+OK"},
        {"SELECT 3", "+OK"},
        {"FLUSHALL ASYNC", "+OK"},
        {"SELECT 15", "+OK"},
        {"DBSIZE", ":0"},
        {"FLUSHALL NONSENSE", SYNTAX},
        {"FLUSHDB SYNC ASYNC", SYNTAX},
    };
    RUN(state, steps);
}

static void objects(void **state)
{
    static const struct talk_step steps[] = {
        {"MSET n 123 short abc", "+OK"},
        {"SETRANGE long 100 x", ":101"},
        {"OBJECT ENCODING n", "\"int\""},
        {"OBJECT ENCODING short", "\"embstr\""},
        {"OBJECT ENCODING long", "\"raw\""},
        {"APPEND short d", ":4"},
        {"OBJECT ENCODING short", "\"raw\""},
        {"OBJECT REFCOUNT short", ":1"},
        {"OBJECT IDLETIME short", ":0"},
        {"OBJECT ENCODING nothing", "nil"},
        {"OBJECT FREQ short", "-ERR An LFU maxmemory policy is not selected, *"},
        {"OBJECT NONSENSE x", "-ERR unknown subcommand 'NONSENSE'. Try OBJECT HELP."},
        {"OBJECT ENCODING", "-ERR wrong number of arguments for 'object|encoding' command"},
        {"OBJECT", "-ERR wrong number of arguments for 'object' command"},
        {"OBJECT HELP", "[+OBJECT <subcommand> [*"},
        {"MEMORY USAGE nothing", "nil"},
        {"MEMORY USAGE n", ":*"},
    };
    RUN(state, steps);
}

static void keys_and_patterns(void **state)
{
    static const struct talk_step steps[] = {
        {"MSET hello 1 hallo 2 hxllo 3 hllo 4 heello 5 \"h*llo\" 6", "+OK"},
        {"KEYS heello", "[\"heello\"]"},
        {"KEYS hee*", "[\"heello\"]"},
        {"KEYS h[ab]llo", "[\"hallo\"]"},
        {"KEYS h[^aex*]llo", "[]"},
        {"KEYS \"h\\\\*llo\"", "[\"h*llo\"]"},
        {"KEYS nothing*", "[]"},
        {"FLUSHALL", "+OK"},
        {"MSET {t}a 1 {t}b 2 {u}a 3", "+OK"},
        {"KEYS {u}*", "[\"{u}a\"]"},
        {"DEL {t}a", ":1"},
        {"KEYS {t}*", "[\"{t}b\"]"},
    };
    RUN(state, steps);
    redisReply *r = talk_ask(((struct srv *)*state)->c, "KEYS *");
    assert_int_equal(r->elements, 2);
    freeReplyObject(r);
}

/* --- SCAN ------------------------------------------------------------------------------------------- */

enum { SCAN_KEYS = 3000 };

/* Counts how often each of key:0 .. key:SCAN_KEYS-1 comes in one iteration; other keys are not counted. `between`
 * runs after each call. */
static void scan_all(redisContext *c, const char *options, int *seen,
                     void (*between)(redisContext *c, int call))
{
    char cursor[32] = "0";
    int call = 0;
    memset(seen, 0, SCAN_KEYS * sizeof(*seen));
    do {
        redisReply *r = talk_ask(c, "SCAN %s %s", cursor, options);
        assert_int_equal(r->type, REDIS_REPLY_ARRAY);
        assert_int_equal(r->elements, 2);
        snprintf(cursor, sizeof(cursor), "%s", r->element[0]->str);
        for (size_t i = 0; i < r->element[1]->elements; i++) {
            int n;
            if (sscanf(r->element[1]->element[i]->str, "key:%d", &n) == 1 && n < SCAN_KEYS)
                seen[n]++;
        }
        freeReplyObject(r);
        if (between)
            between(c, call++);
    } while (strcmp(cursor, "0") != 0);
}

/* SETs prefix:first .. prefix:first+count-1 in one pipeline. */
static void fill(redisContext *c, const char *prefix, int first, int count)
{
    for (int i = first; i < first + count; i++)
        redisAppendCommand(c, "SET %s:%d %d", prefix, i, i);
    for (int i = 0; i < count; i++)
        talk_check_next(c, "+OK");
}

static void scan_returns_every_key_once_at_rest(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    int seen[SCAN_KEYS];
    fill(c, "key", 0, SCAN_KEYS);
    static const char *const options[] = {
        "", "COUNT 1", "COUNT 7", "COUNT 100000", "MATCH key:*", "TYPE string"};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        scan_all(c, options[i], seen, NULL);
        for (int k = 0; k < SCAN_KEYS; k++)
            assert_int_equal(seen[k], 1);
    }
    scan_all(c, "MATCH key:99*", seen, NULL);
    for (int k = 0; k < SCAN_KEYS; k++)
        assert_int_equal(seen[k], k == 99 || (k >= 990 && k <= 999));
    scan_all(c, "TYPE list", seen, NULL);
    for (int k = 0; k < SCAN_KEYS; k++)
        assert_int_equal(seen[k], 0);
}

/* Enough new keys between two calls that tables grow, for a while; then they go again. */
static void grow_and_shrink(redisContext *c, int call)
{
    enum { BURST = 500, BURSTS = 20 };
    if (call < BURSTS) {
        fill(c, "other", call * BURST, BURST);
    } else if (call < 2 * BURSTS) {
        int first = (call - BURSTS) * BURST;
        for (int i = first; i < first + BURST; i++)
            redisAppendCommand(c, "DEL other:%d", i);
        for (int i = 0; i < BURST; i++)
            talk_check_next(c, ":1");
    }
}

static void scan_keeps_its_promise_while_tables_grow_and_shrink(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    int seen[SCAN_KEYS];
    fill(c, "key", 0, SCAN_KEYS);
    scan_all(c, "COUNT 50", seen, grow_and_shrink);
    for (int k = 0; k < SCAN_KEYS; k++)
        if (seen[k] == 0)
            fail_msg("key:%d was there all the time, and was not returned", k);
}

static void scan_refuses_what_it_does_not_know(void **state)
{
    static const struct talk_step steps[] = {
        {"SCAN 0", "[\"0\", []]"},
        {"SCAN abc", "-ERR invalid cursor"},
        {"SCAN \"\"", "[\"0\", []]"},
        {"SCAN -1", "[\"0\", []]"},
        {"SCAN 0 COUNT 0", SYNTAX},
        {"SCAN 0 COUNT abc", NOT_INT},
        {"SCAN 0 MATCH", SYNTAX},
        {"SCAN 0 NONSENSE 1", SYNTAX},
        {"SCAN", "-ERR wrong number of arguments for 'scan' command"},
        {"SCAN 12345678901234", "[\"*\", []]"},
    };
    RUN(state, steps);
}

static void randomkey_gives_all_keys_in_the_end(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    int seen[10] = {0}, distinct = 0;
    fill(c, "key", 0, 10);
    /* That a fair choice leaves one out has a chance of 10 * 0.9^1000: never. */
    for (int i = 0; i < 1000; i++) {
        redisReply *r = talk_ask(c, "RANDOMKEY");
        int n = -1;
        assert_int_equal(sscanf(r->str, "key:%d", &n), 1);
        assert_in_range(n, 0, 9);
        distinct += seen[n]++ == 0;
        freeReplyObject(r);
    }
    assert_int_equal(distinct, 10);
}

static void connection_commands(void **state)
{
    static const struct talk_step steps[] = {
        {"PING", "+PONG"},
        {"PING \"a b\"", "\"a b\""},
        {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
        {"ECHO \"a b\"", "\"a b\""},
        {"TIME", "[\"1*\", \"*\"]"},
        {"ROLE", "[\"master\", :0, []]"},
        {"WAIT 0 0", ":0"},
        {"COMMAND COUNT", ":*"},
        {"COMMAND INFO get nosuch", "[[\"get\", :2, [+readonly, +fast], :1, :1, :1, [*], *], nil]"},
        {"COMMAND GETKEYS MSET a 1 b 2", "[\"a\", \"b\"]"},
        {"COMMAND GETKEYSANDFLAGS SET a 1", "[[\"a\", [+OW, +update]]]"},
        {"COMMAND GETKEYS PING", "-ERR The command has no key arguments"},
        {"COMMAND GETKEYS NOSUCH a", "-ERR Invalid command specified"},
        {"COMMAND LIST FILTERBY PATTERN getd*", "[\"getdel\"]"},
        {"COMMAND DOCS getdel",
         "[\"getdel\", [\"summary\", \"*\", \"since\", \"6.2.0\", \"group\", \"string\", *]]"},
        {"COMMAND NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try COMMAND HELP."},
        {"RESET", "+RESET"},
        {"QUIT", "+OK"},
    };
    RUN(state, steps);
    talk_check_closed(((struct srv *)*state)->c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(deleting_and_existing),
        TEST(expiring),
        TEST(expiring_on_conditions),
        TEST(renaming),
        TEST(copying_and_moving),
        TEST(databases),
        TEST(objects),
        TEST(keys_and_patterns),
        TEST(scan_returns_every_key_once_at_rest),
        TEST(scan_keeps_its_promise_while_tables_grow_and_shrink),
        TEST(scan_refuses_what_it_does_not_know),
        TEST(randomkey_gives_all_keys_in_the_end),
        TEST(connection_commands),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
