#include "raft/core.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "raft/core_impl.h"

/* ---- making, freeing ---- */

struct core *core_new(const struct core_options *o, const struct core_restored *r, int64_t now_ms)
{
    assert(o->id != 0 && o->election_ms >= CORE_HEARTBEATS && r->commit >= r->terms->base &&
           r->commit <= r->terms->last);
    struct core *c = mem_zalloc(sizeof(*c));
    c->options = *o;
    if (c->options.flight_bytes_max == 0)
        c->options.flight_bytes_max = CORE_FLIGHT_BYTES_MAX;
#ifdef CORE_PLANTED
    c->planted = o->planted;
#endif
    rng_seed(&c->rng, o->seed);
    c->now_ms = now_ms;
    /* Entries of a term may be durable while the term itself is not: a crash came between. */
    c->term = r->term;
    c->vote = r->vote;
    if (terms_last_term(r->terms) > c->term) {
        c->term = terms_last_term(r->terms);
        c->vote = 0;
    }
    c->asked_term = c->saved_term = r->term;
    c->asked_vote = c->saved_vote = r->vote;
    c->heard_ms = CORE_NEVER;
    c->terms = *r->terms;
    c->terms.runs = NULL;
    if (r->terms->count) {
        c->terms.room = c->terms.count;
        c->terms.runs = mem_alloc(c->terms.count * sizeof(*c->terms.runs));
        memcpy(c->terms.runs, r->terms->runs, c->terms.count * sizeof(*c->terms.runs));
    }
    c->commit = c->accepted = r->commit;
    c->durable = c->terms.last;
    c->configurations_count = c->configurations_room = (uint32_t)r->configurations_count;
    if (c->configurations_count) {
        size_t bytes = r->configurations_count * sizeof(*c->configurations);
        c->configurations = mem_alloc(bytes);
        memcpy(c->configurations, r->configurations, bytes);
    }
    core_rebuild_peers(c);
    core_wait_election(c);
    core_end(c);
    return c;
}

void core_free(struct core **c)
{
    if (!*c)
        return;
    terms_deinit(&(*c)->terms);
    mem_free((*c)->writes);
    mem_free((*c)->configurations);
    mem_free((*c)->held);
    mem_free(*c);
    *c = NULL;
}

/* ---- inputs ---- */

void core_tick(struct core *c, int64_t now_ms)
{
    c->now_ms = now_ms;
    if (c->role == CORE_LEADER)
        core_leader_tick(c);
    else if (now_ms >= c->due_ms)
        core_vote_timeout(c);
    core_end(c);
}

void core_heard(struct core *c, uint64_t peer, int64_t now_ms)
{
    c->now_ms = now_ms;
    if (c->role == CORE_FOLLOWER && peer == c->leader && peer != 0) {
        c->heard_ms = now_ms;
        core_wait_election(c);
    }
    for (uint32_t i = 0; c->role == CORE_LEADER && i < c->peers_count; i++)
        if (c->peers[i].id == peer)
            c->peers[i].heard_ms = now_ms;
}

static bool on_timeout_now(struct core *c, const struct core_msg *m)
{
    /* An order that comes late, of another term, does not count. */
    if (m->term != c->term || c->role != CORE_FOLLOWER || m->from != c->leader || !core_votes(c) ||
        c->installing)
        return true;
    c->by_transfer = true;
    core_campaign(c);
    return true;
}

/* No correct peer's term gets so far. Following a greater one would leave no terms for elections. */
#define TERM_MAX (UINT64_MAX / 2)

