#pragma once
/* The clocks. ds/, store/, resp/ and cmd/ never read them: the time is passed in, so that a replay gives the same
 * result. */
#include <stdint.h>

int64_t clock_mono_us(void); /* monotonic, microseconds, arbitrary start */
int64_t clock_wall_us(void); /* since the Unix epoch, microseconds */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}
