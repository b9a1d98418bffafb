#pragma once
/* Counted B+trees of ref-counted nodes: many entries in an order, each found by its position or by a key.
 *
 *                        +-------------------------------------+
 *                        | feature, count, bytes, child | .... |      inner node
 *                        +-------------------------------------+
 *                            /                             \
 *   +-------------------------------------------------+   +----------
 *   | segments | gap | entry | entry | .... | gap      |   | ....        leaves
 *   +-------------------------------------------------+   +----------
 *
 * Entries are runs of bytes, whose form a table of functions knows. Entries lie packed in leaves of up to
 * `leaf_bytes_max` bytes, with a gap ahead of them and one behind, so pushing and popping are cheap at both ends. A
 * leaf is cut into segments of a few entries; its header has their offsets and counts, so nothing scans a leaf from its
 * start. An inner node has for each child the number of entries below it (for positions), the bytes set aside for it,
 * and a feature: a number that rises with the order. A search by key compares features, and reads the first entry below
 * a child only when features are equal. When entries of one feature are ordered by a string, inner nodes also have a
 * few bytes of each child's first string, behind the prefix common to all, which spares most of those reads. A tree
 * without keys (a list) has neither features nor strings.
 *
 * Sharing: btree_share makes another tree of the same nodes, in O(1). A change copies the shared nodes on its path, so
 * neither tree sees changes of the other. COPY and snapshots cost nothing until then, and a path with each change.
 *
 * A call takes O(log n) steps over nodes of 4 KiB, except for btree_free; btree_free_some frees in slices. A call that
 * finds no memory changes nothing. Trees are for one thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/num.h"
#include "base/slice.h"

#define BTREE_NODE_BYTES_MAX  4096
#define BTREE_ENTRY_BYTES_MAX 1100
/* Levels of inner nodes, at most. */
#define BTREE_HEIGHT_MAX 12

/* The key of an entry. */
struct btree_key {
    uint64_t feature; /* the entry's `feature` */
    const void *key;  /* for `compare` */
    /* The entry's `string`. NULL is for searches only, which then use `compare` alone among entries of one feature. */
    struct slice string;
};

struct btree_ops {
    size_t leaf_bytes_max;
    size_t (*bytes)(const char *entry); /* of an entry, from 1 to BTREE_ENTRY_BYTES_MAX */
    /* Both are NULL in a tree without keys. `compare` defines the order: < 0 when the entry is ahead of the key, 0 when
     * it is the key. Features must not fall in that order. */
    uint64_t (*feature)(const char *entry);
    int (*compare)(const char *entry, const void *key);
    /* Finds the first of *n adjacent entries that is not ahead of the key, or their end; *n becomes the number of
     * entries ahead of it. Searches spend most of their time here. NULL: they use `compare` and `bytes`. */
    const char *(*scan)(const char *entry, const void *key, unsigned *n);
    /* The string by which entries of one feature are ordered, bytewise, a prefix first; an integer is printed into
     * scratch. NULL: there is none. */
    struct slice (*string)(const char *entry, char scratch[NUM_I64_CHARS]);
    /* Entries may hold references to blobs; all three are NULL in a tree whose entries hold none. */
    void (*hold)(struct slice run);      /* takes a reference to each blob of a run of entries */
    void (*drop)(struct slice run);      /* drops these references */
    size_t (*outside)(struct slice run); /* bytes set aside for the run's blobs */
};

struct btree_node;
/* Fields are the module's own. A tree of zeros with `ops` is empty. */
struct btree {
    const struct btree_ops *ops;
    struct btree_node *root;
    uint64_t count, bytes;
};

static inline void btree_init(struct btree *t, const struct btree_ops *ops)
{
    *t = (struct btree){.ops = ops};
}
static inline uint64_t btree_count(const struct btree *t)
{
    return t->count;
}
/* Bytes set aside for the tree's nodes and blobs. Shared ones count in full for each tree. */
static inline uint64_t btree_bytes(const struct btree *t)
{
    return t->bytes;
}
/* An estimate of the bytes that freeing the tree gives back. It sees sharing of the root and its children only. */
uint64_t btree_bytes_alone(const struct btree *t);
/* A checksum over the number of entries, the first and the last entry. */
uint32_t btree_ends_sum(const struct btree *t);
/* `to`, which was not initialised, becomes a tree of the same entries. */
void btree_share(const struct btree *from, struct btree *to);
/* Frees a slice and takes its effort off *effort: 1 a node, at least 1. True: all of the tree is freed, and it is
 * empty. Until then the tree must not be used for anything else. */
