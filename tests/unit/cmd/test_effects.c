/* Effects replayed give the same data: whatever was asked, whatever failed, whenever the log is read. */
#include <stdlib.h>

#include "unit/cmd/cmd_test.h"

#define REQUESTS 4000
#define LINE_MAX 256

/* --- random requests ----------------------------------------------------------------------------- */

/* %k a key, %v a value, %n a number, %o an offset, %d a database, %m milliseconds from now, %a and %s a
 * time around now in milliseconds and seconds, %c a cursor. */
static const char *const forms[] = {
    "set %k %v",
    "set %k %v px %m",
    "set %k %v pxat %a",
    "set %k %v exat %s",
    "set %k %v ex %n",
    "set %k %v keepttl",
    "set %k %v nx",
    "set %k %v nx px %m get",
    "set %k %v xx keepttl",
    "set %k %v xx pxat %a",
    "set %k %v ifeq %v",
    "set %k %v ifeq %v px %m",
    "get %k",
    "getset %k %v",
    "getdel %k",
    "getex %k px %m",
    "getex %k pxat %a",
    "getex %k persist",
    "setnx %k %v",
    "setex %k %o %v",
    "psetex %k %m %v",
    "delifeq %k %v",
    "set %k %v ifne %v",
    "set %k %v ifdne 9ec9f7918d7dfc40 px %m",
    "delex %k",
    "delex %k ifne %v",
    "delex %k ifdeq 9555e8555c62dcfd",
    "mset %k %v %k %v",
    "mset %k %v %k %v %k %v",
    "msetnx %k %v %k %v",
    "msetex 2 %k %v %k %v px %m",
    "msetex 2 %k %v %k %v nx keepttl",
    "msetex 1 %k %v xx",
    "mget %k %k %k",
    "append %k %v",
    "append %k 12345678901234567890123456789012345678901234567890",
    "setrange %k %o %v",
    "setrange %k 1500 %v",
    "incr %k",
    "decr %k",
    "incrby %k %n",
    "decrby %k %n",
    "incrbyfloat %k %n",
    "incrbyfloat %k %v",
    "rpush %k %v %v %v",
    "lpush %k %v %n",
    "rpush %k eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee %v",
    "lpush %k eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "lpushx %k %v %v",
    "rpushx %k %n %v %v",
    "lpop %k",
    "rpop %k",
    "lpop %k 3",
    "rpop %k %o",
    "lmpop 2 %k %k left count 2",
    "lmpop 1 %k right",
    "lmove %k %k left right",
    "lmove %k %k right left",
    "rpoplpush %k %k",
    "lmovem %k %k left left count 3 obo",
    "lmovem %k %k right left exactly 2 bulk",
    "blpop %k %k 0.01",
    "brpop %k 0.01",
    "blmpop 0.01 2 %k %k right count 2",
    "blmove %k %k left right 0.01",
    "brpoplpush %k %k 0.01",
    "blmovem %k %k left right 0.01 count 3 obo",
    "blmovem %k %k right right 0.01 exactly 2 bulk",
    "lset %k %n %v",
    "linsert %k before %v %n",
    "linsert %k after %v eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "lrem %k %n %v",
    "ltrim %k 1 %o",
    "ltrim %k %n -2",
    "lrange %k 0 -1",
    "sadd %k %v %v",
    "sadd %k %n %n %v",
    "sadd %k %n %n %n %n %n %n %n %n",
    "srem %k %v %v",
    "srem %k %n %n %n",
    "spop %k",
    "spop %k 2",
    "spop %k 20",
    "srandmember %k -3",
    "smove %k %k %v",
    "smove %k %k %n",
    "sinterstore %k %k %k",
    "sunionstore %k %k %k",
    "sunionstore %k %k %k %k %k %k %k",
    "sdiffstore %k %k %k",
    "sort %k alpha store %k",
    "sort %k alpha by %k* get # get %k* limit 1 3 desc store %k",
    "sort %k by nosort store %k",
    "smembers %k",
    "sexpire %k %o members 2 %v %v",
    "spexpire %k %m members 1 %v",
    "spexpire %k %m gt members 3 %v %v %v",
    "spexpireat %k %a nx members 2 %v %v",
    "sexpireat %k %s lt members 1 %v",
    "spersist %k members 2 %v %v",
    "saddex %k px %m members 2 %v %v",
    "saddex %k mnx pxat %a members 2 %v %v",
    "saddex %k mxx keepttl members 1 %v",
    "saddex %k keepttl members 2 %v %v",
    "saddex %k members 3 %v %v %v",
    "saddex %k ex 0 members 1 %v",
    "zadd %k %n %v %n x %n y",
    "zadd %k nx %n %v",
    "zadd %k xx gt ch %n %v %o %v",
    "zadd %k lt %n %v",
    "zadd %k incr %n %v",
    "zadd %k gt incr %n %v",
    "zadd %k 1.5 a -0 b +inf c 3e20 d 0.1 e 7 f 8 g 9 h 10 i 11 j 12 k 13 l 14 m 15 n",
    "zincrby %k %n %v",
    "zincrby %k 0.1 a",
    "zrem %k %v %v a",
    "zpopmin %k",
    "zpopmin %k 3",
    "zpopmax %k %o",
    "zmpop 2 %k %k max count 2",
    "zmpop 1 %k min",
    "bzpopmin %k %k 0.01",
    "bzpopmax %k 0.01",
    "bzmpop 0.01 2 %k %k max count 2",
    "zremrangebyrank %k %n %n",
    "zremrangebyscore %k %n +inf",
    "zremrangebylex %k [a (c",
    "zrangestore %k %k 0 %n",
    "zrangestore %k %k (%n +inf byscore limit 1 3",
    "zunionstore %k 2 %k %k weights 2 0.5 aggregate max",
    "zinterstore %k 2 %k %k",
    "zdiffstore %k 2 %k %k",
    "zrange %k 0 -1 withscores",
    "hset %k %v %n",
    "hset %k %v %v %v %v %v %v",
    "hmset %k %v %v",
    "hsetnx %k %v %v",
    "hdel %k %v %v",
    "hincrby %k %v %n",
    "hincrbyfloat %k %v %n",
    "hgetall %k",
    "hrandfield %k -3",
    "hscan %k 0",
    "hexpire %k %o fields 2 %v %v",
    "hpexpire %k %m fields 1 %v",
    "hpexpire %k %m gt fields 1 %v",
    "hpexpireat %k %a nx fields 2 %v %v",
    "hexpireat %k %s lt fields 1 %v",
    "hpersist %k fields 2 %v %v",
    "hgetex %k px %m fields 2 %v %v",
    "hgetex %k persist fields 1 %v",
    "hsetex %k px %m fields 2 %v %v %v %v",
    "hsetex %k fnx pxat %a fields 1 %v %v",
    "hsetex %k fxx keepttl fields 2 %v %v %v %v",
    "hsetex %k keepttl fields 1 %v %v",
    "hgetdel %k fields 2 %v %v",
    "del %k",
    "del %k %k %k",
    "unlink %k %k",
    "rename %k %k",
    "renamenx %k %k",
    "copy %k %k",
    "copy %k %k replace",
    "copy %k %k db %d replace",
    "move %k %d",
    "expire %k %n",
    "pexpire %k %m",
    "pexpire %k %m gt",
    "pexpire %k %m nx",
    "pexpireat %k %a",
    "pexpireat %k %a lt",
    "expireat %k %s xx",
    "persist %k",
    "scan %c",
    "exists %k %k",
    "touch %k",
    "randomkey",
    "lcs %k %k",
    "swapdb %d %d",
};

