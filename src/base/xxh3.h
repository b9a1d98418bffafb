#pragma once
/* XXH3 with 64 bits and seed 0: a digest that clients can compute themselves, fast and not cryptographic. Source: the
 * xxHash fast digest algorithm, version 0.2.0. */
#include <stdint.h>

#include "base/slice.h"

uint64_t xxh3_64(struct slice s);
/* The same of bytes in several runs: `next` returns one after the other, and an empty one at the end. */
uint64_t xxh3_64_runs(struct slice (*next)(void *arg), void *arg);
