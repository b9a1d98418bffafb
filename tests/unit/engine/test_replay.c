/* Replaying batches of a log, without its files. */
#include <stdio.h>
#include <string.h>

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
    replay_begin(&w->replay, w->h.e);
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
    return replay_batch(&w->replay, &batch);
}

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

static void a_command_that_fails_is_named(void **state)
{
    (void)state;
    struct slice argv[] = {SLICE("NOSUCH"), SLICE("x")};
    struct world w;
    begin(&w);
    assert_false(replay_one(&w, 2, argv));
    assert_has(w.replay.error, "a command of the log failed: -ERR unknown command 'NOSUCH'");
    assert_has_not(w.replay.error, "\r");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_base_is_forecast_by_its_first_part),
        cmocka_unit_test(each_database_is_forecast),
        cmocka_unit_test(what_cannot_be_told_is_not_forecast),
        cmocka_unit_test(few_databases_are_forecast),
        cmocka_unit_test(a_command_that_fails_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
