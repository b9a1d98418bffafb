#pragma once
/* Raft's core (Ongaro and Ousterhout, "In search of an understandable consensus algorithm", 2014; Ongaro's thesis for
 * pre-votes, changes of one member, transfers and read rounds): elections, the copying of the log, commitment. The core
 * is pure: its caller owns clock, random seed, disk and network, hands in each event, and carries out the calls of
 * `ops`. The core holds no bodies of entries; it knows the term of each, and configurations.
 *
 *   - A message that shows a term or a vote leaves when core_saved says that both are durable.
 *   - A follower acknowledges, and a leader counts for itself, only entries that core_written says are durable.
 *   - Only entries of the leader's own term are committed by counting.
 *   - A configuration is in force when it is appended. The next one waits until it is committed.
 *   - A node votes even where its configuration makes it no voter, as that may be older than the candidate's. It stands
 *     for election only as a voter.
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
    CORE_VOTED,       /* answers CORE_VOTE */
    CORE_APPEND,      /* the leader lives; entries, if any */
    CORE_APPENDED,    /* answers CORE_APPEND, and again when more is durable */
    CORE_TIMEOUT_NOW, /* the leader hands over: stand for election at once */
    /* the receiver needs entries that the leader has dropped: the caller sends it a base */
    CORE_SNAPSHOT,
};

struct core_msg {
    enum core_msg_type type;
    uint64_t from, to, term;
    /* VOTE: the last entry of the candidate. APPEND: the entry before the first one sent; 0 matches always. APPENDED,
     * not granted: the index of the APPEND that it answers. SNAPSHOT: the entry that a base must at least reach. */
    uint64_t index, index_term;
    bool pre; /* VOTE, VOTED: a pre-vote, which changes nobody's term */
    /* VOTE: the leader has handed over, so that hearing from it is no reason to refuse */
    bool transfer;
    bool granted;    /* VOTED; APPENDED: the log matches the leader's */
    uint64_t commit; /* APPEND */
    uint64_t round;  /* APPEND: the newest; APPENDED: the newest seen in this term */
    /* APPENDED: the receiver's log is the leader's up to `accepted`, and durable up to `match`. */
    uint64_t match, accepted;
    uint64_t next; /* APPENDED, not granted: the leader sends from here on */
    /* APPEND: entries `index` + 1 and on. When it sends, the core leaves `entries` NULL, and the caller adds them from
     * its log. When it receives, they are borrowed for the call. */
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
    /* How many entries, from `index` to at most `last`, go into one message of about `bytes_max`: 1 or more, of *bytes.
     * 0: they must be read first; the caller calls core_fetched when they are there. */
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

/* The state that a node starts from. */
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

/* Events. */
void core_tick(struct core *c, int64_t now_ms); /* due at core_due_ms(c) */
int64_t core_due_ms(const struct core *c);
/* False: no correct peer sends this message. No entry of it is taken, but its term may have been followed. */
bool core_receive(struct core *c, const struct core_msg *m, int64_t now_ms);
/* A piece of a long frame has come: the peer lives. */
void core_heard(struct core *c, uint64_t peer, int64_t now_ms);
void core_written(struct core *c, uint64_t ticket); /* that write and all before it are durable */
void core_saved(struct core *c, uint64_t term, uint64_t vote);
void core_fetched(struct core *c); /* entries for which fetch gave 0 are there */
/* A base has come whole, and would replace the whole log. ERR_RANGE: the log holds the base's last entry, and entries
 * behind it may be acknowledged already: throw the base away. ERR_BUSY: another base is being put in place, or this
 * node leads. ERR_OK: put it in place, then call one of the next two; until then no entry is taken from the leader. */
enum err core_snapshot_begin(struct core *c, uint64_t index, uint64_t term);
/* The base is in place, and durable. Tickets given before are void: core_written ignores them. */
void core_snapshot_done(struct core *c, uint64_t index, uint64_t term, const struct members *m);
void core_snapshot_refused(struct core *c); /* it is not put in place: the log is as it was */
/* The caller could not send a base to the peer; the core asks for one again. */
void core_snapshot_failed(struct core *c, uint64_t peer);
/* The caller has dropped the entries up to `index`, which are committed. */
void core_compacted(struct core *c, uint64_t index);

/* Requests. */
/* Appends an entry other than CORE_MEMBERS; core_flush sends it. Returns its index, the new core_last; 0: this node
 * does not lead, or hands over. */
uint64_t core_append(struct core *c, struct core_entry *e);
/* Begins a round: a peer that answers it still follows this node. Returns its number; 0: this node does not lead. */
uint64_t core_probe(struct core *c);
void core_flush(struct core *c); /* sends appended entries and the newest round */
/* Appends a configuration. ERR_BUSY: this node is not ready (core_ready) or hands over, or the last configuration is
 * not committed. ERR_RANGE: `next` is invalid, more than one voter changes, this node would not vote, or the voters
 * that answer would be no majority. */
enum err core_change(struct core *c, const struct members *next);
/* Hands over to a voter within one election timeout, or leads on. ERR_BUSY: this node is not ready, or hands over
 * already. ERR_NOTFOUND: `to` is no other voter. */
enum err core_transfer(struct core *c, uint64_t to);

/* State. */
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
/* False: this node does not lead, or has no such peer. */
bool core_progress(const struct core *c, uint64_t peer, struct core_progress *out);
/* For tests: asserts the invariants. */
void core_validate(const struct core *c);
