/* Sources in a queue: what makes its bytes only when they can be sent. */
#include "base_test.h"

#include "base/mem.h"
#include "base/outq.h"
#include "base/rng.h"

/* Makes `left` bytes that count up from `next`, some of them as references. */
struct counting {
    struct outq_source source;
    size_t left;
    unsigned char next;
    size_t memory;
    size_t made_most; /* at once */
    int *live;        /* how many sources there are */
};

static bool produce(struct outq_source *s, struct outq *to, size_t bytes)
{
    struct counting *c = (struct counting *)s;
    size_t n = c->left < bytes ? c->left : bytes;
    assert_true(outq_empty(to));
    for (size_t i = 0; i < n; i++) {
        *outq_reserve(to, 1) = (char)c->next++;
        outq_commit(to, 1);
        if (i % 1000 == 999 && i + 1 < n) { /* no copy of this one */
            static unsigned char bytes_of[256];
            bytes_of[c->next] = c->next;
            outq_append_ref(to, (char *)&bytes_of[c->next++], 1, NULL, NULL);
            i++;
        }
    }
    c->left -= n;
    if (n > c->made_most)
        c->made_most = n;
    return c->left > 0;
}

static void free_source(struct outq_source *s)
{
    struct counting *c = (struct counting *)s;
    (*c->live)--;
    free(c);
}

static size_t memory(const struct outq_source *s)
{
    return ((const struct counting *)s)->memory;
}

static const struct outq_source_ops counting_ops = {
    .produce = produce, .free = free_source, .memory = memory};

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

static struct counting *append_source(struct fixture *f, struct outq *q, size_t bytes)
{
    struct counting *c = malloc(sizeof(*c));
    assert_non_null(c);
    *c = (struct counting){
        .source = {&counting_ops}, .left = bytes, .memory = sizeof(*c), .live = &f->live};
    f->live++;
    outq_append_source(q, &c->source);
    return c;
}

static void append_text(struct outq *q, const char *text)
{
    outq_append(q, text, strlen(text));
}

/* Takes up to `most` bytes ahead of `until`, as a socket would; returns how many. */
static size_t take(struct outq *q, uint64_t until, char *to, size_t most)
{
    struct iovec iov[16];
    size_t taken = 0;
    int count;
    while (taken < most && (count = outq_peek_until(q, until, iov, 16)) > 0) {
        size_t part = 0;
        outq_validate(q);
        for (int i = 0; i < count && taken < most; i++) {
            size_t n = iov[i].iov_len < most - taken ? iov[i].iov_len : most - taken;
            memcpy(to + taken, iov[i].iov_base, n);
            taken += n;
            part += n;
        }
        outq_drain(q, part);
        outq_validate(q);
    }
    return taken;
}

static void assert_counts_up(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        assert_int_equal((unsigned char)bytes[i], (unsigned char)i);
}

/* ---- one by one ---------------------------------------------------------------------------- */

static void test_a_source_makes_its_bytes_when_it_is_at_the_head(void **state)
{
    enum { BYTES = 300000 };
    struct fixture *f = *state;
    char *got = malloc(BYTES + 100);
    append_text(&f->q, "head");
    struct counting *c = append_source(f, &f->q, BYTES);
    append_text(&f->q, "tail");
    outq_validate(&f->q);
    assert_int_equal(outq_bytes(&f->q), 4 + 1 + 4);
    assert_int_equal(take(&f->q, UINT64_MAX, got, 4), 4);
    assert_int_equal(c->left, BYTES);
    assert_int_equal(f->q.passed, 4);
    assert_int_equal(take(&f->q, UINT64_MAX, got, 1000), 1000);
    assert_int_equal(c->left, BYTES - OUTQ_SOURCE_BYTES);
    assert_true(outq_memory(&f->q) < (size_t)2 * OUTQ_SOURCE_BYTES);
    assert_int_equal(f->q.passed, 4);
    assert_int_equal(outq_bytes(&f->q), 1 + 4);
    assert_int_equal(take(&f->q, UINT64_MAX, got + 1000, BYTES), BYTES - 1000 + 4);
    assert_counts_up(got, BYTES);
    assert_memory_equal(got + BYTES, "tail", 4);
    assert_true(outq_empty(&f->q));
    assert_int_equal(f->q.passed, 9);
    assert_int_equal(f->live, 0);
    free(got);
}

