/* Copies the log: the leader's messages and its peers' progress, the follower's answers, commitment, rounds. */
#include <assert.h>

#include "raft/core_impl.h"

/* ---- the leader: sending ---- */

static void flight_clear(struct core_peer *p)
{
    p->flight_first = p->flight_count = 0;
    p->flight_bytes = 0;
}

static void flight_add(struct core_peer *p, uint64_t last, uint64_t bytes)
{
    assert(p->flight_count < CORE_FRAMES_MAX);
    p->flight[(p->flight_first + p->flight_count++) % CORE_FRAMES_MAX] =
        (struct core_flight){.last = last, .bytes = bytes};
    p->flight_bytes += bytes;
}

static void flight_land(struct core_peer *p, uint64_t match)
{
    while (p->flight_count > 0 && p->flight[p->flight_first].last <= match) {
        p->flight_bytes -= p->flight[p->flight_first].bytes;
        p->flight_first = (p->flight_first + 1) % CORE_FRAMES_MAX;
        p->flight_count--;
    }
}

static void set_mode(struct core_peer *p, enum peer_mode mode)
{
    p->mode = mode;
    p->waiting = false;
    flight_clear(p);
}

/* The peer needs an entry that this log has dropped. */
static void want_snapshot(struct core *c, struct core_peer *p)
{
    set_mode(p, PEER_SNAPSHOT);
    p->wants = c->terms.base;
    struct core_msg m = {.type = CORE_SNAPSHOT,
                         .to = p->id,
                         .index = c->terms.base,
                         .index_term = c->terms.base_term};
    core_send(c, &m);
}

static void send_append(struct core *c, struct core_peer *p, uint64_t previous, uint32_t count)
{
    struct core_msg m = {
        .type = CORE_APPEND,
        .to = p->id,
        .index = previous,
        .commit = c->commit,
        .round = c->round,
        .count = count,
    };
    if (!terms_at(&c->terms, previous, &m.index_term))
        m.index = m.index_term = 0;
    p->sent_ms = c->now_ms;
    p->round_sent = c->round;
    core_send(c, &m);
}

static bool has_room(const struct core *c, const struct core_peer *p)
{
    if (p->mode == PEER_PROBE)
        return !p->waiting;
    return p->mode == PEER_COPY && p->flight_count < CORE_FRAMES_MAX &&
           p->flight_bytes < c->options.flight_bytes_max;
}

/* Sends entries that the peer lacks, as far as its flight has room. `due`: sends an empty message where none went. */
void core_copy(struct core *c, struct core_peer *p, bool due)
{
    uint64_t term;
    if (p->mode != PEER_SNAPSHOT && !p->waiting && !terms_at(&c->terms, p->next - 1, &term))
        want_snapshot(c, p);
    while (p->next <= c->terms.last && has_room(c, p)) {
        uint64_t bytes = 0;
        uint32_t count = c->options.ops->fetch(c->options.arg, p->next, c->terms.last,
                                               CORE_FRAME_BYTES_MAX, &bytes);
        if (count == 0)
            break;
        send_append(c, p, p->next - 1, count);
        due = false;
        if (p->mode == PEER_PROBE) {
            p->waiting = true;
            break;
        }
        p->next += count;
        flight_add(p, p->next - 1, bytes);
    }
    if (due)
        send_append(c, p, p->mode == PEER_SNAPSHOT ? p->match : p->next - 1, 0);
}

void core_flush(struct core *c)
{
    if (c->role != CORE_LEADER)
        return;
    for (uint32_t i = 0; i < c->peers_count; i++)
        core_copy(c, &c->peers[i], c->peers[i].round_sent < c->round);
}

void core_fetched(struct core *c)
{
    core_flush(c);
    core_end(c);
}

void core_snapshot_failed(struct core *c, uint64_t peer)
{
    for (uint32_t i = 0; c->role == CORE_LEADER && i < c->peers_count; i++) {
        struct core_peer *p = &c->peers[i];
        if (p->id != peer || p->mode != PEER_SNAPSHOT)
            continue;
        /* The next heartbeat asks for another base. */
        set_mode(p, PEER_PROBE);
        p->next = p->match + 1;
        p->waiting = true;
    }
}

