#pragma once
/* Inside the tree by hash: its nodes, and what its files share.
 *
 *   hashtree.c        a tree: life, figures, look-up
 *   hashtree_node.c   a node: made, copied, freed; a leaf's entries
 *   hashtree_edit.c   a tree changed: entries come and go, nodes split and merge
 *   hashtree_note.c   changes noted
 *   hashtree_keep.c   changes taken back
 *   hashtree_walk.c   many entries: by number, in order, by cursor, those that are due; checks */
#include <assert.h>
#include <string.h>

#include "base/keyhash.h"
#include "base/slab.h"
#include "ds/hashtree.h"

/* A leaf is split when it would grow beyond HASHTREE_LEAF_BYTES; with few entries, beyond a whole node. */
#define HASHTREE_LEAF_BYTES       1024
#define HASHTREE_LEAF_ENTRIES_MIN 8
#define HASHTREE_LEAF_ENTRIES_MAX 256
/* Two leaves merge that fill half of one. */
#define HASHTREE_MERGE_BYTES (HASHTREE_LEAF_BYTES / 2)
/* What a leaf gets beyond its need when it grows: a fraction. */
#define HASHTREE_SPARE_SHIFT 3
/* A leaf of entries that no bit tells apart. */
#define HASHTREE_SAME_BYTES_MAX (16 * 1024)

enum hashtree_kind { HASHTREE_LEAF, HASHTREE_INNER };

struct hashtree_node {
    uint32_t refs; /* trees and inner nodes of several trees that have it */
    uint8_t kind;  /* enum hashtree_kind */
    uint8_t depth; /* bits of the hash that lead to it */
    /* Of an inner node, 1..HASHTREE_FAN_BITS: it has 2^bits slots; of a leaf HASHTREE_LEAF_SAVED or 0. */
    uint8_t bits;
    bool has_blobs; /* a leaf has, or had, entries in blobs */
    int64_t due_ms; /* no entry below has a deadline before */
};

/*  0      16      18     20     22     24         24 + room        24 + 3 * room
 *  +------+-------+------+------+------+----------+----------------+---------- - - ----+
 *  | node | count | room | used | size | tag[room] | offset[room]  | size bytes: entries |
 *  +------+-------+------+------+------+----------+----------------+---------- - - ----+
 *
 *  room    even; the first `count` tags and offsets are of entries
 *  used    bytes of the entries, which leave no gaps
 *  tag     the last 8 bits of the hash
 *  offset  of the entry; its highest bit says that a deadline stands ahead of the string */
struct hashtree_leaf {
    struct hashtree_node node;
    uint16_t count, room;
    uint16_t used, size;
    uint8_t tags[];
};
#define HASHTREE_HAS_DUE   0x8000u
#define HASHTREE_DUE_BYTES sizeof(int64_t)
static_assert(sizeof(struct hashtree_leaf) == 24, "the tags stand behind 24 bytes");

/* While the tree is kept: there is a copy of what the leaf, or the one that it was split from, held. */
#define HASHTREE_LEAF_SAVED 1

/* Tags are compared 16 at a time, and what is behind them is read, too. */
#define HASHTREE_TAGS_READ      16
#define HASHTREE_LEAF_BYTES_MIN 64

/* A child of fewer bits than the slots have stands in each slot of a run; counts[] has the entries below it at the
 * first slot of the run, and 0 at the others. */
struct hashtree_inner {
    struct hashtree_node node;
    struct hashtree_node *slots[]; /* 2^bits, and behind them as many uint32_t counts */
};
static_assert(sizeof(struct hashtree_inner) +
                      ((sizeof(void *) + sizeof(uint32_t)) << HASHTREE_FAN_BITS) <=
                  HASHTREE_NODE_BYTES_MAX,
              "an inner node is no larger than nodes may be");

