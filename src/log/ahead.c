#include "log/ahead.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

/* A thread that found the ring full goes on once so few batches wait: waking it costs as much as loading some keys. */
#define WAKE_AT (AHEAD_BATCHES / 2)

/* A batch, or the end. */
struct slot {
    enum reader_status status;
    struct reader_batch batch; /* in the slot's memory, or the reader's: then it is lent */
    struct reader_report report;
    bool lent;
    char *text;                      /* owned: what its arguments are slices of */
    struct slice *args;              /* owned */
    struct reader_command *commands; /* owned */
    size_t text_cap, args_cap, commands_cap;
};

struct ahead {
    struct reader *reader; /* while `threaded` the thread's alone */
    bool threaded;
    pthread_t thread;
    bool holding; /* the loop's own: it looks at slots[taken] */
    struct reader_report report;

    pthread_mutex_t lock; /* of all below; a slot's content belongs to one thread at a time */
    pthread_cond_t filled, freed;
    bool stop, loop_waits;
    uint64_t given, taken; /* slots ever filled and emptied; the nth is slots[n % AHEAD_BATCHES] */
    struct slot slots[AHEAD_BATCHES];
};

/* --- on the thread -------------------------------------------------------------------------- */

static bool room_for(void **at, size_t *cap, size_t count, size_t bytes_each)
{
    if (*cap >= count)
        return true;
    void *p = mem_try_realloc(*at, count * bytes_each);
    if (!p)
        return false;
    *at = p;
    *cap = count;
    return true;
}

/* Copies a batch into the slot. False: it is too large for that, or there is no memory. */
static bool copy_batch(struct slot *s, const struct reader_batch *b)
{
    if (b->count == 0)
        return true;
    /* The reader's commands are in the order of the file, and their arguments one behind the other. */
    const struct reader_command *last = &b->commands[b->count - 1];
    const struct slice *args = b->commands[0].argv, *args_end = last->argv + last->argc;
    const char *text = args[0].ptr, *end = args_end[-1].ptr + args_end[-1].len;
    size_t bytes = (size_t)(end - text), n = (size_t)(args_end - args);
    if (bytes > AHEAD_COPY_BYTES_MAX || !room_for((void **)&s->text, &s->text_cap, bytes, 1) ||
        !room_for((void **)&s->args, &s->args_cap, n, sizeof(*s->args)) ||
        !room_for((void **)&s->commands, &s->commands_cap, b->count, sizeof(*s->commands)))
        return false;
    /* Without bytes `text` may be NULL. */
    if (bytes > 0)
        memcpy(s->text, text, bytes);
    for (size_t i = 0; i < n; i++)
        s->args[i] = slice_of(s->text + (args[i].ptr - text), args[i].len);
    for (size_t i = 0; i < b->count; i++)
        s->commands[i] = (struct reader_command){.argv = s->args + (b->commands[i].argv - args),
                                                 .argc = b->commands[i].argc,
                                                 .at = b->commands[i].at};
    s->batch.commands = s->commands;
    return true;
}

static void fill_slot(struct ahead *a, struct slot *s)
{
    struct reader_batch b;
    s->status = reader_next(a->reader, &b);
    s->batch = b;
    s->lent = s->status == READER_BATCH && !copy_batch(s, &b);
    reader_report(a->reader, &s->report);
}

/* Hands the slot over. False: nothing is to follow. */
static bool hand_over(struct ahead *a, const struct slot *s)
{
    bool last = s->status != READER_BATCH;
    /* A lent batch is good until the reader goes on: the thread waits until it was applied. */
    uint64_t most = s->lent ? 0 : AHEAD_BATCHES - 1, wake_at = s->lent ? 0 : WAKE_AT;
    pthread_mutex_lock(&a->lock);
    a->given++;
    if (a->loop_waits)
        pthread_cond_signal(&a->filled);
    if (!last && a->given - a->taken > most)
        while (!a->stop && a->given - a->taken > wake_at)
            pthread_cond_wait(&a->freed, &a->lock);
    bool go_on = !last && !a->stop;
    pthread_mutex_unlock(&a->lock);
    return go_on;
}

static void *read_ahead(void *arg)
{
    struct ahead *a = arg;
    struct slot *s;
    uint64_t next = 0;
    do {
        s = &a->slots[next++ % AHEAD_BATCHES];
        fill_slot(a, s);
    } while (hand_over(a, s));
    return NULL;
}

/* --- on the loop ---------------------------------------------------------------------------- */

static void drop_lock(struct ahead *a)
{
    pthread_cond_destroy(&a->filled);
    pthread_cond_destroy(&a->freed);
    pthread_mutex_destroy(&a->lock);
}

static void start_thread(struct ahead *a)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->filled, &attr);
    pthread_cond_init(&a->freed, &attr);
    pthread_condattr_destroy(&attr);
    a->threaded = pthread_create(&a->thread, NULL, read_ahead, a) == 0;
    if (!a->threaded)
        drop_lock(a);
}

enum err ahead_open(struct ahead **out, const char *path)
{
    struct reader *reader;
    enum err e = reader_open(&reader, path);
    if (e != ERR_OK)
        return e;
    struct ahead *a = mem_zalloc(sizeof(*a));
    a->reader = reader;
    reader_report(reader, &a->report);
    if (a->report.file_bytes >= AHEAD_FILE_BYTES_MIN)
        start_thread(a); /* where that fails, the loop reads */
    *out = a;
    return ERR_OK;
}

static void end_thread(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->freed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    drop_lock(a);
    a->threaded = false;
}

void ahead_close(struct ahead **ahead)
{
    struct ahead *a = *ahead;
    if (!a)
        return;
    if (a->threaded)
        end_thread(a);
    for (int i = 0; i < AHEAD_BATCHES; i++) {
        mem_free(a->slots[i].text);
        mem_free(a->slots[i].args);
        mem_free(a->slots[i].commands);
    }
    reader_close(&a->reader);
    mem_free(a);
    *ahead = NULL;
}

/* Gives back the slot that the loop was looking at, and waits for the next one. NULL: it was not filled in time. */
static struct slot *take_slot(struct ahead *a)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += AHEAD_WAIT_US * 1000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&a->lock);
    a->taken += a->holding;
    if (a->holding && (a->given - a->taken == WAKE_AT || a->given == a->taken))
        pthread_cond_signal(&a->freed);
    a->loop_waits = true;
    int rc = 0;
    while (a->given == a->taken && rc == 0)
        rc = pthread_cond_timedwait(&a->filled, &a->lock, &until);
    a->loop_waits = false;
    a->holding = a->given > a->taken;
    struct slot *s = a->holding ? &a->slots[a->taken % AHEAD_BATCHES] : NULL;
    pthread_mutex_unlock(&a->lock);
    return s;
}

enum reader_status ahead_next(struct ahead *a, struct reader_batch *out)
{
    *out = (struct reader_batch){0};
    if (!a->threaded) {
        enum reader_status status = reader_next(a->reader, out);
        reader_report(a->reader, &a->report);
        return status;
    }
    const struct slot *s = take_slot(a);
    if (!s)
        return READER_LATER;
    a->report = s->report;
    if (s->status == READER_BATCH)
        *out = s->batch;
    else
        end_thread(a);
    return s->status;
}

void ahead_report(const struct ahead *a, struct reader_report *out)
{
    *out = a->report;
}

struct reader *ahead_reader(const struct ahead *a)
{
    return a->threaded ? NULL : a->reader;
}
