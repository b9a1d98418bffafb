#include "base_test.h"

#include "base/mem.h"
#include "base/outq.h"
#include "base/rng.h"

/* Referenced bytes in a block of their own; released means freed. */
struct owned {
    int *live; /* how many there are */
    char *bytes;
};

static void release_owned(void *owner)
{
    struct owned *o = owner;
    (*o->live)--;
    free(o->bytes);
    free(o);
}

static void append_owned(struct outq *q, struct slice s, int *live)
{
    struct owned *o = malloc(sizeof(*o));
    assert_non_null(o);
    *o = (struct owned){live, (char *)exact_new(s).ptr};
    (*live)++;
    outq_append_ref(q, o->bytes, s.len, release_owned, o);
}

static void append_text(struct outq *q, const char *text)
{
    outq_append(q, text, strlen(text));
}

/* All that is queued, in one piece, as a receiver would get it. */
static struct slice content_new(struct outq *q)
{
    enum { VECTORS_MAX = 4096 };
    static struct iovec iov[VECTORS_MAX];
    size_t len = 0;
    char *text = malloc(outq_bytes(q) + 1);
    assert_non_null(text);
    int count = outq_peek(q, iov, VECTORS_MAX);
    for (int i = 0; i < count; i++) {
        assert_true(iov[i].iov_len > 0);
        assert_true(len + iov[i].iov_len <= outq_bytes(q));
        memcpy(text + len, iov[i].iov_base, iov[i].iov_len);
        len += iov[i].iov_len;
    }
    assert_int_equal(len, outq_bytes(q));
    return slice_of(text, len);
}

static void assert_content(struct outq *q, struct slice want)
{
    outq_validate(q);
    struct slice got = content_new(q);
    if (got.len < 100 && want.len < 100)
        assert_slice_equal(got, want);
    else
        assert_true(slice_equal(got, want));
    exact_free(got);
}

struct fixture {
    struct outq_pool pool;
    struct outq q, other;
    int live;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    outq_pool_init(&f->pool);
    outq_init(&f->q, &f->pool);
    outq_init(&f->other, &f->pool);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    outq_deinit(&f->q);
    outq_deinit(&f->other);
    outq_pool_deinit(&f->pool);
    int leaked = f->live;
    free(f);
    return leaked;
}

static void test_an_empty_queue_owns_nothing(void **state)
{
    struct fixture *f = *state;
    struct iovec iov;
    assert_true(outq_empty(&f->q));
    assert_int_equal(outq_bytes(&f->q), 0);
    assert_int_equal(outq_memory(&f->q), 0);
    assert_int_equal(outq_chunks(&f->q), 0);
    assert_int_equal(outq_peek(&f->q, &iov, 1), 0);
    outq_drain(&f->q, 0);
    outq_append(&f->q, NULL, 0);
    outq_move(&f->q, &f->other);
    assert_true(outq_empty(&f->q));
    append_text(&f->q, "x");
    assert_false(outq_empty(&f->q));
    assert_int_equal(outq_memory(&f->q), OUTQ_CHUNK_BYTES);
    outq_drain(&f->q, 1);
    assert_true(outq_empty(&f->q));
    assert_int_equal(outq_memory(&f->q), 0);
    assert_int_equal(f->pool.count, 1);
}

static void test_a_reserved_place_need_not_be_used(void **state)
{
    struct fixture *f = *state;
    outq_reserve(&f->q, 10);
    outq_commit(&f->q, 0);
    assert_int_equal(outq_bytes(&f->q), 0);
    outq_drain(&f->q, 0);
    assert_true(outq_empty(&f->q));
}

static void test_reserve_gives_room_of_every_size(void **state)
{
    struct fixture *f = *state;
    size_t total = 0;
    for (size_t need = 1; need <= OUTQ_CHUNK_BYTES / 2; need += 97) {
        memset(outq_reserve(&f->q, need), 'x', need);
        outq_commit(&f->q, need);
        total += need;
        outq_validate(&f->q);
    }
    assert_int_equal(outq_bytes(&f->q), total);
}

static void test_a_long_text_is_split(void **state)
{
    enum { BYTES = 10 * OUTQ_CHUNK_BYTES };
    struct fixture *f = *state;
    char *text = malloc(BYTES);
    assert_non_null(text);
    for (size_t i = 0; i < BYTES; i++)
        text[i] = (char)(i * 7 / 5);
    outq_append(&f->q, text, BYTES);
    assert_content(&f->q, slice_of(text, BYTES));
    assert_in_range(outq_chunks(&f->q), 10, 11);
    free(text);
}

