#pragma once
/* Sorted sets: members with a score each, ordered by score, then by the member's bytes. A small sorted set is a pack in
 * its item, of up to ZSET_PACK_MEMBERS_MAX members and ZSET_PACK_BYTES_MAX bytes; a larger one is a counted B+tree
 * (ds/btree.h) with an index from members to scores beside it. Ranks count from 0. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/num.h"
#include "base/slice.h"
#include "ds/btree.h"
#include "store/edit.h"
#include "store/item.h"

#define ZSET_PACK_MEMBERS_MAX 128
#define ZSET_PACK_BYTES_MAX   2048

/* --- reading ---------------------------------------------------------------------------------------- */

uint64_t zset_count(const struct item *it);
/* False: there is no such member, and *score is undefined. */
bool zset_score(const struct item *it, struct slice member, double *score);

/* A place in the order, between two members or at an end. */
enum zset_side {
    ZSET_BEFORE_SCORE, /* ahead of all members with the score */
    ZSET_BEFORE,       /* ahead of this member with the score */
    ZSET_AFTER,        /* behind this member with the score */
    ZSET_AFTER_SCORE,  /* behind all members with the score */
};
struct zset_place {
    double score;
    struct slice member;
    enum zset_side side;
};
/* The number of members ahead of the place. */
uint64_t zset_ahead(const struct item *it, const struct zset_place *p);

struct zset_element {
    struct slice member; /* borrowed until the item changes or the walk goes on */
    double score;
};
/* Bytes of a member that is put together from a prefix and a rest. */
#define ZSET_SCRATCH_BYTES 32
static_assert(ZSET_SCRATCH_BYTES >= NUM_I64_CHARS, "an integer is one");
/* A walk in order or in reverse, valid until the item changes. */
struct zset_walk {
    const struct item *item;
    bool reverse, in_pack;
    uint64_t left;
    /* of a pack: the next element, and the offsets of all */
    unsigned nth;
    uint16_t at[ZSET_PACK_MEMBERS_MAX];
    struct slice prefix;
    /* of a tree */
    struct btree_cursor cursor;
    const char *entry;
    char scratch[ZSET_SCRATCH_BYTES];
};
/* Walks over at most `n` members, from rank `from` on; in reverse, ranks count from the end. */
void zset_walk_init(struct zset_walk *w, const struct item *it, uint64_t from, uint64_t n,
                    bool reverse);
/* False: the walk is over. */
bool zset_walk_next(struct zset_walk *w, struct zset_element *out);

/* Cursors of ZSCAN are coarse scores: the cursor at which members with a score are given, and the rank of the first
 * member whose cursor is this one or higher. All members of a pack have cursor 0, so a pack is given in one step. */
uint64_t zset_scan_cursor(const struct item *it, double score);
uint64_t zset_scan_rank(const struct item *it, uint64_t cursor);

/* --- editing ---------------------------------------------------------------------------------------- */

/* Options of ZADD and of commands like it, and the outcome. */
enum zset_flags {
    ZSET_NX = 1,
    ZSET_XX = 2,
    ZSET_GT = 4,
    ZSET_LT = 8,
    ZSET_INCR = 16,
    ZSET_KEEP_SIGN = 32, /* keep -0, which a small sorted set stores as 0 otherwise */
};
enum zset_outcome {
    ZSET_ADDED,
    ZSET_UPDATED,
    ZSET_SAME,    /* the member has that score already */
    ZSET_REFUSED, /* by a flag */
    ZSET_NAN,     /* opposite infinities were added */
};
struct zset_add {
    unsigned flags;
    /* The score, or the increment with ZSET_INCR; afterwards the member's score, unless refused or not a number. */
    double score;
    double old; /* the score before; 0: the member is new */
    enum zset_outcome outcome;
};
/* ERR_NOMEM: unchanged. */
enum err zset_add(struct ks_edit *e, struct slice member, struct zset_add *add);
/* ERR_NOTFOUND: there is no such member. ERR_NOMEM: unchanged. */
enum err zset_remove(struct ks_edit *e, struct slice member);
/* Removes the `n` > 0 members from rank `from` on. ERR_NOMEM: unchanged. */
enum err zset_remove_run(struct ks_edit *e, uint64_t from, uint64_t n);
/* Takes the first or the last member out of a sorted set that is not empty. The element is valid until zset_popped_end,
 * which must be called on success. ERR_NOMEM: unchanged. */
struct zset_popped {
    struct zset_element element;
    char scratch[ZSET_SCRATCH_BYTES], bytes[BTREE_ENTRY_BYTES_MAX];
};
enum err zset_pop(struct ks_edit *e, bool last, struct zset_popped *out);
void zset_popped_end(struct zset_popped *p);
