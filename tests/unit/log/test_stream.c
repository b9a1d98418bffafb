/* The stream against a naive model: random units of random effects, large values by reference, consumers that hold
 * batches for as long as they like, and memory that fails. */
#include "log_test.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/rng.h"
#include "log/format.h"
#include "log/stream.h"

#define HELD_MAX 40

/* What the stream must be: bytes, put together the slow way. */
struct model {
    struct buf bytes;
    int db; /* -1: unknown */
    /* the unit under way */
    struct buf first, rest; /* its first effect, and all others with what stands between */
    int effects;
};

/* A consumer: notes all bytes, and holds batches. */
struct holder {
    struct stream_consumer consumer;
    struct rng *rng;
    struct buf seen;
    struct {
        struct batch *batch;
        uint32_t crc;
        size_t seen_at;
    } held[HELD_MAX];
    int count;
    uint64_t pos;
    int db;
};

static void batch_bytes(const struct batch *b, size_t skip, int vectors, struct buf *out)
{
    struct iovec iov[8];
    int n;
    for (; skip < b->len; skip += 0) {
        n = batch_vectors(b, skip, iov, vectors);
        assert_in_range(n, 1, vectors);
        for (int i = 0; i < n; i++) {
            assert_true(iov[i].iov_len > 0);
            buf_append(out, iov[i].iov_base, iov[i].iov_len);
            skip += iov[i].iov_len;
        }
    }
    assert_int_equal(skip, b->len);
}

static void let_go(struct holder *h, int i)
{
    struct batch *b = h->held[i].batch;
    struct buf again;
    buf_init(&again);
    batch_bytes(b, 0, 1 + (int)rng_below(h->rng, 8), &again);
    assert_memory_equal(again.ptr, h->seen.ptr + h->held[i].seen_at, again.len);
    assert_int_equal(h->held[i].crc, batch_crc(b, 7));
    size_t skip = rng_below(h->rng, b->len);
    buf_clear(&again);
    batch_bytes(b, skip, 3, &again);
    assert_memory_equal(again.ptr, h->seen.ptr + h->held[i].seen_at + skip, again.len);
    buf_deinit(&again);
    batch_drop(b);
    h->held[i] = h->held[--h->count];
}

static void on_take(void *arg, struct batch *b)
{
    struct holder *h = arg;
    assert_int_equal(b->start, h->pos);
    assert_int_equal(b->pos, b->start + b->len);
    assert_true(b->db == h->db || b->db == -1);
    h->pos = b->pos;
    h->db = b->end_db;
    size_t at = h->seen.len;
    batch_bytes(b, 0, 8, &h->seen);
    assert_int_equal(h->seen.len - at, b->len);
    assert_int_equal(batch_crc(b, 7), crc32c(7, h->seen.ptr + at, b->len));
    if (h->count == HELD_MAX)
        let_go(h, (int)rng_below(h->rng, HELD_MAX));
    h->held[h->count].batch = batch_hold(b);
    h->held[h->count].crc = batch_crc(b, 7);
    h->held[h->count++].seen_at = at;
}

static void holder_init(struct holder *h, struct stream *st, struct rng *rng)
{
    *h = (struct holder){
        .rng = rng, .db = -1, .pos = stream_pos(st), .consumer = {.take = on_take, .arg = h}};
    buf_init(&h->seen);
    stream_attach(st, &h->consumer);
}

static void holder_deinit(struct holder *h)
{
    while (h->count)
        let_go(h, 0);
    buf_deinit(&h->seen);
}

/* --- the model ---------------------------------------------------------------------------------------------- */

static void model_init(struct model *m)
{
    *m = (struct model){.db = -1};
}

static void model_deinit(struct model *m)
{
    buf_deinit(&m->bytes);
    buf_deinit(&m->first);
    buf_deinit(&m->rest);
}

static void model_select(struct model *m, struct buf *out, int db)
{
    char digits[NUM_I64_CHARS];
    if (m->db != db)
        format_command(
            out, 2, (struct slice[]){SLICE("SELECT"), {digits, (size_t)num_print_i64(digits, db)}});
    m->db = db;
}

static void model_put(struct model *m, int db, int argc, const struct slice *argv)
{
    model_select(m, m->effects ? &m->rest : &m->bytes, db);
    format_command(m->effects ? &m->rest : &m->first, argc, argv);
    m->effects++;
}

