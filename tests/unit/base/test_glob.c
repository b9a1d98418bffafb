#include "base_test.h"

#include "base/clock.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/rng.h"

static bool match(struct slice pattern, struct slice text, bool nocase)
{
    struct glob *g = glob_try_new(pattern, nocase);
    assert_non_null(g);
    bool result = glob_test(g, text);
    glob_free(&g);
    return result;
}

static bool matches(const char *pattern, const char *text)
{
    struct slice p = exact_new(slice_from_cstr(pattern)), t = exact_new(slice_from_cstr(text));
    bool result = match(p, t, false);
    exact_free(p);
    exact_free(t);
    return result;
}

static void test_each_element(void **state)
{
    assert_true(matches("hello", "hello"));
    assert_false(matches("hello", "hell"));
    assert_false(matches("hell", "hello"));
    assert_true(matches("h?llo", "hallo"));
    assert_false(matches("h?llo", "hllo"));
    assert_true(matches("h*llo", "heeeello"));
    assert_true(matches("h*llo", "hllo"));
    assert_true(matches("h[ae]llo", "hallo"));
    assert_false(matches("h[ae]llo", "hillo"));
    assert_true(matches("h[^e]llo", "hallo"));
    assert_false(matches("h[^e]llo", "hello"));
    assert_true(matches("h[a-c]llo", "hbllo"));
    assert_false(matches("h[a-c]llo", "hdllo"));
    assert_true(matches("h\\*llo", "h*llo"));
    assert_false(matches("h\\*llo", "hallo"));
}

static void test_stars(void **state)
{
    assert_true(matches("*", "anything"));
    assert_true(matches("*", ""));
    assert_true(matches("**", ""));
    assert_true(matches("a*", "a"));
    assert_true(matches("a***", "a"));
    assert_true(matches("*a*b*c*", "xxaxbxc"));
    assert_false(matches("*a*b*c*", "xxaxcxb"));
    assert_true(matches("*aab", "aaaab"));
    assert_true(matches("*ab*ab", "abab"));
    assert_false(matches("*ab*ab", "aab"));
    assert_true(matches("a*?", "ab"));
    assert_false(matches("a*?", "a"));
    assert_true(match(SLICE("*"), (struct slice){NULL, 0}, false));
}

static void test_nothing(void **state)
{
    assert_true(matches("", ""));
    assert_false(matches("", "a"));
    assert_false(matches("a", ""));
    assert_false(matches("?", ""));
    assert_false(matches("[^a]", ""));
    assert_true(match((struct slice){NULL, 0}, (struct slice){NULL, 0}, false));
}

static void test_odd_classes(void **state)
{
    /* An empty class, and all but that. */
    assert_false(matches("[]", "]"));
    assert_false(matches("[]a]", "a"));
    assert_true(matches("[^]", "x"));
    assert_true(matches("[^]]", "x]"));
    /* No end. */
    assert_true(matches("[abc", "c"));
    assert_false(matches("[abc", "d"));
    assert_false(matches("[", "["));
    assert_true(matches("[^", "x"));
    assert_true(matches("x[a-", "x-"));
    assert_true(matches("x[a-", "xa"));
    /* A range takes any byte for its end, ']' too. */
    assert_true(matches("[a-]", "_"));
    assert_true(matches("[a-]", "]"));
    assert_false(matches("[a-]", "-"));
    assert_false(matches("[^a-]", "a"));
    assert_true(matches("[^a-]", "-"));
    assert_true(matches("[a-]x]", "x"));
    /* Ranges backwards, and a '-' that is no range. */
    assert_true(matches("[c-a]", "b"));
    assert_true(matches("[-a]", "-"));
    assert_true(matches("[a-c-e]", "-"));
    assert_true(matches("[a-c-e]", "e"));
    assert_false(matches("[a-c-e]", "d"));
    /* '^' only counts at the beginning, and specials are none in a class. */
    assert_true(matches("[a^]", "^"));
    assert_true(matches("[*?]", "*"));
    assert_false(matches("[*?]", "x"));
    /* Escapes. */
    assert_true(matches("[\\]]", "]"));
    assert_true(matches("[\\^a]", "^"));
    assert_true(matches("[a\\-z]", "-"));
    assert_false(matches("[a\\-z]", "m"));
    assert_true(matches("[\\", "\\"));
}