/* What leaves nothing. */
static const char *const rare_forms[] = {"flushdb", "flushdb", "flushall"};

static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static const char *const values[] = {"1",     "12",   "-7",  "x",
                                     "hello", "\"\"", "3.5", "9223372036854775807"};

static int64_t number(struct rng *r, char kind, int64_t now_ms)
{
    switch (kind) {
    case 'n': return (int64_t)rng_below(r, 41) - 20;
    case 'o': return (int64_t)rng_below(r, 40);
    case 'd': return (int64_t)rng_below(r, CMD_TEST_DATABASES);
    case 'm': return (int64_t)rng_below(r, 400) - 10;
    case 'a': return now_ms + (int64_t)rng_below(r, 400) - 50;
    case 's': return now_ms / 1000 + (int64_t)rng_below(r, 3);
    case 'c': return 0;
    default: fail_msg("no such placeholder"); return 0;
    }
}

static void next_request(struct rng *r, int64_t now_ms, char line[LINE_MAX])
{
    const char *form = rng_below(r, 500) == 0 ? rare_forms[rng_below(r, COUNT_OF(rare_forms))]
                                              : forms[rng_below(r, COUNT_OF(forms))];
    size_t len = 0;
    for (const char *p = form; *p; p++) {
        size_t room = LINE_MAX - len;
        if (*p != '%')
            line[len++] = *p;
        else if (*++p == 'k')
            len += (size_t)snprintf(line + len, room, "%s", keys[rng_below(r, COUNT_OF(keys))]);
        else if (*p == 'v')
            len += (size_t)snprintf(line + len, room, "%s", values[rng_below(r, COUNT_OF(values))]);
        else
            len += (size_t)snprintf(line + len, room, "%lld", (long long)number(r, *p, now_ms));
    }
    line[len] = '\0';
}

