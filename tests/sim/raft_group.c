#include "sim/raft_group.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER    INT64_MAX
#define COPY_MAX 8

void group_fail(struct group *g, const char *format, ...)
{
    if (g->failure[0])
        return;
    va_list args;
    va_start(args, format);
    int at = snprintf(g->failure, sizeof(g->failure), "at %lld ms: ", (long long)g->now_ms);
    vsnprintf(g->failure + at, sizeof(g->failure) - (size_t)at, format, args);
    va_end(args);
}

static void say(struct group *g, const char *format, ...)
{
    if (!g->log)
        return;
    va_list args;
    va_start(args, format);
    printf("%6lld ", (long long)g->now_ms);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

typedef unsigned long long ull;

static int64_t due(struct group *g, enum group_delay what)
{
    return g->delay ? g->now_ms + g->delay(g, what) : NEVER;
}

/* ---- logs ---- */

static void log_init(struct group_log *l)
{
    *l = (struct group_log){.entries = calloc(GROUP_ENTRIES_MAX, sizeof(*l->entries))};
}

static void log_copy(struct group_log *to, const struct group_log *from)
{
    struct group_entry *entries = to->entries;
    *to = *from;
    to->entries = entries;
    memcpy(entries, from->entries, (from->last + 1) * sizeof(*entries));
}

static void log_write(struct group_log *l, uint64_t index, uint32_t count,
                      const struct group_entry *entries)
{
    assert(index > l->base && index <= l->last + 1 && index + count < GROUP_ENTRIES_MAX);
    memcpy(l->entries + index, entries, count * sizeof(*entries));
    l->last = index + count - 1;
}

static bool log_term(const struct group_log *l, uint64_t index, uint64_t *term)
{
    if (index < l->base || index > l->last)
        return false;
    *term = index == l->base ? l->base_term : l->entries[index].term;
    return true;
}

static void log_compact(struct group_log *l, uint64_t index)
{
    uint64_t term;
    if (!log_term(l, index, &term))
        return;
    for (uint64_t i = l->base + 1; i <= index; i++)
        if (l->entries[i].type == CORE_MEMBERS)
            l->base_members = *l->entries[i].members;
    l->base_term = term;
    l->base = index;
}

static void become_base(struct group_log *l, const struct group_log *base)
{
    l->base = l->last = base->base;
    l->base_term = base->base_term;
    l->base_members = base->base_members;
}

/* ---- what must hold ---- */

static bool holds(const struct group_log *l, uint64_t index, const struct group_commit *c)
{
    if (index <= l->base)
        return true;
    return index <= l->last && l->entries[index].term == c->term && l->entries[index].uid == c->uid;
}

static void judge_leader(struct group_node *n, uint64_t term)
{
    struct group *g = n->group;
    assert(term < GROUP_ENTRIES_MAX);
    if (g->leaders[term] && (g->leaders[term] != n->id))
        group_fail(g, "term %llu has two leaders, %llu and %llu", (ull)term, (ull)g->leaders[term],
                   (ull)n->id);
    g->leaders[term] = n->id;
    for (uint64_t i = 1; i <= g->commits_count; i++)
        if (g->commits[i].in_term < term && !holds(&n->log, i, &g->commits[i]))
            group_fail(g, "leader %llu of term %llu lacks entry %llu, committed in term %llu",
                       (ull)n->id, (ull)term, (ull)i, (ull)g->commits[i].in_term);
}

/* What a leader counts as committed is on the disks of a majority of its configuration. */
static void judge_durable(struct group_node *n, uint64_t index, const struct group_commit *c)
{
    const struct members *m = core_members(n->core);
    uint32_t voters = 0, have = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->list[i].role != MEMBER_VOTER)
            continue;
        voters++;
        have += holds(&group_node(n->group, m->list[i].id)->disk, index, c);
    }
    if (2 * have <= voters)
        group_fail(n->group, "leader %llu commits entry %llu, which %u of %u disks hold",
                   (ull)n->id, (ull)index, have, voters);
}

