#include "store/keyspace_impl.h"

/* A value under another key, in another database, or made aside. All that may fail is done before anything changes. */

/* Makes the place for `it` under a key, replacing the value there: *at, and its deadline noted. */
static enum err prepare(struct keyspace *ks, struct ks_name to, const struct item *it,
                        struct ks_place *at)
{
    if (!ks_locate(ks, to.db, to.key, at)) {
        enum err e = ks_place_new(ks, to.db, to.key, at);
        if (e)
            return e;
    }
    return ks_note_deadline(ks, at, to.key->hash, ks_least_due_ms(it));
}

static enum err put(struct keyspace *ks, struct ks_name to, struct item *it)
{
    struct ks_place at;
    enum err e = prepare(ks, to, it, &at);
    if (e)
        return e;
    struct item *old = ks_item_at(&at);
    if (!old)
        return ks_insert_at(ks, &at, to.key->hash, it);
    ks_before_change(ks, at.db, old);
    ks_cell_sub(at.cell, old);
    ks_cell_add(at.cell, it);
    ks_replace_at(ks, &at, it);
    ks_dispose(ks, old);
    return ERR_OK;
}

enum err ks_move(struct keyspace *ks, struct ks_name from, struct ks_name to)
{
    struct ks_place at;
    struct item *old = ks_locate(ks, from.db, from.key, &at);
    assert(old);
    ks_before_change(ks, at.db, old);
    struct item *it = item_try_rekey(ks->items, old, to.key->name, item_expiry_ms(old));
    if (!it)
        return ERR_NOMEM;
    enum err e = put(ks, to, it);
    if (e) {
        item_free_shell(it);
        return e;
    }
    /* Putting it may have moved other entries of the table. */
    at.pos = table_find(&at.cell->table, from.key->hash, ks_item_is, old);
    item_free_shell(ks_remove_at(ks, &at, from.key->hash));
    return ERR_OK;
}

enum err ks_copy(struct keyspace *ks, struct ks_name from, struct ks_name to)
{
    struct ks_place at;
    struct item *old = ks_locate(ks, from.db, from.key, &at);
    assert(old);
    struct item *it = item_try_copy(ks->items, old, to.key->name, item_expiry_ms(old));
    if (!it)
        return ERR_NOMEM;
    enum err e = put(ks, to, it);
    if (e)
        item_free(it);
    return e;
}

/* --- a value made aside ------------------------------------------------------------------------------- */

bool ks_edit_aside(struct keyspace *ks, const struct key *k, enum item_type t, struct ks_edit *e)
{
    struct item_value v = item_value_empty(t);
    *e = (struct ks_edit){.ks = ks, .hash = k->hash};
    e->item = item_try_new(ks->items, k->name, &v, ITEM_NO_EXPIRY);
    return e->item;
}

enum err ks_edit_put(struct ks_edit *e, int db, const struct key *k)
{
    assert(slice_equal(item_key(e->item), k->name));
    item_touch(e->item, e->ks->now_ms);
    item_seal(e->item);
    enum err err = put(e->ks, (struct ks_name){db, k}, e->item);
    if (err == ERR_OK)
        e->item = NULL;
    return err;
}

void ks_edit_drop(struct ks_edit *e)
{
    item_seal(e->item);
    ks_dispose(e->ks, e->item);
    e->item = NULL;
}
