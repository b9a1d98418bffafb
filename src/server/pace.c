#include "server/pace.h"

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t pace_turn(struct pace *p, int64_t now_us, int64_t percent, bool idle)
{
    int64_t passed_us = least(now_us - p->now_us, PACE_SPAN_US);
    p->now_us = now_us;
    p->due_us100 = least(p->due_us100 + passed_us * percent, PACE_SPAN_US * percent);
    if (idle)
        return least(PACE_IDLE_US_MIN + ((now_us - p->busy_us) >> PACE_IDLE_SHIFT),
                     PACE_IDLE_US_MAX);
    p->busy_us = now_us;
    return p->due_us100 >= PACE_DUE_US * 100 ? p->due_us100 / 100 : 0;
}

void pace_took(struct pace *p, int64_t us)
{
    p->due_us100 -= least(us * 100, p->due_us100);
}

int64_t pace_due_in_us(const struct pace *p, int64_t percent)
{
    int64_t left = PACE_DUE_US * 100 - p->due_us100;
    return left > 0 ? (left + percent - 1) / percent : 0;
}