static void judge_commit(struct group_node *n, uint64_t index)
{
    struct group *g = n->group;
    const struct group_entry *e = &n->log.entries[index];
    struct group_commit *c = &g->commits[index];
    if (index > g->commits_count) {
        *c = (struct group_commit){.term = e->term, .uid = e->uid, .in_term = core_term(n->core)};
        g->commits_count = index;
    } else if (index > n->log.base && (c->term != e->term || c->uid != e->uid)) {
        group_fail(g, "entry %llu is committed twice: term %llu, then term %llu by node %llu",
                   (ull)index, (ull)c->term, (ull)e->term, (ull)n->id);
    }
    if (core_role(n->core) == CORE_LEADER)
        judge_durable(n, index, c);
}

void group_check(struct group *g)
{
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        struct group_node *a = &g->nodes[i];
        if (!a->core)
            continue;
        core_validate(a->core);
        for (uint64_t x = a->log.base + 1; x <= a->committed && x <= a->log.last; x++)
            if (!holds(&a->log, x, &g->commits[x]))
                group_fail(g, "node %llu has lost committed entry %llu", (ull)a->id, (ull)x);
        for (uint32_t j = i + 1; j < g->nodes_count; j++) {
            struct group_node *b = &g->nodes[j];
            uint64_t last = a->log.last < b->log.last ? a->log.last : b->log.last;
            uint64_t base = a->log.base > b->log.base ? a->log.base : b->log.base;
            bool same = false;
            for (uint64_t x = last; b->core && x > base; x--) {
                bool terms = a->log.entries[x].term == b->log.entries[x].term;
                bool uids = a->log.entries[x].uid == b->log.entries[x].uid;
                same = same || terms;
                if (same && !uids)
                    group_fail(
                        g, "nodes %llu and %llu differ in entry %llu before one that they share",
                        (ull)a->id, (ull)b->id, (ull)x);
            }
        }
    }
}

/* ---- what cores ask for ---- */

static void on_save(void *arg, uint64_t term, uint64_t vote)
{
    struct group_node *n = arg;
    assert(n->saves_count < GROUP_PENDING_MAX);
    n->saves[n->saves_count++] =
        (struct group_save){.term = term, .vote = vote, .due_ms = due(n->group, GROUP_SAVE)};
}

static const struct members *keep_members(struct group *g, const struct members *m)
{
    assert(g->members_count < GROUP_MEMBERS_MAX);
    struct members *kept = calloc(1, sizeof(*kept));
    *kept = *m;
    g->members[g->members_count++] = kept;
    return kept;
}

static void to_entry(struct group *g, struct group_entry *to, const struct core_entry *from)
{
    const struct group_entry *body = from->body;
    *to = (struct group_entry){.term = from->term, .type = from->type};
    to->uid = body ? body->uid : ++g->uid;
    if (body)
        to->members = body->members;
    else if (from->type == CORE_MEMBERS)
        to->members = keep_members(g, from->members);
}

static void on_write(void *arg, uint64_t ticket, uint64_t index, uint32_t count,
                     const struct core_entry *entries)
{
    struct group_node *n = arg;
    assert(n->writes_count < GROUP_PENDING_MAX);
    struct group_write *w = &n->writes[n->writes_count++];
    *w = (struct group_write){.ticket = ticket, .index = index, .count = count};
    w->due_ms = due(n->group, GROUP_WRITE);
    w->entries = calloc(count, sizeof(*w->entries));
    for (uint32_t i = 0; i < count; i++)
        to_entry(n->group, &w->entries[i], &entries[i]);
    if (index <= n->committed)
        group_fail(n->group, "node %llu cuts committed entry %llu", (ull)n->id, (ull)index);
    log_write(&n->log, index, count, w->entries);
}

static struct group_message *new_message(struct group *g, const struct core_msg *m)
{
    assert(g->messages_count < GROUP_MESSAGES_MAX);
    struct group_message *message = &g->messages[g->messages_count++];
    *message = (struct group_message){.m = *m, .due_ms = due(g, GROUP_MESSAGE)};
    return message;
}

