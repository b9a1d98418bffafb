#pragma once
/* Inside the keyspace: shared by its files, and included by no other.
 *
 *   dbs[] --> ks_db --> cells[]  one for each shard: a table and its tree of deadlines
 *
 * A database is allocated with its first key and holds the cells of all shards side by side. So an empty
 * database costs a pointer, SWAPDB swaps two pointers, and FLUSHDB takes one away.
 *
 *   keyspace.c           one key: find, delete, deadline
 *   keyspace_edit.c      one key: a value that may be changed
 *   keyspace_move.c      a value under another key
 *   keyspace_string.c    setting strings
 *   keyspace_group.c     setting several, all or none
 *   keyspace_walk.c      many keys: scan, each, random, estimates
 *   keyspace_expiry.c    removing due keys
 *   keyspace_shards.c    resharding
 *   keyspace_snapshot.c  all keys as they were at one instant
 *   keyspace_work.c      work in slices: freeing, flushing, tables' sizes
 *   keyspace_stats.c     figures and checks */
#include <assert.h>

#include "base/keyhash.h"
#include "base/mem.h"
#include "base/populate.h"
#include "base/prefetch.h"
#include "base/slab.h"
#include "ds/duetree.h"
#include "ds/ring.h"
#include "ds/table.h"
#include "store/edit.h"
#include "store/item_impl.h"
#include "store/keyspace.h"
#include "store/snapshot.h"

#define KS_HASHES (1ULL << 32) /* how many hashes there are: the end of every walk */

/* Values dearer to free than this wait for ks_work; in small allocations, see value_effort. */
#define KS_LAZY_EFFORT_MIN 64
/* While more than these wait, each one added has some of them freed. */
#define KS_LAZY_VALUES_MAX 64

/* What a database owes to one snapshot. */
struct ks_debt {
    uint64_t left; /* keys, */
    uint64_t at;   /* all with hashes from this one on */
    int db;        /* which number the database had when the snapshot began */
};

/* One database in one shard. */
struct ks_cell {
    struct table table;
    struct duetree dues;
    uint64_t expires; /* keys with a deadline */
    uint64_t bytes;   /* items and their values */
};

struct ks_db {
    struct ks_cell *cells;
    unsigned cell_count;     /* at least as many as either owner table names */
    unsigned prepared_cells; /* how many tables have the size that a move will need */
    uint64_t boundary;       /* hashes below it are placed by owner_to, the others by owner_from */
    uint64_t keys;
    int64_t due_ms;    /* nothing in here is due before */
    unsigned due_cell; /* where the search for something due goes on */
    struct ks_debt debts[KS_SNAPSHOTS_MAX];
    bool flushed;        /* taken away, and kept for its debts */
    unsigned drain_cell; /* retired: how far emptying has come */
    uint64_t drain_from;
    struct ks_db *next, *prev; /* in the list of flushed databases, or (next) of retired ones */
};

/* How resharding changes one shard. */
struct ks_shard {
    uint32_t slots;
    uint64_t moved_in, moved_out;
};

/* A cancelled snapshot gives out nothing: its walk only brings the items' bits to agree again. */
enum ks_snapshot_state { KS_SNAPSHOT_IDLE, KS_SNAPSHOT_GIVING, KS_SNAPSHOT_CANCELLED };

struct ks_snapshot {
    struct keyspace *ks;
    enum ks_snapshot_state state;
    unsigned number; /* among the keyspace's snapshots: which bit, and which debts, are its own */
    int db;          /* the databases below owe it nothing, */
    struct ks_db *next;  /* nor the flushed ones ahead of this one; NULL: nor any */
    uint64_t keys, done; /* keys at the beginning, and keys given or gone since */
    ks_snapshot_fn fn;
    void *arg;
};

struct keyspace {
    /* read for every key */
    struct ks_db **dbs;
    int databases;
    const uint16_t *owner_to, *owner_from; /* into owners[] */
    struct slab_heap *items;
    struct populator *populator;
    struct keyhash hash;
    int64_t now_ms;
    unsigned shards;     /* as ks_set_shards was told last */
    unsigned cell_count; /* cells of a new database: the most that owner_to and owner_from name */
    uint8_t expiry;      /* enum ks_expiry_mode */
    bool expecting;      /* tables were made ready for keys that are still to come */
    /* a bit of ITEM_PARITY each: items that differ in one are owed to that snapshot */
    uint8_t parity;
    bool untidy; /* keys came or went since the last round of tidying began */
    uint64_t hits, misses;
    struct ks_limits limits;

    ks_expired_fn expired;
    void *expired_arg;
    uint64_t expired_count;
    ks_elements_expired_fn elements_expired;
    void *elements_expired_arg;
    uint64_t elements_expired_count;
    int64_t due_ms; /* nothing is due before */
    int due_db;     /* where the search for something due goes on */

    bool tidying; /* a round is under way; */
    int tidy_db;  /* where it goes on */
    unsigned tidy_cell;

