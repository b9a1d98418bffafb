/* Each key with its value is hashed on its own, and the hashes are joined by exclusive or: order does not matter. */
#include "admin/digest.h"

#include <assert.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/siphash.h"

static void hash(struct slice s, struct digest *out)
{
    uint64_t words[3];
    for (uint64_t i = 0; i < 3; i++) {
        struct siphash_key key = {i, ~i};
        words[i] = siphash24(&key, s.ptr, s.len);
    }
    memcpy(out->bytes, words, DIGEST_BYTES);
}

/* Lengths go first, so that no two different values give the same bytes. */
static void append_bytes(struct buf *b, struct slice s)
{
    uint64_t len = s.len;
    buf_append(b, &len, sizeof(len));
    buf_append_slice(b, s);
}

static void append_value(struct buf *b, const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    assert(item_type(it) == TYPE_STRING); /* the only type so far */
    buf_append_char(b, (char)item_type(it));
    append_bytes(b, item_string(it, scratch));
    buf_append_char(b, item_has_expiry(it) ? 'x' : '-');
}

void digest_value(const struct item *it, struct digest *out)
{
    struct buf b;
    buf_init(&b);
    append_value(&b, it);
    hash(buf_slice(&b), out);
    buf_deinit(&b);
}

struct walk {
    uint32_t db;
    int64_t now_ms;
    struct digest *sum;
    struct buf bytes;
};

static void add_item(struct item *it, void *arg)
{
    struct walk *w = arg;
    struct digest d;
    if (item_expiry_ms(it) <= w->now_ms)
        return;
    buf_clear(&w->bytes);
    buf_append(&w->bytes, &w->db, sizeof(w->db));
    append_bytes(&w->bytes, item_key(it));
    append_value(&w->bytes, it);
    hash(buf_slice(&w->bytes), &d);
    for (int i = 0; i < DIGEST_BYTES; i++)
        w->sum->bytes[i] ^= d.bytes[i];
}

void digest_keyspace(struct keyspace *ks, struct digest *out)
{
    struct walk w = {.now_ms = ks_now_ms(ks), .sum = out};
    *out = (struct digest){0};
    buf_init(&w.bytes);
    for (int db = 0; db < ks_databases(ks); db++) {
        w.db = (uint32_t)db;
        ks_each(ks, db, add_item, &w);
    }
    buf_deinit(&w.bytes);
}

void digest_print(const struct digest *d, char out[DIGEST_CHARS + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", d->bytes[i]);
}
