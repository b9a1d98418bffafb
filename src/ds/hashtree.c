#include "ds/hashtree_impl.h"

/* --- life ------------------------------------------------------------------------------------------------- */

struct hashtree *hashtree_try_new(const struct hashtree_options *o)
{
    struct hashtree *t = slab_try_alloc(o->heap, sizeof(*t));
    if (!t)
        return NULL;
    *t = (struct hashtree){
        .refs = 1,
        .values = o->values,
        .heap = o->heap,
        .hash = o->hash,
        .bytes = slab_good_size(sizeof(*t)),
    };
    return t;
}

struct hashtree *hashtree_hold(struct hashtree *t)
{
    assert(!t->kept);
    t->refs++;
    return t;
}

bool hashtree_own(struct hashtree **pt)
{
    struct hashtree *t = *pt;
    if (t->refs == 1)
        return true;
    struct hashtree *own = slab_try_alloc(t->heap, sizeof(*own));
    if (!own)
        return false;
    *own = *t;
    own->refs = 1;
    if (own->root)
        own->root->refs++;
    t->refs--;
    *pt = own;
    return true;
}

/* --- the end ---------------------------------------------------------------------------------------------- */

static bool drop_node(struct hashtree *t, struct hashtree_node *n, size_t *effort);

/* Drops children a run of slots at a time, so an interrupted call leaves a valid node with empty slots. */
static bool drop_children(struct hashtree *t, struct hashtree_inner *p, size_t *effort)
{
    unsigned n = hashtree_slots(p);
    for (unsigned i = 0; i < n;) {
        struct hashtree_node *child = p->slots[i];
        unsigned end = i + 1;
        while (end < n && p->slots[end] == child)
            end++;
        if (child && !drop_node(t, child, effort))
            return false;
        for (; i < end; i++)
            p->slots[i] = NULL;
    }
    return true;
}

static void drop_entries(const struct hashtree *t, struct hashtree_leaf *l, size_t *effort)
{
    if (!l->node.has_blobs)
        return;
    for (unsigned i = 0; i < l->count; i++) {
        char *string = hashtree_string_at(l, i);
        size_t bytes = pack_bytes(string);
        if (t->values)
            bytes += pack_bytes(string + bytes);
        pack_drop(slice_of(string, bytes));
    }
    *effort -= *effort < l->count ? *effort : l->count;
}

/* Drops a reference to a node, and with the last one the node. False: some of it is left, for the same call again. */
static bool drop_node(struct hashtree *t, struct hashtree_node *n, size_t *effort)
{
    if (*effort == 0)
        return false;
    if (n->refs > 1) {
        n->refs--;
        --*effort;
        return true;
    }
    if (n->kind == HASHTREE_LEAF)
        drop_entries(t, hashtree_leaf(n), effort);
    else if (!drop_children(t, hashtree_inner(n), effort))
        return false;
    hashtree_node_free(t, n);
    *effort -= *effort > 0;
    return true;
}

void hashtree_node_drop(struct hashtree *t, struct hashtree_node *n)
{
    size_t effort = SIZE_MAX;
    while (!drop_node(t, n, &effort))
        ;
}

bool hashtree_drop_some(struct hashtree *t, size_t *effort)
{
    if (t->refs > 1) {
        t->refs--;
    } else {
        if (t->root && !drop_node(t, t->root, effort))
            return false;
        slab_free(t, sizeof(*t));
    }
    *effort -= *effort > 0;
    return true;
}

void hashtree_drop(struct hashtree *t)
{
    size_t effort = SIZE_MAX;
    while (!hashtree_drop_some(t, &effort))
        ;
}

/* --- figures ---------------------------------------------------------------------------------------------- */

uint64_t hashtree_count(const struct hashtree *t)
{
    return t->count;
}

size_t hashtree_memory(const struct hashtree *t)
{
    return t->bytes;
}

size_t hashtree_nodes(const struct hashtree *t)
{
    return t->nodes;
}

bool hashtree_is_shared(const struct hashtree *t)
{
    return t->refs > 1 || (t->root && t->root->refs > 1);
}

int64_t hashtree_due_ms(const struct hashtree *t)
{
    return t->root ? t->root->due_ms : HASHTREE_NO_DUE;
}

/* --- look-up ---------------------------------------------------------------------------------------------- */

uint64_t hashtree_hash_at(const struct hashtree *t, const char *string)
{
    char scratch[NUM_I64_CHARS];
    return hashtree_hash(t, pack_string(string, scratch));
}

void hashtree_descend(const struct hashtree *t, uint64_t hash, struct hashtree_path *path)
{
    struct hashtree_node *n = t->root;
    path->levels = 0;
    while (n && n->kind == HASHTREE_INNER) {
        struct hashtree_inner *p = hashtree_inner(n);
        unsigned slot = hashtree_slot_of(p, hash);
        assert(path->levels < HASHTREE_LEVELS_MAX);
        path->inner[path->levels] = p;
        path->slot[path->levels++] = (uint16_t)slot;
        n = p->slots[slot];
    }
    path->leaf = n ? hashtree_leaf(n) : NULL;
}

bool hashtree_find(const struct hashtree *t, const struct pack_entry *string,
                   struct hashtree_entry *out)
{
    uint64_t hash = hashtree_hash(t, string->string);
    const struct hashtree_node *n = t->root;
    while (n && n->kind == HASHTREE_INNER) {
        const struct hashtree_inner *p = (const struct hashtree_inner *)n;
        n = p->slots[hashtree_slot_of(p, hash)];
    }
    if (!n)
        return false;
    const struct hashtree_leaf *l = (const struct hashtree_leaf *)n;
    int i = hashtree_leaf_find(l, hash, string);
    if (i < 0)
        return false;
    *out = hashtree_entry_of(t, l, (unsigned)i);
    return true;
}

/* --- ahead of a look-up ------------------------------------------------------------------------------------ */

enum { FETCH_ROOT, FETCH_SLOT, FETCH_NODE }; /* what the step reads */
#define FETCH_NODE_LINES 3                   /* the tags and offsets of most leaves */

bool hashtree_fetch(const struct hashtree *t, struct prefetch_way *way)
{
    const struct hashtree_node *n;
    switch (way->step) {
    case FETCH_ROOT:
        way->hash = hashtree_hash(t, way->name);
        n = t->root;
        break;
    case FETCH_SLOT: n = *(struct hashtree_node *const *)way->at; break;
    default:
        n = way->at;
        if (n->kind == HASHTREE_INNER) {
            const struct hashtree_inner *p = (const struct hashtree_inner *)n;
            way->at = &p->slots[hashtree_slot_of(p, way->hash)];
            way->step = FETCH_SLOT;
            prefetch_line(way->at);
            return true;
        }
        hashtree_leaf_fetch((const struct hashtree_leaf *)n, way->hash);
        return false;
    }
    if (!n)
        return false;
    way->at = n;
    way->step = FETCH_NODE;
    for (unsigned i = 0; i < FETCH_NODE_LINES; i++)
        prefetch_line((const char *)n + i * PREFETCH_LINE_BYTES);
    return true;
}
