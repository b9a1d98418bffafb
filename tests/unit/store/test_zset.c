/* Random operations on sorted sets against an array, across the thresholds, with copies that must never change and
 * memory that fails. */
#include "ks_fixture.h"

#include <math.h>
#include <stdlib.h>

#include "store/digest.h"
#include "store/zset_impl.h"

#define MEMBERS 700
#define KEYS    3

struct model {
    double score[MEMBERS];
    bool there[MEMBERS];
    bool grown;
};

struct world {
    unsigned members;
    struct keyspace *ks;
    struct rng rng;
    struct model model[KEYS];
};

/* How members are called. */
enum naming {
    MIXED,   /* numbers, short and long names, some of them longer than a leaf's entry may be */
    ALIKE,   /* all begin with the same */
    MOSTLY,  /* but for a few, of which some are too long to be put together from pieces */
    NUMBERS, /* of the same digits ahead */
    NAMINGS,
};
static enum naming naming;

static struct slice name_of(unsigned m, char *to)
{
    if (naming == ALIKE || (naming == MOSTLY && m % 40 > 1))
        return slice_of(to, (size_t)sprintf(to, "member:%04u", m));
    if (naming == MOSTLY)
        return slice_of(to, (size_t)sprintf(to, m % 40 ? "member:%050u" : "other:%u", m));
    if (naming == NUMBERS)
        return slice_of(to, (size_t)sprintf(to, "%u", 4000000 + m * 37));
    if (m % 5 == 0)
        return slice_of(to, (size_t)sprintf(to, "%d", (int)m * 7919 - 100000));
    int len = sprintf(to, "member:%u", m);
    if (m % 97 == 3) {
        size_t more = m % 2 ? 1500 : 200;
        memset(to + len, 'x', more);
        len += (int)more;
    }
    return slice_of(to, (size_t)len);
}
#define NAME_BYTES 2048

static double random_score(struct rng *r)
{
    switch (rng_next(r) % 8) {
    case 0: return (double)(int64_t)(rng_next(r) % 7) - 3;
    case 1: return (double)(rng_next(r) % 1000) / 8;
    case 2: return -(double)(rng_next(r) % 1000000007) / 1e3;
    case 3: return 1.7e12 + (double)(rng_next(r) % 1000000);
    case 4: return rng_next(r) % 2 ? HUGE_VAL : -HUGE_VAL;
    case 5: return (double)(rng_next(r) % 3) * 1e300;
    default: return (double)(rng_next(r) % 100000);
    }
}

static struct key key_of(struct world *w, unsigned k, struct fixture_name *name)
{
    return fixture_key(w->ks, name, "zset", k);
}

static uint64_t model_count(const struct model *m)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < MEMBERS; i++)
        n += m->there[i];
    return n;
}

static const struct model *sorting;
static int by_score(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    char left[NAME_BYTES], right[NAME_BYTES];
    if (sorting->score[x] != sorting->score[y])
        return sorting->score[x] < sorting->score[y] ? -1 : 1;
    return slice_compare(name_of(x, left), name_of(y, right));
}

static unsigned model_sorted(const struct model *m, unsigned order[MEMBERS])
{
    unsigned n = 0;
    for (unsigned i = 0; i < MEMBERS; i++)
        if (m->there[i])
            order[n++] = i;
    sorting = m;
    qsort(order, n, sizeof(order[0]), by_score);
    return n;
}

