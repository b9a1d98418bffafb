#pragma once
/* The gate: a reply leaves when the log position that it depends on is as durable as was promised.
 *
 * A write's reply depends on its own effect; a read's reply on the last effect on its key, whoever caused it: nobody
 * sees data that a crash could take back. What a session has queued is a stream of bytes; a gate stands at an offset
 * of it and opens at a position:
 *
 *     ... replies that may go | a write's reply, and all behind it | a later write's reply ...
 *                        gate: position 812                  gate: position 990
 *
 * Replies of one session stay in order: what stands behind a closed gate waits. Other sessions do not. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/ctx.h"
#include "engine/promise.h"

struct engine;
struct session;

/* How durable a position must be before a session's reply leaves. */
enum durability {
    DURABILITY_POLICY,  /* as appendfsync promises */
    DURABILITY_NONE,    /* nothing is waited for */
    DURABILITY_WRITTEN, /* survives the death of the process */
    DURABILITY_FSYNC,   /* survives a power cut */
};

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
/* Up to this offset of the session's queue its bytes may be sent now. Counts how long they waited, in
 * engine_stats.gate_waits: what a session got in one turn is one wait. */
uint64_t gate_open_until(struct session *s);
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
