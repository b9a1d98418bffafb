/* Reads heads and bodies, and hands whole requests to their handlers.
 *
 *   socket --read--> in [head | body | what was sent ahead]      a body that came with its head stays where it is
 *             '----> spilled or blob                             else it is read into a place of its own
 *
 * While a request is at work nothing is read (but to discard it, where the answer is events): its slices stay valid,
 * and a client can send ahead no more than the kernel buffers. */
#include <assert.h>
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/http_impl.h"

/* --- bodies ------------------------------------------------------------------------------------------------- */

/* Call when the body is whole, or will not be read. */
static void handle(struct http_conn *c)
{
    c->state = HTTP_AT_WORK;
    http_request_handle(c->request);
    http_list_add(c, HTTP_LIST_SEND);
}

static void refuse(struct http_conn *c, int status, const char *text)
{
    struct http_request *r = c->request;
    if (r->refused.status == 0)
        r->refused = (struct http_problem){status, text};
    r->close = true;
    c->taken_bytes = c->in.len; /* where the next request would begin is not known */
    buf_clear(&c->ahead);
    handle(c);
}

static bool is_blob(const struct http_request *r)
{
    return r->match.route && (r->match.route->flags & HTTP_LARGE) &&
           (r->head.chunked || r->head.length >= HTTP_BODY_BLOB_MIN);
}

/* Room for at least `wanted` more bytes of the body; *room: how many fit. NULL: no memory. */
static char *body_room(struct http_request *r, size_t wanted, size_t *room)
{
    if (!is_blob(r)) {
        if (buf_reserve(&r->spilled, wanted) != ERR_OK)
            return NULL;
        *room = r->spilled.cap - r->spilled.len;
        return r->spilled.ptr + r->spilled.len;
    }
    struct blob *b = r->blob;
    if (!b) {
        size_t cap = r->head.length;
        cap = r->head.chunked || cap > HTTP_BODY_AHEAD_BYTES ? HTTP_BODY_AHEAD_BYTES : cap;
        r->blob = b = blob_try_new(0, cap > wanted ? cap : wanted);
    } else if (b->cap - b->len < wanted) {
        size_t cap = b->cap * 2 > b->len + wanted ? b->cap * 2 : b->len + wanted;
        if (r->head.has_length && cap > r->head.length)
            cap = r->head.length;
        if ((b = blob_try_resize(r->blob, cap)))
            r->blob = b;
    }
    if (!b)
        return NULL;
    *room = b->cap - b->len;
    return b->data + b->len;
}

static void body_came(struct http_conn *c, size_t bytes)
{
    struct http_request *r = c->request;
    c->received += bytes;
    if (r->blob)
        r->blob->len += bytes;
    else
        r->spilled.len += bytes;
}

static bool is_too_large(const struct http_conn *c, uint64_t more)
{
    return c->received + more > c->http->o.config->body_bytes_max;
}

/* Copies bytes of the body that lie in another buffer. False: the request is refused, and answered. */
static bool body_append(struct http_conn *c, struct slice s)
{
    struct http_request *r = c->request;
    size_t room;
    if (r->refused.status) { /* discarded */
        c->received += s.len;
        if (c->received <= HTTP_DISCARD_BYTES_MAX)
            return true;
        refuse(c, 413, "");
        return false;
    }
    if (is_too_large(c, s.len)) {
        refuse(c, 413, "ERR the body is larger than http-max-body");
        return false;
    }
    char *to = s.len ? body_room(r, s.len, &room) : NULL;
    if (s.len && !to) {
        refuse(c, 507, "OOM command not allowed: there is no memory for the body");
        return false;
    }
    if (s.len)
        memcpy(to, s.ptr, s.len);
    body_came(c, s.len);
    return true;
}

static void body_done(struct http_conn *c)
{
    struct http_request *r = c->request;
    if (r->blob)
        r->body = slice_of(r->blob->data, r->blob->len);
    else if (r->spilled.len > 0)
        r->body = buf_slice(&r->spilled);
    handle(c);
}

/* Takes bytes of a body in chunks; bytes behind its end are kept for the next request. */
static void take_chunks(struct http_conn *c, struct slice in)
{
    struct slice bytes;
    for (;;) {
        switch (chunks_next(&c->request->chunks, &in, &bytes)) {
        case CHUNKS_BYTES:
            if (!body_append(c, bytes))
                return;
            continue;
        case CHUNKS_MORE: return;
        case CHUNKS_BAD: refuse(c, 400, "ERR the body's chunks are malformed"); return;
        case CHUNKS_DONE:
            buf_append_slice(&c->ahead, in);
            body_done(c);
            return;
        }
    }
}

/* True: the body is whole. */
static bool take_length(struct http_conn *c, struct slice in)
{
    struct http_request *r = c->request;
    if (!body_append(c, in))
        return false;
    r->body_left -= in.len;
    return r->body_left == 0;
}

