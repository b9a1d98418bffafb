#include "log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

bool files_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, FILES_PATH_BYTES_MAX, "%s/%s", dir, name);
    if (n > 0 && n < FILES_PATH_BYTES_MAX)
        return true;
    errno = ENAMETOOLONG;
    return false;
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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
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

/* Creates a file with the content, safe on disk. */
static enum err write_new(const char *path, struct slice content, const char **step)
{
    *step = "open";
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
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
