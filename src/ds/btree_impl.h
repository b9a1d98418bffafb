#pragma once
/* Inside the B+tree: its nodes, and what its files share.
 *
 *   btree.c       inserting and erasing one entry, sharing, freeing
 *   btree_cut.c   taking a run of entries out
 *   btree_read.c  searches and cursors
 *   btree_node.c  nodes: making, copying, joining
 *   btree_inner.c the children of inner nodes
 *   btree_leaf.c  the bytes of a leaf
 *   btree_check.c every invariant */
#include <assert.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "ds/btree.h"

/* Segments of a leaf, at most. */
#define BTREE_SEGMENTS_MAX 16

struct btree_node {
    uint32_t refs;
    uint8_t height;      /* above the leaves, which have 0 */
    uint8_t segments;    /* of a leaf */
    uint16_t count;      /* entries or children */
    uint16_t room;       /* of a leaf: bytes of its allocation; of an inner node: children */
    uint16_t begin, end; /* of a leaf: offsets of its entries */
    uint64_t outside;    /* of a leaf: bytes set aside for its blobs */
};

/* Segment i begins at offset at[i] and has n[i] > 0 entries. */
struct btree_leaf {
    struct btree_node node;
    uint16_t at[BTREE_SEGMENTS_MAX], n[BTREE_SEGMENTS_MAX];
    char entries[];
};
#define BTREE_LEAF_HEAD ((unsigned)sizeof(struct btree_leaf))

/* Behind an inner node's header lie its children, as five arrays of `room` elements each: features, heads, counts,
 * bytes, pointers.
 *
 * Between child i > 0 and the one ahead of it stands a separator: the feature and the string of an entry that is or was
 * the child's first. No entry below child i is ahead of it, none below child i - 1 is behind it. Of the strings all
 * separators share the first `skip` bytes, which are the prefix; heads[i] is the next eight, the first of them the
 * highest, with zeros behind a shorter string. Of child 0 both mean nothing. */
#define BTREE_PREFIX_BYTES_MAX 23
struct btree_inner {
    struct btree_node node;
    uint8_t skip;
    char prefix[BTREE_PREFIX_BYTES_MAX];
};
#define BTREE_CHILD_BYTES (4 * sizeof(uint64_t) + sizeof(struct btree_node *))
#define BTREE_CHILDREN_MAX \
    ((unsigned)((BTREE_NODE_BYTES_MAX - sizeof(struct btree_inner)) / BTREE_CHILD_BYTES))
static_assert(sizeof(struct btree_inner) % sizeof(uint64_t) == 0, "arrays are aligned");

static inline struct btree_leaf *btree_leaf(struct btree_node *n)
{
    return (struct btree_leaf *)n;
}
static inline const struct btree_leaf *btree_cleaf(const struct btree_node *n)
{
    return (const struct btree_leaf *)n;
}
/* Of its allocation, as it is asked for. */
static inline size_t btree_node_asked(const struct btree_node *n)
{
    return n->height == 0 ? n->room : sizeof(struct btree_inner) + n->room * BTREE_CHILD_BYTES;
}
/* As it is set aside; that of a leaf is asked for as such. */
static inline size_t btree_node_bytes(const struct btree_node *n)
{
    return n->height == 0 ? n->room : mem_good_size(btree_node_asked(n));
}
static inline struct btree_inner *btree_inner(const struct btree_node *n)
{
    return (struct btree_inner *)n;
}
static inline uint64_t *btree_features(const struct btree_node *n)
{
    return (uint64_t *)(btree_inner(n) + 1);
}
static inline uint64_t *btree_heads(const struct btree_node *n)
{
    return btree_features(n) + n->room;
}
static inline uint64_t *btree_counts(const struct btree_node *n)
{
    return btree_features(n) + 2 * (size_t)n->room;
}
static inline uint64_t *btree_sizes(const struct btree_node *n)
{
    return btree_features(n) + 3 * (size_t)n->room;
}
static inline struct btree_node **btree_children(const struct btree_node *n)
{
    return (struct btree_node **)(btree_features(n) + 4 * (size_t)n->room);
}

/* The bytes of a leaf's entries. */
static inline unsigned btree_used(const struct btree_node *n)
{
    return n->end - n->begin;
}
static inline struct slice btree_entries(const struct btree_node *n)
{
    return slice_of((const char *)n + n->begin, btree_used(n));
}
static inline unsigned btree_segment_end(const struct btree_leaf *l, unsigned s)
{
    return s + 1u < l->node.segments ? l->at[s + 1] : l->node.end;
}
static inline uint64_t btree_feature(const struct btree_ops *ops, const char *entry)
{
    return ops->feature ? ops->feature(entry) : 0;
}

/* A place between two entries of a leaf: ahead of the nth of a segment, or behind its last. */
struct btree_place {
    unsigned segment, nth, at;
};

/* --- a leaf ----------------------------------------------------------------------------------------- */

