#include "store/keyspace_impl.h"

/* --- set -------------------------------------------------------------------------------------------- */

/* Gives the key at a place another value: in the item that it has, if there is room, else in a new one. */
static struct item *replace_value(struct keyspace *ks, struct ks_place *at,
                                  const struct item_value *v, int64_t expiry_ms)
{
    struct item *old = table_at(at->pos);
    ks_before_change(ks, at->db, old);
    if (item_rewrite(old, v, expiry_ms)) {
        if (item_enc(old) == ENC_BLOB)
            at->cell->bytes += blob_memory(item_blob(old));
        return old;
    }
    struct item *it = item_try_new(ks->items, item_key(old), v, expiry_ms);
    if (!it)
        return NULL;
    ks_replace_at(ks, at, it);
    ks_cell_sub(at->cell, old);
    ks_cell_add(at->cell, it);
    ks_dispose(ks, old);
    return it;
}

static struct item *insert_value(struct keyspace *ks, struct ks_place *at, const struct key *k,
                                 const struct item_value *v, int64_t expiry_ms)
{
    struct item *it = item_try_new(ks->items, k->name, v, expiry_ms);
    if (it && ks_insert_at(ks, at, k->hash, it) != ERR_OK) {
        item_free_shell(it);
        return NULL;
    }
    return it;
}

static const struct item *set_value(struct keyspace *ks, int db, const struct key *k,
                                    const struct item_value *v, int64_t expiry_ms)
{
    struct ks_place at;
    struct item *it = ks_locate(ks, db, k, &at);
    if (expiry_ms == KS_KEEP_EXPIRY)
        expiry_ms = it ? item_expiry_ms(it) : ITEM_NO_EXPIRY;
    if (!it && ks_place_new(ks, db, k, &at) != ERR_OK)
        return NULL;
    if (ks_note_deadline(ks, &at, k->hash, expiry_ms) != ERR_OK)
        return NULL;
    it = it ? replace_value(ks, &at, v, expiry_ms) : insert_value(ks, &at, k, v, expiry_ms);
    if (it)
        item_touch(it, ks->now_ms);
    return it;
}

const struct item *ks_set_int(struct keyspace *ks, int db, const struct key *k, int64_t value,
                              int64_t expiry_ms)
{
    struct item_value v = item_value_int(&value);
    return set_value(ks, db, k, &v, expiry_ms);
}

const struct item *ks_set_blob(struct keyspace *ks, int db, const struct key *k, struct blob *takes,
                               int64_t expiry_ms)
{
    struct item_value v = item_value_blob(&takes);
    return set_value(ks, db, k, &v, expiry_ms);
}

const struct item *ks_set_text(struct keyspace *ks, int db, const struct key *k, struct slice text,
                               int64_t expiry_ms)
{
    assert(text.len <= ITEM_EMBED_BYTES_MAX);
    struct item_value v = item_value_embed(text);
    return set_value(ks, db, k, &v, expiry_ms);
}

static struct blob *try_blob(struct slice value)
{
    struct blob *b = blob_try_new(value.len, value.len);
    if (b)
        memcpy(b->data, value.ptr, value.len);
    return b;
}

const struct item *ks_set_string(struct keyspace *ks, int db, const struct key *k,
                                 struct slice value, int64_t expiry_ms)
{
    int64_t number;
    if (num_parse_i64(value, &number))
        return ks_set_int(ks, db, k, number, expiry_ms);
    if (value.len <= ITEM_EMBED_BYTES_MAX)
        return ks_set_text(ks, db, k, value, expiry_ms);
    struct blob *b = try_blob(value);
    const struct item *it = b ? ks_set_blob(ks, db, k, b, expiry_ms) : NULL;
    if (b && !it)
        blob_drop(b);
    return it;
}

struct item *ks_new_string(struct keyspace *ks, struct slice key, struct slice value,
                           int64_t expiry_ms)
{
    int64_t number;
    struct item_value v = item_value_int(&number);
    struct blob *b = NULL;
    if (!num_parse_i64(value, &number)) {
        if (value.len > ITEM_EMBED_BYTES_MAX && !(b = try_blob(value)))
            return NULL;
        v = b ? item_value_blob(&b) : item_value_embed(value);
    }
    struct item *it = item_try_new(ks->items, key, &v, expiry_ms);
    if (b && !it)
        blob_drop(b);
    return it;
}
