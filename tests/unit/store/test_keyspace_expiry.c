#include "ks_fixture.h"

#include <stdlib.h>

#include "ds/duetree.h"

/* Keys are numbered, and key n is due at due_ms[n]; the hook checks that each goes once and not too early. */
struct book {
    struct keyspace *ks;
    int64_t *due_ms;
    bool *gone;
    unsigned count, gone_count;
};

static void on_expired(void *arg, int db, struct slice key)
{
    struct book *b = arg;
    uint64_t n;
    assert_int_equal(db, 0);
    assert_true(num_parse_u64(slice_of(key.ptr + 2, key.len - 2), &n));
    assert_true(n < b->count && b->due_ms[n] <= ks_now_ms(b->ks));
    assert_false(b->gone[n]);
    b->gone[n] = true;
    b->gone_count++;
}

static void book_open(struct book *b, unsigned shards, unsigned count)
{
    *b = (struct book){.count = count};
    b->ks = fixture_new(shards, on_expired, b);
    b->due_ms = calloc(count, sizeof(*b->due_ms));
    b->gone = calloc(count, sizeof(*b->gone));
}

static void book_set(struct book *b, unsigned n, int64_t due_ms)
{
    struct fixture_name name;
    struct key k = fixture_key(b->ks, &name, "k", n);
    assert_non_null(ks_set_int(b->ks, 0, &k, n, due_ms));
    b->due_ms[n] = due_ms;
}

static void book_close(struct book *b)
{
    ks_free(&b->ks);
    free(b->due_ms);
    free(b->gone);
}

/* Expires until there is no more; returns in how many calls. */
static unsigned expire_all(struct book *b, unsigned max)
{
    bool more = true;
    unsigned calls = 0;
    for (; more; calls++) {
        unsigned before = b->gone_count;
        unsigned removed = ks_expire_some(b->ks, max, &more);
        assert_true(removed <= max);
        assert_int_equal(b->gone_count - before, removed);
    }
    return calls;
}

/* What is more than a tick late is gone, and nothing else. */
static void assert_on_time(const struct book *b)
{
    int64_t now_ms = ks_now_ms(b->ks);
    unsigned due = 0, late = 0;
    for (unsigned n = 0; n < b->count; n++) {
        due += b->due_ms[n] <= now_ms;
        late += b->due_ms[n] <= now_ms - DUETREE_TICK_MS;
    }
    assert_in_range(b->gone_count, late, due);
    assert_int_equal(ks_size(b->ks, 0), b->count - b->gone_count);
}

static void check_on_time(unsigned shards, unsigned keys, bool reshard)
{
    struct book b;
    struct rng rng;
    rng_seed(&rng, shards);
    book_open(&b, shards, keys);
    for (unsigned n = 0; n < keys; n++)
        book_set(&b, n, FIXTURE_NOW_MS + 1 + (int64_t)rng_below(&rng, 5000));
    fixture_settle(b.ks);
    unsigned turns = 0;
    while (b.gone_count < keys) {
        ks_clock(b.ks, ks_now_ms(b.ks) + 1 + (int64_t)rng_below(&rng, 60));
        expire_all(&b, 1 + (unsigned)rng_below(&rng, 300));
        assert_on_time(&b);
        if (reshard)
            ks_set_shards(b.ks, 1 + (unsigned)rng_below(&rng, 20));
        ks_work(b.ks);
        if (++turns % 16 == 0)
            ks_validate(b.ks);
    }
    assert_true(ks_next_expiry_ms(b.ks) == INT64_MAX);
    assert_int_equal(fixture_bytes(b.ks), 0);
    book_close(&b);
}

static void keys_go_on_time_and_once(void **state)
{
    (void)state;
    check_on_time(1, 30000, false);
    check_on_time(16, 30000, false);
    check_on_time(1024, 3000, false);
}

static void resharding_takes_deadlines_along(void **state)
{
    (void)state;
    check_on_time(3, 30000, true);
}

#ifdef CORSAC_LIBC_MALLOC
#define CROWD_KEYS 100000 /* sanitizers are slow */
#else
#define CROWD_KEYS 1000000
#endif

static void a_crowd_goes_in_bounded_steps(void **state)
{
    (void)state;
    struct book b;
    book_open(&b, 4, CROWD_KEYS);
    for (unsigned n = 0; n < CROWD_KEYS; n++)
        book_set(&b, n, FIXTURE_NOW_MS + 1000 + n % 1000);
    ks_clock(b.ks, FIXTURE_NOW_MS + 2010);
    unsigned calls = expire_all(&b, 200);
    assert_int_equal(b.gone_count, CROWD_KEYS);
    assert_in_range(calls, CROWD_KEYS / 200, 2 * CROWD_KEYS / 200);
    ks_validate(b.ks);
    book_close(&b);
}

