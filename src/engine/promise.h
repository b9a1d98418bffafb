#pragma once
/* How far the log positions have come that replies depend on. Whoever keeps promises (engine/durable.c from the
 * append-only file) keeps this true; the gate and the checks read it and nothing else. */
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
    bool strict;       /* the policy promises a sync: a read may not tell what is not synced */
    bool placed;       /* what is on disk is what would be loaded */
    bool full;         /* as much is queued as may be: writes wait */
    const char *fault; /* NULL: none; else why the log takes nothing. Good until the next turn */
    int64_t fault_since_us; /* monotonic; while there is a fault */
};

/* What sessions wait for: collected by the gate in a turn, handed on at its end. */
struct promise_wants {
    unsigned waiting; /* sessions that wait for what this turn put into the log, to be synced */
    bool written;     /* somebody waits for positions to be written, whatever the policy */
    uint64_t synced;  /* somebody waits for this position to be synced; 0: nobody */
};