static const char *const type_names[] = {"VOTE",     "VOTED",       "APPEND",
                                         "APPENDED", "TIMEOUT_NOW", "SNAPSHOT"};

/* Does what it sends keep its promises? */
static void judge_message(struct group_node *n, const struct core_msg *m)
{
    struct group *g = n->group;
    if (!m->pre && n->disk_term < m->term)
        group_fail(g, "node %llu shows term %llu and has saved term %llu", (ull)n->id, (ull)m->term,
                   (ull)n->disk_term);
    if (m->type == CORE_VOTED && !m->pre && m->granted && n->disk_vote != m->to)
        group_fail(g, "node %llu shows a vote that it has not saved", (ull)n->id);
    if (m->type != CORE_APPENDED || m->match <= n->disk.base)
        return;
    const struct group_entry *e = &n->log.entries[m->match];
    struct group_commit there = {.term = e->term, .uid = e->uid};
    if (m->match > n->log.base && !holds(&n->disk, m->match, &there))
        group_fail(g, "node %llu acknowledges entry %llu, which is not on its disk", (ull)n->id,
                   (ull)m->match);
}

static void on_send(void *arg, const struct core_msg *m)
{
    struct group_node *n = arg;
    struct group *g = n->group;
    say(g, "%llu -> %llu %s%s term %llu index %llu/%llu count %u %s commit %llu match %llu",
        (ull)m->from, (ull)m->to, m->pre ? "pre-" : "", type_names[m->type], (ull)m->term,
        (ull)m->index, (ull)m->index_term, m->count, m->granted ? "yes" : "", (ull)m->commit,
        (ull)m->match);
    judge_message(n, m);
    /* A base that is lost is known to be: its connection ends. */
    bool lost = g->cut[m->from - 1][m->to - 1] || g->messages_count + 64 > GROUP_MESSAGES_MAX;
    if (lost && m->type != CORE_SNAPSHOT)
        return;
    struct group_message *message = new_message(g, m);
    if (m->type == CORE_SNAPSHOT) {
        message->base = malloc(sizeof(*message->base));
        *message->base = n->log;
        message->base->entries = NULL;
    }
    if (m->count) {
        message->entries = calloc(m->count, sizeof(*message->entries));
        message->given = calloc(m->count, sizeof(*message->given));
        memcpy(message->entries, n->log.entries + m->index + 1,
               m->count * sizeof(*message->entries));
        for (uint32_t i = 0; i < m->count; i++) {
            struct group_entry *e = &message->entries[i];
            message->given[i] = (struct core_entry){
                .term = e->term, .type = e->type, .members = e->members, .body = e};
        }
    }
}

static uint32_t on_fetch(void *arg, uint64_t index, uint64_t last, uint64_t bytes_max,
                         uint64_t *bytes)
{
    struct group_node *n = arg;
    uint64_t count = last - index + 1;
    count = count < n->group->copy_max ? count : n->group->copy_max;
    *bytes = count * 100;
    return (uint32_t)count;
}

static void on_role(void *arg, enum core_role role, uint64_t term, uint64_t leader)
{
    struct group_node *n = arg;
    static const char *const names[] = {"follower", "precandidate", "candidate", "leader"};
    say(n->group, "node %llu is a %s of term %llu, led by %llu", (ull)n->id, names[role], (ull)term,
        (ull)leader);
    n->reads_count = 0;
    n->appended_first = 0;
    if (role == CORE_LEADER)
        judge_leader(n, term);
}

static void on_commit(void *arg, uint64_t index)
{
    struct group_node *n = arg;
    say(n->group, "node %llu commits %llu", (ull)n->id, (ull)index);
    for (uint64_t i = n->committed + 1; i <= index; i++)
        judge_commit(n, i);
    n->committed = index;
    if (n->appended_first && index >= n->appended_first && index > n->group->acknowledged)
        n->group->acknowledged = index;
}

