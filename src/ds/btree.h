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
 * Entries are runs of bytes whose form a table of functions knows. They lie packed in leaves of up to `leaf_bytes_max`
 * bytes, with a gap ahead of them and one behind, so that both ends of a tree are cheap to push to and to pop from. A
 * leaf is cut into segments of a few entries, whose places and counts its header has: so nothing scans a leaf from its
 * start. An inner node has for each child how many entries are below it (positions), the bytes set aside for it, and a
 * feature: a number that rises with the order. A search by key compares features, and looks at the first entry below a
 * child only where they are equal. Where entries of one feature are ordered by a string, inner nodes have its first
 * bytes behind those that all of the node share, too, which leaves next to nothing to be looked up below. A tree
 * without keys (a list) has neither.
 *
 * Sharing. btree_share makes another tree of the same nodes, in O(1). Whoever writes makes copies of the nodes on its
 * path that are shared, so neither ever sees what the other writes: COPY and snapshots cost nothing but a path later.
 *
 * Every call here takes O(log n) steps over nodes of 4 KiB, whatever the tree holds; freeing is done in slices. A call
 * that finds no memory changes nothing. Trees are for one thread. */
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

/* What a search looks for. */
struct btree_key {
    uint64_t feature; /* as the entry that is looked for has it */
    const void *key;  /* as `compare` takes it */
    /* As `string` has it of the entry. NULL, which will not do to insert: `compare` alone knows where the key is among
     * entries of its feature. */
    struct slice string;
};

struct btree_ops {
    size_t leaf_bytes_max;
    size_t (*bytes)(const char *entry); /* of an entry, from 1 to BTREE_ENTRY_BYTES_MAX */
    /* Both may be NULL in a tree without keys. An entry behind another has no smaller feature; the order of entries is
     * that of `compare`: < 0 where the entry stands ahead of the key, 0 where it is the key. */
    uint64_t (*feature)(const char *entry);
    int (*compare)(const char *entry, const void *key);
    /* The same for many, which is most of a search: of *n entries behind each other the first that is not ahead of the
     * key, or what is behind them. *n becomes the number ahead of it. NULL: `compare` and `bytes` will do. */
    const char *(*scan)(const char *entry, const void *key, unsigned *n);
    /* By which entries of one feature are in order, as memcmp has it, a shorter one ahead; what is not there as
     * bytes is printed into scratch. NULL: by something else. */
    struct slice (*string)(const char *entry, char scratch[NUM_I64_CHARS]);
    /* Entries may hold references to blobs; all three are NULL in a tree whose entries hold none. */
    void (*hold)(struct slice run); /* the run of entries was copied: one reference more of each */
    void (*drop)(struct slice run); /* it goes */
    size_t (*outside)(struct slice run); /* bytes set aside for its blobs */
};

struct btree_node;
/* Fields are the module's own; 0 but for `ops` is an empty tree. */
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
/* Set aside for its nodes and blobs. What several trees hold counts in full for each. */
static inline uint64_t btree_bytes(const struct btree *t)
{
    return t->bytes;
}
/* Of that, about how much would go with it: nodes that others hold are left out as far as the root's children tell. */
uint64_t btree_bytes_alone(const struct btree *t);
/* A checksum over how many there are, the first and the last. */
uint32_t btree_ends_sum(const struct btree *t);
/* `to` becomes a tree of the same entries. */
void btree_share(const struct btree *from, struct btree *to);
/* Frees some of it and takes off *effort what that took: 1 a node, at least 1. True: all of it is gone, and it is
 * empty. In between it is good for nothing else. */
bool btree_free_some(struct btree *t, size_t *effort);
void btree_free(struct btree *t); /* all of it: unbounded */

/* --- changes ------------------------------------------------------------------------------------------- */

/* Positions count from 0. All end every cursor on the tree. An entry that goes in is copied, and brings along its
 * references to blobs on success. ERR_NOMEM: nothing changed. */

/* Ahead of the entry at the position, or at the end where that is btree_count. */
enum err btree_insert(struct btree *t, uint64_t at, struct slice entry);
/* Ahead of the first entry that is not ahead of the key, which is the entry's own. */
enum err btree_insert_key(struct btree *t, const struct btree_key *key, struct slice entry);
/* Puts another entry in the place of one; it must not change the order. */
enum err btree_replace(struct btree *t, uint64_t at, struct slice entry);
/* Takes `n` > 0 entries out, from the position on. They are left in `out`, which was not initialised, for the caller to
 * free: in slices where they are many. A tree of `out` is good for nothing but btree_free_some and btree_bytes. */
enum err btree_cut(struct btree *t, uint64_t at, uint64_t n, struct btree *out);
/* Takes one out, and drops its references. */
enum err btree_erase(struct btree *t, uint64_t at);
/* The same for the first entry that is the key. ERR_NOTFOUND: none is. */
enum err btree_erase_key(struct btree *t, const struct btree_key *key);
/* Takes the first entry of one that is not empty out, or the last. It is in `to` then, with its references. */
enum err btree_pop(struct btree *t, bool last, char to[BTREE_ENTRY_BYTES_MAX]);

/* The same where a cursor on the tree is. */
struct btree_cursor;
/* Where btree_seek has left it. */
enum err btree_insert_here(struct btree *t, const struct btree_cursor *c, struct slice entry);
/* The entry at the cursor. */
enum err btree_replace_here(struct btree *t, const struct btree_cursor *c, struct slice entry);
enum err btree_erase_here(struct btree *t, const struct btree_cursor *c);
/* Changes nothing but makes the way to it the tree's own, so that erasing it later finds memory, whatever is
 * inserted in between. */
enum err btree_own_here(struct btree *t, const struct btree_cursor *c);

/* --- reading ----------------------------------------------------------------------------------------------- */

/* A place in a tree. Ends with the next change of that tree; a tree that was shared before goes on as it was, so a
 * cursor on one that nobody changes is good until it is freed. */
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

/* The entry at the position; NULL: there are not so many. Entries are borrowed as long as the cursor is good. */
const char *btree_at(const struct btree *t, uint64_t at, struct btree_cursor *c);
/* The first entry that is not ahead of the key; NULL: all are, and the cursor is not set. */
const char *btree_find(const struct btree *t, const struct btree_key *key, struct btree_cursor *c);
/* The same for who may insert the key: the cursor is where btree_insert_here puts it, which may be the end of the leaf
 * ahead of the entry's. It is good for that alone, but where *at_entry says that it is at the entry. */
const char *btree_seek(const struct btree *t, const struct btree_key *key, struct btree_cursor *c,
                       bool *at_entry);
/* The number of entries ahead of the key. */
uint64_t btree_rank(const struct btree *t, const struct btree_key *key);
/* The entry at the cursor. */
const char *btree_entry(const struct btree_cursor *c);
/* The one behind it or ahead of it, where the cursor then is; NULL: there is none, and the cursor stays. */
const char *btree_next(struct btree_cursor *c);
const char *btree_prev(struct btree_cursor *c);
/* The position of the entry at the cursor. */
uint64_t btree_position(const struct btree_cursor *c);
/* The entries from the cursor's on that lie behind each other, to the end of its leaf: as a run, with how many they
 * are. The cursor moves to the first entry of the next leaf; *more is false where there is none. */
struct slice btree_run(struct btree_cursor *c, unsigned *count, bool *more);

/* For tests: every invariant, by assertion. */
void btree_validate(const struct btree *t);
