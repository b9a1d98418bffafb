#pragma once
/* Durations counted by powers of two: bucket i holds those below 2^i microseconds, the last one whatever is longer. */
#include <stdint.h>

#define HISTOGRAM_BUCKETS 32

struct histogram {
    uint64_t count[HISTOGRAM_BUCKETS];
    uint64_t sum_us;
};

static inline int histogram_bucket(uint64_t us)
{
    int bucket = us ? 64 - __builtin_clzll(us) : 0;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, uint64_t us)
{
    h->count[histogram_bucket(us)]++;
    h->sum_us += us;
}
