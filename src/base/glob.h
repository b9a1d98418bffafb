#pragma once
/* Glob-style patterns, as KEYS, SCAN and PSUBSCRIBE take them: * ? [a-c] [^x] \escape. `*` matches the empty text, too,
 * where Redis' function leaves that case to its callers.
 *
 * A pattern is read once, and a class costs no more than a byte, however long it is. Work of a match is at most the sum
 * of both lengths where there are bytes and `*` only, and else a 64th of their product. */
#include <stdbool.h>

#include "base/slice.h"

/* Copies the pattern. NULL: no memory. */
struct glob;
struct glob *glob_try_new(struct slice pattern, bool nocase);
void glob_free(struct glob **g);
bool glob_test(const struct glob *g, struct slice text);
