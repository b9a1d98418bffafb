#pragma once
/* Sorted sets: members, each with a score, in the order of their scores, and of their bytes where scores are equal.
 * While there are few they are a pack in the key's item, from ZSET_PACK_MEMBERS_MAX on a counted B+tree (ds/btree.h),
 * with an index from the member to its score beside it. Ranks count from 0. */
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
/* False: it is no member. */
bool zset_score(const struct item *it, struct slice member, double *score);

/* A place in the order, between two members or at an end. */
enum zset_side {
    ZSET_BEFORE_SCORE, /* ahead of all that have the score */
    ZSET_BEFORE,       /* ahead of the member with this score */
    ZSET_AFTER,        /* behind it */
    ZSET_AFTER_SCORE,  /* behind all that have the score */
};
struct zset_place {
    double score;
    struct slice member;
    enum zset_side side;
};
/* How many members are ahead of the place. */
uint64_t zset_ahead(const struct item *it, const struct zset_place *p);

struct zset_element {
    struct slice member; /* borrowed until the item changes or the walk goes on */
    double score;
};
/* A member that is put together from pieces has at most so many bytes. */
#define ZSET_SCRATCH_BYTES 32
static_assert(ZSET_SCRATCH_BYTES >= NUM_I64_CHARS, "an integer is one");
/* A walk in order, or against it. Ends with the next change of the item. */
struct zset_walk {
    const struct item *item;
    bool reverse, in_pack;
    uint64_t left;
    /* in a pack */
    unsigned nth;
    uint16_t at[ZSET_PACK_MEMBERS_MAX];
    struct slice prefix;
    struct btree_cursor cursor;
    const char *entry;
    char scratch[ZSET_SCRATCH_BYTES];
};
/* Of `n` members at most, from the one with the rank `from` on; counted from the end when it is in reverse. */
void zset_walk_init(struct zset_walk *w, const struct item *it, uint64_t from, uint64_t n,
                    bool reverse);
/* False: that was all. */
bool zset_walk_next(struct zset_walk *w, struct zset_element *out);

/* Cursors of a scan, which goes on from a score: what the members with a score have, and the first rank that has it or
 * a higher one. A pack is one step: all of it has the same. */
uint64_t zset_scan_cursor(const struct item *it, double score);
uint64_t zset_scan_rank(const struct item *it, uint64_t cursor);

/* --- editing ---------------------------------------------------------------------------------------- */

/* What ZADD and its kin ask for, and what came of it. */
enum zset_flags {
    ZSET_NX = 1,
    ZSET_XX = 2,
    ZSET_GT = 4,
    ZSET_LT = 8,
    ZSET_INCR = 16,
    ZSET_KEEP_SIGN = 32, /* of a zero, which a small one has none of else */
};
enum zset_outcome {
    ZSET_ADDED,
    ZSET_UPDATED,
    ZSET_SAME,    /* it has that score already */
    ZSET_REFUSED, /* by a flag */
    ZSET_NAN,     /* infinities were added up to no number */
};
struct zset_add {
    unsigned flags;
    double
        score; /* or what to add to it; then the score that the member has, but where it was refused */
    double old; /* that it had */
    enum zset_outcome outcome;
};
/* ERR_NOMEM: unchanged. */
enum err zset_add(struct ks_edit *e, struct slice member, struct zset_add *add);
/* ERR_NOTFOUND: it is no member. ERR_NOMEM: unchanged. */
enum err zset_remove(struct ks_edit *e, struct slice member);
/* `n` > 0 members from the rank `from` on. */
enum err zset_remove_run(struct ks_edit *e, uint64_t from, uint64_t n);
/* Takes the member with the lowest score, or with the highest, out of one that has some. It is good until
 * zset_popped_end, which must be called. ERR_NOMEM: unchanged, and nothing is to be ended. */
struct zset_popped {
    struct zset_element element;
    char scratch[ZSET_SCRATCH_BYTES], bytes[BTREE_ENTRY_BYTES_MAX];
};
enum err zset_pop(struct ks_edit *e, bool last, struct zset_popped *out);
void zset_popped_end(struct zset_popped *p);
