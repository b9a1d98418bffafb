/* Sorted sets: replies, events and effects. */
#include "unit/cmd/cmd_test.h"

#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static const struct cmd_case adding[] = {
    {"zadd z 1 a 2.5 b", ":2", "new:z zadd:z", "zadd z 1 a 2.5 b"},
    {"zadd z 1 a", ":0", NULL, NULL},
    {"zadd z ch 2 a 3 c", ":2", "zadd:z", "zadd z ch 2 a 3 c"},
    {"zadd z nx 9 a 4 d", ":1", "zadd:z", "zadd z nx 9 a 4 d"},
    {"zadd z xx 9 none", ":0", NULL, NULL},
    {"zadd none xx 9 a", ":0", NULL, NULL},
    {"zadd z gt ch 1 a 5 d", ":1", "zadd:z", "zadd z gt ch 1 a 5 d"},
    {"zadd z lt ch 1 a 9 d", ":1", "zadd:z", "zadd z lt ch 1 a 9 d"},
    {"zadd z incr 0.1 a", "$3 1.1", "zincr:z", "ZADD z 1.1 a"},
    {"zadd z nx incr 1 a", "$-1", NULL, NULL},
    {"zadd none xx incr 1 a", "$-1", NULL, NULL},
    {"zadd z gt incr -1 a", "$-1", NULL, NULL},
    {"zincrby z 1.5 e", "$3 1.5", "zincr:z", "ZADD z 1.5 e"},
    {"zincrby z 0 e", "$3 1.5", NULL, NULL},
    {"zadd z inf i -inf j", ":2", "zadd:z", "zadd z inf i -inf j"},
    {"zincrby z -inf i", "-ERR resulting score is not a number (NaN)", NULL, NULL},
    {"zadd z", "-ERR wrong number of arguments for 'zadd' command", NULL, NULL},
    {"zadd z 1 a 2", "-ERR syntax error", NULL, NULL},
    {"zadd z nx xx 1 a", "-ERR XX and NX options at the same time are not compatible", NULL, NULL},
    {"zadd z gt lt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible", NULL,
     NULL},
    {"zadd z nx gt 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible", NULL,
     NULL},
    {"zadd z incr 1 a 2 b", "-ERR INCR option supports a single increment-element pair", NULL,
     NULL},
    {"zadd z 1 a x b", "-ERR value is not a valid float", NULL, NULL},
    {"zadd z nan a", "-ERR value is not a valid float", NULL, NULL},
    {"zincrby z x a", "-ERR value is not a valid float", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"zadd s 1 a", WRONGTYPE, NULL, NULL},
    {"zadd s x a", "-ERR value is not a valid float", NULL, NULL},
    {"get z", WRONGTYPE, NULL, NULL},
    {"type z", "+zset", NULL, NULL},
    {"object encoding z", "$8 listpack", NULL, NULL},
    {"zadd z 1 0123456789012345678901234567890123456789012345678901234567890123", ":1", "zadd:z",
     "zadd z 1 0123456789012345678901234567890123456789012345678901234567890123"},
    {"object encoding z", "$8 listpack", NULL, NULL},
    {"zadd z 1 01234567890123456789012345678901234567890123456789012345678901234", ":1", "zadd:z",
     "zadd z 1 01234567890123456789012345678901234567890123456789012345678901234"},
    {"object encoding z", "$8 skiplist", NULL, NULL},
    {"zremrangebyrank z 1 -1", ":8", "zremrangebyrank:z", "zremrangebyrank z 1 -1"},
    {"object encoding z", "$8 skiplist", NULL, NULL},
};

static const struct cmd_case asking[] = {
    {"zadd z 1 a 2 b 2 c 4 d", ":4", "new:z zadd:z", "zadd z 1 a 2 b 2 c 4 d"},
    {"zcard z", ":4", NULL, NULL},
    {"zcard none", ":0", "keymiss:none", NULL},
    {"zscore z b", "$1 2", NULL, NULL},
    {"zscore z x", "$-1", NULL, NULL},
    {"zscore none x", "$-1", "keymiss:none", NULL},
    {"zmscore z a x d", "*3 $1 1 $-1 $1 4", NULL, NULL},
    {"zmscore none a", "*1 $-1", "keymiss:none", NULL},
    {"zrank z c", ":2", NULL, NULL},
    {"zrevrank z c", ":1", NULL, NULL},
    {"zrank z x", "$-1", NULL, NULL},
    {"zrank z c withscore", "*2 :2 $1 2", NULL, NULL},
    {"zrank z x withscore", "*-1", NULL, NULL},
    {"zrank z c withscores", "-ERR syntax error", NULL, NULL},
    {"zrank z c withscore x", "-ERR wrong number of arguments for 'zrank' command", NULL, NULL},
    {"zcount z 2 (4", ":2", NULL, NULL},
    {"zcount z -inf +inf", ":4", NULL, NULL},
    {"zcount z 3 1", ":0", NULL, NULL},
    {"zcount z x 1", "-ERR min or max is not a float", NULL, NULL},
    {"~3", NULL, NULL, NULL},
    {"zscore z b", ",2", NULL, NULL},
    {"zscore z x", "_", NULL, NULL},
    {"zrank z c withscore", "*2 :2 ,2", NULL, NULL},
    {"zrange z 0 1 withscores", "*2 *2 $1 a ,1 *2 $1 b ,2", NULL, NULL},
    {"~2", NULL, NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"zcard s", WRONGTYPE, NULL, NULL},
    {"zrange s 0 -1", WRONGTYPE, NULL, NULL},
    {"zrank s a", WRONGTYPE, NULL, NULL},
};

