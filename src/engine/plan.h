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
    bool fetched; /* plan_fetch was called */
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

/* Items are asked for some requests ahead of the one that runs: what it computes and what the next ones wait for then
 * overlap. Asking for all of a batch at once fills every buffer for misses while nothing is computed: a GET among
 * 1,000,000 keys, 64 in flight, takes 122 ns without the kernel this way and 149 that way. Most keys are in the first
 * line of their bucket, and nearly all others in the second, which is looked at halfway. */
#define PLAN_FETCH_AHEAD       16
#define PLAN_FETCH_AHEAD_AGAIN 8

static inline void plan_fetch_item(struct planned *p, const struct engine *e, int db)
{
    if (p->fetch)
        p->again = ks_prefetch_item(e->ks, db, &p->key, 0);
}

static inline void plan_fetch_item_again(struct planned *p, const struct engine *e, int db)
{
    if (p->again)
        ks_prefetch_item(e->ks, db, &p->key, 1);
}

/* While request i runs. */
static inline void plan_fetch_ahead(struct plan *plan, const struct engine *e, int db, int i)
{
    if (i + PLAN_FETCH_AHEAD < plan->count)
        plan_fetch_item(&plan->of[i + PLAN_FETCH_AHEAD], e, db);
    if (i + PLAN_FETCH_AHEAD_AGAIN < plan->count)
        plan_fetch_item_again(&plan->of[i + PLAN_FETCH_AHEAD_AGAIN], e, db);
}
