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
