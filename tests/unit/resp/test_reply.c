/* The parser of replies: every type, in whatever pieces, and everything that resp/writer.h writes. */
#include "resp_test.h"

#include <stdio.h>

#include "base/num.h"
#include "reply_feed.h"
#include "resp/writer.h"

static void assert_said_in_pieces(struct slice input, const size_t *ends, size_t count,
                                  const char *want)
{
    struct reply_feed f;
    reply_feed_init(&f);
    assert_string_equal(reply_feed_run(&f, input, ends, count), want);
    reply_feed_deinit(&f);
}

/* At once, in two pieces split at every byte, in three around every byte, and byte by byte. */
static void assert_said(struct slice input, const char *want)
{
    assert_said_in_pieces(input, NULL, 0, want);
    size_t *every = calloc(input.len + 1, sizeof(*every));
    assert_non_null(every);
    for (size_t i = 0; i < input.len; i++) {
        every[i] = i;
        assert_said_in_pieces(input, (size_t[]){i}, 1, want);
        if (i > 0)
            assert_said_in_pieces(input, (size_t[]){i - 1, i}, 2, want);
    }
    assert_said_in_pieces(input, every, input.len, want);
    free(every);
}

struct said {
    struct slice input;
    const char *said;
};

static void assert_all_said(const struct said *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_said(cases[i].input, cases[i].said);
}

/* --- values ------------------------------------------------------------------------------------- */

static void test_values_of_resp2(void **state)
{
    static const struct said cases[] = {
        {SLICE(""), ""},
        {SLICE("+OK\r\n"), "+\"OK\"\n"},
        {SLICE("+\r\n"), "+\"\"\n"},
        {SLICE("-ERR no such key\r\n"), "-\"ERR no such key\"\n"},
        {SLICE(":0\r\n:-9223372036854775808\r\n:+5\r\n"), ":0\n:-9223372036854775808\n:5\n"},
        {SLICE("$5\r\nhello\r\n"), "$\"hello\"\n"},
        {SLICE("$0\r\n\r\n$2\r\n\r\n\r\n"), "$\"\"\n$\"\\r\\n\"\n"},
        {SLICE("$5\r\n\0-\r\n\xff\r\n"), "$\"\\x00-\\r\\n\\xff\"\n"},
        {SLICE("$-1\r\n*-1\r\n"), "$null\n*null\n"},
        {SLICE("*0\r\n+OK\r\n"), "*0( )\n+\"OK\"\n"},
        {SLICE("*3\r\n:1\r\n$1\r\na\r\n$-1\r\n"), "*3( :1 $\"a\" $null )\n"},
        {SLICE("*2\r\n*1\r\n*0\r\n-ERR x\r\n"), "*2( *1( *0( ) ) -\"ERR x\" )\n"},
    };
    assert_all_said(cases, COUNT_OF(cases));
}

static void test_values_of_resp3(void **state)
{
    static const struct said cases[] = {
        {SLICE("_\r\n#t\r\n#f\r\n"), "_null\n#1\n#0\n"},
        {SLICE(",1.5\r\n,-3\r\n,1e+25\r\n"), ",1.5<1.5>\n,-3<-3>\n,1e+25<1e+25>\n"},
        {SLICE(",inf\r\n,-inf\r\n,nan\r\n"), ",inf<inf>\n,-inf<-inf>\n,nan<nan>\n"},
        {SLICE("(-123456789012345678901234567890\r\n(1\r\n(+2\r\n"),
         "(\"-123456789012345678901234567890\"\n(\"1\"\n(\"+2\"\n"},
        {SLICE("!10\r\nERR a\r\nb c\r\n"), "!\"ERR a\\r\\nb c\"\n"},
        {SLICE("=8\r\nmkd:a\r\nb\r\n=4\r\ntxt:\r\n"), "=mkd:\"a\\r\\nb\"\n=txt:\"\"\n"},
        {SLICE("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n_\r\n"), "%2( +\"a\" :1 +\"b\" *1( _null ) )\n"},
        {SLICE("~2\r\n:1\r\n:2\r\n%0\r\n~0\r\n"), "~2( :1 :2 )\n%0( )\n~0( )\n"},
        {SLICE(">2\r\n+message\r\n+x\r\n+OK\r\n"), ">2( +\"message\" +\"x\" )\n+\"OK\"\n"},
    };
    assert_all_said(cases, COUNT_OF(cases));
}

