/* Sorted sets in their items. */
#include "store/zset_impl.h"

/* --- reading ------------------------------------------------------------------------------------------ */

struct zset_pack zset_pack_of(const struct item *it)
{
    struct slice all = item_embedded(it);
    struct zset_pack p = {.begin = all.ptr, .end = all.ptr + all.len};
    if (all.len > 0) {
        p.prefix = slice_of(all.ptr + 1, (uint8_t)*all.ptr);
        p.begin += 1 + p.prefix.len;
    }
    return p;
}

struct slice zset_pack_member(struct slice prefix, const char *element,
                              char scratch[ZSET_SCRATCH_BYTES])
{
    if (prefix.len == 0)
        return pack_string(zset_member_at(element), scratch);
    char digits[NUM_I64_CHARS];
    struct slice rest = pack_string(zset_member_at(element), digits);
    assert(prefix.len + rest.len <= ZSET_SCRATCH_BYTES);
    memcpy(scratch, prefix.ptr, prefix.len);
    memcpy(scratch + prefix.len, rest.ptr, rest.len);
    return slice_of(scratch, prefix.len + rest.len);
}

/* Takes the prefix off the string. False: the string does not begin with it. */
static bool strip(struct slice prefix, struct slice *string)
{
    if (prefix.len == 0)
        return true;
    if (string->len < prefix.len || memcmp(string->ptr, prefix.ptr, prefix.len) != 0)
        return false;
    *string = slice_of(string->ptr + prefix.len, string->len - prefix.len);
    return true;
}

unsigned zset_pack_count(const struct zset_pack *p)
{
    unsigned n = 0;
    for (const char *e = p->begin; e < p->end; e += zset_element_bytes(e))
        n++;
    return n;
}

const char *zset_pack_find(const struct zset_pack *p, struct slice member, unsigned *count)
{
    struct pack_entry wanted;
    const char *found = NULL;
    bool may_be = strip(p->prefix, &member);
    pack_entry_init_to_find(&wanted, member);
    *count = 0;
    for (const char *e = p->begin; e < p->end; e += zset_element_bytes(e), ++*count)
        if (may_be && !found && pack_equal(zset_member_at(e), &wanted))
            found = e;
    return found;
}

const char *zset_pack_at(const struct zset_pack *p, uint64_t rank)
{
    const char *e = p->begin;
    for (; rank > 0 && e < p->end; rank--)
        e += zset_element_bytes(e);
    return e;
}

uint64_t zset_pack_ahead(const struct zset_pack *p, const struct zset_place *place)
{
    uint64_t n = 0;
    for (const char *e = p->begin; e < p->end; e += zset_element_bytes(e), n++) {
        char scratch[ZSET_SCRATCH_BYTES];
        int order = zset_compare_score(e, place);
        if (order == 0)
            order = zset_compare_members(
                slice_compare(zset_pack_member(p->prefix, e, scratch), place->member), place);
        if (order >= 0)
            break;
    }
    return n;
}

/* --- laying a pack anew ------------------------------------------------------------------------------- */

/* All members of a pack and one more. */
struct members {
    unsigned n;
    struct zset_element el[ZSET_PACK_MEMBERS_MAX + 1];
    char scratch[ZSET_PACK_MEMBERS_MAX + 1][ZSET_SCRATCH_BYTES];
};

/* Collects a pack's members without the element `without`, if any, and with `with` in its place in the order. */
static void gather(const struct zset_pack *p, const char *without, const struct zset_element *with,
                   struct members *m)
{
    struct zset_place place = {with->score, with->member, ZSET_BEFORE};
    uint64_t at = zset_pack_ahead(p, &place), rank = 0;
    m->n = 0;
    for (const char *e = p->begin;; e += zset_element_bytes(e), rank++) {
        if (rank == at)
            m->el[m->n++] = *with;
        if (e == p->end)
            break;
        if (without && e == without)
            continue;
        assert(m->n <= ZSET_PACK_MEMBERS_MAX);
        m->el[m->n].score = zscore_read(e);
        m->el[m->n].member = zset_pack_member(p->prefix, e, m->scratch[m->n]);
        m->n++;
    }
}

/* The common prefix; empty when a member is too long to be put together in a scratch. */
static struct slice common_prefix(const struct members *m)
{
    struct slice prefix = m->el[0].member;
    for (unsigned i = 0; i < m->n; i++) {
        struct slice s = m->el[i].member;
        if (s.len > ZSET_SCRATCH_BYTES)
            return slice_of(NULL, 0);
        size_t shared = 0;
        while (shared < prefix.len && shared < s.len && prefix.ptr[shared] == s.ptr[shared])
            shared++;
        prefix.len = shared;
    }
    return prefix;
}

