#include "base/prefetch.h"
#include "ds/btree_impl.h"

/* A segment is cut in two when it has more bytes than the leaf's allocation divided by this. */
#define SEGMENT_PART      12
#define SEGMENT_BYTES_MIN 64

struct btree_node *btree_leaf_new(size_t used, size_t slack)
{
    size_t bytes = mem_good_size(BTREE_LEAF_HEAD + used + slack);
    if (bytes > BTREE_NODE_BYTES_MAX)
        bytes = BTREE_NODE_BYTES_MAX;
    assert(bytes >= BTREE_LEAF_HEAD + used);
    struct btree_node *n = mem_try_alloc(bytes);
    if (n)
        *n = (struct btree_node){
            .refs = 1, .room = (uint16_t)bytes, .begin = BTREE_LEAF_HEAD, .end = BTREE_LEAF_HEAD};
    return n;
}

bool btree_leaf_has_room(const struct btree_node *n, size_t len)
{
    return BTREE_LEAF_HEAD + btree_used(n) + len <= n->room;
}

/* --- places ----------------------------------------------------------------------------------------- */

struct btree_place btree_leaf_at(const struct btree_ops *ops, const struct btree_node *n,
                                 unsigned nth)
{
    const struct btree_leaf *l = btree_cleaf(n);
    struct btree_place p = {.at = n->end};
    if (n->segments == 0)
        return p;
    if (nth < n->count / 2u) {
        for (; nth >= l->n[p.segment]; p.segment++)
            nth -= l->n[p.segment];
    } else {
        unsigned behind = n->count - nth;
        for (p.segment = n->segments - 1u; behind > l->n[p.segment]; p.segment--)
            behind -= l->n[p.segment];
        nth = l->n[p.segment] - behind;
    }
    p.nth = nth;
    if (nth == l->n[p.segment]) /* end of the leaf */
        return p;
    const char *e = (const char *)n + l->at[p.segment];
    for (; nth > 0; nth--)
        e += ops->bytes(e);
    p.at = (unsigned)(e - (const char *)n);
    return p;
}

struct btree_place btree_leaf_find(const struct btree_ops *ops, const struct btree_node *n,
                                   const void *key)
{
    const struct btree_leaf *l = btree_cleaf(n);
    struct btree_place p = {.at = n->end};
    if (n->segments == 0)
        return p;
    /* Each step of the search reads another cache line: the lines are fetched together. */
    for (unsigned s = 1; s < n->segments; s++)
        prefetch_line((const char *)n + l->at[s]);
    /* The last segment whose first entry is ahead of the key. */
    unsigned low = 0, high = n->segments;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (ops->compare((const char *)n + l->at[middle], key) < 0)
            low = middle;
        else
            high = middle;
    }
    p.segment = low;
    const char *e = (const char *)n + l->at[low];
    if (ops->scan) {
        p.nth = l->n[low];
        e = ops->scan(e, key, &p.nth);
    } else {
        for (; p.nth < l->n[low] && ops->compare(e, key) < 0; p.nth++)
            e += ops->bytes(e);
    }
    p.at = (unsigned)(e - (const char *)n);
    return p;
}

unsigned btree_leaf_position(const struct btree_node *n, const struct btree_place *p)
{
    unsigned at = p->nth;
    for (unsigned s = 0; s < p->segment; s++)
        at += btree_cleaf(n)->n[s];
    return at;
}

/* --- segments --------------------------------------------------------------------------------------- */

void btree_leaf_segment(const struct btree_ops *ops, struct btree_node *n)
{
    struct btree_leaf *l = btree_leaf(n);
    unsigned wanted = btree_used(n) / BTREE_SEGMENTS_MAX + 1;
    if (wanted < SEGMENT_BYTES_MIN)
        wanted = SEGMENT_BYTES_MIN;
    const char *base = (const char *)n, *end = base + n->end;
    unsigned segments = 0, count = 0;
    for (const char *e = base + n->begin; e < end;) {
        const char *start = e;
        unsigned in = 0;
        do {
            e += ops->bytes(e);
            in++;
        } while (e < end && ((unsigned)(e - start) < wanted || segments + 1 == BTREE_SEGMENTS_MAX));
        l->at[segments] = (uint16_t)(start - base);
        l->n[segments++] = (uint16_t)in;
        count += in;
    }
    n->segments = (uint8_t)segments;
    n->count = (uint16_t)count;
}

static void add_segment(struct btree_leaf *l, unsigned s, unsigned at, unsigned count)
{
    unsigned behind = l->node.segments - s;
    memmove(l->at + s + 1, l->at + s, behind * sizeof(l->at[0]));
    memmove(l->n + s + 1, l->n + s, behind * sizeof(l->n[0]));
    l->at[s] = (uint16_t)at;
    l->n[s] = (uint16_t)count;
    l->node.segments++;
}

/* Cuts a segment that has become too large, after its nth entry was added. A leaf that grows at an end leaves full
 * segments behind. */
