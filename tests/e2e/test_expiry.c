/* Time's part: keys vanish when they should, not before, and a million of them at once stop nobody's work. */
#include "e2e/server.h"
#include "e2e/talk.h"

#include "base/clock.h"

static int64_t server_ms(redisContext *c)
{
    redisReply *r = talk_ask(c, "TIME");
    int64_t ms =
        strtoll(r->element[0]->str, NULL, 10) * 1000 + strtoll(r->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(r);
    return ms;
}

/* --- exactness -------------------------------------------------------------------------------------- */

/* Looks at key k until it is gone. While it is there, its time had not passed when the question was asked; once it is
 * gone, its time has come before the answer was. */
static void check_exact_end(redisContext *c, int64_t deadline_ms)
{
    for (;;) {
        int64_t asked_ms = server_ms(c);
        if (talk_ask_int(c, "EXISTS k") == 0)
            break;
        if (asked_ms > deadline_ms)
            fail_msg("a key is there %lld ms after its end", (long long)(asked_ms - deadline_ms));
    }
    int64_t gone_ms = server_ms(c);
    if (gone_ms < deadline_ms)
        fail_msg("a key is gone %lld ms before its end", (long long)(deadline_ms - gone_ms));
}

static void keys_end_to_the_millisecond(void **state)
{
    static const char *const commands[] = {"PEXPIREAT k %lld", "SET k v PXAT %lld",
                                           "GETEX k PXAT %lld"};
    redisContext *c = ((struct srv *)*state)->c;
    for (int active = 0; active < 2; active++) {
        talk_check(c, active ? "DEBUG SET-ACTIVE-EXPIRE 1" : "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
            char command[64];
            int64_t deadline_ms = server_ms(c) + 50;
            talk_check(c, "SET k v", "+OK");
            snprintf(command, sizeof(command), commands[i], (long long)deadline_ms);
            talk_check(c, command, "*");
            check_exact_end(c, deadline_ms);
        }
    }
}

/* Relative ones start when the command runs. */
static void relative_ends_are_as_exact(void **state)
{
    static const char *const commands[] = {"PEXPIRE k 40", "SET k v PX 40", "PSETEX k 40 v",
                                           "GETEX k PX 40"};
    redisContext *c = ((struct srv *)*state)->c;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        talk_check(c, "SET k v", "+OK");
        int64_t before_ms = server_ms(c);
        talk_check(c, commands[i], "*");
        int64_t after_ms = server_ms(c);
        int64_t deadline_ms = talk_ask_int(c, "PEXPIRETIME k");
        if (deadline_ms == -2) /* this machine was busy for longer */
            continue;
        assert_in_range(deadline_ms, before_ms + 40, after_ms + 40);
        check_exact_end(c, deadline_ms);
    }
}

/* The last millisecond there is is a deadline like any other, and comes back from the log as it was. */
static void the_last_deadline_of_all_is_kept(void **state)
{
    static const struct talk_step steps[] = {
        {"SET set v PXAT 9223372036854775807", "+OK"},
        {"PEXPIRETIME set", ":9223372036854775807"},
        {"EXPIRETIME set", ":9223372036854776"},
        {"SET k v", "+OK"},
        {"PEXPIREAT k 9223372036854775807 GT",
         ":0"}, /* as without a deadline there is none later */
        {"PEXPIREAT k 9223372036854775807 LT", ":1"},
        {"PEXPIREAT k 9223372036854775807 LT", ":0"},
        {"PEXPIREAT k 9223372036854775807 XX", ":1"},
        {"PEXPIREAT k 9223372036854775807 NX", ":0"},
        {"PEXPIRETIME k", ":9223372036854775807"},
        {"PERSIST k", ":1"},
        {"PEXPIRETIME k", ":-1"},
        {"GETEX k PXAT 9223372036854775807", "\"v\""},
        {"RENAME k renamed", "+OK"},
        {"COPY renamed copied", ":1"},
        {"COPY renamed copied DB 1 REPLACE", ":1"},
        {"MSETEX 1 many v PXAT 9223372036854775807", ":1"},
        {"SET k v PX 9223372036854775807", "-ERR invalid expire time in 'set' command"},
        {"PEXPIRE copied 9223372036854775807", "-ERR invalid expire time in 'pexpire' command"},
        {"EXPIREAT copied 9223372036854775807", "-ERR invalid expire time in 'expireat' command"},
        {"SET gone v", "+OK"},
        {"PEXPIREAT gone -1", ":1"},
        {"EXISTS gone", ":0"},
        {"SET gone v", "+OK"},
        {"PEXPIREAT gone -9223372036854775808", ":1"},
        {"EXISTS gone", ":0"},
    };
    redisContext *c = ((struct srv *)*state)->c;
    talk_check_all(c, steps);
    talk_check(c, "CONFIG SET appendonly yes", "+OK");
    talk_check(c, "WAITAOF 1 0 0", "[:1, :0]");
    talk_check(c, "PEXPIREAT many 9223372036854775807", ":1"); /* that one as a command */
    static const char *const keys[] = {"set", "renamed", "copied", "many"};
    for (int reloads = 0; reloads < 2; reloads++) {
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            char command[64];
            snprintf(command, sizeof(command), "PEXPIRETIME %s", keys[i]);
            talk_check(c, command, ":9223372036854775807");
        }
        talk_check(c, "DEBUG LOADAOF", "+OK");
    }
    talk_check(c, "CONFIG SET appendonly no", "+OK");
}

