#pragma once
/* Glob-style patterns, as KEYS, SCAN and PSUBSCRIBE take them: * ? [a-c] [^x] \escape. `*` matches the empty text, too,
 * which Redis' function leaves to its callers.
 *
 * A pattern is compiled once, and a class then costs no more than a byte. The work of a match is linear in both lengths
 * for patterns of bytes and `*`. For others it is the text's length times 64, or times a 64th of the pattern's length
 * if that is more. */
#include <stdbool.h>

#include "base/slice.h"

/* Copies the pattern. NULL: no memory. */
struct glob;
struct glob *glob_try_new(struct slice pattern, bool nocase);
void glob_free(struct glob **g);
bool glob_test(const struct glob *g, struct slice text);
