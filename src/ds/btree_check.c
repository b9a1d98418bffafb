#include "ds/btree_impl.h"

/* The first and the last entry below a node, to be checked against neighbouring nodes. */
struct bounds {
    uint64_t first, last; /* features */
    const char *first_entry, *last_entry;
};

static struct bounds check_leaf(const struct btree_ops *ops, const struct btree_node *n)
{
    const struct btree_leaf *l = btree_cleaf(n);
    assert(n->begin >= BTREE_LEAF_HEAD && n->begin < n->end && n->end <= n->room);
    assert(n->room <= BTREE_NODE_BYTES_MAX && n->segments > 0 && n->segments <= BTREE_SEGMENTS_MAX);
    struct bounds b = {0};
    unsigned count = 0, at = n->begin;
    for (unsigned s = 0; s < n->segments; s++) {
        assert(l->at[s] == at && l->n[s] > 0);
        for (unsigned i = 0; i < l->n[s]; i++) {
            const char *e = (const char *)n + at;
            size_t bytes = ops->bytes(e);
            assert(bytes > 0 && at + bytes <= n->end);
            uint64_t feature = btree_feature(ops, e);
            assert(count == 0 || feature >= b.last);
            b.first_entry = count == 0 ? e : b.first_entry;
            b.first = count++ == 0 ? feature : b.first;
            b.last = feature;
            b.last_entry = e;
            at += (unsigned)bytes;
        }
    }
    assert(count == n->count && at == n->end);
    assert(n->outside == (ops->outside ? ops->outside(btree_entries(n)) : 0));
    return b;
}

/* The separator of child i stands between the entries ahead of it and those below it. */
static void check_separator(const struct btree_ops *ops, const struct btree_node *n, unsigned i,
                            const struct bounds *left, const struct bounds *right)
{
    assert(left->last <= btree_features(n)[i] && btree_features(n)[i] <= right->first);
    if (!ops->string)
        return;
    char scratch[NUM_I64_CHARS];
    struct slice last = ops->string(left->last_entry, scratch);
    assert(btree_inner_compare(n, i, left->last, last) <= 0);
    struct slice first = ops->string(right->first_entry, scratch);
    assert(btree_inner_compare(n, i, right->first, first) >= 0);
}

static struct bounds check(const struct btree_ops *ops, const struct btree_node *n)
{
    assert(n->refs > 0 && n->count > 0);
    if (n->height == 0)
        return check_leaf(ops, n);
    assert(n->count <= n->room && n->room <= BTREE_CHILDREN_MAX);
    struct bounds all = {0};
    for (unsigned i = 0; i < n->count; i++) {
        const struct btree_node *child = btree_children(n)[i];
        assert(child->height + 1u == n->height);
        struct bounds b = check(ops, child);
        assert(btree_counts(n)[i] == btree_sum_count(child));
        assert(btree_sizes(n)[i] == btree_sum_bytes(child));
        if (i == 0)
            all = b;
        else
            check_separator(ops, n, i, &all, &b);
        all.last = b.last;
        all.last_entry = b.last_entry;
    }
    return all;
}

void btree_validate(const struct btree *t)
{
    if (!t->root) {
        assert(t->count == 0 && t->bytes == 0);
        return;
    }
    check(t->ops, t->root);
    assert(t->root->height == 0 || t->root->count > 1);
    assert(t->count == btree_sum_count(t->root) && t->bytes == btree_sum_bytes(t->root));
}
