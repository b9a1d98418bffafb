/* SORT and SORT_RO: replies, what is stored, and errors. */
#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"rpush l 3 1 20", ":3", "new:l rpush:l", "rpush l 3 1 20"},
    {"sort l", "*3 $1 1 $1 3 $2 20"},
    {"sort l desc", "*3 $2 20 $1 3 $1 1"},
    {"sort l desc asc", "*3 $1 1 $1 3 $2 20"},
    {"sort l alpha", "*3 $1 1 $2 20 $1 3"},
    {"sort_ro l alpha desc", "*3 $1 3 $2 20 $1 1"},
    {"sort l limit 1 1", "*1 $1 3"},
    {"sort l limit -5 2", "*2 $1 1 $1 3"},
    {"sort l limit 1 -1", "*2 $1 3 $2 20"},
    {"sort l limit 3 1", "*0"},
    {"sort l limit 9223372036854775807 9223372036854775807", "*0"},
    {"sort l limit 0 0", "*0"},
    {"sort l by nosort", "*3 $1 3 $1 1 $2 20"},
    {"sort l by nosort desc", "*3 $2 20 $1 1 $1 3"},
    {"sort l by nosort desc limit 1 5", "*2 $1 1 $1 3"},
    {"sort l by \"\"", "*3 $1 3 $1 1 $2 20"},
    {"sort nokey", "*0", "keymiss:nokey"},
    {"mset e:1 \"\" e:3 a", "+OK", "new:e:1 set:e:1 new:e:3 set:e:3", "mset e:1  e:3 a"},
    {"sort l alpha by e:*", "*3 $2 20 $1 1 $1 3", "keymiss:e:20"},
    {"mset w:1 30 w:3 20 w:20 10", "+OK", "new:w:1 set:w:1 new:w:3 set:w:3 new:w:20 set:w:20",
     "mset w:1 30 w:3 20 w:20 10"},
    {"sort l by w:*", "*3 $2 20 $1 3 $1 1"},
    {"sort l by w:* get # get w:* get nostar", "*9 $2 20 $2 10 $-1 $1 3 $2 20 $-1 $1 1 $2 30 $-1"},
    {"hset h:1 f a", ":1", "new:h:1 hset:h:1", "hset h:1 f a"},
    {"hset h:3 f b", ":1", "new:h:3 hset:h:3", "hset h:3 f b"},
    {"hset h:20 f c g 5", ":2", "new:h:20 hset:h:20", "hset h:20 f c g 5"},
    {"sort l alpha desc by h:*->f get h:*->g", "*3 $1 5 $-1 $-1"},
    {"sort l alpha get h:*->", "*3 $-1 $-1 $-1", "keymiss:h:1-> keymiss:h:20-> keymiss:h:3->"},
    {"sort l get w:* store d", ":3", "new:d sortstore:d", "RPUSH d 30 20 10"},
    {"sort l store l", ":3", "sortstore:l", "DEL l; RPUSH l 1 3 20"},
    {"sort l limit 5 5 store d", ":0", "del:d", "DEL d"},
    {"sort nokey store d", ":0", "keymiss:nokey"},
    {"sadd s b a c", ":3", "new:s sadd:s", "sadd s b a c"},
    {"sort s", "-ERR One or more scores can't be converted into double"},
    {"sort s alpha", "*3 $1 a $1 b $1 c"},
    {"sort s by nosort get # store d", ":3", "new:d sortstore:d", "RPUSH d a b c"},
    {"zadd z 3 x 1 y 2 z", ":3", "new:z zadd:z", "zadd z 3 x 1 y 2 z"},
    {"sort z alpha", "*3 $1 x $1 y $1 z"},
    {"sort z by nosort", "*3 $1 y $1 z $1 x"},
    {"sort z by nosort desc limit 0 2", "*2 $1 x $1 z"},
    {"sort w:1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    {"sort h:1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
    {"sort", "-ERR wrong number of arguments for 'sort' command"},
    {"sort l foo", "-ERR syntax error"},
    {"sort l limit 1", "-ERR syntax error"},
    {"sort l limit a 1", "-ERR value is not an integer or out of range"},
    {"sort l by", "-ERR syntax error"},
    {"sort l get", "-ERR syntax error"},
    {"sort l store", "-ERR syntax error"},
    {"sort_ro l store d", "-ERR syntax error"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

/* A long result goes into the log in several commands. */
static void test_many_stored(void **state)
{
    (void)state;
    struct cmd_test t, again;
    struct buf left, right;
    char line[64];
    cmd_test_init(&t, 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "sadd s %d", i);
        cmd_test_run(&t, line);
    }
    assert_string_equal(cmd_test_run(&t, "sort s desc store l"), ":1000");
    assert_string_equal(cmd_test_run(&t, "lindex l 0"), "$3 999");
    assert_string_equal(cmd_test_run(&t, "lindex l -1"), "$1 0");
    cmd_test_init(&again, 1);
    cmd_test_replay(&t, &again);
    buf_init(&left);
    buf_init(&right);
    cmd_test_dump(&t, &left);
    cmd_test_dump(&again, &right);
    assert_string_equal(buf_cstr(&left), buf_cstr(&right));
    buf_deinit(&left);
    buf_deinit(&right);
    cmd_test_deinit(&t);
    cmd_test_deinit(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_many_stored)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
