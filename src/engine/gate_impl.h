#pragma once
/* Closing and opening gates, for the files of engine/ alone. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/ctx.h"
#include "engine/gate.h"
#include "engine/promise.h"
#include "engine/session.h"

/* A read looks up the last effect on its key by some bits of the key's hash. Keys that share a place make a read
 * wait for longer than it must, never for less. */
#define GATE_PLACES (1u << 15)

struct gate {
    uint64_t last_effect[GATE_PLACES]; /* log positions, by key */
    /* position of the last FLUSHALL, and of the last unit with more than TOUCHED_KEYS_MAX keys */
    uint64_t last_on_many;
    uint64_t sealed; /* everything up to here is handed on */
    struct promise_wants wants;
    struct session *first; /* sessions with a closed gate */
};

struct closed_gate {
    uint64_t offset; /* in the session's stream, as its queue counts (base/outq.h) */
    uint64_t pos;
    enum durability level;
    bool own;         /* the bytes behind it tell of the session's own change */
    int64_t since_us; /* set by gate_close: the turn's time */
};

struct gate *gate_new(void);
void gate_free(struct gate **g);

/* A request on that key is about to run. */
void gate_prefetch(const struct engine *e, uint32_t hash);
/* The changed keys depend on the promise's position from now on. Returns that position. */
uint64_t gate_changed(struct engine *e, const struct touched *t);
/* The position that a unit without changes depends on. */
uint64_t gate_read(const struct engine *e, const struct touched *t);
bool gate_is_open(const struct engine *e, uint64_t pos, enum durability level);
/* The bytes of the session's queue from `offset` on wait. */
void gate_close(struct session *s, const struct closed_gate *closed);
/* A session waits for this position to be synced, whatever the policy. */
void gate_want_synced(struct engine *e, uint64_t pos);
/* Everything up to the promise's position is handed on: a session that waits for more gets a gate of its own. */
void gate_sealed(struct engine *e);
/* The promise moved on: calls ops->ready of each session whose gate opened. */
void gate_advance(struct engine *e);
/* The log has had a fault for GATE_FAULT_US. A session that waits for a change that may never be safe is closed
 * without an answer, as no answer would be true. A session that only read, and was promised no sync, gets its reply
 * from memory. */
#define GATE_FAULT_US (800 * 1000)
void gate_fault(struct engine *e);
/* Forgets a session's gates. */
void gate_leave(struct session *s);
/* Opens every gate: there is no log any more. */
void gate_open_all(struct engine *e);
