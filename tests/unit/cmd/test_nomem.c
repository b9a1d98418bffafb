/* Memory that is refused, at each allocation of each command: -OOM, nothing changed, and nobody heard of anything. */
#include <stdlib.h>

#include "base/mem.h"
#include "unit/cmd/cmd_test.h"

#define FAILURES_MAX 10000
/* Of more allocations than this in one request, not each fails: the many are alike. */
#define FAILURES_ALL 60

/* Each on a keyspace where "s" is short, "n" a number, "l" long, "x" has a deadline, and the others are not there. */
static const char *const requests[] = {
    "set s value",
    "set new value px 100",
    "set l 1 keepttl",
    "set new %long",
    "set s %long get",
    "set l %long xx get",
    "setnx new %long",
    "setex s 10 %long",
    "psetex l 10 %long",
    "getset l %long",
    "get l",
    "getdel l",
    "getex l ex 10",
    "getex x persist",
    "delifeq s short",
    "delex l ifne short",
    "digest l",
    "set l 1 ifdne 9555e8555c62dcfd",
    "mget s l n new",
    "mset s 1 new 2",
    "mset new 1 l 2 s %long other 3",
    "mset l %long l 1 l %long",
    "msetnx new %long other 1",
    "msetnx a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8 i 9 j 0 k 1 m 2 o 3 p 4 q 5 r 6 t 7",
    "msetex 2 s %long new %long px 100",
    "msetex 1 s 1 nx",
    "append s %long",
    "append l more",
    "append new %long",
    "strlen l",
    "getrange l 0 -1",
    "getrange l 5 -5",
    "substr l 0 100",
    "setrange s 5000 x",
    "setrange l 9000 x",
    "setrange new 3000 x",
    "incr n",
    "incr new",
    "decr s",
    "incrby x 5",
    "decrby n 5",
    "incrbyfloat n 1.5",
    "incrbyfloat new 1e10",
    "lcs l s",
    "lcs l l len",
    "lcs s l idx",
    "lpush new a",
    "lpush new a %long b",
    "lpush small %long 5",
    "lpush many a",
    "rpush small %long",
    "rpush many a b %long c",
    "rpush held a b %long c",
    "rpush held 5",
    "lpushx small a b",
    "rpushx many %long",
    "lpop small",
    "lpop one",
    "lpop many",
    "lpop held 100",
    "lpop held",
    "rpop small 2",
    "rpop held 590",
    "llen many",
    "lindex many 300",
    "lindex held -1",
    "lrange small 0 -1",
    "lrange many 0 -1",
    "lset small 1 %long",
    "lset many 300 other",
    "lset held 3 %long",
    "linsert small before b %long",
    "linsert held after element:300 x",
    "ltrim small 1 2",
    "ltrim many 5 -5",
    "ltrim held 200 210",
    "ltrim held 9 3",
    "lrem small 0 b",
    "lrem many 0 element:7",
    "lrem held 0 twice",
    "lpos many element:77",
    "lpos held twice count 0",
    "lmpop 2 new held left count 50",
    "lmpop 1 small right",
    "lmove small one left right",
    "lmove one held left left",
    "lmove held new right left",
    "lmove held held right left",
    "lmove small small right left",
    "rpoplpush many held",
    "lmovem held small left left count 40 bulk",
    "lmovem held held right left exactly 300 obo",
    "lmovem many held right right count 1000 obo",
    "lmovem small many left left count 2 obo",
    "blpop new held 0.01",
    "brpop many 0.01",
    "blmpop 0.01 2 new held left count 50",
    "blmove held small left right 0.01",
    "brpoplpush many held 0.01",
    "blmovem held small left left 0.01 count 40 bulk",
    "copy many new",
    "sadd new a",
    "sadd new a b 1 2",
    "sadd ints 1 70000 5000000000 a",
    "sadd ints %long",
    "sadd ints 5",
    "sadd pack 5 %long b",
    "sadd tree new %long other 5",
    "sadd s a",
    "srem ints 3",
    "srem pack b",
    "srem tree %long",
    "spop ints",
    "spop tree",
    "spop tree 100",
    "spop tree 5000",
    "srandmember tree 10",
    "srandmember tree -10",
    "smove ints pack 3",
    "smove tree new 7",
    "smove pack tree b",
    "scard tree",
    "sismember tree 5",
    "smismember tree 5 x",
    "smembers tree",
    "sscan tree 0",
    "sscan tree 0 match 1*",
    "sinter tree ints",
    "sinterstore new tree ints",
    "sintercard 2 tree ints",
    "sunion tree ints pack",
    "sunion tree ints pack ints pack tree",
    "sunionstore new tree pack",
    "sunionstore l tree pack",
    "sunioncard 2 tree ints",
    "sunioncard 6 tree ints pack ints pack tree",
    "sdiff tree ints",
    "sdiffstore tree ints pack",
    "sdiffcard 2 tree ints",
    "copy tree new",
    "zadd znew 1 a",
    "zadd znew 1 a 2 %long 3 b",
    "zadd zsmall 1 d 9 a 2.5 b",
    "zadd zsmall 1 a 2 %long 0.1 c",
    "zadd zmany 7 new 8 element:5 9 %long",
    "zadd zheld 7 new 8 element:5 9 %long 1 element:5",
    "zadd zheld incr 3.5 element:77",
    "zincrby zheld 1000 element:3",
    "zincrby zsmall 1 new",
    "zrem zsmall a nothing b",
    "zrem zmany element:9 element:9 element:10",
    "zrem zheld element:1 element:2 element:400",
    "zscore zheld element:5",
    "zrange zheld 0 -1 withscores",
    "zpopmin zsmall",
    "zpopmax zheld",
    "zpopmin zheld 100",
    "zmpop 2 znew zheld max count 250",
    "bzpopmin znew zheld 0.01",
    "bzpopmax zheld 0.01",
    "bzmpop 0.01 2 znew zheld max count 250",
    "zremrangebyrank zheld 100 300",
    "zremrangebyrank zheld 0 -1",
    "zremrangebyscore zmany (10 20",
    "zrangestore znew zheld 0 -1",
    "zrangestore zsmall zheld 5 10",
    "zrangestore zsmall zheld 500 1000",
    "zunionstore znew 2 zheld zsmall",
    "zunion 2 zheld zsmall withscores",
    "zinterstore zsmall 2 zheld zmany",
    "zdiff 2 zheld zsmall",
    "zintercard 2 zheld zmany",
    "zcard zheld",
    "zcount zheld 1 50",
    "zlexcount zsmall - +",
    "zmscore zheld element:1 element:2",
    "zrank zheld element:9",
    "zrevrank zheld element:9 withscore",
    "zrangebyscore zheld 1 50",
    "zrevrangebyscore zheld 50 1",
    "zrangebylex zsmall - +",
    "zrevrangebylex zsmall + -",
    "zrevrange zheld 0 9",
    "zremrangebylex zsmall - (c",
    "zinter 2 zheld zmany",
    "zdiffstore znew 2 zheld zsmall",
    "zrandmember zheld 50",
    "zscan zheld 0",
    "copy zheld znew",
    "sadd ints 5 6 70000 b",
    "sadd pack 5 b d %long 6",
    "sadd tree a b c d e f g %long other",
    "sadd held-set a b c 5 6 7 %long other",
    "srem ints 1 3 9",
    "srem pack a c 4",
    "srem tree 5 6 7 8 9 10 %long",
    "srem held-set 5 6 7 8 9 10 %long",
    "srem sdues a 1",
    "smove sdues held-set a",
    "smove held-set sdues 5",
    "sadd sdues a b %long",
    "spop sdues",
    "spop held-set 5",
    "sexpire ints 10 members 2 1 9",
    "spexpire pack 1000 members 3 a b x",
    "sexpireat tree 5000000000 members 4 %long 1 2 3",
    "spexpireat held-set 5000000000000 members 4 %long 1 2 3",
    "spexpireat sdues 1 members 2 a b",
    "spersist sdues members 2 a b",
    "sttl sdues members 1 a",
    "spttl sdues members 1 a",
    "sexpiretime sdues members 1 a",
    "spexpiretime sdues members 1 a",
    "saddex new ex 10 members 3 a 1 %long",
    "saddex ints ex 10 members 3 1 2 7",
    "saddex sdues members 4 a b c d",
    "saddex held-set px 1000 members 4 %long 1 2 z",
    "saddex sdues px 0 members 2 a x",
    "sunionstore new sdues held-set",
    "copy sdues new",
    "sort ints desc",
    "sort tree alpha by new* get # get s store new",
    "sort tree by nosort get # store s",
    "sort_ro pack alpha",
    "del s l x new",
    "unlink l",
    "exists s l",
    "touch l new",
    "type l",
    "rename l s",
    "rename s new",
    "renamenx l new",
    "copy l s replace",
    "copy x new",
    "copy l new db 3",
    "move l 3",
    "move x 1",
    "expire s 100",
    "expire x 100",
    "pexpire l 100",
    "expireat s 4000000000",
    "pexpireat s 4000000000000",
    "persist x",
    "ttl x",
    "pttl x",
    "expiretime x",
    "pexpiretime x",
    "dbsize",
    "hset new f v",
    "hset hash f %long",
    "hset hash %long v",
    "hset hash a 2",
    "hset dues a 2",
    "hset big f1 %long",
    "hset big new v",
    "hset s f v",
    "hmset new f v",
    "hsetnx new f v",
    "hsetnx big new %long",
    "hdel hash a",
    "hdel big %long",
    "hdel big f1",
    "hincrby hash a 5",
    "hincrby big n 5",
    "hincrbyfloat dues b 1.5",
    "hincrbyfloat new n 1.5",
    "hget big %long",
    "hmget big f1 f2 x",
    "hlen big",
    "hexists big f1",
    "hstrlen hash a",
    "hgetall hash",
    "hgetall big",
    "hkeys big",
    "hvals big",
    "hscan big 0 count 1000",
    "hrandfield big 10 withvalues",
    "hrandfield big -10",
    "hrandfield hash",
    "hexpire hash 10 fields 1 a",
    "hpexpire big 1000 fields 1 %long",
    "hexpireat dues 5000000000 fields 1 a",
    "hpexpireat big 5000000000000 fields 1 f1",
    "hpexpireat hash 1 fields 1 a",
    "hpersist dues fields 1 a",
    "httl dues fields 1 a",
    "hpttl dues fields 1 a",
    "hexpiretime dues fields 1 a",
    "hpexpiretime dues fields 1 a",
    "hgetex hash px 1000 fields 1 a",
    "hgetex dues persist fields 1 a",
    "hsetex new px 1000 fields 1 a 1",
    "hsetex hash px 1000 fields 1 a %long",
    "hsetex big keepttl fields 1 f1 1",
    "hsetex dues fxx px 0 fields 1 a 1",
    "hgetdel dues fields 1 a",
    "hgetdel big fields 1 %long",
    "copy big new",
    "rename dues new",
    "hset new f v g %long h 5",
    "hset hash a %long b 2 c 3 d 4",
    "hset dues a 2 c %long b 3",
    "hset big f1 5 %long 7 new %long f3 short f4 much-longer-than-what-was-there-before",
    "hset held-hash f1 5 %long 7 new %long f3 short f4 much-longer-than-what-was-there-before",
    "hmset held-hash f1 5 f2 %long",
    "hdel hash a b nothing",
    "hdel dues a b",
    "hdel big f1 f2 f3 f4 f5 %long",
    "hdel held-hash f1 f2 f3 f4 f5 %long",
    "hexpire hash 10 fields 3 a x c",
    "hpexpireat held-hash 5000000000000 fields 4 f1 f2 f3 %long",
    "hpexpireat held-hash 1 fields 4 f1 f2 f3 %long",
    "hpersist dues fields 2 a b",
    "hgetex held-hash px 1000 fields 3 f1 x %long",
    "hsetex hash px 1000 fields 3 a %long b 2 e 5",
    "hsetex held-hash keepttl fields 3 f1 1 %long 2 g %long",
    "hsetex held-hash px 0 fields 3 f1 1 %long 2 g %long",
    "hgetdel held-hash fields 3 f1 f5 %long",
    "keys *",
    "keys [a-m]",
    "scan 0",
    "scan 0 match *l*",
    "randomkey",
    "swapdb 0 1",
    "flushdb",
    "flushall",
    "object encoding l",
    "object refcount n",
    "object freq s",
    "object idletime s",
    "object help",
};

