#pragma once
/* Consistent hashing of SLOT_COUNT slots onto shards, with bounded loads.
 *
 * The result is a table: owner[slot]. Guarantees, which the tests hold for 1..RING_SHARDS_MAX shards:
 *  - every shard owns within 10 % of SLOT_COUNT / n slots (or one slot more or less where that is coarser);
 *  - going from n to n + 1 shards moves slots only to the new shard, at most 1/(n+1) of all plus 2 %;
 *    going from n to n - 1 moves only the slots of the shard that leaves;
 *  - the same n gives the same table on every machine and in every version. */
#include <stdint.h>

#include "base/crc16.h"
#include "base/err.h"

#define RING_SHARDS_MAX 1024

/* Fills owner[] for n shards; ERR_RANGE unless 1 <= n <= RING_SHARDS_MAX. Milliseconds at most. */
enum err ring_place(uint16_t owner[SLOT_COUNT], unsigned n);
