/* Sets against a naive model: random members across all forms, copies that never change, and sets as commands. */
#include <stdlib.h>

#include "ks_fixture.h"

#include "store/digest.h"
#include "store/set.h"

#define MEMBERS_MAX 2000
#define COPIES      4

/* Members by number: the model knows which of them are in. */
struct model {
    bool has[MEMBERS_MAX];
    size_t count;
};

struct bench {
    struct keyspace *ks;
    struct key k;
    struct rng rng;
    struct model model;
    char text[70000];
};

static void setup(struct bench *b, uint64_t seed)
{
    b->ks = fixture_new(1, NULL, NULL);
    b->k = ks_key(b->ks, SLICE("k"));
    rng_seed(&b->rng, seed);
    b->model = (struct model){.count = 0};
}

/* What kinds of members a run draws from. */
enum kind { SMALL_INTEGERS, INTEGERS, SHORT, MIXED, LONG, KINDS };

/* Member n of a kind, in b->text. */
static struct slice member(struct bench *b, enum kind kind, unsigned n)
{
    static const long long steps[] = {1, 1000, 70000000, 5000000000000};
    int len;
    if (kind == MIXED)
        kind = n % 3 == 0 ? SMALL_INTEGERS : n % 3 == 1 ? INTEGERS : SHORT;
    switch (kind) {
    case SMALL_INTEGERS: len = sprintf(b->text, "%d", (int)n - 500); break;
    case INTEGERS:
        /* None is a small one, nor the same as another. */
        len = sprintf(b->text, "%s%lld", n % 2 == 0 ? "-" : "", 1000000 + n * steps[n % 4]);
        break;
    case SHORT: len = sprintf(b->text, "member:%06u", n); break;
    default:
        /* The number is at the end, so that all but the last bytes are alike. */
        len = n % 7 == 0 ? 66000 : n % 5 == 0 ? 1500 : 20 + (int)(n % 100);
        memset(b->text, 'x', (size_t)len);
        sprintf(b->text + len - 10, "%010u", n);
        break;
    }
    return slice_of(b->text, (size_t)len);
}

static void add(struct bench *b, enum kind kind, unsigned n)
{
    struct ks_edit e;
    bool added;
    assert_int_equal(ks_edit_or_new(b->ks, 0, &b->k, TYPE_SET, &e), ERR_OK);
    assert_int_equal(set_add(&e, member(b, kind, n), &added), ERR_OK);
    assert_non_null(ks_edit_end(&e));
    assert_true(added == !b->model.has[n]);
    b->model.count += added;
    b->model.has[n] = true;
}

static void drop(struct bench *b, enum kind kind, unsigned n)
{
    struct ks_edit e;
    enum err err = ks_edit_type(b->ks, 0, &b->k, TYPE_SET, &e);
    if (err == ERR_NOTFOUND) {
        assert_int_equal(b->model.count, 0);
        return;
    }
    assert_int_equal(err, ERR_OK);
    err = set_remove(&e, member(b, kind, n));
    assert_int_equal(err, b->model.has[n] ? ERR_OK : ERR_NOTFOUND);
    b->model.count -= b->model.has[n];
    b->model.has[n] = false;
    assert_true((ks_edit_end(&e) == NULL) == (b->model.count == 0));
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct listing {
    char **at;
    size_t count;
};
static void list(struct slice s, void *arg)
{
    struct listing *l = arg;
    assert_true(l->count < MEMBERS_MAX);
    l->at[l->count++] = mem_strndup(s.ptr, s.len);
}

/* Exactly the members of the model, each once. Empties the list. */
static void expect_list(struct bench *b, enum kind kind, const struct model *m, struct listing *l)
{
    char **wanted = malloc(MEMBERS_MAX * sizeof(*wanted));
    size_t count = 0;
    for (unsigned n = 0; n < MEMBERS_MAX; n++) {
        if (!m->has[n])
            continue;
        struct slice s = member(b, kind, n);
        wanted[count++] = mem_strndup(s.ptr, s.len);
    }
    assert_int_equal(l->count, m->count);
    assert_int_equal(count, m->count);
    if (count > 0) {
        qsort(wanted, count, sizeof(*wanted), compare);
        qsort(l->at, count, sizeof(*wanted), compare);
    }
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(l->at[i], wanted[i]);
        mem_free(l->at[i]);
        mem_free(wanted[i]);
    }
    free(wanted);
    l->count = 0;
}

