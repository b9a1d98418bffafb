/* Freeing large allocations. The allocator gives them back to the kernel within the call, and the kernel can take many
 * milliseconds. So a thread of the process frees them. It starts with the first one and never ends. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/background.h"
#include "base/mem.h"

/* Pages are given up in pieces, so that another thread's mmap or munmap waits for one piece only. */
#define PIECE_BYTES ((uintptr_t)2 << 20)

/* Stands at the start of memory to be freed. */
struct dead {
    struct dead *next;
    size_t bytes;
    bool lent;   /* the memory is on pages of its own, which are to be given up */
    bool mapped; /* the memory is from mem_try_map */
};
static_assert(sizeof(struct dead) <= MEM_FREED_BYTES, "what is lent is not written to");

static struct {
    pthread_mutex_t lock; /* for the other fields */
    pthread_cond_t work;
    struct dead *first;
    bool has_thread;
} large = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* Gives up the pages from `at` to `end`. False: the kernel did not take all of them. */
static bool release_pages(uintptr_t at, uintptr_t end)
{
    bool ok = true;
    while (at < end) {
        uintptr_t piece_end = (at + PIECE_BYTES) & ~(PIECE_BYTES - 1);
        if (piece_end > end)
            piece_end = end;
        ok = madvise((void *)at, piece_end - at, MADV_DONTNEED) == 0 && ok;
        at = piece_end;
    }
    return ok;
}

static uintptr_t page_down(uintptr_t at)
{
    return at & ~(MEM_PAGE_BYTES - 1);
}

static uintptr_t page_up(uintptr_t at)
{
    return page_down(at + MEM_PAGE_BYTES - 1);
}

/* If the pages cannot be given up (locked ones, for instance) the memory is leaked: that is better than changing bytes
 * that are still being sent. */
static void free_lent(void *p, size_t bytes)
{
    if (release_pages(page_down((uintptr_t)p), page_up((uintptr_t)p + bytes)))
        mem_free(p);
}

static void unmap_now(void *p, size_t bytes)
{
    uintptr_t at = (uintptr_t)p, end = at + bytes;
    for (; at < end; at += PIECE_BYTES)
        munmap((void *)at, end - at < PIECE_BYTES ? end - at : PIECE_BYTES);
    mem_count_mapped(-(ptrdiff_t)bytes, -(ptrdiff_t)bytes);
}

/* Nothing behind the head is needed, so pages are given up piece by piece before the allocator gets the memory. */
static void free_dead(struct dead *d)
{
    if (d->mapped) {
        unmap_now(d, d->bytes);
        return;
    }
    if (d->lent) {
        free_lent(d, d->bytes);
        return;
    }
    release_pages(page_up((uintptr_t)d + sizeof(*d)), page_down((uintptr_t)d + d->bytes));
    mem_free(d);
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
        free_dead(d);
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

/* False: there is no thread, and the caller has to free the memory. */
static bool hand_over(void *p, struct dead how)
{
    struct dead *d = p;
    pthread_mutex_lock(&large.lock);
    bool taken = start_thread();
    if (taken) {
        *d = how;
        d->next = large.first;
        large.first = d;
        pthread_cond_signal(&large.work);
    }
    pthread_mutex_unlock(&large.lock);
    return taken;
}

void mem_free_large(void *p, size_t bytes)
{
    if (bytes < MEM_LARGE_BYTES_MIN || !hand_over(p, (struct dead){.bytes = bytes}))
        mem_free(p);
}

void mem_free_pages(void *p, size_t bytes, bool lent)
{
    if (bytes >= MEM_LARGE_BYTES_MIN && hand_over(p, (struct dead){.bytes = bytes, .lent = lent}))
        return;
    if (lent)
        free_lent(p, bytes);
    else
        mem_free(p);
}

/* --- mappings --------------------------------------------------------------------------------------- */

size_t mem_map_bytes(size_t bytes)
{
    return (bytes + MEM_PAGE_BYTES - 1) & ~(MEM_PAGE_BYTES - 1);
}

/* A mapping that begins where a page table does, so that the kernel moves whole page tables when the mapping moves. */
static void *map_aligned(size_t bytes)
{
    char *p =
        mmap(NULL, bytes + PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t ahead = (PIECE_BYTES - (uintptr_t)p % PIECE_BYTES) % PIECE_BYTES;
    if (ahead > 0)
        munmap(p, ahead);
    munmap(p + ahead + bytes, PIECE_BYTES - ahead);
    return p + ahead;
}

void *mem_try_map(size_t bytes)
{
    assert(bytes > 0 && bytes % MEM_PAGE_BYTES == 0);
    if (mem_should_fail())
        return NULL;
    void *p = map_aligned(bytes);
    if (!p)
        return NULL;
    mem_count_mapped((ptrdiff_t)bytes, (ptrdiff_t)bytes);
    return p;
}

void *mem_try_remap(void *p, size_t bytes, size_t wanted)
{
    assert(wanted > 0 && wanted % MEM_PAGE_BYTES == 0);
    if (mem_should_fail())
        return NULL;
    void *moved = mremap(p, bytes, wanted, 0);
    if (moved == MAP_FAILED) {
        void *there = map_aligned(wanted);
        if (!there)
            return NULL;
        moved = mremap(p, bytes, wanted, MREMAP_MAYMOVE | MREMAP_FIXED, there);
        if (moved == MAP_FAILED)
            munmap(there, wanted);
    }
    if (moved == MAP_FAILED)
        return NULL;
    ptrdiff_t grown = (ptrdiff_t)wanted - (ptrdiff_t)bytes;
    mem_count_mapped(grown, grown);
    return moved;
}

void mem_unmap(void *p, size_t bytes)
{
    if (bytes < MEM_LARGE_BYTES_MIN || !hand_over(p, (struct dead){.bytes = bytes, .mapped = true}))
        unmap_now(p, bytes);
}
