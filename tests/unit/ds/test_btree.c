/* Random operations against an array, with shared trees that must never change and memory that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/btree.h"

/* An entry: its length, its key, whether it refers to a blob, which one; and as many bytes as its length says. */
struct thing {
    uint64_t key;
    uint16_t len;
    uint8_t has_blob;
    uint32_t blob;
};
#define HEAD_BYTES (2 + 8 + 1 + 4)
#define BLOBS      64
#define BLOB_BYTES 1000
static int64_t blob_refs[BLOBS];

static struct slice write_thing(const struct thing *t, char *to)
{
    memcpy(to, &t->len, 2);
    memcpy(to + 2, &t->key, 8);
    memcpy(to + 10, &t->has_blob, 1);
    memcpy(to + 11, &t->blob, 4);
    memset(to + HEAD_BYTES, (int)(t->key & 0xff), t->len - HEAD_BYTES);
    return slice_of(to, t->len);
}

static struct thing read_thing(const char *e)
{
    struct thing t = {0};
    memcpy(&t.len, e, 2);
    memcpy(&t.key, e + 2, 8);
    memcpy(&t.has_blob, e + 10, 1);
    memcpy(&t.blob, e + 11, 4);
    return t;
}

static bool same(struct thing a, struct thing b)
{
    return a.key == b.key && a.len == b.len && a.has_blob == b.has_blob && a.blob == b.blob;
}

static size_t thing_bytes(const char *e)
{
    return read_thing(e).len;
}

/* Many have the same one. */
static uint64_t thing_feature(const char *e)
{
    return read_thing(e).key >> 6;
}

static int thing_compare(const char *e, const void *key)
{
    uint64_t a = read_thing(e).key, b = *(const uint64_t *)key;
    return a < b ? -1 : a > b;
}

/* In the order of keys where these have one feature. Much is shared by some, more by few; some are the beginning of
 * others. */
static struct slice string_of(uint64_t key, char scratch[NUM_I64_CHARS])
{
    unsigned high = key >> 3 & 7, low = key & 7;
    int n = snprintf(scratch, NUM_I64_CHARS, "common/%czzzz%.*s", (int)('a' + high), (int)low,
                     "bbbbbbb");
    return slice_of(scratch, (size_t)n);
}

/* Longer ones, which do not fit into what is printed. */
static struct slice long_string_of(uint64_t key)
{
    static char strings[64][64];
    char *to = strings[key & 63], scratch[NUM_I64_CHARS];
    struct slice s = string_of(key, scratch);
    memset(to, 'q', 20);
    memcpy(to + 20, s.ptr, s.len);
    return slice_of(to, 20 + s.len);
}

static struct slice thing_string(const char *e, char scratch[NUM_I64_CHARS])
{
    return string_of(read_thing(e).key, scratch);
}

static struct slice thing_long_string(const char *e, char scratch[NUM_I64_CHARS])
{
    (void)scratch;
    return long_string_of(read_thing(e).key);
}

static const char *thing_scan(const char *e, const void *key, unsigned *n)
{
    unsigned ahead = 0;
    for (; ahead < *n && thing_compare(e, key) < 0; ahead++)
        e += thing_bytes(e);
    *n = ahead;
    return e;
}

static size_t count_blobs(struct slice run, int change)
{
    size_t n = 0;
    for (const char *e = run.ptr; e < run.ptr + run.len; e += thing_bytes(e)) {
        struct thing t = read_thing(e);
        if (!t.has_blob)
            continue;
        blob_refs[t.blob] += change;
        assert_true(blob_refs[t.blob] >= 0);
        n++;
    }
    return n;
}

static void thing_hold(struct slice run)
{
    count_blobs(run, 1);
}
static void thing_drop(struct slice run)
{
    count_blobs(run, -1);
}
static size_t thing_outside(struct slice run)
{
    return count_blobs(run, 0) * BLOB_BYTES;
}

/* --- the model ----------------------------------------------------------------------------------------- */

struct pair {
    struct btree tree;
    struct thing *things;
    size_t count, room;
};

static void pair_init(struct pair *p, const struct btree_ops *ops)
{
    *p = (struct pair){0};
    btree_init(&p->tree, ops);
}

static void pair_deinit(struct pair *p)
{
    size_t effort = 3;
    while (!btree_free_some(&p->tree, &effort)) {
        assert_int_equal(effort, 0);
        effort = 3;
    }
    free(p->things);
}

