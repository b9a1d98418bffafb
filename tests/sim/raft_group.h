#pragma once
/* A group of Raft cores with disks and a network of the tests' own, on virtual time. Nothing happens by itself: whoever
 * drives it delivers messages, syncs disks, moves the clock, crashes nodes. What must always hold is judged as it
 * happens, and the first thing that does not is kept:
 *
 *   - one leader a term; of one index and term one entry;
 *   - what is committed is on the disks of a majority, never changes, and is in the log of every leader of a later
 *     term;
 *   - a message leaves when the term and vote that it shows are saved, and acknowledges what is on its sender's disk;
 *   - a read sees what was acknowledged before it began. */
#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "raft/core.h"

#define GROUP_NODES_MAX     12 /* those that were removed count, too */
#define GROUP_ENTRIES_MAX   4096
#define GROUP_MESSAGES_MAX  1024
#define GROUP_MEMBERS_MAX   256
#define GROUP_FAILURE_CHARS 256
#define GROUP_ELECTION_MS   400

struct group_entry {
    uint64_t term, uid; /* uid: no two entries have the same */
    enum core_entry_type type;
    const struct members *members; /* of CORE_MEMBERS: one of the group's */
};
struct group_log {
    uint64_t base, base_term, last;
    struct members base_members; /* in force at the base */
    struct group_entry *entries; /* entries[i] is that of index i; of GROUP_ENTRIES_MAX */
};
struct group_write {
    uint64_t ticket, index;
    uint32_t count;
    struct group_entry *entries;
    int64_t due_ms;
};
struct group_save {
    uint64_t term, vote;
    int64_t due_ms;
};
struct group_message {
    struct core_msg m;
    struct group_entry *entries; /* of an APPEND */
    struct core_entry *given;    /* the same, as the core takes them */
    struct group_log *base; /* of a SNAPSHOT: it brings a base, without entries; otherwise NULL */
    int64_t due_ms;
};
#define GROUP_PENDING_MAX 512
struct group_read {
    uint64_t round, must; /* the newest acknowledged when it began */
};

struct group_node {
    struct group *group;
    uint64_t id;
    struct core *core; /* NULL: down */
    bool removed;      /* out of the group for good */
    int64_t paused_until_ms;
    uint64_t session;      /* of the core: counts its starts */
    struct group_log log;  /* as the core has it */
    struct group_log disk; /* what a crash leaves */
    uint64_t disk_term, disk_vote;
    struct group_write writes[GROUP_PENDING_MAX];
    uint32_t writes_count;
    struct group_save saves[GROUP_PENDING_MAX];
    uint32_t saves_count;
    struct group_log base; /* that is being put in place, from base_due_ms on instead of the log */
    bool base_pending;
    int64_t base_due_ms;
    uint64_t committed; /* the core said so since its start */
    struct group_read reads[GROUP_PENDING_MAX];
    uint32_t reads_count;
    uint64_t appended_first; /* by clients, in this term of its lead; 0: none */
};

struct group_commit {
    uint64_t term, uid, in_term;
};

enum group_delay { GROUP_MESSAGE, GROUP_WRITE, GROUP_SAVE };
struct group {
    struct rng rng;
    int64_t now_ms;
    int planted;
    uint64_t uid;
    uint64_t acknowledged; /* to clients: every entry up to here */
    uint64_t reads_served;
    struct group_node nodes[GROUP_NODES_MAX];
    uint32_t nodes_count;
    struct group_message *messages;
    uint32_t messages_count;
    uint64_t leaders[GROUP_ENTRIES_MAX]; /* of a term */
    struct group_commit commits[GROUP_ENTRIES_MAX];
    uint64_t commits_count; /* indexes up to here */
    /* Every configuration that was ever appended. */
    struct members *members[GROUP_MEMBERS_MAX];
    uint32_t members_count;
    bool cut[GROUP_NODES_MAX][GROUP_NODES_MAX]; /* from, to: what is sent is lost */
    /* When a message, a write and a save are due, from now; NULL: never, a script says when. */
    int64_t (*delay)(struct group *g, enum group_delay what);
    uint32_t copy_max;                 /* entries in one message */
    bool log;                          /* to stdout */
    char failure[GROUP_FAILURE_CHARS]; /* "": none */
};

/* Nodes 1 to `voters`, all up, without a leader. */
void group_init(struct group *g, uint32_t voters, uint64_t seed);
void group_deinit(struct group *g);
struct group_node *group_node(struct group *g, uint64_t id); /* ids count from 1 */
struct group_node *group_add(struct group *g);               /* up, empty, in no configuration */
struct group_node *
group_leader(struct group *g); /* the one of the newest term that leads; NULL: none */

/* What can happen. */
void group_crash(struct group_node *n,
                 bool keep_some); /* keep_some: a part of what was not synced stays, by chance */
void group_start(struct group_node *n);
bool group_sync(struct group_node *n); /* its oldest write; false: none is under way */
bool group_save(struct group_node *n); /* its oldest save */
bool group_base(struct group_node *n); /* the base that it is putting in place */
void group_deliver_at(struct group *g, uint32_t at,
                      bool keep); /* keep: it comes once more, later */
void group_drop_at(struct group *g, uint32_t at);
/* The oldest message of the type between two nodes; false: there is none. */
bool group_deliver(struct group *g, uint64_t from, uint64_t to, enum core_msg_type type);
void group_tick(struct group *g,
                int64_t ms); /* moves the clock, and tells the nodes that are due */
void group_time_out(
    struct group_node
        *n); /* moves the clock to where this node stands for election; tells it alone */
uint64_t group_append(struct group_node *n); /* an entry of a client; its index, 0: refused */
void group_read(struct group_node *n);       /* a read of a client */
enum err group_change(struct group_node *n, const struct members *next);
void group_compact(struct group_node *n,
                   uint64_t index); /* as far as that is committed and on its disk */
void group_check(struct group *g);  /* all that can be judged at any moment */
void group_fail(struct group *g, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* the first one counts */
/* Everything that is under way happens, in order, until nothing is: messages, writes, saves. */
void group_settle(struct group *g);
