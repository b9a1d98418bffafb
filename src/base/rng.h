#pragma once
/* A seeded generator of pseudo-random numbers (xoshiro256**, Blackman and Vigna). It is passed down,
 * so that the same seed gives the same run. Not for secrets. */
#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed); /* expanded by splitmix64 */
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* uniform in [0, n), n > 0, without modulo bias */

/* Random bytes from the kernel, for keys and ids. Ends the process if the kernel has none. */
void rng_entropy(void *out, unsigned long len);