struct hashtree {
    uint32_t refs;
    bool values;
    struct hashtree_node *root; /* NULL: it is empty */
    struct slab_heap *heap;
    const struct keyhash *hash;
    uint64_t count;
    size_t bytes; /* this, nodes, blobs */
    size_t nodes;
    struct hashtree_kept *kept; /* between hashtree_keep and hashtree_keep_end, else NULL */
};

/* What a tree that is kept has noted: copies of leaves, and strings that were added to others. */
struct hashtree_saved {
    uint64_t hash; /* of an entry, which leads to the part */
    struct hashtree_leaf *leaf;
};
struct hashtree_kept {
    struct hashtree_saved *saved;
    struct slice *added;
    size_t saved_count, saved_room, added_count, added_room;
};

/* The way to a leaf: an inner node has at most one slot a level, and each but the last level has all bits. */
#define HASHTREE_LEVELS_MAX (HASHTREE_BITS_MAX / HASHTREE_FAN_BITS + 1)
struct hashtree_path {
    struct hashtree_inner *inner[HASHTREE_LEVELS_MAX];
    uint16_t slot[HASHTREE_LEVELS_MAX];
    unsigned levels;
    struct hashtree_leaf *leaf; /* NULL: the tree is empty */
};

/* --- layout ---------------------------------------------------------------------------------------------- */

static inline struct hashtree_inner *hashtree_inner(struct hashtree_node *n)
{
    return (struct hashtree_inner *)n;
}
static inline struct hashtree_leaf *hashtree_leaf(struct hashtree_node *n)
{
    return (struct hashtree_leaf *)n;
}
static inline unsigned hashtree_slots(const struct hashtree_inner *p)
{
    return 1u << p->node.bits;
}
static inline uint32_t *hashtree_counts(const struct hashtree_inner *p)
{
    return (uint32_t *)&p->slots[hashtree_slots(p)];
}
static inline size_t hashtree_inner_bytes(unsigned bits)
{
    return sizeof(struct hashtree_inner) +
           ((sizeof(struct hashtree_node *) + sizeof(uint32_t)) << bits);
}
static inline unsigned hashtree_slot_of(const struct hashtree_inner *p, uint64_t hash)
{
    return (unsigned)(hash >> (64 - p->node.depth - p->node.bits)) & (hashtree_slots(p) - 1);
}
/* How many slots a child has. */
static inline unsigned hashtree_run(const struct hashtree_inner *p,
                                    const struct hashtree_node *child)
{
    return 1u << (p->node.depth + p->node.bits - child->depth);
}

static inline uint16_t *hashtree_offsets(const struct hashtree_leaf *l)
{
    return (uint16_t *)(l->tags + l->room);
}
static inline char *hashtree_data(const struct hashtree_leaf *l)
{
    return (char *)l->tags + 3 * (size_t)l->room;
}
static inline size_t hashtree_leaf_bytes(const struct hashtree_leaf *l)
{
    return sizeof(*l) + 3 * (size_t)l->room + l->size;
}
/* Bytes that a leaf of as many entries with as many bytes takes at least. */
static inline size_t hashtree_leaf_need(size_t count, size_t used)
{
    return sizeof(struct hashtree_leaf) + 3 * (count + (count & 1)) + used;
}
static inline char *hashtree_entry_at(const struct hashtree_leaf *l, unsigned i)
{
    return hashtree_data(l) + (hashtree_offsets(l)[i] & ~HASHTREE_HAS_DUE);
}
static inline bool hashtree_entry_has_due(const struct hashtree_leaf *l, unsigned i)
{
    return hashtree_offsets(l)[i] & HASHTREE_HAS_DUE;
}
static inline char *hashtree_string_at(const struct hashtree_leaf *l, unsigned i)
{
    return hashtree_entry_at(l, i) + (hashtree_entry_has_due(l, i) ? HASHTREE_DUE_BYTES : 0);
}
/* Of the whole entry. */
size_t hashtree_entry_bytes(const struct hashtree *t, const struct hashtree_leaf *l, unsigned i);
struct hashtree_entry hashtree_entry_of(const struct hashtree *t, const struct hashtree_leaf *l,
                                        unsigned i);

