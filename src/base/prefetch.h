#pragma once
/* Prefetching: memory is fetched into the cache ahead of its use. */
#include <stdint.h>

#include "base/slice.h"

#define PREFETCH_LINE_BYTES 64

/* GCC drops calls of a function that only prefetches, as having no effect. The empty statement is an effect. */
static inline __attribute__((always_inline)) void prefetch_line(const void *p)
{
    __asm__ volatile("" : : "r"(p));
    __builtin_prefetch(p);
}
/* For memory that is about to be written. */
static inline __attribute__((always_inline)) void prefetch_line_to_write(const void *p)
{
    __asm__ volatile("" : : "r"(p));
    __builtin_prefetch(p, 1);
}

/* The way to an element of a structure, found by its name, in steps of one load: each step reads the memory that the
 * step before prefetched, and prefetches the next. The steps of many ways take turns, so their cache misses overlap.
 * The structure must not change between the first step and the last. */
struct prefetch_way {
    struct slice name; /* set by the caller; the other fields are zero at first */
    /* the structure's own */
    uint64_t hash;
    const void *at;
    unsigned step;
};
