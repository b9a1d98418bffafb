#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/keyhash.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/slab.h"
#include "ds/hashtree.h"

/* A tree against a naive model: an array of entries by number. */

#define NAMES_MAX 6000
#define HELD_MAX  4
#define ADDED_MAX 128

struct shown { /* an entry of the model */
    bool there;
    uint32_t value; /* of which the text is made */
    int64_t due_ms;
};
struct world {
    struct slab_heap *heap;
    struct keyhash hash;
    struct hashtree *tree;
    struct rng rng;
    bool values, long_strings;
    struct shown of[NAMES_MAX];
    uint64_t count;
    /* Names of what was added last: a tree that is kept borrows them. */
    char names[ADDED_MAX][2000];
    unsigned named;
};

static struct world *world_new(uint64_t seed, bool values)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    rng_seed(&w->rng, seed);
    w->heap = slab_heap_new(NULL);
    keyhash_init(&w->hash, (struct siphash_key){seed, 7});
    w->values = values;
    struct hashtree_options o = {.heap = w->heap, .hash = &w->hash, .values = values};
    w->tree = hashtree_try_new(&o);
    assert_non_null(w->tree);
    return w;
}

static void world_free(struct world *w)
{
    hashtree_drop(w->tree);
    slab_heap_free(&w->heap);
    free(w);
}

/* Numbers, short names and, now and then, such as lie in blobs. */
static struct slice name_of(const struct world *w, unsigned i, char *out)
{
    int len;
    if (i % 3 == 0)
        len = sprintf(out, "%u", i);
    else
        len = sprintf(out, "name:%u:%.*s", i, (int)(i % 40),
                      "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    if (w->long_strings && i % 50 == 1) {
        memset(out + len, 'x', 1500);
        len += 1500;
    }
    return slice_of(out, (size_t)len);
}

static struct slice value_of(const struct world *w, uint32_t v, char *out)
{
    int len = v % 4 == 0 ? sprintf(out, "%u", v) : sprintf(out, "value-%u", v);
    size_t more = v % 64;
    if (w->long_strings && v % 61 == 3)
        more = 1400;
    if (v % 4 != 0) {
        memset(out + len, 'y', more);
        len += (int)more;
    }
    return slice_of(out, (size_t)len);
}

static enum err set(struct world *w, unsigned i, uint32_t value, int64_t due_ms)
{
    char *name = w->names[w->named++ % ADDED_MAX], text[2000];
    struct pack_entry string, v;
    if (!pack_entry_init(&string, name_of(w, i, name)))
        return ERR_NOMEM;
    if (!pack_entry_init(&v, value_of(w, value, text))) {
        pack_entry_deinit(&string);
        return ERR_NOMEM;
    }
    struct hashtree_new n = {&string, w->values ? &v : NULL, due_ms};
    bool added;
    enum err e = hashtree_own(&w->tree) ? hashtree_set(w->tree, &n, &added) : ERR_NOMEM;
    if (e == ERR_OK) {
        assert_int_equal(added, !w->of[i].there);
        w->count += added;
        w->of[i] = (struct shown){true, value, due_ms};
    }
    pack_entry_deinit(&string);
    pack_entry_deinit(&v);
    return e;
}

static enum err take_out(struct world *w, unsigned i)
{
    char name[2000];
    struct pack_entry string;
    pack_entry_init_to_find(&string, name_of(w, i, name));
    enum err e = hashtree_own(&w->tree) ? hashtree_remove(w->tree, &string) : ERR_NOMEM;
    if (e != ERR_NOMEM) {
        assert_int_equal(e, w->of[i].there ? ERR_OK : ERR_NOTFOUND);
        w->count -= w->of[i].there;
        w->of[i].there = false;
    }
    return e;
}

static void check_one(const struct world *w, const struct hashtree *t, const struct shown *of,
                      unsigned i)
{
    char name[2000], text[2000], scratch[NUM_I64_CHARS];
    struct pack_entry string;
    struct hashtree_entry e;
    struct slice s = name_of(w, i, name);
    pack_entry_init_to_find(&string, s);
    bool found = hashtree_find(t, &string, &e);
    assert_int_equal(found, of[i].there);
    if (!found)
        return;
    assert_true(slice_equal(pack_string(e.string, scratch), s));
    assert_int_equal(e.due_ms, of[i].due_ms);
    if (w->values)
        assert_true(slice_equal(pack_string(e.value, scratch), value_of(w, of[i].value, text)));
}

