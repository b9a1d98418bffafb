#include "base_test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"

static void test_starts_empty_and_owns_nothing(void **state)
{
    struct buf b;
    buf_init(&b);
    assert_null(b.ptr);
    assert_int_equal(b.cap, 0);
    assert_slice_equal(buf_slice(&b), SLICE(""));
    buf_append(&b, NULL, 0);
    buf_append_slice(&b, (struct slice){NULL, 0});
    buf_consume(&b, 0);
    assert_null(b.ptr);
    assert_string_equal(buf_cstr(&b), "");
    buf_deinit(&b);
    buf_deinit(&b); /* as good as initialised */
}

static void test_appends_of_every_kind(void **state)
{
    struct buf b;
    buf_init(&b);
    buf_append(&b, "a\0b", 3);
    buf_append_slice(&b, SLICE(" slice"));
    buf_append_cstr(&b, " cstr");
    buf_append_char(&b, ' ');
    buf_append_i64(&b, INT64_MIN);
    buf_printf(&b, " %s=%d", "x", 42);
    assert_int_equal(b.err, ERR_OK);
    assert_slice_equal(buf_slice(&b), SLICE("a\0b slice cstr -9223372036854775808 x=42"));
    size_t cap = b.cap;
    buf_clear(&b);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, cap);
    buf_deinit(&b);
}

static void test_printf_of_every_length(void **state)
{
    char want[300];
    memset(want, 'x', sizeof(want));
    for (size_t start = 0; start < 70; start++) {
        for (size_t len = 0; len < 200; len += 7) {
            struct buf b;
            buf_init(&b);
            buf_append(&b, want, start);
            buf_printf(&b, "%.*s", (int)len, want);
            assert_int_equal(b.err, ERR_OK);
            assert_slice_equal(buf_slice(&b), slice_of(want, start + len));
            buf_deinit(&b);
        }
    }
}

static void check_quoted(struct slice plain, const char *want)
{
    struct buf b;
    buf_init(&b);
    buf_append_quoted(&b, plain);
    assert_slice_equal(buf_slice(&b), slice_from_cstr(want));
    buf_deinit(&b);
}

static void test_quotes_as_redis_does(void **state)
{
    check_quoted((struct slice){NULL, 0}, "\"\"");
    check_quoted(SLICE("hello world"), "\"hello world\"");
    check_quoted(SLICE("\n\r\t\a\b\\\""), "\"\\n\\r\\t\\a\\b\\\\\\\"\"");
    check_quoted(SLICE("\0\x1f ~\x7f\x80\xff'"), "\"\\x00\\x1f ~\\x7f\\x80\\xff'\"");
    check_quoted(SLICE("a\nb"), "\"a\\nb\"");
}

static void test_cstr_ends_in_nul_whatever_room_there_is(void **state)
{
    struct buf b;
    buf_init(&b);
    for (size_t len = 1; len < 1000; len++) {
        buf_append_char(&b, 'x');
        assert_int_equal(strlen(buf_cstr(&b)), len);
        assert_int_equal(b.len, len);
    }
    buf_deinit(&b);
}

static void test_reserve_makes_room_for_writing(void **state)
{
    struct buf b;
    buf_init(&b);
    for (size_t more = 1; more < 100000; more = more * 2 + 1) {
        assert_int_equal(buf_reserve(&b, more), ERR_OK);
        assert_true(b.cap - b.len >= more);
        memset(b.ptr + b.len, 'x', more);
        b.len += more;
    }
    buf_deinit(&b);
}

static void test_too_much_is_refused_and_remembered(void **state)
{
    struct buf b;
    buf_init(&b);
    buf_append_cstr(&b, "kept");
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_FULL);
    buf_append_cstr(&b, "dropped");
    buf_printf(&b, "dropped");
    assert_int_equal(buf_reserve(&b, 0), ERR_FULL);
    assert_slice_equal(buf_slice(&b), SLICE("kept"));
    buf_clear(&b);
    buf_append_cstr(&b, "again");
    assert_int_equal(b.err, ERR_OK);
    assert_slice_equal(buf_slice(&b), SLICE("again"));
    buf_deinit(&b);
}

static void append_much(struct buf *b)
{
    for (int i = 0; i < 200; i++) {
        buf_append_i64(b, i);
        buf_append_cstr(b, ", ");
        buf_printf(b, "%0*d", i, i);
        buf_append_quoted(b, SLICE("quoted\n"));
    }
}

/* Whichever allocation fails, what is there is the beginning of what should be, and nothing is added
 * after the gap. */
static void test_any_allocation_may_fail(void **state)
{
    struct buf whole;
    buf_init(&whole);
    append_much(&whole);
    assert_int_equal(whole.err, ERR_OK);
    bool failed = true;
    int failures = 0;
    for (size_t n = 1; failed; n++) {
        struct buf b;
        buf_init(&b);
        mem_fail_after(n);
        append_much(&b);
        mem_fail_after(0);
        failed = b.err != ERR_OK;
        failures += failed;
        if (failed)
            assert_int_equal(b.err, ERR_NOMEM);
        else
            assert_int_equal(b.len, whole.len);
        assert_true(b.len <= whole.len && memcmp(buf_cstr(&b), whole.ptr, b.len) == 0);
        buf_deinit(&b);
    }
    assert_true(failures >= 5);
    buf_deinit(&whole);
}

static void test_cstr_is_empty_when_it_does_not_fit(void **state)
{
    struct buf b;
    buf_init(&b);
    mem_fail_after(1);
    assert_string_equal(buf_cstr(&b), "");
    mem_fail_after(0);
    assert_int_equal(b.err, ERR_NOMEM);
    buf_deinit(&b);
}

static void test_random_appends_and_consumes_against_a_flat_model(void **state)
{
    static char model[1 << 16];
    size_t model_len = 0;
    struct rng rng;
    struct buf b;
    rng_seed(&rng, 5);
    buf_init(&b);
    for (int step = 0; step < 20000; step++) {
        if (rng_below(&rng, 2) && model_len < sizeof(model) / 2) {
            char text[200];
            size_t len = rng_below(&rng, sizeof(text));
            memset(text, (int)rng_next(&rng), len);
            buf_append(&b, text, len);
            memcpy(model + model_len, text, len);
            model_len += len;
        } else {
            size_t n = rng_below(&rng, model_len + 1);
            buf_consume(&b, n);
            model_len -= n;
            memmove(model, model + n, model_len);
        }
        assert_true(slice_equal(buf_slice(&b), slice_of(model, model_len)));
        assert_true(b.len <= b.cap);
    }
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_empty_and_owns_nothing),
        cmocka_unit_test(test_appends_of_every_kind),
        cmocka_unit_test(test_printf_of_every_length),
        cmocka_unit_test(test_quotes_as_redis_does),
        cmocka_unit_test(test_cstr_ends_in_nul_whatever_room_there_is),
        cmocka_unit_test(test_reserve_makes_room_for_writing),
        cmocka_unit_test(test_too_much_is_refused_and_remembered),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_cstr_is_empty_when_it_does_not_fit),
        cmocka_unit_test(test_random_appends_and_consumes_against_a_flat_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
