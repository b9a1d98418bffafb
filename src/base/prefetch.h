#pragma once
/* Asking for memory ahead of its use. */
#include <stdint.h>

#include "base/slice.h"

#define PREFETCH_LINE_BYTES 64

/* GCC takes a function that does nothing but prefetch for one without effect, and drops the calls of it. The empty
 * statement is an effect. */
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

/* The way to what is found by a name, a load a step: each step looks at what the one before asked for, and asks for
 * what comes next. So the steps of many ways can take turns, and what they wait for overlaps. What is walked through
 * must not change between the first step and the last. */
struct prefetch_way {
    struct slice name; /* set by who begins; the rest is zero */
    /* the structure's own */
    uint64_t hash;
    const void *at;
    unsigned step;
};
