/* A connection: its beginning and end, sending, and its callbacks for the engine. conn_read.c reads. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/http_impl.h"

#define EVENTS_BYTES_MAX (32 * 1024 * 1024) /* queued for one client of events */

void http_conn_close_soon(struct http_conn *c)
{
    session_flags(c->session, SESSION_CLOSE_NOW, 0);
    http_list_add(c, HTTP_LIST_CLOSE);
}

void http_conn_set_reading(struct http_conn *c, bool on)
{
    if (c->reading == on)
        return;
    c->reading = on;
    if (on)
        event_add(&c->readable, NULL);
    else
        event_del(&c->readable);
}

/* --- sending ---------------------------------------------------------------------------------------------- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_conn *c = arg;
    c->http->o.turn_begin(c->http->o.host.server);
    http_list_add(c, HTTP_LIST_SEND);
}

static void set_writing(struct http_conn *c, bool on)
{
    if (c->waits_to_write == on)
        return;
    if (on && !c->writable) {
        c->writable = event_new(c->http->o.base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
        if (!c->writable) {
            http_conn_close_soon(c);
            return;
        }
    }
    c->waits_to_write = on;
    if (on)
        event_add(c->writable, NULL);
    else
        event_del(c->writable);
}

/* Writes the queue, as far as one turn allows. False: the socket takes no more, or has failed. */
static bool write_out(struct http_conn *c, size_t *sent)
{
    struct iovec iov[HTTP_SEND_VECTORS];
    while (!outq_empty(&c->out) && *sent < HTTP_SEND_BYTES_MAX) {
        int count = outq_peek(&c->out, iov, HTTP_SEND_VECTORS);
        if (count == 0) {
            outq_drain(&c->out, 0); /* drops a chunk that was reserved and not used */
            break;
        }
        ssize_t n =
            count == 1 ? write(c->fd, iov->iov_base, iov->iov_len) : writev(c->fd, iov, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN)
                http_conn_close_soon(c);
            return false;
        }
        outq_drain(&c->out, (size_t)n);
        *sent += (size_t)n;
    }
    return true;
}

/* Ends a connection after its last answer. Were it closed while the client still sends, the kernel would reset it, and
 * the client could lose the answer: so bytes are discarded until the client closes. */
static void linger(struct http_conn *c)
{
    shutdown(c->fd, SHUT_WR);
    c->state = HTTP_LINGERS;
    c->since_us = engine_now_us(c->http->o.engine);
    http_request_free(&c->request);
    buf_clear(&c->in);
    buf_clear(&c->ahead);
    http_conn_set_reading(c, true);
}

void http_conn_send(struct http_conn *c)
{
    size_t sent = 0, before;
    bool takes = true;
    if (session_is(c->session, SESSION_CLOSE_NOW) || c->state == HTTP_LINGERS)
        return;
    do {
        before = sent;
        if (c->request && c->request->running)
            http_run_read(c->request);
        takes = write_out(c, &sent);
        if (c->request && c->request->ended && !c->request->running)
            http_conn_answered(c);
    } while (takes && sent > before && sent < HTTP_SEND_BYTES_MAX && c->request &&
             c->request->running);
    if (sent > 0) {
        session_sent(c->session, sent);
        c->since_us = engine_now_us(c->http->o.engine);
    }
    /* The turn's share is sent, and the answer goes on: the socket, which takes more, wakes the loop. */
    bool more = takes && sent >= HTTP_SEND_BYTES_MAX && c->request && c->request->running;
    set_writing(c, more || !outq_empty(&c->out));
    if (c->state != HTTP_HEAD_COMES)
        return;
    if (outq_empty(&c->out) && session_is(c->session, SESSION_CLOSE_AFTER_REPLY))
        linger(c);
    else if (c->in.len > 0 && c->waits_to_go_on && outq_bytes(&c->out) < HTTP_OUT_BYTES_MAX)
        http_list_add(c, HTTP_LIST_RESUME);
}

void http_conn_answered(struct http_conn *c)
{
    struct http_request *r = c->request;
    if (r->close)
        session_flags(c->session, SESSION_CLOSE_AFTER_REPLY, 0);
    c->state = HTTP_HEAD_COMES;
    c->since_us = engine_now_us(c->http->o.engine);
    c->scan = (struct http_head_scan){0};
    c->received = 0;
    buf_consume(&c->in, c->taken_bytes);
    c->taken_bytes = c->head_bytes = 0;
    http_request_free(&c->request);
    if (session_is(c->session, SESSION_CLOSE_AFTER_REPLY))
        return;
    if (c->ahead.len > 0) {
        struct buf in = c->in;
        c->in = c->ahead;
        c->ahead = in;
        buf_clear(&c->ahead);
    }
    if (c->in.len > 0) {
        http_list_add(c, HTTP_LIST_RESUME);
        return;
    }
    if (c->in.cap > HTTP_KEEP_BYTES_MAX)
        buf_deinit(&c->in);
    http_conn_set_reading(c, true);
}

/* --- callbacks for the engine ----------------------------------------------------------------------------- */

static void on_ready(struct session *s)
{
    struct http_conn *c = session_transport(s);
    http_list_add(c, HTTP_LIST_SEND);
    if (c->request && c->request->events &&
        outq_memory(session_queue(s)) + outq_memory(&c->out) > EVENTS_BYTES_MAX) {
        log_warning(c->http->o.logger, "Closing a client of events that takes too few of them");
        engine_stats(c->http->o.engine)->output_limit_disconnections++;
        http_conn_close_soon(c);
    }
}

