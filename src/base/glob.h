#pragma once
/* Glob-style patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET take them: * ? [a-c] [^x] \escape. */
#include <stdbool.h>

#include "base/slice.h"

/* Bounded work whatever the pattern: linear for all but `*`, and never exponential in the number of `*`. */
bool glob_match(struct slice pattern, struct slice text, bool nocase);