static void model_insert(struct pair *p, size_t at, struct thing t)
{
    if (p->count == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->things = realloc(p->things, p->room * sizeof(*p->things));
    }
    memmove(p->things + at + 1, p->things + at, (p->count - at) * sizeof(t));
    p->things[at] = t;
    p->count++;
}

static void model_erase(struct pair *p, size_t at, size_t n)
{
    memmove(p->things + at, p->things + at + n, (p->count - at - n) * sizeof(*p->things));
    p->count -= n;
}

static size_t model_find(const struct pair *p, uint64_t key)
{
    size_t at = 0;
    while (at < p->count && p->things[at].key < key)
        at++;
    return at;
}

static void check_pair(const struct pair *p)
{
    btree_validate(&p->tree);
    assert_int_equal(btree_count(&p->tree), p->count);
    struct btree_cursor c;
    size_t at = 0;
    for (const char *e = btree_at(&p->tree, 0, &c); e; e = btree_next(&c))
        assert_true(same(read_thing(e), p->things[at++]));
    assert_int_equal(at, p->count);
    if (at == 0)
        return;
    for (const char *e = btree_at(&p->tree, at - 1, &c); e; e = btree_prev(&c)) {
        assert_true(same(read_thing(e), p->things[--at]));
        assert_ptr_equal(btree_entry(&c), e);
    }
    assert_int_equal(at, 0);
    bool more = true;
    btree_at(&p->tree, 0, &c);
    while (more) {
        unsigned count;
        struct slice run = btree_run(&c, &count, &more);
        for (const char *e = run.ptr; e < run.ptr + run.len; e += thing_bytes(e), count--)
            assert_true(same(read_thing(e), p->things[at++]));
        assert_int_equal(count, 0);
    }
    assert_int_equal(at, p->count);
}

/* --- random operations ---------------------------------------------------------------------------------- */

struct world {
    struct pair now, held[3];
    const struct btree_ops *ops;
    struct rng rng;
    size_t entry_bytes_max;
    uint64_t keys;
};

/* What a key is to the tree. */
struct wanted {
    struct btree_key key;
    uint64_t number;
    char scratch[NUM_I64_CHARS];
};

static const struct btree_key *key_of(struct world *w, uint64_t number, struct wanted *out)
{
    *out = (struct wanted){.key.feature = number >> 6, .number = number};
    out->key.key = &out->number;
    if (w->ops->string == thing_string)
        out->key.string = string_of(number, out->scratch);
    else if (w->ops->string == thing_long_string)
        out->key.string = long_string_of(number);
    return &out->key;
}

/* Now and then without its string, as will do to look for it. */
static const struct btree_key *key_to_find(struct world *w, uint64_t number, struct wanted *out)
{
    key_of(w, number, out);
    if (rng_next(&w->rng) % 8 == 0)
        out->key.string = slice_of(NULL, 0);
    return &out->key;
}

static struct thing random_thing(struct world *w)
{
    struct thing t = {.key = rng_next(&w->rng) % w->keys};
    uint64_t more = rng_next(&w->rng) % 50 ? 40 : w->entry_bytes_max - HEAD_BYTES;
    t.len = (uint16_t)(HEAD_BYTES + rng_next(&w->rng) % (more + 1));
    if (w->ops->outside && rng_next(&w->rng) % 20 == 0) {
        t.has_blob = 1;
        t.blob = (uint32_t)(rng_next(&w->rng) % BLOBS);
    }
    return t;
}

static enum err insert_random(struct world *w)
{
    struct thing t = random_thing(w);
    struct pair *p = &w->now;
    char bytes[BTREE_ENTRY_BYTES_MAX];
    size_t at = rng_next(&w->rng) % (p->count + 1);
    if (rng_next(&w->rng) % 4 == 0)
        at = rng_next(&w->rng) % 2 ? 0 : p->count;
    enum err err;
    if (w->ops->compare) {
        at = model_find(p, t.key);
        struct wanted wanted;
        const struct btree_key *key = key_of(w, t.key, &wanted);
        struct slice entry = write_thing(&t, bytes);
        if (rng_next(&w->rng) % 2) {
            struct btree_cursor c;
            bool at_entry;
            const char *e = btree_seek(&p->tree, key, &c, &at_entry);
            assert_int_equal(e != NULL, at < p->count);
            assert_true(!e || same(read_thing(e), p->things[at]));
            assert_true(!at_entry || btree_entry(&c) == e);
            err = btree_insert_here(&p->tree, &c, entry);
        } else {
            err = btree_insert_key(&p->tree, key, entry);
        }
    } else {
        err = btree_insert(&p->tree, at, write_thing(&t, bytes));
    }
    if (err == ERR_OK) {
        model_insert(p, at, t);
        blob_refs[t.blob] += t.has_blob;
    }
    return err;
}

