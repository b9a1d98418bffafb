/* Commands in JSON: what comes out, what is refused, and that a library thinks the same of what is JSON. */
#include "http_test.h"

#include <jansson.h>

#include "base/mem.h"
#include "base/rng.h"
#include "http/json_args.h"

static char *copy_of(struct slice s)
{
    char *copy = malloc(s.len ? s.len : 1);
    assert_non_null(copy);
    memcpy(copy, s.ptr, s.len);
    return copy;
}

static void test_commands(void **state)
{
    (void)state;
    const struct slice body = SLICE(" [ [\"SET\" , \"k\",-1.50e+3,true,false,null,\"\"] ,"
                                    "[\"a\\u00e9\\ud83d\\ude00\\n\\u0000\"]]\n");
    char *text = copy_of(body);
    struct json_args a;
    json_args_init(&a);
    assert_true(json_args_parse(&a, text, body.len, true));
    static const struct slice want[] = {
        SLICE("SET"),   SLICE("k"),    SLICE("-1.50e+3"), SLICE("true"),
        SLICE("false"), SLICE("null"), SLICE(""),         SLICE("a\xc3\xa9\xf0\x9f\x98\x80\n\0")};
    assert_int_equal(a.commands, 2);
    assert_int_equal(a.counts[0], 7);
    assert_int_equal(a.counts[1], 1);
    assert_int_equal(a.argc, COUNT_OF(want));
    for (size_t i = 0; i < a.argc; i++)
        assert_true(slice_equal(a.argv[i], want[i]));
    json_args_deinit(&a);
    free(text);
}

static void test_one_or_many(void **state)
{
    (void)state;
    struct json_args a;
    json_args_init(&a);
    char one[] = "[\"PING\"]", many[] = "[[\"PING\"]]", none[] = "[]";
    assert_true(json_args_parse(&a, one, strlen(one), false));
    assert_false(json_args_parse(&a, one, strlen(one), true));
    assert_true(json_args_parse(&a, many, strlen(many), true));
    assert_false(json_args_parse(&a, many, strlen(many), false));
    assert_true(json_args_parse(&a, none, strlen(none), true));
    assert_int_equal(a.commands, 0);
    assert_false(json_args_parse(&a, none, strlen(none), false));
    json_args_deinit(&a);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct slice rows[] = {
        SLICE(""),
        SLICE("["),
        SLICE("[\"a\""),
        SLICE("[\"a\",]"),
        SLICE("[,]"),
        SLICE("[\"a\"]x"),
        SLICE("[\"a\" \"b\"]"),
        SLICE("[\"\\u12\"]"),
        SLICE("[\"\\q\"]"),
        SLICE("[\"\\"),
        SLICE("[\"a\n\"]"),
        SLICE("[\"\xff\"]"),
        SLICE("[01]"),
        SLICE("[1.]"),
        SLICE("[.5]"),
        SLICE("[-]"),
        SLICE("[1e]"),
        SLICE("[+1]"),
        SLICE("[nul]"),
        SLICE("[\"\\ud800\"]"),
        SLICE("[\"\\udc00\"]"),
        SLICE("[\"\\ud800\\u0041\"]"),
        SLICE("{}"),
        SLICE("[[1]]"),
        SLICE("[{}]"),
        SLICE("[1}"),
        SLICE("[--1]"),
        SLICE("[\"\xed\xa0\x80\"]"),
    };
    struct json_args a;
    json_args_init(&a);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char *text = copy_of(rows[i]);
        if (json_args_parse(&a, text, rows[i].len, false))
            fail_msg("%.*s is taken", (int)rows[i].len, rows[i].ptr);
        assert_non_null(a.error);
        free(text);
    }
    json_args_deinit(&a);
}

/* Each allocation fails in turn: it says so, and nothing is lost. */
static void test_little_memory(void **state)
{
    (void)state;
    const struct slice body = SLICE("[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],[1],[2]]");
    struct json_args a;
    bool taken = false;
    for (size_t n = 1; !taken; n++) {
        char *text = copy_of(body);
        json_args_init(&a);
        mem_fail_after(n);
        taken = json_args_parse(&a, text, body.len, true);
        mem_fail_after(0);
        if (!taken)
            assert_memory_equal(a.error, "OOM ", 4);
        json_args_deinit(&a);
        free(text);
    }
}

/* Random pieces of JSON: it takes those that jansson does, and has the same strings. */
static void test_like_a_library(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "[",    "]",    ",",     "\"",     "a",      "\\",    "\\u0041", "\\n",     "1",
        "0",    "-",    ".",     "e",      "true",   "null",  " ",       "\\ud83d", "\\ude00",
        "\xc3", "\xa9", "\"x\"", "[\"a\"", ",\"b\"", "[1,\"", "\"]"};
    struct rng rng;
    struct json_args a;
    struct buf text;
    int taken = 0;
    rng_seed(&rng, 42);
    json_args_init(&a);
    buf_init(&text);
    for (int round = 0; round < 200000; round++) {
        buf_clear(&text);
        buf_append_char(&text, '[');
        for (uint64_t n = rng_below(&rng, 9); n > 0; n--)
            buf_append_cstr(&text, pieces[rng_below(&rng, COUNT_OF(pieces))]);
        buf_append_char(&text, ']');
        json_t *json = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL);
        bool flat = json && json_array_size(json) > 0;
        for (size_t i = 0; flat && i < json_array_size(json); i++)
            flat = !json_is_array(json_array_get(json, i));
        char *copy = copy_of(buf_slice(&text));
        bool took = json_args_parse(&a, copy, text.len, false);
        if (took != flat)
            fail_msg("%s: taken %d, by jansson %d", buf_cstr(&text), took, flat);
        for (size_t i = 0; took && i < a.argc; i++) {
            const json_t *v = json_array_get(json, i);
            if (json_is_string(v))
                assert_true(
                    slice_equal(a.argv[i], slice_of(json_string_value(v), json_string_length(v))));
        }
        taken += took;
        free(copy);
        json_decref(json);
    }
    assert_true(taken > 1000);
    buf_deinit(&text);
    json_args_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),       cmocka_unit_test(test_one_or_many),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_little_memory),
        cmocka_unit_test(test_like_a_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
