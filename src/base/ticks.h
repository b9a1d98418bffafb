#pragma once
/* A counter cheap enough to read around every request: the processor's time stamp counter, or nanoseconds if there is
 * none. Its rate is measured once. For durations only, not for dates. */
#include <stdint.h>

#if defined(__x86_64__)
#include <x86intrin.h>
static inline uint64_t ticks_now(void)
{
    return __rdtsc();
}
#else
#include <time.h>
static inline uint64_t ticks_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
#endif

/* Ticks in a microsecond, measured against the monotonic clock (takes two milliseconds). */
double ticks_measure_per_us(void);
