#pragma once
/* Prometheus' text format, version 0.0.4:
 *
 *     # HELP corsac_command_calls_total Calls of a command.
 *     # TYPE corsac_command_calls_total counter
 *     corsac_command_calls_total{command="get"} 12
 *
 * A family is a head with the lines under it, written in one go. Durations are in seconds, sizes in bytes. */
#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"

enum metric_type {
    METRIC_NONE,
    METRIC_GAUGE,
    METRIC_COUNTER,
    METRIC_HISTOGRAM,
    METRIC_LABEL, /* no family of its own: a label of the family that identifies the server */
};

/* Prefixes of names: Corsac's own ones, and the ones that exporters of Redis give. */
#define METRICS_OWN   "corsac_"
#define METRICS_REDIS "redis_"

struct metric_family {
    const char *prefix, *name;
    enum metric_type type;
    const char *help; /* one line, without a backslash */
};

void metrics_head(struct buf *out, const struct metric_family *f);
/* The beginning of a line, up to its value; `labels` as metrics_label makes them, NULL: none. */
void metrics_line(struct buf *out, const struct metric_family *f, const struct buf *labels);
void metrics_u64(struct buf *out, uint64_t value);
void metrics_double(struct buf *out, double value);
void metrics_seconds(struct buf *out, uint64_t ns);
/* Appends name="value", behind a comma where labels are there already. */
void metrics_label(struct buf *labels, const char *name, struct slice value);

/* The buckets, sum and count of one histogram, of `count[HISTOGRAM_BUCKETS]` as base/histogram.h counts. Buckets
 * behind METRICS_LAST_BUCKET are counted in +Inf only. */
#define METRICS_LAST_BUCKET 22 /* 4 seconds */
void metrics_histogram(struct buf *out, const struct metric_family *f, const struct buf *labels,
                       const uint64_t *count, uint64_t sum_ns);
