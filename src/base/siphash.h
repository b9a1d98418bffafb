#pragma once
/* SipHash (Aumasson, Bernstein 2012): a keyed hash. Nobody finds collisions without the key. */
#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

/* One round a word and three at the end, as in Rust's and Perl's hash tables. */
uint64_t siphash13(const struct siphash_key *key, const void *p, size_t len);
/* The two and four rounds of the paper, whose test vectors check the code that both share. */
uint64_t siphash24(const struct siphash_key *key, const void *p, size_t len);
