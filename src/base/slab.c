#include "base/slab.h"

#include <assert.h>
#include <stdbool.h>

#include "base/mem.h"
#include "base/prefetch.h"
#include "base/slab_impl.h"

/* A class takes cells from one slab until it is full, then from a partial slab, or else from a new one. */
struct slab_class {
    struct slab *current; /* never NULL: at first `none` of the heap */
    struct slab *partial; /* the other slabs with free cells */
};

#define EXPECT_SLABS     16   /* unused slabs left when the next chunk is prepared */
#define TOLD_AFTER_BYTES 4096 /* changes up to this much are not passed on to mem_used yet */

struct slab_heap {
    struct slab_class classes[SLAB_CLASSES];
    struct slab none;         /* has no cells */
    struct slab_chunk *roomy; /* chunks with unused slabs */
    size_t chunks, empty; /* all chunks; those without a used slab, of which at most one is kept */
    size_t cells, cell_bytes, slabs;
    ptrdiff_t untold_bytes; /* changes not yet passed on to mem_used */
    struct slab_source source;
};

static inline unsigned class_of(size_t bytes)
{
    if (bytes <= SLAB_FINE_BYTES_MAX)
        return (unsigned)((bytes + SLAB_FINE_STEP - 1) / SLAB_FINE_STEP) - 1;
    return SLAB_FINE_CLASSES +
           (unsigned)((bytes - SLAB_FINE_BYTES_MAX + SLAB_COARSE_STEP - 1) / SLAB_COARSE_STEP) - 1;
}

static inline size_t class_bytes(unsigned class)
{
    return class < SLAB_FINE_CLASSES
               ? (class + 1) * SLAB_FINE_STEP
               : SLAB_FINE_BYTES_MAX + (class - SLAB_FINE_CLASSES + 1) * SLAB_COARSE_STEP;
}

static inline struct slab_chunk *chunk_of(const void *p)
{
    return (struct slab_chunk *)((uintptr_t)p & ~(uintptr_t)(SLAB_CHUNK_BYTES - 1));
}

static inline struct slab *slab_of(const void *p)
{
    return &chunk_of(p)->slabs[(uintptr_t)p % SLAB_CHUNK_BYTES / SLAB_BYTES];
}

/* --- chunks ------------------------------------------------------------------------------------------ */

static void chunk_link(struct slab_heap *h, struct slab_chunk *c)
{
    c->prev = NULL;
    c->next = h->roomy;
    if (c->next)
        c->next->prev = c;
    h->roomy = c;
}

static void chunk_unlink(struct slab_heap *h, struct slab_chunk *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        h->roomy = c->next;
    if (c->next)
        c->next->prev = c->prev;
}

static bool add_chunk(struct slab_heap *h)
{
    struct slab_chunk *c = slab_source_try_get(&h->source);
    if (!c)
        return false;
    c->heap = h;
    c->unused = UINT32_MAX;
    h->chunks++;
    h->empty++;
    chunk_link(h, c);
    mem_count_mapped(0, SLAB_CHUNK_BYTES);
    return true;
}

static void drop_chunk(struct slab_heap *h, struct slab_chunk *c)
{
    chunk_unlink(h, c);
    h->chunks--;
    h->empty--;
    mem_count_mapped(0, -(ptrdiff_t)SLAB_CHUNK_BYTES);
    slab_source_put(c);
}

/* --- slabs ------------------------------------------------------------------------------------------- */

static void partial_push(struct slab_class *k, struct slab *s)
{
    s->state = SLAB_PARTIAL;
    s->prev = NULL;
    s->next = k->partial;
    if (s->next)
        s->next->prev = s;
    k->partial = s;
}

static void partial_remove(struct slab_class *k, struct slab *s)
{
    if (s->prev)
        s->prev->next = s->next;
    else
        k->partial = s->next;
    if (s->next)
        s->next->prev = s->prev;
}

