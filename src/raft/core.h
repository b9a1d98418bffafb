#pragma once
/* Raft's core (Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014; Ongaro's thesis for
 * pre-votes, changes of one member, transfers and read rounds): elections, the copying of the log, what is committed.
 * It is pure: clock, chance, disk and network are its caller's, who hands in what happened and carries out what `ops`
 * asks for. The core holds no bodies of entries; it knows the term of each, and configurations.
 *
 *   - Whatever shows a term or a vote leaves when core_saved says that both are durable.
 *   - A follower acknowledges, and a leader counts itself, up to where core_written says that entries are durable.
 *   - Only entries of the leader's own term are committed by counting.
 *   - A configuration is in force when it is appended. The next one waits until it is committed.
 *   - A node votes whatever its own role is, as its configuration may be older than the candidate's. It stands for
 *     election only as a voter.
 *
 * Nothing that a peer sends reaches an assertion. The ops are called within the input that causes them, and must not
 * call the core. Times are of a monotonic clock; none is compared with a peer's. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "raft/members.h"
#include "raft/terms.h"

enum core_role { CORE_FOLLOWER, CORE_PRECANDIDATE, CORE_CANDIDATE, CORE_LEADER };
enum core_entry_type { CORE_EFFECTS, CORE_NOOP, CORE_MEMBERS };

struct core_entry {
    uint64_t term; /* core_append sets it */
    enum core_entry_type type;
    const struct members *members; /* of CORE_MEMBERS; borrowed for the call */
    void *body;                    /* the caller's: handed through untouched */
};

enum core_msg_type {
    CORE_VOTE,        /* asks for a vote, or whether there would be one */
    CORE_VOTED,       /* answers it */
    CORE_APPEND,      /* the leader lives; entries, if any */
    CORE_APPENDED,    /* answers it, and again when more is durable */
    CORE_TIMEOUT_NOW, /* the leader hands over: stand for election at once */
    CORE_SNAPSHOT, /* the receiver needs entries that the leader has no more: the caller sends it a base */
};

struct core_msg {
    enum core_msg_type type;
    uint64_t from, to, term;
    /* VOTE: the last entry of the candidate. APPEND: the entry before the first one sent; 0 matches always. APPENDED,
     * not granted: that of the APPEND that it answers. SNAPSHOT: the entry that a base must reach at least. */
    uint64_t index, index_term;
    bool pre; /* VOTE, VOTED: nobody's term changes */
    /* VOTE: the leader wants it, so that hearing of a leader is no reason to refuse */
    bool transfer;
    bool granted;    /* VOTED; APPENDED: the entry at `index` is there */
    uint64_t commit; /* APPEND */
    uint64_t round;  /* APPEND: the newest; APPENDED: the newest seen in this term */
    /* APPENDED: up to here the receiver's log is the leader's, and durable; is the leader's, maybe not durable yet. */
    uint64_t match, accepted;
    uint64_t next; /* APPENDED, not granted: the leader sends from here on */
    /* APPEND: entries `index` + 1 and on. Where the core sends, it leaves `entries` NULL and the caller fills in, from
     * its log; a receiver's caller hands in what came, borrowed for the call. */
    uint32_t count;
    const struct core_entry *entries;
};

struct core_ops {
    /* Keep both on disk -> core_saved. */
    void (*save)(void *arg, uint64_t term, uint64_t vote);
    /* Forget the entries from `index` on, if there are any, and write these there -> core_written. Tickets count up by
     * one. `entries` are borrowed. */
    void (*write)(void *arg, uint64_t ticket, uint64_t index, uint32_t count,
                  const struct core_entry *entries);
    void (*send)(void *arg, const struct core_msg *m);
    /* How many entries from `index` on, `last` included at most, go into one message of about `bytes_max`: 1 or more.
     * 0: they have to be read first; core_fetched says when they are there. */
    uint32_t (*fetch)(void *arg, uint64_t index, uint64_t last, uint64_t bytes_max,
                      uint64_t *bytes);
    void (*role)(void *arg, enum core_role role, uint64_t term, uint64_t leader); /* 0: unknown */
    void (*commit)(void *arg, uint64_t index);                                    /* only forward */
};

