/* The writer thread: writes queued batches, runs the jobs between them, and recovers from faults. */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/mem.h"
#include "log/writer_impl.h"

void writer_wait(struct writer *w, int64_t until_us)
{
    if (until_us == INT64_MAX) {
        pthread_cond_wait(&w->work, &w->lock);
        return;
    }
    struct timespec at = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_cond_timedwait(&w->work, &w->lock, &at);
}

/* Waits for WRITER_RETRY_MS. False: stopping, and patience has ended. */
static bool wait_to_retry(struct writer *w)
{
    int64_t now_us = clock_mono_us(), until_us = now_us + WRITER_RETRY_MS * 1000;
    pthread_mutex_lock(&w->lock);
    while (now_us < until_us && !(w->give_up_us && w->give_up_us <= now_us)) {
        writer_wait(w, w->give_up_us && w->give_up_us < until_us ? w->give_up_us : until_us);
        now_us = clock_mono_us();
    }
    bool go_on = w->give_up_us == 0 || now_us < w->give_up_us;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

/* --- files ---------------------------------------------------------------------------------- */

static void use_file(struct writer *w, const struct writer_file *file, struct writer_mark from)
{
    w->fd = file->fd;
    from.bytes = file->bytes;
    w->synced = w->kept = w->written = from;
    w->partial = 0;
    pthread_mutex_lock(&w->lock);
    w->state.file_bytes = file->bytes;
    pthread_mutex_unlock(&w->lock);
}

/* Cuts off half a batch, or batches that could not be synced: the loader of another server may stop at them. */
static void cut(int fd, uint64_t bytes)
{
    int rc = ftruncate(fd, (off_t)bytes);
    (void)rc; /* a failing disk may fail here, too; Corsac's own loader goes by positions */
}

/* Cuts the earlier files once the one in use holds their batches, too. Not before: until then they are
 * what survives the death of the process. */
static void cut_stale(struct writer *w)
{
    if (w->stale_count == 0 || w->written.pos < w->stale_pos)
        return;
    while (w->stale_count) {
        w->stale_count--;
        cut(w->stale[w->stale_count].fd, w->stale[w->stale_count].bytes);
        close(w->stale[w->stale_count].fd);
    }
}

static void retire_file(struct writer *w)
{
    if (w->kept.bytes == w->written.bytes || w->stale_count == WRITER_STALE_MAX) {
        close(w->fd);
        return;
    }
    w->stale[w->stale_count].fd = w->fd;
    w->stale[w->stale_count++].bytes = w->kept.bytes;
    if (w->written.pos > w->stale_pos)
        w->stale_pos = w->written.pos;
}

static void note_write_errno(struct writer *w, int error)
{
    pthread_mutex_lock(&w->lock);
    w->state.write_errno = error;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);
}

/* A sync failed: the batches kept since the last good one go back in front of `batches`, to be written
 * to a fresh file. False: stopping. */
static bool start_over(struct writer *w, struct entries *batches, int error)
{
    pthread_mutex_lock(&w->lock);
    w->state.sync_errno = error;
    if (w->kept.pos > w->synced.pos)
        w->state.lost = w->kept.pos;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);

    struct writer_file file = {.fd = -1};
    /* A disk may take files but no data. */
    if (w->fresh_failed && !wait_to_retry(w))
        return false;
    while (!w->refresh || !w->refresh(w->arg, &w->kept, &file)) {
        note_write_errno(w, w->refresh ? errno : error); /* nothing is written until it works */
        if (!wait_to_retry(w))
            return false;
    }
    note_write_errno(w, 0);
    retire_file(w);
    use_file(w, &file, w->kept);
    w->fresh_failed = true;
    entries_move(batches, &w->unsafe);
    entries_move(&w->unsafe, batches);
    return true;
}

/* --- writing -------------------------------------------------------------------------------- */

/* `n` more bytes are in the file: batches that are there whole become unsafe (written, not synced). */
static void take_in(struct writer *w, struct entries *batches, size_t n)
{
    n += w->partial;
    while (batches->first && !batches->first->fn && n >= batches->first->len) {
        struct entry *e = entries_pop(batches);
        n -= e->len;
        w->written.bytes += e->len;
        w->written.ticket = e->ticket;
        w->written.pos = e->pos;
        w->written.tag = e->tag;
        entries_push(&w->unsafe, e);
    }
    w->partial = n;
}

/* One call's worth of the batches ahead of the next job. Returns errno. */
static int write_once(struct writer *w, struct entries *batches)
{
    struct iovec iov[WRITER_VECTORS_MAX];
    int count = 0;
    size_t skip = w->partial;
    for (struct entry *e = batches->first; e && !e->fn && count < WRITER_VECTORS_MAX; e = e->next) {
        count += entry_vectors(e, skip, iov + count, WRITER_VECTORS_MAX - count);
        skip = 0;
    }
    ssize_t n = pwritev(w->fd, iov, count, (off_t)(w->written.bytes + w->partial));
    if (n > 0)
        take_in(w, batches, (size_t)n);
    return n < 0 ? errno : n == 0 ? ENOSPC : 0;
}

/* Writes batches ahead of the next job, as many as one call takes. Half a batch is no success: a full disk
 * that takes so much would look mended for a moment. Returns errno. */
static int write_some(struct writer *w, struct entries *batches)
{
    int error;
    do
        error = write_once(w, batches);
    while (error == EINTR || (error == 0 && w->partial));
    if (error && w->fd >= 0)
        cut(w->fd, w->written.bytes);
    if (error)
        w->partial = 0;
    return error;
}

/* With `no` written batches are released: it promises nothing beyond the page cache. */
static void drop_unsafe(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool keep = w->policy != WRITER_NO;
    pthread_mutex_unlock(&w->lock);
    if (keep)
        return;
    writer_let_go(w, w->written.ticket);
    w->kept = w->written;
}