static void check(const struct world *w, const struct hashtree *t, const struct shown *of)
{
    hashtree_validate(t);
    for (unsigned i = 0; i < NAMES_MAX; i++)
        check_one(w, t, of, i);
}

/* Which number a name has. */
static unsigned number_of(const char *string)
{
    char scratch[NUM_I64_CHARS];
    struct slice s = pack_string(string, scratch);
    size_t at = s.len > 5 && memcmp(s.ptr, "name:", 5) == 0 ? 5 : 0;
    unsigned i = 0;
    for (; at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9'; at++)
        i = i * 10 + (unsigned)(s.ptr[at] - '0');
    return i;
}

static void check_walk(const struct world *w)
{
    static uint8_t seen[NAMES_MAX];
    memset(seen, 0, sizeof(seen));
    struct hashtree_walk walk;
    struct hashtree_entry e, nth;
    uint64_t n = 0;
    hashtree_walk_init(&walk, w->tree, 0);
    while (hashtree_walk_next(&walk, &e)) {
        unsigned i = number_of(e.string);
        assert_true(w->of[i].there);
        assert_int_equal(seen[i]++, 0);
        nth = hashtree_at(w->tree, n++);
        assert_ptr_equal(nth.string, e.string);
        if (n % 7 == 0) /* goes on where it was */
            hashtree_walk_init(&walk, w->tree, walk.at);
    }
    assert_false(hashtree_walk_next(&walk, &e));
    assert_int_equal(n, w->count);
    assert_int_equal(n, hashtree_count(w->tree));
}

static void change(struct world *w, unsigned names)
{
    unsigned i = rng_next(&w->rng) % names;
    int64_t due_ms = w->values && rng_next(&w->rng) % 4 == 0 ? (int64_t)(rng_next(&w->rng) % 1000)
                                                             : HASHTREE_NO_DUE;
    assert_int_equal(set(w, i, (uint32_t)rng_next(&w->rng) >> 8, due_ms), ERR_OK);
}

static void grow_and_shrink(bool values, bool long_strings)
{
    struct world *w = world_new(values * 2 + long_strings + 1, values);
    w->long_strings = long_strings;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8000; i++) {
            change(w, NAMES_MAX);
            if (i % 500 == 0)
                check(w, w->tree, w->of);
        }
        check_walk(w);
        for (unsigned i = 0; i < 9000; i++) {
            (void)take_out(w, rng_next(&w->rng) % NAMES_MAX);
            if (i % 500 == 0)
                check(w, w->tree, w->of);
        }
        check_walk(w);
        if (round == 2)
            for (unsigned i = 0; i < NAMES_MAX; i++)
                (void)take_out(w, i);
    }
    assert_int_equal(hashtree_count(w->tree), 0);
    assert_int_equal(hashtree_nodes(w->tree), 0);
    check(w, w->tree, w->of);
    world_free(w);
}

static void test_entries_come_and_go(void **state)
{
    (void)state;
    grow_and_shrink(false, false);
    grow_and_shrink(true, false);
}

static void test_long_strings_lie_in_blobs(void **state)
{
    (void)state;
    grow_and_shrink(false, true);
    grow_and_shrink(true, true);
}

struct held {
    struct hashtree *tree;
    struct shown of[NAMES_MAX];
};

static void test_what_is_held_never_changes(void **state)
{
    (void)state;
    struct world *w = world_new(5, true);
    static struct held held[HELD_MAX];
    w->long_strings = true;
    for (int i = 0; i < 120; i++) {
        struct held *h = &held[i % HELD_MAX];
        if (h->tree) {
            check(w, h->tree, h->of);
            size_t effort;
            do
                effort = 3;
            while (!hashtree_drop_some(h->tree, &effort));
        }
        h->tree = hashtree_hold(w->tree);
        memcpy(h->of, w->of, sizeof(w->of));
        for (unsigned j = 0; j < 150; j++) {
            change(w, NAMES_MAX);
            if (i > 60)
                (void)take_out(w, rng_next(&w->rng) % NAMES_MAX);
        }
        check(w, w->tree, w->of);
    }
    for (int i = 0; i < HELD_MAX; i++) {
        check(w, held[i].tree, held[i].of);
        hashtree_drop(held[i].tree);
    }
    check(w, w->tree, w->of);
    world_free(w);
}

