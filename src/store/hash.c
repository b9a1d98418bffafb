#include "store/hash_impl.h"

/* --- reading ---------------------------------------------------------------------------------------- */

const char *hash_field_at(const struct item *it, const char *at, struct hash_field *out)
{
    out->name = at;
    at += pack_bytes(at);
    out->value = at;
    at += pack_bytes(at);
    out->due_ms = DUES_NONE;
    if (!(it->flags & ITEM_DUES))
        return at;
    int64_t due_ms = 0;
    pack_int(at, &due_ms);
    if (due_ms != 0)
        out->due_ms = due_ms;
    return at + pack_bytes(at);
}

static struct hash_field field_of(const struct hashtree_entry *e)
{
    return (struct hash_field){e->string, e->value, e->due_ms};
}

uint64_t hash_count(const struct item *it)
{
    if (item_enc(it) == ENC_TREE)
        return hashtree_count(hash_tree(it));
    return pack_count(hash_pack(it)) / hash_step(it);
}

bool hash_find_any(const struct item *it, const struct pack_entry *name, struct hash_field *out)
{
    if (item_enc(it) == ENC_TREE) {
        struct hashtree_entry e;
        if (!hashtree_find(hash_tree(it), name, &e))
            return false;
        *out = field_of(&e);
        return true;
    }
    const char *at = pack_find(hash_pack(it), hash_step(it), name);
    if (at)
        hash_field_at(it, at, out);
    return at;
}

bool hash_find(const struct item *it, struct slice name, int64_t now_ms, struct hash_field *out)
{
    struct pack_entry e;
    pack_entry_init_to_find(&e, name);
    return hash_find_any(it, &e, out) && out->due_ms > now_ms;
}

struct hash_field hash_at(const struct item *it, uint64_t n)
{
    struct hash_field f;
    if (item_enc(it) == ENC_TREE) {
        struct hashtree_entry e = hashtree_at(hash_tree(it), n);
        return field_of(&e);
    }
    hash_field_at(it, pack_at(hash_pack(it), (size_t)n * hash_step(it)), &f);
    return f;
}

void hash_walk_init(struct hash_walk *w, const struct item *it, uint64_t at)
{
    w->item = it;
    w->at = at;
    if (item_enc(it) == ENC_TREE)
        hashtree_walk_init(&w->tree, hash_tree(it), at);
}

uint64_t hash_walk_at(const struct hash_walk *w)
{
    return item_enc(w->item) == ENC_TREE ? w->tree.at : w->at;
}

bool hash_walk_next(struct hash_walk *w, struct hash_field *out)
{
    if (item_enc(w->item) == ENC_TREE) {
        struct hashtree_entry e;
        if (!hashtree_walk_next(&w->tree, &e))
            return false;
        *out = field_of(&e);
        return true;
    }
    struct slice pack = hash_pack(w->item);
    if (w->at == pack.len)
        return false;
    w->at = (uint64_t)(hash_field_at(w->item, pack.ptr + w->at, out) - pack.ptr);
    return true;
}

struct scan {
    hash_each_fn fn;
    void *arg;
};

static void scan_entry(const struct hashtree_entry *e, void *arg)
{
    const struct scan *s = arg;
    struct hash_field f = field_of(e);
    s->fn(&f, s->arg);
}

uint64_t hash_scan(const struct item *it, uint64_t cursor, uint64_t count, hash_each_fn fn,
                   void *arg)
{
    struct scan s = {fn, arg};
    if (item_enc(it) == ENC_TREE)
        return hashtree_scan(hash_tree(it), cursor, count, scan_entry, &s);
    struct hash_walk w;
    struct hash_field f;
    hash_walk_init(&w, it, 0);
    while (hash_walk_next(&w, &f))
        fn(&f, arg);
    return 0;
}