static inline uint64_t hashtree_hash(const struct hashtree *t, struct slice string)
{
    return keyhash64(t->hash, string.ptr, string.len);
}
uint64_t hashtree_hash_at(const struct hashtree *t, const char *string);

/* --- nodes ------------------------------------------------------------------------------------------------ */

/* Made for one tree, of which they count in its figures. NULL: no memory. */
struct hashtree_inner *hashtree_inner_new(struct hashtree *t, unsigned depth, unsigned bits);
/* With room for as many entries with as many bytes, and `spare` bytes more. */
struct hashtree_leaf *hashtree_leaf_new(struct hashtree *t, unsigned depth, size_t count,
                                        size_t used, size_t spare);
/* Frees a node and nothing below it, or in it. */
void hashtree_node_free(struct hashtree *t, struct hashtree_node *n);
/* A leaf whose entries were copied elsewhere goes: what is in blobs is held once more where others still have it. */
void hashtree_leaf_moved(struct hashtree *t, struct hashtree_leaf *l);
/* With all that is below it, or in it. */
void hashtree_node_drop(struct hashtree *t, struct hashtree_node *n);
/* A copy for the tree alone, of a node that others have, too, in its place. NULL: no memory. */
struct hashtree_node *hashtree_node_copy(struct hashtree *t, struct hashtree_node *n);

/* The entries of the leaf; -1: it is not there. */
int hashtree_leaf_find(const struct hashtree_leaf *l, uint64_t hash,
                       const struct pack_entry *string);
/* Asks for the first entry with the tag of a hash, or the place of a new one. */
void hashtree_leaf_fetch(const struct hashtree_leaf *l, uint64_t hash);
/* The same for an entry of another tree. */
int hashtree_leaf_find_same(const struct hashtree_leaf *l, uint8_t tag, const char *string);
/* Adds `bytes` at the end, which are the caller's to write; there is room: asserted. */
char *hashtree_leaf_append(struct hashtree_leaf *l, uint8_t tag, size_t bytes, bool has_due);
/* Gives an entry another size, from its `at`th byte on. */
void hashtree_leaf_splice(struct hashtree_leaf *l, char *at, size_t drop, size_t add);
void hashtree_leaf_remove(const struct hashtree *t, struct hashtree_leaf *l, unsigned i);
/* The bytes of entry i of another leaf, at the end of this one. */
void hashtree_leaf_take(const struct hashtree *t, struct hashtree_leaf *to,
                        const struct hashtree_leaf *from, unsigned i);

/* A reference more of each blob in it; what they take. */
void hashtree_leaf_hold_blobs(const struct hashtree *t, const struct hashtree_leaf *l);
size_t hashtree_leaf_blob_bytes(const struct hashtree *t, const struct hashtree_leaf *l);

/* Of a tree that is kept: ahead of each change of the leaf's entries, and ahead of adding one, which is borrowed.
 * False: no memory. */
bool hashtree_save_leaf(struct hashtree *t, struct hashtree_leaf *l, uint64_t hash);
bool hashtree_note_added(struct hashtree *t, const struct hashtree_leaf *l, struct slice string);
static inline bool hashtree_is_saved(const struct hashtree_leaf *l)
{
    return l->node.bits == HASHTREE_LEAF_SAVED;
}
/* Merges and shrinks what has become sparse on the way to a hash. */
void hashtree_tidy(struct hashtree *t, uint64_t hash);

/* The leaf of a hash. */
void hashtree_descend(const struct hashtree *t, uint64_t hash, struct hashtree_path *path);
/* All slots of the run that `slot` lies in. */
void hashtree_put_child(struct hashtree_inner *p, unsigned slot, struct hashtree_node *child,
                        uint32_t count);
