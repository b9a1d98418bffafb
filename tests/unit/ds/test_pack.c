/* Packs against arrays of strings, in heap blocks of exactly their size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "ds/pack.h"

#define STRINGS_MAX 40
#define STEPS       4000

struct model {
    struct slice string[STRINGS_MAX]; /* allocated */
    size_t count;
};

/* Strings whose class or length is at an edge of the format. */
static const char *const edges[] = {
    "",
    "a",
    "0",
    "63",
    "64",
    "-1",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32768",
    "-32769",
    "8388607",
    "8388608",
    "-8388608",
    "-8388609",
    "2147483647",
    "2147483648",
    "-2147483648",
    "-2147483649",
    "549755813887",
    "549755813888",
    "140737488355327",
    "140737488355328",
    "36028797018963967",
    "36028797018963968",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "00",
    "-0",
    "+1",
    " 1",
    "1 ",
    "01",
    "1.0",
    "12345678901234567890123",
};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static const size_t lengths[] = {1,   6,   7,   8,   9,    15,   126,  127,
                                 128, 129, 255, 256, 1023, 1024, 1025, 5000};
#define LENGTHS (sizeof(lengths) / sizeof(lengths[0]))

/* One of rather few, so that strings meet again; allocated, in a block of its size. */
static struct slice draw(struct rng *rng)
{
    char text[5001];
    size_t len;
    switch (rng_next(rng) % 4) {
    case 0: len = (size_t)sprintf(text, "%s", edges[rng_next(rng) % EDGES]); break;
    case 1: len = (size_t)sprintf(text, "%d", (int)(rng_next(rng) % 200) - 100); break;
    case 2: len = (size_t)sprintf(text, "field:%d", (int)(rng_next(rng) % 20)); break;
    default:
        len = lengths[rng_next(rng) % LENGTHS];
        memset(text, 'x', len);
        text[rng_next(rng) % 2 ? len - 1 : 0] = (char)('a' + rng_next(rng) % 3);
    }
    char *own = malloc(len + (len == 0));
    memcpy(own, text, len);
    return slice_of(own, len);
}

/* All of the model as a pack, in a block of its size. */
static struct slice lay(const struct model *m)
{
    struct pack_entry e[STRINGS_MAX];
    size_t bytes = 0;
    for (size_t i = 0; i < m->count; i++) {
        assert_true(pack_entry_init(&e[i], m->string[i]));
        assert_true(e[i].bytes <= PACK_ENTRY_BYTES_MAX);
        bytes += e[i].bytes;
    }
    char *own = malloc(bytes + (bytes == 0)), *to = own;
    for (size_t i = 0; i < m->count; i++) {
        to = pack_entry_write(&e[i], to);
        pack_entry_deinit(&e[i]);
    }
    assert_ptr_equal(to, own + bytes);
    return slice_of(own, bytes);
}

static void model_free(struct model *m)
{
    for (size_t i = 0; i < m->count; i++)
        free((char *)m->string[i].ptr);
    m->count = 0;
}

static void check_entry(const char *at, struct slice s)
{
    char scratch[NUM_I64_CHARS];
    struct pack_entry e;
    int64_t number, wanted;
    assert_true(slice_equal(pack_string(at, scratch), s));
    assert_int_equal(pack_string_len(at), s.len);
    bool is_int = num_parse_i64(s, &wanted);
    assert_int_equal(pack_int(at, &number), is_int);
    assert_int_equal(pack_is_int(at), is_int);
    if (is_int)
        assert_true(number == wanted);
    assert_int_equal(pack_blob(at) != NULL, s.len > PACK_STRING_BYTES_MAX);
    pack_entry_init_to_find(&e, s);
    assert_int_equal(e.bytes, pack_bytes(at));
    assert_true(pack_equal(at, &e));
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static const char *check_find(const struct model *m, struct slice pack, size_t step, struct slice s)
{
    struct pack_entry e;
    const char *at = pack.ptr, *wanted = NULL;
    for (size_t i = 0; i < m->count && !wanted; i++) {
        if (i % step == 0 && slice_equal(m->string[i], s))
            wanted = at;
        at += pack_bytes(at);
    }
    pack_entry_init_to_find(&e, s);
    assert_ptr_equal(pack_find(pack, step, &e), wanted);
    return wanted;
}

static void check(const struct model *m, struct slice pack, struct rng *rng)
{
    const char *at = pack.ptr;
    size_t blobs = 0, blob_bytes = 0;
    assert_true(pack_valid(pack));
    assert_int_equal(pack_count(pack), m->count);
    struct slice other = draw(rng);
    for (size_t i = 0; i < m->count; i++) {
        assert_ptr_equal(pack_at(pack, i), at);
        check_entry(at, m->string[i]);
        assert_int_equal(sign(pack_compare(at, other)), sign(slice_compare(m->string[i], other)));
        if (pack_blob(at)) {
            blobs++;
            blob_bytes += blob_memory(pack_blob(at));
        }
        at += pack_bytes(at);
        check_find(m, pack, 1, m->string[i]);
        check_find(m, pack, 2, m->string[i]);
    }
    assert_ptr_equal(at, pack.ptr + pack.len);
    assert_null(pack_at(pack, m->count));
    check_find(m, pack, 1, other);
    check_find(m, pack, 2, other);
    check_find(m, pack, 3, other);
    free((char *)other.ptr);
    assert_int_equal(pack_has_blobs(pack), blobs > 0);
    assert_int_equal(pack_blob_bytes(pack), blob_bytes);
}

static void packs_hold_what_was_put_into_them(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 11);
    for (int step = 0; step < STEPS; step++) {
        struct model m = {.count = rng_next(&rng) % STRINGS_MAX};
        for (size_t i = 0; i < m.count; i++)
            m.string[i] = draw(&rng);
        struct slice pack = lay(&m);
        check(&m, pack, &rng);
        pack_drop(pack);
        free((char *)pack.ptr);
        model_free(&m);
    }
}

