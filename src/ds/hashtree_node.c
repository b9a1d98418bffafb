#include "ds/hashtree_impl.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* --- making, copying, freeing ------------------------------------------------------------------------------- */

static size_t node_bytes(struct hashtree_node *n)
{
    return n->kind == HASHTREE_LEAF ? hashtree_leaf_bytes(hashtree_leaf(n))
                                    : hashtree_inner_bytes(n->bits);
}

static void *node_new(struct hashtree *t, size_t bytes)
{
    void *n = slab_try_alloc(t->heap, bytes);
    if (n) {
        t->bytes += slab_good_size(bytes);
        t->nodes++;
    }
    return n;
}

static void uncount(struct hashtree *t, struct hashtree_node *n)
{
    t->bytes -= slab_good_size(node_bytes(n));
    t->nodes--;
}

struct hashtree_inner *hashtree_inner_new(struct hashtree *t, unsigned depth, unsigned bits)
{
    struct hashtree_inner *p = node_new(t, hashtree_inner_bytes(bits));
    if (p)
        p->node = (struct hashtree_node){
            .refs = 1,
            .kind = HASHTREE_INNER,
            .depth = (uint8_t)depth,
            .bits = (uint8_t)bits,
            .due_ms = HASHTREE_NO_DUE,
        };
    return p;
}

struct hashtree_leaf *hashtree_leaf_new(struct hashtree *t, unsigned depth, size_t count,
                                        size_t used, size_t spare)
{
    /* Spare bytes are divided into room for entries of the average size, with their tags and offsets. */
    size_t entry = count > 0 ? used / count + 3 : 3;
    size_t room = count + spare / entry;
    room += room & 1;
    size_t bytes = sizeof(struct hashtree_leaf) + 3 * room + used + spare % entry +
                   (room - count) * (entry - 3);
    if (bytes < HASHTREE_LEAF_BYTES_MIN)
        bytes = HASHTREE_LEAF_BYTES_MIN;
    bytes = slab_good_size(bytes);
    struct hashtree_leaf *l = node_new(t, bytes);
    if (!l)
        return NULL;
    *l = (struct hashtree_leaf){
        .node = {.refs = 1,
                 .kind = HASHTREE_LEAF,
                 .depth = (uint8_t)depth,
                 .due_ms = HASHTREE_NO_DUE},
        .room = (uint16_t)room,
        .size = (uint16_t)(bytes - sizeof(*l) - 3 * room),
    };
    return l;
}

void hashtree_node_free(struct hashtree *t, struct hashtree_node *n)
{
    uncount(t, n);
    slab_free(n, node_bytes(n));
}

static struct slice strings_of(const struct hashtree *t, const struct hashtree_leaf *l, unsigned i)
{
    const char *string = hashtree_string_at(l, i);
    size_t bytes = pack_bytes(string);
    if (t->values)
        bytes += pack_bytes(string + bytes);
    return slice_of(string, bytes);
}

void hashtree_leaf_hold_blobs(const struct hashtree *t, const struct hashtree_leaf *l)
{
    for (unsigned i = 0; l->node.has_blobs && i < l->count; i++)
        pack_hold(strings_of(t, l, i));
}

size_t hashtree_leaf_blob_bytes(const struct hashtree *t, const struct hashtree_leaf *l)
{
    size_t bytes = 0;
    for (unsigned i = 0; l->node.has_blobs && i < l->count; i++)
        bytes += pack_blob_bytes(strings_of(t, l, i));
    return bytes;
}

void hashtree_leaf_moved(struct hashtree *t, struct hashtree_leaf *l)
{
    if (l->node.refs == 1) {
        hashtree_node_free(t, &l->node);
        return;
    }
    hashtree_leaf_hold_blobs(t, l);
    uncount(t, &l->node);
    l->node.refs--;
}

struct hashtree_node *hashtree_node_copy(struct hashtree *t, struct hashtree_node *n)
{
    size_t bytes = node_bytes(n);
    struct hashtree_node *copy = slab_try_alloc(t->heap, bytes);
    if (!copy)
        return NULL;
    memcpy(copy, n, bytes);
    copy->refs = 1;
    n->refs--;
    if (n->kind == HASHTREE_LEAF) {
        hashtree_leaf_hold_blobs(t, hashtree_leaf(n));
        return copy;
    }
    struct hashtree_inner *p = hashtree_inner(copy);
    const struct hashtree_node *last = NULL;
    for (unsigned i = 0; i < hashtree_slots(p); i++) {
        if (p->slots[i] != last)
            p->slots[i]->refs++;
        last = p->slots[i];
    }
    return copy;
}

void hashtree_put_child(struct hashtree_inner *p, unsigned slot, struct hashtree_node *child,
                        uint32_t count)
{
    unsigned run = hashtree_run(p, child), first = slot & ~(run - 1);
    uint32_t *counts = hashtree_counts(p);
    for (unsigned i = 0; i < run; i++) {
        p->slots[first + i] = child;
        counts[first + i] = 0;
    }
    counts[first] = count;
}

/* --- entries ------------------------------------------------------------------------------------------------- */

size_t hashtree_entry_bytes(const struct hashtree *t, const struct hashtree_leaf *l, unsigned i)
{
    struct slice strings = strings_of(t, l, i);
    return (size_t)(strings.ptr - hashtree_entry_at(l, i)) + strings.len;
}