    struct ks_db *retired; /* flushed, not yet freed */
    uint64_t retired_keys;
    struct item **lazy; /* values that wait to be freed */
    size_t lazy_count, lazy_room;
    uint64_t lazy_freed;

    struct ks_snapshot snapshots[KS_SNAPSHOTS_MAX];
    /* in debt to snapshots that give; retired when all is paid */
    struct ks_db *flushed, *last_flushed;

    bool moving;
    unsigned shards_from; /* shards before the current or last move */
    uint64_t keys_moved;
    uint32_t slots_moved;
    struct ks_shard shard[KS_SHARDS_MAX];
    uint16_t owners[2][SLOT_COUNT];
};
static_assert(KS_SHARDS_MAX <= RING_SHARDS_MAX, "the ring places as many shards as are allowed");

/* For a loop over cells that looks up one hash in each: many shards do not fit the cache. */
#define KS_PREFETCH_AHEAD 8
static inline __attribute__((always_inline)) void ks_prefetch_ahead(const struct ks_db *d,
                                                                    unsigned cell, uint64_t hash)
{
    if (cell + KS_PREFETCH_AHEAD < d->cell_count)
        table_prefetch(&d->cells[cell + KS_PREFETCH_AHEAD].table, (uint32_t)hash);
}

/* Asks for the lines that a small item may lie in: half of them lie in two. */
#define KS_SMALL_ITEM_BYTES 40 /* 16 bytes of key and as many of value */
static inline void ks_prefetch_small(const void *item)
{
    prefetch_line(item);
    prefetch_line((const char *)item + KS_SMALL_ITEM_BYTES - 1);
}

/* --- finding ---------------------------------------------------------------------------------------- */

static inline uint32_t ks_hash(const struct keyspace *ks, struct slice name)
{
    return keyhash(&ks->hash, name.ptr, name.len);
}

/* Where there is one shard, slots are not needed and keys do not bear them. A key that was made then may be
 * used after more shards came: it is never wrong, only slower. */
static inline uint16_t ks_slot(const struct key *k)
{
    return k->slot != KS_SLOT_UNKNOWN ? k->slot : key_slot(k->name);
}

static inline struct ks_cell *ks_cell_of(const struct keyspace *ks, const struct ks_db *d,
                                         const struct key *k)
{
    if (ks->cell_count == 1)
        return d->cells;
    const uint16_t *owner = k->hash < d->boundary ? ks->owner_to : ks->owner_from;
    return &d->cells[owner[ks_slot(k)]];
}

static inline struct ks_db *ks_db_of(const struct keyspace *ks, int db)
{
    assert(db >= 0 && db < ks->databases);
    return ks->dbs[db];
}

static inline bool ks_item_matches(const void *item, const void *name)
{
    return slice_equal(item_key(item), *(const struct slice *)name);
}
static inline bool ks_item_is(const void *item, const void *same)
{
    return item == same;
}

static inline struct item *ks_item_at(const struct ks_place *at)
{
    return at->pos.bucket ? table_at(at->pos) : NULL;
}

static inline bool ks_is_due(const struct keyspace *ks, const struct item *it)
{
    return item_has_expiry(it) && item_expiry_ms(it) <= ks->now_ms &&
           ks->expiry != KS_EXPIRY_IGNORE;
}

/* When an item or something in it is due, at the earliest. INT64_MAX: never. */
static inline int64_t ks_least_due_ms(const struct item *it)
{
    int64_t own_ms = item_due_ms(it);
    if (__builtin_expect(!(it->flags & ITEM_DUES), 1))
        return own_ms;
    int64_t within_ms = value_ops(item_type(it))->due_ms(it);
    return within_ms < own_ms ? within_ms : own_ms;
}

/* Removes the due item at this place. */
void ks_expire_at(struct keyspace *ks, int db, struct ks_place *at, uint32_t hash);

/* Finds a key that is not due; at->db is NULL when the database is empty. NULL with an item at the place: a hidden
 * one, which ks_place_new removes. */
static inline struct item *ks_locate(struct keyspace *ks, int db, const struct key *k,
                                     struct ks_place *at)
{
    at->pos.bucket = NULL;
    at->db = ks_db_of(ks, db);
    if (!at->db)
        return NULL;
    at->cell = ks_cell_of(ks, at->db, k);
    at->pos = table_find(&at->cell->table, k->hash, ks_item_matches, &k->name);
    struct item *it = ks_item_at(at);
    if (it)
        item_check(it);
    if (it && __builtin_expect(ks_is_due(ks, it), 0)) {
        if (ks->expiry == KS_EXPIRY_REMOVE)
            ks_expire_at(ks, db, at, k->hash);
        it = NULL;
    }
    return it;
}

/* --- changing: every key comes, goes and changes its item through these ------------------------------ */

