#include "base_test.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/blob.h"
#include "base/mem.h"

static void test_lives_until_the_last_reference(void **state)
{
    size_t before = mem_used();
    struct blob *b = blob_try_new(3, 10);
    assert_non_null(b);
    assert_int_equal(b->len, 3);
    assert_true(b->cap >= 10);
    assert_true(blob_memory(b) >= sizeof(*b) + b->cap);
    memset(b->data, 'x', b->cap);
    assert_ptr_equal(blob_hold(b), b);
    blob_drop(b);
    assert_int_equal(b->data[0], 'x');
    blob_drop_owner(b);
    assert_int_equal(mem_used(), before);
}

static void test_resizes_and_keeps_content(void **state)
{
    struct blob *b = blob_try_new(3, 3);
    assert_non_null(b);
    memcpy(b->data, "abc", 3);
    b = blob_try_resize(b, 100000);
    assert_non_null(b);
    assert_true(b->len == 3 && b->cap >= 100000);
    assert_memory_equal(b->data, "abc", 3);
    memset(b->data, 'x', b->cap);
    b = blob_try_resize(b, 3);
    assert_non_null(b);
    assert_true(b->cap >= 3 && b->cap < 100000);
    blob_drop(b);
}

static void test_allocations_may_fail(void **state)
{
    mem_fail_after(1);
    assert_null(blob_try_new(0, 10));
    struct blob *b = blob_try_new(3, 3);
    assert_non_null(b);
    memcpy(b->data, "abc", 3);
    mem_fail_after(1);
    assert_null(blob_try_resize(b, 100));
    assert_true(b->len == 3 && memcmp(b->data, "abc", 3) == 0);
    blob_drop(b);
}

/* Not the first time, not a small one, and never again once it was edited. */
static void test_agrees_to_be_lent(void **state)
{
    struct blob *small = blob_try_new(BLOB_PAGES_BYTES_MIN / 2, BLOB_PAGES_BYTES_MIN / 2);
    struct blob *b = blob_try_new(BLOB_PAGES_BYTES_MIN, BLOB_PAGES_BYTES_MIN);
    assert_true(small && b);
    for (int i = 0; i < BLOB_SENT_COPIED; i++)
        assert_false(blob_ask_to_lend(small) || blob_ask_to_lend(b));
    assert_false(blob_ask_to_lend(small));
    assert_true(blob_ask_to_lend(b) && blob_ask_to_lend(b));
    assert_true(blob_editable(b));
    blob_edit(b, b->len);
    assert_false(blob_ask_to_lend(b));
    b = blob_try_resize(b, b->cap * 2);
    assert_non_null(b);
    assert_false(blob_ask_to_lend(b));
    blob_drop(small);
    blob_drop(b);
}

/* Only what is sent often, is not short and not huge, and once: with what it holds, and who else holds it keeps the
 * old. */
static void test_is_promoted_when_sent_often(void **state)
{
    static const size_t lens[] = {BLOB_PROMOTE_BYTES_MIN - 1, BLOB_PROMOTE_BYTES_MIN,
                                  BLOB_PROMOTE_BYTES_MAX, BLOB_PROMOTE_BYTES_MAX + 1};
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        struct blob *b = blob_try_new(lens[i], lens[i]), *old = b;
        assert_non_null(b);
        memset(b->data, 'p', lens[i]);
        for (int sent = 0; sent < BLOB_SENT_COPIED; sent++) {
            assert_null(blob_try_promote(b));
            blob_ask_to_lend(b);
        }
        size_t memory = blob_memory(b);
        blob_hold(old)->lent = true; /* a reply */
        struct blob *promoted = blob_try_promote(b);
        bool fits = i == 1 || i == 2;
        assert_true((promoted != NULL) == fits);
        if (fits) {
            b = promoted;
            assert_true(b->refs == 1 && old->refs == 1 && !b->lent && b->len == lens[i]);
            assert_int_equal(blob_memory(b), memory);
            assert_memory_equal(b->data, old->data, lens[i]);
            assert_null(blob_try_promote(b));
            assert_null(blob_try_promote(old));
            assert_true(blob_ask_to_lend(b));
        }
        blob_drop(old);
        blob_drop(b);
    }
}