static void check_key(struct world *w, unsigned k)
{
    struct fixture_name name;
    struct key key = key_of(w, k, &name);
    const struct item *it = ks_find(w->ks, 0, &key, KS_NO_TOUCH);
    const struct model *m = &w->model[k];
    unsigned order[MEMBERS], n = model_sorted(m, order);
    assert_int_equal(it != NULL, n > 0);
    if (!it)
        return;
    assert_int_equal(zset_count(it), n);
    assert_string_equal(value_encoding_name(it), m->grown ? "skiplist" : "listpack");
    if (item_is_outside(it))
        zset_tree_validate(zset_of(it));
    char text[NAME_BYTES];
    for (int reverse = 0; reverse < 2; reverse++) {
        struct zset_walk walk;
        struct zset_element el;
        unsigned at = 0;
        zset_walk_init(&walk, it, 0, UINT64_MAX, reverse);
        for (; zset_walk_next(&walk, &el); at++) {
            unsigned member = order[reverse ? n - 1 - at : at];
            assert_true(slice_equal(el.member, name_of(member, text)));
            assert_true(el.score == m->score[member]);
        }
        assert_int_equal(at, n);
    }
    for (unsigned i = 0; i < MEMBERS; i += 7) {
        double score;
        bool there = zset_score(it, name_of(i, text), &score);
        assert_int_equal(there, m->there[i]);
        assert_true(!there || score == m->score[i]);
    }
    for (unsigned i = 0; i < n; i += 5) {
        struct zset_place p = {m->score[order[i]], name_of(order[i], text), ZSET_BEFORE};
        assert_int_equal(zset_ahead(it, &p), i);
        p.side = ZSET_AFTER;
        assert_int_equal(zset_ahead(it, &p), i + 1);
        unsigned first = i, last = i + 1;
        while (first > 0 && m->score[order[first - 1]] == p.score)
            first--;
        while (last < n && m->score[order[last]] == p.score)
            last++;
        p.side = ZSET_BEFORE_SCORE;
        assert_int_equal(zset_ahead(it, &p), first);
        p.side = ZSET_AFTER_SCORE;
        assert_int_equal(zset_ahead(it, &p), last);
        uint64_t cursor = zset_scan_cursor(it, p.score);
        assert_true(zset_scan_rank(it, cursor) <= first);
    }
}

/* --- random operations ---------------------------------------------------------------------------------- */

static void add(struct world *w, unsigned k)
{
    struct fixture_name name;
    struct key key = key_of(w, k, &name);
    struct model *m = &w->model[k];
    struct ks_edit e;
    char text[NAME_BYTES];
    if (ks_edit_or_new(w->ks, 0, &key, TYPE_ZSET, &e) != ERR_OK)
        return;
    unsigned i = (unsigned)(rng_next(&w->rng) % w->members);
    struct slice member = name_of(i, text);
    static const unsigned flags[] = {0, 0, 0, ZSET_NX, ZSET_XX, ZSET_GT, ZSET_LT, ZSET_INCR};
    struct zset_add a = {.flags = flags[rng_next(&w->rng) % 8], .score = random_score(&w->rng)};
    double old = m->score[i], wanted = a.flags & ZSET_INCR && m->there[i] ? old + a.score : a.score;
    bool refused = m->there[i] ? a.flags & ZSET_NX || (a.flags & ZSET_GT && wanted <= old) ||
                                     (a.flags & ZSET_LT && wanted >= old)
                               : a.flags & ZSET_XX;
    if (zset_add(&e, member, &a) == ERR_OK) {
        if (refused) {
            assert_int_equal(a.outcome, ZSET_REFUSED);
        } else if (isnan(wanted)) {
            assert_int_equal(a.outcome, ZSET_NAN);
        } else {
            enum zset_outcome outcome = !m->there[i]    ? ZSET_ADDED
                                        : wanted == old ? ZSET_SAME
                                                        : ZSET_UPDATED;
            assert_int_equal(a.outcome, outcome);
            assert_true(a.score == wanted);
            m->there[i] = true;
            m->score[i] = wanted;
            if (outcome == ZSET_ADDED)
                m->grown = m->grown || model_count(m) > 128 || member.len > 64;
        }
    }
    ks_edit_end(&e);
    m->grown = m->grown && model_count(m) > 0;
}

static void remove_one(struct world *w, unsigned k)
{
    struct fixture_name name;
    struct key key = key_of(w, k, &name);
    struct model *m = &w->model[k];
    struct ks_edit e;
    char text[NAME_BYTES];
    if (ks_edit_type(w->ks, 0, &key, TYPE_ZSET, &e) != ERR_OK)
        return;
    unsigned i = (unsigned)(rng_next(&w->rng) % w->members);
    for (unsigned tries = 0; !m->there[i] && tries < MEMBERS / 2; tries++)
        i = (i + 1) % MEMBERS;
    enum err err = zset_remove(&e, name_of(i, text));
    if (err != ERR_NOMEM) {
        assert_int_equal(err, m->there[i] ? ERR_OK : ERR_NOTFOUND);
        m->there[i] = false;
    }
    ks_edit_end(&e);
    m->grown = m->grown && model_count(m) > 0;
}

