#include "store/keyspace_impl.h"

/* Several strings set at once, or taken back: the earlier values are kept until all are set. */

bool ks_group_init(struct ks_group *g, struct keyspace *ks, int db, size_t count)
{
    *g = (struct ks_group){.ks = ks, .db = db, .room = count};
    g->of = count <= KS_GROUP_FEW ? g->few : mem_try_alloc(count * sizeof(*g->of));
    return g->of;
}

static void deinit(struct ks_group *g)
{
    if (g->of != g->few)
        mem_free(g->of);
    g->of = NULL;
}

static void put(struct ks_group *g, const struct ks_place *at, struct item *old, struct item *it)
{
    struct keyspace *ks = g->ks;
    ks_before_change(ks, at->db, old);
    ks_cell_sub(at->cell, old);
    ks_cell_add(at->cell, it);
    ks_replace_at(ks, at, it);
}

/* `b` is the value, if there is one. */
static bool set(struct ks_group *g, const struct key *k, struct slice value, struct blob *b,
                int64_t expiry_ms)
{
    struct keyspace *ks = g->ks;
    struct ks_place at;
    assert(g->count < g->room);
    struct item *old = ks_locate(ks, g->db, k, &at);
    if (expiry_ms == KS_KEEP_EXPIRY)
        expiry_ms = old ? item_expiry_ms(old) : ITEM_NO_EXPIRY;
    if ((!old && ks_place_new(ks, g->db, k, &at)) || ks_note_deadline(ks, &at, k->hash, expiry_ms))
        return false;
    struct item_value by_reference = item_value_blob(&b);
    struct item *it = b ? item_try_new(ks->items, k->name, &by_reference, expiry_ms)
                        : ks_new_string(ks, k->name, value, expiry_ms);
    if (!it)
        return false;
    item_touch(it, ks->now_ms);
    if (old) {
        put(g, &at, old, it);
    } else if (ks_insert_at(ks, &at, k->hash, it)) {
        if (b)
            item_free_shell(it);
        else
            item_free(it);
        return false;
    }
    g->of[g->count++] = (struct ks_group_change){.was = old, .is = it, .hash = k->hash};
    return true;
}

bool ks_group_set(struct ks_group *g, const struct key *k, struct slice value, int64_t expiry_ms)
{
    return set(g, k, value, NULL, expiry_ms);
}

bool ks_group_set_blob(struct ks_group *g, const struct key *k, struct blob *takes,
                       int64_t expiry_ms)
{
    return set(g, k, (struct slice){0}, takes, expiry_ms);
}

uint32_t ks_group_hash(const struct ks_group *g, size_t i)
{
    assert(i < g->count);
    return g->of[i].hash;
}

bool ks_group_is_new(const struct ks_group *g, size_t i)
{
    assert(i < g->count);
    return !g->of[i].was;
}

void ks_group_keep(struct ks_group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->of[i].was)
            ks_dispose(g->ks, g->of[i].was);
    deinit(g);
}

/* From the last to the first, as a key may have been set twice. */
void ks_group_undo(struct ks_group *g)
{
    struct keyspace *ks = g->ks;
    while (g->of && g->count > 0) {
        struct ks_group_change *change = &g->of[--g->count];
        struct key k = ks_key(ks, item_key(change->is));
        struct ks_place at = {.db = ks_db_of(ks, g->db)};
        at.cell = ks_cell_of(ks, at.db, &k);
        at.pos = table_find(&at.cell->table, k.hash, ks_item_is, change->is);
        assert(at.pos.bucket);
        if (change->was)
            put(g, &at, change->is, change->was);
        else
            ks_remove_at(ks, &at, k.hash);
        item_free(change->is);
    }
    deinit(g);
}
