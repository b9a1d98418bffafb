#pragma once
/* Limits up to which Redis keeps a collection in its small form: OBJECT ENCODING answers by these, whichever form
 * the collection really has. The values are the options'. */
#include <stdint.h>

struct ks_limits {
    /* From 1 on: elements of a list; -1 .. -5: its bytes, 4 KiB .. 64 KiB. */
    int64_t list_max_listpack_size;
    int64_t hash_max_listpack_entries, hash_max_listpack_value;
    int64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    int64_t zset_max_listpack_entries, zset_max_listpack_value;
};

#define KS_LIMITS_DEFAULT                 \
    ((struct ks_limits){                  \
        .list_max_listpack_size = -2,     \
        .hash_max_listpack_entries = 512, \
        .hash_max_listpack_value = 64,    \
        .set_max_intset_entries = 512,    \
        .set_max_listpack_entries = 128,  \
        .set_max_listpack_value = 64,     \
        .zset_max_listpack_entries = 128, \
        .zset_max_listpack_value = 64,    \
    })