/* Writes the pack; all members begin with the prefix. Returns its bytes. 0: they may be more than `bytes_max`. */
static size_t lay(const struct members *m, struct slice prefix, char *to, size_t bytes_max)
{
    char *begin = to, *end = to + bytes_max;
    *to++ = (char)prefix.len;
    if (prefix.len > 0)
        memcpy(to, prefix.ptr, prefix.len);
    to += prefix.len;
    for (unsigned i = 0; i < m->n; i++) {
        struct slice rest = m->el[i].member;
        struct pack_entry entry;
        strip(prefix, &rest);
        pack_entry_init_to_find(&entry, rest);
        if ((size_t)(end - to) < ZSCORE_BYTES_MAX + entry.bytes)
            return 0;
        to = pack_entry_write(&entry, zscore_write(m->el[i].score, to));
    }
    return (size_t)(to - begin);
}

static enum err replace(struct ks_edit *e, const char *bytes, size_t len)
{
    struct item_value v = item_value_empty(TYPE_ZSET);
    v.bytes = bytes;
    v.len = (uint16_t)len;
    v.flags = e->item->flags & ITEM_VALUE_FLAGS;
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

/* --- changes ------------------------------------------------------------------------------------------ */

/* A pack of up to so many members is laid anew with each new one, to find the longest common prefix. A larger pack is
 * laid anew only for a member that does not fit its prefix. */
#define FEW 4

enum err zset_pack_add(struct ks_edit *e, const struct zset_element *el, unsigned count)
{
    struct zset_pack p = zset_pack_of(e->item);
    struct slice rest = el->member;
    if (count >= ZSET_PACK_MEMBERS_MAX || el->member.len > PACK_STRING_BYTES_MAX)
        return ERR_FULL;
    bool fits_prefix =
        strip(p.prefix, &rest) && (p.prefix.len == 0 || el->member.len <= ZSET_SCRATCH_BYTES);
    if ((count > 0 && count <= FEW) || !fits_prefix) {
        struct members m;
        char bytes[ZSET_PACK_BYTES_MAX];
        gather(&p, NULL, el, &m);
        size_t len = lay(&m, common_prefix(&m), bytes, sizeof(bytes));
        return len == 0 ? ERR_FULL : replace(e, bytes, len);
    }
    struct pack_entry entry;
    char score[ZSCORE_BYTES_MAX + 1], *to = score;
    pack_entry_init_to_find(&entry, rest);
    if (count > 0 && e->item->vlen + ZSCORE_BYTES_MAX + entry.bytes > ZSET_PACK_BYTES_MAX)
        return ERR_FULL;
    if (count == 0)
        *to++ = 0; /* no prefix */
    struct zset_place place = {el->score, el->member, ZSET_BEFORE};
    const char *gap = zset_pack_at(&p, zset_pack_ahead(&p, &place));
    size_t at = (size_t)(gap - item_value_place(e->item));
    size_t ahead = (size_t)(zscore_write(el->score, to) - score);
    to = ks_edit_splice(e, at, 0, ahead + entry.bytes);
    if (!to)
        return ERR_NOMEM;
    memcpy(to, score, ahead);
    pack_entry_write(&entry, to + ahead);
    return ERR_OK;
}

/* The whole pack is laid anew, so that the move is all or nothing. */
enum err zset_pack_move(struct ks_edit *e, const char *element, double score)
{
    struct zset_pack p = zset_pack_of(e->item);
    struct members m;
    char bytes[ZSET_PACK_BYTES_MAX], scratch[ZSET_SCRATCH_BYTES];
    struct zset_element el = {zset_pack_member(p.prefix, element, scratch), score};
    gather(&p, element, &el, &m);
    size_t len = lay(&m, p.prefix, bytes, sizeof(bytes));
    return len == 0 ? ERR_FULL : replace(e, bytes, len);
}

enum err zset_pack_erase(struct ks_edit *e, const char *from, const char *to)
{
    struct zset_pack p = zset_pack_of(e->item);
    const char *all = item_value_place(e->item);
    if (from == p.begin && to == p.end)
        from = all; /* the prefix goes with the last of them */
    return ks_edit_splice(e, (size_t)(from - all), (size_t)(to - from), 0) ? ERR_OK : ERR_NOMEM;
}
