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
 * Nodes have at most HASHTREE_NODE_BYTES_MAX, and an inner one 1 to 2^HASHTREE_FAN_BITS slots. A leaf that overflows is
 * split by the next bit; its parent doubles where it has no slot for the halves, until it is full: then the leaf
 * becomes an inner node. Sparse leaves merge, and the same goes backwards. A look-up takes a load a level and no
 * search, but for the tags of one leaf, compared 16 at a time.
 *
 * A leaf has its entries in no order, each as packs have them (ds/pack.h):
 *
 *   [deadline, 8 bytes] | string | [value]
 *
 * Nodes are counted. A tree that is held (hashtree_hold) never changes: who wants to change it makes it his own first
 * (hashtree_own), in O(1), and each change copies the nodes on its path that others have, too. So holding is a
 * snapshot, and no call takes long, whatever the tree holds: the longest copies a node a level.
 *
 * The hash is keyed with the secret of keys, so that nobody can aim at one leaf. Not stored: an entry is hashed anew
 * when its leaf is split. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/prefetch.h"
#include "ds/pack.h"

#define HASHTREE_NODE_BYTES_MAX 4096
#define HASHTREE_FAN_BITS       8
/* Of the hash that place an entry. Those that have all of them in common are one leaf. */
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

/* An entry where it stands: good until the tree changes or goes. */
struct hashtree_entry {
    const char *string;
    const char *value; /* NULL in a tree without values */
    int64_t due_ms;    /* HASHTREE_NO_DUE: none */
};

/* --- life ----------------------------------------------------------------------------------------------- */

/* Empty, with one holder. NULL: no memory. */
struct hashtree *hashtree_try_new(const struct hashtree_options *o);
/* One holder more. */
struct hashtree *hashtree_hold(struct hashtree *t);
/* One holder less. With the last one the nodes go that nobody else has; *effort is how many may, and what they took is
 * taken off, at least 1. False: there are others, and the same call goes on. */
bool hashtree_drop_some(struct hashtree *t, size_t *effort);
/* All at once: unbounded. */
void hashtree_drop(struct hashtree *t);
/* Before each change: from now on *t is a tree with one holder, in place of that which was held. False: no memory. */
bool hashtree_own(struct hashtree **t);

/* --- figures, each in O(1) -------------------------------------------------------------------------------- */

uint64_t hashtree_count(const struct hashtree *t);
/* Bytes set aside: nodes and blobs. What is shared counts in full. */
size_t hashtree_memory(const struct hashtree *t);
size_t hashtree_nodes(const struct hashtree *t);
/* Something of it has other holders: dropping it gives back less than its memory. */
bool hashtree_is_shared(const struct hashtree *t);
/* No entry has a deadline before this one. HASHTREE_NO_DUE: none has any. */
int64_t hashtree_due_ms(const struct hashtree *t);

/* --- one entry --------------------------------------------------------------------------------------------- */

bool hashtree_find(const struct hashtree *t, const struct pack_entry *string,
                   struct hashtree_entry *out);
/* A step of the way to an entry, or to where it would be added. False: there is nothing more to be asked for. */
bool hashtree_fetch(const struct hashtree *t, struct prefetch_way *way);
/* These change the tree, which has one holder: asserted. ERR_NOMEM: nothing changed. */

/* What an entry is to be. */
struct hashtree_new {
    struct pack_entry *string, *value; /* the value is NULL in a tree without values */
    int64_t due_ms;
};
/* Adds an entry, or in a tree with values gives the one that is there this value and deadline: *added tells. Takes the
 * blob of the value, and of the string where it is added, as pack_entry_write does. ERR_FULL: as many have the same
 * hash as a leaf can have, which chance does not bring about. */
enum err hashtree_set(struct hashtree *t, struct hashtree_new *n, bool *added);
/* ERR_NOTFOUND: it is not there. */
enum err hashtree_remove(struct hashtree *t, const struct pack_entry *string);
/* ERR_NOTFOUND: it is not there. */
enum err hashtree_set_due(struct hashtree *t, const struct pack_entry *string, int64_t due_ms);

/* --- all or nothing ---------------------------------------------------------------------------------------- */

/* From here to hashtree_keep_end changes are noted, so that they can be taken back; what is added is borrowed until
 * then. The tree has one holder, and gets no other meanwhile: asserted. False: no memory, nothing changed. */
bool hashtree_keep(struct hashtree *t);
/* The changes stand, or all is as it was at hashtree_keep, but for the tree's shape. Needs no memory. */
void hashtree_keep_end(struct hashtree *t, bool undo);

/* --- many --------------------------------------------------------------------------------------------------- */

/* The nth in the order of a walk, n < count: with n at random, each is as likely. */
struct hashtree_entry hashtree_at(const struct hashtree *t, uint64_t n);

/* Every entry, in an order that is the tree's own. `at` says where the walk has come, 0 the beginning: another one may
 * go on there, as long as it is the same tree, unchanged or held. */
struct hashtree_walk {
    const struct hashtree *tree;
    uint64_t at;
    const void *leaf; /* where `at` lies; NULL: not looked up yet */
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

/* One step of an iteration, in the order of the hash: calls fn for about `count` entries from the cursor on, and
 * returns the next one, below 2^HASHTREE_BITS_MAX; 0 at the end. Whatever comes and goes between steps, an entry that
 * is there throughout is given, once. fn must not change the tree. */
typedef void (*hashtree_each_fn)(const struct hashtree_entry *e, void *arg);
uint64_t hashtree_scan(const struct hashtree *t, uint64_t cursor, uint64_t count,
                       hashtree_each_fn fn, void *arg);

/* --- deadlines ----------------------------------------------------------------------------------------------- */

/* Up to `max` entries whose deadline is at or before now_ms, borrowed as those of hashtree_find. They need not be all:
 * as long as hashtree_due_ms is not beyond now_ms there may be more, even if this call found none. */
size_t hashtree_due(struct hashtree *t, int64_t now_ms, struct hashtree_entry *out, size_t max);
/* How many there are: looks at what hold such only. */
uint64_t hashtree_due_count(const struct hashtree *t, int64_t now_ms);

/* For tests: every invariant, by assertion; unbounded. */
void hashtree_validate(const struct hashtree *t);