/* Gives an item that is about to change or go to each snapshot that it is still owed to. */
void ks_snapshot_give(struct keyspace *ks, struct ks_db *d, struct item *it);
/* The bit of ITEM_PARITY that is a snapshot's. */
static inline unsigned ks_snapshot_bit(unsigned number)
{
    static_assert(ITEM_PARITY == ((1u << KS_SNAPSHOTS_MAX) - 1) << ITEM_PARITY_SHIFT,
                  "there is a bit for each snapshot");
    return 1u << (ITEM_PARITY_SHIFT + number);
}
/* The bits of the snapshots that it is owed to. */
static inline unsigned ks_snapshot_owed(const struct keyspace *ks, const struct item *it)
{
    return (unsigned)(it->flags ^ ks->parity) & ITEM_PARITY;
}
/* Goes ahead of every change of an item in a table, even one that may fail, and ahead of looks that decide how to
 * change it: a snapshot may hold a blob. */
static inline void ks_before_change(struct keyspace *ks, struct ks_db *d, struct item *it)
{
    item_check(it);
    if (__builtin_expect(ks_snapshot_owed(ks, it), 0))
        ks_snapshot_give(ks, d, it);
}
/* An item that comes into a table now is owed to no snapshot. */
static inline void ks_mark_new(const struct keyspace *ks, struct item *it)
{
    it->flags = (uint8_t)((it->flags & ~ITEM_PARITY) | ks->parity);
}

/* Behind ks_locate, which found none: the place for a key, in a database that may have to be made. ERR_NOMEM. */
enum err ks_place_new(struct keyspace *ks, int db, const struct key *k, struct ks_place *at);
/* Tells the trees that something with this deadline will be at the place. Goes ahead of every change: when it
 * fails nothing has changed yet, and a deadline that nothing has does no harm. ERR_NOMEM. */
enum err ks_note_deadline(struct keyspace *ks, struct ks_place *at, uint32_t hash,
                          int64_t deadline_ms);
/* Adds an item where there is none. ERR_NOMEM: unchanged. */
enum err ks_insert_at(struct keyspace *ks, struct ks_place *at, uint32_t hash, struct item *it);
/* Puts an item where another one is, which is no longer owed to any snapshot. */
static inline void ks_replace_at(const struct keyspace *ks, const struct ks_place *at,
                                 struct item *it)
{
    ks_mark_new(ks, it);
    table_replace(at->pos, it);
}
/* Takes the item out; the caller owns it. */
struct item *ks_remove_at(struct keyspace *ks, struct ks_place *at, uint32_t hash);
/* Frees an item that is in no table any more, perhaps later. */
void ks_dispose(struct keyspace *ks, struct item *it);
/* A string as an item; NULL: no memory. */
struct item *ks_new_string(struct keyspace *ks, struct slice key, struct slice value,
                           int64_t expiry_ms);
/* Gives the value under edit other bytes, in the item that it has or in a new one. False: no memory, unchanged. */
bool ks_edit_replace(struct ks_edit *e, const struct item_value *v);
/* Makes room within a value that lies in its item: `drop` bytes from `at` on give way to `add` others, which are the
 * caller's to write. The item may move, and with it all that pointed into the value. NULL: no memory, unchanged. The
 * value has at most ITEM_VLEN_MAX bytes then: asserted. */
#define ITEM_VLEN_MAX UINT16_MAX
char *ks_edit_splice(struct ks_edit *e, size_t at, size_t drop, size_t add);

static inline void ks_cell_add(struct ks_cell *cell, const struct item *it)
{
    cell->bytes += value_memory(it);
    cell->expires += item_has_expiry(it);
}
static inline void ks_cell_sub(struct ks_cell *cell, const struct item *it)
{
    cell->bytes -= value_memory(it);
    cell->expires -= item_has_expiry(it);
}

/* --- databases and cells ---------------------------------------------------------------------------- */

void ks_cell_init(struct keyspace *ks, struct ks_cell *cell);
void ks_cell_deinit(struct ks_cell *cell); /* does not free the items */
void ks_db_free(struct ks_db *d);          /* with its items: unbounded */

/* A range of hashes that holds about `keys` of the database's keys: its width, 1..KS_HASHES. */
static inline uint64_t ks_width(const struct ks_db *d, uint64_t keys)
{
    if (keys >= d->keys)
        return KS_HASHES;
    uint64_t width = (uint64_t)((double)KS_HASHES * (double)keys / (double)d->keys);
    return width > 0 ? width : 1;
}

/* --- resharding and freeing ------------------------------------------------------------------------- */

void ks_place_slots(struct keyspace *ks);   /* fills the owner tables of a new keyspace */
bool ks_move_slice(struct keyspace *ks);    /* true: there is more to move */
bool ks_snapshot_tidy(struct keyspace *ks); /* after cancelled ones; true: there is more to do */
void ks_snapshot_init(struct keyspace *ks);
void ks_snapshot_drop(struct keyspace *ks); /* all of them: before the keyspace is freed */
/* A flushed database is kept, or else it owes nothing (any more): the caller frees it. */
bool ks_snapshot_keeps(struct keyspace *ks, struct ks_db *d);
void ks_retire(struct keyspace *ks, struct ks_db *d); /* frees a flushed database in slices */
void ks_free_pending(struct keyspace *ks); /* everything that waits to be freed: unbounded */