static void asking_for_the_next_settles(void **state)
{
    (void)state;
    struct book b;
    bool more;
    book_open(&b, 8, 1);
    assert_true(ks_next_expiry_ms(b.ks) == INT64_MAX);
    assert_int_equal(ks_expire_some(b.ks, 10, &more), 0);
    assert_false(more);

    /* A deadline that is put off costs looks for nothing, which end. */
    book_set(&b, 0, FIXTURE_NOW_MS + 100);
    assert_true(ks_next_expiry_ms(b.ks) <= FIXTURE_NOW_MS + 100);
    book_set(&b, 0, FIXTURE_NOW_MS + 100000);
    ks_clock(b.ks, FIXTURE_NOW_MS + 200);
    expire_all(&b, 10);
    assert_int_equal(b.gone_count, 0);
    assert_in_range(ks_next_expiry_ms(b.ks), FIXTURE_NOW_MS + 100000,
                    FIXTURE_NOW_MS + 100000 + DUETREE_TICK_MS);

    /* One that is lifted too. */
    book_set(&b, 0, ITEM_NO_EXPIRY);
    ks_clock(b.ks, FIXTURE_NOW_MS + 200000);
    expire_all(&b, 10);
    assert_int_equal(b.gone_count, 0);
    assert_true(ks_next_expiry_ms(b.ks) == INT64_MAX);
    book_close(&b);
}

static void nothing_expires_while_paused(void **state)
{
    (void)state;
    struct book b;
    bool more;
    struct fixture_name name;
    book_open(&b, 2, 10);
    for (unsigned n = 0; n < 10; n++)
        book_set(&b, n, FIXTURE_NOW_MS + 10);
    ks_set_expiry_mode(b.ks, KS_EXPIRY_IGNORE);
    ks_clock(b.ks, FIXTURE_NOW_MS + 1000);
    struct key k = fixture_key(b.ks, &name, "k", 3);
    assert_non_null(ks_find(b.ks, 0, &k, KS_READ));
    assert_int_equal(ks_expire_some(b.ks, 100, &more), 0);
    assert_false(more);
    assert_true(ks_next_expiry_ms(b.ks) == INT64_MAX);
    ks_set_expiry_mode(b.ks, KS_EXPIRY_REMOVE);
    ks_on_expired(b.ks, NULL, NULL); /* nobody hears of it */
    assert_null(ks_find(b.ks, 0, &k, KS_READ));
    assert_int_equal(b.gone_count, 0);
    ks_on_expired(b.ks, on_expired, &b);
    expire_all(&b, 100);
    assert_int_equal(b.gone_count, 9);
    book_close(&b);
}

/* A key that is hidden is neither found nor removed, until another is put in its place. */
static void hidden_keys_stay(void **state)
{
    (void)state;
    struct book b;
    bool more;
    struct ks_edit e;
    struct fixture_name name, other;
    book_open(&b, 2, 10);
    for (unsigned n = 0; n < 10; n++)
        book_set(&b, n, FIXTURE_NOW_MS + 10);
    fixture_set(b.ks, 0, "from", "moved");
    struct key k = fixture_key(b.ks, &name, "k", 3), to = fixture_key(b.ks, &other, "k", 4);
    struct key from = ks_key(b.ks, SLICE("from"));
    ks_set_expiry_mode(b.ks, KS_EXPIRY_HIDE);
    ks_clock(b.ks, FIXTURE_NOW_MS + 1000);
    assert_null(ks_find(b.ks, 0, &k, KS_READ));
    assert_false(ks_edit(b.ks, 0, &k, &e));
    assert_false(ks_delete(b.ks, 0, &k));
    ks_delete(b.ks, 0, &from);
    assert_null(ks_random(b.ks, 0, 7));
    assert_int_equal(ks_expire_some(b.ks, 100, &more), 0);
    assert_false(more);
    assert_true(ks_next_expiry_ms(b.ks) == INT64_MAX);
    assert_int_equal(ks_size(b.ks, 0), 10);
    assert_int_equal(b.gone_count, 0);

    fixture_set(b.ks, 0, "from", "moved");
    assert_int_equal(ks_move(b.ks, (struct ks_name){0, &from}, (struct ks_name){0, &to}), ERR_OK);
    assert_non_null(ks_set_int(b.ks, 0, &k, 1, ITEM_NO_EXPIRY));
    assert_int_equal(b.gone_count, 2);
    assert_int_equal(ks_size(b.ks, 0), 10);
    ks_validate(b.ks);
    ks_set_expiry_mode(b.ks, KS_EXPIRY_REMOVE);
    expire_all(&b, 100);
    assert_int_equal(b.gone_count, 10);
    ks_delete(b.ks, 0, &k);
    ks_delete(b.ks, 0, &to);
    book_close(&b);
}

static void many_databases_expire(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    for (int db = 0; db < FIXTURE_DATABASES; db++)
        fixture_fill(ks, db, "k", 500, FIXTURE_NOW_MS + 100 * (db + 1));
    ks_swap(ks, 0, 3);
    bool more = true;
    ks_clock(ks, FIXTURE_NOW_MS + 250);
    while (more)
        ks_expire_some(ks, 50, &more);
    assert_int_equal(ks_size(ks, 0), 500);
    assert_int_equal(ks_size(ks, 1), 0);
    assert_int_equal(ks_size(ks, 2), 500);
    assert_int_equal(ks_size(ks, 3), 0);
    ks_flush(ks, 0, false);
    ks_clock(ks, FIXTURE_NOW_MS + 10000);
    more = true;
    while (more)
        ks_expire_some(ks, 50, &more);
    struct ks_stats stats;
    ks_stats(ks, &stats);
    assert_int_equal(stats.expired, 1500);
    ks_free(&ks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_go_on_time_and_once),
        cmocka_unit_test(resharding_takes_deadlines_along),
        cmocka_unit_test(a_crowd_goes_in_bounded_steps),
        cmocka_unit_test(asking_for_the_next_settles),
        cmocka_unit_test(nothing_expires_while_paused),
        cmocka_unit_test(hidden_keys_stay),
        cmocka_unit_test(many_databases_expire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