static const struct core_ops ops = {
    .save = on_save,
    .write = on_write,
    .send = on_send,
    .fetch = on_fetch,
    .role = on_role,
    .commit = on_commit,
};

/* Reads are served when their round is confirmed; what they see is what is committed then. */
static void serve_reads(struct group_node *n)
{
    while (n->core && n->reads_count && core_confirmed(n->core) >= n->reads[0].round) {
        if (core_committed(n->core) < n->reads[0].must)
            group_fail(n->group, "node %llu serves a read at %llu, after %llu was acknowledged",
                       (ull)n->id, (ull)core_committed(n->core), (ull)n->reads[0].must);
        n->group->reads_served++;
        memmove(n->reads, n->reads + 1, --n->reads_count * sizeof(*n->reads));
    }
}

/* ---- nodes ---- */

struct group_node *group_node(struct group *g, uint64_t id)
{
    assert(id >= 1 && id <= g->nodes_count);
    return &g->nodes[id - 1];
}

void group_start(struct group_node *n)
{
    struct group *g = n->group;
    assert(!n->core);
    n->session++;
    log_copy(&n->log, &n->disk);
    n->committed = n->log.base;
    n->reads_count = 0;
    n->appended_first = 0;
    struct terms terms;
    terms_init(&terms, n->log.base, n->log.base_term);
    struct core_configuration configurations[GROUP_PENDING_MAX];
    size_t count = 0;
    if (n->log.base_members.count)
        configurations[count++] =
            (struct core_configuration){.index = n->log.base, .members = n->log.base_members};
    for (uint64_t i = n->log.base + 1; i <= n->log.last; i++) {
        terms_append(&terms, n->log.entries[i].term, 1);
        if (n->log.entries[i].type == CORE_MEMBERS && count < GROUP_PENDING_MAX)
            configurations[count++] =
                (struct core_configuration){.index = i, .members = *n->log.entries[i].members};
    }
    struct core_restored restored = {.term = n->disk_term,
                                     .vote = n->disk_vote,
                                     .terms = &terms,
                                     .commit = n->log.base,
                                     .configurations = configurations,
                                     .configurations_count = count};
    struct core_options options = {.id = n->id,
                                   .election_ms = GROUP_ELECTION_MS,
                                   .seed = rng_next(&g->rng),
                                   .ops = &ops,
                                   .arg = n};
#ifdef CORE_PLANTED
    options.planted = g->planted;
#endif
    say(g, "node %llu starts with %llu entries, term %llu", (ull)n->id, (ull)n->log.last,
        (ull)n->disk_term);
    n->core = core_new(&options, &restored, g->now_ms);
    terms_deinit(&terms);
}

struct group_node *group_add(struct group *g)
{
    assert(g->nodes_count < GROUP_NODES_MAX);
    struct group_node *n = &g->nodes[g->nodes_count++];
    n->group = g;
    n->id = g->nodes_count;
    log_init(&n->log);
    log_init(&n->disk);
    group_start(n);
    return n;
}

void group_init(struct group *g, uint32_t voters, uint64_t seed)
{
    memset(g, 0, sizeof(*g));
    rng_seed(&g->rng, seed);
    g->copy_max = COPY_MAX;
    g->messages = calloc(GROUP_MESSAGES_MAX, sizeof(*g->messages));
    struct members all = {.count = voters};
    for (uint32_t i = 0; i < voters; i++)
        all.list[i] = (struct member){.id = i + 1, .role = MEMBER_VOTER};
    for (uint32_t i = 0; i < voters; i++) {
        struct group_node *n = group_add(g);
        core_free(&n->core);
        n->disk.base_members = all;
        group_start(n);
    }
}

static void drop_writes(struct group_node *n)
{
    for (uint32_t i = 0; i < n->writes_count; i++)
        free(n->writes[i].entries);
    n->writes_count = 0;
}

static void message_free(struct group_message *m)
{
    free(m->entries);
    free(m->given);
    free(m->base);
}

