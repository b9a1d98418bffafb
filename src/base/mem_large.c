/* Freeing large allocations: the kernel takes 20 to 50 ms for 256 MiB, and the
 * allocator gives such memory back within the call. So a thread does it, as there is one for the allocator's own purging.
 * Like that, it is the process's (see mem.c), starts with the first allocation that it is given, and never ends. */
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/background.h"
#include "base/mem.h"

/* In pieces, so that a mapping or unmapping by another thread waits for one of them only. */
#define PIECE_BYTES ((uintptr_t)2 << 20)
#define PAGE_BYTES  ((uintptr_t)4096)

struct dead { /* at the start of what is to be freed */
    struct dead *next;
    size_t bytes;
};

static struct {
    pthread_mutex_t lock; /* for the rest */
    pthread_cond_t work;
    struct dead *first;
    bool has_thread;
} large = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* What lies between has nothing in it any more, so its pages may go before the allocator has it back. */
static void release_pages(struct dead *d)
{
    uintptr_t at = ((uintptr_t)d + sizeof(*d) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
    uintptr_t end = ((uintptr_t)d + d->bytes) & ~(PAGE_BYTES - 1);
    while (at < end) {
        uintptr_t piece_end = (at + PIECE_BYTES) & ~(PIECE_BYTES - 1);
        if (piece_end > end)
            piece_end = end;
        madvise((void *)at, piece_end - at, MADV_DONTNEED);
        at = piece_end;
    }
}

static void *large_main(void *arg)
{
    (void)arg;
    background_enter();
    pthread_mutex_lock(&large.lock);
    for (;;) {
        struct dead *d = large.first;
        if (!d) {
            pthread_cond_wait(&large.work, &large.lock);
            continue;
        }
        large.first = d->next;
        pthread_mutex_unlock(&large.lock);
        release_pages(d);
        mem_free(d);
        pthread_mutex_lock(&large.lock);
    }
    return NULL;
}

static bool start_thread(void)
{
    pthread_t thread;
    if (!large.has_thread && pthread_create(&thread, NULL, large_main, NULL) == 0) {
        large.has_thread = true;
        pthread_detach(thread);
    }
    return large.has_thread;
}

void mem_free_large(void *p, size_t bytes)
{
    if (bytes < MEM_LARGE_BYTES_MIN) {
        mem_free(p);
        return;
    }
    struct dead *d = p;
    pthread_mutex_lock(&large.lock);
    bool taken = start_thread();
    if (taken) {
        *d = (struct dead){large.first, bytes};
        large.first = d;
        pthread_cond_signal(&large.work);
    }
    pthread_mutex_unlock(&large.lock);
    if (!taken)
        mem_free(p);
}
