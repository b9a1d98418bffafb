/* Batches: what is asked for ahead of requests changes none of their replies, whatever those before them do to the
 * values that it was asked of. */
#include <stdio.h>

#include "base/words.h"
#include "engine/plan.h"
#include "engine/plan_impl.h"
#include "unit/engine/harness.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define MEMBERS 3000 /* more than a leaf of a tree has */

static struct harness h;
static struct client *one, *many;

static int start(void **state)
{
    (void)state;
    harness_init(&h);
    cmd_add_rows(h.table);
    one = harness_connect(&h);
    many = harness_connect(&h);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    harness_deinit(&h);
    return 0;
}

/* Large and small collections, a string. */
static void fill(struct client *c)
{
    char line[128];
    for (int i = 0; i < MEMBERS; i++) {
        static const char *const forms[] = {"SADD set m%d", "HSET hash m%d v", "ZADD zset %d m%d"};
        for (size_t f = 0; f < COUNT_OF(forms); f++) {
            snprintf(line, sizeof(line), forms[f], i,
                     i); // NOLINT(clang-diagnostic-format-nonliteral)
            client_run(c, line);
        }
    }
    client_run(c, "SADD small a b c");
    client_run(c, "HSET few a 1");
    client_run(c, "SET text abc");
}

/* A request for some value that names some element of it. */
static void random_line(struct rng *r, char *line, size_t size)
{
    static const char *const forms[] = {
        "SADD %s m%d",      "SADD %s m%d a b c",   "SREM %s m%d",    "SISMEMBER %s m%d",
        "HSET %s m%d v",    "HGET %s m%d",         "HDEL %s m%d",    "HMGET %s m%d a b",
        "ZADD %s 5 m%d",    "ZSCORE %s m%d",       "ZREM %s m%d",    "HINCRBY %s n%d 1",
        "GET %s",           "RENAME %s other",     "COPY %s copy",   "DEL %s",
        "SMOVE %s set m%d", "SMISMEMBER %s m%d a", "EXISTS %s text", "MSET %s m%d a 1 b 2 c 3",
        "DEL %s m%d a b c", "MGET %s m%d a b c",   "HLEN %s",
    };
    static const char *const keys[] = {"set",  "hash", "zset",  "small", "few",
                                       "text", "none", "other", "copy"};
    size_t form = rng_below(r, 8) ? rng_below(r, 12) : rng_below(r, COUNT_OF(forms));
    // NOLINTNEXTLINE(clang-diagnostic-format-nonliteral)
    snprintf(line, size, forms[form], keys[rng_below(r, COUNT_OF(keys))],
             (int)rng_below(r, MEMBERS + MEMBERS / 2));
}

static void batches_answer_as_single_requests_do(void **state)
{
    (void)state;
    enum { ROUNDS = 100, BATCH_MAX = 100, LINE_CHARS = 64 };
    static char lines[BATCH_MAX][LINE_CHARS];
    static struct words words[BATCH_MAX];
    static struct engine_request requests[BATCH_MAX];
    struct buf expected;
    struct rng r;
    rng_seed(&r, 5);
    buf_init(&expected);
    client_run(many, "SELECT 1");
    fill(one);
    fill(many);
    for (int round = 0; round < ROUNDS; round++) {
        int n = 1 + (int)rng_below(&r, BATCH_MAX);
        buf_clear(&expected);
        for (int i = 0; i < n; i++) {
            random_line(&r, lines[i], LINE_CHARS);
            buf_append_cstr(&expected, client_run(one, lines[i]));
            words_init(&words[i]);
            assert_int_equal(words_split(&words[i], slice_from_cstr(lines[i])), ERR_OK);
            requests[i] = (struct engine_request){words[i].at, words[i].count};
        }
        assert_int_equal(engine_run(h.e, many->session, requests, n, NULL), n);
        assert_received(many, buf_cstr(&expected));
        for (int i = 0; i < n; i++)
            words_deinit(&words[i]);
        if (round % 20 == 0) {
            fill(one);
            fill(many);
        }
    }
    buf_deinit(&expected);
}

static void only_elements_that_requests_name_are_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool elements;
    } cases[] = {{"SADD s a", true}, {"HGET h f", true}, {"HLEN h", false},
                 {"GET k", false},   {"SADD s", false},  {"MSET a b c d", false}};
    static struct plan plan;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct words w;
        words_init(&w);
        assert_int_equal(words_split(&w, slice_from_cstr(cases[i].line)), ERR_OK);
        struct engine_request r[] = {{w.at, w.count}, {w.at, w.count}};
        plan_make(&plan, h.e, 0, r, 2, true);
        assert_int_equal(plan.elements, cases[i].elements);
        plan_make(&plan, h.e, 0, r, 1, false);
        assert_false(plan.elements);
        words_deinit(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches_answer_as_single_requests_do, start, stop),
        cmocka_unit_test_setup_teardown(only_elements_that_requests_name_are_asked_for, start,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
