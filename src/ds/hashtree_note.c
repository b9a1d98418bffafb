#include "base/mem.h"
#include "ds/hashtree_impl.h"

/* Noting changes, so that they can be undone: see hashtree_keep.c. */

#define ROOM_FIRST 16
/* The array with room for one more element. NULL: no memory. */
static void *grown(void *of, size_t count, size_t *room, size_t bytes)
{
    if (count < *room)
        return of;
    size_t more = *room > 0 ? 2 * *room : ROOM_FIRST;
    of = mem_try_realloc(of, more * bytes);
    if (of)
        *room = more;
    return of;
}

bool hashtree_keep(struct hashtree *t)
{
    assert(!t->kept && t->refs == 1);
    t->kept = mem_try_zalloc(sizeof(*t->kept));
    return t->kept;
}

bool hashtree_note_added(struct hashtree *t, const struct hashtree_leaf *l, struct slice string)
{
    struct hashtree_kept *k = t->kept;
    if (hashtree_is_saved(l))
        return true;
    void *of = grown(k->added, k->added_count, &k->added_room, sizeof(k->added[0]));
    if (!of)
        return false;
    k->added = of;
    k->added[k->added_count++] = string;
    return true;
}

bool hashtree_save_leaf(struct hashtree *t, struct hashtree_leaf *l, uint64_t hash)
{
    struct hashtree_kept *k = t->kept;
    if (hashtree_is_saved(l))
        return true;
    void *of = grown(k->saved, k->saved_count, &k->saved_room, sizeof(k->saved[0]));
    if (!of)
        return false;
    k->saved = of;
    struct hashtree_leaf *copy = slab_try_alloc(t->heap, hashtree_leaf_bytes(l));
    if (!copy)
        return false;
    memcpy(copy, l, hashtree_leaf_bytes(l));
    hashtree_leaf_hold_blobs(t, copy);
    k->saved[k->saved_count++] = (struct hashtree_saved){hash, copy};
    l->node.bits = HASHTREE_LEAF_SAVED;
    return true;
}
