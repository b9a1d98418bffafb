/* A connection's life: bytes in, requests to the engine, bytes out.
 *
 *   socket --read--> net->read (shared) --parse--> requests --> engine --> session->queue --writev--> socket
 *                       ^      |
 *                       |      v  an unfinished request is kept in `pending`, and carried back in front of the
 *                     pending <-  next read; a large one is read into `pending` directly
 *
 * Nothing is closed while requests of any session run: who is to be closed is put on a list that the end of the turn
 * works off. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/multi.h"
#include "net/addr.h"
#include "net/net_impl.h"

static void set_reading(struct conn *c, bool on)
{
    if (c->reading == on)
        return;
    c->reading = on;
    if (on)
        event_add(&c->readable, NULL);
    else
        event_del(&c->readable);
}

/* --- requests --------------------------------------------------------------------------------------------- */

/* Parses up to a batch of complete requests at `in` into `r`; returns how many and sets *used to their bytes. */
struct batch {
    struct engine_request requests[ENGINE_BATCH_MAX];
    size_t ends[ENGINE_BATCH_MAX]; /* bytes of `in` up to the end of each */
    int count;
    enum resp_status status;  /* of the last attempt */
    struct resp_request last; /* ... what it found: an error's text may lie in here */
};

static void parse_batch(struct conn *c, struct slice in, struct batch *b)
{
    struct net *n = c->net;
    const struct engine_config *config = &n->engine->config;
    struct resp_limits limits = {
        .bulk_bytes_max = config->bulk_bytes_max,
        .authenticated = config->password.len == 0 || (c->session->flags & SESSION_AUTHENTICATED),
    };
    struct resp_request *r = &b->last;
    size_t first[ENGINE_BATCH_MAX], used = 0;
    int count = 0;
    b->status = RESP_REQUEST;
    resp_args_clear(&n->args);
    /* Before AUTH one at a time: the next one's limits depend on it. */
    int max = limits.authenticated ? ENGINE_BATCH_MAX : 1;
    while (count < max) {
        b->status = used < in.len || c->parser.partial
                        ? resp_parse(&c->parser, slice_of(in.ptr + used, in.len - used), &limits,
                                     &n->args, r)
                        : RESP_MORE;
        if (b->status != RESP_REQUEST)
            break;
        used += r->bytes;
        b->ends[count] = used;
        first[count] = r->first;
        b->requests[count++].argc = r->argc;
    }
    b->count = count;
    for (int i = 0; i < count; i++)
        b->requests[i].argv = n->args.at + first[i];
}

static void protocol_error(struct conn *c, const char *error)
{
    log_verbose(c->net->logger, "Protocol error from client id=%llu: %s",
                (unsigned long long)c->session->id, error);
    resp_error(&c->session->writer, error);
    session_kill(c->session, true);
}

/* The parser forgets what it has seen of an unfinished request. */
static void parse_anew(struct conn *c)
{
    resp_parser_deinit(&c->parser);
    resp_parser_init(&c->parser);
}

