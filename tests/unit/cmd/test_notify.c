#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/notify.h"

static void assert_letters(const char *given, const char *printed)
{
    unsigned classes = 0, again = 0;
    char out[NOTIFY_PRINT_BYTES];
    assert_true(notify_parse(slice_from_cstr(given), &classes));
    notify_print(classes, out);
    assert_string_equal(out, printed);
    assert_true(notify_parse(slice_from_cstr(out), &again));
    assert_int_equal(classes, again);
}

static void test_letters(void **state)
{
    (void)state;
    unsigned classes = 77;
    assert_letters("", "");
    assert_letters("KEA", "AKE");
    assert_letters("gKn", "gnK");
    assert_letters("mng", "gnm");
    assert_letters("KEg$lshzxetd", "AKE");
    assert_letters("$lshzxetKE", "$lshzxetKE");
    assert_letters("KEAmn", "AnKEm");
    assert_false(notify_parse(SLICE("KEy"), &classes));
    assert_int_equal(classes, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_letters)};
    return cmocka_run_group_tests_name("cmd/notify", tests, NULL, NULL);
}
