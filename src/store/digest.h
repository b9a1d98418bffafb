#pragma once
/* A fingerprint of data: the same for the same keys and values, in whatever order and encoding they are held. Not
 * the numbers that Redis gives for the same data. */
#include <stdint.h>

#include "base/slice.h"
#include "store/keyspace.h"

#define DIGEST_BYTES 20
#define DIGEST_CHARS (2 * DIGEST_BYTES)

/* All zero: of nothing. */
struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* Of a value and of whether it has a deadline; the key does not matter. Unbounded work where the value is large. */
void digest_value(const struct item *it, struct digest *out);
/* Inside store/: adds bytes to a digest whose order matters: of a list, of a string in runs. */
void digest_add(struct digest *d, struct slice bytes);
/* And one whose order does not, of what has been digested by itself: the members of a set. */
void digest_join(struct digest *d, const struct digest *part);
/* Of every key in every database, those whose time has come left out. Unbounded work. */
void digest_keyspace(struct keyspace *ks, struct digest *out);
void digest_print(const struct digest *d, char out[DIGEST_CHARS + 1]);
