#pragma once
/* Memory: jemalloc's, counted by jemalloc. mem_alloc and mem_realloc never return NULL: if a small
 * allocation fails the process ends with a message, as it could not go on anyway. An allocation
 * sized by a client uses the mem_try_ calls, which may fail. Built with CORSAC_LIBC_MALLOC
 * (sanitizers), the same calls go to the C library. */
#include <stdbool.h>
#include <stddef.h>

void *mem_alloc(size_t bytes);                /* uninitialised; bytes > 0 */
void *mem_zalloc(size_t bytes);               /* zeroed */
void *mem_realloc(void *p, size_t bytes);     /* p may be NULL */
void *mem_try_alloc(size_t bytes);            /* NULL when refused */
void *mem_try_zalloc(size_t bytes);           /* NULL when refused */
void *mem_try_realloc(void *p, size_t bytes); /* NULL when refused: p is unchanged */
void *mem_alloc_line(size_t bytes);           /* zeroed, aligned to a cache line */
void mem_free(void *p);                       /* p may be NULL */
/* Spares the allocator a look-up. `bytes` as asked for, or from mem_usable; after mem_alloc_line
 * rounded up to whole lines. */
void mem_free_sized(void *p, size_t bytes);
#define MEM_LINE_BYTES 64 /* of a cache */
/* Frees memory of which `bytes` are known to be allocated. From MEM_LARGE_BYTES_MIN on a thread frees it: the caller
 * does not wait for the kernel, and mem_used falls a little later. Smaller memory is kept by jemalloc (its
 * oversize_threshold), so that the next large value gets pages that are there already. */
#define MEM_LARGE_BYTES_MIN (8 * 1024 * 1024)
void mem_free_large(void *p, size_t bytes);
/* Memory on pages of its own, from which the kernel may send for as long as it likes: MEM_PAGES_BYTES_MIN or more. On
 * huge pages, as far as the kernel has any, all of a size class is resident: up to a fourth more than was asked for. */
#define MEM_PAGE_BYTES      ((size_t)4096)
#define MEM_PAGES_BYTES_MIN ((size_t)16 * 1024)
enum mem_pages { MEM_USUAL_PAGES, MEM_HUGE_PAGES };
void *mem_try_alloc_pages(size_t bytes, enum mem_pages pages); /* NULL when refused */
/* The result is on usual pages. NULL when refused: p is unchanged. */
void *mem_try_realloc_pages(void *p, size_t bytes);
/* `lent`: the kernel was told to send from the memory. Its pages are given up before the memory is used again, so
 * readers of the old pages go on seeing the old bytes. `bytes` as asked for, or from mem_usable. From
 * MEM_LARGE_BYTES_MIN on a thread frees the memory, whose first MEM_FREED_BYTES are written to first: these must not be
 * lent. */
#define MEM_FREED_BYTES 24
void mem_free_pages(void *p, size_t bytes, bool lent);
/* A mapping, for very large values: whole pages that are zero and cost nothing until they are written to, and that grow
 * without a copy. All `bytes` are from mem_map_bytes. mem_try_map and mem_try_remap count as mem_try_ calls. mem_unmap
 * frees as mem_free_pages does with `lent`. */
size_t mem_map_bytes(size_t bytes); /* rounded up to whole pages */
void *mem_try_map(size_t bytes);
void *mem_try_remap(void *p, size_t bytes, size_t wanted); /* NULL when refused: p is unchanged */
void mem_unmap(void *p, size_t bytes);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len); /* copies len bytes and adds a NUL */

/* Bytes set aside for p, or for an allocation of that size. */
size_t mem_usable(const void *p);
size_t mem_good_size(size_t bytes);

struct mem_stats {
    size_t allocated; /* bytes handed out */
    size_t active;    /* bytes in pages that hold them */
    size_t resident;  /* bytes of physical memory that jemalloc holds */
    size_t mapped, retained, metadata;
};
/* Reads the allocator's counters, which walks over its arenas: not for each command. */
void mem_stats(struct mem_stats *out);
/* Adds to the counts of mem_used and mem_stats memory that was mapped past the allocator, and the part of it that is in
 * use. Negative: it was given back. */
void mem_count_mapped(ptrdiff_t used, ptrdiff_t mapped);
/* Bytes handed out; cheap enough for every command that may need memory: a few plain reads. Changes
 * by other threads show within some thousand calls, or at once after mem_stats. */
size_t mem_used(void);
/* Gives unused pages back to the kernel. May take milliseconds. */
void mem_purge(void);
/* Gives unused pages back on a thread of the allocator instead of within the loop's calls. False: the
 * allocator cannot. */
bool mem_purge_in_background(bool on);
/* Name and version of the allocator, such as "jemalloc-5.3.0". Static storage. */
const char *mem_allocator(void);

/* For tests: this thread's nth mem_try_ call fails, counted from this call on (1 is the next); 0: none fails. */
void mem_fail_after(size_t n);
/* The number of calls left until the one that fails; 0: it has failed, or none will. */
size_t mem_fails_in(void);
/* The kernel would map so many more bytes at present. For work that cannot fail halfway, as starting a thread; counts
 * as a mem_try_ call. */
bool mem_has_room(size_t bytes);
/* For allocators on top of this one: counts as a mem_try_ call. True: the call must fail. */
bool mem_should_fail(void);
