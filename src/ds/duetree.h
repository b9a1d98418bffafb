#pragma once
/* Which part of a hash-ordered table holds the earliest deadline: a tournament tree of minima.
 *
 * The 2^32 hashes are cut into 2^bits parts. A leaf holds a lower bound of the deadlines in its
 * part, an inner node the least of its DUETREE_FAN children:
 *
 *                      +---+
 *   level 0            | 3 |                                        one node
 *                      +---+
 *            +---+---+---+---+---+
 *   level 1  | 9 | 3 | - | 7 |...|                                  16 nodes
 *            +---+---+---+---+---+
 *   +---+---+---+---+---+   +---+---+---+---+---+
 *   | - | 9 | - | - |...|   | 8 | - | 3 | 4 |...|  ...              256 nodes
 *   +---+---+---+---+---+   +---+---+---+---+---+
 *
 * Adding a deadline lowers a path; the part that is due is found by descending along minima; the
 * owner then looks through that part, expires what is due and settles the leaf at the exact
 * minimum. Removing a deadline need not be told: a bound that is too low costs one look. So the
 * index costs 4 bytes a part, a tenth of a byte a key, and nothing for each key.
 *
 * Deadlines are milliseconds, not negative; the tree keeps ticks of DUETREE_TICK_MS, rounded up, so
 * a part is not found due before its bound and less than one tick late. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DUETREE_FAN      16
#define DUETREE_TICK_MS  8
#define DUETREE_BITS_MAX 24
/* Entries in a part, on average: with more the tree grows, with fewer it shrinks. One is 32 times
 * the other, twice the step in which it does so: it does not go to and fro. */
#define DUETREE_PART_MAX 512
#define DUETREE_PART_MIN 16

struct duetree {
    uint32_t *ticks;  /* levels one behind the other, root first; NULL while nothing is due ever */
    int64_t epoch_ms; /* tick 0; in the past, unless the clock is set back */
    int bits;         /* 2^bits leaves, bits a multiple of 4 */
};

void duetree_init(struct duetree *d, int64_t now_ms);
void duetree_deinit(struct duetree *d);

/* Grows (or shrinks) so that `entries` spread over the parts are about 32..512 a part. ERR_NOMEM
 * leaves it as it was, which is only slower. Not between duetree_due and the duetree_settle that
 * answers it. */
enum err duetree_fit(struct duetree *d, uint64_t entries);

/* There is something at `hash` with this deadline. ERR_NOMEM: first call only, nothing is noted. */
enum err duetree_add(struct duetree *d, uint32_t hash, int64_t deadline_ms);

/* From when on duetree_due finds something: 0 if long overdue, INT64_MAX: never. */
int64_t duetree_next_ms(const struct duetree *d);

/* A part with something due at `now_ms`, that with the least bound: its hashes are [*from, *to).
 * False: nothing is due. Once in half a year, and when the clock is set back, it goes through all
 * parts to move the epoch. */
bool duetree_due(struct duetree *d, int64_t now_ms, uint64_t *from, uint64_t *to);
/* Sets the bound of the part that starts at `from` to the least deadline in it; INT64_MAX: none. */
void duetree_settle(struct duetree *d, uint64_t from, int64_t least_ms);

size_t duetree_memory(const struct duetree *d);
/* For tests: every invariant, by assertion. */
void duetree_validate(const struct duetree *d);
