#include <stdlib.h>

#include "ds/hashtree_impl.h"

/* --- by number ------------------------------------------------------------------------------------------------- */

/* The slot below which the nth entry lies; *n becomes its number there. Counts are added a block at a time. */
#define COUNTS_BLOCK 16
static unsigned slot_of_nth(const struct hashtree_inner *p, uint64_t *n)
{
    const uint32_t *counts = hashtree_counts(p);
    unsigned i = 0, slots = hashtree_slots(p);
    for (; i + COUNTS_BLOCK < slots; i += COUNTS_BLOCK) {
        uint64_t sum = 0;
        for (unsigned j = 0; j < COUNTS_BLOCK; j++)
            sum += counts[i + j];
        if (*n < sum)
            break;
        *n -= sum;
    }
    for (; *n >= counts[i]; i++) {
        *n -= counts[i];
        assert(i + 1 < slots);
    }
    return i;
}

struct hashtree_entry hashtree_at(const struct hashtree *t, uint64_t n)
{
    const struct hashtree_node *node = t->root;
    assert(n < t->count);
    while (node->kind == HASHTREE_INNER) {
        const struct hashtree_inner *p = (const struct hashtree_inner *)node;
        node = p->slots[slot_of_nth(p, &n)];
    }
    return hashtree_entry_of(t, (const struct hashtree_leaf *)node, (unsigned)n);
}

/* --- in order --------------------------------------------------------------------------------------------------- */

/* The position of a walk is the first hash of a leaf. Its low bits, which place no entry, are the index of one. */
#define PLACE_INDEX ((UINT64_C(1) << (64 - HASHTREE_BITS_MAX)) - 1)
#define PLACE_END   UINT64_MAX

static const struct hashtree_leaf *leaf_of(const struct hashtree *t, uint64_t hash)
{
    struct hashtree_path path;
    hashtree_descend(t, hash, &path);
    return path.leaf;
}

/* The first hash behind the leaf of a hash; PLACE_END: there is none. */
static uint64_t behind(const struct hashtree_leaf *l, uint64_t hash)
{
    unsigned depth = l->node.depth;
    if (depth == 0)
        return PLACE_END;
    uint64_t next = ((hash >> (64 - depth)) + 1) << (64 - depth);
    return next != 0 ? next : PLACE_END;
}

void hashtree_walk_init(struct hashtree_walk *w, const struct hashtree *t, uint64_t at)
{
    *w = (struct hashtree_walk){.tree = t, .at = at};
}

bool hashtree_walk_next(struct hashtree_walk *w, struct hashtree_entry *out)
{
    while (w->at != PLACE_END) {
        uint64_t hash = w->at & ~PLACE_INDEX;
        const struct hashtree_leaf *l = w->leaf ? w->leaf : leaf_of(w->tree, hash);
        if (!l)
            break;
        unsigned i = (unsigned)(w->at & PLACE_INDEX);
        if (i < l->count) {
            w->leaf = l;
            w->at++;
            *out = hashtree_entry_of(w->tree, l, i);
            return true;
        }
        w->leaf = NULL;
        w->at = behind(l, hash);
    }
    w->at = PLACE_END;
    return false;
}

/* --- two trees side by side --------------------------------------------------------------------------------- */

void hashtree_finger_init(struct hashtree_finger *f, const struct hashtree *t)
{
    *f = (struct hashtree_finger){.tree = t};
}

bool hashtree_finger_find(struct hashtree_finger *f, const struct hashtree_walk *w,
                          struct hashtree_entry *out)
{
    const struct hashtree_leaf *from = w->leaf, *l;
    unsigned i = (unsigned)(w->at & PLACE_INDEX) - 1;
    const char *string = hashtree_string_at(from, i);
    assert(f->tree->hash == w->tree->hash);
    if (f->beside != from) {
        l = leaf_of(f->tree, w->at & ~PLACE_INDEX);
        f->beside = from;
        f->leaf = l && l->node.depth <= from->node.depth ? l : NULL;
    }
    l = f->leaf ? f->leaf : leaf_of(f->tree, hashtree_hash_at(w->tree, string));
    int at = l ? hashtree_leaf_find_same(l, from->tags[i], string) : -1;
    if (at < 0)
        return false;
    *out = hashtree_entry_of(f->tree, l, (unsigned)at);
    return true;
}

/* --- by cursor --------------------------------------------------------------------------------------------------- */

struct placed {
    uint64_t cursor; /* the bits of the hash that place the entry */
    unsigned index;
};

static int compare(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    return (x->cursor > y->cursor) - (x->cursor < y->cursor);
}