/* Each allocation of a change fails in turn, with a copy held, so that nodes are copied, too. */
static void test_lack_of_memory_changes_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(6, true);
    w->long_strings = true;
    for (int i = 0; i < 400; i++) {
        struct hashtree *held = hashtree_hold(w->tree);
        unsigned at = rng_next(&w->rng) % 600;
        bool out = i > 250 && i % 2;
        enum err e = ERR_NOMEM;
        for (size_t nth = 1; e == ERR_NOMEM; nth++) {
            uint64_t count = hashtree_count(w->tree);
            mem_fail_after(nth);
            e = out ? take_out(w, at) : set(w, at, (uint32_t)i * 97, i % 5 ? HASHTREE_NO_DUE : i);
            mem_fail_after(0);
            if (e == ERR_NOMEM)
                assert_int_equal(hashtree_count(w->tree), count);
            hashtree_validate(w->tree);
            check_one(w, w->tree, w->of, at);
        }
        hashtree_drop(held);
        for (int j = 0; j < 3; j++)
            change(w, 600);
    }
    check(w, w->tree, w->of);
    world_free(w);
}

/* Changes of a tree that is kept, the nth allocation of which fails, or none; then they stand, or are taken back. */
static void keep_and_change(struct world *w, unsigned names, size_t nth, bool undo)
{
    static struct shown before[NAMES_MAX];
    uint64_t count = w->count;
    memcpy(before, w->of, sizeof(before));
    enum err e = ERR_OK;
    mem_fail_after(nth);
    if (!hashtree_own(&w->tree) || !hashtree_keep(w->tree)) {
        mem_fail_after(0);
        return;
    }
    for (unsigned i = 0; i < ADDED_MAX && e != ERR_NOMEM; i++) {
        unsigned at = rng_next(&w->rng) % names, what = rng_next(&w->rng) % 8;
        struct pack_entry string;
        if (what < 2) {
            e = take_out(w, at);
        } else if (what < 4) {
            int64_t due_ms = what == 2 ? (int64_t)at : HASHTREE_NO_DUE;
            pack_entry_init_to_find(&string, name_of(w, at, w->names[w->named++ % ADDED_MAX]));
            e = hashtree_set_due(w->tree, &string, due_ms);
            if (e == ERR_OK)
                w->of[at].due_ms = due_ms;
        } else if (w->values || !w->of[at].there) {
            e = set(w, at, (uint32_t)rng_next(&w->rng) >> 8, what == 5 ? 7 : HASHTREE_NO_DUE);
        }
    }
    mem_fail_after(1); /* the end needs none */
    hashtree_keep_end(w->tree, undo || e == ERR_NOMEM);
    mem_fail_after(0);
    if (undo || e == ERR_NOMEM) {
        memcpy(w->of, before, sizeof(before));
        w->count = count;
    }
    assert_int_equal(hashtree_count(w->tree), w->count);
    hashtree_validate(w->tree);
}

static void test_changes_are_taken_back(void **state)
{
    (void)state;
    static const unsigned names[] = {20, 300, NAMES_MAX};
    for (int kind = 0; kind < 4; kind++) {
        struct world *w = world_new(8 + (uint64_t)kind, kind % 2);
        w->long_strings = kind / 2;
        for (int i = 0; i < 150; i++) {
            static struct shown of[NAMES_MAX];
            unsigned among = names[i / 50];
            struct hashtree *held = i % 3 == 0 ? hashtree_hold(w->tree) : NULL;
            memcpy(of, w->of, sizeof(of));
            keep_and_change(w, among, i % 4 == 3 ? 1 + rng_next(&w->rng) % 150 : 0, i % 2);
            if (i % 10 == 9)
                check(w, w->tree, w->of);
            if (held) {
                check(w, held, of);
                hashtree_drop(held);
            }
            for (unsigned j = 0; j < among / 10; j++) {
                unsigned at = rng_next(&w->rng) % among;
                if (i % 50 >= 30)
                    assert_true(take_out(w, at) != ERR_NOMEM);
                else if (w->values || !w->of[at].there)
                    assert_int_equal(set(w, at, at, HASHTREE_NO_DUE), ERR_OK);
            }
        }
        check(w, w->tree, w->of);
        world_free(w);
    }
}