/* They stand in front of what they belong to, and are no element. */
static void test_attributes(void **state)
{
    static const struct said cases[] = {
        {SLICE("|1\r\n+ttl\r\n:3600\r\n+OK\r\n"), "|1( +\"ttl\" :3600 ) +\"OK\"\n"},
        {SLICE("*2\r\n|1\r\n+a\r\n:1\r\n:7\r\n:8\r\n"), "*2( |1( +\"a\" :1 ) :7 :8 )\n"},
        {SLICE("%1\r\n|0\r\n+k\r\n|0\r\n|1\r\n_\r\n_\r\n+v\r\n"),
         "%1( |0( ) +\"k\" |0( ) |1( _null _null ) +\"v\" )\n"},
        {SLICE("|0\r\n>1\r\n+x\r\n"), "|0( ) >1( +\"x\" )\n"},
    };
    assert_all_said(cases, COUNT_OF(cases));
}

static void test_what_is_not_whole(void **state)
{
    static const struct said cases[] = {
        {SLICE("+OK\r"), ""},
        {SLICE("$5\r\nhello\r"), ""},
        {SLICE("*2\r\n:1\r\n"), "*2( :1 "},
        {SLICE("|1\r\n+a\r\n:1\r\n"), "|1( +\"a\" :1 ) "},
        {SLICE("=8\r\ntx"), ""},
    };
    assert_all_said(cases, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reply_feed f;
        reply_feed_init(&f);
        reply_feed_run(&f, cases[i].input, NULL, 0);
        assert_false(reply_is_between(&f.parser));
        reply_feed_deinit(&f);
    }
}

/* --- what is no reply --------------------------------------------------------------------------- */

static void test_what_is_no_reply(void **state)
{
    static const struct said cases[] = {
        {SLICE("+OK\r\nPONG\r\n"), "+\"OK\"\nbad 5: a byte that no reply begins with"},
        {SLICE("+O\nK\r\n"), "bad 0: a line feed within a line"},
        {SLICE("+O\rK\r\n"), "bad 0: a line that does not end in CR LF"},
        {SLICE(":1\n"), "bad 0: a line that does not end in CR LF"},
        {SLICE(":\r\n"), "bad 0: no integer where one was expected"},
        {SLICE(":01\r\n"), "bad 0: no integer where one was expected"},
        {SLICE(":+-1\r\n"), "bad 0: no integer where one was expected"},
        {SLICE(":9223372036854775808\r\n"), "bad 0: no integer where one was expected"},
        {SLICE("(12x\r\n"), "bad 0: no integer where one was expected"},
        {SLICE("(\r\n"), "bad 0: no integer where one was expected"},
        {SLICE("(-\r\n"), "bad 0: no integer where one was expected"},
        {SLICE(",\r\n"), "bad 0: no number where one was expected"},
        {SLICE(",1,5\r\n"), "bad 0: no number where one was expected"},
        {SLICE("#true\r\n"), "bad 0: a boolean that is neither t nor f"},
        {SLICE("_x\r\n"), "bad 0: a null with a value"},
        {SLICE("$-2\r\n"), "bad 0: no length where one was expected"},
        {SLICE("$05\r\n"), "bad 0: no length where one was expected"},
        {SLICE("~-1\r\n"), "bad 0: no length where one was expected"},
        {SLICE("!-1\r\n"), "bad 0: no length where one was expected"},
        {SLICE("$9223372036854775808\r\n"), "bad 0: a string of too many bytes"},
        {SLICE("*9223372036854775807\r\n"), "bad 0: a collection of too many elements"},
        {SLICE("%4611686018427387904\r\n"), "bad 0: a collection of too many elements"},
        {SLICE("$?\r\n"), "bad 0: a length that is to be told later"},
        {SLICE("*?\r\n"), "bad 0: a length that is to be told later"},
        {SLICE("$3\r\nabcd\r\n"), "bad 0: a string that does not end in CR LF"},
        {SLICE("$3\r\nabc\rx"), "bad 0: a string that does not end in CR LF"},
        {SLICE("=3\r\ntxt\r\n"), "bad 0: a verbatim string without its format"},
        {SLICE("=5\r\ntxtab\r\n"), "bad 0: a verbatim string without its format"},
        {SLICE("*2\r\n:1\r\n>1\r\n+x\r\n"), "*2( :1 bad 8: a push within a reply"},
    };
    assert_all_said(cases, COUNT_OF(cases));
}

