#include "ds/ring.h"

#include <assert.h>

/* Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with
 * Bounded Loads", SODA 2018) gives every bin a capacity a little above the average. A ball goes to
 * the first bin, in the order of its hashes, that has room; so what overflows one bin goes on to
 * the next. With capacity (1 + e) times the average, a bin that comes or goes moves O(1 / e^2)
 * times the balls of one bin.
 *
 * Here shards are numbered: they come at the end and leave from there, as in Lamping and Veach's
 * jump hash. That allows the capacity to be the average itself, rounded up for some and down for
 * others, at no price. When shard n comes, the capacity of all others falls; what overflows are the
 * slots that are last in the hash order of their shard, and they go on to the only bin that has
 * room, the new one. Its capacity is the sum of what overflows, so nothing else moves. When it
 * leaves, the capacities rise again and each of its slots returns to where it came from. So the
 * table for n shards is what growing from one shard to n gives: SLOT_COUNT * (1/2 + 1/3 + .. + 1/n)
 * moves, 6.5 * SLOT_COUNT for 1024. */

_Static_assert(SLOT_COUNT >= RING_SHARDS_MAX, "no shard is left without a slot");
_Static_assert(SLOT_COUNT - 1 <= UINT16_MAX, "a slot is 16 bits");

/* The slots of a shard are a stack, the last of the hash order on top; its height is the load. */
struct stacks {
    uint16_t top[RING_SHARDS_MAX];
    uint16_t below[SLOT_COUNT]; /* the slot under each */
    unsigned load[RING_SHARDS_MAX];
};

static void push(struct stacks *s, unsigned shard, uint16_t slot)
{
    s->below[slot] = s->top[shard];
    s->top[shard] = slot;
    s->load[shard]++;
}

static uint16_t pop(struct stacks *s, unsigned shard)
{
    assert(s->load[shard] > 0);
    uint16_t slot = s->top[shard];
    s->top[shard] = s->below[slot];
    s->load[shard]--;
    return slot;
}

/* Of n shards, the first SLOT_COUNT mod n own one slot more. No capacity rises as n does, since the
 * quotient falls, or stays and the remainder falls. */
static unsigned capacity(unsigned shard, unsigned n)
{
    return SLOT_COUNT / n + (shard < SLOT_COUNT % n);
}

/* The finaliser of splitmix64. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
    return x ^ x >> 31;
}

/* One shard owns all slots, in the order of a fixed hash: a Fisher-Yates shuffle. */
static void stack_all(struct stacks *s)
{
    uint16_t slots[SLOT_COUNT];
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        unsigned j = (unsigned)(mix((i + 1) * 0x9e3779b97f4a7c15ULL) % (i + 1));
        slots[i] = (uint16_t)i;
        slots[i] = slots[j];
        slots[j] = (uint16_t)i;
    }
    for (unsigned i = 0; i < SLOT_COUNT; i++)
        push(s, 0, slots[i]);
}

enum err ring_place(uint16_t owner[SLOT_COUNT], unsigned n)
{
    if (n < 1 || n > RING_SHARDS_MAX)
        return ERR_RANGE;
    struct stacks s = {0};
    stack_all(&s);
    for (unsigned newest = 1; newest < n; newest++)
        for (unsigned shard = 0; shard < newest; shard++)
            while (s.load[shard] > capacity(shard, newest + 1))
                push(&s, newest, pop(&s, shard));
    for (unsigned shard = 0; shard < n; shard++)
        while (s.load[shard] > 0)
            owner[pop(&s, shard)] = (uint16_t)shard;
    return ERR_OK;
}
