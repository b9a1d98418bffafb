/* A connection except its reading: accepting, sending, calls from the engine, closing. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/net_impl.h"

void conn_close_soon(struct conn *c)
{
    session_flags(c->session, SESSION_CLOSE_NOW, 0);
    conn_list_add(c->net, LIST_CLOSE, c);
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
            conn_close_soon(c);
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
    return c->net->config
        ->output_limit[session_is_subscribed(c->session) ? NET_CLASS_PUBSUB : NET_CLASS_NORMAL];
}

bool conn_over_output_limit(struct conn *c)
{
    struct session *s = c->session;
    struct net_output_limit limit = limit_of(c);
    if (outq_empty(session_queue(s)) || (!limit.hard_bytes && !limit.soft_bytes) ||
        session_is(s, SESSION_CLOSE_NOW)) {
        c->soft_since_us = 0;
        return false;
    }
    int64_t now = engine_now_us(c->net->engine);
    size_t bytes = session_queue_memory(s);
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
    engine_stats(c->net->engine)->output_limit_disconnections++;
    session_flags(s, SESSION_CLOSE_NOW, 0);
    return true;
}

/* As writev(2), but a large blob's pages are lent to the kernel where that works (net/lend.h). */
static ssize_t send_vectors(struct conn *c, const struct iovec *iov, int count)
{
    struct blob *b =
        iov->iov_len >= LEND_BYTES_MIN ? outq_lendable(session_queue(c->session)) : NULL;
    ssize_t n;
    if (b && lender_send(&c->net->lender, c->fd, b, iov, &n)) {
        engine_stats(c->net->engine)->lent_bytes += n > 0 ? (uint64_t)n : 0;
        return n;
    }
    return count == 1 ? write(c->fd, iov->iov_base, iov->iov_len) : writev(c->fd, iov, count);
}

/* Has the connection sent its share of the turn? */
static bool has_used_its_turn(const struct outq *q, size_t sent)
{
    return sent >= (outq_at_source(q) ? NET_WRITE_SOURCE_BYTES_MAX : NET_WRITE_BYTES_MAX);
}

/* Sends until the queue is empty, the gate is closed, the socket is full or the turn's share is used. */
void conn_send(struct conn *c)
{
    struct session *s = c->session;
    struct outq *q = session_queue(s);
    struct iovec iov[NET_WRITE_VECTORS_MAX];
    uint64_t until = gate_open_until(s);
    size_t sent = 0;
    while (!outq_empty(q) && !has_used_its_turn(q, sent) && !session_is(s, SESSION_CLOSE_NOW)) {
        int count = outq_peek_until(q, until, iov, NET_WRITE_VECTORS_MAX);
        if (count == 0) {
            /* Releases a chunk that was reserved and not filled. */
            outq_drain(q, 0);
            break;
        }
        ssize_t n = send_vectors(c, iov, count);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                conn_close_soon(c);
            break;
        }
        outq_drain(q, (size_t)n);
        sent += (size_t)n;
    }
    session_sent(s, sent);
    engine_stats(c->net->engine)->writes_processed++;
    /* While the gate holds the replies, a writable socket would only keep the loop busy. */
    set_writing(c, !outq_empty(q) && until > q->passed);
    if (outq_empty(q) && session_is(s, SESSION_CLOSE_AFTER_REPLY))
        conn_close_soon(c);
}

/* --- what the engine asks of a connection ----------------------------------------------------------------- */

static void on_ready(struct session *s)
{
    struct conn *c = session_transport(s);
    conn_list_add(c->net, LIST_SEND, c);
    if (conn_over_output_limit(c))
        conn_list_add(c->net, LIST_CLOSE, c);
}

static void on_close(struct session *s)
{
    struct conn *c = session_transport(s);
    conn_list_add(c->net, session_is(s, SESSION_CLOSE_NOW) ? LIST_CLOSE : LIST_SEND, c);
}

static void on_resume(struct session *s)
{
    struct conn *c = session_transport(s);
    conn_list_add(c->net, LIST_RESUME, c);
    event_active(c->net->wake, EV_TIMEOUT, 0);
}