static void test_depth_has_a_limit(void **state)
{
    struct buf in, want;
    buf_init(&in);
    buf_init(&want);
    for (int i = 0; i < REPLY_DEPTH_MAX; i++) {
        buf_append_cstr(&in, "*1\r\n");
        buf_append_cstr(&want, "*1( ");
    }
    size_t open = want.len;
    buf_append_cstr(&in, "_\r\n");
    buf_append_cstr(&want, "_null ");
    for (int i = 0; i < REPLY_DEPTH_MAX; i++)
        buf_append_cstr(&want, i + 1 < REPLY_DEPTH_MAX ? ") " : ")\n");
    assert_said_in_pieces(buf_slice(&in), NULL, 0, buf_cstr(&want));
    in.len -= 3;
    buf_append_cstr(&in, "*0\r\n");
    want.len = open;
    buf_printf(&want, "bad %d: collections nested too deep", 4 * REPLY_DEPTH_MAX);
    assert_said(buf_slice(&in), buf_cstr(&want));
    buf_deinit(&in);
    buf_deinit(&want);
}

static void test_lines_have_a_limit(void **state)
{
    struct buf in;
    buf_init(&in);
    buf_append_char(&in, ':');
    for (int i = 0; i < REPLY_LINE_BYTES_MAX - 1; i++)
        buf_append_char(&in, '0');
    assert_said_in_pieces(buf_slice(&in), NULL, 0, "");
    assert_said_in_pieces(buf_slice(&in), (size_t[]){100, 4000}, 2, "");
    buf_append_char(&in, '0');
    assert_said_in_pieces(buf_slice(&in), NULL, 0, "bad 0: a number or length of too many bytes");
    assert_said_in_pieces(buf_slice(&in), (size_t[]){100, 4000}, 2,
                          "bad 0: a number or length of too many bytes");
    buf_deinit(&in);
}

/* A string as large as the memory is told as it comes: nothing is kept of it. */
static void test_strings_come_in_parts(void **state)
{
    static const char piece[64 * 1024];
    struct reply_parser p;
    struct reply_token t;
    struct slice in = SLICE("$1048576\r\n");
    uint64_t told = 0;
    reply_parser_init(&p);
    assert_int_equal(reply_next(&p, &in, &t), REPLY_MORE);
    for (int i = 0; i < 16; i++) {
        in = slice_of(piece, sizeof(piece));
        assert_int_equal(reply_next(&p, &in, &t), REPLY_TOKEN);
        assert_true(t.type == REPLY_BULK && t.more && t.first == (i == 0) && t.bytes == 1048576);
        assert_ptr_equal(t.text.ptr, piece);
        told += t.text.len;
        assert_int_equal(reply_next(&p, &in, &t), REPLY_MORE);
    }
    in = SLICE("\r\n");
    assert_int_equal(reply_next(&p, &in, &t), REPLY_TOKEN);
    assert_true(!t.more && !t.first && t.last && t.text.len == 0 && told == t.bytes);
}

