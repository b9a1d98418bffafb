/* A connection's reading: bytes in, requests to the engine.
 *
 *   socket --read--> arrival --parse--> requests --plan--> (the next connection's read) --> engine --> session_queue
 *                     ^    |
 *                     |    v  an unfinished request is kept in `pending`, and carried back in front of the
 *                   pending <-  next read; a large one is read into `pending` directly
 *
 * An argument of RESP_APART_BYTES_MIN or more that did not arrive whole is read apart, into a blob that its command may
 * keep; `pending` then holds the bytes around it. From a client that sends such arguments larger than a read, the next
 * read takes NET_READ_AHEAD_BYTES only, so that most of the next argument goes straight into its blob.
 *
 * There are two arrivals: while the keys of one are fetched into the cache, the other is read and parsed. So the cache
 * misses of one connection overlap with the work for the next.
 *
 * No connection is closed while requests run: it goes on a list, which the end of the turn works through. */
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/multi.h"
#include "net/net_impl.h"

size_t conn_pending_bytes(const struct conn *c)
{
    return c->pending.len + (c->parser.apart ? resp_parser_apart_bytes(&c->parser) : 0);
}

size_t conn_pending_memory(const struct conn *c)
{
    return c->pending.cap + resp_parser_memory(&c->parser) + resp_parser_apart_bytes(&c->parser);
}

void conn_set_reading(struct conn *c, bool on)
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

static size_t batch_bytes(const struct net_batch *b, int from, int to)
{
    size_t bytes = 0;
    for (int i = from; i < to; i++)
        bytes += b->extents[i].bytes;
    return bytes;
}

/* Fills the batch: the plain parser takes as many requests as it can, the full parser the next one, and so on. `start`:
 * the bytes of requests that stand in front of `in`. */
static void parse_batch(struct conn *c, size_t start, struct slice in, struct net_batch *b)
{
    const struct engine_config *config = engine_config(c->net->engine);
    struct resp_limits limits = {
        .bulk_bytes_max = config->bulk_bytes_max,
        .authenticated = !conn_is_stranger(c),
    };
    /* Before AUTH one request at a time: AUTH may lift the limits of the next one. */
    int count = 0, max = limits.authenticated ? ENGINE_BATCH_MAX : 1;
    size_t used = 0;
    b->status = RESP_REQUEST;
    resp_args_clear(&b->args);
    while (count < max && b->status == RESP_REQUEST) {
        int before = count;
        if (limits.authenticated && !c->parser.partial && !c->parser.apart)
            count += resp_parse_plain(slice_of(in.ptr + used, in.len - used), limits.bulk_bytes_max,
                                      &b->args, b->extents + count, max - count);
        used += batch_bytes(b, before, count);
        if (count == max)
            break;
        b->status =
            used < in.len || c->parser.partial
                ? resp_parse_at(&c->parser, start + used, slice_of(in.ptr + used, in.len - used),
                                &limits, &b->args, &b->last)
                : RESP_MORE;
        if (b->status == RESP_REQUEST) {
            used += b->last.bytes;
            b->extents[count++] =
                (struct resp_extent){.bytes = b->last.bytes, .argc = b->last.argc};
        }
    }
    b->count = count;
    const struct slice *argv = b->args.at;
    for (int i = 0; i < count; i++) {
        b->requests[i] = (struct engine_request){.argv = argv, .argc = b->extents[i].argc};
        argv += b->extents[i].argc;
    }
}

/* A protocol error ends the connection, so its text is sent even to a client that turned replies off. */
static void protocol_error(struct conn *c, const char *error)
{
    log_verbose(c->net->logger, "Protocol error from client id=%llu: %s",
                (unsigned long long)session_id(c->session), error);
    session_fail(c->session, error);
}

/* An unauthenticated client has too many replies unread: its next request waits until it has read them. */
static bool stranger_owes(const struct conn *c)
{
    return conn_is_stranger(c) &&
           outq_bytes(session_queue(c->session)) > NET_STRANGER_REPLY_BYTES_MAX;
}

