/* Commands on strings, and their errors, in RESP2. */
#include "e2e/server.h"
#include "e2e/talk.h"

/* Every case starts without data, and its steps run in order on one connection. */
#define RUN(state, steps) talk_check_all(((struct srv *)*(state))->c, steps)

#define SYNTAX    "-ERR syntax error"
#define NOT_INT   "-ERR value is not an integer or out of range"
#define OVERFLOW  "-ERR increment or decrement would overflow"
#define NOT_FLOAT "-ERR value is not a valid float"

static void set_and_get(void **state)
{
    static const struct talk_step steps[] = {
        {"GET k", "nil"},
        {"SET k v", "+OK"},
        {"GET k", "\"v\""},
        {"SET k \"\"", "+OK"},
        {"GET k", "\"\""},
        {"SET \"\" \"empty key\"", "+OK"},
        {"GET \"\"", "\"empty key\""},
        {"SET \"a\\x00b\" \"\\x00\\r\\n\\xff\"", "+OK"},
        {"GET \"a\\x00b\"", "\"\\x00\\r\\n\\xff\""},
        {"STRLEN \"a\\x00b\"", ":4"},
        {"SET k", "-ERR wrong number of arguments for 'set' command"},
        {"GET", "-ERR wrong number of arguments for 'get' command"},
        {"GET a b", "-ERR wrong number of arguments for 'get' command"},
        {"sEt k 0012", "+OK"},
        {"GET k", "\"0012\""},
        {"SET k -0", "+OK"},
        {"GET k", "\"-0\""},
        {"SET k 9223372036854775807", "+OK"},
        {"GET k", "\"9223372036854775807\""},
        {"SET k 9223372036854775808", "+OK"},
        {"GET k", "\"9223372036854775808\""},
        {"NOSUCH a", "-ERR unknown command 'NOSUCH', with args beginning with: 'a' "},
    };
    RUN(state, steps);
}

static void set_conditions(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k v XX", "nil"},        {"SET k v NX", "+OK"},
        {"SET k w NX", "nil"},        {"GET k", "\"v\""},
        {"SET k w XX", "+OK"},        {"SET k x GET", "\"w\""},
        {"SET new y GET", "nil"},     {"SET k z NX GET", "\"x\""},
        {"GET k", "\"x\""},           {"SET absent z XX GET", "nil"},
        {"EXISTS absent", ":0"},      {"SET k v NX XX", SYNTAX},
        {"SET k v NONSENSE", SYNTAX}, {"SETNX k other", ":0"},
        {"SETNX fresh v", ":1"},      {"GETSET k v2", "\"x\""},
        {"GETSET never v", "nil"},    {"GETDEL k", "\"v2\""},
        {"GETDEL k", "nil"},
    };
    RUN(state, steps);
}

/* Corsac has them from Valkey, and MSETEX from Redis 8.4. */
static void comparing_commands(void **state)
{
    srv_need_corsac((struct srv *)*state);
    static const struct talk_step steps[] = {
        {"SET k v IFEQ v", "nil"},
        {"EXISTS k", ":0"},
        {"SET k v", "+OK"},
        {"SET k w IFEQ other", "nil"},
        {"SET k w IFEQ v", "+OK"},
        {"GET k", "\"w\""},
        {"SET k x IFEQ w GET", "\"w\""},
        {"SET k y IFEQ w GET", "\"x\""},
        {"GET k", "\"x\""},
        {"SET k y IFEQ x NX", SYNTAX},
        {"SET k y IFEQ x XX", SYNTAX},
        {"SET k 12", "+OK"},
        {"SET k 13 IFEQ 12", "+OK"},
        {"DELIFEQ k 12", ":0"},
        {"DELIFEQ k 13", ":1"},
        {"DELIFEQ k 13", ":0"},
        {"DELIFEQ k", "-ERR wrong number of arguments for 'delifeq' command"},
        {"MSETEX 2 a 1 b 2 EX 9999", ":1"},
        {"TTL a", ":99*"},
        {"TTL b", ":99*"},
        {"MSETEX 2 b 3 c 3 NX", ":0"},
        {"MGET a b c", "[\"1\", \"2\", nil]"},
        {"MSETEX 2 a 3 b 4 XX KEEPTTL", ":1"},
        {"MGET a b", "[\"3\", \"4\"]"},
        {"TTL a", ":99*"},
        {"MSETEX 2 a 5 c 5 XX", ":0"},
        {"MSETEX 0", "-ERR *"},
        {"MSETEX 2 a 1 b", "-ERR *"},
    };
    RUN(state, steps);
}

