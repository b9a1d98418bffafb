#pragma once
/* A snapshot of the whole keyspace at one instant, taken in slices while it changes: no fork, no copy.
 *
 * The walk is a hash, as everywhere: keys below it are given out. Each item bears one bit, the parity of the last snapshot
 * that is done with it. Whoever is about to change or remove an item that this snapshot is not done with gives it out first
 * (one predictable branch where no snapshot is under way); items made since it began bear its parity already and are never
 * given out. So what is given out is each key that was there at the beginning, once, as it was then, in whatever order. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/keyspace.h"

/* A key as it was when the snapshot began. Must not change the keyspace. `db` as numbered then. */
typedef void (*ks_snapshot_fn)(void *arg, int db, const struct item *it);

/* ERR_BUSY: one is under way (or the rest of a cancelled one is being tidied up). */
enum err ks_snapshot_begin(struct keyspace *ks, ks_snapshot_fn fn, void *arg);
/* Gives out about `keys` more; false: it was the last slice, the snapshot is over. */
bool ks_snapshot_slice(struct keyspace *ks, unsigned keys);
/* Gives out nothing any more. What is left of the walk goes on within ks_work. Emptying a database cancels too: */
void ks_snapshot_cancel(struct keyspace *ks);
/* ... and calls this, if set, so that whoever takes the snapshot begins anew. */
void ks_on_snapshot_cancelled(struct keyspace *ks, void (*fn)(void *arg), void *arg);

bool ks_snapshot_active(const struct keyspace *ks);
double ks_snapshot_done(const struct keyspace *ks); /* 0..1 */
