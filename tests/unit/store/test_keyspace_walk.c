#include "ks_fixture.h"
#include "store/item_impl.h"

#include <stdlib.h>
#include <string.h>

#define STAY_KEYS 1000

/* --- scan ------------------------------------------------------------------------------------------- */

struct scan {
    uint64_t cursor;
    unsigned given, steps, most;
    unsigned times[STAY_KEYS]; /* that stay:n was given */
};

static void note(const struct item *it, void *arg)
{
    struct scan *s = arg;
    struct slice name = item_key(it);
    s->given++;
    if (memcmp(name.ptr, "stay:", 5) == 0)
        s->times[item_int(it)]++;
}

static bool scan_step(const struct keyspace *ks, struct scan *s, uint64_t count)
{
    unsigned before = s->given;
    s->cursor = ks_scan(ks, 0, s->cursor, count, note, s);
    s->steps++;
    if (s->given - before > s->most)
        s->most = s->given - before;
    return s->cursor != 0;
}

static void assert_complete(const struct scan *s, bool exact)
{
    for (unsigned i = 0; i < STAY_KEYS; i++)
        assert_true(s->times[i] == 1 || (!exact && s->times[i] > 1));
}

static void scanning_gives_every_key_once(void **state)
{
    (void)state;
    static const unsigned shards[] = {1, 2, 16, 1024};
    static const uint64_t counts[] = {0, 1, 10, 333, 100000, UINT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        struct keyspace *ks = fixture_new(shards[i], NULL, NULL);
        fixture_fill(ks, 0, "stay", STAY_KEYS, ITEM_NO_EXPIRY);
        for (size_t c = 0; c < 6; c++) {
            struct scan s = {.cursor = 0};
            while (scan_step(ks, &s, counts[c]))
                ;
            assert_complete(&s, true);
            /* Steps are as large as they were asked to be, about, and no step is much larger. */
            uint64_t count = counts[c] ? counts[c] : 1;
            if (count <= STAY_KEYS) {
                assert_true(s.steps <= 4 + STAY_KEYS / count);
                assert_true(s.most <= 2 * count + 10);
            } else {
                assert_int_equal(s.steps, 1);
            }
        }
        ks_free(&ks);
    }
}

static void malformed_cursors_end_a_scan(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    struct scan s = {.cursor = 0};
    assert_int_equal(ks_scan(ks, 0, 7, 10, note, &s), 0); /* an empty database */
    fixture_fill(ks, 0, "stay", 100, ITEM_NO_EXPIRY);
    assert_int_equal(ks_scan(ks, 0, 1ULL << 32, 10, note, &s), 0);
    assert_int_equal(ks_scan(ks, 0, UINT64_MAX, 10, note, &s), 0);
    assert_int_equal(s.given, 0);
    assert_int_equal(ks_scan(ks, 0, UINT32_MAX, 10, note, &s), 0);
    ks_free(&ks);
}

/* Between two steps of a scan: keys come and go, tables grow and shrink, shards come and go. */
static void churn(struct keyspace *ks, struct rng *rng, unsigned *temps)
{
    struct fixture_name name;
    bool grow = rng_below(rng, 2);
    for (unsigned i = 0; i < 200; i++) {
        struct key k = fixture_key(ks, &name, "temp", grow ? *temps : *temps - 1);
        if (grow && ks_set_int(ks, 0, &k, 0, ITEM_NO_EXPIRY))
            ++*temps;
        else if (*temps > 0 && ks_delete(ks, 0, &k))
            --*temps;
    }
    for (uint64_t i = rng_below(rng, 20); i > 0; i--)
        ks_work(ks);
    ks_set_shards(ks, 1 + (unsigned)rng_below(rng, 30)); /* or a move is under way already */
}

static void scanning_misses_no_key_that_stays(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng;
        rng_seed(&rng, seed);
        struct keyspace *ks = fixture_new(1 + (unsigned)rng_below(&rng, 9), NULL, NULL);
        fixture_fill(ks, 0, "stay", STAY_KEYS, ITEM_NO_EXPIRY);
        unsigned temps = 0;
        struct scan s = {.cursor = 0};
        while (scan_step(ks, &s, 1 + rng_below(&rng, 30)))
            churn(ks, &rng, &temps);
        assert_complete(&s, true);
        assert_true(s.steps < 3 * STAY_KEYS);
        ks_validate(ks);
        ks_free(&ks);
    }
}

