#include "store/hash_impl.h"

/* A larger pack becomes a tree, in which a look-up is quicker and a change moves fewer bytes. */
#define HASH_PACK_BYTES_MAX 2048

/* --- from one form to another ------------------------------------------------------------------------- */

/* The hash's tree for editing; a shared one is copied first. NULL: no memory. */
static struct hashtree *own_tree(struct ks_edit *e)
{
    struct hashtree *t = hash_tree(e->item);
    if (!hashtree_own(&t))
        return NULL;
    memcpy((char *)item_value_place(e->item), &t, sizeof(t));
    return t;
}

static enum err tree_set(struct hashtree *t, const struct hash_new *n, bool *added)
{
    struct pack_entry name, value;
    if (!pack_entry_init(&name, n->name))
        return ERR_NOMEM;
    enum err err = ERR_NOMEM;
    if (pack_entry_init(&value, n->value)) {
        struct hashtree_new entry = {&name, &value, n->due_ms};
        err = hashtree_set(t, &entry, added);
        pack_entry_deinit(&value);
    }
    pack_entry_deinit(&name);
    return err == ERR_FULL ? ERR_NOMEM : err;
}

static enum err fill_tree(struct hashtree *t, const struct item *it)
{
    char scratch[2][NUM_I64_CHARS];
    struct hash_walk w;
    struct hash_field f;
    bool added;
    enum err err = ERR_OK;
    hash_walk_init(&w, it, 0);
    while (!err && hash_walk_next(&w, &f)) {
        struct hash_new n = {pack_string(f.name, scratch[0]), pack_string(f.value, scratch[1]),
                             f.due_ms};
        err = tree_set(t, &n, &added);
    }
    return err;
}

/* Turns a pack into a tree. A tree never becomes a pack again. */
static enum err to_tree(struct ks_edit *e)
{
    struct hashtree_options o = {.heap = e->ks->items, .hash = &e->ks->hash, .values = true};
    struct hashtree *t = hashtree_try_new(&o);
    if (!t)
        return ERR_NOMEM;
    struct item_value v = item_value_tree(TYPE_HASH, (void *const *)&t);
    v.flags = e->item->flags & ITEM_VALUE_FLAGS;
    if (fill_tree(t, e->item) == ERR_OK && ks_edit_replace(e, &v))
        return ERR_OK;
    hashtree_drop(t);
    return ERR_NOMEM;
}

