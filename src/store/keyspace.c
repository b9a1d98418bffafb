#include "store/keyspace_impl.h"

/* --- life ------------------------------------------------------------------------------------------- */

static uint32_t rehash_item(const void *item, void *ks)
{
    return ks_hash(ks, item_key(item));
}

void ks_cell_init(struct keyspace *ks, struct ks_cell *cell)
{
    *cell = (struct ks_cell){.bytes = 0};
    table_init(&cell->table, rehash_item, ks);
    duetree_init(&cell->dues, ks->now_ms);
}

void ks_cell_deinit(struct ks_cell *cell)
{
    table_deinit(&cell->table);
    duetree_deinit(&cell->dues);
}

static void free_item(void *item, uint32_t hash, void *arg)
{
    (void)hash, (void)arg;
    item_free(item);
}

void ks_db_free(struct ks_db *d)
{
    for (unsigned i = 0; i < d->cell_count; i++) {
        table_drain(&d->cells[i].table, 0, UINT64_MAX, free_item, NULL);
        ks_cell_deinit(&d->cells[i]);
    }
    mem_free(d->cells);
    mem_free(d);
}

struct keyspace *ks_new(const struct ks_options *o)
{
    assert(o->databases >= 1 && o->databases <= KS_DATABASES_MAX);
    assert(o->shards >= 1 && o->shards <= KS_SHARDS_MAX);
    struct keyspace *ks = mem_try_zalloc(sizeof(*ks));
    struct ks_db **dbs = mem_try_zalloc((size_t)o->databases * sizeof(struct ks_db *));
    if (!ks || !dbs) {
        mem_free(dbs);
        mem_free(ks);
        return NULL;
    }
    ks->populator = populator_new();
    ks->items = slab_heap_new(ks->populator);
    ks->dbs = dbs;
    ks->databases = o->databases;
    keyhash_init(&ks->hash, o->hash_key);
    ks->now_ms = o->now_ms;
    ks->limits = KS_LIMITS_DEFAULT;
    ks_on_expired(ks, o->expired, o->expired_arg);
    ks->due_ms = INT64_MAX;
    ks->shards = ks->shards_from = ks->cell_count = o->shards;
    ks_place_slots(ks);
    ks_snapshot_init(ks);
    return ks;
}

void ks_free(struct keyspace **pks)
{
    struct keyspace *ks = *pks;
    if (!ks)
        return;
    ks_snapshot_drop(ks); /* ahead of the items that it holds */
    ks_flush(ks, -1, true);
    ks_free_pending(ks);
    populator_free(&ks->populator);
    slab_heap_free(&ks->items);
    mem_free(ks->dbs);
    mem_free(ks);
    *pks = NULL;
}

void ks_on_expired(struct keyspace *ks, ks_expired_fn fn, void *arg)
{
    ks->expired = fn;
    ks->expired_arg = arg;
}

void ks_on_elements_expired(struct keyspace *ks, ks_elements_expired_fn fn, void *arg)
{
    ks->elements_expired = fn;
    ks->elements_expired_arg = arg;
}

void ks_clock(struct keyspace *ks, int64_t now_ms)
{
    ks->now_ms = now_ms;
}

int64_t ks_now_ms(const struct keyspace *ks)
{
    return ks->now_ms;
}

void ks_set_limits(struct keyspace *ks, const struct ks_limits *limits)
{
    ks->limits = *limits;
}

const struct ks_limits *ks_limits(const struct keyspace *ks)
{
    return &ks->limits;
}

int ks_databases(const struct keyspace *ks)
{
    return ks->databases;
}

/* --- finding ---------------------------------------------------------------------------------------- */

struct key ks_key(const struct keyspace *ks, struct slice name)
{
    return (struct key){
        .name = name,
        .hash = ks_hash(ks, name),
        .slot = ks->cell_count == 1 ? KS_SLOT_UNKNOWN : key_slot(name),
    };
}

void ks_prefetch(const struct keyspace *ks, int db, const struct key *k)
{
    const struct ks_db *d = ks_db_of(ks, db);
    if (d)
        table_prefetch(&ks_cell_of(ks, d, k)->table, k->hash);
}

bool ks_prefetch_item(const struct keyspace *ks, int db, const struct key *k, int line)
{
    const struct ks_db *d = ks_db_of(ks, db);
    const struct table *t = d ? &ks_cell_of(ks, d, k)->table : NULL;
    if (!t || !t->buckets)
        return false;
    const struct table_bucket *b = table_bucket_of(t, k->hash);
    for (; line > 0; line--) {
        if (!table_has_chain(b))
            return false;
        b = table_chain(b);
    }
    const void *it = table_line_candidate(b, k->hash);
    if (it) {
        ks_prefetch_small(it);
        return false;
    }
    if (!table_has_chain(b))
        return false;
    prefetch_line(table_chain(b));
    return true;
}

