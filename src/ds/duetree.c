#include "ds/duetree.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define FAN_BITS 4
_Static_assert(DUETREE_FAN == 1 << FAN_BITS, "a level takes 4 more bits of the hash");
_Static_assert(DUETREE_BITS_MAX % FAN_BITS == 0 && DUETREE_BITS_MAX < 32, "levels are whole");
_Static_assert(DUETREE_PART_MAX > DUETREE_PART_MIN * DUETREE_FAN,
               "no growing and shrinking in turn");

/* Ticks that are no time, and the last one that is. A deadline at or before the epoch is overdue. A later deadline than
 * the last tick counts as the last tick: its part is looked at then, and settled again. */
#define TICK_OVERDUE 0
#define TICK_NEVER   UINT32_MAX
#define TICK_LAST    (UINT32_MAX - 1)
/* The epoch is set this long before now. It is set anew when half of all ticks have passed since, 198 days, or when the
 * clock was set back to before it. So deadlines up to 198 days ahead are exact. */
#define EPOCH_BEHIND_MS (INT64_C(3600) * 1000)
#define EPOCH_AGE_MS    ((INT64_C(1) << 31) * DUETREE_TICK_MS)

/* The levels in memory. The root stands at the end of a cache line, so the 16 children of a node, which are searched
 * together, fill one line:
 *
 *    0 .. 14    15     16 .. 31   32 .. 287    288 ...
 *   +--------+------+-----------+------------+---------
 *   | unused | root | level 1   | level 2    | level 3
 *   +--------+------+-----------+------------+---------
 *
 * Node i has the 16 children from 16 * (i - 14) on, and the parent i / 16 + 14 (rounded down). */
#define ROOT           (DUETREE_FAN - 1)
#define FIRST_CHILD(i) (((i) - (ROOT - 1)) * DUETREE_FAN)
#define PARENT(i)      ((i) / DUETREE_FAN + (ROOT - 1))
_Static_assert(FIRST_CHILD(ROOT) == 16 && FIRST_CHILD(16) == 32 && FIRST_CHILD(32) == 288,
               "levels");
_Static_assert(PARENT(16) == ROOT && PARENT(31) == ROOT && PARENT(32) == 16 && PARENT(287) == 31 &&
                   PARENT(288) == 32,
               "a parent's children are its own");

static size_t first_leaf(int bits)
{
    size_t i = ROOT;
    for (int b = 0; b < bits; b += FAN_BITS)
        i = FIRST_CHILD(i);
    return i;
}

static size_t leaves(int bits)
{
    return (size_t)1 << bits;
}

static size_t bytes_of(int bits)
{
    return (first_leaf(bits) + leaves(bits)) * sizeof(uint32_t);
}

/* --- ticks ------------------------------------------------------------------------------------ */

/* The first tick at or after a deadline. */
static uint32_t tick_of(const struct duetree *d, int64_t deadline_ms)
{
    if (deadline_ms == INT64_MAX)
        return TICK_NEVER;
    if (deadline_ms <= d->epoch_ms)
        return TICK_OVERDUE;
    uint64_t ms = (uint64_t)deadline_ms - (uint64_t)d->epoch_ms;
    uint64_t tick = ms / DUETREE_TICK_MS + (ms % DUETREE_TICK_MS != 0);
    return tick < TICK_LAST ? (uint32_t)tick : TICK_LAST;
}

/* Moves the epoch, and with it all ticks. A tick that leaves the range becomes the nearest one inside. Overdue ticks
 * stay overdue. */
static void move_epoch(struct duetree *d, int64_t by_ticks)
{
    d->epoch_ms += by_ticks * DUETREE_TICK_MS;
    size_t end = first_leaf(d->bits) + leaves(d->bits);
    for (size_t i = ROOT; i < end; i++) {
        int64_t tick = (int64_t)d->ticks[i] - by_ticks;
        if (d->ticks[i] == TICK_NEVER || d->ticks[i] == TICK_OVERDUE)
            continue;
        if (tick < TICK_OVERDUE)
            tick = TICK_OVERDUE;
        d->ticks[i] = tick < TICK_LAST ? (uint32_t)tick : TICK_LAST;
    }
}

/* --- the tree --------------------------------------------------------------------------------- */

static uint32_t least_of_children(const struct duetree *d, size_t i)
{
    const uint32_t *child = &d->ticks[FIRST_CHILD(i)];
    uint32_t least = child[0];
    for (int c = 1; c < DUETREE_FAN; c++)
        least = child[c] < least ? child[c] : least;
    return least;
}

void duetree_init(struct duetree *d, int64_t now_ms)
{
    *d = (struct duetree){.epoch_ms = now_ms - EPOCH_BEHIND_MS};
}

void duetree_deinit(struct duetree *d)
{
    mem_free(d->ticks);
    d->ticks = NULL;
}

