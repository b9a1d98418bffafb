/* The log's files on disk: made durable before anything depends on them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/aof_impl.h"

/* The directory's own name, which it may have got just now, or from a process that was killed before it came here. */
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

enum err aof_lock_directory(struct aof *a, char error[AOF_ERROR_CHARS])
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
    if (!sync_parent(a)) {
        snprintf(error, AOF_ERROR_CHARS, "cannot sync the directory that %s is in: %s", a->dir,
                 strerror(errno));
        return ERR_IO;
    }
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

void aof_file_name(const struct aof *a, enum manifest_type type, uint64_t seq,
                   char out[MANIFEST_NAME_BYTES_MAX])
{
    snprintf(out, MANIFEST_NAME_BYTES_MAX, "%s.%llu.%s.aof", a->filename, (unsigned long long)seq,
             type == MANIFEST_BASE ? "base" : "incr");
}

/* --- creating ------------------------------------------------------------------------------- */

/* What a base begins with says what it is, and of when. */
static void begin_base(const struct aof *a, enum aof_file_kind kind, int64_t unix_s,
                       struct buf *out)
{
    buf_append_cstr(out, FORMAT_BASE_LINE);
    if (a->timestamps)
        format_timestamp(out, unix_s);
    if (kind == AOF_EMPTY_BASE)
        format_end(out, 1);
}

/* At the end of the file, which is at *bytes, before and after. */
static bool write_header(const struct aof *a, int fd, enum aof_file_kind kind,
                         const struct writer_mark *from, uint64_t *bytes)
{
    struct aof_batch header = {.db = 0};
    uint64_t at = *bytes;
    int64_t unix_s = atomic_load(&a->unix_s);
    buf_init(&header.bytes);
    if (at == 0)
        format_date(&header.bytes, unix_s);
    buf_append_cstr(&header.bytes, FORMAT_HEADER_LINE);
    if (kind != AOF_INCREMENT)
        begin_base(a, kind, unix_s, &header.bytes);
    /* Redis begins each file in database 0. Corsac goes on in the one before, and as this batch
     * ends where another did, passes over it. */
    if (from->tag > 0)
        aof_batch_select(&header, from->tag);
    aof_batch_seal(&header, from->pos);
    *bytes += header.bytes.len;
    ssize_t n = pwrite(fd, header.bytes.ptr, header.bytes.len, (off_t)at);
    if (n >= 0 && (size_t)n < header.bytes.len)
        errno = ENOSPC;
    bool fine = n == (ssize_t)header.bytes.len && fdatasync(fd) == 0;
    buf_deinit(&header.bytes);
    if (fine)
        return true;
    int saved = errno;
    int rc = ftruncate(fd, (off_t)at); /* else the next start cuts the beginning of it off */
    (void)rc;
    errno = saved;
    return false;
}

int aof_create_file(const struct aof *a, const char *name, enum aof_file_kind kind,
                    const struct writer_mark *from, uint64_t *bytes)
{
    int fd = openat(a->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    *bytes = 0;
    if (write_header(a, fd, kind, from, bytes) && fsync(a->dir_fd) == 0)
        return fd;
    int saved = errno;
    unlinkat(a->dir_fd, name, 0);
    close(fd);
    errno = saved;
    return -1;
}

enum err aof_empty_base(struct aof *a, char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX];
    struct writer_mark from = {.pos = a->load_pos, .tag = -1};
    uint64_t bytes;
    aof_file_name(a, MANIFEST_BASE, 1, name);
    int fd = aof_create_file(a, name, AOF_EMPTY_BASE, &from, &bytes);
    if (fd < 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name, strerror(errno));
        return ERR_IO;
    }
    close(fd);
    atomic_store(&a->base_bytes, bytes);
    return manifest_add(&a->manifest, MANIFEST_BASE, 1, name);
}

