/* Lists outside their items: a tree by position, of entries in the form of ds/pack.h. */
#include "store/list_impl.h"

/* Listpack bytes are kept for lists of up to so many elements; a longer list is past Redis' limits of bytes anyway. */
#define COUNTED_MAX 32768
/* A cut of more bytes is freed later, in slices. */
#define FREED_AT_ONCE_BYTES_MAX ((size_t)64 * 1024)

static const struct btree_ops ops = {
    .leaf_bytes_max = BTREE_NODE_BYTES_MAX,
    .bytes = pack_bytes,
    .hold = pack_hold,
    .drop = pack_drop,
    .outside = pack_blob_bytes,
};

/* --- holding and freeing ------------------------------------------------------------------------------ */

struct list_tree *list_tree_new(void)
{
    struct list_tree *t = mem_try_alloc(sizeof(*t));
    if (!t)
        return NULL;
    t->refs = 1;
    t->listpack_bytes = 0;
    btree_init(&t->tree, &ops);
    return t;
}

void list_tree_hold(struct list_tree *t)
{
    t->refs++;
}

bool list_tree_free_some(struct list_tree *t, size_t *effort)
{
    if (t->refs > 1) {
        t->refs--;
        *effort -= *effort > 0;
        return true;
    }
    if (!btree_free_some(&t->tree, effort))
        return false;
    mem_free(t);
    return true;
}

void list_tree_free(struct list_tree *t)
{
    size_t effort = SIZE_MAX;
    list_tree_free_some(t, &effort);
}

struct list_tree *list_tree_own(struct ks_edit *e)
{
    struct list_tree *t = list_tree(e->item);
    if (t->refs == 1)
        return t;
    struct list_tree *own = list_tree_new();
    if (!own)
        return NULL;
    btree_share(&t->tree, &own->tree);
    own->listpack_bytes = t->listpack_bytes;
    t->refs--;
    memcpy((char *)item_value_place(e->item), &own, sizeof(own));
    return own;
}

/* Frees entries that were cut out of a list: later, in slices, as the value of `shell`; at once when that is NULL. */
static void free_cut(struct ks_edit *e, struct btree *cut, struct item *shell)
{
    if (shell) {
        list_tree(shell)->tree = *cut;
        item_seal(shell);
        ks_dispose(e->ks, shell);
    } else {
        btree_free(cut);
    }
}

/* An item with an empty tree. NULL: no memory. */
static struct item *shell_new(struct keyspace *ks)
{
    void *tree = list_tree_new();
    if (!tree)
        return NULL;
    struct item_value v = item_value_tree(TYPE_LIST, &tree);
    struct item *it = item_try_new(ks->items, slice_of(NULL, 0), &v, ITEM_NO_EXPIRY);
    if (!it)
        mem_free(tree);
    return it;
}

/* --- bytes of a listpack -------------------------------------------------------------------------------- */

static bool is_counted(struct list_tree *t)
{
    if (btree_count(&t->tree) > COUNTED_MAX)
        t->listpack_bytes = LIST_UNCOUNTED;
    return t->listpack_bytes != LIST_UNCOUNTED;
}

/* Takes the bytes of the `n` elements from the position on off the count. */
static void count_off(struct list_tree *t, uint64_t at, uint64_t n)
{
    if (!is_counted(t))
        return;
    struct btree_cursor c;
    const char *entry = btree_at(&t->tree, at, &c);
    for (; n > 0; n--, entry = btree_next(&c))
        t->listpack_bytes -= list_listpack_bytes(entry);
}

/* --- one element ---------------------------------------------------------------------------------------- */

/* The entry of new element i: written to `bytes`, or where the other list has it. It comes with a reference to its
 * blob, if any. False: no memory. */
static bool lay(const struct list_new *what, size_t i, char bytes[PACK_ENTRY_BYTES_MAX],
                struct slice *entry)
{
    if (what->entries) {
        *entry = slice_of(what->entries[i], pack_bytes(what->entries[i]));
        pack_hold(*entry);
        return true;
    }
    struct pack_entry e;
    if (!pack_entry_init(&e, what->strings[i]))
        return false;
    *entry = slice_of(bytes, e.bytes);
    pack_entry_write(&e, bytes);
    return true;
}