/* Runs the complete requests at `in`; returns the bytes that they took. */
static size_t run_requests(struct conn *c, struct slice in)
{
    struct session *s = c->session;
    struct batch b;
    size_t used = 0;
    c->in_flight = in.len;
    do {
        parse_batch(c, slice_of(in.ptr + used, in.len - used), &b);
        int taken = b.count ? engine_run(c->net->engine, s, b.requests, b.count) : 0;
        if (taken > 0)
            used += b.ends[taken - 1];
        if (taken < b.count) { /* blocked, paused or closing: the parser forgets what came behind */
            parse_anew(c);
            break;
        }
        if (b.status == RESP_ERROR && !(s->flags & SESSION_STOPPED))
            protocol_error(c, b.last.error);
    } while (b.status == RESP_REQUEST && !(s->flags & SESSION_STOPPED));
    c->in_flight = 0;
    if (!outq_empty(&s->queue) || (s->flags & (SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW)))
        conn_list_add(c->net, LIST_SEND, c);
    if (conn_over_output_limit(c))
        conn_list_add(c->net, LIST_CLOSE, c);
    return used;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static bool keep_pending(struct conn *c, struct slice rest)
{
    if (rest.len == 0) {
        buf_deinit(&c->pending); /* an idle client holds nothing */
        buf_init(&c->pending);
        return true;
    }
    if (rest.ptr == c->pending.ptr)
        return true;
    bool inside = c->pending.len > 0 && rest.ptr > c->pending.ptr &&
                  rest.ptr < c->pending.ptr + c->pending.cap;
    if (inside && (c->pending.cap <= NET_KEEP_BYTES_MAX || rest.len > NET_CARRY_BYTES_MAX)) {
        buf_consume(&c->pending, c->pending.len - rest.len);
        return true;
    }
    /* A little behind a huge request must not keep its memory. */
    struct buf old = c->pending;
    if (inside)
        buf_init(&c->pending);
    else
        buf_clear(&c->pending);
    buf_append(&c->pending, rest.ptr, rest.len);
    if (inside)
        buf_deinit(&old);
    return c->pending.err == ERR_OK;
}

static void close_soon(struct conn *c)
{
    c->session->flags |= SESSION_CLOSE_NOW;
    conn_list_add(c->net, LIST_CLOSE, c);
}

/* What was sent and not run yet: a request that is unfinished after this read, and those that a transaction queues. */
static void check_query_limit(struct conn *c)
{
    size_t bytes = c->pending.len + resp_parser_memory(&c->parser) + multi_memory(c->session);
    if (bytes <= c->net->config.query_bytes_max)
        return;
    struct buf text;
    buf_init(&text);
    session_describe(c->session, &text);
    log_warning(c->net->logger, "Closing client that reached max query buffer length: %s",
                buf_cstr(&text));
    buf_deinit(&text);
    c->net->engine->stats.query_limit_disconnections++;
    close_soon(c);
}

/* Where the next bytes go: behind what is pending, in the shared buffer or, for a large request, in `pending`
 * itself with room for all of it that is known. NULL: no memory. */
static char *read_place(struct conn *c, size_t *room)
{
    struct net *n = c->net;
    size_t pending = c->pending.len;
    if (pending <= NET_CARRY_BYTES_MAX && resp_parser_wants(&c->parser) <= NET_READ_BYTES) {
        *room = NET_READ_BYTES;
        return n->read + NET_CARRY_BYTES_MAX;
    }
    size_t wants = resp_parser_wants(&c->parser);
    size_t more = wants > NET_READ_BYTES ? wants : NET_READ_BYTES;
    if (buf_reserve(&c->pending, more) != ERR_OK)
        return NULL;
    *room = more; /* there may be far more, but what it held would be run in one turn */
    return c->pending.ptr + pending;
}

/* The bytes that arrived at `place`, with what was pending in front of them. */
static struct slice join_pending(struct conn *c, char *place, size_t got)
{
    size_t pending = c->pending.len;
    if (place != c->net->read + NET_CARRY_BYTES_MAX) {
        c->pending.len += got;
        return buf_slice(&c->pending);
    }
    if (pending)
        memcpy(place - pending, c->pending.ptr, pending);
    return slice_of(place - pending, pending + got);
}

/* Requests wait for the session or, behind others of their own, for the next turn. */
static bool is_held(const struct conn *c)
{
    return (c->session->flags & SESSION_STOPPED) || c->links[LIST_RESUME].in;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    struct conn *c = arg;
    struct net *n = c->net;
    struct session *s = c->session;
    if (s->flags & (SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW)) {
        set_reading(c, false);
        return;
    }
    net_turn_begin(n);
    size_t room;
    char *place = read_place(c, &room);
    if (!place) {
        log_warning(n->logger, "No memory for a request of client id=%llu: closing it",
                    (unsigned long long)s->id);
        close_soon(c);
        return;
    }
    ssize_t got = read(fd, place, room);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            close_soon(c);
        return;
    }
    s->active_us = n->engine->now_us;
    s->in_bytes += (size_t)got;
    n->engine->stats.in_bytes += (size_t)got;
    n->engine->stats.reads_processed++;

    struct slice in = join_pending(c, place, (size_t)got);
    size_t used = is_held(c) ? 0 : run_requests(c, in);
    if (!keep_pending(c, slice_of(in.ptr + used, in.len - used)))
        close_soon(c);
    check_query_limit(c);
    if (is_held(c) && c->pending.len > NET_BLOCKED_AHEAD_BYTES_MAX)
        set_reading(c, false);
}

/* In pieces of one read, a piece a turn, so that a long pipeline that was held back does not hold up everybody else. */
void conn_resume(struct conn *c)
{
    struct session *s = c->session;
    size_t have = c->pending.len, used = 0;
    if (s->flags & SESSION_STOPPED)
        return;
    parse_anew(c); /* it may have seen more than the first piece */
    for (size_t piece = NET_READ_BYTES; have > 0; piece *= 2) {
        if (piece > have)
            piece = have;
        used = run_requests(c, slice_of(c->pending.ptr, piece));
        if (used > 0 || piece == have || (s->flags & SESSION_STOPPED))
            break; /* else it is the start of a request that is larger */
    }
    if (!keep_pending(c, slice_of(c->pending.ptr + used, have - used)))
        close_soon(c);
    if (s->flags & SESSION_STOPPED)
        return;
    if (used > 0 && c->pending.len > 0)
        conn_list_add(c->net, LIST_RESUME, c);
    if (c->pending.len <= NET_BLOCKED_AHEAD_BYTES_MAX || !is_held(c))
        set_reading(c, true);
}

