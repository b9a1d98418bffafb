#include "log/aof_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/mem.h"
#include "log/aof_impl.h"

struct aof_watch {
    struct aof *aof;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
};

/* --- looking ------------------------------------------------------------------------------------------------ */

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A look that fails for any other reason than a missing name tells nothing. */
static bool is_missing(int error)
{
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

bool aof_is_there(const struct aof *a)
{
    struct stat named, open;
    if (stat(a->dir, &named) != 0)
        return !is_missing(errno);
    return fstat(a->dir_fd, &open) != 0 || is_same(&named, &open);
}

static bool has_lost(const struct aof *a, const char *name)
{
    struct stat st;
    if (fstatat(a->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return is_missing(errno);
    return !S_ISREG(st.st_mode);
}

/* The name of the increment in use leads to another file, or to none. */
static bool has_lost_increment(const struct aof *a)
{
    struct stat st;
    if (a->incr_ino == 0)
        return false;
    if (fstatat(a->dir_fd, a->incr_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return is_missing(errno);
    return st.st_ino != a->incr_ino;
}

static enum aof_gone look(const struct aof *a)
{
    if (!aof_is_there(a))
        return AOF_GONE_DIRECTORY;
    /* Until the first rewrite is done, the manifest's files are not this log's. */
    if (a->fresh)
        return AOF_THERE;
    if (has_lost(a, a->manifest_name))
        return AOF_GONE_MANIFEST;
    for (size_t i = 0; i < manifest_live(&a->manifest); i++)
        if (has_lost(a, a->manifest.files[i].name))
            return AOF_GONE_FILE;
    return has_lost_increment(a) ? AOF_GONE_FILE : AOF_THERE;
}

static void look_and_tell(struct aof *a)
{
    pthread_mutex_lock(&a->files_lock);
    enum aof_gone gone = look(a);
    bool news = gone != AOF_THERE && atomic_load(&a->gone) == AOF_THERE;
    if (news)
        atomic_store(&a->gone, (int)gone);
    pthread_mutex_unlock(&a->files_lock);
    if (news)
        log_warning(
            a->logger,
            "%s%s in %s was removed, renamed or replaced: writes are refused until the append-only "
            "file is written anew",
            gone == AOF_GONE_DIRECTORY  ? "The directory"
            : gone == AOF_GONE_MANIFEST ? "The manifest"
                                        : "A file",
            " of the append-only file", a->dir);
}

/* --- the thread --------------------------------------------------------------------------------------------- */

static void *watch(void *arg)
{
    struct aof_watch *w = arg;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&w->lock);
    while (!w->stop) {
        until.tv_nsec += AOF_WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!w->stop && pthread_cond_timedwait(&w->changed, &w->lock, &until) != ETIMEDOUT)
            continue;
        if (w->stop)
            break;
        pthread_mutex_unlock(&w->lock);
        look_and_tell(w->aof);
        clock_gettime(CLOCK_MONOTONIC, &until);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct aof_watch *aof_watch_new(struct aof *a)
{
    struct aof_watch *w = mem_zalloc(sizeof(*w));
    pthread_condattr_t attr;
    w->aof = a;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->thread, NULL, watch, w) == 0)
        return w;
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
    return NULL;
}

void aof_watch_free(struct aof_watch **watch)
{
    struct aof_watch *w = *watch;
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    mem_free(w);
    *watch = NULL;
}
