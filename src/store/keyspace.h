#pragma once
/* The keyspace: databases of keys, cut into shards by consistent hashing.
 *
 *   key --CRC16--> slot --owner[]--> shard --database--> table (by 32 bits of SipHash) --> item
 *
 * Each shard owns, for each database, a hash-ordered table and a tree of deadlines. All tables use the same
 * keyed hash, so one hash is a place in every shard: a walk (SCAN, expiry, resharding) is at a hash, and the
 * keys below it are done, whichever shard they lie in.
 *
 * Resharding is such a walk, of one database after the other. While it goes on, keys of a database with a hash
 * below its `boundary` are placed by the new owner table and the others by the old one: a look-up is always one
 * look-up.
 *
 * The keyspace reads no clock: ks_clock hands it the time, and everything until the next call happens then.
 * No function blocks or does unbounded work, but for those whose comment says so. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/siphash.h"
#include "base/slice.h"
#include "store/item.h"
#include "store/limits.h"

#define KS_DATABASES_MAX (1 << 20) /* the most that a configuration may ask for */
#define KS_SHARDS_MAX    1024

struct keyspace;

/* A key as a request names it: hashed once, then handed around by pointer. Borrows the name. Good for as long as the
 * keyspace, across changes of its shards. The slot is KS_SLOT_UNKNOWN where a single shard made it needless;
 * key_slot(name) gives it. */
struct key {
    struct slice name;
    uint32_t hash;
    uint16_t slot;
};
#define KS_SLOT_UNKNOWN UINT16_MAX

/* Called when the keyspace itself removes a key whose time has come, before the item is freed. It must not
 * change the keyspace. */
typedef void (*ks_expired_fn)(void *arg, int db, struct slice key);

/* Called when the keyspace removed elements of a collection whose time had come; `gone`: the key went with them. It
 * must not change the keyspace either. */
struct ks_elements {
    int db;
    enum item_type type; /* of the collection */
    struct slice key;
    const struct slice *names;
    size_t count;
    bool gone;
};
typedef void (*ks_elements_expired_fn)(void *arg, const struct ks_elements *of);

struct ks_options {
    int databases;   /* 1..KS_DATABASES_MAX */
    unsigned shards; /* 1..KS_SHARDS_MAX */
    struct siphash_key hash_key;
    int64_t now_ms;        /* wall clock, ms since the epoch */
    ks_expired_fn expired; /* may be NULL */
    void *expired_arg;
};

struct keyspace *ks_new(const struct ks_options *o); /* NULL: no memory */
void ks_free(struct keyspace **ks);                  /* at once, unbounded */

/* The function to be called for expired keys from now on; NULL: none. */
void ks_on_expired(struct keyspace *ks, ks_expired_fn fn, void *arg);
void ks_on_elements_expired(struct keyspace *ks, ks_elements_expired_fn fn, void *arg);

void ks_clock(struct keyspace *ks, int64_t now_ms);
int64_t ks_now_ms(const struct keyspace *ks);
int ks_databases(const struct keyspace *ks);
/* KS_LIMITS_DEFAULT at first. Values that are there keep the form that they have until they are changed. */
void ks_set_limits(struct keyspace *ks, const struct ks_limits *limits);
const struct ks_limits *ks_limits(const struct keyspace *ks);

/* --- one key ---------------------------------------------------------------------------------------- */

struct key ks_key(const struct keyspace *ks, struct slice name);

/* For a batch, whose cache misses are to overlap: ask for the bucket of every key, some time later for its item,
 * some time later run. Where the item is not in the bucket's first line (0), ks_prefetch_item asks for the next line
 * and returns true: to be asked again for that line. The keyspace may change in between. */
void ks_prefetch(const struct keyspace *ks, int db, const struct key *k);
bool ks_prefetch_item(const struct keyspace *ks, int db, const struct key *k, int line);

/* What a look-up of the key finds, or something else that is there: what it is good for is to ask for more of it. NULL:
 * nothing. */
const struct item *ks_peek(const struct keyspace *ks, int db, const struct key *k);

enum ks_find_flags {
    KS_READ = 1,     /* counts a hit or a miss */
    KS_NO_TOUCH = 2, /* leaves the access clock alone */
};
/* The item of a key to read, or NULL. A due key is treated as ks_set_expiry_mode says. The pointer is good until the
 * next call that changes or inserts a key. */
const struct item *ks_find(struct keyspace *ks, int db, const struct key *k, int flags);

