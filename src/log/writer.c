#include "log/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

struct entry { /* a batch, or a job where fn is set */
    struct entry *next;
    char *data; /* owned */
    size_t len;
    uint64_t pos;
    writer_job_fn fn;
    void *arg;
};

struct entries {
    struct entry *first, **end;
};

struct writer {
    pthread_t thread, sync_thread;
    int event_fd;
    writer_refresh_fn refresh;
    void *refresh_arg;

    /* the writer thread's own */
    int fd;
    uint64_t file_bytes;   /* whole batches in the file */
    uint64_t synced_bytes; /* of the file, known to be safe */
    uint64_t synced_pos;
    struct entries unsafe; /* written to the file, not yet synced */
    uint64_t unsafe_pos;   /* position behind the last batch in the file */
    int64_t last_sync_us;

    /* shared, under `lock` */
    pthread_mutex_t lock;
    pthread_cond_t
        work; /* for the writer thread: queue, policy, wish or stop changed, a sync ended */
    pthread_cond_t sync_work; /* for the sync thread */
    struct entries queue;     /* submitted, not yet taken */
    struct writer_state state;
    enum writer_policy policy;
    uint64_t sync_wish; /* somebody waits for this position to be synced */
    int64_t give_up_us; /* stopping: monotonic time at which trying again ends; 0: not stopping */
    bool sync_running;  /* the sync thread works on sync_fd */
    int sync_fd, sync_result; /* sync_result: errno */
    uint64_t sync_pos, sync_bytes;
    int64_t sync_took_us;
    bool sync_ended; /* its result is to be looked at */
    bool sync_stop;
    bool gave_up; /* the writer thread's last word; read after it ended */
};

/* --- lists of entries --------------------------------------------------------------------------------------- */

