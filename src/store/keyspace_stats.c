#include "store/keyspace_impl.h"

/* --- databases -------------------------------------------------------------------------------------- */

uint64_t ks_size(const struct keyspace *ks, int db)
{
    const struct ks_db *d = ks_db_of(ks, db);
    return d ? d->keys : 0;
}

uint64_t ks_expires(const struct keyspace *ks, int db)
{
    const struct ks_db *d = ks_db_of(ks, db);
    uint64_t expires = 0;
    for (unsigned i = 0; d && i < d->cell_count; i++)
        expires += d->cells[i].expires;
    return expires;
}

/* --- shards ----------------------------------------------------------------------------------------- */

unsigned ks_shards(const struct keyspace *ks)
{
    return ks->shards;
}

unsigned ks_shard_of(const struct keyspace *ks, const struct key *k)
{
    return ks->owner_to[ks_slot(k)];
}

static uint64_t table_bytes(const struct ks_cell *cell)
{
    return table_memory(&cell->table) + duetree_memory(&cell->dues);
}

void ks_shard_stats(const struct keyspace *ks, unsigned shard, struct ks_shard_stats *out)
{
    assert(shard < ks->cell_count);
    const struct ks_shard *s = &ks->shard[shard];
    *out = (struct ks_shard_stats){
        .slots = s->slots,
        .moved_in = s->moved_in,
        .moved_out = s->moved_out,
    };
    for (int i = 0; i < ks->databases; i++) {
        if (!ks->dbs[i])
            continue;
        const struct ks_cell *cell = &ks->dbs[i]->cells[shard];
        out->keys += cell->table.count;
        out->expires += cell->expires;
        out->table_bytes += table_bytes(cell);
        out->bytes += cell->bytes;
    }
    out->bytes += out->table_bytes;
}

void ks_move_stats(const struct keyspace *ks, struct ks_move_stats *out)
{
    double keys = 0, done = 0;
    for (int i = 0; i < ks->databases; i++) {
        const struct ks_db *d = ks->dbs[i];
        if (!d)
            continue;
        keys += (double)d->keys;
        done += (double)d->keys * ((double)d->boundary / (double)KS_HASHES);
    }
    *out = (struct ks_move_stats){
        .active = ks->moving,
        .from = ks->shards_from,
        .to = ks->shards,
        .done = ks->moving && keys > 0 ? done / keys : 1,
        .keys_moved = ks->keys_moved,
        .slots_moved = ks->slots_moved,
    };
}

/* --- the whole -------------------------------------------------------------------------------------- */

static uint64_t lazy_pending(const struct keyspace *ks)
{
    uint64_t keys = ks->lazy_count + ks->retired_keys;
    for (const struct ks_db *d = ks->flushed; d; d = d->next)
        keys += d->keys;
    return keys;
}

void ks_stats(const struct keyspace *ks, struct ks_stats *out)
{
    *out = (struct ks_stats){
        .hits = ks->hits,
        .misses = ks->misses,
        .expired = ks->expired_count,
        .elements_expired = ks->elements_expired_count,
        .lazy_pending = lazy_pending(ks),
        .lazy_freed = ks->lazy_freed,
    };
    for (int i = 0; i < ks->databases; i++) {
        const struct ks_db *d = ks->dbs[i];
        for (unsigned c = 0; d && c < d->cell_count; c++) {
            out->bytes += d->cells[c].bytes;
            out->table_bytes += sizeof(struct ks_cell) + table_bytes(&d->cells[c]);
        }
    }
    out->bytes += out->table_bytes;
}

void ks_reset_stats(struct keyspace *ks)
{
    ks->hits = ks->misses = 0;
    ks->expired_count = 0;
    ks->elements_expired_count = 0;
    ks->lazy_freed = 0;
}

/* --- checks ----------------------------------------------------------------------------------------- */

struct check {
    const struct keyspace *ks;
    const struct ks_db *db;
    const struct ks_cell *cell;
    uint64_t keys, expires, bytes, owed[KS_SNAPSHOTS_MAX];
    int64_t least_ms;
};

