#pragma once
/* What the files of the table share: table.c (one entry), table_move.c (size), table_lines.c
 * (memory), table_walk.c (many entries). The layout and the contracts are in table.h. */
#include "ds/table.h"

#define TABLE_HASH_END (UINT64_C(1) << 32)

/* With at least this many buckets, an entry's place and its 24 bits of the hash give the whole hash. */
#define TABLE_BUCKETS_EXACT 256

/* --- places ----------------------------------------------------------------------------------- */

static inline uint32_t table_bucket_index(uint64_t hash, uint32_t n)
{
    return (uint32_t)((hash * n) >> 32);
}

/* The first hash of bucket i of n, ceil(i * 2^32 / n); 2^32 for i = n. For whole numbers h,
 * floor(h * n / 2^32) >= i  <=>  h >= i * 2^32 / n  <=>  h >= ceil(i * 2^32 / n). */
static inline uint64_t table_bucket_start(uint64_t i, uint32_t n)
{
    return ((i << 32) + n - 1) / n;
}

static inline uint64_t table_entry(uint32_t hash, const void *p)
{
    return (uint64_t)(uintptr_t)p | (uint64_t)(hash >> 8 & 0xffff) << 48;
}

/* The hash of entry i of a line. The line's bucket is one of n and begins at hash `start`. A bucket
 * covers ceil((i+1) w) - ceil(i w) <= ceil(w) hashes, w = 2^32 / n. For n >= 256 these are at most
 * 2^24, which differ in their low 24 bits, so exactly one of them has the bits of the entry. */
static inline uint32_t table_entry_hash(const struct table *t, const struct table_bucket *line,
                                        int i, uint32_t n, uint64_t start)
{
    if (n < TABLE_BUCKETS_EXACT)
        return t->rehash(table_pointer(line->entry[i]), t->rehash_arg);
    uint32_t low24 = (uint32_t)(line->entry[i] >> 48) << 8 | line->tag[i];
    return (uint32_t)start + ((low24 - (uint32_t)start) & 0xffffff);
}

/* --- lines of a bucket ------------------------------------------------------------------------ */

/* The entries of a line that are taken, as bits. */
static inline unsigned table_taken(const struct table_bucket *line)
{
    return line->used & 0x7f;
}

/* The next line of the bucket; NULL: there is none. */
static inline struct table_bucket *table_line_next(const struct table_bucket *line)
{
    return table_has_chain(line) ? table_chain(line) : NULL;
}

/* True: the line behind `before` is a short one. */
bool table_line_is_short(const struct table_bucket *before);
/* Adds an entry to a bucket. Cannot fail: see line_new. */
void table_bucket_put(struct table *t, struct table_bucket *head, uint32_t hash, uint64_t entry);
/* Takes the line behind `before` out of its chain and frees it. */
void table_line_unlink(struct table *t, struct table_bucket *before);

/* --- memory ----------------------------------------------------------------------------------- */

/* Sets memory aside for n buckets instead of t->n_mapped. Buckets stay as they are, new ones are
 * empty, and those from n on must be unused. ERR_NOMEM: unchanged. Quick enough for a turn of the
 * loop if memory grows, or shrinks by at most TABLE_TRIM_LINES. */
enum err table_lines_resize(struct table *t, uint32_t n);
void table_lines_free(struct table *t);
/* Allows the kernel to back lines with huge pages when they are touched first, or forbids it. */
void table_lines_huge(struct table *t, bool huge);
#define TABLE_TRIM_LINES 1024

/* --- size ------------------------------------------------------------------------------------- */

/* To be called before an entry is added: moves a few buckets if the table is growing, or starts to
 * grow a full one. ERR_NOMEM: the table is full and cannot grow. */
enum err table_move_for_insert(struct table *t);
/* To be called after an entry was removed: moves a few buckets if the table is shrinking, or starts
 * to shrink it, or gives back some memory. */
void table_move_for_remove(struct table *t);