static void prepare(struct cmd_test *t, const char *text)
{
    struct slice set[] = {SLICE("set"), SLICE("l"), slice_from_cstr(text)};
    cmd_test_init(t, 3);
    cmd_test_run(t, "set s short");
    cmd_test_run(t, "set n 41");
    cmd_test_run(t, "set x 7 px 1000");
    cmd_test_run_words(t, 3, set);
    cmd_test_run(t, "rpush small a b c 4");
    cmd_test_run(t, "rpush one a");
    for (int i = 0; i < 600; i += 4) {
        char line[100];
        snprintf(line, sizeof(line), "rpush many element:%d element:%d element:%d element:%d %s", i,
                 i + 1, i + 2, i + 3, i % 100 == 0 ? "twice" : "");
        cmd_test_run(t, line);
    }
    cmd_test_run(t, "copy many held"); /* nodes are shared */
    cmd_test_run(t, "sadd ints 1 2 3");
    cmd_test_run(t, "sadd pack a b c 4");
    for (int i = 0; i < 600; i += 4) {
        char line[60];
        snprintf(line, sizeof(line), "sadd tree %d %d %d %d", i, i + 1, i + 2, i + 3);
        cmd_test_run(t, line);
    }
    struct slice sadd[] = {SLICE("sadd"), SLICE("tree"), slice_from_cstr(text)};
    cmd_test_run_words(t, 3, sadd);
    cmd_test_run(t, "copy tree held-set"); /* nodes are shared */
    cmd_test_run(t, "saddex sdues px 100000 members 3 a b 1");
    cmd_test_run(t, "sadd sdues c");
    cmd_test_run(t, "zadd zsmall 1 a 2 b 3 c 4 5");
    for (int i = 0; i < 400; i += 4) {
        char line[200];
        snprintf(line, sizeof(line),
                 "zadd zmany %d element:%d %d element:%d %d element:%d %d element:%d", i * 7 % 400,
                 i, (i + 1) * 7 % 400, i + 1, (i + 2) * 7 % 400, i + 2, (i + 3) * 7 % 400, i + 3);
        cmd_test_run(t, line);
    }
    cmd_test_run(t, "copy zmany zheld"); /* nodes are shared */
    cmd_test_run(t, "hset hash a 1 b 2 c text");
    cmd_test_run(t, "hsetex dues px 100000 fields 2 a 1 b 2");
    for (int i = 0; i < 200; i++) {
        char line[60];
        snprintf(line, sizeof(line), "hset big f%d value-of-some-length-%d", i, i);
        cmd_test_run(t, line);
    }
    struct slice hset[] = {SLICE("hset"), SLICE("big"), slice_from_cstr(text),
                           slice_from_cstr(text)};
    cmd_test_run_words(t, 4, hset);
    cmd_test_run(t, "copy big held-hash");
}

