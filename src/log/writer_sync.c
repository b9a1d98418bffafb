/* Syncing: on the writer thread for `always`, on a thread of its own while writing goes on.
 *
 *                    the writer thread                  the sync thread
 *     SYNC_IDLE  --- asks (fd, mark) ---> SYNC_ASKED --- fdatasync ---> SYNC_DONE (result)
 *         ^------------------- collects the result ----------------------'
 *
 * The file in use is closed only after collecting, when no sync of it is under way. */
#include <errno.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "log/writer_impl.h"

/* Everything up to `mark` is safe: releases the batches that were kept until then. */
static void note_synced(struct writer *w, struct writer_mark mark, int64_t took_us)
{
    writer_let_go(w, mark.ticket);
    w->synced = mark;
    if (w->kept.ticket < mark.ticket)
        w->kept = mark;
    w->fresh_failed = false;
    pthread_mutex_lock(&w->lock);
    if (!w->state.lost) {
        if (mark.pos > w->state.synced)
            w->state.synced = mark.pos;
        w->state.tickets_synced = mark.ticket;
        w->state.sync_errno = 0;
    }
    w->state.syncs++;
    w->state.slow_syncs += took_us > WRITER_SYNC_MS * 1000;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);
}

/* Collects the sync thread's result; `wait`: waits for a sync under way. Returns its errno; 0 also where there is no
 * result. */
static int collect(struct writer *w, bool wait)
{
    pthread_mutex_lock(&w->lock);
    while (wait && w->sync == SYNC_ASKED)
        pthread_cond_wait(&w->work, &w->lock);
    bool done = w->sync == SYNC_DONE;
    if (done)
        w->sync = SYNC_IDLE;
    pthread_mutex_unlock(&w->lock);
    if (!done)
        return 0;
    if (w->sync_result == 0)
        note_synced(w, w->sync_mark, w->sync_took_us);
    return w->sync_result;
}

static int timed_sync(int fd, int64_t *took_us)
{
    int64_t start = clock_mono_us();
    int rc;
    do
        rc = fdatasync(fd);
    while (rc != 0 && errno == EINTR);
    int error = rc == 0 ? 0 : errno;
    *took_us = clock_mono_us() - start;
    return error;
}

int writer_sync_now(struct writer *w)
{
    int64_t took_us;
    int error = collect(w, true);
    if (error || w->synced.bytes == w->written.bytes)
        return error;
    w->sync_began_us = clock_mono_us();
    error = timed_sync(w->fd, &took_us);
    if (error == 0) {
        writer_gather_synced(w, w->sync_began_us + took_us, took_us);
        note_synced(w, w->written, took_us);
    }
    return error;
}

static void ask(struct writer *w)
{
    w->sync_began_us = clock_mono_us();
    pthread_mutex_lock(&w->lock);
    w->sync = SYNC_ASKED;
    w->sync_fd = w->fd;
    w->sync_mark = w->written;
    pthread_cond_signal(&w->sync_work);
    pthread_mutex_unlock(&w->lock);
}

int64_t writer_sync_due_us(const struct writer *w)
{
    if (w->sync == SYNC_DONE)
        return 0;
    if (w->sync == SYNC_ASKED || w->synced.bytes == w->written.bytes)
        return INT64_MAX;
    if (w->policy == WRITER_ALWAYS || w->sync_wish > w->synced.ticket)
        return 0;
    if (w->policy != WRITER_EVERYSEC)
        return INT64_MAX;
    /* After a failed sync the next one is due at once, as its success ends the fault. */
    bool much = w->fresh_failed || w->written.bytes - w->synced.bytes >= WRITER_SYNC_BYTES;
    return much ? 0 : w->sync_began_us + WRITER_SYNC_MS * 1000;
}

int writer_sync_by_policy(struct writer *w)
{
    int error = collect(w, false);
    if (error)
        return error;
    pthread_mutex_lock(&w->lock);
    bool always = w->policy == WRITER_ALWAYS;
    int64_t due_us = writer_sync_due_us(w);
    pthread_mutex_unlock(&w->lock);
    if (always && w->synced.bytes < w->written.bytes)
        return writer_sync_now(w);
    if (due_us != INT64_MAX && due_us <= clock_mono_us())
        ask(w);
    return 0;
}

void *writer_sync_main(void *writer)
{
    struct writer *w = writer;
    if (w->background)
        background_enter();
    pthread_mutex_lock(&w->lock);
    while (w->sync != SYNC_END) {
        if (w->sync != SYNC_ASKED) {
            pthread_cond_wait(&w->sync_work, &w->lock);
            continue;
        }
        int fd = w->sync_fd;
        int64_t took_us;
        pthread_mutex_unlock(&w->lock);
        int error = timed_sync(fd, &took_us);
        pthread_mutex_lock(&w->lock);
        w->sync_result = error;
        w->sync_took_us = took_us;
        w->sync = SYNC_DONE;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

void writer_sync_stop(struct writer *w)
{
    collect(w, true);
    pthread_mutex_lock(&w->lock);
    w->sync = SYNC_END;
    pthread_cond_signal(&w->sync_work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->sync_thread, NULL);
}
