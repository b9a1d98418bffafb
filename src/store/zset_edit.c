#include "store/zset_impl.h"

/* The tree of an item, for editing: where others hold it, a copy. NULL: no memory. */
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

/* With so many members, and one of this length, it is no longer what Redis calls small. */
static bool outgrows(const struct ks_edit *e, uint64_t count, size_t member_bytes)
{
    const struct ks_limits *l = &e->ks->limits;
    return e->item->flags & ITEM_GROWN || count > (uint64_t)l->zset_max_listpack_entries ||
           member_bytes > (uint64_t)l->zset_max_listpack_value;
}

/* Redis' small form has no negative zero. */
static double stored_score(double score, bool grown)
{
    return score == 0 && !grown ? 0 : score;
}

/* --- packs ------------------------------------------------------------------------------------------- */

/* What a walk through a pack finds out about a member. */
struct found {
    const char *at; /* NULL: it is none */
    unsigned count; /* of all members */
};

static struct found find(struct slice pack, const struct pack_entry *member)
{
    struct found f = {0};
    for (const char *e = pack.ptr; e < pack.ptr + pack.len; e += zset_element_bytes(e), f.count++)
        if (!f.at && pack_equal(zset_member_at(e), member))
            f.at = e;
    return f;
}

static size_t offset_of(struct slice pack, const struct zset_place *p)
{
    const char *e = pack.ptr;
    while (e < pack.ptr + pack.len && zset_compare(e, p) < 0)
        e += zset_element_bytes(e);
    return (size_t)(e - pack.ptr);
}

static enum err pack_add(struct ks_edit *e, struct pack_entry *member, double score)
{
    struct zset_place place = {score, member->string, ZSET_BEFORE};
    size_t at = offset_of(item_embedded(e->item), &place);
    char text[ZSCORE_BYTES_MAX];
    size_t score_bytes = (size_t)(zscore_write(score, text) - text);
    char *to = ks_edit_splice(e, at, 0, score_bytes + member->bytes);
    if (!to)
        return ERR_NOMEM;
    memcpy(to, text, score_bytes);
    pack_entry_write(member, to + score_bytes);
    return ERR_OK;
}

