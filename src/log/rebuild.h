#pragma once
/* Finds out from the files of a log what its manifest said, where that was lost.
 *
 *   base         the one with the highest number
 *   increments   all, in order of their numbers: positions tell which of their batches the base holds already
 *
 * Files that Redis wrote have no positions. Then nothing may be in doubt: one base or none, and numbers without a
 * gap. */
#include <stdbool.h>

#include "log/manifest.h"

/* `prefix`: of the files' names; "": of the only ones that there are, and it is filled in. False: `error` says why
 * there is no telling, and the manifest is empty. */
bool rebuild_manifest(struct manifest *m, const char *dir, char prefix[MANIFEST_NAME_BYTES_MAX],
                      char error[MANIFEST_ERROR_CHARS]);
