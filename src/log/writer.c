#include "log/writer.h"

#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "log/writer_impl.h"

/* Safe batches that are dropped at once: after each submission, and after each writer_poll. The bytes are limited, too,
 * as the memory of large batches and their blobs goes back to the system; at least one batch is dropped. */
#define DROPS_MAX_TURN  8
#define DROPS_MAX_POLL  128
#define DROPS_BYTES_MAX (16 * 1024 * 1024)

/* --- lists of entries ----------------------------------------------------------------------- */

void entries_init(struct entries *l)
{
    l->first = NULL;
    l->end = &l->first;
}

void entries_push(struct entries *l, struct entry *e)
{
    e->next = NULL;
    *l->end = e;
    l->end = &e->next;
}

struct entry *entries_pop(struct entries *l)
{
    struct entry *e = l->first;
    if (e && !(l->first = e->next))
        l->end = &l->first;
    return e;
}

void entries_move(struct entries *l, struct entries *to)
{
    if (!l->first)
        return;
    *to->end = l->first;
    to->end = l->end;
    entries_init(l);
}

/* Entries with a batch are freed on the loop's thread only, where batches are dropped. */
void entries_free(struct entries *l)
{
    struct entry *e;
    while ((e = entries_pop(l))) {
        if (e->batch)
            batch_drop(e->batch);
        buf_deinit(&e->bytes);
        mem_free(e);
    }
}

/* --- an entry in the file ------------------------------------------------------------------- */

static void seal(struct entry *e)
{
    uint32_t crc = crc32c(0, e->bytes.ptr, e->bytes.len);
    format_seal(e->seal, e->pos, batch_crc(e->batch, crc));
    e->sealed = true;
}

int entry_vectors(struct entry *e, size_t skip, struct iovec *out, int max)
{
    int n = 0;
    if (e->batch && !e->sealed)
        seal(e);
    if (skip < e->bytes.len && max > 0)
        out[n++] = (struct iovec){e->bytes.ptr + skip, e->bytes.len - skip};
    skip -= skip < e->bytes.len ? skip : e->bytes.len;
    if (!e->batch)
        return n;
    if (skip < e->batch->len)
        n += batch_vectors(e->batch, skip, out + n, max - n);
    skip -= skip < e->batch->len ? skip : e->batch->len;
    if (n < max)
        out[n++] = (struct iovec){e->seal + skip, SEAL_BYTES - skip};
    return n;
}

/* --- what both sides do --------------------------------------------------------------------- */

void writer_tell(struct writer *w)
{
    uint64_t one = 1;
    if (w->told)
        return;
    w->told = true;
    /* Where the counter is full, event_fd is readable already. */
    ssize_t ignored = write(w->event_fd, &one, sizeof(one));
    (void)ignored;
}

static void push_spare(struct writer *w, struct entry *e)
{
    w->spare_count++;
    w->spare_bytes += e->bytes.cap;
    entries_push(&w->spare, e);
}

/* NULL: there is none. */
static struct entry *pop_spare(struct writer *w)
{
    struct entry *e = entries_pop(&w->spare);
    if (e) {
        w->spare_count--;
        w->spare_bytes -= e->bytes.cap;
    }
    return e;
}

void writer_let_go(struct writer *w, uint64_t ticket)
{
    struct entries some, rest, done;
    size_t bytes = 0, most = 0;
    entries_init(&some);
    entries_init(&rest);
    entries_init(&done);
    while (w->unsafe.first && w->unsafe.first->ticket <= ticket) {
        struct entry *e = entries_pop(&w->unsafe);
        bytes += e->len;
        if (e->batch) {
            entries_push(&done, e);
            continue;
        }
        most += e->bytes.cap;
        buf_clear(&e->bytes);
        entries_push(e->bytes.cap <= WRITER_SPARE_BYTES_MAX ? &some : &rest, e);
    }
    if (most < WRITER_SPARE_BYTES)
        most = WRITER_SPARE_BYTES;
    pthread_mutex_lock(&w->lock);
    w->state.kept_bytes -= bytes;
    entries_move(&done, &w->done);
    while (some.first && w->spare_count < WRITER_SPARE_MAX &&
           w->spare_bytes + some.first->bytes.cap <= most)
        push_spare(w, entries_pop(&some));
    /* More are kept than the latest sync released. */
    while (w->spare_bytes > most)
        entries_push(&rest, pop_spare(w));
    pthread_mutex_unlock(&w->lock);
    entries_free(&some);
    entries_free(&rest);
}

