#include <limits.h>

#include "ds/btree_impl.h"

/* The nodes from the root to a leaf, by height; no other tree shares them. */
struct path {
    struct btree_node *node[BTREE_HEIGHT_MAX + 1];
    unsigned index[BTREE_HEIGHT_MAX + 1]; /* of the child */
    unsigned height;                      /* of the root */
    struct btree_place place;
};

/* Makes the nodes on the way to a cursor's place the tree's own. False: no memory. */
static bool own_path(struct btree *t, const struct btree_cursor *c, struct path *p)
{
    struct btree_node **slot = &t->root;
    for (unsigned h = c->height;; h--) {
        if (!btree_own(t->ops, slot))
            return false;
        p->node[h] = *slot;
        if (h == 0)
            break;
        p->index[h] = c->path[h].index;
        slot = &btree_children(*slot)[c->path[h].index];
    }
    p->height = c->height;
    p->place = (struct btree_place){.segment = c->path[0].index, .nth = c->nth, .at = c->at};
    return true;
}

/* The same for the way to the first leaf, or the last, without a place in it. False: no memory. */
static bool own_end(struct btree *t, bool last, struct path *p)
{
    struct btree_node **slot = &t->root;
    p->height = t->root->height;
    for (unsigned h = p->height;; h--) {
        if (!btree_own(t->ops, slot))
            return false;
        struct btree_node *n = p->node[h] = *slot;
        if (h == 0)
            return true;
        p->index[h] = last ? n->count - 1u : 0;
        slot = &btree_children(n)[p->index[h]];
    }
}

/* The same for the way to a position, which may be the end of the tree. False: no memory. */
static bool own_way_to(struct btree *t, uint64_t at, struct path *p)
{
    if (at == 0 || at == t->count) {
        if (!own_end(t, at > 0, p))
            return false;
        const struct btree_node *n = p->node[0];
        p->place = (struct btree_place){.at = n->begin};
        if (at > 0) {
            unsigned s = n->segments - 1u;
            p->place = (struct btree_place){s, btree_cleaf(n)->n[s], n->end};
        }
        return true;
    }
    struct btree_cursor c;
    btree_at(t, at, &c);
    return own_path(t, &c, p);
}

static void set_node(struct btree *t, struct path *p, unsigned height, struct btree_node *n)
{
    p->node[height] = n;
    if (height == p->height)
        t->root = n;
    else
        btree_children(p->node[height + 1])[p->index[height + 1]] = n;
}

static void add_to_sums(struct btree *t, const struct path *p, int entries, int64_t bytes)
{
    for (unsigned h = 1; h <= p->height; h++) {
        btree_counts(p->node[h])[p->index[h]] += (uint64_t)(int64_t)entries;
        btree_sizes(p->node[h])[p->index[h]] += (uint64_t)bytes;
    }
    t->count += (uint64_t)(int64_t)entries;
    t->bytes += (uint64_t)bytes;
}

/* Sums up counts and bytes anew: of the nodes above `height`, and of the tree. */
static void sum_up(struct btree *t, const struct path *p, unsigned height)
{
    for (unsigned h = height + 1; h <= p->height; h++)
        btree_inner_refresh(p->node[h], p->index[h]);
    t->count = btree_sum_count(t->root);
    t->bytes = btree_sum_bytes(t->root);
}

static bool is_first(const struct path *p)
{
    for (unsigned h = 1; h <= p->height; h++)
        if (p->index[h] > 0)
            return false;
    return p->place.at == p->node[0]->begin;
}

static bool is_last(const struct path *p)
{
    for (unsigned h = 1; h <= p->height; h++)
        if (p->index[h] + 1 < p->node[h]->count)
            return false;
    return p->place.at == p->node[0]->end;
}

/* --- inner nodes that get one more child ------------------------------------------------------------ */

/* Inner nodes that an insertion needs, by height, allocated before anything changes. */
struct spares {
    struct btree_node *node[BTREE_HEIGHT_MAX + 2];
};

