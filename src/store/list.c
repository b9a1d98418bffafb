#include "base/bytes.h"
#include "store/list_impl.h"

/* A tree becomes a pack again when its entries have shrunk to this: half the limit, so that a list at the limit does
 * not change its form with each edit. */
#define EMBED_AGAIN_BYTES_MAX (LIST_EMBED_BYTES_MAX / 2)

/* --- from one form to the other ------------------------------------------------------------------------- */

static uint8_t value_flags(const struct item *it)
{
    return it->flags & ITEM_VALUE_FLAGS;
}

/* Turns the pack into a tree. NULL: no memory. */
static struct list_tree *move_out(struct ks_edit *e)
{
    struct slice pack = item_embedded(e->item);
    struct list_tree *t = list_tree_new();
    if (!t)
        return NULL;
    for (size_t at = 0; at < pack.len;) {
        struct slice entry = slice_of(pack.ptr + at, pack_bytes(pack.ptr + at));
        if (btree_insert(&t->tree, btree_count(&t->tree), entry) != ERR_OK)
            goto fail;
        at += entry.len;
    }
    t->listpack_bytes = list_listpack_run_bytes(pack);
    void *tree = t;
    struct item_value v = item_value_tree(TYPE_LIST, &tree);
    v.flags = value_flags(e->item);
    if (ks_edit_replace(e, &v))
        return t;
fail:
    list_tree_free(t);
    return NULL;
}

/* The list's tree for editing; a pack becomes one. NULL: no memory. */
static struct list_tree *tree_to_edit(struct ks_edit *e)
{
    return list_is_tree(e->item) ? list_tree_own(e) : move_out(e);
}

/* Copies a tree's entries into a pack. False: they are too large for one, or an entry holds a blob. */
static bool gather(const struct btree *t, char to[EMBED_AGAIN_BYTES_MAX], size_t *len)
{
    struct btree_cursor c;
    bool more = btree_at(t, 0, &c) != NULL;
    for (*len = 0; more;) {
        unsigned count;
        struct slice run = btree_run(&c, &count, &more);
        if (run.len > EMBED_AGAIN_BYTES_MAX - *len || pack_has_blobs(run))
            return false;
        memcpy(to + *len, run.ptr, run.len);
        *len += run.len;
    }
    return true;
}

/* To be called when elements were removed: a small tree moves back into the item. Without memory it stays a tree. */
static void has_shrunk(struct ks_edit *e)
{
    char bytes[EMBED_AGAIN_BYTES_MAX];
    size_t len;
    list_has_shrunk(e);
    if (!list_is_tree(e->item))
        return;
    const struct btree *t = &list_tree(e->item)->tree;
    if (btree_count(t) > EMBED_AGAIN_BYTES_MAX || !gather(t, bytes, &len) || len == 0)
        return;
    struct item_value v = item_value_empty(TYPE_LIST);
    v.bytes = bytes;
    v.len = (uint16_t)len;
    v.flags = value_flags(e->item);
    ks_edit_replace(e, &v);
}

/* --- a pack in the item ---------------------------------------------------------------------------------- */

/* Encodes new elements for a pack that has `have` bytes. False: they do not fit into the item. */
static bool encode(enum list_end end, const struct list_new *what, size_t have,
                   char to[LIST_EMBED_BYTES_MAX], size_t *len)
{
    *len = 0;
    for (size_t i = 0; i < what->n; i++) {
        size_t k = end == LIST_HEAD ? what->n - 1 - i : i;
        struct pack_entry entry;
        size_t bytes;
        bool blob;
        if (what->entries) {
            bytes = pack_bytes(what->entries[k]);
            blob = pack_blob(what->entries[k]);
        } else {
            pack_entry_init_to_find(&entry, what->strings[k]);
            bytes = entry.bytes;
            blob = entry.code == PACK_CODE_BLOB;
        }
        if (blob || have + *len + bytes > LIST_EMBED_BYTES_MAX)
            return false;
        if (what->entries)
            memcpy(to + *len, what->entries[k], bytes);
        else
            pack_entry_write(&entry, to + *len);
        *len += bytes;
    }
    return true;
}

