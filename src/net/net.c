#include "net/net.h"

#include <assert.h>
#include <poll.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "net/net_impl.h"

#define NET_OWN_FILES 32 /* descriptors for everything but clients */

/* --- lists ---------------------------------------------------------------------------------------------- */

void conn_list_add(struct net *n, enum conn_list list, struct conn *c)
{
    struct conn_links *l = &c->links[list];
    if (l->in)
        return;
    *l = (struct conn_links){.next = n->lists[list], .in = true};
    if (l->next)
        l->next->links[list].prev = c;
    n->lists[list] = c;
}

void conn_list_remove(struct net *n, enum conn_list list, struct conn *c)
{
    struct conn_links *l = &c->links[list];
    if (!l->in)
        return;
    if (l->prev)
        l->prev->links[list].next = l->next;
    else
        n->lists[list] = l->next;
    if (l->next)
        l->next->links[list].prev = l->prev;
    *l = (struct conn_links){0};
}

/* --- life ----------------------------------------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    /* The event only keeps the loop from sleeping. */
    (void)fd, (void)what, (void)arg;
}

struct net *net_new(struct event_base *base, struct engine *e, struct logger *logger,
                    const struct net_config *c)
{
    struct net *n = mem_zalloc(sizeof(*n));
    n->base = base;
    n->engine = e;
    n->logger = logger;
    n->config = c;
    n->wake = event_new(base, -1, 0, on_wake, NULL);
    assert(n->wake);
    outq_pool_init(&n->pool);
    for (int i = 0; i < 2; i++)
        resp_args_init(&n->arrivals[i].batch.args);
    lender_init(&n->lender);
    return n;
}

void net_set_guest(struct net *n, const struct net_guest *guest)
{
    n->guest = *guest;
}

void net_guest_turn(struct net *n)
{
    net_turn_begin(n);
}

void net_free(struct net **net)
{
    struct net *n = *net;
    if (!n)
        return;
    net_stop_accepting(n);
    while (n->lists[LIST_ALL])
        conn_close(n->lists[LIST_ALL]);
    event_free(n->wake);
    for (int i = 0; i < 2; i++)
        resp_args_deinit(&n->arrivals[i].batch.args);
    lender_deinit(&n->lender);
    outq_pool_deinit(&n->pool);
    mem_free(n);
    *net = NULL;
}

/* --- turns ---------------------------------------------------------------------------------------------- */

static void close_marked(struct net *n)
{
    struct conn *c;
    while ((c = n->lists[LIST_CLOSE]))
        conn_close(c);
}

/* A connection that is added to the list meanwhile waits for the next turn: it is added at the front. */
static void resume_all(struct net *n)
{
    struct conn *next;
    for (struct conn *c = n->lists[LIST_RESUME]; c; c = next) {
        next = c->links[LIST_RESUME].next;
        conn_list_remove(n, LIST_RESUME, c);
        conn_resume(c);
    }
}

static void send_all(struct net *n)
{
    struct conn *c;
    while ((c = n->lists[LIST_SEND])) {
        conn_list_remove(n, LIST_SEND, c);
        conn_send(c);
    }
}

void net_turn_end(struct net *n)
{
    conn_run_waiting(n);
    if (n->lists[LIST_RESUME]) {
        net_turn_begin(n);
        resume_all(n);
    }
    engine_turn_end(n->engine);
    /* Before sending: when the reply of CLIENT KILL arrives, the killed connection is gone. */
    close_marked(n);
    send_all(n);
    close_marked(n);
    n->in_turn = false;
    if (n->lists[LIST_RESUME] || n->lists[LIST_SEND])
        event_active(n->wake, EV_TIMEOUT, 0);
}

bool net_drain(struct net *n)
{
    bool left = false;
    struct conn *next;
    for (struct conn *c = n->lists[LIST_ALL]; c; c = next) {
        next = c->links[LIST_ALL].next;
        if (!outq_empty(session_queue(c->session))) {
            conn_send(c);
            left = left || !outq_empty(session_queue(c->session));
        }
    }
    close_marked(n);
    return !left;
}

/* --- regular work ---------------------------------------------------------------------------------------- */

/* Blocked and subscribed sessions are idle by nature. */
static bool idle_too_long(const struct net *n, const struct conn *c)
{
    if (n->config->idle_s_max == 0 || session_is_silent(c->session))
        return false;
    return session_idle_us(c->session) > n->config->idle_s_max * 1000000;
}

/* A held connection whose read-ahead is full is not read, so its end would go unnoticed: a session that blocks without
 * a timeout would outlive its client. */
static bool has_gone(const struct conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    /* While a last reply is sent, the peer may have ended its side and still read. */
    if (c->reading || session_is(c->session, SESSION_CLOSE_AFTER_REPLY))
        return false;
    return poll(&p, 1, 0) == 1;
}

void net_cron(struct net *n)
{
    struct conn *c = n->cron_next ? n->cron_next : n->lists[LIST_ALL];
    net_accept_again(n);
    for (int i = 0; c && i < NET_CRON_CONNECTIONS_MAX; i++) {
        struct conn *next = c->links[LIST_ALL].next;
        n->cron_next = next;
        outq_update_memory(session_queue(c->session));
        if (conn_over_output_limit(c) || has_gone(c)) {
            conn_close_soon(c);
        } else if (idle_too_long(n, c)) {
            log_verbose(n->logger, "Closing idle client");
            session_kill(c->session, false);
        }
        c = next;
    }
    n->cron_next = c;
    close_marked(n);
}

int64_t net_turn_began_us(const struct net *n)
{
    return n->in_turn ? n->turn_began_us : INT64_MAX;
}

size_t net_clients(const struct net *n)
{
    return n->clients;
}

void net_stats(const struct net *n, struct net_stats *out)
{
    *out = (struct net_stats){0};
    for (const struct conn *c = n->lists[LIST_ALL]; c; c = c->links[LIST_ALL].next) {
        size_t in = conn_pending_memory(c);
        size_t queued = session_queue_memory(c->session);
        out->query_bytes += in;
        out->output_bytes += queued;
        if (in > out->largest_query_bytes)
            out->largest_query_bytes = in;
        if (queued > out->largest_output_bytes)
            out->largest_output_bytes = queued;
    }
}

uint64_t net_fit_open_files(uint64_t clients)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return clients;
    rlim_t want = clients + NET_OWN_FILES;
    if (limit.rlim_cur < want) {
        struct rlimit raised = {.rlim_cur = want,
                                .rlim_max = limit.rlim_max < want ? want : limit.rlim_max};
        /* Not allowed past the hard limit: take all that it permits. */
        if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
            raised = (struct rlimit){limit.rlim_max, limit.rlim_max};
            setrlimit(RLIMIT_NOFILE, &raised);
        }
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= want)
        return clients;
    return limit.rlim_cur > NET_OWN_FILES ? limit.rlim_cur - NET_OWN_FILES : 0;
}
