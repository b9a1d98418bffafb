#pragma once
/* What a log may hold: writing commands, SELECT, and whole transactions. Only the engine knows which commands write
 * (engine/replay.h); the files' loader and checker ask it through admit_fn. */
#include <stddef.h>
#include <stdint.h>

#include "log/reader.h"

#define ADMIT_NAME_CHARS  64
#define ADMIT_ERROR_CHARS 256

enum admit_verdict {
    ADMIT_FINE,
    ADMIT_UNKNOWN, /* a command that this server does not have, though another may */
    ADMIT_DAMAGE,  /* what no server writes to its log */
};
struct admit_fault {
    uint64_t at;                 /* offset of the command in its file */
    uint64_t unit_at;            /* of the transaction that it is in; else the same */
    char name[ADMIT_NAME_CHARS]; /* the command's, as far as it can be shown */
    char why[ADMIT_ERROR_CHARS];
};
/* Looks at a whole batch before any of it is applied; `out` is the first command that cannot be applied. */
typedef enum admit_verdict (*admit_fn)(void *arg, const struct reader_batch *batch,
                                       struct admit_fault *out);
