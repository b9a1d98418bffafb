/* Linked into every test program: of its tests only those run whose name matches TEST_NAME (make check NAME=...), where
 * that is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void only(void)
{
    const char *pattern = getenv("TEST_NAME");
    if (pattern && *pattern)
        cmocka_set_test_filter(pattern);
}
