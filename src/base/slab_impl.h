#pragma once
/* What the files of the slab allocator share: slab.c hands out cells, slab_chunk.c gets memory from the kernel. */
#include <stdatomic.h>
#include <stdbool.h>

#include "base/populate.h"
#include "base/slab.h"

#define SLAB_CHUNK_SLABS  (SLAB_CHUNK_BYTES / SLAB_BYTES)
#define SLAB_HEADER_BYTES 4096 /* of a chunk, ahead of the cells of its first slab */

/* Sizes 8, 16, ... 256, 272, 288, ... SLAB_CELL_BYTES_MAX. */
#define SLAB_FINE_BYTES_MAX 256
#define SLAB_FINE_STEP      8
#define SLAB_COARSE_STEP    16
#define SLAB_FINE_CLASSES   (SLAB_FINE_BYTES_MAX / SLAB_FINE_STEP)
#define SLAB_CLASSES \
    (SLAB_FINE_CLASSES + (SLAB_CELL_BYTES_MAX - SLAB_FINE_BYTES_MAX) / SLAB_COARSE_STEP)

/* A free cell points to the next one. */
struct slab_cell {
    struct slab_cell *next;
};

/* The state of a slab, in the header of its chunk. Cells behind `fresh` were never handed out:
 *
 *     cells  |used|free|used|used|free|used|  never used yet  ...|
 *            first                         fresh                  end
 */
struct slab {
    struct slab_cell *free; /* cells that were given back, the last one first */
    char *fresh, *end;      /* the place of the next fresh cell, and the end of the slab */
    /* in the list of partial slabs of the class */
    struct slab *prev, *next;
    uint32_t cell_bytes;
    uint32_t used;  /* cells */
    uint16_t class; /* of cells */
    uint8_t state;  /* enum slab_state */
};
enum slab_state {
    SLAB_UNUSED,  /* has no class */
    SLAB_CURRENT, /* its class takes cells from it */
    SLAB_PARTIAL, /* has free cells; in the list of its class */
    SLAB_FULL,    /* has none; in no list */
};
_Static_assert(sizeof(struct slab) <= 64, "what is known of a slab is a cache line");

/* A chunk's memory begins with this.
 *
 *   0          4096       64 KiB     128 KiB          2 MiB
 *   +----------+----------+----------+---- ... -------+
 *   | header   | slab 0   | slab 1   |                |
 *   +----------+----------+----------+---- ... -------+
 */
struct slab_chunk {
    _Alignas(64) struct slab slabs[SLAB_CHUNK_SLABS];
    struct slab_heap *heap;
    struct slab_chunk *prev, *next; /* in the list of chunks with unused slabs */
    uint32_t unused;                /* bit i: slab i is unused */
};
_Static_assert(sizeof(struct slab_chunk) <= SLAB_HEADER_BYTES, "the header has room for it");
_Static_assert(SLAB_CHUNK_SLABS == 32, "`unused` has a bit for each slab");

/* Where chunks come from. The next one is prepared while the chunks in use still have room. */
struct slab_source {
    struct populator *populator; /* borrowed; NULL: chunks are not prepared */
    void *next;                  /* memory for the next chunk; NULL: not asked for */
    atomic_bool next_ready;      /* the pages of `next` are there */
};
void slab_source_init(struct slab_source *s, struct populator *populator);
void slab_source_deinit(struct slab_source *s);
/* SLAB_CHUNK_BYTES of zeros, aligned to that. NULL: no memory. */
void *slab_source_try_get(struct slab_source *s);
void slab_source_put(void *chunk);
/* To be called when another chunk will be needed soon: prepares it. */
void slab_source_expect(struct slab_source *s);