static const struct cmd_case ranges[] = {
    {"zadd z 1 a 2 b 2 c 4 d", ":4", "new:z zadd:z", "zadd z 1 a 2 b 2 c 4 d"},
    {"zrange z 0 -1", "*4 $1 a $1 b $1 c $1 d", NULL, NULL},
    {"zrange z 1 2 withscores", "*4 $1 b $1 2 $1 c $1 2", NULL, NULL},
    {"zrange z -2 100 rev", "*2 $1 b $1 a", NULL, NULL},
    {"zrange z 5 9", "*0", NULL, NULL},
    {"zrange none 0 -1", "*0", "keymiss:none", NULL},
    {"zrevrange z 0 1", "*2 $1 d $1 c", NULL, NULL},
    {"zrange z (1 4 byscore", "*3 $1 b $1 c $1 d", NULL, NULL},
    {"zrange z 4 (1 byscore rev limit 1 1", "*1 $1 c", NULL, NULL},
    {"zrangebyscore z -inf +inf limit 1 2 withscores", "*4 $1 b $1 2 $1 c $1 2", NULL, NULL},
    {"zrangebyscore z -inf +inf limit 1 -1", "*3 $1 b $1 c $1 d", NULL, NULL},
    {"zrangebyscore z -inf +inf limit -1 2", "*0", NULL, NULL},
    {"zrevrangebyscore z 2 1", "*3 $1 c $1 b $1 a", NULL, NULL},
    {"zrange z 0 -1 limit 0 1",
     "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX", NULL,
     NULL},
    {"zrange z - + bylex withscores",
     "-ERR syntax error, WITHSCORES not supported in combination with BYLEX", NULL, NULL},
    {"zrange z 0 x", "-ERR value is not an integer or out of range", NULL, NULL},
    {"zrange z 0 1 what", "-ERR syntax error", NULL, NULL},
    {"zrangebyscore z 0 1 rev", "-ERR syntax error", NULL, NULL},
    {"zrangebyscore z 0 1 limit 1", "-ERR syntax error", NULL, NULL},
    {"zrangebyscore z 0 foo", "-ERR min or max is not a float", NULL, NULL},
    {"zadd l 0 a 0 b 0 c 0 d", ":4", "new:l zadd:l", "zadd l 0 a 0 b 0 c 0 d"},
    {"zadd scores 1 a 2 b 3 c 4 d", ":4", "new:scores zadd:scores", "zadd scores 1 a 2 b 3 c 4 d"},
    {"zrange scores [b [c bylex", "*2 $1 b $1 c", NULL, NULL},
    {"zrange scores (c (b bylex rev", "*0", NULL, NULL},
    {"zlexcount scores (a +", ":3", NULL, NULL},
    {"zrangestore low scores [b (d bylex", ":2", "new:low zrangestore:low",
     "zrangestore low scores [b (d bylex"},
    {"zrangebylex l [b +", "*3 $1 b $1 c $1 d", NULL, NULL},
    {"zrangebylex l - (c", "*2 $1 a $1 b", NULL, NULL},
    {"zrange l [c (a bylex rev", "*2 $1 c $1 b", NULL, NULL},
    {"zrevrangebylex l + - limit 1 2", "*2 $1 c $1 b", NULL, NULL},
    {"zrangebylex l + -", "*0", NULL, NULL},
    {"zlexcount l (a [c", ":2", NULL, NULL},
    {"zlexcount l a [c", "-ERR min or max not valid string range item", NULL, NULL},
    {"zrangestore t z 1 2", ":2", "new:t zrangestore:t", "zrangestore t z 1 2"},
    {"zrangestore t none 0 -1", ":0", "keymiss:none del:t", "DEL t"},
    {"zrangestore t none 0 -1", ":0", "keymiss:none", NULL},
    {"zrangestore t z 0 -1 withscores", "-ERR syntax error", NULL, NULL},
    {"zremrangebyscore z 2 2", ":2", "zremrangebyscore:z", "zremrangebyscore z 2 2"},
    {"zremrangebyscore z 2 2", ":0", NULL, NULL},
    {"zremrangebylex l (a (d", ":2", "zremrangebylex:l", "zremrangebylex l (a (d"},
    {"zremrangebyrank l 0 -1", ":2", "zremrangebyrank:l del:l", "zremrangebyrank l 0 -1"},
    {"zremrangebyrank none 0 -1", ":0", NULL, NULL},
};

