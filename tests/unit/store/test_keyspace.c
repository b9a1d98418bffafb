#include "ks_fixture.h"

static void finding_counts_hits_and_misses(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key here = ks_key(ks, SLICE("here")), gone = ks_key(ks, SLICE("gone"));
    fixture_set(ks, 0, "here", "1");
    assert_non_null(ks_find(ks, 0, &here, KS_READ));
    assert_null(ks_find(ks, 0, &gone, KS_READ));
    assert_null(ks_find(ks, 3, &here, KS_READ)); /* a database that was never used */
    assert_non_null(ks_find(ks, 0, &here, 0));
    struct ks_stats stats;
    ks_stats(ks, &stats);
    assert_int_equal(stats.hits, 1);
    assert_int_equal(stats.misses, 2);
    ks_reset_stats(ks);
    ks_stats(ks, &stats);
    assert_int_equal(stats.hits + stats.misses, 0);
    ks_free(&ks);
}

static void finding_touches_unless_told_not_to(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    fixture_set(ks, 0, "k", "v");
    ks_clock(ks, FIXTURE_NOW_MS + 5000);
    const struct item *it = ks_find(ks, 0, &k, KS_NO_TOUCH);
    assert_int_equal(item_idle_s(it, ks_now_ms(ks)), 5);
    ks_find(ks, 0, &k, KS_READ);
    assert_int_equal(item_idle_s(it, ks_now_ms(ks)), 0);
    ks_free(&ks);
}

static void databases_are_apart(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(3, NULL, NULL);
    fixture_set(ks, 0, "k", "zero");
    fixture_set(ks, 1, "k", "one");
    ks_swap(ks, 0, 1);
    ks_swap(ks, 2, 1);
    ks_swap(ks, 3, 3);
    fixture_expect(ks, 0, "k", "one");
    fixture_expect(ks, 1, "k", NULL);
    fixture_expect(ks, 2, "k", "zero");
    assert_int_equal(ks_size(ks, 0), 1);
    assert_int_equal(ks_size(ks, 1), 0);
    assert_int_equal(ks_databases(ks), FIXTURE_DATABASES);
    ks_free(&ks);
}

static void a_value_moves_with_its_deadline(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k")), other = ks_key(ks, SLICE("other"));
    static char text[5000];
    assert_non_null(ks_set_string(ks, 0, &k, slice_of(text, sizeof(text)), FIXTURE_NOW_MS + 1000));
    const struct blob *b = string_blob(ks_find(ks, 0, &k, 0), 0);
    fixture_set(ks, 1, "other", "goes");
    ks_validate(ks);
    assert_int_equal(ks_move(ks, (struct ks_name){0, &k}, (struct ks_name){1, &other}), ERR_OK);
    ks_validate(ks);
    assert_int_equal(ks_size(ks, 0), 0);
    assert_int_equal(ks_expires(ks, 0), 0);
    assert_int_equal(ks_expires(ks, 1), 1);
    assert_ptr_equal(string_blob(ks_find(ks, 1, &other, 0), 0), b);
    assert_int_equal(b->refs, 1);
    assert_int_equal(ks_copy(ks, (struct ks_name){1, &other}, (struct ks_name){2, &k}), ERR_OK);
    ks_validate(ks);
    assert_ptr_equal(string_blob(ks_find(ks, 2, &k, 0), 0), b);
    assert_int_equal(b->refs, 2);
    assert_true(ks_next_expiry_ms(ks) <= FIXTURE_NOW_MS + 1000);
    ks_free(&ks);
}

