#pragma once
/* Commands of a batch of requests, hashes of their keys and the keys' memory, found ahead of running the batch, so
 * that the cache misses of a whole pipeline overlap. */
#include <stdbool.h>

#include "cmd/ctx.h"
#include "engine/engine.h"

struct planned {
    struct cmd *cmd; /* the command, of a container the subcommand; NULL: there is none */
    struct key key;
    /* enum check; 0: it reads or changes data and nothing else, and is well-formed */
    uint32_t checks;
    bool fetch; /* its key's item is to be asked for, */
    bool again; /* and is not in the first line of its bucket */
};

struct plan {
    int count;
    bool fetched;  /* plan_fetch was called */
    bool elements; /* some name an element of their value, whose memory is asked for, too */
    struct planned of[ENGINE_BATCH_MAX];
};

/* Finds the commands of requests and hashes their keys; with `fetch` asks for their buckets, too. Afterwards
 * plan->count says how many requests it covers, at most ENGINE_BATCH_MAX: it ends with a request that may change how
 * or where keys are placed, or where effects go. Other requests may run in between. */
void plan_make(struct plan *plan, const struct engine *e, int db, const struct engine_request *r,
               int n, bool fetch);
/* Some time later: asks for the items of the first few. A second call does nothing; engine_run makes up for a
 * missing one. */
void plan_fetch(struct plan *plan, const struct engine *e, int db);
/* The argument that is the only key of a request, or the first of a range; false: there is none. */
bool plan_key_argument(const struct cmd *cmd, int argc, int *index);
