#include "base_test.h"

#include <stdint.h>

#include "base/mem.h"
#include "base/populate.h"
#include "base/rng.h"
#include "base/slab.h"

#define THINGS 4000

/* A thing of a size, filled with a byte of its own. */
struct thing {
    unsigned char *at;
    size_t bytes;
    unsigned char mark;
};

static void make(struct slab_heap *h, struct thing *t, size_t bytes, unsigned char mark)
{
    *t = (struct thing){slab_try_alloc(h, bytes), bytes, mark};
    assert_non_null(t->at);
    assert_int_equal((uintptr_t)t->at % 8, 0);
    memset(t->at, mark, bytes);
}

static void drop(struct thing *t)
{
    for (size_t i = 0; i < t->bytes; i++)
        assert_int_equal(t->at[i], t->mark);
    slab_free(t->at, t->bytes);
    t->at = NULL;
}

static void sizes_are_eight_bytes_apart_and_further_ones_the_allocators(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 3000; bytes++) {
        size_t good = slab_good_size(bytes);
        assert_true(good >= bytes);
        assert_int_equal(slab_good_size(good), good);
#ifndef CORSAC_LIBC_MALLOC
        if (bytes <= 256)
            assert_int_equal(good, (bytes + 7) / 8 * 8);
        else if (bytes <= SLAB_CELL_BYTES_MAX)
            assert_int_equal(good, (bytes + 15) / 16 * 16);
        else
            assert_int_equal(good, mem_good_size(bytes));
#endif
    }
}

static size_t some_size(struct rng *rng)
{
    switch (rng_below(rng, 10)) {
    case 0: return 1 + (size_t)rng_below(rng, 2000);
    case 1: return 1 + (size_t)rng_below(rng, SLAB_CELL_BYTES_MAX);
    default: return 24 + (size_t)rng_below(rng, 4) * 8;
    }
}

/* Things come and go in waves, so that slabs and chunks get full and empty again. */
static void things_keep_their_bytes_with(struct populator *populator)
{
    struct slab_heap *h = slab_heap_new(populator);
    struct thing *things = calloc(THINGS, sizeof(*things));
    struct rng rng;
    rng_seed(&rng, 7);
    size_t used_before = mem_used();
    for (int step = 0; step < 200000; step++) {
        struct thing *t = &things[rng_below(&rng, THINGS)];
        bool growing = step / 20000 % 2 == 0;
        if (!t->at)
            make(h, t, some_size(&rng), (unsigned char)step);
        else if (!growing || rng_below(&rng, 4) == 0)
            drop(t);
        if (step % 5000 == 0)
            slab_validate(h);
    }
    for (int i = 0; i < THINGS; i++)
        if (things[i].at)
            drop(&things[i]);
    slab_validate(h);
    struct slab_stats s;
    slab_stats(h, &s);
    assert_int_equal(s.cells, 0);
    assert_int_equal(s.cell_bytes, 0);
    slab_heap_free(&h);
    assert_null(h);
    assert_true(mem_used() < used_before + 64 * 1024);
    free(things);
}

static void things_keep_their_bytes(void **state)
{
    (void)state;
    things_keep_their_bytes_with(NULL);
}

static void things_keep_their_bytes_in_pages_made_ahead(void **state)
{
    (void)state;
    struct populator *populator = populator_new();
    things_keep_their_bytes_with(populator);
    populator_free(&populator);
}

/* Each size has its slabs in turn: what one size gave back serves another. */
static void memory_goes_back(void **state)
{
    (void)state;
#ifndef CORSAC_LIBC_MALLOC
    struct slab_heap *h = slab_heap_new(NULL);
    enum { COUNT = 8 * SLAB_CHUNK_BYTES / 64 };
    void **cells = calloc(COUNT, sizeof(void *));
    struct slab_stats s;
    for (size_t bytes = 40; bytes <= 64; bytes += 8) {
        size_t used_before = mem_used();
        for (size_t i = 0; i < COUNT; i++)
            cells[i] = slab_try_alloc(h, bytes);
        slab_stats(h, &s);
        assert_int_equal(s.cell_bytes, COUNT * bytes);
        assert_true(s.mapped_bytes >= COUNT * bytes);
        assert_true(s.mapped_bytes <= COUNT * bytes + 3 * SLAB_CHUNK_BYTES);
        assert_true(mem_used() - used_before >= COUNT * bytes - 64 * 1024);
        for (size_t i = 0; i < COUNT; i++)
            slab_free(cells[(i * 7919) % COUNT], bytes);
        slab_validate(h);
        slab_stats(h, &s);
        assert_int_equal(s.cells, 0);
        /* each size may hold a chunk by its current slab, and one is kept */
        assert_true(s.mapped_bytes <= ((bytes - 40) / 8 + 2) * SLAB_CHUNK_BYTES);
    }
    slab_heap_free(&h);
    free(cells);
#endif
}

static void a_refusal_changes_nothing(void **state)
{
    (void)state;
    struct slab_heap *h = slab_heap_new(NULL);
    void *p = slab_try_alloc(h, 40);
    mem_fail_after(1);
    assert_null(slab_try_alloc(h, 40));
    void *q = slab_try_alloc(h, 40);
    assert_non_null(q);
    assert_ptr_not_equal(p, q);
    slab_validate(h);
    slab_free(p, 40);
    slab_free(q, 37);
    slab_heap_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_eight_bytes_apart_and_further_ones_the_allocators),
        cmocka_unit_test(things_keep_their_bytes),
        cmocka_unit_test(things_keep_their_bytes_in_pages_made_ahead),
        cmocka_unit_test(memory_goes_back),
        cmocka_unit_test(a_refusal_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