static void spares_free(struct spares *s)
{
    for (unsigned h = 1; h < BTREE_HEIGHT_MAX + 2; h++)
        if (s->node[h])
            btree_node_free_shell(s->node[h]);
}

static bool spares_make(const struct path *p, struct spares *s)
{
    *s = (struct spares){0};
    for (unsigned h = 1;; h++) {
        assert(h <= BTREE_HEIGHT_MAX);
        const struct btree_node *n = h <= p->height ? p->node[h] : NULL;
        if (n && n->count < n->room)
            return true;
        bool grows = n && n->room < BTREE_CHILDREN_MAX;
        s->node[h] = btree_inner_new(h, grows ? n->count + 1u : n ? BTREE_CHILDREN_MAX : 2);
        if (!s->node[h]) {
            spares_free(s);
            return false;
        }
        if (grows || !n)
            return true;
    }
}

/* Splits a full inner node into itself and `right`, with one more child behind child i. */
static void split_inner(const struct btree_ops *ops, struct btree_node *n, unsigned i,
                        struct btree_node *right, struct btree_node *child)
{
    unsigned count = n->count;
    /* A tree that grows at an end leaves full nodes behind. */
    unsigned cut = i + 1 == count ? count : i == 0 ? 1 : count / 2;
    btree_inner_append(right, n, cut, count - cut);
    n->count = (uint16_t)cut;
    if (i < cut)
        btree_inner_refresh(n, i);
    else
        btree_inner_refresh(right, i - cut);
    if (i + 1 > cut || cut == count)
        btree_inner_put(ops, right, i + 1 - cut, child);
    else
        btree_inner_put(ops, n, i + 1, child);
    /* The strings of one half may share a longer prefix than all of them did. */
    if (ops->string) {
        btree_inner_separate(ops, n);
        btree_inner_separate(ops, right);
    }
}

/* Puts a leaf behind the path's leaf, and splits full inner nodes above them. */
static void add_child(struct btree *t, struct path *p, struct btree_node *child, struct spares *s)
{
    for (unsigned h = 1;; h++) {
        if (h > p->height) {
            btree_inner_put(t->ops, s->node[h], 0, t->root);
            btree_inner_put(t->ops, s->node[h], 1, child);
            t->root = s->node[h];
            sum_up(t, p, p->height);
            return;
        }
        struct btree_node *n = p->node[h];
        if (n->count == n->room && n->room < BTREE_CHILDREN_MAX) {
            btree_inner_append(s->node[h], n, 0, n->count);
            set_node(t, p, h, s->node[h]);
            btree_node_free_shell(n);
            n = s->node[h];
        }
        assert(n);
        unsigned i = p->index[h];
        if (n->count < n->room) {
            btree_inner_refresh(n, i);
            btree_inner_put(t->ops, n, i + 1, child);
            sum_up(t, p, h);
            return;
        }
        split_inner(t->ops, n, i, s->node[h], child);
        child = s->node[h];
    }
}

/* --- leaves that get one more entry ----------------------------------------------------------------- */

/* Where a full leaf is cut in two for a new entry. */
struct cut {
    unsigned at;
    bool new_goes_left;
};

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* Evenly spread insertions would make all leaves grow and split in step, and leave half-empty pages of each size of the
 * allocator. So leaves are cut at a pseudo-random place between three and five eighths. */
static unsigned cut_wanted(const struct btree *t, unsigned bytes)
{
    uint64_t mixed = t->count * 0x9e3779b97f4a7c15u >> 32;
    return bytes * 3 / 8 + (unsigned)(mixed % (bytes / 4 + 1));
}

static unsigned distance(unsigned a, unsigned b)
{
    return a > b ? a - b : b - a;
}

