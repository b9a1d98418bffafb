#include "base/populate.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/background.h"
#include "base/mem.h"

#ifndef MADV_POPULATE_WRITE
/* Since Linux 5.14. An older kernel refuses it, and pages are made when they are touched. */
#define MADV_POPULATE_WRITE 23
#endif

/* Work is done in pieces of a huge page, so that the kernel's lock on the address space is free in between. */
#define PIECE_BYTES ((size_t)2 << 20)

struct job {
    char *at;
    size_t bytes;
    atomic_bool *done;
};

struct populator {
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* for the fields below */
    pthread_cond_t work;
    bool stop;
    struct job jobs[POPULATE_JOBS_MAX]; /* a ring */
    unsigned first, count;
};

static void run(const struct job *job)
{
    char *end = job->at + job->bytes;
    while (end > job->at) {
        char *piece = (char *)((uintptr_t)(end - 1) & ~(uintptr_t)(PIECE_BYTES - 1));
        if (piece < job->at)
            piece = job->at;
        if (madvise(piece, (size_t)(end - piece), MADV_POPULATE_WRITE) != 0)
            break;
        end = piece;
    }
    if (job->done)
        atomic_store(job->done, true);
}

static void *populator_main(void *arg)
{
    struct populator *p = arg;
    background_enter();
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (p->count == 0) {
            pthread_cond_wait(&p->work, &p->lock);
            continue;
        }
        struct job job = p->jobs[p->first];
        p->first = (p->first + 1) % POPULATE_JOBS_MAX;
        p->count--;
        pthread_mutex_unlock(&p->lock);
        run(&job);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct populator *populator_new(void)
{
    struct populator *p = mem_zalloc(sizeof(*p));
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    return p;
}

void populator_free(struct populator **populator)
{
    struct populator *p = *populator;
    if (!p)
        return;
    if (p->has_thread) {
        pthread_mutex_lock(&p->lock);
        p->stop = true;
        pthread_cond_signal(&p->work);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
    *populator = NULL;
}

bool populator_ask(struct populator *p, void *at, size_t bytes, atomic_bool *done)
{
    if (!p->has_thread)
        p->has_thread = pthread_create(&p->thread, NULL, populator_main, p) == 0;
    if (!p->has_thread)
        return false;
    pthread_mutex_lock(&p->lock);
    bool taken = p->count < POPULATE_JOBS_MAX;
    if (taken) {
        p->jobs[(p->first + p->count++) % POPULATE_JOBS_MAX] = (struct job){at, bytes, done};
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return taken;
}
