#include "resp_test.h"

#include <stdio.h>
#include <time.h>

#include "feed.h"

#define SET_REQUEST "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"

/* What is said of the input at once, for comparison; the caller frees it. */
static char *said_at_once(struct slice input, bool authenticated)
{
    struct feed f;
    feed_init(&f, authenticated);
    char *said = strdup(feed_run(&f, input, NULL, 0));
    assert_non_null(said);
    feed_deinit(&f);
    return said;
}

/* With and without the short way for what is in plain form. */
static void assert_said_in_pieces(struct slice input, bool authenticated, const size_t *ends,
                                  size_t count, const char *want)
{
    for (int plain = 0; plain < 2; plain++) {
        struct feed f;
        feed_init(&f, authenticated);
        if (plain)
            feed_plain(&f);
        assert_string_equal(feed_run(&f, input, ends, count), want);
        feed_deinit(&f);
    }
}

/* At once, in two pieces split at every byte, in three around every byte, and byte by byte. */
static void assert_said(struct slice input, bool authenticated, const char *want)
{
    assert_said_in_pieces(input, authenticated, NULL, 0, want);
    size_t *every = calloc(input.len + 1, sizeof(*every));
    assert_non_null(every);
    for (size_t i = 0; i < input.len; i++) {
        every[i] = i;
        assert_said_in_pieces(input, authenticated, (size_t[]){i}, 1, want);
        if (i > 0)
            assert_said_in_pieces(input, authenticated, (size_t[]){i - 1, i}, 2, want);
    }
    assert_said_in_pieces(input, authenticated, every, input.len, want);
    free(every);
}

/* ---- requests ------------------------------------------------------------------------------- */

static const struct {
    struct slice input;
    const char *said;
} requests[] = {
    {SLICE(""), ""},
    {SLICE(SET_REQUEST), "@0 \"SET\" \"key\" \"value\"\n"},
    {SLICE("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n"), "@0 \"PING\"\n@14 \"PING\"\n"},
    {SLICE("*2\r\n$0\r\n\r\n$0\r\n\r\n"), "@0 \"\" \"\"\n"},
    {SLICE("*2\r\n$2\r\n\r\n\r\n$6\r\na\0b\n\xff \r\n"), "@0 \"\\r\\n\" \"a\\x00b\\n\\xff \"\n"},
    {SLICE("*1\r\n$16\r\n0123456789abcdef\r\n"), "@0 \"0123456789abcdef\"\n"},
    /* Requests of nothing */
    {SLICE("*0\r\n*-1\r\n*-10\r\n*-9223372036854775808\r\n*1\r\n$1\r\nx\r\n"),
     "@0\n@4\n@9\n@15\n@38 \"x\"\n"},
    {SLICE("\r\n\n \t \r\nPING\r\n"), "@0 inline\n@2 inline\n@3 inline\n@8 inline \"PING\"\n"},
    /* Lines */
    {SLICE("PING\r\n"), "@0 inline \"PING\"\n"},
    {SLICE("PING\n"), "@0 inline \"PING\"\n"},
    {SLICE("  SET key  value \t\r\nget\tkey\n"),
     "@0 inline \"SET\" \"key\" \"value\"\n@20 inline \"get\" \"key\"\n"},
    {SLICE("SET \"a b\\n\\x41\\\"\" 'c \\' d' \"\" ''\r\n"),
     "@0 inline \"SET\" \"a b\\nA\\\"\" \"c ' d\" \"\" \"\"\n"},
    {SLICE("a\rb\n"), "@0 inline \"a\" \"b\"\n"},
    {SLICE("$3\r\n+OK\r\n"), "@0 inline \"$3\"\n@4 inline \"+OK\"\n"},
    /* One kind behind the other; the lines of a batch must not share their memory */
    {SLICE("one 'w o'\r\n" SET_REQUEST "three \"four\"\r\n*0\r\nfive\r\n"),
     "@0 inline \"one\" \"w o\"\n@11 \"SET\" \"key\" \"value\"\n@44 inline \"three\" \"four\"\n"
     "@58\n@62 inline \"five\"\n"},
    /* As Redis, which does not look at the ends of lines and arguments */
    {SLICE("*1\rx$3\r-abc??*0\r\n"), "@0 \"abc\"\n@13\n"},
    /* Not complete */
    {SLICE("*"), ""},
    {SLICE("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r"), ""},
    {SLICE("*0\r\n*2\r\n$1\r\na\r\n"), "@0\n"},
    {SLICE("PING\r"), ""},
    {SLICE("\"PING\\n"), ""},
};

