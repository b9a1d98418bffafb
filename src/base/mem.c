#include "base/mem.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The state here is global because the allocator is the process's. Each variable is a thread's own
 * (_Thread_local) or one atomic count, so nothing is locked. */

/* Bytes taken from the kernel past the allocator, and the part of them that is in use. */
static _Atomic size_t mapped_bytes, mapped_used_bytes;

void mem_count_mapped(ptrdiff_t used, ptrdiff_t mapped)
{
    if (used)
        atomic_fetch_add_explicit(&mapped_used_bytes, (size_t)used, memory_order_relaxed);
    if (mapped)
        atomic_fetch_add_explicit(&mapped_bytes, (size_t)mapped, memory_order_relaxed);
}

static inline size_t mapped(void)
{
    return atomic_load_explicit(&mapped_bytes, memory_order_relaxed);
}

static inline size_t mapped_used(void)
{
    return atomic_load_explicit(&mapped_used_bytes, memory_order_relaxed);
}

/* 0: off; otherwise the call that brings it to 0 fails. */
static _Thread_local size_t fail_countdown;

void mem_fail_after(size_t n)
{
    fail_countdown = n;
}

size_t mem_fails_in(void)
{
    return fail_countdown;
}

static inline bool should_fail(void)
{
    return __builtin_expect(fail_countdown > 0, 0) && --fail_countdown == 0;
}

bool mem_should_fail(void)
{
    return should_fail();
}

bool mem_has_room(size_t bytes)
{
    if (should_fail())
        return false;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED && munmap(p, bytes) == 0;
}

/* Uses write(2), as stdio may need memory. */
__attribute__((noreturn, cold)) static void die_out_of_memory(size_t bytes)
{
    char text[96];
    int len =
        snprintf(text, sizeof(text), "Out of memory: %zu bytes were refused. Aborting.\n", bytes);
    ssize_t ignored = write(STDERR_FILENO, text, (size_t)len);
    (void)ignored;
    abort();
}

#ifdef CORSAC_LIBC_MALLOC

#include <malloc.h>

/* Sanitizers replace malloc and count nothing, so this variant counts itself. It is slow, but lets
 * maxmemory be tested under sanitizers. */
static atomic_size_t used_bytes;

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&used_bytes, malloc_usable_size(p), memory_order_relaxed);
    return p;
}

static void uncount(void *p)
{
    atomic_fetch_sub_explicit(&used_bytes, malloc_usable_size(p), memory_order_relaxed);
}

static void *raw_alloc(size_t bytes)
{
    return counted(malloc(bytes));
}

static void *raw_zalloc(size_t bytes)
{
    return counted(calloc(1, bytes));
}

static void *raw_realloc(void *p, size_t bytes)
{
    size_t before = p ? malloc_usable_size(p) : 0;
    void *moved = realloc(p, bytes);
    if (moved)
        atomic_fetch_sub_explicit(&used_bytes, before, memory_order_relaxed);
    return counted(moved);
}

static void *raw_alloc_pages(size_t bytes, enum mem_pages pages)
{
    (void)pages;
    size_t whole_pages = (bytes + MEM_PAGE_BYTES - 1) & ~(MEM_PAGE_BYTES - 1);
    return counted(aligned_alloc(MEM_PAGE_BYTES, whole_pages));
}

static void *raw_realloc_pages(void *p, size_t bytes)
{
    void *moved = raw_alloc_pages(bytes, MEM_USUAL_PAGES);
    size_t before = malloc_usable_size(p);
    if (moved) {
        memcpy(moved, p, before < bytes ? before : bytes);
        mem_free(p);
    }
    return moved;
}

static void *raw_alloc_line(size_t bytes)
{
    void *p = counted(aligned_alloc(MEM_LINE_BYTES, bytes));
    if (p)
        memset(p, 0, bytes);
    return p;
}

void mem_free(void *p)
{
    if (p)
        uncount(p);
    free(p);
}

void mem_free_sized(void *p, size_t bytes)
{
    assert(!p || bytes <= malloc_usable_size(p));
    mem_free(p);
}

size_t mem_usable(const void *p)
{
    return malloc_usable_size((void *)p);
}

size_t mem_good_size(size_t bytes)
{
    return bytes;
}

size_t mem_used(void)
{
    return atomic_load_explicit(&used_bytes, memory_order_relaxed) + mapped_used();
}

void mem_stats(struct mem_stats *out)
{
    size_t used = mem_used();
    size_t held = used - mapped_used() + mapped();
    *out = (struct mem_stats){.allocated = used, .active = held, .resident = held, .mapped = held};
}

void mem_purge(void)
{
    malloc_trim(0);
}

bool mem_purge_in_background(bool on)
{
    return !on;
}

const char *mem_allocator(void)
{
    return "libc";
}

#else

#include <jemalloc/jemalloc.h>

#include "base/mem_pages.h"

#define TEXT_OF(macro)          TEXT_OF_(macro)
#define TEXT_OF_(value)         #value
#define ALL_ARENAS              TEXT_OF(MALLCTL_ARENAS_ALL)

static void *raw_alloc(size_t bytes)
{
    return malloc(bytes);
}

static void *raw_zalloc(size_t bytes)
{
    return calloc(1, bytes);
}

static void *raw_realloc(void *p, size_t bytes)
{
    return realloc(p, bytes);
}

static void *raw_alloc_pages(size_t bytes, enum mem_pages pages)
{
    int flags = pages == MEM_HUGE_PAGES ? mem_huge_pages_flags() : MALLOCX_TCACHE_NONE;
    return mallocx(bytes, flags);
}

static void *raw_realloc_pages(void *p, size_t bytes)
{
    return rallocx(p, bytes, MALLOCX_TCACHE_NONE);
}