struct core_options {
    uint64_t id;
    /* a follower waits so long for a leader, and at random up to twice as long */
    uint64_t election_ms;
    uint64_t flight_bytes_max;  /* sent to a peer and not acknowledged; 0: CORE_FLIGHT_BYTES_MAX */
    uint64_t seed;              /* of the random part */
    const struct core_ops *ops; /* outlives the core */
    void *arg;
#ifdef CORE_PLANTED
    int planted; /* enum core_planted: a fault that the tests must find */
#endif
};
#define CORE_FLIGHT_BYTES_MAX ((uint64_t)16 << 20)
#define CORE_FRAME_BYTES_MAX  ((uint64_t)256 << 10) /* of one APPEND; a longer entry goes alone */
#define CORE_FRAMES_MAX       64                    /* in flight to a peer */
#define CORE_HEARTBEATS       4                     /* within election_ms */

/* What a node knows when it starts. */
struct core_restored {
    uint64_t term, vote;
    const struct terms *terms; /* copied */
    uint64_t commit;           /* known to be committed: the base's index, or more */
    /* Configurations in force from their index on, ascending; the first one may be the base's. Copied. */
    struct core_configuration {
        uint64_t index;
        struct members members;
    } const *configurations;
    size_t configurations_count;
};

struct core *core_new(const struct core_options *o, const struct core_restored *r, int64_t now_ms);
void core_free(struct core **c);

/* What happened. */
void core_tick(struct core *c, int64_t now_ms); /* due at core_due_ms(c) */
int64_t core_due_ms(const struct core *c);
/* False: the message is not one that a right peer sends, or no node of the group did; nothing changed. */
bool core_receive(struct core *c, const struct core_msg *m, int64_t now_ms);
void core_heard(struct core *c, uint64_t peer,
                int64_t now_ms);                    /* a piece of a long frame: it lives */
void core_written(struct core *c, uint64_t ticket); /* that write and all before it are durable */
void core_saved(struct core *c, uint64_t term, uint64_t vote);
void core_fetched(struct core *c); /* what fetch had not: it is there */
/* A base is whole, and would take the place of the whole log. ERR_RANGE: the log holds its last entry, so that entries
 * behind it may be acknowledged already: throw it away. ERR_BUSY: another one is being put in place. Otherwise
 * nothing is taken from the leader until one of the next two is called. */
enum err core_snapshot_begin(struct core *c, uint64_t index, uint64_t term);
/* It is in place, and durable; of core_written, tickets given before mean nothing any more. */
void core_snapshot_done(struct core *c, uint64_t index, uint64_t term, const struct members *m);
void core_snapshot_refused(struct core *c); /* it could not be put in place: the log is as it was */
void core_snapshot_failed(struct core *c, uint64_t peer); /* the caller's sending; it is tried
                                                                * again */
/* The caller keeps no entry up to here any more; at most what is committed. */
void core_compacted(struct core *c, uint64_t index);

/* What the caller wants. */
/* Its index, which is core_last + 1; 0: this node does not lead, or hands over. Sent by core_flush. Not
 * CORE_MEMBERS. */
uint64_t core_append(struct core *c, struct core_entry *e);
/* Begins a round: whoever answers still takes this node for its leader. Its number; 0: does not lead. */
uint64_t core_probe(struct core *c);
void core_flush(struct core *c); /* sends what was appended and probed, in one message a peer */
/* Appends a configuration. ERR_BUSY: not the leader, not ready, the last one is not committed, or it hands over.
 * ERR_RANGE: more than one voter changes, this node would not vote, or those that answer would be no majority. */
enum err core_change(struct core *c, const struct members *next);
/* Hands over to a voter, within one election timeout, or goes on. ERR_BUSY, ERR_NOTFOUND. */
enum err core_transfer(struct core *c, uint64_t to);

/* What is known. */
enum core_role core_role(const struct core *c);
uint64_t core_term(const struct core *c);
uint64_t core_leader(const struct core *c); /* 0: unknown */
uint64_t core_last(const struct core *c);
uint64_t core_committed(const struct core *c);
bool core_ready(const struct core *c); /* leads, and an entry of its term is committed */
/* The newest round that a majority has answered in this term; 0 until core_ready. */
uint64_t core_confirmed(const struct core *c);
const struct terms *core_terms(const struct core *c);
const struct members *core_members(const struct core *c); /* in force, committed or not */
struct core_progress {
    uint64_t match, next;
    int64_t heard_ms; /* when it last answered */
    bool snapshot;    /* waits for a base */
};
bool core_progress(const struct core *c, uint64_t peer, struct core_progress *out); /* leader */
/* For tests: asserts what always holds. */
void core_validate(const struct core *c);
