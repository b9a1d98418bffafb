#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"set k v", "+OK", "new:k set:k", "set k v"},
    {"get k", "$1 v"},
    {"set k 12", "+OK", "set:k", "set k 12"},
    {"get k", "$2 12"},
    {"get nokey", "$-1", "keymiss:nokey"},
    {"~3"},
    {"get nokey", "_", "keymiss:nokey"},
    {"~2"},
    {"set k v2 nx", "$-1"},
    {"set k2 v nx", "+OK", "new:k2 set:k2", "SET k2 v"},
    {"set k v2 xx", "+OK", "set:k", "SET k v2"},
    {"set nokey v xx", "$-1"},
    {"set k v3 get", "$2 v2", "set:k", "SET k v3"},
    {"set n v3 get", "$-1", "keymiss:n new:n set:n", "SET n v3"},
    {"set k v4 nx get", "$2 v3"},
    {"set n2 v nx get", "$-1", "keymiss:n2 new:n2 set:n2", "SET n2 v"},
    {"set nokey v xx get", "$-1", "keymiss:nokey"},
    {"set k v xx get", "$2 v3", "set:k", "SET k v"},
    {"set k v nx xx", "-ERR syntax error"},
    {"set k v foo", "-ERR syntax error"},
    {"set k v ex", "-ERR syntax error"},
    {"set k v ex a", "-ERR value is not an integer or out of range"},
    {"set k v ex 0", "-ERR invalid expire time in 'set' command"},
    {"set k v px -1", "-ERR invalid expire time in 'set' command"},
    {"set k v ex 9223372036854775807", "-ERR invalid expire time in 'set' command"},
    {"set k v px 9223372036854775807", "-ERR invalid expire time in 'set' command"},
    {"set k v ex 9223372036854776", "-ERR invalid expire time in 'set' command"},
    {"set k v ex 10", "+OK", "set:k expire:k", "SET k v PXAT 1700000010000"},
    {"ttl k", ":10"},
    {"set k w keepttl", "+OK", "set:k", "SET k w KEEPTTL"},
    {"ttl k", ":10"},
    {"set k x ex 10 px 10", "-ERR syntax error"},
    {"set k x ex 10 keepttl", "-ERR syntax error"},
    {"set k x keepttl ex 10", "-ERR syntax error"},
    {"set k x persist", "-ERR syntax error"},
    {"set k x pxat 4000000000000", "+OK", "set:k expire:k", "SET k x PXAT 4000000000000"},
    {"pexpiretime k", ":4000000000000"},
    {"set k x exat 4000000000", "+OK", "set:k expire:k", "SET k x PXAT 4000000000000"},
    {"pexpiretime k", ":4000000000000"},
    {"set k x px 20000 nx", "$-1"},
    {"set k x px 20000 xx", "+OK", "set:k expire:k", "SET k x PXAT 1700000020000"},
    {"pttl nokey", ":-2", "keymiss:nokey"},
    {"set k x", "+OK", "set:k", "set k x"},
    {"ttl k", ":-1"},
    {"set p x px 100", "+OK", "new:p set:p expire:p", "SET p x PXAT 1700000000100"},
    {"~wait 120"},
    {"get p", "$-1", "expired:p keymiss:p", "DEL p"},
    {"set p x px 100", "+OK", "new:p set:p expire:p", "SET p x PXAT 1700000000220"},
    {"~wait 120"},
    {"set p y get", "$-1", "expired:p keymiss:p new:p set:p", "DEL p; SET p y"},
    {"set k x pxat 9223372036854775807", "+OK", "set:k expire:k",
     "SET k x PXAT 9223372036854775807"},
    {"setnx k a", ":0"},
    {"setnx new a", ":1", "new:new set:new", "SET new a"},
    {"setex k 10 b", "+OK", "set:k expire:k", "SET k b PXAT 1700000010240"},
    {"ttl k", ":10"},
    {"setex k 0 b", "-ERR invalid expire time in 'setex' command"},
    {"setex k -1 b", "-ERR invalid expire time in 'setex' command"},
    {"setex k x b", "-ERR value is not an integer or out of range"},
    {"psetex k 1500 b", "+OK", "set:k expire:k", "SET k b PXAT 1700000001740"},
    {"ttl k", ":2"},
    {"psetex k 0 b", "-ERR invalid expire time in 'psetex' command"},
    {"set k b", "+OK", "set:k", "set k b"},
    {"getset k c", "$1 b", "set:k", "SET k c"},
    {"getset nokey1 c", "$-1", "keymiss:nokey1 new:nokey1 set:nokey1", "SET nokey1 c"},
    {"set k 1", "+OK", "set:k", "set k 1"},
    {"getset k 2", "$1 1", "set:k", "SET k 2"},
    {"getex k", "$1 2"},
    {"getex nokey", "$-1", "keymiss:nokey"},
    {"getex k ex 10", "$1 2", "expire:k", "PEXPIREAT k 1700000010240"},
    {"getex k ex 1 EX 10", "$1 2", "expire:k", "PEXPIREAT k 1700000010240"},
    {"getex k ex 1 px 10", "-ERR syntax error"},
    {"set k 2 ex 5 ex 10", "+OK", "set:k expire:k", "SET k 2 PXAT 1700000010240"},
    {"set k 2 pxat 1 pxat 1700000010240", "+OK", "set:k expire:k", "SET k 2 PXAT 1700000010240"},
    {"set k 2 ex 5 keepttl", "-ERR syntax error"},
    {"set k 2 exat 5 ex 10", "-ERR syntax error"},
    {"set k 2 xx get keepttl XX GET KEEPTTL", "$1 2", "set:k", "SET k 2 KEEPTTL"},
    {"ttl k", ":10"},
    {"getex k persist", "$1 2", "persist:k", "PERSIST k"},
    {"getex k persist", "$1 2"},
    {"ttl k", ":-1"},
    {"getex k px 20000", "$1 2", "expire:k", "PEXPIREAT k 1700000020240"},
    {"getex k pxat 4000000000000", "$1 2", "expire:k", "PEXPIREAT k 4000000000000"},
    {"pexpiretime k", ":4000000000000"},
    {"getex k exat 1", "$1 2", "del:k", "DEL k"},
    {"get k", "$-1", "keymiss:k"},
    {"set k v", "+OK", "new:k set:k", "set k v"},
    {"getex k ex 10 persist", "-ERR syntax error"},
    {"getex k ex", "-ERR syntax error"},
    {"getex k ex 0", "-ERR invalid expire time in 'getex' command"},
    {"getex nokey ex 0", "$-1", "keymiss:nokey"},
    {"getex k ex x", "-ERR value is not an integer or out of range"},
    {"getex k keepttl", "-ERR syntax error"},
    {"getex k foo", "-ERR syntax error"},
    {"getdel k", "$1 v", "del:k", "DEL k"},
    {"getdel k", "$-1", "keymiss:k"},
    {"set", "-ERR wrong number of arguments for 'set' command"},
    {"get", "-ERR wrong number of arguments for 'get' command"},
    {"get a b", "-ERR wrong number of arguments for 'get' command"},
    {"setex k 10", "-ERR wrong number of arguments for 'setex' command"},
    {"~3"},
    {"getdel nokey", "_", "keymiss:nokey"},
    {"set nokey v xx", "_"},
};

