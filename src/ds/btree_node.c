#include "ds/btree_impl.h"

/* --- making and freeing ----------------------------------------------------------------------------- */

void btree_node_free_shell(struct btree_node *n)
{
    mem_free_sized(n, btree_node_asked(n));
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

bool btree_own_shared(const struct btree_ops *ops, struct btree_node **at)
{
    struct btree_node *n = *at;
    size_t bytes = btree_node_asked(n);
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

/* --- joining ---------------------------------------------------------------------------------------- */

bool btree_is_small(const struct btree_ops *ops, const struct btree_node *n)
{
    if (n->height > 0)
        return n->count < BTREE_CHILDREN_MAX / 3;
    return btree_used(n) < ops->leaf_bytes_max / 3;
}

/* One leaf with the entries of both. NULL: they are too large, or there is no memory. */
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

static struct btree_node *join_inner(const struct btree_ops *ops, const struct btree_node *left,
                                     const struct btree_node *right)
{
    unsigned count = left->count + right->count;
    if (count > BTREE_CHILDREN_MAX * 3 / 4)
        return NULL;
    struct btree_node *n = btree_inner_new(left->height, count);
    if (!n)
        return NULL;
    btree_inner_append(n, left, 0, left->count);
    btree_inner_append(n, right, 0, right->count);
    btree_inner_separate(ops, n);
    return n;
}

/* Drops a node whose entries or children were copied to a joined one. If others hold the node, both have them, so their
 * references are counted once more. */
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
    struct btree_node *n =
        left->height == 0 ? join_leaves(ops, left, right) : join_inner(ops, left, right);
    if (!n)
        return false;
    release_joined(ops, left);
    release_joined(ops, right);
    btree_inner_take(parent, i + 1, 1);
    btree_children(parent)[i] = n;
    btree_inner_refresh(parent, i);
    return true;
}

/* Moves a leaf that fills less than half of its allocation to a smaller one. False: nothing changed. */
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
