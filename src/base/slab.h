#pragma once
/* Memory for very many small allocations of few sizes: a slab allocator (Bonwick, "The Slab Allocator", USENIX 1994).
 *
 *   heap -> chunks of 2 MiB, on a huge page if one is ready
 *        -> slabs of 64 KiB, each of cells of one size
 *        -> cells, whose sizes are 8 bytes apart up to 256 bytes, and 16 up to SLAB_CELL_BYTES_MAX
 *
 * jemalloc's size classes are at least 16 bytes apart, which wastes up to half of that on each small item. And look-ups
 * in large data sets spend much of their time on TLB misses, which huge pages spare. Larger sizes go to jemalloc.
 *
 * Huge pages are prepared on the populator's thread ahead of their use. A chunk has ordinary pages if no huge one is
 * ready. The first chunk always has, so that a small data set takes little memory.
 *
 * A heap belongs to one thread. Built with CORSAC_LIBC_MALLOC (sanitizers), every cell is an allocation of the C
 * library, so that sanitizers find each access beyond it. */
#include <stddef.h>
#include <stdint.h>

#define SLAB_CELL_BYTES_MAX 1024
#define SLAB_BYTES          (64 * 1024)
#define SLAB_CHUNK_BYTES    (2 * 1024 * 1024)

struct slab_heap;
struct populator; /* base/populate.h */
/* Borrows the populator for life; NULL: chunks have ordinary pages. */
struct slab_heap *slab_heap_new(struct populator *populator);
/* Every cell must have been freed: asserted. Larger allocations are not checked. */
void slab_heap_free(struct slab_heap **h);

/* Uninitialised memory, aligned to 8 bytes. NULL: no memory. Counts as a mem_try_ call for mem_fail_after. */
void *slab_try_alloc(struct slab_heap *h, size_t bytes);
/* `bytes` as asked for, or another number with the same slab_good_size. */
void slab_free(void *p, size_t bytes);
/* The bytes that an allocation of that size takes. */
size_t slab_good_size(size_t bytes);

struct slab_stats {
    size_t cells;        /* in use */
    size_t cell_bytes;   /* of cells in use */
    size_t slabs;        /* in use */
    size_t mapped_bytes; /* of all chunks */
};
void slab_stats(const struct slab_heap *h, struct slab_stats *out);
/* For tests: every invariant, by assertion. */
void slab_validate(const struct slab_heap *h);
