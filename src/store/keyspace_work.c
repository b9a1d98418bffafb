#include "store/keyspace_impl.h"

/* Work in slices. Counts bound them, not a clock: they are chosen so that each part of a slice takes some ten
 * microseconds. */

/* Effort of a slice: small allocations of large values, and keys of flushed databases. */
#define LAZY_EFFORT_PER_SLICE 256
#define DRAIN_KEYS_PER_SLICE  256
/* Effort that adding a value costs while many wait. */
#define LAZY_EFFORT_PER_DISPOSAL 512
#define LAZY_ROOM_MIN            64
/* Cells looked at in a slice of tidying, and buckets moved in the one that needs it. */
#define TIDY_CELLS_PER_SLICE     64
#define TIDY_BUCKETS_PER_SLICE   64
#define TIDY_DATABASES_PER_SLICE 16384

/* --- freeing ---------------------------------------------------------------------------------------- */

/* Frees waiting values, for so much effort. */
static void free_values(struct keyspace *ks, size_t effort)
{
    while (ks->lazy_count > 0 && effort > 0) {
        if (!value_free_some(ks->lazy[ks->lazy_count - 1], &effort))
            continue;
        ks->lazy_count--;
        ks->lazy_freed++;
    }
}

/* False: no memory for the note. */
static bool free_later(struct keyspace *ks, struct item *it)
{
    if (ks->lazy_count == ks->lazy_room) {
        size_t room = ks->lazy_room ? 2 * ks->lazy_room : LAZY_ROOM_MIN;
        struct item **grown = mem_try_realloc(ks->lazy, room * sizeof(struct item *));
        if (!grown)
            return false;
        ks->lazy = grown;
        ks->lazy_room = room;
    }
    ks->lazy[ks->lazy_count++] = it;
    return true;
}

void ks_dispose(struct keyspace *ks, struct item *it)
{
    item_check(it);
    if (!item_is_outside(it)) {
        item_free_shell(it);
        return;
    }
    if (value_effort(it) <= KS_LAZY_EFFORT_MIN || !free_later(ks, it)) {
        item_free(it);
        return;
    }
    /* A client that adds more than ks_work frees does some of the work, so that waiting values do not pile up. */
    if (ks->lazy_count > KS_LAZY_VALUES_MAX)
        free_values(ks, LAZY_EFFORT_PER_DISPOSAL);
}

const struct item *ks_hold(struct keyspace *ks, const struct item *it)
{
    return item_try_copy(ks->items, it, item_key(it), item_expiry_ms(it));
}

void ks_let_go(struct keyspace *ks, const struct item *held)
{
    ks_dispose(ks, (struct item *)held);
}

static void free_drained(void *item, uint32_t hash, void *arg)
{
    (void)hash;
    struct keyspace *ks = arg;
    ks->retired_keys--;
    if (value_effort(item) > KS_LAZY_EFFORT_MIN && free_later(ks, item))
        return;
    item_free(item);
    ks->lazy_freed++;
}

/* Empties the next cells of the database that was flushed last, and frees it when all are empty. */
static void drain_retired(struct keyspace *ks)
{
    struct ks_db *d = ks->retired;
    if (!d)
        return;
    uint64_t start_keys = ks->retired_keys;
    for (int cells = 0; d->drain_cell < d->cell_count; cells++) {
        uint64_t drained = start_keys - ks->retired_keys;
        if (drained >= DRAIN_KEYS_PER_SLICE || cells == TIDY_CELLS_PER_SLICE)
            return;
        struct ks_cell *cell = &d->cells[d->drain_cell];
        d->drain_from = table_drain(&cell->table, d->drain_from, DRAIN_KEYS_PER_SLICE - drained,
                                    free_drained, ks);
        if (d->drain_from < KS_HASHES)
            return;
        ks_cell_deinit(cell);
        d->drain_cell++;
        d->drain_from = 0;
    }
    ks->retired = d->next;
    mem_free(d->cells);
    mem_free(d);
}

/* True: there is more. A database that is emptied adds its large values to the waiting ones, which are therefore
 * counted last. */
static bool free_some(struct keyspace *ks)
{
    free_values(ks, LAZY_EFFORT_PER_SLICE);
    drain_retired(ks);
    return ks->lazy_count > 0 || ks->retired;
}

