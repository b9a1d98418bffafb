#include "store/keyspace_impl.h"

/* Snapshots. An item's bits tell to which snapshots it is owed, see snapshot.h; each database counts the items that it
 * owes to each snapshot, and knows a hash below which there are none. So a walk is over when none is left, and a test
 * can tell that none was missed. */

/* Cells after which a slice ends, whatever it found; the cells of one database at least. */
#define SNAPSHOT_CELLS 64
/* Keys that a slice looks at in tidying up after a cancelled snapshot. */
#define TIDY_KEYS 256

/* --- giving ----------------------------------------------------------------------------------------- */

static void give(struct ks_snapshot *s, struct ks_db *d, struct item *it)
{
    struct ks_debt *debt = &d->debts[s->number];
    assert(s->state != KS_SNAPSHOT_IDLE && debt->left > 0);
    if (s->state == KS_SNAPSHOT_GIVING)
        s->fn(s->arg, debt->db, it);
    it->flags ^= (uint8_t)ks_snapshot_bit(s->number);
    debt->left--;
    s->done++;
}

void ks_snapshot_give(struct keyspace *ks, struct ks_db *d, struct item *it)
{
    unsigned owed = ks_snapshot_owed(ks, it);
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (owed & ks_snapshot_bit(i))
            give(&ks->snapshots[i], d, it);
    }
}

/* --- flushed databases ------------------------------------------------------------------------------ */

static bool is_in_debt(const struct ks_db *d)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (d->debts[i].left > 0)
            return true;
    }
    return false;
}

bool ks_snapshot_keeps(struct keyspace *ks, struct ks_db *d)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (ks->snapshots[i].state != KS_SNAPSHOT_GIVING)
            d->debts[i].left = 0;
    }
    if (!is_in_debt(d))
        return false;
    d->flushed = true;
    d->prev = ks->last_flushed;
    d->next = NULL;
    *(d->prev ? &d->prev->next : &ks->flushed) = d;
    ks->last_flushed = d;
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (!ks->snapshots[i].next)
            ks->snapshots[i].next = d;
    }
    return true;
}

/* Retires a flushed database that owes nothing any more. */
static void let_go(struct keyspace *ks, struct ks_db *d)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (ks->snapshots[i].next == d)
            ks->snapshots[i].next = d->next;
    }
    *(d->prev ? &d->prev->next : &ks->flushed) = d->next;
    *(d->next ? &d->next->prev : &ks->last_flushed) = d->prev;
    ks_retire(ks, d);
}

/* --- the walk --------------------------------------------------------------------------------------- */

struct walk {
    struct ks_snapshot *snapshot;
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
    if (ks_snapshot_owed(w->snapshot->ks, item) & ks_snapshot_bit(w->snapshot->number))
        give(w->snapshot, w->db, item);
}

/* The next `keys` of a database, about. */
static void walk_range(struct walk *w, uint64_t keys)
{
    struct ks_db *d = w->db;
    struct ks_debt *debt = &d->debts[w->snapshot->number];
    uint64_t from = debt->at, to = from + ks_width(d, keys);
    if (to > KS_HASHES)
        to = KS_HASHES;
    for (unsigned i = 0; i < d->cell_count; i++) {
        ks_prefetch_ahead(d, i, from);
        table_range(&d->cells[i].table, from, to, prefetch_item, NULL); /* misses overlap */
    }
    for (unsigned i = 0; i < d->cell_count; i++)
        table_range(&d->cells[i].table, from, to, give_owed, w);
    debt->at = to;
    assert(debt->left == 0 || to < KS_HASHES);
    if (d->flushed && !is_in_debt(d))
        let_go(w->snapshot->ks, d);
}

/* A database that owes something; NULL: none does. Flushed ones first: they wait to be freed. */
static struct ks_db *next_owing(struct ks_snapshot *s)
{
    struct keyspace *ks = s->ks;
    for (; s->next; s->next = s->next->next) {
        if (s->next->debts[s->number].left > 0)
            return s->next;
    }
    for (; s->db < ks->databases; s->db++) {
        if (ks->dbs[s->db] && ks->dbs[s->db]->debts[s->number].left > 0)
            return ks->dbs[s->db];
    }
    return NULL;
}

