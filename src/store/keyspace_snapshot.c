#include "store/keyspace_impl.h"

/* Snapshots. Which items are owed is told by their parity, see snapshot.h; each database counts how many, and
 * knows a hash below which there are none. So a walk is over when nothing is left, and it can be checked that
 * nothing was missed. */

/* Cells that a slice looks at before it is enough, whatever it found; at least one database's. */
#define SNAPSHOT_CELLS 64
/* Keys that a slice looks at in tidying up after a cancelled snapshot. */
#define TIDY_KEYS 256

/* --- giving ----------------------------------------------------------------------------------------- */

void ks_snapshot_give(struct keyspace *ks, struct ks_db *d, struct item *it)
{
    struct ks_snapshot *s = &ks->snapshot;
    assert(s->state != KS_SNAPSHOT_IDLE && d->snapshot_left > 0 && ks_snapshot_owed(ks, it));
    if (s->state == KS_SNAPSHOT_GIVING)
        s->fn(s->arg, d->snapshot_db, it);
    it->flags ^= ITEM_PARITY;
    d->snapshot_left--;
    s->done++;
}

/* --- the walk --------------------------------------------------------------------------------------- */

struct walk {
    struct keyspace *ks;
    struct ks_db *db;
    uint64_t looked;
};

static void prefetch_item(void *item, uint32_t hash, void *arg)
{
    (void)hash, (void)arg;
    ks_prefetch_small(item);
}

static void give_owed(void *item, uint32_t hash, void *arg)
{
    (void)hash;
    struct walk *w = arg;
    w->looked++;
    ks_before_change(w->ks, w->db, item);
}

/* The next `keys` of a database, about. */
static void walk_range(struct walk *w, uint64_t keys)
{
    struct ks_db *d = w->db;
    uint64_t from = d->snapshot_at, to = from + ks_width(d, keys);
    if (to > KS_HASHES)
        to = KS_HASHES;
    for (unsigned i = 0; i < d->cell_count; i++) {
        ks_prefetch_ahead(d, i, from);
        table_range(&d->cells[i].table, from, to, prefetch_item, NULL); /* misses overlap */
    }
    for (unsigned i = 0; i < d->cell_count; i++)
        table_range(&d->cells[i].table, from, to, give_owed, w);
    d->snapshot_at = to;
    assert(d->snapshot_left == 0 || to < KS_HASHES);
}

/* A database that owes something; NULL: none does. Flushed ones first: they wait to be freed. */
static struct ks_db *next_owing(struct keyspace *ks)
{
    struct ks_db *d;
    while ((d = ks->snapshot.flushed)) {
        if (d->snapshot_left > 0)
            return d;
        ks->snapshot.flushed = d->next;
        ks_retire(ks, d);
    }
    for (int *i = &ks->snapshot.db; *i < ks->databases; ++*i) {
        if (ks->dbs[*i] && ks->dbs[*i]->snapshot_left > 0)
            return ks->dbs[*i];
    }
    return NULL;
}

/* As many keys of a database as hold KS_SNAPSHOT_SLICE_BYTES, on average. */
static uint64_t keys_in_bytes(const struct ks_db *d)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < d->cell_count; i++)
        bytes += d->cells[i].bytes;
    double keys = (double)KS_SNAPSHOT_SLICE_BYTES * (double)d->keys / (double)bytes;
    return keys > 1 ? (uint64_t)keys : 1;
}

/* True: something is still owed. What a slice does is bounded by the keys that it looks at, not by those that it
 * gives out: most of them may have been given out already. */
static bool walk(struct keyspace *ks, uint64_t keys)
{
    struct walk w = {.ks = ks};
    for (unsigned cells = 0; (w.db = next_owing(ks)); cells += w.db->cell_count) {
        if (w.looked >= keys || cells >= SNAPSHOT_CELLS)
            return true;
        uint64_t most = ks->snapshot.state == KS_SNAPSHOT_GIVING ? keys_in_bytes(w.db) : keys;
        if (w.looked >= most)
            return true;
        walk_range(&w, (keys < most ? keys : most) - w.looked);
    }
    return false;
}

/* --- from begin to end ------------------------------------------------------------------------------ */

bool ks_snapshot_busy(struct keyspace *ks)
{
    const struct ks_snapshot *s = &ks->snapshot;
    return s->state == KS_SNAPSHOT_GIVING || (s->state == KS_SNAPSHOT_CANCELLED && next_owing(ks));
}

enum err ks_snapshot_begin(struct keyspace *ks, ks_snapshot_fn fn, void *arg)
{
    struct ks_snapshot *s = &ks->snapshot;
    if (ks_snapshot_busy(ks))
        return ERR_BUSY;
    s->state = KS_SNAPSHOT_GIVING;
    s->fn = fn;
    s->arg = arg;
    s->db = 0;
    s->keys = s->done = 0;
    ks->parity ^= ITEM_PARITY;
    for (int i = 0; i < ks->databases; i++) {
        struct ks_db *d = ks->dbs[i];
        if (!d)
            continue;
        assert(d->snapshot_left == 0);
        d->snapshot_left = d->keys;
        d->snapshot_at = 0;
        d->snapshot_db = i;
        s->keys += d->keys;
    }
    return ERR_OK;
}

bool ks_snapshot_slice(struct keyspace *ks, unsigned keys)
{
    struct ks_snapshot *s = &ks->snapshot;
    assert(keys > 0);
    if (s->state != KS_SNAPSHOT_GIVING)
        return false;
    if (walk(ks, keys))
        return true;
    assert(s->done == s->keys); /* none was missed, none was given twice */
    s->state = KS_SNAPSHOT_IDLE;
    return false;
}

void ks_snapshot_cancel(struct keyspace *ks)
{
    struct ks_snapshot *s = &ks->snapshot;
    struct ks_db *d;
    if (s->state != KS_SNAPSHOT_GIVING)
        return;
    while ((d = s->flushed)) {
        s->flushed = d->next;
        ks_retire(ks, d);
    }
    s->state = next_owing(ks) ? KS_SNAPSHOT_CANCELLED : KS_SNAPSHOT_IDLE;
}

bool ks_snapshot_tidy(struct keyspace *ks)
{
    if (ks->snapshot.state != KS_SNAPSHOT_CANCELLED)
        return false;
    if (walk(ks, TIDY_KEYS))
        return true;
    ks->snapshot.state = KS_SNAPSHOT_IDLE;
    return false;
}

/* --- figures ---------------------------------------------------------------------------------------- */

bool ks_snapshot_active(const struct keyspace *ks)
{
    return ks->snapshot.state == KS_SNAPSHOT_GIVING;
}

double ks_snapshot_done(const struct keyspace *ks)
{
    const struct ks_snapshot *s = &ks->snapshot;
    if (s->state != KS_SNAPSHOT_GIVING || s->keys == 0)
        return 1;
    return (double)s->done / (double)s->keys;
}
