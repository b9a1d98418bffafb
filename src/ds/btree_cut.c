#include "ds/btree_impl.h"

/* At each height at most two nodes lose only a part of their entries: one at each end of the run. */
#define CUT_NODES_MAX (2 * (BTREE_HEIGHT_MAX + 1))

/* New nodes for the entries cut out, made before anything changes: inner nodes take over whole subtrees, leaves take
 * runs of entries. */
struct cut {
    struct btree_node *node[CUT_NODES_MAX];
    unsigned made, used;
};

/* A run of positions below a node. */
struct run {
    uint64_t from, to;
};

/* The part of a run that lies below a child, as positions below it. */
static struct run run_below(struct run run, uint64_t ahead, uint64_t count)
{
    struct run r = {run.from > ahead ? run.from - ahead : 0, run.to > ahead ? run.to - ahead : 0};
    if (r.from > count)
        r.from = count;
    if (r.to > count)
        r.to = count;
    return r;
}

/* Makes each node that loses a part of its entries the tree's own, and a new node to take that part. `apply` visits the
 * nodes in the same order. False: no memory. */
static bool prepare(const struct btree_ops *ops, struct btree_node **at, struct run run,
                    struct cut *cut)
{
    if (!btree_own(ops, at))
        return false;
    struct btree_node *n = *at;
    assert(cut->made < CUT_NODES_MAX);
    struct btree_node *made =
        n->height == 0 ? btree_leaf_new(btree_used(n), 0) : btree_inner_new(n->height, n->count);
    if (!made)
        return false;
    cut->node[cut->made++] = made;
    uint64_t ahead = 0;
    for (unsigned i = 0; n->height > 0 && i < n->count; i++) {
        uint64_t count = btree_counts(n)[i];
        struct run r = run_below(run, ahead, count);
        if (r.to > r.from && r.to - r.from < count && !prepare(ops, &btree_children(n)[i], r, cut))
            return false;
        ahead += count;
    }
    return true;
}

static void cut_leaf(const struct btree_ops *ops, struct btree_node *n, struct run run,
                     struct btree_node *out)
{
    struct btree_place from = btree_leaf_at(ops, n, (unsigned)run.from);
    struct btree_place to = btree_leaf_at(ops, n, (unsigned)run.to);
    struct slice gone = slice_of((char *)n + from.at, to.at - from.at);
    btree_leaf_append(out, gone);
    btree_leaf_segment(ops, out);
    if (n->outside > 0) {
        out->outside = ops->outside(gone);
        n->outside -= out->outside;
    }
    memmove((char *)n + from.at, (char *)n + to.at, n->end - to.at);
    n->end = (uint16_t)(n->end - gone.len);
    btree_leaf_segment(ops, n);
}

static void apply(const struct btree_ops *ops, struct btree_node *n, struct run run,
                  struct cut *cut)
{
    struct btree_node *out = cut->node[cut->used++];
    assert(out);
    if (n->height == 0) {
        cut_leaf(ops, n, run, out);
        return;
    }
    uint64_t ahead = 0;
    unsigned first_gone = 0, gone = 0;
    for (unsigned i = 0; i < n->count; i++) {
        uint64_t count = btree_counts(n)[i];
        struct run r = run_below(run, ahead, count);
        ahead += count;
        if (r.to == r.from)
            continue;
        if (r.to - r.from == count) {
            first_gone = gone++ == 0 ? i : first_gone;
            continue;
        }
        apply(ops, btree_children(n)[i], r, cut);
        btree_inner_refresh(n, i);
    }
    if (gone > 0) {
        btree_inner_append(out, n, first_gone, gone);
        btree_inner_take(n, first_gone, gone);
    }
}

/* Joins nodes that became small on both sides of the gap. */
static void mend(const struct btree_ops *ops, struct btree_node *n, uint64_t at)
{
    if (n->height == 0)
        return;
    for (unsigned side = 0; side < 2; side++) {
        /* the entry ahead of the gap, then the one behind it */
        uint64_t below = side == 0 && at > 0 ? at - 1 : at, count = btree_sum_count(n);
        bool at_end = below == count;
        below -= at_end;
        unsigned i = btree_inner_at(n, count, &below);
        below += at_end;
        struct btree_node *child = btree_children(n)[i];
        /* The nodes that the cut went through are the tree's own, and no others became small. */
        if (child->refs == 1) {
            mend(ops, child, side == 0 && at > 0 ? below + 1 : below);
            btree_inner_refresh(n, i);
        }
        btree_mend(ops, n, i);
    }
}

/* Makes `out` a tree of the new nodes, all of them children of `top`. Its shape is good for freeing only. */
static void gather(struct cut *cut, struct btree_node *top, struct btree *out)
{
    for (unsigned i = 0; i < cut->made; i++) {
        if (cut->node[i]->count > 0)
            btree_inner_put(out->ops, top, top->count, cut->node[i]);
        else
            btree_node_free_shell(cut->node[i]);
    }
    out->root = top;
    out->count = btree_sum_count(top);
    out->bytes = btree_sum_bytes(top);
}

enum err btree_cut(struct btree *t, uint64_t at, uint64_t n, struct btree *out)
{
    assert(n > 0 && n <= t->count && at <= t->count - n);
    btree_init(out, t->ops);
    if (n == t->count) {
        *out = *t;
        btree_init(t, out->ops);
        return ERR_OK;
    }
    struct run run = {at, at + n};
    struct cut cut = {0};
    struct btree_node *top = btree_inner_new(BTREE_HEIGHT_MAX, CUT_NODES_MAX);
    if (!top)
        return ERR_NOMEM;
    if (!prepare(t->ops, &t->root, run, &cut)) {
        while (cut.made > 0)
            btree_node_free_shell(cut.node[--cut.made]);
        btree_node_free_shell(top);
        return ERR_NOMEM;
    }
    apply(t->ops, t->root, run, &cut);
    gather(&cut, top, out);
    mend(t->ops, t->root, at);
    btree_mend_root(t);
    return ERR_OK;
}
