#pragma once
/* The pace of work that nobody waits for, snapshot jobs, beside clients that share the loop with it.
 *
 * A turn without a request is one that clients left: the work takes a short slice of it, so that a request that comes
 * meanwhile hardly waits, and a longer slice the longer none has come. It takes none of turns with requests, until so
 * many have passed that it has not had its share of the time; then it takes its share. So the work takes the time that
 * clients leave, and ends however much they ask. */
#include <stdbool.h>
#include <stdint.h>

/* Of a slice in a turn that clients left: the least, and the most. */
#define PACE_IDLE_US_MIN 16
#define PACE_IDLE_US_MAX 50
/* How much longer it is for the time that nobody has come: an eighth of that. */
#define PACE_IDLE_SHIFT 3
/* The least that is due at once. */
#define PACE_DUE_US 50
/* What came to be due earlier is due no more: no long slice makes up for it. With the share that is the default, a
 * tenth, a slice takes half a millisecond at most. */
#define PACE_SPAN_US (5 * 1000)

struct pace {
    int64_t now_us;    /* as told last */
    int64_t busy_us;   /* when clients left nothing last */
    int64_t due_us100; /* hundredths of a microsecond */
};

/* A turn ends at `now_us` (monotonic), `idle`: clients left it. How long a slice may take now, in microseconds; 0:
 * there is to be none. `percent` (1..100): the share of the time that the work has at least. */
int64_t pace_turn(struct pace *p, int64_t now_us, int64_t percent, bool idle);
/* So long it took. */
void pace_took(struct pace *p, int64_t us);
/* How long from the last turn until something is due though clients leave nothing. */
int64_t pace_due_in_us(const struct pace *p, int64_t percent);
