/* Lists: replies, events and effects. */
#include "unit/cmd/cmd_test.h"

#define WRONGTYPE "-WRONGTYPE Operation against a key holding the wrong kind of value"

static const struct cmd_case pushes[] = {
    {"rpush l a b", ":2", "new:l rpush:l", "rpush l a b"},
    {"lpush l c 7", ":4", "lpush:l", "lpush l c 7"},
    {"lrange l 0 -1", "*4 $1 7 $1 c $1 a $1 b", NULL, NULL},
    {"lpushx l x", ":5", "lpush:l", "lpushx l x"},
    {"rpushx l y z", ":7", "rpush:l", "rpushx l y z"},
    {"lpushx none x", ":0", NULL, NULL},
    {"rpushx none x", ":0", NULL, NULL},
    {"exists none", ":0", "keymiss:none", NULL},
    {"llen l", ":7", NULL, NULL},
    {"llen none", ":0", "keymiss:none", NULL},
    {"type l", "+list", NULL, NULL},
    {"object encoding l", "$8 listpack", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"rpush s a", WRONGTYPE, NULL, NULL},
    {"lpushx s a", WRONGTYPE, NULL, NULL},
    {"llen s", WRONGTYPE, NULL, NULL},
    {"get l", WRONGTYPE, NULL, NULL},
    {"rpush l", "-ERR wrong number of arguments for 'rpush' command", NULL, NULL},
};

static const struct cmd_case pops[] = {
    {"rpush l a b c d e f", ":6", "new:l rpush:l", "rpush l a b c d e f"},
    {"lpop l", "$1 a", "lpop:l", "LPOP l"},
    {"rpop l", "$1 f", "rpop:l", "RPOP l"},
    {"lpop l 0", "*0", NULL, NULL},
    {"lpop l 2", "*2 $1 b $1 c", "lpop:l", "LPOP l 2"},
    {"rpop l 100", "*2 $1 e $1 d", "rpop:l del:l", "RPOP l 2"},
    {"lpop l", "$-1", NULL, NULL},
    {"lpop l 2", "*-1", NULL, NULL},
    {"lpop l -1", "-ERR value is out of range, must be positive", NULL, NULL},
    {"lpop l x", "-ERR value is out of range, must be positive", NULL, NULL},
    {"lpop l 1 2", "-ERR wrong number of arguments for 'lpop' command", NULL, NULL},
    {"~3", NULL, NULL, NULL},
    {"rpop l", "_", NULL, NULL},
    {"rpop l 2", "_", NULL, NULL},
    {"~2", NULL, NULL, NULL},
    {"rpush l a b c", ":3", "new:l rpush:l", "rpush l a b c"},
    {"lmpop 2 none l left", "*2 $1 l *1 $1 a", "lpop:l", "LPOP l"},
    {"lmpop 1 l right count 5", "*2 $1 l *2 $1 c $1 b", "rpop:l del:l", "RPOP l 2"},
    {"lmpop 1 l right count 5", "*-1", NULL, NULL},
    {"lmpop 0 l right", "-ERR numkeys should be greater than 0", NULL, NULL},
    {"lmpop 1 l right count 0", "-ERR count should be greater than 0", NULL, NULL},
    {"lmpop 2 l right", "-ERR syntax error", NULL, NULL},
    {"lmpop 1 l up", "-ERR syntax error", NULL, NULL},
    {"lmpop 1 l left count 1 count 1", "-ERR syntax error", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"lmpop 2 none s left", WRONGTYPE, NULL, NULL},
};

static const struct cmd_case reads[] = {
    {"rpush l a b c 10 b", ":5", "new:l rpush:l", "rpush l a b c 10 b"},
    {"lindex l 0", "$1 a", NULL, NULL},
    {"lindex l -2", "$2 10", NULL, NULL},
    {"lindex l 5", "$-1", NULL, NULL},
    {"lindex l -6", "$-1", NULL, NULL},
    {"lindex l -9223372036854775808", "$-1", NULL, NULL},
    {"lindex l x", "-ERR value is not an integer or out of range", NULL, NULL},
    {"lindex none x", "$-1", "keymiss:none", NULL},
    {"lrange l 1 2", "*2 $1 b $1 c", NULL, NULL},
    {"lrange l -2 100", "*2 $2 10 $1 b", NULL, NULL},
    {"lrange l 3 1", "*0", NULL, NULL},
    {"lrange l 5 9", "*0", NULL, NULL},
    {"lrange none 0 -1", "*0", "keymiss:none", NULL},
    {"lrange l 0 x", "-ERR value is not an integer or out of range", NULL, NULL},
    {"lpos l b", ":1", NULL, NULL},
    {"lpos l 10", ":3", NULL, NULL},
    {"lpos l b rank -1", ":4", NULL, NULL},
    {"lpos l b rank 3", "$-1", NULL, NULL},
    {"lpos l b count 0", "*2 :1 :4", NULL, NULL},
    {"lpos l b count 0 rank -1", "*2 :4 :1", NULL, NULL},
    {"lpos l b count 1 rank 2", "*1 :4", NULL, NULL},
    {"lpos l b count 0 maxlen 4", "*1 :1", NULL, NULL},
    {"lpos l b rank -1 maxlen 1", ":4", NULL, NULL},
    {"lpos none b count 0", "*0", "keymiss:none", NULL},
    {"lpos none b", "$-1", "keymiss:none", NULL},
    {"lpos l b rank 0",
     "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use "
     "negative to start from the end of the list",
     NULL, NULL},
    {"lpos l b count -1", "-ERR COUNT can't be negative", NULL, NULL},
    {"lpos l b maxlen -1", "-ERR MAXLEN can't be negative", NULL, NULL},
    {"lpos l b count", "-ERR syntax error", NULL, NULL},
};