static struct slab *new_slab(struct slab_heap *h, unsigned class)
{
    if (!h->roomy && !add_chunk(h))
        return NULL;
    struct slab_chunk *c = h->roomy;
    if (c->unused == UINT32_MAX)
        h->empty--;
    unsigned i = (unsigned)__builtin_ctz(c->unused);
    c->unused &= c->unused - 1;
    if (c->unused == 0)
        chunk_unlink(h, c);
    if (!c->next && __builtin_popcount(c->unused) == EXPECT_SLABS)
        slab_source_expect(&h->source);
    h->slabs++;
    char *start = (char *)c + (size_t)i * SLAB_BYTES;
    c->slabs[i] = (struct slab){
        .fresh = i == 0 ? start + SLAB_HEADER_BYTES : start,
        .end = start + SLAB_BYTES,
        .cell_bytes = (uint32_t)class_bytes(class),
        .class = (uint16_t) class,
    };
    return &c->slabs[i];
}

static void release_slab(struct slab_heap *h, struct slab *s)
{
    struct slab_chunk *c = chunk_of(s);
    s->state = SLAB_UNUSED;
    h->slabs--;
    if (c->unused == 0)
        chunk_link(h, c);
    c->unused |= UINT32_C(1) << (s - c->slabs);
    if (c->unused != UINT32_MAX)
        return;
    h->empty++;
    if (h->empty > 1)
        drop_chunk(h, c);
}

static inline bool has_cells(const struct slab *s)
{
    return s->free || s->fresh + s->cell_bytes <= s->end;
}

/* Replaces the full current slab of a class. False: no memory. */
static bool next_slab(struct slab_heap *h, unsigned class)
{
    struct slab_class *k = &h->classes[class];
    struct slab *next = k->partial;
    if (next)
        partial_remove(k, next);
    else
        next = new_slab(h, class);
    if (!next)
        return false;
    k->current->state = SLAB_FULL;
    k->current = next;
    next->state = SLAB_CURRENT;
    return true;
}

/* --- cells ------------------------------------------------------------------------------------------- */

static inline void count(struct slab_heap *h, ptrdiff_t bytes)
{
    h->cell_bytes += (size_t)bytes;
    h->untold_bytes += bytes;
    if (__builtin_expect(h->untold_bytes > TOLD_AFTER_BYTES || h->untold_bytes < -TOLD_AFTER_BYTES,
                         0)) {
        mem_count_mapped(h->untold_bytes, 0);
        h->untold_bytes = 0;
    }
}

static void *cell_alloc(struct slab_heap *h, unsigned class)
{
    struct slab *s = h->classes[class].current;
    if (__builtin_expect(!has_cells(s), 0)) {
        if (!next_slab(h, class))
            return NULL;
        s = h->classes[class].current;
    }
    void *p = s->free;
    if (p) {
        s->free = s->free->next;
        prefetch_line(s->free);
    } else {
        p = s->fresh;
        s->fresh += s->cell_bytes;
    }
    s->used++;
    h->cells++;
    count(h, s->cell_bytes);
    return p;
}

static void cell_free(void *p)
{
    struct slab *s = slab_of(p);
    struct slab_heap *h = chunk_of(p)->heap;
    struct slab_cell *cell = p;
    cell->next = s->free;
    s->free = cell;
    s->used--;
    h->cells--;
    count(h, -(ptrdiff_t)s->cell_bytes);
    if (s->state == SLAB_CURRENT)
        return;
    struct slab_class *k = &h->classes[s->class];
    if (s->used == 0) {
        if (s->state == SLAB_PARTIAL)
            partial_remove(k, s);
        release_slab(h, s);
    } else if (s->state == SLAB_FULL) {
        partial_push(k, s);
    }
}

#ifdef CORSAC_LIBC_MALLOC
#define CELLS false
#else
#define CELLS true
#endif