static enum err replace_random(struct world *w)
{
    struct pair *p = &w->now;
    struct thing t = random_thing(w);
    char bytes[BTREE_ENTRY_BYTES_MAX];
    size_t at = rng_next(&w->rng) % p->count;
    if (w->ops->compare)
        t.key = p->things[at].key;
    enum err err = btree_replace(&p->tree, at, write_thing(&t, bytes));
    if (err == ERR_OK) {
        p->things[at] = t;
        blob_refs[t.blob] += t.has_blob;
    }
    return err;
}

static enum err pop_random(struct world *w)
{
    struct pair *p = &w->now;
    char bytes[BTREE_ENTRY_BYTES_MAX];
    bool last = rng_next(&w->rng) % 2;
    size_t at = last ? p->count - 1 : 0;
    enum err err = btree_pop(&p->tree, last, bytes);
    if (err != ERR_OK)
        return err;
    assert_true(same(read_thing(bytes), p->things[at]));
    count_blobs(slice_of(bytes, thing_bytes(bytes)), -1);
    model_erase(p, at, 1);
    return ERR_OK;
}

static enum err erase_random(struct world *w)
{
    struct pair *p = &w->now;
    size_t at = rng_next(&w->rng) % p->count;
    if (rng_next(&w->rng) % 4 == 0)
        at = rng_next(&w->rng) % 2 ? 0 : p->count - 1;
    enum err err;
    if (w->ops->compare) {
        uint64_t wanted = rng_next(&w->rng) % 8 ? p->things[at].key : rng_next(&w->rng) % w->keys;
        struct wanted k;
        at = model_find(p, wanted);
        err = btree_erase_key(&p->tree, key_to_find(w, wanted, &k));
        if (err != ERR_NOMEM)
            assert_int_equal(err == ERR_OK, at < p->count && p->things[at].key == wanted);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
        if (at == p->count || p->things[at].key != wanted)
            return err;
    } else {
        err = btree_erase(&p->tree, at);
    }
    if (err == ERR_OK)
        model_erase(p, at, 1);
    return err;
}

static enum err cut_random(struct world *w)
{
    struct pair *p = &w->now;
    size_t at = rng_next(&w->rng) % p->count, n = 1 + rng_next(&w->rng) % (p->count - at);
    if (n > p->count / 3 && rng_next(&w->rng) % 4)
        n = p->count / 3 + 1 > p->count - at ? p->count - at : p->count / 3 + 1;
    struct btree cut;
    uint64_t bytes = btree_bytes(&p->tree);
    enum err err = btree_cut(&p->tree, at, n, &cut);
    if (err != ERR_OK)
        return err;
    assert_int_equal(btree_count(&cut), n);
    assert_true(btree_bytes(&cut) > 0 && (bytes > 0));
    btree_free(&cut);
    model_erase(p, at, n);
    return ERR_OK;
}

static void hold_random(struct world *w)
{
    struct pair *h = &w->held[rng_next(&w->rng) % 3];
    check_pair(h);
    pair_deinit(h);
    *h = w->now;
    btree_share(&w->now.tree, &h->tree);
    h->room = h->count + 1;
    h->things = malloc(h->room * sizeof(*h->things));
    if (h->count > 0)
        memcpy(h->things, w->now.things, h->count * sizeof(*h->things));
}

static void search_random(struct world *w)
{
    struct pair *p = &w->now;
    struct btree_cursor c;
    size_t at = rng_next(&w->rng) % (p->count + 1);
    const char *e = btree_at(&p->tree, at, &c);
    assert_int_equal(e != NULL, at < p->count);
    if (e) {
        assert_true(same(read_thing(e), p->things[at]));
        assert_int_equal(btree_position(&c), at);
    }
    if (!w->ops->compare)
        return;
    uint64_t wanted = rng_next(&w->rng) % w->keys;
    struct wanted k;
    at = model_find(p, wanted);
    assert_int_equal(btree_rank(&p->tree, key_to_find(w, wanted, &k)), at);
    e = btree_find(&p->tree, key_to_find(w, wanted, &k), &c);
    assert_int_equal(e != NULL, at < p->count);
    if (!e)
        return;
    assert_true(same(read_thing(e), p->things[at]));
    assert_int_equal(btree_position(&c), at);
    const char *next = btree_next(&c);
    assert_int_equal(next != NULL, at + 1 < p->count);
    if (next)
        assert_true(same(read_thing(next), p->things[at + 1]));
}

