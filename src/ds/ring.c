#include "ds/ring.h"

#include <assert.h>

/* Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam: "Consistent Hashing with
 * Bounded Loads", SODA 2018) gives every bin a capacity a little above the average. A ball goes to
 * the first bin, in the order of its hashes, that has room; so balls that overflow one bin go on to
 * the next. With capacity (1 + e) times the average, adding or removing a bin moves O(1 / e^2)
 * times the balls of one bin.
 *
 * Here shards are numbered: they are added and removed at the end, as in Lamping and Veach's jump
 * hash. So the capacity can be the average itself, rounded up for some shards and down for others.
 * When shard n is added, the capacity of all others falls. The slots that overflow are the last
 * ones in the hash order of their shard, and they go to the only shard with room, the new one. Its
 * capacity is the number of these slots, so no other slot moves. When the shard is removed, the
 * capacities rise again and each of its slots returns to its previous shard. So the table for n
 * shards is the result of growing from one shard to n, which takes
 * SLOT_COUNT * (1/2 + 1/3 + .. + 1/n) moves. */

_Static_assert(SLOT_COUNT >= RING_SHARDS_MAX, "no shard is left without a slot");
_Static_assert(SLOT_COUNT - 1 <= UINT16_MAX, "a slot is 16 bits");

/* The slots of a shard are a stack, with the last one in hash order on top. */
struct stacks {
    uint16_t top[RING_SHARDS_MAX];
    uint16_t below[SLOT_COUNT]; /* of each slot: the slot under it */
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

/* Of n shards, the first SLOT_COUNT mod n own one slot more. No capacity rises with n: the quotient
 * falls, or it stays and the remainder falls. */
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

/* Gives shard 0 all slots, in the order of a fixed hash: a Fisher-Yates shuffle. */
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
