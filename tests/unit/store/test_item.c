#include "ks_fixture.h"

#include <stdlib.h>

#include "base/slab.h"
#include "store/item_impl.h"

static struct slab_heap *heap; /* of this program: the group's teardown finds what was not freed */

static int make_heap(void **state)
{
    (void)state;
    heap = slab_heap_new(NULL);
    return 0;
}

static int free_heap(void **state)
{
    (void)state;
    slab_heap_free(&heap);
    return 0;
}

/* What the keyspace makes of a string, as a value of an item. */
static struct item *try_string(struct slice key, struct slice text, int64_t expiry_ms)
{
    int64_t number;
    struct item_value v;
    if (num_parse_i64(text, &number)) {
        v = item_value_int(&number);
        return item_try_new(heap, key, &v, expiry_ms);
    }
    if (text.len <= ITEM_EMBED_BYTES_MAX) {
        v = item_value_embed(text);
        return item_try_new(heap, key, &v, expiry_ms);
    }
    struct blob *b = blob_try_new(text.len, text.len);
    if (!b)
        return NULL;
    memcpy(b->data, text.ptr, text.len);
    v = item_value_blob(&b);
    struct item *it = item_try_new(heap, key, &v, expiry_ms);
    if (!it)
        blob_drop(b);
    return it;
}

/* Text of a length, in an exact-size block, so that a sanitizer sees every byte read beyond it. */
static struct slice text(size_t len)
{
    char *p = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)('a' + i % 26);
    return slice_of(p, len);
}

static void release(struct slice s)
{
    free((void *)s.ptr);
}

static void assert_string(const struct item *it, struct slice want)
{
    char scratch[NUM_I64_CHARS];
    assert_true(slice_equal(fixture_string(it, scratch), want));
    assert_int_equal(string_len(it), want.len);
}

static void check_item(struct item *it, struct slice key, struct slice value, int64_t expiry_ms)
{
    assert_non_null(it);
    assert_int_equal(item_type(it), TYPE_STRING);
    assert_true(slice_equal(item_key(it), key));
    assert_true(item_expiry_ms(it) == expiry_ms);
    assert_int_equal(item_has_expiry(it), expiry_ms != ITEM_NO_EXPIRY);
    assert_string(it, value);
    assert_true(value_memory(it) >= item_bytes(it));
    assert_false(value_exceeds(it, value_memory(it)));
    assert_true(value_exceeds(it, item_bytes(it) - 1));
    assert_true(slab_good_size(item_bytes(it)) <= value_memory(it));
}

static void check_round_trip(struct slice key, struct slice value, int64_t expiry_ms)
{
    struct item *it = try_string(key, value, expiry_ms);
    check_item(it, key, value, expiry_ms);
    enum item_enc enc = item_enc(it);

    struct item *copy = item_try_copy(heap, it, SLICE("copy"), ITEM_NO_EXPIRY);
    check_item(copy, SLICE("copy"), value, ITEM_NO_EXPIRY);
    check_item(it, key, value, expiry_ms);
    item_free(copy);

    int64_t other_ms = expiry_ms == ITEM_NO_EXPIRY ? 5000 : ITEM_NO_EXPIRY;
    item_touch(it, 77000);
    struct item *old = it;
    it = item_try_rekey(heap, old, SLICE("other"), other_ms);
    item_free_shell(old);
    check_item(it, SLICE("other"), value, other_ms);
    assert_int_equal(item_enc(it), enc);
    assert_int_equal(item_idle_s(it, 78000), 1);
    item_free(it);
}

static void every_encoding_round_trips(void **state)
{
    (void)state;
    static const size_t key_lens[] = {0, 1, 254, 255, 256, 70000};
    static const size_t value_lens[] = {0, 1, 1023, 1024, 1025, 100000};
    static const char *const numbers[] = {"0", "-1", "9223372036854775807", "-9223372036854775808"};
    static const int64_t expiries[] = {ITEM_NO_EXPIRY, 0, 1700000000123};
    for (size_t k = 0; k < 6; k++) {
        struct slice key = text(key_lens[k]);
        for (size_t e = 0; e < 3; e++) {
            for (size_t v = 0; v < 6; v++) {
                struct slice value = text(value_lens[v]);
                check_round_trip(key, value, expiries[e]);
                release(value);
            }
            for (size_t n = 0; n < 4; n++)
                check_round_trip(key, slice_from_cstr(numbers[n]), expiries[e]);
        }
        release(key);
    }
}

static void assert_encoding(struct slice value, enum item_enc enc, const char *name)
{
    struct item *it = try_string(SLICE("k"), value, ITEM_NO_EXPIRY);
    assert_int_equal(item_enc(it), enc);
    assert_string_equal(value_encoding_name(it), name);
    item_free(it);
}