static void test_requests_in_whatever_pieces(void **state)
{
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        assert_said(requests[i].input, true, requests[i].said);
        assert_said(requests[i].input, false, requests[i].said);
    }
}

/* A request is in plain form however many digits its counts have, and only a shortest form is. */
static void test_what_is_plain(void **state)
{
    static const struct {
        struct slice input;
        int taken;
    } cases[] = {
        {SLICE(""), 0},
        {SLICE("*1\r\n$1\r\nx\r\n*2\r\n$0\r\n\r\n$10\r\n0123456789\r\n*1\r\n$1"), 2},
        {SLICE("*01\r\n$1\r\nx\r\n"), 0},
        {SLICE("*1\r\n$01\r\nx\r\n"), 0},
        {SLICE("*0\r\n*1\r\n$1\r\nx\r\n"), 0},
        {SLICE("*1\r\n$1\r\nx\r\nPING\r\n"), 1},
        {SLICE("*1\r\n$1\r\nx\r"), 0},
        {SLICE("*1\r\n$2000000\r\n"), 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct feed f;
        struct resp_request batch[FEED_BATCH_MAX];
        feed_init(&f, true);
        feed_plain(&f);
        assert_int_equal(feed_parse_plain(&f, cases[i].input, batch, FEED_BATCH_MAX),
                         cases[i].taken);
        assert_int_equal(feed_parse_plain(&f, cases[i].input, batch, 1), cases[i].taken > 0);
        feed_deinit(&f);
    }
}

/* The rest of a request that has begun says nothing more, and frees what it kept. */
static void test_drops_an_unfinished_request(void **state)
{
    struct slice input = SLICE(SET_REQUEST);
    for (size_t len = 0; len < input.len; len++) {
        struct feed f;
        feed_init(&f, true);
        feed_piece(&f, input, 0, len);
        resp_parser_deinit(&f.parser);
        assert_int_equal(resp_parser_memory(&f.parser), 0);
        feed_deinit(&f);
    }
}

/* ---- random pipelines ----------------------------------------------------------------------- */

/* Appends a request of random words to `input`, and to `said` what is to be said of it. */
static void append_random_request(struct rng *rng, struct buf *input, struct buf *said)
{
    bool inlined = rng_below(rng, 4) == 0;
    int argc = (int)rng_below(rng, rng_below(rng, 8) == 0 ? 300 : 6);
    buf_printf(said, "@%zu%s", input->len, inlined ? " inline" : "");
    if (!inlined)
        buf_printf(input, "*%d\r\n", argc);
    for (int i = 0; i < argc; i++) {
        char word[400];
        size_t len = (size_t)rng_below(rng, rng_below(rng, 8) == 0 ? sizeof(word) : 12);
        for (size_t j = 0; j < len; j++)
            word[j] = rng_below(rng, 4) == 0 ? (char)rng_next(rng) : "\r\n*$13 \""[j % 8];
        if (inlined) {
            buf_append_char(input, ' ');
            buf_append_quoted(input, slice_of(word, len));
        } else {
            buf_printf(input, "$%zu\r\n", len);
            buf_append(input, word, len);
            buf_append_cstr(input, "\r\n");
        }
        buf_append_char(said, ' ');
        buf_append_quoted(said, slice_of(word, len));
    }
    if (inlined)
        buf_append_cstr(input, rng_below(rng, 2) == 0 ? "\r\n" : "\n");
    buf_append_char(said, '\n');
}

static void test_random_pipelines_in_random_pieces(void **state)
{
    struct rng rng;
    rng_seed(&rng, 20240607);
    for (int round = 0; round < 300; round++) {
        struct buf input, said;
        buf_init(&input);
        buf_init(&said);
        for (int n = (int)rng_below(&rng, 12); n >= 0; n--)
            append_random_request(&rng, &input, &said);

        size_t ends[4096], count = 0;
        size_t longest = (size_t)1 << rng_below(&rng, 14);
        if (longest < input.len / COUNT_OF(ends) * 4)
            longest = input.len / COUNT_OF(ends) * 4;
        for (size_t at = 0; count < COUNT_OF(ends); count++) {
            at += (size_t)rng_below(&rng, longest + 1);
            if (at >= input.len)
                break;
            ends[count] = at;
        }
        assert_said_in_pieces(buf_slice(&input), true, ends, count, buf_cstr(&said));
        buf_deinit(&input);
        buf_deinit(&said);
    }
}

/* Requests with bytes changed at random: only that the pieces make no difference. */
static void test_damaged_pipelines_in_random_pieces(void **state)
{
    struct rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 2000; round++) {
        char input[] = SET_REQUEST "SET 'a b' c\r\n*2\r\n$10\r\n0123456789\r\n$0\r\n\r\n";
        size_t len = sizeof(input) - 1, ends[3], count = 0;
        for (int n = (int)rng_below(&rng, 4); n >= 0; n--)
            input[rng_below(&rng, len)] = "\r\n*$-0123456789'\"x"[rng_below(&rng, 18)];
        for (size_t at = 0; count < COUNT_OF(ends); count++) {
            at += (size_t)rng_below(&rng, 40);
            if (at >= len)
                break;
            ends[count] = at;
        }
        bool authenticated = rng_below(&rng, 2) == 0;
        char *want = said_at_once(slice_of(input, len), authenticated);
        assert_said_in_pieces(slice_of(input, len), authenticated, ends, count, want);
        free(want);
    }
}

