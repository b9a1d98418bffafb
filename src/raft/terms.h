#pragma once
/* The term of every entry that a log holds, as runs of entries of one term: a log of millions has a run for each
 * election.
 *
 *       base                                     last
 *        |  5     6     7     8     9    10    11 |
 *   4:1  |  1     1     1     3     3     4     4 |      runs: {5, 1} {8, 3} {10, 4}
 *
 * The base is the entry before the first one held: a snapshot stands for it, and for all before. */
#include <stdbool.h>
#include <stdint.h>

struct term_run {
    uint64_t first, term; /* the run ends where the next one begins, the last one at `last` */
};
struct terms {
    uint64_t base, base_term; /* 0, 0: the log begins with its first entry, 1 */
    uint64_t last;            /* index of the last entry; the base's where there is none */
    struct term_run *runs;    /* owned */
    uint32_t count, room;
};

void terms_init(struct terms *t, uint64_t base, uint64_t base_term);
void terms_deinit(struct terms *t);
/* Adds entries behind the last one, of its term or a later one. */
void terms_append(struct terms *t, uint64_t term, uint64_t count);
/* Forgets the entries from `index` on; base < index. */
void terms_cut(struct terms *t, uint64_t index);
/* Forgets the entries up to `index`, which becomes the base; base <= index <= last. */
void terms_drop(struct terms *t, uint64_t index);
/* The term of the entry, or of the base. False: the log does not hold it. */
bool terms_at(const struct terms *t, uint64_t index, uint64_t *term);
/* The first entry held of the run that this entry is in; base < index <= last. */
uint64_t terms_run_first(const struct terms *t, uint64_t index);
uint64_t terms_last_term(const struct terms *t);
