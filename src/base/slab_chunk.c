#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/slab_impl.h"

static void *map_aligned(void)
{
    const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    void *p = mmap(NULL, SLAB_CHUNK_BYTES, prot, flags, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if ((uintptr_t)p % SLAB_CHUNK_BYTES == 0) /* newer kernels align mappings of this size */
        return p;
    munmap(p, SLAB_CHUNK_BYTES);
    char *room = mmap(NULL, 2 * SLAB_CHUNK_BYTES, prot, flags, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)room % SLAB_CHUNK_BYTES;
    if (before > 0)
        munmap(room, before);
    munmap(room + before + SLAB_CHUNK_BYTES, SLAB_CHUNK_BYTES - before);
    return room + before;
}

void slab_source_init(struct slab_source *s, struct populator *populator)
{
    *s = (struct slab_source){.populator = populator};
}

void slab_source_deinit(struct slab_source *s)
{
    if (s->next)
        slab_source_put(s->next);
}

void slab_source_expect(struct slab_source *s)
{
    if (!s->populator || s->next)
        return;
    s->next = map_aligned();
    if (!s->next)
        return;
    atomic_store(&s->next_ready, false);
    madvise(s->next, SLAB_CHUNK_BYTES, MADV_HUGEPAGE);
    if (populator_ask(s->populator, s->next, SLAB_CHUNK_BYTES, &s->next_ready))
        return;
    slab_source_put(s->next);
    s->next = NULL;
}

void *slab_source_try_get(struct slab_source *s)
{
    if (!s->next || !atomic_load(&s->next_ready))
        return map_aligned();
    void *chunk = s->next;
    s->next = NULL;
    return chunk;
}

void slab_source_put(void *chunk)
{
    munmap(chunk, SLAB_CHUNK_BYTES);
}
