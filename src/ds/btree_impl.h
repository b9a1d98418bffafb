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
 * A separator stands ahead of each child i > 0: the feature and the string of an entry that is or was the first of that
 * child. No entry below child i is ahead of the separator, no entry below child i - 1 is behind it. The strings of all
 * separators begin with the same `skip` bytes, the prefix; heads[i] is the next eight bytes as a big-endian number,
 * with zeros behind a shorter string. Feature and head of child 0 are undefined. */
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
/* Bytes of the node's allocation, as asked for. */
static inline size_t btree_node_asked(const struct btree_node *n)
{
    return n->height == 0 ? n->room : sizeof(struct btree_inner) + n->room * BTREE_CHILD_BYTES;
}
/* Bytes set aside for the node; a leaf asks for exactly those. */
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

/* A leaf with room for `used` bytes of entries, and for `slack` more as far as a node may have them. The room is
 * rounded up to a size of the allocator. NULL: no memory. */
struct btree_node *btree_leaf_new(size_t used, size_t slack);
bool btree_leaf_has_room(const struct btree_node *n, size_t len);
/* The place of the nth entry of the leaf, or the leaf's end. */
struct btree_place btree_leaf_at(const struct btree_ops *ops, const struct btree_node *n,
                                 unsigned nth);
/* The first entry that is not ahead of the key, or the leaf's end. */
struct btree_place btree_leaf_find(const struct btree_ops *ops, const struct btree_node *n,
                                   const void *key);
/* A search may end behind the last entry of a segment: makes that place the first one of the next segment. */
static inline void btree_leaf_normal(const struct btree_node *n, struct btree_place *p)
{
    if (p->at < n->end && p->nth == btree_cleaf(n)->n[p->segment]) {
        p->segment++;
        p->nth = 0;
    }
}
/* The number of entries ahead of the place in the leaf. */
unsigned btree_leaf_position(const struct btree_node *n, const struct btree_place *p);
/* Inserts an entry into a leaf that has room for it. */
void btree_leaf_put(const struct btree_ops *ops, struct btree_node *n, const struct btree_place *p,
                    struct slice entry);
/* The last entry of a leaf that is not empty, for a pop. May cut the last segment, to make later pops quick. */
struct btree_place btree_leaf_last(const struct btree_ops *ops, struct btree_node *n);
/* Removes an entry of `len` bytes; its references stay with the caller. */
void btree_leaf_take(struct btree_node *n, const struct btree_place *p, unsigned len);
/* Adds a run of entries at the end of a leaf. btree_leaf_segment must follow, which counts and segments the entries. */
void btree_leaf_append(struct btree_node *n, struct slice run);
void btree_leaf_segment(const struct btree_ops *ops, struct btree_node *n);

/* --- nodes ------------------------------------------------------------------------------------------ */

/* Frees a node, but drops no reference that it has. */
void btree_node_free_shell(struct btree_node *n);
/* Drops a reference to a node. The last one frees it, a leaf with the references of its entries. An inner node must
 * have no children then. */
void btree_node_drop(const struct btree_ops *ops, struct btree_node *n);
/* Makes the node at *at the tree's own: a shared one is replaced by a copy. False: no memory, nothing changed. */
bool btree_own_shared(const struct btree_ops *ops, struct btree_node **at);
static inline bool btree_own(const struct btree_ops *ops, struct btree_node **at)
{
    return (*at)->refs == 1 || btree_own_shared(ops, at);
}

bool btree_is_small(const struct btree_ops *ops, const struct btree_node *n);
/* Tidies child i: an empty one is removed; a small one is joined with a neighbour when both fit into one node with room
 * to spare, else moved to a smaller allocation. False: nothing changed, perhaps for lack of memory. */
bool btree_mend(const struct btree_ops *ops, struct btree_node *parent, unsigned i);
/* Removes an empty root and roots of one child, and sums up the tree anew. */
void btree_mend_root(struct btree *t);

/* --- inner nodes ------------------------------------------------------------------------------------ */

struct btree_node *btree_inner_new(unsigned height, unsigned children); /* NULL: no memory */
/* The number of entries below a node, and the bytes set aside for it and all below it. */
uint64_t btree_sum_count(const struct btree_node *n);
uint64_t btree_sum_bytes(const struct btree_node *n);
/* Sums up count and bytes of child i anew, when it was changed or replaced. */
void btree_inner_refresh(struct btree_node *n, unsigned i);
/* Inserts a child into a node that has room, with its first entry as the separator. Child 0 must stay the first. */
void btree_inner_put(const struct btree_ops *ops, struct btree_node *n, unsigned i,
                     struct btree_node *child);
void btree_inner_take(struct btree_node *n, unsigned i, unsigned how_many);
/* Appends children [first, first + how_many) of another node. A node that had children needs btree_inner_separate
 * afterwards. */
void btree_inner_append(struct btree_node *n, const struct btree_node *from, unsigned first,
                        unsigned how_many);
/* Makes all separators anew, from the first entry of each child. */
void btree_inner_separate(const struct btree_ops *ops, struct btree_node *n);
/* The order of an entry, by its feature and string, and the separator of child i. < 0: the entry is ahead. */
int btree_inner_compare(const struct btree_node *n, unsigned i, uint64_t feature,
                        struct slice string);

/* The first entry below a node. */
static inline const char *btree_first_entry(const struct btree_node *n)
{
    while (n->height > 0)
        n = btree_children(n)[0];
    return (const char *)n + n->begin;
}
/* The child below which to look for the key: the last child whose first entry is ahead of the key, or child 0. */
unsigned btree_inner_find(const struct btree_ops *ops, const struct btree_node *n,
                          const struct btree_key *key);
/* The child that has the entry at position *at < count, which becomes the position below the child. `count` is the
 * number of entries below the node. */
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
