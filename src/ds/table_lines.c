#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "ds/table_impl.h"

/* Where the buckets are: small tables on the heap, larger ones in a mapping of their own, which the
 * kernel extends or moves by its page tables, without copying and without holding both. Lines that were
 * never used are not backed by memory there. Which of the two it is follows from the size. */

#define MAP_LINES_MIN 4096 /* 256 KiB: what may be copied in one go, in some tens of microseconds */

static bool is_mapped(uint32_t n)
{
    return n >= MAP_LINES_MIN;
}

static size_t bytes_of(uint32_t n)
{
    return (size_t)n * sizeof(struct table_bucket);
}

/* All lines are empty. On the heap they are aligned to cache lines, because the size classes of jemalloc
 * from 64 bytes on are multiples of 64, and whole slabs and pages are cut into them. */
static struct table_bucket *lines_try_new(uint32_t n)
{
    if (!is_mapped(n))
        return mem_try_zalloc(bytes_of(n));
    void *p = mmap(NULL, bytes_of(n), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void lines_free(struct table_bucket *lines, uint32_t n)
{
    if (is_mapped(n))
        munmap(lines, bytes_of(n));
    else
        mem_free(lines);
}

enum err table_lines_resize(struct table *t, uint32_t n)
{
    assert(n > 0 && n <= TABLE_BUCKETS_MAX);
    struct table_bucket *lines;
    uint32_t n_old = t->n_mapped;
    if (is_mapped(n_old) && is_mapped(n)) {
        lines = mremap(t->buckets, bytes_of(n_old), bytes_of(n), MREMAP_MAYMOVE);
        if (lines == MAP_FAILED)
            return ERR_NOMEM;
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
