/* For orchestrators and monitoring: /healthz (it is alive), /readyz (send requests here), /metrics. */
#include "http/json_text.h"
#include "http/request.h"

static void handle_alive(struct http_request *r)
{
    http_set_header(r, "Cache-Control", "no-store");
    http_reply_static(r, 200, HTTP_JSON, SLICE("{\"status\":\"ok\"}"));
}

static void handle_ready(struct http_request *r)
{
    const struct http_host *host = http_host(r);
    struct buf why, body;
    buf_init(&why);
    buf_init(&body);
    http_set_header(r, "Cache-Control", "no-store");
    bool ready = host->ready(host->server, &why);
    if (ready) {
        buf_append_cstr(&body, "{\"ready\":true}");
    } else {
        buf_append_cstr(&body, "{\"ready\":false,\"reason\":");
        json_text_put(buf_slice(&why), false, &body);
        buf_append_char(&body, '}');
    }
    http_reply_buf(r, ready ? 200 : 503, HTTP_JSON, &body);
    buf_deinit(&body);
    buf_deinit(&why);
}

/* The format of admin/metrics.h, which this room may not include. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static void handle_metrics(struct http_request *r)
{
    const struct http_host *host = http_host(r);
    struct buf body;
    if (!http_config(r)->metrics_open && !http_is_authorized(r)) {
        http_set_header(r, "WWW-Authenticate", "Bearer realm=\"corsac\"");
        http_reply_error(r, 401, "WRONGPASS invalid or missing auth token");
        return;
    }
    buf_init(&body);
    host->metrics(host->server, &body);
    http_set_header(r, "Cache-Control", "no-store");
    if (body.err == ERR_OK)
        http_reply_buf(r, 200, METRICS_TYPE, &body);
    else
        http_reply_error(r, 503, "OOM there is no memory for the metrics");
    buf_deinit(&body);
}

const struct http_route http_routes_health[] = {
    {.methods = HTTP_GET,
     .path = "/healthz",
     .fn = handle_alive,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary = "The server is alive",
     .produces = HTTP_JSON},
    {.methods = HTTP_GET,
     .path = "/readyz",
     .fn = handle_ready,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary =
         "The server takes requests, writes too: 503 with a reason while it loads, shuts down or cannot "
         "write its append-only file",
     .produces = HTTP_JSON},
    {.methods = HTTP_GET,
     .path = "/metrics",
     .fn = handle_metrics,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary = "All figures in Prometheus' text format; http-metrics-open no asks for the token",
     .produces = "text/plain"},
    {.path = NULL},
};
