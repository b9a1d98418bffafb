#pragma once
/* A session: one client as the engine sees it, whatever it came in through. net/ makes one for each
 * connection, hands it requests and sends what its queue holds; the engine does everything between. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outq.h"
#include "base/slice.h"
#include "ds/heap.h"
#include "engine/block.h"
#include "engine/gate.h"
#include "engine/interest.h"
#include "resp/writer.h"

struct engine;
struct session;
struct cmd;

enum session_flag {
    SESSION_AUTHENTICATED = 1 << 0,
    SESSION_CLOSE_AFTER_REPLY = 1 << 1, /* takes no more requests; closed once its queue is sent */
    SESSION_CLOSE_NOW = 1 << 2,         /* closed as soon as its transport looks at it */
    SESSION_MULTI = 1 << 3,             /* between MULTI and EXEC or DISCARD */
    SESSION_DIRTY_CAS = 1 << 4,         /* a watched key changed: EXEC answers null */
    SESSION_DIRTY_EXEC = 1 << 5,        /* a command was refused while queueing: EXEC aborts */
    SESSION_MONITOR = 1 << 6,
    SESSION_NO_EVICT = 1 << 7,
    SESSION_NO_TOUCH = 1 << 8,
    SESSION_REPLY_OFF = 1 << 9,
    SESSION_REPLY_SKIP_NEXT = 1 << 10, /* CLIENT REPLY SKIP was just run */
    SESSION_REPLY_SKIP = 1 << 11,      /* this request's reply is dropped */
    SESSION_BLOCKED = 1 << 12, /* waits (BLPOP, WAIT, ...): its requests stay where they are */
    SESSION_PAUSED = 1 << 13,  /* held by CLIENT PAUSE or a full log: likewise */
    SESSION_UNIX_SOCKET = 1 << 14,
    SESSION_INTERNAL = 1 << 15,      /* no client: a replayed log or a test; never listed */
    SESSION_DENY_BLOCKING = 1 << 16, /* EXEC runs: whatever would wait answers at once */
    SESSION_CAPA_REDIRECT = 1 << 17, /* CLIENT CAPA redirect: kept for CLIENT LIST only */
};
/* Any of these: it takes no request now. */
#define SESSION_STOPPED \
    (SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW | SESSION_BLOCKED | SESSION_PAUSED)

#define SESSION_ADDR_CHARS 128
struct session_transport_info {
    /* "127.0.0.1:5000", "[::1]:5000", "/path:0" */
    char addr[SESSION_ADDR_CHARS], laddr[SESSION_ADDR_CHARS];
    int fd;
    size_t query_bytes, query_free_bytes; /* read buffer: used, unused */
    size_t args_bytes;                    /* of an unfinished request */
    size_t memory_bytes;                  /* of everything the connection holds */
    bool reading, writing;                /* waits for it in the event loop */
};

struct blob;

/* What the transport does for the engine. */
struct session_ops {
    /* Bytes were queued while the session's own requests were not running: send them. Called often; cheap. */
    void (*ready)(struct session *s);
    /* SESSION_CLOSE_NOW was set from outside: close it soon, not within this call. */
    void (*close)(struct session *s);
    /* It is no longer blocked or paused: offer its pending requests again, not within this call. */
    void (*resume)(struct session *s);
    /* For CLIENT LIST. */
    void (*describe)(const struct session *s, struct session_transport_info *out);
    /* The blob whose first byte an argument of its request begins with; NULL: it is in none. May be NULL. */
    struct blob *(*blob)(const struct session *s, const char *bytes);
};
struct session_gates;  /* gate.c */
struct session_multi;  /* multi.h: queued commands */
struct interest_link;  /* interest.h */
struct key_wait;       /* wait.h */
struct session_pubsub; /* clients/pubsub.h: its subscriptions */

struct session {
    struct resp_writer writer; /* writes to queue; proto is the session's protocol */
    uint32_t flags;
    uint32_t checks;    /* enum check, of its state */
    uint32_t unchecked; /* what it is not asked about, whoever has the bit */
    int db;
    struct engine *engine;
    struct outq queue;
    const struct session_ops *ops;
    void *transport; /* net's connection */

    uint64_t id;
    const struct cmd *last_cmd;
    int64_t created_us, active_us; /* monotonic clock */
    uint64_t commands;             /* requests run */
    uint64_t in_bytes, out_bytes;  /* counted by the transport */

    /* NULL unless used */
    char *name, *lib_name, *lib_version;
    struct session_multi *multi;
    struct interest_link *interests[INTEREST_KINDS];
    struct key_wait *wait; /* a request that waits for a key */
    struct session_pubsub *pubsub;

    /* what its replies wait for, see gate.h */
    enum durability durability;
    struct session_gates *gates; /* NULL: nothing waits */
    bool told;                   /* the unit under way has sent it a message about a key */
    uint64_t last_pos;           /* log position of its latest write; 0: none in this log */
    struct heap_node sync_wait;  /* while it waits in WAITAOF for its writes to be synced */

    /* while SESSION_BLOCKED, see block.h */
    int64_t block_deadline_us; /* monotonic; INT64_MAX: none */
    struct heap_node deadline;
    block_end_fn unblock;

    struct session *prev, *next; /* of all sessions of the engine, oldest first */
};

/* For engine_new. */
void sessions_init(struct engine *e);
/* A session of the engine, in database 0, RESP2. Its queue borrows `pool` for life. NULL: no memory. */
struct session *session_new(struct engine *e, const struct session_ops *ops, void *transport,
                            struct outq_pool *pool);
/* Leaves everything it takes part in (watches, subscriptions, monitors) and frees it. */
void session_free(struct session **s);
/* As it was when new, but for its id, address and authentication of the default user without password: RESET. */
void session_reset(struct session *s);

/* Sets and clears flags that checks depend on: of authentication, MULTI and CLIENT REPLY. Also to be called when it
 * subscribed to something, or to nothing any more. */
void session_flags(struct session *s, uint32_t set, uint32_t clear);
/* Its next request, of that command, waits until ops->resume. */
void session_hold(struct session *s, const struct cmd *cmd);
/* Nobody wants the reply of the request that ran last. */
static inline bool session_drops_reply(const struct session *s)
{
    return (s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
}

/* Writes to a session outside its own request (a message, a monitor line): open, write to the returned writer,
 * close. NULL: it is closing and takes nothing. */
struct resp_writer *session_push_open(struct session *s);
void session_push_close(struct session *s);

/* Sets the flag and tells the transport. `after_reply`: what is queued still goes out. */
void session_kill(struct session *s, bool after_reply);
/* NULL or "" removes it. Printable characters without spaces only: false otherwise. */
bool session_set_text(char **field, struct slice text);
/* Its own request runs just now. */
bool session_runs(const struct session *s);
/* One line of CLIENT LIST, without the line break; nothing if clients/ does not observe the engine. */
struct buf;
void session_describe(const struct session *s, struct buf *out);
/* Came in from this machine: loopback, a Unix socket, or no client at all. */
bool session_is_local(const struct session *s);
/* RESP2 and subscribed to anything: only a few commands are allowed. */
bool session_in_pubsub_mode(const struct session *s);
