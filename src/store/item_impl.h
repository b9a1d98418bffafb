#pragma once
/* Inside store/: making and changing items, whatever their type. */
#include <assert.h>

#include "base/blob.h"
#include "base/num.h"
#include "store/item.h"
#include "store/item_check.h"
#include "store/value.h"

/* From ENC_OUTSIDE on the value is a pointer to structure outside the item; below, all of it lies in the item. */
#define ENC_OUTSIDE 8
enum item_enc { ENC_EMBED, ENC_INT, ENC_INTS, ENC_BLOB = ENC_OUTSIDE, ENC_TREE };

#define ITEM_KIND(type, enc) (TYPE_##type | ENC_##enc << 4)
/* The flags that come and go with a value. */
#define ITEM_VALUE_FLAGS (ITEM_EDITED | ITEM_GROWN | ITEM_DUES)
/* A string up to this length lives in the item, a longer one in a blob. */
#define ITEM_EMBED_BYTES_MAX 1024

static inline enum item_enc item_enc(const struct item *it)
{
    return it->kind >> 4;
}
static inline bool item_is_outside(const struct item *it)
{
    return it->kind & ENC_OUTSIDE << 4;
}
static inline const char *item_value_place(const struct item *it)
{
    struct slice key = item_key(it);
    return key.ptr + key.len;
}
static inline int64_t item_int(const struct item *it)
{
    int64_t v;
    memcpy(&v, item_value_place(it), sizeof(v));
    return v;
}
/* The bytes of a value that lies in the item, and is no int64. */
static inline struct slice item_embedded(const struct item *it)
{
    return (struct slice){item_value_place(it), it->vlen};
}
static inline void *item_pointer(const struct item *it)
{
    void *p;
    memcpy(&p, item_value_place(it), sizeof(p));
    return p;
}
static inline struct blob *item_blob(const struct item *it)
{
    return item_pointer(it);
}

/* A touch within the same second writes nothing, so that reading a hot key leaves its cache line clean. */
static inline void item_touch(struct item *it, int64_t now_ms)
{
    uint32_t clock = item_clock(now_ms);
    if (item_access(it) == clock)
        return;
    it->access[0] = (uint8_t)clock;
    it->access[1] = (uint8_t)(clock >> 8);
    it->access[2] = (uint8_t)(clock >> 16);
}

/* The bytes behind a key, whatever the type, and the header fields that say how to read them. */
struct item_value {
    const void *bytes; /* borrowed: the value's bytes, or where an int64 or a pointer is */
    uint16_t len;
    uint8_t kind;
    uint8_t flags; /* of ITEM_VALUE_FLAGS */
};
static inline struct item_value item_value_embed(struct slice s)
{
    return (struct item_value){
        .bytes = s.ptr, .len = (uint16_t)s.len, .kind = ITEM_KIND(STRING, EMBED)};
}
static inline struct item_value item_value_int(const int64_t *v)
{
    return (struct item_value){.bytes = v, .len = sizeof(*v), .kind = ITEM_KIND(STRING, INT)};
}
static inline struct item_value item_value_blob(struct blob *const *b)
{
    return (struct item_value){.bytes = b, .len = sizeof(*b), .kind = ITEM_KIND(STRING, BLOB)};
}

/* An empty collection: a pack without entries. */
static inline struct item_value item_value_empty(enum item_type t)
{
    return (struct item_value){.bytes = NULL, .len = 0, .kind = (uint8_t)(t | ENC_EMBED << 4)};
}
/* A value whose structure lies outside the item: a collection, a string in slots. */
static inline struct item_value item_value_tree(enum item_type t, void *const *tree)
{
    return (struct item_value){
        .bytes = tree, .len = sizeof(*tree), .kind = (uint8_t)(t | ENC_TREE << 4)};
}

struct slab_heap; /* base/slab.h: where items live */

/* A new item with this value; a pointer in it changes hands on success. `expiry_ms` may be ITEM_NO_EXPIRY. NULL: no
 * memory. */
struct item *item_try_new(struct slab_heap *heap, struct slice key, const struct item_value *v,
                          int64_t expiry_ms);
/* The value under another key or deadline. Structure outside the item is moved, which leaves `from` a shell for the
 * caller's item_free_shell. NULL: no memory, nothing changed. */
struct item *item_try_rekey(struct slab_heap *heap, const struct item *from, struct slice key,
                            int64_t expiry_ms);
/* A copy of the value under another key; structure outside the item is shared until one side changes. NULL: no
 * memory. */
struct item *item_try_copy(struct slab_heap *heap, const struct item *from, struct slice key,
                           int64_t expiry_ms);
/* Lays another value and deadline into the item, where that changes neither the place of the key nor the size
 * class of the allocation, and the old value lies in the item. The new bytes may lie within the old ones. */
bool item_rewrite(struct item *it, const struct item_value *v, int64_t expiry_ms);
void item_free(struct item *it); /* with its value, however large */
/* Frees the item without the structure that its value points to. */
void item_free_shell(struct item *it);

/* Bytes of the item's own allocation, by its header: the number asked for, or another of the same size class. */
size_t item_bytes(const struct item *it);

static inline void item_set_expiry_in_place(struct item *it, int64_t expiry_ms)
{
    assert(item_has_expiry(it) && expiry_ms != ITEM_NO_EXPIRY);
    memcpy(it->body, &expiry_ms, sizeof(expiry_ms));
    item_seal(it);
}
static inline void item_set_pointer_in_place(struct item *it, void *p)
{
    assert(item_is_outside(it));
    memcpy((char *)item_value_place(it), &p, sizeof(p));
}
static inline void item_set_blob_in_place(struct item *it, struct blob *b)
{
    assert(item_enc(it) == ENC_BLOB);
    item_set_pointer_in_place(it, b);
}
