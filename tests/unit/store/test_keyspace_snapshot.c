/* Snapshots, several at once, each against a copy of the keyspace that is made when it begins, with every kind of
 * change between their slices. */
#include "ks_fixture.h"
#include "store/item_impl.h"

#include <stdlib.h>

#include "store/snapshot.h"

#define KEYS          400
#define STEPS         40000
#define STEPS_A_CHECK 128
#define VALUE_MAX     3000

/* What one key was when the snapshot began, and how often it has been given out. */
struct taken {
    bool there;
    unsigned times;
    int64_t expiry_ms;
    char *bytes;
    size_t len;
};

struct view {
    struct world *world;
    struct ks_snapshot *snapshot; /* NULL: none is under way */
    double done;
    struct taken taken[FIXTURE_DATABASES][KEYS];
};

struct world {
    struct keyspace *ks;
    struct rng rng;
    char name[KEYS][16];
    struct view views[KS_SNAPSHOTS_MAX];
    struct blob *held[64]; /* as a reply or a writer would */
    unsigned held_count;
    bool refusing;                               /* allocations fail now and then */
    unsigned whole, broken, flushed, busy, most; /* of these, at once */
    char text[VALUE_MAX];
};

/* --- the copy --------------------------------------------------------------------------------------- */

static uint64_t below(struct world *w, uint64_t n)
{
    return rng_below(&w->rng, n);
}

static int index_of(struct slice name)
{
    char text[16] = "";
    assert_in_range(name.len, 2, sizeof(text) - 1);
    memcpy(text, name.ptr, name.len);
    int i = atoi(text + 1);
    assert_in_range(i, 0, KEYS - 1);
    return i;
}

static struct key key_of(const struct world *w, int i)
{
    return ks_key(w->ks, slice_from_cstr(w->name[i]));
}

static void forget(struct view *v)
{
    for (int db = 0; db < FIXTURE_DATABASES; db++) {
        for (int i = 0; i < KEYS; i++) {
            free(v->taken[db][i].bytes);
            v->taken[db][i] = (struct taken){.there = false};
        }
    }
}

static unsigned active(const struct world *w)
{
    unsigned n = 0;
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++)
        n += w->views[i].snapshot != NULL;
    return n;
}

struct copying {
    struct view *v;
    int db;
};

static void copy_item(const struct item *it, void *arg)
{
    const struct copying *c = arg;
    char scratch[NUM_I64_CHARS];
    struct slice value = fixture_string(it, scratch);
    struct taken *t = &c->v->taken[c->db][index_of(item_key(it))];
    assert_false(t->there);
    *t = (struct taken){.there = true, .expiry_ms = item_expiry_ms(it), .len = value.len};
    t->bytes = malloc(value.len + 1);
    if (value.len > 0)
        memcpy(t->bytes, value.ptr, value.len);
}

static void drop_held(struct world *w)
{
    while (w->held_count > 0)
        blob_drop(w->held[--w->held_count]);
}

static void on_given(void *arg, int db, const struct item *it)
{
    struct view *v = arg;
    struct world *w = v->world;
    char scratch[NUM_I64_CHARS];
    struct taken *t = &v->taken[db][index_of(item_key(it))];
    assert_non_null(v->snapshot);
    assert_true(t->there);
    assert_int_equal(t->times++, 0);
    assert_true(slice_equal(fixture_string(it, scratch), slice_of(t->bytes, t->len)));
    assert_true(item_expiry_ms(it) == t->expiry_ms);
    if (item_enc(it) == ENC_BLOB && w->held_count < 64 && below(w, 2))
        w->held[w->held_count++] = blob_hold(item_blob(it));
}

