/* Reading the log's files in order, as one stream.
 *
 * Positions tie the files together: a batch begins where the one before ended. A batch that begins earlier was written
 * again after a failed sync, and is passed over when it was applied already; one that begins later means that something is
 * missing. Files of Redis have no positions and are taken as they come. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/aof_impl.h"

static bool is_rdb(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".rdb") == 0;
}

/* Temporary files of a rewrite or a manifest that a crash cut off. */
static void remove_leftovers(const struct aof *a)
{
    DIR *d = opendir(a->dir);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));)
        if (strncmp(entry->d_name, "temp-", 5) == 0)
            unlinkat(a->dir_fd, entry->d_name, 0);
    closedir(d);
}

void aof_remove_history(struct aof *a)
{
    for (size_t i = 0; i < a->manifest.count; i++)
        if (a->manifest.files[i].type == MANIFEST_HISTORY)
            unlinkat(a->dir_fd, a->manifest.files[i].name, 0);
    manifest_forget_history(&a->manifest);
}

enum err aof_load_prepare(struct aof *a, char error[AOF_ERROR_CHARS])
{
    uint64_t base = 0;
    remove_leftovers(a);
    aof_remove_history(a);
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        struct stat st;
        if (is_rdb(f->name)) {
            snprintf(
                error, AOF_ERROR_CHARS,
                "%s/%s is an RDB file, which this version cannot load: on the server that wrote it, set "
                "aof-use-rdb-preamble to no, run BGREWRITEAOF, and copy the directory again",
                a->dir, f->name);
            return ERR_SYNTAX;
        }
        if (fstatat(a->dir_fd, f->name, &st, 0) != 0) {
            snprintf(error, AOF_ERROR_CHARS, "%s/%s, which %s names, cannot be opened: %s", a->dir,
                     f->name, a->manifest_name, strerror(errno));
            return ERR_IO;
        }
        a->load_total += (uint64_t)st.st_size;
        if (f->type == MANIFEST_BASE)
            base = (uint64_t)st.st_size;
    }
    atomic_store(&a->base_bytes, base);
    atomic_store(&a->older_bytes, a->load_total - base);
    return ERR_OK;
}

bool aof_is_empty(const struct aof *a)
{
    return a->manifest.count == 0;
}

void aof_load_progress(const struct aof *a, uint64_t *bytes, uint64_t *total)
{
    struct reader_report report = {0};
    if (a->reader)
        reader_report(a->reader, &report);
    *bytes = a->load_bytes + report.good_bytes;
    *total = a->load_total;
}

/* --- one file after the other -------------------------------------------------------------------------------- */

static enum reader_status refuse(const struct aof *a, const char *why, char error[AOF_ERROR_CHARS])
{
    const char *name = a->manifest.files[a->load_index].name;
    snprintf(
        error, AOF_ERROR_CHARS,
        "%s/%s: %s. Look at it with `corsac --check-aof %s/%s`; with --fix it keeps everything before",
        a->dir, name, why, a->dir, a->manifest_name);
    return READER_DAMAGED;
}

static void next_file(struct aof *a)
{
    struct reader_report report;
    reader_report(a->reader, &report);
    a->load_bytes += report.file_bytes;
    reader_close(&a->reader);
    a->load_index++;
}

/* The tail of the last file goes; that of another one is fine where the next file goes on from before it. */
static enum reader_status cut_tail(struct aof *a, char error[AOF_ERROR_CHARS])
{
    struct reader_report report;
    char path[FILES_PATH_BYTES_MAX];
    const char *name = a->manifest.files[a->load_index].name;
    reader_report(a->reader, &report);
    if (a->load_index + 1 < a->manifest.count)
        return report.sealed ? READER_BATCH : refuse(a, report.error, error);
    if (!a->load_truncated)
        return refuse(a, report.error, error);
    if (!files_path(path, a->dir, name) || truncate(path, (off_t)report.good_bytes) != 0) {
        snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s, and cannot be cut: %s", a->dir, name,
                 report.error, strerror(errno));
        return READER_IO;
    }
    log_warning(a->logger, "!!! Warning: short read while loading the AOF file %s !!!", name);
    log_warning(a->logger, "%s: %s. Truncated to %llu bytes, as aof-load-truncated is yes", name,
                report.error, (unsigned long long)report.good_bytes);
    return READER_BATCH;
}

/* True: the batch is to be applied. False: it was applied already, or `status` says what is wrong. */
static bool in_order(struct aof *a, struct reader_batch *b, enum reader_status *status,
                     char error[AOF_ERROR_CHARS])
{
    struct reader_report report;
    bool base = a->manifest.files[a->load_index].type == MANIFEST_BASE;
    reader_report(a->reader, &report);
    if (!report.sealed)
        return true;
    if (!base && a->load_pos && b->start_pos > a->load_pos) {
        char why[READER_ERROR_CHARS];
        snprintf(why, sizeof(why),
                 "commands between the log positions %llu and %llu are missing before it",
                 (unsigned long long)a->load_pos, (unsigned long long)b->start_pos);
        *status = refuse(a, why, error);
        return false;
    }
    if (!base && b->end_pos <= a->load_pos)
        return false;
    a->load_pos = b->end_pos;
    return true;
}

enum reader_status aof_load_next(struct aof *a, struct reader_batch *out,
                                 char error[AOF_ERROR_CHARS])
{
    while (a->load_index < a->manifest.count) {
        const struct manifest_file *f = &a->manifest.files[a->load_index];
        char path[FILES_PATH_BYTES_MAX];
        if (!a->reader &&
            (!files_path(path, a->dir, f->name) || reader_open(&a->reader, path) != ERR_OK)) {
            snprintf(error, AOF_ERROR_CHARS, "%s/%s cannot be opened: %s", a->dir, f->name,
                     strerror(errno));
            return READER_IO;
        }
        struct reader_report report;
        enum reader_status status = reader_next(a->reader, out);
        switch (status) {
        case READER_BATCH:
            if (in_order(a, out, &status, error))
                return READER_BATCH;
            if (status != READER_BATCH)
                return status;
            continue;
        case READER_TORN:
            if ((status = cut_tail(a, error)) != READER_BATCH)
                return status;
            break;
        case READER_END: break;
        case READER_DAMAGED:
            reader_report(a->reader, &report);
            return refuse(a, report.error, error);
        case READER_IO:
            reader_report(a->reader, &report);
            snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, f->name, report.error);
            return READER_IO;
        }
        next_file(a);
    }
    return READER_END;
}
