#include <assert.h>

#include "ds/table_impl.h"

/* Growing and shrinking, in place and a bucket at a time.
 *
 * While a table moves it has two layouts, of n_low < n_high buckets, in the same memory: hashes
 * below the boundary B are laid out for n_low, the others for n_high.
 *
 *    line  0            a      b            n_low          n_high
 *         +------------+------+---------------------------+
 *         | n_low: h<B | free |      n_high: h >= B       |
 *         +------------+------+---------------------------+
 *
 * Hashes below B lie in lines up to a = floor((B-1) * n_low / 2^32), hashes from B on in lines from
 * b = floor(B * n_high / 2^32) on. B is always the start of a bucket in one of the layouts: of
 * bucket k of n_low, then a = k-1 and b >= k; or of bucket k of n_high, then a <= k-1 and b = k. So
 * a < b: no line is in both.
 *
 * Growing empties line a, the last with hashes below B, and puts its entries where n_high has them.
 * As start(a) <= h < B, these places are between a and b: line a has just been emptied, the lines
 * behind it are free, and b is of that layout. B becomes start(a), in n_low.
 *
 * Shrinking empties line b, the first with hashes from B on, and puts its entries where n_low has
 * them. As B <= h < start(b+1), these places are between a and b: a is of that layout, the lines
 * behind it are free, and line b has just been emptied. B becomes start(b+1), in n_high. At the end
 * the lines behind n_low are given back.
 *
 * Both need nothing but such a B, so a move may turn round at any bucket. Its direction is not
 * stored: it follows from whether n_low buckets suffice for the present entries. */

/* Average entries per bucket. A table grows at TABLE_FILL_MAX, to the next size. It shrinks below
 * FILL_MIN, to the least size that holds no more than FILL_AIM. While it moves, inserts move it up
 * if n_low buckets would hold more than FILL_TURN_UP, and removals move it down if they would hold
 * less than FILL_TURN_DOWN. The gap between the two keeps the move from alternating. */
#define FILL_MIN       3
#define FILL_AIM       5
#define FILL_TURN_DOWN 5
#define FILL_TURN_UP   6

/* Buckets that an insert moves. A move up starts with n * TABLE_FILL_MAX entries and n buckets to
 * move, and the next one starts n / 3 * TABLE_FILL_MAX inserts later at the earliest: see size_next. */
#define GROW_STEPS 2
_Static_assert(3 <= GROW_STEPS * TABLE_FILL_MAX, "a move is over before the next is due");

/* Buckets that a removal moves. If only removals happen, n buckets have been moved after n / 2 of
 * them. Then (FILL_MIN - 1/2) * n entries are left, in n * FILL_MIN / FILL_AIM buckets or half as
 * many again. So a table has at least two entries per bucket, unless it was prepared for more
 * (table_expect), and walks and table_random soon find an entry. */
#define SHRINK_STEPS 2

/* The next size. Sizes are 2^k and 3/2 * 2^k: steps of a half and a third. More sizes would save
 * little memory and make inserts dearer. */
static uint32_t size_next(uint32_t n)
{
    if (n < 2)
        return n + 1;
    return n + (1u << (31 - __builtin_clz(n) - 1));
}

/* The least size of at least n buckets. */
static uint32_t size_for(uint64_t n)
{
    if (n >= TABLE_BUCKETS_MAX)
        return TABLE_BUCKETS_MAX;
    uint32_t size = 1;
    while (size < n)
        size = size < n / 2 ? 2 * size : size_next(size);
    return size;
}

/* --- one step --------------------------------------------------------------------------------- */

