#pragma once
/* The gate: a reply leaves when the log position that it depends on is as durable as was promised.
 *
 * A write's reply depends on its own effect; a read's reply on the last effect on its key, whoever caused it: nobody ever
 * sees data that a crash could take back. What a session has queued is a stream of bytes; a gate stands at an offset of it
 * and opens at a position:
 *
 *     queue    ...replies that may go | SET's reply, and all behind it | another write's reply ...
 *                                    gate: pos 812, synced             gate: pos 990, synced
 *
 * Replies of one session stay in order, so what stands behind a closed gate waits, and other sessions do not. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aof;
struct cmd_ctx;
struct engine;
struct session;

/* How durable a position must be before the reply leaves. */
enum durability {
    DURABILITY_POLICY, /* as appendfsync promises */
    DURABILITY_NONE,
    DURABILITY_WRITTEN, /* survives the death of the process */
    DURABILITY_FSYNC,   /* survives a power cut */
};

/* Where effects on keys ended, by a few bits of their hash: a read looks up what it depends on. Keys that share a place make
 * a read wait for longer than it must, never for less. */
#define GATE_PLACES (1u << 15)

struct gate {
    uint64_t last_effect[GATE_PLACES]; /* log positions */
    uint64_t last_any;                 /* of an effect on more than one key */
};

/* The position that a request depends on, once it ran: `before` is the log's position when it began. */
uint64_t gate_depends_on(struct gate *g, const struct cmd_ctx *c, uint64_t before, uint64_t after);
/* The reply that begins `offset` bytes into the session's stream may leave once `pos` is durable. */
void gate_close(struct session *s, uint64_t offset, uint64_t pos);
/* Bytes at the front of the session's queue that may be sent now. */
size_t gate_open_bytes(struct session *s);
/* The log moved on: sessions whose front gate opened are told (ops->ready). */
void gate_advance(struct engine *e);
/* Forgets the gates of a session that ends. */
void gate_leave(struct session *s);