/* An entry with nothing in it. */
static struct entry *new_entry(struct writer *w)
{
    struct entry *e = entries_pop(&w->idle);
    if (!e)
        return mem_zalloc(sizeof(*e));
    w->idle_count--;
    *e = (struct entry){0};
    return e;
}

/* Drops at most `most` safe batches, as one sync may release thousands. */
static void drop_some(struct writer *w, int most)
{
    size_t bytes = 0;
    for (struct entry *e; most > 0 && bytes < DROPS_BYTES_MAX && (e = entries_pop(&w->let_go));
         most--) {
        bytes += e->len;
        batch_drop(e->batch);
        e->batch = NULL;
        buf_deinit(&e->bytes);
        if (w->idle_count == WRITER_SPARE_MAX) {
            mem_free(e);
        } else {
            w->idle_count++;
            entries_push(&w->idle, e);
        }
    }
}

/* --- life ----------------------------------------------------------------------------------- */

static int start_threads(struct writer *w)
{
    int rc = pthread_create(&w->sync_thread, NULL, writer_sync_main, w);
    if (rc != 0)
        return rc;
    rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0)
        writer_sync_stop(w);
    return rc;
}

static void destroy(struct writer *w)
{
    entries_free(&w->queue);
    entries_free(&w->unsafe);
    entries_free(&w->spare);
    entries_free(&w->done);
    entries_free(&w->let_go);
    entries_free(&w->idle);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->sync_work);
    if (w->event_fd_owned && w->event_fd >= 0)
        close(w->event_fd);
    mem_free(w);
}

struct writer *writer_new(const struct writer_options *o)
{
    struct writer *w = mem_zalloc(sizeof(*w));
    w->event_fd_owned = o->event_fd == 0;
    w->event_fd = w->event_fd_owned ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : o->event_fd;
    w->background = o->background;
    w->pass_over = o->pass_over;
    w->refresh = o->refresh;
    w->end = o->end;
    w->arg = o->arg;
    w->fd = o->fd;
    w->synced = w->kept = w->written = o->start;
    w->pos = o->start.pos;
    w->state.file_bytes = o->start.bytes;
    w->state.written = w->state.synced = o->start.pos;
    w->policy = o->policy;
    w->sync_began_us = clock_mono_us();
    entries_init(&w->unsafe);
    entries_init(&w->queue);
    entries_init(&w->spare);
    entries_init(&w->done);
    entries_init(&w->let_go);
    entries_init(&w->idle);

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, &attr);
    pthread_cond_init(&w->sync_work, NULL);
    pthread_condattr_destroy(&attr);
    int error = w->event_fd < 0 ? errno : start_threads(w);
    if (error) {
        destroy(w);
        errno = error;
        return NULL;
    }
    return w;
}

