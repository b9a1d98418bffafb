#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"object encoding nokey", "$-1"},
    {"object freq nokey", "$-1"},
    {"object idletime nokey", "$-1"},
    {"object refcount nokey", "$-1"},
    {"set n 5", "+OK", "new:n set:n", "set n 5"},
    {"object encoding n", "$3 int"},
    {"object refcount n", ":2147483647"},
    {"object freq n",
     "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."},
    {"incrbyfloat n 1", "$1 6", "incrbyfloat:n", "SET n 6 KEEPTTL"},
    {"object encoding n", "$6 embstr"},
    {"object refcount n", ":1"},
    {"incr n", ":7", "incrby:n", "incr n"},
    {"object encoding n", "$3 int"},
    {"set s abc", "+OK", "new:s set:s", "set s abc"},
    {"object refcount s", ":1"},
    {"set n 0", "+OK", "set:n", "set n 0"},
    {"object refcount n", ":2147483647"},
    {"set n 9999", "+OK", "set:n", "set n 9999"},
    {"object refcount n", ":2147483647"},
    {"set n 10000", "+OK", "set:n", "set n 10000"},
    {"object refcount n", ":1"},
    {"set n -1", "+OK", "set:n", "set n -1"},
    {"object refcount n", ":1"},
    {"object encoding s", "$6 embstr"},
    {"set s 12345678901234567890123456789012345678901234", "+OK", "set:s",
     "set s 12345678901234567890123456789012345678901234"},
    {"object encoding s", "$6 embstr"},
    {"set s 123456789012345678901234567890123456789012345", "+OK", "set:s",
     "set s 123456789012345678901234567890123456789012345"},
    {"object encoding s", "$3 raw"},
    {"set s a", "+OK", "set:s", "set s a"},
    {"append s b", ":2", "append:s", "append s b"},
    {"object encoding s", "$3 raw"},
    {"set s 9223372036854775808", "+OK", "set:s", "set s 9223372036854775808"},
    {"object encoding s", "$6 embstr"},
    {"object encoding", "-ERR wrong number of arguments for 'object|encoding' command"},
    {"object encoding a b", "-ERR wrong number of arguments for 'object|encoding' command"},
    {"object help x", "-ERR wrong number of arguments for 'object|help' command"},
    {"object", "-ERR wrong number of arguments for 'object' command"},
    {"~3"},
    {"object encoding nokey", "_"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