/* The ticks of a tree without deadlines. NULL: no memory. */
static uint32_t *ticks_try_new(int bits)
{
    uint32_t *ticks = mem_try_alloc(bytes_of(bits));
    if (ticks)
        memset(ticks, 0xff, bytes_of(bits));
    return ticks;
}

static int bits_for(int bits, uint64_t entries)
{
    while (bits < DUETREE_BITS_MAX && entries > (uint64_t)DUETREE_PART_MAX << bits)
        bits += FAN_BITS;
    while (bits > 0 && entries < (uint64_t)DUETREE_PART_MIN << bits)
        bits -= FAN_BITS;
    return bits;
}

enum err duetree_fit(struct duetree *d, uint64_t entries)
{
    struct duetree fit = {.epoch_ms = d->epoch_ms, .bits = bits_for(d->bits, entries)};
    if (fit.bits == d->bits)
        return ERR_OK;
    if (d->ticks) {
        fit.ticks = ticks_try_new(fit.bits);
        if (!fit.ticks)
            return ERR_NOMEM;
        /* When parts are split, each piece has the whole part's bound; merged parts have the least of theirs. */
        int more = fit.bits - d->bits;
        const uint32_t *old_leaf = &d->ticks[first_leaf(d->bits)];
        uint32_t *leaf = &fit.ticks[first_leaf(fit.bits)];
        if (more > 0) {
            for (size_t i = 0; i < leaves(fit.bits); i++)
                leaf[i] = old_leaf[i >> more];
        } else {
            for (size_t i = 0; i < leaves(d->bits); i++)
                if (old_leaf[i] < leaf[i >> -more])
                    leaf[i >> -more] = old_leaf[i];
        }
        for (size_t i = first_leaf(fit.bits) - 1; i >= ROOT; i--)
            fit.ticks[i] = least_of_children(&fit, i);
        mem_free(d->ticks);
    }
    *d = fit;
    return ERR_OK;
}

enum err duetree_add(struct duetree *d, uint32_t hash, int64_t deadline_ms)
{
    if (!d->ticks && !(d->ticks = ticks_try_new(d->bits)))
        return ERR_NOMEM;
    uint32_t tick = tick_of(d, deadline_ms);
    size_t i = first_leaf(d->bits) + ((uint64_t)hash >> (32 - d->bits));
    for (; d->ticks[i] > tick; i = PARENT(i)) {
        d->ticks[i] = tick;
        if (i == ROOT)
            break;
    }
    return ERR_OK;
}

int64_t duetree_next_ms(const struct duetree *d)
{
    if (!d->ticks || d->ticks[ROOT] == TICK_NEVER)
        return INT64_MAX;
    if (d->ticks[ROOT] == TICK_OVERDUE)
        return 0;
    return d->epoch_ms + (int64_t)d->ticks[ROOT] * DUETREE_TICK_MS;
}

bool duetree_due(struct duetree *d, int64_t now_ms, uint64_t *from, uint64_t *to)
{
    if (!d->ticks || d->ticks[ROOT] == TICK_NEVER || now_ms < duetree_next_ms(d))
        return false;
    int64_t age_ms = now_ms - d->epoch_ms;
    if (age_ms < 0 || age_ms >= EPOCH_AGE_MS)
        move_epoch(d, (age_ms - EPOCH_BEHIND_MS) / DUETREE_TICK_MS);

    size_t i = ROOT;
    uint32_t least = d->ticks[ROOT];
    for (size_t leaf = first_leaf(d->bits); i < leaf;)
        for (i = FIRST_CHILD(i); d->ticks[i] != least; i++)
            ;
    *from = (uint64_t)(i - first_leaf(d->bits)) << (32 - d->bits);
    *to = *from + (UINT64_C(1) << (32 - d->bits));
    return true;
}

void duetree_settle(struct duetree *d, uint64_t from, int64_t least_ms)
{
    assert(d->ticks && from >> 32 == 0 && (from & ((UINT64_C(1) << (32 - d->bits)) - 1)) == 0);
    uint32_t tick = tick_of(d, least_ms);
    size_t i = first_leaf(d->bits) + (from >> (32 - d->bits));
    while (d->ticks[i] != tick) {
        d->ticks[i] = tick;
        if (i == ROOT)
            break;
        i = PARENT(i);
        tick = least_of_children(d, i);
    }
}

size_t duetree_memory(const struct duetree *d)
{
    return d->ticks ? bytes_of(d->bits) : 0;
}

void duetree_validate(const struct duetree *d)
{
    assert(d->bits >= 0 && d->bits <= DUETREE_BITS_MAX && d->bits % FAN_BITS == 0);
    if (!d->ticks)
        return;
    for (size_t i = ROOT; i < first_leaf(d->bits); i++)
        assert(d->ticks[i] == least_of_children(d, i));
}
