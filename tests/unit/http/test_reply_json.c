/* Replies as JSON and as RESP2, in whatever pieces the tokens come. */
#include "http_test.h"

#include <jansson.h>

#include "base/rng.h"
#include "http/reply_json.h"
#include "http/resp2_text.h"

enum form { JSON, BASE64, NATURAL, RESP2 };

static void convert(struct slice in, size_t piece, enum form form, struct buf *out)
{
    struct reply_parser p;
    struct reply_json j;
    unsigned skipped = 0;
    reply_parser_init(&p);
    reply_json_init(&j, form == BASE64);
    j.natural = form == NATURAL;
    buf_clear(out);
    for (size_t at = 0; at < in.len; at += piece) {
        size_t len = in.len - at < piece ? in.len - at : piece;
        struct slice exact = exact_new(slice_of(in.ptr + at, len)), rest = exact;
        struct reply_token t;
        while (reply_next(&p, &rest, &t) == REPLY_TOKEN) {
            if (form == RESP2)
                resp2_text_token(&skipped, &t, out);
            else
                reply_json_token(&j, &t, out);
        }
        exact_free(exact);
    }
}

static void test_replies(void **state)
{
    (void)state;
    static const struct {
        struct slice in;
        enum form form;
        const char *out;
    } rows[] = {
        {SLICE("+OK\r\n"), JSON, "{\"result\":\"OK\"}"},
        {SLICE("+OK\r\n"), BASE64, "{\"result\":\"OK\"}"},
        {SLICE("+PONG\r\n"), BASE64, "{\"result\":\"UE9ORw==\"}"},
        {SLICE("-ERR a \"b\"\r\n"), BASE64, "{\"error\":\"ERR a \\\"b\\\"\"}"},
        {SLICE(":-5\r\n"), BASE64, "{\"result\":-5}"},
        {SLICE("_\r\n"), JSON, "{\"result\":null}"},
        {SLICE("#t\r\n"), JSON, "{\"result\":1}"},
        {SLICE("#t\r\n"), NATURAL, "{\"result\":true}"},
        {SLICE(",1.5\r\n"), JSON, "{\"result\":\"1.5\"}"},
        {SLICE(",1.5\r\n"), BASE64, "{\"result\":\"MS41\"}"},
        {SLICE(",inf\r\n"), NATURAL, "{\"result\":\"inf\"}"},
        {SLICE("(123\r\n"), JSON, "{\"result\":\"123\"}"},
        {SLICE("=7\r\ntxt:abc\r\n"), JSON, "{\"result\":\"abc\"}"},
        {SLICE("*0\r\n"), JSON, "{\"result\":[]}"},
        {SLICE("*3\r\n+OK\r\n*2\r\n:1\r\n_\r\n-ERR x\r\n"), JSON,
         "{\"result\":[\"OK\",[1,null],\"ERR x\"]}"},
        {SLICE("*2\r\n+OK\r\n$2\r\nOK\r\n"), BASE64, "{\"result\":[\"T0s=\",\"T0s=\"]}"},
        {SLICE("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n+c\r\n"), JSON,
         "{\"result\":[\"a\",1,\"b\",[\"c\"]]}"},
        {SLICE("%2\r\n+a\r\n:1\r\n:2\r\n*1\r\n+c\r\n"), NATURAL,
         "{\"result\":{\"a\":1,\"2\":[\"c\"]}}"},
        {SLICE("|1\r\n+ttl\r\n:1\r\n$1\r\na\r\n"), JSON, "{\"result\":\"a\"}"},
        {SLICE("$8\r\n\xc3\xa9\"\\\n\x01\xff\xe2\r\n"), JSON,
         "{\"result\":\"\xc3\xa9\\\"\\\\\\n\\u0001\xef\xbf\xbd\xef\xbf\xbd\"}"},
        {SLICE("*2\r\n%1\r\n+a\r\n,1.5\r\n#f\r\n"), RESP2, "*2\r\n*2\r\n+a\r\n$3\r\n1.5\r\n:0\r\n"},
        {SLICE("*3\r\n_\r\n(12\r\n=7\r\ntxt:abc\r\n"), RESP2,
         "*3\r\n$-1\r\n$2\r\n12\r\n$3\r\nabc\r\n"},
        {SLICE("~1\r\n-ERR x\r\n"), RESP2, "*1\r\n-ERR x\r\n"},
    };
    struct buf out;
    buf_init(&out);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t piece = 1; piece <= rows[i].in.len; piece++) {
            if (rows[i].form == RESP2 && piece < rows[i].in.len)
                continue; /* a bignum is of known length there */
            convert(rows[i].in, piece, rows[i].form, &out);
            assert_string_equal(buf_cstr(&out), rows[i].out);
        }
    buf_deinit(&out);
}

/* Random bytes, in random pieces: a library takes the string, and where they are UTF-8 has the same ones. */
static void test_any_bytes(void **state)
{
    (void)state;
    static const char *const chars[] = {
        "a",           "\"",       "\\",           "\n",
        "\x7f",        "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xff",        "\xe2\x82", "\xf0\x9f",     "\xc3",
        "\xed\xa0\x80"};
    enum { WHOLE = 8 }; /* so many of them are UTF-8 */
    struct rng rng;
    struct buf in, whole, pieces;
    buf_init(&in);
    buf_init(&whole);
    buf_init(&pieces);
    rng_seed(&rng, 7);
    for (int round = 0; round < 20000; round++) {
        bool utf8 = rng_below(&rng, 2);
        buf_clear(&in);
        buf_clear(&whole);
        buf_clear(&pieces);
        for (uint64_t n = rng_below(&rng, 30); n > 0; n--)
            buf_append_cstr(&in, chars[rng_below(&rng, utf8 ? WHOLE : COUNT_OF(chars))]);
        json_text_put(buf_slice(&in), false, &whole);
        struct json_text t;
        json_text_begin(&t, false, &pieces);
        for (size_t at = 0; at < in.len;) {
            size_t len = 1 + rng_below(&rng, 5);
            len = len < in.len - at ? len : in.len - at;
            json_text_add(&t, slice_of(in.ptr + at, len), &pieces);
            at += len;
        }
        json_text_end(&t, &pieces);
        assert_true(slice_equal(buf_slice(&whole), buf_slice(&pieces)));
        json_t *json = json_loadb(whole.ptr, whole.len, JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        if (utf8)
            assert_true(slice_equal(slice_of(json_string_value(json), json_string_length(json)),
                                    buf_slice(&in)));
        json_decref(json);
    }
    buf_deinit(&in);
    buf_deinit(&whole);
    buf_deinit(&pieces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
