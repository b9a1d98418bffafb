#pragma once
/* All figures of the server in Prometheus' text format: those of INFO, by its rows, and histograms of how long
 * commands, turns of the loop and waits for the log take. Names begin with "corsac_"; behind them stands the same
 * under the names that exporters of Redis give, for dashboards that are there already. */

struct admin;
struct buf;

/* What it is, for HTTP. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends them. Reads clocks and the kernel; takes about a microsecond for each command that was called. out->err: no
 * memory. */
void metrics_append(struct admin *a, struct buf *out);
