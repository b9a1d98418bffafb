#include "log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define FILES_COPY_BYTES 65536
#define FILES_TAILS_MAX  1000 /* of one file, at one offset */

bool files_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, FILES_PATH_BYTES_MAX, "%s/%s", dir, name);
    if (n > 0 && n < FILES_PATH_BYTES_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool is_regular(const struct stat *st)
{
    errno = S_ISLNK(st->st_mode) ? ELOOP : ENODEV;
    return S_ISREG(st->st_mode);
}

int files_open(int dir_fd, const char *name, int flags)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !is_regular(&st))
        return -1;
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    if (fd < 0 || (fstat(fd, &st) == 0 && is_regular(&st)))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int files_open_empty(int dir_fd, const char *name)
{
    struct stat st;
    int fd = files_open(dir_fd, name, O_WRONLY | O_CREAT);
    if (fd < 0 || (fstat(fd, &st) == 0 && st.st_size == 0))
        return fd;
    close(fd);
    errno = EEXIST;
    return -1;
}

const char *files_error(int error)
{
    return error == ELOOP    ? "it is a symbolic link, which is not followed"
           : error == ENODEV ? "it is no regular file"
                             : strerror(error);
}

static enum err read_all(int fd, size_t max, struct buf *out)
{
    for (;;) {
        if (buf_reserve(out, 65536) != ERR_OK)
            return ERR_NOMEM;
        ssize_t n = read(fd, out->ptr + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? ERR_OK : ERR_IO;
        out->len += (size_t)n;
        if (out->len > max)
            return ERR_RANGE;
    }
}

enum err files_read(const char *dir, const char *name, size_t max, struct buf *out)
{
    char path[FILES_PATH_BYTES_MAX];
    if (!files_path(path, dir, name))
        return ERR_RANGE;
    int fd = files_open(AT_FDCWD, path, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
    enum err e = read_all(fd, max, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return e;
}

static enum err write_all(int fd, struct slice content)
{
    while (content.len) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        content = slice_of(content.ptr + n, content.len - (size_t)n);
    }
    return ERR_OK;
}

enum err files_sync_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int rc = fsync(fd), saved = errno;
    close(fd);
    errno = saved;
    return rc == 0 ? ERR_OK : ERR_IO;
}

/* Creates a file with the content, and syncs it. A leftover of that name is removed first. */
static enum err write_new(const char *path, struct slice content, const char **step)
{
    *step = "open";
    if (unlink(path) != 0 && errno != ENOENT)
        return ERR_IO;
    int fd = files_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return ERR_IO;
    *step = "write";
    enum err e = write_all(fd, content);
    if (e == ERR_OK) {
        *step = "fsync";
        e = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return e;
}

enum err files_replace(const char *dir, const char *name, struct slice content, const char **step)
{
    char path[FILES_PATH_BYTES_MAX], temp[FILES_PATH_BYTES_MAX], temp_name[FILES_PATH_BYTES_MAX];
    *step = "path";
    int n = snprintf(temp_name, sizeof(temp_name), "temp-%s", name);
    if (n < 0 || n >= (int)sizeof(temp_name)) {
        errno = ENAMETOOLONG;
        return ERR_RANGE;
    }
    if (!files_path(path, dir, name) || !files_path(temp, dir, temp_name))
        return ERR_RANGE;
    enum err e = write_new(temp, content, step);
    if (e == ERR_OK) {
        *step = "rename";
        e = rename(temp, path) == 0 ? ERR_OK : ERR_IO;
    }
    if (e != ERR_OK) {
        int saved = errno;
        unlink(temp);
        errno = saved;
        return e;
    }
    *step = "fsync of the directory";
    return files_sync_dir(dir) == ERR_OK ? ERR_OK : ERR_BUSY;
}

/* --- cutting -------------------------------------------------------------------------------- */

static bool copy_bytes(int from, int to, uint64_t at)
{
    char *buf = mem_alloc(FILES_COPY_BYTES);
    ssize_t n;
    while ((n = pread(from, buf, FILES_COPY_BYTES, (off_t)at)) > 0) {
        if (write(to, buf, (size_t)n) != n) {
            n = -1;
            break;
        }
        at += (uint64_t)n;
    }
    mem_free(buf);
    return n == 0;
}

/* Copies the bytes from `at` on to a new file, and syncs it. */
static bool keep_tail(int fd, const char *path, uint64_t at)
{
    int to = files_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL);
    if (to < 0)
        return false;
    bool fine = copy_bytes(fd, to, at) && fsync(to) == 0;
    int saved = errno;
    close(to);
    if (!fine)
        unlink(path);
    errno = saved;
    return fine;
}

/* Keeps the bytes from `at` on. A tail kept before is never written over: the next one gets a number. */
static bool keep_beside(int fd, const char *dir, const char *name, uint64_t at,
                        char tail[FILES_PATH_BYTES_MAX])
{
    if (!files_tail_path(tail, dir, name, at))
        return false;
    size_t len = strlen(tail);
    for (int n = 1; !keep_tail(fd, tail, at); n++) {
        if (errno != EEXIST || n > FILES_TAILS_MAX)
            return false;
        snprintf(tail + len, FILES_PATH_BYTES_MAX - len, ".%d", n);
    }
    return true;
}

bool files_tail_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name, uint64_t at)
{
    char tail[FILES_PATH_BYTES_MAX];
    int n = snprintf(tail, sizeof(tail), "%s.tail-%llu", name, (unsigned long long)at);
    return n > 0 && n < (int)sizeof(tail) && files_path(out, dir, tail);
}

enum err files_cut(const char *dir, const char *name, uint64_t at, char tail[FILES_PATH_BYTES_MAX],
                   uint64_t *bytes)
{
    char path[FILES_PATH_BYTES_MAX];
    struct stat st;
    if (!files_path(path, dir, name))
        return ERR_RANGE;
    int fd = files_open(AT_FDCWD, path, O_RDWR);
    if (fd < 0)
        return ERR_IO;
    bool fine = fstat(fd, &st) == 0 && keep_beside(fd, dir, name, at, tail) &&
                files_sync_dir(dir) == ERR_OK && ftruncate(fd, (off_t)at) == 0 && fsync(fd) == 0;
    int saved = errno;
    close(fd);
    errno = saved;
    if (!fine)
        return ERR_IO;
    *bytes = (uint64_t)st.st_size - at;
    return ERR_OK;
}
