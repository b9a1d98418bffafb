#include "ks_fixture.h"
#include "store/item_impl.h"

#include <string.h>

#define LARGE_BYTES (1024 * 1024)

static struct ks_stats stats_of(const struct keyspace *ks)
{
    struct ks_stats stats;
    ks_stats(ks, &stats);
    return stats;
}

static void set_large(struct keyspace *ks, unsigned n)
{
    struct fixture_name name;
    struct key k = fixture_key(ks, &name, "large", n);
    struct blob *b = blob_try_new(LARGE_BYTES, LARGE_BYTES);
    assert_non_null(b);
    assert_non_null(ks_set_blob(ks, 0, &k, b, ITEM_NO_EXPIRY));
}

static void a_flush_is_done_at_once_and_freed_in_slices(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    fixture_fill(ks, 0, "k", 10000, FIXTURE_NOW_MS + 5);
    fixture_fill(ks, 1, "k", 1000, ITEM_NO_EXPIRY);
    ks_flush(ks, 0, false);
    assert_int_equal(ks_size(ks, 0), 0);
    assert_int_equal(ks_expires(ks, 0), 0);
    assert_int_equal(ks_size(ks, 1), 1000);
    fixture_expect(ks, 0, "k:1", NULL);
    fixture_expect(ks, 1, "k:1", "1");
    assert_int_equal(stats_of(ks).lazy_pending, 10000);
    uint64_t pending = 10000;
    while (ks_work(ks)) {
        ks_validate(ks);
        uint64_t left = stats_of(ks).lazy_pending;
        assert_in_range(pending - left, 0, 1000); /* not all in one slice */
        pending = left;
    }
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    assert_int_equal(stats_of(ks).lazy_freed, 10000);

    fixture_fill(ks, 0, "k", 1000, ITEM_NO_EXPIRY);
    ks_flush(ks, -1, true);
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    assert_int_equal(stats_of(ks).bytes, 0);
    ks_flush(ks, -1, true);
    ks_free(&ks);
}

static void flushes_may_queue_up(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    for (unsigned i = 1; i <= 5; i++) {
        fixture_fill(ks, 0, "k", 700, ITEM_NO_EXPIRY);
        ks_flush(ks, i % 2 ? 0 : -1, false);
        ks_work(ks);
    }
    ks_validate(ks);
    fixture_settle(ks);
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    fixture_fill(ks, 0, "k", 700, ITEM_NO_EXPIRY);
    ks_flush(ks, 0, false);
    ks_free(&ks); /* with what is pending */
}

static void large_values_are_freed_later(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct fixture_name name;
    set_large(ks, 0);
    set_large(ks, 1);
    struct key k = fixture_key(ks, &name, "large", 0);
    assert_true(ks_delete(ks, 0, &k));
    assert_int_equal(stats_of(ks).lazy_pending, 1);
    set_large(ks, 1); /* overwriting too */
    assert_int_equal(stats_of(ks).lazy_pending, 2);
    fixture_settle(ks);
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    assert_int_equal(stats_of(ks).lazy_freed, 2);

    /* What a reply still holds costs nothing to let go, so it does not wait. */
    struct key other = fixture_key(ks, &name, "large", 1);
    struct blob *held = blob_hold(item_blob(ks_find(ks, 0, &other, 0)));
    assert_true(ks_delete(ks, 0, &other));
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    assert_int_equal(held->refs, 1);
    blob_drop(held);
    assert_int_equal(fixture_bytes(ks), 0);
    ks_free(&ks);
}

static void large_values_of_a_flushed_database_are_freed_with_it(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    set_large(ks, 0);
    ks_flush(ks, 0, false);
    while (ks_work(ks)) /* until there is nothing left to do, as it says */
        ;
    assert_int_equal(stats_of(ks).lazy_pending, 0);
    assert_int_equal(stats_of(ks).lazy_freed, 1);

    set_large(ks, 0);
    set_large(ks, 1);
    ks_flush(ks, 0, false);
    ks_free(&ks); /* with what is pending, which the leak sanitizer looks for */
}

static void a_stream_of_large_values_does_not_pile_up(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    for (unsigned i = 0; i < 300; i++) {
        set_large(ks, 0);
        assert_in_range(stats_of(ks).lazy_pending, 0, 64);
    }
    ks_free(&ks);
}