static void the_value_decides_the_encoding(void **state)
{
    (void)state;
    struct slice long_text = text(2000);
    assert_encoding(SLICE("12"), ENC_INT, "int");
    assert_encoding(SLICE("012"), ENC_EMBED, "embstr");
    assert_encoding(SLICE("9223372036854775808"), ENC_EMBED, "embstr");
    assert_encoding(slice_of(long_text.ptr, 44), ENC_EMBED, "embstr");
    assert_encoding(slice_of(long_text.ptr, 45), ENC_EMBED, "raw");
    assert_encoding(slice_of(long_text.ptr, 1024), ENC_EMBED, "raw");
    assert_encoding(slice_of(long_text.ptr, 1025), ENC_BLOB, "raw");
    release(long_text);
    assert_string_equal(item_type_name(TYPE_STRING), "string");
    assert_string_equal(item_type_name(TYPE_STREAM), "stream");
}

static void copies_share_a_blob(void **state)
{
    (void)state;
    struct slice value = text(5000);
    struct item *it = try_string(SLICE("a"), value, ITEM_NO_EXPIRY);
    struct item *copy = item_try_copy(heap, it, SLICE("b"), 1234);
    assert_ptr_equal(item_blob(it), item_blob(copy));
    assert_int_equal(item_blob(it)->refs, 2);
    assert_int_equal(value_effort(it), 1); /* the bytes stay */
    item_free(it);
    assert_string(copy, value);
    assert_true(value_effort(copy) > 1);
    item_free(copy);
    release(value);
}

static void rewriting_keeps_to_the_allocation(void **state)
{
    (void)state;
    struct item *it = try_string(SLICE("key"), SLICE("value"), 1000);
    struct item_value same = item_value_embed(SLICE("other"));
    assert_true(item_rewrite(it, &same, 2000));
    check_item(it, SLICE("key"), SLICE("other"), 2000);
    assert_false(item_rewrite(it, &same, ITEM_NO_EXPIRY)); /* would move the key */

    struct slice long_text = text(1000);
    struct item_value longer = item_value_embed(long_text);
    assert_false(item_rewrite(it, &longer, 2000));
    check_item(it, SLICE("key"), SLICE("other"), 2000);
    release(long_text);

    /* The new bytes may be part of the old. */
    struct item_value tail = item_value_embed(slice_of(item_value_place(it) + 1, 4));
    if (item_rewrite(it, &tail, 2000))
        check_item(it, SLICE("key"), SLICE("ther"), 2000);
    item_free(it);
}

static void a_refused_allocation_changes_nothing(void **state)
{
    (void)state;
    struct slice value = text(3000);
    for (size_t n = 1; n <= 2; n++) { /* the blob, the item */
        mem_fail_after(n);
        assert_null(try_string(SLICE("k"), value, ITEM_NO_EXPIRY));
    }
    struct item *it = try_string(SLICE("k"), value, ITEM_NO_EXPIRY);
    mem_fail_after(1);
    assert_null(item_try_copy(heap, it, SLICE("l"), ITEM_NO_EXPIRY));
    mem_fail_after(1);
    assert_null(item_try_rekey(heap, it, SLICE("l"), 1));
    mem_fail_after(0);
    check_item(it, SLICE("k"), value, ITEM_NO_EXPIRY);
    assert_int_equal(item_blob(it)->refs, 1);
    item_free(it);
    release(value);
}

static void the_access_clock_wraps(void **state)
{
    (void)state;
    struct item *it = try_string(SLICE("k"), SLICE("v"), ITEM_NO_EXPIRY);
    int64_t turn_s = (int64_t)ITEM_CLOCK_MASK + 1;
    item_touch(it, (turn_s - 10) * 1000);
    assert_int_equal(item_idle_s(it, (turn_s - 10) * 1000 + 999), 0);
    assert_int_equal(item_idle_s(it, (turn_s + 20) * 1000), 30);
    item_free(it);
}

/* Its bytes are not looked at, so there need not be any. */
static void a_key_is_refused_where_its_length_does_not_fit(void **state)
{
    (void)state;
    struct slice key = slice_of("k", (size_t)ITEM_KEY_BYTES_MAX + 1);
    assert_null(try_string(key, SLICE("1"), ITEM_NO_EXPIRY));
    assert_null(try_string(key, SLICE("value"), ITEM_NO_EXPIRY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_round_trips),
        cmocka_unit_test(the_value_decides_the_encoding),
        cmocka_unit_test(copies_share_a_blob),
        cmocka_unit_test(rewriting_keeps_to_the_allocation),
        cmocka_unit_test(a_refused_allocation_changes_nothing),
        cmocka_unit_test(the_access_clock_wraps),
        cmocka_unit_test(a_key_is_refused_where_its_length_does_not_fit),
    };
    return cmocka_run_group_tests(tests, make_heap, free_heap);
}
