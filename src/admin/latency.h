#pragma once
/* LATENCY: a history of spikes for each kind of event. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define LATENCY_HISTORY_LEN 160
#define LATENCY_EVENTS_MAX  32

struct latency;

struct latency *latency_new(void);
void latency_free(struct latency **l);
/* Notes an event of at least `threshold_ms` (0: off). `event` is static text: "command", "fast-command",
 * "expire-cycle", ... Events beyond LATENCY_EVENTS_MAX kinds are not noted. */
void latency_add(struct latency *l, const char *event, int64_t duration_ms, int64_t threshold_ms,
                 int64_t wall_ms);

/* --- reading ---------------------------------------------------------------------------------- */

/* The worst event of one second. */
struct latency_sample {
    int64_t wall_s; /* since the Unix epoch */
    int64_t ms;
};

struct latency_series {
    const char *event;
    int64_t ms_max;                                     /* ever, or since LATENCY RESET */
    uint32_t count;                                     /* samples kept, at least one */
    uint32_t start;                                     /* where the oldest is */
    struct latency_sample samples[LATENCY_HISTORY_LEN]; /* a ring */
};

/* Sample i, 0 the oldest. */
static inline const struct latency_sample *latency_at(const struct latency_series *s, uint32_t i)
{
    return &s->samples[(s->start + i) % LATENCY_HISTORY_LEN];
}

int latency_event_count(const struct latency *l);
const struct latency_series *latency_event(const struct latency *l, int i);
/* NULL: nothing of that name was noted. The pointer is valid until the next LATENCY RESET. */
const struct latency_series *latency_find(const struct latency *l, struct slice event);

/* --- forgetting ------------------------------------------------------------------------------- */

/* False: nothing of that name was noted. */
bool latency_forget(struct latency *l, struct slice event);
int latency_forget_all(struct latency *l); /* returns how many events there were */
