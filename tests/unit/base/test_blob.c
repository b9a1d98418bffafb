#include "base_test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lives_until_the_last_reference),
        cmocka_unit_test(test_resizes_and_keeps_content),
        cmocka_unit_test(test_allocations_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
