#pragma once
/* The clocks. Only net/, engine's turn and server/ read them; all below is handed the time. */
#include <stdint.h>

int64_t clock_mono_us(void); /* monotonic, microseconds, arbitrary start */
int64_t clock_wall_us(void); /* since the Unix epoch, microseconds */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}
