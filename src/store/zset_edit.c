#include "base/bytes.h"
#include "store/zset_impl.h"

/* The item's tree for editing; a shared one is copied first. NULL: no memory. */
static struct zset *own_tree(struct ks_edit *e)
{
    struct zset *z = zset_of(e->item);
    if (z->refs == 1)
        return z;
    struct zset *copy = zset_tree_copy(z);
    if (!copy)
        return NULL;
    z->refs--;
    memcpy((char *)item_value_place(e->item), &copy, sizeof(copy));
    return copy;
}

static enum zset_outcome decide(struct zset_add *add, bool is_there, double old)
{
    add->old = old;
    if (!is_there)
        return add->flags & ZSET_XX ? ZSET_REFUSED : ZSET_ADDED;
    if (add->flags & ZSET_NX)
        return ZSET_REFUSED;
    double score = add->flags & ZSET_INCR ? old + add->score : add->score;
    if (isnan(score))
        return ZSET_NAN;
    if ((add->flags & ZSET_GT && score <= old) || (add->flags & ZSET_LT && score >= old))
        return ZSET_REFUSED;
    add->score = score;
    return score == old ? ZSET_SAME : ZSET_UPDATED;
}

/* With `count` members, and a new one of this length, the set is past Redis' limits of a small one. */
static bool outgrows(const struct ks_edit *e, uint64_t count, size_t member_bytes)
{
    const struct ks_limits *l = &e->ks->limits;
    return e->item->flags & ITEM_GROWN || count > (uint64_t)l->zset_max_listpack_entries ||
           member_bytes > (uint64_t)l->zset_max_listpack_value;
}

/* Redis' small form has no negative zero. */
static double stored_score(const struct zset_add *add, bool grown)
{
    bool keeps = grown || add->flags & ZSET_KEEP_SIGN;
    return add->score == 0 && !keeps ? 0 : add->score;
}

/* --- from a pack to a tree ---------------------------------------------------------------------------- */

/* Adds a member that is not there yet. False: no memory. */
static bool put(struct zset *z, const struct zset_element *el)
{
    struct zset_found f;
    struct pack_entry entry;
    if (!pack_entry_init(&entry, el->member))
        return false;
    zset_tree_find(z, el->member, &f);
    bool done = zset_tree_add(z, &f, el->score, &entry) == ERR_OK;
    pack_entry_deinit(&entry);
    return done;
}

/* Turns the pack into a tree that has the element `with` instead of `without`; NULL: besides all of the pack. */
static enum err grow_out(struct ks_edit *e, const char *without, const struct zset_element *with)
{
    struct zset *z = zset_tree_new(&e->ks->hash);
    struct zset_pack pack = zset_pack_of(e->item);
    char scratch[ZSET_SCRATCH_BYTES];
    bool done = z && put(z, with);
    for (const char *at = pack.begin; done && at < pack.end; at += zset_element_bytes(at)) {
        struct zset_element el = {zset_pack_member(pack.prefix, at, scratch), zscore_read(at)};
        done = at == without || put(z, &el);
    }
    struct item_value v = item_value_tree(TYPE_ZSET, (void *const *)&z);
    v.flags = e->item->flags & ITEM_VALUE_FLAGS;
    if (done && ks_edit_replace(e, &v))
        return ERR_OK;
    if (z)
        zset_tree_free(z);
    return ERR_NOMEM;
}

/* --- adding ------------------------------------------------------------------------------------------- */

static enum err add_to_tree(struct ks_edit *e, struct slice member, struct zset_add *add)
{
    struct zset_found f;
    zset_tree_find(zset_of(e->item), member, &f);
    add->outcome = decide(add, f.is_there, f.is_there ? f.score : 0);
    if (add->outcome != ZSET_ADDED && add->outcome != ZSET_UPDATED)
        return ERR_OK;
    struct zset *z = own_tree(e);
    if (!z)
        return ERR_NOMEM;
    bool grown = outgrows(e, btree_count(&z->order) + !f.is_there, f.is_there ? 0 : member.len);
    double score = stored_score(add, grown);
    if (f.is_there)
        return zset_tree_move(z, &f, score);
    struct pack_entry entry;
    if (!pack_entry_init(&entry, member))
        return ERR_NOMEM;
    enum err err = zset_tree_add(z, &f, score, &entry);
    pack_entry_deinit(&entry);
    if (err == ERR_OK && grown)
        e->item->flags |= ITEM_GROWN;
    return err;
}