static void test_escapes(void **state)
{
    assert_true(matches("\\a", "a"));
    assert_true(matches("\\\\", "\\"));
    assert_true(matches("a\\", "a\\"));
    assert_true(matches("\\", "\\"));
    assert_true(matches("\\[a]", "[a]"));
    assert_true(matches("*\\*", "ab*"));
    assert_false(matches("*\\*", "abc"));
}

static void test_case(void **state)
{
    assert_false(match(SLICE("HELLO*"), SLICE("hello"), false));
    assert_true(match(SLICE("HELLO*"), SLICE("hellO"), true));
    assert_true(match(SLICE("[A-C]x"), SLICE("bX"), true));
    assert_true(match(SLICE("[a-c]x"), SLICE("BX"), true));
    assert_true(match(SLICE("[xyz]"), SLICE("Y"), true));
    assert_false(match(SLICE("[\\A]"), SLICE("a"), true)); /* as in Redis */
    assert_false(match(SLICE("\xc4"), SLICE("\xe4"), true));
}

static void test_all_bytes_are_bytes(void **state)
{
    assert_true(match(SLICE("a\0*"), SLICE("a\0b"), false));
    assert_false(match(SLICE("a\0c"), SLICE("a\0b"), false));
    assert_true(match(SLICE("[\x80-\xff]"), SLICE("\xc3"), false));
    assert_false(match(SLICE("[\x80-\xff]"), SLICE("a"), false));
}

/* ---- against a matcher that tries everything ---------------------------------------------- */

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Length of the element at the beginning of the pattern, and whether it takes the byte c. */
static size_t naive_element(struct slice p, unsigned char c, bool nocase, bool *takes)
{
    const unsigned char *at = (const unsigned char *)p.ptr;
    if (at[0] == '?') {
        *takes = true;
        return 1;
    }
    if (at[0] != '[') {
        size_t escape = at[0] == '\\' && p.len >= 2;
        int want = at[escape];
        *takes = nocase ? lower(want) == lower(c) : want == c;
        return 1 + escape;
    }
    size_t i = 1;
    bool negated = i < p.len && at[i] == '^', member[256] = {false};
    i += negated;
    while (i < p.len && at[i] != ']') {
        if (at[i] == '\\' && i + 1 < p.len) {
            member[at[i + 1]] = true;
            i += 2;
        } else if (i + 2 < p.len && at[i + 1] == '-') {
            int a = at[i], b = at[i + 2], low = a < b ? a : b, high = a < b ? b : a;
            for (int m = 0; m < 256; m++) {
                if (nocase)
                    member[m] |= lower(low) <= lower(m) && lower(m) <= lower(high);
                else
                    member[m] |= low <= m && m <= high;
            }
            i += 3;
        } else {
            for (int m = 0; m < 256; m++)
                member[m] |= nocase ? lower(m) == lower(at[i]) : m == at[i];
            i++;
        }
    }
    *takes = member[c] != negated;
    return i < p.len ? i + 1 : i;
}

static bool naive_match(struct slice p, struct slice t, bool nocase)
{
    if (p.len == 0)
        return t.len == 0;
    if (p.ptr[0] == '*') {
        struct slice rest = {p.ptr + 1, p.len - 1};
        for (size_t skip = 0; skip <= t.len; skip++)
            if (naive_match(rest, slice_of(t.ptr + skip, t.len - skip), nocase))
                return true;
        return false;
    }
    if (t.len == 0)
        return false;
    bool takes;
    size_t len = naive_element(p, (unsigned char)t.ptr[0], nocase, &takes);
    return takes &&
           naive_match(slice_of(p.ptr + len, p.len - len), slice_of(t.ptr + 1, t.len - 1), nocase);
}

static struct slice random_text(struct rng *rng, const char *alphabet, size_t len_max)
{
    char text[32];
    size_t len = rng_below(rng, len_max + 1);
    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[rng_below(rng, strlen(alphabet))];
    return exact_new(slice_of(text, len));
}

static void test_random_patterns_against_recursion(void **state)
{
    struct rng rng;
    rng_seed(&rng, 4);
    int matched = 0;
    for (int i = 0; i < 400000; i++) {
        bool stars = rng_below(&rng, 2);
        struct slice p = random_text(&rng, stars ? "aAb**?" : "aAbc-*?[]^\\", 10);
        struct slice t = random_text(&rng, stars ? "aAb" : "aAbc-]^\\", 8);
        bool nocase = rng_below(&rng, 2);
        bool want = naive_match(p, t, nocase);
        matched += want;
        if (match(p, t, nocase) != want)
            fail_msg("pattern \"%.*s\", text \"%.*s\", nocase %d: want %d", (int)p.len, p.ptr,
                     (int)t.len, t.ptr, nocase, want);
        exact_free(p);
        exact_free(t);
    }
    assert_true(matched > 10000);
}