bool aof_next_increment(struct aof *a, const struct writer_mark *from, struct writer_file *out,
                        char error[AOF_ERROR_CHARS])
{
    char name[MANIFEST_NAME_BYTES_MAX], why[MANIFEST_ERROR_CHARS] = "it is full";
    uint64_t seq = a->next_incr_seq;
    aof_file_name(a, MANIFEST_INCR, seq, name);
    while (manifest_names(&a->manifest, name)) /* history that is kept */
        aof_file_name(a, MANIFEST_INCR, ++seq, name);
    out->fd = aof_create_file(a, name, AOF_INCREMENT, from, &out->bytes);
    if (out->fd < 0) {
        snprintf(error, AOF_ERROR_CHARS, "cannot create %s/%s: %s", a->dir, name, strerror(errno));
        return false;
    }
    enum err e = manifest_add(&a->manifest, MANIFEST_INCR, seq, name);
    if (e == ERR_OK && !a->fresh)
        e = manifest_save(&a->manifest, a->dir, a->manifest_name, why);
    if (e == ERR_OK) {
        a->next_incr_seq = seq + 1;
        aof_count_older(a);
        return true;
    }
    /* The file stays, as the manifest on disk may name it (ERR_BUSY); the next try takes its name
     * again. Whichever manifest holds, it is empty. */
    int saved = errno;
    snprintf(error, AOF_ERROR_CHARS, "%s/%s: %s", a->dir, a->manifest_name, why);
    manifest_remove(&a->manifest, name);
    close(out->fd);
    out->fd = -1;
    errno = saved;
    return false;
}

bool aof_refresh(void *aof, const struct writer_mark *from, struct writer_file *out)
{
    struct aof *a = aof;
    char error[AOF_ERROR_CHARS];
    bool fine = aof_next_increment(a, from, out, error);
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

enum err aof_last_increment(struct aof *a, const struct writer_mark *from, struct writer_file *out,
                            char error[AOF_ERROR_CHARS])
{
    const struct manifest_file *last = manifest_last(&a->manifest, MANIFEST_INCR);
    struct stat st = {0};
    enum err e = ERR_OK;
    if (!last)
        return ERR_NOTFOUND;
    int fd = openat(a->dir_fd, last->name, O_RDWR | O_CLOEXEC);
    /* What was loaded may never have been synced by the process before, and will be built upon. */
    if (fd < 0 || fstat(fd, &st) != 0 || fdatasync(fd) != 0)
        e = ERR_IO;
    *out = (struct writer_file){.fd = fd, .bytes = (uint64_t)st.st_size};
    if (e == ERR_OK && a->load_plain && !write_header(a, fd, AOF_INCREMENT, from, &out->bytes))
        e = ERR_IO;
    else if (e == ERR_OK && !a->load_plain && !ends_at(fd, out->bytes, a->load_pos))
        e = ERR_NOTFOUND;
    if (e == ERR_OK)
        return ERR_OK;
    snprintf(error, AOF_ERROR_CHARS, "cannot go on with %s/%s: %s", a->dir, last->name,
             strerror(errno));
    if (fd >= 0)
        close(fd);
    return e;
}

void aof_job_forget_history(void *aof, struct writer_file *out)
{
    struct aof *a = aof;
    char why[MANIFEST_ERROR_CHARS];
    (void)out;
    /* What lies there of other data goes when the first rewrite is done. */
    if (a->keep_history || a->fresh || manifest_live(&a->manifest) == a->manifest.count)
        return;
    aof_remove_history(a);
    if (manifest_save(&a->manifest, a->dir, a->manifest_name, why) != ERR_OK)
        log_warning(a->logger, "The manifest still names files that are gone: %s", why);
}

void aof_count_older(struct aof *a)
{
    const struct manifest_file *last = manifest_last(&a->manifest, MANIFEST_INCR);
    uint64_t bytes = 0;
    struct stat st;
    for (size_t i = 0; i < a->manifest.count; i++) {
        const struct manifest_file *f = &a->manifest.files[i];
        if (f->type == MANIFEST_INCR && f != last && fstatat(a->dir_fd, f->name, &st, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    atomic_store(&a->older_bytes, bytes);
}