/* ---- errors and limits ---------------------------------------------------------------------- */

#define ERROR(text) "error Protocol error: " text "\n"

static const struct {
    struct slice input;
    const char *said;
} errors[] = {
    {SLICE("*\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*x\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*+1\r\n"), ERROR("invalid multibulk length")},
    {SLICE("* 1\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*1 \r\n"), ERROR("invalid multibulk length")},
    {SLICE("*01\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*00\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*-0\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*-\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*1\n$4\r\nPING\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*2147483648\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*3000000000\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*18446744073709551617\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*99999999999999999999999999\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*4294967297\r\n$1\r\nx\r\n"), ERROR("invalid multibulk length")},
    {SLICE("*1\r\n$4294967299\r\nabc\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$-1\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$04\r\nPING\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$4x\r\nPING\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$1048577\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$999999999\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$1000000000\r\n"), ERROR("invalid bulk length")},
    {SLICE("*1\r\n$9223372036854775808\r\n"), ERROR("invalid bulk length")},
    {SLICE("*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n"), ERROR("expected '$', got 'f'")},
    {SLICE("*1\r\nPING\r\n"), ERROR("expected '$', got 'P'")},
    {SLICE("*1\r\n*1\r\n"), ERROR("expected '$', got '*'")},
    {SLICE("*1\r\n\r\n"), ERROR("expected '$', got '\r'")},
    {SLICE("*1\r\n\0\r\n"), ERROR("expected '$', got ' '")},
    {SLICE("*2\r\n$1\r\nabcd\r\n"), ERROR("expected '$', got 'd'")}, /* "bc" is not looked at */
    {SLICE("set \"\"\"test\"\"\"\r\n"), ERROR("unbalanced quotes in request")},
    {SLICE("set 'test\r\n"), ERROR("unbalanced quotes in request")},
    {SLICE("set \"test\"x\r\n"), ERROR("unbalanced quotes in request")},
    {SLICE("PING\r\n" SET_REQUEST "*x\r\n" SET_REQUEST),
     "@0 inline \"PING\"\n@6 \"SET\" \"key\" \"value\"\n" ERROR("invalid multibulk length")},
};

static void test_errors_in_whatever_pieces(void **state)
{
    for (size_t i = 0; i < COUNT_OF(errors); i++)
        assert_said(errors[i].input, true, errors[i].said);
}

/* `head`, `count` times `c`, and `tail`; the caller deinits it. */
static struct buf padded(const char *head, char c, size_t count, const char *tail)
{
    struct buf b;
    buf_init(&b);
    buf_append_cstr(&b, head);
    assert_int_equal(buf_reserve(&b, count), ERR_OK);
    memset(b.ptr + b.len, c, count);
    b.len += count;
    buf_append_cstr(&b, tail);
    return b;
}

/* At once and in pieces that no limit is a multiple of. */
static void assert_padded_said(struct buf input, bool authenticated, const char *want)
{
    size_t ends[400], count = 0;
    for (size_t at = 997; at < input.len && count < COUNT_OF(ends); at += 997)
        ends[count++] = at;
    assert_said_in_pieces(buf_slice(&input), authenticated, NULL, 0, want);
    assert_said_in_pieces(buf_slice(&input), authenticated, ends, count, want);
    buf_deinit(&input);
}