/* A key that is over is over for every command, whether or not it has been taken away. */
static void an_ended_key_is_gone_for_every_command(void **state)
{
    static const struct talk_step steps[] = {
        {"GET k", "nil"},          {"EXISTS k", ":0"},
        {"TTL k", ":-2"},          {"PEXPIRETIME k", ":-2"},
        {"TYPE k", "+none"},       {"STRLEN k", ":0"},
        {"DEL k", ":0"},           {"PERSIST k", ":0"},
        {"EXPIRE k 100", ":0"},    {"TOUCH k", ":0"},
        {"RENAME k r", "-ERR *"},  {"COPY k r", ":0"},
        {"MOVE k 1", ":0"},        {"OBJECT ENCODING k", "nil"},
        {"GETDEL k", "nil"},       {"GETEX k", "nil"},
        {"SET k v XX", "nil"},     {"KEYS *", "[]"},
        {"SCAN 0", "[\"0\", []]"}, {"MGET k", "[nil]"},
        {"RANDOMKEY", "nil"},      {"SET k v NX KEEPTTL", "+OK"},
        {"INCR k", ":1"},          {"APPEND k x", ":1"},
        {"SETRANGE k 0 y", ":1"},  {"SET k v GET", "nil"},
        {"GETSET k v", "nil"},     {"MSETNX k 1", ":1"},
    };
    redisContext *c = ((struct srv *)*state)->c;
    talk_check(c, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        talk_check(c, "FLUSHALL", "+OK");
        talk_check(c, "SET k 5 PX 1", "+OK");
        srv_sleep_ms(3);
        talk_check(c, steps[i].command, steps[i].reply);
    }
    talk_check(c, "TTL k", ":-1"); /* and what was written then has no end */
    talk_check(c, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK");
}

static void keys_go_without_being_looked_at(void **state)
{
    redisContext *c = ((struct srv *)*state)->c;
    talk_check(c, "SET stays v", "+OK");
    talk_check(c, "SET later v EX 1000", "+OK");
    for (int i = 0; i < 100; i++)
        redisAppendCommand(c, "SET k:%d v PX %d", i, 1 + i % 20);
    for (int i = 0; i < 100; i++)
        talk_check_next(c, "+OK");
    talk_check_soon(c, "INFO keyspace", "*db0:keys=2,expires=1,*");
}

/* --- many at once ----------------------------------------------------------------------------------- */

enum {
    KEYS = SRV_SCALED(200000),
    LEAD_MS = 1500, /* from the start of loading to the end of all keys */
    PING_MS_MAX =
        100, /* with room for a busy machine; a server that takes them in one go takes longer */
    GIVEN_BACK_PERC = 80, /* of the memory that they took */
};

/* Sets all keys in pipelines. */
static void load(redisContext *c, int64_t deadline_ms)
{
    enum { STEP = 1000 };
    for (int first = 0; first < KEYS; first += STEP) {
        for (int i = first; i < first + STEP; i++)
            redisAppendCommand(c, "SET key:%d some-value PXAT %lld", i, (long long)deadline_ms);
        for (int i = first; i < first + STEP; i++) {
            void *r = NULL;
            assert_int_equal(redisGetReply(c, &r), REDIS_OK);
            freeReplyObject(r);
        }
    }
}

/* Loads so that all keys are there some time before their end; returns that. */
static int64_t load_in_time(redisContext *c)
{
    for (int lead_ms = LEAD_MS; lead_ms < SRV_PATIENCE_MS; lead_ms *= 2) {
        int64_t deadline_ms = server_ms(c) + lead_ms;
        talk_check(c, "FLUSHALL SYNC", "+OK");
        load(c, deadline_ms);
        if (server_ms(c) < deadline_ms - lead_ms / 5)
            return deadline_ms;
    }
    fail_msg("loading %d keys takes too long", KEYS);
    return 0;
}

/* PINGs until all keys are gone; returns the longest that one took. */
static double longest_ping_ms(redisContext *c)
{
    double longest = 0;
    for (int64_t start_us = clock_mono_us();
         clock_mono_us() - start_us < SRV_PATIENCE_MS * 1000LL;) {
        for (int i = 0; i < 20; i++) {
            int64_t asked_us = clock_mono_us();
            talk_check(c, "PING", "+PONG");
            double ms = (double)(clock_mono_us() - asked_us) / 1000;
            longest = ms > longest ? ms : longest;
        }
        if (talk_ask_int(c, "DBSIZE") == 0)
            return longest;
    }
    fail_msg("keys are still there long after their end");
    return 0;
}

static void check_memory_comes_back(redisContext *c, int64_t before, int64_t full)
{
    int64_t now = full;
    for (int ms = 0; ms < SRV_PATIENCE_MS; ms += 20) {
        now = talk_info_int(c, "memory", "used_memory");
        if ((full - now) * 100 >= (full - before) * GIVEN_BACK_PERC)
            return;
        srv_sleep_ms(20);
    }
    fail_msg("of %lld bytes only %lld are given back", (long long)(full - before),
             (long long)(full - now));
}

/* One attempt; returns the longest time that a client had to wait meanwhile. */
static double expire_all_at_once(redisContext *c)
{
    int64_t before = talk_info_int(c, "memory", "used_memory");
    int64_t expired = talk_info_int(c, "stats", "expired_keys");
    int64_t deadline_ms = load_in_time(c);
    int64_t full = talk_info_int(c, "memory", "used_memory");
    while (server_ms(c) < deadline_ms - 20) {
        int64_t keys = talk_ask_int(c, "DBSIZE");
        if (server_ms(c) < deadline_ms)
            assert_int_equal(keys, KEYS); /* none is gone early */
        srv_sleep_ms(5);
    }
    double longest_ms = longest_ping_ms(c);
    assert_true(talk_info_int(c, "stats", "expired_keys") - expired >= KEYS);
    check_memory_comes_back(c, before, full);
    return longest_ms;
}

/* Somebody else's work may hold up a PING once, but not each time. */
static void many_keys_that_end_at_once_hold_nobody_up(void **state)
{
    enum { ATTEMPTS = 3 };
    redisContext *c = ((struct srv *)*state)->c;
    double longest_ms = 0;
    for (int i = 0; i < ATTEMPTS; i++) {
        longest_ms = expire_all_at_once(c);
        print_message("%d keys ended; the longest PING took %.1f ms\n", KEYS, longest_ms);
        if (longest_ms < PING_MS_MAX)
            return;
    }
    fail_msg("while %d keys ended a PING took %.1f ms", KEYS, longest_ms);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, srv_test_setup)
    const struct CMUnitTest tests[] = {
        TEST(keys_end_to_the_millisecond),      TEST(relative_ends_are_as_exact),
        TEST(the_last_deadline_of_all_is_kept), TEST(an_ended_key_is_gone_for_every_command),
        TEST(keys_go_without_being_looked_at),  TEST(many_keys_that_end_at_once_hold_nobody_up),
    };
    return cmocka_run_group_tests(tests, srv_group_setup, srv_group_teardown);
}