/* --- sending ---------------------------------------------------------------------------------------------- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct conn *c = arg;
    net_turn_begin(c->net);
    conn_send(c);
}

static void set_writing(struct conn *c, bool on)
{
    if (c->waits_to_write == on)
        return;
    if (on && !c->writable) {
        c->writable = event_new(c->net->base, c->fd, EV_WRITE | EV_PERSIST, on_writable, c);
        if (!c->writable) {
            close_soon(c);
            return;
        }
    }
    c->waits_to_write = on;
    if (on)
        event_add(c->writable, NULL);
    else
        event_del(c->writable);
}

static struct net_output_limit limit_of(const struct conn *c)
{
    return c->net->config.output_limit[c->session->pubsub ? NET_CLASS_PUBSUB : NET_CLASS_NORMAL];
}

bool conn_over_output_limit(struct conn *c)
{
    struct session *s = c->session;
    struct net_output_limit limit = limit_of(c);
    if (outq_empty(&s->queue) || (!limit.hard_bytes && !limit.soft_bytes) ||
        (s->flags & SESSION_CLOSE_NOW)) {
        c->soft_since_us = 0;
        return false;
    }
    int64_t now = c->net->engine->now_us;
    size_t bytes = outq_memory(&s->queue);
    bool over = limit.hard_bytes && bytes > limit.hard_bytes;
    if (limit.soft_bytes && bytes > limit.soft_bytes) {
        if (c->soft_since_us == 0)
            c->soft_since_us = now;
        over = over || now - c->soft_since_us >= limit.soft_s * 1000000;
    } else {
        c->soft_since_us = 0;
    }
    if (!over)
        return false;
    struct buf text;
    buf_init(&text);
    session_describe(s, &text);
    log_warning(c->net->logger, "Client %s closed for overcoming of output buffer limits.",
                buf_cstr(&text));
    buf_deinit(&text);
    c->net->engine->stats.output_limit_disconnections++;
    s->flags |= SESSION_CLOSE_NOW;
    return true;
}

/* The first vectors, up to `bytes` together. */
static int cut_vectors(struct iovec *iov, int count, size_t bytes)
{
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len >= bytes) {
            iov[i].iov_len = bytes;
            return i + 1;
        }
        bytes -= iov[i].iov_len;
    }
    return count;
}

/* As writev(2). What may be lent is lent, where it is much and the kernel takes it. */
static ssize_t send_vectors(struct conn *c, const struct iovec *iov, int count)
{
    struct blob *b = iov->iov_len >= LEND_BYTES_MIN ? outq_lendable(&c->session->queue) : NULL;
    ssize_t n;
    if (b && lender_send(&c->net->lender, c->fd, b, iov, &n)) {
        c->net->engine->stats.lent_bytes += n > 0 ? (uint64_t)n : 0;
        return n;
    }
    return count == 1 ? write(c->fd, iov->iov_base, iov->iov_len) : writev(c->fd, iov, count);
}

/* Sends until the queue is empty, the gate is closed, the socket is full or the turn's share is used. */
void conn_send(struct conn *c)
{
    struct session *s = c->session;
    struct iovec iov[NET_WRITE_VECTORS_MAX];
    size_t sent = 0, open = gate_open_bytes(s);
    while (!outq_empty(&s->queue) && sent < open && sent < NET_WRITE_BYTES_MAX &&
           !(s->flags & SESSION_CLOSE_NOW)) {
        int count = cut_vectors(iov, outq_peek(&s->queue, iov, NET_WRITE_VECTORS_MAX), open - sent);
        ssize_t n = send_vectors(c, iov, count);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                close_soon(c);
            break;
        }
        outq_drain(&s->queue, (size_t)n);
        sent += (size_t)n;
    }
    if (sent > 0)
        s->active_us = c->net->engine->now_us;
    s->out_bytes += sent;
    c->net->engine->stats.out_bytes += sent;
    c->net->engine->stats.writes_processed++;
    /* Behind a closed gate the socket is not what is waited for. */
    set_writing(c, !outq_empty(&s->queue) && sent < open);
    if (outq_empty(&s->queue) && (s->flags & SESSION_CLOSE_AFTER_REPLY))
        close_soon(c);
}