static void entries_init(struct entries *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void entries_push(struct entries *l, struct entry *e)
{
    e->next = NULL;
    *l->end = e;
    l->end = &e->next;
}

static struct entry *entries_pop(struct entries *l)
{
    struct entry *e = l->first;
    if (e && !(l->first = e->next))
        l->end = &l->first;
    return e;
}

/* All of `more` behind what l holds. */
static void entries_move(struct entries *l, struct entries *more)
{
    if (!more->first)
        return;
    *l->end = more->first;
    l->end = more->end;
    entries_init(more);
}

static void entry_free(struct entry *e)
{
    mem_free(e->data);
    mem_free(e);
}

/* --- what the loop hears ------------------------------------------------------------------------------------ */

static void tell_loop(struct writer *w)
{
    uint64_t one = 1;
    ssize_t ignored = write(w->event_fd, &one, sizeof(one)); /* full: the loop is told already */
    (void)ignored;
}

/* Everything up to `pos` is safe: what was kept for it is let go. */
static void note_synced(struct writer *w, uint64_t pos, uint64_t bytes, int64_t took_us)
{
    size_t freed = 0;
    while (w->unsafe.first && w->unsafe.first->pos <= pos) {
        struct entry *e = entries_pop(&w->unsafe);
        freed += e->len;
        entry_free(e);
    }
    w->synced_bytes = bytes;
    w->synced_pos = pos;
    w->last_sync_us = clock_mono_us();
    pthread_mutex_lock(&w->lock);
    if (pos > w->state.synced)
        w->state.synced = pos;
    w->state.kept_bytes -= freed;
    w->state.sync_errno = 0;
    w->state.syncs++;
    w->state.slow_syncs += took_us > WRITER_SYNC_MS * 1000;
    pthread_mutex_unlock(&w->lock);
    tell_loop(w);
}

static void note_errno(struct writer *w, int *where, int value)
{
    pthread_mutex_lock(&w->lock);
    bool changed = *where != value;
    *where = value;
    pthread_mutex_unlock(&w->lock);
    if (changed)
        tell_loop(w);
}

/* False: stopping, and patience has ended. */
static bool wait_to_retry(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool go_on = w->give_up_us == 0 || clock_mono_us() < w->give_up_us;
    pthread_mutex_unlock(&w->lock);
    if (go_on)
        nanosleep(&(struct timespec){.tv_nsec = WRITER_RETRY_MS * 1000000L}, NULL);
    return go_on;
}

/* --- files -------------------------------------------------------------------------------------------------- */

static void use_file(struct writer *w, const struct writer_file *file)
{
    close(w->fd);
    w->fd = file->fd;
    w->file_bytes = w->synced_bytes = file->bytes;
}

/* A sync failed: all that it covered goes back in front of `batches`, to be written to a fresh file. False: stopping. */
static bool start_over(struct writer *w, struct entries *batches, int error)
{
    note_errno(w, &w->state.sync_errno, error);
    struct writer_file file;
    while (!w->refresh || !w->refresh(w->refresh_arg, w->synced_pos, w->synced_bytes, &file))
        if (!wait_to_retry(w))
            return false;
    use_file(w, &file);
    entries_move(&w->unsafe, batches);
    entries_move(batches, &w->unsafe);
    return true;
}

/* Writes a list of batches; what is written whole moves to `unsafe`. False: the rest could not be written (errno). */
static bool write_some(struct writer *w, struct entries *batches)
{
    struct iovec iov[WRITER_VECTORS_MAX];
    int count = 0;
    size_t total = 0;
    for (struct entry *e = batches->first; e && !e->fn && count < WRITER_VECTORS_MAX; e = e->next) {
        iov[count++] = (struct iovec){e->data, e->len};
        total += e->len;
    }
    ssize_t n = pwritev(w->fd, iov, count, (off_t)w->file_bytes);
    int error = n < 0 ? errno : (size_t)n < total ? ENOSPC : 0;
    size_t left = n < 0 ? 0 : (size_t)n;
    while (batches->first && !batches->first->fn && left >= batches->first->len && left > 0) {
        struct entry *e = entries_pop(batches);
        left -= e->len;
        w->file_bytes += e->len;
        w->unsafe_pos = e->pos;
        entries_push(&w->unsafe, e);
    }
    if (!error)
        return true;
    /* Half a batch must not stay: a later crash would leave it for the loader to cut. */
    int rc = ftruncate(w->fd, (off_t)w->file_bytes);
    (void)rc;
    errno = error;
    return error == EINTR;
}

static void note_written(struct writer *w, enum writer_policy policy, int error)
{
    size_t freed = 0;
    if (policy == WRITER_NO) { /* it promises nothing beyond the page cache */
        struct entry *e;
        while ((e = entries_pop(&w->unsafe))) {
            freed += e->len;
            entry_free(e);
        }
    }
    pthread_mutex_lock(&w->lock);
    if (w->unsafe_pos > w->state.written)
        w->state.written = w->unsafe_pos;
    w->state.kept_bytes -= freed;
    w->state.write_errno = error;
    w->state.file_bytes = w->file_bytes;
    pthread_mutex_unlock(&w->lock);
    tell_loop(w);
}

/* --- syncing ------------------------------------------------------------------------------------------------ */

/* Waits for the sync thread to end what it does. Returns its errno, 0 also when it did nothing. */
static int collect_sync(struct writer *w, bool wait)
{
    pthread_mutex_lock(&w->lock);
    while (wait && w->sync_running && !w->sync_ended)
        pthread_cond_wait(&w->work, &w->lock);
    bool ended = w->sync_ended;
    if (ended)
        w->sync_running = w->sync_ended = false;
    pthread_mutex_unlock(&w->lock);
    if (!ended)
        return 0;
    if (w->sync_result == 0)
        note_synced(w, w->sync_pos, w->sync_bytes, w->sync_took_us);
    return w->sync_result;
}

/* Syncs on this thread. */
static int sync_now(struct writer *w)
{
    int error = collect_sync(w, true);
    if (error || w->synced_bytes == w->file_bytes)
        return error;
    int64_t start = clock_mono_us();
    if (fdatasync(w->fd) != 0)
        return errno;
    note_synced(w, w->unsafe_pos, w->file_bytes, clock_mono_us() - start);
    return 0;
}

/* Has the sync thread sync what is written so far, unless it is busy. */
static void sync_aside(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    if (!w->sync_running) {
        w->sync_running = true;
        w->sync_fd = w->fd;
        w->sync_pos = w->unsafe_pos;
        w->sync_bytes = w->file_bytes;
        pthread_cond_signal(&w->sync_work);
    }
    pthread_mutex_unlock(&w->lock);
}

static void *sync_main(void *arg)
{
    struct writer *w = arg;
    pthread_mutex_lock(&w->lock);
    while (!w->sync_stop) {
        if (!w->sync_running || w->sync_ended) {
            pthread_cond_wait(&w->sync_work, &w->lock);
            continue;
        }
        int fd = w->sync_fd;
        pthread_mutex_unlock(&w->lock);
        int64_t start = clock_mono_us();
        int error = fdatasync(fd) == 0 ? 0 : errno;
        int64_t took = clock_mono_us() - start;
        pthread_mutex_lock(&w->lock);
        w->sync_result = error;
        w->sync_took_us = took;
        w->sync_ended = true;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* What the policy, or somebody's wish, asks for after writing. Returns errno of a sync that failed. */
static int sync_by_policy(struct writer *w, enum writer_policy policy, uint64_t wish)
{
    int error = collect_sync(w, false);
    if (error || w->synced_bytes == w->file_bytes)
        return error;
    if (policy == WRITER_ALWAYS)
        return sync_now(w);
    bool wished = wish > w->synced_pos;
    bool due =
        policy == WRITER_EVERYSEC && clock_mono_us() - w->last_sync_us >= WRITER_SYNC_MS * 1000;
    if (wished || due)
        sync_aside(w);
    return 0;
}

/* --- the writer thread -------------------------------------------------------------------------------------- */

/* Before a further file takes over, the one in use must be safe: a sync that fails is the caller's to mend. */
static int run_job(struct writer *w, struct entries *batches)
{
    int error = sync_now(w);
    if (error)
        return error;
    struct entry *job = entries_pop(batches);
    struct writer_file file = {.fd = -1};
    job->fn(job->arg, &file);
    if (file.fd >= 0)
        use_file(w, &file);
    entry_free(job);
    tell_loop(w);
    return 0;
}

/* Waits for something to do and takes it. False: stopping, and nothing is left. */
static bool take(struct writer *w, struct entries *batches, enum writer_policy *policy,
                 uint64_t *wish)
{
    pthread_mutex_lock(&w->lock);
    for (;;) {
        bool unsynced = w->synced_bytes < w->file_bytes;
        bool due = unsynced && (w->policy == WRITER_ALWAYS || w->sync_wish > w->synced_pos);
        if (w->queue.first || batches->first || w->sync_ended || w->give_up_us ||
            (due && !w->sync_running))
            break;
        if (unsynced && w->policy == WRITER_EVERYSEC && !w->sync_running) {
            int64_t at = w->last_sync_us + WRITER_SYNC_MS * 1000;
            if (clock_mono_us() >= at)
                break;
            struct timespec until = {.tv_sec = at / 1000000, .tv_nsec = at % 1000000 * 1000};
            pthread_cond_timedwait(&w->work, &w->lock, &until);
        } else {
            pthread_cond_wait(&w->work, &w->lock);
        }
    }
    entries_move(batches, &w->queue);
    *policy = w->policy;
    *wish = w->sync_wish;
    bool stopping = w->give_up_us != 0;
    pthread_mutex_unlock(&w->lock);
    return batches->first || !stopping;
}

/* Writes, syncs and runs jobs until `batches` is empty. False: patience has ended. */
static bool work_off(struct writer *w, struct entries *batches, enum writer_policy policy,
                     uint64_t wish)
{
    while (batches->first) {
        int error;
        if (batches->first->fn) {
            error = run_job(w, batches);
        } else {
            bool fine = write_some(w, batches);
            int write_error = fine ? 0 : errno;
            note_written(w, policy, write_error);
            if (!fine && !wait_to_retry(w))
                return false;
            error = sync_by_policy(w, policy, wish);
        }
        if (error && !start_over(w, batches, error))
            return false;
    }
    int error = sync_by_policy(w, policy, wish);
    return !error || start_over(w, batches, error);
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    struct entries batches;
    enum writer_policy policy;
    uint64_t wish;
    bool fine = true;
    entries_init(&batches);
    while (fine && take(w, &batches, &policy, &wish))
        fine = work_off(w, &batches, policy, wish);
    /* The last sync of all. */
    if (fine && sync_now(w) != 0)
        fine = false;
    w->gave_up = !fine;
    struct entry *e;
    while ((e = entries_pop(&batches)))
        entry_free(e);
    return NULL;
}

/* --- the loop's side ---------------------------------------------------------------------------------------- */

static bool start_threads(struct writer *w)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, &attr);
    pthread_cond_init(&w->sync_work, NULL);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&w->sync_thread, NULL, sync_main, w) != 0)
        return false;
    if (pthread_create(&w->thread, NULL, writer_main, w) == 0)
        return true;
    w->sync_stop = true;
    pthread_cond_signal(&w->sync_work);
    pthread_join(w->sync_thread, NULL);
    return false;
}

