#pragma once
/* Tells which part of a hash-ordered table holds the earliest deadline: a tournament tree of minima.
 *
 * The 2^32 hashes are cut into 2^bits parts. A leaf holds a lower bound of the deadlines in its part, an inner node the
 * least of its DUETREE_FAN children:
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
 * Adding a deadline lowers the bounds on a path. A due part is found by descending along the minima. The table's owner
 * then searches that part, expires due entries and settles the leaf at the exact minimum. The tree is not told of
 * removed deadlines: a bound that is too low costs one search of its part. So the tree has four bytes for each part,
 * and nothing for each entry.
 *
 * Deadlines are milliseconds >= 0. The tree keeps ticks of DUETREE_TICK_MS, rounded up: a part is found due at its
 * bound or less than one tick later, never before. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DUETREE_FAN      16
#define DUETREE_TICK_MS  8
#define DUETREE_BITS_MAX 24
/* Average entries of a part: the tree grows above the one and shrinks below the other. They are further apart than one
 * step of growing or shrinking, so the tree does not alternate between two sizes. */
#define DUETREE_PART_MAX 512
#define DUETREE_PART_MIN 16

struct duetree {
    uint32_t *ticks;  /* the levels, root first; NULL until the first deadline */
    int64_t epoch_ms; /* tick 0; in the past, unless the clock was set back */
    int bits;         /* 2^bits leaves, bits a multiple of 4 */
};

void duetree_init(struct duetree *d, int64_t now_ms);
void duetree_deinit(struct duetree *d);

/* Grows or shrinks until parts have DUETREE_PART_MIN to DUETREE_PART_MAX of `entries` on average. ERR_NOMEM: unchanged,
 * which is only slower. Must not be called between duetree_due and the duetree_settle that answers it. */
enum err duetree_fit(struct duetree *d, uint64_t entries);

/* Notes an entry's deadline. ERR_NOMEM: nothing is noted; only possible until the first call that succeeds. */
enum err duetree_add(struct duetree *d, uint32_t hash, int64_t deadline_ms);

/* The time from which on duetree_due finds a part: 0 if long overdue, INT64_MAX: never. */
int64_t duetree_next_ms(const struct duetree *d);

/* The part with the least bound, if that is due at `now_ms`: its hashes are [*from, *to). False: nothing is due. Twice
 * a year, and when the clock was set back, the call goes through all parts to move the epoch. */
bool duetree_due(struct duetree *d, int64_t now_ms, uint64_t *from, uint64_t *to);
/* Sets the bound of the part that starts at `from` to the least deadline in it; INT64_MAX: none. */
void duetree_settle(struct duetree *d, uint64_t from, int64_t least_ms);

size_t duetree_memory(const struct duetree *d);
/* For tests: every invariant, by assertion. */
void duetree_validate(const struct duetree *d);