/* False: cancelled ones are still being tidied up. */
static bool begin(struct world *w, struct view *v)
{
    bool busy = ks_snapshot_busy(w->ks);
    v->snapshot = ks_snapshot_begin(w->ks, on_given, v);
    assert_int_equal(busy, !v->snapshot);
    if (busy)
        return false;
    unsigned n = active(w);
    w->most = n > w->most ? n : w->most;
    if (n == KS_SNAPSHOTS_MAX) {
        assert_true(ks_snapshot_busy(w->ks));
        assert_null(ks_snapshot_begin(w->ks, on_given, v));
    }
    forget(v);
    for (int db = 0; db < FIXTURE_DATABASES; db++) {
        struct copying c = {v, db};
        ks_each(w->ks, db, copy_item, &c);
    }
    v->done = 0;
    return true;
}

/* The last slice has been: everything was given. */
static void check_whole(struct world *w, struct view *v)
{
    assert_true(ks_snapshot_done(v->snapshot) == 1);
    ks_snapshot_end(&v->snapshot);
    assert_null(v->snapshot);
    for (int db = 0; db < FIXTURE_DATABASES; db++) {
        for (int i = 0; i < KEYS; i++)
            assert_int_equal(v->taken[db][i].times, v->taken[db][i].there);
    }
    w->whole++;
}

/* --- changes ---------------------------------------------------------------------------------------- */

static int64_t random_expiry(struct world *w)
{
    if (below(w, 10) == 0)
        return INT64_MAX;
    return below(w, 3) ? ITEM_NO_EXPIRY : ks_now_ms(w->ks) + 1 + (int64_t)below(w, 2000);
}

static struct slice random_value(struct world *w)
{
    static const size_t lens[] = {0, 1, 8, 60, 1023, 1024, 1025, VALUE_MAX};
    size_t len = below(w, 3) ? below(w, 60) : lens[below(w, 8)];
    memset(w->text, 'a' + (int)below(w, 26), len);
    if (below(w, 3) == 0)
        len = (size_t)num_print_i64(w->text, (int64_t)rng_next(&w->rng));
    return slice_of(w->text, len);
}

static void step_edit(struct world *w, int db, const struct key *k)
{
    const struct item *it = ks_find(w->ks, db, k, 0);
    if (!it)
        return;
    size_t old_len = string_len(it);
    size_t from = below(w, 4) ? old_len + below(w, 20) : below(w, old_len + 1);
    char fill[VALUE_MAX];
    size_t n = below(w, 4) ? 1 + below(w, 20) : below(w, VALUE_MAX);
    memset(fill, 'A' + (int)below(w, 26), n);
    fixture_grow(w->ks, db, k, from, slice_of(fill, n));
}

static void step_expiry(struct world *w, int db, const struct key *k)
{
    const struct item *it = ks_find(w->ks, db, k, 0);
    if (it)
        (void)ks_set_expiry(w->ks, db, k, &it, random_expiry(w));
}

/* Moves a key elsewhere under another name, or puts a copy there. */
static void step_rename(struct world *w, int db, int i, const struct key *k)
{
    int to_db = (int)below(w, FIXTURE_DATABASES), to = (int)below(w, KEYS);
    struct key to_key = key_of(w, below(w, 4) ? to : i);
    struct ks_name from = {db, k}, there = {to_db, &to_key};
    if (!ks_find(w->ks, db, k, 0) || (db == to_db && slice_equal(k->name, to_key.name)))
        return;
    if (below(w, 2))
        (void)ks_copy(w->ks, from, there);
    else
        (void)ks_move(w->ks, from, there);
}

static void step_key(struct world *w, unsigned dice)
{
    int db = (int)below(w, FIXTURE_DATABASES), i = (int)below(w, KEYS);
    struct key k = key_of(w, i);
    if (dice < 30)
        ks_set_string(w->ks, db, &k, random_value(w),
                      below(w, 3) ? random_expiry(w) : KS_KEEP_EXPIRY);
    else if (dice < 40)
        ks_set_int(w->ks, db, &k, (int64_t)rng_next(&w->rng), KS_KEEP_EXPIRY);
    else if (dice < 50)
        ks_delete(w->ks, db, &k);
    else if (dice < 65)
        step_edit(w, db, &k);
    else if (dice < 75)
        step_expiry(w, db, &k);
    else if (dice < 85)
        step_rename(w, db, i, &k);
    else if (dice < 90)
        ks_random(w->ks, db, rng_next(&w->rng));
    else
        ks_find(w->ks, db, &k, KS_READ);
}