/* Its last bytes go out with what follows; what it holds goes as soon as they are made. */
static void test_what_follows_goes_with_the_last_bytes(void **state)
{
    struct fixture *f = *state;
    struct iovec iov[4];
    append_source(f, &f->q, 10);
    append_text(&f->q, "behind");
    assert_int_equal(outq_peek(&f->q, iov, 4), 2);
    assert_int_equal(f->live, 0);
    assert_int_equal(iov[0].iov_len, 10);
    assert_int_equal(iov[1].iov_len, 6);
    outq_drain(&f->q, 9);
    assert_int_equal(f->q.passed, 0);
    outq_drain(&f->q, 1);
    assert_int_equal(f->q.passed, 1);
    assert_int_equal(outq_bytes(&f->q), 6);
}

static void test_sources_without_bytes_are_passed(void **state)
{
    struct fixture *f = *state;
    char got[16];
    append_source(f, &f->q, 0);
    append_source(f, &f->q, 0);
    append_text(&f->q, "x");
    append_source(f, &f->q, 0);
    assert_int_equal(take(&f->q, UINT64_MAX, got, sizeof(got)), 1);
    assert_int_equal(got[0], 'x');
    assert_true(outq_empty(&f->q));
    assert_int_equal(f->q.passed, 4);
}

static void test_nothing_is_made_behind_the_limit(void **state)
{
    struct fixture *f = *state;
    static char got[200000];
    append_text(&f->q, "ab");
    struct counting *c = append_source(f, &f->q, 100000);
    uint64_t behind = outq_end(&f->q);
    append_text(&f->q, "cd");
    assert_int_equal(take(&f->q, behind - 1, got, sizeof(got)), 2);
    assert_int_equal(c->left, 100000);
    assert_int_equal(take(&f->q, behind, got, sizeof(got)), 100000);
    assert_int_equal(take(&f->q, behind + 1, got, sizeof(got)), 1);
    assert_int_equal(got[0], 'c');
    assert_int_equal(take(&f->q, UINT64_MAX, got, sizeof(got)), 1);
}

static void test_a_source_is_dropped_with_what_is_rolled_back(void **state)
{
    struct fixture *f = *state;
    struct outq_mark empty = outq_mark(&f->q);
    append_source(f, &f->q, 5);
    outq_rollback(&f->q, empty);
    assert_int_equal(f->live, 0);
    append_text(&f->q, "kept");
    append_source(f, &f->q, 5);
    struct outq_mark mark = outq_mark(&f->q);
    append_text(&f->q, "dropped");
    append_source(f, &f->q, 5);
    append_text(&f->q, "dropped");
    outq_rollback(&f->q, mark);
    outq_validate(&f->q);
    assert_int_equal(f->live, 1);
    append_text(&f->q, "!");
    char got[32];
    assert_int_equal(take(&f->q, UINT64_MAX, got, sizeof(got)), 10);
    assert_memory_equal(got, "kept\0\1\2\3\4!", 10);
    append_source(f, &f->q, 500000);
    take(&f->q, UINT64_MAX, got, 3); /* some of it is staged */
    outq_deinit(&f->q);
    assert_int_equal(f->live, 0);
}

static void test_memory_is_what_the_source_says(void **state)
{
    struct fixture *f = *state;
    struct counting *c = append_source(f, &f->q, 1000000);
    size_t before = outq_memory(&f->q);
    c->memory += 12345;
    assert_int_equal(outq_memory(&f->q), before);
    outq_update_memory(&f->q);
    assert_int_equal(outq_memory(&f->q), before + 12345);
    outq_validate(&f->q);
    outq_move(&f->other, &f->q);
    assert_int_equal(outq_memory(&f->other), before + 12345);
    outq_deinit(&f->other);
    assert_int_equal(outq_memory(&f->other), 0);
}

