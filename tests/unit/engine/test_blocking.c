/* The commands that wait for lists and sorted sets: what they answer and log when they are given something, when
 * nothing comes, and where they may not wait. */
#include "engine/engine_impl.h"
#include "unit/engine/harness.h"

#include <stdio.h>

static struct harness h;
static struct client *a, *b, *c;

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    a = harness_connect(&h);
    b = harness_connect(&h);
    c = harness_connect(&h);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

#define BULK(size, text) "$" #size "\r\n" text "\r\n"
#define PAIR(key, value) "*2\r\n" BULK(1, key) BULK(1, value)
#define COUNT_OF(array)  (sizeof(array) / sizeof((array)[0]))
#define NULL_ARRAY       "*-1\r\n"
#define NULL_BULK        "$-1\r\n"
#define SYNTAX_ERROR     "-ERR syntax error\r\n"
#define NOT_A_FLOAT      "-ERR timeout is not a float or out of range\r\n"

/* Who waits with `waits` is given what `gives` brings, and replied `reply`; the log gets `effects`. Within a
 * transaction it is replied `nothing`. */
struct given {
    const char *waits, *gives, *reply, *effects, *nothing;
};
static const struct given given[] = {
    {"BLPOP k 0.5", "RPUSH k 1 2", PAIR("k", "1"), "0 RPUSH k 1 2\n0 LPOP k\n", NULL_ARRAY},
    {"BRPOP x k 0.5", "RPUSH k 1 2", PAIR("k", "2"), "0 RPUSH k 1 2\n0 RPOP k\n", NULL_ARRAY},
    {"BLMPOP 0.5 2 x k LEFT", "RPUSH k 1 2", "*2\r\n" BULK(1, "k") "*1\r\n" BULK(1, "1"),
     "0 RPUSH k 1 2\n0 LPOP k\n", NULL_ARRAY},
    {"BLMPOP 0.5 1 k RIGHT COUNT 5", "RPUSH k 1 2",
     "*2\r\n" BULK(1, "k") "*2\r\n" BULK(1, "2") BULK(1, "1"), "0 RPUSH k 1 2\n0 RPOP k 2\n",
     NULL_ARRAY},
    {"BLMOVE k to RIGHT LEFT 0.5", "RPUSH k 1 2", BULK(1, "2"),
     "0 RPUSH k 1 2\n0 LMOVE k to RIGHT LEFT\n", NULL_BULK},
    {"BRPOPLPUSH k to 0.5", "RPUSH k 1 2", BULK(1, "2"), "0 RPUSH k 1 2\n0 LMOVE k to RIGHT LEFT\n",
     NULL_BULK},
    {"BLMOVE k k LEFT RIGHT 0.5", "RPUSH k 1 2", BULK(1, "1"),
     "0 RPUSH k 1 2\n0 LMOVE k k LEFT RIGHT\n", NULL_BULK},
    {"BLMOVEM k to LEFT RIGHT 0.5", "RPUSH k 1 2", "*1\r\n" BULK(1, "1"),
     "0 RPUSH k 1 2\n0 LMOVE k to LEFT RIGHT\n", NULL_BULK},
    {"BLMOVEM k to LEFT RIGHT 0.5 COUNT 5 OBO", "RPUSH k 1 2", "*2\r\n" BULK(1, "1") BULK(1, "2"),
     "0 RPUSH k 1 2\n0 LPOP k 2\n0 RPUSH to 1 2\n", NULL_BULK},
    {"BLMOVEM k to RIGHT RIGHT 0.5 EXACTLY 2 BULK", "RPUSH k 1 2",
     "*2\r\n" BULK(1, "1") BULK(1, "2"), "0 RPUSH k 1 2\n0 RPOP k 2\n0 RPUSH to 1 2\n", NULL_BULK},
    {"BZPOPMIN k 0.5", "ZADD k 2 b 1 a", "*3\r\n" BULK(1, "k") BULK(1, "a") BULK(1, "1"),
     "0 ZADD k 2 b 1 a\n0 ZREM k a\n", NULL_ARRAY},
    {"BZPOPMAX x k 0.5", "ZADD k 2 b 1 a", "*3\r\n" BULK(1, "k") BULK(1, "b") BULK(1, "2"),
     "0 ZADD k 2 b 1 a\n0 ZREM k b\n", NULL_ARRAY},
    {"BZMPOP 0.5 2 x k MIN", "ZADD k 2 b 1 a",
     "*2\r\n" BULK(1, "k") "*1\r\n*2\r\n" BULK(1, "a") BULK(1, "1"),
     "0 ZADD k 2 b 1 a\n0 ZREM k a\n", NULL_ARRAY},
};

