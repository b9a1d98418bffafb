#pragma once
/* Samples of counters, taken regularly: rates for INFO's instantaneous figures, and the memory of the process. */
#include <stddef.h>
#include <stdint.h>

/* A rate is an average over this many samples. */
#define SAMPLES_OF_A_RATE 16

enum rate_kind {
    RATE_COMMANDS,
    RATE_IN_BYTES,
    RATE_OUT_BYTES,
    RATE_CYCLES,
    RATE_BUSY_US,
    RATE_COUNT
};

struct rate {
    uint64_t last_value;
    int64_t last_us;
    double samples[SAMPLES_OF_A_RATE]; /* per second */
    int next;
};

struct samples {
    struct rate rates[RATE_COUNT];
    size_t startup_bytes; /* in use before the first client */
    size_t peak_bytes;
    size_t rss_bytes;
};

/* Takes a sample of each counter, and of the memory. */
void samples_take(struct samples *s, const uint64_t values[RATE_COUNT], int64_t now_us);
/* The average rate of a counter, per second. */
double samples_rate(const struct samples *s, enum rate_kind kind);
/* Returns the memory in use, and raises the peak to it. */
size_t samples_memory(struct samples *s);
/* Forgets rates and peak: CONFIG RESETSTAT. */
void samples_reset(struct samples *s);