/* Chooses the cut next to the wanted one. The new entry counts as part of its half; neither half is empty. */
static struct cut choose_cut(const struct btree *t, const struct btree_node *n, unsigned at,
                             unsigned len)
{
    unsigned all = btree_used(n) + len, wanted = cut_wanted(t, all), least = UINT_MAX;
    struct cut best = {0};
    const char *base = (const char *)n;
    for (unsigned p = n->begin;; p += (unsigned)t->ops->bytes(base + p)) {
        unsigned left = p - n->begin;
        if (p <= at && left > 0 && distance(left, wanted) < least) {
            least = distance(left, wanted);
            best = (struct cut){p, false};
        }
        left += len;
        if (p >= at && left < all && distance(left, wanted) < least) {
            least = distance(left, wanted);
            best = (struct cut){p, true};
        }
        if (p == n->end)
            return best;
    }
}

/* A new leaf with a run of n's entries, and room for `more` bytes. NULL: no memory. */
static struct btree_node *leaf_of(const struct btree_ops *ops, const struct btree_node *n,
                                  struct slice run, size_t more)
{
    struct btree_node *other = btree_leaf_new(run.len + more, 0);
    if (!other)
        return NULL;
    btree_leaf_append(other, run);
    btree_leaf_segment(ops, other);
    if (n->outside > 0)
        other->outside = ops->outside(run);
    return other;
}

static enum err split_leaf(struct btree *t, struct path *p, struct slice entry)
{
    struct btree_node *n = p->node[0];
    unsigned len = (unsigned)entry.len, nth = btree_leaf_position(n, &p->place);
    struct cut cut = choose_cut(t, n, p->place.at, len);
    struct slice left_run = slice_of((char *)n + n->begin, cut.at - n->begin);
    struct slice right_run = slice_of((char *)n + cut.at, n->end - cut.at);
    struct spares spares;
    if (!spares_make(p, &spares))
        return ERR_NOMEM;
    struct btree_node *left = leaf_of(t->ops, n, left_run, cut.new_goes_left ? len : 0);
    struct btree_node *right =
        left ? leaf_of(t->ops, n, right_run, cut.new_goes_left ? 0 : len) : NULL;
    if (!right) {
        if (left)
            btree_node_free_shell(left);
        spares_free(&spares);
        return ERR_NOMEM;
    }
    struct btree_node *to = cut.new_goes_left ? left : right;
    struct btree_place place =
        btree_leaf_at(t->ops, to, cut.new_goes_left ? nth : nth - left->count);
    btree_leaf_put(t->ops, to, &place, entry);
    set_node(t, p, 0, left);
    btree_node_free_shell(n);
    add_child(t, p, right, &spares);
    return ERR_OK;
}

/* Starts a new leaf with an entry at an end of the tree, as more entries at that end are likely. */
static enum err add_end_leaf(struct btree *t, struct path *p, struct slice entry, bool first)
{
    struct btree_node *old = p->node[0];
    struct spares spares;
    if (!spares_make(p, &spares))
        return ERR_NOMEM;
    size_t room = larger((unsigned)entry.len, (unsigned)t->ops->leaf_bytes_max - BTREE_LEAF_HEAD);
    struct btree_node *n = btree_leaf_new(room, 0);
    if (!n) {
        spares_free(&spares);
        return ERR_NOMEM;
    }
    if (first)
        n->begin = n->end = n->room;
    btree_leaf_put(t->ops, n, &(struct btree_place){.at = n->begin}, entry);
    if (first)
        set_node(t, p, 0, n);
    add_child(t, p, first ? old : n, &spares);
    return ERR_OK;
}

/* Moves a leaf's entries to a larger leaf. Its gap is ahead of them if the place is the first one, else behind them.
 * False: no memory. */
