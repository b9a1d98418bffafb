/* Reading the log's files in order, as one stream. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/aof_impl.h"
#include "log/strays.h"
#include "log/tail.h"

/* --- before --------------------------------------------------------------------------------- */

bool aof_is_rdb(int fd)
{
    char magic[5];
    return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) && memcmp(magic, "REDIS", 5) == 0;
}

static bool is_rdb(const struct aof *a, const char *name)
{
    int fd = files_open(a->dir_fd, name, O_RDONLY);
    if (fd < 0)
        return false;
    bool yes = aof_is_rdb(fd);
    close(fd);
    return yes;
}

static bool is_leftover(const struct aof *a, const char *name)
{
    if (strncmp(name, "temp-", 5) != 0)
        return false;
    return strncmp(name, MANIFEST_REWRITE_START, sizeof(MANIFEST_REWRITE_START) - 1) == 0 ||
           strcmp(name + 5, a->manifest_name) == 0;
}

void aof_remove_leftovers(const struct aof *a)
{
    DIR *d = opendir(a->dir);
    if (!d)
        return;
    for (struct dirent *entry; (entry = readdir(d));)
        if (is_leftover(a, entry->d_name))
            unlinkat(a->dir_fd, entry->d_name, 0);
    closedir(d);
}

void aof_remove_history(struct aof *a)
{
    for (size_t i = manifest_live(&a->manifest); i < a->manifest.count; i++)
        unlinkat(a->dir_fd, a->manifest.files[i].name, 0);
    manifest_forget_history(&a->manifest);
}

void aof_tell_strays(const struct aof *a)
{
    struct strays s;
    struct buf list;
    buf_init(&list);
    if (strays_find(&s, a->dir, &a->manifest)) {
        if (strays_list(&s, a->filename, false, &list))
            log_warning(a->logger,
                        "%s holds files that %s does not name, and that are not loaded: %s", a->dir,
                        a->manifest_name, buf_cstr(&list));
        buf_clear(&list);
        if (strays_list(&s, a->filename, true, &list))
            log_warning(
                a->logger,
                "%s holds files of another appendfilename than %s, which are not loaded: %s",
                a->dir, a->filename, buf_cstr(&list));
    }
    strays_deinit(&s);
    buf_deinit(&list);
}

/* Do files of this log's prefix hold something that could be loaded? Increments beside a rewrite that was cut off
 * do not: they are of no use without its base. */
static bool is_log(const struct aof *a, const struct strays *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].holds && stray_is_of(&s->at[i], a->filename) &&
            !(s->cut_rewrite && s->at[i].file.type == MANIFEST_INCR))
            return true;
    return false;
}

static void remove_just_begun(const struct aof *a, const struct strays *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!s->at[i].holds && stray_is_of(&s->at[i], a->filename))
            unlinkat(a->dir_fd, s->at[i].file.name, 0);
}

enum err aof_refuse_strays(const struct aof *a, char error[AOF_ERROR_CHARS])
{
    struct strays s;
    struct buf list;
    enum err e = ERR_OK;
    if (a->manifest.count > 0)
        return ERR_OK;
    if (!strays_find(&s, a->dir, NULL)) {
        snprintf(error, AOF_ERROR_CHARS, "cannot read the directory %s: %s", a->dir,
                 strerror(errno));
        return ERR_IO;
    }
    buf_init(&list);
    if (is_log(a, &s)) {
        strays_list(&s, a->filename, false, &list);
        snprintf(
            error, AOF_ERROR_CHARS,
            "%s has no %s, but holds %s. `corsac --check-aof %s --rebuild-manifest` makes it again; "
            "or move the files away",
            a->dir, a->manifest_name, buf_cstr(&list), a->dir);
        e = ERR_SYNTAX;
    } else {
        remove_just_begun(a, &s);
    }
    buf_deinit(&list);
    strays_deinit(&s);
    return e;
}

/* How many files there are to load. */
static size_t load_count(const struct aof *a)
{
    return manifest_live(&a->manifest);
}

/* Opens a file that the manifest names to see that it is there and regular; `st` has its size. */
static enum err look_at_file(const struct aof *a, const struct manifest_file *f, struct stat *st,
                             char error[AOF_ERROR_CHARS])
{
    int fd = files_open(a->dir_fd, f->name, O_RDONLY);
    if (fd >= 0 && fstat(fd, st) == 0) {
        close(fd);
        return ERR_OK;
    }
    snprintf(error, AOF_ERROR_CHARS, "%s/%s cannot be opened, though %s names it: %s", a->dir,
             f->name, a->manifest_name, files_error(errno));
    if (fd >= 0)
        close(fd);
    return ERR_IO;
}

