#pragma once
/* Listeners and connections on one libevent loop: reads what sockets have, hands complete requests to the
 * engine, sends what sessions have queued, and holds the limits. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logger.h"

struct engine;
struct event_base;
struct net;

#define NET_BIND_MAX    16
#define NET_ERROR_CHARS 512

enum net_client_class { NET_CLASS_NORMAL, NET_CLASS_REPLICA, NET_CLASS_PUBSUB, NET_CLASS_COUNT };
/* client-output-buffer-limit; 0: none. */
struct net_output_limit {
    uint64_t hard_bytes, soft_bytes;
    int64_t soft_s;
};

/* What the configuration decides; strings are the owner's. */
struct net_config {
    /* Addresses, NET_BIND_MAX at most, separated by spaces. "*": all of IPv4, "::*": all of IPv6; with a leading '-' an
     * address may be missing on this machine. Empty, or NULL: no TCP. */
    const char *bind;
    unsigned port;         /* 0: no TCP */
    const char *unix_path; /* empty, or NULL: none */
    unsigned unix_mode;    /* 0: as umask leaves it */
    unsigned backlog;
    int64_t idle_s_max;   /* timeout; 0: never */
    unsigned keepalive_s; /* tcp-keepalive; 0: off */
    uint64_t clients_max;
    const char *http_bind;    /* addresses of HTTP, as `bind`; empty, or NULL: the same as that */
    unsigned http_port;       /* 0: no HTTP */
    bool protected_mode;      /* refuse others than loopback while there is no password */
    uint64_t query_bytes_max; /* client-query-buffer-limit */
    struct net_output_limit output_limit[NET_CLASS_COUNT];
};

/* `c` is borrowed for life. Its owner may change it between calls: changed limits hold from then on; where listeners
 * change, net_configure comes first. */
struct net *net_new(struct event_base *base, struct engine *e, struct logger *logger,
                    const struct net_config *c);
/* The guest serves the connections of http_port: another transport of the same engine. */
enum net_refusal { NET_WELCOME, NET_FULL, NET_PROTECTED };
struct net_guest {
    void *arg;
    /* Takes the socket and `names` (on the heap: peer's address, NUL, local one, NUL; NULL: no memory for them). */
    void (*accept)(void *arg, int fd, char *names, enum net_refusal refusal);
    size_t (*clients)(void *arg); /* how many connections it has */
};
/* Ahead of net_configure. */
void net_set_guest(struct net *n, const struct net_guest *guest);
/* To be called when the loop wakes for a connection of the guest: reads the clocks, once a turn. */
void net_guest_turn(struct net *n);
/* Closes listeners and all connections. */
void net_free(struct net **n);

/* Opens the listeners that `c` asks for and closes those it no longer does. On failure nothing changed and `error`
 * says which address failed and why. Also used by CONFIG SET bind/port, with what the configuration will be. */
enum err net_configure(struct net *n, const struct net_config *c, char error[NET_ERROR_CHARS]);
/* Lines for the start message, such as "127.0.0.1:6379"; returns how many there are. */
int net_listening(const struct net *n, char out[][128], int max);
int net_guest_listening(const struct net *n, char out[][128], int max); /* of HTTP */

/* The end of a turn: runs requests that waited, sends what sessions have queued, and closes the connections marked for
 * it. The loop calls it each time that event_base_loop(base, EVLOOP_ONCE) returns. */
void net_turn_end(struct net *n);

/* No new connections. */
void net_stop_accepting(struct net *n);
/* Sends what is queued as far as sockets take it; true: nothing is left. An orderly shutdown calls it until then, or
 * until its patience ends. */
bool net_drain(struct net *n);
/* Closes clients that are idle for too long, gone, or over a soft output limit, and resumes accepting where it failed.
 * To be called once a second or more often; each call looks at a slice of the connections. */
void net_cron(struct net *n);

/* When the turn under way saw its first event, monotonic; INT64_MAX: it has seen none. */
int64_t net_turn_began_us(const struct net *n);

size_t net_clients(const struct net *n);
struct net_stats {
    uint64_t query_bytes, output_bytes; /* memory held by read and output buffers now */
    size_t largest_query_bytes, largest_output_bytes; /* of one connection, now */
};
void net_stats(const struct net *n, struct net_stats *out);
/* Raises RLIMIT_NOFILE to serve `clients` connections; returns how many fit (<= clients; 0: not one). */
uint64_t net_fit_open_files(uint64_t clients);
