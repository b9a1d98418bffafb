#pragma once
/* Fetching a batch's items while its requests run: part of the loop that runs them. */
#include "engine/engine_impl.h"
#include "engine/plan.h"

/* Items are asked for some requests ahead of the running one, so that its work overlaps with the misses of the next.
 * Asking for a whole batch at once fills every buffer for misses while the processor idles. Most keys are in the
 * first line of their bucket; halfway, the second line is asked for, too. */
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

/* Elements within values are asked for in groups, as the way to each has several loads. */
#define PLAN_ELEMENTS_GROUP 8
/* For requests `from` and those behind it. */
void plan_fetch_elements(const struct plan *plan, const struct engine *e, int db,
                         const struct engine_request *r, int from);

/* While request i runs. */
static inline void plan_fetch_ahead(struct plan *plan, const struct engine *e, int db, int i)
{
    if (i + PLAN_FETCH_AHEAD < plan->count)
        plan_fetch_item(&plan->of[i + PLAN_FETCH_AHEAD], e, db);
    if (i + PLAN_FETCH_AHEAD_AGAIN < plan->count)
        plan_fetch_item_again(&plan->of[i + PLAN_FETCH_AHEAD_AGAIN], e, db);
}

/* While request i of `r` runs, too, where plan->elements. A group's items were asked for some requests ago. */
static inline void plan_fetch_elements_ahead(const struct plan *plan, const struct engine *e,
                                             int db, const struct engine_request *r, int i)
{
    if (i == 0)
        plan_fetch_elements(plan, e, db, r, 0);
    if (i % PLAN_ELEMENTS_GROUP == PLAN_ELEMENTS_GROUP / 2)
        plan_fetch_elements(plan, e, db, r, i + PLAN_ELEMENTS_GROUP / 2);
}