/* Replaces `drop` bytes of the pack. */
static enum err splice(struct ks_edit *e, size_t at, size_t drop, struct slice bytes)
{
    char *gap = ks_edit_splice(e, at, drop, bytes.len);
    if (!gap)
        return ERR_NOMEM;
    if (bytes.len > 0)
        memcpy(gap, bytes.ptr, bytes.len);
    return ERR_OK;
}

/* The offset of the nth entry, or of the pack's end. */
static size_t offset_of(const struct item *it, uint64_t n)
{
    struct slice pack = item_embedded(it);
    const char *at = n < pack.len ? pack_at(pack, n) : NULL;
    return at ? (size_t)(at - pack.ptr) : pack.len;
}

/* Copies the pack without the first `count` entries, counted from one end, that equal `wanted`. Returns the length. */
static size_t without(struct slice pack, enum list_end from, uint64_t count,
                      const struct pack_entry *wanted, char to[LIST_EMBED_BYTES_MAX],
                      uint64_t *removed)
{
    const char *end = pack.ptr + pack.len;
    uint64_t equal = 0, skip = 0;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        equal += pack_equal(at, wanted);
    if (from == LIST_TAIL && equal > count)
        skip = equal - count;
    size_t len = 0;
    *removed = 0;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at)) {
        bool goes = pack_equal(at, wanted) && *removed < count;
        if (goes && skip == 0) {
            ++*removed;
            continue;
        }
        skip -= goes;
        memcpy(to + len, at, pack_bytes(at));
        len += pack_bytes(at);
    }
    return len;
}

/* --- editing ------------------------------------------------------------------------------------------ */

static enum err push(struct ks_edit *e, enum list_end end, const struct list_new *what)
{
    char bytes[LIST_EMBED_BYTES_MAX];
    size_t len;
    struct item *it = e->item;
    uint8_t flags = it->flags;
    list_will_grow(e, what);
    enum err err;
    if (!list_is_tree(it) && encode(end, what, it->vlen, bytes, &len)) {
        err = splice(e, end == LIST_HEAD ? 0 : it->vlen, 0, slice_of(bytes, len));
    } else {
        struct list_tree *t = tree_to_edit(e);
        err = t ? list_tree_push(t, end, what) : ERR_NOMEM;
    }
    if (err != ERR_OK)
        e->item->flags = flags;
    return err;
}

enum err list_push(struct ks_edit *e, enum list_end end, const struct slice *strings, size_t n)
{
    return push(e, end, &(struct list_new){.strings = strings, .n = n});
}

enum err list_push_entries(struct ks_edit *e, enum list_end end, const char *const *entries,
                           size_t n)
{
    return push(e, end, &(struct list_new){.entries = entries, .n = n});
}

enum err list_insert(struct ks_edit *e, uint64_t at, struct slice string)
{
    char bytes[LIST_EMBED_BYTES_MAX];
    size_t len;
    struct item *it = e->item;
    uint8_t flags = it->flags;
    struct list_new what = {.strings = &string, .n = 1};
    list_will_grow(e, &what);
    enum err err;
    if (!list_is_tree(it) && encode(LIST_TAIL, &what, it->vlen, bytes, &len)) {
        err = splice(e, offset_of(it, at), 0, slice_of(bytes, len));
    } else {
        struct list_tree *t = tree_to_edit(e);
        err = t ? list_tree_insert(t, at, string) : ERR_NOMEM;
    }
    if (err != ERR_OK)
        e->item->flags = flags;
    return err;
}