static void clear(void)
{
    client_run(c, "FLUSHALL");
    buf_clear(&h.effects);
}

static void what_is_given_is_replied_and_logged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        clear();
        assert_reply(a, given[i].waits, "");
        client_run(c, given[i].gives);
        assert_received(a, given[i].reply);
        assert_string_equal(buf_cstr(&h.effects), given[i].effects);
        assert_int_equal(h.e->blocked_count, 0);
    }
}

/* The same reply and effect, as it finds what there is. */
static void what_is_there_is_not_waited_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        clear();
        client_run(c, given[i].gives);
        assert_reply(a, given[i].waits, given[i].reply);
        assert_string_equal(buf_cstr(&h.effects), given[i].effects);
    }
}

static void nothing_came(void **state)
{
    (void)state;
    char text[64];
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        clear();
        assert_reply(a, given[i].waits, "");
        harness_advance(&h, 499999);
        assert_received(a, "");
        harness_advance(&h, 1);
        assert_received(a, NULL_ARRAY);
        client_run(a, "MULTI");
        client_run(a, given[i].waits);
        snprintf(text, sizeof(text), "*1\r\n%s", given[i].nothing);
        assert_reply(a, "EXEC", text);
        assert_string_equal(buf_cstr(&h.effects), "");
    }
}

/* Who waits goes on waiting where another type comes, and is refused where that is there already. */
static void another_type_is_refused_or_waited_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        clear();
        assert_reply(a, given[i].waits, "");
        client_run(c, "SET k text");
        assert_received(a, "");
        assert_int_equal(strncmp(client_run(b, given[i].waits), "-WRONGTYPE", 10), 0);
        client_run(c, "DEL k");
        client_run(c, given[i].gives);
        assert_received(a, given[i].reply);
    }
}

static void arguments_are_checked(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"BLPOP k x", NOT_A_FLOAT},
        {"BRPOP k -1", "-ERR timeout is negative\r\n"},
        {"BLMOVE a b LEFT UP 0", SYNTAX_ERROR},
        {"BLMOVE a b LEFT RIGHT x", NOT_A_FLOAT},
        {"BLMOVEM a b LEFT RIGHT 0 COUNT 0 OBO", "-ERR count should be greater than 0\r\n"},
        {"BLMOVEM a b LEFT RIGHT 0 EXACTLY 1", SYNTAX_ERROR},
        {"BRPOPLPUSH a b inf", "-ERR timeout is out of range\r\n"},
        {"BLMPOP x 0 k LEFT", NOT_A_FLOAT},
        {"BLMPOP 0 0 k LEFT", "-ERR numkeys should be greater than 0\r\n"},
        {"BLMPOP 0 2 k LEFT", SYNTAX_ERROR},
        {"BLMPOP 0 1 k LEFT COUNT 0", "-ERR count should be greater than 0\r\n"},
        {"BZPOPMIN k x", NOT_A_FLOAT},
        {"BZPOPMAX k -1", "-ERR timeout is negative\r\n"},
        {"BZMPOP 0 0 k MIN", "-ERR numkeys should be greater than 0\r\n"},
        {"BZMPOP 0 1 k LEFT", SYNTAX_ERROR},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        assert_reply(a, lines[i][0], lines[i][1]);
    assert_int_equal(h.e->blocked_count, 0);
}

