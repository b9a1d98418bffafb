/* Hashes against a naive model: random fields, values and deadlines across all forms, copies that never change, hashes
 * as commands, and fields whose time comes. */
#include <stdlib.h>

#include "ks_fixture.h"

#include "store/digest.h"
#include "store/hash.h"

#define FIELDS_MAX 600
#define SHARDS     3

struct shown { /* a field of the model */
    bool there;
    uint32_t value; /* of which the text is made */
    int64_t due_ms;
};
struct bench {
    struct keyspace *ks;
    struct key k, copy;
    struct rng rng;
    struct shown of[FIELDS_MAX];
    size_t told; /* fields that the keyspace said it removed */
    bool gone;
    int64_t now_ms;
};

static void on_elements(void *arg, const struct ks_elements *told)
{
    struct bench *b = arg;
    for (size_t i = 0; i < told->count; i++) {
        unsigned n = (unsigned)atoi(told->names[i].ptr + 2);
        assert_true(slice_equal(told->key, SLICE("k")));
        assert_true(b->of[n].there && b->of[n].due_ms <= b->now_ms);
        b->of[n].there = false;
    }
    b->told += told->count;
    b->gone = told->gone;
}

static void setup(struct bench *b, uint64_t seed)
{
    memset(b, 0, sizeof(*b));
    b->now_ms = FIXTURE_NOW_MS;
    b->ks = fixture_new(SHARDS, NULL, NULL);
    ks_on_elements_expired(b->ks, on_elements, b);
    b->k = ks_key(b->ks, SLICE("k"));
    b->copy = ks_key(b->ks, SLICE("{k}copy"));
    rng_seed(&b->rng, seed);
}

static struct slice name_of(unsigned n, char out[64])
{
    return slice_of(out,
                    (size_t)sprintf(out, "f:%u:%.*s", n, (int)(n % 20), "abcdefghijklmnopqrstu"));
}

static struct slice value_of(uint32_t v, char out[3000])
{
    int len = sprintf(out, "%u", v);
    if (v % 3 == 0) {
        memset(out + len, 'v', v % 50 + (v % 97 == 0 ? 2000 : 0));
        len += (int)(v % 50 + (v % 97 == 0 ? 2000 : 0));
    }
    return slice_of(out, (size_t)len);
}

static int64_t some_due(struct bench *b)
{
    return b->now_ms + 1 + (int64_t)(rng_next(&b->rng) % 1000);
}

static void set(struct bench *b, unsigned n, bool dues)
{
    struct ks_edit e;
    char name[64], value[3000];
    bool added;
    uint32_t v = (uint32_t)rng_next(&b->rng) >> 12;
    struct shown *s = &b->of[n];
    int64_t due_ms = DUES_NONE;
    if (dues && v % 4 == 0)
        due_ms = some_due(b);
    else if (v % 4 == 1)
        due_ms = DUES_KEEP;
    assert_int_equal(ks_edit_or_new(b->ks, 0, &b->k, TYPE_HASH, &e), ERR_OK);
    struct hash_new new = {name_of(n, name), value_of(v, value), due_ms};
    assert_int_equal(hash_set(&e, &new, &added), ERR_OK);
    assert_non_null(ks_edit_end(&e));
    bool was = s->there && s->due_ms > b->now_ms;
    assert_int_equal(added, !was);
    if (due_ms == DUES_KEEP)
        due_ms = was ? s->due_ms : DUES_NONE;
    *s = (struct shown){true, v, due_ms};
}

static void drop_or_date(struct bench *b, unsigned n, bool dues)
{
    struct ks_edit e;
    char name[64];
    struct shown *s = &b->of[n];
    if (ks_edit_type(b->ks, 0, &b->k, TYPE_HASH, &e) != ERR_OK)
        return;
    enum err err, expected = s->there ? ERR_OK : ERR_NOTFOUND;
    if (dues && rng_next(&b->rng) % 2) {
        int64_t due_ms = rng_next(&b->rng) % 3 ? some_due(b) : DUES_NONE;
        err = hash_set_due(&e, name_of(n, name), due_ms);
        s->due_ms = due_ms;
    } else {
        err = hash_remove(&e, name_of(n, name));
        s->there = false;
    }
    assert_int_equal(err, expected);
    ks_edit_end(&e);
}

