#include "ks_fixture.h"

#include "base/clock.h"

#define TEXT_BYTES 9000

/* A keyspace with one string under "k". */
struct bench {
    struct keyspace *ks;
    struct key k;
    char text[TEXT_BYTES];
};

static void setup(struct bench *b)
{
    b->ks = fixture_new(1, NULL, NULL);
    b->k = ks_key(b->ks, SLICE("k"));
    memset(b->text, 't', sizeof(b->text));
}

static void put(struct bench *b, size_t len)
{
    struct slice value = slice_of(b->text, len);
    assert_non_null(ks_set_string(b->ks, 0, &b->k, value, FIXTURE_NOW_MS + 5));
}

/* The first `kept` bytes are those set, then come zeros up to `from`, then `fill`. */
static void expect(const struct bench *b, size_t kept, size_t from, struct slice fill)
{
    char scratch[NUM_I64_CHARS];
    const struct item *it = ks_find(b->ks, 0, &b->k, 0);
    struct slice s = fixture_string(it, scratch);
    assert_int_equal(s.len, string_len(it));
    assert_memory_equal(s.ptr, b->text, kept < from ? kept : from);
    for (size_t i = kept; i < from; i++)
        assert_int_equal(s.ptr[i], 0);
    assert_memory_equal(s.ptr + from, fill.ptr, fill.len);
}

static void writing_lengthens_from_any_length_to_any(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 20, 1023, 1024, 1025, 3000, 8000};
    struct bench b;
    setup(&b);
    for (size_t from = 0; from < 8; from++) {
        for (size_t to = 0; to < 8; to++) {
            put(&b, lens[from]);
            assert_true(fixture_grow(b.ks, 0, &b.k, lens[to], SLICE("fill")));
            expect(&b, lens[from], lens[to], SLICE("fill"));
            const struct item *it = ks_find(b.ks, 0, &b.k, 0);
            assert_true(item_expiry_ms(it) == FIXTURE_NOW_MS + 5);
            assert_string_equal(value_encoding_name(it), "raw");
            ks_validate(b.ks);
        }
    }
    ks_free(&b.ks);
}

static void an_integer_becomes_text(void **state)
{
    (void)state;
    struct bench b;
    int64_t v;
    char scratch[NUM_I64_CHARS];
    setup(&b);
    assert_true(string_is_stored_int(ks_set_int(b.ks, 0, &b.k, -1234567, ITEM_NO_EXPIRY), &v));
    assert_true(fixture_grow(b.ks, 0, &b.k, 8, SLICE("89")));
    const struct item *it = ks_find(b.ks, 0, &b.k, 0);
    assert_true(string_equal(it, SLICE("-123456789")));
    assert_false(string_is_stored_int(it, &v));
    assert_true(string_int(it, &v));
    assert_int_equal(v, -123456789);
    assert_true(slice_equal(string_run(it, 8, scratch), SLICE("89")));
    assert_int_equal(string_run(it, 10, scratch).len, 0);
    assert_int_equal(string_run(it, 11, scratch).len, 0);
    ks_free(&b.ks);
}

static void a_blob_that_a_reply_holds_stays(void **state)
{
    (void)state;
    static const size_t froms[] = {0, 100, 2996, 5000};
    struct bench b;
    setup(&b);
    for (size_t i = 0; i < 4; i++) {
        put(&b, 3000);
        struct blob *held = blob_hold(string_blob(ks_find(b.ks, 0, &b.k, 0), 0));
        assert_true(fixture_grow(b.ks, 0, &b.k, froms[i], SLICE("fill")));
        assert_int_equal(held->refs, 1);
        assert_int_equal(held->len, 3000);
        assert_memory_equal(held->data, b.text, 3000);
        blob_drop(held);
    }
    ks_free(&b.ks);
}

static void a_copy_does_not_see_the_edit(void **state)
{
    (void)state;
    struct bench b;
    setup(&b);
    put(&b, 3000);
    struct key copy = ks_key(b.ks, SLICE("copy"));
    assert_int_equal(ks_copy(b.ks, (struct ks_name){0, &b.k}, (struct ks_name){0, &copy}), ERR_OK);
    assert_true(fixture_grow(b.ks, 0, &b.k, 10, SLICE("fill")));
    assert_true(string_equal(ks_find(b.ks, 0, &copy, 0), slice_of(b.text, 3000)));
    ks_validate(b.ks);
    ks_free(&b.ks);
}