static uint8_t given[NAMES_MAX];
static void note_given(const struct hashtree_entry *e, void *arg)
{
    (void)arg;
    given[number_of(e->string)]++;
}

static void test_scan_gives_what_stays_throughout_once(void **state)
{
    (void)state;
    struct world *w = world_new(7, false);
    for (unsigned count = 1; count < 200; count = count * 3 + 1) {
        for (unsigned i = 0; i < NAMES_MAX; i += 2)
            assert_int_equal(set(w, i, 0, HASHTREE_NO_DUE), ERR_OK);
        memset(given, 0, sizeof(given));
        uint64_t cursor = 0;
        unsigned step = 0;
        do {
            uint64_t next = hashtree_scan(w->tree, cursor, count, note_given, NULL);
            assert_true(next == 0 || next > cursor);
            assert_true(next < UINT64_C(1) << HASHTREE_BITS_MAX);
            cursor = next;
            /* The odd ones come and go between steps. */
            for (unsigned i = 0; i < 40; i++) {
                unsigned at = (unsigned)(rng_next(&w->rng) % (NAMES_MAX / 2)) * 2 + 1;
                if (step / 20 % 2)
                    (void)take_out(w, at);
                else
                    assert_int_equal(set(w, at, 0, HASHTREE_NO_DUE), ERR_OK);
            }
            step++;
        } while (cursor != 0);
        for (unsigned i = 0; i < NAMES_MAX; i += 2)
            assert_int_equal(given[i], 1);
    }
    assert_int_equal(hashtree_scan(w->tree, UINT64_MAX, 10, note_given, NULL), 0);
    world_free(w);
}

static void test_due_entries_are_found_in_time(void **state)
{
    (void)state;
    struct world *w = world_new(8, true);
    for (int i = 0; i < 12000; i++)
        change(w, NAMES_MAX);
    for (unsigned i = 0; i < NAMES_MAX; i += 5) { /* some lose theirs, some get one */
        char name[2000];
        struct pack_entry string;
        pack_entry_init_to_find(&string, name_of(w, i, name));
        int64_t due_ms = i % 2 ? HASHTREE_NO_DUE : (int64_t)(i % 900);
        enum err e = hashtree_set_due(w->tree, &string, due_ms);
        assert_int_equal(e, w->of[i].there ? ERR_OK : ERR_NOTFOUND);
        w->of[i].due_ms = due_ms;
    }
    check(w, w->tree, w->of);
    for (int64_t now_ms = 0; now_ms <= 1000; now_ms += 20) {
        uint64_t due = 0;
        for (unsigned i = 0; i < NAMES_MAX; i++)
            due += w->of[i].there && w->of[i].due_ms <= now_ms;
        assert_int_equal(hashtree_due_count(w->tree, now_ms), due);
        while (hashtree_due_ms(w->tree) <= now_ms) {
            struct hashtree_entry of[8];
            unsigned numbers[8];
            size_t n = hashtree_due(w->tree, now_ms, of, 8);
            for (size_t i = 0; i < n; i++) {
                numbers[i] = number_of(of[i].string);
                assert_true(of[i].due_ms <= now_ms);
            }
            for (size_t i = 0; i < n; i++)
                assert_int_equal(take_out(w, numbers[i]), ERR_OK);
            due -= n;
        }
        assert_int_equal(due, 0);
        check(w, w->tree, w->of);
    }
    assert_int_equal(hashtree_due_ms(w->tree), HASHTREE_NO_DUE);
    world_free(w);
}