static void note_written(struct writer *w, int error)
{
    drop_unsafe(w);
    pthread_mutex_lock(&w->lock);
    if (w->written.pos > w->state.written)
        w->state.written = w->written.pos;
    if (w->written.ticket > w->state.tickets_written)
        w->state.tickets_written = w->written.ticket;
    /* With `always` replies wait for the sync that follows: the loop is not woken twice. */
    bool fine = !error && !w->state.write_errno;
    bool matters = w->policy != WRITER_ALWAYS || w->tell_written || error != w->state.write_errno;
    w->state.write_errno = error;
    w->state.file_bytes = w->written.bytes;
    if (matters && w->hushed && fine)
        w->hushed_some = true;
    else if (matters)
        writer_tell(w);
    pthread_mutex_unlock(&w->lock);
    cut_stale(w);
}

/* There is no file yet: the snapshot will hold what these batches say. */
static void pass_over(struct writer *w, struct entries *batches)
{
    while (batches->first && !batches->first->fn) {
        struct entry *e = entries_pop(batches);
        w->written.ticket = e->ticket;
        w->written.pos = e->pos;
        w->written.tag = e->tag;
        entries_push(&w->unsafe, e);
    }
    w->synced = w->kept = w->written;
    writer_let_go(w, w->written.ticket);
    pthread_mutex_lock(&w->lock);
    w->state.written = w->state.synced = w->written.pos;
    w->state.tickets_written = w->state.tickets_synced = w->written.ticket;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);
}

/* Everything before a job is synced before it runs, as the job may make another file the last one. */
static int run_job(struct writer *w, struct entries *batches)
{
    int error = writer_sync_now(w);
    if (error)
        return error;
    struct entry *job = entries_pop(batches);
    struct writer_file file = {.fd = -1};
    job->fn(job->arg, &file);
    if (file.fd >= 0) {
        if (w->fd >= 0)
            close(w->fd);
        use_file(w, &file, w->written);
    }
    w->written.ticket = w->kept.ticket = w->synced.ticket = job->ticket;
    mem_free(job);
    pthread_mutex_lock(&w->lock);
    w->state.tickets_written = w->written.ticket;
    if (!w->state.lost)
        w->state.tickets_synced = w->synced.ticket;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);
    return 0;
}

/* For tests: waits as for a slow disk, but not beyond the end of patience. */
static void rest(struct writer *w)
{
    int64_t now_us = clock_mono_us();
    pthread_mutex_lock(&w->lock);
    int64_t until_us = now_us + w->rest_us;
    while (w->rest_us && now_us < until_us && !(w->give_up_us && w->give_up_us <= now_us)) {
        writer_wait(w, until_us);
        now_us = clock_mono_us();
    }
    pthread_mutex_unlock(&w->lock);
}

/* Writes, syncs and runs jobs until `batches` is empty. False: patience has ended. */
static bool work_off(struct writer *w, struct entries *batches)
{
    int error;
    while (batches->first) {
        if (batches->first->fn) {
            error = run_job(w, batches);
        } else if (w->fd < 0 && w->pass_over) {
            pass_over(w, batches);
            error = 0;
        } else {
            rest(w);
            int write_error = write_some(w, batches);
            note_written(w, write_error);
            if (write_error && !wait_to_retry(w))
                return false;
            error = writer_sync_by_policy(w);
        }
        if (error && !start_over(w, batches, error))
            return false;
    }
    error = writer_sync_by_policy(w);
    return !error || start_over(w, batches, error);
}

/* Waits for something to do and takes it. False: stopping, and nothing is left. */
static bool take(struct writer *w, struct entries *batches)
{
    pthread_mutex_lock(&w->lock);
    while (!w->queue.first && !batches->first && !w->give_up_us) {
        if (w->policy == WRITER_NO && w->unsafe.first) {
            pthread_mutex_unlock(&w->lock);
            drop_unsafe(w);
            pthread_mutex_lock(&w->lock);
            writer_tell(w);
            continue;
        }
        int64_t due_us = writer_sync_due_us(w);
        if (due_us != INT64_MAX && due_us <= clock_mono_us())
            break;
        writer_wait(w, due_us);
    }
    if (w->queue.first && !batches->first)
        writer_gather(w);
    writer_gather_take(w);
    entries_move(&w->queue, batches);
    bool stopping = w->give_up_us != 0, discard = w->discard;
    pthread_mutex_unlock(&w->lock);
    return !discard && (batches->first || !stopping);
}

/* A thread's first allocation also takes memory for jemalloc itself, which does not survive that there is none: so it
 * is made while there is some. */
static void warm_allocator(void)
{
    mem_free(mem_try_alloc(1));
}

void *writer_main(void *writer)
{
    struct writer *w = writer;
    warm_allocator();
    struct entries batches;
    bool fine = true;
    entries_init(&batches);
    if (w->background)
        background_enter();
    do {
        while (fine && take(w, &batches))
            fine = work_off(w, &batches);
        pthread_mutex_lock(&w->lock);
        fine = fine && !w->discard;
        pthread_mutex_unlock(&w->lock);
        int error = fine ? writer_sync_now(w) : 0;
        if (error)
            fine = start_over(w, &batches, error);
    } while (fine && batches.first);

    writer_sync_stop(w);
    while (w->stale_count)
        close(w->stale[--w->stale_count].fd);
    if (w->fd >= 0)
        close(w->fd);
    if (w->end)
        w->end(w->arg);
    pthread_mutex_lock(&w->lock);
    /* The loop frees what is left. */
    entries_move(&batches, &w->queue);
    w->gave_up = !fine;
    w->state.ended = true;
    writer_tell(w);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}