static void on_describe(const struct session *s, struct session_transport_info *out)
{
    const struct conn *c = session_transport(s);
    *out = (struct session_transport_info){
        .fd = c->fd,
        .query_bytes = c->in_flight ? c->in_flight : conn_pending_bytes(c),
        .query_free_bytes =
            c->in_flight
                ? NET_READ_BYTES - (c->in_flight < NET_READ_BYTES ? c->in_flight : NET_READ_BYTES)
                : c->pending.cap - c->pending.len,
        .args_bytes = resp_parser_memory(&c->parser),
        .memory_bytes = sizeof(*c) + conn_pending_memory(c),
        .reading = c->reading,
        .writing = c->waits_to_write,
    };
    const char *addr = c->names ? c->names : "?:0\0?:0", *laddr = addr + strlen(addr) + 1;
    memcpy(out->addr, addr, strlen(addr) + 1);
    memcpy(out->laddr, laddr, strlen(laddr) + 1);
}

/* Both addresses as text. They do not change, so asking the kernel once saves CLIENT LIST two system calls a client. */
static char *print_names(int fd)
{
    char names[2 * ADDR_CHARS];
    addr_print_peer(fd, names);
    size_t len = strlen(names) + 1;
    addr_print_local(fd, names + len);
    len += strlen(names + len) + 1;
    char *copy = mem_try_alloc(len);
    if (copy)
        memcpy(copy, names, len);
    return copy;
}

static struct blob *on_blob(const struct session *s, const char *bytes)
{
    const struct conn *c = session_transport(s);
    return resp_parser_blob(&c->parser, bytes);
}

static const struct session_ops conn_ops = {
    .ready = on_ready,
    .close = on_close,
    .resume = on_resume,
    .describe = on_describe,
    .blob = on_blob,
};

/* --- life --------------------------------------------------------------------------------------------------- */

static void set_socket_options(const struct net *n, int fd)
{
    int on = 1, idle = (int)n->config->keepalive_s, interval = idle / 3 > 0 ? idle / 3 : 1,
        probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (idle == 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* Closes a refused client's socket and tries to tell it why: the send is not retried. */
static void turn_away(struct net *n, int fd, const char *text)
{
    engine_stats(n->engine)->rejected_connections++;
    ssize_t ignored = send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    close(fd);
}

#define PROTECTED_MODE_TEXT                                                                                            \
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the "     \
    "default user. In this mode connections are only accepted from the loopback interface. To connect from other "     \
    "computers, set a password (requirepass), or disable protected mode with 'CONFIG SET protected-mode no' from the " \
    "loopback interface, with 'protected-mode no' in the configuration file, or with '--protected-mode no'.\r\n"

static enum net_refusal refusal_of(const struct net *n, int fd, bool unix_socket)
{
    size_t guests = n->guest.clients ? n->guest.clients(n->guest.arg) : 0;
    if (n->clients + guests >= n->config->clients_max)
        return NET_FULL;
    bool open = !n->config->protected_mode || engine_config(n->engine)->password.len > 0;
    return open || unix_socket || addr_peer_is_loopback(fd) ? NET_WELCOME : NET_PROTECTED;
}

void conn_accept_guest(struct net *n, int fd)
{
    set_socket_options(n, fd);
    n->guest.accept(n->guest.arg, fd, print_names(fd), refusal_of(n, fd, false));
}

void conn_accept(struct net *n, int fd, bool unix_socket)
{
    enum net_refusal refusal = refusal_of(n, fd, unix_socket);
    if (refusal != NET_WELCOME) {
        turn_away(n, fd,
                  refusal == NET_FULL ? "-ERR max number of clients reached\r\n"
                                      : PROTECTED_MODE_TEXT);
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
    c->names = print_names(fd);
    if (unix_socket)
        session_flags(s, SESSION_UNIX_SOCKET, 0);
    else
        set_socket_options(n, fd);
    resp_parser_init(&c->parser);
    buf_init(&c->pending);
    event_assign(&c->readable, n->base, fd, EV_READ | EV_PERSIST, conn_on_readable, c);
    conn_set_reading(c, true);
    conn_list_add(n, LIST_ALL, c);
    n->clients++;
    engine_stats(n->engine)->connections++;
}

void conn_close(struct conn *c)
{
    struct net *n = c->net;
    if (n->cron_next == c)
        n->cron_next = c->links[LIST_ALL].next;
    if (n->waiting && n->waiting->conn == c)
        n->waiting = NULL;
    for (int list = 0; list < LIST_COUNT; list++)
        conn_list_remove(n, list, c);
    conn_set_reading(c, false);
    if (c->writable)
        event_free(c->writable);
    session_free(&c->session);
    resp_parser_deinit(&c->parser);
    buf_deinit(&c->pending);
    close(c->fd);
    mem_free(c->names);
    mem_free(c);
    n->clients--;
}
