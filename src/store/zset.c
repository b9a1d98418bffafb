#include "store/zset_impl.h"

uint64_t zset_count(const struct item *it)
{
    if (item_is_outside(it))
        return btree_count(&zset_of(it)->order);
    struct zset_pack p = zset_pack_of(it);
    return zset_pack_count(&p);
}

bool zset_score(const struct item *it, struct slice member, double *score)
{
    if (item_is_outside(it))
        return zset_tree_score(zset_of(it), member, score);
    struct zset_pack p = zset_pack_of(it);
    unsigned count;
    const char *e = zset_pack_find(&p, member, &count);
    if (e)
        *score = zscore_read(e);
    return e;
}

uint64_t zset_ahead(const struct item *it, const struct zset_place *p)
{
    if (item_is_outside(it)) {
        struct btree_key key = zset_tree_key(p);
        return btree_rank(&zset_of(it)->order, &key);
    }
    struct zset_pack pack = zset_pack_of(it);
    return zset_pack_ahead(&pack, p);
}

/* --- walks ------------------------------------------------------------------------------------------ */

static void begin_in_pack(struct zset_walk *w, uint64_t from)
{
    struct zset_pack pack = zset_pack_of(w->item);
    const char *all = item_value_place(w->item);
    unsigned count = 0;
    w->prefix = pack.prefix;
    for (const char *e = pack.begin; e < pack.end; e += zset_element_bytes(e)) {
        assert(count < ZSET_PACK_MEMBERS_MAX);
        w->at[count++] = (uint16_t)(e - all);
    }
    if (from >= count)
        w->left = 0;
    else if (w->left > count - from)
        w->left = count - from;
    w->nth = w->reverse ? count - 1 - (unsigned)from : (unsigned)from;
}

void zset_walk_init(struct zset_walk *w, const struct item *it, uint64_t from, uint64_t n,
                    bool reverse)
{
    w->item = it;
    w->reverse = reverse;
    w->in_pack = !item_is_outside(it);
    w->left = n;
    if (w->in_pack) {
        begin_in_pack(w, from);
        return;
    }
    const struct btree *order = &zset_of(it)->order;
    uint64_t count = btree_count(order);
    w->entry = NULL;
    if (from < count && n > 0)
        w->entry = btree_at(order, reverse ? count - 1 - from : from, &w->cursor);
    if (!w->entry)
        w->left = 0;
}

bool zset_walk_next(struct zset_walk *w, struct zset_element *out)
{
    if (w->left == 0)
        return false;
    w->left--;
    const char *e = w->entry;
    if (w->in_pack) {
        e = item_value_place(w->item) + w->at[w->nth];
        w->nth += w->reverse ? -1U : 1U;
    }
    out->score = zscore_read(e);
    out->member = w->in_pack ? zset_pack_member(w->prefix, e, w->scratch)
                             : pack_string(zset_member_at(e), w->scratch);
    if (w->in_pack || w->left == 0)
        return true;
    w->entry = w->reverse ? btree_prev(&w->cursor) : btree_next(&w->cursor);
    if (!w->entry)
        w->left = 0;
    return true;
}

/* --- scans ------------------------------------------------------------------------------------------ */

/* Low bits of a score's rank that a cursor leaves out, so that it has 53 bits, 41 of them of the fraction: clients may
 * keep it in a double. */
#define SCAN_SHIFT 11

uint64_t zset_scan_cursor(const struct item *it, double score)
{
    return item_is_outside(it) ? zscore_rank(score) >> SCAN_SHIFT : 0;
}

uint64_t zset_scan_rank(const struct item *it, uint64_t cursor)
{
    if (cursor == 0 || !item_is_outside(it))
        return 0;
    if (cursor > UINT64_MAX >> SCAN_SHIFT)
        return zset_count(it);
    return zset_tree_rank(zset_of(it), cursor << SCAN_SHIFT);
}
