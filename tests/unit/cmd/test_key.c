#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"mset a 1 b 2 c 3", "+OK", "new:a set:a new:b set:b new:c set:c", "mset a 1 b 2 c 3"},
    {"exists a", ":1"},
    {"exists a a nokey b", ":3", "keymiss:nokey"},
    {"touch a b nokey", ":2", "keymiss:nokey"},
    {"type a", "+string"},
    {"type nokey", "+none", "keymiss:nokey"},
    {"del a nokey", ":1", "del:a", "del a nokey"},
    {"del a nokey", ":0"},
    {"unlink b c", ":2", "del:b del:c", "unlink b c"},
    {"unlink b", ":0"},
    {"mset a 1 b 2", "+OK", "new:a set:a new:b set:b", "mset a 1 b 2"},
    {"del a a b", ":2", "del:a del:b", "del a a b"},
    {"set p x px 100", "+OK", "new:p set:p expire:p", "SET p x PXAT 1700000000100"},
    {"~wait 120"},
    {"del p", ":0", "expired:p", "DEL p"},
    {"set p x px 100", "+OK", "new:p set:p expire:p", "SET p x PXAT 1700000000220"},
    {"~wait 120"},
    {"exists p", ":0", "expired:p keymiss:p", "DEL p"},
    {"set p x px 100", "+OK", "new:p set:p expire:p", "SET p x PXAT 1700000000340"},
    {"~wait 120"},
    {"type p", "+none", "expired:p keymiss:p", "DEL p"},
    {"del", "-ERR wrong number of arguments for 'del' command"},
    {"exists", "-ERR wrong number of arguments for 'exists' command"},
    {"touch", "-ERR wrong number of arguments for 'touch' command"},
    {"unlink", "-ERR wrong number of arguments for 'unlink' command"},
    {"type", "-ERR wrong number of arguments for 'type' command"},
    {"type a b", "-ERR wrong number of arguments for 'type' command"},
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
