#include "ds/btree_impl.h"

/* --- making and freeing ----------------------------------------------------------------------------- */

/* As many children as the allocator's sizes have room for. */
unsigned btree_inner_room(unsigned children)
{
    static const unsigned rooms[] = {4, 9, 19, 39, 79, BTREE_CHILDREN_MAX};
    unsigned i = 0;
    while (rooms[i] < children)
        i++;
    return rooms[i];
}

static size_t inner_bytes(unsigned room)
{
    return sizeof(struct btree_node) + room * BTREE_CHILD_BYTES;
}

struct btree_node *btree_inner_new(unsigned height, unsigned children)
{
    assert(height > 0 && height <= BTREE_HEIGHT_MAX && children <= BTREE_CHILDREN_MAX);
    unsigned room = btree_inner_room(children);
    struct btree_node *n = mem_try_alloc(inner_bytes(room));
    if (n)
        *n = (struct btree_node){.refs = 1, .height = (uint8_t)height, .room = (uint16_t)room};
    return n;
}

size_t btree_node_bytes(const struct btree_node *n)
{
    return n->height == 0 ? n->room : mem_good_size(inner_bytes(n->room));
}

void btree_node_free_shell(struct btree_node *n)
{
    mem_free_sized(n, n->height == 0 ? n->room : inner_bytes(n->room));
}

void btree_node_drop(const struct btree_ops *ops, struct btree_node *n)
{
    if (--n->refs > 0)
        return;
    assert(n->height == 0 || n->count == 0);
    if (n->height == 0 && n->outside > 0)
        ops->drop(btree_entries(n));
    btree_node_free_shell(n);
}

bool btree_own(const struct btree_ops *ops, struct btree_node **at)
{
    struct btree_node *n = *at;
    if (n->refs == 1)
        return true;
    size_t bytes = n->height == 0 ? n->room : inner_bytes(n->room);
    struct btree_node *copy = mem_try_alloc(bytes);
    if (!copy)
        return false;
    if (n->height == 0) {
        memcpy(copy, n, BTREE_LEAF_HEAD);
        memcpy((char *)copy + n->begin, (char *)n + n->begin, btree_used(n));
        if (n->outside > 0)
            ops->hold(btree_entries(n));
    } else {
        memcpy(copy, n, bytes);
        struct btree_node **children = btree_children(n);
        for (unsigned i = 0; i < n->count; i++)
            children[i]->refs++;
    }
    copy->refs = 1;
    n->refs--;
    *at = copy;
    return true;
}

/* --- children --------------------------------------------------------------------------------------- */

static uint64_t sum(const uint64_t *numbers, unsigned n)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < n; i++)
        all += numbers[i];
    return all;
}

uint64_t btree_sum_count(const struct btree_node *n)
{
    return n->height == 0 ? n->count : sum(btree_counts(n), n->count);
}

uint64_t btree_sum_bytes(const struct btree_node *n)
{
    return btree_node_bytes(n) + (n->height == 0 ? n->outside : sum(btree_sizes(n), n->count));
}

void btree_inner_refresh(struct btree_node *n, unsigned i)
{
    const struct btree_node *child = btree_children(n)[i];
    btree_counts(n)[i] = btree_sum_count(child);
    btree_sizes(n)[i] = btree_sum_bytes(child);
}

void btree_inner_put(struct btree_node *n, unsigned i, struct btree_node *child, uint64_t feature)
{
    assert(n->count < n->room);
    size_t behind = (n->count - i) * sizeof(uint64_t);
    memmove(btree_features(n) + i + 1, btree_features(n) + i, behind);
    memmove(btree_counts(n) + i + 1, btree_counts(n) + i, behind);
    memmove(btree_sizes(n) + i + 1, btree_sizes(n) + i, behind);
    memmove(btree_children(n) + i + 1, btree_children(n) + i, behind);
    n->count++;
    btree_features(n)[i] = feature;
    btree_children(n)[i] = child;
    btree_inner_refresh(n, i);
}

void btree_inner_take(struct btree_node *n, unsigned i, unsigned how_many)
{
    size_t behind = (n->count - i - how_many) * sizeof(uint64_t);
    memmove(btree_features(n) + i, btree_features(n) + i + how_many, behind);
    memmove(btree_counts(n) + i, btree_counts(n) + i + how_many, behind);
    memmove(btree_sizes(n) + i, btree_sizes(n) + i + how_many, behind);
    memmove(btree_children(n) + i, btree_children(n) + i + how_many, behind);
    n->count = (uint16_t)(n->count - how_many);
}

void btree_inner_append(struct btree_node *n, const struct btree_node *from, unsigned first,
                        unsigned how_many)
{
    assert(n->count + how_many <= n->room && first + how_many <= from->count);
    size_t bytes = how_many * sizeof(uint64_t);
    memcpy(btree_features(n) + n->count, btree_features(from) + first, bytes);
    memcpy(btree_counts(n) + n->count, btree_counts(from) + first, bytes);
    memcpy(btree_sizes(n) + n->count, btree_sizes(from) + first, bytes);
    memcpy(btree_children(n) + n->count, btree_children(from) + first, bytes);
    n->count = (uint16_t)(n->count + how_many);
}