struct scan {
    const struct hashtree *tree;
    uint64_t cursor, left; /* left: entries still to be given */
    hashtree_each_fn fn;
    void *arg;
};

static void give(struct scan *s, const struct hashtree_leaf *l, unsigned i)
{
    struct hashtree_entry e = hashtree_entry_of(s->tree, l, i);
    s->fn(&e, s->arg);
    s->left -= s->left > 0;
}

/* Gives the entries of a leaf from the cursor on. False: some are left, and the cursor is at the next one. */
static bool scan_leaf(struct scan *s, const struct hashtree_leaf *l)
{
    struct placed of[HASHTREE_LEAF_ENTRIES_MAX];
    unsigned n = 0;
    if (l->node.depth == HASHTREE_BITS_MAX) {
        for (unsigned i = 0; i < l->count; i++)
            give(s, l, i);
        return true;
    }
    assert(l->count <= HASHTREE_LEAF_ENTRIES_MAX);
    for (unsigned i = 0; i < l->count; i++) {
        uint64_t hash = hashtree_hash_at(s->tree, hashtree_string_at(l, i));
        uint64_t cursor = hash >> (64 - HASHTREE_BITS_MAX);
        if (cursor >= s->cursor)
            of[n++] = (struct placed){cursor, i};
    }
    if (n > s->left)
        qsort(of, n, sizeof(of[0]), compare);
    for (unsigned i = 0; i < n; i++) {
        /* Entries with one cursor are given in one step. */
        if (s->left == 0 && of[i].cursor != of[i - 1].cursor) {
            s->cursor = of[i].cursor;
            return false;
        }
        give(s, l, of[i].index);
    }
    return true;
}

uint64_t hashtree_scan(const struct hashtree *t, uint64_t cursor, uint64_t count,
                       hashtree_each_fn fn, void *arg)
{
    struct scan s = {.tree = t, .cursor = cursor, .left = count, .fn = fn, .arg = arg};
    if (s.left == 0)
        s.left = 1;
    if (cursor >> HASHTREE_BITS_MAX != 0)
        return 0;
    for (uint64_t looks = 0; s.left > 0 && looks <= count; looks++) {
        uint64_t hash = s.cursor << (64 - HASHTREE_BITS_MAX);
        const struct hashtree_leaf *l = leaf_of(t, hash);
        if (!l)
            return 0;
        if (!scan_leaf(&s, l))
            break;
        uint64_t next = behind(l, hash);
        if (next == PLACE_END)
            return 0;
        s.cursor = next >> (64 - HASHTREE_BITS_MAX);
    }
    return s.cursor;
}

/* --- deadlines ------------------------------------------------------------------------------------------ */

/* Descents in one call, most of which only raise a bound that was too low. */
#define DUE_LOOKS_MAX 16

/* Finds due entries of a leaf, and sets its bound to the least deadline in it. */
static size_t due_in_leaf(const struct hashtree *t, struct hashtree_leaf *l, int64_t now_ms,
                          struct hashtree_entry *out, size_t max)
{
    int64_t least_ms = HASHTREE_NO_DUE;
    size_t n = 0;
    for (unsigned i = 0; i < l->count; i++) {
        if (!hashtree_entry_has_due(l, i))
            continue;
        struct hashtree_entry e = hashtree_entry_of(t, l, i);
        if (e.due_ms < least_ms)
            least_ms = e.due_ms;
        if (e.due_ms <= now_ms && n < max)
            out[n++] = e;
    }
    l->node.due_ms = least_ms;
    return n;
}

/* A child whose bound is due. NULL: there is none, and the node's own bound is raised. Shared nodes may be written
 * here: the bound is true for each tree that has the node. */
static struct hashtree_node *due_child(struct hashtree_inner *p, int64_t now_ms)
{
    int64_t least_ms = HASHTREE_NO_DUE;
    for (unsigned i = 0; i < hashtree_slots(p); i++) {
        struct hashtree_node *child = p->slots[i];
        if (child->due_ms <= now_ms)
            return child;
        if (child->due_ms < least_ms)
            least_ms = child->due_ms;
    }
    p->node.due_ms = least_ms;
    return NULL;
}

size_t hashtree_due(struct hashtree *t, int64_t now_ms, struct hashtree_entry *out, size_t max)
{
    for (int looks = 0; looks < DUE_LOOKS_MAX && hashtree_due_ms(t) <= now_ms; looks++) {
        struct hashtree_node *n = t->root;
        while (n && n->kind == HASHTREE_INNER)
            n = due_child(hashtree_inner(n), now_ms);
        size_t found = n ? due_in_leaf(t, hashtree_leaf(n), now_ms, out, max) : 0;
        if (found > 0)
            return found;
    }
    return 0;
}