/* The element goes to where its new score has it: the whole pack is laid anew, so that it happens at once or not. */
static enum err pack_move(struct ks_edit *e, const char *element, double score)
{
    struct slice pack = item_embedded(e->item);
    char bytes[ZSET_PACK_BYTES_MAX + ZSCORE_BYTES_MAX], scratch[NUM_I64_CHARS];
    struct slice member = slice_of(zset_member_at(element), pack_bytes(zset_member_at(element)));
    struct zset_place place = {score, pack_string(member.ptr, scratch), ZSET_BEFORE};
    size_t at = offset_of(pack, &place);
    char *to = bytes;
    for (const char *from = pack.ptr, *end = pack.ptr + pack.len;;
         from += zset_element_bytes(from)) {
        if (from == pack.ptr + at) {
            to = zscore_write(score, to);
            memcpy(to, member.ptr, member.len);
            to += member.len;
        }
        if (from == end)
            break;
        if (from == element)
            continue;
        size_t len = zset_element_bytes(from);
        memcpy(to, from, len);
        to += len;
    }
    struct item_value v = item_value_empty(TYPE_ZSET);
    v.bytes = bytes;
    v.len = (uint16_t)(to - bytes);
    v.flags = e->item->flags & ITEM_VALUE_FLAGS;
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

/* --- from a pack to a tree ---------------------------------------------------------------------------- */

static struct zset *tree_of(const struct ks_edit *e)
{
    struct zset *z = zset_tree_new(&e->ks->hash);
    struct slice pack = item_embedded(e->item);
    for (const char *at = pack.ptr; z && at < pack.ptr + pack.len; at += zset_element_bytes(at)) {
        char scratch[NUM_I64_CHARS];
        struct pack_entry member;
        pack_entry_init_to_find(&member, pack_string(zset_member_at(at), scratch));
        struct zset_found f;
        zset_tree_find(z, member.string, &f);
        if (zset_tree_add(z, &f, zscore_read(at), &member) != ERR_OK) {
            zset_tree_free(z);
            z = NULL;
        }
    }
    return z;
}

/* With one member more, which the pack has no room for. */
static enum err grow_out(struct ks_edit *e, struct pack_entry *member, double score)
{
    struct zset *z = tree_of(e);
    if (!z)
        return ERR_NOMEM;
    struct item_value v = item_value_tree(TYPE_ZSET, (void *const *)&z);
    struct zset_found f;
    v.flags = e->item->flags & ITEM_VALUE_FLAGS;
    zset_tree_find(z, member->string, &f);
    if (zset_tree_add(z, &f, score, member) == ERR_OK && ks_edit_replace(e, &v))
        return ERR_OK;
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
    double score = stored_score(add->score, grown);
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
    struct slice pack = item_embedded(e->item);
    struct pack_entry entry;
    pack_entry_init_to_find(&entry, member);
    struct found f = find(pack, &entry);
    add->outcome = decide(add, f.at, f.at ? zscore_read(f.at) : 0);
    bool grown = outgrows(e, f.count + !f.at, f.at ? 0 : member.len);
    double score = stored_score(add->score, grown);
    if (add->outcome == ZSET_UPDATED)
        return pack_move(e, f.at, score);
    if (add->outcome != ZSET_ADDED)
        return ERR_OK;
    enum err err;
    if (f.count < ZSET_PACK_MEMBERS_MAX && member.len <= PACK_STRING_BYTES_MAX &&
        pack.len + ZSCORE_BYTES_MAX + entry.bytes <= ZSET_PACK_BYTES_MAX) {
        err = pack_add(e, &entry, score);
    } else {
        if (!pack_entry_init(&entry, member))
            return ERR_NOMEM;
        err = grow_out(e, &entry, score);
        pack_entry_deinit(&entry);
    }
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
    struct slice pack = item_embedded(e->item);
    struct pack_entry entry;
    pack_entry_init_to_find(&entry, member);
    struct found f = find(pack, &entry);
    if (!f.at)
        return ERR_NOTFOUND;
    size_t at = (size_t)(f.at - pack.ptr);
    return ks_edit_splice(e, at, zset_element_bytes(f.at), 0) ? ERR_OK : ERR_NOMEM;
}

/* Offset of the member with this rank. */
static size_t nth_of(struct slice pack, uint64_t rank)
{
    const char *e = pack.ptr;
    for (; rank > 0; rank--)
        e += zset_element_bytes(e);
    return (size_t)(e - pack.ptr);
}

/* What a pack ends with. */
static size_t last_of(struct slice pack)
{
    size_t last = 0;
    for (size_t at = 0; at < pack.len; at += zset_element_bytes(pack.ptr + at))
        last = at;
    return last;
}

enum err zset_pop(struct ks_edit *e, bool last, struct zset_popped *out)
{
    enum err err;
    if (item_is_outside(e->item)) {
        struct zset *z = own_tree(e);
        err = z ? zset_tree_pop(z, last, out->bytes) : ERR_NOMEM;
    } else {
        struct slice pack = item_embedded(e->item);
        size_t at = last ? last_of(pack) : 0, len = zset_element_bytes(pack.ptr + at);
        bytes_copy(out->bytes, pack.ptr + at, len);
        err = ks_edit_splice(e, at, len, 0) ? ERR_OK : ERR_NOMEM;
    }
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
        /* What lay outside is freed in slices. */
        struct item_value v = item_value_empty(TYPE_ZSET);
        return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
    }
    if (item_is_outside(e->item)) {
        struct zset *z = own_tree(e);
        return z ? zset_tree_remove_run(z, from, n) : ERR_NOMEM;
    }
    struct slice pack = item_embedded(e->item);
    size_t at = nth_of(pack, from), end = nth_of(pack, from + n);
    return ks_edit_splice(e, at, end - at, 0) ? ERR_OK : ERR_NOMEM;
}
