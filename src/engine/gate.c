#include "engine/gate_impl.h"

#include <assert.h>

#include "base/mem.h"
#include "base/prefetch.h"
#include "engine/engine_impl.h"

/* A session has a few closed gates: one for each turn whose batch is on its way. */
struct session_gates {
    struct closed_gate *at; /* owned ring, cap is a power of two */
    size_t first, count, cap;
    struct session *prev, *next;
};

struct gate *gate_new(void)
{
    return mem_zalloc(sizeof(struct gate));
}

void gate_free(struct gate **g)
{
    mem_free(*g);
    *g = NULL;
}

bool gate_is_open(const struct engine *e, uint64_t pos, enum durability level)
{
    switch (level) {
    case DURABILITY_POLICY: return e->promise.policy >= pos;
    case DURABILITY_NONE: return true;
    case DURABILITY_WRITTEN: return e->promise.written >= pos;
    case DURABILITY_FSYNC: return e->promise.synced >= pos;
    }
    __builtin_unreachable();
}

/* --- what a reply depends on ---------------------------------------------------------------------------- */

void gate_prefetch(const struct engine *e, uint32_t hash)
{
    prefetch_line_to_write(&e->gate->last_effect[hash % GATE_PLACES]);
}

uint64_t gate_changed(struct engine *e, const struct touched *t)
{
    struct gate *g = e->gate;
    uint64_t pos = e->promise.pos;
    for (uint64_t left = t->changed; left; left &= left - 1)
        g->last_effect[t->hash[__builtin_ctzll(left)] % GATE_PLACES] = pos;
    if (t->all || t->changed == 0)
        g->last_on_many = pos;
    return pos;
}

uint64_t gate_read(const struct engine *e, const struct touched *t)
{
    const struct gate *g = e->gate;
    if (t->all)
        return e->promise.pos;
    if (t->count == 0)
        return 0;
    uint64_t pos = g->last_on_many;
    for (unsigned i = 0; i < t->count; i++) {
        uint64_t last = g->last_effect[t->hash[i] % GATE_PLACES];
        pos = last > pos ? last : pos;
    }
    return pos;
}

/* --- a session's gates ---------------------------------------------------------------------------------- */

static struct closed_gate *gate_at(const struct session_gates *g, size_t i)
{
    return &g->at[(g->first + i) & (g->cap - 1)];
}

static void enter(struct session *s)
{
    struct gate *all = s->engine->gate;
    s->gates = mem_zalloc(sizeof(*s->gates));
    s->gates->next = all->first;
    if (all->first)
        all->first->gates->prev = s;
    all->first = s;
}

void gate_leave(struct session *s)
{
    struct session_gates *g = s->gates;
    if (!g)
        return;
    if (g->prev)
        g->prev->gates->next = g->next;
    else
        s->engine->gate->first = g->next;
    if (g->next)
        g->next->gates->prev = g->prev;
    mem_free(g->at);
    mem_free(g);
    s->gates = NULL;
}

static void grow(struct session_gates *g)
{
    size_t cap = g->cap ? g->cap * 2 : 4;
    struct closed_gate *at = mem_alloc(cap * sizeof(*at));
    for (size_t i = 0; i < g->count; i++)
        at[i] = *gate_at(g, i);
    mem_free(g->at);
    g->at = at;
    g->first = 0;
    g->cap = cap;
}

/* Within a turn one gate is enough: it stands at the first reply that waits, and opens with the last. */
void gate_close(struct session *s, const struct closed_gate *closed)
{
    struct gate *all = s->engine->gate;
    if (closed->level == DURABILITY_FSYNC)
        gate_want_synced(s->engine, closed->pos);
    if (!s->gates)
        enter(s);
    struct session_gates *g = s->gates;
    struct closed_gate *last = g->count ? gate_at(g, g->count - 1) : NULL;
    if (last && last->pos > all->sealed && last->level == closed->level) {
        if (closed->pos > last->pos)
            last->pos = closed->pos;
        last->own = last->own || closed->own;
        return;
    }
    if (g->count == g->cap)
        grow(g);
    g->count++;
    *gate_at(g, g->count - 1) = *closed;
    gate_at(g, g->count - 1)->since_us = s->engine->now_us;
    if (closed->level == DURABILITY_WRITTEN)
        all->wants.written = true;
    else if (closed->pos > all->sealed)
        all->wants.waiting++;
}

void gate_want_synced(struct engine *e, uint64_t pos)
{
    if (pos > e->gate->wants.synced)
        e->gate->wants.synced = pos;
}

void gate_sealed(struct engine *e)
{
    e->gate->sealed = e->promise.pos;
    e->gate->wants = (struct promise_wants){0};
}

static void count_wait(struct engine *e, const struct closed_gate *closed)
{
    int64_t us = e->now_us - closed->since_us;
    histogram_add(&e->stats.gate_waits, us > 0 ? (uint64_t)us : 0);
}

uint64_t gate_open_until(struct session *s)
{
    struct session_gates *g = s->gates;
    if (!g || !s->engine->gate)
        return UINT64_MAX;
    while (g->count && gate_is_open(s->engine, gate_at(g, 0)->pos, gate_at(g, 0)->level)) {
        count_wait(s->engine, gate_at(g, 0));
        g->first = (g->first + 1) & (g->cap - 1);
        g->count--;
    }
    if (g->count == 0) {
        gate_leave(s);
        return UINT64_MAX;
    }
    return gate_at(g, 0)->offset;
}

void gate_advance(struct engine *e)
{
    struct session *next;
    for (struct session *s = e->gate->first; s; s = next) {
        const struct closed_gate *front = gate_at(s->gates, 0);
        next = s->gates->next;
        if (gate_is_open(e, front->pos, front->level))
            s->ops->ready(s);
    }
}

/* Something behind a gate may turn out not to be true. */
static bool waits_for_promised(const struct session *s)
{
    const struct session_gates *g = s->gates;
    for (size_t i = 0; i < g->count; i++) {
        const struct closed_gate *at = gate_at(g, i);
        if (at->own || at->level == DURABILITY_FSYNC ||
            (at->level == DURABILITY_POLICY && s->engine->promise.strict))
            return true;
    }
    return false;
}

void gate_fault(struct engine *e)
{
    struct session *next;
    for (struct session *s = e->gate->first; s; s = next) {
        next = s->gates->next;
        if (waits_for_promised(s)) {
            session_kill(s, false);
        } else {
            gate_leave(s);
            s->ops->ready(s);
        }
    }
}

void gate_open_all(struct engine *e)
{
    struct session *s;
    while ((s = e->gate->first)) {
        gate_leave(s);
        s->ops->ready(s);
    }
}
