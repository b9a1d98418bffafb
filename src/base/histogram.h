#pragma once
/* Durations counted by powers of two: bucket i has durations from 2^(i-1) up to 2^i microseconds, bucket 0 those below
 * 1, and the last one all longer ones. */
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