/* Sends the queued replies. False: the client does not read them, and is closed. A client whose replies the gate holds
 * is not to blame, and stays. */
static bool stranger_reads(struct conn *c)
{
    struct net *n = c->net;
    conn_send(c);
    if (!stranger_owes(c) || !c->waits_to_write)
        return true;
    if (n->stranger_logged_us == 0 ||
        engine_now_us(n->engine) - n->stranger_logged_us >= NET_STRANGER_LOG_EVERY_US) {
        struct buf text;
        buf_init(&text);
        session_describe(c->session, &text);
        log_warning(n->logger,
                    "Client closed that did not read its replies before it authenticated (and "
                    "others like it, for %d seconds without a further line): %s",
                    (int)(NET_STRANGER_LOG_EVERY_US / 1000000), buf_cstr(&text));
        buf_deinit(&text);
        n->stranger_logged_us = engine_now_us(n->engine);
    }
    engine_stats(n->engine)->output_limit_disconnections++;
    conn_close_soon(c);
    return false;
}

/* Runs the arrival's first batch, which is parsed, then parses and runs the rest. Returns the bytes that the requests
 * took. */
static size_t run_requests(struct arrival *a, struct plan *plan)
{
    struct conn *c = a->conn;
    struct session *s = c->session;
    struct net_batch *b = &a->batch;
    size_t used = 0;
    c->in_flight = a->in.len;
    for (;;) {
        int taken = b->count ? engine_run(c->net->engine, s, b->requests, b->count, plan) : 0;
        used += batch_bytes(b, 0, taken);
        /* The session is blocked, paused or closing: the requests behind are parsed again later. */
        if (taken < b->count) {
            resp_parser_forget(&c->parser);
            break;
        }
        if (b->status == RESP_ERROR && !session_is(s, SESSION_STOPPED))
            protocol_error(c, b->last.error);
        if (b->status != RESP_REQUEST || session_is(s, SESSION_STOPPED))
            break;
        if (stranger_owes(c)) {
            conn_list_add(c->net, LIST_RESUME, c);
            break;
        }
        parse_batch(c, used, slice_of(a->in.ptr + used, a->in.len - used), b);
        plan = NULL;
    }
    c->in_flight = 0;
    if (!outq_empty(session_queue(s)) ||
        session_is(s, SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW))
        conn_list_add(c->net, LIST_SEND, c);
    if (conn_over_output_limit(c))
        conn_list_add(c->net, LIST_CLOSE, c);
    return used;
}

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Keeps `rest`, which no request took, in `pending`. `rest` may lie in `pending` and end before it does. False: no
 * memory. */
