/* MULTI, EXEC, DISCARD and WATCH, over several connections. */
#include "e2e/server.h"
#include "e2e/talk.h"

#include <pthread.h>

#define RUN(state, steps) talk_check_all(((struct srv *)*(state))->c, steps)

static void queued_commands_run_together(void **state)
{
    static const struct talk_step steps[] = {
        {"MULTI", "+OK"},           {"SET a 1", "+QUEUED"},
        {"INCR a", "+QUEUED"},      {"GET a", "+QUEUED"},
        {"GET nothing", "+QUEUED"}, {"EXEC", "[+OK, :2, \"2\", nil]"},
        {"MULTI", "+OK"},           {"EXEC", "[]"},
        {"MULTI", "+OK"},           {"SET a 5", "+QUEUED"},
        {"DISCARD", "+OK"},         {"GET a", "\"2\""},
        {"MULTI", "+OK"},           {"SELECT 9", "+QUEUED"},
        {"SET there 1", "+QUEUED"}, {"EXEC", "[+OK, +OK]"},
        {"EXISTS there", ":1"}, /* SELECT in a transaction lasts */
        {"DBSIZE", ":1"},
    };
    RUN(state, steps);
}

static void an_error_while_running_stops_nothing(void **state)
{
    static const struct talk_step steps[] = {
        {"SET text abc", "+OK"},
        {"MULTI", "+OK"},
        {"INCR text", "+QUEUED"},
        {"SET after 1", "+QUEUED"},
        {"EXEC", "[-ERR value is not an integer or out of range, +OK]"},
        {"GET after", "\"1\""},
    };
    RUN(state, steps);
}

static void an_error_while_queueing_stops_everything(void **state)
{
    static const struct talk_step steps[] = {
        {"MULTI", "+OK"},
        {"SET a 1", "+QUEUED"},
        {"NOSUCH", "-ERR unknown command*"},
        {"SET b 1", "+QUEUED"},
        {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
        {"EXISTS a b", ":0"},
        {"MULTI", "+OK"},
        {"SET a", "-ERR wrong number of arguments for 'set' command"},
        {"EXEC", "-EXECABORT Transaction discarded because of previous errors."},
        {"EXEC", "-ERR EXEC without MULTI"},
        {"DISCARD", "-ERR DISCARD without MULTI"},
        {"MULTI", "+OK"},
        {"MULTI", "-ERR MULTI calls can not be nested"},
        {"WATCH a", "-ERR WATCH inside MULTI is not allowed"},
        {"DISCARD", "+OK"},
        {"MULTI a", "-ERR wrong number of arguments for 'multi' command"},
    };
    RUN(state, steps);
}

static void leaving_discards(void **state)
{
    struct srv *s = *state;
    redisContext *c = srv_connect(s);
    talk_check(c, "MULTI", "+OK");
    talk_check(c, "SET k v", "+QUEUED");
    talk_free(&c);
    c = srv_connect(s);
    talk_check(c, "MULTI", "+OK");
    talk_check(c, "SET k v", "+QUEUED");
    talk_check(c, "RESET", "+RESET");
    talk_check(c, "EXEC", "-ERR EXEC without MULTI");
    talk_check(c, "EXISTS k", ":0");
    talk_free(&c);
}

/* --- WATCH ------------------------------------------------------------------------------------------ */

/* Before WATCH k, between WATCH and EXEC (by another client), and whether EXEC then runs. */
struct watch_case {
    const char *before, *between;
    bool runs;
};

static void what_another_client_does_to_a_watched_key(void **state)
{
    static const struct watch_case cases[] = {
        {"PING", "PING", true},
        {"SET k 1", "GET k", true},
        {"SET k 1", "SET other 2", true},
        {"SET k 1", "SET k 2", false},
        {"SET k 1", "SET k 1", false}, /* written to, though it is the same */
        {"PING", "SET k 1", false},
        {"SET k 1", "DEL k", false},
        {"PING", "DEL k", true},
        {"SET k 1", "SET k 2 NX", true},
        {"SET k 1", "EXPIRE k 1000", false},
        {"PING", "EXPIRE k 1000", true},
        {"SET k 1", "PERSIST k", true},
        {"SET k 1", "APPEND k x", false},
        {"SET k 1", "GETEX k EX 1000", false},
        {"SET k 1", "GETDEL k", false},
        {"SET k 1", "RENAME k other", false},
        {"SET other 1", "RENAME other k", false},
        {"SET other 1", "COPY other k", false},
        {"SET k 1", "COPY k other", true},
        {"SET k 1", "MOVE k 1", false},
        {"SET k 1", "FLUSHDB", false},
        {"SET k 1", "FLUSHALL ASYNC", false},
        {"PING", "FLUSHALL", true},
        {"SET k 1", "SWAPDB 0 1", false},
        {"PING", "SWAPDB 0 1", true},
        {"SET k 1", "SWAPDB 1 2", true},
        {"SET k 1", "CLIENT PAUSE 0", true},
    };
    struct srv *s = *state;
    redisContext *other = srv_connect(s);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        talk_check(s->c, "FLUSHALL", "+OK");
        talk_check(s->c, cases[i].before, "*");
        talk_check(s->c, "WATCH x k y", "+OK");
        talk_check(other, cases[i].between, "*");
        talk_check(s->c, "MULTI", "+OK");
        talk_check(s->c, "PING", "+QUEUED");
        redisReply *r = talk_ask(s->c, "EXEC");
        if ((r->type == REDIS_REPLY_ARRAY) != cases[i].runs)
            fail_msg("%s; WATCH k; %s: EXEC %s", cases[i].before, cases[i].between,
                     cases[i].runs ? "does not run" : "runs");
        freeReplyObject(r);
    }
    talk_free(&other);
}

