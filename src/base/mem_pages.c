/* An arena of jemalloc on huge pages, for large values that are sent often. Reading or sending a value on usual pages
 * costs a TLB miss every 4 KiB, and the kernel has to look up each page of a lent value (net/lend.h). The arena has no
 * other memory: huge pages under small allocations would only keep their gaps resident. */
#ifndef CORSAC_LIBC_MALLOC

#include "base/mem_pages.h"

#include <jemalloc/jemalloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#define HUGE_BYTES ((size_t)2 << 20)

/* Global, like the allocator; set up with the first use. */
static struct {
    pthread_once_t once;
    bool ok;
    unsigned arena;
    extent_hooks_t hooks;      /* jemalloc's own, except for `alloc` */
    extent_hooks_t *inherited; /* jemalloc's own */
} pages = {.once = PTHREAD_ONCE_INIT};

/* NOLINTNEXTLINE(readability-function-size): the parameters are jemalloc's */
static void *alloc_huge(extent_hooks_t *hooks, void *new_addr, size_t bytes, size_t alignment,
                        bool *zero, bool *commit, unsigned arena)
{
    if (!new_addr && bytes >= HUGE_BYTES && alignment < HUGE_BYTES)
        alignment = HUGE_BYTES;
    void *at = pages.inherited->alloc(hooks, new_addr, bytes, alignment, zero, commit, arena);
    if (at)
        madvise(at, bytes, MADV_HUGEPAGE); /* if refused, usual pages will do */
    return at;
}

static void set_up(void)
{
    char name[64];
    size_t size = sizeof(pages.arena);
    if (mallctl("arenas.create", &pages.arena, &size, NULL, 0) != 0)
        return;
    snprintf(name, sizeof(name), "arena.%u.extent_hooks", pages.arena);
    size = sizeof(pages.inherited);
    if (mallctl(name, &pages.inherited, &size, NULL, 0) != 0)
        return;
    pages.hooks = *pages.inherited;
    pages.hooks.alloc = alloc_huge;
    extent_hooks_t *hooks = &pages.hooks;
    pages.ok = mallctl(name, NULL, NULL, &hooks, sizeof(hooks)) == 0;
}

int mem_huge_pages_flags(void)
{
    pthread_once(&pages.once, set_up);
    return MALLOCX_TCACHE_NONE | (pages.ok ? MALLOCX_ARENA((int)pages.arena) : 0);
}

#endif
