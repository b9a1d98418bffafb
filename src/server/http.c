/* Wires http/: net/ gives it connections, and this file the functions of struct http_host. */
#include "http/http.h"

#include "admin/metrics.h"
#include "log/aof.h"
#include "server/server_impl.h"

static void on_accept(void *http, int fd, char *names, enum net_refusal refusal)
{
    http_accept(http, fd, names,
                refusal == NET_FULL        ? HTTP_FULL
                : refusal == NET_PROTECTED ? HTTP_PROTECTED
                                           : HTTP_WELCOME);
}

static size_t on_clients(void *http)
{
    return http_clients(http);
}

static void on_turn(void *server)
{
    const struct server *s = server;
    net_guest_turn(s->net);
}

static bool on_ready(void *server, struct buf *why)
{
    const struct server *s = server;
    const struct persist *p = &s->persist;
    const char *fault = p->aof && p->state != PERSIST_ONCE ? aof_fault(p->aof) : NULL;
    if (s->stop == STOP_NO && !p->loading && !fault)
        return true;
    buf_append_cstr(why, s->stop != STOP_NO ? "shutting down" : p->loading ? "loading" : fault);
    return false;
}

static void on_metrics(void *server, struct buf *out)
{
    const struct server *s = server;
    metrics_append(s->admin, out);
}

void server_http(struct server *s)
{
    const struct http_options o = {
        .base = s->base,
        .engine = s->engine,
        .logger = &s->logger,
        .config = &s->config.http,
        .host = {.server = s, .ready = on_ready, .metrics = on_metrics},
        .turn_begin = on_turn,
    };
    s->http = http_new(&o);
    const struct net_guest guest = {.arg = s->http, .accept = on_accept, .clients = on_clients};
    net_set_guest(s->net, &guest);
}