bool core_receive(struct core *c, const struct core_msg *m, int64_t now_ms)
{
    c->now_ms = now_ms;
    if (m->to != c->options.id || m->from == c->options.id || m->from == 0 || m->term == 0 ||
        m->term > TERM_MAX)
        return false;
    bool taken = false;
    switch (m->type) {
    case CORE_VOTE: taken = core_on_vote(c, m); break;
    case CORE_VOTED: taken = core_on_voted(c, m); break;
    case CORE_APPEND: taken = core_on_append(c, m); break;
    case CORE_APPENDED: taken = core_on_appended(c, m); break;
    case CORE_TIMEOUT_NOW: taken = on_timeout_now(c, m); break;
    case CORE_SNAPSHOT: break;
    }
    core_end(c);
    return taken;
}

/* ---- completions ---- */

void core_saved(struct core *c, uint64_t term, uint64_t vote)
{
    c->saved_term = term;
    c->saved_vote = vote;
    if (core_is_saved(c)) {
        core_release(c);
        core_vote_saved(c);
    }
    core_end(c);
}

void core_written(struct core *c, uint64_t ticket)
{
    if (!core_log_written(c, ticket))
        return;
    if (c->role == CORE_LEADER)
        core_advance(c);
    else
        core_acknowledge(c);
    core_end(c);
}

void core_compacted(struct core *c, uint64_t index)
{
    assert(index <= c->commit);
    if (index > c->terms.base)
        terms_drop(&c->terms, index);
}

enum err core_snapshot_begin(struct core *c, uint64_t index, uint64_t term)
{
    uint64_t own;
    if (c->installing)
        return ERR_BUSY;
    if (index > c->commit && (!terms_at(&c->terms, index, &own) || own != term)) {
        c->installing = c->role != CORE_LEADER;
        return c->installing ? ERR_OK : ERR_BUSY;
    }
    /* A base holds committed entries, so every leader has the same ones up to here. */
    if (index > c->accepted)
        c->accepted = index;
    core_commit_to(c, index);
    core_acknowledge(c);
    return ERR_RANGE;
}

void core_snapshot_refused(struct core *c)
{
    c->installing = false;
}

void core_snapshot_done(struct core *c, uint64_t index, uint64_t term, const struct members *m)
{
    assert(c->installing && index > c->commit);
    c->installing = false;
    core_log_replace(c, index, term, m);
    if (term > c->term)
        core_follow(c, term, 0);
    core_acknowledge(c);
    core_end(c);
}

/* ---- state ---- */

enum core_role core_role(const struct core *c)
{
    return c->role;
}

uint64_t core_term(const struct core *c)
{
    return c->term;
}

uint64_t core_leader(const struct core *c)
{
    return c->leader;
}

uint64_t core_last(const struct core *c)
{
    return c->terms.last;
}

uint64_t core_committed(const struct core *c)
{
    return c->commit;
}

const struct terms *core_terms(const struct core *c)
{
    return &c->terms;
}

const struct members *core_members(const struct core *c)
{
    static const struct members nobody;
    const struct core_configuration *f = core_in_force(c);
    return f ? &f->members : &nobody;
}

void core_validate(const struct core *c)
{
    assert(c->terms.base <= c->commit && c->commit <= c->terms.last);
    assert(c->durable <= c->terms.last && c->accepted <= c->terms.last);
    assert(c->role == CORE_LEADER || c->commit <= c->accepted);
    assert(c->term >= terms_last_term(&c->terms) && c->term >= c->saved_term);
    assert(c->role != CORE_LEADER || (c->leader == c->options.id && core_votes(c)));
    for (uint32_t i = 1; i < c->terms.count; i++)
        assert(c->terms.runs[i - 1].first < c->terms.runs[i].first &&
               c->terms.runs[i - 1].term < c->terms.runs[i].term);
    for (uint32_t i = 1; i < c->configurations_count; i++)
        assert(c->configurations[i - 1].index < c->configurations[i].index);
    for (uint32_t i = 0; i < c->writes_count; i++)
        assert(c->writes[i].last <= c->terms.last);
    for (uint32_t i = 0; i < c->peers_count; i++)
        assert(c->role != CORE_LEADER ||
               (c->peers[i].match < c->peers[i].next && c->peers[i].match <= c->terms.last));
}