/* ---- the leader: beginning, time ---- */

void core_lead(struct core *c)
{
    c->round = c->round_seen = 0;
    c->transfer_to = 0;
    for (uint32_t i = 0; i < c->peers_count; i++) {
        struct core_peer *p = &c->peers[i];
        *p = (struct core_peer){.id = p->id,
                                .voter = p->voter,
                                .next = c->terms.last + 1,
                                .heard_ms = c->now_ms,
                                .sent_ms = CORE_NEVER};
    }
    core_become(c, CORE_LEADER);
    struct core_entry noop = {.type = CORE_NOOP};
    c->first_of_term = core_append_any(c, &noop);
    core_flush(c);
}

static bool hears_majority(const struct core *c)
{
    uint32_t voters = core_votes(c), heard = voters;
    for (uint32_t i = 0; i < c->peers_count; i++) {
        voters += c->peers[i].voter;
        heard +=
            c->peers[i].voter && c->now_ms - c->peers[i].heard_ms < (int64_t)c->options.election_ms;
    }
    return 2 * heard > voters;
}

static int64_t heartbeat_ms(const struct core *c)
{
    return (int64_t)(c->options.election_ms / CORE_HEARTBEATS);
}

void core_leader_tick(struct core *c)
{
    if (!hears_majority(c)) {
        core_follow(c, c->term, 0);
        return;
    }
    if (c->transfer_to && c->now_ms >= c->transfer_end_ms)
        c->transfer_to = 0;
    for (uint32_t i = 0; i < c->peers_count; i++) {
        struct core_peer *p = &c->peers[i];
        bool due = p->sent_ms == CORE_NEVER || c->now_ms - p->sent_ms >= heartbeat_ms(c);
        /* An answer that has not come by now was lost. */
        if (due)
            p->waiting = false;
        core_copy(c, p, due);
    }
}

int64_t core_due_ms(const struct core *c)
{
    if (c->role != CORE_LEADER)
        return c->due_ms;
    int64_t due = c->now_ms + heartbeat_ms(c);
    for (uint32_t i = 0; i < c->peers_count; i++) {
        int64_t sent = c->peers[i].sent_ms;
        int64_t next = sent == CORE_NEVER ? c->now_ms : sent + heartbeat_ms(c);
        due = next < due ? next : due;
    }
    if (c->transfer_to && c->transfer_end_ms < due)
        due = c->transfer_end_ms;
    return due;
}

/* ---- the follower ---- */

void core_acknowledge(struct core *c)
{
    if (c->role != CORE_FOLLOWER || c->leader == 0)
        return;
    struct core_msg m = {.type = CORE_APPENDED,
                         .to = c->leader,
                         .granted = true,
                         .accepted = c->accepted,
                         .match = c->accepted < c->durable ? c->accepted : c->durable,
                         .round = c->round_seen};
    if (PLANTED(c, ACK_BEFORE_SYNC))
        m.match = c->accepted;
    core_send(c, &m);
}

static void refuse(struct core *c, const struct core_msg *m, uint64_t next)
{
    struct core_msg answer = {.type = CORE_APPENDED,
                              .to = m->from,
                              .index = m->index,
                              .next = next,
                              .match = c->accepted < c->durable ? c->accepted : c->durable,
                              .round = m->term == c->term ? c->round_seen : 0};
    core_send(c, &answer);
}

/* Is the entry ahead of the message's first one the same here? If not, *next: where the leader should send from. */
static bool matches(const struct core *c, const struct core_msg *m, uint64_t *next)
{
    uint64_t term;
    if (m->index <= c->commit || PLANTED(c, NO_MATCH_CHECK))
        return m->index <= c->terms.last;
    if (m->index > c->terms.last) {
        *next = c->terms.last + 1;
        return false;
    }
    if (terms_at(&c->terms, m->index, &term) && term == m->index_term)
        return true;
    uint64_t first = terms_run_first(&c->terms, m->index);
    *next = first > c->commit ? first : c->commit + 1;
    return false;
}

