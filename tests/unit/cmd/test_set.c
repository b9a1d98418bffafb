/* Commands on sets: replies, events, effects and errors. What is by chance is in test_random. */
#include "unit/cmd/cmd_test.h"

#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static const struct cmd_case cases[] = {
    {"sadd s 3 1 2 1", ":3", "new:s sadd:s", "sadd s 3 1 2 1"},
    {"sadd s 1 2", ":0"},
    {"smembers s", "*3 $1 1 $1 2 $1 3"},
    {"scard s", ":3"},
    {"scard nokey", ":0", "keymiss:nokey"},
    {"sismember s 2", ":1"},
    {"sismember s 02", ":0"},
    {"sismember nokey 2", ":0", "keymiss:nokey"},
    {"smismember s 1 x 3", "*3 :1 :0 :1"},
    {"smismember nokey 1", "*1 :0", "keymiss:nokey"},
    {"srem s 9", ":0"},
    {"srem nokey 9", ":0"},
    {"srem s 1 9 2", ":2", "srem:s", "srem s 1 9 2"},
    {"sscan s 0", "*2 $1 0 *1 $1 3"},
    {"sscan s 0 match 4*", "*2 $1 0 *0"},
    {"sscan nokey 0", "*2 $1 0 *0", "keymiss:nokey"},
    {"sscan s x", "-ERR invalid cursor"},
    {"sscan s 0 foo", "-ERR syntax error"},
    {"sscan s 0 count 0", "-ERR syntax error"},
    {"smove s t 3", ":1", "srem:s del:s new:t sadd:t", "smove s t 3"},
    {"smove s t 3", ":0"},
    {"smove t t 3", ":1"},
    {"smove t u 4", ":0"},
    {"exists s u", ":0", "keymiss:s keymiss:u"},
    {"srem t 3", ":1", "srem:t del:t", "srem t 3"},
    {"sadd a 1 2 3", ":3", "new:a sadd:a", "sadd a 1 2 3"},
    {"sadd b 2 3 4", ":3", "new:b sadd:b", "sadd b 2 3 4"},
    {"sinter a b", "*2 $1 2 $1 3"},
    {"sinter a nokey", "*0", "keymiss:nokey"},
    {"sunion a b", "*4 $1 1 $1 2 $1 3 $1 4"},
    {"sunion a nokey", "*3 $1 1 $1 2 $1 3", "keymiss:nokey"},
    {"sunion nokey", "*0", "keymiss:nokey"},
    {"sdiff a b", "*1 $1 1"},
    {"sdiff nokey a", "*0", "keymiss:nokey"},
    {"sintercard 2 a b", ":2"},
    {"sintercard 2 a b limit 1", ":1"},
    {"sintercard 2 a b limit 0", ":2"},
    {"sunioncard 2 a b", ":4"},
    {"sunioncard 2 a b approx limit 3", ":3"},
    {"sunioncard 6 a b a b a b limit 3", ":3"},
    {"sdiffcard 2 a b", ":1"},
    {"sintercard 0 a", "-ERR numkeys should be greater than 0"},
    {"sintercard x a", "-ERR numkeys should be greater than 0"},
    {"sintercard 3 a b", "-ERR Number of keys can't be greater than number of args"},
    {"sintercard 2 a b limit -1", "-ERR LIMIT can't be negative"},
    {"sintercard 2 a b limit", "-ERR syntax error"},
    {"sintercard 2 a b approx", "-ERR syntax error"},
    {"sinterstore d a b", ":2", "new:d sinterstore:d", "sinterstore d a b"},
    {"sdiffstore d a b", ":1", "sdiffstore:d", "sdiffstore d a b"},
    {"sunionstore a a b", ":4", "sunionstore:a", "sunionstore a a b"},
    {"sinterstore d nokey a", ":0", "keymiss:nokey del:d", "DEL d"},
    {"sinterstore d nokey a", ":0", "keymiss:nokey"},
    {"set str x", "+OK", "new:str set:str", "set str x"},
    {"sadd str x", WRONGTYPE},
    {"srem str x", WRONGTYPE},
    {"smove str a x", WRONGTYPE},
    {"smove a str 1", WRONGTYPE},
    {"smove nokey str 1", ":0"},
    {"sinter nokey str", WRONGTYPE, "keymiss:nokey"},
    {"spop str", WRONGTYPE},
    {"srandmember str", WRONGTYPE},
    {"smembers str", WRONGTYPE},
    {"get a", WRONGTYPE},
    {"sunionstore str b", ":3", "sunionstore:str", "sunionstore str b"},
    {"spop nokey", "$-1"},
    {"spop nokey 3", "*0"},
    {"spop b -1", "-ERR value is out of range, must be positive"},
    {"spop b x", "-ERR value is out of range, must be positive"},
    {"spop b 1 2", "-ERR syntax error"},
    {"spop b 0", "*0"},
    {"spop b 3", "*3 $1 2 $1 3 $1 4", "spop:b del:b", "DEL b"},
    {"sadd b x", ":1", "new:b sadd:b", "sadd b x"},
    {"srandmember b", "$1 x"},
    {"srandmember b 5", "*1 $1 x"},
    {"srandmember b -2", "*2 $1 x $1 x"},
    {"srandmember b 0", "*0"},
    {"srandmember b 1 2", "-ERR syntax error"},
    {"srandmember b x", "-ERR value is not an integer or out of range"},
    {"srandmember b -9223372036854775807", "-ERR value is out of range"},
    {"srandmember nokey", "$-1", "keymiss:nokey"},
    {"srandmember nokey 2", "*0", "keymiss:nokey"},
    {"spop b", "$1 x", "spop:b del:b", "SREM b x"},
    {"~3"},
    {"smembers a", "~4 $1 1 $1 2 $1 3 $1 4"},
    {"sinter a a", "~4 $1 1 $1 2 $1 3 $1 4"},
    {"sdiff a a", "~0"},
    {"spop a 4", "~4 $1 1 $1 2 $1 3 $1 4", "spop:a del:a", "DEL a"},
    {"srandmember str 3", "*3 $1 2 $1 3 $1 4"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

/* Of ten members each is drawn about as often, however they are drawn and kept. Each ends in a digit of its own. */
static void expect_even(struct cmd_test *t, const char *line, unsigned draws)
{
    unsigned counts[10] = {0}, drawn = 0;
    while (drawn < draws) {
        /* "*2 $2 m1 $2 m7": a member is behind each length */
        for (const char *p = strchr(cmd_test_run(t, line), '$'); p; p = strchr(p, '$')) {
            p = strchr(p, ' ') + 1;
            p += strcspn(p, " ");
            counts[p[-1] - '0']++;
            drawn++;
        }
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(counts[i], drawn / 10 * 8 / 10, drawn / 10 * 12 / 10);
}

static void test_random(void **state)
{
    (void)state;
    static const char *const forms[] = {"sadd s 0 1 2 3 4 5 6 7 8 9",
                                        "sadd s m0 m1 m2 m3 m4 m5 m6 m7 m8 m9"};
    for (int form = 0; form < 3; form++) {
        struct cmd_test t;
        cmd_test_init(&t, 1);
        cmd_test_run(&t, forms[form > 0]);
        if (form == 2) { /* a tree */
            char line[64];
            for (int i = 0; i < 300; i++) {
                snprintf(line, sizeof(line), "sadd s other%d", i);
                cmd_test_run(&t, line);
            }
            for (int i = 0; i < 300; i++) {
                snprintf(line, sizeof(line), "srem s other%d", i);
                cmd_test_run(&t, line);
            }
        }
        expect_even(&t, "srandmember s", 4000);
        expect_even(&t, "srandmember s 1", 4000);
        expect_even(&t, "srandmember s 2", 4000);
        expect_even(&t, "srandmember s 7", 4000);
        expect_even(&t, "srandmember s -3", 4000);
        cmd_test_deinit(&t);
    }
}

/* A part that is popped is told in commands of limited length, and is no more there. */
static void test_pop_many(void **state)
{
    (void)state;
    struct cmd_test t;
    char line[64];
    cmd_test_init(&t, 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "sadd s m%d", i);
        cmd_test_run(&t, line);
    }
    const char *reply = cmd_test_run(&t, "spop s 700");
    assert_memory_equal(reply, "*700 $", 6);
    assert_string_equal(buf_cstr(&t.events), "spop:s");
    unsigned commands = 0;
    for (const char *p = buf_cstr(&t.effects); (p = strstr(p, "SREM s m")); p++)
        commands++;
    assert_int_equal(commands, 6);
    assert_string_equal(cmd_test_run(&t, "scard s"), ":300");
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases), cmocka_unit_test(test_random),
                                       cmocka_unit_test(test_pop_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
