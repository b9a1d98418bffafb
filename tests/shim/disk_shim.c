/* Preloaded under a process: see disk_shim.h. Calls the kernel itself, so that it works ahead of a
 * sanitizer's own wrappers and from the first instruction on. */
#include "power_cut.h"

#include <errno.h>
#include <signal.h>
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

static int path_of(int fd, char out[DISK_SHIM_PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, DISK_SHIM_PATH_MAX - 1);
    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* Is the descriptor one of a file below the directory? *dir: of a directory. */
static int watched(int fd, int *dir)
{
    char path[DISK_SHIM_PATH_MAX];
    struct stat st;
    if (!shim || !shim->dir[0] || !path_of(fd, path) || !below_dir(path) || fstat(fd, &st) != 0)
        return 0;
    *dir = S_ISDIR(st.st_mode);
    return *dir || S_ISREG(st.st_mode);
}

static int watched_at(int at, const char *path, char absolute[DISK_SHIM_PATH_MAX])
{
    int known = 1;
    absolute[0] = 0;
    if (!shim || !shim->dir[0])
        return 0;
    if (path[0] != '/')
        known =
            at == AT_FDCWD ? getcwd(absolute, DISK_SHIM_PATH_MAX) != NULL : path_of(at, absolute);
    size_t n = strlen(absolute);
    int len = snprintf(absolute + n, DISK_SHIM_PATH_MAX - n, n ? "/%s" : "%s", path);
    return known && (size_t)len < DISK_SHIM_PATH_MAX - n && below_dir(absolute);
}

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void rest(int64_t us)
{
    nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000}, NULL);
}

static int take_pass(void)
{
    uint32_t passes = atomic_load(&shim->passes);
    while (passes && !atomic_compare_exchange_weak(&shim->passes, &passes, passes - 1))
        continue;
    return passes > 0;
}

#define LOOK_EVERY_US 1000 /* at a delay that may end early; shorter ones are slept through */

static void stand_still(uint32_t delay_us)
{
    int64_t until_us = now_us() + delay_us;
    atomic_fetch_add(&shim->delayed, 1);
    do
        rest(delay_us < LOOK_EVERY_US ? delay_us : LOOK_EVERY_US);
    while (now_us() < until_us - LOOK_EVERY_US && atomic_load(&shim->delay_us) && !take_pass());
    int64_t left_us = until_us - now_us();
    if (left_us > 0 && left_us <= LOOK_EVERY_US)
        rest(left_us);
    atomic_fetch_sub(&shim->delayed, 1);
}

/* 1: the call is to fail, and errno is set; 2: a write is to be short. */
static int meddle(enum disk_call call)
{
    atomic_fetch_add(&shim->calls[call], 1);
    uint32_t delay_us = atomic_load(&shim->delay_us), nth;
    if (delay_us && atomic_load(&shim->delay_kinds) >> call & 1)
        stand_still(delay_us);
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
    int error = atomic_load(&shim->error);
    if (error == DISK_SHIM_KILL)
        kill(getpid(), SIGKILL);
    errno = error;
    return errno ? 1 : call == DISK_WRITE ? 2 : 0;
}

/* A file that was never seen is on the disk as it is. */
static struct disk_file *file_of(const struct stat *st)
{
    for (int i = 0; i < DISK_SHIM_FILES_MAX; i++) {
        struct disk_file *f = &shim->files[i];
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&f->inode, &there, st->st_ino)) {
            atomic_store(&f->synced, (uint64_t)st->st_size);
            return f;
        }
        if (there == st->st_ino)
            return f;
    }
    abort();
}

/* --- changes of directories ----------------------------------------------------------------- */