static void a_deadline_comes_changes_and_goes(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = ks_key(ks, SLICE("k"));
    const struct item *it = ks_set_string(ks, 0, &k, SLICE("value"), ITEM_NO_EXPIRY);
    static const int64_t deadlines[] = {5000, 3000, ITEM_NO_EXPIRY, ITEM_NO_EXPIRY, 2000};
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(*deadlines); i++) {
        int64_t ms =
            deadlines[i] == ITEM_NO_EXPIRY ? ITEM_NO_EXPIRY : FIXTURE_NOW_MS + deadlines[i];
        assert_int_equal(ks_set_expiry(ks, 0, &k, &it, ms), ERR_OK);
        assert_ptr_equal(ks_find(ks, 0, &k, 0), it);
        assert_true(item_expiry_ms(it) == ms);
        assert_int_equal(ks_expires(ks, 0), ms != ITEM_NO_EXPIRY);
        ks_validate(ks);
    }
    fixture_expect(ks, 0, "k", "value");
    ks_clock(ks, FIXTURE_NOW_MS + 1999);
    assert_non_null(ks_find(ks, 0, &k, 0));
    ks_clock(ks, FIXTURE_NOW_MS + 2000);
    assert_null(ks_find(ks, 0, &k, 0));
    ks_free(&ks);
}

/* --- memory that is refused ------------------------------------------------------------------------- */

struct fingerprint {
    uint64_t keys, sum;
};

static void add_to_digest(const struct item *it, void *arg)
{
    static const struct siphash_key key = {3, 4};
    struct fingerprint *d = arg;
    char scratch[NUM_I64_CHARS];
    struct slice name = item_key(it), value = fixture_string(it, scratch);
    int64_t expiry_ms = item_expiry_ms(it);
    d->keys++;
    d->sum += siphash13(&key, name.ptr, name.len) * 31 + siphash13(&key, value.ptr, value.len) * 7 +
              siphash13(&key, &expiry_ms, sizeof(expiry_ms));
}

static struct fingerprint digest_of(const struct keyspace *ks)
{
    struct fingerprint d = {0, 0};
    for (int db = 0; db < ks_databases(ks); db++)
        ks_each(ks, db, add_to_digest, &d);
    return d;
}

typedef bool (*op_fn)(struct keyspace *ks);

static bool op_insert(struct keyspace *ks)
{
    struct key k = ks_key(ks, SLICE("new"));
    return ks_set_string(ks, 0, &k, SLICE("v"), FIXTURE_NOW_MS + 9);
}
static bool op_first_in_database(struct keyspace *ks)
{
    struct key k = ks_key(ks, SLICE("new"));
    return ks_set_int(ks, 3, &k, 1, FIXTURE_NOW_MS + 9);
}
static bool op_overwrite(struct keyspace *ks)
{
    struct key k = ks_key(ks, SLICE("short"));
    return ks_set_string(ks, 0, &k, SLICE("a value in another size class than before"), 1);
}
static bool op_overwrite_large(struct keyspace *ks)
{
    static const char bytes[3000];
    struct key k = ks_key(ks, SLICE("short"));
    return ks_set_string(ks, 0, &k, slice_of(bytes, sizeof(bytes)), ITEM_NO_EXPIRY);
}
static bool edit(struct keyspace *ks, struct slice name, size_t len)
{
    struct key k = ks_key(ks, name);
    const struct item *before = ks_find(ks, 0, &k, 0);
    if (fixture_grow(ks, 0, &k, len - 1, SLICE("e")))
        return true;
    assert_ptr_equal(ks_find(ks, 0, &k, 0), before);
    return false;
}
static bool op_edit(struct keyspace *ks)
{
    return edit(ks, SLICE("short"), 700);
}
static bool op_edit_into_blob(struct keyspace *ks)
{
    return edit(ks, SLICE("short"), 5000);
}
static bool op_edit_blob(struct keyspace *ks)
{
    return edit(ks, SLICE("long"), 500000);
}
static bool op_edit_held_blob(struct keyspace *ks)
{
    struct key k = ks_key(ks, SLICE("long"));
    struct blob *b = blob_hold(string_blob(ks_find(ks, 0, &k, 0), 0));
    bool done = edit(ks, SLICE("long"), b->len);
    assert_int_equal(b->refs, done ? 1 : 2);
    blob_drop(b);
    return done;
}
static bool op_set_expiry(struct keyspace *ks)
{
    struct key k = ks_key(ks, SLICE("short"));
    const struct item *it = ks_find(ks, 0, &k, 0);
    return ks_set_expiry(ks, 0, &k, &it, FIXTURE_NOW_MS + 9) == ERR_OK;
}
static bool move_to(struct keyspace *ks, bool copy, int db, struct slice name)
{
    struct key k = ks_key(ks, SLICE("long")), to_key = ks_key(ks, name);
    struct ks_name from = {0, &k}, to = {db, &to_key};
    return (copy ? ks_copy(ks, from, to) : ks_move(ks, from, to)) == ERR_OK;
}
static bool op_move(struct keyspace *ks)
{
    return move_to(ks, false, 3, SLICE("moved"));
}
static bool op_move_over(struct keyspace *ks)
{
    return move_to(ks, false, 1, SLICE("other"));
}
static bool op_copy(struct keyspace *ks)
{
    return move_to(ks, true, 3, SLICE("copy"));
}
static bool op_copy_over(struct keyspace *ks)
{
    return move_to(ks, true, 0, SLICE("short"));
}
static bool op_reshard(struct keyspace *ks)
{
    return ks_set_shards(ks, 9) == ERR_OK;
}

