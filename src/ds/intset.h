#pragma once
/* Sorted integers of one width in one run of bytes: a small set of integers.
 *
 *   +-------+---------+---------+-----
 *   | width | least   | next    | ...     each of `width` bytes, little-endian, signed
 *   +-------+---------+---------+-----
 *
 * The width is 1 to 8: the least that the widest integer that was ever in it needs. Pure: who keeps the run makes
 * room in it and gives it up. No integer is in it twice. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define INTSET_HEADER_BYTES 1

static inline size_t intset_width_of(int64_t v)
{
    /* Bits without the sign's run of equal ones, and one for the sign. */
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
/* Where the nth is, from 0 on. */
static inline size_t intset_offset(struct slice s, size_t n)
{
    return intset_bytes(intset_width(s), n);
}
/* The nth, from 0 on. */
int64_t intset_at(struct slice s, size_t n);
/* True: it is there, the nth. False: it would be. */
bool intset_find(struct slice s, int64_t v, size_t *n);

/* --- writing --------------------------------------------------------------------------------------------- */

/* A run with this one integer, of intset_bytes(intset_width_of(v), 1). */
void intset_init(char *run, int64_t v);
/* Gives `count` integers of a run another width, the wider, for which there is room behind them. */
void intset_widen(char *run, size_t count, size_t width);
/* Writes the nth, of the run's width. */
void intset_put(char *run, size_t n, int64_t v);

/* For tests: whole, sorted, and none twice. */
bool intset_valid(struct slice s);
