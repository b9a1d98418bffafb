#include "base/crc32c.h"
#include "ds/btree_impl.h"

static const char *set_place(struct btree_cursor *c, const struct btree_node *leaf,
                             struct btree_place p)
{
    btree_leaf_normal(leaf, &p);
    c->path[0].node = leaf;
    c->path[0].index = p.segment;
    c->at = p.at;
    c->nth = p.nth;
    return (const char *)leaf + p.at;
}

const char *btree_at(const struct btree *t, uint64_t at, struct btree_cursor *c)
{
    if (at >= t->count)
        return NULL;
    c->ops = t->ops;
    const struct btree_node *n = t->root;
    uint64_t count = t->count;
    c->height = n->height;
    while (n->height > 0) {
        unsigned i = btree_inner_at(n, count, &at);
        c->path[n->height].node = n;
        c->path[n->height].index = i;
        count = btree_counts(n)[i];
        n = btree_children(n)[i];
    }
    struct btree_place p = btree_leaf_at(t->ops, n, (unsigned)at);
    return set_place(c, n, p);
}

/* Moves the cursor to the first entry of the next leaf. NULL: there is none, and the cursor stays. */
static const char *next_leaf(struct btree_cursor *c)
{
    unsigned h = 1;
    while (h <= c->height && c->path[h].index + 1 == c->path[h].node->count)
        h++;
    if (h > c->height)
        return NULL;
    c->path[h].index++;
    const struct btree_node *n = btree_children(c->path[h].node)[c->path[h].index];
    for (; n->height > 0; n = btree_children(n)[0]) {
        c->path[n->height].node = n;
        c->path[n->height].index = 0;
    }
    return set_place(c, n, (struct btree_place){.at = n->begin});
}

/* Sets the cursor to the key's place in the key's leaf. False: that is the leaf's end. */
static bool seek(const struct btree *t, const struct btree_key *key, struct btree_cursor *c)
{
    const struct btree_node *n = t->root;
    c->ops = t->ops;
    c->height = n->height;
    while (n->height > 0) {
        unsigned i = btree_inner_find(t->ops, n, key);
        c->path[n->height].node = n;
        c->path[n->height].index = i;
        n = btree_children(n)[i];
    }
    struct btree_place p = btree_leaf_find(t->ops, n, key->key);
    set_place(c, n, p);
    return p.at < n->end;
}

const char *btree_seek(const struct btree *t, const struct btree_key *key, struct btree_cursor *c,
                       bool *at_entry)
{
    assert(!t->ops->string || key->string.ptr);
    *at_entry = t->root && seek(t, key, c);
    if (*at_entry)
        return btree_entry(c);
    if (!t->root)
        return NULL;
    struct btree_cursor next = *c;
    return next_leaf(&next);
}

const char *btree_find(const struct btree *t, const struct btree_key *key, struct btree_cursor *c)
{
    if (!t->root)
        return NULL;
    return seek(t, key, c) ? btree_entry(c) : next_leaf(c);
}

uint64_t btree_rank(const struct btree *t, const struct btree_key *key)
{
    const struct btree_node *n = t->root;
    if (!n)
        return 0;
    uint64_t rank = 0;
    while (n->height > 0) {
        unsigned i = btree_inner_find(t->ops, n, key);
        for (unsigned j = 0; j < i; j++)
            rank += btree_counts(n)[j];
        n = btree_children(n)[i];
    }
    struct btree_place p = btree_leaf_find(t->ops, n, key->key);
    return rank + btree_leaf_position(n, &p);
}

const char *btree_entry(const struct btree_cursor *c)
{
    return (const char *)c->path[0].node + c->at;
}

const char *btree_next(struct btree_cursor *c)
{
    const struct btree_node *n = c->path[0].node;
    unsigned at = c->at + (unsigned)c->ops->bytes(btree_entry(c));
    if (at == n->end)
        return next_leaf(c);
    c->at = at;
    c->nth++;
    unsigned s = c->path[0].index;
    if (at == btree_segment_end(btree_cleaf(n), s)) {
        c->path[0].index = s + 1;
        c->nth = 0;
    }
    return btree_entry(c);
}

/* Moves the cursor to the last entry of the previous leaf. NULL: there is none, and the cursor stays. */
static const char *prev_leaf(struct btree_cursor *c)
{
    unsigned h = 1;
    while (h <= c->height && c->path[h].index == 0)
        h++;
    if (h > c->height)
        return NULL;
    c->path[h].index--;
    const struct btree_node *n = btree_children(c->path[h].node)[c->path[h].index];
    for (; n->height > 0; n = btree_children(n)[n->count - 1u]) {
        c->path[n->height].node = n;
        c->path[n->height].index = n->count - 1u;
    }
    struct btree_place p = btree_leaf_at(c->ops, n, n->count - 1u);
    return set_place(c, n, p);
}

const char *btree_prev(struct btree_cursor *c)
{
    const struct btree_leaf *l = btree_cleaf(c->path[0].node);
    if (c->nth == 0) {
        if (c->path[0].index == 0)
            return prev_leaf(c);
        c->path[0].index--;
        c->nth = l->n[c->path[0].index];
    }
    c->nth--;
    const char *e = (const char *)l + l->at[c->path[0].index];
    for (unsigned i = 0; i < c->nth; i++)
        e += c->ops->bytes(e);
    c->at = (unsigned)(e - (const char *)l);
    return e;
}

uint64_t btree_position(const struct btree_cursor *c)
{
    struct btree_place p = {.segment = c->path[0].index, .nth = c->nth};
    uint64_t at = btree_leaf_position(c->path[0].node, &p);
    for (unsigned h = 1; h <= c->height; h++)
        for (unsigned i = 0; i < c->path[h].index; i++)
            at += btree_counts(c->path[h].node)[i];
    return at;
}

struct slice btree_run(struct btree_cursor *c, unsigned *count, bool *more)
{
    const struct btree_node *n = c->path[0].node;
    struct btree_place p = {.segment = c->path[0].index, .nth = c->nth};
    struct slice run = slice_of(btree_entry(c), n->end - c->at);
    *count = n->count - btree_leaf_position(n, &p);
    *more = next_leaf(c) != NULL;
    return run;
}

uint32_t btree_ends_sum(const struct btree *t)
{
    struct btree_cursor c;
    uint32_t crc = crc32c(0, &t->count, sizeof(t->count));
    if (t->count == 0)
        return crc;
    const char *first = btree_at(t, 0, &c);
    crc = crc32c(crc, first, t->ops->bytes(first));
    const char *last = btree_at(t, t->count - 1, &c);
    return crc32c(crc, last, t->ops->bytes(last));
}