struct hashtree_entry hashtree_entry_of(const struct hashtree *t, const struct hashtree_leaf *l,
                                        unsigned i)
{
    const char *string = hashtree_string_at(l, i);
    struct hashtree_entry e = {.string = string, .due_ms = HASHTREE_NO_DUE};
    if (t->values)
        e.value = string + pack_bytes(string);
    if (hashtree_entry_has_due(l, i))
        memcpy(&e.due_ms, hashtree_entry_at(l, i), sizeof(e.due_ms));
    return e;
}

/* Bit i is set when tags[i] is the tag, for HASHTREE_TAGS_READ tags. */
static inline unsigned candidates(const uint8_t *tags, uint8_t tag)
{
#ifdef __SSE2__
    __m128i equal =
        _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)tags), _mm_set1_epi8((char)tag));
    return (unsigned)_mm_movemask_epi8(equal);
#else
    unsigned found = 0;
    for (unsigned i = 0; i < HASHTREE_TAGS_READ; i++)
        found |= (unsigned)(tags[i] == tag) << i;
    return found;
#endif
}

/* The same of those from i on that are there. */
static inline unsigned candidates_from(const struct hashtree_leaf *l, unsigned i, uint8_t tag)
{
    unsigned found = candidates(l->tags + i, tag);
    if (l->count - i < HASHTREE_TAGS_READ)
        found &= (1u << (l->count - i)) - 1;
    return found;
}

int hashtree_leaf_find_same(const struct hashtree_leaf *l, uint8_t tag, const char *string)
{
    for (unsigned i = 0; i < l->count; i += HASHTREE_TAGS_READ) {
        for (unsigned found = candidates_from(l, i, tag); found != 0; found &= found - 1) {
            unsigned at = i + (unsigned)__builtin_ctz(found);
            if (pack_same(hashtree_string_at(l, at), string))
                return (int)at;
        }
    }
    return -1;
}

int hashtree_leaf_find(const struct hashtree_leaf *l, uint64_t hash,
                       const struct pack_entry *string)
{
    for (unsigned i = 0; i < l->count; i += HASHTREE_TAGS_READ) {
        unsigned found = candidates_from(l, i, (uint8_t)hash);
        for (; found != 0; found &= found - 1) {
            unsigned at = i + (unsigned)__builtin_ctz(found);
            if (pack_equal(hashtree_string_at(l, at), string))
                return (int)at;
        }
    }
    return -1;
}

void hashtree_leaf_fetch(const struct hashtree_leaf *l, uint64_t hash)
{
    const char *at = hashtree_data(l) + l->used; /* the place of a new entry */
    for (unsigned i = 0; i < l->count; i += HASHTREE_TAGS_READ) {
        unsigned found = candidates(l->tags + i, (uint8_t)hash);
        if (l->count - i < HASHTREE_TAGS_READ)
            found &= (1u << (l->count - i)) - 1;
        if (found == 0)
            continue;
        at = hashtree_entry_at(l, i + (unsigned)__builtin_ctz(found));
        break;
    }
    prefetch_line(at);
}

char *hashtree_leaf_append(struct hashtree_leaf *l, uint8_t tag, size_t bytes, bool has_due)
{
    assert(l->count < l->room && bytes <= (size_t)(l->size - l->used));
    char *at = hashtree_data(l) + l->used;
    l->tags[l->count] = tag;
    hashtree_offsets(l)[l->count] = (uint16_t)(l->used | (has_due ? HASHTREE_HAS_DUE : 0));
    l->used = (uint16_t)(l->used + bytes);
    l->count++;
    return at;
}

void hashtree_leaf_splice(struct hashtree_leaf *l, char *at, size_t drop, size_t add)
{
    char *data = hashtree_data(l);
    uint16_t *offsets = hashtree_offsets(l), from = (uint16_t)(at - data);
    uint16_t moved = (uint16_t)(add - drop);
    assert(l->used - drop + add <= l->size);
    if (moved == 0)
        return;
    memmove(at + add, at + drop, l->used - from - drop);
    /* An entry that begins at `at` is the one that is changed or removed: its offset stays. */
    for (unsigned i = 0; i < l->count; i++) {
        uint16_t offset = offsets[i] & (uint16_t)~HASHTREE_HAS_DUE;
        offsets[i] = (uint16_t)(offsets[i] + (offset > from ? moved : 0));
    }
    l->used = (uint16_t)(l->used + moved);
}

void hashtree_leaf_remove(const struct hashtree *t, struct hashtree_leaf *l, unsigned i)
{
    uint16_t *offsets = hashtree_offsets(l);
    hashtree_leaf_splice(l, hashtree_entry_at(l, i), hashtree_entry_bytes(t, l, i), 0);
    l->count--;
    l->tags[i] = l->tags[l->count];
    offsets[i] = offsets[l->count];
}

void hashtree_leaf_take(const struct hashtree *t, struct hashtree_leaf *to,
                        const struct hashtree_leaf *from, unsigned i)
{
    size_t bytes = hashtree_entry_bytes(t, from, i);
    bool has_due = hashtree_entry_has_due(from, i);
    char *at = hashtree_leaf_append(to, from->tags[i], bytes, has_due);
    memcpy(at, hashtree_entry_at(from, i), bytes);
}
