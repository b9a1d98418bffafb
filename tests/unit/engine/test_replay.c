/* Replaying batches of a log, without its files. */
#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "cmd/ctx.h"
#include "engine/replay.h"
#include "unit/engine/harness.h"

#define KEY_BYTES 100 /* that each key is said to take of the file */

struct world {
    struct harness h;
    struct replay replay;
};

static void begin(struct world *w)
{
    harness_init(&w->h);
    cmd_table_add(w->h.table, cmd_rows_string, NULL);
    replay_begin(&w->replay, w->h.e, REPLAY_LOADING);
}

static void end(struct world *w)
{
    replay_end(&w->replay);
    harness_deinit(&w->h);
}

static bool replay_one(struct world *w, int argc, const struct slice *argv)
{
    struct reader_command command = {.argv = argv, .argc = argc};
    struct reader_batch batch = {.commands = &command, .count = 1};
    return replay_batch(&w->replay, &batch) == REPLAY_FINE;
}

#define LINES_MAX 16

/* A batch of commands, each a line in redis-cli's quoting, at offsets 100, 200, ... */
static enum replay_verdict replay_lines(struct world *w, int n, const char *const *lines)
{
    struct words words[LINES_MAX];
    struct reader_command commands[LINES_MAX];
    assert_true(n <= LINES_MAX);
    for (int i = 0; i < n; i++) {
        words_init(&words[i]);
        assert_int_equal(words_split(&words[i], slice_from_cstr(lines[i])), ERR_OK);
        commands[i] = (struct reader_command){
            .argv = words[i].at, .argc = words[i].count, .at = 100 * (uint64_t)(i + 1)};
    }
    struct reader_batch batch = {.commands = commands, .count = (size_t)n};
    enum replay_verdict verdict = replay_batch(&w->replay, &batch);
    for (int i = 0; i < n; i++)
        words_deinit(&words[i]);
    return verdict;
}
#define REPLAY(w, ...)                                                        \
    replay_lines((w), sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), \
                 (const char *[]){__VA_ARGS__})

static void replay_select(struct world *w, const char *db)
{
    struct slice argv[] = {SLICE("SELECT"), slice_from_cstr(db)};
    assert_true(replay_one(w, 2, argv));
}

static void replay_sets(struct world *w, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char name[16];
        struct slice argv[] = {SLICE("SET"),
                               slice_of(name, (size_t)snprintf(name, sizeof(name), "k%u", i)),
                               SLICE("v")};
        assert_true(replay_one(w, 3, argv));
    }
}

static uint64_t table_bytes(const struct world *w)
{
    struct ks_stats stats;
    ks_stats(w->h.ks, &stats);
    return stats.table_bytes;
}

static void a_base_is_forecast_by_its_first_part(void **state)
{
    (void)state;
    const uint64_t keys = 300000, total = keys * KEY_BYTES;
    unsigned sample = REPLAY_SAMPLE_BYTES / KEY_BYTES + 1;
    struct world w;
    begin(&w);
    replay_select(&w, "2");
    replay_forecast(&w.replay, 0, total);
    replay_sets(&w, 0, sample - 10);
    uint64_t usual = table_bytes(&w);
    replay_forecast(&w.replay, (sample - 10) * KEY_BYTES, total);
    assert_int_equal(table_bytes(&w), usual); /* too few to tell */
    replay_sets(&w, sample - 10, sample);
    replay_forecast(&w.replay, sample * KEY_BYTES, total);
    assert_in_range(table_bytes(&w), keys * 8, keys * 20);
    while (ks_work(w.h.ks))
        continue;
    assert_in_range(table_bytes(&w), keys * 8, keys * 20);
    ks_validate(w.h.ks);
    replay_forecast_end(&w.replay);
    while (ks_work(w.h.ks))
        continue;
    assert_true(table_bytes(&w) < keys * 4);
    assert_int_equal(ks_size(w.h.ks, 2), sample);
    ks_validate(w.h.ks);
    end(&w);
}

/* Each database is sampled by itself, from where it begins. */
static void each_database_is_forecast(void **state)
{
    (void)state;
    const uint64_t total = 4 * (uint64_t)REPLAY_SAMPLE_BYTES;
    struct world w;
    begin(&w);
    replay_sets(&w, 0, 100);
    replay_forecast(&w.replay, REPLAY_SAMPLE_BYTES, total);
    replay_select(&w, "1");
    replay_forecast(&w.replay, REPLAY_SAMPLE_BYTES + 10, total);
    uint64_t usual = table_bytes(&w);
    replay_sets(&w, 0, 5000);
    replay_forecast(&w.replay, 2 * REPLAY_SAMPLE_BYTES + 10, total);
    assert_in_range(table_bytes(&w) - usual, 14000 * 8, 14000 * 20);
    ks_validate(w.h.ks);
    end(&w);
}

