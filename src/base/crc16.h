#pragma once
/* CRC-16/XMODEM (polynomial 0x1021, initial 0), as the Redis Cluster specification hashes keys. */
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

uint16_t crc16(const void *data, size_t len); /* slicing by 8 */

#define SLOT_COUNT 16384

/* The hash slot of a key: CRC16 of its hash tag (the bytes between the first '{' and the next '}',
 * if there is at least one) or of the whole key, mod 16384. */
uint16_t key_slot(struct slice key);