static void model_unit_end(struct model *m)
{
    if (m->effects > 1)
        format_command(&m->bytes, 1, &SLICE("MULTI"));
    buf_append(&m->bytes, m->first.ptr, m->first.len);
    buf_append(&m->bytes, m->rest.ptr, m->rest.len);
    if (m->effects > 1)
        format_command(&m->bytes, 1, &SLICE("EXEC"));
    buf_clear(&m->first);
    buf_clear(&m->rest);
    m->effects = 0;
}

/* --- random units ------------------------------------------------------------------------------------------- */

static size_t random_len(struct rng *rng)
{
    switch (rng_below(rng, 40)) {
    case 0: return STREAM_BLOB_BYTES_MIN - 1 + rng_below(rng, 3);
    case 1: return rng_below(rng, 200000);
    case 2: return 0;
    default: return rng_below(rng, 60);
    }
}

static int failing; /* one of so many effects meets an allocation that fails; 0: none does */

/* One effect, in whichever form; refused where there is no memory. */
static void effect(struct stream *st, struct model *m, struct rng *rng)
{
    int db = rng_below(rng, 4) ? 0 : (int)rng_below(rng, 12);
    size_t len = random_len(rng);
    struct blob *b = blob_try_new(len, len);
    struct slice argv[5] = {SLICE("SET"), SLICE("key"), SLICE(""), SLICE("PXAT"),
                            SLICE("99999999999")};
    int argc = rng_below(rng, 3) ? 3 : 5;
    if (!b)
        return;
    memset(b->data, (int)('a' + rng_below(rng, 26)), b->len);
    argv[2] = slice_of(b->data, b->len);
    bool by_reference = rng_below(rng, 2);
    size_t bytes = stream_command_bytes(argc, argv) - (by_reference ? b->len : 0);
    if (by_reference && b->len < STREAM_BLOB_BYTES_MIN)
        bytes += b->len;
    uint64_t before = stream_pos(st);
    if (failing && rng_below(rng, (uint64_t)failing) == 0)
        mem_fail_after(1 + rng_below(rng, 3));
    if (!stream_room(st, bytes, 1)) {
        mem_fail_after(0);
        assert_int_equal(stream_pos(st), before);
    } else {
        if (by_reference)
            stream_put_blob(st, db, argc, argv, b);
        else
            stream_put(st, db, argc, argv);
        mem_fail_after(0);
        assert_true(stream_pos(st) > before);
        model_put(m, db, argc, argv);
    }
    blob_drop(b);
}

static void unit(struct stream *st, struct model *m, struct rng *rng, int depth)
{
    stream_unit_begin(st);
    for (uint64_t n = rng_below(rng, 4); n > 0; n--) {
        if (depth < 3 && rng_below(rng, 5) == 0)
            unit(st, m, rng, depth + 1);
        else
            effect(st, m, rng);
        if (rng_below(rng, 10) == 0)
            stream_seal(st); /* which does not tear a unit */
        stream_validate(st);
    }
    stream_unit_end(st);
    if (depth == 0)
        model_unit_end(m);
}

static void expect(const struct holder *h, const struct model *m)
{
    assert_int_equal(h->seen.len, m->bytes.len);
    assert_memory_equal(h->seen.ptr, m->bytes.ptr, h->seen.len);
}

static void run(uint64_t seed)
{
    struct rng rng;
    struct model m;
    struct holder first, second;
    rng_seed(&rng, seed);
    model_init(&m);
    uint64_t start = rng_below(&rng, 1000);
    struct stream *st = stream_new(start);
    holder_init(&first, st, &rng);
    holder_init(&second, st, &rng);
    for (int step = 0; step < 300; step++) {
        stream_clock(st, step);
        if (rng_below(&rng, 3) == 0) {
            effect(st, &m, &rng);
            model_unit_end(&m);
        } else {
            unit(st, &m, &rng, 0);
        }
        if (rng_below(&rng, 5) == 0)
            stream_seal(st);
        if (rng_below(&rng, 30) == 0) {
            stream_cut(st);
            m.db = -1;
        }
        if (first.count && rng_below(&rng, 3) == 0)
            let_go(&first, (int)rng_below(&rng, (uint64_t)first.count));
        stream_validate(st);
        assert_int_equal(stream_pos(st) - start, m.bytes.len);
    }
    stream_seal(st);
    expect(&first, &m);
    expect(&second, &m);
    stream_detach(st, &first.consumer);
    stream_detach(st, &second.consumer);
    if (rng_below(&rng, 2)) {
        holder_deinit(&first);
        stream_drop(&st);
    } else { /* batches may outlive whoever made the stream */
        stream_drop(&st);
        holder_deinit(&first);
    }
    holder_deinit(&second);
    model_deinit(&m);
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 30; seed++)
        run(seed);
}

