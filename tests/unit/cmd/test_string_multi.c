#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"mset a b c d", "+OK", "new:a set:a new:c set:c", "mset a b c d"},
    {"mget a c nokey", "*3 $1 b $1 d $-1", "keymiss:nokey"},
    {"mget", "-ERR wrong number of arguments for 'mget' command"},
    {"mset a", "-ERR wrong number of arguments for 'mset' command"},
    {"mset a b c", "-ERR wrong number of arguments for 'mset' command"},
    {"mset a 1 a 2", "+OK", "set:a set:a", "mset a 1 a 2"},
    {"get a", "$1 2"},
    {"mset k1 1 k2 2 k3 3 k4 4 k5 5 k6 6 k7 7 k8 8 k9 9 k10 10 k11 11 k12 12 k13 13 k14 14 k15 15 k16 16 k17 17 k18 18",
     "+OK",
     "new:k1 set:k1 new:k2 set:k2 new:k3 set:k3 new:k4 set:k4 new:k5 set:k5 new:k6 set:k6 new:k7 set:k7 new:k8 set:k8 new:k9 set:k9 new:k10 set:k10 new:k11 set:k11 new:k12 set:k12 new:k13 set:k13 new:k14 set:k14 new:k15 set:k15 new:k16 set:k16 new:k17 set:k17 new:k18 set:k18",
     "mset k1 1 k2 2 k3 3 k4 4 k5 5 k6 6 k7 7 k8 8 k9 9 k10 10 k11 11 k12 12 k13 13 k14 14 k15 15 k16 16 k17 17 k18 18"},
    {"mget k1 k2 k3 k4 k5 k6 k7 k8 k9 k10 k11 k12 k13 k14 k15 k16 k17 k18 k19",
     "*19 $1 1 $1 2 $1 3 $1 4 $1 5 $1 6 $1 7 $1 8 $1 9 $2 10 $2 11 $2 12 $2 13 $2 14 $2 15 $2 16 $2 17 $2 18 $-1",
     "keymiss:k19"},
    {"msetnx a b e f", ":0"},
    {"exists e", ":0", "keymiss:e"},
    {"msetnx g h e f", ":1", "new:g set:g new:e set:e", "msetnx g h e f"},
    {"msetnx x1 1 x1 2", ":1", "new:x1 set:x1 set:x1", "msetnx x1 1 x1 2"},
    {"get x1", "$1 2"},
    {"msetnx g", "-ERR wrong number of arguments for 'msetnx' command"},
    {"msetnx g h e", "-ERR wrong number of arguments for 'msetnx' command"},
    {"set t v ex 100", "+OK", "new:t set:t expire:t", "SET t v PXAT 1700000100000"},
    {"mset t w", "+OK", "set:t", "mset t w"},
    {"ttl t", ":-1"},
    {"msetex 1 a b", ":1", "set:a", "SET a b"},
    {"msetex 2 a b c d ex 100", ":1", "set:a expire:a set:c expire:c",
     "SET a b PXAT 1700000100000; SET c d PXAT 1700000100000"},
    {"ttl c", ":100"},
    {"msetex 2 a e c f keepttl", ":1", "set:a set:c", "SET a e KEEPTTL; SET c f KEEPTTL"},
    {"ttl c", ":100"},
    {"msetex 2 a e c f", ":1", "set:a set:c", "SET a e; SET c f"},
    {"ttl c", ":-1"},
    {"msetex 2 a b c d EX 10 KEEPTTL", "-ERR syntax error"},
    {"msetex 2 a b c d nx", ":0"},
    {"msetex 2 a b nokey d xx", ":0"},
    {"msetex 2 a b c d xx px 100000", ":1", "set:a expire:a set:c expire:c",
     "SET a b PXAT 1700000100000; SET c d PXAT 1700000100000"},
    {"msetex 2 m1 b m2 d nx exat 4000000000", ":1",
     "new:m1 set:m1 expire:m1 new:m2 set:m2 expire:m2",
     "SET m1 b PXAT 4000000000000; SET m2 d PXAT 4000000000000"},
    {"expiretime m1", ":4000000000"},
    {"msetex 0 a b", "-ERR invalid numkeys value or out of range"},
    {"msetex -1 a b", "-ERR invalid numkeys value or out of range"},
    {"msetex x a b", "-ERR invalid numkeys value or out of range"},
    {"msetex 3 a b c d", "-ERR syntax error"},
    {"msetex 1 a b c d", "-ERR syntax error"},
    {"msetex 1 a b nx xx", "-ERR syntax error"},
    {"msetex 1 a b ex", "-ERR syntax error"},
    {"msetex 1 a b ex x", "-ERR value is not an integer or out of range"},
    {"msetex 1 a b ex 0", "-ERR invalid expire time in 'msetex' command"},
    {"msetex 1 a b get", "-ERR syntax error"},
    {"msetex 1 a b persist", "-ERR syntax error"},
    {"msetex 2147483648 a b", "-ERR invalid numkeys value or out of range"},
    {"msetex 1 a", "-ERR wrong number of arguments for 'msetex' command"},
    {"msetex 1 m3 b pxat 4000000000000", ":1", "new:m3 set:m3 expire:m3",
     "SET m3 b PXAT 4000000000000"},
    {"~3"},
    {"mget a nokey", "*2 $1 b _", "keymiss:nokey"},
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