static bool well_formed(const struct core *c, const struct core_msg *m)
{
    uint64_t term = m->index_term;
    if (m->index > UINT64_MAX / 2 || term > m->term || (m->index == 0 && term != 0))
        return false;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct core_entry *e = &m->entries[i];
        if (e->term < term || e->term > m->term ||
            (e->type == CORE_MEMBERS && !members_valid(e->members)))
            return false;
        term = e->term;
    }
    return true;
}

/* Takes the entries that are not there yet. False: one of them contradicts a committed entry. */
static bool take_entries(struct core *c, const struct core_msg *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        uint64_t index = m->index + 1 + i, term;
        if (index <= c->terms.base)
            continue;
        if (terms_at(&c->terms, index, &term) && term == m->entries[i].term)
            continue;
        if (index <= c->commit)
            return false;
        core_write(c, index, m->count - i, m->entries + i);
        break;
    }
    uint64_t last = m->index + m->count;
    if (last > c->accepted)
        c->accepted = last;
    return true;
}

bool core_on_append(struct core *c, const struct core_msg *m)
{
    uint64_t next = c->terms.last + 1;
    if (m->term < c->term) {
        /* Its sender learns of this term, and steps down. */
        refuse(c, m, next);
        return true;
    }
    if (!well_formed(c, m) || (m->term == c->term && c->role == CORE_LEADER))
        return false;
    if (m->term == c->term && c->leader && c->leader != m->from)
        return false;
    core_follow(c, m->term, m->from);
    c->heard_ms = c->now_ms;
    core_wait_election(c);
    if (m->round > c->round_seen)
        c->round_seen = m->round;
    if (c->installing) {
        core_acknowledge(c);
        return true;
    }
    if (!matches(c, m, &next)) {
        refuse(c, m, next);
        return true;
    }
    if (!take_entries(c, m))
        return false;
    uint64_t commit = m->commit < c->accepted ? m->commit : c->accepted;
    core_commit_to(c, commit);
    core_acknowledge(c);
    return true;
}

/* ---- the leader: answers ---- */

static uint64_t match_of(const struct core_peer *p)
{
    return p->match;
}

static uint64_t round_of(const struct core_peer *p)
{
    return p->round;
}

void core_advance(struct core *c)
{
    uint64_t own = PLANTED(c, LEADER_COUNTS_UNSYNCED) ? c->terms.last : c->durable;
    uint64_t index = core_majority(c, match_of, own), term;
    /* An entry of an older term may yet be overruled, however many hold it (the paper's figure 8). */
    if (index > c->commit && terms_at(&c->terms, index, &term) &&
        (term == c->term || PLANTED(c, COMMIT_OLD_TERM)))
        core_commit_to(c, index);
}

static void hand_over(struct core *c, const struct core_peer *p)
{
    if (c->transfer_to != p->id || c->transfer_sent || p->match < c->terms.last)
        return;
    struct core_msg m = {.type = CORE_TIMEOUT_NOW, .to = p->id};
    core_send(c, &m);
    c->transfer_sent = true;
}

static void on_refused(struct core *c, struct core_peer *p, const struct core_msg *m)
{
    /* A later message has overtaken the one that this answers. */
    if (p->mode == PEER_SNAPSHOT || m->index <= p->match ||
        (p->mode == PEER_PROBE && m->index != p->next - 1))
        return;
    uint64_t next = m->next < m->index ? m->next : m->index;
    p->next = next > p->match ? next : p->match + 1;
    set_mode(p, PEER_PROBE);
}

static void on_granted(struct core *c, struct core_peer *p, const struct core_msg *m)
{
    if (m->match > p->match)
        p->match = m->match;
    flight_land(p, p->match);
    /* Where the log was compacted meanwhile, core_copy asks for another base. */
    if (p->mode == PEER_SNAPSHOT && p->match >= p->wants) {
        set_mode(p, PEER_PROBE);
        p->next = p->match + 1;
    }
    if (p->mode == PEER_PROBE && m->accepted + 1 >= p->next) {
        set_mode(p, PEER_COPY);
        p->next = m->accepted + 1;
    }
    if (p->next <= p->match)
        p->next = p->match + 1;
    hand_over(c, p);
}

