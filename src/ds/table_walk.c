#include <assert.h>

#include "base/mem.h"
#include "ds/table_impl.h"

/* Functions over many entries: walks, random choice, emptying, validation. */

/* The buckets of one layout, and the range of hashes that they hold. */
struct part {
    uint32_t n;
    uint64_t from, to;
};

static struct part part_low(const struct table *t)
{
    return (struct part){t->n_low, 0, t->boundary};
}

static struct part part_high(const struct table *t)
{
    return (struct part){t->n_high, t->boundary, TABLE_HASH_END};
}

static struct part part_of(const struct table *t, uint64_t hash)
{
    return hash < t->boundary ? part_low(t) : part_high(t);
}

/* --- walks ------------------------------------------------------------------------------------ */

static void range_in_part(const struct table *t, struct part part, table_each_fn fn, void *arg)
{
    if (part.from >= part.to)
        return;
    uint32_t last = table_bucket_index(part.to - 1, part.n);
    for (uint32_t index = table_bucket_index(part.from, part.n); index <= last; index++) {
        uint64_t start = table_bucket_start(index, part.n);
        const struct table_bucket *line = &t->buckets[index];
        for (; line; line = table_line_next(line)) {
            for (unsigned m = table_taken(line); m; m &= m - 1) {
                int i = __builtin_ctz(m);
                uint32_t hash = table_entry_hash(t, line, i, part.n, start);
                if (hash >= part.from && hash < part.to)
                    fn(table_pointer(line->entry[i]), hash, arg);
            }
        }
    }
}

void table_range(const struct table *t, uint64_t from, uint64_t to, table_each_fn fn, void *arg)
{
    assert(to <= TABLE_HASH_END);
    if (!t->buckets)
        return;
    struct part low = part_low(t), high = part_high(t);
    range_in_part(t, (struct part){low.n, from, to < low.to ? to : low.to}, fn, arg);
    range_in_part(t, (struct part){high.n, from > high.from ? from : high.from, to}, fn, arg);
}

uint64_t table_bucket_end(const struct table *t, uint32_t hash)
{
    if (!t->buckets)
        return TABLE_HASH_END;
    struct part part = part_of(t, hash);
    uint64_t end = table_bucket_start((uint64_t)table_bucket_index(hash, part.n) + 1, part.n);
    return end < part.to ? end : part.to;
}

/* --- random choice ---------------------------------------------------------------------------- */

/* Attempts before table_random takes the next entry that it finds. A table has at least two entries
 * per bucket, unless it was prepared for more: at least one attempt in eight succeeds. */
#define RANDOM_ATTEMPTS_MAX 128
/* In buckets of up to so many entries each has the same chance; in longer chains it is less. */
#define RANDOM_ENTRIES 16

/* One step of splitmix64. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15ULL;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

static unsigned entries_of(const struct table_bucket *head)
{
    unsigned entries = 0;
    for (const struct table_bucket *line = head; line; line = table_line_next(line))
        entries += (unsigned)__builtin_popcount(table_taken(line));
    return entries;
}

static void *entry_number(const struct table_bucket *line, unsigned number)
{
    unsigned taken;
    while (number >= (unsigned)__builtin_popcount(taken = table_taken(line))) {
        number -= (unsigned)__builtin_popcount(taken);
        line = table_line_next(line);
    }
    while (number-- > 0)
        taken &= taken - 1;
    return table_pointer(line->entry[__builtin_ctz(taken)]);
}

/* Chooses a bucket and a number below RANDOM_ENTRIES until the bucket has such an entry, which gives
 * each entry the same chance. Layouts do not matter: buckets that are in neither are empty. */
void *table_random(const struct table *t, uint64_t random)
{
    if (t->count == 0)
        return NULL;
    uint32_t index = 0;
    for (int attempt = 0; attempt < RANDOM_ATTEMPTS_MAX; attempt++) {
        uint64_t r = random_next(&random);
        index = table_bucket_index((uint32_t)r, t->n_high);
        const struct table_bucket *head = &t->buckets[index];
        unsigned entries = head->used ? entries_of(head) : 0;
        unsigned number = r >> 32 & (RANDOM_ENTRIES - 1);
        if (entries > RANDOM_ENTRIES)
            number = (unsigned)(r >> 36) % entries;
        if (number < entries)
            return entry_number(head, number);
    }
    while (t->buckets[index].used == 0)
        index = index + 1 < t->n_high ? index + 1 : 0;
    const struct table_bucket *head = &t->buckets[index];
    return entry_number(head, (unsigned)(random_next(&random) % entries_of(head)));
}

/* --- emptying --------------------------------------------------------------------------------- */

