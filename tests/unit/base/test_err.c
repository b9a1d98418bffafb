#include "base_test.h"

#include "base/err.h"

static void test_every_code_has_a_text_of_its_own(void **state)
{
    for (int a = ERR_OK; a <= ERR_BUSY; a++) {
        assert_true(strlen(err_text((enum err)a)) > 0);
        for (int b = a + 1; b <= ERR_BUSY + 1; b++)
            assert_string_not_equal(err_text((enum err)a), err_text((enum err)b));
    }
}

static void test_an_unknown_code_has_a_text(void **state)
{
    assert_string_equal(err_text((enum err)(ERR_BUSY + 1)), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_a_text_of_its_own),
        cmocka_unit_test(test_an_unknown_code_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