/* Little of the file is left, or no key came: there is nothing to make ready for. */
static void what_cannot_be_told_is_not_forecast(void **state)
{
    (void)state;
    const uint64_t total = 3 * (uint64_t)REPLAY_SAMPLE_BYTES;
    struct world w;
    begin(&w);
    replay_forecast(&w.replay, 0, total);
    replay_forecast(&w.replay, REPLAY_SAMPLE_BYTES, total);
    assert_int_equal(table_bytes(&w), 0);
    replay_select(&w, "1");
    replay_forecast(&w.replay, REPLAY_SAMPLE_BYTES, total);
    replay_sets(&w, 0, 5000);
    uint64_t usual = table_bytes(&w);
    replay_forecast(&w.replay, total - 100, total);
    assert_int_equal(table_bytes(&w), usual);
    end(&w);
}

/* Each forecast takes the rest of the file for one database: many of them would take many times the file. */
static void few_databases_are_forecast(void **state)
{
    (void)state;
    const uint64_t total = 100 * (uint64_t)REPLAY_SAMPLE_BYTES;
    struct world w;
    begin(&w);
    for (unsigned db = 0; db < 8; db++) {
        char digits[16];
        snprintf(digits, sizeof(digits), "%u", db);
        replay_select(&w, digits);
        replay_forecast(&w.replay, db * REPLAY_SAMPLE_BYTES, total);
        replay_sets(&w, 0, 1000);
        uint64_t usual = table_bytes(&w);
        replay_forecast(&w.replay, (db + 1) * REPLAY_SAMPLE_BYTES, total);
        if (db < REPLAY_FORECASTS_MAX)
            assert_in_range(table_bytes(&w) - usual, 90000 * 8, 100000 * 20);
        else
            assert_int_equal(table_bytes(&w), usual);
    }
    end(&w);
}

/* --- what may stand in a stream --------------------------------------------------------------------------- */

static void assert_refused(struct world *w, enum replay_verdict got, enum replay_verdict want,
                           const char *name, uint64_t at, const char *why)
{
    const struct admit_fault *f = &w->replay.fault;
    if (got != want || strcmp(f->name, name) != 0 || f->at != at || !strstr(f->why, why))
        fail_msg("%d, '%s' at %llu: %s", got, f->name, (unsigned long long)f->at, f->why);
}

static void effects_are_taken(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_int_equal(REPLAY(&w, "SET a 1", "set b 2", "SELECT 3", "MULTI", "SET c 3", "select 4",
                            "SET d 4", "exec", "MULTI", "EXEC", "SET e 5"),
                     REPLAY_FINE);
    assert_int_equal(w.replay.commands, 7);
    assert_int_equal(ks_size(w.h.ks, 0), 2);
    assert_int_equal(ks_size(w.h.ks, 3), 1);
    assert_int_equal(ks_size(w.h.ks, 4), 2);
    end(&w);
}

/* Every command that is no change of data is damage, and nothing of its batch is applied. */
static void nothing_else_is_taken(void **state)
{
    (void)state;
    struct world w;
    unsigned tried = 0;
    begin(&w);
    for (size_t i = 0; i < cmd_table_count(w.h.table); i++) {
        const struct cmd *cmd = cmd_table_at(w.h.table, i);
        const char *name = cmd->full_name;
        if (!cmd->row->fn || (cmd->row->flags & CMD_WRITE) || !strcmp(name, "select") ||
            !strcmp(name, "multi") || !strcmp(name, "exec"))
            continue;
        char line[256];
        int len = snprintf(line, sizeof(line), "%s", name);
        char *bar = strchr(line, '|');
        if (bar)
            *bar = ' ';
        int words = bar ? 2 : 1, wanted = cmd->row->arity < 0 ? -cmd->row->arity : cmd->row->arity;
        for (; words < wanted; words++)
            len += snprintf(line + len, sizeof(line) - (size_t)len, " 1");
        enum replay_verdict got = REPLAY(&w, "SET before 1", line, "SET behind 1");
        assert_refused(&w, got, REPLAY_DAMAGE, name, 200, "");
        assert_int_equal(ks_size(w.h.ks, 0), 0);
        tried++;
    }
    assert_true(tried > 40);
    end(&w);
}

static void what_is_unknown_is_told_from_damage(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_refused(&w, REPLAY(&w, "SET a 1", "RPUSH l x"), REPLAY_UNKNOWN, "RPUSH", 200,
                   "this server does not have it");
    assert_refused(&w, REPLAY(&w, "\"\\x00a\\xff b\" 1"), REPLAY_UNKNOWN, "?a??b", 100, "");
    assert_refused(&w, REPLAY(&w, "\"\""), REPLAY_UNKNOWN, "", 100, "");
    assert_refused(&w, REPLAY(&w, "CLIENT NOSUCH"), REPLAY_UNKNOWN, "CLIENT", 100, "");
    assert_refused(&w, REPLAY(&w, "SET a"), REPLAY_DAMAGE, "SET", 100, "number of arguments");
    assert_refused(&w, REPLAY(&w, "SET a 1", "SET a"), REPLAY_DAMAGE, "SET", 200, "number of");
    assert_int_equal(ks_size(w.h.ks, 0), 0);
    end(&w);
}

