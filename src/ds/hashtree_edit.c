#include "ds/hashtree_impl.h"

/* Changing a tree.
 *
 * Each step that may fail changes the tree's shape only: a shared node of the path is copied, a leaf gets more room or
 * is split, an inner node gets more slots or a child in between. The last step adds, changes or removes the entry, and
 * cannot fail. So lack of memory leaves the tree with the same entries. */

/* --- the path -------------------------------------------------------------------------------------------------- */

/* Puts a node in place of the path's node at a level; path->levels is the level of the leaf. */
static void put_at(struct hashtree *t, struct hashtree_path *path, unsigned level,
                   struct hashtree_node *n, uint64_t count)
{
    if (level == 0)
        t->root = n;
    else
        hashtree_put_child(path->inner[level - 1], path->slot[level - 1], n, (uint32_t)count);
}

static uint64_t count_at(const struct hashtree *t, const struct hashtree_path *path, unsigned level)
{
    if (level == 0)
        return t->count;
    const struct hashtree_inner *p = path->inner[level - 1];
    unsigned slot = path->slot[level - 1];
    assert(p);
    return hashtree_counts(p)[slot & ~(hashtree_run(p, p->slots[slot]) - 1)];
}

/* Makes each node of the path the tree's own. False: no memory. */
static bool own_path(struct hashtree *t, struct hashtree_path *path)
{
    for (unsigned i = 0; i <= path->levels; i++) {
        struct hashtree_node *n =
            i < path->levels ? &path->inner[i]->node : (path->leaf ? &path->leaf->node : NULL);
        if (!n || n->refs == 1)
            continue;
        uint64_t count = count_at(t, path, i);
        n = hashtree_node_copy(t, n);
        if (!n)
            return false;
        put_at(t, path, i, n, count);
        if (i < path->levels)
            path->inner[i] = hashtree_inner(n);
        else
            path->leaf = hashtree_leaf(n);
    }
    return true;
}

/* Adds to the counts along the path, after the number of entries in its leaf has changed. */
static void count_path(struct hashtree *t, const struct hashtree_path *path, int change)
{
    t->count += (uint64_t)(int64_t)change;
    for (unsigned i = 0; i < path->levels; i++) {
        struct hashtree_inner *p = path->inner[i];
        unsigned run = hashtree_run(p, p->slots[path->slot[i]]);
        hashtree_counts(p)[path->slot[i] & ~(run - 1)] += (uint32_t)change;
    }
}

/* Lowers the bounds along the path to the deadline of an entry in its leaf. */
static void lower_due(const struct hashtree_path *path, int64_t due_ms)
{
    if (due_ms < path->leaf->node.due_ms)
        path->leaf->node.due_ms = due_ms;
    for (unsigned i = 0; i < path->levels; i++)
        if (due_ms < path->inner[i]->node.due_ms)
            path->inner[i]->node.due_ms = due_ms;
}

/* --- room in a leaf --------------------------------------------------------------------------------------------- */

/* Moves the path's leaf to one with room for `count` entries of `used` bytes, and `spare` more. False: no memory. */
static bool resize(struct hashtree *t, struct hashtree_path *path, size_t count, size_t used,
                   size_t spare)
{
    struct hashtree_leaf *old = path->leaf;
    struct hashtree_leaf *l = hashtree_leaf_new(t, old->node.depth, count, used, spare);
    if (!l)
        return false;
    l->node.has_blobs = old->node.has_blobs;
    l->node.bits = old->node.bits;
    l->node.due_ms = old->node.due_ms;
    l->count = old->count;
    l->used = old->used;
    memcpy(l->tags, old->tags, old->count);
    memcpy(hashtree_offsets(l), hashtree_offsets(old), old->count * sizeof(uint16_t));
    memcpy(hashtree_data(l), hashtree_data(old), old->used);
    put_at(t, path, path->levels, &l->node, old->count);
    hashtree_leaf_moved(t, old);
    path->leaf = l;
    return true;
}

