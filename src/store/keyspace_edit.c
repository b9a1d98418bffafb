#include "store/keyspace_impl.h"

static void begin(struct ks_edit *e)
{
    e->kept = NULL;
    e->noted = false;
    ks_before_change(e->ks, e->at.db, e->item);
    ks_cell_sub(e->at.cell, e->item);
}

bool ks_edit(struct keyspace *ks, int db, const struct key *k, struct ks_edit *e)
{
    e->ks = ks;
    e->hash = k->hash;
    e->is_new = false;
    e->item = e->there = ks_locate(ks, db, k, &e->at);
    if (!e->item)
        return false;
    begin(e);
    return true;
}

enum err ks_edit_type(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                      struct ks_edit *e)
{
    e->ks = ks;
    e->hash = k->hash;
    e->is_new = false;
    e->item = e->there = ks_locate(ks, db, k, &e->at);
    if (!e->item)
        return ERR_NOTFOUND;
    if (item_type(e->item) != t)
        return ERR_TYPE;
    begin(e);
    return ERR_OK;
}

enum err ks_edit_or_new(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                        struct ks_edit *e)
{
    enum err err = ks_edit_type(ks, db, k, t, e);
    if (err != ERR_NOTFOUND)
        return err;
    if (ks_place_new(ks, db, k, &e->at) != ERR_OK)
        return ERR_NOMEM;
    struct item_value v = item_value_empty(t);
    struct item *it = item_try_new(ks->items, k->name, &v, ITEM_NO_EXPIRY);
    if (!it)
        return ERR_NOMEM;
    if (ks_insert_at(ks, &e->at, k->hash, it) != ERR_OK) {
        item_free_shell(it);
        return ERR_NOMEM;
    }
    item_touch(it, ks->now_ms);
    item_seal(it);
    e->item = e->there = it;
    e->is_new = true;
    begin(e);
    return ERR_OK;
}

bool ks_edit_keep(struct ks_edit *e)
{
    const struct value_ops *ops = value_ops(item_type(e->item));
    assert(!e->kept && !e->noted);
    if (e->is_new)
        return true;
    e->flags = e->item->flags;
    if (item_is_outside(e->item) && ops->keep)
        return e->noted = ops->keep(e->item);
    item_seal(e->item); /* whatever this edit has changed in it */
    e->kept = item_try_copy(e->ks->items, e->item, item_key(e->item), item_expiry_ms(e->item));
    return e->kept;
}

static bool is_empty(const struct item *it)
{
    const struct value_ops *ops = value_ops(item_type(it));
    return ops->is_empty && ops->is_empty(it);
}

/* Puts the item into its place, unless the key is to go. */
static const struct item *end(struct ks_edit *e, bool stays)
{
    struct item *it = e->item;
    struct table *t = &e->at.cell->table;
    item_seal(it);
    ks_cell_add(e->at.cell, it);
    e->item = NULL;
    if (it == e->there && stays) {
        ks_mark_new(e->ks, it);
        return it;
    }
    /* Another edit may have removed a key, and with it moved entries. The pointer is compared, not followed. */
    e->at.pos = table_find(t, e->hash, ks_item_is, e->there);
    assert(e->at.pos.bucket);
    ks_replace_at(e->ks, &e->at, it);
    if (stays)
        return it;
    ks_dispose(e->ks, ks_remove_at(e->ks, &e->at, e->hash));
    return NULL;
}

const struct item *ks_edit_end(struct ks_edit *e)
{
    if (__builtin_expect(e->kept != NULL, 0))
        ks_dispose(e->ks, e->kept);
    if (__builtin_expect(e->noted, 0))
        value_ops(item_type(e->item))->keep_end(e->item, false);
    return end(e, !is_empty(e->item));
}

void ks_edit_undo(struct ks_edit *e)
{
    if (e->kept) {
        item_seal(e->item);
        ks_dispose(e->ks, e->item);
        e->item = e->kept;
    } else if (e->noted) {
        value_ops(item_type(e->item))->keep_end(e->item, true);
        e->item->flags = e->flags;
    }
    end(e, !e->is_new);
}

bool ks_edit_replace(struct ks_edit *e, const struct item_value *v)
{
    struct item *old = e->item;
    if (item_rewrite(old, v, item_expiry_ms(old)))
        return true;
    struct item *it = item_try_new(e->ks->items, item_key(old), v, item_expiry_ms(old));
    if (!it)
        return false;
    memcpy(it->access, old->access, sizeof(it->access));
    item_seal(old); /* whatever this edit has changed in it */
    ks_dispose(e->ks, old);
    e->item = it;
    return true;
}

/* Copies a value's bytes around a gap: the bytes ahead of it, and behind it. */
static void copy_around(char *to, const char *from, size_t len, const size_t gap[3])
{
    size_t at = gap[0], drop = gap[1], add = gap[2];
    if (to != from)
        memcpy(to, from, at);
    memmove(to + at + add, from + at + drop, len - at - drop);
}

char *ks_edit_splice(struct ks_edit *e, size_t at, size_t drop, size_t add)
{
    struct item *old = e->item;
    char *value = (char *)item_value_place(old);
    size_t len = old->vlen, grown = len - drop + add, have = item_bytes(old);
    size_t need = have - len + grown, ahead = (size_t)(value - (char *)old);
    const size_t gap[] = {at, drop, add};
    assert(!item_is_outside(old) && at + drop <= len && grown <= ITEM_VLEN_MAX);
    if (slab_good_size(have) == slab_good_size(need)) {
        copy_around(value, value, len, gap);
        old->vlen = (uint16_t)grown;
        return value + at;
    }
    struct item *it = slab_try_alloc(e->ks->items, need);
    if (!it)
        return NULL;
    memcpy(it, old, ahead);
    copy_around((char *)it + ahead, value, len, gap);
    it->vlen = (uint16_t)grown;
    item_free_shell(old);
    e->item = it;
    return (char *)it + ahead + at;
}