static void check(const struct bench *b, const struct item *it, const struct shown *of)
{
    size_t count = 0, due = 0, walked = 0;
    struct hash_field f;
    char name[64], value[3000], scratch[NUM_I64_CHARS];
    for (unsigned n = 0; n < FIELDS_MAX; n++) {
        bool live = of[n].there && of[n].due_ms > b->now_ms;
        bool found = it && hash_find(it, name_of(n, name), b->now_ms, &f);
        count += of[n].there;
        due += of[n].there && !live;
        assert_int_equal(found, live);
        if (!found)
            continue;
        assert_int_equal(f.due_ms, of[n].due_ms);
        assert_true(slice_equal(pack_string(f.value, scratch), value_of(of[n].value, value)));
    }
    if (!it) {
        assert_int_equal(count, 0);
        return;
    }
    struct hash_walk w;
    assert_int_equal(hash_count(it), count);
    assert_int_equal(dues_count(it, b->now_ms), due);
    hash_walk_init(&w, it, 0);
    while (hash_walk_next(&w, &f)) {
        struct hash_field nth = hash_at(it, walked++);
        assert_ptr_equal(nth.name, f.name);
        assert_true(f.due_ms >= dues_least_ms(it));
        hash_walk_init(&w, it, hash_walk_at(&w)); /* goes on where it was */
    }
    assert_int_equal(walked, count);
}

static const struct item *item_of(const struct bench *b, const struct key *k)
{
    return ks_find(b->ks, 0, k, KS_NO_TOUCH);
}

static void run(uint64_t seed, unsigned fields, bool dues)
{
    struct bench b;
    static struct shown held[FIELDS_MAX];
    setup(&b, seed);
    for (unsigned i = 0; i < 4000; i++) {
        unsigned n = rng_next(&b.rng) % fields;
        if (rng_next(&b.rng) % 10 < (i / 700 % 2 ? 3u : 7u))
            set(&b, n, dues);
        else
            drop_or_date(&b, n, dues);
        if (i % 40 != 0)
            continue;
        check(&b, item_of(&b, &b.k), b.of);
        if (i % 160 == 0 && i > 0 && item_of(&b, &b.copy))
            check(&b, item_of(&b, &b.copy), held);
        if (i % 160 == 0 && item_of(&b, &b.k)) {
            ks_copy(b.ks, (struct ks_name){0, &b.k}, (struct ks_name){0, &b.copy});
            memcpy(held, b.of, sizeof(held));
        }
        ks_validate(b.ks);
    }
    ks_free(&b.ks);
}

static void test_fields_come_and_go(void **state)
{
    (void)state;
    run(1, 8, false);
    run(2, 60, false);
    run(3, FIELDS_MAX, false);
}

static void test_with_deadlines(void **state)
{
    (void)state;
    run(4, 8, true);
    run(5, 60, true);
    run(6, FIELDS_MAX, true);
}

/* Time passes in steps: what is due is hidden at once, and removed by the keyspace, with all told. */
static void expire_all(uint64_t seed, unsigned fields)
{
    struct bench b;
    bool more;
    setup(&b, seed);
    for (unsigned n = 0; n < fields; n++)
        set(&b, n, true);
    for (unsigned n = 0; n < fields; n++) {
        struct ks_edit e;
        char name[64];
        assert_int_equal(ks_edit_type(b.ks, 0, &b.k, TYPE_HASH, &e), ERR_OK);
        b.of[n].due_ms = some_due(&b);
        assert_int_equal(hash_set_due(&e, name_of(n, name), b.of[n].due_ms), ERR_OK);
        ks_edit_end(&e);
    }
    for (int step = 0; step < 25; step++) {
        b.now_ms += 50;
        ks_clock(b.ks, b.now_ms);
        check(&b, item_of(&b, &b.k), b.of);
        ks_set_expiry_mode(b.ks, KS_EXPIRY_HIDE);
        assert_int_equal(ks_expire_some(b.ks, 1000, &more), 0);
        ks_set_expiry_mode(b.ks, KS_EXPIRY_REMOVE);
        for (int i = 0; i < 1000 && ks_next_expiry_ms(b.ks) <= b.now_ms; i++)
            ks_expire_some(b.ks, 1000, &more);
        assert_true(ks_next_expiry_ms(b.ks) > b.now_ms);
        check(&b, item_of(&b, &b.k), b.of);
        /* Bounds are kept in ticks: what is due within the last of them may be there yet. */
        for (unsigned n = 0; n < fields; n++)
            assert_true(!b.of[n].there || b.of[n].due_ms > b.now_ms - 16);
        ks_validate(b.ks);
    }
    assert_int_equal(b.told, fields);
    assert_true(b.gone);
    assert_null(item_of(&b, &b.k));
    struct ks_stats stats;
    ks_stats(b.ks, &stats);
    assert_int_equal(stats.elements_expired, fields);
    ks_free(&b.ks);
}