static void step_whole(struct world *w, unsigned dice)
{
    bool more;
    if (dice < 40) {
        ks_work(w->ks);
    } else if (dice < 70) {
        ks_clock(w->ks, ks_now_ms(w->ks) + (int64_t)below(w, 100));
        ks_expire_some(w->ks, 1 + (unsigned)below(w, 5), &more);
    } else if (dice < 80) {
        ks_swap(w->ks, (int)below(w, FIXTURE_DATABASES), (int)below(w, FIXTURE_DATABASES));
    } else if (dice < 90) {
        (void)ks_set_shards(w->ks, 1 + (unsigned)below(w, 40));
    } else {
        drop_held(w);
    }
}

static void step_flush(struct world *w)
{
    int db = (int)below(w, FIXTURE_DATABASES + 1) - 1;
    uint64_t keys = 0;
    for (int i = 0; i < FIXTURE_DATABASES; i++)
        keys += db == -1 || db == i ? ks_size(w->ks, i) : 0;
    ks_flush(w->ks, db, below(w, 2));
    w->flushed += active(w) > 0 && keys > 0;
}

/* --- snapshots among them --------------------------------------------------------------------------- */

static void step_snapshot(struct world *w)
{
    struct view *v = &w->views[below(w, KS_SNAPSHOTS_MAX)];
    if (v->snapshot) {
        if (!ks_snapshot_slice(v->snapshot, 1 + (unsigned)below(w, 40))) {
            check_whole(w, v);
            return;
        }
        double done = ks_snapshot_done(v->snapshot);
        assert_true(done >= v->done && done < 1);
        v->done = done;
    } else if (below(w, 4) == 0 && !begin(w, v)) {
        ks_work(w->ks);
        w->busy++;
    }
}

static void step_cancel(struct world *w)
{
    struct view *v = &w->views[below(w, KS_SNAPSHOTS_MAX)];
    w->broken += v->snapshot != NULL;
    ks_snapshot_end(&v->snapshot);
    assert_null(v->snapshot);
}

static void step(struct world *w)
{
    unsigned dice = (unsigned)below(w, 10000);
    if (w->refusing)
        mem_fail_after(below(w, 3) ? 0 : 1 + below(w, 4));
    if (dice < 8500)
        step_key(w, dice % 100);
    else if (dice < 9400)
        step_whole(w, dice % 100);
    mem_fail_after(0);
    if (dice >= 9400 && dice < 9970) {
        step_snapshot(w);
    } else if (dice >= 9970 && dice < 9985) {
        step_cancel(w);
    } else if (dice >= 9993) {
        step_flush(w);
    }
}

static void random_changes(uint64_t seed, unsigned shards, bool refusing)
{
    struct world *w = calloc(1, sizeof(*w));
    rng_seed(&w->rng, seed);
    for (int i = 0; i < KEYS; i++)
        snprintf(w->name[i], sizeof(w->name[i]), "k%d", i);
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++)
        w->views[i].world = w;
    w->ks = fixture_new(shards, NULL, NULL);
    w->refusing = refusing;
    for (int n = 0; n < STEPS; n++) {
        step(w);
        if (n % STEPS_A_CHECK == 0)
            ks_validate(w->ks);
    }
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        if (!w->views[i].snapshot)
            continue;
        while (ks_snapshot_slice(w->views[i].snapshot, 10))
            ;
        check_whole(w, &w->views[i]);
    }
    ks_validate(w->ks);
    assert_true(w->whole > 10 && w->broken > 3 && w->flushed > 0 && w->busy > 0);
    assert_int_equal(w->most, KS_SNAPSHOTS_MAX);
    for (int i = 0; i < KS_SNAPSHOTS_MAX; i++)
        forget(&w->views[i]);
    drop_held(w);
    ks_free(&w->ks);
    free(w);
}