static bool keep_pending(struct conn *c, struct slice rest)
{
    if (rest.len == 0) {
        /* An idle client holds no buffer. */
        if (c->pending.cap > 0)
            buf_deinit(&c->pending);
        return true;
    }
    bool inside = c->pending.len > 0 && rest.ptr >= c->pending.ptr &&
                  rest.ptr < c->pending.ptr + c->pending.cap;
    if (inside)
        c->pending.len = (size_t)(rest.ptr - c->pending.ptr) + rest.len;
    if (rest.ptr == c->pending.ptr)
        return true;
    if (inside && (c->pending.cap <= NET_KEEP_BYTES_MAX || rest.len > NET_CARRY_BYTES_MAX)) {
        buf_consume(&c->pending, c->pending.len - rest.len);
        return true;
    }
    /* A few bytes behind a huge request must not hold its memory. */
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

/* The limit counts the bytes of requests that have not run: of an unfinished one, and of the ones that MULTI queued. */
static void check_query_limit(struct conn *c)
{
    size_t bytes =
        conn_pending_bytes(c) + resp_parser_memory(&c->parser) + multi_memory(c->session);
    if (bytes <= c->net->config->query_bytes_max)
        return;
    struct buf text;
    buf_init(&text);
    session_describe(c->session, &text);
    log_warning(c->net->logger, "Closing client that reached max query buffer length: %s",
                buf_cstr(&text));
    buf_deinit(&text);
    engine_stats(c->net->engine)->query_limit_disconnections++;
    conn_close_soon(c);
}

/* Where the next bytes go: into the argument that is read apart; else into the arrival's buffer, which has room for
 * `pending` in front; else, for a large request, into `pending`, which gets room for the whole argument once its length
 * is known. NULL: no memory. */
static char *read_place(struct conn *c, struct arrival *a, size_t *room)
{
    char *apart = c->parser.apart ? resp_parser_apart_room(&c->parser, room) : NULL;
    size_t pending = c->pending.len, wants = resp_parser_wants(&c->parser);
    if (apart) {
        *room = *room < NET_READ_APART_BYTES_MAX ? *room : NET_READ_APART_BYTES_MAX;
        return apart;
    }
    if (pending <= NET_CARRY_BYTES_MAX && wants <= NET_READ_BYTES) {
        bool little = c->sends_large && wants <= NET_READ_AHEAD_BYTES;
        *room = little ? NET_READ_AHEAD_BYTES : NET_READ_BYTES;
        return a->read + NET_CARRY_BYTES_MAX;
    }
    size_t more = wants > NET_READ_BYTES ? wants : NET_READ_BYTES;
    if (buf_reserve(&c->pending, more) != ERR_OK)
        return NULL;
    *room = more; /* not all that `pending` has room for: what a read brings runs in one turn */
    return c->pending.ptr + pending;
}

/* The bytes to parse after `got` bytes arrived at `place`: `pending`, and behind it the new ones unless they are read
 * apart. */
static struct slice join_pending(struct conn *c, struct arrival *a, char *place, size_t got)
{
    size_t pending = c->pending.len, room;
    if (c->parser.apart && place == resp_parser_apart_room(&c->parser, &room)) {
        resp_parser_apart_came(&c->parser, got);
        return buf_slice(&c->pending);
    }
    if (place != a->read + NET_CARRY_BYTES_MAX) {
        c->pending.len += got;
        return buf_slice(&c->pending);
    }
    if (pending)
        memcpy(place - pending, c->pending.ptr, pending);
    return slice_of(place - pending, pending + got);
}

/* The connection's requests wait: its session is stopped, or requests sent earlier wait for the next turn. */
static bool is_held(const struct conn *c)
{
    return session_is(c->session, SESSION_STOPPED) || c->links[LIST_RESUME].in;
}

static size_t ahead_bytes_max(const struct conn *c)
{
    return conn_is_stranger(c) ? NET_STRANGER_AHEAD_BYTES_MAX : NET_BLOCKED_AHEAD_BYTES_MAX;
}

/* Once requests took `used` bytes: a large argument that `rest` ends in is read apart from here on, and the bytes of it
 * that are in `rest` move to its blob. */
__attribute__((noinline)) static void keep_apart(struct conn *c, size_t used, struct slice *rest)
{
    resp_parser_taken(&c->parser, used);
    size_t have, len = resp_parser_open_bulk(&c->parser, rest->len, &have);
    if (len < RESP_APART_BYTES_MIN)
        return;
    size_t place = rest->len - have;
    if (!resp_parser_set_apart(&c->parser, place, slice_of(rest->ptr + place, have)))
        return;
    rest->len = place;
    c->sends_large = len > NET_READ_BYTES;
}

/* Keeps what is left of `in` once requests took its first `used` bytes. */
static void end_arrival(struct conn *c, struct slice in, size_t used)
{
    struct slice rest = slice_of(in.ptr + used, in.len - used);
    if (c->parser.apart || c->parser.partial)
        keep_apart(c, used, &rest);
    if (!keep_pending(c, rest))
        conn_close_soon(c);
    check_query_limit(c);
    if (is_held(c) && conn_pending_bytes(c) > ahead_bytes_max(c))
        conn_set_reading(c, false);
}

static void run_arrival(struct arrival *a, struct plan *plan)
{
    size_t used = run_requests(a, plan);
    end_arrival(a->conn, a->in, used);
}

void conn_run_waiting(struct net *n)
{
    struct arrival *a = n->waiting;
    if (!a)
        return;
    n->waiting = NULL;
    run_arrival(a, &a->plan);
}

/* A planned batch runs once the next connection's bytes are parsed and planned, so that its keys reach the cache
 * meanwhile. A batch that is not the whole arrival, or has an error behind it, runs at once. */
static void take_arrival(struct arrival *a)
{
    struct conn *c = a->conn;
    struct net *n = c->net;
    parse_batch(c, 0, a->in, &a->batch);
    c->sends_large = c->sends_large && c->parser.apart;
    if (a->batch.status != RESP_MORE || a->batch.count == 0) {
        conn_run_waiting(n);
        run_arrival(a, NULL);
        return;
    }
    plan_make(&a->plan, n->engine, session_db(c->session), a->batch.requests, a->batch.count, true);
    conn_run_waiting(n);
    n->waiting = a;
}

/* False: the connection is not read again in this turn. */
static bool read_once(struct conn *c)
{
    struct net *n = c->net;
    struct session *s = c->session;
    /* A connection whose batch waits is not read again: the batch's bytes are not in `pending`. */
    assert(!n->waiting || n->waiting->conn != c);
    if (session_is(s, SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW)) {
        conn_set_reading(c, false);
        return false;
    }
    net_turn_begin(n);
    /* The buckets are cached by now; the items will be, after the read. */
    if (n->waiting)
        plan_fetch(&n->waiting->plan, n->engine, session_db(n->waiting->conn->session));
    struct arrival *a = &n->arrivals[n->waiting == &n->arrivals[0]];
    size_t room;
    char *place = read_place(c, a, &room);
    if (!place) {
        log_warning(n->logger, "No memory for a request of client id=%llu: closing it",
                    (unsigned long long)session_id(s));
        conn_close_soon(c);
        return false;
    }
    ssize_t got = read(c->fd, place, room);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            conn_close_soon(c);
        return false;
    }
    session_received(s, (size_t)got);
    engine_stats(n->engine)->reads_processed++;

    a->conn = c;
    a->in = join_pending(c, a, place, (size_t)got);
    if (is_held(c))
        end_arrival(c, a->in, 0);
    else
        take_arrival(a);
    bool little = room == NET_READ_AHEAD_BYTES && (size_t)got == room;
    return little && !n->waiting && resp_parser_apart_room(&c->parser, &room);
}