static void test_memory_fails(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 140; seed++) {
        failing = 1 + (int)(seed % 5);
        run(seed);
    }
    failing = 0;
}

/* --- single cases ------------------------------------------------------------------------------------------- */

/* A stream from position 0 on, and who takes its batches. */
struct alone {
    struct rng rng;
    struct holder h;
    struct stream *st;
};

static struct stream *alone_init(struct alone *a)
{
    rng_seed(&a->rng, 1);
    a->st = stream_new(0);
    holder_init(&a->h, a->st, &a->rng);
    return a->st;
}

static void alone_deinit(struct alone *a)
{
    stream_detach(a->st, &a->h.consumer);
    holder_deinit(&a->h);
    stream_drop(&a->st);
}

static void test_one_effect_has_no_frame(void **state)
{
    (void)state;
    struct alone a;
    struct stream *st = alone_init(&a);
    stream_unit_begin(st);
    stream_put(st, 3, 1, &SLICE("a"));
    stream_unit_end(st);
    stream_unit_begin(st);
    stream_unit_end(st);
    stream_unit_begin(st);
    stream_put(st, 3, 1, &SLICE("b"));
    stream_put(st, 4, 1, &SLICE("c"));
    stream_unit_end(st);
    stream_seal(st);
    const char *text = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*1\r\n$1\r\na\r\n"
                       "*1\r\n$5\r\nMULTI\r\n*1\r\n$1\r\nb\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n4\r\n"
                       "*1\r\n$1\r\nc\r\n*1\r\n$4\r\nEXEC\r\n";
    assert_int_equal(a.h.seen.len, strlen(text));
    assert_memory_equal(a.h.seen.ptr, text, a.h.seen.len);
    alone_deinit(&a);
}

/* A value that is held is not changed under the batch: whoever edits it makes a copy. */
static void test_a_held_value_is_not_editable(void **state)
{
    (void)state;
    struct alone a;
    struct stream *st = alone_init(&a);
    struct blob *b = blob_try_new(100000, 100000);
    memset(b->data, 'x', b->len);
    struct slice argv[2] = {SLICE("SET"), slice_of(b->data, b->len)};
    assert_true(blob_editable(b));
    stream_put_blob(st, 0, 2, argv, b);
    assert_false(blob_editable(b));
    assert_int_equal(stream_open_bytes(st), stream_pos(st));
    stream_seal(st);
    assert_int_equal(stream_open_bytes(st), 0);
    assert_true(a.h.held[0].batch->bytes.len < 100);
    assert_false(blob_editable(b));
    let_go(&a.h, 0);
    assert_true(blob_editable(b));
    blob_drop(b);
    alone_deinit(&a);
}

static void test_batches_end_at_their_size(void **state)
{
    (void)state;
    struct alone a;
    struct stream *st = alone_init(&a);
    char *value = calloc(1, 100000);
    struct slice argv[2] = {SLICE("APPEND"), slice_of(value, 100000)};
    for (int i = 0; i < 50; i++) {
        assert_true(stream_room(st, 100100, 1));
        stream_put(st, 0, 2, argv);
    }
    assert_in_range(a.h.count, 3, 5);
    int count = a.h.count;
    stream_unit_begin(st); /* which stays whole */
    for (int i = 0; i < 50; i++) {
        assert_true(stream_room(st, 100100, 1));
        stream_put(st, 0, 2, argv);
    }
    assert_in_range(a.h.count, count, count + 1);
    stream_unit_end(st);
    assert_in_range(a.h.count, count + 1, count + 2);
    assert_int_equal(stream_open_bytes(st), 0);
    free(value);
    alone_deinit(&a);
}

/* What has happened already, and nobody asked room for, is never lost for lack of memory. */
static void test_the_reserve(void **state)
{
    (void)state;
    struct alone a;
    struct stream *st = alone_init(&a);
    size_t puts = 0;
    for (int round = 0; round < 100; round++) {
        mem_fail_after(1);
        for (int i = 0; i < 50; i++, puts++)
            stream_put(st, 0, 2, (struct slice[]){SLICE("DEL"), SLICE("a key that expired")});
        mem_fail_after(0);
        stream_seal(st);
        while (a.h.count)
            let_go(&a.h, 0);
        stream_validate(st);
    }
    assert_int_equal(a.h.seen.len, 23 + puts * (4 + 9 + 5 + 20));
    alone_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_memory_fails),
        cmocka_unit_test(test_one_effect_has_no_frame),
        cmocka_unit_test(test_a_held_value_is_not_editable),
        cmocka_unit_test(test_batches_end_at_their_size),
        cmocka_unit_test(test_the_reserve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