void group_deinit(struct group *g)
{
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        core_free(&g->nodes[i].core);
        drop_writes(&g->nodes[i]);
        free(g->nodes[i].log.entries);
        free(g->nodes[i].disk.entries);
    }
    for (uint32_t i = 0; i < g->members_count; i++)
        free(g->members[i]);
    for (uint32_t i = 0; i < g->messages_count; i++)
        message_free(&g->messages[i]);
    free(g->messages);
}

void group_crash(struct group_node *n, bool keep_some)
{
    struct group *g = n->group;
    say(g, "node %llu crashes", (ull)n->id);
    uint64_t writes = keep_some ? rng_below(&g->rng, n->writes_count + 1) : 0;
    for (uint32_t i = 0; i < writes; i++) {
        struct group_write *w = &n->writes[i];
        uint64_t count = w->count;
        if (i + 1 == writes)
            count = rng_below(&g->rng, w->count + 1);
        log_write(&n->disk, w->index, (uint32_t)count, w->entries);
    }
    uint64_t saves = keep_some ? rng_below(&g->rng, n->saves_count + 1) : 0;
    if (saves) {
        n->disk_term = n->saves[saves - 1].term;
        n->disk_vote = n->saves[saves - 1].vote;
    }
    if (n->base_pending && keep_some && rng_below(&g->rng, 2))
        become_base(&n->disk, &n->base);
    drop_writes(n);
    n->saves_count = 0;
    n->base_pending = false;
    core_free(&n->core);
    n->committed = n->reads_count = 0;
}

struct group_node *group_leader(struct group *g)
{
    struct group_node *leader = NULL;
    for (uint32_t i = 0; i < g->nodes_count; i++) {
        struct group_node *n = &g->nodes[i];
        if (n->core && core_role(n->core) == CORE_LEADER &&
            (!leader || core_term(n->core) > core_term(leader->core)))
            leader = n;
    }
    return leader;
}

/* ---- what can happen ---- */

bool group_sync(struct group_node *n)
{
    if (!n->core || n->writes_count == 0)
        return false;
    struct group_write w = n->writes[0];
    memmove(n->writes, n->writes + 1, --n->writes_count * sizeof(w));
    log_write(&n->disk, w.index, w.count, w.entries);
    free(w.entries);
    core_written(n->core, w.ticket);
    serve_reads(n);
    return true;
}

bool group_save(struct group_node *n)
{
    if (!n->core || n->saves_count == 0)
        return false;
    struct group_save s = n->saves[0];
    memmove(n->saves, n->saves + 1, --n->saves_count * sizeof(s));
    n->disk_term = s.term;
    n->disk_vote = s.vote;
    core_saved(n->core, s.term, s.vote);
    return true;
}

bool group_base(struct group_node *n)
{
    if (!n->core || !n->base_pending)
        return false;
    say(n->group, "node %llu takes a base up to %llu", (ull)n->id, (ull)n->base.base);
    n->base_pending = false;
    drop_writes(n);
    become_base(&n->log, &n->base);
    become_base(&n->disk, &n->base);
    n->committed = n->base.base;
    core_snapshot_done(n->core, n->base.base, n->base.base_term, &n->base.base_members);
    return true;
}

static void remove_at(struct group *g, uint32_t at)
{
    memmove(g->messages + at, g->messages + at + 1,
            (--g->messages_count - at) * sizeof(*g->messages));
}

static void base_failed(struct group *g, const struct group_message *message)
{
    struct group_node *from = group_node(g, message->m.from);
    if (from->core)
        core_snapshot_failed(from->core, message->m.to);
}

static void take_base(struct group_node *n, const struct group_message *message)
{
    switch (core_snapshot_begin(n->core, message->base->base, message->base->base_term)) {
    case ERR_OK:
        n->base = *message->base;
        n->base_pending = true;
        n->base_due_ms = due(n->group, GROUP_WRITE);
        break;
    case ERR_BUSY: base_failed(n->group, message); break;
    default: break;
    }
}

void group_drop_at(struct group *g, uint32_t at)
{
    struct group_message dropped = g->messages[at];
    remove_at(g, at);
    if (dropped.base)
        base_failed(g, &dropped);
    message_free(&dropped);
}