/* Of Valkey: IFEQ and DELIFEQ. */
static const struct cmd_case valkey_cases[] = {
    {"set k 10", "+OK", "new:k set:k", "set k 10"},
    {"set k v ifeq 11", "$-1"},
    {"set k v ifeq 10", "+OK", "set:k", "SET k v"},
    {"set k w ifeq v get", "$1 v", "set:k", "SET k w"},
    {"set k x ifeq v get", "$1 w"},
    {"set nokey v ifeq v", "$-1"},
    {"set nokey v ifeq v get", "$-1", "keymiss:nokey"},
    {"set k x ifeq w nx", "-ERR syntax error"},
    {"set k x nx ifeq w", "-ERR syntax error"},
    {"set k x ifeq w ifeq w", "-ERR syntax error"},
    {"set k x ifeq", "-ERR syntax error"},
    {"set k x ifeq w ex 10", "+OK", "set:k expire:k", "SET k x PXAT 1700000010000"},
    {"ttl k", ":10"},
    {"set k y ifeq x keepttl", "+OK", "set:k", "SET k y KEEPTTL"},
    {"ttl k", ":10"},
    {"delifeq k z", ":0"},
    {"delifeq k y", ":1", "del:k", "DEL k"},
    {"delifeq k y", ":0"},
    {"set k 5", "+OK", "new:k set:k", "set k 5"},
    {"delifeq k 5", ":1", "del:k", "DEL k"},
    {"delifeq k", "-ERR wrong number of arguments for 'delifeq' command"},
};

