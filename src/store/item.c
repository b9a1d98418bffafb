#include "store/item_impl.h"

#include "base/slab.h"

static_assert(ITEM_EMBED_BYTES_MAX <= UINT16_MAX, "the length of an embedded value has 16 bits");
static_assert(sizeof(void *) == sizeof(int64_t), "a pointer takes the place of an integer");

/* --- layout ----------------------------------------------------------------------------------------- */

/* Where the value stands: behind the header, the deadline and the key. */
static size_t value_offset(size_t key_len, bool has_expiry)
{
    return sizeof(struct item) + (has_expiry ? sizeof(int64_t) : 0) +
           (key_len >= ITEM_KLEN_LONG ? sizeof(uint32_t) : 0) + key_len;
}

static size_t value_len(const struct item *it)
{
    bool is_number = item_enc(it) == ENC_INT || item_is_outside(it); /* an integer or a pointer */
    return is_number ? sizeof(int64_t) : it->vlen;
}

size_t item_bytes(const struct item *it)
{
    return (size_t)(item_value_place(it) - (const char *)it) + value_len(it) + ITEM_SEAL_BYTES;
}

static void set_value(struct item *it, const struct item_value *v)
{
    char *place = (char *)item_value_place(it);
    if (v->len > 0)
        memmove(place, v->bytes, v->len);
    it->kind = v->kind;
    it->vlen = item_enc(it) == ENC_INT || item_is_outside(it) ? 0 : v->len;
    it->flags = (it->flags & (ITEM_HAS_EXPIRY | ITEM_PARITY)) | v->flags;
    item_seal(it);
}

/* The value as it is, to be laid into another item. */
static struct item_value value_of(const struct item *it)
{
    return (struct item_value){
        .bytes = item_value_place(it),
        .len = (uint16_t)value_len(it),
        .kind = it->kind,
        .flags = it->flags & ITEM_VALUE_FLAGS,
    };
}

struct item *item_try_new(struct slab_heap *heap, struct slice key, const struct item_value *v,
                          int64_t expiry_ms)
{
    if (key.len > ITEM_KEY_BYTES_MAX) /* where proto-max-bulk-len lets it through */
        return NULL;
    bool has_expiry = expiry_ms != ITEM_NO_EXPIRY;
    struct item *it =
        slab_try_alloc(heap, value_offset(key.len, has_expiry) + v->len + ITEM_SEAL_BYTES);
    if (!it)
        return NULL;
    *it = (struct item){.flags = has_expiry ? ITEM_HAS_EXPIRY : 0};
    char *p = it->body;
    if (has_expiry) {
        memcpy(p, &expiry_ms, sizeof(expiry_ms));
        p += sizeof(expiry_ms);
    }
    it->klen = key.len < ITEM_KLEN_LONG ? (uint8_t)key.len : ITEM_KLEN_LONG;
    if (it->klen == ITEM_KLEN_LONG) {
        uint32_t len = (uint32_t)key.len;
        memcpy(p, &len, sizeof(len));
        p += sizeof(len);
    }
    if (key.len > 0)
        memcpy(p, key.ptr, key.len);
    set_value(it, v);
    return it;
}

bool item_rewrite(struct item *it, const struct item_value *v, int64_t expiry_ms)
{
    bool has_expiry = expiry_ms != ITEM_NO_EXPIRY;
    if (item_has_expiry(it) != has_expiry || item_is_outside(it))
        return false;
    size_t have = item_bytes(it), need = have - value_len(it) + v->len;
    if (have != need && slab_good_size(have) != slab_good_size(need))
        return false;
    if (has_expiry)
        item_set_expiry_in_place(it, expiry_ms);
    set_value(it, v);
    return true;
}

/* --- copies ----------------------------------------------------------------------------------------- */

struct item *item_try_rekey(struct slab_heap *heap, const struct item *from, struct slice key,
                            int64_t expiry_ms)
{
    struct item_value v = value_of(from);
    struct item *it = item_try_new(heap, key, &v, expiry_ms);
    if (it)
        memcpy(it->access, from->access, sizeof(it->access));
    return it;
}

struct item *item_try_copy(struct slab_heap *heap, const struct item *from, struct slice key,
                           int64_t expiry_ms)
{
    struct item *it = item_try_rekey(heap, from, key, expiry_ms);
    if (it && item_is_outside(it))
        value_ops(item_type(it))->share(it);
    return it;
}

/* --- the end ---------------------------------------------------------------------------------------- */

void item_free_shell(struct item *it)
{
    slab_free(it, item_bytes(it));
}

void item_free(struct item *it)
{
    size_t effort = SIZE_MAX;
    if (!item_is_outside(it))
        item_free_shell(it);
    else
        while (!value_free_some(it, &effort))
            ;
}

/* --- names ------------------------------------------------------------------------------------------ */

const char *item_type_name(enum item_type t)
{
    static const char *const names[TYPE_COUNT] = {"string", "list", "set",
                                                  "zset",   "hash", "stream"};
    assert(t < TYPE_COUNT);
    return names[t];
}