typedef enum err (*put_fn)(struct btree *t, uint64_t at, struct slice entry);

static enum err put(struct list_tree *t, uint64_t at, struct slice entry, put_fn fn)
{
    enum err err = fn(&t->tree, at, entry);
    if (err != ERR_OK)
        pack_drop(entry);
    else if (is_counted(t))
        t->listpack_bytes += list_listpack_bytes(entry.ptr);
    return err;
}

static enum err put_string(struct list_tree *t, uint64_t at, struct slice string, put_fn fn)
{
    struct list_new what = {.strings = &string, .n = 1};
    char bytes[PACK_ENTRY_BYTES_MAX];
    struct slice entry;
    return lay(&what, 0, bytes, &entry) ? put(t, at, entry, fn) : ERR_NOMEM;
}

enum err list_tree_insert(struct list_tree *t, uint64_t at, struct slice string)
{
    return put_string(t, at, string, btree_insert);
}

enum err list_tree_set(struct list_tree *t, uint64_t at, struct slice string)
{
    uint64_t before = t->listpack_bytes;
    count_off(t, at, 1);
    enum err err = put_string(t, at, string, btree_replace);
    if (err != ERR_OK)
        t->listpack_bytes = before;
    return err;
}

enum err list_tree_pop(struct list_tree *t, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX])
{
    bool counted = is_counted(t);
    enum err err = btree_pop(&t->tree, end == LIST_TAIL, entry);
    if (err == ERR_OK && counted)
        t->listpack_bytes -= list_listpack_bytes(entry);
    return err;
}

/* --- several -------------------------------------------------------------------------------------------- */

enum err list_tree_push(struct list_tree *t, enum list_end end, const struct list_new *what)
{
    uint64_t before = t->listpack_bytes;
    for (size_t i = 0; i < what->n; i++) {
        char bytes[PACK_ENTRY_BYTES_MAX];
        struct slice entry;
        uint64_t at = end == LIST_HEAD ? 0 : btree_count(&t->tree);
        if (lay(what, i, bytes, &entry) && put(t, at, entry, btree_insert) == ERR_OK)
            continue;
        /* The elements just pushed lie in nodes that only this tree has, so erasing them needs no memory. */
        for (; i > 0; i--) {
            at = end == LIST_HEAD ? 0 : btree_count(&t->tree) - 1;
            enum err err = btree_erase(&t->tree, at);
            assert(err == ERR_OK);
        }
        t->listpack_bytes = before;
        return ERR_NOMEM;
    }
    return ERR_OK;
}

enum err list_tree_remove(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n)
{
    uint64_t before = t->listpack_bytes;
    count_off(t, at, n);
    struct btree cut;
    bool later = btree_bytes(&t->tree) > FREED_AT_ONCE_BYTES_MAX;
    struct item *shell = later ? shell_new(e->ks) : NULL;
    if ((later && !shell) || btree_cut(&t->tree, at, n, &cut) != ERR_OK) {
        t->listpack_bytes = before;
        if (shell)
            item_free(shell);
        return ERR_NOMEM;
    }
    if (shell && btree_bytes(&cut) <= FREED_AT_ONCE_BYTES_MAX) {
        item_free(shell);
        shell = NULL;
    }
    free_cut(e, &cut, shell);
    return ERR_OK;
}

void list_tree_save(const struct list_tree *t, struct list_tree *saved)
{
    saved->listpack_bytes = t->listpack_bytes;
    btree_share(&t->tree, &saved->tree);
}

void list_tree_go_back(struct list_tree *t, const struct list_tree *saved)
{
    btree_free(&t->tree);
    t->tree = saved->tree;
    t->listpack_bytes = saved->listpack_bytes;
}

