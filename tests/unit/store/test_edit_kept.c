/* Edits that are kept ahead and taken back: whatever was done in between, and whichever allocation fails on the way,
 * the value is as it was, copies of it too, and the figures of the keyspace are right. */
#include "ks_fixture.h"

#include "base/mem.h"
#include "store/digest.h"
#include "store/hash.h"
#include "store/set.h"

#define NAMES_MAX 4000

#define CHANGES_MAX 128 /* in one edit, which borrows their names */
struct bench {
    char names[CHANGES_MAX][2000];
    unsigned named;
    struct keyspace *ks;
    struct key k, copy;
    struct rng rng;
};

static void setup(struct bench *b, uint64_t seed)
{
    b->named = 0;
    b->ks = fixture_new(3, NULL, NULL);
    b->k = ks_key(b->ks, SLICE("k"));
    b->copy = ks_key(b->ks, SLICE("{k}copy"));
    rng_seed(&b->rng, seed);
}

static struct digest digest_of(const struct bench *b, const struct key *k)
{
    struct digest d = {{0}};
    const struct item *it = ks_find(b->ks, 0, k, KS_NO_TOUCH);
    if (it)
        value_ops(item_type(it))->digest(it, &d);
    return d;
}

static struct slice name_of(uint64_t n, char out[2000])
{
    size_t len = (size_t)sprintf(out, n % 5 == 0 ? "%llu" : "name:%llu", (unsigned long long)n);
    if (n % 101 == 7) {
        memset(out + len, 'n', 1200);
        len += 1200;
    }
    return slice_of(out, len);
}

/* One of the operations of the type, on one of so many names. */
static enum err change(struct bench *b, struct ks_edit *e, enum item_type t, uint64_t names)
{
    char *name = b->names[b->named++ % CHANGES_MAX], value[2000];
    bool added;
    uint64_t n = rng_below(&b->rng, names), v = rng_next(&b->rng) % 1000;
    struct slice s = name_of(n, name);
    if (t == TYPE_SET)
        return v % 2 ? set_add(e, s, &added) : set_remove(e, s);
    if (v % 3 == 0)
        return hash_remove(e, s);
    if (v % 3 == 1)
        return hash_set_due(e, s, v % 2 ? DUES_NONE : FIXTURE_NOW_MS + 1 + (int64_t)v);
    struct hash_new new = {s, name_of(v, value), v % 4 == 0 ? FIXTURE_NOW_MS + 5 : DUES_KEEP};
    return hash_set(e, &new, &added);
}

static void fill(struct bench *b, enum item_type t, uint64_t names, uint64_t steps)
{
    struct ks_edit e;
    assert_int_equal(ks_edit_or_new(b->ks, 0, &b->k, t, &e), ERR_OK);
    for (uint64_t i = 0; i < steps; i++)
        assert_true(change(b, &e, t, names) != ERR_NOMEM);
    ks_edit_end(&e);
}

/* Some operations, of which the nth allocation fails; 0: none does. True: none did. */
static bool try_some(struct bench *b, enum item_type t, uint64_t names, size_t nth)
{
    struct ks_edit e;
    enum err err = ks_edit_or_new(b->ks, 0, &b->k, t, &e);
    assert_int_equal(err, ERR_OK);
    mem_fail_after(nth);
    bool kept = ks_edit_keep(&e), failed = !kept;
    for (int i = 0; i < 40 && !failed; i++)
        failed = change(b, &e, t, names) == ERR_NOMEM;
    bool none = nth == 0 || mem_fails_in() > 0;
    mem_fail_after(1); /* taking back needs no memory */
    ks_edit_undo(&e);
    mem_fail_after(0);
    return none;
}

static void kept(enum item_type t, uint64_t names, uint64_t steps, bool shared)
{
    struct bench b;
    setup(&b, names + steps);
    fill(&b, t, names, steps);
    bool there = ks_find(b.ks, 0, &b.k, KS_NO_TOUCH);
    if (shared && there)
        assert_int_equal(ks_copy(b.ks, (struct ks_name){0, &b.k}, (struct ks_name){0, &b.copy}), 0);
    struct digest before = digest_of(&b, &b.k), copy = digest_of(&b, &b.copy);
    for (size_t nth = 1;; nth += 1 + nth / 16) {
        bool done = try_some(&b, t, names, nth);
        struct digest after = digest_of(&b, &b.k), other = digest_of(&b, &b.copy);
        assert_memory_equal(&before, &after, sizeof(before));
        assert_memory_equal(&copy, &other, sizeof(copy));
        assert_int_equal(there, ks_find(b.ks, 0, &b.k, KS_NO_TOUCH) != NULL);
        ks_validate(b.ks);
        if (done)
            break;
    }
    while (ks_work(b.ks))
        ;
    ks_free(&b.ks);
}

static void test_taken_back(void **state)
{
    (void)state;
    static const struct {
        uint64_t names, steps;
    } sizes[] = {{10, 0}, {10, 20}, {60, 100}, {300, 300}, {NAMES_MAX, 12000}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (int shared = 0; shared < 2; shared++) {
            kept(TYPE_SET, sizes[i].names, sizes[i].steps, shared);
            kept(TYPE_HASH, sizes[i].names, sizes[i].steps, shared);
        }
    }
}

/* Kept and ended: the changes stay, and nothing of what was kept is left behind. */
static void test_ended(void **state)
{
    (void)state;
    for (enum item_type t = TYPE_SET; t <= TYPE_HASH; t += TYPE_HASH - TYPE_SET) {
        struct bench b, plain;
        setup(&b, 7);
        setup(&plain, 7);
        for (int round = 0; round < 60; round++) {
            struct ks_edit e, p;
            uint64_t names = round < 20 ? 30 : NAMES_MAX;
            assert_int_equal(ks_edit_or_new(b.ks, 0, &b.k, t, &e), ERR_OK);
            assert_int_equal(ks_edit_or_new(plain.ks, 0, &plain.k, t, &p), ERR_OK);
            assert_true(ks_edit_keep(&e));
            for (int i = 0; i < 100; i++)
                assert_int_equal(change(&b, &e, t, names), change(&plain, &p, t, names));
            ks_edit_end(&e);
            ks_edit_end(&p);
            struct digest one = digest_of(&b, &b.k), other = digest_of(&plain, &plain.k);
            assert_memory_equal(&one, &other, sizeof(one));
            ks_validate(b.ks);
        }
        while (ks_work(b.ks))
            ;
        ks_free(&b.ks);
        ks_free(&plain.ks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_back),
        cmocka_unit_test(test_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
