#include "store/keyspace_impl.h"

bool ks_edit(struct keyspace *ks, int db, const struct key *k, struct ks_edit *e)
{
    e->ks = ks;
    e->hash = k->hash;
    e->item = e->there = ks_locate(ks, db, k, &e->at);
    if (!e->item)
        return false;
    ks_before_change(ks, e->at.db, e->item);
    ks_cell_sub(e->at.cell, e->item);
    return true;
}

static bool is_empty(const struct item *it)
{
    const struct value_ops *ops = value_ops(item_type(it));
    return ops->is_empty && ops->is_empty(it);
}

const struct item *ks_edit_end(struct ks_edit *e)
{
    struct item *it = e->item;
    struct table *t = &e->at.cell->table;
    item_seal(it);
    ks_cell_add(e->at.cell, it);
    /* Another edit may have removed a key, and with it moved entries. The pointer is compared, not followed. */
    e->at.pos = table_find(t, e->hash, ks_item_is, e->there);
    assert(e->at.pos.bucket);
    ks_replace_at(e->ks, &e->at, it);
    e->item = NULL;
    if (!is_empty(it))
        return it;
    ks_dispose(e->ks, ks_remove_at(e->ks, &e->at, e->hash));
    return NULL;
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
    item_seal(old); /* whatever this edit has done to it */
    ks_dispose(e->ks, old);
    e->item = it;
    return true;
}
