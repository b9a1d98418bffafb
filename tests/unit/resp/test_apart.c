/* Arguments read apart: the same requests come out, wherever the bytes are split and whatever is parsed anew. */
#include "resp_test.h"

#include "base/rng.h"
#include "feed_apart.h"

/* What comes of the input where nothing is read apart; the caller frees it. */
static char *said_plainly(struct slice input)
{
    struct apart_feed f;
    apart_init(&f, true, SIZE_MAX, 1);
    char *said = strdup(apart_run(&f, input, NULL, 0));
    assert_non_null(said);
    apart_deinit(&f);
    return said;
}

static void assert_same(struct slice input, const size_t *ends, size_t count, const char *want)
{
    for (uint32_t dice = 0; dice < 8; dice++)
        for (size_t min = 1; min <= 16; min *= 4) {
            struct apart_feed f;
            apart_init(&f, true, min, dice);
            assert_string_equal(apart_run(&f, input, ends, count), want);
            apart_deinit(&f);
        }
}

static const struct slice inputs[] = {
    SLICE("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$10\r\n0123456789\r\n"),
    SLICE(
        "*5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$10\r\n0123456789\r\n$2\r\nEX\r\n$2\r\n10\r\n*1\r\n$4\r\nPING\r\n"),
    SLICE("*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$8\r\n*1\r\n$1\r\nx\r\n$1\r\nb\r\n$9\r\n987654321\r\n"
          "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"),
    SLICE("*2\r\n$4\r\necho\r\n$20\r\n$5\r\nabcde\r\n$3\r\nxy\r\n\r\nPING\r\n*1\r\n$0\r\n\r\n"),
    SLICE("*2\r\n$1\r\na\r\n$12\r\n............\r\n*2\r\n$1\r\nb\r\n:3\r\n"),
};

static void test_split_at_every_byte(void **state)
{
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        struct slice input = inputs[i];
        char *want = said_plainly(input);
        size_t every[256];
        assert_true(input.len < COUNT_OF(every));
        for (size_t k = 0; k < input.len; k++) {
            every[k] = k;
            assert_same(input, (size_t[]){k}, 1, want);
            if (k > 0)
                assert_same(input, (size_t[]){k - 1, k}, 2, want);
        }
        assert_same(input, every, input.len, want);
        free(want);
    }
}

static void test_random_pipelines(void **state)
{
    struct rng rng;
    rng_seed(&rng, 5);
    for (int round = 0; round < 300; round++) {
        struct buf input;
        buf_init(&input);
        for (uint64_t n = 1 + rng_below(&rng, 12); n > 0; n--) {
            uint64_t argc = 1 + rng_below(&rng, 6);
            buf_printf(&input, "*%d\r\n", (int)argc);
            for (; argc > 0; argc--) {
                size_t len = rng_below(&rng, rng_below(&rng, 4) ? 6 : 300);
                buf_printf(&input, "$%zu\r\n", len);
                for (; len > 0; len--)
                    buf_append_char(&input, "*$1\r\nx"[rng_below(&rng, 6)]);
                buf_append_cstr(&input, "\r\n");
            }
        }
        char *want = said_plainly(buf_slice(&input));
        size_t ends[20], count = 0;
        for (size_t at = 0; count < 20; ends[count++] = at)
            if ((at += 1 + rng_below(&rng, input.len / 8 + 1)) >= input.len)
                break;
        assert_same(buf_slice(&input), ends, count, want);
        free(want);
        buf_deinit(&input);
    }
}

/* The blob outlives the request where somebody holds it, and goes with it where nobody does. */
static void test_a_blob_may_be_kept(void **state)
{
    struct resp_parser p;
    struct resp_args args;
    struct resp_request r;
    struct resp_limits limits = {.bulk_bytes_max = 100, .authenticated = true};
    struct slice head = SLICE("*2\r\n$3\r\nSET\r\n$10\r\n012");
    size_t have, room;
    resp_parser_init(&p);
    resp_args_init(&args);
    assert_int_equal(resp_parse(&p, head, &limits, &args, &r), RESP_MORE);
    assert_int_equal(resp_parser_open_bulk(&p, head.len, &have), 10);
    assert_int_equal(have, 3);
    assert_int_equal(resp_parser_open_bulk(&p, head.len + 1, &have), 0); /* more has come since */
    assert_int_equal(resp_parser_open_bulk(&p, head.len, &have), 10);
    assert_null(resp_parser_apart_room(&p, &room));
    size_t place = head.len - have;
    assert_true(resp_parser_set_apart(&p, place, slice_of(head.ptr + place, have)));
    assert_int_equal(resp_parser_open_bulk(&p, place, &have), 0); /* it is read apart already */
    memcpy(resp_parser_apart_room(&p, &room), "3456789\r\n", 9);
    assert_int_equal(room, 9);
    resp_parser_apart_came(&p, 9);
    assert_null(resp_parser_apart_room(&p, &room));
    assert_int_equal(resp_parser_apart_bytes(&p), 12);
    assert_int_equal(resp_parse(&p, slice_of(head.ptr, place), &limits, &args, &r), RESP_REQUEST);
    assert_int_equal(r.bytes, place);
    struct blob *b = resp_parser_blob(&p, args.at[1].ptr);
    assert_non_null(b);
    assert_null(resp_parser_blob(&p, args.at[0].ptr));
    blob_hold(b);
    resp_parser_taken(&p, r.bytes);
    assert_int_equal(b->refs, 1);
    assert_int_equal(b->len, 10);
    assert_memory_equal(b->data, "0123456789", 10);
    blob_drop(b);
    assert_int_equal(resp_parser_memory(&p), 0);
    resp_args_deinit(&args);
    resp_parser_deinit(&p);
}

/* So many and no more; all go with the connection. */
static void test_there_is_a_most(void **state)
{
    struct apart_feed f;
    size_t have;
    apart_init(&f, true, SIZE_MAX, 0);
    buf_printf(&f.stream, "*%d\r\n", 2 * RESP_APART_MAX);
    for (int i = 0; i < RESP_APART_MAX; i++) {
        buf_append_cstr(&f.stream, "$4\r\n");
        struct resp_request r;
        assert_int_equal(resp_parse(&f.parser, buf_slice(&f.stream), &f.limits, &f.args, &r),
                         RESP_MORE);
        assert_int_equal(resp_parser_open_bulk(&f.parser, f.stream.len, &have), 4);
        assert_true(resp_parser_set_apart(&f.parser, f.stream.len, SLICE("")));
        resp_parser_apart_came(&f.parser, 6);
    }
    buf_append_cstr(&f.stream, "$4\r\n");
    struct resp_request r;
    assert_int_equal(resp_parse(&f.parser, buf_slice(&f.stream), &f.limits, &f.args, &r),
                     RESP_MORE);
    assert_false(resp_parser_set_apart(&f.parser, f.stream.len, SLICE("")));
    apart_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_at_every_byte),
        cmocka_unit_test(test_random_pipelines),
        cmocka_unit_test(test_a_blob_may_be_kept),
        cmocka_unit_test(test_there_is_a_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