static void test_without_memory_it_is_not_promoted(void **state)
{
    struct blob *b = blob_try_new(BLOB_PROMOTE_BYTES_MIN, BLOB_PROMOTE_BYTES_MIN);
    assert_non_null(b);
    while (!blob_ask_to_lend(b))
        ;
    mem_fail_after(1);
    assert_null(blob_try_promote(b));
    mem_fail_after(0);
    assert_null(blob_try_promote(b));
    assert_int_equal(b->refs, 1);
    blob_drop(b);
}

/* Across the size from which it has pages of its own, both ways. */
static void test_resizes_to_and_from_pages(void **state)
{
    static const size_t caps[] = {
        2000, BLOB_PAGES_BYTES_MIN - 1, BLOB_PAGES_BYTES_MIN,        100000, 9 << 20, 20 << 20,
        2000, BLOB_PAGES_BYTES_MIN,     BLOB_PAGES_BYTES_MIN * 2 + 1};
    struct blob *b = blob_try_new(2000, 2000);
    assert_non_null(b);
    for (size_t i = 0; i < b->len; i++)
        b->data[i] = (char)(i * 7);
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
        mem_fail_after(1);
        assert_null(blob_try_resize(b, caps[i]));
        mem_fail_after(0);
        b = blob_try_resize(b, caps[i]);
        assert_non_null(b);
        assert_true(b->cap >= caps[i] && b->len == 2000 && b->refs == 1);
        memset(b->data + b->len, 'x', b->cap - b->len + BLOB_BACK_BYTES);
        for (size_t j = 0; j < b->len; j++)
            assert_int_equal(b->data[j], (char)(j * 7));
    }
    blob_drop(b);
}

/* What the kernel holds of a lent blob stays as it was, whoever gets the memory next. */
static void test_a_lent_blob_leaves_its_pages_behind(void **state)
{
    static const size_t lens[] = {BLOB_PAGES_BYTES_MIN, 65536, MEM_LARGE_BYTES_MIN};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        int ends[2];
        struct blob *b = blob_try_new(lens[i], lens[i]);
        assert_non_null(b);
        assert_int_equal(pipe(ends), 0);
        memset(b->data, 'o', lens[i]);
        struct iovec run = {b->data, BLOB_PAGES_BYTES_MIN};
        b->lent = true;
        assert_int_equal(vmsplice(ends[1], &run, 1, 0), run.iov_len);
        assert_false(blob_editable(b));
        blob_drop(b);
        for (int again = 0; again < 8; again++) {
            b = blob_try_new(lens[i], lens[i]);
            assert_non_null(b);
            memset(b->data, 'n', lens[i]);
            blob_drop(b);
        }
        char got[BLOB_PAGES_BYTES_MIN], want[BLOB_PAGES_BYTES_MIN];
        memset(want, 'o', sizeof(want));
        for (size_t at = 0; at < sizeof(got);) {
            ssize_t n = read(ends[0], got + at, sizeof(got) - at);
            assert_true(n > 0);
            at += (size_t)n;
        }
        assert_memory_equal(got, want, sizeof(want));
        close(ends[0]);
        close(ends[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_until_the_last_reference),
        cmocka_unit_test(test_resizes_and_keeps_content),
        cmocka_unit_test(test_allocations_may_fail),
        cmocka_unit_test(test_agrees_to_be_lent),
        cmocka_unit_test(test_is_promoted_when_sent_often),
        cmocka_unit_test(test_without_memory_it_is_not_promoted),
        cmocka_unit_test(test_resizes_to_and_from_pages),
        cmocka_unit_test(test_a_lent_blob_leaves_its_pages_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
