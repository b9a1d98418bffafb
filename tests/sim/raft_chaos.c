#include "sim/raft_chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chaos {
    struct group g;
    struct chaos_result *out;
    /* How bad this life is; each in 1,000 a step, or a message. */
    uint64_t lost, doubled, slow, crash, cut, change, transfer, pause, compact;
    int64_t message_ms, disk_ms, save_ms; /* at most, where it is not slow */
};

static bool chance(struct group *g, uint64_t in_1000)
{
    return rng_below(&g->rng, 1000) < in_1000;
}

static int64_t delay(struct group *g, enum group_delay what)
{
    struct chaos *c = (struct chaos *)g;
    int64_t most = what == GROUP_MESSAGE ? c->message_ms
                   : what == GROUP_WRITE ? c->disk_ms
                                         : c->save_ms;
    int64_t ms = 1 + (int64_t)rng_below(&g->rng, (uint64_t)most);
    return chance(g, c->slow) ? ms + (int64_t)rng_below(&g->rng, GROUP_ELECTION_MS) : ms;
}

static struct group_node *any_node(struct chaos *c)
{
    return &c->g.nodes[rng_below(&c->g.rng, c->g.nodes_count)];
}

static bool is_up(const struct group_node *n)
{
    return n->core && n->paused_until_ms <= n->group->now_ms;
}

static void deliver_due(struct chaos *c)
{
    struct group *g = &c->g;
    for (uint32_t i = 0; i < g->messages_count && !g->failure[0];) {
        struct group_message *m = &g->messages[i];
        struct group_node *to = group_node(g, m->m.to);
        if (m->due_ms > g->now_ms || to->paused_until_ms > g->now_ms) {
            i++;
            continue;
        }
        bool cut = g->cut[m->m.from - 1][m->m.to - 1];
        if (cut || chance(g, c->lost)) {
            group_drop_at(g, i);
            continue;
        }
        bool keep = !m->base && chance(g, c->doubled);
        if (m->base)
            c->out->bases++;
        group_deliver_at(g, i, keep);
        if (keep)
            i++;
    }
}

static void complete_due(struct chaos *c)
{
    struct group *g = &c->g;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        struct group_node *n = &g->nodes[i];
        if (!is_up(n))
            continue;
        while (n->saves_count && n->saves[0].due_ms <= g->now_ms)
            group_save(n);
        while (n->writes_count && n->writes[0].due_ms <= g->now_ms)
            group_sync(n);
        if (n->base_pending && n->base_due_ms <= g->now_ms)
            group_base(n);
    }
}

static void clients(struct chaos *c)
{
    for (uint32_t i = 0; i < c->g.nodes_count; i++) {
        struct group_node *n = &c->g.nodes[i];
        if (!is_up(n) || core_role(n->core) != CORE_LEADER || !chance(&c->g, 300))
            continue;
        for (uint64_t left = rng_below(&c->g.rng, 4); left > 0; left--)
            group_append(n);
        core_flush(n->core);
        if (chance(&c->g, 500))
            group_read(n);
    }
}

/* ---- faults ---- */

static void crash_or_start(struct chaos *c)
{
    struct group_node *n = any_node(c);
    if (n->core) {
        group_crash(n, chance(&c->g, 700));
        c->out->crashes++;
    } else {
        group_start(n);
    }
}

static void cut_or_heal(struct chaos *c)
{
    struct group *g = &c->g;
    if (chance(g, 400)) {
        memset(g->cut, 0, sizeof(g->cut));
        return;
    }
    uint64_t alone = rng_below(&g->rng, g->nodes_count);
    bool both = chance(g, 600);
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        if (i == alone || chance(g, 300))
            continue;
        g->cut[alone][i] = true;
        g->cut[i][alone] = both || g->cut[i][alone];
    }
}

static void change_members(struct chaos *c)
{
    struct group *g = &c->g;
    struct group_node *leader = group_leader(g);
    if (!leader || g->members_count == GROUP_MEMBERS_MAX)
        return;
    struct members next = *core_members(leader->core);
    uint64_t which = rng_below(&g->rng, next.count + 1);
    if (which == next.count || chance(g, 200)) {
        if (next.count == MEMBERS_MAX || g->nodes_count == GROUP_NODES_MAX)
            return;
        struct group_node *n = group_add(g);
        next.list[next.count++] = (struct member){.id = n->id, .role = MEMBER_LEARNER};
        if (group_change(leader, &next))
            n->removed = true;
    } else if (next.list[which].role == MEMBER_LEARNER) {
        struct core_progress p;
        if (!core_progress(leader->core, next.list[which].id, &p) ||
            p.match + 50 < core_last(leader->core))
            return;
        next.list[which].role = MEMBER_VOTER;
        group_change(leader, &next);
    } else if (chance(g, 500)) {
        next.list[which].role = MEMBER_LEARNER;
        group_change(leader, &next);
    } else {
        memmove(next.list + which, next.list + which + 1,
                (--next.count - which) * sizeof(*next.list));
        group_change(leader, &next);
    }
    c->out->changes++;
}