/* Key, value and deadline at this moment, in an item of the caller's that outlives changes of the key: O(1) but for
 * the name. NULL: no memory. */
const struct item *ks_hold(struct keyspace *ks, const struct item *it);
/* Lets go of a held item. Parts that no other item holds are freed, in slices where they are large. */
void ks_let_go(struct keyspace *ks, const struct item *held);

/* Stores a string, replacing whatever is there. `expiry_ms` may be ITEM_NO_EXPIRY or KS_KEEP_EXPIRY.
 * Returns the item, NULL when there was no memory and nothing changed. Deadlines in the past are stored as
 * they are (the caller decides). Copies key and value; the value may lie in the item that is replaced. */
#define KS_KEEP_EXPIRY INT64_MIN
const struct item *ks_set_string(struct keyspace *ks, int db, const struct key *k,
                                 struct slice value, int64_t expiry_ms);
/* As ks_set_string, for a few bytes (STRING_SHORT_BYTES_MAX) that stay text even where they are an integer's. */
const struct item *ks_set_text(struct keyspace *ks, int db, const struct key *k, struct slice text,
                               int64_t expiry_ms);
const struct item *ks_set_int(struct keyspace *ks, int db, const struct key *k, int64_t value,
                              int64_t expiry_ms);
/* Takes the caller's reference of the blob, on success only. */
const struct item *ks_set_blob(struct keyspace *ks, int db, const struct key *k, struct blob *takes,
                               int64_t expiry_ms);

/* Several strings, all of them or none: after ks_group_init, ks_group_set for each of at most `count`, and either
 * ks_group_keep or ks_group_undo, which brings back the earlier values. No other function of the keyspace may be
 * called in between. */
#define KS_GROUP_FEW 16 /* with as many, nothing is allocated for the group */
struct ks_group_change {
    struct item *was, *is; /* `was` is NULL where there was none */
    uint32_t hash;
};
struct ks_group {
    struct keyspace *ks;
    int db;
    size_t count, room;
    struct ks_group_change *of, few[KS_GROUP_FEW];
};
bool ks_group_init(struct ks_group *g, struct keyspace *ks, int db,
                   size_t count); /* false: no memory */
/* As ks_set_string. False: no memory, and this key did not change. */
bool ks_group_set(struct ks_group *g, const struct key *k, struct slice value, int64_t expiry_ms);
/* As ks_set_blob. */
bool ks_group_set_blob(struct ks_group *g, const struct key *k, struct blob *takes,
                       int64_t expiry_ms);
/* The ith that was set: its hash; it was not there before. */
uint32_t ks_group_hash(const struct ks_group *g, size_t i);
bool ks_group_is_new(const struct ks_group *g, size_t i);
void ks_group_keep(struct ks_group *g);
void ks_group_undo(struct ks_group *g); /* also where ks_group_init failed */

/* A key and its value, in some database. */
struct ks_name {
    int db;
    const struct key *key;
};
/* Moves the value of an existing key, with its deadline, to another key, replacing that one's value: nothing is
 * copied. ERR_NOMEM: nothing changed. */
enum err ks_move(struct keyspace *ks, struct ks_name from, struct ks_name to);
/* As ks_move, but the value stays under the first key, too: large ones are shared until one side changes. */
enum err ks_copy(struct keyspace *ks, struct ks_name from, struct ks_name to);

/* Removes a key and frees it (large values in slices, later). False: it was not there (or its time had come). */
bool ks_delete(struct keyspace *ks, int db, const struct key *k);

/* Sets or clears (ITEM_NO_EXPIRY) the deadline of a key that is there. *it is set anew. */
enum err ks_set_expiry(struct keyspace *ks, int db, const struct key *k, const struct item **it,
                       int64_t expiry_ms);

/* --- whole databases -------------------------------------------------------------------------------- */

/* Number of keys, due ones that are not yet removed included. */
uint64_t ks_size(const struct keyspace *ks, int db);
/* Keys with a deadline. */
uint64_t ks_expires(const struct keyspace *ks, int db);
/* Average time until a deadline, over a sample. 0: no key has one. */
uint64_t ks_average_ttl_ms(const struct keyspace *ks, int db);

/* One step of an iteration. Starts with cursor 0; returns the next cursor, 0 at the end. Calls fn for about `count`
 * keys (a step is bounded by count, whatever the number of shards). Every key that exists from the first to the last
 * step is given at least once, due ones that are not yet removed included. fn must not change the keyspace. */