static void what_ends_a_watch(void **state)
{
    static const char *const endings[] = {"UNWATCH", "EXEC", "DISCARD", "RESET"};
    struct srv *s = *state;
    redisContext *other = srv_connect(s);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        talk_check(s->c, "WATCH k", "+OK");
        talk_check(other, "SET k changed", "+OK");
        if (i == 1 || i == 2)
            talk_check(s->c, "MULTI", "+OK");
        talk_check(s->c, endings[i], i == 1 ? "nil" : "+*");
        talk_check(s->c, "MULTI", "+OK");
        talk_check(s->c, "EXEC", "[]");
    }
    talk_free(&other);
}

static void one_may_watch_and_change_a_key_oneself(void **state)
{
    static const struct talk_step steps[] = {
        {"WATCH k", "+OK"}, {"SET k 1", "+OK"}, {"MULTI", "+OK"},       {"PING", "+QUEUED"},
        {"EXEC", "nil"}, /* changed before MULTI: as if by somebody else */
        {"WATCH k", "+OK"}, {"MULTI", "+OK"},   {"SET k 2", "+QUEUED"}, {"EXEC", "[+OK]"},
    };
    RUN(state, steps);
}

static void a_key_of_the_same_name_elsewhere_is_another(void **state)
{
    struct srv *s = *state;
    redisContext *other = srv_connect(s);
    talk_check(s->c, "WATCH k", "+OK");
    talk_check(other, "SELECT 1", "+OK");
    talk_check(other, "SET k 1", "+OK");
    talk_check(s->c, "MULTI", "+OK");
    talk_check(s->c, "EXEC", "[]");
    talk_free(&other);
}

