#pragma once
/* The hash of keys. Nobody can predict it without the secret, nor derive it from the hashes of other keys, which SCAN's
 * cursors give away. So the hash is a pseudo-random function and not just a keyed one:
 *
 *   with AES instructions  AES-CMAC (RFC 4493; NIST SP 800-38B), whose steps overlap with the hashing of other keys
 *   without                SipHash-1-3, which takes more instructions
 *
 * The secret is the process's, so a hash is never stored. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

#define KEYHASH_ROUNDS 10 /* of AES-128 */

struct keyhash {
    _Alignas(16) unsigned char round_keys[KEYHASH_ROUNDS + 1][16];
    /* Mixed into the last block: of a message of whole blocks, and of one that was padded. */
    _Alignas(16) unsigned char whole_key[16], filled_key[16];
    struct siphash_key secret;
    bool aes;
};

void keyhash_init(struct keyhash *k, struct siphash_key secret);
uint32_t keyhash(const struct keyhash *k, const void *p, size_t len);
/* 64 bits instead of 32. */
uint64_t keyhash64(const struct keyhash *k, const void *p, size_t len);