bool btree_free_some(struct btree *t, size_t *effort);
void btree_free(struct btree *t); /* all of it: unbounded */

/* --- changes ------------------------------------------------------------------------------------------- */

/* Positions count from 0. Each change ends every cursor on the tree. A new entry is copied; on success the tree has
 * taken its references to blobs. ERR_NOMEM: nothing changed. */

/* Inserts ahead of the entry at the position, or at the end when the position is btree_count. */
enum err btree_insert(struct btree *t, uint64_t at, struct slice entry);
/* Inserts an entry by its key, ahead of the first entry that is not ahead of the key. */
enum err btree_insert_key(struct btree *t, const struct btree_key *key, struct slice entry);
/* Replaces an entry, whose references are dropped. The new one must fit the order. */
enum err btree_replace(struct btree *t, uint64_t at, struct slice entry);
/* Moves the `n` > 0 entries from the position on to `out`, which was not initialised. The caller frees `out`, in slices
 * if it is large; nothing else may be done with it but asking for btree_bytes. */
enum err btree_cut(struct btree *t, uint64_t at, uint64_t n, struct btree *out);
/* Erases an entry and drops its references. */
enum err btree_erase(struct btree *t, uint64_t at);
/* Erases the first entry that is the key. ERR_NOTFOUND: there is none. */
enum err btree_erase_key(struct btree *t, const struct btree_key *key);
/* Moves the first or the last entry of a tree that is not empty to `to`, with its references. */
enum err btree_pop(struct btree *t, bool last, char to[BTREE_ENTRY_BYTES_MAX]);

/* The same at a cursor on the tree. */
struct btree_cursor;
/* Inserts where btree_seek has left the cursor. */
enum err btree_insert_here(struct btree *t, const struct btree_cursor *c, struct slice entry);
/* Replaces or erases the entry at the cursor. */
enum err btree_replace_here(struct btree *t, const struct btree_cursor *c, struct slice entry);
enum err btree_erase_here(struct btree *t, const struct btree_cursor *c);
/* Copies the shared nodes on the way to the entry at the cursor. Erasing that entry later needs no memory then, even
 * after insertions. */
enum err btree_own_here(struct btree *t, const struct btree_cursor *c);

/* --- reading ----------------------------------------------------------------------------------------------- */

/* A place in a tree, valid until that tree changes or is freed, whatever happens to trees that share its nodes. */
struct btree_cursor {
    struct {
        const struct btree_node *node;
        unsigned index;           /* of the child, or of the entry's segment */
    } path[BTREE_HEIGHT_MAX + 1]; /* from the leaf up */
    unsigned height;
    unsigned at;  /* offset of the entry in the leaf */
    unsigned nth; /* in its segment */
    const struct btree_ops *ops;
};

/* The entry at the position; NULL: the tree is shorter. Entries are borrowed as long as the cursor is valid. */
const char *btree_at(const struct btree *t, uint64_t at, struct btree_cursor *c);
/* The first entry that is not ahead of the key; NULL: all are, and the cursor must not be used. */
const char *btree_find(const struct btree *t, const struct btree_key *key, struct btree_cursor *c);
/* As btree_find, with a cursor for btree_insert_here, which may be at the end of the leaf ahead of the entry. If
 * *at_entry the cursor is at the entry and good for all else, too. */
const char *btree_seek(const struct btree *t, const struct btree_key *key, struct btree_cursor *c,
                       bool *at_entry);
/* The number of entries ahead of the key. */
uint64_t btree_rank(const struct btree *t, const struct btree_key *key);
/* The entry at the cursor. */
const char *btree_entry(const struct btree_cursor *c);
/* Moves the cursor to the next or the previous entry; NULL: there is none, and the cursor stays. */
const char *btree_next(struct btree_cursor *c);
const char *btree_prev(struct btree_cursor *c);
/* The position of the entry at the cursor. */
uint64_t btree_position(const struct btree_cursor *c);
/* The run of entries from the cursor to the end of its leaf, and their number. The cursor moves to the first entry of
 * the next leaf; *more is false when there is none. */
struct slice btree_run(struct btree_cursor *c, unsigned *count, bool *more);

/* For tests: every invariant, by assertion. */
void btree_validate(const struct btree *t);