static void random_operations(const struct btree_ops *ops, uint64_t seed, size_t entry_bytes_max,
                              size_t wanted, uint64_t keys)
{
    struct world w = {.ops = ops, .entry_bytes_max = entry_bytes_max, .keys = keys};
    rng_seed(&w.rng, seed);
    pair_init(&w.now, ops);
    for (int i = 0; i < 3; i++)
        pair_init(&w.held[i], ops);
    bool growing = true;
    for (int step = 0; step < 25000; step++) {
        if (w.now.count > wanted)
            growing = false;
        if (w.now.count < wanted / 20)
            growing = true;
        unsigned what = (unsigned)(rng_next(&w.rng) % 1000);
        if (rng_next(&w.rng) % 16 == 0)
            mem_fail_after(1 + rng_next(&w.rng) % 6);
        if (what < (growing ? 650 : 250) || w.now.count == 0)
            insert_random(&w);
        else if (what < 800)
            erase_random(&w);
        else if (what < 850)
            pop_random(&w);
        else if (what < 900)
            replace_random(&w);
        else if (what < 902 && !growing)
            cut_random(&w);
        mem_fail_after(0);
        if (what >= 900)
            search_random(&w);
        if (what >= 998)
            hold_random(&w);
        if (step % 500 == 0 || w.now.count < 20)
            check_pair(&w.now);
        else if (step % 16 == 0)
            btree_validate(&w.now.tree);
    }
    check_pair(&w.now);
    for (int i = 0; i < 3; i++) {
        check_pair(&w.held[i]);
        pair_deinit(&w.held[i]);
    }
    check_pair(&w.now);
    pair_deinit(&w.now);
    for (int i = 0; i < BLOBS; i++)
        assert_int_equal(blob_refs[i], 0);
}

static const struct btree_ops by_key = {.leaf_bytes_max = 2048,
                                        .bytes = thing_bytes,
                                        .feature = thing_feature,
                                        .compare = thing_compare,
                                        .hold = thing_hold,
                                        .drop = thing_drop,
                                        .outside = thing_outside};
static const struct btree_ops by_key_in_small_leaves = {.leaf_bytes_max = 256,
                                                        .bytes = thing_bytes,
                                                        .feature = thing_feature,
                                                        .compare = thing_compare};
static const struct btree_ops by_string = {.leaf_bytes_max = 256,
                                           .bytes = thing_bytes,
                                           .feature = thing_feature,
                                           .compare = thing_compare,
                                           .scan = thing_scan,
                                           .string = thing_string};
static const struct btree_ops by_long_string = {.leaf_bytes_max = 256,
                                                .bytes = thing_bytes,
                                                .feature = thing_feature,
                                                .compare = thing_compare,
                                                .string = thing_long_string};
static const struct btree_ops by_position = {.leaf_bytes_max = 4096,
                                             .bytes = thing_bytes,
                                             .hold = thing_hold,
                                             .drop = thing_drop,
                                             .outside = thing_outside};

static void entries_by_key_are_where_an_array_has_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        random_operations(&by_key, seed, BTREE_ENTRY_BYTES_MAX, 3000, 200000);
}

static void so_they_are_in_small_leaves(void **state)
{
    (void)state;
    random_operations(&by_key_in_small_leaves, 11, 100, 4000, 200000);
}

static void entries_of_few_features_are_told_apart_by_their_strings(void **state)
{
    (void)state;
    for (uint64_t keys = 64; keys <= 64 * 64 * 64; keys *= 64 * 64) {
        random_operations(&by_string, 31 + keys, 100, 1200, keys);
        random_operations(&by_long_string, 41 + keys, 100, 1200, keys);
    }
}

static void entries_by_position_are_where_an_array_has_them(void **state)
{
    (void)state;
    for (uint64_t seed = 21; seed <= 23; seed++)
        random_operations(&by_position, seed, BTREE_ENTRY_BYTES_MAX, 3000, 200000);
}

/* --- trees of many levels ------------------------------------------------------------------------------- */

