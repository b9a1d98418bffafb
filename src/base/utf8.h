#pragma once
/* UTF-8: pure. Source: RFC 3629. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define UTF8_BYTES_MAX 4 /* of a character */

/* Bytes of the character at the start of `s`; 0: there is no whole and valid one. Surrogates and overlong forms are not
 * valid. */
size_t utf8_next(struct slice s);
/* The number of bytes at the start of `s` that are whole characters. */
size_t utf8_span(struct slice s);
static inline bool utf8_valid(struct slice s)
{
    return utf8_span(s) == s.len;
}
/* Writes a character, no surrogate, below 0x110000; returns its length. */
size_t utf8_put(char *to, uint32_t code);
