#pragma once
/* How far the log has come: positions that replies depend on. engine/durable.c keeps this true, from the append-only
 * file; the gate and the checks read nothing else. */
#include <stdbool.h>
#include <stdint.h>

struct promise {
    uint64_t pos;     /* behind everything put into the log */
    uint64_t policy;  /* replies that depend on no later position may go, by the policy */
    uint64_t written; /* survives the death of the process */
    uint64_t synced;  /* survives a power cut */
    /* with `rounds`: the running round of peers, and the last one confirmed */
    uint64_t round, confirmed;
    bool rounds;
    bool strict;       /* the policy promises a sync, which reads wait for, too */
    bool placed;       /* the files on disk are the files that a start would load */
    bool full;         /* the queue is at its limit: writes wait */
    const char *fault; /* NULL: none; else why the log takes nothing. Good until the next turn */
    int64_t fault_since_us; /* monotonic; while there is a fault */
};

/* Wishes of waiting sessions, collected by the gate in a turn and handed on at its end. */
struct promise_wants {
    unsigned waiting; /* sessions that wait until this turn's batch is synced */
    bool written;     /* a session waits for positions to be written, whatever the policy */
    uint64_t synced;  /* a session waits for this position to be synced; 0: none does */
};