enum err zset_add(struct ks_edit *e, struct slice member, struct zset_add *add)
{
    if (item_is_outside(e->item))
        return add_to_tree(e, member, add);
    struct zset_pack pack = zset_pack_of(e->item);
    unsigned count;
    const char *there = zset_pack_find(&pack, member, &count);
    add->outcome = decide(add, there, there ? zscore_read(there) : 0);
    if (add->outcome != ZSET_ADDED && add->outcome != ZSET_UPDATED)
        return ERR_OK;
    bool grown = outgrows(e, count + !there, there ? 0 : member.len);
    struct zset_element el = {member, stored_score(add, grown)};
    enum err err = there ? zset_pack_move(e, there, el.score) : zset_pack_add(e, &el, count);
    if (err == ERR_FULL)
        err = grow_out(e, there, &el);
    if (err == ERR_OK && grown)
        e->item->flags |= ITEM_GROWN;
    return err;
}

/* --- removing ----------------------------------------------------------------------------------------- */

enum err zset_remove(struct ks_edit *e, struct slice member)
{
    if (item_is_outside(e->item)) {
        struct zset_found f;
        zset_tree_find(zset_of(e->item), member, &f);
        if (!f.is_there)
            return ERR_NOTFOUND;
        struct zset *z = own_tree(e);
        return z ? zset_tree_remove(z, &f) : ERR_NOMEM;
    }
    struct zset_pack pack = zset_pack_of(e->item);
    unsigned count;
    const char *at = zset_pack_find(&pack, member, &count);
    return at ? zset_pack_erase(e, at, at + zset_element_bytes(at)) : ERR_NOTFOUND;
}

/* The last element of a pack. */
static const char *last_of(const struct zset_pack *p)
{
    const char *last = p->begin;
    for (const char *e = p->begin; e < p->end; e += zset_element_bytes(e))
        last = e;
    return last;
}

static enum err pop_of_pack(struct ks_edit *e, bool last, struct zset_popped *out)
{
    struct zset_pack pack = zset_pack_of(e->item);
    const char *at = last ? last_of(&pack) : pack.begin;
    size_t len = zset_element_bytes(at);
    bytes_copy(out->bytes, at, len);
    out->element.score = zscore_read(at);
    out->element.member = zset_pack_member(pack.prefix, out->bytes, out->scratch);
    return zset_pack_erase(e, at, at + len);
}

enum err zset_pop(struct ks_edit *e, bool last, struct zset_popped *out)
{
    if (!item_is_outside(e->item))
        return pop_of_pack(e, last, out);
    struct zset *z = own_tree(e);
    enum err err = z ? zset_tree_pop(z, last, out->bytes) : ERR_NOMEM;
    if (err != ERR_OK)
        return err;
    out->element.score = zscore_read(out->bytes);
    out->element.member = pack_string(zset_member_at(out->bytes), out->scratch);
    return ERR_OK;
}

void zset_popped_end(struct zset_popped *p)
{
    struct blob *blob = pack_blob(zset_member_at(p->bytes));
    if (blob)
        blob_drop(blob);
}

enum err zset_remove_run(struct ks_edit *e, uint64_t from, uint64_t n)
{
    if (n == zset_count(e->item)) {
        /* The replaced tree is freed in slices. */
        struct item_value v = item_value_empty(TYPE_ZSET);
        return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
    }
    if (item_is_outside(e->item)) {
        struct zset *z = own_tree(e);
        return z ? zset_tree_remove_run(z, from, n) : ERR_NOMEM;
    }
    struct zset_pack pack = zset_pack_of(e->item);
    return zset_pack_erase(e, zset_pack_at(&pack, from), zset_pack_at(&pack, from + n));
}