/* Doubles the slots of the last inner node of the path. The path ends. False: no memory. */
static bool double_slots(struct hashtree *t, const struct hashtree_path *path)
{
    unsigned level = path->levels - 1;
    struct hashtree_inner *old = path->inner[level];
    struct hashtree_inner *p = hashtree_inner_new(t, old->node.depth, old->node.bits + 1u);
    if (!p)
        return false;
    uint32_t *counts = hashtree_counts(p);
    const uint32_t *old_counts = hashtree_counts(old);
    for (unsigned i = 0; i < hashtree_slots(old); i++) {
        p->slots[2 * i] = p->slots[2 * i + 1] = old->slots[i];
        counts[2 * i] = old_counts[i];
        counts[2 * i + 1] = 0;
    }
    p->node.due_ms = old->node.due_ms;
    struct hashtree_path above = *path;
    put_at(t, &above, level, &p->node, count_at(t, path, level));
    hashtree_node_free(t, &old->node);
    return true;
}

/* Puts an inner node of two slots above the path's leaf, which is in both. The path ends. False: no memory. */
static bool add_level(struct hashtree *t, struct hashtree_path *path)
{
    struct hashtree_leaf *l = path->leaf;
    struct hashtree_inner *p = hashtree_inner_new(t, l->node.depth, 1);
    if (!p)
        return false;
    p->slots[0] = p->slots[1] = &l->node;
    hashtree_counts(p)[0] = l->count;
    hashtree_counts(p)[1] = 0;
    p->node.due_ms = l->node.due_ms;
    put_at(t, path, path->levels, &p->node, l->count);
    return true;
}

static int64_t due_at(const struct hashtree_leaf *l, unsigned i)
{
    int64_t due_ms = HASHTREE_NO_DUE;
    if (hashtree_entry_has_due(l, i))
        memcpy(&due_ms, hashtree_entry_at(l, i), sizeof(due_ms));
    return due_ms;
}

static void take(const struct hashtree *t, struct hashtree_leaf *to,
                 const struct hashtree_leaf *from, unsigned i)
{
    int64_t due_ms = due_at(from, i);
    hashtree_leaf_take(t, to, from, i);
    if (due_ms < to->node.due_ms)
        to->node.due_ms = due_ms;
    to->node.has_blobs |= from->node.has_blobs;
}

/* Splits the path's leaf, which has at least two slots, by the next bit. The path ends. False: no memory. */
static bool split(struct hashtree *t, struct hashtree_path *path)
{
    struct hashtree_inner *p = path->inner[path->levels - 1];
    struct hashtree_leaf *old = path->leaf, *half[2];
    unsigned depth = old->node.depth, run = hashtree_run(p, &old->node);
    bool high[HASHTREE_NODE_BYTES_MAX / 4];
    size_t count[2] = {0, 0}, used[2] = {0, 0};
    assert(old->count <= sizeof(high) && run >= 2);
    for (unsigned i = 0; i < old->count; i++) {
        uint64_t hash = hashtree_hash_at(t, hashtree_string_at(old, i));
        high[i] = hash >> (63 - depth) & 1;
        count[high[i]]++;
        used[high[i]] += hashtree_entry_bytes(t, old, i);
    }
    for (int h = 0; h < 2; h++) {
        size_t spare = hashtree_leaf_need(count[h], used[h]) >> HASHTREE_SPARE_SHIFT;
        half[h] = hashtree_leaf_new(t, depth + 1, count[h], used[h], spare);
        if (!half[h]) {
            if (h == 1)
                hashtree_node_free(t, &half[0]->node);
            return false;
        }
    }
    for (unsigned i = 0; i < old->count; i++)
        take(t, half[high[i]], old, i);
    half[0]->node.bits = half[1]->node.bits = old->node.bits;
    unsigned first = path->slot[path->levels - 1] & ~(run - 1);
    hashtree_leaf_moved(t, old);
    for (unsigned h = 0; h < 2; h++)
        hashtree_put_child(p, first + h * run / 2, &half[h]->node, half[h]->count);
    return true;
}

/* One step towards room for `count` entries of `used` bytes in the path's leaf: it is resized or split, or a split is
 * prepared. The path ends. */
