/* Each key with its value is hashed on its own, and the hashes are joined by exclusive or: order does not matter. */
#include "store/digest.h"

#include <stdio.h>

#include "base/siphash.h"
#include "store/value.h"

/* The hash of these bytes, keyed by the digest so far: their order and where they are cut matter. */
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

void digest_print(const struct digest *d, char out[DIGEST_CHARS + 1])
{
    for (int i = 0; i < DIGEST_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", d->bytes[i]);
}
