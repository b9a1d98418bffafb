#pragma once
/* A hash table in the order of the hash: open addressing by cache line, growing in place, in
 * slices.
 *
 * A table maps 32 bits of hash to pointers. It knows neither keys nor values: the caller of a
 * look-up brings the comparison. Of n buckets, hash h lives in bucket floor(h * n / 2^32), so
 * buckets lie in the order of the hash. Two properties follow from that order:
 *
 *  - The table grows and shrinks by any factor, not only by two, and in place: growing moves
 *    buckets from the end backwards (bucket i goes to places >= i), shrinking from the front. While
 *    it moves, hashes below `boundary` are laid out for `n_low` buckets and the others for
 *    `n_high`; at rest both are equal.
 *  - The position of a walk is a hash: entries below it have been seen and the others have not,
 *    whatever the table does in between. SCAN, snapshots and expiry all walk this way, across any
 *    number of tables.
 *
 * A bucket is a cache line; 7 entries of 8 bytes and 8 bytes that describe them:
 *
 *    0        1 .. 7          8 .. 15    ...   56 .. 63
 *   +--------+---------------+----------+-----+----------+
 *   | used   | tag[7]        | entry[0] | ... | entry[6] |  used: bit i: entry i is taken,
 *   +--------+---------------+----------+-----+----------+        bit 7: entry[6] points to the next line
 *
 *   entry: bits 0..47 the pointer, bits 48..63 the bits 8..23 of the hash; tag: the bits 0..7.
 *
 * Tag and entry hold the 24 low bits of the hash. With 256 buckets or more the place gives the
 * other 8, so moving an entry does not touch the item that it points to. Smaller tables ask
 * `rehash`.
 *
 * A bucket that overflows chains another line through its last entry; bit 6 of `used` is then
 * clear. As most buckets overflow by one or two entries, that line is short at first:
 * TABLE_SHORT_ENTRIES entries, half a cache line. The 16 high bits of a chain entry say whether the
 * line is short.
 *
 * Pointers given to a table are not owned by it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/prefetch.h"

#define TABLE_BUCKET_ENTRIES 7
#define TABLE_SHORT_ENTRIES  3
#define TABLE_SHORT_BYTES    (8 + 8 * TABLE_SHORT_ENTRIES)
#define TABLE_BUCKETS_MAX    (1u << 28)
/* Average entries per bucket: a table with more grows. A higher limit saves memory, but less with
 * each step, and slows look-ups, most of all look-ups of missing keys. */
#define TABLE_FILL_MAX 7

struct table_bucket {
    uint8_t used;
    uint8_t tag[TABLE_BUCKET_ENTRIES];
    uint64_t entry[TABLE_BUCKET_ENTRIES];
};
_Static_assert(sizeof(struct table_bucket) == 64, "a bucket is a cache line");

/* The full hash of an item in the table; asked only while there are fewer than 256 buckets. */
typedef uint32_t (*table_rehash_fn)(const void *p, void *arg);

struct table {
    struct table_bucket *buckets; /* NULL while empty */
    uint64_t boundary;      /* hashes below it are laid out for n_low, others for n_high; 0..2^32 */
    uint32_t n_low, n_high; /* buckets of the two layouts, equal at rest */
    uint32_t n_mapped;      /* buckets for which memory is set aside */
    uint32_t chained;       /* chained lines */
    uint32_t chained_short; /* short ones among them */
    uint64_t count;         /* entries */
    table_rehash_fn rehash;
    void *rehash_arg;
};

void table_init(struct table *t, table_rehash_fn rehash, void *arg);
/* Frees the lines, not the items, in one go. table_drain empties a table in slices. */
void table_deinit(struct table *t);

/* The place of an entry, valid until the next change or move of the table. */
struct table_pos {
    struct table_bucket *bucket; /* NULL: there is none */
    int index;
};

static inline void *table_pointer(uint64_t entry)
{
    return (void *)(uintptr_t)(entry & 0xffffffffffffULL);
}
static inline void *table_at(struct table_pos pos)
{
    return table_pointer(pos.bucket->entry[pos.index]);
}

/* --- look-up ---------------------------------------------------------------------------------- */

static inline struct table_bucket *table_bucket_of(const struct table *t, uint32_t hash)
{
    uint32_t n = hash < t->boundary ? t->n_low : t->n_high;
    return &t->buckets[((uint64_t)hash * n) >> 32];
}

/* Prefetches the line of a hash ahead of a look-up. */
static inline void table_prefetch(const struct table *t, uint32_t hash)
{
    if (t->buckets)
        prefetch_line(table_bucket_of(t, hash));
}

/* Bit i is set when entry i of the line has the tag of this hash; a chain entry never counts. */
unsigned table_candidates_slow(const struct table_bucket *b, uint32_t hash);
#ifdef __SSE2__
#include <emmintrin.h>
static inline unsigned table_candidates(const struct table_bucket *b, uint32_t hash)
{
    __m128i head = _mm_loadl_epi64((const __m128i *)b);
    __m128i equal = _mm_cmpeq_epi8(head, _mm_set1_epi8((char)hash));
    return ((unsigned)_mm_movemask_epi8(equal) >> 1) & b->used & 0x7f;
}
#else
static inline unsigned table_candidates(const struct table_bucket *b, uint32_t hash)
{
    return table_candidates_slow(b, hash);
}
#endif