bool core_on_appended(struct core *c, const struct core_msg *m)
{
    if (m->term > c->term) {
        core_follow(c, m->term, 0);
        return true;
    }
    if (m->term < c->term || c->role != CORE_LEADER)
        return true;
    struct core_peer *p = NULL;
    for (uint32_t i = 0; i < c->peers_count; i++)
        if (c->peers[i].id == m->from)
            p = &c->peers[i];
    if (!p)
        return true;
    if (m->match > c->terms.last || m->accepted > c->terms.last || m->round > c->round ||
        (!m->granted && m->next == 0))
        return false;
    p->heard_ms = c->now_ms;
    if (m->round > p->round)
        p->round = m->round;
    if (m->granted)
        on_granted(c, p, m);
    else
        on_refused(c, p, m);
    core_advance(c);
    core_copy(c, p, false);
    return true;
}

/* ---- the leader: its caller's requests ---- */

uint64_t core_append(struct core *c, struct core_entry *e)
{
    assert(e->type != CORE_MEMBERS);
    if (c->role != CORE_LEADER || c->transfer_to)
        return 0;
    return core_append_any(c, e);
}

uint64_t core_probe(struct core *c)
{
    return c->role == CORE_LEADER ? ++c->round : 0;
}

bool core_ready(const struct core *c)
{
    return c->role == CORE_LEADER &&
           (c->commit >= c->first_of_term || PLANTED(c, SERVE_BEFORE_NOOP));
}

uint64_t core_confirmed(const struct core *c)
{
    if (!core_ready(c))
        return 0;
    return PLANTED(c, SKIP_ROUND) ? c->round : core_majority(c, round_of, c->round);
}

/* Do the voters of `next` that answer, this node among them, make a majority? */
static bool would_live(const struct core *c, const struct members *next)
{
    uint32_t alive = members_votes(next, c->options.id);
    for (uint32_t i = 0; i < c->peers_count; i++)
        alive += members_votes(next, c->peers[i].id) &&
                 c->now_ms - c->peers[i].heard_ms < (int64_t)c->options.election_ms;
    return 2 * alive > members_voters(next);
}

enum err core_change(struct core *c, const struct members *next)
{
    const struct core_configuration *now = core_in_force(c);
    bool ready = core_ready(c) || (c->role == CORE_LEADER && PLANTED(c, CHANGE_BEFORE_NOOP));
    if (!ready || c->transfer_to || now->index > c->commit)
        return ERR_BUSY;
    if (!members_valid(next) || members_voters_changed(&now->members, next) > 1 ||
        !members_votes(next, c->options.id) || !would_live(c, next))
        return ERR_RANGE;
    struct core_entry e = {.type = CORE_MEMBERS, .members = next};
    core_append_any(c, &e);
    core_flush(c);
    core_end(c);
    return ERR_OK;
}

enum err core_transfer(struct core *c, uint64_t to)
{
    if (!core_ready(c) || c->transfer_to)
        return ERR_BUSY;
    for (uint32_t i = 0; i < c->peers_count; i++) {
        if (c->peers[i].id != to || !c->peers[i].voter)
            continue;
        c->transfer_to = to;
        c->transfer_sent = false;
        c->transfer_end_ms = c->now_ms + (int64_t)c->options.election_ms;
        hand_over(c, &c->peers[i]);
        core_copy(c, &c->peers[i], false);
        return ERR_OK;
    }
    return ERR_NOTFOUND;
}

bool core_progress(const struct core *c, uint64_t peer, struct core_progress *out)
{
    for (uint32_t i = 0; c->role == CORE_LEADER && i < c->peers_count; i++) {
        const struct core_peer *p = &c->peers[i];
        if (p->id != peer)
            continue;
        *out = (struct core_progress){.match = p->match,
                                      .next = p->next,
                                      .heard_ms = p->heard_ms,
                                      .snapshot = p->mode == PEER_SNAPSHOT};
        return true;
    }
    return false;
}
