/* The log as the core sees it: terms, durability, configurations. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "raft/core_impl.h"

#define WRITES_ROOM_MIN         16
#define CONFIGURATIONS_ROOM_MIN 4

/* ---- configurations ---- */

static const struct core_peer *find(const struct core_peer *peers, uint32_t count, uint64_t id)
{
    for (uint32_t i = 0; i < count; i++)
        if (peers[i].id == id)
            return &peers[i];
    return NULL;
}

/* Peers that stay keep their progress. */
void core_rebuild_peers(struct core *c)
{
    struct core_peer before[MEMBERS_MAX];
    uint32_t before_count = c->peers_count;
    memcpy(before, c->peers, before_count * sizeof(*before));
    c->peers_count = 0;
    const struct core_configuration *f = core_in_force(c);
    for (uint32_t i = 0; f && i < f->members.count; i++) {
        const struct member *m = &f->members.list[i];
        if (m->id == c->options.id)
            continue;
        struct core_peer *p = &c->peers[c->peers_count++];
        const struct core_peer *was = find(before, before_count, m->id);
        if (was)
            *p = *was;
        else
            *p = (struct core_peer){.id = m->id,
                                    .next = c->terms.last + 1,
                                    .heard_ms = c->now_ms,
                                    .sent_ms = CORE_NEVER};
        p->voter = m->role == MEMBER_VOTER;
    }
}

static void configuration_add(struct core *c, uint64_t index, const struct members *m)
{
    if (c->configurations_count == c->configurations_room) {
        c->configurations_room =
            c->configurations_room ? 2 * c->configurations_room : CONFIGURATIONS_ROOM_MIN;
        c->configurations =
            mem_realloc(c->configurations, c->configurations_room * sizeof(*c->configurations));
    }
    c->configurations[c->configurations_count++] =
        (struct core_configuration){.index = index, .members = *m};
}

/* Drops configurations older than the one in force at the commit index: no cut can bring them back. */
static void configurations_forget(struct core *c)
{
    uint32_t old = 0;
    while (old + 1 < c->configurations_count && c->configurations[old + 1].index <= c->commit)
        old++;
    if (old == 0)
        return;
    c->configurations_count -= old;
    memmove(c->configurations, c->configurations + old,
            c->configurations_count * sizeof(*c->configurations));
}

/* ---- writes ---- */

/* Entries from `index` on are replaced, so that earlier writes make durable only entries ahead of it. */
static void overtake(struct core *c, uint64_t index)
{
    if (c->durable >= index)
        c->durable = index - 1;
    for (uint32_t i = 0; i < c->writes_count; i++)
        if (c->writes[i].last >= index)
            c->writes[i].last = index - 1;
}

static void remember_write(struct core *c, uint64_t last)
{
    if (c->writes_count == c->writes_room) {
        c->writes_room = c->writes_room ? 2 * c->writes_room : WRITES_ROOM_MIN;
        c->writes = mem_realloc(c->writes, c->writes_room * sizeof(*c->writes));
    }
    struct core_write *w = &c->writes[c->writes_count++];
    *w = (struct core_write){.ticket = ++c->ticket, .last = last};
#ifdef CORE_PLANTED
    w->asked_last = last;
    w->asked_term = terms_last_term(&c->terms);
#endif
}

/* The entries replace all from `index` on: in memory at once, on disk when core_written says so. */
void core_write(struct core *c, uint64_t index, uint32_t count, const struct core_entry *entries)
{
    assert(index > c->commit && index <= c->terms.last + 1 && count > 0);
    uint32_t configurations = c->configurations_count;
    if (index <= c->terms.last) {
        terms_cut(&c->terms, index);
        while (c->configurations_count && core_in_force(c)->index >= index)
            c->configurations_count--;
        overtake(c, index);
    }
    bool changed = configurations != c->configurations_count;
    for (uint32_t i = 0; i < count; i++) {
        terms_append(&c->terms, entries[i].term, 1);
        if (entries[i].type == CORE_MEMBERS) {
            configuration_add(c, index + i, entries[i].members);
            changed = true;
        }
    }
    remember_write(c, c->terms.last);
    if (changed)
        core_rebuild_peers(c);
    c->options.ops->write(c->options.arg, c->ticket, index, count, entries);
}

uint64_t core_append_any(struct core *c, struct core_entry *e)
{
    e->term = c->term;
    core_write(c, c->terms.last + 1, 1, e);
    return c->terms.last;
}

static void count_durable(struct core *c, const struct core_write *w)
{
    uint64_t last = w->last;
#ifdef CORE_PLANTED
    uint64_t term;
    if (PLANTED(c, TICKET_BY_TERM) && terms_at(&c->terms, w->asked_last, &term) &&
        term == w->asked_term)
        last = w->asked_last;
#endif
    if (last > c->durable)
        c->durable = last;
}

bool core_log_written(struct core *c, uint64_t ticket)
{
    uint32_t done = 0;
    while (done < c->writes_count && c->writes[done].ticket <= ticket)
        count_durable(c, &c->writes[done++]);
    if (done == 0)
        return false;
    c->writes_count -= done;
    memmove(c->writes, c->writes + done, c->writes_count * sizeof(*c->writes));
    return true;
}

/* ---- commitment ---- */

void core_commit_to(struct core *c, uint64_t index)
{
    assert(index <= c->terms.last);
    if (index <= c->commit)
        return;
    c->commit = index;
    configurations_forget(c);
    c->options.ops->commit(c->options.arg, index);
}

void core_log_replace(struct core *c, uint64_t index, uint64_t term, const struct members *m)
{
    terms_deinit(&c->terms);
    terms_init(&c->terms, index, term);
    c->writes_count = 0;
    c->durable = c->accepted = c->commit = index;
    c->configurations_count = 0;
    configuration_add(c, index, m);
    core_rebuild_peers(c);
}
