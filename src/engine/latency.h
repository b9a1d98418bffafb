#pragma once
/* LATENCY: a history of spikes for each kind of event, and histograms for each command. */
#include <stdint.h>

#include "cmd/table.h"

#define LATENCY_HISTORY_LEN 160
#define LATENCY_EVENTS_MAX 32

struct latency;

extern const struct cmd_row engine_rows_latency[];

struct latency *latency_new(void);
void latency_free(struct latency **l);
/* Notes an event of at least `threshold_ms` (0: off). `event` is static text: "command", "fast-command",
 * "expire-cycle", ... */
void latency_add(struct latency *l, const char *event, int64_t duration_ms, int64_t threshold_ms, int64_t wall_ms);
