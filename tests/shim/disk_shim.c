/* Preloaded under a process: see disk_shim.h. Calls the kernel itself, so that it works ahead of a
 * sanitizer's own wrappers and from the first instruction on. */
#include "disk_shim.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

/* The C library names its parameters with underscores. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

static struct disk_shim *shim;

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("DISK_SHIM");
    if (path)
        shim = disk_shim_map(path, 0);
}

static int below_dir(const char *path)
{
    size_t n = strlen(shim->dir);
    return n && strncmp(path, shim->dir, n) == 0 && (path[n] == 0 || path[n] == '/');
}

/* Is the descriptor one of a file below the directory? *dir: of a directory. */
static int watched(int fd, int *dir)
{
    char link[64], path[1024];
    struct stat st;
    if (!shim || !shim->dir[0])
        return 0;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return 0;
    path[n] = 0;
    if (!below_dir(path) || fstat(fd, &st) != 0)
        return 0;
    *dir = S_ISDIR(st.st_mode);
    return *dir || S_ISREG(st.st_mode);
}

static int watched_at(int at, const char *path)
{
    char absolute[1024];
    int dir = 0;
    if (!shim || !shim->dir[0])
        return 0;
    if (path[0] != '/' && at != AT_FDCWD)
        return watched(at, &dir) && dir;
    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof(absolute) / 2))
            return 0;
        size_t n = strlen(absolute);
        snprintf(absolute + n, sizeof(absolute) - n, "/%s", path);
        path = absolute;
    }
    return below_dir(path);
}

/* 1: the call is to fail, and errno is set; 2: a write is to be short. */
static int meddle(enum disk_call call)
{
    atomic_fetch_add(&shim->calls[call], 1);
    uint32_t delay_us = atomic_load(&shim->delay_us), nth;
    if (delay_us && atomic_load(&shim->delay_kinds) >> call & 1)
        nanosleep(&(struct timespec){delay_us / 1000000, delay_us % 1000000 * 1000}, NULL);
    if (!(atomic_load(&shim->kinds) >> call & 1))
        return 0;
    do
        nth = atomic_load(&shim->nth);
    while (nth > 1 && !atomic_compare_exchange_weak(&shim->nth, &nth, nth - 1));
    if (nth != 1)
        return 0;
    if (atomic_fetch_add(&shim->failed, 1) >= atomic_load(&shim->times)) {
        atomic_fetch_sub(&shim->failed, 1);
        return 0;
    }
    errno = atomic_load(&shim->error);
    return errno ? 1 : call == DISK_WRITE ? 2 : 0;
}

static struct disk_file *file_of(uint64_t inode)
{
    for (int i = 0; i < DISK_SHIM_FILES_MAX; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&shim->files[i].inode, &there, inode) || there == inode)
            return &shim->files[i];
    }
    abort();
}

/* --- calls ---------------------------------------------------------------------------------- */

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    int changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    if (!changes || !watched_at(at, path))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    if (meddle(DISK_OPEN) == 1)
        return -1;
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0) {
        struct disk_file *f = file_of(st.st_ino);
        if (st.st_size == 0) /* new, perhaps with the number of one that is gone */
            atomic_store(&f->synced, 0);
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
    va_end(ap);
    return open_any(at, path, flags, mode);
}

static int write_fault(int fd, size_t *len)
{
    int dir, fault;
    if (!watched(fd, &dir) || dir || !(fault = meddle(DISK_WRITE)))
        return 0;
    *len = *len > 1 ? *len / 2 : 1;
    return fault;
}

ssize_t write(int fd, const void *p, size_t len)
{
    return write_fault(fd, &len) == 1 ? -1 : syscall(SYS_write, fd, p, len);
}

ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
    return write_fault(fd, &len) == 1 ? -1 : syscall(SYS_pwrite64, fd, p, len, at);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
    size_t len = iov[0].iov_len;
    int fault = write_fault(fd, &len);
    if (fault == 1)
        return -1;
    if (fault == 2)
        return syscall(SYS_pwrite64, fd, iov[0].iov_base, len, at);
    return syscall(SYS_pwritev, fd, iov, count, (long)at, 0L);
}

static int sync_any(int fd, long number)
{
    int dir;
    struct stat st;
    if (!watched(fd, &dir))
        return (int)syscall(number, fd);
    if (meddle(dir ? DISK_SYNC_DIR : DISK_SYNC) == 1)
        return -1;
    if (dir || fstat(fd, &st) != 0)
        return (int)syscall(number, fd);
    int rc = (int)syscall(number, fd);
    struct disk_file *f = file_of(st.st_ino);
    if (rc == 0 && (uint64_t)st.st_size > atomic_load(&f->synced))
        atomic_store(&f->synced, (uint64_t)st.st_size);
    return rc;
}

int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

int ftruncate(int fd, off_t len)
{
    int dir;
    struct stat st;
    int rc = (int)syscall(SYS_ftruncate, fd, len);
    if (rc == 0 && watched(fd, &dir) && !dir && fstat(fd, &st) == 0) {
        struct disk_file *f = file_of(st.st_ino);
        if (atomic_load(&f->synced) > (uint64_t)len)
            atomic_store(&f->synced, (uint64_t)len);
    }
    return rc;
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    if (watched_at(to_at, to) && meddle(DISK_RENAME) == 1)
        return -1;
    return (int)syscall(SYS_renameat, from_at, from, to_at, to);
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
