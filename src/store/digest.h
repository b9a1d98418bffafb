#pragma once
/* A fingerprint of data: equal for equal keys and values, in whatever order and encoding they are held. Redis gives
 * other numbers for the same data. */
#include <stdint.h>

#include "base/slice.h"
#include "store/keyspace.h"

#define DIGEST_BYTES 20
#define DIGEST_CHARS (2 * DIGEST_BYTES)

/* All zero: of nothing. */
struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* Fingerprint of a value, and of whether it has a deadline; the key does not count. Unbounded work where the value
 * is large. */
void digest_value(const struct item *it, struct digest *out);
/* Inside store/: adds bytes whose order matters: a string in runs, the elements of a list. */
void digest_add(struct digest *d, struct slice bytes);
/* Inside store/: adds a digest of its own, whose order among others does not matter: a member of a set. */
void digest_join(struct digest *d, const struct digest *part);
/* Fingerprint of every key in every database but the due ones. Unbounded work. */
void digest_keyspace(struct keyspace *ks, struct digest *out);
void digest_print(const struct digest *d, char out[DIGEST_CHARS + 1]);
