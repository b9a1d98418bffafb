/* Random operations on several databases against a naive model, with every slice of work, resharding, flushing,
 * swapping and passing time in between. */
#include "ks_fixture.h"

#include <stdlib.h>

#define KEYS            300
#define STEPS           20000
#define STEPS_A_CHECK   64
#define MODEL_LINES_MAX 30 /* of a bucket: no look for an item goes on longer */
#define VALUE_MAX       9000

struct model_value {
    bool there;
    int64_t expiry_ms;
    char *bytes;
    size_t len;
};

struct world {
    struct keyspace *ks;
    struct rng rng;
    char *name[KEYS];
    size_t name_len[KEYS];
    struct model_value value[FIXTURE_DATABASES][KEYS];
    uint64_t expired;
    char text[VALUE_MAX];
};

/* --- the model -------------------------------------------------------------------------------------- */

static struct slice name_of(const struct world *w, int i)
{
    return slice_of(w->name[i], w->name_len[i]);
}

static int index_of(const struct world *w, struct slice name)
{
    for (int i = 0; i < KEYS; i++) {
        if (slice_equal(name_of(w, i), name))
            return i;
    }
    fail_msg("a key that nobody made");
    return -1;
}

static void model_drop(struct model_value *v)
{
    free(v->bytes);
    *v = (struct model_value){.there = false};
}

static void model_set(struct model_value *v, struct slice s, int64_t expiry_ms)
{
    char *bytes = malloc(s.len ? s.len : 1); /* s may be the old bytes */
    if (s.len > 0)
        memcpy(bytes, s.ptr, s.len);
    free(v->bytes);
    *v = (struct model_value){true, expiry_ms, bytes, s.len};
}

static bool is_visible(const struct world *w, const struct model_value *v)
{
    return v->there && (v->expiry_ms == ITEM_NO_EXPIRY || v->expiry_ms > ks_now_ms(w->ks));
}

static void on_expired(void *arg, int db, struct slice key)
{
    struct world *w = arg;
    struct model_value *v = &w->value[db][index_of(w, key)];
    assert_true(v->there); /* so it is called once */
    assert_true(v->expiry_ms <= ks_now_ms(w->ks));
    model_drop(v);
    w->expired++;
}

static void assert_same(const struct item *it, const struct model_value *v)
{
    char scratch[NUM_I64_CHARS];
    assert_non_null(it);
    assert_true(slice_equal(fixture_string(it, scratch), slice_of(v->bytes, v->len)));
    assert_true(item_expiry_ms(it) == v->expiry_ms);
}

/* --- comparing -------------------------------------------------------------------------------------- */

struct tally {
    struct world *w;
    int db;
    unsigned times[KEYS];
};

static void count_item(const struct item *it, void *arg)
{
    struct tally *t = arg;
    int i = index_of(t->w, item_key(it));
    assert_true(t->w->value[t->db][i].there);
    assert_same(it, &t->w->value[t->db][i]);
    t->times[i]++;
}

static void compare(struct world *w)
{
    ks_validate(w->ks);
    for (int db = 0; db < FIXTURE_DATABASES; db++) {
        struct tally each = {.w = w, .db = db}, scan = each;
        uint64_t keys = 0, expires = 0, cursor = 0;
        ks_each(w->ks, db, count_item, &each);
        do
            cursor = ks_scan(w->ks, db, cursor, 1 + rng_below(&w->rng, 50), count_item, &scan);
        while (cursor);
        for (int i = 0; i < KEYS; i++) {
            const struct model_value *v = &w->value[db][i];
            assert_int_equal(each.times[i], v->there);
            assert_int_equal(scan.times[i], v->there);
            keys += v->there;
            expires += v->there && v->expiry_ms != ITEM_NO_EXPIRY;
        }
        assert_int_equal(ks_size(w->ks, db), keys);
        assert_int_equal(ks_expires(w->ks, db), expires);
    }
    struct ks_stats stats;
    ks_stats(w->ks, &stats);
    assert_int_equal(stats.expired, w->expired);
}

/* --- operations ------------------------------------------------------------------------------------- */

static uint64_t below(struct world *w, uint64_t n)
{
    return rng_below(&w->rng, n);
}

static int64_t random_expiry(struct world *w)
{
    if (below(w, 10) == 0)
        return INT64_MAX - (int64_t)below(w, 2);
    return below(w, 3) ? ITEM_NO_EXPIRY : ks_now_ms(w->ks) + 1 + (int64_t)below(w, 3000);
}

