#pragma once
/* Inside store/: what the files of sorted sets share.
 *
 *   zset.c        reading
 *   zset_edit.c   adding and removing
 *   zset_pack.c   small ones: a pack in the item
 *   zset_tree.c   large ones: two B+trees
 *   zset_value.c  the row of the type
 *
 * An element, in a pack as in a tree, is its score (store/zset_score.h) and its member as an entry of ds/pack.h. A pack
 * has a common prefix of all members once, ahead of the elements, whose entries hold the rest of each member:
 *
 *   | length 1 | prefix | element | element | ...      and nothing at all where there are no members
 *
 * Only trees have members in blobs. */
#include "base/keyhash.h"
#include "ds/btree.h"
#include "ds/pack.h"
#include "store/keyspace_impl.h"
#include "store/zset.h"
#include "store/zset_score.h"

#define ZSET_ELEMENT_BYTES_MAX (ZSCORE_BYTES_MAX + PACK_ENTRY_BYTES_MAX)

static inline const char *zset_member_at(const char *element)
{
    return element + zscore_bytes(element);
}
static inline size_t zset_element_bytes(const char *element)
{
    size_t score = zscore_bytes(element);
    return score + pack_bytes(element + score);
}
/* < 0: the element is ahead of the place by its score, > 0: behind it. 0: the members decide. */
static inline int zset_compare_score(const char *element, const struct zset_place *p)
{
    double score = zscore_read(element);
    if (score != p->score)
        return score < p->score ? -1 : 1;
    if (p->side == ZSET_BEFORE_SCORE)
        return 1;
    return p->side == ZSET_AFTER_SCORE ? -1 : 0;
}
/* The same for an element of equal score, from the order of its member and the place's. 0: the element of
 * ZSET_BEFORE. */
static inline int zset_compare_members(int order, const struct zset_place *p)
{
    return order == 0 && p->side == ZSET_AFTER ? -1 : order;
}
/* Both, for an element of a tree. */
static inline int zset_compare(const char *element, const struct zset_place *p)
{
    int order = zset_compare_score(element, p);
    return order ? order
                 : zset_compare_members(pack_compare(zset_member_at(element), p->member), p);
}

/* --- packs ---------------------------------------------------------------------------------------------- */

struct zset_pack {
    struct slice prefix;
    const char *begin, *end; /* of the elements */
};
struct zset_pack zset_pack_of(const struct item *it);
struct slice zset_pack_member(struct slice prefix, const char *element,
                              char scratch[ZSET_SCRATCH_BYTES]);
unsigned zset_pack_count(const struct zset_pack *p);
/* NULL: there is no such member. *count: the number of all members. */
const char *zset_pack_find(const struct zset_pack *p, struct slice member, unsigned *count);
/* The element with this rank, or the end. */
const char *zset_pack_at(const struct zset_pack *p, uint64_t rank);
uint64_t zset_pack_ahead(const struct zset_pack *p, const struct zset_place *place);
/* Adds a member that is not in the pack, which has `count` members. ERR_FULL: the pack has no room. ERR_NOMEM. Both:
 * unchanged. */
enum err zset_pack_add(struct ks_edit *e, const struct zset_element *el, unsigned count);
/* Gives an element another score. ERR_FULL, ERR_NOMEM: unchanged. */
enum err zset_pack_move(struct ks_edit *e, const char *element, double score);
/* Erases the elements from `from` up to `to`, which stays. ERR_NOMEM: unchanged. */
enum err zset_pack_erase(struct ks_edit *e, const char *from, const char *to);

/* --- trees ---------------------------------------------------------------------------------------------- */

/* A sorted set outside its item. Items may share it; an edit of a shared one works on a copy, which shares the nodes of
 * its trees. */
struct zset {
    uint32_t refs;
    const struct keyhash *hash; /* the keyspace's */
    struct btree order;         /* elements */
    /* An entry for each element: 32 bits of its member's hash, and its score. A look-up of a member tries the scores
     * that its hash has, in `order`; so each member is in memory once. Entries without an element do no harm. */
    struct btree index;
    /* Elements of large runs that were removed. Each later change removes a few of their entries from the index. */
    struct zset_gone *gone;
    uint64_t gone_bytes;
};
struct zset_gone {
    struct zset_gone *next;
    struct btree run;
};
static_assert(sizeof(struct zset) % 16 == 0, "one of the allocator's sizes: no need to ask for it");
static inline struct zset *zset_of(const struct item *it)
{
    return item_pointer(it);
}

struct zset *zset_tree_new(const struct keyhash *hash); /* NULL: no memory */
/* A copy that shares all nodes. NULL: no memory. */
struct zset *zset_tree_copy(const struct zset *from);
/* Frees a slice: see free_some of value_ops. */
bool zset_tree_free_some(struct zset *z, size_t *effort);
void zset_tree_free(struct zset *z);
size_t zset_tree_bytes(const struct zset *z);
bool zset_tree_score(const struct zset *z, struct slice member, double *score);
/* Where a member is or would be. Valid until either tree changes, for the set searched and for a copy of it. */
struct zset_found {
    struct slice member;
    uint32_t hash;
    bool is_there;
    bool first;   /* `index` is at the first entry with its hash, or at the place of one */
    double score; /* if it is there */
    /* At its entries if it is there. If `first` an entry may be inserted at `index`, too. */
    struct btree_cursor index, order;
};
void zset_tree_find(const struct zset *z, struct slice member, struct zset_found *f);
/* The number of members whose score has a lower zscore_rank. */
uint64_t zset_tree_rank(const struct zset *z, uint64_t score_rank);
struct btree_key zset_tree_key(const struct zset_place *p);
/* Adds a member that zset_tree_find has not found. Takes the reference to its blob on success. ERR_NOMEM: unchanged. */
enum err zset_tree_add(struct zset *z, const struct zset_found *f, double score,
                       struct pack_entry *member);
/* Give another score to a member that was found, or remove it. ERR_NOMEM: unchanged. */
enum err zset_tree_move(struct zset *z, const struct zset_found *f, double to);
enum err zset_tree_remove(struct zset *z, const struct zset_found *f);
/* Moves the first or the last element to `to`, with the reference to its blob. ERR_NOMEM: unchanged. */
enum err zset_tree_pop(struct zset *z, bool last, char to[BTREE_ENTRY_BYTES_MAX]);
enum err zset_tree_remove_run(struct zset *z, uint64_t from, uint64_t n);
void zset_tree_validate(const struct zset *z);