static enum err make_room(struct hashtree *t, struct hashtree_path *path, size_t count, size_t used)
{
    const struct hashtree_leaf *l = path->leaf;
    const struct hashtree_inner *p = path->levels > 0 ? path->inner[path->levels - 1] : NULL;
    unsigned depth = l->node.depth;
    size_t need = hashtree_leaf_need(count, used), max = HASHTREE_NODE_BYTES_MAX;
    if (depth >= HASHTREE_BITS_MAX) {
        if (need > HASHTREE_SAME_BYTES_MAX)
            return ERR_FULL;
        max = HASHTREE_SAME_BYTES_MAX;
    } else if (count > HASHTREE_LEAF_ENTRIES_MIN) {
        max = HASHTREE_LEAF_BYTES;
    }
    if (need > max || (count > HASHTREE_LEAF_ENTRIES_MAX && depth < HASHTREE_BITS_MAX)) {
        bool done;
        if (!p || depth == p->node.depth + (unsigned)HASHTREE_FAN_BITS)
            done = add_level(t, path);
        else if (depth == (unsigned)p->node.depth + p->node.bits)
            done = double_slots(t, path);
        else
            done = split(t, path);
        return done ? ERR_OK : ERR_NOMEM;
    }
    size_t spare = need >> HASHTREE_SPARE_SHIFT;
    if (need + spare > max)
        spare = max - need;
    return resize(t, path, count, used, spare) ? ERR_OK : ERR_NOMEM;
}

/* --- an entry comes, changes, goes ---------------------------------------------------------------------- */

static size_t due_bytes(int64_t due_ms)
{
    return due_ms != HASHTREE_NO_DUE ? HASHTREE_DUE_BYTES : 0;
}

static size_t blob_bytes(const struct pack_entry *e)
{
    return e && e->blob ? blob_memory(e->blob) : 0;
}

static void append(struct hashtree *t, const struct hashtree_path *path, uint64_t hash,
                   struct hashtree_new *n)
{
    struct hashtree_leaf *l = path->leaf;
    size_t bytes = due_bytes(n->due_ms) + n->string->bytes + (n->value ? n->value->bytes : 0);
    t->bytes += blob_bytes(n->string) + blob_bytes(n->value);
    l->node.has_blobs |= n->string->blob || (n->value && n->value->blob);
    char *at = hashtree_leaf_append(l, (uint8_t)hash, bytes, n->due_ms != HASHTREE_NO_DUE);
    if (n->due_ms != HASHTREE_NO_DUE) {
        memcpy(at, &n->due_ms, sizeof(n->due_ms));
        at += sizeof(n->due_ms);
        lower_due(path, n->due_ms);
    }
    at = pack_entry_write(n->string, at);
    if (n->value)
        pack_entry_write(n->value, at);
    count_path(t, path, 1);
}

/* Gives entry i another deadline; the leaf has room for it. */
static void lay_due(const struct hashtree_path *path, unsigned i, int64_t due_ms)
{
    struct hashtree_leaf *l = path->leaf;
    char *at = hashtree_entry_at(l, i);
    uint16_t *offset = &hashtree_offsets(l)[i];
    size_t had = hashtree_entry_has_due(l, i) ? HASHTREE_DUE_BYTES : 0;
    hashtree_leaf_splice(l, at, had, due_bytes(due_ms));
    *offset &= (uint16_t)~HASHTREE_HAS_DUE;
    if (due_ms == HASHTREE_NO_DUE)
        return;
    *offset |= HASHTREE_HAS_DUE;
    memcpy(at, &due_ms, sizeof(due_ms));
    lower_due(path, due_ms);
}

static void replace(struct hashtree *t, const struct hashtree_path *path, unsigned i,
                    struct hashtree_new *n)
{
    struct hashtree_leaf *l = path->leaf;
    /* A deadline is removed before the value is written and added after it, so the leaf never needs more room than it
     * does in the end. */
    if (due_bytes(n->due_ms) == 0)
        lay_due(path, i, n->due_ms);
    if (n->value) {
        char *string = hashtree_string_at(l, i), *value = string + pack_bytes(string);
        size_t was = pack_bytes(value);
        struct blob *old = pack_blob(value);
        if (old) {
            t->bytes -= blob_memory(old);
            blob_drop(old);
        }
        t->bytes += blob_bytes(n->value);
        l->node.has_blobs |= n->value->blob != NULL;
        hashtree_leaf_splice(l, value, was, n->value->bytes);
        pack_entry_write(n->value, value);
    }
    if (due_bytes(n->due_ms) > 0)
        lay_due(path, i, n->due_ms);
}