static void several_are_given_what_one_push_brings(void **state)
{
    (void)state;
    assert_reply(a, "BLPOP k 0", "");
    assert_reply(b, "BLPOP k 0", "");
    assert_reply(c, "RPUSH k 1 2 3", ":3\r\n");
    assert_received(a, PAIR("k", "1"));
    assert_received(b, PAIR("k", "2"));
    assert_reply(c, "LLEN k", ":1\r\n");
    assert_string_equal(buf_cstr(&h.effects), "0 RPUSH k 1 2 3\n0 LPOP k\n0 LPOP k\n");
}

static void who_wants_exactly_so_many_waits_for_them(void **state)
{
    (void)state;
    assert_reply(a, "BLMOVEM k to LEFT RIGHT 0 EXACTLY 3 OBO", "");
    assert_reply(c, "RPUSH k 1 2", ":2\r\n");
    assert_received(a, "");
    assert_reply(c, "RPUSH k 3 4", ":4\r\n");
    assert_received(a, "*3\r\n" BULK(1, "1") BULK(1, "2") BULK(1, "3"));
    assert_reply(c, "LRANGE k 0 -1", "*1\r\n" BULK(1, "4"));
    assert_reply(c, "LLEN to", ":3\r\n");
}

static void a_wrong_destination_leaves_it_to_the_next(void **state)
{
    (void)state;
    client_run(c, "SET to text");
    assert_reply(a, "BLMOVE k to LEFT LEFT 0", "");
    assert_reply(b, "BLMOVE k other LEFT LEFT 0", "");
    client_run(c, "RPUSH k 1");
    assert_int_equal(strncmp(client_received(a), "-WRONGTYPE", 10), 0);
    assert_received(b, BULK(1, "1"));
}

/* Each kind of list and sorted set that comes without a push. */
static void they_come_by_other_ways(void **state)
{
    (void)state;
    static const struct {
        const char *waits, *lines[3], *reply;
    } ways[] = {
        {"BLPOP k 0", {"RPUSH o 1", "RENAME o k"}, PAIR("k", "1")},
        {"BLPOP k 0", {"RPUSH o 1", "COPY o k"}, PAIR("k", "1")},
        {"BLPOP k 0", {"RPUSH o 1", "LMOVE o k LEFT LEFT"}, PAIR("k", "1")},
        {"BZPOPMIN k 0",
         {"ZADD o 1 a", "ZUNIONSTORE k 1 o"},
         "*3\r\n" BULK(1, "k") BULK(1, "a") BULK(1, "1")},
        {"BZPOPMIN k 0",
         {"ZADD o 1 a", "ZRANGESTORE k o 0 -1"},
         "*3\r\n" BULK(1, "k") BULK(1, "a") BULK(1, "1")},
        {"BZPOPMIN k 0", {"ZINCRBY k 1 a"}, "*3\r\n" BULK(1, "k") BULK(1, "a") BULK(1, "1")},
    };
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        clear();
        assert_reply(a, ways[i].waits, "");
        for (int line = 0; line < 3 && ways[i].lines[line]; line++)
            client_run(c, ways[i].lines[line]);
        assert_received(a, ways[i].reply);
    }
}

static void doubles_are_told_in_resp3(void **state)
{
    (void)state;
    client_run(a, "HELLO 3");
    assert_reply(a, "BZPOPMIN k 0", "");
    client_run(c, "ZADD k 1.5 a");
    assert_received(a, "*3\r\n" BULK(1, "k") BULK(1, "a") ",1.5\r\n");
    assert_reply(a, "BLPOP k 0.001", "");
    harness_advance(&h, 1000);
    assert_received(a, "_\r\n");
}

#define fresh(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(what_is_given_is_replied_and_logged),
        fresh(what_is_there_is_not_waited_for),
        fresh(nothing_came),
        fresh(another_type_is_refused_or_waited_out),
        fresh(arguments_are_checked),
        fresh(several_are_given_what_one_push_brings),
        fresh(who_wants_exactly_so_many_waits_for_them),
        fresh(a_wrong_destination_leaves_it_to_the_next),
        fresh(they_come_by_other_ways),
        fresh(doubles_are_told_in_resp3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
