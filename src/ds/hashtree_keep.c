#include "base/mem.h"
#include "ds/hashtree_impl.h"

/* Undoing changes.
 *
 * Only entries are restored, not the tree's shape, as any shape holds the same entries. A leaf is copied and marked
 * before an entry of it is changed or removed. When an entry is added to a leaf without a mark its string is noted,
 * which is cheaper. Leaves do not merge meanwhile. So the copies are of parts of the tree that do not overlap: each
 * part is still one leaf, a run of slots, or a node. Putting the copies back and removing the added entries needs no
 * memory. */

/* --- the part of a copy --------------------------------------------------------------------------------------- */

/* Slots of the last inner node of a path; the root if the path has no level. */
struct part {
    struct hashtree_path path;
    unsigned first, end;
};

static void find_part(const struct hashtree *t, const struct hashtree_saved *s, struct part *p)
{
    unsigned depth = s->leaf->node.depth;
    struct hashtree_node *n = t->root;
    p->path.levels = 0;
    p->first = p->end = 0;
    while (n->kind == HASHTREE_INNER && n->depth < depth) {
        struct hashtree_inner *inner = hashtree_inner(n);
        unsigned slot = hashtree_slot_of(inner, s->hash);
        p->path.inner[p->path.levels] = inner;
        p->path.slot[p->path.levels++] = (uint16_t)slot;
        n = inner->slots[slot];
        if (inner->node.depth + inner->node.bits >= depth) {
            unsigned run = 1u << (inner->node.depth + inner->node.bits - depth);
            p->first = slot & ~(run - 1);
            p->end = p->first + run;
        }
    }
    assert(n->depth >= depth);
}

typedef void (*node_fn)(struct hashtree *t, struct hashtree_node *n);

static void each_of_part(struct hashtree *t, const struct part *p, node_fn fn)
{
    if (p->path.levels == 0) {
        fn(t, t->root);
        return;
    }
    const struct hashtree_inner *inner = p->path.inner[p->path.levels - 1];
    for (unsigned i = p->first; i < p->end;) {
        struct hashtree_node *child = inner->slots[i];
        i += hashtree_run(inner, child);
        fn(t, child);
    }
}

static void each_leaf(struct hashtree *t, struct hashtree_node *n, node_fn fn)
{
    if (n->kind == HASHTREE_LEAF) {
        fn(t, n);
        return;
    }
    const struct hashtree_inner *p = hashtree_inner(n);
    for (unsigned i = 0; i < hashtree_slots(p);) {
        struct hashtree_node *child = p->slots[i];
        i += hashtree_run(p, child);
        each_leaf(t, child, fn);
    }
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void unmark_leaf(struct hashtree *t, struct hashtree_node *n)
{
    (void)t;
    n->bits = 0;
}

static void unmark(struct hashtree *t, struct hashtree_node *n)
{
    each_leaf(t, n, unmark_leaf);
}

static void uncount_leaf(struct hashtree *t, struct hashtree_node *n)
{
    t->count -= hashtree_leaf(n)->count;
    t->bytes -= hashtree_leaf_blob_bytes(t, hashtree_leaf(n));
}

static void remove_node(struct hashtree *t, struct hashtree_node *n)
{
    each_leaf(t, n, uncount_leaf);
    hashtree_node_drop(t, n);
}

static void put_back(struct hashtree *t, const struct hashtree_saved *s)
{
    struct part p;
    uint64_t before = t->count;
    find_part(t, s, &p);
    each_of_part(t, &p, remove_node);
    t->count += s->leaf->count;
    t->nodes++;
    t->bytes += slab_good_size(hashtree_leaf_bytes(s->leaf)) + hashtree_leaf_blob_bytes(t, s->leaf);
    if (p.path.levels == 0) {
        t->root = &s->leaf->node;
        return;
    }
    unsigned last = p.path.levels - 1;
    for (unsigned i = 0; i < last; i++)
        hashtree_counts(p.path.inner[i])[p.path.slot[i]] += (uint32_t)(t->count - before);
    hashtree_put_child(p.path.inner[last], p.first, &s->leaf->node, s->leaf->count);
}

static void let_stand(struct hashtree *t, const struct hashtree_saved *s)
{
    struct part p;
    find_part(t, s, &p);
    each_of_part(t, &p, unmark);
    /* The copy was never counted as a node of the tree. */
    t->nodes++;
    t->bytes += slab_good_size(hashtree_leaf_bytes(s->leaf));
    hashtree_node_drop(t, &s->leaf->node);
}

void hashtree_keep_end(struct hashtree *t, bool undo)
{
    struct hashtree_kept *k = t->kept;
    assert(k);
    for (size_t i = 0; i < k->saved_count; i++) {
        if (undo)
            put_back(t, &k->saved[i]);
        else
            let_stand(t, &k->saved[i]);
    }
    t->kept = NULL;
    for (size_t i = 0; undo && i < k->added_count; i++) {
        struct pack_entry e;
        pack_entry_init_to_find(&e, k->added[i]);
        enum err err = hashtree_remove(t, &e);
        assert(err == ERR_OK);
        (void)err;
    }
    for (size_t i = 0; !undo && i < k->saved_count; i++)
        hashtree_tidy(t, k->saved[i].hash);
    mem_free(k->saved);
    mem_free(k->added);
    mem_free(k);
}
