#include "store/list_impl.h"

uint64_t list_len(const struct item *it)
{
    return list_is_tree(it) ? btree_count(&list_tree(it)->tree) : pack_count(item_embedded(it));
}

const char *list_at(const struct item *it, uint64_t at, struct list_cursor *c)
{
    c->in_tree = list_is_tree(it);
    if (c->in_tree)
        return c->entry = btree_at(&list_tree(it)->tree, at, &c->tree);
    c->pack = item_embedded(it);
    c->nth = (unsigned)at;
    c->has_offsets = false;
    return c->entry = at < c->pack.len ? pack_at(c->pack, at) : NULL;
}

const char *list_next(struct list_cursor *c)
{
    if (c->in_tree) {
        const char *next = btree_next(&c->tree);
        if (next)
            c->entry = next;
        return next;
    }
    const char *next = c->entry + pack_bytes(c->entry);
    if (next == c->pack.ptr + c->pack.len)
        return NULL;
    c->nth++;
    return c->entry = next;
}

static void note_offsets(struct list_cursor *c)
{
    const char *at = c->pack.ptr;
    for (unsigned i = 0; i < c->nth; i++) {
        c->offsets[i] = (uint16_t)(at - c->pack.ptr);
        at += pack_bytes(at);
    }
    c->has_offsets = true;
}

const char *list_prev(struct list_cursor *c)
{
    if (c->in_tree) {
        const char *prev = btree_prev(&c->tree);
        if (prev)
            c->entry = prev;
        return prev;
    }
    if (c->nth == 0)
        return NULL;
    if (!c->has_offsets)
        note_offsets(c);
    return c->entry = c->pack.ptr + c->offsets[--c->nth];
}

struct slice list_run(struct list_cursor *c)
{
    unsigned count;
    bool more = false;
    struct slice run = c->in_tree
                           ? btree_run(&c->tree, &count, &more)
                           : slice_of(c->entry, (size_t)(c->pack.ptr + c->pack.len - c->entry));
    c->entry = more ? btree_entry(&c->tree) : NULL;
    return run;
}
