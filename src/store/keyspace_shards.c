#include "store/keyspace_impl.h"

/* Resharding: a walk over the hashes of one database after the other. A slice takes the next range of hashes in all
 * shards and moves the keys whose slot has another owner, pointers only. Then the boundary of the database is behind
 * the range, and look-ups go by the new owners there. */

/* Keys that a slice looks at, about, and at most. The spread around the mean is that of a Poisson distribution, so
 * the most is reached only by many keys of one hash, which the keyed hash rules out. */
#define MOVE_KEYS     256
#define MOVE_KEYS_MAX 1024
/* Entries that tables are prepared for in a slice, and cells that are looked at for that. */
#define PREPARE_KEYS  8192
#define PREPARE_CELLS 64

struct move_entry {
    struct item *it;
    uint32_t hash;
    uint16_t from, to; /* shards */
};

struct move_batch {
    unsigned count;
    unsigned shard; /* the shard that the slice looks through */
    bool overflow;
    struct move_entry at[MOVE_KEYS_MAX];
};

/* --- start and end ---------------------------------------------------------------------------------- */

/* The owner table that is not in use as owner_to. */
static uint16_t *spare_owners(struct keyspace *ks)
{
    return ks->owner_to == ks->owners[0] ? ks->owners[1] : ks->owners[0];
}

static void count_slots(struct keyspace *ks)
{
    for (unsigned i = 0; i < KS_SHARDS_MAX; i++)
        ks->shard[i] = (struct ks_shard){.slots = 0};
    ks->slots_moved = 0;
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        ks->shard[ks->owner_to[slot]].slots++;
        ks->slots_moved += ks->owner_to[slot] != ks->owner_from[slot];
    }
}

void ks_place_slots(struct keyspace *ks)
{
    enum err e = ring_place(ks->owners[0], ks->shards);
    assert(e == ERR_OK);
    ks->owner_to = ks->owner_from = ks->owners[0];
    count_slots(ks);
}

/* Makes room for the cells of more shards. ERR_NOMEM: as it was. */
static enum err grow_cells(struct keyspace *ks, struct ks_db *d, unsigned cell_count)
{
    if (cell_count <= d->cell_count)
        return ERR_OK;
    struct ks_cell *cells = mem_try_realloc(d->cells, cell_count * sizeof(*cells));
    if (!cells)
        return ERR_NOMEM;
    d->cells = cells;
    for (; d->cell_count < cell_count; d->cell_count++)
        ks_cell_init(ks, &cells[d->cell_count]);
    return ERR_OK;
}

/* Gives back the cells of shards that left. */
static void shrink_cells(struct ks_db *d, unsigned cell_count)
{
    if (cell_count >= d->cell_count)
        return;
    for (unsigned i = cell_count; i < d->cell_count; i++) {
        assert(d->cells[i].table.count == 0);
        ks_cell_deinit(&d->cells[i]);
    }
    d->cell_count = cell_count;
    struct ks_cell *cells = mem_try_realloc(d->cells, cell_count * sizeof(*cells));
    if (cells) /* without memory it stays larger than it need be */
        d->cells = cells;
}

enum err ks_set_shards(struct keyspace *ks, unsigned n)
{
    if (n < 1 || n > KS_SHARDS_MAX)
        return ERR_RANGE;
    if (ks->moving)
        return ERR_BUSY;
    if (n == ks->shards)
        return ERR_OK;
    for (int i = 0; i < ks->databases; i++) {
        /* A database that has grown before another fails does no harm. */
        if (ks->dbs[i] && grow_cells(ks, ks->dbs[i], n) != ERR_OK)
            return ERR_NOMEM;
    }
    uint16_t *owners = spare_owners(ks);
    enum err e = ring_place(owners, n);
    if (e)
        return e;
    ks->owner_from = ks->owner_to;
    ks->owner_to = owners;
    ks->shards_from = ks->shards;
    ks->shards = n;
    ks->cell_count = n > ks->shards_from ? n : ks->shards_from;
    ks->moving = true;
    ks->keys_moved = 0;
    count_slots(ks);
    for (int i = 0; i < ks->databases; i++) {
        if (!ks->dbs[i])
            continue;
        ks->dbs[i]->boundary = 0;
        ks->dbs[i]->prepared_cells = 0;
    }
    return ERR_OK;
}

static void finish_move(struct keyspace *ks)
{
    ks->moving = false;
    ks->cell_count = ks->shards;
    ks->owner_from = ks->owner_to;
    ks->untidy = true;
    for (int i = 0; i < ks->databases; i++) {
        if (ks->dbs[i])
            shrink_cells(ks->dbs[i], ks->shards);
    }
}

/* --- a slice ---------------------------------------------------------------------------------------- */