enum err list_tree_keep(struct ks_edit *e, struct list_tree *t, uint64_t at, uint64_t n)
{
    struct list_tree saved;
    uint64_t behind = btree_count(&t->tree) - at - n;
    bool both = at > 0 && behind > 0;
    if (both)
        list_tree_save(t, &saved);
    enum err err = behind > 0 ? list_tree_remove(e, t, at + n, behind) : ERR_OK;
    if (err == ERR_OK && at > 0)
        err = list_tree_remove(e, t, 0, at);
    if (!both)
        return err;
    if (err == ERR_OK)
        /* Bounded: most nodes are still held by the tree or by the cuts that are freed later. */
        btree_free(&saved.tree);
    else
        list_tree_go_back(t, &saved);
    return err;
}

/* Erases up to `count` equal elements, from one end towards the other. Undoing a failure is the caller's part. */
static enum err erase_equal(struct list_tree *t, enum list_end from, uint64_t count,
                            const struct pack_entry *wanted, uint64_t *removed)
{
    struct btree_cursor c;
    uint64_t at = from == LIST_HEAD ? 0 : btree_count(&t->tree) - 1;
    const char *entry = btree_at(&t->tree, at, &c);
    while (entry && *removed < count) {
        if (!pack_equal(entry, wanted)) {
            at += from == LIST_HEAD ? 1 : UINT64_MAX;
            entry = from == LIST_HEAD ? btree_next(&c) : btree_prev(&c);
            continue;
        }
        count_off(t, at, 1);
        if (btree_erase(&t->tree, at) != ERR_OK)
            return ERR_NOMEM;
        ++*removed;
        if (from == LIST_TAIL && at-- == 0)
            break;
        entry = btree_at(&t->tree, at, &c);
    }
    return ERR_OK;
}

enum err list_tree_remove_equal(struct list_tree *t, enum list_end from, uint64_t count,
                                struct slice string, uint64_t *removed)
{
    struct list_tree saved;
    struct pack_entry wanted;
    pack_entry_init_to_find(&wanted, string);
    *removed = 0;
    list_tree_save(t, &saved);
    enum err err = erase_equal(t, from, count, &wanted, removed);
    if (err == ERR_OK) {
        btree_free(&saved.tree);
    } else {
        list_tree_go_back(t, &saved);
        *removed = 0;
    }
    return err;
}

/* The entries to be taken, in the order of the pushes. NULL: no memory. */
static const char **taken_entries(const struct list_tree *t, const struct list_rotation *r)
{
    const char **entries = mem_try_alloc(r->n * sizeof(entries[0]));
    struct btree_cursor c;
    uint64_t first = r->from == LIST_HEAD ? 0 : btree_count(&t->tree) - r->n;
    bool reversed = list_rotation_reverses(r);
    if (!entries)
        return NULL;
    const char *entry = btree_at(&t->tree, first, &c);
    for (uint64_t i = 0; i < r->n; i++, entry = btree_next(&c))
        entries[reversed ? r->n - 1 - i : i] = entry;
    return entries;
}

enum err list_tree_rotate(struct list_tree *t, const struct list_rotation *r)
{
    struct list_tree saved;
    struct btree cut;
    list_tree_save(t, &saved);
    /* `saved` holds the nodes with these entries. */
    const char **entries = taken_entries(t, r);
    uint64_t from = r->from == LIST_HEAD ? 0 : btree_count(&t->tree) - r->n;
    enum err err = entries ? btree_cut(&t->tree, from, r->n, &cut) : ERR_NOMEM;
    if (err == ERR_OK) {
        btree_free(&cut);
        struct list_new what = {.entries = entries, .n = r->n};
        t->listpack_bytes = LIST_UNCOUNTED;
        err = list_tree_push(t, r->to, &what);
        /* The elements are the same. */
        t->listpack_bytes = saved.listpack_bytes;
    }
    if (err == ERR_OK)
        btree_free(&saved.tree);
    else
        list_tree_go_back(t, &saved);
    mem_free(entries);
    return err;
}
