/* OBJECT ENCODING of a list. Redis keeps a list as a listpack up to a limit of bytes or elements, as a quicklist past
 * it, and turns it back when it has shrunk to half the limit. The bytes are counted in Redis' listpack format. */
#include "store/list_impl.h"

/* The header of a listpack and its end byte. */
#define LISTPACK_HEAD_BYTES 7
/* The limit of bytes that holds beside a limit of elements. */
#define LISTPACK_BYTES_SAFE 8192

/* A listpack entry ends in its own length, for walks from the end. */
static size_t back_bytes(size_t len)
{
    if (len <= 127)
        return 1;
    if (len < 16383)
        return 2;
    if (len < 2097151)
        return 3;
    return len < 268435455 ? 4 : 5;
}

static size_t int_bytes(int64_t v)
{
    if (v >= 0 && v <= 127)
        return 1;
    if (v >= -4096 && v <= 4095)
        return 2;
    if (v >= INT16_MIN && v <= INT16_MAX)
        return 3;
    if (v >= -(1 << 23) && v < 1 << 23)
        return 4;
    return v >= INT32_MIN && v <= INT32_MAX ? 5 : 9;
}

static size_t string_bytes(size_t len)
{
    if (len < 64)
        return 1 + len;
    return len < 4096 ? 2 + len : 5 + len;
}

size_t list_listpack_bytes(const char *entry)
{
    int64_t v;
    size_t bytes = pack_int(entry, &v) ? int_bytes(v) : string_bytes(pack_string_len(entry));
    return bytes + back_bytes(bytes);
}

size_t list_listpack_run_bytes(struct slice pack)
{
    const char *end = pack.ptr + pack.len;
    size_t bytes = 0;
    for (const char *at = pack.ptr; at < end; at += pack_bytes(at))
        bytes += list_listpack_bytes(at);
    return bytes;
}

/* One of the two is set; the other is UINT64_MAX. */
struct limit {
    uint64_t bytes, count;
};

static struct limit limit_of(const struct ks_edit *e)
{
    int64_t max = e->ks->limits.list_max_listpack_size;
    if (max >= 0)
        return (struct limit){UINT64_MAX, max > 0 ? (uint64_t)max : 1};
    return (struct limit){(uint64_t)4096 << (max < -5 ? 4 : -max - 1), UINT64_MAX};
}

static uint64_t count_bytes(const struct btree *t)
{
    struct btree_cursor c;
    uint64_t bytes = 0;
    bool more = btree_at(t, 0, &c) != NULL;
    while (more) {
        unsigned count;
        bytes += list_listpack_run_bytes(btree_run(&c, &count, &more));
    }
    return bytes;
}

/* The list's bytes as a listpack. A result above `enough` may be too large: it spares counting. */
static uint64_t listpack_bytes(const struct item *it, uint64_t enough)
{
    if (!list_is_tree(it))
        return LISTPACK_HEAD_BYTES + list_listpack_run_bytes(item_embedded(it));
    struct list_tree *t = list_tree(it);
    if (t->listpack_bytes == LIST_UNCOUNTED) {
        /* Each entry takes at least two bytes. */
        if (2 * btree_count(&t->tree) > enough)
            return UINT64_MAX / 2;
        t->listpack_bytes = count_bytes(&t->tree);
    }
    return LISTPACK_HEAD_BYTES + t->listpack_bytes;
}

/* Spares the count for most pushes: an entry takes at most twice as many bytes in a listpack as in a pack. */
static bool is_far_below(const struct item *it, const struct limit *limit, size_t added)
{
    return !list_is_tree(it) && limit->bytes != UINT64_MAX &&
           LISTPACK_HEAD_BYTES + 2 * (uint64_t)it->vlen + added <= limit->bytes;
}

void list_will_grow(struct ks_edit *e, const struct list_new *what)
{
    struct item *it = e->item;
    if (it->flags & ITEM_GROWN)
        return;
    struct limit limit = limit_of(e);
    size_t added = 0;
    for (size_t i = 0; i < what->n; i++)
        added += list_new_len(what, i);
    if (is_far_below(it, &limit, added))
        return;
    uint64_t bytes_max = limit.bytes == UINT64_MAX ? LISTPACK_BYTES_SAFE : limit.bytes;
    if (listpack_bytes(it, bytes_max) + added > bytes_max || list_len(it) + what->n > limit.count)
        it->flags |= ITEM_GROWN;
}

void list_has_shrunk(struct ks_edit *e)
{
    struct item *it = e->item;
    if (!(it->flags & ITEM_GROWN))
        return;
    struct limit limit = limit_of(e);
    bool small = limit.bytes == UINT64_MAX ? list_len(it) <= limit.count / 2
                                           : listpack_bytes(it, limit.bytes / 2) <= limit.bytes / 2;
    if (small)
        it->flags &= (uint8_t)~ITEM_GROWN;
}
