#pragma once
/* The fields of a session, for the files of engine/ alone. Other rooms include session.h. */
#include "ds/heap.h"
#include "engine/block.h"
#include "engine/interest.h"
#include "engine/session.h"

struct session_gates; /* gate.c */
struct session_multi; /* multi_impl.h: queued commands */
struct interest_link; /* interest.c */
struct key_wait;      /* wait.h */

struct session {
    struct resp_writer writer; /* writes to queue; proto is the session's protocol */
    uint32_t flags;
    uint32_t checks;    /* enum check, of its state */
    uint32_t unchecked; /* bits that it skips, of whichever mask */
    int db;
    struct engine *engine;
    struct outq queue;
    const struct session_ops *ops;
    void *transport; /* net's connection, say */

    uint64_t id;
    const struct cmd *last_cmd;
    int64_t created_us, active_us; /* monotonic clock */
    uint64_t commands;             /* requests run */
    uint64_t in_bytes, out_bytes;

    /* NULL unless used */
    char *texts[SESSION_TEXTS]; /* owned */
    struct session_multi *multi;
    struct interest_link *interests[INTEREST_KINDS];
    struct key_wait *wait; /* a request that waits for a key */
    struct session_pubsub *pubsub;

    /* how durable its replies' positions must be, and its closed gates: see gate.h */
    enum durability durability;
    struct session_gates *gates; /* NULL: nothing waits */
    bool told;                   /* the unit under way has sent it a message about a key */
    uint64_t last_pos;           /* log position of its latest write; 0: none in this log */
    struct heap_node sync_wait;  /* while it waits in WAITAOF for its writes to be synced */

    /* while SESSION_BLOCKED, see block.h */
    int64_t block_deadline_us; /* monotonic; INT64_MAX: none */
    struct heap_node deadline;
    block_end_fn unblock;

    struct session *prev, *next; /* in the list of all sessions, oldest first */
};

/* For engine_new. */
void sessions_init(struct engine *e);
/* For session_end.c: takes it off the engine's list and table. */
void session_unlink(struct engine *e, struct session *s);
/* Its next request, of that command, waits until ops->resume. */
void session_hold(struct session *s, const struct cmd *cmd);
