#pragma once
/* A tree by hash, of entries found by a string: the members of a large set, the fields of a large hash with their
 * values and deadlines.
 *
 *                         +---+---+---+---+---+---+---+---+
 *   root, 8 bits          | . | . | . | . | . | . | . | . |  ...      slots, by the first bits of the hash
 *                         +-|-+-|-+-|-+-|-+---+---+---+---+
 *                           |   |   +---+---- a leaf of fewer bits has a run of slots
 *          +---+---+---+---+|   |
 *          | . | . | . | . |    +---- leaf: tags, offsets, entries
 *          +---+---+---+---+          inner node below a full one: the bits that follow
 *
 * Nodes have at most HASHTREE_NODE_BYTES_MAX bytes, and inner nodes 2 to 2^HASHTREE_FAN_BITS slots. A leaf that
 * overflows is split by the next bit. Its parent doubles its slots first if both halves would share a slot; below a
 * full parent an inner node is put in between. Sparse leaves merge, and these steps are undone. A look-up takes one
 * load a level, and no search but of one leaf's tags, which are compared 16 at a time. Only leaves of entries whose
 * hashes agree in all HASHTREE_BITS_MAX bits may be larger.
 *
 * A leaf has its entries in no order, strings and values as entries of ds/pack.h:
 *
 *   [deadline, 8 bytes] | string | [value]
 *
 * Nodes are ref-counted. A tree with several holders (hashtree_hold) never changes: a holder that wants to change it
 * gets a tree of its own first (hashtree_own), in O(1), and each change copies the shared nodes on its path. So holding
 * is a snapshot, and a change costs at most one node a level, however large the tree is.
 *
 * The hash is keyed with the keyspace's secret, so that clients cannot aim at one leaf. Hashes are not stored: an entry
 * is hashed again when its leaf is split. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/prefetch.h"
#include "ds/pack.h"

#define HASHTREE_NODE_BYTES_MAX 4096
#define HASHTREE_FAN_BITS       8
/* Bits of the hash that place an entry. Entries that agree in all of them share a leaf. */
#define HASHTREE_BITS_MAX 48
#define HASHTREE_NO_DUE   INT64_MAX

struct hashtree;
struct slab_heap;
struct keyhash;
struct hashtree_options {
    struct slab_heap *heap;     /* where its nodes live */
    const struct keyhash *hash; /* both outlive the tree */
    bool values;                /* each entry has a value */
};

/* An entry where it stands: valid until the tree changes or is freed. */
struct hashtree_entry {
    const char *string;
    const char *value; /* NULL in a tree without values */
    int64_t due_ms;    /* HASHTREE_NO_DUE: none */
};

/* --- life ----------------------------------------------------------------------------------------------- */

/* An empty tree with one holder. NULL: no memory. */
struct hashtree *hashtree_try_new(const struct hashtree_options *o);
/* Adds a holder. */
struct hashtree *hashtree_hold(struct hashtree *t);
/* Drops a holder. The last one frees the tree and the nodes that no other tree has, a slice in each call: 1 of *effort
 * is taken off for each node and for each entry of leaves with blobs, at least 1. False: nodes are left, and the call
 * is to be repeated. */
bool hashtree_drop_some(struct hashtree *t, size_t *effort);
/* The same in one go: unbounded. */
void hashtree_drop(struct hashtree *t);
/* Required before each change: makes *t a tree with one holder, and drops the caller's hold on the old one if there are
 * others. False: no memory. */
bool hashtree_own(struct hashtree **t);

/* --- figures, each in O(1) -------------------------------------------------------------------------------- */

uint64_t hashtree_count(const struct hashtree *t);
/* Bytes set aside for the tree, its nodes and blobs. Shared ones count in full. */
size_t hashtree_memory(const struct hashtree *t);
size_t hashtree_nodes(const struct hashtree *t);
/* The tree or its root has other holders: dropping it gives back less than its memory. */
bool hashtree_is_shared(const struct hashtree *t);
/* A time before which no entry is due. HASHTREE_NO_DUE: no entry has a deadline. */
int64_t hashtree_due_ms(const struct hashtree *t);

/* --- one entry --------------------------------------------------------------------------------------------- */

bool hashtree_find(const struct hashtree *t, const struct pack_entry *string,
                   struct hashtree_entry *out);
