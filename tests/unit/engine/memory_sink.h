#pragma once
/* A sink in memory: a keyspace filled by the commands that a snapshot job gives, compared with one that was copied at
 * the instant. What it waits for, and where it fails, is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/num.h"
#include "engine/snapshot_job.h"
#include "store/keyspace.h"
#include "store/string.h"

#define MEMORY_DATABASES 3
#define MEMORY_NOW_MS    1700000000000

static inline struct keyspace *memory_keyspace(unsigned shards)
{
    struct ks_options o = {.databases = MEMORY_DATABASES,
                           .shards = shards,
                           .hash_key = {3, 4},
                           .now_ms = MEMORY_NOW_MS};
    struct keyspace *ks = ks_new(&o);
    assert_non_null(ks);
    return ks;
}

struct memory_sink {
    struct sink sink; /* first */
    struct keyspace *from, *instant, *given;
    enum snapshot_phase ready_below; /* steps of earlier phases are ready */
    bool ready_all, faulty, full;
    unsigned fail_at; /* the nth call that may lack memory does; 0: none */
    unsigned calls, runs, keys;
    unsigned begun, ended, placed, closed;
    bool fine;

    /* the command in runs */
    char *value;
    size_t len, left;
    int db;
    char key[64];
    size_t key_len;
    int64_t expiry_ms;

    /* as the job's owner */
    enum snapshot_end end;
    unsigned overs;
};

static inline struct memory_sink *memory_of(struct sink *s)
{
    return (struct memory_sink *)s;
}

static inline bool memory_lacks(struct memory_sink *m)
{
    assert_int_equal(m->begun, 1);
    assert_int_equal(m->closed, 0);
    return ++m->calls == m->fail_at;
}

static inline enum sink_step memory_step(struct sink *s, enum snapshot_phase phase)
{
    const struct memory_sink *m = memory_of(s);
    assert_int_equal(m->closed, 0);
    if (m->faulty)
        return SINK_FAILED;
    if (phase == SNAPSHOT_GIVING)
        return SINK_WAIT;
    return m->ready_all || phase < m->ready_below ? SINK_READY : SINK_WAIT;
}

struct memory_copy {
    struct memory_sink *m;
    int db;
};

#define MEMORY_VALUE_BYTES_MAX (1 << 20)
/* A string in one piece. */
static inline struct slice memory_whole(const struct item *it)
{
    static char bytes[MEMORY_VALUE_BYTES_MAX];
    char scratch[NUM_I64_CHARS];
    size_t len = 0;
    for (struct slice r; (r = string_run(it, len, scratch)).len > 0; len += r.len) {
        assert_true(len + r.len <= sizeof(bytes));
        memcpy(bytes + len, r.ptr, r.len);
    }
    return slice_of(bytes, len);
}

static inline void memory_copy_item(const struct item *it, void *arg)
{
    const struct memory_copy *c = arg;
    struct key k = ks_key(c->m->instant, item_key(it));
    assert_non_null(ks_set_string(c->m->instant, c->db, &k, memory_whole(it), item_expiry_ms(it)));
}

static inline void memory_begin(struct sink *s, int64_t unix_s)
{
    struct memory_sink *m = memory_of(s);
    assert_int_equal(m->begun++, 0);
    assert_int_equal(unix_s, MEMORY_NOW_MS / 1000);
    for (int db = 0; db < MEMORY_DATABASES; db++) {
        struct memory_copy c = {m, db};
        ks_each(m->from, db, memory_copy_item, &c);
    }
}

static inline bool memory_full(const struct sink *s)
{
    return ((const struct memory_sink *)s)->full;
}

static inline int64_t memory_deadline(int argc, const struct slice *argv)
{
    int64_t ms = ITEM_NO_EXPIRY;
    assert_true(argc == 3 || argc == 5);
    assert_true(slice_is(argv[0], "SET"));
    if (argc == 5)
        assert_true(slice_is(argv[3], "PXAT") && num_parse_i64(argv[4], &ms));
    return ms;
}

/* Each key comes once. */
static inline void memory_set(struct memory_sink *m, int db, struct slice key, struct slice value,
                              int64_t expiry_ms)
{
    struct key k = ks_key(m->given, key);
    assert_null(ks_find(m->given, db, &k, 0));
    assert_non_null(ks_set_string(m->given, db, &k, value, expiry_ms));
    m->keys++;
}

