#pragma once
/* SipHash (Aumasson, Bernstein 2012): a keyed hash that an attacker who does not know the key
 * cannot flood. */
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* One round a word and three at the end, as in Rust's and Perl's tables: for hash tables. 8 ns for
 * 8 bytes, and 2 ns for every further 8. */
uint64_t siphash13(const struct siphash_key *key, const void *p, size_t len);
/* The two and four rounds of the paper, whose test vectors hold the code that both share. */
uint64_t siphash24(const struct siphash_key *key, const void *p, size_t len);