/* The bytes that entry i will have once it is replaced. */
static size_t replaced_bytes(const struct hashtree *t, const struct hashtree_leaf *l, unsigned i,
                             const struct hashtree_new *n)
{
    const char *string = hashtree_string_at(l, i);
    size_t bytes = due_bytes(n->due_ms) + pack_bytes(string);
    if (t->values)
        bytes += n->value ? n->value->bytes : pack_bytes(string + pack_bytes(string));
    return bytes;
}

static bool fits(const struct hashtree_leaf *l, size_t count, size_t used)
{
    return count <= l->room && used <= l->size;
}

static enum err first_leaf(struct hashtree *t)
{
    struct hashtree_leaf *l = hashtree_leaf_new(t, 0, 0, 0, 0);
    if (!l)
        return ERR_NOMEM;
    t->root = &l->node;
    return ERR_OK;
}

enum err hashtree_set(struct hashtree *t, struct hashtree_new *n, bool *added)
{
    uint64_t hash = hashtree_hash(t, n->string->string);
    struct hashtree_path path;
    assert(t->refs == 1 && t->values == (n->value != NULL));
    if (!t->root && first_leaf(t) != ERR_OK)
        return ERR_NOMEM;
    if (t->count == UINT32_MAX)
        return ERR_FULL;
    for (;;) {
        hashtree_descend(t, hash, &path);
        const struct hashtree_leaf *l = path.leaf;
        int i = hashtree_leaf_find(l, hash, n->string);
        *added = i < 0;
        if (i >= 0 && !t->values)
            return ERR_OK;
        if (!own_path(t, &path))
            return ERR_NOMEM;
        l = path.leaf;
        size_t count = l->count + (i < 0), used = l->used;
        if (i < 0)
            used += due_bytes(n->due_ms) + n->string->bytes + (n->value ? n->value->bytes : 0);
        else
            used += replaced_bytes(t, l, (unsigned)i, n) - hashtree_entry_bytes(t, l, (unsigned)i);
        if (fits(l, count, used)) {
            if (t->kept && !(i < 0 ? hashtree_note_added(t, l, n->string->string)
                                   : hashtree_save_leaf(t, path.leaf, hash)))
                return ERR_NOMEM;
            if (i < 0)
                append(t, &path, hash, n);
            else
                replace(t, &path, (unsigned)i, n);
            return ERR_OK;
        }
        enum err e = make_room(t, &path, count, used);
        if (e)
            return e;
    }
}

enum err hashtree_set_due(struct hashtree *t, const struct pack_entry *string, int64_t due_ms)
{
    uint64_t hash = hashtree_hash(t, string->string);
    struct hashtree_path path;
    assert(t->refs == 1);
    for (;;) {
        hashtree_descend(t, hash, &path);
        int i = path.leaf ? hashtree_leaf_find(path.leaf, hash, string) : -1;
        if (i < 0)
            return ERR_NOTFOUND;
        if (!own_path(t, &path))
            return ERR_NOMEM;
        size_t had = hashtree_entry_has_due(path.leaf, (unsigned)i) ? HASHTREE_DUE_BYTES : 0;
        size_t used = path.leaf->used + due_bytes(due_ms) - had;
        if (fits(path.leaf, path.leaf->count, used)) {
            if (t->kept && !hashtree_save_leaf(t, path.leaf, hash))
                return ERR_NOMEM;
            lay_due(&path, (unsigned)i, due_ms);
            return ERR_OK;
        }
        enum err e = make_room(t, &path, path.leaf->count, used);
        if (e)
            return e;
    }
}

/* --- sparse nodes --------------------------------------------------------------------------------------- */

/* Halves the slots of the last inner node of the path, when no child needs the last bit. False: a child does, or there
 * is no memory. */
static bool halve_slots(struct hashtree *t, const struct hashtree_path *path)
{
    unsigned level = path->levels - 1;
    struct hashtree_inner *old = path->inner[level];
    if (old->node.bits == 1)
        return false;
    for (unsigned i = 0; i < hashtree_slots(old); i += 2)
        if (old->slots[i] != old->slots[i + 1])
            return false;
    struct hashtree_inner *p = hashtree_inner_new(t, old->node.depth, old->node.bits - 1u);
    if (!p)
        return false;
    for (unsigned i = 0; i < hashtree_slots(p); i++) {
        p->slots[i] = old->slots[2 * i];
        hashtree_counts(p)[i] = hashtree_counts(old)[2 * i];
    }
    p->node.due_ms = old->node.due_ms;
    struct hashtree_path above = *path;
    put_at(t, &above, level, &p->node, count_at(t, path, level));
    hashtree_node_free(t, &old->node);
    return true;
}