static void test_peek_gives_as_many_as_fit(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[3];
    for (int i = 0; i < 3; i++) {
        append_text(&f->q, "head");
        append_owned(&f->q, SLICE("reference"), &f->live);
    }
    assert_int_equal(outq_peek(&f->q, iov, 3), 3);
    assert_int_equal(iov[0].iov_len, 4);
    assert_int_equal(iov[1].iov_len, 9);
    assert_memory_equal(iov[2].iov_base, "head", 4);
    outq_drain(&f->q, 5);
    assert_int_equal(outq_peek(&f->q, iov, 1), 1);
    assert_memory_equal(iov[0].iov_base, "eference", 8);
}

static void test_references_are_held_until_sent(void **state)
{
    struct fixture *f = *state;
    append_owned(&f->q, SLICE("first"), &f->live);
    append_text(&f->q, "-");
    append_owned(&f->q, SLICE("second"), &f->live);
    append_owned(&f->q, SLICE("third"), &f->live);
    outq_append_ref(&f->q, "static", 6, NULL, NULL);
    append_owned(&f->q, SLICE(""), &f->live);
    assert_content(&f->q, SLICE("first-secondthirdstatic"));
    outq_drain(&f->q, 4);
    assert_int_equal(f->live, 4);
    outq_drain(&f->q, 1);
    assert_int_equal(f->live, 3);
    outq_drain(&f->q, 6);
    assert_int_equal(f->live, 3);
    outq_drain(&f->q, 1);
    assert_int_equal(f->live, 2);
    assert_content(&f->q, SLICE("thirdstatic"));
    outq_drain(&f->q, 11);
    assert_int_equal(f->live, 0);
    assert_true(outq_empty(&f->q));
}

static void test_what_is_dropped_is_released(void **state)
{
    struct fixture *f = *state;
    append_owned(&f->q, SLICE("a"), &f->live);
    append_text(&f->q, "b");
    append_owned(&f->q, SLICE("c"), &f->live);
    outq_deinit(&f->q);
    assert_int_equal(f->live, 0);
    assert_true(outq_empty(&f->q));
}

/* An array of many large values: a block holds the headers of all. */
static void test_headers_between_references_share_a_block(void **state)
{
    enum { COUNT = 100 };
    struct fixture *f = *state;
    for (int i = 0; i < COUNT; i++) {
        append_text(&f->q, "$5\r\n");
        append_owned(&f->q, SLICE("value"), &f->live);
        append_text(&f->q, "\r\n");
    }
    outq_validate(&f->q);
    assert_true(outq_memory(&f->q) < OUTQ_CHUNK_BYTES + COUNT * 200);
    for (int i = 0; i < COUNT; i++) {
        outq_drain(&f->q, 11);
        outq_validate(&f->q);
    }
    assert_true(outq_empty(&f->q));
    assert_int_equal(f->pool.count, 1);
}

static void test_memory_counts_references(void **state)
{
    struct fixture *f = *state;
    static char large[100000];
    outq_append_ref(&f->q, large, sizeof(large), NULL, NULL);
    assert_in_range(outq_memory(&f->q), sizeof(large), sizeof(large) + 200);
    outq_drain(&f->q, sizeof(large) - 1); /* all is held until all is sent */
    assert_true(outq_memory(&f->q) >= sizeof(large));
    outq_drain(&f->q, 1);
    assert_int_equal(outq_memory(&f->q), 0);
}

static void test_rollback_to_an_empty_queue(void **state)
{
    struct fixture *f = *state;
    struct outq_mark mark = outq_mark(&f->q);
    append_text(&f->q, "x");
    append_owned(&f->q, SLICE("y"), &f->live);
    outq_rollback(&f->q, mark);
    assert_true(outq_empty(&f->q));
    assert_int_equal(f->live, 0);
    outq_rollback(&f->q, mark);
    assert_true(outq_empty(&f->q));
}

