#pragma once
/* Ties the batches of all files together by their log positions: each begins where the one before
 * it ended. One that begins and ends earlier was written again after a failed sync, and is passed
 * over; one that begins later means that something is missing. Plain files (of Redis) have no
 * positions and are taken as they come. */
#include <stdbool.h>
#include <stdint.h>

#include "log/reader.h"

struct positions { /* all zero: nothing was read yet */
    uint64_t pos;  /* everything up to here is applied */
    bool known;    /* a sealed batch was there */
    bool torn;     /* of the file before, a tail is missing that this one must hold again */
};

enum positions_verdict {
    POSITIONS_APPLY,
    POSITIONS_SKIP,   /* it was applied already */
    POSITIONS_BROKEN, /* `why` says how */
};
/* Of the next batch. `base`: it is in a base. */
enum positions_verdict positions_take(struct positions *p, bool base, bool sealed,
                                      const struct reader_batch *b, char why[READER_ERROR_CHARS]);
/* A file ended in an incomplete write, and another one follows. NULL: that may be, as positions
 * tell whether anything is lost; else why not. */
const char *positions_torn(struct positions *p, bool base, const struct reader_report *report);