static void what_is_given_is_what_was(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++)
        random_changes(seed, seed % 2 ? 1 : 7, false);
}

static void refused_memory_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++)
        random_changes(seed, seed % 2 ? 1 : 7, true);
}

/* --- single cases ----------------------------------------------------------------------------------- */

static void count_given(void *arg, int db, const struct item *it)
{
    (void)it;
    assert_in_range(db, 0, FIXTURE_DATABASES - 1);
    ((unsigned *)arg)[db]++;
}

static unsigned run_to_end(struct ks_snapshot *s, unsigned keys)
{
    unsigned slices = 1;
    for (; ks_snapshot_slice(s, keys); slices++)
        ;
    ks_snapshot_end(&s);
    return slices;
}

static void nothing_is_a_snapshot_too(void **state)
{
    (void)state;
    unsigned given[FIXTURE_DATABASES] = {0};
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    struct ks_snapshot *s = NULL;
    ks_snapshot_end(&s);
    s = ks_snapshot_begin(ks, count_given, given);
    assert_non_null(s);
    fixture_fill(ks, 1, "new", 1000, ITEM_NO_EXPIRY);
    assert_true(ks_snapshot_done(s) == 1);
    assert_false(ks_snapshot_slice(s, 1));
    assert_false(ks_snapshot_slice(s, 1));
    ks_snapshot_end(&s);
    assert_null(s);
    assert_int_equal(given[1], 0);
    ks_validate(ks);
    ks_free(&ks);
}

static void databases_are_numbered_as_at_the_beginning(void **state)
{
    (void)state;
    unsigned given[FIXTURE_DATABASES] = {0};
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    fixture_fill(ks, 0, "a", 1000, ITEM_NO_EXPIRY);
    fixture_fill(ks, 1, "b", 2000, ITEM_NO_EXPIRY);
    struct ks_snapshot *s = ks_snapshot_begin(ks, count_given, given);
    while (given[0] < 1000)
        assert_true(ks_snapshot_slice(s, 100));
    ks_swap(ks, 1, 0); /* what is left lies lower than the walk has come */
    ks_swap(ks, 1, 3);
    fixture_fill(ks, 1, "c", 500, ITEM_NO_EXPIRY);
    ks_validate(ks);
    run_to_end(s, 100);
    assert_int_equal(given[0], 1000);
    assert_int_equal(given[1], 2000);
    assert_int_equal(given[2] + given[3], 0);
    ks_free(&ks);
}

static void slices_are_bounded(void **state)
{
    (void)state;
    unsigned given[FIXTURE_DATABASES] = {0};
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    fixture_fill(ks, 0, "k", 20000, ITEM_NO_EXPIRY);
    for (int round = 0; round < 4; round++) {
        struct ks_snapshot *s = ks_snapshot_begin(ks, count_given, given);
        for (unsigned last = given[0]; ks_snapshot_slice(s, 100); last = given[0])
            assert_true(given[0] - last < 300);
        ks_snapshot_end(&s);
        assert_int_equal(given[0], 20000 * (round + 1));
        ks_set_shards(ks, 3 + (unsigned)round); /* and during the next */
    }
    /* Large values: fewer at a time. */
    static char large[100000];
    for (unsigned i = 0; i < 1000; i++) {
        struct fixture_name name;
        struct key k = fixture_key(ks, &name, "large", i);
        assert_non_null(ks_set_string(ks, 1, &k, slice_of(large, sizeof(large)), ITEM_NO_EXPIRY));
    }
    ks_flush(ks, 0, true);
    assert_true(run_to_end(ks_snapshot_begin(ks, count_given, given), 1000) > 200);
    assert_int_equal(given[1], 1000);
    ks_free(&ks);
}