/* Keys come to a new shard in the order of their hashes, and a table that grew with them would be as large as
 * they need, but hold them all in its first buckets. So the tables of new shards get their size beforehand.
 * (A shard that has keys already gets at most as many again, which its table copes with.) Where there is no
 * memory the table grows as it goes. True when all are prepared. */
static bool prepare_slice(const struct keyspace *ks, struct ks_db *d)
{
    uint64_t keys = 0;
    for (int i = 0; i < PREPARE_CELLS && keys < PREPARE_KEYS; i++) {
        if (d->prepared_cells >= d->cell_count)
            return true;
        unsigned shard = d->prepared_cells++;
        uint64_t share = d->keys * ks->shard[shard].slots / SLOT_COUNT;
        struct table *t = &d->cells[shard].table;
        if (t->count > 0 || share == 0)
            continue;
        (void)table_expect(t, share, TABLE_USUAL_PAGES);
        keys += share;
    }
    return false;
}

static void collect(void *item, uint32_t hash, void *arg)
{
    struct move_batch *b = arg;
    if (b->count == MOVE_KEYS_MAX) {
        b->overflow = true;
        return;
    }
    prefetch_line(item);
    b->at[b->count++] = (struct move_entry){item, hash, (uint16_t)b->shard, 0};
}

/* Collects the next keys of a database; returns where their hashes end. */
static uint64_t collect_next(const struct ks_db *d, struct move_batch *b)
{
    for (uint64_t width = ks_width(d, MOVE_KEYS);; width /= 2) {
        assert(width > 0);
        uint64_t to = d->boundary + width < KS_HASHES ? d->boundary + width : KS_HASHES;
        b->count = 0;
        b->overflow = false;
        for (b->shard = 0; b->shard < d->cell_count; b->shard++) {
            ks_prefetch_ahead(d, b->shard, d->boundary);
            table_range(&d->cells[b->shard].table, d->boundary, to, collect, b);
        }
        if (!b->overflow)
            return to;
    }
}

/* Keeps the keys that have another owner now. */
static void keep_moving(const struct keyspace *ks, struct move_batch *b)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < b->count; i++) {
        struct move_entry m = b->at[i];
        m.to = ks->owner_to[key_slot(item_key(m.it))];
        if (m.to != m.from)
            b->at[kept++] = m;
    }
    b->count = kept;
}

static void remove_from(struct ks_cell *cell, const struct move_entry *m)
{
    struct table_pos pos = table_find(&cell->table, m->hash, ks_item_is, m->it);
    table_remove(&cell->table, pos, m->hash);
}

/* First all are inserted where they go, and only then removed where they were, so that a failure can be undone:
 * ERR_NOMEM leaves everything as it was. */
static enum err move_batch(struct keyspace *ks, struct ks_db *d, const struct move_batch *b)
{
    unsigned done = 0;
    for (; done < b->count; done++) {
        const struct move_entry *m = &b->at[done];
        struct ks_place to = {.db = d, .cell = &d->cells[m->to]};
        if (ks_note_deadline(ks, &to, m->hash, ks_least_due_ms(m->it)) != ERR_OK ||
            table_insert(&to.cell->table, m->hash, m->it) != ERR_OK)
            break;
    }
    if (done < b->count) {
        while (done-- > 0)
            remove_from(&d->cells[b->at[done].to], &b->at[done]);
        return ERR_NOMEM;
    }
    for (unsigned i = 0; i < b->count; i++) {
        const struct move_entry *m = &b->at[i];
        struct ks_cell *from = &d->cells[m->from];
        remove_from(from, m);
        ks_cell_sub(from, m->it);
        ks_cell_add(&d->cells[m->to], m->it);
        ks->shard[m->from].moved_out++;
        ks->shard[m->to].moved_in++;
    }
    ks->keys_moved += b->count;
    return ERR_OK;
}

static struct ks_db *next_to_move(const struct keyspace *ks)
{
    for (int i = 0; i < ks->databases; i++) {
        if (ks->dbs[i] && ks->dbs[i]->boundary < KS_HASHES)
            return ks->dbs[i];
    }
    return NULL;
}

bool ks_move_slice(struct keyspace *ks)
{
    if (!ks->moving)
        return false;
    struct ks_db *d = next_to_move(ks);
    if (!d) {
        finish_move(ks);
        return false;
    }
    if (!prepare_slice(ks, d))
        return true;
    struct move_batch batch;
    uint64_t to = collect_next(d, &batch);
    keep_moving(ks, &batch);
    if (move_batch(ks, d, &batch) != ERR_OK)
        return false; /* not at once again, but the next time that there is work */
    d->boundary = to;
    return true;
}
