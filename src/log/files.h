#pragma once
/* Whole small files, and the directory they are in: replaced atomically, made durable. */
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define FILES_PATH_BYTES_MAX 4096

/* dir/name; false: too long. */
int files_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name);
/* ERR_NOTFOUND, ERR_IO (errno), ERR_RANGE: larger than `max`, ERR_NOMEM. */
enum err files_read(const char *dir, const char *name, size_t max, struct buf *out);
/* Writes dir/temp-name, syncs it, renames it to dir/name, syncs the directory: at every instant the old or the new content
 * is there, whole. On ERR_IO errno is set and *step names what failed; the old content holds. */
enum err files_replace(const char *dir, const char *name, struct slice content, const char **step);
/* Makes creations, renames and removals in a directory durable. */
enum err files_sync_dir(const char *dir);