/* The set as commands. */
static void list_commands(struct bench *b, const struct item *it, struct listing *l, bool hold)
{
    struct value_cursor c;
    struct value_command cmd;
    bool deadline = false;
    value_cursor_init(&c, it);
    while (value_cursor_next(&c, &cmd)) {
        assert_false(deadline);
        deadline = slice_is(cmd.argv[0], "pexpireat");
        if (deadline) {
            assert_true(item_has_expiry(it));
            continue;
        }
        assert_true(slice_is(cmd.argv[0], "sadd"));
        assert_true(cmd.argc > 2 && cmd.argc <= VALUE_COMMAND_ARGS_MAX);
        if (cmd.in_runs < 0) {
            for (int i = 2; i < cmd.argc; i++)
                list(cmd.argv[i], l);
        } else {
            char *text = malloc(cmd.argv[2].len);
            size_t len = 0;
            for (struct slice run; (run = value_cursor_run(&c)).len > 0; len += run.len) {
                assert_true(len + run.len <= cmd.argv[2].len);
                memcpy(text + len, run.ptr, run.len);
                if (hold)
                    assert_true(value_cursor_hold(&c, b->ks));
            }
            assert_int_equal(len, cmd.argv[2].len);
            list(slice_of(text, len), l);
            free(text);
        }
        if (hold)
            assert_true(value_cursor_hold(&c, b->ks));
    }
    assert_true(deadline == item_has_expiry(it));
    value_cursor_deinit(&c);
}

static void check(struct bench *b, enum kind kind, const struct key *k, const struct model *m)
{
    struct listing l = {malloc(MEMBERS_MAX * sizeof(char *)), 0};
    const struct item *it = ks_find(b->ks, 0, k, KS_NO_TOUCH);
    struct set_walk w;
    struct slice s;
    char scratch[NUM_I64_CHARS];
    int64_t due_ms;
    if (!it) {
        assert_int_equal(m->count, 0);
        free(l.at);
        return;
    }
    assert_int_equal(set_count(it), m->count);
    for (unsigned n = 0; n < MEMBERS_MAX; n++) {
        struct pack_entry e;
        pack_entry_init_to_find(&e, member(b, kind, n));
        assert_true(set_has(it, &e, DUES_NOTHING) == m->has[n]);
    }
    set_walk_init(&w, it, 0, DUES_NOTHING);
    while (set_walk_next(&w, &s))
        list(s, &l);
    expect_list(b, kind, m, &l);
    for (uint64_t n = 0; n < m->count; n++)
        list(set_at(it, n, &due_ms, scratch), &l);
    expect_list(b, kind, m, &l);
    uint64_t cursor = 0;
    do
        cursor = set_scan(
            it, &(struct set_scan){cursor, 1 + rng_below(&b->rng, 50), DUES_NOTHING, list, &l});
    while (cursor != 0);
    expect_list(b, kind, m, &l);
    list_commands(b, it, &l, false);
    expect_list(b, kind, m, &l);
    list_commands(b, it, &l, true);
    expect_list(b, kind, m, &l);
    free(l.at);
    ks_validate(b->ks);
}

static void random_members(enum kind kind, unsigned members, uint64_t seed)
{
    struct bench b;
    struct fixture_name names[COPIES];
    struct model copied[COPIES] = {0};
    struct key copies[COPIES];
    setup(&b, seed);
    for (unsigned i = 0; i < COPIES; i++)
        copies[i] = fixture_key(b.ks, &names[i], "copy", i);
    for (int step = 0; step < 2000; step++) {
        /* The set grows and shrinks by turns. */
        bool grow = rng_below(&b.rng, 100) < (step / 500 % 2 == 0 ? 80u : 25u);
        unsigned n = (unsigned)rng_below(&b.rng, members);
        if (grow)
            add(&b, kind, n);
        else
            drop(&b, kind, n);
        if (rng_below(&b.rng, 100) == 0 && b.model.count > 0) {
            unsigned i = (unsigned)rng_below(&b.rng, COPIES);
            struct ks_name from = {0, &b.k}, to = {0, &copies[i]};
            assert_int_equal(ks_copy(b.ks, from, to), ERR_OK);
            copied[i] = b.model;
        }
        if (rng_below(&b.rng, 250) == 0) {
            unsigned i = (unsigned)rng_below(&b.rng, COPIES);
            check(&b, kind, &b.k, &b.model);
            check(&b, kind, &copies[i], &copied[i]);
            while (ks_work(b.ks))
                ;
        }
    }
    ks_free(&b.ks);
}