void *slab_try_alloc(struct slab_heap *h, size_t bytes)
{
    assert(bytes > 0);
    if (!CELLS || bytes > SLAB_CELL_BYTES_MAX)
        return mem_try_alloc(bytes);
    return mem_should_fail() ? NULL : cell_alloc(h, class_of(bytes));
}

void slab_free(void *p, size_t bytes)
{
    if (!CELLS || bytes > SLAB_CELL_BYTES_MAX)
        mem_free_sized(p, bytes);
    else
        cell_free(p);
}

size_t slab_good_size(size_t bytes)
{
    if (!CELLS || bytes > SLAB_CELL_BYTES_MAX)
        return mem_good_size(bytes);
    return class_bytes(class_of(bytes));
}

/* --- the heap ---------------------------------------------------------------------------------------- */

struct slab_heap *slab_heap_new(struct populator *populator)
{
    struct slab_heap *h = mem_zalloc(sizeof(*h));
    h->none.cell_bytes = 1; /* so that has_cells is false: it has no room for a byte */
    for (unsigned i = 0; i < SLAB_CLASSES; i++)
        h->classes[i].current = &h->none;
    slab_source_init(&h->source, populator);
    return h;
}

void slab_heap_free(struct slab_heap **heap)
{
    struct slab_heap *h = *heap;
    if (!h)
        return;
    assert(h->cells == 0);
    for (unsigned i = 0; i < SLAB_CLASSES; i++)
        if (h->classes[i].current != &h->none)
            release_slab(h, h->classes[i].current);
    if (h->roomy)
        drop_chunk(h, h->roomy);
    assert(h->chunks == 0 && h->slabs == 0);
    mem_count_mapped(h->untold_bytes, 0);
    slab_source_deinit(&h->source);
    mem_free(h);
    *heap = NULL;
}

void slab_stats(const struct slab_heap *h, struct slab_stats *out)
{
    *out = (struct slab_stats){
        .cells = h->cells,
        .cell_bytes = h->cell_bytes,
        .slabs = h->slabs,
        .mapped_bytes = h->chunks * SLAB_CHUNK_BYTES,
    };
}

/* --- checks ------------------------------------------------------------------------------------------ */

static size_t validate_slab(const struct slab *s, unsigned class, enum slab_state state)
{
    size_t free = 0;
    assert(s->state == state && s->class == class && s->cell_bytes == class_bytes(class));
    for (const struct slab_cell *cell = s->free; cell; cell = cell->next, free++)
        assert(slab_of(cell) == s && (const char *)cell < s->fresh);
    const char *start = (const char *)chunk_of(s) + (s - chunk_of(s)->slabs) * SLAB_BYTES;
    if (s == chunk_of(s)->slabs)
        start += SLAB_HEADER_BYTES;
    assert((size_t)(s->fresh - start) == (s->used + free) * s->cell_bytes);
    return s->used;
}

void slab_validate(const struct slab_heap *h)
{
    size_t roomy = 0, empty = 0, seen = 0;
    for (const struct slab_chunk *c = h->roomy; c; c = c->next, roomy++) {
        assert(c->heap == h && c->unused != 0 && (!c->next || c->next->prev == c));
        empty += c->unused == UINT32_MAX;
    }
    assert(empty == h->empty && empty <= 1 && roomy <= h->chunks);
    for (unsigned i = 0; i < SLAB_CLASSES; i++) {
        const struct slab_class *k = &h->classes[i];
        if (k->current != &h->none)
            seen += validate_slab(k->current, i, SLAB_CURRENT);
        for (const struct slab *s = k->partial; s; s = s->next) {
            assert(has_cells(s) && s->used > 0 && (!s->next || s->next->prev == s));
            seen += validate_slab(s, i, SLAB_PARTIAL);
        }
    }
    assert(seen <= h->cells && h->slabs <= h->chunks * SLAB_CHUNK_SLABS);
}