enum err list_set(struct ks_edit *e, uint64_t at, struct slice string)
{
    char bytes[LIST_EMBED_BYTES_MAX];
    size_t len;
    struct item *it = e->item;
    uint8_t flags = it->flags;
    struct list_new what = {.strings = &string, .n = 1};
    list_will_grow(e, &what);
    size_t place = list_is_tree(it) ? 0 : offset_of(it, at);
    size_t drop = list_is_tree(it) ? 0 : pack_bytes(item_embedded(it).ptr + place);
    enum err err;
    if (!list_is_tree(it) && encode(LIST_TAIL, &what, it->vlen - drop, bytes, &len)) {
        err = splice(e, place, drop, slice_of(bytes, len));
    } else {
        struct list_tree *t = tree_to_edit(e);
        err = t ? list_tree_set(t, at, string) : ERR_NOMEM;
    }
    if (err == ERR_OK)
        has_shrunk(e);
    else
        e->item->flags = flags;
    return err;
}

/* The offset of the last entry. */
static size_t last_of(struct slice pack)
{
    size_t last = 0;
    for (size_t at = 0; at < pack.len; at += pack_bytes(pack.ptr + at))
        last = at;
    return last;
}

enum err list_pop(struct ks_edit *e, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX])
{
    enum err err;
    if (list_is_tree(e->item)) {
        struct list_tree *t = list_tree_own(e);
        err = t ? list_tree_pop(t, end, entry) : ERR_NOMEM;
    } else {
        struct slice pack = item_embedded(e->item);
        size_t at = end == LIST_HEAD ? 0 : last_of(pack), len = pack_bytes(pack.ptr + at);
        bytes_copy(entry, pack.ptr + at, len);
        err = splice(e, at, len, slice_of(NULL, 0));
    }
    if (err == ERR_OK)
        has_shrunk(e);
    return err;
}

void list_popped_end(const char *entry)
{
    struct blob *b = pack_blob(entry);
    if (b)
        blob_drop(b);
}

enum err list_remove(struct ks_edit *e, uint64_t at, uint64_t n)
{
    enum err err;
    if (list_is_tree(e->item)) {
        struct list_tree *t = list_tree_own(e);
        err = t ? list_tree_remove(e, t, at, n) : ERR_NOMEM;
    } else {
        size_t from = offset_of(e->item, at), to = from;
        const char *pack = item_embedded(e->item).ptr;
        for (uint64_t i = 0; i < n; i++)
            to += pack_bytes(pack + to);
        err = splice(e, from, to - from, slice_of(NULL, 0));
    }
    if (err == ERR_OK)
        has_shrunk(e);
    return err;
}

enum err list_keep(struct ks_edit *e, uint64_t at, uint64_t n)
{
    enum err err;
    if (list_is_tree(e->item)) {
        struct list_tree *t = list_tree_own(e);
        err = t ? list_tree_keep(e, t, at, n) : ERR_NOMEM;
    } else {
        char kept[LIST_EMBED_BYTES_MAX];
        struct slice pack = item_embedded(e->item);
        size_t from = offset_of(e->item, at), to = offset_of(e->item, at + n);
        memcpy(kept, pack.ptr + from, to - from);
        err = splice(e, 0, pack.len, slice_of(kept, to - from));
    }
    if (err == ERR_OK)
        has_shrunk(e);
    return err;
}

enum err list_remove_equal(struct ks_edit *e, enum list_end from, uint64_t count,
                           struct slice string, uint64_t *removed)
{
    enum err err;
    if (list_is_tree(e->item)) {
        struct list_tree *t = list_tree_own(e);
        *removed = 0;
        err = t ? list_tree_remove_equal(t, from, count, string, removed) : ERR_NOMEM;
    } else {
        char rest[LIST_EMBED_BYTES_MAX];
        struct pack_entry wanted;
        struct slice pack = item_embedded(e->item);
        pack_entry_init_to_find(&wanted, string);
        size_t len = without(pack, from, count, &wanted, rest, removed);
        err = *removed > 0 ? splice(e, 0, pack.len, slice_of(rest, len)) : ERR_OK;
    }
    if (err == ERR_OK && *removed > 0)
        has_shrunk(e);
    else if (err != ERR_OK)
        *removed = 0;
    return err;
}