/* Prefetches one more step of the way to an entry, or to the place of a new one. False: there is no further step. */
bool hashtree_fetch(const struct hashtree *t, struct prefetch_way *way);
/* The functions below change the tree, which must have one holder: asserted. ERR_NOMEM: nothing changed. */

/* A new entry, or the new value and deadline of one. */
struct hashtree_new {
    struct pack_entry *string, *value; /* the value is NULL in a tree without values */
    int64_t due_ms;
};
/* Adds an entry (*added). In a tree with values an entry that is there gets this value and deadline; in a tree without
 * them it stays as it is. Takes the references to the value's blob, and to the string's if the entry was added.
 * ERR_FULL: a leaf is full of entries with one hash, which does not happen by chance, or the tree has UINT32_MAX
 * entries. */
enum err hashtree_set(struct hashtree *t, struct hashtree_new *n, bool *added);
/* ERR_NOTFOUND: there is no such entry. */
enum err hashtree_remove(struct hashtree *t, const struct pack_entry *string);
/* ERR_NOTFOUND: there is no such entry. ERR_FULL: see hashtree_set. */
enum err hashtree_set_due(struct hashtree *t, const struct pack_entry *string, int64_t due_ms);

/* --- all or nothing ---------------------------------------------------------------------------------------- */

/* From here to hashtree_keep_end changes are noted, so that they can be undone; strings that are added are borrowed
 * until then. The tree must have one holder, and gets no other meanwhile: asserted. False: no memory, nothing
 * changed. */
bool hashtree_keep(struct hashtree *t);
/* Lets the changes stand, or undoes them: the entries are as they were at hashtree_keep, though the tree's shape may
 * differ. Needs no memory. */
void hashtree_keep_end(struct hashtree *t, bool undo);

/* --- many --------------------------------------------------------------------------------------------------- */

/* The nth entry in the order of a walk, n < count. With n at random each entry has the same chance. */
struct hashtree_entry hashtree_at(const struct hashtree *t, uint64_t n);

/* A walk over every entry, in the tree's own order. `at` is the position of the walk, 0 at the beginning; another walk
 * of the same tree, while it does not change, may go on from there. */
struct hashtree_walk {
    const struct hashtree *tree;
    uint64_t at;
    const void *leaf; /* the leaf of `at`; NULL: not looked up yet */
};
void hashtree_walk_init(struct hashtree_walk *w, const struct hashtree *t, uint64_t at);
bool hashtree_walk_next(struct hashtree_walk *w, struct hashtree_entry *out);

/* Finds in one tree the entries that a walk through another tree gives. Both have the same hash, so their leaves stand
 * in the same order: where this tree's leaf holds at least the hashes of the walk's leaf, nothing is hashed. */
struct hashtree_finger {
    const struct hashtree *tree;
    const void *beside; /* the walk's leaf */
    const void *leaf;   /* the leaf here that holds all of its hashes; NULL: several do */
};
void hashtree_finger_init(struct hashtree_finger *f, const struct hashtree *t);
/* The entry that the walk gave last. */
bool hashtree_finger_find(struct hashtree_finger *f, const struct hashtree_walk *w,
                          struct hashtree_entry *out);

/* One step of a scan, in the order of the hash: calls fn for about `count` entries from the cursor on, and returns the
 * next cursor, below 2^HASHTREE_BITS_MAX; 0 at the end. However the tree changes between steps, an entry that exists
 * throughout the scan is given, once. fn must not change the tree. */
typedef void (*hashtree_each_fn)(const struct hashtree_entry *e, void *arg);
uint64_t hashtree_scan(const struct hashtree *t, uint64_t cursor, uint64_t count,
                       hashtree_each_fn fn, void *arg);

/* --- deadlines ----------------------------------------------------------------------------------------------- */

/* Finds up to `max` entries whose deadline is at or before now_ms. Others may be left: until hashtree_due_ms is beyond
 * now_ms further calls may find more, even after one that found none. */
size_t hashtree_due(struct hashtree *t, int64_t now_ms, struct hashtree_entry *out, size_t max);
/* The number of entries whose deadline is at or before now_ms. Subtrees without one are passed over. */
uint64_t hashtree_due_count(const struct hashtree *t, int64_t now_ms);

/* For tests: every invariant, by assertion; unbounded. */
void hashtree_validate(const struct hashtree *t);