static void pop(struct world *w, unsigned k)
{
    struct fixture_name name;
    struct key key = key_of(w, k, &name);
    struct model *m = &w->model[k];
    struct ks_edit e;
    struct zset_popped popped;
    char text[NAME_BYTES];
    if (ks_edit_type(w->ks, 0, &key, TYPE_ZSET, &e) != ERR_OK)
        return;
    unsigned order[MEMBERS], n = model_sorted(m, order);
    bool last = rng_next(&w->rng) % 2;
    unsigned i = order[last ? n - 1 : 0];
    if (zset_pop(&e, last, &popped) == ERR_OK) {
        assert_true(slice_equal(popped.element.member, name_of(i, text)));
        assert_true(popped.element.score == m->score[i]);
        zset_popped_end(&popped);
        m->there[i] = false;
    }
    ks_edit_end(&e);
    m->grown = m->grown && model_count(m) > 0;
}

static void remove_run(struct world *w, unsigned k)
{
    struct fixture_name name;
    struct key key = key_of(w, k, &name);
    struct model *m = &w->model[k];
    struct ks_edit e;
    if (ks_edit_type(w->ks, 0, &key, TYPE_ZSET, &e) != ERR_OK)
        return;
    unsigned order[MEMBERS], n = model_sorted(m, order);
    unsigned from = (unsigned)(rng_next(&w->rng) % n),
             many = 1 + (unsigned)(rng_next(&w->rng) % (n - from));
    if (rng_next(&w->rng) % 4 && many > 5)
        many = 5;
    if (zset_remove_run(&e, from, many) == ERR_OK)
        for (unsigned i = from; i < from + many; i++)
            m->there[order[i]] = false;
    ks_edit_end(&e);
    m->grown = m->grown && model_count(m) > 0;
}

static void copy(struct world *w)
{
    struct fixture_name names[2];
    unsigned from = (unsigned)(rng_next(&w->rng) % KEYS), to = (unsigned)(rng_next(&w->rng) % KEYS);
    struct key a = key_of(w, from, &names[0]), b = key_of(w, to, &names[1]);
    if (from == to || model_count(&w->model[from]) == 0)
        return;
    if (ks_copy(w->ks, (struct ks_name){0, &a}, (struct ks_name){0, &b}) == ERR_OK)
        w->model[to] = w->model[from];
}

static void random_operations(uint64_t seed, unsigned steps, unsigned members)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    w.members = members;
    w.ks = fixture_new(1, NULL, NULL);
    rng_seed(&w.rng, seed);
    for (unsigned step = 0; step < steps; step++) {
        unsigned k = (unsigned)(rng_next(&w.rng) % KEYS),
                 what = (unsigned)(rng_next(&w.rng) % 1000);
        bool grow = step / 2500 % 2 == 0;
        if (rng_next(&w.rng) % 8 == 0)
            mem_fail_after(1 + rng_next(&w.rng) % 8);
        if (what < (grow ? 800 : 300))
            add(&w, k);
        else if (what < 900)
            remove_one(&w, k);
        else if (what < 990)
            pop(&w, k);
        else if (what < 995)
            remove_run(&w, k);
        else
            copy(&w);
        mem_fail_after(0);
        if (step % 64 == 0) {
            for (unsigned i = 0; i < KEYS; i++)
                check_key(&w, i);
            ks_validate(w.ks);
        }
        ks_work(w.ks);
    }
    ks_free(&w.ks);
}

static void members_are_where_an_array_has_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++)
        random_operations(seed, 6000, MEMBERS);
}

