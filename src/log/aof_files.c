/* The log's files on disk: made durable before anything depends on them. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/aof_impl.h"
#include "log/strays.h"

/* Makes the directory's own name durable: it may be new, or made by a process that was killed before it got here. */
static bool sync_parent(const struct aof *a)
{
    int fd = openat(a->dir_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    int rc = fsync(fd), saved = errno;
    close(fd);
    errno = saved;
    return rc == 0;
}

static bool make_name_durable(const struct aof *a, char error[AOF_ERROR_CHARS])
{
    if (sync_parent(a))
        return true;
    snprintf(error, AOF_ERROR_CHARS, "cannot sync the directory that %s is in: %s", a->dir,
             strerror(errno));
    return false;
}

bool aof_settle(struct aof *a, char error[AOF_ERROR_CHARS])
{
    if (!a->unsettled)
        return true;
    if (!make_name_durable(a, error))
        return false;
    aof_tell_strays(a);
    aof_remove_leftovers(a);
    a->unsettled = false;
    return true;
}

enum err aof_lock_directory(struct aof *a, bool durably, char error[AOF_ERROR_CHARS])
{
    if (mkdir(a->dir, 0755) != 0 && errno != EEXIST) {
        snprintf(error, AOF_ERROR_CHARS,
                 "cannot create the directory %s of the append-only file: %s", a->dir,
                 strerror(errno));
        return ERR_IO;
    }
    a->dir_fd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (a->dir_fd < 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot open the directory %s of the append-only file: %s",
                 a->dir, strerror(errno));
        return ERR_IO;
    }
    if (durably && !make_name_durable(a, error))
        return ERR_IO;
    int rc;
    do
        rc = flock(a->dir_fd, LOCK_EX | LOCK_NB);
    while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return ERR_OK;
    if (errno != EWOULDBLOCK) {
        snprintf(error, AOF_ERROR_CHARS, "cannot lock the directory %s of the append-only file: %s",
                 a->dir, strerror(errno));
        return ERR_IO;
    }
    snprintf(error, AOF_ERROR_CHARS,
             "another server uses the append-only file in %s: stop it, or give this one another "
             "`dir` or `appenddirname`",
             a->dir);
    return ERR_BUSY;
}

/* The directory holds no log, whose files would be in the way, or be removed as history. */
static bool is_vacant(const struct aof *a, char error[AOF_ERROR_CHARS])
{
    struct strays s;
    struct stat st;
    bool vacant = strays_find(&s, a->dir, NULL) && s.count == 0 &&
                  fstatat(a->dir_fd, a->manifest_name, &st, AT_SYMLINK_NOFOLLOW) != 0;
    strays_deinit(&s);
    if (!vacant)
        snprintf(error, AOF_ERROR_CHARS,
                 "%s is another directory now, and holds files of a log: move it away", a->dir);
    return vacant;
}

static bool rehouse(struct aof *a, char error[AOF_ERROR_CHARS])
{
    int old_fd = a->dir_fd;
    a->dir_fd = -1;
    if (aof_lock_directory(a, true, error) != ERR_OK || !is_vacant(a, error)) {
        if (a->dir_fd >= 0)
            close(a->dir_fd);
        a->dir_fd = old_fd;
        return false;
    }
    close(old_fd);
    if (a->prepared.fd >= 0)
        close(a->prepared.fd);
    a->prepared.fd = -1;
    manifest_deinit(&a->manifest);
    a->fresh = true;
    return true;
}

bool aof_rehouse(struct aof *a, char error[AOF_ERROR_CHARS])
{
    pthread_mutex_lock(&a->files_lock);
    bool fine = aof_is_there(a) || rehouse(a, error);
    pthread_mutex_unlock(&a->files_lock);
    return fine;
}

void aof_file_name(const struct aof *a, enum manifest_type type, uint64_t seq,
                   char out[MANIFEST_NAME_BYTES_MAX])
{
    snprintf(out, MANIFEST_NAME_BYTES_MAX, "%s.%llu.%s.aof", a->filename, (unsigned long long)seq,
             type == MANIFEST_BASE ? "base" : "incr");
}