/* Empties a bucket of the layout of n_from buckets and puts its entries where the layout of n_to has them. */
static void move_bucket(struct table *t, uint32_t index, uint32_t n_from, uint32_t n_to)
{
    if (t->buckets[index].used == 0)
        return;
    struct table_bucket from = t->buckets[index];
    t->buckets[index].used = 0;
    uint64_t start = table_bucket_start(index, n_from);
    for (;;) {
        const struct table_bucket *line = table_has_chain(&from) ? table_chain(&from) : &from;
        for (unsigned m = table_taken(line); m; m &= m - 1) {
            int i = __builtin_ctz(m);
            uint32_t hash = table_entry_hash(t, line, i, n_from, start);
            table_bucket_put(t, &t->buckets[table_bucket_index(hash, n_to)], hash, line->entry[i]);
        }
        if (line == &from)
            break;
        table_line_unlink(t, &from);
    }
}

/* A move is spread over many operations, with other memory touched between them. So each step
 * prefetches the line that a later step empties and the line to which its entries go. The line of
 * the step after next should have arrived, so its chained line is prefetched, too. */
static void prefetch_step(const struct table *t, uint32_t later, uint32_t soon, uint32_t n_from,
                          uint32_t n_to)
{
    __builtin_prefetch(&t->buckets[later], 1);
    __builtin_prefetch(&t->buckets[(uint64_t)later * n_to / n_from], 1);
    if (table_has_chain(&t->buckets[soon]))
        __builtin_prefetch(table_chain(&t->buckets[soon]));
}

/* A move that turns round before its first step has no bucket to move back. */
static void step_up(struct table *t)
{
    if (t->boundary > 0) {
        uint32_t index = table_bucket_index(t->boundary - 1, t->n_low);
        if (index >= 4)
            prefetch_step(t, index - 4, index - 2, t->n_low, t->n_high);
        move_bucket(t, index, t->n_low, t->n_high);
        t->boundary = table_bucket_start(index, t->n_low);
    }
    if (t->boundary == 0)
        t->n_low = t->n_high;
}

static void step_down(struct table *t)
{
    if (t->boundary < TABLE_HASH_END) {
        uint32_t index = table_bucket_index(t->boundary, t->n_high);
        if (t->n_high - index > 4)
            prefetch_step(t, index + 4, index + 2, t->n_high, t->n_low);
        move_bucket(t, index, t->n_high, t->n_low);
        t->boundary = table_bucket_start((uint64_t)index + 1, t->n_high);
    }
    if (t->boundary == TABLE_HASH_END) {
        t->n_high = t->n_low;
        t->boundary = 0;
    }
}

bool table_moving(const struct table *t)
{
    return t->n_low != t->n_high;
}

/* --- beginning and end ------------------------------------------------------------------------ */

static enum err start_growing(struct table *t)
{
    uint32_t n = size_next(t->n_high);
    if (n > TABLE_BUCKETS_MAX)
        return ERR_OK; /* chains get longer instead */
    if (n > t->n_mapped) {
        enum err e = table_lines_resize(t, n);
        if (e)
            return e;
    }
    t->n_high = n;
    if (t->count == 0)
        t->n_low = n;
    else
        t->boundary = TABLE_HASH_END;
    return ERR_OK;
}

/* Starts to shrink a table that is too large for its entries. False: it is not. */
static bool start_shrinking(struct table *t)
{
    if (t->count >= (uint64_t)t->n_high * FILL_MIN)
        return false;
    uint32_t n = size_for((t->count + FILL_AIM - 1) / FILL_AIM);
    if (n >= t->n_high)
        return false;
    t->n_low = n;
    t->boundary = 0;
    return true;
}

/* Percent of the entries at which a table grows: memory for the next size is set aside from the first on, and given
 * back below the second. */
#define RESERVE_PERCENT      85
#define RESERVE_KEEP_PERCENT 75
#define RESERVE_LINES_MIN    (32 * 1024) /* 2 MiB: below that there are no huge pages */

static bool fills(const struct table *t, unsigned percent)
{
    return t->count * 100 >= (uint64_t)t->n_high * TABLE_FILL_MAX * percent;
}

static bool is_reserve(const struct table *t)
{
    return t->n_high >= RESERVE_LINES_MIN && t->n_mapped == size_next(t->n_high) &&
           fills(t, RESERVE_KEEP_PERCENT);
}