/* By its length alone, whatever a read happened to bring. */
static void test_limits_lines(void **state)
{
    const size_t max = RESP_INLINE_BYTES_MAX;
    assert_padded_said(padded("", ' ', max, "\nPING\n"), true,
                       "@0 inline\n@65537 inline \"PING\"\n");
    assert_padded_said(padded("", ' ', max, "\r\nPING\n"), true,
                       "@0 inline\n@65538 inline \"PING\"\n");
    assert_padded_said(padded("", ' ', max, "\rPING\n"), true, ERROR("too big inline request"));
    assert_padded_said(padded("", ' ', max + 1, "\r\n"), true, ERROR("too big inline request"));
    assert_padded_said(padded("", ' ', max + 1, "\n"), true, ERROR("too big inline request"));
    assert_padded_said(padded("", 'x', max, ""), true, "");
    assert_padded_said(padded("", 'x', max + 1, ""), true, ERROR("too big inline request"));
    assert_padded_said(padded("*", '1', max - 1, "\r\n"), true, ERROR("invalid multibulk length"));
    assert_padded_said(padded("*", '1', max, "\r\n"), true, ERROR("too big mbulk count string"));
    assert_padded_said(padded("*1\r\n$", '1', max - 1, "\r\n"), true, ERROR("invalid bulk length"));
    assert_padded_said(padded("*1\r\n$", '1', max, "\r\n"), true,
                       ERROR("too big bulk count string"));
    /* What it starts with is looked at when the line is there, as in Redis. */
    assert_padded_said(padded("*1\r\n", 'x', max, "\r\n"), true, ERROR("expected '$', got 'x'"));
    assert_padded_said(padded("*1\r\n", 'x', max + 1, "\r\n"), true,
                       ERROR("too big bulk count string"));
}

static void test_limits_clients_without_authentication(void **state)
{
    assert_said(SLICE("*11\r\n"), true, "");
    assert_said(SLICE("*10\r\n"), false, "");
    assert_said(SLICE("*11\r\n"), false, ERROR("unauthenticated multibulk length"));
    assert_said(SLICE("*1048576\r\n"), false, ERROR("unauthenticated multibulk length"));
    assert_said(SLICE("*2147483647\r\n"), true, "");
    assert_said(SLICE("*2147483647\r\n"), false, ERROR("unauthenticated multibulk length"));
    assert_said(SLICE("*2147483648\r\n"), false, ERROR("invalid multibulk length"));
    assert_said(SLICE("*1\r\n$16385\r\n"), true, "");
    assert_said(SLICE("*1\r\n$16384\r\n"), false, "");
    assert_said(SLICE("*1\r\n$16385\r\n"), false, ERROR("unauthenticated bulk length"));
    assert_said(SLICE("*1\r\n$1048576\r\n"), false, ERROR("unauthenticated bulk length"));
    assert_said(SLICE("*1\r\n$1048577\r\n"), false, ERROR("invalid bulk length"));

    struct buf whole = padded("*1\r\n$16385\r\n", 'x', 16385, "\r\n");
    assert_padded_said(whole, false, ERROR("unauthenticated bulk length"));
}

/* ---- memory --------------------------------------------------------------------------------- */

static void test_wants_what_a_large_argument_lacks(void **state)
{
    struct feed f;
    feed_init(&f, true);
    assert_int_equal(resp_parser_wants(&f.parser), 1);
    struct buf input = padded("*2\r\n$3\r\nGET\r\n$100000\r\n", 'x', 100000, "\r\n");
    size_t content = input.len - 100002;
    for (size_t len = 1; len < content; len++) {
        feed_piece(&f, buf_slice(&input), 0, len);
        /* Within "GET\r\n" its own bytes, elsewhere nobody knows. */
        size_t want = len >= 8 && len < 13 ? 13 - len : 1;
        assert_int_equal(resp_parser_wants(&f.parser), want);
    }
    for (size_t len = content; len < input.len; len += 11) {
        feed_piece(&f, buf_slice(&input), 0, len);
        assert_int_equal(resp_parser_wants(&f.parser), input.len - len);
    }
    assert_int_equal(feed_piece(&f, buf_slice(&input), 0, input.len), input.len);
    assert_int_equal(resp_parser_wants(&f.parser), 1);
    buf_deinit(&input);
    feed_deinit(&f);
}

