#pragma once
/* HTTP/1.1 on the server's own loop: for clients without a Redis library, orchestrators, monitoring and browsers.
 *
 *   socket --> head, body (head.h, chunks.h) --> route (route.h) --> may it? (guard.h) --> handler (request.h)
 *          <-- answer, as the gate lets replies out <-- RESP3 read as tokens <-- session <-- commands <--'
 *
 * A connection is a session of the engine, and a request's commands are requests of that session: checks, units, the
 * gate, the slow log and CLIENT LIST hold for it as for any other client. One request of a connection is at work at a
 * time; requests sent ahead wait.
 *
 * The room uses libevent's loop, but not its evhttp: that accepts ambiguous requests (two lengths, lines that go on,
 * line breaks without '\r', a length with a sign), answers errors with pages of HTML, restarts its timeout with every
 * byte, and costs more than the commands of a request. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logger.h"

struct buf;
struct engine;
struct event_base;
struct http;

/* The options; strings belong to their owner. */
struct http_config {
    int64_t drain_ms;        /* http-drain-ms: how long /readyz says no before a shutdown */
    uint64_t body_bytes_max; /* http-max-body */
    /* http-request-timeout: for a head, and for a body that comes too slowly */
    int64_t request_s_max;
    int64_t idle_s_max; /* http-idle-timeout: between requests; 0: no limit */
    /* http-cors-origin: origins whose pages may ask, separated by spaces; "*": all */
    const char *cors_origin;
    bool metrics_open; /* http-metrics-open: /metrics asks for no token */
};

/* Functions of rooms that http/ may not include; server/ fills them in. */
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
    /* Called when the loop wakes for a request: reads the clocks, once a turn. */
    void (*turn_begin)(void *server);
};

struct http *http_new(const struct http_options *o);
/* Closes all connections. */
void http_free(struct http **h);

/* Why a socket is refused: it gets an answer and is closed. */
enum http_refusal { HTTP_WELCOME, HTTP_FULL, HTTP_PROTECTED };
/* Takes the socket, and `names`: the client's address, NUL, the server's, NUL (owned; NULL: no memory for them). */
void http_accept(struct http *h, int fd, char *names, enum http_refusal refusal);
size_t http_clients(const struct http *h);

/* http_turn resumes requests that waited; call it before net_turn_end, which ends the engine's turn. http_turn_end
 * comes after that: sends replies that may leave, and closes connections. */
void http_turn(struct http *h);
void http_turn_end(struct http *h);
/* Closes clients that are too slow, idle or gone; call it several times a second. */
void http_cron(struct http *h);
/* Sends queued bytes, as far as sockets take them. False: some are left. */
bool http_drain(struct http *h);

/* Memory that requests and answers hold. */
struct http_stats {
    uint64_t query_bytes, output_bytes;
    size_t largest_query_bytes, largest_output_bytes; /* of one connection */
};
void http_stats(const struct http *h, struct http_stats *out);