struct writer *writer_new(const struct writer_options *o)
{
    struct writer *w = mem_zalloc(sizeof(*w));
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    w->refresh = o->refresh;
    w->refresh_arg = o->refresh_arg;
    w->fd = o->fd;
    w->file_bytes = w->synced_bytes = w->state.file_bytes = o->fd_bytes;
    w->unsafe_pos = w->synced_pos = w->state.written = w->state.synced = o->pos;
    w->policy = o->policy;
    w->last_sync_us = clock_mono_us();
    entries_init(&w->unsafe);
    entries_init(&w->queue);
    if (w->event_fd < 0 || !start_threads(w)) {
        if (w->event_fd >= 0)
            close(w->event_fd);
        mem_free(w);
        return NULL;
    }
    return w;
}

bool writer_free(struct writer **writer, int64_t patience_ms)
{
    struct writer *w = *writer;
    if (!w)
        return true;
    pthread_mutex_lock(&w->lock);
    w->give_up_us = clock_mono_us() + patience_ms * 1000;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_lock(&w->lock);
    w->sync_stop = true;
    pthread_cond_signal(&w->sync_work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->sync_thread, NULL);

    bool fine = !w->gave_up;
    struct entry *e;
    while ((e = entries_pop(&w->queue)) || (e = entries_pop(&w->unsafe)))
        entry_free(e);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->sync_work);
    close(w->fd);
    close(w->event_fd);
    mem_free(w);
    *writer = NULL;
    return fine;
}