static void tables_shrink_when_keys_go(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    struct fixture_name name;
    fixture_fill(ks, 0, "k", 50000, FIXTURE_NOW_MS + 1000);
    fixture_settle(ks);
    uint64_t full = stats_of(ks).table_bytes;
    assert_true(full < 50000 * 20);
    for (unsigned i = 100; i < 50000; i++) {
        struct key k = fixture_key(ks, &name, "k", i);
        assert_true(ks_delete(ks, 0, &k));
    }
    fixture_settle(ks);
    assert_true(stats_of(ks).table_bytes < full / 10);
    ks_validate(ks);
    ks_free(&ks);
}

/* As loading does it: some keys, then the size for all, then work in slices while the others come. */
static void tables_are_ready_for_what_is_expected(void **state)
{
    (void)state;
    const unsigned shards[] = {1, 5};
    for (size_t i = 0; i < 2; i++) {
        struct keyspace *ks = fixture_new(shards[i], NULL, NULL);
        ks_expect(ks, 1, 100000); /* a database that is not there: nothing to do */
        fixture_fill(ks, 0, "k", 1000, ITEM_NO_EXPIRY);
        ks_expect(ks, 0, 100000);
        ks_validate(ks);
        uint64_t ready = stats_of(ks).table_bytes;
        assert_in_range(ready, 100000 * 8, 100000 * 20);
        fixture_settle(ks);
        assert_int_equal(stats_of(ks).table_bytes, ready);
        fixture_fill(ks, 0, "k", 95000, ITEM_NO_EXPIRY);
        fixture_settle(ks);
        assert_in_range(stats_of(ks).table_bytes, ready,
                        ready * 5 / 4); /* with lines that overflow */
        ks_validate(ks);
        ks_expect_end(ks);
        fixture_settle(ks);
        fixture_expect(ks, 0, "k:94999", "94999");
        ks_validate(ks);
        ks_free(&ks);
    }
}

static void what_was_expected_in_vain_goes(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    fixture_fill(ks, 0, "k", 1000, ITEM_NO_EXPIRY);
    fixture_settle(ks);
    uint64_t usual = stats_of(ks).table_bytes;
    ks_expect(ks, 0, 1000000);
    assert_true(stats_of(ks).table_bytes > 1000000 * 8);
    fixture_settle(ks);
    assert_true(stats_of(ks).table_bytes > 1000000 * 8);
    ks_expect_end(ks);
    fixture_settle(ks);
    assert_in_range(stats_of(ks).table_bytes, usual / 2, usual * 2);
    ks_validate(ks);
    ks_free(&ks);
}

/* Once nothing changes any more, the work that is left over is done all the same, in the first table too. */
static void tables_are_moved_to_the_end(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    fixture_fill(ks, 0, "k", 300000, ITEM_NO_EXPIRY);
    fixture_settle(ks);
    struct fixture_name name;
    for (unsigned i = 130000; i < 300000;
         i++) { /* no more than begins the move, hardly any of it */
        struct key k = fixture_key(ks, &name, "k", i);
        assert_true(ks_delete(ks, 0, &k));
    }
    fixture_settle(ks);
    uint64_t settled = stats_of(ks).table_bytes;
    ks_work(ks);
    assert_int_equal(stats_of(ks).table_bytes, settled);
    assert_true(settled < 130000 * 22); /* at least 3 keys a line */
    ks_free(&ks);
}

static void work_comes_to_an_end(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    assert_false(ks_work(ks));
    fixture_set(ks, 0, "k", "v");
    assert_false(ks_work(ks)); /* one look, and nothing to do */
    fixture_set(ks, 0, "k", "w");
    assert_false(ks_work(ks));
    ks_free(&ks);

    ks = fixture_new(1024, NULL, NULL);
    fixture_fill(ks, 0, "k", 10, ITEM_NO_EXPIRY);
    unsigned slices = 0;
    while (ks_work(ks))
        slices++;
    assert_in_range(slices, 1, 100);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_is_done_at_once_and_freed_in_slices),
        cmocka_unit_test(flushes_may_queue_up),
        cmocka_unit_test(large_values_are_freed_later),
        cmocka_unit_test(large_values_of_a_flushed_database_are_freed_with_it),
        cmocka_unit_test(a_stream_of_large_values_does_not_pile_up),
        cmocka_unit_test(tables_shrink_when_keys_go),
        cmocka_unit_test(tables_are_ready_for_what_is_expected),
        cmocka_unit_test(what_was_expected_in_vain_goes),
        cmocka_unit_test(tables_are_moved_to_the_end),
        cmocka_unit_test(work_comes_to_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
