/* Long strings in slots: changes copy little, and what is held never changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/pieces.h"

#define SLOT PIECES_SLOT_BYTES

/* A string and what it is to hold. */
struct pair {
    struct pieces *p;
    char *bytes;
    size_t len;
};

static struct blob *random_blob(struct rng *rng, size_t len)
{
    struct blob *b = blob_try_new(len, len);
    assert_non_null(b);
    memset(b->data, (int)rng_next(rng), len);
    for (size_t i = 0; i < len; i += 1 + rng_below(rng, 4096))
        b->data[i] = (char)rng_next(rng);
    return b;
}

static struct pair pair_of(struct blob *b)
{
    struct pair x = {pieces_try_new(b), malloc(b->len + 1), b->len};
    assert_non_null(x.p);
    memcpy(x.bytes, b->data, b->len);
    return x;
}

static struct pair held(const struct pair *x)
{
    struct pair copy = {pieces_hold(x->p), malloc(x->len + 1), x->len};
    memcpy(copy.bytes, x->bytes, x->len);
    return copy;
}

static void pair_free(struct pair *x)
{
    pieces_free(x->p);
    free(x->bytes);
    *x = (struct pair){0};
}

static void assert_same(const struct pair *x)
{
    size_t at = 0;
    pieces_validate(x->p);
    assert_int_equal(pieces_len(x->p), x->len);
    for (struct slice run; (run = pieces_run(x->p, at)).len > 0; at += run.len) {
        const struct blob *b = pieces_blob(x->p, at);
        assert_true(run.ptr >= b->data && run.ptr + run.len <= b->data + b->len);
        assert_true(run.len <= x->len - at);
        assert_memory_equal(run.ptr, x->bytes + at, run.len);
    }
    assert_int_equal(at, x->len);
    assert_null(pieces_blob(x->p, at));
}

static void model_write(struct pair *x, size_t offset, struct slice bytes)
{
    size_t end = offset + bytes.len;
    if (end > x->len) {
        x->bytes = realloc(x->bytes, end + 1);
        memset(x->bytes + x->len, 0, end - x->len);
        x->len = end;
    }
    if (bytes.len > 0)
        memcpy(x->bytes + offset, bytes.ptr, bytes.len);
}

static void write_both(struct pair *x, size_t offset, struct slice bytes, struct blob *from)
{
    assert_true(pieces_try_write(&x->p, offset, bytes, from));
    model_write(x, offset, bytes);
}

/* ---- one by one ---------------------------------------------------------------------------- */

static void test_a_change_copies_a_slot(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 1);
    struct blob *b = random_blob(&rng, 9 * SLOT + 77);
    struct pair x = pair_of(b), before = held(&x);
    assert_same(&x);
    assert_int_equal(pieces_run(x.p, 0).len, b->len);
    write_both(&x, 3 * SLOT + 5, SLICE("hello"), NULL);
    assert_same(&x);
    assert_same(&before);
    assert_int_equal(pieces_run(x.p, 0).len, 3 * SLOT);
    assert_int_equal(pieces_run(x.p, 4 * SLOT + 1).len, 5 * SLOT + 76);
    assert_ptr_equal(pieces_blob(x.p, 0), b);
    /* The slot is its own now: the next change of it is made in place. */
    const char *there = pieces_run(x.p, 3 * SLOT).ptr;
    write_both(&x, 4 * SLOT - 3, SLICE("abc"), NULL);
    assert_ptr_equal(pieces_run(x.p, 3 * SLOT).ptr, there);
    assert_same(&x);
    blob_drop(b);
    pair_free(&x);
    assert_same(&before);
    pair_free(&before);
}