static void transactions_are_whole(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_refused(&w, REPLAY(&w, "SET a 1", "EXEC"), REPLAY_DAMAGE, "EXEC", 200, "did not begin");
    assert_refused(&w, REPLAY(&w, "MULTI", "SET a 1", "MULTI", "EXEC"), REPLAY_DAMAGE, "MULTI", 300,
                   "within a transaction");
    assert_int_equal(w.replay.fault.unit_at, 100);
    assert_refused(&w, REPLAY(&w, "SET a 1", "MULTI", "SET a 1"), REPLAY_DAMAGE, "MULTI", 200,
                   "without an end");
    assert_refused(&w, REPLAY(&w, "MULTI", "DISCARD"), REPLAY_DAMAGE, "DISCARD", 200, "");
    assert_refused(&w, REPLAY(&w, "MULTI x", "EXEC"), REPLAY_DAMAGE, "MULTI", 100, "arguments");
    assert_int_equal(ks_size(w.h.ks, 0), 0);
    assert_int_equal(w.replay.commands, 0);
    end(&w);
}

static void a_command_that_fails_is_named(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    assert_refused(&w, REPLAY(&w, "SET a 1", "MULTI", "SELECT 99", "EXEC", "SET b 1"),
                   REPLAY_FAILED, "SELECT", 300, "ERR DB index is out of range");
    assert_int_equal(REPLAY(&w, "SET c 1"), REPLAY_FINE); /* its reply is gone */
    end(&w);
}

/* --- modes ------------------------------------------------------------------------------------------------ */

static void clients_wait_while_loading(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct client *c = harness_connect(&w.h);
    assert_int_equal(REPLAY(&w, "SET a 1"), REPLAY_FINE);
    assert_has(client_run(c, "GET a"), "-LOADING");
    replay_end(&w.replay);
    assert_reply(c, "GET a", "$1\r\n1\r\n");
    assert_string_equal(buf_cstr(&w.h.effects), "");
    harness_deinit(&w.h);
}

/* A leader's stream: clients read between its batches, and what they change is recorded, but not what it changes. */
static void clients_are_served_while_applying(void **state)
{
    (void)state;
    struct world w;
    harness_init(&w.h);
    cmd_table_add(w.h.table, cmd_rows_string, NULL);
    replay_begin(&w.replay, w.h.e, REPLAY_APPLYING);
    struct client *c = harness_connect(&w.h);
    assert_reply(c, "WATCH a", "+OK\r\n");
    assert_int_equal(REPLAY(&w, "MULTI", "SET a 1", "SET b 2", "EXEC"), REPLAY_FINE);
    assert_reply(c, "GET a", "$1\r\n1\r\n");
    assert_string_equal(buf_cstr(&w.h.effects), "");
    assert_reply(c, "MULTI", "+OK\r\n");
    assert_reply(c, "GET b", "+QUEUED\r\n");
    assert_reply(c, "EXEC", "*-1\r\n"); /* as a was changed */
    assert_reply(c, "SET c 3", "+OK\r\n");
    assert_string_equal(buf_cstr(&w.h.effects), "0 SET c 3\n");
    assert_int_equal(REPLAY(&w, "SELECT 2", "SET d 4"), REPLAY_FINE);
    assert_int_equal(REPLAY(&w, "SET e 5"), REPLAY_FINE); /* goes on in the same database */
    assert_int_equal(ks_size(w.h.ks, 2), 2);
    assert_reply(c, "DBSIZE", "-ERR unknown command 'DBSIZE', with args beginning with: \r\n");
    uint64_t commands = w.h.e->stats.commands;
    replay_end(&w.replay);
    assert_int_equal(w.h.e->stats.commands, commands);
    harness_deinit(&w.h);
}

/* By the leader's clock it was there: a key is gone when the stream says so. */
static void nothing_expires_within_a_batch(void **state)
{
    (void)state;
    struct world w;
    char line[64];
    harness_init(&w.h);
    cmd_table_add(w.h.table, cmd_rows_string, NULL);
    replay_begin(&w.replay, w.h.e, REPLAY_APPLYING);
    snprintf(line, sizeof(line), "SET a 1 PXAT %lld", (long long)w.h.wall_ms - 1000);
    assert_int_equal(REPLAY(&w, line, "SET a 2 XX KEEPTTL"), REPLAY_FINE);
    assert_int_equal(ks_size(w.h.ks, 0), 1);
    replay_end(&w.replay);
    harness_deinit(&w.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_is_forecast_by_its_first_part),
        cmocka_unit_test(each_database_is_forecast),
        cmocka_unit_test(what_cannot_be_told_is_not_forecast),
        cmocka_unit_test(few_databases_are_forecast),
        cmocka_unit_test(effects_are_taken),
        cmocka_unit_test(nothing_else_is_taken),
        cmocka_unit_test(what_is_unknown_is_told_from_damage),
        cmocka_unit_test(transactions_are_whole),
        cmocka_unit_test(a_command_that_fails_is_named),
        cmocka_unit_test(clients_wait_while_loading),
        cmocka_unit_test(clients_are_served_while_applying),
        cmocka_unit_test(nothing_expires_within_a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
