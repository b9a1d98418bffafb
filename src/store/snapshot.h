#pragma once
/* Snapshots of the whole keyspace, each at one instant, taken in slices while it changes: no fork, no copy.
 * KS_SNAPSHOTS_MAX may be under way at once, each of its own instant and at its own pace.
 *
 * Each snapshot has one bit of ITEM_PARITY, in every item and in the keyspace. An item whose bit agrees with the
 * keyspace's is owed to that snapshot no more. A snapshot begins by turning the keyspace's bit over, so that every
 * item differs from it: all are owed. The walk gives them out in the order of their hashes, one database after the
 * other, across all shards. A change or removal of an item that is still owed gives it out first. The bits of
 * all snapshots are compared at once: one predictable branch, however many are under way. Later items bear the
 * keyspace's bits from the start and are never given out.
 *
 * So a snapshot gives out each key that was there at its beginning, once, as it was then, in any order.
 * Tables that grow and shrink, resharding and SWAPDB change no hash and no bit, and do not matter. A database that
 * is flushed while it owes something is walked to its end before it is freed, so that flushing neither breaks a
 * snapshot nor makes it begin again: its keys cost memory until then. The memory kept is bounded by the data at the
 * beginning of the snapshots, as later keys are owed to none.
 *
 * Keys whose time has come but which were not removed yet are given out too, with their deadline: a load of the
 * snapshot drops them. (So the callback may come from within a look-up that finds a key due, too.) The access
 * clock is the one thing that may be newer. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/keyspace.h"

#define KS_SNAPSHOTS_MAX 4

/* A slice gives out fewer keys than asked for where they would hold more than this, on average: the callback
 * copies them, we suppose, and a slice is to be short. */
#define KS_SNAPSHOT_SLICE_BYTES (256 * 1024)

/* A key as it was when the snapshot began. Must change neither keyspace nor snapshots, but may hold a blob (which is
 * then copied before it is edited). `db` as numbered then. The item is borrowed for the call. */
typedef void (*ks_snapshot_fn)(void *arg, int db, const struct item *it);

struct ks_snapshot;
/* Allocates nothing; looks at every database. From now on `fn` is called from ks_snapshot_slice and from every
 * function that changes a key, until ks_snapshot_end. NULL: KS_SNAPSHOTS_MAX are under way, or one that was ended
 * early is being tidied up: see ks_snapshot_busy. */
struct ks_snapshot *ks_snapshot_begin(struct keyspace *ks, ks_snapshot_fn fn, void *arg);
/* Looks at about `keys` more keys (> 0) and gives out the owed ones. False: the snapshot is whole. */
bool ks_snapshot_slice(struct ks_snapshot *s, unsigned keys);
/* Sets the caller's pointer to NULL; the snapshot gives out nothing any more. NULL is fine. The rest of an
 * unfinished walk goes on within ks_work. Looks at every flushed database that is kept. */
void ks_snapshot_end(struct ks_snapshot **s);

/* None can begin now: ks_work makes room as soon as one has ended. */
bool ks_snapshot_busy(struct keyspace *ks);
double ks_snapshot_done(const struct ks_snapshot *s); /* 0..1 */
