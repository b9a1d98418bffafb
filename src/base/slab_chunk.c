#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/slab_impl.h"

static void *map_aligned(void)
{
    void *p =
        mmap(NULL, SLAB_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if ((uintptr_t)p % SLAB_CHUNK_BYTES == 0) /* newer kernels place mappings of this size so */
        return p;
    munmap(p, SLAB_CHUNK_BYTES);
    char *room = mmap(NULL, 2 * SLAB_CHUNK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)room % SLAB_CHUNK_BYTES;
    if (before > 0)
        munmap(room, before);
    munmap(room + before + SLAB_CHUNK_BYTES, SLAB_CHUNK_BYTES - before);
    return room + before;
}

/* With its pages there, one huge one if the kernel has it. */
static void *map_populated(void)
{
    char *p = map_aligned();
    if (!p)
        return NULL;
    madvise(p, SLAB_CHUNK_BYTES, MADV_HUGEPAGE);
    for (size_t at = 0; at < SLAB_CHUNK_BYTES; at += 4096)
        ((volatile char *)p)[at] = 0;
    return p;
}

static void *source_main(void *source)
{
    struct slab_source *s = source;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (s->ready || !s->wanted) {
            pthread_cond_wait(&s->work, &s->lock);
            continue;
        }
        s->wanted = false;
        pthread_mutex_unlock(&s->lock);
        void *chunk = map_populated();
        pthread_mutex_lock(&s->lock);
        s->ready = chunk;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void slab_source_init(struct slab_source *s)
{
    *s = (struct slab_source){.ready = NULL};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
}

void slab_source_deinit(struct slab_source *s)
{
    if (s->has_thread) {
        pthread_mutex_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->work);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    if (s->ready)
        slab_source_put(s->ready);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
}

void slab_source_expect(struct slab_source *s)
{
    if (!s->has_thread)
        s->has_thread = pthread_create(&s->thread, NULL, source_main, s) == 0;
    pthread_mutex_lock(&s->lock);
    s->wanted = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
}

void *slab_source_try_get(struct slab_source *s)
{
    pthread_mutex_lock(&s->lock);
    void *chunk = s->ready;
    s->ready = NULL;
    pthread_mutex_unlock(&s->lock);
    return chunk ? chunk : map_aligned();
}

void slab_source_put(void *chunk)
{
    munmap(chunk, SLAB_CHUNK_BYTES);
}
