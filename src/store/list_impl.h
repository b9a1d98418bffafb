#pragma once
/* Inside lists: what their files share.
 *
 *   list_read.c      reading
 *   list.c           edits of either form, and the change from one to the other
 *   list_tree.c      the structure outside the item
 *   list_encoding.c  OBJECT ENCODING, by Redis' rules
 *   list_value.c     the row of the type */
#include "store/keyspace_impl.h"
#include "store/list.h"

/* A list outside its item. Each item with this list holds a reference; an edit of a shared one works on a copy. */
struct list_tree {
    uint32_t refs;
    /* Bytes of the elements in Redis' listpack format, without its header. LIST_UNCOUNTED: the list was too long to
     * keep count of; list_encoding.c counts when it needs to know. */
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

/* New elements for a list: strings, or entries of another list. */
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
/* Frees a slice: see free_some of value_ops. */
bool list_tree_free_some(struct list_tree *t, size_t *effort);
void list_tree_free(struct list_tree *t); /* all of it, in one go */
/* The edited item's tree; a shared one is copied first. NULL: no memory. */
struct list_tree *list_tree_own(struct ks_edit *e);

/* Each is all or nothing: ERR_NOMEM leaves the tree unchanged. */
enum err list_tree_push(struct list_tree *t, enum list_end end, const struct list_new *what);
enum err list_tree_insert(struct list_tree *t, uint64_t at, struct slice string);
enum err list_tree_set(struct list_tree *t, uint64_t at, struct slice string);
enum err list_tree_pop(struct list_tree *t, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX]);
/* Both free a large run in slices, later. */
enum err list_tree_remove(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n);
enum err list_tree_keep(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n);
enum err list_tree_remove_equal(struct list_tree *t, enum list_end from, uint64_t count,
                                struct slice string, uint64_t *removed);

/* A save shares the tree's nodes. list_tree_go_back takes it and restores the tree; else its `tree` is to be freed. */
void list_tree_save(const struct list_tree *t, struct list_tree *saved);
void list_tree_go_back(struct list_tree *t, const struct list_tree *saved);
enum err list_tree_rotate(struct list_tree *t, const struct list_rotation *r);

/* --- OBJECT ENCODING ------------------------------------------------------------------------------------ */

/* Bytes of an entry, and of the entries of a pack, in Redis' listpack format. */
size_t list_listpack_bytes(const char *entry);
size_t list_listpack_run_bytes(struct slice pack);
/* To be called before elements are added: sets ITEM_GROWN when Redis' list would become a quicklist. */
void list_will_grow(struct ks_edit *e, const struct list_new *what);
/* To be called when elements were removed: clears ITEM_GROWN when Redis' list would become a listpack again. */
void list_has_shrunk(struct ks_edit *e);