struct btree_node *btree_inner_resize(struct btree_node *n, unsigned children)
{
    struct btree_node *other = btree_inner_new(n->height, children);
    if (!other)
        return NULL;
    btree_inner_append(other, n, 0, n->count);
    btree_node_free_shell(n);
    return other;
}

unsigned btree_inner_find(const struct btree_ops *ops, const struct btree_node *n,
                          const struct btree_key *key)
{
    const uint64_t *features = btree_features(n);
    /* the first child from 1 on that has no smaller feature */
    unsigned base = 1, left = n->count - 1;
    while (left > 0) {
        unsigned half = left / 2;
        bool smaller = features[base + half] < key->feature;
        base = smaller ? base + half + 1 : base;
        left = smaller ? left - half - 1 : half;
    }
    if (base == n->count || features[base] != key->feature)
        return base - 1;
    unsigned low = base - 1, high = base + 1;
    while (high < n->count && features[high] == key->feature)
        high++;
    /* the last of those with the same feature whose first entry is ahead of the key */
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (ops->compare(btree_first_entry(btree_children(n)[middle]), key->key) < 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* --- joining ---------------------------------------------------------------------------------------- */

bool btree_is_small(const struct btree_ops *ops, const struct btree_node *n)
{
    if (n->height > 0)
        return n->count < BTREE_CHILDREN_MAX / 3;
    return btree_used(n) < ops->leaf_bytes_max / 3;
}

/* Both as one leaf; NULL: too large, or no memory. */
static struct btree_node *join_leaves(const struct btree_ops *ops, const struct btree_node *left,
                                      const struct btree_node *right)
{
    size_t used = btree_used(left) + btree_used(right);
    if (used > ops->leaf_bytes_max * 3 / 4)
        return NULL;
    struct btree_node *n = btree_leaf_new(used, 0);
    if (!n)
        return NULL;
    btree_leaf_append(n, btree_entries(left));
    btree_leaf_append(n, btree_entries(right));
    btree_leaf_segment(ops, n);
    n->outside = left->outside + right->outside;
    return n;
}

static struct btree_node *join_inner(const struct btree_node *left, const struct btree_node *right,
                                     uint64_t feature)
{
    unsigned count = left->count + right->count;
    if (count > BTREE_CHILDREN_MAX * 3 / 4)
        return NULL;
    struct btree_node *n = btree_inner_new(left->height, count);
    if (!n)
        return NULL;
    btree_inner_append(n, left, 0, left->count);
    btree_inner_append(n, right, 0, right->count);
    btree_features(n)[left->count] = feature;
    return n;
}

/* Its entries or children are another's, too, now. */
static void release_joined(const struct btree_ops *ops, struct btree_node *n)
{
    if (n->refs == 1) {
        btree_node_free_shell(n);
        return;
    }
    n->refs--;
    if (n->height == 0 && n->outside > 0)
        ops->hold(btree_entries(n));
    for (unsigned i = 0; n->height > 0 && i < n->count; i++)
        btree_children(n)[i]->refs++;
}

static bool join(const struct btree_ops *ops, struct btree_node *parent, unsigned i)
{
    struct btree_node *left = btree_children(parent)[i], *right = btree_children(parent)[i + 1];
    struct btree_node *n = left->height == 0
                               ? join_leaves(ops, left, right)
                               : join_inner(left, right, btree_features(parent)[i + 1]);
    if (!n)
        return false;
    release_joined(ops, left);
    release_joined(ops, right);
    btree_inner_take(parent, i + 1, 1);
    btree_children(parent)[i] = n;
    btree_inner_refresh(parent, i);
    return true;
}

/* A leaf with far more room than it needs moves to less. */
static bool shrink(const struct btree_ops *ops, struct btree_node *parent, unsigned i)
{
    struct btree_node *n = btree_children(parent)[i];
    if (n->height > 0 || n->refs > 1 || BTREE_LEAF_HEAD + btree_used(n) > n->room / 2u)
        return false;
    struct btree_node *other = btree_leaf_new(btree_used(n), 0);
    if (!other)
        return false;
    btree_leaf_append(other, btree_entries(n));
    btree_leaf_segment(ops, other);
    other->outside = n->outside;
    btree_node_free_shell(n);
    btree_children(parent)[i] = other;
    btree_inner_refresh(parent, i);
    return true;
}

bool btree_mend(const struct btree_ops *ops, struct btree_node *parent, unsigned i)
{
    struct btree_node *n = btree_children(parent)[i];
    if (n->count == 0) {
        btree_node_drop(ops, n);
        btree_inner_take(parent, i, 1);
        return true;
    }
    if (!btree_is_small(ops, n))
        return false;
    return (i + 1u < parent->count && join(ops, parent, i)) ||
           (i > 0 && join(ops, parent, i - 1)) || shrink(ops, parent, i);
}

void btree_mend_root(struct btree *t)
{
    struct btree_node *n = t->root;
    while (n && n->height > 0 && n->count == 1) {
        struct btree_node *child = btree_children(n)[0];
        if (--n->refs > 0)
            child->refs++;
        else
            btree_node_free_shell(n);
        n = child;
    }
    if (n && n->count == 0) {
        btree_node_drop(t->ops, n);
        n = NULL;
    }
    t->root = n;
    t->count = n ? btree_sum_count(n) : 0;
    t->bytes = n ? btree_sum_bytes(n) : 0;
}
