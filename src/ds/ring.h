#pragma once
/* Consistent hashing of SLOT_COUNT slots onto shards, with bounded loads.
 *
 * The result is a table: owner[slot]. Guarantees, tested for 1..RING_SHARDS_MAX shards:
 *  - every shard owns SLOT_COUNT / n slots, rounded up or down;
 *  - going from n to n + 1 shards moves slots only to the new shard, SLOT_COUNT / (n + 1) of them,
 *    rounded up or down: the least that any scheme can move. Going from n to n - 1 moves only the
 *    slots of the shard that leaves, which is the last;
 *  - the same n gives the same table on every machine and in every version. */
#include <stdint.h>

#include "base/crc16.h"
#include "base/err.h"

#define RING_SHARDS_MAX 1024

/* Fills owner[] for n shards. ERR_RANGE unless 1 <= n <= RING_SHARDS_MAX. */
enum err ring_place(uint16_t owner[SLOT_COUNT], unsigned n);
