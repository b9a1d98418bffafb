#include "log/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "log/files.h"
#include "log/manifest.h"
#include "log/positions.h"
#include "log/reader.h"
#include "log/rebuild.h"
#include "log/tail.h"

struct check {
    const struct check_options *o;
    struct buf *out;
    char dir[FILES_PATH_BYTES_MAX];
    char manifest_name[MANIFEST_NAME_BYTES_MAX]; /* "": a single file */
    struct manifest manifest;                    /* without history */
    int dir_fd;
    struct positions positions;
    int64_t unix_s, first_unix_s; /* of timestamps so far; 0: none */

    /* the first problem */
    bool damaged;
    size_t bad_file;
    uint64_t good_bytes; /* of that file; UINT64_MAX: it cannot be read at all */
    bool foreign;        /* it is a command that another server may well have */

    /* the first batch later than truncate_unix_s */
    bool late;
    size_t late_file;
    uint64_t late_at;
};

/* --- what to check -------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name), end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* The manifest of a directory that holds exactly one. False: `out` says why not. */
static bool find_manifest(struct check *c)
{
    int found = 0;
    DIR *d = opendir(c->dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!ends_in(e->d_name, ".manifest") || strncmp(e->d_name, "temp-", 5) == 0)
            continue;
        found++;
        snprintf(c->manifest_name, sizeof(c->manifest_name), "%s", e->d_name);
    }
    if (d)
        closedir(d);
    if (found != 1)
        buf_printf(c->out, "%s: there is %s manifest in it%s\n", c->dir,
                   found ? "more than one" : "no",
                   found ? "" : "; --rebuild-manifest makes it again from the files");
    return found == 1;
}