enum err aof_load_prepare(struct aof *a, char error[AOF_ERROR_CHARS])
{
    uint64_t base = 0;
    for (size_t i = 0; i < load_count(a); i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        struct stat st = {0};
        if (look_at_file(a, f, &st, error) != ERR_OK && !a->unsettled)
            return ERR_IO;
        if (st.st_size == 0 && !a->unsettled)
            log_notice(a->logger, "%s/%s, which %s names, is empty", a->dir, f->name,
                       a->manifest_name);
        if (!a->unsettled && is_rdb(a, f->name)) {
            snprintf(
                error, AOF_ERROR_CHARS,
                "%s/%s is an RDB file, which this version cannot load: on the server that wrote it, set "
                "aof-use-rdb-preamble to no, run BGREWRITEAOF, and copy the directory again",
                a->dir, f->name);
            return ERR_SYNTAX;
        }
        a->load_total += (uint64_t)st.st_size;
        if (f->type == MANIFEST_BASE)
            base = (uint64_t)st.st_size;
    }
    atomic_store(&a->base_bytes, base);
    atomic_store(&a->older_bytes, a->load_total - base);
    if (!a->unsettled) {
        aof_tell_strays(a);
        aof_remove_leftovers(a);
        if (!a->keep_history || load_count(a) == 0)
            aof_remove_history(a);
    }
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
        ahead_report(a->reader, &report);
    *bytes = a->load_bytes + report.good_bytes;
    *total = a->load_total;
}

/* --- one file after the other --------------------------------------------------------------- */

static bool in_base(const struct aof *a)
{
    return a->manifest.files[a->load_index].type == MANIFEST_BASE;
}

bool aof_load_in_base(const struct aof *a, uint64_t *bytes, uint64_t *total)
{
    struct reader_report report;
    if (!a->reader || !in_base(a))
        return false;
    ahead_report(a->reader, &report);
    *bytes = report.good_bytes;
    *total = report.file_bytes;
    return true;
}

/* `what`: in Redis' words, which tools look for. */
static enum reader_status refuse_as(const struct aof *a, const char *what, const char *why,
                                    char error[AOF_ERROR_CHARS])
{
    snprintf(
        error, AOF_ERROR_CHARS,
        "%s reading the append only file: %s/%s: %s. Look at it with `corsac --check-aof %s/%s`; with --fix that cuts the last "
        "file where it is damaged",
        what, a->dir, a->manifest.files[a->load_index].name, why, a->dir, a->manifest_name);
    return READER_DAMAGED;
}

static enum reader_status refuse(const struct aof *a, const char *why, char error[AOF_ERROR_CHARS])
{
    return refuse_as(a, "Bad file format", why, error);
}

void aof_load_refuse(const struct aof *a, const char *what, const struct admit_fault *f,
                     char error[AOF_ERROR_CHARS])
{
    char why[2 * ADMIT_ERROR_CHARS];
    snprintf(why, sizeof(why), "at offset %llu, '%s': %s", (unsigned long long)f->at, f->name,
             f->why);
    refuse_as(a, what, why, error);
}

/* The file may be fine, so the text does not suggest to cut it. */
void aof_load_refuse_unknown(const struct aof *a, const struct admit_fault *f,
                             char error[AOF_ERROR_CHARS])
{
    snprintf(
        error, AOF_ERROR_CHARS,
        "Unknown command '%s' reading the append only file: %s/%s, at offset %llu. This version does not have that "
        "command: the files are left as they are, for a server that has it",
        f->name, a->dir, a->manifest.files[a->load_index].name, (unsigned long long)f->at);
}

static enum reader_status open_file(struct aof *a, char error[AOF_ERROR_CHARS])
{
    const char *name = a->manifest.files[a->load_index].name;
    char path[FILES_PATH_BYTES_MAX];
    if (files_path(path, a->dir, name) && ahead_open(&a->reader, path) == ERR_OK)
        return READER_BATCH;
    snprintf(error, AOF_ERROR_CHARS, "%s/%s cannot be opened: %s", a->dir, name,
             files_error(errno));
    return READER_IO;
}

static void next_file(struct aof *a)
{
    struct reader_report report;
    ahead_report(a->reader, &report);
    a->load_plain = !report.has_seal;
    if (report.tail && report.good_bytes > a->load_tail_at)
        log_notice(a->logger,
                   "%s: %llu bytes behind its last seal were loaded: somebody else wrote them, or "
                   "they are whole commands of a last write that was cut off",
                   a->manifest.files[a->load_index].name,
                   (unsigned long long)(report.good_bytes - a->load_tail_at));
    a->load_bytes += report.file_bytes;
    ahead_close(&a->reader);
    a->load_index++;
}