static void set_with_expiry(void **state)
{
    static const struct talk_step steps[] = {
        {"SET k v EX 9999", "+OK"},
        {"TTL k", ":99*"},
        {"SET k v PX 9999000", "+OK"},
        {"TTL k", ":99*"},
        {"SET k w KEEPTTL", "+OK"},
        {"TTL k", ":99*"},
        {"SET k w", "+OK"},
        {"TTL k", ":-1"},
        {"SET k v EXAT 33177117420", "+OK"},
        {"EXPIRETIME k", ":33177117420"},
        {"SET k v PXAT 33177117420123", "+OK"},
        {"PEXPIRETIME k", ":33177117420123"},
        {"SET k v EX 0", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX -1", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
        {"SET k v EX abc", NOT_INT},
        {"SET k v EX", SYNTAX},
        {"SET k v EX 10 PX 10", SYNTAX},
        {"SET k v EX 10 KEEPTTL", SYNTAX},
        {"SETEX k 9999 v", "+OK"},
        {"TTL k", ":99*"},
        {"SETEX k 0 v", "-ERR invalid expire time in 'setex' command"},
        {"PSETEX k 9999000 v", "+OK"},
        {"TTL k", ":99*"},
        {"PSETEX k -1 v", "-ERR invalid expire time in 'psetex' command"},
        {"SET k old PXAT 1", "+OK"},
        {"EXISTS k", ":0"},
    };
    RUN(state, steps);
}

static void getex(void **state)
{
    static const struct talk_step steps[] = {
        {"GETEX k", "nil"},
        {"SET k v", "+OK"},
        {"GETEX k", "\"v\""},
        {"TTL k", ":-1"},
        {"GETEX k EX 9999", "\"v\""},
        {"TTL k", ":99*"},
        {"GETEX k PERSIST", "\"v\""},
        {"TTL k", ":-1"},
        {"GETEX k PX 9999000", "\"v\""},
        {"TTL k", ":99*"},
        {"GETEX k EXAT 33177117420", "\"v\""},
        {"GETEX k PXAT 33177117420123", "\"v\""},
        {"PEXPIRETIME k", ":33177117420123"},
        {"GETEX k EX 0", "-ERR invalid expire time in 'getex' command"},
        {"GETEX k EX 10 PERSIST", SYNTAX},
        {"GETEX k KEEPTTL", SYNTAX},
        {"GETEX k PXAT 1", "\"v\""},
        {"EXISTS k", ":0"},
    };
    RUN(state, steps);
}

static void several_keys(void **state)
{
    static const struct talk_step steps[] = {
        {"MSET a 1 b 2 a 3", "+OK"},
        {"MGET a b nothing a", "[\"3\", \"2\", nil, \"3\"]"},
        {"MSET a", "-ERR wrong number of arguments for 'mset' command"},
        {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
        {"MSETNX a 4 c 4", ":0"},
        {"EXISTS c", ":0"},
        {"MSETNX c 4 d 4", ":1"},
        {"MGET c d", "[\"4\", \"4\"]"},
        {"SET a v EX 9999", "+OK"},
        {"MSET a w", "+OK"},
        {"TTL a", ":-1"},
    };
    RUN(state, steps);
}

static void counting(void **state)
{
    static const struct talk_step steps[] = {
        {"INCR n", ":1"},
        {"INCRBY n 41", ":42"},
        {"DECR n", ":41"},
        {"DECRBY n 42", ":-1"},
        {"INCRBY n -1", ":-2"},
        {"GET n", "\"-2\""},
        {"SET n 9223372036854775806", "+OK"},
        {"INCR n", ":9223372036854775807"},
        {"INCR n", OVERFLOW},
        {"INCRBY n 1", OVERFLOW},
        {"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
        {"SET n -9223372036854775808", "+OK"},
        {"DECR n", OVERFLOW},
        {"INCRBY n 9223372036854775808", NOT_INT},
        {"INCRBY n 1.5", NOT_INT},
        {"SET n \" 1\"", "+OK"},
        {"INCR n", NOT_INT},
        {"SET n 01", "+OK"},
        {"INCR n", NOT_INT},
        {"SET n \"\"", "+OK"},
        {"INCR n", NOT_INT},
        {"SET n 5 EX 9999", "+OK"},
        {"INCR n", ":6"},
        {"TTL n", ":99*"},
    };
    RUN(state, steps);
}

static void counting_fractions(void **state)
{
    static const struct talk_step steps[] = {
        {"INCRBYFLOAT n 1", "\"1\""},
        {"INCRBYFLOAT n 0.25", "\"1.25\""},
        {"INCRBYFLOAT n -1.25", "\"0\""},
        {"INCRBYFLOAT n 5.0e3", "\"5000\""},
        {"SET n 3.0e3", "+OK"},
        {"INCRBYFLOAT n 200", "\"3200\""},
        {"SET n 0.1", "+OK"},
        {"INCRBYFLOAT n 0.2", "\"0.3\""},
        {"SET n 17179869184", "+OK"},
        {"INCRBYFLOAT n 1.5", "\"17179869185.5\""},
        {"INCRBYFLOAT n abc", NOT_FLOAT},
        {"INCRBYFLOAT n nan", NOT_FLOAT},
        {"INCRBYFLOAT n +inf", "-ERR increment would produce NaN or Infinity"},
        {"SET n \"1 \"", "+OK"},
        {"INCRBYFLOAT n 1", NOT_FLOAT},
        {"SET n 1 EX 9999", "+OK"},
        {"INCRBYFLOAT n 1", "\"2\""},
        {"TTL n", ":99*"},
    };
    RUN(state, steps);
}

static void parts_of_strings(void **state)
{
    static const struct talk_step steps[] = {
        {"APPEND k Hello", ":5"},
        {"APPEND k \" World\"", ":11"},
        {"STRLEN k", ":11"},
        {"STRLEN absent", ":0"},
        {"GETRANGE k 0 4", "\"Hello\""},
        {"GETRANGE k -5 -1", "\"World\""},
        {"GETRANGE k 5 3", "\"\""},
        {"GETRANGE k 0 5000", "\"Hello World\""},
        {"GETRANGE k -5000 0", "\"H\""},
        {"GETRANGE absent 0 -1", "\"\""},
        {"GETRANGE k a 1", NOT_INT},
        {"SUBSTR k 6 -1", "\"World\""},
        {"SETRANGE k 6 Redis", ":11"},
        {"GET k", "\"Hello Redis\""},
        {"SETRANGE fresh 3 x", ":4"},
        {"GET fresh", "\"\\x00\\x00\\x00x\""},
        {"SETRANGE absent 5 \"\"", ":0"},
        {"EXISTS absent", ":0"},
        {"SETRANGE k -1 x", "-ERR offset is out of range"},
        {"SETRANGE k 536870912 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"SETRANGE k 9223372036854775807 x",
         "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"},
        {"SET n 12345", "+OK"},
        {"GETRANGE n 1 2", "\"23\""},
        {"SETRANGE n 1 x", ":5"},
        {"GET n", "\"1x345\""},
        {"SET n 12", "+OK"},
        {"APPEND n 34", ":4"},
        {"INCR n", ":1235"},
        {"SET n 1 EX 9999", "+OK"},
        {"APPEND n 2", ":2"},
        {"TTL n", ":99*"},
    };
    RUN(state, steps);
}

static void lcs(void **state)
{
    static const struct talk_step steps[] = {
        {"MSET a ohmytext b mynewtext", "+OK"},
        {"LCS a b", "\"mytext\""},
        {"LCS a b LEN", ":6"},
        {"LCS a b IDX", "[\"matches\", [[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]], \"len\", :6]"},
        {"LCS a b IDX MINMATCHLEN 4", "[\"matches\", [[[:4, :7], [:5, :8]]], \"len\", :6]"},
        {"LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN",
         "[\"matches\", [[[:4, :7], [:5, :8], :4]], \"len\", :6]"},
        {"LCS a absent", "\"\""},
        {"LCS a absent LEN", ":0"},
        {"LCS a b IDX LEN", "-ERR If you want both the length and indexes, please just use IDX."},
        {"LCS a b NONSENSE", SYNTAX},
        {"LCS a", "-ERR wrong number of arguments for 'lcs' command"},
    };
    RUN(state, steps);
}

/* 3 bytes to 3 MB, there and back, with every length in between handled by the same commands. */
static void values_of_all_sizes(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    static const size_t sizes[] = {3, 63, 64, 1000, 1024, 4095, 65536, 1 << 20, 3 << 20};
    char *value = malloc(3 << 20);
    assert_non_null(value);
    for (size_t i = 0; i < 3 << 20; i++)
        value[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        redisReply *r = redisCommand(c, "SET big:%d %b", (int)i, value, sizes[i]);
        assert_string_equal(r->str, "OK");
        freeReplyObject(r);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(talk_ask_int(c, "STRLEN big:%d", (int)i), sizes[i]);
        redisReply *r = redisCommand(c, "GET big:%d", (int)i);
        assert_int_equal(r->len, sizes[i]);
        assert_memory_equal(r->str, value, sizes[i]);
        freeReplyObject(r);
    }
    free(value);
}

/* A reply that is sent without copying must be what was there when it was asked for. */
static void big_values_change_while_they_are_sent(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    enum { BIG_BYTES = 2 << 20 };
    talk_check(c, "SETRANGE big 2097151 a", ":2097152");
    static const char *const pipeline[] = {
        "GET big", "SETRANGE big 0 xyz", "GET big", "APPEND big !", "GET big", "DEL big",
        "GET big"};
    for (size_t i = 0; i < sizeof(pipeline) / sizeof(pipeline[0]); i++)
        talk_send(c, pipeline[i]);
    static const struct {
        size_t len;
        const char *start;
    } expected[] = {{BIG_BYTES, "\0\0\0"}, {BIG_BYTES, "xyz"}, {BIG_BYTES + 1, "xyz"}};
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        void *reply = NULL;
        assert_int_equal(redisGetReply(c, &reply), REDIS_OK);
        redisReply *r = reply;
        assert_int_equal(r->len, expected[i].len);
        assert_memory_equal(r->str, expected[i].start, 3);
        freeReplyObject(r);
        talk_check_next(c, i == 2 ? ":1" : ":*");
    }
    talk_check_next(c, "nil");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(set_and_get),
        TEST(set_conditions),
        TEST(comparing_commands),
        TEST(set_with_expiry),
        TEST(getex),
        TEST(several_keys),
        TEST(counting),
        TEST(counting_fractions),
        TEST(parts_of_strings),
        TEST(lcs),
        TEST(values_of_all_sizes),
        TEST(big_values_change_while_they_are_sent),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
