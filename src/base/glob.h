#pragma once
/* Glob-style patterns, as KEYS, SCAN and PSUBSCRIBE take them: * ? [a-c] [^x] \escape. */
#include <stdbool.h>

#include "base/slice.h"

/* Work is linear without `*`, and at most the product of the two lengths with any number of them.
 * `*` matches the empty text, too, where Redis' function leaves that case to its callers. */
bool glob_match(struct slice pattern, struct slice text, bool nocase);
