/* Long strings that are edited while something holds them: a COPY, a reply, a snapshot. */
#include "ks_fixture.h"

#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/pieces.h"
#include "store/digest.h"
#include "store/snapshot.h"

#define MIB ((size_t)1 << 20)

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static struct key put_long(struct keyspace *ks, const char *name, size_t len)
{
    struct key k = ks_key(ks, slice_from_cstr(name));
    struct blob *b = blob_try_new(len, len);
    assert_non_null(b);
    for (size_t i = 0; i < len; i++)
        b->data[i] = (char)(i * 31 + (i >> 12));
    assert_non_null(ks_set_blob(ks, 0, &k, b, ITEM_NO_EXPIRY));
    return k;
}

static bool write_blob(struct keyspace *ks, const struct key *k, size_t offset, struct slice bytes,
                       struct blob *from)
{
    struct ks_edit e;
    assert_true(ks_edit(ks, 0, k, &e));
    enum err err = string_write_blob(&e, offset, bytes, from);
    ks_edit_end(&e);
    return err == ERR_OK;
}

/* Whatever the length, an edit copies a megabyte for each end of what it writes. A copy of all would take some 100
 * ms. */
static void an_edit_of_what_is_held_takes_no_longer_for_its_length(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = put_long(ks, "k", 256 * MIB);
    double longest = 0;
    const struct item *held[8];
    for (int i = 0; i < 8; i++) {
        held[i] = ks_hold(ks, ks_find(ks, 0, &k, 0));
        for (int edit = 0; edit < 20; edit++) {
            size_t len = string_len(ks_find(ks, 0, &k, 0));
            double before = cpu_ms();
            assert_true(write_blob(ks, &k, edit % 2 ? len : (size_t)edit * 11 * MIB,
                                   SLICE("changed"), NULL));
            double took = cpu_ms() - before;
            longest = took > longest ? took : longest;
        }
    }
    print_message("longest edit: %.2f ms\n", longest);
    assert_true(longest < 20);
    for (int i = 0; i < 8; i++)
        ks_let_go(ks, held[i]);
    ks_validate(ks);
    ks_free(&ks);
}

/* So does a long argument, which is held itself. */
static void a_long_argument_is_not_copied(void **state)
{
    (void)state;
    struct keyspace *ks = fixture_new(1, NULL, NULL);
    struct key k = put_long(ks, "k", 100 * MIB), source = put_long(ks, "source", 100 * MIB);
    struct blob *b = blob_hold(string_blob(ks_find(ks, 0, &source, 0), 0));
    double before = cpu_ms();
    assert_true(write_blob(ks, &k, 100 * MIB, slice_of(b->data, b->len), b));
    assert_true(write_blob(ks, &k, 10 * MIB + 1, slice_of(b->data, b->len), b));
    double took = cpu_ms() - before;
    print_message("two writes of 100 MiB: %.2f ms\n", took);
    assert_true(took < 20);
    char scratch[NUM_I64_CHARS];
    const struct item *it = ks_find(ks, 0, &k, 0);
    assert_int_equal(string_len(it), 200 * MIB);
    for (size_t at = 0; at < 200 * MIB; at += 64 * 1024 + 7) {
        size_t from = at < 10 * MIB + 1    ? at
                      : at < 110 * MIB + 1 ? at - 10 * MIB - 1
                                           : at - 100 * MIB;
        assert_int_equal(string_run(it, at, scratch).ptr[0], b->data[from]);
    }
    blob_drop(b);
    ks_validate(ks);
    ks_free(&ks);
}

/* --- against plain bytes --------------------------------------------------------------------------------- */

#define COPIES  3
#define LEN_MAX (6 * MIB)

struct model {
    struct keyspace *ks;
    struct key k;
    char *bytes; /* of "k" */
    size_t len;
    const struct item *held[COPIES]; /* with what they are to hold */
    char *held_bytes[COPIES];
    size_t held_len[COPIES];
};

static void assert_holds(const struct item *it, const char *bytes, size_t len)
{
    char scratch[NUM_I64_CHARS], *owned;
    struct slice flat;
    assert_int_equal(string_len(it), len);
    assert_true(string_equal(it, slice_of(bytes, len)));
    assert_true(string_flat(it, scratch, &flat, &owned));
    assert_int_equal(flat.len, len);
    assert_memory_equal(flat.ptr, bytes, len);
    mem_free(owned);
}

