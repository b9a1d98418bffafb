#include "store/set_impl.h"

/* Bytes of a set in its item, whatever Redis' limits allow. */
#define SET_ITEM_BYTES_MAX (32 * 1024)
/* Bytes and members of a pack that Redis would call large. */
#define SET_GROWN_PACK_BYTES_MAX   1024
#define SET_GROWN_PACK_MEMBERS_MAX 128
/* Bytes of a pack made of integers. */
#define SET_INTEGERS_AS_PACK_BYTES_MAX 4096
#define PACK_INT_BYTES_MAX             9

/* --- from one form to another ------------------------------------------------------------------------- */

static void put_tree(struct ks_edit *e, struct hashtree *t)
{
    memcpy((char *)item_value_place(e->item), &t, sizeof(t));
}

/* The set's tree for editing; a shared one is copied first. NULL: no memory. */
static struct hashtree *own_tree(struct ks_edit *e)
{
    struct hashtree *t = set_tree(e->item);
    if (!hashtree_own(&t))
        return NULL;
    put_tree(e, t);
    return t;
}

static enum err tree_add(struct hashtree *t, struct slice member, int64_t due_ms, bool *added)
{
    struct pack_entry m;
    if (!pack_entry_init(&m, member))
        return ERR_NOMEM;
    struct hashtree_new n = {.string = &m, .due_ms = due_ms};
    enum err err = hashtree_set(t, &n, added);
    pack_entry_deinit(&m);
    return err;
}

static enum err fill_tree(struct hashtree *t, const struct item *it)
{
    struct set_walk w;
    struct slice member;
    bool added;
    enum err err = ERR_OK;
    set_walk_init(&w, it, 0, DUES_NOTHING);
    while (!err && set_walk_next(&w, &member))
        err = tree_add(t, member, w.due_ms, &added);
    return err;
}

/* Turns a set in its item into a tree. A tree never becomes a pack again. */
static enum err to_tree(struct ks_edit *e)
{
    struct hashtree_options o = {.heap = e->ks->items, .hash = &e->ks->hash};
    struct hashtree *t = hashtree_try_new(&o);
    if (!t)
        return ERR_NOMEM;
    struct item_value v = item_value_tree(TYPE_SET, (void *const *)&t);
    v.flags = ITEM_GROWN | (e->item->flags & ITEM_DUES);
    if (fill_tree(t, e->item) == ERR_OK && ks_edit_replace(e, &v))
        return ERR_OK;
    hashtree_drop(t);
    return ERR_NOMEM;
}