void conn_on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    bool more = true;
    /* A second read, as the rest of a large argument is likely there. */
    for (int i = 0; more && i < 2; i++)
        more = read_once(arg);
}

/* Runs held requests in pieces of one read's size, a piece a turn, so that a long pipeline does not delay the other
 * clients. */
void conn_resume(struct conn *c)
{
    struct session *s = c->session;
    struct arrival *a = &c->net->arrivals[0];
    size_t have = c->pending.len, used = 0;
    assert(!c->net->waiting);
    if (session_is(s, SESSION_STOPPED) || (stranger_owes(c) && !stranger_reads(c)))
        return;
    /* The parser may have seen more than the first piece. */
    resp_parser_forget(&c->parser);
    for (size_t piece = NET_READ_BYTES; have > 0; piece *= 2) {
        if (piece > have)
            piece = have;
        a->conn = c;
        a->in = slice_of(c->pending.ptr, piece);
        parse_batch(c, 0, a->in, &a->batch);
        used = run_requests(a, NULL);
        if (used > 0 || piece == have || session_is(s, SESSION_STOPPED))
            break; /* otherwise the piece is the start of a larger request */
    }
    resp_parser_taken(&c->parser, used);
    if (!keep_pending(c, slice_of(c->pending.ptr + used, have - used)))
        conn_close_soon(c);
    if (session_is(s, SESSION_STOPPED))
        return;
    if (used > 0 && c->pending.len > 0)
        conn_list_add(c->net, LIST_RESUME, c);
    if (conn_pending_bytes(c) <= ahead_bytes_max(c) || !is_held(c))
        conn_set_reading(c, true);
}