static uint64_t due_count(const struct hashtree *t, const struct hashtree_node *n, int64_t now_ms)
{
    uint64_t count = 0;
    if (n->due_ms > now_ms)
        return 0;
    if (n->kind == HASHTREE_LEAF) {
        const struct hashtree_leaf *l = (const struct hashtree_leaf *)n;
        for (unsigned i = 0; i < l->count; i++)
            count += hashtree_entry_has_due(l, i) && hashtree_entry_of(t, l, i).due_ms <= now_ms;
        return count;
    }
    const struct hashtree_inner *p = (const struct hashtree_inner *)n;
    for (unsigned i = 0; i < hashtree_slots(p); i += hashtree_run(p, p->slots[i]))
        count += due_count(t, p->slots[i], now_ms);
    return count;
}

uint64_t hashtree_due_count(const struct hashtree *t, int64_t now_ms)
{
    return t->root ? due_count(t, t->root, now_ms) : 0;
}

/* --- checks --------------------------------------------------------------------------------------------- */

struct sums {
    uint64_t count;
    size_t bytes, nodes;
};

static void validate_leaf(const struct hashtree *t, const struct hashtree_leaf *l, uint64_t prefix,
                          struct sums *sums)
{
    size_t used = 0;
    assert(l->count <= l->room && l->used <= l->size && l->room % 2 == 0);
    assert(l->node.depth <= HASHTREE_BITS_MAX);
    for (unsigned i = 0; i < l->count; i++) {
        struct hashtree_entry e = hashtree_entry_of(t, l, i);
        uint64_t hash = hashtree_hash_at(t, e.string);
        assert(l->node.depth == 0 || hash >> (64 - l->node.depth) == prefix);
        assert(l->tags[i] == (uint8_t)hash);
        assert(e.due_ms >= l->node.due_ms);
        size_t bytes = hashtree_entry_bytes(t, l, i);
        size_t strings = bytes - (hashtree_entry_has_due(l, i) ? HASHTREE_DUE_BYTES : 0);
        struct slice pack = slice_of(e.string, strings);
        assert(pack_valid(pack) && pack_count(pack) == (t->values ? 2 : 1));
        assert(l->node.has_blobs || !pack_has_blobs(pack));
        sums->bytes += pack_blob_bytes(pack);
        used += bytes;
        assert((size_t)(hashtree_entry_at(l, i) - hashtree_data(l)) + bytes <= l->used);
    }
    assert(used == l->used);
    sums->count += l->count;
    sums->bytes += slab_good_size(hashtree_leaf_bytes(l));
}

static void validate(const struct hashtree *t, const struct hashtree_node *n, uint64_t prefix,
                     struct sums *sums)
{
    sums->nodes++;
    assert(n->refs > 0);
    if (n->kind == HASHTREE_LEAF) {
        validate_leaf(t, (const struct hashtree_leaf *)n, prefix, sums);
        return;
    }
    const struct hashtree_inner *p = (const struct hashtree_inner *)n;
    assert(n->bits >= 1 && n->bits <= HASHTREE_FAN_BITS);
    sums->bytes += slab_good_size(hashtree_inner_bytes(n->bits));
    for (unsigned i = 0; i < hashtree_slots(p);) {
        const struct hashtree_node *child = p->slots[i];
        unsigned run = hashtree_run(p, child), skip = n->depth + n->bits - child->depth;
        uint64_t before = sums->count;
        assert(child->depth > n->depth && child->depth <= n->depth + n->bits && i % run == 0);
        assert(child->kind == HASHTREE_LEAF || (run == 1 && n->bits == HASHTREE_FAN_BITS));
        assert(child->due_ms >= n->due_ms);
        validate(t, child, (prefix << n->bits | i) >> skip, sums);
        assert(hashtree_counts(p)[i] == sums->count - before);
        for (unsigned j = 1; j < run; j++)
            assert(p->slots[i + j] == child && hashtree_counts(p)[i + j] == 0);
        i += run;
    }
}

void hashtree_validate(const struct hashtree *t)
{
    struct sums sums = {.bytes = slab_good_size(sizeof(*t))};
    assert(t->refs > 0);
    if (t->root)
        validate(t, t->root, 0, &sums);
    assert(sums.count == t->count && sums.bytes == t->bytes && sums.nodes == t->nodes);
}
