#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ds/ring.h"

static void count_loads(const uint16_t owner[SLOT_COUNT], unsigned n,
                        unsigned loads[RING_SHARDS_MAX])
{
    memset(loads, 0, RING_SHARDS_MAX * sizeof(loads[0]));
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        assert_true(owner[slot] < n);
        loads[owner[slot]]++;
    }
}

static void test_loads_are_even(void **state)
{
    (void)state;
    static uint16_t owner[SLOT_COUNT];
    unsigned loads[RING_SHARDS_MAX];
    for (unsigned n = 1; n <= RING_SHARDS_MAX; n++) {
        assert_int_equal(ring_place(owner, n), ERR_OK);
        count_loads(owner, n, loads);
        for (unsigned shard = 0; shard < n; shard++)
            assert_in_range(loads[shard], SLOT_COUNT / n, (SLOT_COUNT + n - 1) / n);
    }
}

/* Read upwards, shards come; read downwards, they leave. */
static void test_only_the_new_shard_gains(void **state)
{
    (void)state;
    static uint16_t owner[SLOT_COUNT], before[SLOT_COUNT];
    ring_place(before, 1);
    for (unsigned n = 2; n <= RING_SHARDS_MAX; n++) {
        ring_place(owner, n);
        unsigned moved = 0;
        for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
            if (owner[slot] == before[slot])
                continue;
            assert_int_equal(owner[slot], n - 1);
            moved++;
        }
        assert_in_range(moved, SLOT_COUNT / n, (SLOT_COUNT + n - 1) / n);
        memcpy(before, owner, sizeof(owner));
    }
}

/* Neighbouring slots are placed independently: of the neighbours of a slot, its own shard has no
 * more than chance gives it. */
static void test_slots_are_scattered(void **state)
{
    (void)state;
    static uint16_t owner[SLOT_COUNT];
    for (unsigned n = 2; n <= 64; n *= 2) {
        ring_place(owner, n);
        unsigned alike = 0;
        for (unsigned slot = 1; slot < SLOT_COUNT; slot++)
            alike += owner[slot] == owner[slot - 1];
        unsigned expected = SLOT_COUNT / n;
        assert_in_range(alike, expected - 4 * expected / 10, expected + 4 * expected / 10);
    }
}

/* FNV-1a of the table: a change of the placement would move every deployment's keys. */
static uint64_t fingerprint(unsigned n)
{
    static uint16_t owner[SLOT_COUNT];
    ring_place(owner, n);
    uint64_t hash = 0xcbf29ce484222325ULL;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        hash = (hash ^ (owner[slot] & 0xff)) * 0x100000001b3ULL;
        hash = (hash ^ (owner[slot] >> 8)) * 0x100000001b3ULL;
    }
    return hash;
}

static void test_placement_never_changes(void **state)
{
    (void)state;
    assert_int_equal(fingerprint(2), 0x5e6a7966a43645c5);
    assert_int_equal(fingerprint(16), 0xebde3c5b820d6e15);
    assert_int_equal(fingerprint(1000), 0x31d954682158e2e1);
}

static void test_number_of_shards_is_checked(void **state)
{
    (void)state;
    static uint16_t owner[SLOT_COUNT];
    assert_int_equal(ring_place(owner, 0), ERR_RANGE);
    assert_int_equal(ring_place(owner, RING_SHARDS_MAX + 1), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loads_are_even),
        cmocka_unit_test(test_only_the_new_shard_gains),
        cmocka_unit_test(test_slots_are_scattered),
        cmocka_unit_test(test_placement_never_changes),
        cmocka_unit_test(test_number_of_shards_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