const struct item *ks_peek(const struct keyspace *ks, int db, const struct key *k)
{
    const struct ks_db *d = ks_db_of(ks, db);
    const struct table *t = d ? &ks_cell_of(ks, d, k)->table : NULL;
    if (!t || !t->buckets)
        return NULL;
    const struct table_bucket *b = table_bucket_of(t, k->hash);
    const struct item *it = table_line_candidate(b, k->hash);
    if (!it && table_has_chain(b))
        it = table_line_candidate(table_chain(b), k->hash);
    return it;
}

const struct item *ks_find(struct keyspace *ks, int db, const struct key *k, int flags)
{
    struct ks_place at;
    struct item *it = ks_locate(ks, db, k, &at);
    if (flags & KS_READ) {
        if (it)
            ks->hits++;
        else
            ks->misses++;
    }
    if (it && !(flags & KS_NO_TOUCH))
        item_touch(it, ks->now_ms);
    return it;
}

/* --- changing --------------------------------------------------------------------------------------- */

static struct ks_db *try_new_db(struct keyspace *ks)
{
    struct ks_db *d = mem_try_zalloc(sizeof(*d));
    struct ks_cell *cells = d ? mem_try_alloc(ks->cell_count * sizeof(*cells)) : NULL;
    if (!cells) {
        mem_free(d);
        return NULL;
    }
    for (unsigned i = 0; i < ks->cell_count; i++)
        ks_cell_init(ks, &cells[i]);
    d->cells = cells;
    d->cell_count = ks->cell_count;
    d->boundary = KS_HASHES; /* there is nothing to be moved */
    d->due_ms = INT64_MAX;
    return d;
}

enum err ks_place_new(struct keyspace *ks, int db, const struct key *k, struct ks_place *at)
{
    if (at->pos.bucket)
        ks_expire_at(ks, db, at, k->hash);
    if (!at->db)
        at->db = ks->dbs[db] = try_new_db(ks);
    if (!at->db)
        return ERR_NOMEM;
    at->cell = ks_cell_of(ks, at->db, k);
    return ERR_OK;
}

enum err ks_insert_at(struct keyspace *ks, struct ks_place *at, uint32_t hash, struct item *it)
{
    enum err e = table_insert(&at->cell->table, hash, it);
    if (e)
        return e;
    ks_mark_new(ks, it);
    ks_cell_add(at->cell, it);
    at->db->keys++;
    ks->untidy = true;
    return ERR_OK;
}

struct item *ks_remove_at(struct keyspace *ks, struct ks_place *at, uint32_t hash)
{
    struct item *it = table_at(at->pos);
    ks_before_change(ks, at->db, it);
    table_remove(&at->cell->table, at->pos, hash);
    at->pos.bucket = NULL;
    ks_cell_sub(at->cell, it);
    at->db->keys--;
    ks->untidy = true;
    return it;
}

bool ks_delete(struct keyspace *ks, int db, const struct key *k)
{
    struct ks_place at;
    if (!ks_locate(ks, db, k, &at))
        return false;
    ks_dispose(ks, ks_remove_at(ks, &at, k->hash));
    return true;
}

enum err ks_set_expiry(struct keyspace *ks, int db, const struct key *k, const struct item **it,
                       int64_t expiry_ms)
{
    struct ks_place at;
    struct item *old = ks_locate(ks, db, k, &at);
    assert(old && old == *it);
    enum err e = ks_note_deadline(ks, &at, k->hash, expiry_ms);
    if (e)
        return e;
    if (!item_has_expiry(old) && expiry_ms == ITEM_NO_EXPIRY)
        return ERR_OK;
    ks_before_change(ks, at.db, old);
    if (item_has_expiry(old) && expiry_ms != ITEM_NO_EXPIRY) {
        item_set_expiry_in_place(old, expiry_ms);
        return ERR_OK;
    }
    struct item *moved = item_try_rekey(ks->items, old, k->name, expiry_ms);
    if (!moved)
        return ERR_NOMEM;
    ks_cell_sub(at.cell, old);
    ks_cell_add(at.cell, moved);
    ks_replace_at(ks, &at, moved);
    item_free_shell(old);
    *it = moved;
    return ERR_OK;
}