void group_deliver_at(struct group *g, uint32_t at, bool keep)
{
    struct group_message message = g->messages[at];
    struct group_node *n = group_node(g, message.m.to);
    if (keep)
        g->messages[at].due_ms = due(g, GROUP_MESSAGE);
    else
        remove_at(g, at);
    if (message.base && n->core) {
        take_base(n, &message);
    } else if (message.base) {
        base_failed(g, &message);
    } else if (n->core) {
        message.m.entries = message.given;
        core_receive(n->core, &message.m, g->now_ms);
        serve_reads(n);
    }
    if (!keep)
        message_free(&message);
}

bool group_deliver(struct group *g, uint64_t from, uint64_t to, enum core_msg_type type)
{
    for (uint32_t i = 0; i < g->messages_count; i++) {
        const struct core_msg *m = &g->messages[i].m;
        if (m->from != from || m->to != to || m->type != type)
            continue;
        group_deliver_at(g, i, false);
        return true;
    }
    return false;
}

static void tick(struct group_node *n)
{
    if (n->core && n->paused_until_ms <= n->group->now_ms &&
        core_due_ms(n->core) <= n->group->now_ms)
        core_tick(n->core, n->group->now_ms);
}

void group_tick(struct group *g, int64_t ms)
{
    g->now_ms += ms;
    for (uint32_t i = 0; i < g->nodes_count; i++)
        tick(&g->nodes[i]);
}

void group_time_out(struct group_node *n)
{
    struct group *g = n->group;
    int64_t due_ms = core_due_ms(n->core);
    if (due_ms > g->now_ms)
        g->now_ms = due_ms;
    core_tick(n->core, g->now_ms);
}

uint64_t group_append(struct group_node *n)
{
    struct group_entry e = {.uid = ++n->group->uid};
    struct core_entry entry = {.type = CORE_EFFECTS, .body = &e};
    if (core_last(n->core) + 2 >= GROUP_ENTRIES_MAX || n->writes_count == GROUP_PENDING_MAX)
        return 0;
    /* A sole voter may commit it within the call. */
    bool first = n->appended_first == 0 && core_role(n->core) == CORE_LEADER;
    if (first)
        n->appended_first = core_last(n->core) + 1;
    uint64_t index = core_append(n->core, &entry);
    if (first && !index)
        n->appended_first = 0;
    return index;
}

void group_read(struct group_node *n)
{
    if (n->reads_count == GROUP_PENDING_MAX || core_role(n->core) != CORE_LEADER)
        return;
    uint64_t round = core_probe(n->core);
    n->reads[n->reads_count++] =
        (struct group_read){.round = round, .must = n->group->acknowledged};
    core_flush(n->core);
    serve_reads(n);
}

enum err group_change(struct group_node *n, const struct members *next)
{
    if (n->writes_count == GROUP_PENDING_MAX || core_last(n->core) + 2 >= GROUP_ENTRIES_MAX)
        return ERR_BUSY;
    return core_change(n->core, next);
}

void group_compact(struct group_node *n, uint64_t index)
{
    uint64_t term, disk_term;
    if (index > n->committed)
        index = n->committed;
    /* A base is of durable entries. */
    if (index <= n->log.base || !log_term(&n->log, index, &term) ||
        !log_term(&n->disk, index, &disk_term) || term != disk_term)
        return;
    for (uint32_t i = 0; i < n->writes_count; i++)
        if (n->writes[i].index <= index)
            return;
    log_compact(&n->log, index);
    log_compact(&n->disk, index);
    core_compacted(n->core, index);
}

void group_settle(struct group *g)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (uint32_t i = 0; i < g->nodes_count; i++) {
            while (group_save(&g->nodes[i]))
                moved = true;
            while (group_sync(&g->nodes[i]) || group_base(&g->nodes[i]))
                moved = true;
        }
        if (g->messages_count) {
            group_deliver_at(g, 0, false);
            moved = true;
        }
    }
}