static void try_transfer(struct chaos *c)
{
    struct group_node *leader = group_leader(&c->g);
    if (leader && is_up(leader) && core_transfer(leader->core, any_node(c)->id) == ERR_OK)
        c->out->transfers++;
}

static void faults(struct chaos *c)
{
    struct group *g = &c->g;
    if (chance(g, c->crash))
        crash_or_start(c);
    if (chance(g, c->cut))
        cut_or_heal(c);
    if (chance(g, c->change))
        change_members(c);
    if (chance(g, c->transfer))
        try_transfer(c);
    if (chance(g, c->pause))
        any_node(c)->paused_until_ms =
            g->now_ms + (int64_t)rng_below(&g->rng, 3 * GROUP_ELECTION_MS);
    if (chance(g, c->compact)) {
        struct group_node *n = any_node(c);
        if (n->core)
            group_compact(n, n->log.base + rng_below(&g->rng, n->committed - n->log.base + 1));
    }
}

static void step(struct chaos *c)
{
    group_tick(&c->g, (int64_t)rng_below(&c->g.rng, 8));
    deliver_due(c);
    complete_due(c);
    clients(c);
    if (chance(&c->g, 50))
        group_check(&c->g);
}

/* ---- the end: all is well again ---- */

static void heal(struct chaos *c)
{
    struct group *g = &c->g;
    memset(g->cut, 0, sizeof(g->cut));
    c->lost = c->doubled = c->slow = 0;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        g->nodes[i].paused_until_ms = 0;
        if (!g->nodes[i].core)
            group_start(&g->nodes[i]);
    }
}

/* Every voter has what the leader has committed, and that is an entry of its own term. */
static bool serves(struct group *g)
{
    struct group_node *leader = group_leader(g);
    if (!leader || !core_ready(leader->core) || leader->reads_count)
        return false;
    const struct members *m = core_members(leader->core);
    for (uint32_t i = 0; i < m->count; i++) {
        struct group_node *n = group_node(g, m->list[i].id);
        if (n->committed + 40 < leader->committed || n->disk.last + 40 < leader->committed)
            return false;
    }
    return true;
}

static void must_serve(struct chaos *c)
{
    struct group *g = &c->g;
    int64_t end = g->now_ms + 30 * GROUP_ELECTION_MS;
    uint64_t before = g->commits_count;
    while (g->now_ms < end && !g->failure[0]) {
        step(c);
        if (g->commits_count > before + 3 && serves(g))
            return;
    }
    if (!g->failure[0])
        snprintf(g->failure, sizeof(g->failure),
                 "the group stands still with all nodes well: %llu entries committed",
                 (unsigned long long)(g->commits_count - before));
}

static void draw_life(struct chaos *c)
{
    struct rng *r = &c->g.rng;
    c->lost = rng_below(r, 3) ? rng_below(r, 60) : 0;
    c->doubled = rng_below(r, 2) ? rng_below(r, 60) : 0;
    c->slow = rng_below(r, 2) ? rng_below(r, 80) : 0;
    c->crash = rng_below(r, 2) ? rng_below(r, 25) : 0;
    c->cut = rng_below(r, 2) ? rng_below(r, 20) : 0;
    c->change = rng_below(r, 2) ? rng_below(r, 25) : 0;
    c->transfer = rng_below(r, 2) ? rng_below(r, 15) : 0;
    c->pause = rng_below(r, 3) ? 0 : rng_below(r, 10);
    c->compact = rng_below(r, 2) ? rng_below(r, 30) : 0;
    c->message_ms = 1 + (int64_t)rng_below(r, 30);
    c->disk_ms = 1 + (int64_t)rng_below(r, 30);
    c->save_ms = 1 + (int64_t)rng_below(r, rng_below(r, 4) ? 10 : 200);
}

void chaos_run(const struct chaos_options *o, struct chaos_result *out)
{
    struct chaos *c = calloc(1, sizeof(*c));
    struct group *g = &c->g;
    struct rng size;
    rng_seed(&size, ~o->seed);
    *out = (struct chaos_result){.failure = ""};
    c->out = out;
    c->message_ms = c->disk_ms = c->save_ms = 1;
    group_init(g, 1 + (uint32_t)rng_below(&size, MEMBERS_VOTERS_MAX), o->seed);
    g->delay = delay;
    g->log = o->log;
    g->planted = o->planted;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        group_crash(&g->nodes[i], false);
        group_start(&g->nodes[i]);
    }
    draw_life(c);
    for (uint32_t i = 0; i < (o->steps ? o->steps : CHAOS_STEPS) && !g->failure[0]; i++) {
        step(c);
        faults(c);
    }
    heal(c);
    must_serve(c);
    group_check(g);
    out->committed = g->commits_count;
    out->reads = g->reads_served;
    struct group_node *leader = group_leader(g);
    out->terms = leader ? core_term(leader->core) : 0;
    memcpy(out->failure, g->failure, sizeof(out->failure));
    group_deinit(g);
    free(c);
}
