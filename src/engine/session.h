#pragma once
/* A session: one client as the engine sees it, whatever it came in through. A transport (net/ for a connection) makes
 * it, hands it requests (engine_run) and sends the bytes of its queue as far as the gate lets them; the engine does
 * everything between.
 *
 *   transport --requests--> engine_run --replies--> session_queue --up to gate_open_until--> transport
 *
 * The fields are in session_impl.h, for the files of engine/ alone. Most functions here are a load or a store, which
 * link-time optimisation puts in place of the call: `make guard` counts
 * the instructions of a read and a write of a connection. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outq.h"
#include "base/slice.h"
#include "resp/writer.h"

struct blob;
struct buf;
struct cmd;
struct engine;
struct session;
struct session_pubsub; /* clients/pubsub.h */

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
    SESSION_PAUSED = 1 << 13,  /* held by CLIENT PAUSE or a full log: its requests stay, too */
    SESSION_UNIX_SOCKET = 1 << 14,
    SESSION_INTERNAL = 1 << 15,      /* no client: a replayed log or a test; never listed */
    SESSION_DENY_BLOCKING = 1 << 16, /* EXEC runs: a command that would wait answers at once */
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

/* Functions of the transport, for the engine. */
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

/* How durable a position must be before a reply leaves that depends on it (gate.h). */
enum durability {
    DURABILITY_POLICY,  /* as appendfsync promises */
    DURABILITY_NONE,    /* nothing is waited for */
    DURABILITY_WRITTEN, /* survives the death of the process */
    DURABILITY_FSYNC,   /* survives a power cut */
};

/* --- life --------------------------------------------------------------------------------------------------- */

/* A session of the engine, in database 0, RESP2. Its queue borrows `pool` for life. NULL: no memory. */
struct session *session_new(struct engine *e, const struct session_ops *ops, void *transport,
                            struct outq_pool *pool);
/* Leaves everything it takes part in (watches, subscriptions, monitors) and frees it. */
void session_free(struct session **s);
/* As it was when new, but for its id, address and authentication of the default user without password: RESET. */
void session_reset(struct session *s);

/* --- for its transport -------------------------------------------------------------------------------------- */

/* As given to session_new. */
void *session_transport(const struct session *s);
/* Replies and messages in order: to be drained as they are sent, as far as gate_open_until says. */
struct outq *session_queue(struct session *s);
/* So many bytes of requests came in, or of its queue went out: counts them, in the engine's figures, too. */
void session_received(struct session *s, size_t bytes);
void session_sent(struct session *s, size_t bytes);
/* Replies the error, the last of its replies: the session is closed once that is sent. */
void session_fail(struct session *s, const char *error);
/* It is silent by nature, as it waits or listens: no timeout ends it. */
bool session_is_silent(const struct session *s);

/* --- its state ---------------------------------------------------------------------------------------------- */

/* Any of these flags (enum session_flag) is set. */
bool session_is(const struct session *s, uint32_t flags);
/* Sets and clears flags, and the bits of check.h that follow from them. */
void session_flags(struct session *s, uint32_t set, uint32_t clear);
/* Marks it to be closed and tells the transport. `after_reply`: its queue is still sent. */
void session_kill(struct session *s, bool after_reply);
/* Its own request runs just now. */
bool session_runs(const struct session *s);
/* The client wants no reply to the request that ran last. */
bool session_drops_reply(const struct session *s);
/* Subscribed to anything; and that in RESP2, where only a few commands are allowed then. */
bool session_is_subscribed(const struct session *s);
bool session_in_pubsub_mode(const struct session *s);
/* It waits for an event (WAIT, BLPOP, ...) until a deadline. */
bool session_has_deadline(const struct session *s);
/* Came in from this machine: loopback, a Unix socket, or no client at all. */
bool session_is_local(const struct session *s);

struct engine *session_engine(const struct session *s);
uint64_t session_id(const struct session *s);
int session_db(const struct session *s);
void session_select(struct session *s, int db);
/* Of RESP: 2 or 3. */
int session_proto(const struct session *s);
void session_set_proto(struct session *s, int proto);
void session_set_durability(struct session *s, enum durability level);
/* Microseconds since it began, and since its latest request or reply. */
int64_t session_age_us(const struct session *s);
int64_t session_idle_us(const struct session *s);
/* The command it runs or ran last; NULL: none. */
const struct cmd *session_cmd(const struct session *s);
/* Asks its transport for a description. */
void session_transport_info(const struct session *s, struct session_transport_info *out);
/* Its subscriptions, which clients/ owns; NULL: none. */
struct session_pubsub *session_pubsub(const struct session *s);
void session_set_pubsub(struct session *s, struct session_pubsub *p);

/* Texts that the client gives about itself. */
enum session_text { SESSION_NAME, SESSION_LIB_NAME, SESSION_LIB_VERSION };
#define SESSION_TEXTS 3
/* NULL: it has none. */
const char *session_text(const struct session *s, enum session_text which);
/* Printable characters without spaces only. */
bool session_text_is_valid(struct slice text);
/* Copies; "" removes it. False: it is not valid. */
bool session_set_text(struct session *s, enum session_text which, struct slice text);

/* --- what is shown of it ------------------------------------------------------------------------------------ */

/* Memory of its queue; of its queue and itself, without the memory that multi_memory and wait_memory count. */
size_t session_queue_memory(const struct session *s);
size_t session_memory(const struct session *s);
/* Length of its queue in chunks (walks it). */
int session_queue_chunks(const struct session *s);
/* One line of CLIENT LIST, without the line break; nothing if clients/ does not observe the engine. */
void session_describe(const struct session *s, struct buf *out);

/* --- others ------------------------------------------------------------------------------------------------- */

/* The session that came next after it; NULL: it is the last (engine_sessions: the first). */
struct session *session_next(const struct session *s);
/* Writes to a session outside its own request (a message, a monitor line): open, write to the returned writer,
 * close. NULL: it is closing and takes nothing. */
struct resp_writer *session_push_open(struct session *s);
void session_push_close(struct session *s);
