#pragma once
/* The pace of background work (snapshot jobs) beside clients on the same loop.
 *
 * In an idle turn, one without a request, the work gets a slice: short, so that a request that comes meanwhile hardly
 * waits, and longer the longer none has come. In a turn with requests the work gets nothing, unless it is behind its
 * least share of the time; then it gets that share. So the work uses idle time, and ends however busy clients are. */
#include <stdbool.h>
#include <stdint.h>

/* A slice in an idle turn: the least, and the most. */
#define PACE_IDLE_US_MIN 16
#define PACE_IDLE_US_MAX 50
/* A slice grows by this fraction of the time without requests: 1 / 2^3. */
#define PACE_IDLE_SHIFT 3
/* A turn with requests gives no slice shorter than this. */
#define PACE_DUE_US 50
/* Only the share of this latest span is due: no long slice makes up for older time. With the default share, a tenth, a
 * slice takes half a millisecond at most. */
#define PACE_SPAN_US (5 * 1000)

struct pace {
    int64_t now_us;    /* of the last turn */
    int64_t busy_us;   /* of the last turn with requests */
    int64_t due_us100; /* time due, in hundredths of a microsecond */
};

/* A turn ends at `now_us` (monotonic). `idle`: it had no request. `percent` (1..100): the work's least share of the
 * time. Returns how long a slice may take, in microseconds; 0: there is none. */
int64_t pace_turn(struct pace *p, int64_t now_us, int64_t percent, bool idle);
/* The slice took `us` microseconds. */
void pace_took(struct pace *p, int64_t us);
/* Microseconds from the last turn until a slice is due, though no turn be idle. */
int64_t pace_due_in_us(const struct pace *p, int64_t percent);
