#pragma once
/* The manifest: which files make up the log, as Redis 7 lays it out (multi-part AOF).
 *
 *     file appendonly.aof.2.base.aof seq 2 type b
 *     file appendonly.aof.5.incr.aof seq 5 type i
 *     file appendonly.aof.1.base.rdb seq 1 type h
 *
 *   b  the base: the data at one instant (at most one)
 *   i  increments, in order of seq
 *   h  history: no longer needed, to be removed; its lines stand between the two, the latest rewrite's first
 *
 * A change is written to a temporary file beside it, synced, renamed over it, and the directory
 * synced: at every instant the old or the new manifest is there, whole. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* Counting never gets beyond this number; Redis has no room for numbers twice as large. */
#define MANIFEST_SEQ_MAX        (INT64_MAX / 2)
#define MANIFEST_FILES_MAX      4096
#define MANIFEST_NAME_BYTES_MAX 256
#define MANIFEST_ERROR_CHARS    512
#define MANIFEST_BYTES_MAX      (4 * 1024 * 1024)
#define MANIFEST_LINE_BYTES_MAX (4 * MANIFEST_NAME_BYTES_MAX + 64) /* every byte escaped */

#define MANIFEST_REWRITE_START "temp-rewriteaof-" /* names of a base in the making */

enum manifest_type { MANIFEST_BASE = 'b', MANIFEST_INCR = 'i', MANIFEST_HISTORY = 'h' };
struct manifest_file {
    char name[MANIFEST_NAME_BYTES_MAX]; /* without directory */
    uint64_t seq;
    enum manifest_type type;
};
struct manifest {
    /* owned; base first, then increments by seq, then history, the latest rewrite's first */
    struct manifest_file *files;
    size_t count, cap;
};

void manifest_init(struct manifest *m);
void manifest_deinit(struct manifest *m);
/* Reads a manifest's text. ERR_SYNTAX: `error` says which line and what is wrong with it. Pairs with
 * unknown keys are skipped, as newer versions of Redis add some. */
enum err manifest_parse(struct manifest *m, struct slice text, char error[MANIFEST_ERROR_CHARS]);
/* Reads the file; ERR_NOTFOUND when there is none, else `error` says what is wrong. Every error
 * leaves the manifest empty. */
enum err manifest_load(struct manifest *m, const char *dir, const char *name,
                       char error[MANIFEST_ERROR_CHARS]);
/* Replaces the file atomically and durably. ERR_BUSY: the new one is in place, but a power cut may
 * bring the old one back (see files_replace): the files of both must stay. Any other error: the
 * old one holds. `error` says which step failed. */
enum err manifest_save(const struct manifest *m, const char *dir, const char *name,
                       char error[MANIFEST_ERROR_CHARS]);

/* The number of files that are no history: these come first in `files`. */
size_t manifest_live(const struct manifest *m);
bool manifest_names(const struct manifest *m, const char *name);
/* NULL: there is none. */
const struct manifest_file *manifest_base(const struct manifest *m);
const struct manifest_file *manifest_last(const struct manifest *m, enum manifest_type type);
/* 0: there is none yet. */
uint64_t manifest_last_seq(const struct manifest *m, enum manifest_type type);
/* ERR_FULL: MANIFEST_FILES_MAX; ERR_RANGE: no file name, or no number from 1 to MANIFEST_SEQ_MAX; ERR_EXISTS: named
 * already. */
enum err manifest_add(struct manifest *m, enum manifest_type type, uint64_t seq, const char *name);
/* At the end of a rewrite: the base and all increments below `first_incr_seq` become history, `base`
 * takes their place. On an error nothing changed. */
enum err manifest_replace_base(struct manifest *m, uint64_t base_seq, const char *base,
                               uint64_t first_incr_seq);
void manifest_remove(struct manifest *m, const char *name);
/* Forgets history files (the caller removes them from disk first). */
void manifest_forget_history(struct manifest *m);