/* Recursion would take longer than the universe has. */
static void test_many_stars_take_no_time(void **state)
{
    enum { STARS = 1000, TEXT_BYTES = 100000 };
    static char pattern[2 * STARS + 1], text[TEXT_BYTES];
    for (int i = 0; i < STARS; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2 * STARS] = 'b';
    memset(text, 'a', sizeof(text));
    int64_t start_us = clock_mono_us();
    assert_false(match(slice_of(pattern, sizeof(pattern)), slice_of(text, sizeof(text)), false));
    assert_true(clock_mono_us() - start_us < 1000000);
}

/* Segments of every length around those of a word, which come late in the text or not at all. */
static void test_long_segments(void **state)
{
    struct rng rng;
    char text[600], pattern[600];
    int matched = 0;
    rng_seed(&rng, 5);
    for (int round = 0; round < 20000; round++) {
        size_t text_len = rng_below(&rng, sizeof(text)), len = 0, at = 0;
        for (size_t i = 0; i < text_len; i++)
            text[i] = "aB"[rng_below(&rng, 2)];
        while (len < 400 && at < text_len) {
            size_t part = 1 + rng_below(&rng, 150), skip = rng_below(&rng, 60);
            pattern[len++] = '*';
            for (at += skip; part > 0 && at < text_len; part--, at++)
                pattern[len++] = "?aB"[rng_below(&rng, 4) ? 1 + (text[at] == 'B') : 0];
        }
        if (rng_below(&rng, 2))
            pattern[len++] = '*';
        if (len > 0 && rng_below(&rng, 3) == 0)
            pattern[rng_below(&rng, len)] = 'a';
        struct slice p = exact_new(slice_of(pattern, len)), t = exact_new(slice_of(text, text_len));
        matched += match(p, t, rng_below(&rng, 2));
        exact_free(p);
        exact_free(t);
    }
    assert_true(matched > 1000 && matched < 19000);
}

/* What a client may send: each of these held a loop for seconds. */
static void test_large_patterns_take_no_time(void **state)
{
    enum { BYTES = 100000, TIMES = 1000 };
    static char class[BYTES + 1], text[BYTES], segment[BYTES];
    class[0] = '[';
    for (int i = 1; i < BYTES; i++)
        class[i] = (char)('a' + i % 25);
    class[BYTES] = ']';
    memset(text, 'a', sizeof(text));
    memset(segment, 'a', sizeof(segment));
    memcpy(segment + 1, "?", 1);
    segment[0] = segment[BYTES - 1] = '*';
    segment[BYTES / 2] = 'b';
    int64_t start_us = clock_mono_us();
    struct glob *g = glob_try_new(slice_of(class, sizeof(class)), true);
    for (int i = 0; i < TIMES; i++)
        assert_false(glob_test(g, SLICE("z")));
    glob_free(&g);
    g = glob_try_new(slice_of(segment, sizeof(segment)), false);
    assert_false(glob_test(g, slice_of(text, sizeof(text))));
    glob_free(&g);
    assert_true(clock_mono_us() - start_us < 2000000);
}

static void test_memory_may_fail(void **state)
{
    static char pattern[200];
    memset(pattern, '?', sizeof(pattern));
    pattern[0] = pattern[100] = pattern[199] = '*';
    struct glob *g = NULL;
    for (size_t n = 1; !g; n++) {
        mem_fail_after(n);
        g = glob_try_new(slice_of(pattern, sizeof(pattern)), true);
        assert_true(n < 20);
    }
    mem_fail_after(0);
    glob_free(&g);
    assert_null(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_element),
        cmocka_unit_test(test_stars),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_odd_classes),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_case),
        cmocka_unit_test(test_all_bytes_are_bytes),
        cmocka_unit_test(test_random_patterns_against_recursion),
        cmocka_unit_test(test_many_stars_take_no_time),
        cmocka_unit_test(test_long_segments),
        cmocka_unit_test(test_large_patterns_take_no_time),
        cmocka_unit_test(test_memory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
