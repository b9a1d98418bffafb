/* Deadlines of a set's members: SEXPIRE, STTL, SADDEX and their family, and what the other commands on sets make of
 * members that are due. */
#include "unit/cmd/cmd_test.h"

#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

/* The clock stands at 1700000000000 ms. */
static const struct cmd_case cases[] = {
    {"sadd s a b c", ":3", "new:s sadd:s", "sadd s a b c"},
    {"sttl s members 2 a x", "*2 :-1 :-2"},
    {"sttl nokey members 2 a x", "*2 :-2 :-2", "keymiss:nokey"},
    {"sexpire s 10 members 2 a x", "*2 :1 :-2", "sexpire:s",
     "SPEXPIREAT s 1700000010000 MEMBERS 1 a"},
    {"spexpire s 10001 nx members 2 a b", "*2 :0 :1", "sexpire:s",
     "SPEXPIREAT s 1700000010001 MEMBERS 1 b"},
    {"sexpireat s 1700000020 xx members 3 a b c", "*3 :1 :1 :0", "sexpire:s",
     "SPEXPIREAT s 1700000020000 MEMBERS 2 a b"},
    {"spexpireat s 1700000019999 gt members 2 a c", "*2 :0 :0"},
    {"spexpireat s 1700000019999 lt members 2 a c", "*2 :1 :1", "sexpire:s",
     "SPEXPIREAT s 1700000019999 MEMBERS 2 a c"},
    {"sttl s members 3 a b x", "*3 :20 :20 :-2"},
    {"spttl s members 3 a b x", "*3 :19999 :20000 :-2"},
    {"sexpiretime s members 2 a b", "*2 :1700000020 :1700000020"},
    {"spexpiretime s members 2 a b", "*2 :1700000019999 :1700000020000"},
    {"spersist s members 3 a a x", "*3 :1 :-1 :-2", "spersist:s", "SPERSIST s MEMBERS 1 a"},
    {"sttl s members 1 a", "*1 :-1"},
    {"sexpire s 0 members 2 a x", "*2 :2 :-2", "srem:s", "SREM s a"},
    {"spexpireat s 1 members 2 b c", "*2 :2 :2", "srem:s del:s", "SREM s b c"},
    {"exists s", ":0", "keymiss:s"},
    {"sexpire nokey 10 members 1 a", "*1 :-2"},
    {"spersist nokey members 1 a", "*1 :-2"},

    {"sadd i 1 2 3", ":3", "new:i sadd:i", "sadd i 1 2 3"},
    {"object encoding i", "$6 intset"},
    {"sexpire i 10 members 1 2", "*1 :1", "sexpire:i", "SPEXPIREAT i 1700000010000 MEMBERS 1 2"},
    {"object encoding i", "$8 listpack"},
    {"smembers i", "*3 $1 1 $1 2 $1 3"},
    {"sadd i 2 4", ":1", "sadd:i", "sadd i 2 4"},
    {"sttl i members 2 2 4", "*2 :10 :-1"},

    {"saddex x ex 10 members 2 a b", ":1", "new:x sadd:x sexpire:x",
     "SADD x a b; SPEXPIREAT x 1700000010000 MEMBERS 2 a b"},
    {"saddex x mnx px 5 members 2 c b", ":0"},
    {"saddex x mxx px 5 members 2 c b", ":0"},
    {"saddex x mnx pxat 1700000000005 members 1 c", ":1", "sadd:x sexpire:x",
     "SADD x c; SPEXPIREAT x 1700000000005 MEMBERS 1 c"},
    {"saddex x mxx exat 1700000020 members 1 b", ":1", "sexpire:x",
     "SPEXPIREAT x 1700000020000 MEMBERS 1 b"},
    {"saddex x keepttl members 2 a d", ":1", "sadd:x", "SADD x a d"},
    {"saddex x keepttl members 2 a d", ":1"},
    {"sttl x members 4 a b c d", "*4 :10 :20 :1 :-1"},
    {"saddex x members 2 a e", ":1", "sadd:x spersist:x", "SADD x a e; SPERSIST x MEMBERS 2 a e"},
    {"saddex x members 1 b", ":1", "spersist:x", "SPERSIST x MEMBERS 1 b"},
    {"saddex x ex 0 members 2 b z", ":1", "sadd:x srem:x", "SREM x b"},
    {"saddex new ex 0 members 1 z", ":1", "sadd:new srem:new del:new"},
    {"exists new", ":0", "keymiss:new"},

    /* c is due from here on. */
    {"~wait 5"},
    {"scard x", ":4"},
    {"sismember x c", ":0"},
    {"smismember x a c", "*2 :1 :0"},
    {"sttl x members 1 c", "*1 :-2"},
    {"srem x c", ":0"},
    {"srandmember x 10", "*3 $1 a $1 d $1 e"},
    {"sscan x 0", "*2 $1 0 *3 $1 a $1 d $1 e"},
    {"smembers x", "*3 $1 a $1 d $1 e"},
    {"sexpire x 5 members 1 c", "*1 :-2"},
    {"saddex x mxx ex 5 members 1 c", ":0"},
    {"smove x y c", ":0"},
    {"sadd x c f", ":2", "sexpired:x sadd:x", "SREM x c; sadd x c f"},
    {"sttl x members 1 c", "*1 :-1"},
    {"spexpire x 1 members 1 f", "*1 :1", "sexpire:x", "SPEXPIREAT x 1700000000006 MEMBERS 1 f"},
    {"~wait 1"},
    {"sadd other f", ":1", "new:other sadd:other", "sadd other f"},
    {"smove other x f", ":1", "srem:other del:other sexpired:x sadd:x",
     "SREM x f; smove other x f"},
    {"spexpire x 1 members 1 f", "*1 :1", "sexpire:x", "SPEXPIREAT x 1700000000007 MEMBERS 1 f"},
    {"~wait 1"},
    {"sunionstore u x nokey", ":4", "sexpired:x keymiss:nokey new:u sunionstore:u",
     "SREM x f; sunionstore u x nokey"},
    {"saddex p px 1 members 2 a b", ":1", "new:p sadd:p sexpire:p",
     "SADD p a b; SPEXPIREAT p 1700000000008 MEMBERS 2 a b"},
    {"sadd p z", ":1", "sadd:p", "sadd p z"},
    {"~wait 1"},
    {"spop p 5", "*1 $1 z", "spop:p del:p", "DEL p"},
    {"saddex p px 1 members 2 a b", ":1", "new:p sadd:p sexpire:p",
     "SADD p a b; SPEXPIREAT p 1700000000009 MEMBERS 2 a b"},
    {"~wait 1"},
    {"spop p", "$-1"},
    {"srandmember p", "$-1"},
    {"smembers p", "*0"},
    {"sort p alpha", "*0", "sexpired:p", "SREM p a b"},

    {"sexpire u 10 members 1", "-ERR wrong number of arguments for 'sexpire' command"},
    {"sexpire u 10 members 2 a",
     "-ERR The `nummembers` parameter must match the number of arguments"},
    {"sexpire u 10 members 0 a", "-ERR Parameter `numMembers` should be greater than 0"},
    {"sexpire u 10 fields 1 a",
     "-ERR Mandatory argument MEMBERS is missing or not at the right position"},
    {"sexpire u -1 members 1 a", "-ERR invalid expire time, must be >= 0"},
    {"sexpire u x members 1 a", "-ERR value is not an integer or out of range"},
    {"sexpire u 9223372036854775807 members 1 a", "-ERR invalid expire time in 'sexpire' command"},
    {"sttl u members 0 a", "-ERR Number of members must be a positive integer"},
    {"saddex u mnx mxx members 1 a", "-ERR Only one of MXX or MNX arguments can be specified"},
    {"saddex u ex 1 keepttl members 1 a",
     "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
    {"saddex u fnx members 1 a", "-ERR unknown argument: fnx"},
    {"saddex u members x a", "-ERR invalid number of members"},
    {"saddex u ex 1 px a b",
     "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"},
    {"set str x", "+OK", "new:str set:str", "set str x"},
    {"sexpire str 10 members 1 a", WRONGTYPE},
    {"sttl str members 1 a", WRONGTYPE},
    {"spersist str members 1 a", WRONGTYPE},
    {"saddex str members 1 a", WRONGTYPE},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