static void submit(struct writer *w, struct entry *e)
{
    pthread_mutex_lock(&w->lock);
    bool idle = w->queue.first == NULL;
    entries_push(&w->queue, e);
    w->state.kept_bytes += e->len;
    if (idle)
        pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void writer_submit(struct writer *w, struct buf *b, uint64_t pos)
{
    assert(b->len > 0 && b->err == ERR_OK);
    struct entry *e = mem_zalloc(sizeof(*e));
    e->data = b->ptr;
    e->len = b->len;
    e->pos = pos;
    buf_init(b);
    submit(w, e);
}

void writer_submit_job(struct writer *w, writer_job_fn fn, void *arg)
{
    struct entry *e = mem_zalloc(sizeof(*e));
    e->fn = fn;
    e->arg = arg;
    submit(w, e);
}

void writer_set_policy(struct writer *w, enum writer_policy policy)
{
    pthread_mutex_lock(&w->lock);
    w->policy = policy;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void writer_want_sync(struct writer *w, uint64_t pos)
{
    pthread_mutex_lock(&w->lock);
    if (pos > w->sync_wish) {
        w->sync_wish = pos;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
}

int writer_event_fd(const struct writer *w)
{
    return w->event_fd;
}

void writer_poll(struct writer *w, struct writer_state *out)
{
    uint64_t count;
    ssize_t ignored = read(w->event_fd, &count, sizeof(count));
    (void)ignored;
    pthread_mutex_lock(&w->lock);
    *out = w->state;
    pthread_mutex_unlock(&w->lock);
}
