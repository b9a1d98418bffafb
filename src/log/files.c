#include "log/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int files_path(char out[FILES_PATH_BYTES_MAX], const char *dir, const char *name)
{
    int n = snprintf(out, FILES_PATH_BYTES_MAX, "%s/%s", dir, name);
    return n > 0 && n < FILES_PATH_BYTES_MAX;
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
    close(fd);
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

enum err files_replace(const char *dir, const char *name, struct slice content, const char **step)
{
    char path[FILES_PATH_BYTES_MAX], temp[FILES_PATH_BYTES_MAX];
    int n = snprintf(temp, sizeof(temp), "%s/temp-%s", dir, name);
    if (!files_path(path, dir, name) || n < 0 || n >= (int)sizeof(temp))
        return ERR_RANGE;
    *step = "open";
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return ERR_IO;
    *step = "write";
    bool fine = write_all(fd, content) == ERR_OK;
    if (fine) {
        *step = "fsync";
        fine = fsync(fd) == 0;
    }
    int saved = errno;
    close(fd);
    if (fine) {
        *step = "rename";
        fine = rename(temp, path) == 0;
        saved = errno;
    }
    if (!fine) {
        unlink(temp);
        errno = saved;
        return ERR_IO;
    }
    *step = "fsync of the directory";
    return files_sync_dir(dir);
}