static void scanning_survives_a_flush(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(4, NULL, NULL);
    fixture_fill(ks, 0, "temp", 5000, ITEM_NO_EXPIRY);
    struct scan s = {.cursor = 0};
    assert_true(scan_step(ks, &s, 100));
    ks_flush(ks, 0, false);
    assert_false(scan_step(ks, &s, 100));

    /* What stays from the first step to the last is given, also where that begins behind the flush. */
    fixture_fill(ks, 0, "stay", STAY_KEYS, ITEM_NO_EXPIRY);
    while (scan_step(ks, &s, 100))
        ks_work(ks);
    assert_complete(&s, true);
    ks_free(&ks);
}

/* --- random ----------------------------------------------------------------------------------------- */

static void random_keys_come_evenly(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    struct keyspace *ks = fixture_new(7, NULL, NULL);
    assert_null(ks_random(ks, 0, 1));
    fixture_fill(ks, 0, "stay", STAY_KEYS, ITEM_NO_EXPIRY);
    unsigned times[STAY_KEYS] = {0};
    for (unsigned i = 0; i < 200 * STAY_KEYS; i++)
        times[item_int(ks_random(ks, 0, rng_next(&rng)))]++;
    for (unsigned i = 0; i < STAY_KEYS; i++)
        assert_in_range(times[i], 20, 800); /* about, says the contract */
    ks_free(&ks);
}

static void random_keys_are_not_due(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    fixture_fill(ks, 0, "due", 60, FIXTURE_NOW_MS + 1);
    fixture_fill(ks, 0, "stay", 3, ITEM_NO_EXPIRY);
    fixture_fill(ks, 1, "due", 60, FIXTURE_NOW_MS + 1);
    fixture_fill(ks, 2, "due", 1000, FIXTURE_NOW_MS + 1);
    ks_clock(ks, FIXTURE_NOW_MS + 1);
    ks_set_expiry_mode(ks, KS_EXPIRY_IGNORE);
    assert_non_null(ks_random(ks, 1, 99));
    ks_set_expiry_mode(ks, KS_EXPIRY_REMOVE);
    for (unsigned i = 0; i < 100; i++) {
        const struct item *it = ks_random(ks, 0, i * 0x9e3779b97f4a7c15);
        assert_non_null(it);
        assert_false(item_has_expiry(it));
    }
    assert_null(ks_random(ks, 1, 99));
    assert_int_equal(ks_size(ks, 1), 0);
    assert_null(ks_random(ks, 2, 99)); /* gives up in time */
    assert_int_equal(ks_size(ks, 2), 900);
    ks_free(&ks);
}

/* --- estimates -------------------------------------------------------------------------------------- */

static void the_average_ttl_is_about_right(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(5, NULL, NULL);
    assert_int_equal(ks_average_ttl_ms(ks, 0), 0);
    fixture_fill(ks, 0, "stay", 20000, ITEM_NO_EXPIRY);
    assert_int_equal(ks_average_ttl_ms(ks, 0), 0);
    struct fixture_name name;
    for (unsigned i = 0; i < 10000; i++) {
        struct key k = fixture_key(ks, &name, "ttl", i);
        ks_set_int(ks, 0, &k, 0, FIXTURE_NOW_MS + 1 + i);
    }
    assert_in_range(ks_average_ttl_ms(ks, 0), 3500, 6500);
    ks_clock(ks, FIXTURE_NOW_MS + 20000);
    assert_int_equal(ks_average_ttl_ms(ks, 0), 0);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scanning_gives_every_key_once),
        cmocka_unit_test(malformed_cursors_end_a_scan),
        cmocka_unit_test(scanning_misses_no_key_that_stays),
        cmocka_unit_test(scanning_survives_a_flush),
        cmocka_unit_test(random_keys_come_evenly),
        cmocka_unit_test(random_keys_are_not_due),
        cmocka_unit_test(the_average_ttl_is_about_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
