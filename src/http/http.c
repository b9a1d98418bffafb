/* All connections together: lists, turns, timeouts. */
#include "http/http.h"

#include <assert.h>
#include <poll.h>

#include "http/http_impl.h"

/* --- lists ---------------------------------------------------------------------------------------------- */

void http_list_add(struct http_conn *c, enum http_list list)
{
    struct http_links *l = &c->links[list];
    if (l->in)
        return;
    *l = (struct http_links){.next = c->http->lists[list], .in = true};
    if (l->next)
        l->next->links[list].prev = c;
    c->http->lists[list] = c;
    if (list == HTTP_LIST_RESUME)
        event_active(c->http->wake, EV_TIMEOUT, 0);
}

void http_list_remove(struct http_conn *c, enum http_list list)
{
    struct http_links *l = &c->links[list];
    if (!l->in)
        return;
    if (l->prev)
        l->prev->links[list].next = l->next;
    else
        c->http->lists[list] = l->next;
    if (l->next)
        l->next->links[list].prev = l->prev;
    *l = (struct http_links){0};
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg; /* the event only keeps the loop from sleeping */
}

struct http *http_new(const struct http_options *o)
{
    struct http *h = mem_zalloc(sizeof(*h));
    h->o = *o;
    h->wake = event_new(o->base, -1, 0, on_wake, NULL);
    assert(h->wake);
    outq_pool_init(&h->pool);
    return h;
}

void http_free(struct http **http)
{
    struct http *h = *http;
    if (!h)
        return;
    while (h->lists[HTTP_LIST_ALL])
        http_conn_close(h->lists[HTTP_LIST_ALL]);
    http_request_free(&h->spare);
    event_free(h->wake);
    outq_pool_deinit(&h->pool);
    mem_free(h);
    *http = NULL;
}

size_t http_clients(const struct http *h)
{
    return h->clients;
}

/* --- turns ---------------------------------------------------------------------------------------------- */

static void close_marked(struct http *h)
{
    while (h->lists[HTTP_LIST_CLOSE])
        http_conn_close(h->lists[HTTP_LIST_CLOSE]);
}

/* Takes the list as it stands: a connection that is added meanwhile is for the next turn. */
void http_turn(struct http *h)
{
    struct http_conn *first = h->lists[HTTP_LIST_RESUME], *next;
    if (first)
        h->o.turn_begin(h->o.host.server);
    for (struct http_conn *c = first; c; c = next) {
        next = c->links[HTTP_LIST_RESUME].next;
        http_list_remove(c, HTTP_LIST_RESUME);
        http_conn_resume(c);
    }
}

void http_turn_end(struct http *h)
{
    struct http_conn *c;
    /* Closing comes first: a client that has the reply of CLIENT KILL must find the other one gone. */
    close_marked(h);
    while ((c = h->lists[HTTP_LIST_SEND])) {
        http_list_remove(c, HTTP_LIST_SEND);
        http_conn_send(c);
    }
    close_marked(h);
}

bool http_drain(struct http *h)
{
    bool left = false;
    struct http_conn *next;
    for (struct http_conn *c = h->lists[HTTP_LIST_ALL]; c; c = next) {
        next = c->links[HTTP_LIST_ALL].next;
        if (c->request ? c->request->events : outq_empty(&c->out))
            continue; /* events have no end; other connections are idle */
        http_conn_send(c);
        left = left || !outq_empty(&c->out) || !outq_empty(session_queue(c->session));
    }
    close_marked(h);
    return !left;
}

/* --- regular work ---------------------------------------------------------------------------------------- */

/* Why the connection has had its time; NULL: it has not. */
static const char *too_long(const struct http_conn *c, int64_t now_us)
{
    const struct http_config *config = c->http->o.config;
    int64_t us = now_us - c->since_us;
    switch (c->state) {
    case HTTP_HEAD_COMES:
        if (c->in.len > 0)
            return us > config->request_s_max * 1000000 ? "its head took too long" : NULL;
        if (!outq_empty(&c->out))
            return us > HTTP_STALL_US ? "it does not take its answer" : NULL;
        return config->idle_s_max > 0 && us > config->idle_s_max * 1000000 ? "it is idle" : NULL;
    case HTTP_BODY_COMES:
        us -= (int64_t)(c->received / HTTP_BODY_BYTES_A_S) * 1000000;
        return us > config->request_s_max * 1000000 ? "its body took too long" : NULL;
    case HTTP_LINGERS: return us > HTTP_LINGER_US ? "it does not close" : NULL;
    default:
        return !outq_empty(&c->out) && us > HTTP_STALL_US ? "it does not take its answer" : NULL;
    }
}

/* A connection whose request is at work is not read, so polling alone can show that its client has gone. */
static bool has_gone(const struct http_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    return c->state == HTTP_AT_WORK && !c->reading && poll(&p, 1, 0) == 1 &&
           (p.revents & (POLLERR | POLLHUP));
}

/* Sends a comment to a client of events that got nothing for long, so that proxies keep the connection. */
static void ping(struct http_conn *c, int64_t now_us)
{
    struct http_request *r = c->request;
    if (!r || !r->events || now_us - c->since_us < HTTP_PING_US || !outq_empty(&c->out) ||
        !reply_is_between(&r->replies))
        return;
    c->since_us = now_us;
    buf_append_cstr(http_out(r), ":\n\n");
    http_flush(r);
    http_conn_send(c);
}

/* Answers 408 where a request came too slowly, and closes where no answer is possible. */
static void give_up(struct http_conn *c, const char *why)
{
    struct http_request *r = c->request;
    log_verbose(c->http->o.logger, "Closing an HTTP client: %s", why);
    bool asks = c->state == HTTP_BODY_COMES || (c->state == HTTP_HEAD_COMES && c->in.len > 0);
    if (!asks || !r || http_is_answered(r)) {
        http_conn_close_soon(c);
        return;
    }
    r->close = true;
    c->state = HTTP_AT_WORK;
    http_reply_error(r, 408, "ERR the request took too long");
    http_conn_send(c);
}

void http_cron(struct http *h)
{
    int64_t now_us = engine_now_us(h->o.engine);
    struct http_conn *c = h->cron_next ? h->cron_next : h->lists[HTTP_LIST_ALL];
    for (int i = 0; c && i < HTTP_CRON_CONNECTIONS_MAX; i++) {
        struct http_conn *next = c->links[HTTP_LIST_ALL].next;
        const char *why = too_long(c, now_us);
        h->cron_next = next;
        if (why)
            give_up(c, why);
        else if (has_gone(c))
            http_conn_close_soon(c);
        else
            ping(c, now_us);
        c = next;
    }
    h->cron_next = c;
    close_marked(h);
}

void http_stats(const struct http *h, struct http_stats *out)
{
    *out = (struct http_stats){0};
    for (const struct http_conn *c = h->lists[HTTP_LIST_ALL]; c; c = c->links[HTTP_LIST_ALL].next) {
        const struct http_request *r = c->request;
        size_t in = c->in.cap + (r ? sizeof(*r) + r->spilled.cap : 0);
        in += r && r->blob ? blob_memory(r->blob) : 0;
        size_t queued = outq_memory(&c->out) + outq_memory(session_queue(c->session));
        queued += r ? r->out.cap : 0;
        out->query_bytes += in;
        out->output_bytes += queued;
        if (in > out->largest_query_bytes)
            out->largest_query_bytes = in;
        if (queued > out->largest_output_bytes)
            out->largest_output_bytes = queued;
    }
}
