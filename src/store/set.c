#include "store/set_impl.h"

/* --- reading ---------------------------------------------------------------------------------------- */

uint64_t set_count(const struct item *it)
{
    if (item_enc(it) == ENC_TREE)
        return hashtree_count(set_tree(it));
    if (item_enc(it) == ENC_INTS)
        return intset_count(set_run(it));
    return pack_count(set_run(it)) / set_step(it);
}

static int64_t due_at(const struct item *it, const char *at)
{
    int64_t ms = 0;
    if (it->flags & ITEM_DUES)
        pack_int(at + pack_bytes(at), &ms);
    return ms != 0 ? ms : DUES_NONE;
}

const char *set_find_in_pack(const struct item *it, const struct pack_entry *member)
{
    return pack_find(set_run(it), set_step(it), member);
}

bool set_find(const struct item *it, const struct pack_entry *member, int64_t *due_ms)
{
    struct hashtree_entry found;
    size_t n;
    *due_ms = DUES_NONE;
    if (item_enc(it) == ENC_TREE) {
        if (!hashtree_find(set_tree(it), member, &found))
            return false;
        *due_ms = found.due_ms;
        return true;
    }
    if (item_enc(it) == ENC_INTS)
        return set_is_integer(member) && intset_find(set_run(it), member->number, &n);
    const char *at = set_find_in_pack(it, member);
    if (at)
        *due_ms = due_at(it, at);
    return at;
}

bool set_has(const struct item *it, const struct pack_entry *member, int64_t now_ms)
{
    int64_t due_ms;
    return set_find(it, member, &due_ms) && due_ms > now_ms;
}

static struct slice print(int64_t v, char scratch[NUM_I64_CHARS])
{
    return slice_of(scratch, (size_t)num_print_i64(scratch, v));
}

struct slice set_at(const struct item *it, uint64_t n, int64_t *due_ms, char scratch[NUM_I64_CHARS])
{
    *due_ms = DUES_NONE;
    if (item_enc(it) == ENC_TREE) {
        struct hashtree_entry e = hashtree_at(set_tree(it), n);
        *due_ms = e.due_ms;
        return pack_string(e.string, scratch);
    }
    if (item_enc(it) == ENC_INTS)
        return print(intset_at(set_run(it), n), scratch);
    const char *at = pack_at(set_run(it), n * set_step(it));
    *due_ms = due_at(it, at);
    return pack_string(at, scratch);
}

void set_walk_init(struct set_walk *w, const struct item *it, uint64_t at, int64_t now_ms)
{
    w->item = it;
    w->at = at;
    w->now_ms = now_ms;
    if (item_enc(it) == ENC_TREE)
        hashtree_walk_init(&w->tree, set_tree(it), at);
}

uint64_t set_walk_at(const struct set_walk *w)
{
    return item_enc(w->item) == ENC_TREE ? w->tree.at : w->at;
}

static bool next_in_tree(struct set_walk *w, struct slice *out)
{
    struct hashtree_entry entry;
    do {
        if (!hashtree_walk_next(&w->tree, &entry))
            return false;
    } while (entry.due_ms <= w->now_ms);
    w->due_ms = entry.due_ms;
    *out = pack_string(entry.string, w->scratch);
    return true;
}

static bool next_in_pack(struct set_walk *w, struct slice *out)
{
    struct slice run = set_run(w->item);
    const char *at;
    do {
        if (w->at == run.len)
            return false;
        at = run.ptr + w->at;
        w->due_ms = due_at(w->item, at);
        for (size_t i = 0; i < set_step(w->item); i++)
            w->at += pack_bytes(run.ptr + w->at);
    } while (w->due_ms <= w->now_ms);
    *out = pack_string(at, w->scratch);
    return true;
}

bool set_walk_next(struct set_walk *w, struct slice *out)
{
    if (item_enc(w->item) == ENC_TREE)
        return next_in_tree(w, out);
    if (item_enc(w->item) != ENC_INTS)
        return next_in_pack(w, out);
    struct slice run = set_run(w->item);
    if (w->at == intset_count(run))
        return false;
    w->due_ms = DUES_NONE;
    *out = print(intset_at(run, w->at++), w->scratch);
    return true;
}

void set_finger_init(struct set_finger *f, const struct item *it)
{
    f->item = it;
    if (item_enc(it) == ENC_TREE)
        hashtree_finger_init(&f->tree, set_tree(it));
}

bool set_finger_has(struct set_finger *f, const struct set_walk *w, struct slice member)
{
    struct pack_entry m;
    struct hashtree_entry e;
    if (item_enc(f->item) == ENC_TREE && item_enc(w->item) == ENC_TREE)
        return hashtree_finger_find(&f->tree, &w->tree, &e) && e.due_ms > w->now_ms;
    pack_entry_init_to_find(&m, member);
    return set_has(f->item, &m, w->now_ms);
}

struct scan {
    set_each_fn fn;
    void *arg;
    int64_t now_ms;
};

static void scan_entry(const struct hashtree_entry *e, void *arg)
{
    const struct scan *s = arg;
    char scratch[NUM_I64_CHARS];
    if (e->due_ms > s->now_ms)
        s->fn(pack_string(e->string, scratch), s->arg);
}

uint64_t set_scan(const struct item *it, const struct set_scan *s)
{
    struct scan to = {s->fn, s->arg, s->now_ms};
    if (item_enc(it) == ENC_TREE)
        return hashtree_scan(set_tree(it), s->cursor, s->count, scan_entry, &to);
    struct set_walk w;
    struct slice member;
    set_walk_init(&w, it, 0, s->now_ms);
    while (set_walk_next(&w, &member))
        s->fn(member, s->arg);
    return 0;
}