/* A way through a tree of a few levels ends at the leaf that the name is in, if it is in any. */
static void check_way(const struct world *w, struct slice name)
{
    enum { STEPS_MAX = 8 };
    struct pack_entry string;
    struct hashtree_entry e;
    struct prefetch_way way = {.name = name};
    int steps = 0;
    pack_entry_init_to_find(&string, name);
    while (hashtree_fetch(w->tree, &way))
        assert_int_not_equal(++steps, STEPS_MAX);
    if (!hashtree_find(w->tree, &string, &e))
        return;
    assert_true(e.string > (const char *)way.at);
    assert_true(e.string < (const char *)way.at + HASHTREE_NODE_BYTES_MAX);
}

/* As many as take a level of inner nodes below the root. */
static void test_a_full_node_gets_nodes_below_it(void **state)
{
    (void)state;
    struct world *w = world_new(9, false);
    enum { NAMES = 60000 };
    check_way(w, SLICE("none is there"));
    for (int out = 0; out < 2; out++) {
        for (int i = 0; i < NAMES; i++) {
            char name[100];
            struct pack_entry string;
            bool added = false;
            int len = sprintf(name, "%-70d", i);
            assert_true(pack_entry_init(&string, slice_of(name, (size_t)len)));
            struct hashtree_new n = {&string, NULL, HASHTREE_NO_DUE};
            if (out) {
                assert_int_equal(hashtree_remove(w->tree, &string), ERR_OK);
            } else {
                assert_int_equal(hashtree_set(w->tree, &n, &added), ERR_OK);
                assert_true(added);
            }
            if (i % 16 == 0)
                check_way(w, slice_of(name, (size_t)len));
            if (i % 6000 == 5999)
                hashtree_validate(w->tree);
        }
    }
    assert_int_equal(hashtree_nodes(w->tree), 0);
    world_free(w);
}

/* What a walk through one tree gives is found in another one, or is not there. */
static void compare_side_by_side(const struct world *walked, const struct world *other)
{
    struct hashtree_walk w;
    struct hashtree_finger f;
    struct hashtree_entry e, found;
    uint64_t seen = 0;
    hashtree_walk_init(&w, walked->tree, 0);
    hashtree_finger_init(&f, other->tree);
    while (hashtree_walk_next(&w, &e)) {
        unsigned i = number_of(e.string);
        seen++;
        assert_int_equal(hashtree_finger_find(&f, &w, &found), other->of[i].there);
        if (other->of[i].there)
            assert_int_equal(number_of(found.string), i);
    }
    assert_int_equal(seen, walked->count);
}

static void test_two_trees_side_by_side(void **state)
{
    static const unsigned sizes[] = {1, 40, 600, NAMES_MAX};
    for (unsigned n = 0; n < 16; n++) {
        struct world *a = world_new(n + 1, false), *b = world_new(n + 100, false);
        struct hashtree_options o = {.heap = b->heap, .hash = &a->hash};
        hashtree_drop(b->tree);
        b->tree = hashtree_try_new(&o);
        a->long_strings = b->long_strings = n % 2;
        for (unsigned i = 0; i < 2 * sizes[n / 4]; i++)
            set(a, (unsigned)rng_below(&a->rng, sizes[n / 4]), 0, HASHTREE_NO_DUE);
        for (unsigned i = 0; i < 2 * sizes[n % 4]; i++)
            set(b, (unsigned)rng_below(&b->rng, sizes[n % 4]), 0, HASHTREE_NO_DUE);
        compare_side_by_side(a, b);
        compare_side_by_side(b, a);
        world_free(b);
        world_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_come_and_go),
        cmocka_unit_test(test_long_strings_lie_in_blobs),
        cmocka_unit_test(test_what_is_held_never_changes),
        cmocka_unit_test(test_lack_of_memory_changes_nothing),
        cmocka_unit_test(test_changes_are_taken_back),
        cmocka_unit_test(test_scan_gives_what_stays_throughout_once),
        cmocka_unit_test(test_due_entries_are_found_in_time),
        cmocka_unit_test(test_two_trees_side_by_side),
        cmocka_unit_test(test_a_full_node_gets_nodes_below_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
