#pragma once
/* Inside store/: how items are made and changed, whatever their type. */
#include <assert.h>

#include "store/item.h"

#define ITEM_KIND(type, enc) (TYPE_##type | ENC_##enc << 4)

/* What stands behind a key, whatever its type: raw bytes, and the header fields that say how to read them. */
struct item_value {
    const void *bytes; /* borrowed: a string's bytes, or where an int64 or a pointer is */
    uint16_t len;
    uint8_t kind;
    uint8_t flags; /* ITEM_EDITED or 0 */
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
/* A new item with this value; a pointer in it changes hands on success. NULL: no memory. */
struct item *item_try_new(struct slab_heap *heap, struct slice key, const struct item_value *v,
                          int64_t expiry_ms);
/* Lays another value and deadline into the item, where that changes neither the place of the key nor the size
 * class of the allocation, and the old value is no pointer. The new bytes may lie within the old ones. */
bool item_rewrite(struct item *it, const struct item_value *v, int64_t expiry_ms);
/* A blob with these bytes; NULL: no memory. */
struct blob *item_try_blob(struct slice value);
/* Frees the item but not what its value points to. */
void item_free_shell(struct item *it);
static inline void item_set_expiry_in_place(struct item *it, int64_t expiry_ms)
{
    assert(item_has_expiry(it) && expiry_ms != ITEM_NO_EXPIRY);
    memcpy(it->body, &expiry_ms, sizeof(expiry_ms));
}
static inline void item_set_blob_in_place(struct item *it, struct blob *b)
{
    assert(item_enc(it) == ENC_BLOB);
    memcpy((char *)item_value_place(it), &b, sizeof(b));
}