bool table_reserve(struct table *t, struct table_room *out)
{
    uint32_t n = size_next(t->n_high);
    if (table_moving(t) || t->n_high < RESERVE_LINES_MIN || n > TABLE_BUCKETS_MAX ||
        t->n_mapped >= n || !fills(t, RESERVE_PERCENT) || table_lines_resize(t, n))
        return false;
    table_lines_huge(t, true);
    *out = (struct table_room){&t->buckets[t->n_high],
                               (size_t)(n - t->n_high) * sizeof(struct table_bucket)};
    return true;
}

/* Gives back one slice of the memory behind the last bucket. True: there is more. If the allocator
 * refuses a smaller block, the larger one stays. */
static bool trim(struct table *t)
{
    if (t->n_mapped == t->n_high || is_reserve(t))
        return false;
    bool whole = t->n_mapped - t->n_high <= TABLE_TRIM_LINES;
    enum err e = table_lines_resize(t, whole ? t->n_high : t->n_mapped - TABLE_TRIM_LINES);
    return !e && !whole;
}

enum err table_move_for_insert(struct table *t)
{
    if (!table_moving(t))
        return t->count < (uint64_t)t->n_high * TABLE_FILL_MAX ? ERR_OK : start_growing(t);
    if (t->count > (uint64_t)t->n_low * FILL_TURN_UP)
        for (int i = 0; i < GROW_STEPS && table_moving(t); i++)
            step_up(t);
    return ERR_OK;
}

void table_move_for_remove(struct table *t)
{
    if (!table_moving(t)) {
        if (!start_shrinking(t))
            trim(t);
    } else if (t->count < (uint64_t)t->n_low * FILL_TURN_DOWN) {
        for (int i = 0; i < SHRINK_STEPS && table_moving(t); i++)
            step_down(t);
    }
}

bool table_work(struct table *t, uint32_t buckets)
{
    if (!table_moving(t)) {
        if (start_shrinking(t))
            return true;
        if (t->count == 0 && t->n_mapped <= TABLE_TRIM_LINES)
            table_lines_free(t);
        return trim(t);
    }
    bool up = t->count > (uint64_t)t->n_low * FILL_TURN_UP;
    for (; buckets > 0 && table_moving(t); buckets--) {
        if (up)
            step_up(t);
        else
            step_down(t);
    }
    return table_moving(t) || t->n_mapped > t->n_high;
}

/* Completes a move up in one go. */
static void move_up(struct table *t)
{
    while (table_moving(t)) {
        assert(t->n_low > 0); /* there is something to move */
        step_up(t);
    }
}

static enum err expect_empty(struct table *t, uint32_t n)
{
    struct table fresh = {.rehash = t->rehash, .rehash_arg = t->rehash_arg};
    enum err e = table_lines_resize(&fresh, n);
    if (e)
        return e;
    fresh.n_low = fresh.n_high = n;
    table_lines_free(t);
    *t = fresh;
    return ERR_OK;
}

/* Enlarges a table that is not empty, without moving its buckets yet. */
static enum err expect_more(struct table *t, uint32_t n)
{
    move_up(t);
    if (n <= t->n_high)
        return ERR_OK;
    if (n > t->n_mapped) {
        enum err e = table_lines_resize(t, n);
        if (e)
            return e;
    }
    t->n_high = n;
    t->boundary = TABLE_HASH_END;
    return ERR_OK;
}

enum err table_expect(struct table *t, uint64_t count, enum table_pages pages)
{
    uint32_t n = size_for((count + TABLE_FILL_MAX - 1) / TABLE_FILL_MAX);
    enum err e = t->count == 0 ? expect_empty(t, n) : expect_more(t, n);
    if (e)
        return e;
    if (pages == TABLE_HUGE_PAGES)
        table_lines_huge(t, true);
    move_up(t);
    return ERR_OK;
}

void table_huge_pages_end(struct table *t)
{
    table_lines_huge(t, false);
}
