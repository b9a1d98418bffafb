#pragma once
/* Inside store/: what the files of sorted sets share.
 *
 *   zset.c        reading
 *   zset_edit.c   adding and removing
 *   zset_pack.c   small ones: a pack in the item
 *   zset_tree.c   large ones: two B+trees
 *   zset_value.c  the row of the type
 *
 * An element, in a pack as in a tree, is its score (store/zset_score.h) and its member as an entry of ds/pack.h. In a
 * pack, what all members begin with stands once ahead of the elements, and their entries are what is behind it:
 *
 *   | length 1 | prefix | element | element | ...      and nothing at all where there are no members
 *
 * Members that lie in blobs are in trees only. */
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
/* < 0: the element is ahead of the place. 0: that is for the members to say. */
static inline int zset_compare_score(const char *element, const struct zset_place *p)
{
    double score = zscore_read(element);
    if (score != p->score)
        return score < p->score ? -1 : 1;
    if (p->side == ZSET_BEFORE_SCORE)
        return 1;
    return p->side == ZSET_AFTER_SCORE ? -1 : 0;
}
/* From the order of two members. 0: it is the member itself, of ZSET_BEFORE. */
static inline int zset_compare_members(int order, const struct zset_place *p)
{
    return order == 0 && p->side == ZSET_AFTER ? -1 : order;
}
/* The same of an element in a tree. */
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
/* NULL: it is no member. Counts them all. */
const char *zset_pack_find(const struct zset_pack *p, struct slice member, unsigned *count);
/* The element with this rank, or the end. */
const char *zset_pack_at(const struct zset_pack *p, uint64_t rank);
uint64_t zset_pack_ahead(const struct zset_pack *p, const struct zset_place *place);
/* ERR_FULL: it has no room. ERR_NOMEM. Both: unchanged. `count` are in it, and the member is none of them. */
enum err zset_pack_add(struct ks_edit *e, const struct zset_element *el, unsigned count);
/* An element gets another score. */
enum err zset_pack_move(struct ks_edit *e, const char *element, double score);
/* Those from one on up to another go. */
enum err zset_pack_erase(struct ks_edit *e, const char *from, const char *to);

/* --- trees ---------------------------------------------------------------------------------------------- */

/* A large one. Several items may hold it; who edits makes a copy, which shares the nodes of its trees. */
struct zset {
    uint32_t refs;
    const struct keyhash *hash; /* the keyspace's */
    struct btree order;         /* elements */
    /* For each element 32 bits of its member's hash, and its score. Who looks for a member finds scores that it may
     * have, and looks in the order whether it has: so the member itself is in memory once. An entry that nothing has
     * does no harm. */
    struct btree index;
    /* Elements of large runs that were removed: their entries in the index go bit by bit, with each later change. */
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
/* Another one of the same elements. */
struct zset *zset_tree_copy(const struct zset *from);
/* Frees some of it, as value_ops has it. */
bool zset_tree_free_some(struct zset *z, size_t *effort);
void zset_tree_free(struct zset *z);
size_t zset_tree_bytes(const struct zset *z);
bool zset_tree_score(const struct zset *z, struct slice member, double *score);
/* A member that was looked for, until either tree changes; a copy of the set will do for the edit. */
struct zset_found {
    struct slice member;
    uint32_t hash;
    bool is_there;
    bool first;   /* in the index, of those with its hash; or there is none with its hash */
    double score; /* where it is there */
    /* where it is; `index` is where it belongs, too, if it is first */
    struct btree_cursor index, order;
};
void zset_tree_find(const struct zset *z, struct slice member, struct zset_found *f);
/* How many have scores with a lower zscore_rank. */
uint64_t zset_tree_rank(const struct zset *z, uint64_t score_rank);
struct btree_key zset_tree_key(const struct zset_place *p);
/* ERR_NOMEM: unchanged. The member was looked for and is none yet; its entry is written, and with it goes the reference
 * of its blob. */
enum err zset_tree_add(struct zset *z, const struct zset_found *f, double score,
                       struct pack_entry *member);
/* A member that was found gets another score, or goes. ERR_NOMEM: unchanged. */
enum err zset_tree_move(struct zset *z, const struct zset_found *f, double to);
enum err zset_tree_remove(struct zset *z, const struct zset_found *f);
/* Takes the first or the last element out, which is in `to` then. ERR_NOMEM: unchanged. */
enum err zset_tree_pop(struct zset *z, bool last, char to[BTREE_ENTRY_BYTES_MAX]);
enum err zset_tree_remove_run(struct zset *z, uint64_t from, uint64_t n);
void zset_tree_validate(const struct zset *z);
