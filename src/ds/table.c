#include "ds/table.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "ds/table_impl.h"

/* A bucket: its lines, and the entries in them.
 *
 *    head (in the table)      chained lines (on the heap), each full but for the last
 *   +---------------------+   +---------------------+   +---------------------+
 *   | 6 entries | chain   |-->| 6 entries | chain   |-->| 2 .. 7 entries      |
 *   +---------------------+   +---------------------+   +---------------------+
 *
 * A bucket has the fewest lines that can hold its entries. A new entry goes to the last line. A
 * removed entry is replaced by one of the last line, whose entries may lie anywhere in that line. */

#define CHAIN   (TABLE_BUCKET_ENTRIES - 1) /* the entry that may point to the next line */
#define CHAINED 0x80                       /* the bit in `used` that says so */

#define FULL       0x7f                             /* `used` of a full line without a next one */
#define SHORT_FULL ((1 << TABLE_SHORT_ENTRIES) - 1) /* `used` of a full short line */
#define SHORT_MARK (UINT64_C(1) << 48)

_Static_assert(offsetof(struct table_bucket, entry) == 8, "the header is 8 bytes");
_Static_assert(TABLE_SHORT_BYTES == 32,
               "a short line is half a cache line, and a size class of its own");
_Static_assert(sizeof(void *) == 8, "48 bits of pointer and 16 of hash share an entry");

void table_init(struct table *t, table_rehash_fn rehash, void *arg)
{
    assert(rehash);
    *t = (struct table){.rehash = rehash, .rehash_arg = arg};
}

unsigned table_candidates_slow(const struct table_bucket *b, uint32_t hash)
{
    /* A zero byte in `differs` is an equal tag. Adding 0x7f to the low 7 bits of a byte carries
     * into its bit 7 unless all of them are 0, and never into the next byte. */
    const uint64_t low7 = 0x7f7f7f7f7f7f7f7fULL;
    uint64_t head;
    memcpy(&head, b, sizeof(head));
    uint64_t differs = head ^ 0x0101010101010101ULL * (uint8_t)hash;
    uint64_t equal = ~(((differs & low7) + low7) | differs | low7) >> 7;
    /* Gathers bits 0, 8, .. 56 into the highest byte. */
    return (unsigned)((equal * 0x0102040810204080ULL) >> 57) & b->used & 0x7f;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tags are compared as one word");

/* --- lines ------------------------------------------------------------------------------------ */

bool table_line_is_short(const struct table_bucket *before)
{
    return before->entry[CHAIN] & SHORT_MARK;
}

/* Allocating a line never fails (mem_alloc): it is small, and half a move could not be undone.
 * jemalloc aligns it to its size, a power of two, so it lies in one cache line. */
static struct table_bucket *line_new(struct table *t, bool short_line)
{
    struct table_bucket *line = mem_alloc(short_line ? TABLE_SHORT_BYTES : sizeof(*line));
    line->used = 0;
    t->chained++;
    t->chained_short += short_line;
    return line;
}

/* Frees the line behind `before`. */
static void line_free(struct table *t, const struct table_bucket *before)
{
    bool short_line = table_line_is_short(before);
    mem_free_sized(table_chain(before), short_line ? TABLE_SHORT_BYTES : sizeof(*before));
    t->chained--;
    t->chained_short -= short_line;
}

static void line_set(struct table_bucket *line, int i, uint8_t tag, uint64_t entry)
{
    line->tag[i] = tag;
    line->entry[i] = entry;
    line->used |= (uint8_t)(1u << i);
}

/* Adds a line behind a full one, the last of its bucket, whose last entry gives way to the pointer. */
static struct table_bucket *line_extend(struct table *t, struct table_bucket *line)
{
    struct table_bucket *next = line_new(t, true);
    line_set(next, 0, line->tag[CHAIN], line->entry[CHAIN]);
    line->entry[CHAIN] = (uint64_t)(uintptr_t)next | SHORT_MARK;
    line->used = CHAINED | ((1u << CHAIN) - 1);
    return next;
}

/* Replaces the full short line behind `before` by a whole one. */
static struct table_bucket *line_lengthen(struct table *t, struct table_bucket *before)
{
    struct table_bucket *line = line_new(t, false);
    memcpy(line, table_chain(before), TABLE_SHORT_BYTES);
    line_free(t, before);
    before->entry[CHAIN] = (uint64_t)(uintptr_t)line;
    return line;
}

void table_bucket_put(struct table *t, struct table_bucket *head, uint32_t hash, uint64_t entry)
{
    struct table_bucket *before = NULL, *line = head;
    for (; table_has_chain(line); line = table_chain(line))
        before = line;
    if (before && table_line_is_short(before) && line->used == SHORT_FULL)
        line = line_lengthen(t, before);
    else if (line->used == FULL)
        line = line_extend(t, line);
    line_set(line, __builtin_ctz(~(unsigned)line->used), (uint8_t)hash, entry);
}

void table_line_unlink(struct table *t, struct table_bucket *before)
{
    assert(table_has_chain(before));
    const struct table_bucket gone = *before;
    const struct table_bucket *line = table_chain(&gone);
    if (table_has_chain(line))
        before->entry[CHAIN] = line->entry[CHAIN];
    else
        before->used &= (uint8_t)~CHAINED;
    line_free(t, &gone);
}

/* --- one entry -------------------------------------------------------------------------------- */

enum err table_insert(struct table *t, uint32_t hash, void *p)
{
    assert(p && (uint64_t)(uintptr_t)p >> 48 == 0);
    table_prefetch(t, hash);
    enum err e = table_move_for_insert(t);
    if (e)
        return e;
    table_bucket_put(t, table_bucket_of(t, hash), hash, table_entry(hash, p));
    t->count++;
    return ERR_OK;
}

void table_replace(struct table_pos pos, void *p)
{
    assert(p && (uint64_t)(uintptr_t)p >> 48 == 0);
    uint64_t *entry = &pos.bucket->entry[pos.index];
    *entry = (*entry & 0xffff000000000000ULL) | (uint64_t)(uintptr_t)p;
}

/* Fills the hole at `pos` with an entry of the bucket's last line. A single entry left there moves
 * to the line before, and the last line is freed. */
static void close_up(struct table *t, struct table_bucket *head, struct table_pos pos)
{
    struct table_bucket *before, *last = head;
    do {
        before = last;
        last = table_chain(before);
    } while (table_has_chain(last));

    int i = 31 - __builtin_clz(table_taken(last));
    pos.bucket->tag[pos.index] = last->tag[i];
    pos.bucket->entry[pos.index] = last->entry[i];
    last->used &= (uint8_t) ~(1u << i);

    unsigned taken = table_taken(last);
    if ((taken & (taken - 1)) == 0) {
        i = __builtin_ctz(taken);
        uint8_t tag = last->tag[i];
        uint64_t entry = last->entry[i];
        table_line_unlink(t, before);
        line_set(before, CHAIN, tag, entry);
    }
}

void table_remove(struct table *t, struct table_pos pos, uint32_t hash)
{
    struct table_bucket *head = table_bucket_of(t, hash);
    assert(pos.bucket->used >> pos.index & 1 && pos.bucket->tag[pos.index] == (uint8_t)hash);
    if (table_has_chain(head))
        close_up(t, head, pos);
    else
        head->used &= (uint8_t) ~(1u << pos.index);
    t->count--;
    table_move_for_remove(t);
}