static void check_item(void *item, uint32_t hash, void *arg)
{
    struct check *c = arg;
    struct slice name = item_key(item);
    item_check(item);
    assert(hash == ks_hash(c->ks, name));
    struct key k = {.name = name, .hash = hash, .slot = key_slot(name)};
    assert(ks_cell_of(c->ks, c->db, &k) == c->cell);
    struct table_pos pos = table_find(&c->cell->table, hash, ks_item_matches, &name);
    assert(pos.bucket && table_at(pos) == item); /* each item is in one place */
    int64_t deadline_ms = item_due_ms(item);
    if (deadline_ms < c->least_ms)
        c->least_ms = deadline_ms;
    c->keys++;
    c->expires += item_has_expiry(item);
    c->bytes += value_memory(item);
    unsigned owed = ks_snapshot_owed(c->ks, item);
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (!(owed & ks_snapshot_bit(i)))
            continue;
        assert(hash >= c->db->debts[i].at); /* whichever shards it has been in meanwhile */
        c->owed[i]++;
    }
}

static void check_db(const struct keyspace *ks, const struct ks_db *d)
{
    uint64_t keys = 0, owed[KS_SNAPSHOTS_MAX] = {0};
    assert(d->cell_count >= ks->cell_count && d->boundary <= KS_HASHES);
    assert(ks->moving || d->boundary == KS_HASHES);
    for (unsigned i = 0; i < d->cell_count; i++) {
        const struct ks_cell *cell = &d->cells[i];
        table_validate(&cell->table);
        duetree_validate(&cell->dues);
        struct check c = {.ks = ks, .db = d, .cell = cell, .least_ms = INT64_MAX};
        table_range(&cell->table, 0, KS_HASHES, check_item, &c);
        assert(c.keys == cell->table.count && c.expires == cell->expires && c.bytes == cell->bytes);
        if (c.least_ms < INT64_MAX - DUETREE_TICK_MS) {
            /* The bounds; deadlines ahead of the tree's beginning count as its beginning. */
            int64_t epoch_ms = cell->dues.epoch_ms;
            int64_t bound_ms = c.least_ms > epoch_ms ? c.least_ms : epoch_ms;
            assert(duetree_next_ms(&cell->dues) < bound_ms + DUETREE_TICK_MS);
            assert(d->due_ms < bound_ms + DUETREE_TICK_MS);
            assert(ks->due_ms < bound_ms + DUETREE_TICK_MS);
        }
        keys += c.keys;
        for (unsigned s = 0; s < KS_SNAPSHOTS_MAX; s++)
            owed[s] += c.owed[s];
    }
    assert(keys == d->keys);
    for (unsigned s = 0; s < KS_SNAPSHOTS_MAX; s++)
        assert(owed[s] == d->debts[s].left);
}

static void check_snapshot(const struct keyspace *ks, const struct ks_snapshot *s)
{
    uint64_t owed = 0;
    bool ahead = s->next != NULL; /* a flushed database ahead of s->next owes nothing any more */
    for (int i = 0; i < ks->databases; i++) {
        if (!ks->dbs[i])
            continue;
        assert(i >= s->db || ks->dbs[i]->debts[s->number].left == 0);
        owed += ks->dbs[i]->debts[s->number].left;
    }
    for (const struct ks_db *d = ks->flushed; d; d = d->next) {
        ahead = ahead && d != s->next;
        assert(!(ahead || !s->next) || d->debts[s->number].left == 0);
        owed += d->debts[s->number].left;
    }
    assert(!ahead);
    /* A cancelled one may have lost some to a flush. */
    assert(s->state != KS_SNAPSHOT_GIVING || owed == s->keys - s->done);
    assert(s->state != KS_SNAPSHOT_IDLE || owed == 0);
}

static void check_flushed(const struct keyspace *ks)
{
    const struct ks_db *last = NULL;
    for (const struct ks_db *d = ks->flushed; d; d = d->next) {
        uint64_t owed = 0;
        for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++)
            owed += d->debts[i].left;
        assert(owed > 0 && d->flushed && d->prev == last);
        last = d;
    }
    assert(ks->last_flushed == last);
}

void ks_validate(const struct keyspace *ks)
{
    uint64_t retired_keys = 0, slots = 0;
    for (int i = 0; i < ks->databases; i++) {
        if (ks->dbs[i])
            check_db(ks, ks->dbs[i]);
    }
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++)
        check_snapshot(ks, &ks->snapshots[i]);
    check_flushed(ks);
    for (const struct ks_db *d = ks->retired; d; d = d->next) {
        for (unsigned i = 0; i < d->cell_count; i++)
            retired_keys += d->cells[i].table.count;
    }
    assert(retired_keys == ks->retired_keys);
    for (unsigned i = 0; i < ks->shards; i++)
        slots += ks->shard[i].slots;
    assert(slots == SLOT_COUNT);
}
