#include "ks_fixture.h"

#include <string.h>

static const struct item *set(struct keyspace *ks, const char *name, const char *value,
                              int64_t expiry_ms)
{
    struct key k = ks_key(ks, slice_from_cstr(name));
    const struct item *it = ks_set_string(ks, 0, &k, slice_from_cstr(value), expiry_ms);
    assert_non_null(it);
    return it;
}

static void overwriting_happens_in_place(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    const struct item *it = set(ks, "key", "value", ITEM_NO_EXPIRY);
    uint64_t bytes = fixture_bytes(ks);
    assert_ptr_equal(set(ks, "key", "other", ITEM_NO_EXPIRY), it);
    fixture_expect(ks, 0, "key", "other");
    assert_int_equal(fixture_bytes(ks), bytes);
    ks_validate(ks);

    const struct item *number = set(ks, "number", "1", ITEM_NO_EXPIRY);
    assert_ptr_equal(set(ks, "number", "-9000000000", ITEM_NO_EXPIRY), number);
    assert_ptr_equal(set(ks, "number", "8 bytes.", ITEM_NO_EXPIRY), number);
    fixture_expect(ks, 0, "number", "8 bytes.");
    ks_validate(ks);
    ks_free(&ks);
}

static void overwriting_keeps_the_rules_of_deadlines(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    int64_t soon_ms = FIXTURE_NOW_MS + 1000, later_ms = FIXTURE_NOW_MS + 2000;
    assert_true(item_expiry_ms(set(ks, "k", "value", KS_KEEP_EXPIRY)) == ITEM_NO_EXPIRY);
    assert_true(item_expiry_ms(set(ks, "k", "value", later_ms)) == later_ms);
    const struct item *it = set(ks, "k", "VALUE", KS_KEEP_EXPIRY);
    assert_true(item_expiry_ms(it) == later_ms);
    assert_ptr_equal(set(ks, "k", "Value", soon_ms), it);
    assert_true(item_expiry_ms(it) == soon_ms && ks_next_expiry_ms(ks) <= soon_ms);
    assert_true(item_expiry_ms(set(ks, "k", "value", ITEM_NO_EXPIRY)) == ITEM_NO_EXPIRY);
    assert_int_equal(ks_expires(ks, 0), 0);

    /* A key whose time has come has no deadline to be kept. */
    set(ks, "k", "value", soon_ms);
    ks_clock(ks, soon_ms);
    assert_true(item_expiry_ms(set(ks, "k", "again", KS_KEEP_EXPIRY)) == ITEM_NO_EXPIRY);
    ks_validate(ks);
    ks_free(&ks);
}

static void the_value_may_lie_in_the_item(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    char text[3001], scratch[NUM_I64_CHARS];
    for (size_t i = 0; i < 3000; i++)
        text[i] = (char)('a' + i % 26);
    static const size_t lens[] = {9, 500, 3000};
    for (size_t i = 0; i < 3; i++) {
        const struct item *it = ks_set_string(ks, 0, &k, slice_of(text, lens[i]), ITEM_NO_EXPIRY);
        for (size_t cut = 1; cut < lens[i] - 1; cut = cut * 2) {
            struct slice old = fixture_string(it, scratch);
            size_t want_len = old.len - 1;
            assert_memory_equal(old.ptr, text + (lens[i] - old.len), old.len);
            it = ks_set_string(ks, 0, &k, slice_of(old.ptr + 1, old.len - 1), ITEM_NO_EXPIRY);
            assert_int_equal(string_len(it), want_len);
        }
    }
    ks_validate(ks);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overwriting_happens_in_place),
        cmocka_unit_test(overwriting_keeps_the_rules_of_deadlines),
        cmocka_unit_test(the_value_may_lie_in_the_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
