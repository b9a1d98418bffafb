#include "ks_fixture.h"
#include "store/item_impl.h"

#include <stdlib.h>

#include "base/crc16.h"

#define KEYS 5000

static void expect_all(struct keyspace *ks, int db)
{
    struct fixture_name name;
    for (unsigned i = 0; i < KEYS; i++) {
        struct key k = fixture_key(ks, &name, "k", i);
        const struct item *it = ks_find(ks, db, &k, KS_NO_TOUCH);
        assert_non_null(it);
        assert_int_equal(item_int(it), i);
    }
}

static bool is_moving(const struct keyspace *ks)
{
    struct ks_move_stats move;
    ks_move_stats(ks, &move);
    return move.active;
}

/* Every shard's figures add up to the whole, and its slots and keys are near an even share. */
static void check_shares(const struct keyspace *ks)
{
    uint64_t slots = 0, keys = 0, size = 0;
    unsigned n = ks_shards(ks);
    for (unsigned i = 0; i < n; i++) {
        struct ks_shard_stats s;
        ks_shard_stats(ks, i, &s);
        slots += s.slots;
        keys += s.keys;
        assert_true(s.bytes >= s.table_bytes);
        assert_in_range(s.slots, SLOT_COUNT / n * 85 / 100, SLOT_COUNT / n * 115 / 100 + 2);
    }
    for (int db = 0; db < ks_databases(ks); db++)
        size += ks_size(ks, db);
    assert_int_equal(slots, SLOT_COUNT);
    assert_int_equal(keys, size);
}

static void keys_are_found_all_through_a_move(void **state)
{
    (void)state;
    static const unsigned route[] = {1, 2, 3, 17, 16, 200, 5, 1};
    struct keyspace *ks = fixture_new(route[0], NULL, NULL);
    fixture_fill(ks, 0, "k", KEYS, ITEM_NO_EXPIRY);
    fixture_fill(ks, 2, "k", KEYS, FIXTURE_NOW_MS + 100000);
    for (size_t i = 1; i < sizeof(route) / sizeof(*route); i++) {
        assert_int_equal(ks_set_shards(ks, route[i]), ERR_OK);
        double done = 0;
        while (is_moving(ks)) {
            ks_work(ks);
            struct ks_move_stats move;
            ks_move_stats(ks, &move);
            assert_true(move.done >= done && move.done <= 1);
            done = move.done;
            if (rand() % 16 == 0) {
                ks_validate(ks);
                expect_all(ks, 0);
                expect_all(ks, 2);
            }
        }
        fixture_settle(ks);
        ks_validate(ks);
        expect_all(ks, 0);
        expect_all(ks, 2);
        check_shares(ks);
    }
    ks_free(&ks);
}

static void only_keys_of_moved_slots_move(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(4, NULL, NULL);
    fixture_fill(ks, 0, "k", KEYS, ITEM_NO_EXPIRY);
    assert_int_equal(ks_set_shards(ks, 5), ERR_OK);
    fixture_settle(ks);
    struct ks_move_stats move;
    ks_move_stats(ks, &move);
    assert_int_equal(move.from, 4);
    assert_int_equal(move.to, 5);
    assert_in_range(move.slots_moved, SLOT_COUNT / 8, SLOT_COUNT / 4);
    assert_in_range(move.keys_moved, KEYS / 8, KEYS / 4);
    uint64_t in = 0, out = 0;
    for (unsigned i = 0; i < 5; i++) {
        struct ks_shard_stats s;
        ks_shard_stats(ks, i, &s);
        in += s.moved_in;
        out += s.moved_out;
        assert_int_equal(s.moved_in, i == 4 ? s.keys : 0);
    }
    assert_int_equal(in, move.keys_moved);
    assert_int_equal(out, move.keys_moved);
    ks_free(&ks);
}

static void a_move_is_one_at_a_time(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    fixture_fill(ks, 0, "k", KEYS, ITEM_NO_EXPIRY);
    assert_int_equal(ks_set_shards(ks, 0), ERR_RANGE);
    assert_int_equal(ks_set_shards(ks, KS_SHARDS_MAX + 1), ERR_RANGE);
    assert_int_equal(ks_set_shards(ks, 2), ERR_OK);
    assert_false(is_moving(ks));
    assert_int_equal(ks_set_shards(ks, 3), ERR_OK);
    assert_int_equal(ks_set_shards(ks, 4), ERR_BUSY);
    assert_int_equal(ks_shards(ks), 3);
    fixture_settle(ks);
    assert_int_equal(ks_set_shards(ks, KS_SHARDS_MAX), ERR_OK);
    fixture_settle(ks);
    expect_all(ks, 0);
    check_shares(ks);
    ks_free(&ks);
}

static void keys_made_before_a_move_stay_good(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct fixture_name names[100];
    struct key keys[100];
    fixture_fill(ks, 0, "k", KEYS, ITEM_NO_EXPIRY);
    for (unsigned i = 0; i < 100; i++)
        keys[i] = fixture_key(ks, &names[i], "k", i);
    assert_int_equal(ks_set_shards(ks, 6), ERR_OK);
    while (ks_work(ks)) {
        for (unsigned i = 0; i < 100; i++)
            assert_non_null(ks_find(ks, 0, &keys[i], 0));
    }
    struct key k = fixture_key(ks, &names[0], "k", 0);
    assert_int_equal(ks_shard_of(ks, &k), ks_shard_of(ks, &keys[0]));
    ks_free(&ks);
}

static void a_move_copes_with_databases_that_come_and_go(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    for (int db = 0; db < 3; db++)
        fixture_fill(ks, db, "k", KEYS, ITEM_NO_EXPIRY);
    assert_int_equal(ks_set_shards(ks, 7), ERR_OK);
    ks_work(ks);
    ks_work(ks);
    ks_swap(ks, 0, 2); /* half moved behind not moved */
    ks_flush(ks, 1, false);
    fixture_fill(ks, 1, "k", KEYS, ITEM_NO_EXPIRY);
    fixture_fill(ks, 3, "k", KEYS, ITEM_NO_EXPIRY);
    ks_validate(ks);
    fixture_settle(ks);
    ks_validate(ks);
    for (int db = 0; db < 4; db++)
        expect_all(ks, db);
    assert_false(is_moving(ks));
    ks_free(&ks);
}

static void refused_memory_delays_a_move(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    fixture_fill(ks, 0, "k", KEYS, FIXTURE_NOW_MS + 1000000);
    assert_int_equal(ks_set_shards(ks, 64), ERR_OK);
    for (size_t turn = 0; is_moving(ks); turn++) {
        assert_true(turn < 100000);
        mem_fail_after(1 + turn % 300); /* a slice asks for up to two for each shard */
        ks_work(ks);
        mem_fail_after(0);
        if (turn % 16 == 0)
            ks_validate(ks);
    }
    ks_validate(ks);
    expect_all(ks, 0);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_all_through_a_move),
        cmocka_unit_test(only_keys_of_moved_slots_move),
        cmocka_unit_test(a_move_is_one_at_a_time),
        cmocka_unit_test(keys_made_before_a_move_stay_good),
        cmocka_unit_test(a_move_copes_with_databases_that_come_and_go),
        cmocka_unit_test(refused_memory_delays_a_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