/* Puts the path's leaf in place of its parent, of which it has all slots. */
static void lift(struct hashtree *t, struct hashtree_path *path)
{
    struct hashtree_inner *p = path->inner[path->levels - 1];
    path->levels--;
    put_at(t, path, path->levels, &path->leaf->node, path->leaf->count);
    hashtree_node_free(t, &p->node);
}

/* Merges the path's leaf with its other half, if that is a leaf, too, and both are small. False: nothing changed. */
static bool merge(struct hashtree *t, struct hashtree_path *path)
{
    struct hashtree_inner *p = path->inner[path->levels - 1];
    struct hashtree_leaf *a = path->leaf;
    if (a->node.depth == p->node.depth)
        return false;
    unsigned run = hashtree_run(p, &a->node);
    unsigned slot = path->slot[path->levels - 1];
    struct hashtree_node *other = p->slots[slot ^ run];
    if (other->kind != HASHTREE_LEAF || other->depth != a->node.depth)
        return false;
    struct hashtree_leaf *b = hashtree_leaf(other);
    size_t count = (size_t)a->count + b->count, used = (size_t)a->used + b->used;
    size_t need = hashtree_leaf_need(count, used);
    if (need > HASHTREE_MERGE_BYTES)
        return false;
    struct hashtree_leaf *l = hashtree_leaf_new(t, a->node.depth - 1u, count, used, 0);
    if (!l)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        take(t, l, a, i);
    for (unsigned i = 0; i < b->count; i++)
        take(t, l, b, i);
    hashtree_leaf_moved(t, a);
    hashtree_leaf_moved(t, b);
    hashtree_put_child(p, slot, &l->node, (uint32_t)count);
    path->leaf = l;
    return true;
}

/* Merges and shrinks nodes after an entry was removed from the path's leaf. Steps that find no memory are left out. */
static void tidy(struct hashtree *t, struct hashtree_path *path, uint64_t hash)
{
    while (path->levels > 0 && merge(t, path)) {
        struct hashtree_inner *p = path->inner[path->levels - 1];
        if (path->leaf->node.depth == p->node.depth)
            lift(t, path);
        else if (path->leaf->node.depth + 1u == p->node.depth + p->node.bits &&
                 halve_slots(t, path))
            hashtree_descend(t, hash, path);
    }
    struct hashtree_leaf *l = path->leaf;
    if (path->levels == 0 && l->count == 0) {
        hashtree_node_free(t, &l->node);
        t->root = NULL;
        return;
    }
    size_t has = hashtree_leaf_bytes(l), need = hashtree_leaf_need(l->count, l->used);
    if (need + need / 2 < has && has > HASHTREE_LEAF_BYTES_MIN)
        (void)resize(t, path, l->count, l->used, need >> HASHTREE_SPARE_SHIFT);
}

enum err hashtree_remove(struct hashtree *t, const struct pack_entry *string)
{
    uint64_t hash = hashtree_hash(t, string->string);
    struct hashtree_path path;
    assert(t->refs == 1);
    hashtree_descend(t, hash, &path);
    int i = path.leaf ? hashtree_leaf_find(path.leaf, hash, string) : -1;
    if (i < 0)
        return ERR_NOTFOUND;
    if (!own_path(t, &path) || (t->kept && !hashtree_save_leaf(t, path.leaf, hash)))
        return ERR_NOMEM;
    if (path.leaf->node.has_blobs) {
        char *at = hashtree_string_at(path.leaf, (unsigned)i);
        size_t bytes = pack_bytes(at);
        if (t->values)
            bytes += pack_bytes(at + bytes);
        t->bytes -= pack_blob_bytes(slice_of(at, bytes));
        pack_drop(slice_of(at, bytes));
    }
    hashtree_leaf_remove(t, path.leaf, (unsigned)i);
    count_path(t, &path, -1);
    if (!t->kept)
        tidy(t, &path, hash);
    return ERR_OK;
}

void hashtree_tidy(struct hashtree *t, uint64_t hash)
{
    struct hashtree_path path;
    hashtree_descend(t, hash, &path);
    if (path.leaf && path.leaf->node.refs == 1)
        tidy(t, &path, hash);
}
