#include "store/item_impl.h"

#include "base/slab.h"

/* OBJECT ENCODING says "embstr" up to this length, as Redis does; clients' tests look at it. */
#define EMBSTR_BYTES_MAX 44

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
    return item_enc(it) == ENC_EMBED ? it->vlen : sizeof(int64_t);
}

size_t item_bytes(const struct item *it)
{
    return (size_t)(item_value_place(it) - (const char *)it) + value_len(it);
}

static void set_value(struct item *it, const struct item_value *v)
{
    char *place = (char *)item_value_place(it);
    if (v->len > 0)
        memmove(place, v->bytes, v->len);
    it->kind = v->kind;
    it->vlen = item_enc(it) == ENC_EMBED ? v->len : 0;
    it->flags = (it->flags & (ITEM_HAS_EXPIRY | ITEM_PARITY)) | v->flags;
}

/* The value as it is, to be laid into another item. */
static struct item_value value_of(const struct item *it)
{
    return (struct item_value){
        .bytes = item_value_place(it),
        .len = (uint16_t)value_len(it),
        .kind = it->kind,
        .flags = it->flags & ITEM_EDITED,
    };
}

struct item *item_try_new(struct slab_heap *heap, struct slice key, const struct item_value *v,
                          int64_t expiry_ms)
{
    if (key.len > ITEM_KEY_BYTES_MAX) /* where proto-max-bulk-len lets it through */
        return NULL;
    bool has_expiry = expiry_ms != ITEM_NO_EXPIRY;
    struct item *it = slab_try_alloc(heap, value_offset(key.len, has_expiry) + v->len);
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
    if (item_has_expiry(it) != has_expiry || item_type(it) != TYPE_STRING ||
        item_enc(it) == ENC_BLOB)
        return false;
    size_t have = item_bytes(it), need = have - value_len(it) + v->len;
    if (have != need && slab_good_size(have) != slab_good_size(need))
        return false;
    if (has_expiry)
        item_set_expiry_in_place(it, expiry_ms);
    set_value(it, v);
    return true;
}

/* --- strings ---------------------------------------------------------------------------------------- */

struct item *item_try_new_int(struct slab_heap *heap, struct slice key, int64_t value,
                              int64_t expiry_ms)
{
    struct item_value v = item_value_int(&value);
    return item_try_new(heap, key, &v, expiry_ms);
}

struct item *item_try_new_blob(struct slab_heap *heap, struct slice key, struct blob *takes,
                               int64_t expiry_ms)
{
    struct item_value v = item_value_blob(&takes);
    return item_try_new(heap, key, &v, expiry_ms);
}

struct item *item_try_new_string(struct slab_heap *heap, struct slice key, struct slice value,
                                 int64_t expiry_ms)
{
    int64_t number;
    if (num_parse_i64(value, &number))
        return item_try_new_int(heap, key, number, expiry_ms);
    if (value.len <= ITEM_EMBED_BYTES_MAX) {
        struct item_value v = item_value_embed(value);
        return item_try_new(heap, key, &v, expiry_ms);
    }
    struct blob *b = item_try_blob(value);
    struct item *it = b ? item_try_new_blob(heap, key, b, expiry_ms) : NULL;
    if (b && !it)
        blob_drop(b);
    return it;
}

struct blob *item_try_blob(struct slice value)
{
    struct blob *b = blob_try_new(value.len, value.len);
    if (b)
        memcpy(b->data, value.ptr, value.len);
    return b;
}

size_t item_string_len(const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    return item_string(it, scratch).len;
}

/* --- copies ----------------------------------------------------------------------------------------- */

struct item *item_try_rekey(struct slab_heap *heap, struct item *old, struct slice key,
                            int64_t expiry_ms)
{
    struct item_value v = value_of(old);
    struct item *it = item_try_new(heap, key, &v, expiry_ms);
    if (!it)
        return NULL;
    memcpy(it->access, old->access, sizeof(it->access));
    item_free_shell(old);
    return it;
}

struct item *item_try_copy(struct slab_heap *heap, const struct item *from, struct slice key,
                           int64_t expiry_ms)
{
    assert(item_type(from) == TYPE_STRING);
    struct item_value v = value_of(from);
    struct item *it = item_try_new(heap, key, &v, expiry_ms);
    if (!it)
        return NULL;
    memcpy(it->access, from->access, sizeof(it->access));
    if (item_enc(it) == ENC_BLOB)
        blob_hold(item_blob(it));
    return it;
}

/* --- the end ---------------------------------------------------------------------------------------- */

void item_free_shell(struct item *it)
{
    slab_free(it, item_bytes(it));
}

void item_free(struct item *it)
{
    assert(item_type(it) == TYPE_STRING);
    if (item_enc(it) == ENC_BLOB)
        blob_drop(item_blob(it));
    item_free_shell(it);
}

size_t item_memory(const struct item *it)
{
    size_t own = slab_good_size(item_bytes(it));
    return item_enc(it) == ENC_BLOB ? own + blob_memory(item_blob(it)) : own;
}

size_t item_free_effort(const struct item *it)
{
    assert(item_type(it) == TYPE_STRING);
    if (item_enc(it) != ENC_BLOB || item_blob(it)->refs > 1)
        return 1;
    return 2 + item_blob(it)->cap / ITEM_PAGE_BYTES;
}

/* --- names ------------------------------------------------------------------------------------------ */

const char *item_type_name(enum item_type t)
{
    static const char *const names[TYPE_COUNT] = {"string", "list", "set",
                                                  "zset",   "hash", "stream"};
    assert(t < TYPE_COUNT);
    return names[t];
}

const char *item_encoding_name(const struct item *it)
{
    assert(item_type(it) == TYPE_STRING);
    if (item_enc(it) == ENC_INT)
        return "int";
    bool short_and_whole = item_enc(it) == ENC_EMBED && it->vlen <= EMBSTR_BYTES_MAX;
    return short_and_whole && !(it->flags & ITEM_EDITED) ? "embstr" : "raw";
}