/* Turns integers into a pack. The caller has made sure that Redis' limits of a listpack hold. */
static enum err ints_to_pack(struct ks_edit *e)
{
    char pack[SET_INTEGERS_AS_PACK_BYTES_MAX], *end = pack;
    struct set_walk w;
    struct slice member;
    set_walk_init(&w, e->item, 0, DUES_NOTHING);
    while (set_walk_next(&w, &member)) {
        struct pack_entry m;
        pack_entry_init_to_find(&m, member);
        end = pack_entry_write(&m, end);
    }
    struct item_value v = item_value_empty(TYPE_SET);
    v.bytes = pack;
    v.len = (uint16_t)(end - pack);
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

/* --- adding --------------------------------------------------------------------------------------------- */

static enum err add_to_tree(struct ks_edit *e, struct pack_entry *m, bool *added)
{
    struct hashtree *t = own_tree(e);
    struct hashtree_entry there;
    if (!t)
        return ERR_NOMEM;
    if (m->code != PACK_CODE_BLOB)
        return hashtree_set(t, &(struct hashtree_new){.string = m, .due_ms = DUES_NONE}, added);
    /* Only a member that is not there yet is copied into a blob. */
    return hashtree_find(t, m, &there) ? ERR_OK : tree_add(t, m->string, DUES_NONE, added);
}

static enum err add_as_tree(struct ks_edit *e, struct pack_entry *m, bool *added)
{
    enum err err = to_tree(e);
    return err ? err : add_to_tree(e, m, added);
}

static enum err insert_int(struct ks_edit *e, size_t n, int64_t v)
{
    struct slice run = set_run(e->item);
    size_t count = intset_count(run), width = intset_width(run), wider = intset_width_of(v);
    if (wider <= width) {
        if (!ks_edit_splice(e, intset_bytes(width, n), 0, width))
            return ERR_NOMEM;
        intset_put((char *)item_value_place(e->item), n, v);
        return ERR_OK;
    }
    if (!ks_edit_splice(e, run.len, 0, intset_bytes(wider, count + 1) - run.len))
        return ERR_NOMEM;
    char *to = (char *)item_value_place(e->item);
    intset_widen(to, count, wider);
    /* An integer that needs a larger width is less or greater than all others. */
    if (n == 0)
        memmove(to + intset_bytes(wider, 1), to + intset_bytes(wider, 0), count * wider);
    intset_put(to, n, v);
    return ERR_OK;
}

/* The integers as a pack of `members` would be within Redis' limits of a listpack. */
static bool ints_fit_pack(const struct ks_edit *e, size_t members)
{
    const struct ks_limits *limits = &e->ks->limits;
    char scratch[NUM_I64_CHARS];
    size_t count = intset_count(set_run(e->item));
    int64_t due_ms, longest = (int64_t)set_at(e->item, 0, &due_ms, scratch).len;
    int64_t last = (int64_t)set_at(e->item, count - 1, &due_ms, scratch).len;
    return (int64_t)members <= limits->set_max_listpack_entries &&
           (last > longest ? last : longest) <= limits->set_max_listpack_value &&
           count * PACK_INT_BYTES_MAX <= SET_INTEGERS_AS_PACK_BYTES_MAX;
}

static enum err add_to_ints(struct ks_edit *e, struct pack_entry *m, bool *added)
{
    const struct ks_limits *limits = &e->ks->limits;
    struct slice run = set_run(e->item);
    size_t count = intset_count(run), n;
    enum err err;
    if (!set_is_integer(m)) {
        bool small =
            (int64_t)m->string.len <= limits->set_max_listpack_value && ints_fit_pack(e, count + 1);
        err = small ? ints_to_pack(e) : to_tree(e);
        return err ? err : set_add(e, m->string, added);
    }
    if (intset_find(run, m->number, &n))
        return ERR_OK;
    size_t width = intset_width(run), wider = intset_width_of(m->number);
    bool small = (int64_t)count < limits->set_max_intset_entries &&
                 intset_bytes(wider > width ? wider : width, count + 1) <= SET_ITEM_BYTES_MAX;
    if (!small)
        return add_as_tree(e, m, added);
    err = insert_int(e, n, m->number);
    *added = err == ERR_OK;
    return err;
}

static enum err first_int(struct ks_edit *e, int64_t v, bool *added)
{
    char run[INTSET_HEADER_BYTES + sizeof(v)];
    intset_init(run, v);
    struct item_value value = {.bytes = run,
                               .len = (uint16_t)intset_bytes(intset_width_of(v), 1),
                               .kind = ITEM_KIND(SET, INTS)};
    *added = ks_edit_replace(e, &value);
    return *added ? ERR_OK : ERR_NOMEM;
}

static enum err add_to_pack(struct ks_edit *e, struct pack_entry *m, bool *added)
{
    const struct ks_limits *limits = &e->ks->limits;
    struct slice pack = set_run(e->item);
    if (pack.len == 0 && set_is_integer(m) && limits->set_max_intset_entries > 0)
        return first_int(e, m->number, added);
    if (set_find_in_pack(e->item, m))
        return ERR_OK;
    /* A member without a deadline has 0 in its place, which takes one byte. */
    size_t due = set_step(e->item) - 1, add = m->bytes + due;
    size_t count = pack_count(pack) / set_step(e->item), bytes = pack.len + add;
    bool small =
        !(e->item->flags & ITEM_GROWN) && (int64_t)count < limits->set_max_listpack_entries &&
        (int64_t)m->string.len <= limits->set_max_listpack_value && bytes <= SET_ITEM_BYTES_MAX;
    bool grown_fits = count < SET_GROWN_PACK_MEMBERS_MAX && bytes <= SET_GROWN_PACK_BYTES_MAX;
    if (m->code == PACK_CODE_BLOB || !(small || grown_fits))
        return add_as_tree(e, m, added);
    char *to = ks_edit_splice(e, pack.len, 0, add);
    if (!to)
        return ERR_NOMEM;
    to = pack_entry_write(m, to);
    if (due)
        *to = (char)PACK_CODE_SMALL;
    if (!small)
        e->item->flags |= ITEM_GROWN;
    *added = true;
    return ERR_OK;
}

enum err set_add(struct ks_edit *e, struct slice member, bool *added)
{
    struct pack_entry m;
    *added = false;
    pack_entry_init_to_find(&m, member);
    if (item_enc(e->item) == ENC_TREE)
        return add_to_tree(e, &m, added);
    return item_enc(e->item) == ENC_INTS ? add_to_ints(e, &m, added) : add_to_pack(e, &m, added);
}

enum err set_expect(struct ks_edit *e, size_t count, struct slice first)
{
    const struct ks_limits *limits = &e->ks->limits;
    int64_t number, most = limits->set_max_listpack_entries;
    if (item_enc(e->item) == ENC_TREE)
        return ERR_OK;
    bool is_new = item_enc(e->item) == ENC_EMBED && e->item->vlen == 0;
    if (item_enc(e->item) == ENC_INTS ||
        (is_new && num_parse_i64(first, &number) && most < limits->set_max_intset_entries))
        most = limits->set_max_intset_entries;
    return (int64_t)count > most ? to_tree(e) : ERR_OK;
}

/* --- removing -------------------------------------------------------------------------------------------- */

static enum err remove_from_tree(struct ks_edit *e, const struct pack_entry *m)
{
    struct hashtree *t = own_tree(e);
    return t ? hashtree_remove(t, m) : ERR_NOMEM;
}

enum err set_remove(struct ks_edit *e, struct slice member)
{
    struct pack_entry m;
    size_t n;
    pack_entry_init_to_find(&m, member);
    if (item_enc(e->item) == ENC_TREE)
        return remove_from_tree(e, &m);
    struct slice run = set_run(e->item);
    if (item_enc(e->item) == ENC_INTS) {
        if (!set_is_integer(&m) || !intset_find(run, m.number, &n))
            return ERR_NOTFOUND;
        return ks_edit_splice(e, intset_offset(run, n), intset_width(run), 0) ? ERR_OK : ERR_NOMEM;
    }
    const char *at = set_find_in_pack(e->item, &m);
    if (!at)
        return ERR_NOTFOUND;
    size_t bytes = pack_bytes(at);
    if (e->item->flags & ITEM_DUES)
        bytes += pack_bytes(at + bytes);
    return ks_edit_splice(e, (size_t)(at - run.ptr), bytes, 0) ? ERR_OK : ERR_NOMEM;
}

/* --- deadlines ------------------------------------------------------------------------------------------ */

/* Gives each member of a pack a second entry, deadline 0. A pack that would get too large becomes a tree. */
static enum err pack_to_dues(struct ks_edit *e)
{
    char pack[SET_INTEGERS_AS_PACK_BYTES_MAX], *end = pack;
    struct slice run = set_run(e->item);
    if (run.len + pack_count(run) > sizeof(pack)) {
        enum err err = to_tree(e);
        if (!err)
            e->item->flags |= ITEM_DUES;
        return err;
    }
    for (size_t at = 0; at < run.len;) {
        size_t bytes = pack_bytes(run.ptr + at);
        memcpy(end, run.ptr + at, bytes);
        end += bytes;
        *end++ = (char)PACK_CODE_SMALL;
        at += bytes;
    }
    struct item_value v = item_value_empty(TYPE_SET);
    v.bytes = pack;
    v.len = (uint16_t)(end - pack);
    v.flags = (e->item->flags & ITEM_VALUE_FLAGS) | ITEM_DUES;
    return ks_edit_replace(e, &v) ? ERR_OK : ERR_NOMEM;
}

static enum err to_dues(struct ks_edit *e)
{
    enum err err = ERR_OK;
    if (e->item->flags & ITEM_DUES)
        return ERR_OK;
    if (item_enc(e->item) == ENC_INTS)
        err = ints_fit_pack(e, intset_count(set_run(e->item))) ? ints_to_pack(e) : to_tree(e);
    if (err)
        return err;
    if (item_enc(e->item) != ENC_TREE)
        return pack_to_dues(e);
    e->item->flags |= ITEM_DUES;
    return ERR_OK;
}

enum err set_set_due(struct ks_edit *e, struct slice member, int64_t due_ms)
{
    struct pack_entry m, due;
    char text[NUM_I64_CHARS];
    int64_t was_ms;
    pack_entry_init_to_find(&m, member);
    if (!set_find(e->item, &m, &was_ms))
        return ERR_NOTFOUND;
    if (was_ms == due_ms)
        return ERR_OK;
    enum err err = due_ms == DUES_NONE ? ERR_OK : ks_note_deadline(e->ks, &e->at, e->hash, due_ms);
    if (!err)
        err = to_dues(e);
    if (err)
        return err;
    if (item_enc(e->item) != ENC_TREE &&
        set_run(e->item).len + PACK_INT_BYTES_MAX > SET_ITEM_BYTES_MAX)
        err = to_tree(e);
    if (!err && item_enc(e->item) == ENC_TREE) {
        struct hashtree *t = own_tree(e);
        err = t ? hashtree_set_due(t, &m, due_ms) : ERR_NOMEM;
        return err == ERR_FULL ? ERR_NOMEM : err;
    }
    if (err)
        return err;
    if (due_ms == DUES_NONE)
        due_ms = 0;
    pack_entry_init_to_find(&due, slice_of(text, (size_t)num_print_i64(text, due_ms)));
    const char *at = set_find_in_pack(e->item, &m);
    at += pack_bytes(at);
    char *to = ks_edit_splice(e, (size_t)(at - set_run(e->item).ptr), pack_bytes(at), due.bytes);
    if (!to)
        return ERR_NOMEM;
    pack_entry_write(&due, to);
    return ERR_OK;
}