/* Does another file with content follow? An increment that was prepared and not begun (aof_rewrite.c) has none. */
static bool more_follows(const struct aof *a)
{
    struct stat st;
    for (size_t i = a->load_index + 1; i < load_count(a); i++)
        if (fstatat(a->dir_fd, a->manifest.files[i].name, &st, 0) != 0 || st.st_size > 0)
            return true;
    return false;
}

/* Cuts the torn tail of the last file. A torn tail of another file is fine where the next file goes on
 * from before it. */
static enum reader_status cut_tail(struct aof *a, char error[AOF_ERROR_CHARS])
{
    struct reader_report report;
    char tail[FILES_PATH_BYTES_MAX];
    uint64_t bytes;
    const char *name = a->manifest.files[a->load_index].name;
    ahead_report(a->reader, &report);
    if (more_follows(a)) {
        const char *why = positions_torn(&a->positions, in_base(a), &report);
        return why ? refuse(a, why, error) : READER_BATCH;
    }
    if (!a->load_truncated || (in_base(a) && report.sealed))
        return refuse_as(a, "Unexpected end of file", report.error, error);
    /* The tail is kept, as it may be more than half a write of Corsac's: Redis may have gone on in this file. */
    if (files_cut(a->dir, name, report.good_bytes, tail, &bytes) != ERR_OK) {
        snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s, and cannot be cut: %s", a->dir, name,
                 report.error, strerror(errno));
        return READER_IO;
    }
    log_warning(a->logger, "!!! Warning: short read while loading the AOF file %s !!!", name);
    log_warning(
        a->logger,
        "%s: %s. Truncated to %llu bytes, as aof-load-truncated is yes; what was cut off is kept in %s",
        name, report.error, (unsigned long long)report.good_bytes, tail);
    return READER_BATCH;
}

/* The bytes behind the last seal may count, see tail.h. True: the reader goes on in them. */
static bool go_on_in_tail(struct aof *a)
{
    struct reader_report report;
    size_t next = a->load_index + 1;
    ahead_report(a->reader, &report);
    if (in_base(a) || !report.sealed ||
        !tail_counts(a->dir, next < load_count(a) ? a->manifest.files[next].name : NULL,
                     a->positions.pos))
        return false;
    a->load_tail_at = report.good_bytes;
    return reader_read_tail(ahead_reader(a->reader));
}

/* READER_BATCH: the batch is to be applied. READER_END: it was applied already. */
static enum reader_status in_order(struct aof *a, const struct reader_batch *b,
                                   char error[AOF_ERROR_CHARS])
{
    struct reader_report report;
    char why[READER_ERROR_CHARS];
    ahead_report(a->reader, &report);
    switch (positions_take(&a->positions, in_base(a), report.sealed || report.tail, b, why)) {
    case POSITIONS_APPLY: a->load_pos = a->positions.pos; return READER_BATCH;
    case POSITIONS_SKIP: return READER_END;
    case POSITIONS_BROKEN: break;
    }
    return refuse(a, why, error);
}

/* The reader has come to an end. READER_BATCH: go on, with the next file or behind the last seal. */
static enum reader_status end_file(struct aof *a, enum reader_status status,
                                   char error[AOF_ERROR_CHARS])
{
    struct reader_report report;
    ahead_report(a->reader, &report);
    if (status == READER_DAMAGED)
        return refuse(a, report.error, error);
    if (status == READER_IO) {
        snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest.files[a->load_index].name,
                 report.error);
        return READER_IO;
    }
    if (status == READER_TORN && go_on_in_tail(a))
        return READER_BATCH;
    if (status == READER_TORN && (status = cut_tail(a, error)) != READER_BATCH)
        return status;
    next_file(a);
    return READER_BATCH;
}

enum reader_status aof_load_next(struct aof *a, struct reader_batch *out,
                                 char error[AOF_ERROR_CHARS])
{
    while (a->load_index < load_count(a)) {
        enum reader_status status = a->reader ? READER_BATCH : open_file(a, error);
        if (status != READER_BATCH)
            return status;
        status = ahead_next(a->reader, out);
        if (status == READER_LATER)
            return status;
        if (status == READER_BATCH) {
            status = in_order(a, out, error);
            if (status != READER_END)
                return status;
        } else if ((status = end_file(a, status, error)) != READER_BATCH) {
            return status;
        }
    }
    return READER_END;
}