static void so_they_are_where_they_begin_alike(void **state)
{
    (void)state;
    for (naming = ALIKE; naming < NAMINGS; naming++) {
        random_operations(10 + naming, 4000, 60);
        random_operations(20 + naming, 3000, 200);
    }
    naming = MIXED;
}

/* Each score takes eight bytes more than it did: a full pack cannot hold them. */
static void members_of_a_full_pack_get_longer_scores(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key key = ks_key(ks, SLICE("z"));
    struct ks_edit e;
    char text[NAME_BYTES];
    assert_int_equal(ks_edit_or_new(ks, 0, &key, TYPE_ZSET, &e), ERR_OK);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 120; i++) {
            struct zset_add a = {.score = round ? i + 0.1 : i};
            struct slice member = slice_of(text, (size_t)sprintf(text, "%u ends a name", i));
            assert_int_equal(zset_add(&e, member, &a), ERR_OK);
        }
    }
    const struct item *it = ks_edit_end(&e);
    assert_int_equal(zset_count(it), 120);
    assert_string_equal(value_encoding_name(it), "listpack");
    for (unsigned i = 0; i < 120; i++) {
        double score;
        assert_true(
            zset_score(it, slice_of(text, (size_t)sprintf(text, "%u ends a name", i)), &score));
        assert_true(score == i + 0.1);
    }
    ks_validate(ks);
    ks_free(&ks);
}

/* Of a long run the index is tidied up bit by bit: with changes, in copies, and where its members come back. */
static void a_long_run_is_removed_without_a_walk(void **state)
{
    (void)state;
    enum { MANY = 40000, LEFT = 1000 };
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key key = ks_key(ks, SLICE("z")), other = ks_key(ks, SLICE("y"));
    struct ks_edit e;
    char text[NAME_BYTES];
    naming = ALIKE;
    assert_int_equal(ks_edit_or_new(ks, 0, &key, TYPE_ZSET, &e), ERR_OK);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned group = i / 7;
        struct zset_add a = {.score = group};
        assert_int_equal(zset_add(&e, name_of(i, text), &a), ERR_OK);
    }
    mem_fail_after(3);
    assert_int_equal(zset_remove_run(&e, LEFT / 2, MANY - LEFT), ERR_NOMEM);
    mem_fail_after(0);
    assert_int_equal(zset_count(e.item), MANY);
    zset_tree_validate(zset_of(e.item));
    assert_int_equal(zset_remove_run(&e, LEFT / 2, MANY - LEFT), ERR_OK);
    assert_int_equal(zset_count(e.item), LEFT);
    zset_tree_validate(zset_of(e.item));
    assert_true(btree_count(&zset_of(e.item)->index) > MANY / 2);
    ks_edit_end(&e);
    assert_int_equal(ks_copy(ks, (struct ks_name){0, &key}, (struct ks_name){0, &other}), ERR_OK);
    for (int copy = 0; copy < 2; copy++) {
        assert_int_equal(ks_edit_type(ks, 0, copy ? &other : &key, TYPE_ZSET, &e), ERR_OK);
        for (unsigned i = 0; i < MANY; i++) {
            struct zset_add a = {.score = copy ? i : i / 7};
            assert_int_equal(zset_add(&e, name_of(i, text), &a), ERR_OK);
            bool was_there = i < LEFT / 2 || i >= MANY - LEFT / 2;
            assert_int_equal(a.outcome == ZSET_ADDED, !was_there);
        }
        assert_int_equal(zset_count(e.item), MANY);
        zset_tree_validate(zset_of(e.item));
        assert_null(zset_of(e.item)->gone);
        assert_int_equal(btree_count(&zset_of(e.item)->index), MANY);
        ks_edit_end(&e);
    }
    ks_validate(ks);
    naming = MIXED;
    ks_free(&ks);
}

/* What many members of a small one begin with is there once. */
static void names_that_begin_alike_take_little(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key key = ks_key(ks, SLICE("z"));
    struct ks_edit e;
    char text[NAME_BYTES];
    assert_int_equal(ks_edit_or_new(ks, 0, &key, TYPE_ZSET, &e), ERR_OK);
    for (unsigned i = 0; i < 100; i++) {
        struct zset_add a = {.score = i};
        struct slice member = slice_of(text, (size_t)sprintf(text, "a:long:name:%06u", i));
        assert_int_equal(zset_add(&e, member, &a), ERR_OK);
    }
    assert_true(e.item->vlen < 600);
    ks_edit_end(&e);
    ks_free(&ks);
}