static const struct cmd_case edits[] = {
    {"lset l 0 a", "-ERR no such key", NULL, NULL},
    {"linsert l before a b", ":0", NULL, NULL},
    {"ltrim l 0 1", "+OK", NULL, NULL},
    {"lrem l 0 a", ":0", NULL, NULL},
    {"rpush l a b c b d", ":5", "new:l rpush:l", "rpush l a b c b d"},
    {"lset l 5 a", "-ERR index out of range", NULL, NULL},
    {"lset l x a", "-ERR value is not an integer or out of range", NULL, NULL},
    {"lset l -1 77", "+OK", "lset:l", "lset l -1 77"},
    {"linsert l before b 1", ":6", "linsert:l", "linsert l before b 1"},
    {"linsert l AFTER 77 end", ":7", "linsert:l", "linsert l AFTER 77 end"},
    {"linsert l after none x", ":-1", NULL, NULL},
    {"linsert l beside none x", "-ERR syntax error", NULL, NULL},
    {"lrange l 0 -1", "*7 $1 a $1 1 $1 b $1 c $1 b $2 77 $3 end", NULL, NULL},
    {"lrem l -1 b", ":1", "lrem:l", "lrem l -1 b"},
    {"lrem l 0 none", ":0", NULL, NULL},
    {"lrange l 0 -1", "*6 $1 a $1 1 $1 b $1 c $2 77 $3 end", NULL, NULL},
    {"ltrim l 1 -2", "+OK", "ltrim:l", "ltrim l 1 -2"},
    {"lrange l 0 -1", "*4 $1 1 $1 b $1 c $2 77", NULL, NULL},
    {"ltrim l 3 1", "+OK", "ltrim:l del:l", "ltrim l 3 1"},
    {"exists l", ":0", "keymiss:l", NULL},
    {"rpush l x x", ":2", "new:l rpush:l", "rpush l x x"},
    {"lrem l 0 x", ":2", "lrem:l del:l", "lrem l 0 x"},
    {"exists l", ":0", "keymiss:l", NULL},
};

static const struct cmd_case moves[] = {
    {"lmove l m left right", "$-1", NULL, NULL},
    {"rpush l a b c", ":3", "new:l rpush:l", "rpush l a b c"},
    {"lmove l m left right", "$1 a", "new:m rpush:m lpop:l", "lmove l m left right"},
    {"rpoplpush l m", "$1 c", "lpush:m rpop:l", "rpoplpush l m"},
    {"lmove l m right right", "$1 b", "rpush:m rpop:l del:l", "lmove l m right right"},
    {"lrange m 0 -1", "*3 $1 c $1 a $1 b", NULL, NULL},
    {"lmove m m left right", "$1 c", "rpush:m lpop:m", "lmove m m left right"},
    {"lrange m 0 -1", "*3 $1 a $1 b $1 c", NULL, NULL},
    {"rpoplpush m m", "$1 c", "lpush:m rpop:m", "rpoplpush m m"},
    {"lrange m 0 -1", "*3 $1 c $1 a $1 b", NULL, NULL},
    {"lmove m n up left", "-ERR syntax error", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"lmove s m left left", WRONGTYPE, NULL, NULL},
    {"lmove m s left left", WRONGTYPE, NULL, NULL},
    {"lmove none s left left", "$-1", NULL, NULL},
    {"llen m", ":3", NULL, NULL},
};

