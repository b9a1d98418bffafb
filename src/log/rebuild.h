#pragma once
/* Finds out from the files of a log what its lost manifest said.
 *
 *   base         the one with the highest number
 *   increments   all, in order of their numbers: positions tell which of their batches the base holds already
 *
 * Files that Redis wrote have no positions. Then nothing may be in doubt: one base or none, and numbers without a
 * gap. */
#include <stdbool.h>

#include "log/manifest.h"

/* `prefix`: of the files' names; "": filled in, if all files in the directory have the same one. False: `error` says
 * why the manifest cannot be told, and it is empty. */
bool rebuild_manifest(struct manifest *m, const char *dir, char prefix[MANIFEST_NAME_BYTES_MAX],
                      char error[MANIFEST_ERROR_CHARS]);
