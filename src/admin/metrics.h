#pragma once
/* All figures of the server in Prometheus' text format: INFO's figures, by its rows, and histograms of how long
 * commands, turns of the loop and waits for the log take. Names begin with "corsac_". The same figures come under the
 * names that exporters of Redis give, too, so that existing dashboards work. */

struct admin;
struct buf;

/* The content type for HTTP. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends all figures. Reads clocks and the kernel, and walks all connections. out->err: no memory. */
void metrics_append(struct admin *a, struct buf *out);
