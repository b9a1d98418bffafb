/* For the core's other files: term and vote, messages held until both are saved, roles, majorities. */
#include <assert.h>

#include "base/mem.h"
#include "raft/core_impl.h"

/* ---- term, vote, messages ---- */

bool core_is_saved(const struct core *c)
{
    if (PLANTED(c, VOTE_BEFORE_SAVED))
        return true;
    return c->saved_term == c->term && c->saved_vote == c->vote;
}

/* The newest message of a type replaces an older one for the same peer. Entries of a replaced APPEND are sent again, as
 * no answer to it comes. */
static void hold(struct core *c, const struct core_msg *m)
{
    uint32_t i = 0;
    while (i < c->held_count && (c->held[i].to != m->to || c->held[i].type != m->type))
        i++;
    if (i == c->held_room) {
        c->held_room = c->held_room ? 2 * c->held_room : MEMBERS_MAX;
        c->held = mem_realloc(c->held, c->held_room * sizeof(*c->held));
    }
    if (i == c->held_count)
        c->held_count++;
    c->held[i] = *m;
}

void core_send(struct core *c, struct core_msg *m)
{
    m->from = c->options.id;
    /* A pre-vote, and the grant of one, are of a term that nobody has entered yet. */
    if (!m->pre)
        m->term = c->term;
    if (core_is_saved(c))
        c->options.ops->send(c->options.arg, m);
    else
        hold(c, m);
}

void core_release(struct core *c)
{
    for (uint32_t i = 0; i < c->held_count; i++) {
        struct core_msg *m = &c->held[i];
        /* A message of an older term is void. A pre-vote may be of the next term. */
        if (m->term == c->term || (m->pre && m->term > c->term))
            c->options.ops->send(c->options.arg, m);
    }
    c->held_count = 0;
}

void core_end(struct core *c)
{
    if (c->term == c->asked_term && c->vote == c->asked_vote)
        return;
    c->asked_term = c->term;
    c->asked_vote = c->vote;
    c->options.ops->save(c->options.arg, c->term, c->vote);
}

/* ---- roles ---- */

static void set_role(struct core *c, enum core_role role, uint64_t leader)
{
    c->role = role;
    c->leader = leader;
    c->options.ops->role(c->options.arg, role, c->term, leader);
}

void core_follow(struct core *c, uint64_t term, uint64_t leader)
{
    uint64_t before = c->term;
    bool changes = c->role != CORE_FOLLOWER || c->leader != leader || before != term;
    if (term > c->term) {
        c->term = term;
        c->vote = 0;
        c->round_seen = 0;
    }
    /* A leader that steps down within its term leaves the term without one. */
    if (term > before || c->role == CORE_LEADER) {
        c->heard_ms = CORE_NEVER;
        c->accepted = c->commit;
    }
    if (c->role != CORE_FOLLOWER)
        core_wait_election(c);
    c->transfer_to = 0;
    c->by_transfer = false;
    if (changes)
        set_role(c, CORE_FOLLOWER, leader);
}

void core_become(struct core *c, enum core_role role)
{
    set_role(c, role, role == CORE_LEADER ? c->options.id : 0);
}

void core_wait_election(struct core *c)
{
    uint64_t wait = c->options.election_ms;
    c->due_ms = c->now_ms + (int64_t)(wait + rng_below(&c->rng, wait));
}

bool core_votes(const struct core *c)
{
    const struct core_configuration *f = core_in_force(c);
    return f && members_votes(&f->members, c->options.id);
}

/* The greatest number that a majority of the voters has reached. */
uint64_t core_majority(const struct core *c, uint64_t (*of)(const struct core_peer *p),
                       uint64_t own)
{
    uint64_t numbers[MEMBERS_MAX + 1];
    uint32_t count = 0;
    if (core_votes(c))
        numbers[count++] = own;
    for (uint32_t i = 0; i < c->peers_count; i++)
        if (c->peers[i].voter)
            numbers[count++] = of(&c->peers[i]);
    if (count == 0)
        return 0;
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0 && numbers[j - 1] < numbers[j]; j--) {
            uint64_t less = numbers[j - 1];
            numbers[j - 1] = numbers[j];
            numbers[j] = less;
        }
    return numbers[count / 2];
}

const struct core_configuration *core_in_force(const struct core *c)
{
    return c->configurations_count ? &c->configurations[c->configurations_count - 1] : NULL;
}
