/* Sets whose members have deadlines, against a naive model: random members come, go and get deadlines across all forms,
 * time goes on, copies never change, and the commands of a set tell its deadlines. */
#include <stdlib.h>

#include "ks_fixture.h"

#include "ds/duetree.h"
#include "store/set.h"

#define MEMBERS_MAX 900

struct shown { /* a member of the model */
    bool there;
    int64_t due_ms;
};
struct bench {
    struct keyspace *ks;
    struct key k, copy;
    struct rng rng;
    struct shown of[MEMBERS_MAX], copied[MEMBERS_MAX];
    bool words; /* else integers */
    int64_t now_ms;
    size_t told;
};

static unsigned number_of(struct slice name)
{
    char text[64];
    assert_true(name.len < sizeof(text));
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return (unsigned)atoi(text + (text[0] == 'm' ? 2 : 0));
}

static struct slice name_of(const struct bench *b, unsigned n, char out[64])
{
    return slice_of(out, (size_t)(b->words ? sprintf(out, "m:%u:%.*s", n, (int)(n % 20),
                                                     "abcdefghijklmnopqrstu")
                                           : sprintf(out, "%u", n)));
}

static void on_elements(void *arg, const struct ks_elements *told)
{
    struct bench *b = arg;
    assert_int_equal(told->type, TYPE_SET);
    for (size_t i = 0; i < told->count; i++) {
        unsigned n = number_of(told->names[i]);
        if (!slice_equal(told->key, SLICE("k")))
            continue;
        assert_true(b->of[n].there && b->of[n].due_ms <= b->now_ms);
        b->of[n].there = false;
        b->told++;
    }
}

static void setup(struct bench *b, bool words, uint64_t seed)
{
    memset(b, 0, sizeof(*b));
    b->words = words;
    b->now_ms = FIXTURE_NOW_MS;
    b->ks = fixture_new(3, NULL, NULL);
    ks_on_elements_expired(b->ks, on_elements, b);
    b->k = ks_key(b->ks, SLICE("k"));
    b->copy = ks_key(b->ks, SLICE("{k}copy"));
    rng_seed(&b->rng, seed);
}

static void add(struct bench *b, unsigned n)
{
    struct ks_edit e;
    char name[64];
    bool added;
    struct shown *s = &b->of[n];
    assert_int_equal(ks_edit_or_new(b->ks, 0, &b->k, TYPE_SET, &e), ERR_OK);
    assert_int_equal(set_add(&e, name_of(b, n, name), &added), ERR_OK);
    assert_non_null(ks_edit_end(&e));
    assert_int_equal(added, !s->there);
    if (!s->there)
        *s = (struct shown){true, DUES_NONE};
}

static void drop_or_date(struct bench *b, unsigned n, bool drop)
{
    struct ks_edit e;
    char name[64];
    struct shown *s = &b->of[n];
    if (ks_edit_type(b->ks, 0, &b->k, TYPE_SET, &e) != ERR_OK)
        return;
    enum err err, expected = s->there ? ERR_OK : ERR_NOTFOUND;
    if (drop) {
        err = set_remove(&e, name_of(b, n, name));
        s->there = false;
    } else {
        s->due_ms =
            rng_below(&b->rng, 4) ? b->now_ms + 1 + (int64_t)rng_below(&b->rng, 1000) : DUES_NONE;
        err = set_set_due(&e, name_of(b, n, name), s->due_ms);
    }
    assert_int_equal(err, expected);
    ks_edit_end(&e);
}

/* The commands of the set give its members, and then their deadlines. */
static void check_commands(const struct item *it, const struct shown *of)
{
    struct value_cursor c;
    struct value_command cmd;
    struct shown *got = calloc(MEMBERS_MAX, sizeof(*got));
    value_cursor_init(&c, it);
    while (value_cursor_next(&c, &cmd)) {
        if (slice_is(cmd.argv[0], "sadd")) {
            for (int i = 2; i < cmd.argc; i++)
                got[number_of(cmd.argv[i])] = (struct shown){true, DUES_NONE};
            continue;
        }
        assert_true(slice_is(cmd.argv[0], "spexpireat") && slice_is(cmd.argv[3], "members"));
        assert_true(cmd.argc == 6 && slice_equal(cmd.argv[4], SLICE("1")));
        assert_true(num_parse_i64(cmd.argv[2], &got[number_of(cmd.argv[5])].due_ms));
    }
    value_cursor_deinit(&c);
    for (unsigned n = 0; n < MEMBERS_MAX; n++) {
        assert_int_equal(got[n].there, of[n].there);
        if (of[n].there)
            assert_int_equal(got[n].due_ms, of[n].due_ms);
    }
    free(got);
}

