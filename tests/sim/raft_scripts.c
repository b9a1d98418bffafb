#include "sim/raft_scripts.h"

#include <string.h>

#define expect(g, what)                                            \
    do {                                                           \
        if (!(what))                                               \
            group_fail(g, "line %d: not so: %s", __LINE__, #what); \
    } while (0)

/* ---- steps ---- */

static struct group_node *node(struct group *g, uint64_t id)
{
    return group_node(g, id);
}

static void forget_messages(struct group *g)
{
    while (g->messages_count)
        group_drop_at(g, 0);
}

static void save_all(struct group_node *n)
{
    while (group_save(n))
        continue;
}

static void sync_all(struct group_node *n)
{
    while (group_sync(n))
        continue;
}

/* The node stands, alone. So long after whatever came before, that nobody remembers a leader. */
static void stand(struct group *g, uint64_t id)
{
    g->now_ms += 2 * GROUP_ELECTION_MS;
    group_time_out(node(g, id));
}

static bool leads(struct group *g, uint64_t id)
{
    return node(g, id)->core && core_role(node(g, id)->core) == CORE_LEADER;
}

static void ask_for_votes(struct group *g, uint64_t id, const uint64_t *ids)
{
    stand(g, id);
    for (int round = 0; round < 2; round++) {
        for (const uint64_t *p = ids; *p; p++) {
            group_deliver(g, id, *p, CORE_VOTE);
            save_all(node(g, *p));
            group_deliver(g, *p, id, CORE_VOTED);
        }
        save_all(node(g, id));
    }
}

/* Asks these, `ids` ending with 0, for both kinds of vote. An old leader has to step down first, and one that was away
 * to hear of the newest term. */
static void elect(struct group *g, uint64_t id, const uint64_t *ids)
{
    uint64_t term = core_term(node(g, id)->core);
    for (int i = 0; i < 4 && !(leads(g, id) && core_term(node(g, id)->core) > term); i++)
        ask_for_votes(g, id, ids);
}

#define ELECT(g, id, ...) elect(g, id, (const uint64_t[]){__VA_ARGS__, 0})

/* The next message with entries goes to this peer, is made durable there, and its answers come back. */
static void copy(struct group *g, uint64_t from, uint64_t to)
{
    core_flush(node(g, from)->core);
    while (group_deliver(g, from, to, CORE_APPEND))
        continue;
    save_all(node(g, to));
    sync_all(node(g, to));
    while (group_deliver(g, to, from, CORE_APPENDED))
        continue;
}

/* Node 1 leads term 1, and everybody has its first entry. */
static void with_leader(struct group *g)
{
    ELECT(g, 1, 2, 3);
    sync_all(node(g, 1));
    for (uint64_t id = 2; id <= g->nodes_count; id++)
        copy(g, 1, id);
    expect(g, leads(g, 1) && core_ready(node(g, 1)->core));
    forget_messages(g);
}

/* ---- elections ---- */

static void vote_is_saved_first(struct group *g)
{
    stand(g, 1);
    group_deliver(g, 1, 3, CORE_VOTE);
    group_deliver(g, 3, 1, CORE_VOTED);
    save_all(node(g, 1));
    group_deliver(g, 1, 3, CORE_VOTE);
    /* Its vote is on its way to disk; it dies, and has never voted. */
    bool shown = group_deliver(g, 3, 1, CORE_VOTED);
    expect(g, !shown);
    group_crash(node(g, 3), false);
    group_start(node(g, 3));
    ELECT(g, 2, 3);
    expect(g, leads(g, 2) && !leads(g, 1));
}

static void one_vote_a_term(struct group *g)
{
    for (uint64_t id = 1; id <= 2; id++) {
        stand(g, id);
        group_deliver(g, id, 3, CORE_VOTE);
        group_deliver(g, 3, id, CORE_VOTED);
        save_all(node(g, id));
    }
    for (uint64_t id = 1; id <= 2; id++) {
        group_deliver(g, id, 3, CORE_VOTE);
        save_all(node(g, 3));
        group_deliver(g, 3, id, CORE_VOTED);
    }
    expect(g, leads(g, 1) && !leads(g, 2));
}

static void shorter_log_is_refused(struct group *g)
{
    with_leader(g);
    group_append(node(g, 1));
    sync_all(node(g, 1));
    copy(g, 1, 2);
    forget_messages(g);
    group_crash(node(g, 1), false);
    ELECT(g, 3, 2);
    expect(g, !leads(g, 3));
    ELECT(g, 2, 3);
    expect(g, leads(g, 2));
}

static void lone_voter_raises_its_term(struct group *g)
{
    struct group_node *n = node(g, 1), *learner = group_add(g);
    stand(g, 1);
    save_all(n);
    sync_all(n);
    struct members two = *core_members(n->core);
    two.list[two.count++] = (struct member){.id = learner->id, .role = MEMBER_LEARNER};
    expect(g, group_change(n, &two) == ERR_OK);
    sync_all(n);
    copy(g, 1, 2);
    group_append(n);
    copy(g, 1, 2);
    forget_messages(g);
    /* The learner has an entry that the voter loses, and puts another one in place of. */
    group_crash(n, false);
    group_start(n);
    stand(g, 1);
    save_all(n);
    group_append(n);
    sync_all(n);
    for (int i = 0; i < 4; i++)
        copy(g, 1, 2);
    group_check(g);
    expect(g, node(g, 2)->committed == core_last(n->core));
}

static void late_order_to_stand(struct group *g)
{
    with_leader(g);
    expect(g, core_transfer(node(g, 1)->core, 2) == ERR_OK);
    ELECT(g, 3, 2);
    expect(g, leads(g, 3));
    while (group_deliver(g, 3, 2, CORE_APPEND))
        continue;
    expect(g, core_leader(node(g, 2)->core) == 3);
    uint64_t term = core_term(node(g, 2)->core);
    expect(g, group_deliver(g, 1, 2, CORE_TIMEOUT_NOW));
    expect(g, core_term(node(g, 2)->core) == term && core_role(node(g, 2)->core) == CORE_FOLLOWER);
}

static void transfer(struct group *g)
{
    with_leader(g);
    expect(g, core_transfer(node(g, 1)->core, 3) == ERR_OK);
    expect(g, group_append(node(g, 1)) == 0);
    expect(g, group_deliver(g, 1, 3, CORE_TIMEOUT_NOW));
    save_all(node(g, 3));
    /* The others have just heard of their leader, and vote all the same. */
    group_deliver(g, 3, 2, CORE_VOTE);
    save_all(node(g, 2));
    group_deliver(g, 2, 3, CORE_VOTED);
    expect(g, leads(g, 3));
}

/* ---- what is committed ---- */

static void leader_counts_its_disk(struct group *g)
{
    with_leader(g);
    uint64_t index = group_append(node(g, 1));
    copy(g, 1, 2);
    expect(g, core_committed(node(g, 1)->core) < index);
    sync_all(node(g, 1));
    expect(g, core_committed(node(g, 1)->core) == index);
}

static void follower_acknowledges_its_disk(struct group *g)
{
    with_leader(g);
    uint64_t index = group_append(node(g, 1));
    sync_all(node(g, 1));
    core_flush(node(g, 1)->core);
    group_deliver(g, 1, 2, CORE_APPEND);
    group_deliver(g, 2, 1, CORE_APPENDED);
    expect(g, core_committed(node(g, 1)->core) < index);
    sync_all(node(g, 2));
    group_deliver(g, 2, 1, CORE_APPENDED);
    expect(g, core_committed(node(g, 1)->core) == index);
}

/* Figure 8 of the paper: an entry of an older term is on a majority, and is overruled. */
static void figure_8(struct group *g)
{
    with_leader(g);
    g->copy_max = 1;
    group_append(node(g, 1));
    sync_all(node(g, 1));
    copy(g, 1, 2);
    forget_messages(g);
    group_crash(node(g, 1), false);
    ELECT(g, 5, 3, 4);
    expect(g, leads(g, 5));
    sync_all(node(g, 5));
    forget_messages(g);
    group_crash(node(g, 5), false);
    group_start(node(g, 1));
    ELECT(g, 1, 2, 3, 4);
    expect(g, leads(g, 1));
    sync_all(node(g, 1));
    /* The entry of term 1 is on the disks of 1, 2 and 3. That of term 3 is on its way. */
    group_deliver(g, 1, 2, CORE_APPEND);
    group_deliver(g, 2, 1, CORE_APPENDED);
    for (int i = 0; i < 4 && core_last(node(g, 3)->core) < 2; i++) {
        group_deliver(g, 1, 3, CORE_APPEND);
        sync_all(node(g, 3));
        group_deliver(g, 3, 1, CORE_APPENDED);
    }
    while (group_deliver(g, 3, 1, CORE_APPENDED))
        continue;
    expect(g, core_last(node(g, 3)->core) == 2);
    expect(g, core_committed(node(g, 1)->core) < 2);
    forget_messages(g);
    group_crash(node(g, 1), false);
    group_crash(node(g, 2), false);
    group_start(node(g, 2));
    group_start(node(g, 5));
    ELECT(g, 5, 2, 3, 4);
    expect(g, leads(g, 5));
}

static void written_cut_written(struct group *g)
{
    with_leader(g);
    group_append(node(g, 1));
    sync_all(node(g, 1));
    core_flush(node(g, 1)->core);
    group_deliver(g, 1, 3, CORE_APPEND); /* node 3 has not synced it */
    forget_messages(g);
    ELECT(g, 2, 4, 5);
    expect(g, leads(g, 2));
    for (int i = 0; i < 3; i++) {
        g->now_ms += GROUP_ELECTION_MS / CORE_HEARTBEATS;
        core_tick(node(g, 2)->core, g->now_ms);
        group_deliver(g, 2, 3, CORE_APPEND); /* which cuts it, and puts its own there */
        save_all(node(g, 3));
        group_deliver(g, 3, 2, CORE_APPENDED);
    }
    expect(g, node(g, 3)->log.entries[2].term == 2 && node(g, 3)->writes_count == 2);
    forget_messages(g);
    group_crash(node(g, 2), false);
    ELECT(g, 1, 4, 5);
    expect(g, leads(g, 1));
    for (int i = 0; i < 4; i++) {
        g->now_ms += GROUP_ELECTION_MS / CORE_HEARTBEATS;
        for (uint64_t to = 3; to <= 5; to++) {
            group_deliver(g, 1, to, CORE_APPEND);
            save_all(node(g, to));
            group_deliver(g, to, 1, CORE_APPENDED);
        }
        core_tick(node(g, 1)->core, g->now_ms);
    }
    expect(g, node(g, 3)->log.entries[2].term == 1);
    /* The very first write ends. What it wrote is about to be cut, and written again. */
    group_sync(node(g, 3));
    while (group_deliver(g, 3, 1, CORE_APPENDED))
        continue;
    sync_all(node(g, 3));
    group_check(g);
}

static void entries_behind_a_stranger(struct group *g)
{
    with_leader(g);
    group_append(node(g, 1));
    group_append(node(g, 1));
    sync_all(node(g, 1)); /* entries that nobody else has */
    forget_messages(g);
    ELECT(g, 2, 3);
    expect(g, leads(g, 2));
    sync_all(node(g, 2));
    group_append(node(g, 2));
    sync_all(node(g, 2));
    copy(g, 2, 3);
    copy(g, 2, 3);
    forget_messages(g);
    group_crash(node(g, 2), false);
    group_start(node(g, 2));
    /* Its log is as long as that of node 1, and another one. */
    ELECT(g, 3, 2);
    expect(g, leads(g, 3));
    sync_all(node(g, 3));
    for (int i = 0; i < 8; i++) {
        copy(g, 3, 2);
        copy(g, 3, 1);
        group_check(g);
        g->now_ms += GROUP_ELECTION_MS / CORE_HEARTBEATS;
        core_tick(node(g, 3)->core, g->now_ms);
    }
    expect(g, node(g, 1)->committed == core_last(node(g, 3)->core));
}

/* Two configurations of two terms, neither committed, have majorities that share nobody
 * (Ongaro, raft-dev, "bug in single-server membership changes", 2015). */
static void change_waits_for_its_term(struct group *g)
{
    with_leader(g);
    struct members more = *core_members(node(g, 1)->core), less = more;
    group_add(g);
    more.list[more.count++] = (struct member){.id = 5, .role = MEMBER_VOTER};
    expect(g, group_change(node(g, 1), &more) == ERR_OK);
    sync_all(node(g, 1));
    for (int i = 0; i < 3; i++)
        copy(g, 1, 5);
    forget_messages(g);
    ELECT(g, 2, 3, 4);
    expect(g, leads(g, 2));
    memmove(less.list, less.list + 1, --less.count * sizeof(*less.list));
    if (group_change(node(g, 2), &less) == ERR_BUSY)
        return;
    sync_all(node(g, 2));
    for (int i = 0; i < 3; i++)
        copy(g, 2, 3);
    forget_messages(g);
    ELECT(g, 1, 4, 5);
}

static void base_keeps_what_was_acknowledged(struct group *g)
{
    with_leader(g);
    for (int i = 0; i < 4; i++)
        group_append(node(g, 1));
    sync_all(node(g, 1));
    copy(g, 1, 2);
    copy(g, 1, 3);
    g->now_ms += GROUP_ELECTION_MS / CORE_HEARTBEATS;
    core_tick(node(g, 1)->core, g->now_ms);
    copy(g, 1, 2);
    uint64_t acknowledged = core_last(node(g, 2)->core);
    expect(g, acknowledged == 5);
    /* A base of less comes late. */
    expect(g, core_snapshot_begin(node(g, 2)->core, 3, 1) == ERR_RANGE);
    expect(g, core_last(node(g, 2)->core) == acknowledged);
}

/* ---- reads ---- */

static void read_needs_its_own_round(struct group *g)
{
    with_leader(g);
    forget_messages(g);
    ELECT(g, 2, 3);
    sync_all(node(g, 2));
    copy(g, 2, 3);
    group_append(node(g, 2));
    sync_all(node(g, 2));
    for (int i = 0; i < 3; i++)
        copy(g, 2, 3);
    expect(g, core_committed(node(g, 2)->core) == 3);
    /* Node 1 knows of nothing. */
    expect(g, leads(g, 1));
    group_read(node(g, 1));
    expect(g, node(g, 1)->reads_count == 1);
}

static void read_waits_for_the_term(struct group *g)
{
    with_leader(g);
    group_append(node(g, 1));
    sync_all(node(g, 1));
    copy(g, 1, 2);
    expect(g, g->acknowledged == 2);
    forget_messages(g);
    group_crash(node(g, 1), false);
    ELECT(g, 2, 3);
    expect(g, leads(g, 2));
    forget_messages(g);
    group_read(node(g, 2));
    while (group_deliver(g, 2, 3, CORE_APPEND) || group_deliver(g, 3, 2, CORE_APPENDED))
        continue;
    expect(g, node(g, 2)->reads_count == 1);
    sync_all(node(g, 2));
    for (int i = 0; i < 4; i++) {
        g->now_ms += GROUP_ELECTION_MS / CORE_HEARTBEATS;
        core_tick(node(g, 2)->core, g->now_ms);
        copy(g, 2, 3);
    }
    expect(g, node(g, 2)->reads_count == 0);
}

const struct raft_script raft_scripts[] = {
    {"vote is saved first", 3, vote_is_saved_first},
    {"one vote a term", 3, one_vote_a_term},
    {"shorter log is refused", 3, shorter_log_is_refused},
    {"lone voter raises its term", 1, lone_voter_raises_its_term},
    {"late order to stand", 3, late_order_to_stand},
    {"transfer", 3, transfer},
    {"leader counts its disk", 3, leader_counts_its_disk},
    {"follower acknowledges its disk", 3, follower_acknowledges_its_disk},
    {"figure 8", 5, figure_8},
    {"written, cut, written again", 5, written_cut_written},
    {"entries behind a stranger", 3, entries_behind_a_stranger},
    {"change waits for its term", 4, change_waits_for_its_term},
    {"base keeps what was acknowledged", 3, base_keeps_what_was_acknowledged},
    {"read needs its own round", 3, read_needs_its_own_round},
    {"read waits for the term", 3, read_waits_for_the_term},
    {NULL, 0, NULL},
};
