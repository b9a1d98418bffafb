#pragma once
/* What the files of net/ share. */
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/outq.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/plan.h"
#include "net/lend.h"
#include "net/net.h"
#include "net/unix_path.h"
#include "resp/parser.h"

/* The bytes of one read of a connection. */
#define NET_READ_BYTES (80 * 1024)
/* The same for a client that sends large arguments: the bytes behind these go straight into the argument's blob. */
#define NET_READ_AHEAD_BYTES 1024
/* The bytes of a large argument that one read takes, as other connections wait. */
#define NET_READ_APART_BYTES_MAX (1024 * 1024)
/* An unfinished request up to this size is copied in front of the next read. */
#define NET_CARRY_BYTES_MAX         (16 * 1024)
#define NET_KEEP_BYTES_MAX          (1024 * 1024) /* memory that a large request may leave to the next */
#define NET_BLOCKED_AHEAD_BYTES_MAX (1024 * 1024) /* read ahead while the session waits */
/* For a client that has yet to authenticate: bytes read ahead while it waits, and replies that it has not read. */
#define NET_STRANGER_AHEAD_BYTES_MAX NET_READ_BYTES
#define NET_STRANGER_REPLY_BYTES_MAX 1024
#define NET_STRANGER_LOG_EVERY_US    (10 * INT64_C(1000000))
#define NET_ACCEPTS_MAX              1000          /* connections taken in one event */
#define NET_WRITE_VECTORS_MAX        64            /* of one writev */
#define NET_WRITE_BYTES_MAX          (1024 * 1024) /* to one connection in one turn, while others wait */
/* The same where a source makes the bytes meanwhile, which takes several times as long as writing them. */
#define NET_WRITE_SOURCE_BYTES_MAX (64 * 1024)
#define NET_LISTENERS_MAX          (NET_BIND_MAX * 4 + 1)
#define NET_CRON_CONNECTIONS_MAX   1000 /* looked at in one net_cron */

/* A doubly linked list of connections through one of their links. */
enum conn_list { LIST_ALL, LIST_SEND, LIST_RESUME, LIST_CLOSE, LIST_COUNT };
struct conn_links {
    struct conn *prev, *next;
    bool in;
};

struct conn {
    struct event readable;
    struct event *writable; /* owned; NULL until the socket was full once */
    struct net *net;
    struct session *session;
    struct resp_parser parser;
    /* bytes read that no request has taken yet; empty while the client is idle */
    struct buf pending;
    size_t in_flight; /* bytes of the read that is being processed */
    char *names;      /* owned: peer's address, NUL, local one, NUL; NULL: no memory for them */
    int64_t soft_since_us; /* since when it is over the soft output limit; 0: it is not */
    int fd;
    bool reading, waits_to_write;
    bool sends_large; /* its latest request had an argument larger than a read */
    struct conn_links links[LIST_COUNT];
};

struct listener {
    struct event *event; /* owned; NULL: free */
    struct sockaddr_storage address;
    socklen_t address_len;
    int fd;
    bool unix_socket, guest; /* `guest`: its connections are the guest's */
    struct unix_path path;   /* of a Unix socket */
    char name[128];          /* "127.0.0.1:6379", "/path" */
};

/* Up to a batch of complete requests. */
struct net_batch {
    struct resp_args args;
    struct engine_request requests[ENGINE_BATCH_MAX];
    struct resp_extent extents[ENGINE_BATCH_MAX];
    int count;
    enum resp_status status;  /* of the last attempt */
    struct resp_request last; /* ... what it found: an error's text may lie in here */
};

/* What one read of a connection brought. */
struct arrival {
    struct conn *conn;
    /* its bytes, with `pending` in front: in `read` or in the connection's `pending` */
    struct slice in;
    struct net_batch batch; /* the first requests in it, */
    struct plan plan;       /* and what is planned for them */
    char read[NET_CARRY_BYTES_MAX + NET_READ_BYTES];
};

struct net {
    struct event_base *base;
    struct engine *engine;
    struct logger *logger;
    const struct net_config *config; /* borrowed */
    struct listener listeners[NET_LISTENERS_MAX];
    struct event *wake; /* active when something is left for the next turn */
    bool in_turn;
    int64_t turn_began_us; /* monotonic: of the turn under way, or the latest */
    bool accept_paused;    /* it failed: not tried again before net_cron */
    bool accept_failed;    /* ... and this is logged: once, until accepting succeeds */
    struct outq_pool pool;
    struct lender lender;
    struct net_guest guest;
    struct conn *lists[LIST_COUNT];
    struct conn *cron_next; /* where net_cron goes on */
    size_t clients;
    int64_t stranger_logged_us; /* when closing one that does not read was last logged; 0: never */
    struct arrival arrivals[2]; /* where every connection's bytes arrive, in turn */
    struct arrival *waiting;    /* the one whose batch is planned and has yet to run; NULL: none */
};

/* lists */
/* At the front; a connection that is in the list already stays where it is. */
void conn_list_add(struct net *n, enum conn_list list, struct conn *c);
void conn_list_remove(struct net *n, enum conn_list list, struct conn *c);

/* listeners */
void net_accept_again(struct net *n);

/* connections */
void conn_accept(struct net *n, int fd, bool unix_socket); /* takes fd */
void conn_accept_guest(struct net *n, int fd);             /* takes fd */
void conn_close(struct conn *c);
void conn_close_soon(struct conn *c);
void conn_set_reading(struct conn *c, bool on);
/* The bytes that were read and that no request has taken yet; and the memory that they take. */
size_t conn_pending_bytes(const struct conn *c);
size_t conn_pending_memory(const struct conn *c);
void conn_on_readable(evutil_socket_t fd, short what, void *arg);
void conn_run_waiting(struct net *n);
void conn_resume(struct conn *c); /* runs requests that were held */
void conn_send(struct conn *c);
/* True: the connection is over an output limit. Its session is marked to be closed, and that is logged; the caller
 * lists the connection in LIST_CLOSE. */
bool conn_over_output_limit(struct conn *c);

/* The client has yet to authenticate. */
static inline bool conn_is_stranger(const struct conn *c)
{
    return engine_config(c->net->engine)->password.len > 0 &&
           !session_is(c->session, SESSION_AUTHENTICATED);
}

/* Reads the clocks, once a turn. */
static inline void net_turn_begin(struct net *n)
{
    if (n->in_turn)
        return;
    n->in_turn = true;
    n->turn_began_us = clock_mono_us();
    engine_turn(n->engine, n->turn_began_us, clock_wall_ms());
}