static bool grow_leaf(struct btree *t, struct path *p, size_t len)
{
    struct btree_node *n = p->node[0];
    unsigned used = btree_used(n);
    struct btree_node *other = btree_leaf_new(used + len, 0);
    if (!other)
        return false;
    unsigned begin = p->place.at == n->begin && used > 0 ? other->room - used : BTREE_LEAF_HEAD;
    memcpy(btree_leaf(other)->at, btree_leaf(n)->at, sizeof(btree_leaf(n)->at));
    memcpy(btree_leaf(other)->n, btree_leaf(n)->n, sizeof(btree_leaf(n)->n));
    memcpy((char *)other + begin, (char *)n + n->begin, used);
    for (unsigned s = 0; s < n->segments; s++)
        btree_leaf(other)->at[s] = (uint16_t)(btree_leaf(n)->at[s] - n->begin + begin);
    other->segments = n->segments;
    other->count = n->count;
    other->begin = (uint16_t)begin;
    other->end = (uint16_t)(begin + used);
    other->outside = n->outside;
    p->place.at = p->place.at - n->begin + begin;
    add_to_sums(t, p, 0, (int64_t)other->room - n->room);
    set_node(t, p, 0, other);
    btree_node_free_shell(n);
    return true;
}

static enum err insert_first(struct btree *t, struct slice entry)
{
    struct btree_node *n = btree_leaf_new(entry.len, 0);
    if (!n)
        return ERR_NOMEM;
    btree_leaf_put(t->ops, n, &(struct btree_place){.at = n->begin}, entry);
    t->root = n;
    t->count = 1;
    t->bytes = btree_sum_bytes(n);
    return ERR_OK;
}

static enum err insert(struct btree *t, struct path *p, struct slice entry)
{
    assert(entry.len > 0 && entry.len <= BTREE_ENTRY_BYTES_MAX);
    struct btree_node *n = p->node[0];
    size_t needed = BTREE_LEAF_HEAD + btree_used(n) + entry.len;
    if (needed > n->room) {
        if (needed > t->ops->leaf_bytes_max) {
            bool first = is_first(p);
            if (first || is_last(p))
                return add_end_leaf(t, p, entry, first);
            return split_leaf(t, p, entry);
        }
        if (!grow_leaf(t, p, entry.len))
            return ERR_NOMEM;
        n = p->node[0];
    }
    uint64_t outside = n->outside;
    btree_leaf_put(t->ops, n, &p->place, entry);
    add_to_sums(t, p, 1, (int64_t)(n->outside - outside));
    return ERR_OK;
}

enum err btree_insert(struct btree *t, uint64_t at, struct slice entry)
{
    assert(at <= t->count);
    if (!t->root)
        return insert_first(t, entry);
    struct path p;
    return own_way_to(t, at, &p) ? insert(t, &p, entry) : ERR_NOMEM;
}

enum err btree_insert_here(struct btree *t, const struct btree_cursor *c, struct slice entry)
{
    if (!t->root)
        return insert_first(t, entry);
    struct path p;
    return own_path(t, c, &p) ? insert(t, &p, entry) : ERR_NOMEM;
}

enum err btree_insert_key(struct btree *t, const struct btree_key *key, struct slice entry)
{
    struct btree_cursor c;
    bool at_entry;
    btree_seek(t, key, &c, &at_entry);
    return btree_insert_here(t, &c, entry);
}

/* --- erasing ---------------------------------------------------------------------------------------- */

/* Erases the entry at the place. Its references are dropped, or belong to the caller's copy of the entry. */
static void erase(struct btree *t, struct path *p, bool drop)
{
    struct btree_node *n = p->node[0];
    const char *entry = (const char *)n + p->place.at;
    struct slice run = slice_of(entry, t->ops->bytes(entry));
    size_t outside = n->outside > 0 ? t->ops->outside(run) : 0;
    if (outside > 0 && drop)
        t->ops->drop(run);
    n->outside -= outside;
    btree_leaf_normal(n, &p->place);
    btree_leaf_take(n, &p->place, (unsigned)run.len);
    add_to_sums(t, p, -1, -(int64_t)outside);
    unsigned h = 1;
    while (h <= p->height && btree_is_small(t->ops, p->node[h - 1]) &&
           btree_mend(t->ops, p->node[h], p->index[h])) {
        if (h < p->height)
            btree_inner_refresh(p->node[h + 1], p->index[h + 1]);
        h++;
    }
    if (h > 1)
        sum_up(t, p, h - 1);
    if (t->root->count <= 1)
        btree_mend_root(t);
}

