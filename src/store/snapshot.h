#pragma once
/* A snapshot of the whole keyspace at one instant, taken in slices while it changes: no fork, no copy.
 *
 * Each item bears one bit, ITEM_PARITY: that of the last snapshot that owes it to nobody any more. A snapshot
 * begins by turning the keyspace's own parity over, so that every item differs from it: all are owed. The walk
 * gives them out in the order of their hashes, one database after the other, across all shards. Whoever is about
 * to change or remove an item that is still owed gives it out first (one predictable branch where no snapshot is
 * under way). What comes in since bears the new parity from the start and is never given out.
 *
 * So what is given out is each key that was there at the beginning, once, as it was then, in whatever order.
 * Tables that grow and shrink, resharding and SWAPDB change no hash and no parity, and do not matter. A database
 * that is flushed while it owes something is walked to its end before it is freed, so that flushing neither
 * breaks the snapshot nor makes it begin again: its keys cost memory until then, those of one flush at most, as
 * what came in since is owed to nobody.
 *
 * Keys whose time has come but which were not removed yet are given out too, with their deadline: who loads the
 * snapshot drops them. (So the callback may come from within a look-up that finds a key due, too.) The access
 * clock is the one thing that may be newer. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/keyspace.h"

/* A slice gives out fewer keys than asked for where they would hold more than this, on average: the callback
 * copies them, we suppose, and a slice is to be short. */
#define KS_SNAPSHOT_SLICE_BYTES (256 * 1024)

/* A key as it was when the snapshot began. Must not change the keyspace, but may hold a blob (which is then
 * copied before it is edited). `db` as numbered then. The item is borrowed for the call. */
typedef void (*ks_snapshot_fn)(void *arg, int db, const struct item *it);

/* Allocates nothing; needs a look at every database. From now on `fn` is called from ks_snapshot_slice and from
 * whatever changes a key, until ks_snapshot_slice answers false or the snapshot is cancelled. ERR_BUSY: one is
 * under way (or the rest of a cancelled one is being tidied up): see ks_snapshot_busy. */
enum err ks_snapshot_begin(struct keyspace *ks, ks_snapshot_fn fn, void *arg);
/* Looks at about `keys` more (> 0) and gives out what is owed of them. False: it was the last slice, the snapshot
 * is over and whole (or none was under way: it has been cancelled). */
bool ks_snapshot_slice(struct keyspace *ks, unsigned keys);
/* Gives out nothing any more. What is left of the walk goes on within ks_work. Nothing where none is under way. */
void ks_snapshot_cancel(struct keyspace *ks);

bool ks_snapshot_busy(struct keyspace *ks);         /* no other can begin yet */
bool ks_snapshot_active(const struct keyspace *ks); /* begun, neither over nor cancelled */
double ks_snapshot_done(const struct keyspace *ks); /* 0..1; 1 when none is active */