static inline enum err memory_put(struct sink *s, int db, int argc, const struct slice *argv)
{
    struct memory_sink *m = memory_of(s);
    if (memory_lacks(m))
        return ERR_NOMEM;
    memory_set(m, db, argv[1], argv[2], memory_deadline(argc, argv));
    return ERR_OK;
}

static inline enum err memory_open(struct sink *s, int db, int argc, const struct slice *argv,
                                   int in_runs)
{
    struct memory_sink *m = memory_of(s);
    if (memory_lacks(m))
        return ERR_NOMEM;
    assert_int_equal(m->left, 0);
    assert_int_equal(in_runs, 2);
    assert_true(argv[1].len <= sizeof(m->key));
    memcpy(m->key, argv[1].ptr, argv[1].len);
    m->key_len = argv[1].len;
    m->expiry_ms = memory_deadline(argc, argv);
    m->db = db;
    m->len = m->left = argv[2].len;
    m->value = malloc(m->len);
    return ERR_OK;
}

static inline enum err memory_run(struct sink *s, struct slice bytes)
{
    struct memory_sink *m = memory_of(s);
    if (memory_lacks(m))
        return ERR_NOMEM;
    assert_true(bytes.len > 0 && bytes.len <= SINK_RUN_BYTES_MAX && bytes.len <= m->left);
    memcpy(m->value + m->len - m->left, bytes.ptr, bytes.len);
    m->left -= bytes.len;
    m->runs++;
    if (m->left > 0)
        return ERR_OK;
    memory_set(m, m->db, slice_of(m->key, m->key_len), slice_of(m->value, m->len), m->expiry_ms);
    free(m->value);
    m->value = NULL;
    return ERR_OK;
}

static inline enum err memory_end(struct sink *s)
{
    struct memory_sink *m = memory_of(s);
    if (memory_lacks(m))
        return ERR_NOMEM;
    assert_int_equal(m->left, 0);
    assert_int_equal(m->ended++, 0);
    return ERR_OK;
}

static inline void memory_place(struct sink *s)
{
    struct memory_sink *m = memory_of(s);
    assert_int_equal(m->ended, 1);
    assert_int_equal(m->placed++, 0);
}

static inline void memory_close(struct sink *s, bool fine)
{
    struct memory_sink *m = memory_of(s);
    assert_int_equal(m->closed++, 0);
    assert_true(!fine || m->placed == 1);
    m->fine = fine;
}

static inline void memory_over(void *arg, enum snapshot_end end, int64_t took_us)
{
    struct memory_sink *m = arg;
    assert_int_equal(m->overs++, 0);
    assert_int_equal(m->closed, 1);
    assert_true(took_us >= 0);
    m->end = end;
}

static inline void memory_sink_init(struct memory_sink *m, struct keyspace *from)
{
    static const struct sink_ops ops = {
        .step = memory_step,
        .begin = memory_begin,
        .full = memory_full,
        .put = memory_put,
        .open = memory_open,
        .run = memory_run,
        .end = memory_end,
        .place = memory_place,
        .close = memory_close,
    };
    *m = (struct memory_sink){
        .sink.ops = &ops, .from = from, .instant = memory_keyspace(1), .given = memory_keyspace(1)};
}

static inline void memory_sink_deinit(struct memory_sink *m)
{
    free(m->value);
    ks_free(&m->instant);
    ks_free(&m->given);
}

static inline void memory_compare_item(const struct item *it, void *arg)
{
    const struct memory_copy *c = arg;
    struct key k = ks_key(c->m->given, item_key(it));
    const struct item *other = ks_find(c->m->given, c->db, &k, 0);
    assert_non_null(other);
    assert_true(string_equal(other, memory_whole(it)));
    assert_true(item_expiry_ms(it) == item_expiry_ms(other));
}

/* It holds what was there at the instant, and nothing else. */
static inline void memory_judge(struct memory_sink *m)
{
    assert_int_equal(m->overs, 1);
    assert_int_equal(m->end, SNAPSHOT_DONE);
    assert_true(m->fine);
    for (int db = 0; db < MEMORY_DATABASES; db++) {
        struct memory_copy c = {m, db};
        assert_int_equal(ks_size(m->instant, db), ks_size(m->given, db));
        ks_each(m->instant, db, memory_compare_item, &c);
    }
}
