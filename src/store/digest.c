/* Each key with its value is hashed on its own, and the hashes are joined by exclusive or: order does not matter. */
#include "store/digest.h"

#include <stdio.h>

#include "base/siphash.h"
#include "store/value.h"

/* The hash of these bytes, keyed by the digest of what came before: so their order and how they are cut matter. */
void digest_add(struct digest *d, struct slice bytes)
{
    uint64_t words[3] = {0};
    memcpy(words, d->bytes, DIGEST_BYTES);
    for (uint64_t i = 0; i < 3; i++) {
        struct siphash_key key = {words[i] + i, ~words[i] ^ bytes.len};
        words[i] = siphash24(&key, bytes.ptr, bytes.len);
    }
    memcpy(d->bytes, words, DIGEST_BYTES);
}

void digest_join(struct digest *d, const struct digest *part)
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        d->bytes[i] ^= part->bytes[i];
}

void digest_value(const struct item *it, struct digest *out)
{
    uint8_t head[] = {(uint8_t)item_type(it), item_has_expiry(it)};
    *out = (struct digest){0};
    digest_add(out, slice_of((const char *)head, sizeof(head)));
    value_ops(item_type(it))->digest(it, out);
}

struct walk {
    uint32_t db;
    int64_t now_ms;
    struct digest *sum;
};

static void add_item(const struct item *it, void *arg)
{
    struct walk *w = arg;
    struct digest d;
    if (item_expiry_ms(it) <= w->now_ms)
        return;
    digest_value(it, &d);
    digest_add(&d, item_key(it));
    digest_add(&d, slice_of((const char *)&w->db, sizeof(w->db)));
    digest_join(w->sum, &d);
}

void digest_keyspace(struct keyspace *ks, struct digest *out)
{
    struct walk w = {.now_ms = ks_now_ms(ks), .sum = out};
    *out = (struct digest){0};
    for (int db = 0; db < ks_databases(ks); db++) {
        w.db = (uint32_t)db;
        ks_each(ks, db, add_item, &w);
    }
}

void digest_print(const struct digest *d, char out[DIGEST_CHARS + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", d->bytes[i]);
}