/* Makes room for deadlines: in a pack a third entry for each field. A pack that would get too large becomes a tree. */
static enum err to_dues(struct ks_edit *e)
{
    char pack[HASH_PACK_BYTES_MAX], *end = pack;
    struct hash_walk w;
    struct hash_field f;
    struct slice old = hash_pack(e->item);
    struct pack_entry none;
    if (e->item->flags & ITEM_DUES)
        return ERR_OK;
    if (item_enc(e->item) != ENC_TREE && old.len + pack_count(old) / 2 > HASH_PACK_BYTES_MAX) {
        enum err err = to_tree(e);
        if (err)
            return err;
    }
    if (item_enc(e->item) == ENC_TREE) {
        e->item->flags |= ITEM_DUES;
        return ERR_OK;
    }
    pack_entry_init_to_find(&none, SLICE("0"));
    hash_walk_init(&w, e->item, 0);
    while (hash_walk_next(&w, &f)) {
        size_t bytes = pack_bytes(f.name) + pack_bytes(f.value);
        memcpy(end, f.name, bytes);
        end = pack_entry_write(&none, end + bytes);
    }
    struct item_value v = item_value_empty(TYPE_HASH);
    v.bytes = pack;
    v.len = (uint16_t)(end - pack);
    v.flags = (e->item->flags & ITEM_VALUE_FLAGS) | ITEM_DUES;
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

void hash_expect(struct ks_edit *e, size_t fields)
{
    if ((int64_t)fields > e->ks->limits.hash_max_listpack_entries)
        e->item->flags |= ITEM_GROWN;
}

/* Sets ITEM_GROWN when the hash is past Redis' limits of a small one. */
static void note_size(struct ks_edit *e, const struct hash_new *n)
{
    const struct ks_limits *limits = &e->ks->limits;
    if (e->item->flags & ITEM_GROWN)
        return;
    if ((int64_t)n->name.len > limits->hash_max_listpack_value ||
        (int64_t)n->value.len > limits->hash_max_listpack_value ||
        ((item_is_outside(e->item) || e->item->vlen / 2 > limits->hash_max_listpack_entries) &&
         (int64_t)hash_count(e->item) > limits->hash_max_listpack_entries))
        e->item->flags |= ITEM_GROWN;
}

/* --- setting -------------------------------------------------------------------------------------------- */

static enum err set_in_tree(struct ks_edit *e, const struct hash_new *n, bool *added)
{
    struct hashtree *t = own_tree(e);
    return t ? tree_set(t, n, added) : ERR_NOMEM;
}

/* Sets a field in a pack. A field that is there keeps its name's entry; the entries behind it are replaced. */
static enum err set_in_pack(struct ks_edit *e, const struct hash_new *n,
                            const struct hash_field *there)
{
    struct pack_entry name, value, due;
    char text[NUM_I64_CHARS];
    struct slice pack = hash_pack(e->item);
    pack_entry_init_to_find(&name, n->name);
    pack_entry_init_to_find(&value, n->value);
    int64_t due_ms = n->due_ms == DUES_NONE ? 0 : n->due_ms;
    pack_entry_init_to_find(&due, slice_of(text, (size_t)num_print_i64(text, due_ms)));
    bool dues = e->item->flags & ITEM_DUES;
    size_t add = value.bytes + (dues ? due.bytes : 0), drop = 0, at = pack.len;
    if (there) {
        struct hash_field f;
        at = (size_t)(there->value - pack.ptr);
        drop = (size_t)(hash_field_at(e->item, there->name, &f) - there->value);
    } else {
        add += name.bytes;
    }
    if (value.code == PACK_CODE_BLOB || name.code == PACK_CODE_BLOB ||
        pack.len - drop + add > HASH_PACK_BYTES_MAX) {
        bool added;
        enum err err = to_tree(e);
        return err ? err : set_in_tree(e, n, &added);
    }
    char *to = ks_edit_splice(e, at, drop, add);
    if (!to)
        return ERR_NOMEM;
    if (!there)
        to = pack_entry_write(&name, to);
    to = pack_entry_write(&value, to);
    if (dues)
        pack_entry_write(&due, to);
    return ERR_OK;
}

enum err hash_set(struct ks_edit *e, const struct hash_new *n, bool *added)
{
    struct hash_new set = *n;
    struct pack_entry name;
    struct hash_field there;
    bool dues = e->item->flags & ITEM_DUES, tree = item_enc(e->item) == ENC_TREE, found = false;
    enum err err;
    if (dues || !tree) {
        pack_entry_init_to_find(&name, n->name);
        found = hash_find_any(e->item, &name, &there);
    }
    bool due = found && there.due_ms <= dues_now_ms(e->ks);
    if (n->due_ms == DUES_KEEP)
        set.due_ms = found && !due ? there.due_ms : DUES_NONE;
    if (set.due_ms != DUES_NONE) {
        err = ks_note_deadline(e->ks, &e->at, e->hash, set.due_ms);
        if (!err && !dues) {
            err = to_dues(e);
            tree = item_enc(e->item) == ENC_TREE;
            found = !tree && hash_find_any(e->item, &name, &there);
        }
        if (err)
            return err;
    }
    if (tree) {
        err = set_in_tree(e, &set, added);
        if (!err && due)
            *added = true;
    } else {
        *added = !found || due;
        err = set_in_pack(e, &set, found ? &there : NULL);
    }
    if (!err)
        note_size(e, n);
    return err;
}

enum err hash_set_due(struct ks_edit *e, struct slice name, int64_t due_ms)
{
    struct pack_entry entry;
    struct hash_field f;
    pack_entry_init_to_find(&entry, name);
    if (!hash_find_any(e->item, &entry, &f))
        return ERR_NOTFOUND;
    if (f.due_ms == due_ms)
        return ERR_OK;
    enum err err = due_ms == DUES_NONE ? ERR_OK : ks_note_deadline(e->ks, &e->at, e->hash, due_ms);
    if (!err)
        err = to_dues(e);
    if (err)
        return err;
    if (item_enc(e->item) == ENC_TREE) {
        struct hashtree *t = own_tree(e);
        err = t ? hashtree_set_due(t, &entry, due_ms) : ERR_NOMEM;
        return err == ERR_FULL ? ERR_NOMEM : err;
    }
    char scratch[NUM_I64_CHARS], copy[PACK_STRING_BYTES_MAX];
    hash_find_any(e->item, &entry, &f);
    struct slice value = pack_string(f.value, scratch);
    /* The pack may move while the value is written. */
    memcpy(copy, value.ptr, value.len);
    return set_in_pack(e, &(struct hash_new){name, slice_of(copy, value.len), due_ms}, &f);
}

/* --- removing -------------------------------------------------------------------------------------------- */

enum err hash_remove(struct ks_edit *e, struct slice name)
{
    struct pack_entry entry;
    struct hash_field f;
    pack_entry_init_to_find(&entry, name);
    if (item_enc(e->item) == ENC_TREE) {
        struct hashtree *t = own_tree(e);
        return t ? hashtree_remove(t, &entry) : ERR_NOMEM;
    }
    const char *at = pack_find(hash_pack(e->item), hash_step(e->item), &entry);
    if (!at)
        return ERR_NOTFOUND;
    size_t from = (size_t)(at - hash_pack(e->item).ptr);
    size_t bytes = (size_t)(hash_field_at(e->item, at, &f) - at);
    return ks_edit_splice(e, from, bytes, 0) ? ERR_OK : ERR_NOMEM;
}