/* Takes out the entries of one line: of the line behind the head, or of a head that is alone. */
static unsigned drain_line(struct table *t, uint32_t index, struct part part, table_each_fn fn,
                           void *arg)
{
    struct table_bucket *head = &t->buckets[index];
    bool chained = table_has_chain(head);
    const struct table_bucket *line = chained ? table_chain(head) : head;
    uint64_t start = table_bucket_start(index, part.n);
    for (unsigned m = table_taken(line); m; m &= m - 1) {
        int i = __builtin_ctz(m);
        uint32_t hash = table_entry_hash(t, line, i, part.n, start);
        fn(table_pointer(line->entry[i]), hash, arg);
    }
    unsigned entries = (unsigned)__builtin_popcount(table_taken(line));
    if (chained)
        table_line_unlink(t, head);
    else
        head->used = 0;
    t->count -= entries;
    return entries;
}

/* Gives back a slice of the lines of an empty table. True: it was the last. */
static bool release(struct table *t)
{
    bool whole = t->n_mapped <= TABLE_TRIM_LINES;
    if (!whole && table_lines_resize(t, t->n_mapped - TABLE_TRIM_LINES) == ERR_OK) {
        t->n_low = t->n_high = t->n_mapped;
        t->boundary = 0;
        return false;
    }
    table_lines_free(t);
    return true;
}

uint64_t table_drain(struct table *t, uint64_t from, uint64_t entries_max, table_each_fn fn,
                     void *arg)
{
    assert(entries_max > 0);
    uint64_t entries = 0;
    for (uint64_t lines = 0; t->count > 0 && entries < entries_max && lines < entries_max;
         lines++) {
        if (from >= TABLE_HASH_END)
            from = 0; /* an entry was added behind the walk */
        struct part part = part_of(t, from);
        uint32_t index = table_bucket_index(from, part.n);
        entries += drain_line(t, index, part, fn, arg);
        if (t->buckets[index].used == 0)
            from = table_bucket_end(t, (uint32_t)from);
    }
    if (t->count > 0)
        return from < TABLE_HASH_END ? from : 0;
    return release(t) ? TABLE_HASH_END : 0;
}

void table_deinit(struct table *t)
{
    for (uint32_t index = 0; t->chained > 0; index++)
        while (table_has_chain(&t->buckets[index]))
            table_line_unlink(t, &t->buckets[index]);
    table_lines_free(t);
    t->count = 0;
}

/* --- validation ------------------------------------------------------------------------------- */

struct census {
    uint64_t entries;
    uint32_t chained, chained_short;
};

static void validate_bucket(const struct table *t, uint32_t index, struct part part,
                            struct census *sum)
{
    uint64_t start = table_bucket_start(index, part.n);
    const struct table_bucket *before = NULL, *line = &t->buckets[index];
    for (; line; before = line, line = table_line_next(line)) {
        unsigned taken = table_taken(line);
        if (table_has_chain(line))
            assert(taken == 0x3f);
        if (before) {
            bool short_line = table_line_is_short(before);
            assert(!short_line || taken < 1u << TABLE_SHORT_ENTRIES);
            assert(__builtin_popcount(taken) >= 2);
            sum->chained++;
            sum->chained_short += short_line;
        }
        for (unsigned m = taken; m; m &= m - 1) {
            int i = __builtin_ctz(m);
            uint32_t hash = table_entry_hash(t, line, i, part.n, start);
            assert(hash == t->rehash(table_pointer(line->entry[i]), t->rehash_arg));
            assert(line->tag[i] == (uint8_t)hash && line->entry[i] >> 48 == (hash >> 8 & 0xffff));
            assert(hash >= part.from && hash < part.to);
            assert(table_bucket_index(hash, part.n) == index);
            sum->entries++;
        }
    }
}

void table_validate(const struct table *t)
{
    assert(t->n_low <= t->n_high && t->n_high <= t->n_mapped && t->n_mapped <= TABLE_BUCKETS_MAX);
    assert(t->boundary <= TABLE_HASH_END);
    if (!t->buckets) {
        assert(t->n_mapped == 0 && t->count == 0 && t->chained == 0 && t->chained_short == 0);
        return;
    }
    assert(t->n_low > 0);
    struct part low = part_low(t), high = part_high(t);
    uint32_t low_end = low.to > 0 ? table_bucket_index(low.to - 1, low.n) + 1 : 0;
    uint32_t high_begin = high.from < high.to ? table_bucket_index(high.from, high.n) : high.n;
    assert(low_end <= high_begin);
    struct census sum = {0};
    for (uint32_t index = 0; index < t->n_mapped; index++) {
        if (index < low_end)
            validate_bucket(t, index, low, &sum);
        else if (index >= high_begin && index < high.n)
            validate_bucket(t, index, high, &sum);
        else
            assert(t->buckets[index].used == 0);
    }
    assert(sum.entries == t->count);
    assert(sum.chained == t->chained && sum.chained_short == t->chained_short);
}