static uint64_t inode_at(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static struct disk_change *free_change(void)
{
    for (int i = 0; i < DISK_SHIM_CHANGES_MAX; i++) {
        uint64_t order = 0;
        if (atomic_compare_exchange_strong(&shim->changes[i].order, &order, 1))
            return &shim->changes[i];
    }
    abort();
}

/* A change, as long as its place is not given to another one. */
struct noted {
    struct disk_change *at; /* NULL: it need not be noted */
    uint64_t order;
};

/* Ahead of the call. */
static struct noted note_change(int kind, const char *path, const char *from)
{
    if (!shim->grave[0])
        return (struct noted){NULL, 0};
    int saved = errno;
    struct disk_change *c = free_change();
    uint64_t order = atomic_fetch_add(&shim->changes_made, 1) + 2;
    c->kind = kind;
    strcpy(c->path, path);
    strcpy(c->from, from ? from : "");
    snprintf(c->kept, sizeof(c->kept), "%s/%llu", shim->grave, (unsigned long long)order);
    if (kind != DISK_MADE && link(path, c->kept) != 0)
        c->kept[0] = 0;
    atomic_store(&c->inode, kind == DISK_MADE ? 0 : inode_at(from ? from : path));
    atomic_store(&c->order, order);
    errno = saved;
    return (struct noted){c, order};
}

/* It did not happen, or was synced. */
static void forget_change(struct noted n)
{
    int saved = errno;
    /* Taken off first of all: the process may be killed in here. */
    if (!n.at || !atomic_compare_exchange_strong(&n.at->order, &n.order, 1))
        return;
    if (n.at->kept[0])
        syscall(SYS_unlink, n.at->kept);
    atomic_store(&n.at->order, 0);
    errno = saved;
}

/* After the call: `made` is at the path, or is not. */
static void settle_made(struct noted made, int fine, const char *path)
{
    if (!fine)
        forget_change(made);
    else if (made.at && atomic_load(&made.at->order) == made.order)
        atomic_store(&made.at->inode, inode_at(path));
}

/* Its directory was synced; what began after `limit` may not be. */
static void sync_changes(const char *dir, uint64_t limit)
{
    size_t n = strlen(dir);
    for (int i = 0; i < DISK_SHIM_CHANGES_MAX; i++) {
        struct disk_change *c = &shim->changes[i];
        uint64_t order = atomic_load(&c->order);
        if (order > 1 && order <= limit && strncmp(c->path, dir, n) == 0 && c->path[n] == '/' &&
            !strchr(c->path + n + 1, '/'))
            forget_change((struct noted){c, order});
    }
}

/* --- calls ---------------------------------------------------------------------------------- */

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    int changes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    char absolute[DISK_SHIM_PATH_MAX];
    if (!changes || !watched_at(at, path, absolute))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    if (meddle(DISK_OPEN) == 1)
        return -1;
    struct noted made = {NULL, 0};
    if (flags & O_CREAT && !inode_at(absolute))
        made = note_change(DISK_MADE, absolute, NULL);
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    struct stat st;
    settle_made(made, fd >= 0, absolute);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        struct disk_file *f = file_of(&st);
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
    char path[DISK_SHIM_PATH_MAX];
    if (!watched(fd, &dir))
        return (int)syscall(number, fd);
    if (meddle(dir ? DISK_SYNC_DIR : DISK_SYNC) == 1)
        return -1;
    if (fstat(fd, &st) != 0)
        return -1;
    uint64_t limit = atomic_load(&shim->changes_made) + 1;
    int rc = atomic_load(&shim->sync_nothing) ? 0 : (int)syscall(number, fd);
    if (dir && rc == 0 && path_of(fd, path))
        sync_changes(path, limit);
    if (dir)
        return rc;
    struct disk_file *f = file_of(&st);
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
        struct disk_file *f = file_of(&st);
        if (atomic_load(&f->synced) > (uint64_t)len)
            atomic_store(&f->synced, (uint64_t)len);
    }
    return rc;
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    char path[DISK_SHIM_PATH_MAX], old[DISK_SHIM_PATH_MAX];
    if (!watched_at(to_at, to, path) || !watched_at(from_at, from, old))
        return (int)syscall(SYS_renameat, from_at, from, to_at, to);
    if (meddle(DISK_RENAME) == 1)
        return -1;
    struct noted c = note_change(DISK_RENAMED, path, old);
    int rc = (int)syscall(SYS_renameat, from_at, from, to_at, to);
    if (rc != 0)
        forget_change(c);
    return rc;
}

int rename(const char *from, const char *to)
{
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int at, const char *path, int flags)
{
    char absolute[DISK_SHIM_PATH_MAX];
    struct noted c = {NULL, 0};
    if (!(flags & AT_REMOVEDIR) && watched_at(at, path, absolute))
        c = note_change(DISK_REMOVED, absolute, NULL);
    int rc = (int)syscall(SYS_unlinkat, at, path, flags);
    if (rc != 0)
        forget_change(c);
    return rc;
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    char absolute[DISK_SHIM_PATH_MAX];
    struct noted made = {NULL, 0};
    if (watched_at(AT_FDCWD, path, absolute) && !inode_at(absolute))
        made = note_change(DISK_MADE, absolute, NULL);
    int rc = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    settle_made(made, rc == 0, absolute);
    return rc;
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* --- for tests that are no C ---------------------------------------------------------------- */

struct disk_shim *disk_control_open(const char *path, const char *dir, const char *grave)
{
    struct disk_shim *s = disk_shim_map(path, 1);
    if (!s || strlen(dir) >= sizeof(s->dir) || strlen(grave) >= sizeof(s->grave))
        return NULL;
    strcpy(s->grave, grave);
    strcpy(s->dir, dir);
    return s;
}

void disk_control_fail(struct disk_shim *s, uint32_t kinds, uint32_t nth, int error)
{
    disk_shim_fail(s, kinds, nth, 1, error);
}

void disk_control_delay(struct disk_shim *s, uint32_t kinds, uint32_t delay_us)
{
    disk_shim_delay(s, kinds, delay_us);
}

void disk_control_let_go(struct disk_shim *s)
{
    disk_shim_let_go(s);
}

uint32_t disk_control_delayed(struct disk_shim *s)
{
    return atomic_load(&s->delayed);
}

uint32_t disk_control_failed(struct disk_shim *s)
{
    return atomic_load(&s->failed);
}

void disk_control_power_cut(struct disk_shim *s, uint32_t seed)
{
    disk_shim_power_cut(s, seed);
}
