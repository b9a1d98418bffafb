#include "store/dues.h"

#include "store/keyspace_impl.h"

int64_t dues_now_ms(const struct keyspace *ks)
{
    return ks->expiry == KS_EXPIRY_IGNORE ? DUES_NOTHING : ks->now_ms;
}

/* --- elements, one after the other ------------------------------------------------------------------- */

struct due_walk {
    const struct item *item;
    uint64_t at;
    struct hashtree_walk tree;
};

static void walk_init(struct due_walk *w, const struct item *it, uint64_t at)
{
    w->item = it;
    w->at = at;
    if (item_enc(it) == ENC_TREE)
        hashtree_walk_init(&w->tree, item_pointer(it), at);
}

size_t dues_step(const struct item *it)
{
    return item_type(it) == TYPE_HASH ? 3 : 2;
}

/* The next element of an item with ITEM_DUES. */
static bool walk_next(struct due_walk *w, const char **name, int64_t *due_ms)
{
    if (item_enc(w->item) == ENC_TREE) {
        struct hashtree_entry e;
        bool more = hashtree_walk_next(&w->tree, &e);
        w->at = w->tree.at;
        *name = more ? e.string : NULL;
        *due_ms = more ? e.due_ms : DUES_NONE;
        return more;
    }
    struct slice pack = item_embedded(w->item);
    if (w->at == pack.len)
        return false;
    const char *at = *name = pack.ptr + w->at;
    for (size_t i = 1; i < dues_step(w->item); i++)
        at += pack_bytes(at);
    int64_t ms = 0;
    pack_int(at, &ms);
    *due_ms = ms != 0 ? ms : DUES_NONE;
    w->at = (uint64_t)(at + pack_bytes(at) - pack.ptr);
    return true;
}

/* --- questions ------------------------------------------------------------------------------------------ */

int64_t dues_least_ms(const struct item *it)
{
    if (!(it->flags & ITEM_DUES))
        return DUES_NONE;
    if (item_enc(it) == ENC_TREE)
        return hashtree_due_ms(item_pointer(it));
    struct due_walk w;
    const char *name;
    int64_t due_ms, least_ms = DUES_NONE;
    walk_init(&w, it, 0);
    while (walk_next(&w, &name, &due_ms))
        least_ms = due_ms < least_ms ? due_ms : least_ms;
    return least_ms;
}

uint64_t dues_count(const struct item *it, int64_t now_ms)
{
    if (!(it->flags & ITEM_DUES))
        return 0;
    if (item_enc(it) == ENC_TREE)
        return hashtree_due_count(item_pointer(it), now_ms);
    struct due_walk w;
    const char *name;
    int64_t due_ms;
    uint64_t n = 0;
    walk_init(&w, it, 0);
    while (walk_next(&w, &name, &due_ms))
        n += due_ms <= now_ms;
    return n;
}

size_t dues_find(const struct ks_edit *e, const char **out, size_t max)
{
    int64_t now_ms = dues_now_ms(e->ks), due_ms;
    size_t n = 0;
    assert(max <= DUES_MAX && (e->item->flags & ITEM_DUES));
    if (item_enc(e->item) == ENC_TREE) {
        struct hashtree_entry of[DUES_MAX];
        n = hashtree_due(item_pointer(e->item), now_ms, of, max);
        for (size_t i = 0; i < n; i++)
            out[i] = of[i].string;
        return n;
    }
    struct due_walk w;
    walk_init(&w, e->item, 0);
    while (n < max && walk_next(&w, &out[n], &due_ms))
        n += due_ms <= now_ms;
    return n;
}

/* --- as commands ---------------------------------------------------------------------------------------- */

/* HPEXPIREAT k ms FIELDS 1 field, or SPEXPIREAT k ms MEMBERS 1 member: a command for each element with a deadline. */
bool dues_command(struct value_cursor *c, struct value_command *out)
{
    struct due_walk w;
    const char *name;
    int64_t due_ms;
    bool is_hash = item_type(c->item) == TYPE_HASH;
    if (!(c->item->flags & ITEM_DUES))
        return false;
    walk_init(&w, c->item, c->at);
    do {
        if (!walk_next(&w, &name, &due_ms))
            return false;
    } while (due_ms == DUES_NONE);
    c->at = w.at;
    c->argv[0] = is_hash ? SLICE("HPEXPIREAT") : SLICE("SPEXPIREAT");
    c->argv[1] = item_key(c->item);
    c->argv[2] = slice_of(c->numbers[2], (size_t)num_print_i64(c->numbers[2], due_ms));
    c->argv[3] = is_hash ? SLICE("FIELDS") : SLICE("MEMBERS");
    c->argv[4] = SLICE("1");
    c->argv[5] = pack_string(name, c->numbers[5]);
    out->argc = 6;
    if (c->argv[5].len > VALUE_COMMAND_BYTES_MAX) {
        c->argv[DUES_ARG_IN_RUNS] = c->argv[5];
        c->argv[5].ptr = NULL;
        out->in_runs = 5;
    }
    return true;
}
