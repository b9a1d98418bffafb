#pragma once
/* The log's files and their directory: opened with care, replaced atomically, cut without loss, made durable. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

#define FILES_PATH_BYTES_MAX 4096

/* dir/name; false: too long, and errno says so. */
bool files_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name);
/* Opens a regular file; `name` is a path from `dir_fd` (or AT_FDCWD), `flags` as open(2)'s. A symbolic link as its last
 * part is not followed, a FIFO is not waited for, and nothing but a regular file is opened. -1: errno, which
 * files_error has the words for. */
int files_open(int dir_fd, const char *name, int flags);
/* Makes a file and opens it for writing, or opens an empty one. A file that holds anything is left alone (EEXIST). */
int files_open_empty(int dir_fd, const char *name);
const char *files_error(int error);

/* Appends the file's content. ERR_NOTFOUND; ERR_IO (errno); ERR_RANGE: larger than `max`, or the path is too long;
 * ERR_NOMEM. */
enum err files_read(const char *dir, const char *name, size_t max, struct buf *out);
/* Writes dir/temp-name, syncs it, renames it to dir/name, syncs the directory: at every instant the
 * old or the new content is there, whole. On failure errno is set and *step names what failed.
 * ERR_IO, ERR_RANGE (the path is too long): the old content holds. ERR_BUSY: the new content is in
 * place, but as the directory could not be synced, a power cut may bring the old one back: files that
 * either needs must stay. */
enum err files_replace(const char *dir, const char *name, struct slice content, const char **step);
/* Makes creations, renames and removals in a directory durable. */
enum err files_sync_dir(const char *dir);

/* Where the bytes from `at` on are kept when a file is cut there: dir/name.tail-<at>. False: too long. */
bool files_tail_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name,
                     uint64_t at);
/* Cuts a file to `at` bytes, durably. The *bytes behind are kept in the file `tail`, as they may be data after all.
 * ERR_IO (errno), ERR_RANGE: the tail is still in the file, or in `tail`. */
enum err files_cut(const char *dir, const char *name, uint64_t at, char tail[FILES_PATH_BYTES_MAX],
                   uint64_t *bytes);
