/* Random additions and removals against an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/rng.h"
#include "ds/heap.h"

#define NODES 300
#define STEPS 20000

struct thing {
    int in;
    int64_t key;
    struct heap_node node;
};

static int64_t least(const struct thing *things)
{
    int64_t key = INT64_MAX;
    for (int i = 0; i < NODES; i++)
        if (things[i].in && things[i].key < key)
            key = things[i].key;
    return key;
}

static void the_least_is_first_whatever_comes_and_goes(void **state)
{
    (void)state;
    static struct thing things[NODES];
    struct heap h = {0};
    struct rng rng;
    size_t count = 0;
    rng_seed(&rng, 7);
    for (int step = 0; step < STEPS; step++) {
        struct thing *t = &things[rng_next(&rng) % NODES];
        if (t->in) {
            heap_remove(&h, &t->node);
            count--;
        } else {
            t->key = (int64_t)(rng_next(&rng) % 1000) - 500;
            heap_add(&h, &t->node, t->key);
            count++;
        }
        t->in = !t->in;
        assert_int_equal(h.count, count);
        heap_validate(&h);
        if (count == 0)
            assert_null(heap_first(&h));
        else
            assert_true(heap_first(&h)->key == least(things));
    }
}

static void what_is_taken_from_the_front_is_in_order(void **state)
{
    (void)state;
    static struct thing things[NODES];
    struct heap h = {0};
    struct rng rng;
    int64_t last = INT64_MIN;
    rng_seed(&rng, 8);
    for (int i = 0; i < NODES; i++)
        heap_add(&h, &things[i].node, (int64_t)(rng_next(&rng) % 100));
    for (int i = 0; i < NODES; i++) {
        struct heap_node *first = heap_first(&h);
        struct thing *t = heap_owner(first, struct thing, node);
        assert_true(t >= things && t < things + NODES);
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&h, first);
    }
    assert_null(heap_first(&h));
    heap_validate(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_first_whatever_comes_and_goes),
        cmocka_unit_test(what_is_taken_from_the_front_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
