#pragma once
/* Up to where a collection is small to OBJECT ENCODING, as the configuration says: whatever is inside. One that grew
 * beyond stays large to it. */
#include <stdint.h>

struct ks_limits {
    /* list-max-listpack-size: positive: elements; -1 to -5: 4 KiB, 8 KiB, ... 64 KiB */
    int64_t list_size;
    int64_t hash_entries, hash_value_bytes;
    int64_t set_integers, set_entries, set_value_bytes; /* the first of sets of integers only */
    int64_t zset_entries, zset_value_bytes;
};
#define KS_LIMITS_DEFAULT                       \
    ((struct ks_limits){.list_size = -2,        \
                        .hash_entries = 512,    \
                        .hash_value_bytes = 64, \
                        .set_integers = 512,    \
                        .set_entries = 128,     \
                        .set_value_bytes = 64,  \
                        .zset_entries = 128,    \
                        .zset_value_bytes = 64})
