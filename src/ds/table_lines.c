#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "ds/table_impl.h"

/* Memory for buckets: a small table has them on the heap, a larger one in a mapping of its own. The
 * kernel extends or moves a mapping by its page tables, without copying and without holding both.
 * Lines of a mapping that were never used are not backed by memory.
 *
 * Huge pages make look-ups in large tables faster, but an insert may wait for milliseconds while the
 * kernel makes one. So they are asked for only where no client waits: while a log is loaded
 * (table_expect), and ahead of growing (table_reserve). */

#define MAP_LINES_MIN 512 /* 32 KiB: less is quick to copy */

/* The bytes that one page of the page table maps. If a mapping moves by a multiple of this, the
 * kernel hands over whole pages of the page table instead of copying them, which is much faster. */
#define MAP_SPAN_BYTES ((size_t)2 << 20)

static bool is_mapped(uint32_t n)
{
    return n >= MAP_LINES_MIN;
}

static size_t bytes_of(uint32_t n)
{
    return (size_t)n * sizeof(struct table_bucket);
}

/* Empty lines. On the heap they are aligned to cache lines, because jemalloc rounds a multiple of 64
 * bytes up to a size class that is one, too, and cuts whole pages into it. NULL: no memory. */
static struct table_bucket *lines_try_new(uint32_t n)
{
    if (!is_mapped(n))
        return mem_try_zalloc(bytes_of(n));
    void *p = mmap(NULL, bytes_of(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    mem_count_mapped((ptrdiff_t)bytes_of(n), (ptrdiff_t)bytes_of(n));
    return p;
}

static void lines_free(struct table_bucket *lines, uint32_t n)
{
    if (is_mapped(n)) {
        munmap(lines, bytes_of(n));
        mem_count_mapped(-(ptrdiff_t)bytes_of(n), -(ptrdiff_t)bytes_of(n));
    } else {
        mem_free(lines);
    }
}

/* As mremap, with a choice of the new place. A mapping that becomes as large as MAP_SPAN_BYTES goes to a multiple of
 * it, so that it can have huge pages. A larger one moves by a multiple of it. */
static void *remap(void *old, size_t old_bytes, size_t new_bytes)
{
    bool becomes_large = old_bytes < MAP_SPAN_BYTES && new_bytes >= MAP_SPAN_BYTES;
    if (new_bytes < MAP_SPAN_BYTES)
        return mremap(old, old_bytes, new_bytes, MREMAP_MAYMOVE);
    void *moved = becomes_large ? MAP_FAILED : mremap(old, old_bytes, new_bytes, 0);
    if (moved != MAP_FAILED)
        return moved;
    char *room = mmap(NULL, new_bytes + MAP_SPAN_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return room;
    uintptr_t like = becomes_large ? 0 : (uintptr_t)old;
    size_t before = (like - (uintptr_t)room) % MAP_SPAN_BYTES;
    char *place = room + before;
    moved = mremap(old, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place);
    /* If mremap failed, the kernel has unmapped the place already, and another thread may have it. */
    if (before > 0)
        munmap(room, before);
    munmap(place + new_bytes, MAP_SPAN_BYTES - before);
    return moved;
}

enum err table_lines_resize(struct table *t, uint32_t n)
{
    assert(n > 0 && n <= TABLE_BUCKETS_MAX);
    struct table_bucket *lines;
    uint32_t n_old = t->n_mapped;
    if (is_mapped(n_old) && is_mapped(n)) {
        lines = remap(t->buckets, bytes_of(n_old), bytes_of(n));
        if (lines == MAP_FAILED)
            return ERR_NOMEM;
        ptrdiff_t more = (ptrdiff_t)bytes_of(n) - (ptrdiff_t)bytes_of(n_old);
        mem_count_mapped(more, more);
    } else {
        lines = lines_try_new(n);
        if (!lines)
            return ERR_NOMEM;
        if (t->buckets) {
            memcpy(lines, t->buckets, bytes_of(n < n_old ? n : n_old));
            lines_free(t->buckets, n_old);
        }
    }
    t->buckets = lines;
    t->n_mapped = n;
    return ERR_OK;
}

/* If madvise fails, pages have the usual size. */
void table_lines_huge(struct table *t, bool huge)
{
    if (is_mapped(t->n_mapped))
        (void)madvise(t->buckets, bytes_of(t->n_mapped), huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

void table_lines_free(struct table *t)
{
    if (t->buckets)
        lines_free(t->buckets, t->n_mapped);
    t->buckets = NULL;
    t->n_mapped = t->n_low = t->n_high = 0;
    t->boundary = 0;
}

size_t table_memory(const struct table *t)
{
    return bytes_of(t->n_mapped) + (size_t)t->chained * sizeof(struct table_bucket) -
           (size_t)t->chained_short * (sizeof(struct table_bucket) - TABLE_SHORT_BYTES);
}