static void appending_is_amortised(void **state)
{
    (void)state;
    struct bench b;
    unsigned blobs = 0;
    const struct blob *last = NULL;
    char scratch[NUM_I64_CHARS];
    setup(&b);
    put(&b, 0);
    for (size_t len = 0; len < 300000; len++) {
        char byte = (char)len;
        assert_true(fixture_grow(b.ks, 0, &b.k, len, slice_of(&byte, 1)));
        const struct blob *now = string_blob(ks_find(b.ks, 0, &b.k, 0), 0);
        blobs += now != last;
        last = now;
    }
    assert_true(blobs < 12);
    struct slice s = fixture_string(ks_find(b.ks, 0, &b.k, 0), scratch);
    for (size_t i = 0; i < 300000; i++)
        assert_int_equal(s.ptr[i], (char)i);
    ks_validate(b.ks);
    ks_free(&b.ks);
}

/* A gap costs no memory, growing no copy, and what comes is zero wherever the bytes lay before. */
static void very_large_strings_grow_in_place(void **state)
{
    (void)state;
    static const size_t ends[] = {8 << 20, (8 << 20) + 6, 9 << 20, 300 << 20, 301 << 20, 512 << 20};
    struct bench b;
    char scratch[NUM_I64_CHARS];
    setup(&b);
    put(&b, 5000);
    int64_t start_us = clock_mono_us();
    for (size_t i = 0; i < 6; i++) {
        struct ks_edit e;
        assert_true(ks_edit(b.ks, 0, &b.k, &e));
        assert_int_equal(string_write(&e, ends[i] - 3, SLICE("end")), ERR_OK);
        const struct item *it = ks_edit_end(&e);
        assert_int_equal(string_len(it), ends[i]);
        struct slice s = fixture_string(it, scratch);
        /* as a reply writes behind the bytes */
        memcpy((char *)s.ptr + s.len, "\r\n", 2);
    }
    assert_true(clock_mono_us() - start_us < 500000);
    struct slice s = fixture_string(ks_find(b.ks, 0, &b.k, 0), scratch);
    assert_memory_equal(s.ptr, b.text, 5000);
    for (size_t i = 0; i < 6; i++) {
        assert_memory_equal(s.ptr + ends[i] - 3, "end", 3);
        assert_int_equal(s.ptr[ends[i] - 4], 0);
        if (i > 1 && i < 5)
            assert_memory_equal(s.ptr + ends[i], "\0\0\0\0", 4);
    }
    ks_validate(b.ks);
    ks_delete(b.ks, 0, &b.k);
    fixture_settle(b.ks);
    ks_free(&b.ks);
}

/* What the commands of a value say, in one piece. */
static size_t collect(struct value_cursor *c, char *out, struct value_command *cmd)
{
    size_t len = 0;
    assert_true(value_cursor_next(c, cmd));
    if (cmd->in_runs < 0) {
        len = cmd->argv[2].len;
        memcpy(out, cmd->argv[2].ptr, len);
        return len;
    }
    assert_int_equal(cmd->in_runs, 2);
    for (struct slice run; (run = value_cursor_run(c)).len > 0; len += run.len) {
        assert_true(run.len <= VALUE_COMMAND_BYTES_MAX);
        memcpy(out + len, run.ptr, run.len);
    }
    assert_int_equal(len, cmd->argv[2].len);
    return len;
}

static void a_cursor_that_holds_shows_what_was_there(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 5, 1025, 65536, 65537, 300000};
    static char text[300000], out[300000];
    struct bench b;
    setup(&b);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7 + i / 251);
    for (size_t i = 0; i < 6; i++) {
        for (int hold = 0; hold < 2; hold++) {
            struct value_cursor c;
            struct value_command cmd;
            const struct item *it = ks_set_string(b.ks, 0, &b.k, slice_of(text, lens[i]), 77);
            ks_clock(b.ks, 1);
            value_cursor_init(&c, it);
            if (hold) {
                assert_true(value_cursor_hold(&c, b.ks));
                assert_true(fixture_grow(b.ks, 0, &b.k, 2, SLICE("changed")));
                ks_delete(b.ks, 0, &b.k);
                fixture_settle(b.ks);
            }
            assert_int_equal(collect(&c, out, &cmd), lens[i]);
            assert_memory_equal(out, text, lens[i]);
            assert_int_equal(cmd.argc, 5);
            assert_true(slice_equal(cmd.argv[4], SLICE("77")));
            assert_true(cmd.last);
            assert_false(value_cursor_next(&c, &cmd));
            value_cursor_deinit(&c);
        }
    }
    ks_free(&b.ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_lengthens_from_any_length_to_any),
        cmocka_unit_test(an_integer_becomes_text),
        cmocka_unit_test(a_blob_that_a_reply_holds_stays),
        cmocka_unit_test(a_copy_does_not_see_the_edit),
        cmocka_unit_test(appending_is_amortised),
        cmocka_unit_test(very_large_strings_grow_in_place),
        cmocka_unit_test(a_cursor_that_holds_shows_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