static const struct cmd_case removing[] = {
    {"zadd z 1 a 2 b 3 c 4 d 5 e", ":5", "new:z zadd:z", "zadd z 1 a 2 b 3 c 4 d 5 e"},
    {"zrem z x", ":0", NULL, NULL},
    {"zrem z a x", ":1", "zrem:z", "zrem z a x"},
    {"zpopmin z", "*2 $1 b $1 2", "zpopmin:z", "ZREM z b"},
    {"zpopmax z 2", "*4 $1 e $1 5 $1 d $1 4", "zpopmax:z", "ZREMRANGEBYRANK z -2 -1"},
    {"zpopmin z 0", "*0", NULL, NULL},
    {"zpopmin z -1", "-ERR value is out of range, must be positive", NULL, NULL},
    {"zpopmin z x", "-ERR value is out of range, must be positive", NULL, NULL},
    {"zpopmin z 1 2", "-ERR syntax error", NULL, NULL},
    {"zpopmin z 9", "*2 $1 c $1 3", "zpopmin:z del:z", "ZREM z c"},
    {"zpopmin z", "*0", NULL, NULL},
    {"zadd z 1 a 2 b", ":2", "new:z zadd:z", "zadd z 1 a 2 b"},
    {"zmpop 2 none z max count 5", "*2 $1 z *2 *2 $1 b $1 2 *2 $1 a $1 1", "zpopmax:z del:z",
     "ZREMRANGEBYRANK z -2 -1"},
    {"zmpop 1 z min", "*-1", NULL, NULL},
    {"zmpop 0 z min", "-ERR numkeys should be greater than 0", NULL, NULL},
    {"zmpop 1 z up", "-ERR syntax error", NULL, NULL},
    {"zmpop 2 z min", "-ERR syntax error", NULL, NULL},
    {"zmpop 1 z min count 0", "-ERR count should be greater than 0", NULL, NULL},
    {"zmpop 1 z min count 1 count 1", "-ERR syntax error", NULL, NULL},
    {"~3", NULL, NULL, NULL},
    {"zadd z 1 a 2 b", ":2", "new:z zadd:z", "zadd z 1 a 2 b"},
    {"zpopmin z", "*2 $1 a ,1", "zpopmin:z", "ZREM z a"},
    {"zpopmin z 1", "*1 *2 $1 b ,2", "zpopmin:z del:z", "ZREM z b"},
    {"zmpop 1 z min", "_", NULL, NULL},
    {"~2", NULL, NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"zpopmin s", WRONGTYPE, NULL, NULL},
    {"zmpop 2 none s min", WRONGTYPE, NULL, NULL},
    {"zrem s a", WRONGTYPE, NULL, NULL},
    {"zadd z 1 a", ":1", "new:z zadd:z", "zadd z 1 a"},
    {"zrem z a", ":1", "zrem:z del:z", "zrem z a"},
    {"exists z", ":0", "keymiss:z", NULL},
};

