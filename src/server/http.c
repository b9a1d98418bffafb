/* HTTP's place in the process: who gives it connections, and what it is told of the rest. */
#include "http/http.h"

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
    if (s->stop == STOP_NO && !s->persist.loading)
        return true;
    buf_append_cstr(why, s->persist.loading ? "loading" : "shutting down");
    return false;
}

void server_http(struct server *s)
{
    const struct http_options o = {
        .base = s->base,
        .engine = s->engine,
        .logger = &s->logger,
        .config = &s->config.http,
        .host = {.server = s, .ready = on_ready},
        .turn_begin = on_turn,
    };
    s->http = http_new(&o);
    const struct net_guest guest = {.arg = s->http, .accept = on_accept, .clients = on_clients};
    net_set_guest(s->net, &guest);
}