typedef void (*ks_each_fn)(const struct item *it, void *arg);
uint64_t ks_scan(const struct keyspace *ks, int db, uint64_t cursor, uint64_t count, ks_each_fn fn,
                 void *arg);
/* Every key, in one go: unbounded. */
void ks_each(const struct keyspace *ks, int db, ks_each_fn fn, void *arg);
/* A key that is not due, drawn about evenly. Removes due keys that it draws. NULL: there is none, or none was found
 * in a bounded number of tries. */
const struct item *ks_random(struct keyspace *ks, int db, uint64_t random);

/* Empties a database, or all (-1), at once as every caller sees it; memory is freed in slices by ks_work, or before
 * returning when `now`. It is freed later in either case where a snapshot is still owed keys of it. */
void ks_flush(struct keyspace *ks, int db, bool now);
void ks_swap(struct keyspace *ks, int a, int b);

/* --- work in slices --------------------------------------------------------------------------------- */

/* One slice of everything that waits: growing and shrinking tables, resharding, freeing. Takes some tens of
 * microseconds; true while there is more. */
bool ks_work(struct keyspace *ks);
/* Removes up to `max` due keys; returns how many. *more: others are due. */
unsigned ks_expire_some(struct keyspace *ks, unsigned max, bool *more);
/* Removes the elements of a key that are due, all of them: for what makes something of many elements anyway. ERR_NOMEM:
 * some may be left. */
enum err ks_expire_elements(struct keyspace *ks, int db, const struct key *k);
/* When the next key is due, at the earliest: ks_expire_some finds nothing before. INT64_MAX: none is. One load. */
int64_t ks_next_expiry_ms(const struct keyspace *ks);
/* How a due key is treated. */
enum ks_expiry_mode {
    /* it is removed when it is met, and in the background: on the server that decides about the data */
    KS_EXPIRY_REMOVE,
    /* it is not found, and removed only by another value in its place: on a follower, whose leader removes it;
     * during CLIENT PAUSE */
    KS_EXPIRY_HIDE,
    KS_EXPIRY_IGNORE, /* it is found as if it were not due: while a log is loaded or applied */
};
void ks_set_expiry_mode(struct keyspace *ks, enum ks_expiry_mode mode);
enum ks_expiry_mode ks_expiry_mode(const struct keyspace *ks);

/* A log is loaded, and database `db` will hold about `keys`: makes its tables ready for that many, moving the
 * entries they have, which should be few. Without memory, or where `keys` is too low, they grow as they fill. From
 * here to ks_expect_end ks_work makes no table smaller; keys that go may. */
void ks_expect(struct keyspace *ks, int db, uint64_t keys);
void ks_expect_end(struct keyspace *ks);

/* --- shards ----------------------------------------------------------------------------------------- */

unsigned ks_shards(const struct keyspace *ks); /* as ks_set_shards was told last */
/* Starts to move to `n` shards, in slices of ks_work. ERR_BUSY: a move is under way; ERR_RANGE; ERR_NOMEM. Takes
 * milliseconds. */
enum err ks_set_shards(struct keyspace *ks, unsigned n);

struct ks_shard_stats {
    uint32_t slots;         /* slots of it once the move is over */
    uint64_t keys, expires; /* in all databases */
    uint64_t bytes;         /* items, values, tables */
    uint64_t table_bytes;
    uint64_t moved_in, moved_out; /* keys, in the current or last move */
};
/* Of a shard that is or, during a move, was there. */
void ks_shard_stats(const struct keyspace *ks, unsigned shard, struct ks_shard_stats *out);
struct ks_move_stats {
    bool active;
    unsigned from, to; /* shards */
    double done;       /* 0..1 */
    uint64_t keys_moved;
    uint32_t slots_moved; /* slots that change their owner in the move */
};
void ks_move_stats(const struct keyspace *ks, struct ks_move_stats *out);
/* Where a key is, or will be when the move is over. */
unsigned ks_shard_of(const struct keyspace *ks, const struct key *k);

struct ks_stats {
    uint64_t hits, misses, expired, elements_expired;
    uint64_t lazy_pending; /* values that wait to be freed */
    uint64_t lazy_freed;
    uint64_t bytes; /* memory of the data set: items, values, tables */
    uint64_t table_bytes;
};
void ks_stats(const struct keyspace *ks, struct ks_stats *out);
void ks_reset_stats(struct keyspace *ks);

/* For tests: every invariant, by assertion; unbounded. */
void ks_validate(const struct keyspace *ks);