/* Of Redis 8.4: comparisons with a value or its digest. */
static const struct cmd_case digest_cases[] = {
    {"digest nokey", "$-1", "keymiss:nokey"},
    {"digest", "-ERR wrong number of arguments for 'digest' command"},
    {"set k \"Hello world\"", "+OK", "new:k set:k", "set k Hello world"},
    {"digest k", "$16 b6acb9d84a38ff74"},
    {"set k test ifdeq b6acb9d84a38ff75", "$-1"},
    {"set k test ifdne b6acb9d84a38ff74", "$-1"},
    {"set k test ifdeq B6ACB9D84A38FF74 get", "$11 Hello world", "set:k", "SET k test"},
    {"set k w ifne test", "$-1"},
    {"set k w ifne test get", "$4 test"},
    {"set k w ifne other get", "$4 test", "set:k", "SET k w"},
    {"set k 5 ifdne 9ec9f7918d7dfc40 px 100", "+OK", "set:k expire:k",
     "SET k 5 PXAT 1700000000100"},
    {"set k 6 ifdeq 9ec9f7918d7dfc40", "$-1"},
    {"set nokey v ifdeq 9ec9f7918d7dfc40", "$-1"},
    {"set nokey v ifne v", "+OK", "new:nokey set:nokey", "SET nokey v"},
    {"set other v ifdne 9ec9f7918d7dfc40 get", "$-1", "keymiss:other new:other set:other",
     "SET other v"},
    {"set k v ifdeq 9ec9f7918d7dfc4", "-ERR must be exactly 16 hexadecimal characters"},
    {"set k v ifdne 9ec9f7918d7dfc40a", "-ERR must be exactly 16 hexadecimal characters"},
    {"set k v ifdne 9ec9f7918d7dfc4g", "-ERR must be exactly 16 hexadecimal characters"},
    {"set k v ifdne 9ec9f7918d7dfc4:", "-ERR must be exactly 16 hexadecimal characters"},
    {"set k v ifne 6 ifeq 5", "-ERR syntax error"},
    {"set k v nx ifdne 9ec9f7918d7dfc40", "-ERR syntax error"},
    {"set k v ifdeq", "-ERR syntax error"},
    {"delex k ifeq 6", ":0"},
    {"delex k ifne 5", ":0"},
    {"delex k ifeq", "-ERR wrong number of arguments for 'delex' command"},
    {"delex k ifeq 5 6", "-ERR wrong number of arguments for 'delex' command"},
    {"delex k nx 5", "-ERR syntax error"},
    {"delex k ifdeq 5", "-ERR must be exactly 16 hexadecimal characters"},
    {"delex k ifdeq 9ec9f7918d7dfc40", ":0"},
    {"delex k ifdne 9ec9f7918d7dfc40", ":1", "del:k", "DEL k"},
    {"delex k ifne 7", ":0"},
    {"delex nokey ifne w", ":1", "del:nokey", "DEL nokey"},
    {"delex other", ":1", "del:other", "DEL other"},
    {"delex other", ":0"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

static void test_valkey_cases(void **state)
{
    (void)state;
    cmd_test_cases(valkey_cases, COUNT_OF(valkey_cases));
}

static void test_digest_cases(void **state)
{
    (void)state;
    cmd_test_cases(digest_cases, COUNT_OF(digest_cases));
}

#define LARGE_BYTES 100000

static struct slice large_value(char fill)
{
    static char bytes[LARGE_BYTES];
    memset(bytes, fill, sizeof(bytes));
    return slice_of(bytes, sizeof(bytes));
}

static void set(struct cmd_test *t, const char *key, struct slice value)
{
    struct slice argv[] = {SLICE("SET"), slice_from_cstr(key), value};
    assert_string_equal(cmd_test_run_words(t, 3, argv), "+OK");
}

static void assert_large_reply(struct cmd_test *t, char fill)
{
    static const char head[] = "$100000 ";
    assert_int_equal(t->reply.len, LARGE_BYTES + sizeof(head) - 1);
    assert_memory_equal(t->reply.ptr, head, sizeof(head) - 1);
    assert_memory_equal(t->reply.ptr + sizeof(head) - 1, large_value(fill).ptr, LARGE_BYTES);
}

/* Replies point at large values, which outlive what happens to the key. */
static void test_large_values(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    set(&t, "k", large_value('a'));
    cmd_test_run(&t, "get k");
    assert_large_reply(&t, 'a');
    cmd_test_run(&t, "set k small get");
    assert_large_reply(&t, 'a');
    set(&t, "k", large_value('b'));
    cmd_test_run(&t, "getrange k 0 -1");
    assert_large_reply(&t, 'b');
    cmd_test_run(&t, "getex k exat 1");
    assert_large_reply(&t, 'b');
    assert_string_equal(cmd_test_run(&t, "exists k"), ":0");
    set(&t, "k", large_value('c'));
    cmd_test_run(&t, "getdel k");
    assert_large_reply(&t, 'c');
    cmd_test_deinit(&t);
}

/* A deadline in the past is kept where a log is replayed: a later effect may take it away. */
static void test_replaying_the_past(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    t.replaying = true;
    ks_set_expiry_mode(t.ks, KS_EXPIRY_IGNORE);
    cmd_test_run(&t, "set k v pxat 1000");
    cmd_test_run(&t, "pexpireat k 2000");
    assert_string_equal(cmd_test_run(&t, "getex k pxat 3000"), "$1 v");
    cmd_test_run(&t, "persist k");
    ks_set_expiry_mode(t.ks, KS_EXPIRY_REMOVE);
    assert_string_equal(cmd_test_run(&t, "get k"), "$1 v");
    cmd_test_deinit(&t);
}

static void test_no_touch(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    cmd_test_run(&t, "set k v");
    cmd_test_move_clock(&t, 10000);
    t.no_touch = true;
    cmd_test_run(&t, "get k");
    assert_string_equal(cmd_test_run(&t, "object idletime k"), ":10");
    cmd_test_run(&t, "touch k");
    assert_string_equal(cmd_test_run(&t, "object idletime k"), ":0");
    cmd_test_move_clock(&t, 10000);
    t.no_touch = false;
    cmd_test_run(&t, "exists k");
    cmd_test_run(&t, "type k");
    cmd_test_run(&t, "ttl k");
    assert_string_equal(cmd_test_run(&t, "object idletime k"), ":10");
    cmd_test_run(&t, "get k");
    assert_string_equal(cmd_test_run(&t, "object idletime k"), ":0");
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),        cmocka_unit_test(test_valkey_cases),
        cmocka_unit_test(test_large_values), cmocka_unit_test(test_replaying_the_past),
        cmocka_unit_test(test_no_touch),     cmocka_unit_test(test_digest_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
