#include "ks_fixture.h"

#include <string.h>

static struct item *set(struct keyspace *ks, const char *name, const char *value, int64_t expiry_ms)
{
    struct key k = ks_key(ks, slice_from_cstr(name));
    struct item *it = ks_set_string(ks, 0, &k, slice_from_cstr(value), expiry_ms);
    assert_non_null(it);
    return it;
}

static void overwriting_happens_in_place(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct item *it = set(ks, "key", "value", ITEM_NO_EXPIRY);
    uint64_t bytes = fixture_bytes(ks);
    assert_ptr_equal(set(ks, "key", "other", ITEM_NO_EXPIRY), it);
    fixture_expect(ks, 0, "key", "other");
    assert_int_equal(fixture_bytes(ks), bytes);
    ks_validate(ks);

    struct item *number = set(ks, "number", "1", ITEM_NO_EXPIRY);
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
    struct item *it = set(ks, "k", "VALUE", KS_KEEP_EXPIRY);
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
        struct item *it = ks_set_string(ks, 0, &k, slice_of(text, lens[i]), ITEM_NO_EXPIRY);
        for (size_t cut = 1; cut < lens[i] - 1; cut = cut * 2) {
            struct slice old = item_string(it, scratch);
            size_t want_len = old.len - 1;
            assert_memory_equal(old.ptr, text + (lens[i] - old.len), old.len);
            it = ks_set_string(ks, 0, &k, slice_of(old.ptr + 1, old.len - 1), ITEM_NO_EXPIRY);
            assert_int_equal(item_string_len(it), want_len);
        }
    }
    ks_validate(ks);
    ks_free(&ks);
}

/* --- edit ------------------------------------------------------------------------------------------- */

static void edit(struct keyspace *ks, const struct key *k, struct item **it, size_t len)
{
    char scratch[NUM_I64_CHARS], before[8192];
    struct slice old = item_string(*it, scratch);
    size_t kept = old.len < len ? old.len : len;
    memcpy(before, old.ptr, kept);
    char *at = ks_string_edit(ks, 0, k, it, len);
    assert_non_null(at);
    assert_ptr_equal(ks_find(ks, 0, k, 0), *it);
    assert_int_equal(item_string_len(*it), len);
    assert_memory_equal(at, before, kept);
    for (size_t i = kept; i < len; i++)
        assert_int_equal(at[i], 0);
    memset(at, 'e', len);
    ks_validate(ks);
}

static void editing_goes_from_any_length_to_any(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    static const size_t lens[] = {0, 1, 20, 1023, 1024, 1025, 3000, 8000};
    char text[8000];
    memset(text, 't', sizeof(text));
    for (size_t from = 0; from < 8; from++) {
        for (size_t to = 0; to < 8; to++) {
            struct slice value = slice_of(text, lens[from]);
            struct item *it = ks_set_string(ks, 0, &k, value, FIXTURE_NOW_MS + 5);
            edit(ks, &k, &it, lens[to]);
            edit(ks, &k, &it, lens[from]);
            assert_true(item_expiry_ms(it) == FIXTURE_NOW_MS + 5);
            assert_string_equal(item_encoding_name(it), "raw");
        }
    }
    for (size_t to = 0; to < 8; to++) {
        struct item *it = ks_set_int(ks, 0, &k, -1234567, ITEM_NO_EXPIRY);
        edit(ks, &k, &it, lens[to]);
        assert_string_equal(item_encoding_name(it), "raw");
    }
    assert_string_equal(item_encoding_name(set(ks, "k", "set", ITEM_NO_EXPIRY)), "embstr");
    ks_free(&ks);
}

static void a_blob_that_a_reply_holds_stays(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    char text[3000];
    memset(text, 't', sizeof(text));
    static const size_t lens[] = {3000, 5000, 2000, 10};
    for (size_t i = 0; i < 4; i++) {
        struct item *it = ks_set_string(ks, 0, &k, slice_of(text, 3000), ITEM_NO_EXPIRY);
        struct blob *held = blob_hold(item_blob(it));
        edit(ks, &k, &it, lens[i]);
        assert_int_equal(held->refs, 1);
        assert_int_equal(held->len, 3000);
        assert_memory_equal(held->data, text, 3000);
        blob_drop(held);
    }
    ks_free(&ks);
}

static void a_copy_does_not_see_the_edit(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key a = ks_key(ks, SLICE("a")), b = ks_key(ks, SLICE("b"));
    char text[3000];
    memset(text, 't', sizeof(text));
    struct item *it = ks_set_string(ks, 0, &a, slice_of(text, 3000), ITEM_NO_EXPIRY);
    assert_int_equal(ks_put(ks, 0, &b, item_try_copy(ks_items(ks), it, b.name, ITEM_NO_EXPIRY)),
                     ERR_OK);
    edit(ks, &a, &it, 3000);
    struct item *copy = ks_find(ks, 0, &b, 0);
    assert_memory_equal(item_blob(copy)->data, text, 3000);
    ks_free(&ks);
}

static void appending_is_amortised(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    struct item *it = ks_set_string(ks, 0, &k, SLICE(""), ITEM_NO_EXPIRY);
    unsigned blobs = 0;
    const struct blob *last = NULL;
    for (size_t len = 1; len <= 300000; len++) {
        char *at = ks_string_edit(ks, 0, &k, &it, len);
        assert_non_null(at);
        at[len - 1] = (char)len;
        if (item_enc(it) == ENC_BLOB && item_blob(it) != last) {
            last = item_blob(it);
            blobs++;
        }
    }
    assert_true(blobs < 12);
    for (size_t i = 0; i < 300000; i++)
        assert_int_equal(item_blob(it)->data[i], (char)(i + 1));
    ks_validate(ks);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overwriting_happens_in_place),
        cmocka_unit_test(overwriting_keeps_the_rules_of_deadlines),
        cmocka_unit_test(the_value_may_lie_in_the_item),
        cmocka_unit_test(editing_goes_from_any_length_to_any),
        cmocka_unit_test(a_blob_that_a_reply_holds_stays),
        cmocka_unit_test(a_copy_does_not_see_the_edit),
        cmocka_unit_test(appending_is_amortised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
