#pragma once
/* What the tests of the keyspace share: short names for keys, and a keyspace with a clock that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store/keyspace.h"
#include "store/string.h"
#include "store/value.h"

#define FIXTURE_DATABASES 4
#define FIXTURE_NOW_MS    1700000000000

static inline struct keyspace *fixture_new(unsigned shards, ks_expired_fn expired, void *arg)
{
    struct ks_options o = {
        .databases = FIXTURE_DATABASES,
        .shards = shards,
        .hash_key = {1, 2},
        .now_ms = FIXTURE_NOW_MS,
        .expired = expired,
        .expired_arg = arg,
    };
    struct keyspace *ks = ks_new(&o);
    assert_non_null(ks);
    return ks;
}

/* "prefix:n", in a buffer of the caller's. */
struct fixture_name {
    char text[32];
};
static inline struct key fixture_key(const struct keyspace *ks, struct fixture_name *name,
                                     const char *prefix, unsigned n)
{
    int len = snprintf(name->text, sizeof(name->text), "%s:%u", prefix, n);
    return ks_key(ks, slice_of(name->text, (size_t)len));
}

/* Sets prefix:0 .. prefix:count-1, to their numbers. */
static inline void fixture_fill(struct keyspace *ks, int db, const char *prefix, unsigned count,
                                int64_t expiry_ms)
{
    struct fixture_name name;
    for (unsigned i = 0; i < count; i++) {
        struct key k = fixture_key(ks, &name, prefix, i);
        assert_non_null(ks_set_int(ks, db, &k, i, expiry_ms));
    }
}

static inline void fixture_set(struct keyspace *ks, int db, const char *name, const char *value)
{
    struct key k = ks_key(ks, slice_from_cstr(name));
    assert_non_null(ks_set_string(ks, db, &k, slice_from_cstr(value), ITEM_NO_EXPIRY));
}

/* The bytes of a string that lie together. */
static inline struct slice fixture_string(const struct item *it, char scratch[NUM_I64_CHARS])
{
    return string_run(it, 0, scratch);
}

/* Makes the string `len` bytes long at least, and lays `fill` over what is behind `from`. False: no memory. */
static inline bool fixture_grow(struct keyspace *ks, int db, const struct key *k, size_t from,
                                struct slice fill)
{
    struct ks_edit e;
    assert_true(ks_edit(ks, db, k, &e));
    enum err err = string_write(&e, from, fill);
    const struct item *it = ks_edit_end(&e);
    assert_ptr_equal(it, ks_find(ks, db, k, KS_NO_TOUCH));
    return err == ERR_OK;
}

/* The key has this value; NULL: it is not there. */
static inline void fixture_expect(struct keyspace *ks, int db, const char *name, const char *value)
{
    struct key k = ks_key(ks, slice_from_cstr(name));
    const struct item *it = ks_find(ks, db, &k, KS_NO_TOUCH);
    if (!value) {
        assert_null(it);
        return;
    }
    assert_non_null(it);
    char scratch[NUM_I64_CHARS];
    assert_true(slice_equal(fixture_string(it, scratch), slice_from_cstr(value)));
}

/* All work in slices, to the end. */
static inline void fixture_settle(struct keyspace *ks)
{
    while (ks_work(ks))
        ;
}

static inline uint64_t fixture_bytes(const struct keyspace *ks)
{
    struct ks_stats stats;
    ks_stats(ks, &stats);
    return stats.bytes - stats.table_bytes;
}