/* The request, with the long text in place of %long. */
static void run(struct cmd_test *t, const char *request, const char *text)
{
    struct slice argv[40];
    assert_int_equal(words_split(&t->words, slice_from_cstr(request)), ERR_OK);
    assert_true(t->words.count <= 40);
    for (int i = 0; i < t->words.count; i++)
        argv[i] =
            slice_equal(t->words.at[i], SLICE("%long")) ? slice_from_cstr(text) : t->words.at[i];
    cmd_test_run_words(t, t->words.count, argv);
}

static void assert_nothing_changed(struct cmd_test *t, const struct buf *before,
                                   const char *request)
{
    struct buf after;
    buf_init(&after);
    cmd_test_dump(t, &after);
    if (before->len != after.len || memcmp(before->ptr, after.ptr, after.len) != 0)
        fail_msg("%s changed something", request);
    assert_string_equal(buf_cstr(&t->changed), "");
    assert_string_equal(buf_cstr(&t->effects), "");
    buf_deinit(&after);
    ks_validate(t->ks);
}

/* How often it was refused, until it was not. */
static unsigned refuse_each(const char *request, const char *text)
{
    unsigned refused = 0;
    for (size_t n = 1;; n += 1 + n / FAILURES_ALL) {
        struct cmd_test t;
        struct buf before;
        if (n >= FAILURES_MAX)
            fail_msg("%s allocates more than %d times", request, FAILURES_MAX);
        prepare(&t, text);
        buf_init(&before);
        cmd_test_dump(&t, &before);
        t.fail_after = n;
        run(&t, request, text);
        bool is_refused =
            !strncmp(buf_cstr(&t.reply), "-OOM", 4) || strstr(t.reply.ptr, "Insufficient memory");
        if (is_refused)
            assert_nothing_changed(&t, &before, request);
        refused += is_refused;
        buf_deinit(&before);
        bool met = t.failed;
        cmd_test_deinit(&t);
        if (!met)
            return refused;
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    static char text[3000];
    unsigned refused = 0;
    memset(text, 't', sizeof(text) - 1);
    for (size_t i = 0; i < COUNT_OF(requests); i++)
        refused += refuse_each(requests[i], text);
    assert_true(refused > 60);
}

static void test_every_command_is_here(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    for (size_t n = 0; n < cmd_table_top_count(t.table); n++) {
        const char *name = cmd_table_top_at(t.table, n)->row->name;
        size_t len = strlen(name);
        bool is_here = !strcmp(name, "command"); /* asks about the table only */
        for (size_t i = 0; i < COUNT_OF(requests) && !is_here; i++)
            is_here = !strncmp(requests[i], name, len) && strchr(" ", requests[i][len]);
        if (!is_here)
            fail_msg("%s is not tested with memory that fails", name);
    }
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_may_fail),
        cmocka_unit_test(test_every_command_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