static void every_edge_takes_as_few_bytes_as_can_be(void **state)
{
    (void)state;
    static const struct {
        const char *string;
        size_t bytes;
    } rows[] = {{"", 1},
                {"0", 1},
                {"63", 1},
                {"64", 2},
                {"127", 2},
                {"128", 3},
                {"-1", 2},
                {"-128", 2},
                {"-129", 3},
                {"32767", 3},
                {"32768", 4},
                {"8388608", 5},
                {"2147483648", 6},
                {"549755813888", 7},
                {"140737488355328", 8},
                {"36028797018963968", 9},
                {"-9223372036854775808", 9},
                {"9223372036854775808", 20},
                {"00", 3},
                {"-0", 3}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pack_entry e;
        assert_true(pack_entry_init(&e, slice_from_cstr(rows[i].string)));
        assert_int_equal(e.bytes, rows[i].bytes);
        pack_entry_deinit(&e);
    }
}

static void what_is_held_stays_until_it_is_dropped_as_often(void **state)
{
    (void)state;
    char text[PACK_STRING_BYTES_MAX + 1];
    struct model m = {.count = 3};
    memset(text, 'b', sizeof(text));
    for (size_t i = 0; i < m.count; i++)
        m.string[i] = i == 1 ? SLICE("short") : slice_of(text, sizeof(text));
    struct slice pack = lay(&m);
    struct blob *first = pack_blob(pack.ptr);
    assert_int_equal(first->refs, 1);
    pack_hold(pack);
    assert_int_equal(first->refs, 2);
    pack_drop(pack);
    assert_int_equal(first->refs, 1);
    pack_drop(pack);
    free((char *)pack.ptr);
}

static void a_long_string_without_memory_is_refused(void **state)
{
    (void)state;
    char text[PACK_STRING_BYTES_MAX + 1];
    struct pack_entry e;
    memset(text, 'b', sizeof(text));
    mem_fail_after(1);
    assert_false(pack_entry_init(&e, slice_of(text, sizeof(text))));
    pack_entry_deinit(&e);
    mem_fail_after(1);
    assert_true(pack_entry_init(&e, slice_of(text, PACK_STRING_BYTES_MAX)));
    mem_fail_after(0);
    /* One that is not written gives its blob back. */
    assert_true(pack_entry_init(&e, slice_of(text, sizeof(text))));
    pack_entry_deinit(&e);
}

/* A pack cut anywhere else than between entries is not valid, nor is one with any byte changed unless it is another
 * valid pack; neither makes anybody look beyond its end. */
static void what_is_cut_or_flipped_is_told_or_whole(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 12);
    for (int round = 0; round < 30; round++) {
        struct model m = {.count = 1 + rng_next(&rng) % 12};
        for (size_t i = 0; i < m.count; i++) {
            m.string[i] = draw(&rng);
            while (m.string[i].len > PACK_STRING_BYTES_MAX) {
                free((char *)m.string[i].ptr);
                m.string[i] = draw(&rng);
            }
        }
        struct slice pack = lay(&m);
        const char *edge = pack.ptr;
        for (size_t len = 0; len < pack.len; len++) {
            char *cut = malloc(len + (len == 0));
            memcpy(cut, pack.ptr, len);
            bool between = pack.ptr + len == edge;
            assert_int_equal(pack_valid(slice_of(cut, len)), between);
            if (between)
                edge += pack_bytes(edge);
            free(cut);
        }
        char *flipped = malloc(pack.len);
        memcpy(flipped, pack.ptr, pack.len);
        for (size_t bit = 0; bit < 8 * pack.len; bit++) {
            struct slice p = slice_of(flipped, pack.len);
            flipped[bit / 8] ^= (char)(1 << bit % 8);
            if (pack_valid(p) && !pack_has_blobs(p)) {
                char scratch[NUM_I64_CHARS];
                for (size_t i = 0; i < pack_count(p); i++)
                    pack_string(pack_at(p, i), scratch);
            }
            flipped[bit / 8] ^= (char)(1 << bit % 8);
        }
        free(flipped);
        free((char *)pack.ptr);
        model_free(&m);
    }
}

static void a_longer_form_of_the_same_string_is_not_valid(void **state)
{
    (void)state;
    static const struct slice packs[] = {
        {"\x01"
         "7",
         2},                 /* an integer as text */
        {"\x80\x3f", 2},     /* 63 in a byte of its own */
        {"\x81\x40\x00", 3}, /* 64 in two */
        {"\x88\x01\x00"
         "a",
         4},         /* a short string with a length of two bytes */
        {"\x8a", 1}, /* no code */
        {"\xbf", 1},
        {"\x89\0\0\0\0\0\0\0\0", 9}, /* a pointer to nothing */
        {"\x88", 1},
    };
    for (size_t i = 0; i < sizeof(packs) / sizeof(packs[0]); i++)
        assert_false(pack_valid(packs[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_hold_what_was_put_into_them),
        cmocka_unit_test(every_edge_takes_as_few_bytes_as_can_be),
        cmocka_unit_test(what_is_held_stays_until_it_is_dropped_as_often),
        cmocka_unit_test(a_long_string_without_memory_is_refused),
        cmocka_unit_test(what_is_cut_or_flipped_is_told_or_whole),
        cmocka_unit_test(a_longer_form_of_the_same_string_is_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