#define MANY 30000

struct census {
    bool given[MANY];
    unsigned count;
};

static void count_number(void *arg, int db, const struct item *it)
{
    struct census *c = arg;
    int64_t n = item_int(it);
    assert_int_equal(db, 0);
    assert_in_range(n, 0, MANY - 1);
    assert_false(c->given[n]);
    c->given[n] = true;
    c->count++;
}

/* Between slices half of the keys go and twice as many come, through growing, shrinking and moving tables. */
static void tables_may_change_their_size(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct fixture_name name;
    fixture_fill(ks, 0, "old", MANY, ITEM_NO_EXPIRY);
    for (unsigned round = 0; round < 6; round++) {
        struct census *c = calloc(1, sizeof(*c));
        struct ks_snapshot *s = ks_snapshot_begin(ks, count_number, c);
        assert_non_null(s);
        assert_int_equal(ks_set_shards(ks, 1 + round * 5 % 7), ERR_OK);
        for (unsigned n = 0; ks_snapshot_slice(s, 64); n++) {
            for (unsigned i = n * 200; i < (n + 1) * 200 && i < 2 * MANY; i++) {
                struct key k = fixture_key(ks, &name, "new", i);
                assert_non_null(ks_set_int(ks, 0, &k, -1, ITEM_NO_EXPIRY));
            }
            for (unsigned i = n * 100; i < (n + 1) * 100 && i < MANY; i++) {
                struct key k = fixture_key(ks, &name, "old", i);
                assert_true(i % 2 ? ks_delete(ks, 0, &k)
                                  : ks_set_int(ks, 0, &k, -1, ITEM_NO_EXPIRY) != NULL);
            }
            ks_work(ks);
            if (n % 32 == 0)
                ks_validate(ks);
        }
        assert_int_equal(c->count, MANY);
        ks_snapshot_end(&s);
        free(c);
        for (unsigned i = 0; i < 2 * MANY; i++) {
            struct key k = fixture_key(ks, &name, "new", i);
            ks_delete(ks, 0, &k);
        }
        fixture_settle(ks);
        fixture_fill(ks, 0, "old", MANY, ITEM_NO_EXPIRY);
    }
    ks_free(&ks);
}

static void due_keys_are_given_with_their_deadline(void **state)
{
    (void)state;
    unsigned given[FIXTURE_DATABASES] = {0};
    bool more;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    fixture_fill(ks, 0, "k", 1000, FIXTURE_NOW_MS + 10);
    ks_clock(ks, FIXTURE_NOW_MS + 1000);
    struct ks_snapshot *s = ks_snapshot_begin(ks, count_given, given);
    assert_int_equal(ks_expire_some(ks, 100, &more), 100);
    assert_int_equal(given[0], 100);
    run_to_end(s, 100);
    assert_int_equal(given[0], 1000);
    ks_validate(ks);
    ks_free(&ks);
}