/* Once nobody else has its blob, bytes are changed in it. */
static void test_alone_again_it_copies_nothing(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 2);
    struct blob *b = random_blob(&rng, 3 * SLOT);
    struct pair x = pair_of(b);
    write_both(&x, 5, SLICE("hello"), NULL); /* a copy: it is also ours */
    assert_ptr_not_equal(pieces_blob(x.p, 0), b);
    blob_drop(b);
    write_both(&x, SLOT + 5, SLICE("hello"), NULL);
    assert_ptr_equal(pieces_blob(x.p, SLOT), b);
    write_both(&x, 2 * SLOT - 2, SLICE("over two"), NULL);
    assert_ptr_equal(pieces_blob(x.p, SLOT), b);
    assert_ptr_equal(pieces_blob(x.p, 2 * SLOT), b);
    b->lent = true; /* the kernel has its pages */
    write_both(&x, SLOT + 5, SLICE("HELLO"), NULL);
    assert_ptr_not_equal(pieces_blob(x.p, SLOT), b);
    assert_same(&x);
    pair_free(&x);
}

static void test_it_grows_in_its_last_slot(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    struct blob *b = random_blob(&rng, 2 * SLOT + 100);
    struct pair x = pair_of(b);
    write_both(&x, x.len, SLICE("first"), NULL);
    const char *there = pieces_run(x.p, 2 * SLOT).ptr;
    for (int i = 0; i < 1000; i++)
        write_both(&x, x.len, SLICE("and more of it"), NULL);
    assert_ptr_equal(pieces_run(x.p, 2 * SLOT).ptr, there);
    assert_same(&x);
    blob_drop(b);
    pair_free(&x);
}

/* A gap of many slots is one slot of zeros, which is copied before it is changed. */
static void test_a_gap_takes_little(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 4);
    struct blob *b = random_blob(&rng, SLOT / 2);
    struct pair x = pair_of(b);
    write_both(&x, 20 * SLOT + 9, SLICE("end"), NULL);
    assert_same(&x);
    assert_ptr_equal(pieces_blob(x.p, 5 * SLOT), pieces_blob(x.p, 15 * SLOT));
    write_both(&x, 5 * SLOT, SLICE("x"), NULL);
    assert_same(&x);
    blob_drop(b);
    pair_free(&x);
}

static void test_many_bytes_are_held_instead_of_copied(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 5);
    struct blob *b = random_blob(&rng, 2 * SLOT + 100), *more = random_blob(&rng, 5 * SLOT);
    struct pair x = pair_of(b);
    struct slice bytes = slice_of(more->data + 3, more->len - 10);
    write_both(&x, x.len, bytes, more);
    assert_same(&x);
    assert_ptr_not_equal(pieces_blob(x.p, 2 * SLOT), more); /* partly filled before */
    assert_ptr_equal(pieces_blob(x.p, 3 * SLOT), more);
    assert_ptr_equal(pieces_run(x.p, 3 * SLOT).ptr, bytes.ptr + SLOT - 100);
    assert_int_equal(pieces_run(x.p, 3 * SLOT).len, x.len - 3 * SLOT);
    /* Slots that point to the same bytes are never changed in place. */
    write_both(&x, 6 * SLOT, slice_of(more->data, 2 * SLOT), more);
    write_both(&x, 8 * SLOT, slice_of(more->data, 2 * SLOT), more);
    blob_drop(more);
    write_both(&x, 6 * SLOT + 5, SLICE("hello"), NULL);
    assert_same(&x);
    blob_drop(b);
    pair_free(&x);
}

static void test_freeing_some(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 6);
    struct blob *b = random_blob(&rng, 9 * SLOT);
    struct pair x = pair_of(b), y = held(&x);
    size_t effort = 100;
    assert_int_equal(pieces_effort(x.p), 0);
    assert_true(pieces_free_some(x.p, &effort));
    assert_int_equal(effort, 99);
    blob_drop(b);
    for (size_t i = 0; i < 9; i++)
        write_both(&y, i * SLOT + 1, SLICE("own"), NULL);
    assert_true(pieces_effort(y.p) >= 9);
    int slices = 1;
    for (effort = 1; !pieces_free_some(y.p, &effort); effort = 1)
        slices++;
    assert_in_range(slices, 9, 10);
    free(x.bytes);
    free(y.bytes);
}

