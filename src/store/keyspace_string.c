#include "store/keyspace_impl.h"

/* A blob that grows gets as much again as slack, up to this much, so that appending costs a copy of a byte
 * only a few times over, and a large value does not take double its size. */
#define SLACK_BYTES_MAX (1024 * 1024)

static size_t with_slack(size_t len)
{
    return len + (len < SLACK_BYTES_MAX ? len : SLACK_BYTES_MAX);
}

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

static struct item *set_value(struct keyspace *ks, int db, const struct key *k,
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

struct item *ks_set_int(struct keyspace *ks, int db, const struct key *k, int64_t value,
                        int64_t expiry_ms)
{
    struct item_value v = item_value_int(&value);
    return set_value(ks, db, k, &v, expiry_ms);
}

struct item *ks_set_blob(struct keyspace *ks, int db, const struct key *k, struct blob *takes,
                         int64_t expiry_ms)
{
    struct item_value v = item_value_blob(&takes);
    return set_value(ks, db, k, &v, expiry_ms);
}

struct item *ks_set_string(struct keyspace *ks, int db, const struct key *k, struct slice value,
                           int64_t expiry_ms)
{
    int64_t number;
    if (num_parse_i64(value, &number))
        return ks_set_int(ks, db, k, number, expiry_ms);
    if (value.len <= ITEM_EMBED_BYTES_MAX) {
        struct item_value v = item_value_embed(value);
        return set_value(ks, db, k, &v, expiry_ms);
    }
    struct blob *b = item_try_blob(value);
    struct item *it = b ? ks_set_blob(ks, db, k, b, expiry_ms) : NULL;
    if (b && !it)
        blob_drop(b);
    return it;
}

/* --- send ---------------------------------------------------------------------------------------- */

struct blob *ks_string_to_send(struct item *it)
{
    struct blob *b = item_blob(it), *promoted = blob_try_promote(b);
    if (promoted)
        item_set_blob_in_place(it, promoted);
    return promoted ? promoted : b;
}

/* --- edit ------------------------------------------------------------------------------------------- */

/* The first bytes of `from`, and zeros up to `len`. */
static void copy_resized(char *to, size_t len, struct slice from)
{
    size_t kept = from.len < len ? from.len : len;
    if (kept > 0)
        memcpy(to, from.ptr, kept);
    memset(to + kept, 0, len - kept);
}

/* Short results need no slack: the size classes of the allocator are some fifteen percent apart, so an append
 * mostly finds room in its class. */
static struct item *edit_embedded(struct keyspace *ks, struct ks_place *at, struct item *it,
                                  size_t len)
{
    char scratch[NUM_I64_CHARS], text[ITEM_EMBED_BYTES_MAX];
    copy_resized(text, len, item_string(it, scratch));
    struct item_value v = item_value_embed(slice_of(text, len));
    v.flags = ITEM_EDITED;
    return replace_value(ks, at, &v, item_expiry_ms(it));
}

/* The string becomes a blob, or a blob of its own where a reply holds the old one, or the kernel was lent it. */
static struct item *edit_into_blob(struct keyspace *ks, struct ks_place *at, struct item *it,
                                   size_t len)
{
    char scratch[NUM_I64_CHARS];
    struct slice old = item_string(it, scratch);
    /* What starts from nothing may well be all that will be written. */
    struct blob *b = blob_try_new(len, old.len > 0 ? with_slack(len) : len);
    if (!b)
        return NULL;
    copy_resized(b->data, len, old);
    blob_edit(b, len);
    struct item_value v = item_value_blob(&b);
    v.flags = ITEM_EDITED;
    it = replace_value(ks, at, &v, item_expiry_ms(it));
    if (!it)
        blob_drop(b);
    return it;
}

static struct item *edit_blob(struct ks_place *at, struct item *it, size_t len)
{
    struct blob *b = item_blob(it);
    size_t old_len = b->len, old_memory = blob_memory(b);
    if (len > b->cap) {
        b = blob_try_resize(b, with_slack(len));
        if (!b)
            return NULL;
        item_set_blob_in_place(it, b);
        at->cell->bytes += blob_memory(b) - old_memory;
    }
    if (len > old_len)
        memset(b->data + old_len, 0, len - old_len);
    blob_edit(b, len);
    return it;
}

char *ks_string_edit(struct keyspace *ks, int db, const struct key *k, struct item **it, size_t len)
{
    struct ks_place at;
    struct item *edited = ks_locate(ks, db, k, &at);
    assert(edited && edited == *it && item_type(edited) == TYPE_STRING);
    ks_before_change(ks, at.db, edited);
    if (len <= ITEM_EMBED_BYTES_MAX)
        edited = edit_embedded(ks, &at, edited, len);
    else if (item_enc(edited) == ENC_BLOB && blob_editable(item_blob(edited)))
        edited = edit_blob(&at, edited, len);
    else
        edited = edit_into_blob(ks, &at, edited, len);
    if (!edited)
        return NULL;
    item_touch(edited, ks->now_ms);
    *it = edited;
    return item_enc(edited) == ENC_BLOB ? item_blob(edited)->data
                                        : (char *)item_value_place(edited);
}