static inline bool table_has_chain(const struct table_bucket *b)
{
    return b->used & 0x80;
}
static inline struct table_bucket *table_chain(const struct table_bucket *b)
{
    return table_pointer(b->entry[TABLE_BUCKET_ENTRIES - 1]);
}

/* True: `p` has the key. Pass a function known at compile time, so that it is inlined. */
typedef bool (*table_match_fn)(const void *p, const void *key);

static inline __attribute__((always_inline)) struct table_pos
table_find(const struct table *t, uint32_t hash, table_match_fn match, const void *key)
{
    if (!t->buckets)
        return (struct table_pos){NULL, 0};
    uint16_t high = (uint16_t)(hash >> 8);
    for (struct table_bucket *b = table_bucket_of(t, hash);; b = table_chain(b)) {
        for (unsigned m = table_candidates(b, hash); m; m &= m - 1) {
            int i = __builtin_ctz(m);
            if ((uint16_t)(b->entry[i] >> 48) == high && match(table_pointer(b->entry[i]), key))
                return (struct table_pos){b, i};
        }
        if (!table_has_chain(b))
            return (struct table_pos){NULL, 0};
    }
}

/* The item of the line's first entry with the bits of this hash, to be prefetched for a look-up; NULL: there is none.
 * To be called some time after table_prefetch. */
static inline void *table_line_candidate(const struct table_bucket *line, uint32_t hash)
{
    for (unsigned m = table_candidates(line, hash); m; m &= m - 1) {
        uint64_t entry = line->entry[__builtin_ctz(m)];
        if ((uint16_t)(entry >> 48) == (uint16_t)(hash >> 8))
            return table_pointer(entry);
    }
    return NULL;
}

/* --- change ----------------------------------------------------------------------------------- */

/* Adds p, which must not be there, and does the insert's share of growing: starts to grow at
 * TABLE_FILL_MAX entries per bucket, or moves a few buckets. ERR_NOMEM: the table is full and cannot
 * grow; unchanged. */
enum err table_insert(struct table *t, uint32_t hash, void *p);
/* Points the entry at another item of the same hash. */
void table_replace(struct table_pos pos, void *p);
/* Takes the entry out and does the removal's share of shrinking. The hash is the entry's. */
void table_remove(struct table *t, struct table_pos pos, uint32_t hash);

/* One slice of moving towards the right size: moves up to `buckets` buckets, or starts to shrink a
 * table that is more than half empty, or gives back some of the memory behind the last bucket. True:
 * there is more to do. Called from the loop's turns; inserts and removals do their share anyway. */
bool table_work(struct table *t, uint32_t buckets);
bool table_moving(const struct table *t);
/* Prepares for `count` entries in all. Present entries are moved in one go, so they should be few.
 * An empty table may become smaller, another one does not. ERR_NOMEM: the entries are unchanged.
 * TABLE_HUGE_PAGES (while a log is loaded): until table_huge_pages_end the kernel may back lines that
 * are touched for the first time with huge pages; see table_lines.c. */
enum table_pages { TABLE_USUAL_PAGES, TABLE_HUGE_PAGES };
enum err table_expect(struct table *t, uint64_t count, enum table_pages pages);
void table_huge_pages_end(struct table *t);
/* To be called now and then while a large table serves. True: it will grow soon, and has set memory aside for its next
 * size. Another thread should populate that memory: with huge pages, which make look-ups faster but can take the kernel
 * milliseconds to make. */
struct table_room {
    void *at;
    size_t bytes;
};
bool table_reserve(struct table *t, struct table_room *out);

/* --- walks ------------------------------------------------------------------------------------ */

/* Called for each entry. Must not change the table, but may collect entries to be removed later. */
typedef void (*table_each_fn)(void *p, uint32_t hash, void *arg);

/* All entries whose hash is in [from, to), to <= 2^32, in no particular order within a bucket. */
void table_range(const struct table *t, uint64_t from, uint64_t to, table_each_fn fn, void *arg);
/* The first hash behind the bucket of `hash`, where a walk by buckets goes on; 2^32: the end. */
uint64_t table_bucket_end(const struct table *t, uint32_t hash);
/* A random entry: each has about the same chance. NULL: the table is empty. */
void *table_random(const struct table *t, uint64_t random);

/* Empties the table in slices. Begin with `from` 0 and go on with the hash returned, until that is
 * 2^32: the table is empty, and its lines are freed. A call passes about `entries_max` entries to
 * `fn`, which may free them, and looks at no more lines than that. Entries added behind the walk are
 * found by another round. */
uint64_t table_drain(struct table *t, uint64_t from, uint64_t entries_max, table_each_fn fn,
                     void *arg);

/* Bytes of lines. From 32 KiB on a table is mapped: the allocator does not count it. */
size_t table_memory(const struct table *t);
/* For tests: every invariant, by assertion. */
void table_validate(const struct table *t);