/* A file that lies there is never written over. An empty one may be taken: see create_file. */
static bool is_taken(const struct aof *a, const char *name)
{
    struct stat st;
    return manifest_names(&a->manifest, name) ||
           (fstatat(a->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (!S_ISREG(st.st_mode) || st.st_size > 0));
}

void aof_free_name(const struct aof *a, enum manifest_type type, uint64_t *seq,
                   char out[MANIFEST_NAME_BYTES_MAX])
{
    aof_file_name(a, type, *seq, out);
    while (is_taken(a, out))
        aof_file_name(a, type, ++*seq, out);
}

/* --- creating ------------------------------------------------------------------------------- */

void aof_begin_file(const struct aof *a, enum aof_file_kind kind, int64_t unix_s, struct buf *out)
{
    format_date(out, unix_s);
    buf_append_cstr(out, FORMAT_HEADER_LINE);
    if (kind == AOF_INCREMENT)
        return;
    buf_append_cstr(out, FORMAT_BASE_LINE);
    if (a->timestamps)
        format_timestamp(out, unix_s);
    if (kind == AOF_EMPTY_BASE)
        format_end(out, 1);
}

/* Writes a header at `at`, the end of the file; returns the new end. 0: errno is set, and the file is as it was. */
static uint64_t write_header(const struct aof *a, int fd, enum aof_file_kind kind, uint64_t at,
                             const struct writer_mark *from, bool durably)
{
    struct buf header;
    buf_init(&header);
    if (at == 0)
        aof_begin_file(a, kind, atomic_load(&a->unix_s), &header);
    else
        buf_append_cstr(&header, FORMAT_HEADER_LINE);
    /* For Redis, which begins each file in database 0. Corsac stays in the database of the file before, and
     * skips this batch, as it ends at a position that is applied already. */
    if (from->tag > 0)
        format_select(&header, from->tag);
    format_seal_all(&header, from->pos);
    assert(header.err == ERR_OK);
    size_t bytes = header.len;
    ssize_t n = pwrite(fd, header.ptr, bytes, (off_t)at);
    if (n >= 0 && (size_t)n < bytes)
        errno = ENOSPC;
    bool fine = n == (ssize_t)bytes && (!durably || fdatasync(fd) == 0);
    buf_deinit(&header);
    if (fine)
        return at + bytes;
    int saved = errno;
    int rc = ftruncate(fd, (off_t)at); /* where it fails, the next start cuts */
    (void)rc;
    errno = saved;
    return 0;
}

/* Opens an empty file and makes its name durable. Where that fails the file stays, as a manifest on disk may
 * name it (manifest_save, ERR_BUSY), and the next try takes it. -1: errno. */
static int create_file(const struct aof *a, const char *name)
{
    int fd = -1;
    if (aof_is_there(a))
        fd = files_open_empty(a->dir_fd, name);
    else /* the manifest would name a file in another directory */
        errno = ENOENT;
    if (fd < 0 || (fsync(fd) == 0 && fsync(a->dir_fd) == 0))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

enum err aof_empty_base(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX];
    struct writer_mark from = {.pos = a->load_pos, .tag = -1};
    uint64_t seq = 1;
    aof_free_name(a, MANIFEST_BASE, &seq, name);
    int fd = create_file(a, name);
    uint64_t bytes = fd < 0 ? 0 : write_header(a, fd, AOF_EMPTY_BASE, 0, &from, true);
    if (bytes == 0)
        snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name,
                 files_error(errno));
    if (fd >= 0)
        close(fd);
    atomic_store(&a->base_bytes, bytes);
    return bytes ? manifest_add(&a->manifest, MANIFEST_BASE, seq, name) : ERR_IO;
}

/* --- the next increment --------------------------------------------------------------------- */

static bool prepare(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX], why[MANIFEST_ERROR_CHARS] = "it can name no further file";
    uint64_t seq = a->next_incr_seq;
    if (a->prepared.fd >= 0)
        return true;
    aof_free_name(a, MANIFEST_INCR, &seq, name);
    int fd = create_file(a, name);
    if (fd < 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name,
                 files_error(errno));
        return false;
    }
    enum err e = manifest_add(&a->manifest, MANIFEST_INCR, seq, name);
    if (e == ERR_OK && !a->fresh)
        e = manifest_save(&a->manifest, a->dir, a->manifest_name, why);
    if (e == ERR_OK) {
        a->prepared.fd = fd;
        a->prepared.seq = seq;
        a->next_incr_seq = seq + 1;
        return true;
    }
    /* Whichever manifest holds, the file is empty, and the next try takes its name again. */
    int saved = errno;
    snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    manifest_remove(&a->manifest, name);
    close(fd);
    errno = saved;
    return false;
}

bool aof_prepare_increment(struct aof *a, char error[AOF_ERROR_CHARS])
{
    pthread_mutex_lock(&a->files_lock);
    bool fine = prepare(a, error);
    pthread_mutex_unlock(&a->files_lock);
    return fine;
}

static void note_increment(struct aof *a, int fd)
{
    struct stat st;
    a->incr_ino = fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static bool go_on_in_prepared(struct aof *a, const struct writer_mark *from, bool durably,
                              struct writer_file *out, char error[AOF_ERROR_CHARS])
{
    uint64_t bytes = write_header(a, a->prepared.fd, AOF_INCREMENT, 0, from, durably);
    /* On an error the increment stays prepared. */
    if (bytes == 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot begin increment %llu in %s: %s",
                 (unsigned long long)a->prepared.seq, a->dir, strerror(errno));
        return false;
    }
    *out = (struct writer_file){.fd = a->prepared.fd, .bytes = bytes};
    a->incr_seq = a->prepared.seq;
    aof_file_name(a, MANIFEST_INCR, a->incr_seq, a->incr_name);
    note_increment(a, a->prepared.fd);
    a->prepared.fd = -1;
    aof_count_older(a);
    return true;
}