/* A watched key whose time comes has changed, whether anybody has looked or not. */
static void a_watched_key_that_expires_has_changed(void **state)
{
    struct srv *s = *state;
    for (int active = 0; active < 2; active++) {
        talk_check(s->c, active ? "DEBUG SET-ACTIVE-EXPIRE 1" : "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
        talk_check(s->c, "SET k 1 PX 30", "+OK");
        talk_check(s->c, "WATCH k", "+OK");
        srv_sleep_ms(100);
        talk_check(s->c, "MULTI", "+OK");
        talk_check(s->c, "PING", "+QUEUED");
        talk_check(s->c, "EXEC", "nil");
    }
}

/* ... but one that was over when the watch began has not. */
static void a_watched_key_that_was_over_before_has_not(void **state)
{
    struct srv *s = *state;
    talk_check(s->c, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
    talk_check(s->c, "SET k 1 PX 1", "+OK");
    srv_sleep_ms(20);
    talk_check(s->c, "WATCH k", "+OK");
    talk_check(s->c, "EXISTS k", ":0");
    talk_check(s->c, "MULTI", "+OK");
    talk_check(s->c, "PING", "+QUEUED");
    talk_check(s->c, "EXEC", "[+PONG]");
    talk_check(s->c, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
}

/* --- atomicity -------------------------------------------------------------------------------------- */

enum { WRITERS = 3, ROUNDS = SRV_SCALED(1500) };

struct load {
    const struct srv *server;
    redisContext *c;
    int retries;
    pthread_t thread;
};

/* Moves money between two accounts, optimistically: reads both, then writes both unless either has changed. No
 * assertion here: cmocka's belong to the main thread. */
static void *transfer(void *arg)
{
    struct load *l = arg;
    for (int done = 0; done < ROUNDS / 10;) {
        freeReplyObject(redisCommand(l->c, "WATCH {acc}1 {acc}2"));
        redisReply *r = redisCommand(l->c, "MGET {acc}1 {acc}2");
        if (!r || r->elements != 2)
            return NULL;
        long long one = atoll(r->element[0]->str), two = atoll(r->element[1]->str);
        freeReplyObject(r);
        freeReplyObject(redisCommand(l->c, "MULTI"));
        freeReplyObject(redisCommand(l->c, "SET {acc}1 %lld", one - 1));
        freeReplyObject(redisCommand(l->c, "SET {acc}2 %lld", two + 1));
        r = redisCommand(l->c, "EXEC");
        bool ran = r && r->type == REDIS_REPLY_ARRAY;
        freeReplyObject(r);
        done += ran;
        l->retries += !ran;
    }
    return l;
}

/* Adds one to each of two counters at once, in pipelines. */
static void *count_twice(void *arg)
{
    struct load *l = arg;
    for (int i = 0; i < ROUNDS; i++) {
        redisAppendCommand(l->c, "MULTI");
        redisAppendCommand(l->c, "INCR left");
        redisAppendCommand(l->c, "INCR right");
        redisAppendCommand(l->c, "EXEC");
        for (int k = 0; k < 4; k++) {
            void *r = NULL;
            if (redisGetReply(l->c, &r) != REDIS_OK)
                return NULL;
            freeReplyObject(r);
        }
    }
    return l;
}

static void start_loads(struct srv *s, struct load *loads, void *(*fn)(void *))
{
    for (int i = 0; i < WRITERS; i++) {
        loads[i] = (struct load){.server = s, .c = srv_connect(s)};
        assert_int_equal(pthread_create(&loads[i].thread, NULL, fn, &loads[i]), 0);
    }
}

static void join_loads(struct load *loads)
{
    for (int i = 0; i < WRITERS; i++) {
        void *result;
        assert_int_equal(pthread_join(loads[i].thread, &result), 0);
        assert_non_null(result);
        talk_free(&loads[i].c);
    }
}

static void nobody_sees_half_a_transaction(void **state)
{
    struct srv *s = *state;
    struct load loads[WRITERS];
    talk_check(s->c, "MSET left 0 right 0", "+OK");
    start_loads(s, loads, count_twice);
    for (long long left = 0; left < (long long)WRITERS * ROUNDS;) {
        redisReply *r = talk_ask(s->c, "MGET left right");
        assert_string_equal(r->element[0]->str, r->element[1]->str);
        left = atoll(r->element[0]->str);
        freeReplyObject(r);
    }
    join_loads(loads);
}

static void optimistic_transfers_lose_nothing(void **state)
{
    struct srv *s = *state;
    struct load loads[WRITERS];
    char expected[64];
    talk_check(s->c, "MSET {acc}1 0 {acc}2 0", "+OK");
    start_loads(s, loads, transfer);
    join_loads(loads);
    int transfers = WRITERS * (ROUNDS / 10);
    snprintf(expected, sizeof(expected), "[\"%d\", \"%d\"]", -transfers, transfers);
    talk_check(s->c, "MGET {acc}1 {acc}2", expected);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(queued_commands_run_together),
        TEST(an_error_while_running_stops_nothing),
        TEST(an_error_while_queueing_stops_everything),
        TEST(leaving_discards),
        TEST(what_another_client_does_to_a_watched_key),
        TEST(what_ends_a_watch),
        TEST(one_may_watch_and_change_a_key_oneself),
        TEST(a_key_of_the_same_name_elsewhere_is_another),
        TEST(a_watched_key_that_expires_has_changed),
        TEST(a_watched_key_that_was_over_before_has_not),
        TEST(nobody_sees_half_a_transaction),
        TEST(optimistic_transfers_lose_nothing),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