static const struct cmd_case moves_of_several[] = {
    {"rpush l 1 2 3 4", ":4", "new:l rpush:l", "rpush l 1 2 3 4"},
    {"lmovem l m left left count 2 obo", "*2 $1 2 $1 1", "new:m lpush:m lpop:l",
     "LPOP l 2; LPUSH m 1 2"},
    {"lmovem m l left left count 2 bulk", "*2 $1 2 $1 1", "lpush:l lpop:m del:m",
     "LPOP m 2; LPUSH l 1 2"},
    {"lrange l 0 -1", "*4 $1 2 $1 1 $1 3 $1 4", NULL, NULL},
    {"lmovem l m right right count 2 obo", "*2 $1 4 $1 3", "new:m rpush:m rpop:l",
     "RPOP l 2; RPUSH m 4 3"},
    {"lmovem m l right left exactly 2 bulk", "*2 $1 4 $1 3", "lpush:l rpop:m del:m",
     "RPOP m 2; LPUSH l 3 4"},
    {"lrange l 0 -1", "*4 $1 4 $1 3 $1 2 $1 1", NULL, NULL},
    {"lmovem l m left right exactly 5 bulk", "$-1", NULL, NULL},
    {"lmovem none m left right exactly 5 bulk", "$-1", NULL, NULL},
    {"lmovem none m left right count 5 bulk", "*0", NULL, NULL},
    {"lmovem none m left right", "*0", NULL, NULL},
    {"exists m", ":0", "keymiss:m", NULL},
    {"lmovem l m left right", "*1 $1 4", "new:m rpush:m lpop:l", "LMOVE l m LEFT RIGHT"},
    {"lmovem l l left left exactly 2 obo", "*2 $1 2 $1 3", "lpush:l lpop:l",
     "LPOP l 2; LPUSH l 3 2"},
    {"lrange l 0 -1", "*3 $1 2 $1 3 $1 1", NULL, NULL},
    {"lmovem l l left right count 2 bulk", "*2 $1 2 $1 3", "rpush:l lpop:l",
     "LPOP l 2; RPUSH l 2 3"},
    {"lrange l 0 -1", "*3 $1 1 $1 2 $1 3", NULL, NULL},
    {"pexpireat l 9999999999999", ":1", "expire:l", "PEXPIREAT l 9999999999999"},
    {"lmovem l l right right count 3 bulk", "*3 $1 1 $1 2 $1 3", "rpush:l rpop:l",
     "RPOP l 3; RPUSH l 1 2 3; PEXPIREAT l 9999999999999"},
    {"lmovem l m left right count 0 obo", "-ERR count should be greater than 0", NULL, NULL},
    {"lmovem l m left right count 2", "-ERR syntax error", NULL, NULL},
    {"lmovem l m left right some 2 obo", "-ERR syntax error", NULL, NULL},
    {"lmovem l m left right count 2 both", "-ERR syntax error", NULL, NULL},
    {"set s x", "+OK", "new:s set:s", "set s x"},
    {"lmovem l s left right exactly 9 obo", WRONGTYPE, NULL, NULL},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(pushes, COUNT_OF(pushes));
    cmd_test_cases(pops, COUNT_OF(pops));
    cmd_test_cases(reads, COUNT_OF(reads));
    cmd_test_cases(edits, COUNT_OF(edits));
    cmd_test_cases(moves, COUNT_OF(moves));
    cmd_test_cases(moves_of_several, COUNT_OF(moves_of_several));
}

/* As Redis 7.2 has it: from the limit on a quicklist, down to half of it. */
static void test_encodings(void **state)
{
    (void)state;
    static const struct {
        int64_t max;
        int first_large, last_large; /* numbers of elements of 100 bytes */
    } rows[] = {{-1, 40, 20}, {-2, 80, 40}, {-5, 637, 319}, {0, 2, 1}, {5, 6, 3}, {1000, 80, 80}};
    char line[160];
    memset(line, 'x', sizeof(line));
    memcpy(line, "rpush l ", 8);
    line[108] = '\0';
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cmd_test t;
        cmd_test_init(&t, 1);
        struct ks_limits limits = KS_LIMITS_DEFAULT;
        limits.list_max_listpack_size = rows[i].max;
        ks_set_limits(t.ks, &limits);
        for (int n = 1; n <= rows[i].first_large; n++) {
            cmd_test_run(&t, line);
            const char *want = n < rows[i].first_large ? "$8 listpack" : "$9 quicklist";
            if (strcmp(cmd_test_run(&t, "object encoding l"), want) != 0)
                fail_msg("limit %lld: %d elements are a %s", (long long)rows[i].max, n,
                         t.reply.ptr);
        }
        for (int n = rows[i].first_large - 1; n > 0; n--) {
            cmd_test_run(&t, n % 2 ? "lpop l" : "rpop l");
            const char *want = n < rows[i].last_large ? "$8 listpack" : "$9 quicklist";
            if (n >= rows[i].last_large - 1 &&
                strcmp(cmd_test_run(&t, "object encoding l"), want) != 0)
                fail_msg("limit %lld: %d elements of once more are a %s", (long long)rows[i].max, n,
                         t.reply.ptr);
        }
        cmd_test_deinit(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