static void test_a_claim_takes_no_memory(void **state)
{
    struct feed f;
    feed_init(&f, true);
    f.limits.bulk_bytes_max = INT64_MAX;
    struct resp_request r;
    assert_int_equal(feed_parse(&f, SLICE("*2147483647\r\n$1\r\nx\r\n"), &r), RESP_MORE);
    assert_true(resp_parser_memory(&f.parser) < 512);
    assert_true(f.args.cap <= 64);
    resp_parser_deinit(&f.parser);
    assert_int_equal(feed_parse(&f, SLICE("*1\r\n$9223372036854775807\r\nx"), &r), RESP_MORE);
    assert_true(resp_parser_memory(&f.parser) < 512);
    assert_true(resp_parser_wants(&f.parser) == (size_t)INT64_MAX + 1);
    feed_deinit(&f);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A million arguments in small pieces. The headers of complete arguments are wiped
 * as soon as they have been parsed, so reading them a second time would end in an error. What is
 * done with the arguments themselves shows in the time: the bound is some hundred times what they
 * take, and a fraction of what touching each of them at every piece would. */
static void test_a_huge_request_in_pieces_is_linear(void **state)
{
    enum { COUNT = 1024 * 1024, START = 10, EACH = 8, PIECE = 300, CPU_SECONDS_MAX = 10 };
    size_t len = START + (size_t)COUNT * EACH, done = 0;
    char *input = malloc(len + 1);
    assert_non_null(input);
    sprintf(input, "*%d\r\n", COUNT);
    for (size_t i = 0; i < COUNT; i++)
        sprintf(input + START + i * EACH, "$2\r\n%02zx\r\n", i % 256);

    struct feed f;
    feed_init(&f, true);
    struct resp_request r;
    double start = cpu_seconds();
    for (size_t seen = PIECE; seen < len; seen += PIECE) {
        assert_int_equal(feed_parse(&f, slice_of(input, seen), &r), RESP_MORE);
        memset(input + 1, '!', START - 1);
        for (; START + (done + 1) * EACH <= seen; done++)
            memset(input + START + done * EACH, '!', 4);
    }
    assert_int_equal(feed_parse(&f, slice_of(input, len), &r), RESP_REQUEST);
    assert_true(cpu_seconds() - start < CPU_SECONDS_MAX);

    assert_int_equal(r.argc, COUNT);
    assert_int_equal(r.bytes, len);
    for (size_t i = 0; i < COUNT; i++) {
        struct slice arg = f.args.at[r.first + i];
        if (arg.ptr != input + START + i * EACH + 4 || arg.len != 2)
            fail_msg("argument %zu is at %td, %zu bytes", i, arg.ptr - input, arg.len);
    }
    resp_args_clear(&f.args);
    assert_true(f.args.cap * sizeof(*f.args.at) <= 256 * 1024);
    feed_deinit(&f);
    free(input);
}

/* The bytes of an unfinished line become ends of lines, which must not be found any more. */
static void test_a_line_in_pieces_is_linear(void **state)
{
    static const struct {
        const char *start;
        char stop;
        enum resp_status status;
    } lines[] = {
        {"x", '\n', RESP_REQUEST}, {"*1", '\r', RESP_ERROR}, {"*1\r\n$", '\r', RESP_ERROR}};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct feed f;
        feed_init(&f, true);
        char input[64];
        memset(input, ' ', sizeof(input));
        size_t len = strlen(lines[i].start);
        memcpy(input, lines[i].start, len);
        struct resp_request r;
        for (size_t seen = len; seen < sizeof(input) - 2; seen++) {
            assert_int_equal(feed_parse(&f, slice_of(input, seen), &r), RESP_MORE);
            if (seen > len)
                input[seen - 1] = lines[i].stop;
        }
        memset(input + sizeof(input) - 3, lines[i].stop, 3);
        assert_int_equal(feed_parse(&f, slice_of(input, sizeof(input)), &r), lines[i].status);
        if (lines[i].status == RESP_REQUEST)
            assert_int_equal(r.bytes, sizeof(input) - 2);
        feed_deinit(&f);
    }
}

