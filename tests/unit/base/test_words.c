#include "base_test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/words.h"

static enum err split(struct words *w, struct slice line)
{
    struct slice exact = exact_new(line);
    enum err err = words_split(w, exact);
    exact_free(exact); /* the words are copies */
    return err;
}

#define WORDS_IN_ROW_MAX 5
struct row {
    const char *line;
    const char *words[WORDS_IN_ROW_MAX]; /* up to the first NULL */
};

/* What Redis' sdssplitargs gives. */
static const struct row good[] = {
    {"", {0}},
    {"   \t\r\n\v\f ", {0}},
    {"PING", {"PING"}},
    {"  SET  key\tvalue \r\n", {"SET", "key", "value"}},
    {"\"\"", {""}},
    {"''", {""}},
    {"\"\" ''  x", {"", "", "x"}},
    {"\"hello world\" x", {"hello world", "x"}},
    {"'hello world' x", {"hello world", "x"}},
    {"\"a\\n\\r\\t\\b\\a\"", {"a\n\r\t\b\a"}},
    {"\"\\\\ \\\" \\q \\' \\/\"", {"\\ \" q ' /"}},
    {"\"\\x41\\x6a\\xfF\"", {"Aj\xff"}},
    {"\"\\x4\"", {"x4"}},
    {"\"\\xg1\"", {"xg1"}},
    {"\"\\x4g\"", {"x4g"}},
    {"\"\\x\"", {"x"}},
    {"'a\\n'", {"a\\n"}},
    {"'it\\'s'", {"it's"}},
    {"'\"'", {"\""}},
    {"\"'\"", {"'"}},
    {"'\\x41'", {"\\x41"}},
    {"'\\\\\\''", {"\\\\'"}},
    /* A word may change into quotes, and ends with them. */
    {"foo\"bar baz\"", {"foobar baz"}},
    {"foo'bar baz' x", {"foobar baz", "x"}},
    {"save \"\"", {"save", ""}},
    /* What is special in quotes is not outside. */
    {"a\\n b\\", {"a\\n", "b\\"}},
    {"\\x41", {"\\x41"}},
    /* These end a word only where one could begin. */
    {"a\vb\fc", {"a\vb\fc"}},
    {"\va", {"a"}},
    {"\"a\"\v\"b\"", {"a", "b"}},
    {"caf\xc3\xa9", {"caf\xc3\xa9"}},
};

static void test_splits_as_redis_does(void **state)
{
    struct words w;
    words_init(&w);
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        if (split(&w, slice_from_cstr(good[i].line)) != ERR_OK)
            fail_msg("%s is refused", good[i].line);
        int count = 0;
        while (count < WORDS_IN_ROW_MAX && good[i].words[count])
            count++;
        if (w.count != count)
            fail_msg("%s: %d words, want %d", good[i].line, w.count, count);
        for (int n = 0; n < count; n++)
            assert_slice_equal(w.at[n], slice_from_cstr(good[i].words[n]));
    }
    words_deinit(&w);
}

static void test_unbalanced_quotes_are_refused(void **state)
{
    static const char *const bad[] = {
        "'\\\\'", /* in single quotes a backslash escapes a quote, but no backslash */
        "\"",     "'",    "\"abc",      "'abc",   "\"abc\\\"", "'abc\\'", "x \"y",
        "\"a\"b", "'a'b", "\"a\"\"b\"", "'a''b'", "\"a\"'b'",  "a\"b\"c", "\"a\\",
        "'a\\",   "it's", "\"abc'",     "'abc\"", "\"\\x4",    "\"\\x41"};
    struct words w;
    words_init(&w);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(split(&w, SLICE("some words")), ERR_OK);
        if (split(&w, slice_from_cstr(bad[i])) != ERR_SYNTAX)
            fail_msg("%s is not refused", bad[i]);
        assert_int_equal(w.count, 0);
    }
    words_deinit(&w);
}

static void test_a_nul_ends_the_line(void **state)
{
    struct words w;
    words_init(&w);
    assert_int_equal(split(&w, SLICE("a b\0c \"")), ERR_OK);
    assert_int_equal(w.count, 2);
    assert_slice_equal(w.at[1], SLICE("b"));
    assert_int_equal(split(&w, SLICE("\"a\0\"")), ERR_SYNTAX);
    assert_int_equal(split(&w, SLICE("\"a\"\0b")), ERR_OK);
    assert_int_equal(w.count, 1);
    assert_int_equal(split(&w, (struct slice){NULL, 0}), ERR_OK);
    assert_int_equal(w.count, 0);
    words_deinit(&w);
}

static void test_too_many_words_are_refused(void **state)
{
    size_t len = 2 * (size_t)WORDS_MAX + 1;
    char *line = malloc(len);
    assert_non_null(line);
    for (size_t i = 0; i < len; i++)
        line[i] = i % 2 ? ' ' : 'x';
    struct words w;
    words_init(&w);
    assert_int_equal(words_split(&w, slice_of(line, len - 1)), ERR_OK);
    assert_int_equal(w.count, WORDS_MAX);
    assert_int_equal(words_split(&w, slice_of(line, len)), ERR_FULL);
    assert_int_equal(w.count, 0);
    words_deinit(&w);
    free(line);
}

static void test_any_allocation_may_fail(void **state)
{
    bool failed = true;
    int failures = 0;
    for (size_t n = 1; failed; n++) {
        struct words w;
        words_init(&w);
        mem_fail_after(n);
        enum err err = words_split(&w, SLICE("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"));
        mem_fail_after(0);
        failed = err != ERR_OK;
        failures += failed;
        if (failed)
            assert_int_equal(err, ERR_NOMEM);
        assert_int_equal(w.count, failed ? 0 : 17);
        assert_int_equal(words_split(&w, SLICE("good again")), ERR_OK);
        assert_int_equal(w.count, 2);
        words_deinit(&w);
    }
    assert_int_equal(failures, 4); /* the store; the array for 8, 16 and 32 */
}

/* Whatever is quoted comes back. */
static void test_quoted_words_round_trip(void **state)
{
    enum { COUNT = 5, LEN_MAX = 20 };
    struct rng rng;
    struct words w;
    struct buf line;
    rng_seed(&rng, 6);
    words_init(&w);
    buf_init(&line);
    for (int round = 0; round < 20000; round++) {
        char text[COUNT][LEN_MAX];
        struct slice want[COUNT];
        buf_clear(&line);
        for (int i = 0; i < COUNT; i++) {
            want[i] = slice_of(text[i], rng_below(&rng, LEN_MAX + 1));
            for (size_t n = 0; n < want[i].len; n++)
                text[i][n] = (char)rng_next(&rng);
            buf_append_quoted(&line, want[i]);
            buf_append_char(&line, ' ');
        }
        assert_int_equal(split(&w, buf_slice(&line)), ERR_OK);
        assert_int_equal(w.count, COUNT);
        for (int i = 0; i < COUNT; i++)
            assert_slice_equal(w.at[i], want[i]);
    }
    buf_deinit(&line);
    words_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splits_as_redis_does),
        cmocka_unit_test(test_unbalanced_quotes_are_refused),
        cmocka_unit_test(test_a_nul_ends_the_line),
        cmocka_unit_test(test_too_many_words_are_refused),
        cmocka_unit_test(test_any_allocation_may_fail),
        cmocka_unit_test(test_quoted_words_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