static void on_close(struct session *s)
{
    struct http_conn *c = session_transport(s);
    if (!session_is(s, SESSION_CLOSE_NOW) && c->request)
        c->request->close = true;
    http_list_add(c, session_is(s, SESSION_CLOSE_NOW) ? HTTP_LIST_CLOSE : HTTP_LIST_SEND);
}

static void on_resume(struct session *s)
{
    http_list_add(session_transport(s), HTTP_LIST_RESUME);
}

static void on_describe(const struct session *s, struct session_transport_info *out)
{
    const struct http_conn *c = session_transport(s);
    const struct http_request *r = c->request;
    *out = (struct session_transport_info){
        .fd = c->fd,
        .query_bytes = c->in.len + (r ? r->spilled.len : 0),
        .query_free_bytes = c->in.cap - c->in.len,
        .args_bytes = r ? r->arg_cap * sizeof(*r->argv) : 0,
        .memory_bytes = sizeof(*c) + c->in.cap +
                        (r ? sizeof(*r) + r->spilled.cap + r->out.cap : 0) + outq_memory(&c->out),
        .reading = c->reading,
        .writing = c->waits_to_write,
    };
    const char *addr = c->names ? c->names : "?:0\0?:0", *laddr = addr + strlen(addr) + 1;
    snprintf(out->addr, sizeof(out->addr), "%s", addr);
    snprintf(out->laddr, sizeof(out->laddr), "%s", laddr);
}

static struct blob *on_blob(const struct session *s, const char *bytes)
{
    const struct http_conn *c = session_transport(s);
    struct blob *b = c->request ? c->request->blob : NULL;
    return b && b->data == bytes ? b : NULL;
}

static const struct session_ops conn_ops = {
    .ready = on_ready,
    .close = on_close,
    .resume = on_resume,
    .describe = on_describe,
    .blob = on_blob,
};

/* --- life --------------------------------------------------------------------------------------------------- */

/* Refuses a socket with an answer that says why, as far as the kernel takes it at once. */
static void turn_away(struct http *h, int fd, char *names, const char *status, const char *error)
{
    char text[512];
    int body = (int)strlen(error) + (int)sizeof("{\"error\":\"\"}") - 1;
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                       "Connection: close\r\n\r\n{\"error\":\"%s\"}",
                       status, body, error);
    engine_stats(h->o.engine)->rejected_connections++;
    (void)!send(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    /* Closing with unread bytes would reset the connection, and the client could lose the answer. */
    (void)!recv(fd, h->read, sizeof(h->read), MSG_DONTWAIT);
    close(fd);
    mem_free(names);
}

#define PROTECTED_TEXT                                                                        \
    "DENIED protected mode is on and there is no password: only clients of this machine are " \
    "served. Set requirepass, or protected-mode no"

void http_accept(struct http *h, int fd, char *names, enum http_refusal refusal)
{
    if (refusal != HTTP_WELCOME) {
        bool full = refusal == HTTP_FULL;
        turn_away(h, fd, names, full ? "503 Service Unavailable" : "403 Forbidden",
                  full ? "ERR max number of clients reached" : PROTECTED_TEXT);
        return;
    }
    struct http_conn *c = mem_try_zalloc(sizeof(*c));
    struct session *s = c ? session_new(h->o.engine, &conn_ops, c, &h->pool) : NULL;
    if (!s) {
        mem_free(c);
        turn_away(h, fd, names, "503 Service Unavailable",
                  "OOM no memory for a further connection");
        return;
    }
    c->http = h;
    c->fd = fd;
    c->session = s;
    c->names = names;
    const char *ours = names ? names + strlen(names) + 1 : "";
    c->loopback = strncmp(ours, "127.", 4) == 0 || strncmp(ours, "[::1]:", 6) == 0;
    c->since_us = engine_now_us(h->o.engine);
    session_set_proto(s, 3);
    session_set_text(s, SESSION_LIB_NAME, SLICE("http"));
    buf_init(&c->in);
    buf_init(&c->ahead);
    outq_init(&c->out, &h->pool);
    event_assign(&c->readable, h->o.base, fd, EV_READ | EV_PERSIST, http_conn_on_readable, c);
    http_conn_set_reading(c, true);
    http_list_add(c, HTTP_LIST_ALL);
    h->clients++;
    engine_stats(h->o.engine)->connections++;
}

void http_conn_close(struct http_conn *c)
{
    struct http *h = c->http;
    if (h->cron_next == c)
        h->cron_next = c->links[HTTP_LIST_ALL].next;
    for (int list = 0; list < HTTP_LIST_COUNT; list++)
        http_list_remove(c, list);
    http_conn_set_reading(c, false);
    if (c->writable)
        event_free(c->writable);
    /* The session goes before the request: a waiting command borrows the request's bytes. */
    session_free(&c->session);
    http_request_free(&c->request);
    outq_deinit(&c->out);
    buf_deinit(&c->in);
    buf_deinit(&c->ahead);
    close(c->fd);
    mem_free(c->names);
    mem_free(c);
    h->clients--;
}

void http_conn_resume(struct http_conn *c)
{
    if (session_is(c->session, SESSION_CLOSE_NOW))
        return;
    if (c->request && c->request->running) {
        http_run_more(c->request);
    } else if (c->state == HTTP_HEAD_COMES && outq_bytes(&c->out) < HTTP_OUT_BYTES_MAX) {
        c->waits_to_go_on = false;
        http_conn_go_on(c);
    } else {
        c->waits_to_go_on = c->state == HTTP_HEAD_COMES;
    }
}
