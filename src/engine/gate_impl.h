#pragma once
/* What closes and opens gates, for the files of engine/ alone. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/ctx.h"
#include "engine/gate.h"
#include "engine/promise.h"
#include "engine/session.h"

/* A read looks up by some bits of its key's hash what it depends on. Keys that share a place make it wait for longer
 * than it must, never for less. */
#define GATE_PLACES (1u << 15)

struct gate {
    uint64_t last_effect[GATE_PLACES]; /* log positions, by key */
    uint64_t last_on_many; /* of FLUSHALL, and of units of more than TOUCHED_KEYS_MAX keys */
    uint64_t sealed;       /* everything up to here is handed on */
    struct promise_wants wants;
    struct session *first; /* sessions with a closed gate */
};

struct closed_gate {
    uint64_t offset; /* in the session's stream, as its queue counts (base/outq.h) */
    uint64_t pos;
    enum durability level;
    bool own;         /* what waits tells of the session's own change */
    int64_t since_us; /* set by gate_close: the turn's time */
};

struct gate *gate_new(void);
void gate_free(struct gate **g);

/* A request on that key is about to run. */
void gate_prefetch(const struct engine *e, uint32_t hash);
/* What a unit changed depends on the promise's position from now on, which is returned. */
uint64_t gate_changed(struct engine *e, const struct touched *t);
/* The position that a unit depends on which changed nothing. */
uint64_t gate_read(const struct engine *e, const struct touched *t);
bool gate_is_open(const struct engine *e, uint64_t pos, enum durability level);
/* What stands from `offset` on waits. */
void gate_close(struct session *s, const struct closed_gate *closed);
/* Somebody waits for this position to be synced, whatever the policy. */
void gate_want_synced(struct engine *e, uint64_t pos);
/* Everything up to the promise's position is handed on: a session that waits for more gets a gate of its own. */
void gate_sealed(struct engine *e);
/* The promise moved on: sessions whose gates opened are told (ops->ready). */
void gate_advance(struct engine *e);
/* The log has had a fault for GATE_FAULT_US: who waits for what may never be safe is closed without an answer, as no
 * answer would be true; whoever only read, and was promised no sync, gets it from memory. */
#define GATE_FAULT_US (800 * 1000)
void gate_fault(struct engine *e);
/* Forgets a session's gates. */
void gate_leave(struct session *s);
/* Opens every gate: there is no log any more. */
void gate_open_all(struct engine *e);