static void test_fields_go_when_their_time_comes(void **state)
{
    (void)state;
    expire_all(7, 5);
    expire_all(8, 500);
}

/* The deadlines of a hash are found under its new name, and while it moves among shards. */
static void test_moved_hashes_are_found_in_time(void **state)
{
    (void)state;
    struct bench b;
    bool more;
    setup(&b, 9);
    set(&b, 0, false);
    struct ks_edit e;
    char name[64];
    assert_int_equal(ks_edit_type(b.ks, 0, &b.k, TYPE_HASH, &e), ERR_OK);
    assert_int_equal(hash_set_due(&e, name_of(0, name), b.now_ms + 100), ERR_OK);
    ks_edit_end(&e);
    struct key other = ks_key(b.ks, SLICE("other"));
    assert_int_equal(ks_move(b.ks, (struct ks_name){0, &b.k}, (struct ks_name){1, &other}), ERR_OK);
    assert_int_equal(ks_move(b.ks, (struct ks_name){1, &other}, (struct ks_name){2, &b.k}), ERR_OK);
    assert_int_equal(ks_set_shards(b.ks, 7), ERR_OK);
    while (ks_work(b.ks))
        ;
    b.of[0].due_ms = b.now_ms + 100;
    b.now_ms += 200;
    ks_clock(b.ks, b.now_ms);
    for (int i = 0; i < 100 && b.told == 0; i++)
        ks_expire_some(b.ks, 100, &more);
    assert_int_equal(b.told, 1);
    assert_int_equal(ks_size(b.ks, 2), 0);
    ks_free(&b.ks);
}

static struct digest digest_of(const struct item *it)
{
    struct digest d = {{0}};
    value_ops(TYPE_HASH)->digest(it, &d);
    return d;
}

/* The commands that a cursor gives make the same hash. */
static void test_as_commands(void **state)
{
    (void)state;
    for (unsigned fields = 4; fields <= FIELDS_MAX; fields *= 5) {
        struct bench b;
        struct value_cursor c;
        struct value_command cmd;
        setup(&b, fields);
        for (unsigned n = 0; n < fields; n++)
            set(&b, n, true);
        value_cursor_init(&c, item_of(&b, &b.k));
        for (unsigned i = 0; value_cursor_next(&c, &cmd); i++) {
            struct ks_edit e;
            struct key made = ks_key(b.ks, SLICE("made"));
            bool added;
            int64_t due_ms;
            assert_int_equal(ks_edit_or_new(b.ks, 1, &made, TYPE_HASH, &e), ERR_OK);
            if (slice_equal(cmd.argv[0], SLICE("HPEXPIREAT"))) {
                assert_true(num_parse_i64(cmd.argv[2], &due_ms));
                assert_int_equal(hash_set_due(&e, cmd.argv[5], due_ms), ERR_OK);
            } else {
                for (int j = 2; j < cmd.argc; j += 2) {
                    struct hash_new n = {cmd.argv[j], cmd.argv[j + 1], DUES_NONE};
                    assert_int_equal(hash_set(&e, &n, &added), ERR_OK);
                    assert_true(added);
                }
            }
            ks_edit_end(&e);
            if (i == 1)
                assert_true(value_cursor_hold(&c, b.ks));
        }
        struct key made = ks_key(b.ks, SLICE("made"));
        struct digest a = digest_of(item_of(&b, &b.k)), d = digest_of(ks_find(b.ks, 1, &made, 0));
        assert_memory_equal(&a, &d, sizeof(a));
        value_cursor_deinit(&c);
        ks_free(&b.ks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_and_go),
        cmocka_unit_test(test_with_deadlines),
        cmocka_unit_test(test_fields_go_when_their_time_comes),
        cmocka_unit_test(test_moved_hashes_are_found_in_time),
        cmocka_unit_test(test_as_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