/* Splits the path into directory and name. False: `out` says why not. */
static bool resolve(struct check *c, char name[MANIFEST_NAME_BYTES_MAX])
{
    const char *path = c->o->path;
    struct stat st;
    if (stat(path, &st) != 0) {
        buf_printf(c->out, "%s: %s\n", path, strerror(errno));
        return false;
    }
    const char *slash = strrchr(path, '/');
    if (S_ISDIR(st.st_mode))
        snprintf(c->dir, sizeof(c->dir), "%s", path);
    else if (slash)
        snprintf(c->dir, sizeof(c->dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        snprintf(c->dir, sizeof(c->dir), ".");
    if (S_ISDIR(st.st_mode))
        return find_manifest(c);
    path = slash ? slash + 1 : path;
    if (strlen(path) >= MANIFEST_NAME_BYTES_MAX) {
        buf_printf(c->out, "%s: the name is too long\n", path);
        return false;
    }
    strcpy(name, path);
    if (ends_in(name, ".manifest"))
        strcpy(c->manifest_name, name);
    return true;
}

/* Servers lock their directory. So does a check that changes files; one that only looks goes on without the lock, and
 * says so. False: files may not be changed. */
static bool lock_directory(struct check *c)
{
    bool change = c->o->fix || c->o->truncate || c->o->rebuild;
    c->dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->dir_fd >= 0 && flock(c->dir_fd, (change ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return true;
    if (c->dir_fd < 0 || errno != EWOULDBLOCK)
        buf_printf(c->out, "%s cannot be locked: %s\n", c->dir, strerror(errno));
    else if (change)
        buf_printf(c->out, "A server uses %s: stop it first. Nothing was changed.\n", c->dir);
    else
        buf_printf(c->out, "A server uses %s: its last file may end in what is being written.\n",
                   c->dir);
    return !change;
}

/* Finds the directory and, where the path names a manifest, the prefix of its files. */
static bool resolve_lost(struct check *c, char prefix[MANIFEST_NAME_BYTES_MAX])
{
    const char *path = c->o->path, *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct stat st;
    size_t len = strlen(name);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        snprintf(c->dir, sizeof(c->dir), "%s", path);
        return true;
    }
    if (!ends_in(name, ".manifest") || len >= MANIFEST_NAME_BYTES_MAX) {
        buf_printf(c->out, "%s: neither a directory nor the name of a manifest\n", path);
        return false;
    }
    snprintf(prefix, MANIFEST_NAME_BYTES_MAX, "%.*s", (int)(len - strlen(".manifest")), name);
    snprintf(c->dir, sizeof(c->dir), "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    return true;
}

static enum check_result open_lost_log(struct check *c)
{
    char prefix[MANIFEST_NAME_BYTES_MAX] = "", why[MANIFEST_ERROR_CHARS];
    struct manifest old;
    if (!resolve_lost(c, prefix))
        return CHECK_USAGE;
    if (!lock_directory(c))
        return CHECK_DAMAGED;
    if (!rebuild_manifest(&c->manifest, c->dir, prefix, why)) {
        buf_printf(c->out, "%s: %s. Nothing was changed.\n", c->dir, why);
        return CHECK_DAMAGED;
    }
    snprintf(c->manifest_name, sizeof(c->manifest_name), "%.200s.manifest", prefix);
    manifest_init(&old);
    bool there = manifest_load(&old, c->dir, c->manifest_name, why) == ERR_OK;
    manifest_deinit(&old);
    if (!there)
        return CHECK_FINE;
    buf_printf(c->out, "%s/%s is there and can be read. Nothing was changed.\n", c->dir,
               c->manifest_name);
    return CHECK_DAMAGED;
}

static enum check_result open_log(struct check *c)
{
    char name[MANIFEST_NAME_BYTES_MAX] = "", why[MANIFEST_ERROR_CHARS];
    if (!resolve(c, name))
        return CHECK_USAGE;
    if (!lock_directory(c))
        return CHECK_DAMAGED;
    if (!c->manifest_name[0])
        return manifest_add(&c->manifest, MANIFEST_INCR, 1, name) == ERR_OK ? CHECK_FINE
                                                                            : CHECK_USAGE;
    if (manifest_load(&c->manifest, c->dir, c->manifest_name, why) != ERR_OK) {
        buf_printf(c->out, "%s/%s: %s\n", c->dir, c->manifest_name, why);
        return CHECK_DAMAGED;
    }
    manifest_forget_history(&c->manifest);
    return CHECK_FINE;
}

/* --- one file ------------------------------------------------------------------------------- */

struct tally {
    uint64_t batches, commands, first_pos, last_pos;
    uint64_t tail_at;
    int64_t first_unix_s, last_unix_s;
    bool has_pos;
};

static void count(struct check *c, size_t index, const struct reader_batch *b, bool sealed,
                  struct tally *t)
{
    t->batches++;
    t->commands += b->count;
    if (sealed) {
        bool base = c->manifest.files[index].type == MANIFEST_BASE;
        if (!t->has_pos)
            t->first_pos = base ? b->end_pos : b->start_pos;
        t->has_pos = true;
        t->last_pos = b->end_pos;
    }
    if (b->unix_s) {
        c->unix_s = t->last_unix_s = b->unix_s;
        if (!t->first_unix_s)
            t->first_unix_s = b->unix_s;
        if (!c->first_unix_s)
            c->first_unix_s = b->unix_s;
    }
    if (c->o->truncate && !c->late && c->unix_s > c->o->truncate_unix_s && b->count > 0) {
        c->late = true;
        c->late_file = index;
        c->late_at = b->at;
    }
}

static void print_tally(struct check *c, size_t index, const struct reader_report *report,
                        const struct tally *t)
{
    const struct manifest_file *f = &c->manifest.files[index];
    buf_printf(c->out, "%s: ", f->name);
    if (c->manifest_name[0])
        buf_printf(c->out, "%s, ", f->type == MANIFEST_BASE ? "base" : "increment");
    bool sealed = report->sealed || report->tail;
    buf_printf(c->out, "%s, %llu bytes, ", sealed ? "sealed" : "plain",
               (unsigned long long)report->file_bytes);
    if (report->begun_s)
        buf_printf(c->out, "begun at %lld, ", (long long)report->begun_s);
    if (report->tail)
        buf_printf(c->out, "%llu of them behind the last seal, ",
                   (unsigned long long)(report->file_bytes - t->tail_at));
    if (sealed)
        buf_printf(c->out, "%llu batches, ", (unsigned long long)t->batches);
    buf_printf(c->out, "%llu commands", (unsigned long long)t->commands);
    if (t->has_pos)
        buf_printf(c->out, ", positions %llu to %llu", (unsigned long long)t->first_pos,
                   (unsigned long long)t->last_pos);
    if (t->first_unix_s)
        buf_printf(c->out, ", timestamps %lld to %lld", (long long)t->first_unix_s,
                   (long long)t->last_unix_s);
}

/* May the batch be applied? False: `why` says which command cannot. */
static bool admit(struct check *c, const struct reader_batch *b, struct reader_report *report,
                  char why[READER_ERROR_CHARS])
{
    struct admit_fault f;
    enum admit_verdict verdict = c->o->admit ? c->o->admit(c->o->admit_arg, b, &f) : ADMIT_FINE;
    if (verdict == ADMIT_FINE)
        return true;
    bool foreign = verdict == ADMIT_UNKNOWN;
    snprintf(why, READER_ERROR_CHARS, "%s '%s' at offset %llu: %.128s",
             foreign ? "unknown command" : "damaged:", f.name, (unsigned long long)f.at, f.why);
    /* A sealed batch is good as a whole or not at all; plain commands are good up to this one, or its transaction. */
    report->good_bytes = report->sealed ? b->at : f.unit_at;
    c->foreign = c->foreign || (foreign && !c->damaged);
    return false;
}

static void problem(struct check *c, size_t index, uint64_t good_bytes, const char *why)
{
    buf_printf(c->out, "\n    %s\n", why);
    if (c->damaged)
        return;
    c->damaged = true;
    c->bad_file = index;
    c->good_bytes = good_bytes;
}

/* The bytes behind the last seal may count, as in loading. True: the reader goes on in them. */
static bool go_on_in_tail(const struct check *c, size_t index, struct reader *r, struct tally *t)
{
    struct reader_report report;
    const struct manifest_file *f = &c->manifest.files[index];
    const char *next = index + 1 < c->manifest.count ? f[1].name : NULL;
    reader_report(r, &report);
    if (f->type == MANIFEST_BASE || !report.sealed || !tail_counts(c->dir, next, c->positions.pos))
        return false;
    t->tail_at = report.good_bytes;
    return reader_read_tail(r);
}

/* Reads to the end or the first problem, whose text goes to `why`; report->good_bytes are fine. */
static enum reader_status read_file(struct check *c, size_t index, struct reader *r,
                                    struct tally *t, struct reader_report *report,
                                    char why[READER_ERROR_CHARS])
{
    bool base = c->manifest.files[index].type == MANIFEST_BASE;
    struct reader_batch b;
    enum reader_status status;
    do {
        while ((status = reader_next(r, &b)) == READER_BATCH) {
            reader_report(r, report);
            bool positions = report->sealed || report->tail;
            enum positions_verdict verdict =
                positions_take(&c->positions, base, positions, &b, why);
            if (verdict == POSITIONS_BROKEN)
                report->good_bytes = b.at;
            if (verdict == POSITIONS_BROKEN ||
                (verdict == POSITIONS_APPLY && !admit(c, &b, report, why)))
                return READER_DAMAGED;
            count(c, index, &b, positions, t);
        }
    } while (status == READER_TORN && go_on_in_tail(c, index, r, t));
    reader_report(r, report);
    memcpy(why, report->error, READER_ERROR_CHARS);
    return status;
}

static void check_file(struct check *c, size_t index)
{
    const struct manifest_file *f = &c->manifest.files[index];
    char path[FILES_PATH_BYTES_MAX], why[READER_ERROR_CHARS];
    struct reader *r = NULL;
    struct reader_report report;
    struct tally t = {0};
    if (!files_path(path, c->dir, f->name) || reader_open(&r, path) != ERR_OK) {
        buf_printf(c->out, "%s:", f->name);
        snprintf(why, sizeof(why), "cannot be opened: %s", files_error(errno));
        problem(c, index, UINT64_MAX, why);
        return;
    }
    enum reader_status status = read_file(c, index, r, &t, &report, why);
    reader_close(&r);
    print_tally(c, index, &report, &t);
    bool last = index + 1 == c->manifest.count;
    if (status == READER_TORN && !last &&
        !positions_torn(&c->positions, f->type == MANIFEST_BASE, &report))
        buf_printf(c->out, "\n    %s, from before which the next file goes on\n", why);
    else if (status != READER_END)
        problem(c, index, status == READER_IO ? UINT64_MAX : report.good_bytes, why);
    else
        buf_append_cstr(c->out, ": ok\n");
}

/* --- changing ------------------------------------------------------------------------------- */

static enum check_result failed(struct check *c, const char *name)
{
    buf_printf(c->out, "%s/%s cannot be cut: %s\n", c->dir, name, strerror(errno));
    return CHECK_DAMAGED;
}

/* Cuts a file at `at`; what is cut off is kept. */
static enum check_result cut_file(struct check *c, const char *name, uint64_t at)
{
    char tail[FILES_PATH_BYTES_MAX];
    uint64_t bytes;
    if (files_cut(c->dir, name, at, tail, &bytes) != ERR_OK)
        return failed(c, name);
    buf_printf(c->out, "%s is cut to %llu bytes; the %llu bytes behind are kept in %s\n", name,
               (unsigned long long)at, (unsigned long long)bytes, tail);
    return CHECK_FINE;
}

/* Takes the files from `first` on out of the log; they are kept under another name. */
static enum check_result drop_files(struct check *c, size_t first)
{
    char error[MANIFEST_ERROR_CHARS], path[FILES_PATH_BYTES_MAX], tail[FILES_PATH_BYTES_MAX];
    struct manifest rest = c->manifest;
    rest.count = first;
    if (first == c->manifest.count)
        return CHECK_FINE;
    if (manifest_save(&rest, c->dir, c->manifest_name, error) != ERR_OK) {
        buf_printf(c->out, "%s\n", error);
        return CHECK_DAMAGED;
    }
    for (size_t i = first; i < c->manifest.count; i++) {
        const char *name = c->manifest.files[i].name;
        if (!files_path(path, c->dir, name) || !files_tail_path(tail, c->dir, name, 0) ||
            (rename(path, tail) != 0 && errno != ENOENT)) {
            buf_printf(c->out, "%s is no longer part of the log, but cannot be renamed: %s\n", name,
                       strerror(errno));
            continue;
        }
        buf_printf(c->out, "%s is no longer part of the log; it is kept as %s\n", name, tail);
    }
    return CHECK_FINE;
}

static enum check_result fix(struct check *c)
{
    const char *name = c->manifest.files[c->bad_file].name;
    if (c->foreign) {
        buf_append_cstr(c->out,
                        "A server that has the command may load it: cutting would lose data. "
                        "Nothing was changed.\n");
        return CHECK_DAMAGED;
    }
    if (c->bad_file + 1 < c->manifest.count) {
        buf_printf(c->out,
                   "%s is not the last file: what comes behind it would not fit any more. "
                   "Nothing was changed.\n",
                   name);
        return CHECK_DAMAGED;
    }
    if (c->good_bytes == UINT64_MAX) {
        buf_append_cstr(c->out, "Cutting does not help. Nothing was changed.\n");
        return CHECK_DAMAGED;
    }
    return cut_file(c, name, c->good_bytes);
}

static enum check_result truncate_log(struct check *c)
{
    long long t = (long long)c->o->truncate_unix_s;
    const char *why = NULL;
    if (c->damaged && (!c->late || c->bad_file < c->late_file))
        why = "The log is damaged before that time; --fix may help";
    else if (!c->first_unix_s)
        why = "The files hold no timestamps: aof-timestamp-enabled was off";
    if (why) {
        buf_printf(c->out, "%s. Nothing was changed.\n", why);
        return CHECK_DAMAGED;
    }
    if (c->first_unix_s > t || (c->late && c->manifest.files[c->late_file].type == MANIFEST_BASE)) {
        buf_printf(
            c->out,
            "The earliest timestamp is %lld, behind %lld: the state as of that time is not in "
            "these files. Nothing was changed.\n",
            (long long)c->first_unix_s, t);
        return CHECK_DAMAGED;
    }
    if (!c->late) {
        buf_printf(c->out, "Nothing is later than %lld: nothing was changed.\n", t);
        return CHECK_FINE;
    }
    /* The later files first: if the cut then fails, the log ends later than asked for, but whole. */
    enum check_result result = drop_files(c, c->late_file + 1);
    return result == CHECK_FINE ? cut_file(c, c->manifest.files[c->late_file].name, c->late_at)
                                : result;
}

/* An old manifest, which cannot be read, is kept beside the new one. */
static enum check_result write_manifest(struct check *c)
{
    char path[FILES_PATH_BYTES_MAX], tail[FILES_PATH_BYTES_MAX], why[MANIFEST_ERROR_CHARS];
    bool only_end =
        c->bad_file + 1 == c->manifest.count && c->good_bytes != UINT64_MAX && !c->foreign;
    if (c->damaged && !only_end) {
        buf_append_cstr(c->out, "The files do not go together. Nothing was changed.\n");
        return CHECK_DAMAGED;
    }
    if (!files_path(path, c->dir, c->manifest_name) ||
        !files_tail_path(tail, c->dir, c->manifest_name, 0) ||
        (rename(path, tail) != 0 && errno != ENOENT))
        return failed(c, c->manifest_name);
    if (manifest_save(&c->manifest, c->dir, c->manifest_name, why) != ERR_OK) {
        buf_printf(c->out, "%s\n", why);
        return CHECK_DAMAGED;
    }
    buf_printf(c->out, "%s is written, and names %zu files.%s\n", c->manifest_name,
               c->manifest.count,
               c->damaged ? " The last one ends as said above: a server cuts that, or --fix." : "");
    return CHECK_FINE;
}

/* --- all of it ------------------------------------------------------------------------------ */

static enum check_result check_log(struct check *c)
{
    for (size_t i = 0; i < c->manifest.count; i++)
        check_file(c, i);
    if (c->o->truncate)
        return truncate_log(c);
    if (c->o->rebuild)
        return write_manifest(c);
    if (!c->damaged) {
        buf_append_cstr(c->out, "The append-only log is fine.\n");
        return CHECK_FINE;
    }
    if (c->o->fix)
        return fix(c);
    buf_printf(c->out, "The append-only log %s: %s/%s%s\n",
               c->foreign ? "is not for this version" : "is damaged", c->dir,
               c->manifest.files[c->bad_file].name,
               c->bad_file + 1 == c->manifest.count && !c->foreign
                   ? "; --fix cuts it where the damage begins"
                   : "");
    return CHECK_DAMAGED;
}

enum check_result check_aof(const struct check_options *o, struct buf *out)
{
    struct check *c = mem_zalloc(sizeof(*c));
    c->o = o;
    c->out = out;
    c->dir_fd = -1;
    manifest_init(&c->manifest);
    enum check_result result = o->rebuild ? open_lost_log(c) : open_log(c);
    if (result == CHECK_FINE)
        result = check_log(c);
    manifest_deinit(&c->manifest);
    if (c->dir_fd >= 0)
        close(c->dir_fd);
    mem_free(c);
    return result;
}