void writer_stop(struct writer *w, int64_t patience_ms)
{
    pthread_mutex_lock(&w->lock);
    if (!w->give_up_us) {
        w->give_up_us = clock_mono_us() + (patience_ms > 0 ? patience_ms * 1000 : 0);
        w->discard = patience_ms < 0;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
}

bool writer_free(struct writer **writer, int64_t patience_ms)
{
    struct writer *w = *writer;
    if (!w)
        return true;
    writer_stop(w, patience_ms);
    pthread_join(w->thread, NULL);
    bool fine = !w->gave_up;
    destroy(w);
    *writer = NULL;
    return fine;
}

/* --- handing over --------------------------------------------------------------------------- */

/* Queues the entry; under `lock`, which it releases. Wakes the writer thread where the queue was empty, or where the
 * thread gathers (writer_gather.c) and need not wait any longer. */
static uint64_t submit(struct writer *w, struct entry *e)
{
    bool wake = w->queue.first == NULL;
    uint64_t ticket = e->ticket = ++w->ticket;
    if (!e->fn)
        w->pos = e->pos;
    entries_push(&w->queue, e);
    entries_move(&w->done, &w->let_go);
    w->state.kept_bytes += e->len;
    w->queued_waiting += e->waiting;
    w->queued_job = w->queued_job || e->fn;
    wake = wake || (w->enough && (e->fn || w->queued_waiting >= w->enough));
    pthread_mutex_unlock(&w->lock);
    if (wake)
        pthread_cond_signal(&w->work);
    drop_some(w, DROPS_MAX_TURN);
    return ticket;
}

uint64_t writer_submit_batch(struct writer *w, struct batch *b, struct buf *head, unsigned waiting)
{
    struct entry *e = new_entry(w);
    assert(b->len > 0 && head->err == ERR_OK);
    e->bytes = *head;
    buf_init(head);
    e->batch = batch_hold(b);
    e->len = e->bytes.len + b->len + SEAL_BYTES;
    e->pos = b->pos;
    e->tag = b->end_db;
    e->waiting = waiting;
    pthread_mutex_lock(&w->lock);
    return submit(w, e);
}

uint64_t writer_submit(struct writer *w, struct buf *b, uint64_t pos, int tag, unsigned waiting)
{
    assert(b->len > 0 && b->err == ERR_OK);
    struct buf full = *b;
    pthread_mutex_lock(&w->lock);
    struct entry *e = pop_spare(w);
    if (!e) {
        e = mem_zalloc(sizeof(*e));
        buf_init(&e->bytes);
    }
    *b = e->bytes;
    e->bytes = full;
    e->len = full.len;
    e->pos = pos;
    e->tag = tag;
    e->waiting = waiting;
    uint64_t ticket = submit(w, e);
    /* The next batch will be about as long: reserving that at once costs less than doubling up to it. */
    if (b->cap == 0) {
        size_t like = full.len < WRITER_SPARE_BYTES_MAX ? full.len : WRITER_SPARE_BYTES_MAX;
        if (buf_reserve(b, like) != ERR_OK)
            buf_clear(b);
    }
    return ticket;
}

uint64_t writer_submit_job(struct writer *w, writer_job_fn fn, void *arg)
{
    struct entry *e = mem_zalloc(sizeof(*e));
    e->fn = fn;
    e->arg = arg;
    pthread_mutex_lock(&w->lock);
    return submit(w, e);
}

void writer_set_policy(struct writer *w, enum writer_policy policy)
{
    pthread_mutex_lock(&w->lock);
    w->policy = policy;
    /* Replies that waited for a sync may go, where the new policy asks for none. */
    writer_tell(w);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
}

void writer_set_rest(struct writer *w, int64_t us)
{
    pthread_mutex_lock(&w->lock);
    w->rest_us = us;
    pthread_mutex_unlock(&w->lock);
}

/* The caller knows positions, the writer tickets: `pos` has the last one submitted, or the next one. */
void writer_want_sync(struct writer *w, uint64_t pos)
{
    uint64_t ticket = pos > w->pos ? w->ticket + 1 : w->ticket;
    pthread_mutex_lock(&w->lock);
    if (ticket > w->sync_wish) {
        w->sync_wish = ticket;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->lock);
}

void writer_want_written(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->tell_written = true;
    pthread_mutex_unlock(&w->lock);
}

void writer_healed(struct writer *w, uint64_t pos)
{
    pthread_mutex_lock(&w->lock);
    if (w->state.lost && pos >= w->state.lost) {
        w->state.lost = 0;
        w->state.sync_errno = 0;
        if (w->synced.pos > w->state.synced)
            w->state.synced = w->synced.pos;
        w->state.tickets_synced = w->synced.ticket;
        writer_tell(w);
    }
    pthread_mutex_unlock(&w->lock);
}

/* --- state ---------------------------------------------------------------------------------- */

int writer_event_fd(const struct writer *w)
{
    return w->event_fd;
}

void writer_hush(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->hushed = true;
    pthread_mutex_unlock(&w->lock);
}

bool writer_look(struct writer *w, struct writer_state *out)
{
    pthread_mutex_lock(&w->lock);
    bool some = w->hushed_some;
    w->hushed = w->hushed_some = false;
    if (some)
        *out = w->state;
    pthread_mutex_unlock(&w->lock);
    return some;
}

void writer_poll(struct writer *w, struct writer_state *out)
{
    uint64_t count;
    if (w->event_fd_owned) {
        ssize_t ignored = read(w->event_fd, &count, sizeof(count));
        (void)ignored;
    }
    pthread_mutex_lock(&w->lock);
    w->told = false;
    *out = w->state;
    entries_move(&w->done, &w->let_go);
    pthread_mutex_unlock(&w->lock);
    drop_some(w, DROPS_MAX_POLL);
}