/* Keys of a database that take KS_SNAPSHOT_SLICE_BYTES, on average. */
static uint64_t keys_in_bytes(const struct ks_db *d)
{
    uint64_t bytes = 0;
    for (unsigned i = 0; i < d->cell_count; i++)
        bytes += d->cells[i].bytes;
    double keys = (double)KS_SNAPSHOT_SLICE_BYTES * (double)d->keys / (double)bytes;
    return keys > 1 ? (uint64_t)keys : 1;
}

/* True: some key is still owed. A slice is bounded by the keys that it looks at, not by the keys that it gives out:
 * most may have been given out already. */
static bool walk(struct ks_snapshot *s, uint64_t keys)
{
    struct walk w = {.snapshot = s};
    unsigned cells = 0;
    while ((w.db = next_owing(s))) {
        if (w.looked >= keys || cells >= SNAPSHOT_CELLS)
            return true;
        uint64_t most = s->state == KS_SNAPSHOT_GIVING ? keys_in_bytes(w.db) : keys;
        if (w.looked >= most)
            return true;
        cells += w.db->cell_count;
        walk_range(&w, (keys < most ? keys : most) - w.looked);
    }
    return false;
}

/* --- from begin to end ------------------------------------------------------------------------------ */

void ks_snapshot_init(struct keyspace *ks)
{
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        ks->snapshots[i].ks = ks;
        ks->snapshots[i].number = i;
    }
}

/* A cancelled snapshot that owes nothing any more is over. */
static bool is_idle(struct ks_snapshot *s)
{
    if (s->state == KS_SNAPSHOT_CANCELLED && !next_owing(s))
        s->state = KS_SNAPSHOT_IDLE;
    return s->state == KS_SNAPSHOT_IDLE;
}

static struct ks_snapshot *find_idle(struct keyspace *ks)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (is_idle(&ks->snapshots[i]))
            return &ks->snapshots[i];
    }
    return NULL;
}

bool ks_snapshot_busy(struct keyspace *ks)
{
    return !find_idle(ks);
}

struct ks_snapshot *ks_snapshot_begin(struct keyspace *ks, ks_snapshot_fn fn, void *arg)
{
    struct ks_snapshot *s = find_idle(ks);
    if (!s)
        return NULL;
    s->state = KS_SNAPSHOT_GIVING;
    s->fn = fn;
    s->arg = arg;
    s->db = 0;
    s->next = NULL; /* databases flushed earlier owe it nothing */
    s->keys = s->done = 0;
    ks->parity ^= (uint8_t)ks_snapshot_bit(s->number);
    for (int i = 0; i < ks->databases; i++) {
        struct ks_db *d = ks->dbs[i];
        if (!d)
            continue;
        assert(d->debts[s->number].left == 0);
        d->debts[s->number] = (struct ks_debt){.left = d->keys, .at = 0, .db = i};
        s->keys += d->keys;
    }
    return s;
}

bool ks_snapshot_slice(struct ks_snapshot *s, unsigned keys)
{
    assert(s->state == KS_SNAPSHOT_GIVING && keys > 0);
    if (walk(s, keys))
        return true;
    assert(s->done == s->keys); /* none was missed, none was given twice */
    return false;
}

void ks_snapshot_end(struct ks_snapshot **snapshot)
{
    struct ks_snapshot *s = *snapshot;
    struct ks_db *d, *next;
    *snapshot = NULL;
    if (!s)
        return;
    s->state = KS_SNAPSHOT_CANCELLED;
    for (d = s->next; d; d = next) {
        next = d->next;
        d->debts[s->number].left = 0;
        if (!is_in_debt(d))
            let_go(s->ks, d);
    }
    (void)is_idle(s);
}

void ks_snapshot_drop(struct keyspace *ks)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        struct ks_snapshot *s = &ks->snapshots[i];
        if (s->state == KS_SNAPSHOT_GIVING)
            ks_snapshot_end(&s);
    }
}

bool ks_snapshot_tidy(struct keyspace *ks)
{
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        struct ks_snapshot *s = &ks->snapshots[i];
        if (s->state != KS_SNAPSHOT_CANCELLED)
            continue;
        if (walk(s, TIDY_KEYS))
            return true;
        s->state = KS_SNAPSHOT_IDLE;
    }
    return false;
}

double ks_snapshot_done(const struct ks_snapshot *s)
{
    return s->keys ? (double)s->done / (double)s->keys : 1;
}