bool aof_next_increment(struct aof *a, const struct writer_mark *from, bool durably,
                        struct writer_file *out, char error[AOF_ERROR_CHARS])
{
    pthread_mutex_lock(&a->files_lock);
    bool fine = prepare(a, error) && go_on_in_prepared(a, from, durably, out, error);
    int saved = errno;
    pthread_mutex_unlock(&a->files_lock);
    errno = saved;
    return fine;
}

bool aof_refresh(void *aof, const struct writer_mark *from, struct writer_file *out)
{
    struct aof *a = aof;
    char error[AOF_ERROR_CHARS];
    bool fine = aof_next_increment(a, from, true, out, error);
    int saved = errno;
    if (fine)
        log_warning(a->logger, "Syncing the append-only file failed: went on with a fresh one, and "
                               "wrote to it what may not have reached the disk. Check the disk");
    else if (saved != a->refresh_errno)
        log_warning(a->logger,
                    "Syncing the append-only file failed. Cannot go on with a fresh "
                    "one, and will try until it works: %s",
                    error);
    a->refresh_errno = fine ? 0 : saved;
    errno = saved;
    return fine;
}

/* --- going on with one ---------------------------------------------------------------------- */

/* Does the file end in the seal of `pos`? */
static bool ends_at(int fd, uint64_t bytes, uint64_t pos)
{
    char seal[SEAL_BYTES], like[SEAL_BYTES];
    if (bytes < sizeof(seal) ||
        pread(fd, seal, sizeof(seal), (off_t)(bytes - sizeof(seal))) != (ssize_t)sizeof(seal))
        return false;
    format_seal(like, pos, 0);
    return memcmp(seal, like, SEAL_CRC_AT) == 0;
}

/* The process before may not have synced what was loaded, and what follows builds upon it. All increments are synced:
 * the last one may be empty, prepared for a rewrite that the process before did not live to begin. */
static bool sync_increments(const struct aof *a, char error[AOF_ERROR_CHARS])
{
    bool fine = true;
    for (size_t i = 0; fine && i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type != MANIFEST_INCR)
            continue;
        int fd = files_open(a->dir_fd, f->name, O_RDONLY);
        fine = fd >= 0 && fdatasync(fd) == 0;
        if (!fine)
            snprintf(error, AOF_ERROR_CHARS, "cannot sync %s/%s: %s", a->dir, f->name,
                     strerror(errno));
        if (fd >= 0)
            close(fd);
    }
    return fine;
}

enum err aof_last_increment(struct aof *a, const struct writer_mark *from, struct writer_file *out,
                            char error[AOF_ERROR_CHARS])
{
    const struct manifest_file *last = manifest_last(&a->manifest, MANIFEST_INCR);
    struct stat st = {0};
    enum err e = ERR_OK;
    if (!last)
        return ERR_NOTFOUND;
    if (!sync_increments(a, error))
        return ERR_IO;
    int fd = files_open(a->dir_fd, last->name, O_RDWR);
    if (fd < 0 || fstat(fd, &st) != 0)
        e = ERR_IO;
    *out = (struct writer_file){.fd = fd, .bytes = (uint64_t)st.st_size};
    if (e == ERR_OK && a->load_plain) {
        out->bytes = write_header(a, fd, AOF_INCREMENT, out->bytes, from, true);
        e = out->bytes ? ERR_OK : ERR_IO;
    } else if (e == ERR_OK && !ends_at(fd, out->bytes, a->load_pos)) {
        e = ERR_NOTFOUND;
    }
    if (e == ERR_OK) {
        a->incr_seq = last->seq;
        memcpy(a->incr_name, last->name, sizeof(a->incr_name));
        note_increment(a, fd);
        return ERR_OK;
    }
    snprintf(error, AOF_ERROR_CHARS, "cannot go on with %s/%s: %s", a->dir, last->name,
             strerror(errno));
    if (fd >= 0)
        close(fd);
    return e;
}

void aof_drop_history(struct aof *a)
{
    char why[MANIFEST_ERROR_CHARS];
    aof_remove_history(a);
    if (manifest_save(&a->manifest, a->dir, a->manifest_name, why) != ERR_OK)
        log_warning(a->logger, "The manifest still names files that are gone: %s", why);
}

void aof_drop_unplaced(void *aof)
{
    struct aof *a = aof;
    pthread_mutex_lock(&a->files_lock);
    a->dropped = a->fresh && !a->unsure && !a->base_only;
    for (size_t i = 0; i < a->manifest.count && a->dropped; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type == MANIFEST_INCR && f->seq >= a->made_seq)
            unlinkat(a->dir_fd, f->name, 0);
    }
    pthread_mutex_unlock(&a->files_lock);
}

void aof_count_older(struct aof *a)
{
    uint64_t bytes = 0;
    struct stat st;
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type == MANIFEST_INCR && f->seq != a->incr_seq &&
            fstatat(a->dir_fd, f->name, &st, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    atomic_store(&a->older_bytes, bytes);
}