/* --- what the writer writes --------------------------------------------------------------------- */

static void write_one_of_each(struct resp_writer *w)
{
    if (w->proto == 3) {
        resp_attribute(w, 1);
        resp_bulk_cstr(w, "k");
        resp_bool(w, true);
    }
    resp_array(w, 17);
    resp_status(w, "a\r\nb");
    resp_errorf(w, "-WRONG %d", 7);
    resp_int(w, INT64_MIN);
    resp_double(w, 0.1);
    resp_double(w, -0.0);
    resp_double(w, 1.0 / 0.0);
    resp_long_double(w, -3.25L);
    resp_bool(w, false);
    resp_null(w);
    resp_null_array(w);
    resp_bulk(w, SLICE("x\r\ny"));
    resp_bulkf(w, "%s", "");
    resp_verbatim(w, "txt", SLICE("text"));
    resp_bignum(w, SLICE("1234567890123456789012345"));
    resp_map(w, 1);
    resp_int(w, 1);
    resp_int(w, 2);
    resp_set(w, 1);
    resp_bulk_int(w, 5);
    resp_array(w, 0);
}

/* What is written in a protocol, read back. */
static void assert_reads(uint8_t proto, void (*write)(struct resp_writer *w), const char *want)
{
    struct outq_pool pool;
    struct outq q;
    struct resp_writer w;
    struct iovec iov;
    struct reply_feed f;
    outq_pool_init(&pool);
    outq_init(&q, &pool);
    resp_writer_init(&w, &q);
    w.proto = proto;
    write(&w);
    reply_feed_init(&f);
    while (outq_peek(&q, &iov, 1) > 0) {
        reply_feed_piece(&f, slice_of(iov.iov_base, iov.iov_len));
        outq_drain(&q, iov.iov_len);
    }
    assert_string_equal(buf_cstr(&f.said), want);
    assert_true(reply_is_between(&f.parser));
    reply_feed_deinit(&f);
    outq_deinit(&q);
    outq_pool_deinit(&pool);
}

static void test_reads_what_the_writer_writes(void **state)
{
    assert_reads(2, write_one_of_each,
                 "*17( +\"a  b\" -\"WRONG 7\" :-9223372036854775808 $\"0.1\" $\"-0\" $\"inf\" "
                 "$\"-3.25\" :0 $null *null $\"x\\r\\ny\" $\"\" $\"text\" "
                 "$\"1234567890123456789012345\" *2( :1 :2 ) *1( $\"5\" ) *0( ) )\n");
    assert_reads(3, write_one_of_each,
                 "|1( $\"k\" #1 ) *17( +\"a  b\" -\"WRONG 7\" :-9223372036854775808 ,0.1<0.1> "
                 ",-0<-0> ,inf<inf> ,-3.25<-3.25> #0 _null _null $\"x\\r\\ny\" $\"\" "
                 "=txt:\"text\" (\"1234567890123456789012345\" %1( :1 :2 ) ~1( $\"5\" ) *0( ) )\n");
}

/* The longest number that there can be, of nearly 5,000 digits, which is none as a double. */
static void write_longest_number(struct resp_writer *w)
{
    resp_long_double(w, -1.18e4932L);
}

static void test_the_longest_number_is_read(void **state)
{
    char want[NUM_DOUBLE_CHARS + 16], digits[NUM_DOUBLE_CHARS];
    snprintf(want, sizeof(want), ",-inf<%.*s>\n", num_print_long_double(digits, -1.18e4932L),
             digits);
    assert_reads(3, write_longest_number, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_resp2),
        cmocka_unit_test(test_values_of_resp3),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_what_is_not_whole),
        cmocka_unit_test(test_what_is_no_reply),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_lines_have_a_limit),
        cmocka_unit_test(test_strings_come_in_parts),
        cmocka_unit_test(test_reads_what_the_writer_writes),
        cmocka_unit_test(test_the_longest_number_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
