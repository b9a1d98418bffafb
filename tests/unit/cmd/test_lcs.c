#include <stdlib.h>

#include "unit/cmd/cmd_test.h"

static const struct cmd_case cases[] = {
    {"mset s1 ohmytext s2 mynewtext", "+OK", "new:s1 set:s1 new:s2 set:s2",
     "mset s1 ohmytext s2 mynewtext"},
    {"lcs s1 s2", "$6 mytext"},
    {"lcs s1 s2 len", ":6"},
    {"lcs s1 s2 idx", "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
    {"lcs s1 s2 IDX MINMATCHLEN 4", "*4 $7 matches *1 *2 *2 :4 :7 *2 :5 :8 $3 len :6"},
    {"lcs s1 s2 idx minmatchlen 4 withmatchlen",
     "*4 $7 matches *1 *3 *2 :4 :7 *2 :5 :8 :4 $3 len :6"},
    {"lcs s1 s2 idx withmatchlen",
     "*4 $7 matches *2 *3 *2 :4 :7 *2 :5 :8 :4 *3 *2 :2 :3 *2 :0 :1 :2 $3 len :6"},
    {"lcs s1 s2 idx minmatchlen -5",
     "*4 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
    {"lcs s1 s2 idx minmatchlen 100", "*4 $7 matches *0 $3 len :6"},
    {"lcs s1 s2 idx len", "-ERR If you want both the length and indexes, please just use IDX."},
    {"lcs s1 s2 minmatchlen x", "-ERR value is not an integer or out of range"},
    {"lcs s1 s2 minmatchlen", "-ERR syntax error"},
    {"lcs s1 s2 foo", "-ERR syntax error"},
    {"lcs s1 s2 withmatchlen", "$6 mytext"},
    {"lcs s1 nokey", "$0 ", "keymiss:nokey"},
    {"lcs s1 nokey idx", "*4 $7 matches *0 $3 len :0", "keymiss:nokey"},
    {"lcs nokey nokey len", ":0", "keymiss:nokey keymiss:nokey"},
    {"lcs nokey s1", "$0 ", "keymiss:nokey"},
    {"lcs s1 s1", "$8 ohmytext"},
    {"lcs s1 s1 idx", "*4 $7 matches *1 *2 *2 :0 :7 *2 :0 :7 $3 len :8"},
    {"set n1 12345", "+OK", "new:n1 set:n1", "set n1 12345"},
    {"set n2 11325", "+OK", "new:n2 set:n2", "set n2 11325"},
    {"lcs n1 n2", "$3 135"},
    {"lcs n1 n2 idx withmatchlen",
     "*4 $7 matches *3 *3 *2 :4 :4 *2 :4 :4 :1 *3 *2 :2 :2 *2 :2 :2 :1 *3 *2 :0 :0 *2 :0 :0 :1 $3 len :3"},
    {"set r1 ACCGGGTTACCGTTTAAAACCCGGGTAACCT", "+OK", "new:r1 set:r1",
     "set r1 ACCGGGTTACCGTTTAAAACCCGGGTAACCT"},
    {"set r2 ACCGGACTTTACCGGTTTAACAACCGGGTAACC", "+OK", "new:r2 set:r2",
     "set r2 ACCGGACTTTACCGGTTTAACAACCGGGTAACC"},
    {"lcs r1 r2", "$28 ACCGGTTACCGTTTAAAACCGGGTAACC"},
    {"lcs r1 r2 len", ":28"},
    {"lcs r1 r2 idx withmatchlen",
     "*4 $7 matches *6 *3 *2 :20 :29 *2 :23 :32 :10 *3 *2 :17 :18 *2 :21 :22 :2 *3 *2 :11 :16 *2 :14 :19 :6 *3 *2 :6 :10 *2 :8 :12 :5 *3 *2 :4 :5 *2 :3 :4 :2 *3 *2 :0 :2 *2 :0 :2 :3 $3 len :28"},
    {"lcs s1", "-ERR wrong number of arguments for 'lcs' command"},
    {"~3"},
    {"lcs s1 s2 idx", "%2 $7 matches *2 *2 *2 :4 :7 *2 :5 :8 *2 *2 :2 :3 *2 :0 :1 $3 len :6"},
    {"lcs s1 s2", "$6 mytext"},
};

static void test_cases(void **state)
{
    (void)state;
    cmd_test_cases(cases, COUNT_OF(cases));
}

/* The length by trying every subsequence of `a`. */
static unsigned brute_force(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned best = 0;
    for (unsigned mask = 0; mask < 1u << a_len; mask++) {
        size_t j = 0;
        bool fits = true;
        for (size_t i = 0; i < a_len && fits; i++) {
            if (!(mask >> i & 1))
                continue;
            while (j < b_len && b[j] != a[i])
                j++;
            fits = j++ < b_len;
        }
        unsigned len = (unsigned)__builtin_popcount(mask);
        best = fits && len > best ? len : best;
    }
    return best;
}

static size_t random_word(struct rng *r, char out[9])
{
    size_t len = rng_below(r, 9);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + rng_below(r, 3));
    out[len] = '\0';
    return len;
}

static void test_against_brute_force(void **state)
{
    (void)state;
    struct cmd_test t;
    struct rng r;
    char a[9], b[9], line[64], want[32];
    rng_seed(&r, 7);
    cmd_test_init(&t, 1);
    for (int i = 0; i < 2000; i++) {
        size_t a_len = random_word(&r, a), b_len = random_word(&r, b);
        snprintf(line, sizeof(line), "mset a \"%s\" b \"%s\"", a, b);
        cmd_test_run(&t, line);
        snprintf(want, sizeof(want), ":%u", brute_force(a, a_len, b, b_len));
        assert_string_equal(cmd_test_run(&t, "lcs a b len"), want);
        assert_int_equal(atoi(cmd_test_run(&t, "lcs a b") + 1), atoi(want + 1));
    }
    cmd_test_deinit(&t);
}

static void test_memory_limit(void **state)
{
    (void)state;
    static const struct cmd_case limits[] = {
        {"mset a 123 b 1234", "+OK", "new:a set:a new:b set:b", "mset a 123 b 1234"},
        {"~max 79"},
        {"lcs a b", "-ERR Insufficient memory, transient memory for LCS exceeds "
                    "proto-max-bulk-len"},
        {"~max 80"},
        {"lcs a b", "$3 123"},
    };
    cmd_test_cases(limits, COUNT_OF(limits));
}

/* The table of textbooks, and the walk back through it as Redis takes it. */
static size_t textbook(struct slice a, struct slice b, char *out)
{
    uint32_t *len = calloc((a.len + 1) * (b.len + 1), sizeof(*len));
    size_t width = b.len + 1, i, j;
    for (i = 1; i <= a.len; i++)
        for (j = 1; j <= b.len; j++) {
            uint32_t up = len[(i - 1) * width + j], left = len[i * width + j - 1];
            bool same = a.ptr[i - 1] == b.ptr[j - 1];
            len[i * width + j] = same ? len[(i - 1) * width + j - 1] + 1 : up > left ? up : left;
        }
    size_t n = len[a.len * width + b.len], at = n;
    for (i = a.len, j = b.len; i > 0 && j > 0;) {
        if (a.ptr[i - 1] == b.ptr[j - 1]) {
            out[--at] = a.ptr[i - 1];
            i--, j--;
        } else if (len[(i - 1) * width + j] > len[i * width + j - 1]) {
            i--;
        } else {
            j--;
        }
    }
    free(len);
    return n;
}

static void test_long_strings_against_the_textbook(void **state)
{
    (void)state;
    struct cmd_test t;
    struct rng rng;
    cmd_test_init(&t, 1);
    rng_seed(&rng, 9);
    for (int round = 0; round < 300; round++) {
        char a[400], b[400], want[400], reply[450];
        size_t a_len = rng_below(&rng, 400), b_len = rng_below(&rng, 400);
        unsigned kinds = 2 + (unsigned)rng_below(&rng, 20);
        for (size_t i = 0; i < 400; i++) {
            a[i] = (char)('a' + rng_below(&rng, kinds));
            b[i] = rng_below(&rng, 4) ? a[i] : (char)('a' + rng_below(&rng, kinds));
        }
        struct slice set[] = {SLICE("mset"), SLICE("a"), slice_of(a, a_len), SLICE("b"),
                              slice_of(b, b_len)};
        cmd_test_run_words(&t, 5, set);
        size_t len = textbook(set[2], set[4], want);
        snprintf(reply, sizeof(reply), "$%zu %.*s", len, (int)len, want);
        assert_string_equal(cmd_test_run(&t, "lcs a b"), reply);
        snprintf(reply, sizeof(reply), ":%zu", len);
        assert_string_equal(cmd_test_run(&t, "lcs a b len"), reply);
    }
    cmd_test_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_long_strings_against_the_textbook),
        cmocka_unit_test(test_against_brute_force),
        cmocka_unit_test(test_memory_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