/* Call when the head is parsed: takes bytes of the body that came with it, and decides how the rest is read. */
static void begin_body(struct http_conn *c)
{
    struct http_request *r = c->request;
    size_t there = c->in.len - c->head_bytes;
    const char *first = c->in.ptr + c->head_bytes;
    c->taken_bytes = c->head_bytes;
    c->received = 0;
    c->since_us = engine_now_us(c->http->o.engine);
    if (r->refused.status == 0 && is_too_large(c, r->head.length)) {
        refuse(c, 413, "ERR the body is larger than http-max-body");
        return;
    }
    if (r->refused.status &&
        (r->head.expects_continue || r->head.length > HTTP_DISCARD_BYTES_MAX)) {
        refuse(c, r->refused.status, r->refused.text);
        return;
    }
    if (!r->head.chunked && there >= r->head.length && !is_blob(r)) {
        c->taken_bytes += (size_t)r->head.length;
        r->body = slice_of(first, (size_t)r->head.length);
        handle(c);
        return;
    }
    c->state = HTTP_BODY_COMES;
    if (r->head.expects_continue && there == 0) {
        outq_append(&c->out, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        http_list_add(c, HTTP_LIST_SEND);
    }
    if (r->head.chunked) {
        c->in.len = c->head_bytes;
        take_chunks(c, slice_of(first, there));
        return;
    }
    r->body_left = r->head.length;
    size_t take = there < r->body_left ? there : (size_t)r->body_left;
    c->taken_bytes += take;
    if (take_length(c, slice_of(first, take)))
        body_done(c);
}

/* --- heads -------------------------------------------------------------------------------------------------- */

void http_conn_go_on(struct http_conn *c)
{
    struct http_problem problem;
    if (c->in.len >= 2 && c->scan.seen == 0 && memcmp(c->in.ptr, "\r\n", 2) == 0)
        buf_consume(&c->in, 2); /* an empty line ahead of a request is skipped */
    if (c->in.len == 0) {
        http_conn_set_reading(c, true);
        return;
    }
    if (!c->request) {
        c->request = http_request_new(c);
        c->since_us = engine_now_us(c->http->o.engine);
    }
    if (!c->request) {
        http_conn_close_soon(c);
        return;
    }
    switch (
        http_head_parse(&c->request->head, &c->scan, buf_slice(&c->in), &c->head_bytes, &problem)) {
    case HTTP_HEAD_MORE: http_conn_set_reading(c, true); return;
    case HTTP_HEAD_BAD:
        c->request->head.minor = 1;
        c->request->head.method = HTTP_OTHER;
        refuse(c, problem.status, problem.text);
        return;
    case HTTP_HEAD_DONE:
        http_request_begin(c->request);
        begin_body(c);
        return;
    }
}

/* --- the socket --------------------------------------------------------------------------------------------- */

/* Reads into the connection's own buffer. A shared buffer takes the overflow, so that the own ones can be small. */
static ssize_t read_head(struct http_conn *c)
{
    struct http *h = c->http;
    if (buf_reserve(&c->in, HTTP_IN_BYTES_MIN) != ERR_OK)
        return -1;
    size_t room = c->in.cap - c->in.len;
    struct iovec iov[2] = {{c->in.ptr + c->in.len, room}, {h->read, sizeof(h->read)}};
    ssize_t got = readv(c->fd, iov, 2);
    if (got <= 0)
        return got;
    size_t own = (size_t)got < room ? (size_t)got : room;
    c->in.len += own;
    buf_append(&c->in, h->read, (size_t)got - own);
    if (c->in.err != ERR_OK) {
        errno = ENOMEM;
        return -1;
    }
    return got;
}

static ssize_t read_body(struct http_conn *c)
{
    struct http *h = c->http;
    struct http_request *r = c->request;
    assert(r); /* a body has a request */
    char *to = h->read;
    size_t room = sizeof(h->read);
    if (!r->head.chunked && r->body_left < room)
        room = (size_t)r->body_left;
    bool direct = !r->head.chunked && r->refused.status == 0;
    if (direct) {
        size_t own;
        to = body_room(r, room, &own);
        if (!to) {
            refuse(c, 507, "OOM command not allowed: there is no memory for the body");
            return 1;
        }
        room = own < r->body_left ? own : (size_t)r->body_left;
        if (room > HTTP_BODY_AHEAD_BYTES)
            room = HTTP_BODY_AHEAD_BYTES;
    }
    ssize_t got = read(c->fd, to, room);
    if (got <= 0)
        return got;
    if (!direct) {
        if (r->head.chunked)
            take_chunks(c, slice_of(to, (size_t)got));
        else if (take_length(c, slice_of(to, (size_t)got)))
            body_done(c);
        return got;
    }
    body_came(c, (size_t)got);
    r->body_left -= (uint64_t)got;
    if (r->body_left == 0)
        body_done(c);
    return got;
}

/* Discards bytes: only the end of the connection matters. */
static ssize_t read_over(struct http_conn *c)
{
    return read(c->fd, c->http->read, sizeof(c->http->read));
}

void http_conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct http_conn *c = arg;
    struct http *h = c->http;
    bool over = c->state == HTTP_LINGERS || (c->request && c->request->events);
    ssize_t got;
    if (session_is(c->session, SESSION_CLOSE_NOW))
        return;
    if (!over && (c->state == HTTP_AT_WORK || c->waits_to_go_on ||
                  session_is(c->session, SESSION_CLOSE_AFTER_REPLY))) {
        http_conn_set_reading(c, false);
        return;
    }
    h->o.turn_begin(h->o.host.server);
    errno = 0;
    got = over ? read_over(c) : c->state == HTTP_BODY_COMES ? read_body(c) : read_head(c);
    if (got == 0 && !over && !outq_empty(&c->out)) { /* the client sends no more, and still reads */
        session_flags(c->session, SESSION_CLOSE_AFTER_REPLY, 0);
        http_conn_set_reading(c, false);
        return;
    }
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            http_conn_close_soon(c);
        return;
    }
    session_received(c->session, (size_t)got);
    if (!over && c->state == HTTP_HEAD_COMES)
        http_conn_go_on(c);
}