static void test_random_members(void **state)
{
    (void)state;
    static const unsigned members[] = {20, 120, 700, MEMBERS_MAX};
    for (enum kind kind = 0; kind < LONG; kind++)
        for (size_t i = 0; i < 4; i++)
            random_members(kind, members[i], kind * 10 + i);
    random_members(LONG, 20, 100);
    random_members(LONG, 200, 101);
}

/* --- what OBJECT ENCODING tells ------------------------------------------------------------------------ */

static const char *encoding(const struct bench *b)
{
    return value_encoding_name(ks_find(b->ks, 0, &b->k, KS_NO_TOUCH));
}

static void test_encodings(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, 1);
    for (unsigned n = 0; n < 512; n++) {
        add(&b, SMALL_INTEGERS, n);
        assert_string_equal(encoding(&b), "intset");
    }
    add(&b, SMALL_INTEGERS, 512);
    assert_string_equal(encoding(&b), "hashtable");
    for (unsigned n = 1; n < 513; n++)
        drop(&b, SMALL_INTEGERS, n);
    assert_string_equal(encoding(&b), "hashtable");
    drop(&b, SMALL_INTEGERS, 0);

    add(&b, MIXED, 0);
    assert_string_equal(encoding(&b), "intset");
    for (unsigned n = 2; n < 130; n++) {
        add(&b, MIXED, n);
        assert_string_equal(encoding(&b), n < 129 ? "listpack" : "hashtable");
    }
    for (unsigned n = 0; n < 130; n++)
        drop(&b, MIXED, n);

    add(&b, MIXED, 2);
    add(&b, MIXED, 3);
    drop(&b, MIXED, 2);
    assert_string_equal(encoding(&b), "listpack");
    drop(&b, MIXED, 3);

    add(&b, LONG, 44); /* 64 bytes */
    assert_string_equal(encoding(&b), "listpack");
    add(&b, LONG, 46);
    assert_string_equal(encoding(&b), "hashtable");
    drop(&b, LONG, 46);
    assert_string_equal(encoding(&b), "hashtable");
    ks_free(&b.ks);
}

static void test_expected_members(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        size_t count;
        const char *encoding;
    } cases[] = {
        {"1", 512, "intset"},
        {"1", 513, "hashtable"},
        {"x", 128, "listpack"},
        {"x", 129, "hashtable"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b;
        struct ks_edit e;
        bool added;
        setup(&b, 1);
        assert_int_equal(ks_edit_or_new(b.ks, 0, &b.k, TYPE_SET, &e), ERR_OK);
        struct slice first = slice_from_cstr(cases[i].first);
        assert_int_equal(set_expect(&e, cases[i].count, first), ERR_OK);
        assert_int_equal(set_add(&e, first, &added), ERR_OK);
        ks_edit_end(&e);
        assert_string_equal(encoding(&b), cases[i].encoding);
        ks_free(&b.ks);
    }
}

/* The same members in another order and form have the same digest. */
static void test_digest(void **state)
{
    (void)state;
    struct bench b, other;
    struct digest one, two;
    setup(&b, 1);
    setup(&other, 2);
    for (unsigned n = 0; n < 100; n++) {
        add(&b, MIXED, n);
        add(&other, MIXED, 99 - n);
    }
    add(&other, MIXED, 1000);
    for (unsigned n = 100; n < 300; n++)
        add(&other, MIXED, n);
    for (unsigned n = 100; n < 300; n++)
        drop(&other, MIXED, n);
    digest_value(ks_find(b.ks, 0, &b.k, 0), &one);
    digest_value(ks_find(other.ks, 0, &other.k, 0), &two);
    assert_memory_not_equal(&one, &two, sizeof(one));
    drop(&other, MIXED, 1000);
    digest_value(ks_find(other.ks, 0, &other.k, 0), &two);
    assert_memory_equal(&one, &two, sizeof(one));
    ks_free(&b.ks);
    ks_free(&other.ks);
}

/* A deadline is the last of a set's commands. */
static void test_deadline(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, 1);
    for (unsigned n = 0; n < 400; n++) {
        add(&b, MIXED, n);
        const struct item *it = ks_find(b.ks, 0, &b.k, 0);
        assert_int_equal(ks_set_expiry(b.ks, 0, &b.k, &it, FIXTURE_NOW_MS + 1000), ERR_OK);
        if (n % 50 == 0)
            check(&b, MIXED, &b.k, &b.model);
    }
    ks_free(&b.ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_members),   cmocka_unit_test(test_encodings),
        cmocka_unit_test(test_expected_members), cmocka_unit_test(test_digest),
        cmocka_unit_test(test_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
