#pragma once
/* Memory: jemalloc's, counted by jemalloc. mem_alloc and mem_realloc never return NULL: a small
 * allocation that fails ends the process with a message, as there is nothing sane left to do.
 * Whatever a client sizes goes through the mem_try_ calls, which may fail and are checked.
 * Built with CORSAC_LIBC_MALLOC (sanitizers), the same calls go to the C library. */
#include <stdbool.h>
#include <stddef.h>

void *mem_alloc(size_t bytes);                /* uninitialised; bytes > 0 */
void *mem_zalloc(size_t bytes);               /* zeroed */
void *mem_realloc(void *p, size_t bytes);     /* p may be NULL */
void *mem_try_alloc(size_t bytes);            /* NULL when refused */
void *mem_try_zalloc(size_t bytes);           /* NULL when refused */
void *mem_try_realloc(void *p, size_t bytes); /* NULL when refused: p is as it was */
void *mem_alloc_line(size_t bytes);           /* zeroed, aligned to a cache line */
void mem_free(void *p);                       /* p may be NULL */
/* Spares the allocator a look-up. Bytes as given at allocation, or as mem_usable tells; what
 * mem_alloc_line gave counts in whole lines. */
void mem_free_sized(void *p, size_t bytes);
#define MEM_LINE_BYTES 64 /* of a cache */
/* For what may be large: from MEM_LARGE_BYTES_MIN on, of which `bytes` must be there, a thread frees it. Whoever calls
 * does not wait for the kernel; mem_used tells of it a little later. Below that jemalloc keeps what it gets (its
 * oversize_threshold), so that who sets values of a megabyte gets pages that are there already. */
#define MEM_LARGE_BYTES_MIN (8 * 1024 * 1024)
void mem_free_large(void *p, size_t bytes);
/* Memory on pages that hold nothing else, for what the kernel may be told to read where it lies for as long as it
 * likes: MEM_PAGES_BYTES_MIN and more. On huge pages, where the kernel has some, all of a size class is resident, up to
 * a fourth more than what was asked for. */
#define MEM_PAGE_BYTES      ((size_t)4096)
#define MEM_PAGES_BYTES_MIN ((size_t)16 * 1024)
enum mem_pages { MEM_USUAL_PAGES, MEM_HUGE_PAGES };
void *mem_try_alloc_pages(size_t bytes, enum mem_pages pages); /* NULL when refused */
void *
mem_try_realloc_pages(void *p,
                      size_t bytes); /* on usual pages then; NULL when refused: p is as it was */
/* `lent`: the kernel was told. Then the pages themselves are given up before the memory is used again, and who still
 * reads them goes on seeing the old bytes. `bytes` as given, or as mem_usable tells; a thread frees large ones, as
 * above. Their first MEM_FREED_BYTES are written to before the pages are given up: nobody may be told to read these. */
#define MEM_FREED_BYTES 24
void mem_free_pages(void *p, size_t bytes, bool lent);
/* A mapping of its own, for what is very large: whole pages, zero until they are written to, so that a gap costs
 * nothing; and it grows without a copy. `bytes` of mem_map_bytes each. Counts as a mem_try_ call. Like those of
 * mem_free_pages its pages are given up before they are used again, by a thread where there are many, and its first
 * MEM_FREED_BYTES are written to. */
size_t mem_map_bytes(size_t bytes); /* rounded up to whole pages */
void *mem_try_map(size_t bytes);
void *mem_try_remap(void *p, size_t bytes, size_t wanted); /* NULL when refused: p is as it was */
void mem_unmap(void *p, size_t bytes);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len); /* copies len bytes and adds a NUL */

/* Bytes really set aside for p, or for an allocation of that size. */
size_t mem_usable(const void *p);
size_t mem_good_size(size_t bytes);

struct mem_stats {
    size_t allocated; /* bytes handed out */
    size_t active;    /* bytes in pages that hold them */
    size_t resident;  /* bytes of physical memory that jemalloc holds */
    size_t mapped, retained, metadata;
};
/* Reads the allocator's counters (7 us). */
void mem_stats(struct mem_stats *out);
/* Counts memory that somebody took from the kernel past this (a mapping; negative: gave back), and how much of it is in
 * use, so that mem_used and mem_stats tell of it. */
void mem_count_mapped(ptrdiff_t used, ptrdiff_t mapped);
/* Bytes handed out; cheap enough for every command that may need memory: a few plain reads, 3 ns.
 * What other threads took or freed shows up within some thousand calls, or at once after
 * mem_stats. */
size_t mem_used(void);
/* Gives unused pages back to the kernel. May take milliseconds. */
void mem_purge(void);
/* Gives unused pages back on a thread of the allocator's own instead of now and then inside a call
 * of the loop's. False when the allocator cannot. */
bool mem_purge_in_background(bool on);
/* Name and version of the allocator, such as "jemalloc-5.3.0". Static storage. */
const char *mem_allocator(void);

/* For tests: this thread's nth mem_try_ call from now on fails (1 is the next); 0 for none. */
void mem_fail_after(size_t n);
size_t mem_fails_in(void); /* calls that are yet to come; 0: it has failed, or none will */
/* The kernel would give so many more bytes now. For what cannot fail halfway, such as threads; counts as a
 * mem_try_ call. */
bool mem_has_room(size_t bytes);
/* For allocators on top of this one: is it the turn of this call to fail? */
bool mem_should_fail(void);