static void test_gives_the_memory_of_a_huge_line_back(void **state)
{
    struct feed f;
    feed_init(&f, true);
    struct buf input;
    buf_init(&input);
    buf_append_cstr(&input, "'x'\n");
    for (int i = 0; i < 30000; i++)
        buf_append_cstr(&input, "a ");
    buf_append_cstr(&input, "'z'\nPING\n");
    struct resp_request r;
    struct slice in = buf_slice(&input);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(feed_parse(&f, in, &r), RESP_REQUEST);
        assert_int_equal(r.argc, i == 1 ? 30001 : 1);
        in = slice_of(in.ptr + r.bytes, in.len - r.bytes);
    }
    assert_slice_equal(f.args.at[0], SLICE("x"));
    assert_slice_equal(f.args.at[30001], SLICE("z"));
    resp_args_clear(&f.args);
    assert_int_equal(f.args.count, 0);
    assert_true(f.args.words.cap <= 1024);
    assert_true(f.args.words.store_cap <= 16384);
    /* and goes on as before, in the memory that it kept. */
    const char *first = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(feed_parse(&f, SLICE("PING 'a b'\n"), &r), RESP_REQUEST);
        assert_slice_equal(f.args.at[1], SLICE("a b"));
        assert_true(first == NULL || f.args.at[0].ptr == first);
        first = f.args.at[0].ptr;
        resp_args_clear(&f.args);
    }
    buf_deinit(&input);
    feed_deinit(&f);
}

/* Each allocation in turn fails: the request is refused and nothing stays behind, or, where memory
 * was not needed after all, it is as ever. */
static void assert_survives_failures(struct slice input, size_t end, const char *want)
{
    for (size_t nth = 1;; nth++) {
        struct feed f;
        feed_init(&f, true);
        buf_reserve(&f.said, 65536); /* so that only the parser allocates */
        mem_fail_after(nth);
        const char *said = feed_run(&f, input, &end, 1);
        mem_fail_after(0);
        bool refused = f.failed;
        if (refused)
            assert_string_equal(strstr(said, "error "),
                                "error -OOM not enough memory for the arguments of the request\n");
        else
            assert_string_equal(said, want);
        assert_null(f.parser.partial);
        feed_deinit(&f);
        if (!refused) {
            assert_true(nth > 1);
            return;
        }
    }
}

static void test_survives_failing_allocations(void **state)
{
    struct slice input = SLICE(SET_REQUEST);
    for (size_t end = 0; end < input.len; end++)
        assert_survives_failures(input, end, "@0 \"SET\" \"key\" \"value\"\n");
    struct slice line = SLICE("one 'two'\r\nthree 4 5 6 7 8 9 10\r\n");
    for (size_t end = 0; end < line.len; end++)
        assert_survives_failures(line, end,
                                 "@0 inline \"one\" \"two\"\n@11 inline \"three\" \"4\" \"5\" "
                                 "\"6\" \"7\" \"8\" \"9\" \"10\"\n");

    /* Enough arguments that every array grows. */
    struct buf many, want;
    buf_init(&many);
    buf_init(&want);
    buf_append_cstr(&many, "*500\r\n");
    buf_append_cstr(&want, "@0");
    for (int i = 0; i < 500; i++) {
        buf_append_cstr(&many, "$1\r\nx\r\n");
        buf_append_cstr(&want, " \"x\"");
    }
    buf_append_cstr(&want, "\n");
    for (size_t end = 0; end < many.len; end += 101)
        assert_survives_failures(buf_slice(&many), end, buf_cstr(&want));
    buf_deinit(&many);
    buf_deinit(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_in_whatever_pieces),
        cmocka_unit_test(test_what_is_plain),
        cmocka_unit_test(test_drops_an_unfinished_request),
        cmocka_unit_test(test_random_pipelines_in_random_pieces),
        cmocka_unit_test(test_damaged_pipelines_in_random_pieces),
        cmocka_unit_test(test_errors_in_whatever_pieces),
        cmocka_unit_test(test_limits_lines),
        cmocka_unit_test(test_limits_clients_without_authentication),
        cmocka_unit_test(test_wants_what_a_large_argument_lacks),
        cmocka_unit_test(test_a_claim_takes_no_memory),
        cmocka_unit_test(test_a_huge_request_in_pieces_is_linear),
        cmocka_unit_test(test_a_line_in_pieces_is_linear),
        cmocka_unit_test(test_gives_the_memory_of_a_huge_line_back),
        cmocka_unit_test(test_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