/* --- the property -------------------------------------------------------------------------------- */

static void assert_same(const struct cmd_test *a, const struct cmd_test *b)
{
    struct buf left, right;
    buf_init(&left);
    buf_init(&right);
    cmd_test_dump(a, &left);
    cmd_test_dump(b, &right);
    assert_string_equal(buf_cstr(&left), buf_cstr(&right));
    buf_deinit(&left);
    buf_deinit(&right);
}

/* Replays on a machine whose clock is ahead or behind, into more or fewer shards. */
static void assert_replays(const struct cmd_test *t)
{
    static const int64_t clock_ms[] = {0, -1000000000, 1000000000};
    for (size_t i = 0; i < COUNT_OF(clock_ms); i++) {
        struct cmd_test again;
        cmd_test_init(&again, 1 + 2 * (unsigned)i);
        cmd_test_move_clock(&again, clock_ms[i]);
        cmd_test_replay(t, &again);
        assert_same(t, &again);
        cmd_test_deinit(&again);
    }
}

/* What failed has changed nothing, unless an effect says so: a key that expired. */
static void run_checked(struct cmd_test *t, const char *line)
{
    struct buf before, after;
    buf_init(&before);
    buf_init(&after);
    cmd_test_dump(t, &before);
    cmd_test_run(t, line);
    cmd_test_dump(t, &after);
    if (t->effects.len == 0 && strcmp(buf_cstr(&before), buf_cstr(&after)) != 0)
        fail_msg("%s changed data without an effect", line);
    if (t->effects.len == 0)
        assert_string_equal(buf_cstr(&t->changed), "");
    buf_deinit(&before);
    buf_deinit(&after);
}

static void run_workload(uint64_t seed, bool memory_fails)
{
    struct cmd_test t;
    struct rng r;
    char line[LINE_MAX];
    unsigned refused = 0;
    rng_seed(&r, seed);
    cmd_test_init(&t, 2);
    for (int i = 0; i < REQUESTS; i++) {
        if (rng_below(&r, 4) == 0)
            cmd_test_move_clock(&t, (int64_t)rng_below(&r, 60));
        if (rng_below(&r, 20) == 0)
            t.db = (int)rng_below(&r, CMD_TEST_DATABASES);
        t.fail_after = memory_fails && rng_below(&r, 3) == 0 ? 1 + rng_below(&r, 3) : 0;
        next_request(&r, t.now_ms, line);
        run_checked(&t, line);
        refused += strncmp(buf_cstr(&t.reply), "-OOM", 4) == 0;
    }
    assert_int_equal(refused > 0, memory_fails);
    assert_true(t.log_count > REQUESTS / 4);
    assert_replays(&t);
    cmd_test_deinit(&t);
}

static void test_replay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_workload(seed, false);
}

static void test_replay_after_failures(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 13; seed++)
        run_workload(seed, true);
}

/* A command that writes and is in no form would never be replayed here. */
static void test_every_writing_command_has_a_form(void **state)
{
    (void)state;
    struct cmd_test t;
    cmd_test_init(&t, 1);
    for (size_t i = 0; i < cmd_table_top_count(t.table); i++) {
        const struct cmd_row *row = cmd_table_top_at(t.table, i)->row;
        size_t len = strlen(row->name);
        bool found = !(row->flags & CMD_WRITE);
        for (size_t f = 0; !found && f < COUNT_OF(rare_forms); f++)
            found = strcmp(rare_forms[f], row->name) == 0;
        for (size_t f = 0; !found && f < COUNT_OF(forms); f++)
            found = strncmp(forms[f], row->name, len) == 0 && forms[f][len] == ' ';
        if (!found)
            fail_msg("%s writes: add a form of it to the top of this file", row->name);
    }
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_writing_command_has_a_form),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_replay_after_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