/* Fails the nth allocation of an operation, for every n until it goes through. */
static void check_refusals(op_fn op, unsigned shards)
{
    static const char bytes[3000];
    for (size_t n = 1;; n++) {
        assert_true(n < 100);
        struct keyspace *ks = fixture_new(shards, NULL, NULL);
        struct key k = ks_key(ks, SLICE("long"));
        assert_non_null(ks_set_string(ks, 0, &k, slice_of(bytes, sizeof(bytes)), ITEM_NO_EXPIRY));
        fixture_set(ks, 0, "short", "v");
        fixture_set(ks, 1, "other", "database");
        struct fingerprint before = digest_of(ks);
        mem_fail_after(n);
        bool done = op(ks);
        mem_fail_after(0);
        ks_validate(ks);
        struct fingerprint after = digest_of(ks);
        if (!done)
            assert_memory_equal(&before, &after, sizeof(before));
        ks_free(&ks);
        if (done)
            return;
    }
}

static void refused_memory_changes_nothing(void **state)
{
    (void)state;
    static const op_fn ops[] = {
        op_insert,  op_first_in_database, op_overwrite, op_overwrite_large,
        op_edit,    op_edit_into_blob,    op_edit_blob, op_edit_held_blob,
        op_move,    op_move_over,         op_copy,      op_copy_over,
        op_reshard, op_set_expiry,
    };
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
        check_refusals(ops[i], 1);
        check_refusals(ops[i], 8);
    }
}

static void inserting_goes_on_after_refusals(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(2, NULL, NULL);
    struct fixture_name name;
    for (unsigned i = 0; i < 20000; i++) { /* tables grow on the way */
        struct key k = fixture_key(ks, &name, "k", i);
        mem_fail_after(1 + i % 5);
        const struct item *it = ks_set_int(ks, 0, &k, i, FIXTURE_NOW_MS + 1000 + i);
        mem_fail_after(0);
        if (!it)
            assert_non_null(ks_set_int(ks, 0, &k, i, FIXTURE_NOW_MS + 1000 + i));
    }
    assert_int_equal(ks_size(ks, 0), 20000);
    ks_validate(ks);
    ks_free(&ks);
}

static void a_refused_keyspace_is_none(void **state)
{
    (void)state;
    struct ks_options o = {.databases = 1, .shards = 1};
    for (size_t n = 1; n <= 2; n++) {
        mem_fail_after(n);
        assert_null(ks_new(&o));
        mem_fail_after(0);
    }
    struct keyspace *none = NULL;
    ks_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_counts_hits_and_misses),
        cmocka_unit_test(finding_touches_unless_told_not_to),
        cmocka_unit_test(databases_are_apart),
        cmocka_unit_test(a_value_moves_with_its_deadline),
        cmocka_unit_test(a_deadline_comes_changes_and_goes),
        cmocka_unit_test(refused_memory_changes_nothing),
        cmocka_unit_test(inserting_goes_on_after_refusals),
        cmocka_unit_test(a_refused_keyspace_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
