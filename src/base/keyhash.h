#pragma once
/* The hash of keys: 32 bits that nobody can foresee without the secret, nor work out from the hashes of other keys,
 * which SCAN's cursors give away. So it has to be a pseudo-random function and not just a keyed one:
 *
 *   with AES instructions  the first 32 bits of AES-CMAC (RFC 4493; NIST SP 800-38B), a block of 16 bytes in 11 steps
 *                          that overlap with those of other keys: 60 instructions for a key of 16 bytes
 *   without                SipHash-1-3: 140 instructions
 *
 * So a hash is good in this process only: it is never stored. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define KEYHASH_ROUNDS 10 /* of AES-128 */

struct keyhash {
    _Alignas(16) unsigned char round_keys[KEYHASH_ROUNDS + 1][16];
    /* Mixed into the last block: of a message of whole blocks, of one that had to be filled up. */
    _Alignas(16) unsigned char whole_key[16], filled_key[16];
    struct siphash_key secret;
    bool aes;
};

void keyhash_init(struct keyhash *k, struct siphash_key secret);
uint32_t keyhash(const struct keyhash *k, const void *p, size_t len);
/* 64 bits of the same. */
uint64_t keyhash64(const struct keyhash *k, const void *p, size_t len);