/* ---- random operations ------------------------------------------------------------------------ */

/* What the receiver is to get, and at which offset it was queued. */
#define MODEL_BYTES_MAX (8 << 20)
#define PLACES_MAX      4096
struct model {
    char *bytes;
    size_t len, got;
    struct place {
        uint64_t offset;
        size_t len;
    } places[PLACES_MAX];
    size_t count, opened;
};

static void append_any(struct fixture *f, struct outq *q, struct model *m, struct rng *rng)
{
    size_t len = rng_below(rng, (uint64_t)1 << rng_below(rng, 19));
    unsigned char first = (unsigned char)rng_next(rng);
    char *at = m->bytes + m->len;
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(first + i);
    m->len += len;
    switch (rng_below(rng, 3)) {
    case 0: append_source(f, q, len)->next = first; break;
    case 1: outq_append(q, at, len); break;
    default: outq_append_ref(q, at, len, NULL, NULL);
    }
}

static void note_place(struct fixture *f, struct model *m)
{
    m->places[m->count++] = (struct place){outq_end(&f->q), m->len};
}

static void roll_back_some(struct fixture *f, struct model *m, struct rng *rng)
{
    struct outq_mark mark = outq_mark(&f->q);
    size_t len = m->len;
    uint64_t end = outq_end(&f->q);
    for (uint64_t i = rng_below(rng, 4); i > 0; i--)
        append_any(f, &f->q, m, rng);
    outq_validate(&f->q);
    outq_rollback(&f->q, mark);
    m->len = len;
    assert_int_equal(outq_end(&f->q), end);
}

/* Up to a place that was noted all that was queued ahead of it comes, and not a byte more. */
static void receive_some(struct fixture *f, struct model *m, struct rng *rng)
{
    static char got[1 << 20];
    bool to_place = m->opened < m->count && rng_below(rng, 2);
    uint64_t until = to_place ? m->places[m->opened].offset : outq_end(&f->q);
    size_t end = to_place ? m->places[m->opened].len : m->len;
    size_t most = rng_below(rng, (uint64_t)1 << rng_below(rng, 21));
    size_t n = take(&f->q, until, got, most);
    assert_int_equal(n, most < end - m->got ? most : end - m->got);
    assert_memory_equal(got, m->bytes + m->got, n);
    m->got += n;
    while (m->opened < m->count && m->places[m->opened].len <= m->got)
        m->opened++;
}

static void test_random_operations_against_a_flat_buffer(void **state)
{
    struct fixture *f = *state;
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 60; round++) {
        struct model m = {.bytes = malloc(MODEL_BYTES_MAX)};
        assert_non_null(m.bytes);
        while (m.len < MODEL_BYTES_MAX - (4 << 20) && m.count < PLACES_MAX) {
            switch (rng_below(&rng, 6)) {
            case 0: roll_back_some(f, &m, &rng); break;
            case 1: append_any(f, &f->other, &m, &rng), outq_move(&f->q, &f->other); break;
            case 2: append_any(f, &f->q, &m, &rng); break;
            case 3: note_place(f, &m); break;
            default: receive_some(f, &m, &rng);
            }
            outq_validate(&f->q);
        }
        char *rest = malloc(MODEL_BYTES_MAX);
        assert_int_equal(take(&f->q, UINT64_MAX, rest, MODEL_BYTES_MAX), m.len - m.got);
        assert_memory_equal(rest, m.bytes + m.got, m.len - m.got);
        assert_true(outq_empty(&f->q));
        assert_int_equal(outq_memory(&f->q), 0);
        assert_int_equal(f->live, 0);
        free(rest);
        free(m.bytes);
    }
}

#define source_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        source_test(test_a_source_makes_its_bytes_when_it_is_at_the_head),
        source_test(test_what_follows_goes_with_the_last_bytes),
        source_test(test_sources_without_bytes_are_passed),
        source_test(test_nothing_is_made_behind_the_limit),
        source_test(test_a_source_is_dropped_with_what_is_rolled_back),
        source_test(test_memory_is_what_the_source_says),
        source_test(test_random_operations_against_a_flat_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