static void *raw_alloc_line(size_t bytes)
{
    return mallocx(bytes, MALLOCX_ALIGN(MEM_LINE_BYTES) | MALLOCX_ZERO);
}

void mem_free(void *p)
{
    free(p);
}

void mem_free_sized(void *p, size_t bytes)
{
    if (p)
        sdallocx(p, bytes, 0);
}

size_t mem_usable(const void *p)
{
    return sallocx(p, 0);
}

size_t mem_good_size(size_t bytes)
{
    return nallocx(bytes, 0);
}

/* The process-wide count needs a walk over the arenas. A thread's own counts of bytes taken and
 * returned are two plain numbers that jemalloc keeps up to date anyway. So mem_used is the process's
 * count at the last walk, plus the changes of the calling thread since. Changes of other threads are
 * unseen until the next walk, which comes after this many calls, or with mem_stats. */
#define MEM_CALLS_BETWEEN_WALKS 4096

static _Thread_local struct {
    const uint64_t *taken, *returned; /* jemalloc's counters of this thread */
    uint64_t offset;                  /* process's count - (*taken - *returned) at the walk */
    unsigned calls_left;              /* until the next walk */
} tally;

static size_t read_counter(const char *name)
{
    size_t value = 0, size = sizeof(value);
    mallctl(name, &value, &size, NULL, 0);
    return value;
}

/* Walks over the arenas and returns the bytes handed out, without those in threads' caches, which
 * jemalloc counts, too. */
static size_t walk(void)
{
    size_t size = sizeof(tally.taken);
    if (!tally.taken) {
        mallctl("thread.allocatedp", &tally.taken, &size, NULL, 0);
        mallctl("thread.deallocatedp", &tally.returned, &size, NULL, 0);
    }
    uint64_t epoch = 1;
    size = sizeof(epoch);
    mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch));
    size_t allocated = read_counter("stats.allocated") -
                       read_counter("stats.arenas." ALL_ARENAS ".tcache_bytes") -
                       read_counter("stats.arenas." ALL_ARENAS ".tcache_stashed_bytes");
    tally.offset = allocated - (*tally.taken - *tally.returned);
    tally.calls_left = MEM_CALLS_BETWEEN_WALKS;
    return allocated;
}

size_t mem_used(void)
{
    if (__builtin_expect(tally.calls_left == 0, 0))
        return walk() + mapped_used();
    tally.calls_left--;
    size_t used = tally.offset + *tally.taken - *tally.returned;
    /* Negative: this thread gave back memory that others took since the walk. */
    if (__builtin_expect(used > SIZE_MAX / 2, 0))
        used = walk();
    return used + mapped_used();
}

void mem_stats(struct mem_stats *out)
{
    size_t more = mapped();
    out->allocated = walk() + mapped_used();
    out->active = read_counter("stats.active") + more;
    out->resident = read_counter("stats.resident") + more;
    out->mapped = read_counter("stats.mapped") + more;
    out->retained = read_counter("stats.retained");
    out->metadata = read_counter("stats.metadata");
}

void mem_purge(void)
{
    /* First this thread's cache, then the unused pages of all arenas. */
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    mallctl("arena." ALL_ARENAS ".purge", NULL, NULL, NULL, 0);
}

bool mem_purge_in_background(bool on)
{
    return mallctl("background_thread", NULL, NULL, &on, sizeof(on)) == 0;
}

const char *mem_allocator(void)
{
    return "jemalloc-" TEXT_OF(JEMALLOC_VERSION_MAJOR) "." TEXT_OF(
        JEMALLOC_VERSION_MINOR) "." TEXT_OF(JEMALLOC_VERSION_BUGFIX);
}

#endif

void *mem_try_alloc(size_t bytes)
{
    assert(bytes > 0);
    return should_fail() ? NULL : raw_alloc(bytes);
}

void *mem_try_zalloc(size_t bytes)
{
    assert(bytes > 0);
    return should_fail() ? NULL : raw_zalloc(bytes);
}

void *mem_try_realloc(void *p, size_t bytes)
{
    assert(bytes > 0);
    return should_fail() ? NULL : raw_realloc(p, bytes);
}

void *mem_try_alloc_pages(size_t bytes, enum mem_pages pages)
{
    assert(bytes >= MEM_PAGES_BYTES_MIN);
    return should_fail() ? NULL : raw_alloc_pages(bytes, pages);
}

void *mem_try_realloc_pages(void *p, size_t bytes)
{
    assert(bytes >= MEM_PAGES_BYTES_MIN);
    return should_fail() ? NULL : raw_realloc_pages(p, bytes);
}

void *mem_alloc(size_t bytes)
{
    assert(bytes > 0);
    void *p = raw_alloc(bytes);
    if (!p)
        die_out_of_memory(bytes);
    return p;
}

void *mem_zalloc(size_t bytes)
{
    assert(bytes > 0);
    void *p = raw_zalloc(bytes);
    if (!p)
        die_out_of_memory(bytes);
    return p;
}

void *mem_realloc(void *p, size_t bytes)
{
    assert(bytes > 0);
    void *moved = raw_realloc(p, bytes);
    if (!moved)
        die_out_of_memory(bytes);
    return moved;
}

void *mem_alloc_line(size_t bytes)
{
    assert(bytes > 0 && bytes <= SIZE_MAX - MEM_LINE_BYTES);
    size_t whole_lines = (bytes + MEM_LINE_BYTES - 1) & ~(size_t)(MEM_LINE_BYTES - 1);
    void *p = raw_alloc_line(whole_lines);
    if (!p)
        die_out_of_memory(bytes);
    return p;
}

char *mem_strndup(const char *s, size_t len)
{
    char *copy = mem_alloc(len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}
