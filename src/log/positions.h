#pragma once
/* Ties the batches of all files together by their log positions: each begins where the one before
 * it ended. A batch that begins and ends earlier was written again after a failed sync, and is
 * skipped; before a batch that begins later something is missing. Plain files (of Redis) have no
 * positions, and their batches are taken as they come. */
#include <stdbool.h>
#include <stdint.h>

#include "log/reader.h"

/* All zero: nothing was read yet. */
struct positions {
    uint64_t pos; /* everything up to here is applied */
    bool known;   /* a sealed batch was there */
    bool torn;    /* the file before has a torn tail, which this one must hold again */
};

enum positions_verdict {
    POSITIONS_APPLY,
    POSITIONS_SKIP,   /* it was applied already */
    POSITIONS_BROKEN, /* `why` says how */
};
/* What to do with the next batch. `base`: the batch is in a base. `sealed`: it has positions. */
enum positions_verdict positions_take(struct positions *p, bool base, bool sealed,
                                      const struct reader_batch *b, char why[READER_ERROR_CHARS]);
/* For a file that ended in an incomplete write, with another one behind. NULL: go on, as positions
 * tell whether anything is lost; else why not. */
const char *positions_torn(struct positions *p, bool base, const struct reader_report *report);