static void scores_keep_their_value_in_few_bytes(void **state)
{
    (void)state;
    static const struct {
        double score;
        size_t bytes;
    } cases[] = {{0, 1},
                 {223, 1},
                 {224, 3},
                 {-1, 2},
                 {-128, 2},
                 {-129, 3},
                 {32767, 3},
                 {1e6, 4},
                 {1.7e12, 7},
                 {0.5, 5},
                 {0.1, 9},
                 {HUGE_VAL, 5},
                 {-HUGE_VAL, 5},
                 {-0.0, 5},
                 {9007199254740992, 8},
                 {1e300, 9},
                 {-9007199254740992, 8}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[ZSCORE_BYTES_MAX];
        size_t n = (size_t)(zscore_write(cases[i].score, bytes) - bytes);
        assert_int_equal(n, cases[i].bytes);
        assert_int_equal(zscore_bytes(bytes), n);
        double back = zscore_read(bytes);
        assert_memory_equal(&back, &cases[i].score, sizeof(back));
        assert_true(zscore_of_rank(zscore_rank(back)) == back);
    }
    struct rng r;
    rng_seed(&r, 3);
    for (int i = 0; i < 100000; i++) {
        double a = random_score(&r), b = random_score(&r);
        char bytes[ZSCORE_BYTES_MAX];
        zscore_write(a, bytes);
        assert_true(zscore_read(bytes) == a);
        assert_int_equal(a < b, zscore_rank(a) < zscore_rank(b));
    }
}

/* The commands that a cursor gives make the same value, of any size and with any member. */
static void a_cursor_gives_all_in_commands(void **state)
{
    (void)state;
    static const unsigned sizes[] = {1, 5, 64, 65, 128, 129, 600};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        struct keyspace *ks = fixture_new(1, NULL, NULL);
        struct key key = ks_key(ks, SLICE("z"));
        struct ks_edit e, back;
        char text[NAME_BYTES];
        assert_int_equal(ks_edit_or_new(ks, 0, &key, TYPE_ZSET, &e), ERR_OK);
        for (unsigned i = 0; i < sizes[s]; i++) {
            struct zset_add a = {.score = i / 3.0};
            assert_int_equal(zset_add(&e, name_of(i, text), &a), ERR_OK);
        }
        const struct item *it = ks_edit_end(&e);
        assert_true(ks_edit_aside(ks, &key, TYPE_ZSET, &back));
        struct value_cursor c;
        struct value_command command;
        value_cursor_init(&c, it);
        while (value_cursor_next(&c, &command)) {
            assert_true(slice_equal(command.argv[0], SLICE("ZADD")));
            assert_int_equal(command.in_runs, -1);
            for (int i = 2; i < command.argc; i += 2) {
                struct zset_add a = {0};
                assert_true(num_parse_double(command.argv[i], &a.score));
                assert_int_equal(zset_add(&back, command.argv[i + 1], &a), ERR_OK);
                assert_int_equal(a.outcome, ZSET_ADDED);
            }
        }
        value_cursor_deinit(&c);
        struct digest here = {{0}}, there = {{0}};
        digest_value(it, &here);
        digest_value(back.item, &there);
        assert_memory_equal(&here, &there, sizeof(here));
        ks_edit_drop(&back);
        ks_free(&ks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_where_an_array_has_them),
        cmocka_unit_test(so_they_are_where_they_begin_alike),
        cmocka_unit_test(members_of_a_full_pack_get_longer_scores),
        cmocka_unit_test(a_long_run_is_removed_without_a_walk),
        cmocka_unit_test(names_that_begin_alike_take_little),
        cmocka_unit_test(scores_keep_their_value_in_few_bytes),
        cmocka_unit_test(a_cursor_gives_all_in_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