static const struct cmd_case combining[] = {
    {"zadd a 1 x 2 y", ":2", "new:a zadd:a", "zadd a 1 x 2 y"},
    {"zadd b 10 y 20 z", ":2", "new:b zadd:b", "zadd b 10 y 20 z"},
    {"zunion 2 a b withscores", "*6 $1 x $1 1 $1 y $2 12 $1 z $2 20", NULL, NULL},
    {"zunion 2 a b weights 2 0.5 aggregate max withscores", "*6 $1 x $1 2 $1 y $1 5 $1 z $2 10",
     NULL, NULL},
    {"zinter 2 a b", "*1 $1 y", NULL, NULL},
    {"zinter 3 a b none", "*0", "keymiss:none", NULL},
    {"zdiff 2 a b withscores", "*2 $1 x $1 1", NULL, NULL},
    {"zintercard 2 a b", ":1", NULL, NULL},
    {"zintercard 2 a a limit 1", ":1", NULL, NULL},
    {"zintercard 2 a b limit -1", "-ERR LIMIT can't be negative", NULL, NULL},
    {"zunionstore c 2 a b", ":3", "new:c zunionstore:c", "zunionstore c 2 a b"},
    {"zinterstore c 2 a b aggregate min", ":1", "zinterstore:c",
     "zinterstore c 2 a b aggregate min"},
    {"zscore c y", "$1 2", NULL, NULL},
    {"zdiffstore c 2 a a", ":0", "del:c", "DEL c"},
    {"zdiff 2 a b weights 1 2", "-ERR syntax error", NULL, NULL},
    {"zadd zero 0 m", ":1", "new:zero zadd:zero", "zadd zero 0 m"},
    {"zunion 1 zero weights -1 withscores", "*2 $1 m $2 -0", NULL, NULL},
    {"zunionstore zero 1 zero weights -1", ":1", "zunionstore:zero",
     "zunionstore zero 1 zero weights -1"},
    {"zscore zero m", "$1 0", NULL, NULL},
    {"del zero", ":1", "del:zero", "del zero"},
    {"zunion 0 a", "-ERR at least 1 input key is needed for 'zunion' command", NULL, NULL},
    {"zunion 3 a b", "-ERR syntax error", NULL, NULL},
    {"zunion 2 a b weights 1", "-ERR syntax error", NULL, NULL},
    {"zunion 2 a b weights 1 x", "-ERR weight value is not a float", NULL, NULL},
    {"zunion 2 a b aggregate most", "-ERR syntax error", NULL, NULL},
    {"zunionstore c 2 a b withscores", "-ERR syntax error", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"zunion 2 a s", WRONGTYPE, NULL, NULL},
    {"zadd i inf x", ":1", "new:i zadd:i", "zadd i inf x"},
    {"zunion 1 i weights 0 withscores", "*2 $1 x $1 0", NULL, NULL},
    {"zadd j -inf x", ":1", "new:j zadd:j", "zadd j -inf x"},
    {"zunion 2 i j withscores", "*2 $1 x $1 0", NULL, NULL},
};

static const struct cmd_case drawing[] = {
    {"zadd z 1 a", ":1", "new:z zadd:z", "zadd z 1 a"},
    {"zrandmember z", "$1 a", NULL, NULL},
    {"zrandmember none", "$-1", "keymiss:none", NULL},
    {"zrandmember none 3", "*0", "keymiss:none", NULL},
    {"zrandmember z 5 withscores", "*2 $1 a $1 1", NULL, NULL},
    {"zrandmember z -3", "*3 $1 a $1 a $1 a", NULL, NULL},
    {"zrandmember z 0", "*0", NULL, NULL},
    {"zrandmember z x", "-ERR value is not an integer or out of range", NULL, NULL},
    {"zrandmember z 1 what", "-ERR syntax error", NULL, NULL},
    {"zrandmember z -9223372036854775807 withscores", "-ERR value is out of range", NULL, NULL},
    {"zscan z 0", "*2 $1 0 *2 $1 a $1 1", NULL, NULL},
    {"zscan z 0 match b*", "*2 $1 0 *0", NULL, NULL},
    {"zscan none 0", "*2 $1 0 *0", "keymiss:none", NULL},
    {"zscan z x", "-ERR invalid cursor", NULL, NULL},
    {"~3", NULL, NULL, NULL},
    {"zrandmember z 1 withscores", "*1 *2 $1 a ,1", NULL, NULL},
    {"zscan z 0", "*2 $1 0 *2 $1 a $1 1", NULL, NULL},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(adding, COUNT_OF(adding));
    cmd_test_cases(asking, COUNT_OF(asking));
    cmd_test_cases(ranges, COUNT_OF(ranges));
    cmd_test_cases(removing, COUNT_OF(removing));
    cmd_test_cases(combining, COUNT_OF(combining));
    cmd_test_cases(drawing, COUNT_OF(drawing));
}

/* A scan gives every member of a large one, whatever scores are equal. */
static void test_scan_gives_all(void **state)
{
    (void)state;
    struct cmd_test t;
    char line[64];
    cmd_test_init(&t, 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(line, sizeof(line), "zadd z %d.5 m%d", i % 3 ? i / 4 - 100 : 7, i);
        cmd_test_run(&t, line);
    }
    long long cursor = 0, members = 0, steps = 0;
    do {
        snprintf(line, sizeof(line), "zscan z %lld count 10", cursor);
        cmd_test_run(&t, line);
        const char *reply = buf_cstr(&t.reply);
        long long len, n;
        assert_int_equal(sscanf(reply, "*2 $%lld %lld *%lld", &len, &cursor, &n), 3);
        members += n / 2;
        steps++;
    } while (cursor != 0);
    assert_int_equal(members, 1000);
    assert_in_range(steps, 20, 100);
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_scan_gives_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