static struct slice random_value(struct world *w)
{
    static const size_t lens[] = {0, 1, 8, 60, 1023, 1024, 1025, 4000, VALUE_MAX};
    size_t len = below(w, 2) ? below(w, 100) : lens[below(w, 9)];
    memset(w->text, 'a' + (int)below(w, 26), len);
    if (below(w, 3) == 0)
        len = (size_t)num_print_i64(w->text, (int64_t)rng_next(&w->rng));
    return slice_of(w->text, len);
}

static void step_set(struct world *w, int db, int i, const struct key *k)
{
    struct model_value *v = &w->value[db][i];
    struct slice value = random_value(w);
    int64_t expiry_ms = below(w, 3) ? random_expiry(w) : KS_KEEP_EXPIRY;
    const struct item *it = ks_set_string(w->ks, db, k, value, expiry_ms);
    if (expiry_ms == KS_KEEP_EXPIRY)
        expiry_ms = v->there ? v->expiry_ms : ITEM_NO_EXPIRY;
    model_set(v, value, expiry_ms);
    assert_same(it, v);
}

static void step_find(struct world *w, int db, int i, const struct key *k)
{
    const struct model_value *v = &w->value[db][i];
    ks_prefetch(w->ks, db, k);
    for (int line = 0; ks_prefetch_item(w->ks, db, k, line); line++)
        assert_int_not_equal(line, MODEL_LINES_MAX);
    const struct item *near = ks_peek(w->ks, db, k);
    if (near && slice_equal(item_key(near), k->name))
        assert_true(v->there);
    const struct item *it = ks_find(w->ks, db, k, KS_READ);
    assert_int_equal(it != NULL, is_visible(w, v));
    if (it)
        assert_same(it, v);
    assert_int_equal(v->there, it != NULL); /* what was due was removed */
}

static void step_delete(struct world *w, int db, int i, const struct key *k)
{
    struct model_value *v = &w->value[db][i];
    bool was_visible = is_visible(w, v);
    assert_int_equal(ks_delete(w->ks, db, k), was_visible);
    model_drop(v);
}

static void step_edit(struct world *w, int db, int i, const struct key *k)
{
    const struct item *it = ks_find(w->ks, db, k, 0);
    struct model_value *v = &w->value[db][i];
    if (!it)
        return;
    size_t len = below(w, 4) ? v->len + below(w, 40) : below(w, VALUE_MAX);
    if (len > VALUE_MAX)
        len = VALUE_MAX;
    size_t from = below(w, 2) ? len : below(w, v->len + 1);
    char fill[40];
    size_t n = VALUE_MAX - from < sizeof(fill) ? VALUE_MAX - from : sizeof(fill);
    memset(fill, 'A' + (int)below(w, 26), n);
    size_t all = from + n > v->len ? from + n : v->len;
    assert_true(fixture_grow(w->ks, db, k, from, slice_of(fill, n)));
    memset(w->text, 0, all);
    memcpy(w->text, v->bytes, v->len);
    memcpy(w->text + from, fill, n);
    model_set(v, slice_of(w->text, all), v->expiry_ms);
    assert_same(ks_find(w->ks, db, k, 0), v);
}

static void step_expiry(struct world *w, int db, int i, const struct key *k)
{
    const struct item *it = ks_find(w->ks, db, k, 0);
    if (!it)
        return;
    int64_t expiry_ms = random_expiry(w);
    assert_int_equal(ks_set_expiry(w->ks, db, k, &it, expiry_ms), ERR_OK);
    w->value[db][i].expiry_ms = expiry_ms;
    assert_same(it, &w->value[db][i]);
}

/* Moves or copies a key to another name in another database. */
static void step_rename(struct world *w, int db, int i, const struct key *k)
{
    int to_db = (int)below(w, FIXTURE_DATABASES), to = (int)below(w, KEYS);
    struct key to_key = ks_key(w->ks, name_of(w, to));
    const struct item *it = ks_find(w->ks, db, k, 0);
    if (!it || (to_db == db && to == i))
        return;
    struct model_value *v = &w->value[db][i], *to_v = &w->value[to_db][to];
    struct ks_name from = {db, k}, there = {to_db, &to_key};
    bool copies = below(w, 2);
    /* What is in the way may be due, and tell of it: the model changes afterwards. */
    assert_int_equal(copies ? ks_copy(w->ks, from, there) : ks_move(w->ks, from, there), ERR_OK);
    model_set(to_v, slice_of(v->bytes, v->len), v->expiry_ms);
    if (!copies) {
        model_drop(v);
        assert_null(ks_find(w->ks, db, k, 0));
    }
    assert_same(ks_find(w->ks, to_db, &to_key, 0), to_v);
}