/* --- what the engine asks of a connection ----------------------------------------------------------------- */

static void on_ready(struct session *s)
{
    struct conn *c = s->transport;
    conn_list_add(c->net, LIST_SEND, c);
    if (conn_over_output_limit(c))
        conn_list_add(c->net, LIST_CLOSE, c);
}

static void on_close(struct session *s)
{
    struct conn *c = s->transport;
    conn_list_add(c->net, s->flags & SESSION_CLOSE_NOW ? LIST_CLOSE : LIST_SEND, c);
}

static void on_resume(struct session *s)
{
    struct conn *c = s->transport;
    conn_list_add(c->net, LIST_RESUME, c);
    event_active(c->net->wake, EV_TIMEOUT, 0);
}

static void on_describe(const struct session *s, struct session_transport_info *out)
{
    const struct conn *c = s->transport;
    *out = (struct session_transport_info){
        .fd = c->fd,
        .query_bytes = c->in_flight ? c->in_flight : c->pending.len,
        .query_free_bytes =
            c->in_flight
                ? NET_READ_BYTES - (c->in_flight < NET_READ_BYTES ? c->in_flight : NET_READ_BYTES)
                : c->pending.cap - c->pending.len,
        .args_bytes = resp_parser_memory(&c->parser),
        .memory_bytes = sizeof(*c) + c->pending.cap + resp_parser_memory(&c->parser),
        .reading = c->reading,
        .writing = c->waits_to_write,
    };
    addr_print_peer(c->fd, out->addr);
    addr_print_local(c->fd, out->laddr);
}

static const struct session_ops conn_ops = {
    .ready = on_ready,
    .close = on_close,
    .resume = on_resume,
    .describe = on_describe,
};

/* --- life --------------------------------------------------------------------------------------------------- */

static void set_socket_options(const struct net *n, int fd)
{
    int on = 1, interval = n->config.keepalive_s / 3 > 0 ? n->config.keepalive_s / 3 : 1,
        probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (n->config.keepalive_s == 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &n->config.keepalive_s, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* Says why to a socket that becomes no connection. Whether it arrives is not looked at. */
static void turn_away(struct net *n, int fd, const char *text)
{
    n->engine->stats.rejected_connections++;
    ssize_t ignored = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    close(fd);
}

#define PROTECTED_MODE_TEXT                                                                                            \
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "     \
    "default user. In this mode connections are only accepted from the loopback interface. To connect from other "     \
    "computers, set a password (requirepass), or disable protected mode with 'CONFIG SET protected-mode no' from the " \
    "loopback interface, with 'protected-mode no' in the configuration file, or with '--protected-mode no'.\r\n"

void conn_accept(struct net *n, int fd, bool unix_socket)
{
    if (n->clients >= n->config.clients_max) {
        turn_away(n, fd, "-ERR max number of clients reached\r\n");
        return;
    }
    if (!unix_socket && n->config.protected_mode && n->engine->config.password.len == 0 &&
        !addr_peer_is_loopback(fd)) {
        turn_away(n, fd, PROTECTED_MODE_TEXT);
        return;
    }
    struct conn *c = mem_try_zalloc(sizeof(*c));
    struct session *s = c ? session_new(n->engine, &conn_ops, c, &n->pool) : NULL;
    if (!s) {
        mem_free(c);
        turn_away(n, fd, "-OOM no memory for a further connection\r\n");
        return;
    }
    c->net = n;
    c->fd = fd;
    c->session = s;
    if (unix_socket)
        s->flags |= SESSION_UNIX_SOCKET;
    else
        set_socket_options(n, fd);
    resp_parser_init(&c->parser);
    buf_init(&c->pending);
    event_assign(&c->readable, n->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    set_reading(c, true);
    conn_list_add(n, LIST_ALL, c);
    n->clients++;
    n->engine->stats.connections++;
}

void conn_close(struct conn *c)
{
    struct net *n = c->net;
    if (n->cron_next == c)
        n->cron_next = c->links[LIST_ALL].next;
    for (int list = 0; list < LIST_COUNT; list++)
        conn_list_remove(n, list, c);
    set_reading(c, false);
    if (c->writable)
        event_free(c->writable);
    session_free(&c->session);
    resp_parser_deinit(&c->parser);
    buf_deinit(&c->pending);
    close(c->fd);
    mem_free(c);
    n->clients--;
}
