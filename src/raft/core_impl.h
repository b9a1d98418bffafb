#pragma once
/* The core's fields, for core*.c alone. */
#include "raft/core.h"
#include "base/rng.h"

#ifdef CORE_PLANTED
/* Faults that the tests plant, one at a time, to see that they are found. */
enum core_planted {
    PLANTED_NONE,
    PLANTED_ACK_BEFORE_SYNC,
    PLANTED_LEADER_COUNTS_UNSYNCED,
    PLANTED_VOTE_BEFORE_SAVED,
    PLANTED_VOTE_TWICE,
    PLANTED_NO_UP_TO_DATE_CHECK,
    PLANTED_NO_MATCH_CHECK,
    PLANTED_COMMIT_OLD_TERM,
    PLANTED_SKIP_ROUND,
    PLANTED_SERVE_BEFORE_NOOP,
    PLANTED_CHANGE_BEFORE_NOOP,
    PLANTED_SAME_TERM,
    PLANTED_TICKET_BY_TERM,
    PLANTED_COUNT,
};
#define PLANTED(c, fault) ((c)->planted == PLANTED_##fault)
#else
#define PLANTED(c, fault) false
#endif

enum peer_mode {
    PEER_PROBE,    /* where its log parts from this one is unknown: one message at a time */
    PEER_COPY,     /* that is known: entries are sent ahead of answers */
    PEER_SNAPSHOT, /* it waits for a base: heartbeats only */
};
struct core_flight {
    uint64_t last, bytes; /* a frame's last entry */
};
struct core_peer {
    uint64_t id;
    bool voter;
    enum peer_mode mode;
    bool waiting; /* PEER_PROBE: a message is under way */
    uint64_t next, match;
    uint64_t wants;      /* PEER_SNAPSHOT: the entry that the base reaches */
    uint64_t round;      /* the newest that it answered */
    uint64_t round_sent; /* the newest that it was sent */
    int64_t heard_ms, sent_ms;
    bool granted;                               /* its vote, or pre-vote, of this election */
    struct core_flight flight[CORE_FRAMES_MAX]; /* a ring */
    uint32_t flight_first, flight_count;
    uint64_t flight_bytes;
};

struct core_write {
    uint64_t ticket, last; /* `last`: its last entry that no later write has cut */
#ifdef CORE_PLANTED
    uint64_t asked_last, asked_term;
#endif
};

struct core {
    struct core_options options;
    struct rng rng;
    int64_t now_ms;

    uint64_t term, vote;
    uint64_t asked_term, asked_vote; /* the newest that `save` was called with */
    uint64_t saved_term, saved_vote;
    enum core_role role;
    uint64_t leader;
    int64_t heard_ms;  /* from the leader; CORE_NEVER: not yet */
    int64_t due_ms;    /* the election timeout */
    bool by_transfer;  /* this election is wanted by the leader */
    bool granted_self; /* this node's own vote counts: it is saved */

    struct terms terms;
    uint64_t commit;
    uint64_t accepted; /* up to here the log is the same as this term's leader's */
    uint64_t durable;
    uint64_t ticket;           /* the newest */
    struct core_write *writes; /* without their core_written yet, ascending */
    uint32_t writes_count, writes_room;
    struct core_configuration *configurations; /* ascending; the last one is in force */
    uint32_t configurations_count, configurations_room;

    /* Messages that wait until term and vote are saved: the newest of each type for each receiver. */
    struct core_msg *held;
    uint32_t held_count, held_room;

    /* Follower. */
    bool installing;     /* a base is about to replace the log */
    uint64_t round_seen; /* in this term */

    /* Leader. */
    /* all members but this node; candidates count votes here */
    struct core_peer peers[MEMBERS_MAX];
    uint32_t peers_count;
    uint64_t first_of_term; /* the entry that it began with */
    uint64_t round;
    uint64_t transfer_to; /* 0: none */
    int64_t transfer_end_ms;
    bool transfer_sent;
#ifdef CORE_PLANTED
    int planted;
#endif
};
#define CORE_NEVER INT64_MIN

/* core_state.c */
bool core_is_saved(const struct core *c);
void core_release(struct core *c); /* sends held messages */
/* Adds `from` and, unless the message is about a pre-vote, `term`. */
void core_send(struct core *c, struct core_msg *m);
void core_become(struct core *c, enum core_role role); /* any role but follower */
void core_follow(struct core *c, uint64_t term, uint64_t leader);
void core_wait_election(struct core *c);
void core_end(struct core *c);                                        /* ends every input */
const struct core_configuration *core_in_force(const struct core *c); /* NULL: none yet */
bool core_votes(const struct core *c); /* this node, by the configuration in force */
uint64_t core_majority(const struct core *c, uint64_t (*of)(const struct core_peer *p),
                       uint64_t own);

/* core_log.c: entries, writes, configurations. */
void core_write(struct core *c, uint64_t index, uint32_t count, const struct core_entry *entries);
uint64_t core_append_any(struct core *c, struct core_entry *e);
bool core_log_written(struct core *c, uint64_t ticket); /* false: no write waits for it */
/* Makes a base the whole log. */
void core_log_replace(struct core *c, uint64_t index, uint64_t term, const struct members *m);
void core_commit_to(struct core *c, uint64_t index);
void core_rebuild_peers(struct core *c);

/* core_vote.c */
void core_vote_timeout(struct core *c);
void core_campaign(struct core *c);
bool core_on_vote(struct core *c, const struct core_msg *m);
bool core_on_voted(struct core *c, const struct core_msg *m);
void core_vote_saved(struct core *c);

/* core_copy.c */
void core_lead(struct core *c);
bool core_on_append(struct core *c, const struct core_msg *m);
bool core_on_appended(struct core *c, const struct core_msg *m);
void core_acknowledge(struct core *c);
void core_advance(struct core *c); /* leader: commits entries that a majority has */
void core_copy(struct core *c, struct core_peer *p, bool due);
void core_leader_tick(struct core *c);
