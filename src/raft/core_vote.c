/* Elections: whether to stand, whom to vote for. */
#include <assert.h>

#include "raft/core_impl.h"

static void ask(struct core *c)
{
    for (uint32_t i = 0; i < c->peers_count; i++) {
        if (!c->peers[i].voter)
            continue;
        bool pre = c->role == CORE_PRECANDIDATE;
        struct core_msg m = {
            .type = CORE_VOTE,
            .to = c->peers[i].id,
            .term = c->term + 1,
            .index = c->terms.last,
            .index_term = terms_last_term(&c->terms),
            .pre = pre,
            .transfer = c->by_transfer,
        };
        core_send(c, &m);
    }
}

static uint64_t granted(const struct core_peer *p)
{
    return p->granted;
}

static void count_votes(struct core *c)
{
    if (core_majority(c, granted, c->granted_self) == 0)
        return;
    if (c->role == CORE_PRECANDIDATE)
        core_campaign(c);
    else
        core_lead(c);
}

static void begin(struct core *c, enum core_role role)
{
    for (uint32_t i = 0; i < c->peers_count; i++)
        c->peers[i].granted = false;
    core_become(c, role);
    core_wait_election(c);
    c->granted_self = role == CORE_PRECANDIDATE;
    ask(c);
}

/* Stands for election in a term of its own. A sole voter does, too: a term has one leader, also across its crashes. */
void core_campaign(struct core *c)
{
    if (!PLANTED(c, SAME_TERM) || members_voters(core_members(c)) > 1)
        c->term++;
    c->vote = c->options.id;
    c->round_seen = 0;
    c->heard_ms = CORE_NEVER;
    c->accepted = c->commit;
    begin(c, CORE_CANDIDATE);
    if (PLANTED(c, VOTE_BEFORE_SAVED) || (c->saved_term == c->term && c->saved_vote == c->vote))
        core_vote_saved(c);
}

void core_vote_saved(struct core *c)
{
    if (c->role != CORE_CANDIDATE)
        return;
    c->granted_self = true;
    count_votes(c);
}

void core_vote_timeout(struct core *c)
{
    c->by_transfer = false;
    if (!core_votes(c) || c->installing) {
        if (c->leader || c->role != CORE_FOLLOWER)
            core_follow(c, c->term, 0);
        core_wait_election(c);
        return;
    }
    begin(c, CORE_PRECANDIDATE);
    count_votes(c);
}

/* A node that hears its leader does not vote, so that one that does not hear it cannot depose it. */
static bool hears_leader(const struct core *c)
{
    if (c->role == CORE_LEADER)
        return true;
    return c->leader && c->heard_ms != CORE_NEVER &&
           c->now_ms - c->heard_ms < (int64_t)c->options.election_ms;
}

static bool is_up_to_date(const struct core *c, const struct core_msg *m)
{
    if (PLANTED(c, NO_UP_TO_DATE_CHECK))
        return true;
    uint64_t own = terms_last_term(&c->terms);
    return m->index_term > own || (m->index_term == own && m->index >= c->terms.last);
}

bool core_on_vote(struct core *c, const struct core_msg *m)
{
    if (!m->transfer && hears_leader(c))
        return true;
    if (!m->pre && m->term > c->term)
        core_follow(c, m->term, 0);
    struct core_msg answer = {.type = CORE_VOTED, .to = m->from, .term = m->term};
    if (m->pre) {
        answer.granted = answer.pre = m->term > c->term && is_up_to_date(c, m);
    } else if (m->term == c->term && is_up_to_date(c, m) &&
               (c->vote == 0 || c->vote == m->from || PLANTED(c, VOTE_TWICE))) {
        c->vote = m->from;
        answer.granted = true;
        core_wait_election(c);
    }
    core_send(c, &answer);
    return true;
}

bool core_on_voted(struct core *c, const struct core_msg *m)
{
    if (m->pre && !m->granted)
        return false;
    if (!m->pre && m->term > c->term) {
        core_follow(c, m->term, 0);
        return true;
    }
    bool counts = m->granted && (m->pre ? c->role == CORE_PRECANDIDATE && m->term == c->term + 1
                                        : c->role == CORE_CANDIDATE && m->term == c->term);
    for (uint32_t i = 0; counts && i < c->peers_count; i++)
        if (c->peers[i].id == m->from)
            c->peers[i].granted = true;
    if (counts)
        count_votes(c);
    return true;
}
