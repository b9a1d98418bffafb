#pragma once
/* What the tests of resp/ share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/slice.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Of two slices, with both shown when they differ. */
#define assert_slice_equal(got, want)                                                        \
    do {                                                                                     \
        struct slice got_ = (got), want_ = (want);                                           \
        if (!slice_equal(got_, want_))                                                       \
            fail_msg("got \"%.*s\", want \"%.*s\"", (int)got_.len, got_.len ? got_.ptr : "", \
                     (int)want_.len, want_.len ? want_.ptr : "");                            \
    } while (0)
