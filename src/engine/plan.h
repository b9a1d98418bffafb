#pragma once
/* What a batch of requests needs, found ahead of running it: commands, hashes of keys, and their memory, so that the
 * cache misses of a whole pipeline overlap. */
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

/* Finds the commands of requests and hashes their keys; `fetch`: and asks for the buckets of these. The plan is for as
 * many as plan->count then says, at most ENGINE_BATCH_MAX: up to one that may change how keys are placed, or where they
 * are, or what becomes of effects. Others may run before they do. */
void plan_make(struct plan *plan, const struct engine *e, int db, const struct engine_request *r,
               int n, bool fetch);
/* Some time later: asks for the items of the first few; again: does nothing. engine_run calls it if nobody has. */
void plan_fetch(struct plan *plan, const struct engine *e, int db);
/* The argument that is the only key of a request, or the first of a range; false: there is none. */
bool plan_key_argument(const struct cmd *cmd, int argc, int *index);