/* --- taking ------------------------------------------------------------------------------------------- */

static enum err take_of_pack(struct ks_edit *e, enum list_end end, uint64_t n, struct list_taken *t)
{
    struct item *old = e->item;
    uint64_t len = list_len(old);
    size_t from = end == LIST_HEAD ? offset_of(old, n) : 0;
    size_t to = end == LIST_HEAD ? old->vlen : offset_of(old, len - n);
    struct item_value v = item_value_empty(TYPE_LIST);
    v.bytes = item_embedded(old).ptr + from;
    v.len = (uint16_t)(to - from);
    v.flags = value_flags(old);
    struct item *it = item_try_new(e->ks->items, item_key(old), &v, item_expiry_ms(old));
    if (!it)
        return ERR_NOMEM;
    memcpy(it->access, old->access, sizeof(it->access));
    t->item = old;
    e->item = it;
    return ERR_OK;
}

enum err list_take(struct ks_edit *e, enum list_end end, uint64_t n, struct list_taken *t)
{
    t->item = NULL;
    if (!list_is_tree(e->item))
        return take_of_pack(e, end, n, t);
    struct list_tree *own = list_tree_own(e);
    if (!own)
        return ERR_NOMEM;
    struct list_tree saved;
    list_tree_save(own, &saved);
    enum err err = list_tree_remove(e, own, end == LIST_HEAD ? 0 : btree_count(&own->tree) - n, n);
    if (err != ERR_OK) {
        btree_free(&saved.tree);
        return err;
    }
    t->tree = saved.tree;
    t->listpack_bytes = saved.listpack_bytes;
    return ERR_OK;
}

void list_taken_back(struct ks_edit *e, struct list_taken *t)
{
    if (t->item) {
        item_free_shell(e->item);
        e->item = t->item;
        return;
    }
    struct list_tree saved = {.tree = t->tree, .listpack_bytes = t->listpack_bytes};
    list_tree_go_back(list_tree(e->item), &saved);
}

void list_taken_end(struct ks_edit *e, struct list_taken *t)
{
    if (t->item)
        item_free_shell(t->item);
    else
        btree_free(&t->tree);
    has_shrunk(e);
}

/* Writes the rotated pack, which has as many bytes as before, to `to`. */
static void rotate_pack(struct slice pack, const struct list_rotation *r,
                        char to[LIST_EMBED_BYTES_MAX])
{
    const char *entries[LIST_EMBED_BYTES_MAX];
    char taken[LIST_EMBED_BYTES_MAX];
    uint64_t len = pack_count(pack), first = r->from == LIST_HEAD ? 0 : len - r->n;
    const char *at = pack_at(pack, first), *begin = at;
    for (uint64_t i = 0; i < r->n; i++, at += pack_bytes(at))
        entries[list_rotation_reverses(r) ? r->n - 1 - i : i] = at;
    size_t bytes = 0;
    encode(r->to, &(struct list_new){.entries = entries, .n = r->n}, 0, taken, &bytes);
    size_t ahead = (size_t)(begin - pack.ptr), behind = pack.len - ahead - bytes;
    char *rest = to + (r->to == LIST_HEAD ? bytes : 0);
    memcpy(to + (r->to == LIST_HEAD ? 0 : ahead + behind), taken, bytes);
    memcpy(rest, pack.ptr, ahead);
    memcpy(rest + ahead, begin + bytes, behind);
}

enum err list_rotate(struct ks_edit *e, const struct list_rotation *r)
{
    if (list_is_tree(e->item)) {
        struct list_tree *t = list_tree_own(e);
        return t ? list_tree_rotate(t, r) : ERR_NOMEM;
    }
    char rotated[LIST_EMBED_BYTES_MAX];
    struct slice pack = item_embedded(e->item);
    rotate_pack(pack, r, rotated);
    return splice(e, 0, pack.len, slice_of(rotated, pack.len));
}
