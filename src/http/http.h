#pragma once
/* HTTP/1.1 on the server's own loop: for clients without a Redis library, orchestrators, monitoring and browsers.
 *
 *   socket --> head, body (head.h, chunks.h) --> route (route.h) --> may it? (guard.h) --> handler (request.h)
 *          <-- answer, as the gate lets replies out <-- RESP3 read as tokens <-- session <-- commands <--'
 *
 * A connection is a session of the engine, and a request's commands are requests of that session: checks, units, the
 * gate, the slow log and CLIENT LIST hold for it as for any other client. One request of a connection is at work at a
 * time; what a client sends ahead waits.
 *
 * Of libevent it uses the loop and not its evhttp. That takes what two programs can understand in two ways (two
 * lengths, lines that go on, line breaks without '\r', a length with a sign), answers what it refuses with pages of
 * HTML, times a client anew with every byte, and costs several times what the commands of a request do. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logger.h"

struct buf;
struct engine;
struct event_base;
struct http;

/* What the configuration decides; strings are the owner's. */
struct http_config {
    int64_t drain_ms;        /* http-drain-ms: not ready for so long before a shutdown goes on */
    uint64_t body_bytes_max; /* http-max-body */
    /* http-request-timeout: for a head; and for a body that comes too slowly */
    int64_t request_s_max;
    int64_t idle_s_max; /* http-idle-timeout: between requests; 0: any */
    /* http-cors-origin: origins whose pages may ask, separated by spaces; "*": all */
    const char *cors_origin;
    bool metrics_open; /* http-metrics-open: /metrics asks for no token */
};

/* What the process and the rooms that http/ does not see tell it: filled in by server/. */
struct http_host {
    void *server; /* the argument of the functions */
    /* May a load balancer send requests here? False: `why` says why not. */
    bool (*ready)(void *server, struct buf *why);
    /* Appends all figures in Prometheus' text format; buf->err: no memory. */
    void (*metrics)(void *server, struct buf *out);
};

struct http_options {
    struct event_base *base;
    struct engine *engine;
    struct logger *logger;
    const struct http_config *config; /* as all above: borrowed for life */
    struct http_host host;
    /* The loop has woken for a request: reads the clocks, if nobody has in this turn. */
    void (*turn_begin)(void *server);
};

struct http *http_new(const struct http_options *o);
/* Closes all connections. */
void http_free(struct http **h);

/* Why a connection becomes no client: it is told so and closed. */
enum http_refusal { HTTP_WELCOME, HTTP_FULL, HTTP_PROTECTED };
/* Takes the socket, and `names`, its address, NUL, ours, NUL (owned; NULL: no memory for them). */
void http_accept(struct http *h, int fd, char *names, enum http_refusal refusal);
size_t http_clients(const struct http *h);

/* A turn: requests that waited, ahead of the turn's end in the engine (net_turn_end); and behind it, sends what may
 * leave, and closes what is to be closed. */
void http_turn(struct http *h);
void http_turn_end(struct http *h);
/* Clients that are too slow, idle or gone: several times a second. */
void http_cron(struct http *h);
/* Sends what is queued as far as sockets take it; false: something is left. */
bool http_drain(struct http *h);

/* Memory that requests and answers hold now. */
struct http_stats {
    uint64_t query_bytes, output_bytes;
    size_t largest_query_bytes, largest_output_bytes; /* of one connection */
};
void http_stats(const struct http *h, struct http_stats *out);