static void push(struct btree *t, uint64_t key, bool back)
{
    char bytes[BTREE_ENTRY_BYTES_MAX];
    struct thing thing = {.key = key, .len = 150};
    enum err err = btree_insert(t, back ? btree_count(t) : 0, write_thing(&thing, bytes));
    assert_int_equal(err, ERR_OK);
}

static void both_ends_of_a_high_tree_are_filled_and_emptied(void **state)
{
    (void)state;
    static const struct btree_ops ops = {.leaf_bytes_max = 320, .bytes = thing_bytes};
    enum { MANY = 60000 };
    for (int back = 0; back < 2; back++) {
        struct btree t, held;
        btree_init(&t, &ops);
        for (uint64_t i = 0; i < MANY; i++)
            push(&t, i, back);
        btree_validate(&t);
        btree_share(&t, &held);
        struct btree_cursor c;
        for (uint64_t i = 0; i < MANY; i++) {
            const char *e = btree_at(&t, back ? 0 : btree_count(&t) - 1, &c);
            assert_int_equal(read_thing(e).key, i);
            char bytes[BTREE_ENTRY_BYTES_MAX];
            if (i % 3 == 0)
                assert_int_equal(btree_erase(&t, back ? 0 : btree_count(&t) - 1), ERR_OK);
            else
                assert_int_equal(btree_pop(&t, !back, bytes), ERR_OK);
            if (i % 3)
                assert_int_equal(read_thing(bytes).key, i);
            if (i % 5000 == 0)
                btree_validate(&t);
        }
        assert_int_equal(btree_bytes(&t), 0);
        btree_validate(&held);
        assert_int_equal(btree_count(&held), MANY);
        btree_free(&held);
    }
}

static void a_run_is_cut_out_of_a_high_tree_and_freed_in_slices(void **state)
{
    (void)state;
    static const struct btree_ops ops = {.leaf_bytes_max = 320, .bytes = thing_bytes};
    enum { MANY = 60000 };
    struct rng rng;
    rng_seed(&rng, 5);
    for (int round = 0; round < 30; round++) {
        struct btree t, held, cut;
        btree_init(&t, &ops);
        for (uint64_t i = 0; i < MANY; i++)
            push(&t, i, true);
        btree_share(&t, &held);
        uint64_t from = rng_next(&rng) % MANY, n = 1 + rng_next(&rng) % (MANY - from);
        if (round % 3 == 0)
            btree_free(&held);
        assert_int_equal(btree_cut(&t, from, n, &cut), ERR_OK);
        btree_validate(&t);
        assert_int_equal(btree_count(&t), MANY - n);
        size_t slices = 0, effort = 100;
        while (!btree_free_some(&cut, &effort)) {
            effort = 100;
            slices++;
        }
        assert_true(slices <= MANY / 100);
        struct btree_cursor c;
        uint64_t at = 0;
        for (const char *e = btree_at(&t, 0, &c); e; e = btree_next(&c), at++)
            assert_int_equal(read_thing(e).key, at < from ? at : at + n);
        if (round % 3) {
            btree_validate(&held);
            assert_int_equal(btree_count(&held), MANY);
            btree_free(&held);
        }
        btree_free(&t);
    }
}

static void what_is_pushed_fills_its_leaves(void **state)
{
    (void)state;
    static const struct btree_ops ops = {.leaf_bytes_max = 4096, .bytes = thing_bytes};
    enum { MANY = 100000 };
    for (int back = 0; back < 2; back++) {
        struct btree t;
        btree_init(&t, &ops);
        char bytes[BTREE_ENTRY_BYTES_MAX];
        struct thing thing = {.key = 1, .len = 17};
        for (uint64_t i = 0; i < MANY; i++)
            assert_int_equal(btree_insert(&t, back ? i : 0, write_thing(&thing, bytes)), ERR_OK);
        assert_true(btree_bytes(&t) < MANY * 17 * 104 / 100);
        btree_validate(&t);
        btree_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_by_key_are_where_an_array_has_them),
        cmocka_unit_test(so_they_are_in_small_leaves),
        cmocka_unit_test(entries_of_few_features_are_told_apart_by_their_strings),
        cmocka_unit_test(entries_by_position_are_where_an_array_has_them),
        cmocka_unit_test(both_ends_of_a_high_tree_are_filled_and_emptied),
        cmocka_unit_test(a_run_is_cut_out_of_a_high_tree_and_freed_in_slices),
        cmocka_unit_test(what_is_pushed_fills_its_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
