#include "engine/gate.h"

#include <assert.h>

#include "base/mem.h"
#include "base/prefetch.h"
#include "engine/engine.h"

struct closed_gate {
    uint64_t offset; /* in the session's stream: bytes sent so far and queued ahead */
    uint64_t pos;
    enum durability level;
};

/* One for each turn of a session whose log is on its way: a few. */
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

static bool is_durable(const struct engine *e, uint64_t pos, enum durability level)
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

void gate_note_key(struct engine *e, uint32_t hash)
{
    e->gate->last_effect[hash % GATE_PLACES] = e->promise.pos;
}

void gate_prefetch(const struct engine *e, uint32_t hash)
{
    prefetch_line_to_write(&e->gate->last_effect[hash % GATE_PLACES]);
}

/* One key, which the engine hashed. */
static bool has_one_key(const struct cmd_row *row)
{
    const struct cmd_keys *k = row->keys;
    return k[0].first > 0 && k[0].numkeys == 0 && k[0].last == k[0].first && k[1].first == 0;
}

/* The places of a request's keys, where those are few and can be told from the row. 0: they cannot. */
static int find_places(struct engine *e, const struct cmd_ctx *c, uint64_t *places[GATE_KEYS_MAX])
{
    const struct cmd_row *row = c->cmd->row;
    int n = 0;
    for (int i = 0; i < CMD_KEYS_MAX && row->keys[i].first > 0; i++) {
        const struct cmd_keys *k = &row->keys[i];
        int last = k->last < 0 ? c->argc + k->last : k->last;
        if (k->numkeys)
            return 0;
        for (int at = k->first; at <= last && at < c->argc; at += k->step) {
            if (n == GATE_KEYS_MAX)
                return 0;
            places[n++] = &e->gate->last_effect[ks_key(e->ks, c->argv[at]).hash % GATE_PLACES];
        }
    }
    return n;
}

static uint64_t depends_on(struct engine *e, const struct cmd_ctx *c, uint64_t before)
{
    struct gate *g = e->gate;
    const struct cmd_row *row = c->cmd->row;
    uint64_t now = e->promise.pos, *places[GATE_KEYS_MAX];
    int n = 1;
    if (now == before && !(row->flags & (CMD_READONLY | CMD_WRITE)))
        return 0;
    if (has_one_key(row))
        places[0] = &g->last_effect[c->key.hash % GATE_PLACES];
    else if (now == before && is_durable(e, now, c->session->durability))
        return now;
    else
        n = find_places(e, c, places);
    if (now != before) {
        for (int i = 0; i < n; i++)
            *places[i] = now;
        if (n == 0)
            g->last_on_many = now;
        return now;
    }
    uint64_t pos = n == 0 ? now : g->last_on_many;
    for (int i = 0; i < n; i++)
        pos = *places[i] > pos ? *places[i] : pos;
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
static void close_gate(struct session *s, uint64_t offset, uint64_t pos, enum durability level)
{
    if (!s->gates)
        enter(s);
    struct session_gates *g = s->gates;
    struct closed_gate *last = g->count ? gate_at(g, g->count - 1) : NULL;
    if (last && last->pos > s->engine->gate->sealed && last->level == level) {
        if (pos > last->pos)
            last->pos = pos;
        return;
    }
    if (g->count == g->cap)
        grow(g);
    g->count++;
    *gate_at(g, g->count - 1) = (struct closed_gate){offset, pos, level};
    struct promise_wants *wants = &s->engine->gate->wants;
    if (level == DURABILITY_WRITTEN)
        wants->written = true;
    else if (pos > s->engine->gate->sealed)
        wants->waiting++;
}

void gate_after(struct engine *e, const struct cmd_ctx *c, uint64_t offset, uint64_t before)
{
    struct session *s = c->session;
    uint64_t pos = depends_on(e, c, before);
    enum durability level = s->durability;
    if (pos != before && pos == e->promise.pos)
        s->last_pos = pos;
    if (is_durable(e, pos, level))
        return;
    close_gate(s, offset, pos, level);
    if (level == DURABILITY_FSYNC)
        gate_want_synced(e, pos);
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

size_t gate_open_bytes(struct session *s)
{
    struct session_gates *g = s->gates;
    if (!g || !s->engine->gate)
        return SIZE_MAX;
    while (g->count && is_durable(s->engine, gate_at(g, 0)->pos, gate_at(g, 0)->level)) {
        g->first = (g->first + 1) & (g->cap - 1);
        g->count--;
    }
    if (g->count == 0) {
        gate_leave(s);
        return SIZE_MAX;
    }
    uint64_t offset = gate_at(g, 0)->offset;
    return offset > s->out_bytes ? (size_t)(offset - s->out_bytes) : 0;
}

void gate_advance(struct engine *e)
{
    struct session *next;
    for (struct session *s = e->gate->first; s; s = next) {
        const struct closed_gate *front = gate_at(s->gates, 0);
        next = s->gates->next;
        if (is_durable(e, front->pos, front->level))
            s->ops->ready(s);
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