static void test_rollback_drops_what_came_after(void **state)
{
    struct fixture *f = *state;
    static char large[3 * OUTQ_CHUNK_BYTES];
    append_text(&f->q, "kept");
    struct outq_mark behind_text = outq_mark(&f->q);
    append_text(&f->q, "dropped");
    outq_rollback(&f->q, behind_text);
    assert_content(&f->q, SLICE("kept"));
    append_owned(&f->q, SLICE("dropped"), &f->live);
    outq_append(&f->q, large, sizeof(large));
    outq_rollback(&f->q, behind_text);
    assert_int_equal(f->live, 0);
    append_text(&f->q, ", too");
    assert_content(&f->q, SLICE("kept, too"));

    append_owned(&f->q, SLICE("; a reference"), &f->live);
    struct outq_mark behind_reference = outq_mark(&f->q);
    outq_append(&f->q, large, sizeof(large));
    outq_rollback(&f->q, behind_reference);
    append_text(&f->q, "; the end");
    assert_content(&f->q, SLICE("kept, too; a reference; the end"));
}

/* The queue held a reference alone, so that the tail has no room. */
static void test_rollback_to_behind_a_lone_reference(void **state)
{
    struct fixture *f = *state;
    append_owned(&f->q, SLICE("alone"), &f->live);
    struct outq_mark mark = outq_mark(&f->q);
    append_text(&f->q, "dropped");
    outq_rollback(&f->q, mark);
    assert_content(&f->q, SLICE("alone"));
    append_text(&f->q, "!");
    assert_content(&f->q, SLICE("alone!"));
}

static void test_move_empties_the_source(void **state)
{
    struct fixture *f = *state;
    static char large[3 * OUTQ_CHUNK_BYTES];
    append_text(&f->other, "small");
    outq_move(&f->q, &f->other); /* taken over */
    append_text(&f->other, ", copied");
    outq_move(&f->q, &f->other);
    assert_int_equal(outq_chunks(&f->q), 1);
    append_text(&f->other, ", ");
    append_owned(&f->other, SLICE("with a reference"), &f->live);
    outq_move(&f->q, &f->other);
    assert_true(outq_empty(&f->other));
    assert_content(&f->q, SLICE("small, copied, with a reference"));
    outq_append(&f->other, large, sizeof(large));
    outq_drain(&f->other, 10);
    outq_move(&f->q, &f->other);
    assert_int_equal(outq_bytes(&f->q), 31 + sizeof(large) - 10);
    assert_int_equal(outq_memory(&f->other), 0);
    outq_drain(&f->q, 31);
    assert_content(&f->q, slice_of(large, sizeof(large) - 10));
}

static void test_the_pool_keeps_no_more_than_its_limit(void **state)
{
    struct fixture *f = *state;
    static char much[(OUTQ_POOL_CHUNKS_MAX + 10) * OUTQ_CHUNK_BYTES];
    outq_append(&f->q, much, sizeof(much));
    outq_drain(&f->q, sizeof(much));
    assert_int_equal(f->pool.count, OUTQ_POOL_CHUNKS_MAX);
    append_text(&f->q, "x");
    assert_int_equal(f->pool.count, OUTQ_POOL_CHUNKS_MAX - 1);
}

/* ---- random operations against a flat buffer ---------------------------------------------- */

#define MODEL_BYTES_MAX (1 << 20)
struct model {
    size_t len;
    char bytes[MODEL_BYTES_MAX];
};

static size_t random_len(struct rng *rng)
{
    return rng_below(rng, (uint64_t)1 << rng_below(rng, 17));
}

static void append_random(struct fixture *f, struct outq *q, struct model *m, struct rng *rng)
{
    static char text[1 << 17];
    size_t len = random_len(rng);
    memset(text, (int)rng_next(rng), len);
    switch (rng_below(rng, 3)) {
    case 0:
        if (len >= OUTQ_CHUNK_BYTES / 2)
            len = OUTQ_CHUNK_BYTES / 2 - 1;
        memcpy(outq_reserve(q, len + 1), text, len); /* less than reserved */
        outq_commit(q, len);
        break;
    case 1: outq_append(q, text, len); break;
    default: append_owned(q, slice_of(text, len), &f->live);
    }
    assert_true(m->len + len <= MODEL_BYTES_MAX);
    memcpy(m->bytes + m->len, text, len);
    m->len += len;
}

static void roll_back_random(struct fixture *f, struct model *m, struct rng *rng)
{
    struct outq_mark mark = outq_mark(&f->q);
    size_t len = m->len;
    for (uint64_t i = rng_below(rng, 4); i > 0; i--)
        append_random(f, &f->q, m, rng);
    outq_validate(&f->q);
    outq_rollback(&f->q, mark);
    m->len = len;
}