enum err btree_erase(struct btree *t, uint64_t at)
{
    assert(at < t->count);
    struct btree_cursor c;
    btree_at(t, at, &c);
    return btree_erase_here(t, &c);
}

enum err btree_erase_here(struct btree *t, const struct btree_cursor *c)
{
    struct path p;
    if (!own_path(t, c, &p))
        return ERR_NOMEM;
    erase(t, &p, true);
    return ERR_OK;
}

enum err btree_own_here(struct btree *t, const struct btree_cursor *c)
{
    struct path p;
    return own_path(t, c, &p) ? ERR_OK : ERR_NOMEM;
}

enum err btree_erase_key(struct btree *t, const struct btree_key *key)
{
    struct btree_cursor c;
    const char *entry = btree_find(t, key, &c);
    if (!entry || t->ops->compare(entry, key->key) != 0)
        return ERR_NOTFOUND;
    return btree_erase_here(t, &c);
}

enum err btree_pop(struct btree *t, bool last, char to[BTREE_ENTRY_BYTES_MAX])
{
    assert(t->count > 0);
    struct path p;
    if (!own_end(t, last, &p))
        return ERR_NOMEM;
    struct btree_node *n = p.node[0];
    p.place = last ? btree_leaf_last(t->ops, n) : (struct btree_place){.at = n->begin};
    const char *entry = (const char *)n + p.place.at;
    bytes_copy(to, entry, t->ops->bytes(entry));
    erase(t, &p, false);
    return ERR_OK;
}

/* --- replacing -------------------------------------------------------------------------------------- */

enum err btree_replace(struct btree *t, uint64_t at, struct slice entry)
{
    assert(at < t->count);
    struct btree_cursor c;
    btree_at(t, at, &c);
    return btree_replace_here(t, &c, entry);
}

enum err btree_replace_here(struct btree *t, const struct btree_cursor *c, struct slice entry)
{
    struct path p;
    if (!own_path(t, c, &p))
        return ERR_NOMEM;
    struct btree_node *n = p.node[0];
    char *old = (char *)n + p.place.at;
    struct slice run = slice_of(old, t->ops->bytes(old));
    if (run.len == entry.len && n->outside == 0 &&
        (!t->ops->outside || t->ops->outside(entry) == 0)) {
        memcpy(old, entry.ptr, entry.len);
        return ERR_OK;
    }
    uint64_t at = btree_position(c);
    enum err err = insert(t, &p, entry);
    if (err != ERR_OK)
        return err;
    /* The new entry and the old one lie in nodes of the tree's own, so erasing needs no memory. */
    err = btree_erase(t, at + 1);
    assert(err == ERR_OK);
    return ERR_OK;
}

/* --- sharing and freeing ---------------------------------------------------------------------------- */

void btree_share(const struct btree *from, struct btree *to)
{
    *to = *from;
    if (to->root)
        to->root->refs++;
}

uint64_t btree_bytes_alone(const struct btree *t)
{
    const struct btree_node *n = t->root;
    if (!n || n->refs > 1)
        return 0;
    uint64_t bytes = t->bytes;
    for (unsigned i = 0; n->height > 0 && i < n->count; i++)
        if (btree_children(n)[i]->refs > 1)
            bytes -= btree_sizes(n)[i];
    return bytes;
}

bool btree_free_some(struct btree *t, size_t *effort)
{
    while (t->root) {
        struct btree_node *parent = NULL, *n = t->root;
        while (n->refs == 1 && n->height > 0 && n->count > 0) {
            parent = n;
            n = btree_children(n)[n->count - 1u];
        }
        btree_node_drop(t->ops, n);
        if (parent)
            parent->count--;
        else
            t->root = NULL;
        *effort -= *effort > 0;
        if (*effort == 0)
            break;
    }
    if (t->root)
        return false;
    t->count = t->bytes = 0;
    return true;
}

void btree_free(struct btree *t)
{
    size_t effort = SIZE_MAX;
    while (!btree_free_some(t, &effort))
        effort = SIZE_MAX;
}