void ks_free_pending(struct keyspace *ks)
{
    while (free_some(ks))
        ;
    mem_free(ks->lazy);
    ks->lazy = NULL;
    ks->lazy_room = 0;
}

/* --- whole databases -------------------------------------------------------------------------------- */

void ks_retire(struct keyspace *ks, struct ks_db *d)
{
    d->next = ks->retired;
    ks->retired = d;
    ks->retired_keys += d->keys;
}

static void flush_db(struct keyspace *ks, struct ks_db *d, bool now)
{
    if (ks_snapshot_keeps(ks, d))
        return;
    if (now)
        ks_db_free(d);
    else
        ks_retire(ks, d);
}

void ks_flush(struct keyspace *ks, int db, bool now)
{
    assert(db >= -1 && db < ks->databases);
    int first = db < 0 ? 0 : db, end = db < 0 ? ks->databases : db + 1;
    for (int i = first; i < end; i++) {
        struct ks_db *d = ks->dbs[i];
        ks->dbs[i] = NULL;
        if (d)
            flush_db(ks, d, now);
    }
}

void ks_swap(struct keyspace *ks, int a, int b)
{
    struct ks_db *d = ks_db_of(ks, a);
    ks->dbs[a] = ks_db_of(ks, b);
    ks->dbs[b] = d;
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++)
        ks->snapshots[i].db = 0; /* the rest of its walk may lie in lower databases now */
}

/* --- tidying ---------------------------------------------------------------------------------------- */

/* Brings tables closer to the size that suits them, and trees of deadlines closer to their table's. */
static bool tidy_cell(const struct keyspace *ks, struct ks_cell *cell)
{
    if (cell->expires > 0)
        (void)duetree_fit(&cell->dues, cell->table.count); /* failing, it is only coarser */
    if (ks->expecting)
        return false;
    struct table_room room;
    if (table_reserve(&cell->table, &room))
        populator_ask(ks->populator, room.at, room.bytes, NULL);
    return table_work(&cell->table, TIDY_BUCKETS_PER_SLICE);
}

/* Goes round over all cells, once after each change. Only where a round begins can it be seen that there is
 * nothing to do, so changes behind the round's back are found by the next. A database that is being moved is left
 * alone: its tables have the sizes that they will need. */
static bool tidy(struct keyspace *ks)
{
    if (!ks->tidying && !ks->untidy)
        return false;
    if (!ks->tidying)
        ks->untidy = false;
    ks->tidying = true;
    int cells = 0;
    int last = ks->tidy_db + TIDY_DATABASES_PER_SLICE;
    for (; ks->tidy_db < ks->databases; ks->tidy_db++, ks->tidy_cell = 0) {
        struct ks_db *d = ks->dbs[ks->tidy_db];
        if (ks->tidy_db == last)
            return true;
        if (!d || d->boundary < KS_HASHES)
            continue;
        for (; ks->tidy_cell < d->cell_count; ks->tidy_cell++) {
            if (cells++ == TIDY_CELLS_PER_SLICE || tidy_cell(ks, &d->cells[ks->tidy_cell]))
                return true;
        }
    }
    ks->tidying = false;
    ks->tidy_db = 0;
    ks->tidy_cell = 0;
    return ks->untidy;
}

/* --- loading ---------------------------------------------------------------------------------------- */

void ks_expect(struct keyspace *ks, int db, uint64_t keys)
{
    struct ks_db *d = ks_db_of(ks, db);
    if (!d || ks->moving)
        return;
    ks->expecting = true;
    for (unsigned i = 0; i < d->cell_count; i++) {
        uint64_t share = (uint64_t)((double)keys * ks->shard[i].slots / SLOT_COUNT);
        if (share > 0)
            (void)table_expect(&d->cells[i].table, share, TABLE_HUGE_PAGES);
    }
}

void ks_expect_end(struct keyspace *ks)
{
    if (!ks->expecting)
        return;
    ks->expecting = false;
    ks->untidy = true;
    for (int i = 0; i < ks->databases; i++)
        for (unsigned j = 0; ks->dbs[i] && j < ks->dbs[i]->cell_count; j++)
            table_huge_pages_end(&ks->dbs[i]->cells[j].table);
}

bool ks_work(struct keyspace *ks)
{
    bool more = free_some(ks);
    more |= ks_move_slice(ks);
    more |= ks_snapshot_tidy(ks);
    more |= tidy(ks);
    return more;
}