/* For `used` bytes of entries; no smaller than asked for by the size of its allocation. NULL: no memory. */
struct btree_node *btree_leaf_new(size_t used, size_t slack);
bool btree_leaf_has_room(const struct btree_node *n, size_t len);
/* The entry that is `nth` in the leaf, or its end. */
struct btree_place btree_leaf_at(const struct btree_ops *ops, const struct btree_node *n,
                                 unsigned nth);
/* The first entry that is not ahead of the key, or the leaf's end. */
struct btree_place btree_leaf_find(const struct btree_ops *ops, const struct btree_node *n,
                                   const void *key);
/* A search may end behind the last entry of a segment: makes that the first place of the next. */
static inline void btree_leaf_normal(const struct btree_node *n, struct btree_place *p)
{
    if (p->at < n->end && p->nth == btree_cleaf(n)->n[p->segment]) {
        p->segment++;
        p->nth = 0;
    }
}
unsigned btree_leaf_position(const struct btree_node *n, const struct btree_place *p);
/* Into a leaf that has room. */
void btree_leaf_put(const struct btree_ops *ops, struct btree_node *n, const struct btree_place *p,
                    struct slice entry);
/* The last entry of a leaf that has one, for who takes it away: those ahead of it are made quick to find. */
struct btree_place btree_leaf_last(const struct btree_ops *ops, struct btree_node *n);
/* An entry of `len` bytes goes; its references do not. */
void btree_leaf_take(struct btree_node *n, const struct btree_place *p, unsigned len);
/* Adds runs of entries behind those that there are; cuts the leaf into segments anew when told to. */
void btree_leaf_append(struct btree_node *n, struct slice run);
void btree_leaf_segment(const struct btree_ops *ops, struct btree_node *n);

/* --- nodes ------------------------------------------------------------------------------------------ */

void btree_node_free_shell(struct btree_node *n);
/* Drops a reference; where it was the last, frees a leaf with its references. An inner node must have no children. */
void btree_node_drop(const struct btree_ops *ops, struct btree_node *n);
/* What lies in *at is this tree's alone from now on: a copy where it was shared. False: no memory, nothing changed. */
bool btree_own_shared(const struct btree_ops *ops, struct btree_node **at);
static inline bool btree_own(const struct btree_ops *ops, struct btree_node **at)
{
    return (*at)->refs == 1 || btree_own_shared(ops, at);
}

bool btree_is_small(const struct btree_ops *ops, const struct btree_node *n);
/* Where child i is small: joins it with a neighbour, if both fit into one with room to spare, or moves it to a smaller
 * allocation; an empty one goes. False: nothing changed, for lack of memory, too. */
bool btree_mend(const struct btree_ops *ops, struct btree_node *parent, unsigned i);
/* The same for the root, whose sums are made anew. */
void btree_mend_root(struct btree *t);

/* --- inner nodes ------------------------------------------------------------------------------------ */

struct btree_node *btree_inner_new(unsigned height, unsigned children); /* NULL: no memory */
/* Sums over what is below a node. */
uint64_t btree_sum_count(const struct btree_node *n);
uint64_t btree_sum_bytes(const struct btree_node *n);
/* Child i is another, or changed: its count and bytes are summed up anew. */
void btree_inner_refresh(struct btree_node *n, unsigned i);
/* There is room. The separator is the child's first entry; what stands at 0 must stay the first. */
void btree_inner_put(const struct btree_ops *ops, struct btree_node *n, unsigned i,
                     struct btree_node *child);
void btree_inner_take(struct btree_node *n, unsigned i, unsigned how_many);
/* Adds children [first, first + how_many) of another behind those that there are; where there are some, separators are
 * to be made anew. */
void btree_inner_append(struct btree_node *n, const struct btree_node *from, unsigned first,
                        unsigned how_many);
/* Makes all separators anew, of the first entries as they are. */
void btree_inner_separate(const struct btree_ops *ops, struct btree_node *n);
/* How an entry, by its feature and string, stands to the separator of child i: < 0: the entry is ahead. */
int btree_inner_compare(const struct btree_node *n, unsigned i, uint64_t feature,
                        struct slice string);

/* The first entry below a node. */
static inline const char *btree_first_entry(const struct btree_node *n)
{
    while (n->height > 0)
        n = btree_children(n)[0];
    return (const char *)n + n->begin;
}
/* The child to look for the key below: the last whose first entry is ahead of it, or the first. */
unsigned btree_inner_find(const struct btree_ops *ops, const struct btree_node *n,
                          const struct btree_key *key);
/* The child that has the entry at *at < count, which becomes its position below the child; `count` are below all. */
static inline unsigned btree_inner_at(const struct btree_node *n, uint64_t count, uint64_t *at)
{
    const uint64_t *counts = btree_counts(n);
    unsigned i = 0;
    if (*at < count / 2) {
        for (; *at >= counts[i]; i++)
            *at -= counts[i];
        return i;
    }
    for (i = n->count - 1u; *at < (count -= counts[i]); i--)
        ;
    *at -= count;
    return i;
}