static void move_random(struct fixture *f, struct model *m, struct rng *rng)
{
    size_t before = m->len;
    for (uint64_t i = rng_below(rng, 4); i > 0; i--)
        append_random(f, &f->other, m, rng);
    size_t sent = rng_below(rng, outq_bytes(&f->other) + 1);
    outq_drain(&f->other, sent);
    memmove(m->bytes + before, m->bytes + before + sent, m->len - before - sent);
    m->len -= sent;
    outq_validate(&f->other);
    outq_move(&f->q, &f->other);
    assert_true(outq_empty(&f->other));
    assert_int_equal(outq_memory(&f->other), 0);
}

static void drain_random(struct fixture *f, struct model *m, struct rng *rng)
{
    size_t len = rng_below(rng, 8) ? random_len(rng) : m->len;
    if (len > m->len)
        len = m->len;
    outq_drain(&f->q, len);
    m->len -= len;
    memmove(m->bytes, m->bytes + len, m->len);
}

static void test_random_operations_against_a_flat_buffer(void **state)
{
    struct fixture *f = *state;
    struct model *m = calloc(1, sizeof(*m));
    assert_non_null(m);
    struct rng rng;
    rng_seed(&rng, 11);
    for (int step = 0; step < 30000; step++) {
        switch (m->len > MODEL_BYTES_MAX / 4 ? 9 : rng_below(&rng, 10)) {
        case 0:
        case 1: roll_back_random(f, m, &rng); break;
        case 2:
        case 3: move_random(f, m, &rng); break;
        case 4:
        case 5:
        case 6: append_random(f, &f->q, m, &rng); break;
        default: drain_random(f, m, &rng);
        }
        assert_content(&f->q, slice_of(m->bytes, m->len));
    }
    outq_drain(&f->q, m->len);
    assert_true(outq_empty(&f->q));
    assert_int_equal(f->live, 0);
    free(m);
}

#define queue_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* It is given alone, so that who sends it can do that in another way. */
static void test_what_may_be_lent_is_peeked_at_alone(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[8];
    struct blob *b = blob_try_new(BLOB_PAGES_BYTES_MIN, BLOB_PAGES_BYTES_MIN);
    assert_non_null(b);
    memset(b->data, 'b', b->len);
    for (int i = 0; i < BLOB_SENT_COPIED; i++)
        assert_false(blob_ask_to_lend(b));
    append_text(&f->q, "front");
    outq_append_blob(&f->q, b->data, b->len, b);
    append_text(&f->q, "back");
    assert_int_equal(b->refs, 2);
    assert_null(outq_lendable(&f->q));
    assert_int_equal(outq_peek(&f->q, iov, 8), 1);
    outq_drain(&f->q, 5);
    assert_ptr_equal(outq_lendable(&f->q), b);
    assert_int_equal(outq_peek(&f->q, iov, 8), 1);
    assert_true(iov[0].iov_base == b->data && iov[0].iov_len == b->len);
    outq_drain(&f->q, 100);
    assert_ptr_equal(outq_lendable(&f->q), b);
    outq_drain(&f->q, b->len - 100);
    assert_int_equal(b->refs, 1);
    assert_null(outq_lendable(&f->q));
    blob_edit(b, b->len);
    outq_append_blob(&f->q, b->data, b->len, b);
    assert_int_equal(outq_peek(&f->q, iov, 8), 2);
    outq_deinit(&f->q);
    blob_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        queue_test(test_an_empty_queue_owns_nothing),
        queue_test(test_a_reserved_place_need_not_be_used),
        queue_test(test_reserve_gives_room_of_every_size),
        queue_test(test_a_long_text_is_split),
        queue_test(test_peek_gives_as_many_as_fit),
        queue_test(test_references_are_held_until_sent),
        queue_test(test_what_is_dropped_is_released),
        queue_test(test_headers_between_references_share_a_block),
        queue_test(test_memory_counts_references),
        queue_test(test_what_may_be_lent_is_peeked_at_alone),
        queue_test(test_rollback_to_an_empty_queue),
        queue_test(test_rollback_drops_what_came_after),
        queue_test(test_rollback_to_behind_a_lone_reference),
        queue_test(test_move_empties_the_source),
        queue_test(test_the_pool_keeps_no_more_than_its_limit),
        queue_test(test_random_operations_against_a_flat_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
