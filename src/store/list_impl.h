#pragma once
/* Inside lists: what their files share.
 *
 *   list_read.c      reading
 *   list.c           edits of either form, and the change from one to the other
 *   list_tree.c      the structure outside the item
 *   list_encoding.c  what OBJECT ENCODING tells
 *   list_value.c     the row of the type */
#include "store/keyspace_impl.h"
#include "store/list.h"

/* What a list outside its item is. Held by every item that has it; who edits makes one of its own. */
struct list_tree {
    uint32_t refs;
    /* As Redis' listpack of all of it would have; LIST_UNCOUNTED: many were removed at once, and nobody asked since. */
    uint64_t listpack_bytes;
    struct btree tree;
};
#define LIST_UNCOUNTED UINT64_MAX
static_assert(sizeof(struct list_tree) % 16 == 0,
              "one of the allocator's sizes: no need to ask for it");

static inline bool list_is_tree(const struct item *it)
{
    return item_enc(it) == ENC_TREE;
}
static inline struct list_tree *list_tree(const struct item *it)
{
    return item_pointer(it);
}

/* What is to come into a list: strings, or entries of another list. */
struct list_new {
    const struct slice *strings;
    const char *const *entries; /* NULL: strings */
    size_t n;
};
static inline size_t list_new_len(const struct list_new *what, size_t i)
{
    return what->entries ? pack_string_len(what->entries[i]) : what->strings[i].len;
}

/* --- the structure outside ---------------------------------------------------------------------------- */

struct list_tree *list_tree_new(void); /* NULL: no memory */
void list_tree_hold(struct list_tree *t);
/* Frees some of it, as value_ops has it. */
bool list_tree_free_some(struct list_tree *t, size_t *effort);
void list_tree_free(struct list_tree *t); /* all of it, in one go */
/* The edited item's tree, which nobody else has: NULL: no memory. */
struct list_tree *list_tree_own(struct ks_edit *e);

/* All of these change everything or nothing. ERR_NOMEM. */
enum err list_tree_push(struct list_tree *t, enum list_end end, const struct list_new *what);
enum err list_tree_insert(struct list_tree *t, uint64_t at, struct slice string);
enum err list_tree_set(struct list_tree *t, uint64_t at, struct slice string);
enum err list_tree_pop(struct list_tree *t, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX]);
/* What is cut out is freed later where it is much. */
enum err list_tree_remove(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n);
enum err list_tree_keep(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n);
enum err list_tree_remove_equal(struct list_tree *t, enum list_end from, uint64_t count,
                                struct slice string, uint64_t *removed);

/* To go back to: another tree of the same nodes. */
void list_tree_save(const struct list_tree *t, struct list_tree *saved);
void list_tree_go_back(struct list_tree *t, const struct list_tree *saved);
enum err list_tree_rotate(struct list_tree *t, const struct list_rotation *r);

/* --- what OBJECT ENCODING tells ------------------------------------------------------------------------- */

/* Bytes of an entry in a listpack. */
size_t list_listpack_bytes(const char *entry);
size_t list_listpack_run_bytes(struct slice pack);
/* Strings are about to be added: marks the item as grown where that makes a quicklist of Redis' list. */
void list_will_grow(struct ks_edit *e, const struct list_new *what);
/* Elements went: the mark goes where Redis' list becomes a listpack again. */
void list_has_shrunk(struct ks_edit *e);
