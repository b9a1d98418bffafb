#pragma once
/* Asking for memory ahead of its use. */

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