static void step_random(struct world *w, int db)
{
    const struct item *it = ks_random(w->ks, db, rng_next(&w->rng));
    if (it)
        assert_true(is_visible(w, &w->value[db][index_of(w, item_key(it))]));
    else
        for (int i = 0; i < KEYS; i++)
            assert_false(is_visible(w, &w->value[db][i]));
}

static void step_time(struct world *w)
{
    bool more;
    ks_clock(w->ks, ks_now_ms(w->ks) + (int64_t)below(w, 100));
    unsigned max = 1 + (unsigned)below(w, 5);
    assert_true(ks_expire_some(w->ks, max, &more) <= max);
}

static void step_flush(struct world *w)
{
    int db = (int)below(w, FIXTURE_DATABASES + 1) - 1;
    ks_flush(w->ks, db, below(w, 2));
    for (int d = 0; d < FIXTURE_DATABASES; d++) {
        for (int i = 0; i < KEYS && (db == -1 || db == d); i++)
            model_drop(&w->value[d][i]);
    }
}

static void step_swap(struct world *w, int a)
{
    int b = (int)below(w, FIXTURE_DATABASES);
    ks_swap(w->ks, a, b);
    for (int i = 0; i < KEYS; i++) {
        struct model_value v = w->value[a][i];
        w->value[a][i] = w->value[b][i];
        w->value[b][i] = v;
    }
}

static void step_reshard(struct world *w)
{
    struct ks_move_stats move;
    ks_move_stats(w->ks, &move);
    enum err e = ks_set_shards(w->ks, 1 + (unsigned)below(w, 40));
    assert_int_equal(e, move.active ? ERR_BUSY : ERR_OK);
}

static void step(struct world *w)
{
    int db = (int)below(w, FIXTURE_DATABASES), i = (int)below(w, KEYS);
    struct key k = ks_key(w->ks, name_of(w, i));
    unsigned dice = (unsigned)below(w, 1000);
    if (dice < 350)
        step_set(w, db, i, &k);
    else if (dice < 500)
        step_find(w, db, i, &k);
    else if (dice < 600)
        step_delete(w, db, i, &k);
    else if (dice < 700)
        step_edit(w, db, i, &k);
    else if (dice < 780)
        step_expiry(w, db, i, &k);
    else if (dice < 840)
        step_rename(w, db, i, &k);
    else if (dice < 860)
        step_random(w, db);
    else if (dice < 900)
        step_time(w);
    else if (dice < 980)
        ks_work(w->ks);
    else if (dice < 982)
        step_flush(w);
    else if (dice < 990)
        step_swap(w, db);
    else
        step_reshard(w);
}

/* --- the test --------------------------------------------------------------------------------------- */

static void make_names(struct world *w)
{
    static const size_t lens[] = {0, 1, 254, 255, 256, 70000};
    for (int i = 0; i < KEYS; i++) {
        char text[32];
        int len = snprintf(text, sizeof(text), "%s:%d", i % 2 ? "user" : "{tag}", i);
        w->name_len[i] = i < 6 ? lens[i] : (size_t)len;
        w->name[i] = malloc(w->name_len[i] + 1);
        if (i < 6)
            memset(w->name[i], 'x', w->name_len[i]);
        else
            memcpy(w->name[i], text, (size_t)len);
    }
}

static void the_keyspace_behaves_as_the_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct world *w = calloc(1, sizeof(*w));
        rng_seed(&w->rng, seed);
        make_names(w);
        w->ks = fixture_new(seed == 1 ? 1 : 7, on_expired, w);
        for (int n = 0; n < STEPS; n++) {
            step(w);
            if (n % STEPS_A_CHECK == 0)
                compare(w);
        }
        compare(w);
        fixture_settle(w->ks);
        for (int db = 0; db < FIXTURE_DATABASES; db++) {
            for (int i = 0; i < KEYS; i++) {
                struct key k = ks_key(w->ks, name_of(w, i));
                step_delete(w, db, i, &k);
            }
        }
        compare(w);
        assert_int_equal(fixture_bytes(w->ks), 0);
        ks_free(&w->ks);
        assert_null(w->ks);
        for (int i = 0; i < KEYS; i++)
            free(w->name[i]);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keyspace_behaves_as_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