static void a_flush_breaks_no_snapshot(void **state)
{
    (void)state;
    unsigned given[FIXTURE_DATABASES] = {0};
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    struct ks_stats stats;
    fixture_fill(ks, 0, "k", 5000, ITEM_NO_EXPIRY);
    fixture_fill(ks, 1, "k", 5000, ITEM_NO_EXPIRY);
    struct ks_snapshot *s = ks_snapshot_begin(ks, count_given, given);
    assert_true(ks_snapshot_slice(s, 100));
    /* However often, and whatever comes in between, at each instant as many slices are left as before. */
    unsigned slices = 0;
    do {
        ks_flush(ks, slices % 2 ? 0 : -1, slices % 3 == 0);
        assert_int_equal(ks_size(ks, 0), 0);
        fixture_fill(ks, 0, "new", 50, ITEM_NO_EXPIRY);
        ks_work(ks);
        ks_validate(ks);
    } while (ks_snapshot_slice(s, 100) && ++slices < 1000);
    ks_snapshot_end(&s);
    assert_in_range(slices, 50, 200);
    assert_int_equal(given[0], 5000);
    assert_int_equal(given[1], 5000);
    /* What was flushed is freed once it has been given. */
    fixture_settle(ks);
    ks_stats(ks, &stats);
    assert_int_equal(stats.lazy_pending, 0);
    assert_int_equal(ks_size(ks, 0), 50);
    struct ks_snapshot *others[2];
    s = ks_snapshot_begin(ks, count_given, given);
    others[0] = ks_snapshot_begin(ks, count_given, given);
    others[1] = ks_snapshot_begin(ks, count_given, given);
    ks_flush(ks, -1, true);
    ks_stats(ks, &stats);
    assert_int_equal(stats.lazy_pending, 50);
    /* Snapshots that are given up let it go, too, the last of them. */
    ks_snapshot_end(&others[1]);
    ks_snapshot_end(&s);
    ks_validate(ks);
    fixture_settle(ks);
    ks_stats(ks, &stats);
    assert_int_equal(stats.lazy_pending, 50);
    ks_snapshot_end(&others[0]);
    ks_validate(ks);
    run_to_end(ks_snapshot_begin(ks, count_given, given), 1);
    fixture_settle(ks);
    ks_stats(ks, &stats);
    assert_int_equal(stats.lazy_pending, 0);
    ks_free(&ks);
}

/* Each gives what was there when it began, whoever changes it, at its own pace. */
static void several_are_of_several_instants(void **state)
{
    (void)state;
    unsigned given[KS_SNAPSHOTS_MAX][FIXTURE_DATABASES] = {{0}};
    struct ks_snapshot *s[KS_SNAPSHOTS_MAX];
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    struct fixture_name name;
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        fixture_fill(ks, (int)i, "k", 1000, ITEM_NO_EXPIRY);
        s[i] = ks_snapshot_begin(ks, count_given, given[i]);
        assert_non_null(s[i]);
    }
    assert_true(ks_snapshot_busy(ks));
    assert_null(ks_snapshot_begin(ks, count_given, given[0]));
    /* A change gives it to all that have it, at once, and once. */
    struct key k = fixture_key(ks, &name, "k", 7);
    assert_true(ks_delete(ks, 0, &k) && ks_delete(ks, 3, &k));
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        assert_int_equal(given[i][0], 1);
        assert_int_equal(given[i][3], i == 3);
    }
    ks_validate(ks);
    run_to_end(s[2], 50);
    ks_snapshot_end(&s[1]);
    assert_false(ks_snapshot_busy(ks));
    ks_validate(ks);
    fixture_fill(ks, 0, "k", 1000, ITEM_NO_EXPIRY);
    run_to_end(s[3], 70);
    run_to_end(s[0], 90);
    for (unsigned i = 0; i < KS_SNAPSHOTS_MAX; i++) {
        for (unsigned db = 0; db < KS_SNAPSHOTS_MAX && i != 1; db++)
            assert_int_equal(given[i][db], db <= i ? 1000 : 0);
    }
    fixture_settle(ks);
    ks_validate(ks);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_what_was),
        cmocka_unit_test(refused_memory_loses_nothing),
        cmocka_unit_test(nothing_is_a_snapshot_too),
        cmocka_unit_test(databases_are_numbered_as_at_the_beginning),
        cmocka_unit_test(slices_are_bounded),
        cmocka_unit_test(tables_may_change_their_size),
        cmocka_unit_test(due_keys_are_given_with_their_deadline),
        cmocka_unit_test(a_flush_breaks_no_snapshot),
        cmocka_unit_test(several_are_of_several_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
