#include "base/ticks.h"

#include "base/clock.h"

#define TICKS_MEASURE_US 2000

double ticks_measure_per_us(void)
{
    int64_t start_us = clock_mono_us();
    uint64_t start = ticks_now();
    int64_t now_us;
    do
        now_us = clock_mono_us();
    while (now_us - start_us < TICKS_MEASURE_US);
    return (double)(ticks_now() - start) / (double)(now_us - start_us);
}
