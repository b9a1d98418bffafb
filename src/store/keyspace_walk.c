#include "store/keyspace_impl.h"

#include "base/rng.h"

/* Ranges of hashes that one step of SCAN looks through at most; one or two give `count` keys mostly. */
#define SCAN_RANGES_MAX 4
/* Keys that ks_random draws, all of them due, before it gives up. */
#define RANDOM_TRIES_MAX 100
/* Keys with a deadline that an average is taken of, and keys looked at for them. */
#define TTL_SAMPLE_KEYS 64
#define TTL_LOOKS_MAX   1024

/* --- every key -------------------------------------------------------------------------------------- */

struct each {
    ks_each_fn fn;
    void *arg;
    uint64_t given;
};

static void give(void *item, uint32_t hash, void *arg)
{
    (void)hash;
    struct each *each = arg;
    each->given++;
    item_check(item);
    each->fn(item, each->arg);
}

/* Calls back for every key of a database with a hash in [from, to), whichever shard it is in. */
static void each_in_range(const struct ks_db *d, uint64_t from, uint64_t to, struct each *each)
{
    for (unsigned i = 0; i < d->cell_count; i++) {
        ks_prefetch_ahead(d, i, from);
        table_range(&d->cells[i].table, from, to, give, each);
    }
}

void ks_each(const struct keyspace *ks, int db, ks_each_fn fn, void *arg)
{
    const struct ks_db *d = ks_db_of(ks, db);
    struct each each = {.fn = fn, .arg = arg};
    if (d)
        each_in_range(d, 0, KS_HASHES, &each);
}

/* The cursor is a hash. Keys keep their hash whatever tables and shards do: the keys below the cursor have been
 * given, and the keys that stay are given once. The next range is wide enough for the part of `count` that is
 * missing. */
uint64_t ks_scan(const struct keyspace *ks, int db, uint64_t cursor, uint64_t count, ks_each_fn fn,
                 void *arg)
{
    const struct ks_db *d = ks_db_of(ks, db);
    if (!d || cursor >= KS_HASHES)
        return 0;
    if (count == 0)
        count = 1;
    struct each each = {.fn = fn, .arg = arg};
    for (int i = 0; i < SCAN_RANGES_MAX && each.given < count && cursor < KS_HASHES; i++) {
        uint64_t to = cursor + ks_width(d, count - each.given);
        if (to > KS_HASHES)
            to = KS_HASHES;
        each_in_range(d, cursor, to, &each);
        cursor = to;
    }
    return cursor < KS_HASHES ? cursor : 0;
}

/* --- some keys -------------------------------------------------------------------------------------- */

/* The cell that the nth key of a database is in. */
static struct ks_cell *cell_of_nth(struct ks_db *d, uint64_t n)
{
    assert(n < d->keys);
    struct ks_cell *cell = d->cells;
    for (; n >= cell->table.count; cell++)
        n -= cell->table.count;
    return cell;
}

/* Keys that are due are removed as they are drawn, so a database where all are due answers NULL in the end,
 * after a bounded number of tries even if it is large. */
const struct item *ks_random(struct keyspace *ks, int db, uint64_t random)
{
    struct rng rng;
    rng_seed(&rng, random);
    struct ks_place at = {.db = ks_db_of(ks, db)};
    for (int i = 0; i < RANDOM_TRIES_MAX && at.db && at.db->keys > 0; i++) {
        at.cell = cell_of_nth(at.db, rng_below(&rng, at.db->keys));
        struct item *it = table_random(&at.cell->table, rng_next(&rng));
        if (!ks_is_due(ks, it))
            return it;
        if (ks->expiry != KS_EXPIRY_REMOVE)
            continue;
        uint32_t hash = ks_hash(ks, item_key(it));
        at.pos = table_find(&at.cell->table, hash, ks_item_is, it);
        ks_expire_at(ks, db, &at, hash);
    }
    return NULL;
}

struct ttl_sample {
    int64_t now_ms;
    double total_ms;
    uint64_t count;
};

static void sample_ttl(const struct item *it, void *arg)
{
    struct ttl_sample *s = arg;
    if (!item_has_expiry(it))
        return;
    int64_t deadline_ms = item_expiry_ms(it);
    if (deadline_ms > s->now_ms)
        s->total_ms += (double)deadline_ms - (double)s->now_ms;
    s->count++;
}

/* The hash is keyed, so the keys with the lowest hashes are as good a sample as any. */
uint64_t ks_average_ttl_ms(const struct keyspace *ks, int db)
{
    const struct ks_db *d = ks_db_of(ks, db);
    uint64_t expires = ks_expires(ks, db);
    if (expires == 0)
        return 0;
    double looks = (double)TTL_SAMPLE_KEYS * (double)d->keys / (double)expires;
    struct ttl_sample sample = {.now_ms = ks->now_ms};
    struct each each = {.fn = sample_ttl, .arg = &sample};
    uint64_t to = ks_width(d, looks < TTL_LOOKS_MAX ? (uint64_t)looks : TTL_LOOKS_MAX);
    each_in_range(d, 0, to, &each);
    return sample.count ? (uint64_t)(sample.total_ms / (double)sample.count) : 0;
}