static void cut_segment(const struct btree_ops *ops, struct btree_node *n, unsigned s, unsigned nth)
{
    struct btree_leaf *l = btree_leaf(n);
    unsigned limit = n->room / SEGMENT_PART;
    if (limit < SEGMENT_BYTES_MIN)
        limit = SEGMENT_BYTES_MIN;
    unsigned bytes = btree_segment_end(l, s) - l->at[s], count = l->n[s];
    if (bytes <= limit || count < 2)
        return;
    if (n->segments == BTREE_SEGMENTS_MAX) {
        if (bytes > 2 * limit)
            btree_leaf_segment(ops, n);
        return;
    }
    unsigned ahead = count / 2;
    if (s + 1u == n->segments && nth + 1 == count)
        ahead = count - 1;
    else if (s == 0 && nth == 0)
        ahead = 1;
    const char *e = (const char *)n + l->at[s];
    for (unsigned i = 0; i < ahead; i++)
        e += ops->bytes(e);
    l->n[s] = (uint16_t)ahead;
    add_segment(l, s + 1, (unsigned)(e - (const char *)n), count - ahead);
}

/* --- entries ---------------------------------------------------------------------------------------- */

static void slide(struct btree_node *n, unsigned to)
{
    struct btree_leaf *l = btree_leaf(n);
    memmove((char *)n + to, (char *)n + n->begin, btree_used(n));
    unsigned by = n->begin - to;
    for (unsigned s = 0; s < n->segments; s++)
        l->at[s] = (uint16_t)(l->at[s] - by);
    n->begin = (uint16_t)(n->begin - by);
    n->end = (uint16_t)(n->end - by);
}

void btree_leaf_put(const struct btree_ops *ops, struct btree_node *n, const struct btree_place *p,
                    struct slice entry)
{
    struct btree_leaf *l = btree_leaf(n);
    char *base = (char *)n;
    unsigned at = p->at, len = (unsigned)entry.len;
    assert(btree_leaf_has_room(n, len));
    bool fits_ahead = n->begin - BTREE_LEAF_HEAD >= len, fits_behind = n->room - n->end >= (int)len;
    if (n->count == 0) {
        /* The caller has set begin and end, and with them the side on which the gap is. */
        add_segment(l, 0, at, 0);
    } else if (!fits_ahead && !fits_behind) {
        at -= n->begin - BTREE_LEAF_HEAD;
        slide(n, BTREE_LEAF_HEAD);
        fits_behind = true;
    }
    if (fits_behind && (!fits_ahead || n->end - at <= at - n->begin)) {
        memmove(base + at + len, base + at, n->end - at);
        n->end = (uint16_t)(n->end + len);
        for (unsigned s = p->segment + 1; s < n->segments; s++)
            l->at[s] = (uint16_t)(l->at[s] + len);
    } else {
        memmove(base + n->begin - len, base + n->begin, at - n->begin);
        n->begin = (uint16_t)(n->begin - len);
        for (unsigned s = 0; s <= p->segment; s++)
            l->at[s] = (uint16_t)(l->at[s] - len);
        at -= len;
    }
    bytes_copy(base + at, entry.ptr, len);
    n->count++;
    l->n[p->segment]++;
    if (ops->outside)
        n->outside += ops->outside(entry);
    cut_segment(ops, n, p->segment, p->nth);
}

/* Entries that each of a series of pops may walk over, at most, to find the last one. */
#define LAST_ENTRIES_MAX 8

struct btree_place btree_leaf_last(const struct btree_ops *ops, struct btree_node *n)
{
    struct btree_leaf *l = btree_leaf(n);
    unsigned s = n->segments - 1u, left = l->n[s] - 1u, at = l->at[s];
    bool cuts = left > LAST_ENTRIES_MAX && n->segments < BTREE_SEGMENTS_MAX;
    for (; left > 0; left--) {
        at += (unsigned)ops->bytes((const char *)n + at);
        if (!cuts || left != LAST_ENTRIES_MAX)
            continue;
        l->n[s] = (uint16_t)(l->n[s] - LAST_ENTRIES_MAX);
        add_segment(l, ++s, at, LAST_ENTRIES_MAX);
    }
    return (struct btree_place){.segment = s, .nth = l->n[s] - 1u, .at = at};
}

void btree_leaf_take(struct btree_node *n, const struct btree_place *p, unsigned len)
{
    struct btree_leaf *l = btree_leaf(n);
    char *base = (char *)n;
    unsigned at = p->at;
    if (at - n->begin < n->end - at - len) {
        memmove(base + n->begin + len, base + n->begin, at - n->begin);
        n->begin = (uint16_t)(n->begin + len);
        for (unsigned s = 0; s <= p->segment; s++)
            l->at[s] = (uint16_t)(l->at[s] + len);
    } else {
        memmove(base + at, base + at + len, n->end - at - len);
        n->end = (uint16_t)(n->end - len);
        for (unsigned s = p->segment + 1; s < n->segments; s++)
            l->at[s] = (uint16_t)(l->at[s] - len);
    }
    n->count--;
    if (--l->n[p->segment] > 0)
        return;
    unsigned behind = n->segments - p->segment - 1;
    memmove(l->at + p->segment, l->at + p->segment + 1, behind * sizeof(l->at[0]));
    memmove(l->n + p->segment, l->n + p->segment + 1, behind * sizeof(l->n[0]));
    n->segments--;
}

void btree_leaf_append(struct btree_node *n, struct slice run)
{
    assert(btree_leaf_has_room(n, run.len));
    assert(n->begin == BTREE_LEAF_HEAD);
    memcpy((char *)n + n->end, run.ptr, run.len);
    n->end = (uint16_t)(n->end + run.len);
}
