#pragma once
/* What the tests of base/ share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/slice.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A copy in a block of exactly its size, so that a sanitizer sees a byte read behind it. */
static inline struct slice exact_new(struct slice s)
{
    char *p = malloc(s.len > 0 ? s.len : 1);
    assert_non_null(p);
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    return slice_of(p, s.len);
}

static inline void exact_free(struct slice s)
{
    free((void *)s.ptr);
}

/* Of two slices, with both shown when they differ. */
#define assert_slice_equal(got, want)                                                        \
    do {                                                                                     \
        struct slice got_ = (got), want_ = (want);                                           \
        if (!slice_equal(got_, want_))                                                       \
            fail_msg("got \"%.*s\", want \"%.*s\"", (int)got_.len, got_.len ? got_.ptr : "", \
                     (int)want_.len, want_.len ? want_.ptr : "");                            \
    } while (0)
