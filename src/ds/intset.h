#pragma once
/* Sorted integers of one width in one run of bytes: a small set of integers.
 *
 *   +-------+---------+---------+-----
 *   | width | least   | next    | ...     each of `width` bytes, little-endian, signed
 *   +-------+---------+---------+-----
 *
 * The width is 1 to 8, enough for each integer that was ever added: removals do not lower it. No integer is there
 * twice. The owner of the run makes room in it and frees it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define INTSET_HEADER_BYTES 1

static inline size_t intset_width_of(int64_t v)
{
    /* The bits behind the leading ones that equal the sign, and one for the sign. */
    uint64_t magnitude = (uint64_t)(v < 0 ? ~v : v);
    return (size_t)(magnitude == 0 ? 8 : 72 - __builtin_clzll(magnitude)) / 8;
}
static inline size_t intset_width(struct slice s)
{
    return (uint8_t)s.ptr[0];
}
static inline size_t intset_count(struct slice s)
{
    return (s.len - INTSET_HEADER_BYTES) / intset_width(s);
}
static inline size_t intset_bytes(size_t width, size_t count)
{
    return INTSET_HEADER_BYTES + width * count;
}
/* The offset of the nth integer, from 0 on. */
static inline size_t intset_offset(struct slice s, size_t n)
{
    return intset_bytes(intset_width(s), n);
}
/* The nth integer, from 0 on. */
int64_t intset_at(struct slice s, size_t n);
/* *n: the index of v, or, when v is not there (false), the index at which to insert it. */
bool intset_find(struct slice s, int64_t v, size_t *n);

/* --- writing --------------------------------------------------------------------------------------------- */

/* Makes a run of this one integer. It has intset_bytes(intset_width_of(v), 1). */
void intset_init(char *run, int64_t v);
/* Gives the `count` integers of a run a larger width. The run must have room for it. */
void intset_widen(char *run, size_t count, size_t width);
/* Writes the nth integer, which must fit the run's width. */
void intset_put(char *run, size_t n, int64_t v);

/* For tests: the run is whole and sorted, with no integer twice. */
bool intset_valid(struct slice s);