static void check(struct bench *b, const struct key *k, const struct shown *of)
{
    const struct item *it = ks_find(b->ks, 0, k, KS_NO_TOUCH);
    struct set_walk w;
    struct slice member;
    size_t live = 0, due = 0, walked = 0;
    int64_t least_ms = DUES_NONE;
    char name[64];
    for (unsigned n = 0; n < MEMBERS_MAX; n++) {
        struct pack_entry m;
        int64_t due_ms;
        bool is_due = of[n].there && of[n].due_ms <= b->now_ms;
        due += is_due;
        live += of[n].there && !is_due;
        if (of[n].there && of[n].due_ms < least_ms)
            least_ms = of[n].due_ms;
        pack_entry_init_to_find(&m, name_of(b, n, name));
        assert_int_equal(it && set_has(it, &m, b->now_ms), of[n].there && !is_due);
        assert_int_equal(it && set_find(it, &m, &due_ms), of[n].there);
        if (of[n].there)
            assert_int_equal(due_ms, of[n].due_ms);
    }
    assert_int_equal(it != NULL, live + due > 0);
    if (!it)
        return;
    assert_int_equal(set_count(it), live + due);
    assert_int_equal(dues_count(it, b->now_ms), due);
    assert_true(dues_least_ms(it) <= least_ms);
    set_walk_init(&w, it, 0, b->now_ms);
    for (; set_walk_next(&w, &member); walked++)
        assert_int_equal(w.due_ms, of[number_of(member)].due_ms);
    assert_int_equal(walked, live);
    check_commands(it, of);
    ks_validate(b->ks);
}

static void expire(struct bench *b)
{
    bool more = true;
    while (more)
        ks_expire_some(b->ks, 10, &more);
    for (unsigned n = 0; n < MEMBERS_MAX; n++)
        assert_true(!b->of[n].there || b->of[n].due_ms > b->now_ms - 2 * DUETREE_TICK_MS);
}

static void random_members(bool words, unsigned members, uint64_t seed)
{
    struct bench b;
    setup(&b, words, seed);
    for (int step = 0; step < 4000; step++) {
        unsigned n = (unsigned)rng_below(&b.rng, members), what = (unsigned)rng_below(&b.rng, 100);
        if (what < (step / 1000 % 2 ? 20u : 60u))
            add(&b, n);
        else
            drop_or_date(&b, n, what % 2);
        if (what == 99) {
            b.now_ms += (int64_t)rng_below(&b.rng, 300);
            ks_clock(b.ks, b.now_ms);
            check(&b, &b.k, b.of);
            expire(&b);
        }
        if (step % 500 == 499) {
            check(&b, &b.k, b.of);
            check(&b, &b.copy, b.copied);
            if (ks_find(b.ks, 0, &b.k, KS_NO_TOUCH)) {
                struct ks_name from = {0, &b.k}, to = {0, &b.copy};
                assert_int_equal(ks_copy(b.ks, from, to), ERR_OK);
                memcpy(b.copied, b.of, sizeof(b.of));
                /* Its own deadlines are not to come in this test. */
                for (unsigned i = 0; i < members; i++)
                    if (b.copied[i].there && b.copied[i].due_ms != DUES_NONE) {
                        struct ks_edit e;
                        char name[64];
                        assert_int_equal(ks_edit_type(b.ks, 0, &b.copy, TYPE_SET, &e), ERR_OK);
                        b.copied[i].due_ms = FIXTURE_NOW_MS * 2 + i;
                        assert_int_equal(set_set_due(&e, name_of(&b, i, name), b.copied[i].due_ms),
                                         ERR_OK);
                        ks_edit_end(&e);
                    }
            }
        }
    }
    assert_true(b.told > 0);
    ks_free(&b.ks);
}

static void test_random_members(void **state)
{
    (void)state;
    static const unsigned members[] = {8, 100, MEMBERS_MAX};
    for (size_t i = 0; i < 3; i++) {
        random_members(false, members[i], i + 1);
        random_members(true, members[i], i + 11);
    }
}

/* ks_expire_elements removes all that is due of one key at once. */
static void test_expire_elements(void **state)
{
    (void)state;
    struct bench b;
    setup(&b, true, 3);
    for (unsigned n = 0; n < MEMBERS_MAX; n++) {
        add(&b, n);
        if (n % 3)
            drop_or_date(&b, n, false);
    }
    b.now_ms += 500;
    ks_clock(b.ks, b.now_ms);
    assert_int_equal(ks_expire_elements(b.ks, 0, &b.k), ERR_OK);
    for (unsigned n = 0; n < MEMBERS_MAX; n++)
        assert_true(!b.of[n].there || b.of[n].due_ms > b.now_ms);
    check(&b, &b.k, b.of);
    ks_free(&b.ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_members),
        cmocka_unit_test(test_expire_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