/* Whatever form it has, it is the same to who asks. */
static void assert_like_a_plain_one(struct model *m)
{
    struct key plain = ks_key(m->ks, SLICE("plain"));
    struct digest a, b;
    const struct item *it =
        ks_set_string(m->ks, 0, &plain, slice_of(m->bytes, m->len), ITEM_NO_EXPIRY);
    digest_value(it, &a);
    uint64_t xxh3 = string_digest(it);
    it = ks_find(m->ks, 0, &m->k, 0);
    digest_value(it, &b);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_int_equal(string_digest(it), xxh3);
    assert_string_equal(value_encoding_name(it), "raw");
    ks_delete(m->ks, 0, &plain);
}

/* As a rewrite would see it. */
static void assert_cursor(const struct item *it, const char *bytes, size_t len)
{
    struct value_cursor c;
    struct value_command cmd;
    size_t at = 0;
    value_cursor_init(&c, it);
    assert_true(value_cursor_next(&c, &cmd));
    assert_int_equal(cmd.in_runs, 2);
    assert_int_equal(cmd.argv[2].len, len);
    for (struct slice run; (run = value_cursor_run(&c)).len > 0; at += run.len) {
        assert_true(run.len <= VALUE_COMMAND_BYTES_MAX && at + run.len <= len);
        assert_memory_equal(run.ptr, bytes + at, run.len);
    }
    assert_int_equal(at, len);
    assert_false(value_cursor_next(&c, &cmd));
    value_cursor_deinit(&c);
}

static void let_go(struct model *m, int i)
{
    if (!m->held[i])
        return;
    assert_holds(m->held[i], m->held_bytes[i], m->held_len[i]);
    ks_let_go(m->ks, m->held[i]);
    free(m->held_bytes[i]);
    m->held[i] = NULL;
}

static void hold_anew(struct model *m, int i)
{
    let_go(m, i);
    m->held[i] = ks_hold(m->ks, ks_find(m->ks, 0, &m->k, 0));
    m->held_bytes[i] = malloc(m->len);
    m->held_len[i] = m->len;
    memcpy(m->held_bytes[i], m->bytes, m->len);
}

static void write_random(struct model *m, struct rng *rng, bool may_fail)
{
    size_t n = 1 + rng_below(rng, (uint64_t)1 << rng_below(rng, 22));
    size_t offset = rng_below(rng, 2) ? m->len : rng_below(rng, m->len + 100000);
    if (offset + n > LEN_MAX)
        return;
    struct blob *b = blob_try_new(n, n);
    memset(b->data, (int)rng_next(rng), n);
    if (may_fail)
        mem_fail_after(1 + rng_below(rng, 5));
    bool ok = write_blob(m->ks, &m->k, offset, slice_of(b->data, n), rng_below(rng, 2) ? b : NULL);
    mem_fail_after(0);
    assert_true(ok || may_fail);
    if (ok) {
        if (offset > m->len)
            memset(m->bytes + m->len, 0, offset - m->len);
        memcpy(m->bytes + offset, b->data, n);
        m->len = offset + n > m->len ? offset + n : m->len;
    }
    blob_drop(b);
}

static void run_random(uint64_t seed, bool may_fail)
{
    struct model m = {.ks = fixture_new(1, NULL, NULL), .bytes = malloc(LEN_MAX)};
    struct rng rng;
    rng_seed(&rng, seed);
    m.len = 3 * MIB;
    m.k = put_long(m.ks, "k", m.len);
    char scratch[NUM_I64_CHARS];
    memcpy(m.bytes, string_run(ks_find(m.ks, 0, &m.k, 0), 0, scratch).ptr, m.len);
    for (int step = 0; step < 50; step++) {
        if (rng_below(&rng, 3) == 0)
            hold_anew(&m, (int)rng_below(&rng, COPIES));
        else
            write_random(&m, &rng, may_fail);
        assert_holds(ks_find(m.ks, 0, &m.k, 0), m.bytes, m.len);
        ks_validate(m.ks);
    }
    assert_like_a_plain_one(&m);
    assert_cursor(ks_find(m.ks, 0, &m.k, 0), m.bytes, m.len);
    ks_delete(m.ks, 0, &m.k);
    fixture_settle(m.ks);
    for (int i = 0; i < COPIES; i++)
        let_go(&m, i);
    fixture_settle(m.ks);
    ks_free(&m.ks);
    free(m.bytes);
}

static void random_edits_with_held_copies(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++)
        run_random(seed, false);
}

static void random_edits_where_memory_lacks(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 12; seed++)
        run_random(seed, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_of_what_is_held_takes_no_longer_for_its_length),
        cmocka_unit_test(a_long_argument_is_not_copied),
        cmocka_unit_test(random_edits_with_held_copies),
        cmocka_unit_test(random_edits_where_memory_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