static void test_memory_of_it_alone(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 7);
    struct blob *b = random_blob(&rng, 8 * SLOT);
    struct pair x = pair_of(b);
    blob_drop(b);
    assert_true(pieces_memory_alone(x.p) >= 8 * SLOT);
    struct pair y = held(&x);
    assert_int_equal(pieces_memory_alone(x.p), 0);
    write_both(&x, 5, SLICE("hello"), NULL);
    assert_in_range(pieces_memory_alone(x.p), SLOT, 2 * SLOT);
    assert_in_range(pieces_memory_alone(y.p), 1, SLOT);
    pair_free(&x);
    assert_true(pieces_memory_alone(y.p) >= 8 * SLOT);
    pair_free(&y);
}

/* ---- random operations ------------------------------------------------------------------------ */

#define PAIRS   3
#define LEN_MAX (5 * SLOT)

static size_t random_len(struct rng *rng)
{
    return rng_below(rng, (uint64_t)1 << rng_below(rng, 22));
}

static void write_random(struct pair *x, struct rng *rng, bool may_fail)
{
    struct blob *more = random_blob(rng, random_len(rng) + 1);
    size_t skip = rng_below(rng, more->len), offset = rng_below(rng, x->len + 1);
    switch (rng_below(rng, 4)) {
    case 0: offset = x->len; break;
    case 1: offset += random_len(rng); break;
    case 2: offset = offset / SLOT * SLOT; break;
    }
    struct slice bytes = slice_of(more->data + skip, more->len - skip);
    if (rng_below(rng, 20) == 0)
        bytes.len = 0;
    if (offset + bytes.len <= LEN_MAX) {
        struct blob *from = rng_below(rng, 2) ? more : NULL;
        if (may_fail)
            mem_fail_after(1 + rng_below(rng, 4));
        bool ok = pieces_try_write(&x->p, offset, bytes, from);
        mem_fail_after(0);
        assert_true(ok || may_fail);
        if (ok)
            model_write(x, bytes.len > 0 || offset > x->len ? offset : 0, bytes);
    }
    blob_drop(more);
}

static void run_random(uint64_t seed, bool may_fail)
{
    struct rng rng;
    rng_seed(&rng, seed);
    struct pair all[PAIRS] = {0};
    for (int step = 0; step < 150; step++) {
        struct pair *x = &all[rng_below(&rng, PAIRS)];
        const struct pair *other = &all[rng_below(&rng, PAIRS)];
        if (!x->p) {
            struct blob *b = random_blob(&rng, random_len(&rng));
            *x = pair_of(b);
            blob_drop(b);
        } else if (rng_below(&rng, 8) == 0) {
            pair_free(x);
            if (x != other && other->p)
                *x = held(other);
        } else {
            write_random(x, &rng, may_fail && rng_below(&rng, 2));
        }
        for (int i = 0; i < PAIRS; i++)
            if (all[i].p)
                assert_same(&all[i]);
    }
    for (int i = 0; i < PAIRS; i++)
        if (all[i].p)
            pair_free(&all[i]);
}

static void test_random_writes_against_flat_bytes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        run_random(seed, false);
}

static void test_where_memory_lacks_nothing_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 12; seed++)
        run_random(seed, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_copies_a_slot),
        cmocka_unit_test(test_alone_again_it_copies_nothing),
        cmocka_unit_test(test_it_grows_in_its_last_slot),
        cmocka_unit_test(test_a_gap_takes_little),
        cmocka_unit_test(test_many_bytes_are_held_instead_of_copied),
        cmocka_unit_test(test_freeing_some),
        cmocka_unit_test(test_memory_of_it_alone),
        cmocka_unit_test(test_random_writes_against_flat_bytes),
        cmocka_unit_test(test_where_memory_lacks_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
