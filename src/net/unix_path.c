#include "net/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#define LOCK_TRIES_MAX 20
#define LOCK_TRY_MS    5
#define LOCK_HELD      "another process holds the lock of its directory"

/* A server holds the lock for a few system calls only. A process that holds it for longer must not block the loop:
 * false after LOCK_TRIES_MAX tries. On a file system without locks the answer is true, without one. */
static bool lock_in_time(int fd)
{
    for (int i = 0; i < LOCK_TRIES_MAX; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR))
            return true;
        poll(NULL, 0, LOCK_TRY_MS);
    }
    return false;
}

/* The directory's lock is held while the path is checked and taken, so that of two servers that start at once the
 * second sees the first listen. *fd: closing it unlocks the directory; -1: the directory cannot be opened, and is not
 * locked. False: another process has the lock. */
static bool lock_directory(const char *path, int *fd)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strndup(".", 1);
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(dir);
    if (*fd < 0 || lock_in_time(*fd))
        return true;
    close(*fd);
    *fd = -1;
    return false;
}

static int new_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Only a refusal says that nobody listens: a full backlog (EAGAIN) does not, nor do missing rights. */
static bool is_stale(const struct sockaddr_un *sa)
{
    int fd = new_socket();
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}

/* Removes a stale socket from the path. NULL: the path is free; else the reason why not. */
static const char *make_free(const struct sockaddr_un *sa)
{
    struct stat st;
    if (lstat(sa->sun_path, &st) != 0)
        return errno == ENOENT ? NULL : strerror(errno);
    if (!S_ISSOCK(st.st_mode))
        return "there is a file that is no socket";
    if (!is_stale(sa))
        return "another server listens there";
    return unlink(sa->sun_path) == 0 || errno == ENOENT ? NULL : strerror(errno);
}

/* -1: errno says why, and nothing is left at the path. */
static int bind_and_listen(struct unix_path *p, const struct sockaddr_un *sa,
                           const struct unix_options *o)
{
    struct stat st;
    char absolute[PATH_MAX];
    int fd = new_socket();
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) != 0)
        goto fail_closed;
    if ((o->mode && chmod(o->path, o->mode) != 0) || lstat(o->path, &st) != 0 ||
        !realpath(o->path, absolute) || listen(fd, o->backlog) != 0)
        goto fail_bound;
    *p = (struct unix_path){.absolute = mem_strndup(absolute, strlen(absolute)),
                            .device = st.st_dev,
                            .inode = st.st_ino};
    return fd;
    int saved;
fail_bound:
    saved = errno;
    unlink(o->path);
    errno = saved;
fail_closed:
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int unix_path_listen(struct unix_path *p, const struct unix_options *o, char *error,
                     size_t error_chars)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t len = strlen(o->path);
    if (len >= sizeof(sa.sun_path)) {
        snprintf(error, error_chars, "unixsocket: the path is longer than %zu bytes",
                 sizeof(sa.sun_path) - 1);
        return -1;
    }
    memcpy(sa.sun_path, o->path, len);
    int lock, fd = -1;
    const char *why = lock_directory(o->path, &lock) ? make_free(&sa) : LOCK_HELD;
    if (!why) {
        fd = bind_and_listen(p, &sa, o);
        why = fd < 0 ? strerror(errno) : NULL;
    }
    if (lock >= 0)
        close(lock);
    if (fd < 0)
        snprintf(error, error_chars, "Failed opening Unix socket: bind: %s: %s", o->path, why);
    return fd;
}

void unix_path_remove(struct unix_path *p)
{
    struct stat st;
    if (!p->absolute)
        return;
    int lock;
    /* Without the lock the socket stays: the next server finds that nobody listens there. */
    bool locked = lock_directory(p->absolute, &lock);
    if (locked && lstat(p->absolute, &st) == 0 && st.st_dev == p->device && st.st_ino == p->inode)
        unlink(p->absolute);
    if (lock >= 0)
        close(lock);
    mem_free(p->absolute);
    *p = (struct unix_path){0};
}
