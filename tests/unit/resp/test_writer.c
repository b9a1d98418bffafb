#include "resp_test.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/buf.h"
#include "resp/writer.h"

struct fixture {
    struct outq_pool pool;
    struct outq queue;
    struct resp_writer w;
    struct buf sent;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    outq_pool_init(&f->pool);
    outq_init(&f->queue, &f->pool);
    resp_writer_init(&f->w, &f->queue);
    buf_init(&f->sent);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    outq_deinit(&f->queue);
    outq_pool_deinit(&f->pool);
    buf_deinit(&f->sent);
    free(f);
    return 0;
}

/* Takes all that is queued; good until the next call. */
static struct slice send_all(struct fixture *f)
{
    outq_validate(&f->queue);
    buf_clear(&f->sent);
    size_t bytes = outq_bytes(&f->queue);
    struct iovec iov[8];
    for (int n; (n = outq_peek(&f->queue, iov, COUNT_OF(iov))) > 0;) {
        size_t len = 0;
        for (int i = 0; i < n; i++) {
            buf_append(&f->sent, iov[i].iov_base, iov[i].iov_len);
            len += iov[i].iov_len;
        }
        outq_drain(&f->queue, len);
    }
    assert_int_equal(f->sent.len, bytes);
    assert_true(outq_empty(&f->queue));
    return buf_slice(&f->sent);
}

static void assert_sends(struct fixture *f, struct slice want)
{
    assert_slice_equal(send_all(f), want);
}

/* ---- every form in both protocols ----------------------------------------------------------- */

/* Leaves so much room in the chunk that is written to; returns the bytes queued. */
static size_t leave_room(struct fixture *f, size_t room)
{
    resp_ok(&f->w);
    size_t there = (size_t)(f->queue.end - f->queue.at);
    assert_true(there >= room);
    memset(outq_reserve(&f->queue, 1), '.', there - room);
    outq_commit(&f->queue, there - room);
    return outq_bytes(&f->queue);
}

static void assert_sends_behind(struct fixture *f, size_t before, struct slice want)
{
    struct slice got = send_all(f);
    assert_true(got.len >= before);
    assert_slice_equal(slice_of(got.ptr + before, got.len - before), want);
}

/* `call` writes the one to a RESP2 peer and the other to a RESP3 peer. */
#define FORM(call, resp2, resp3)                                                     \
    for (w->proto = 2; w->proto <= 3; w->proto++) {                                  \
        size_t before = leave_room(f, room);                                         \
        call;                                                                        \
        assert_sends_behind(f, before, w->proto == 2 ? SLICE(resp2) : SLICE(resp3)); \
    }
#define SAME(call, resp) FORM(call, resp, resp)

static void assert_every_form(struct fixture *f, size_t room)
{
    struct resp_writer *w = &f->w;
    const struct slice none = {NULL, 0};
    SAME(resp_ok(w), "+OK\r\n");

    SAME(resp_status(w, "PONG"), "+PONG\r\n");
    SAME(resp_status(w, "a\r\nb\n"), "+a  b \r\n");
    SAME(resp_status(w, ""), "+\r\n");

    SAME(resp_error(w, "syntax error"), "-ERR syntax error\r\n");
    SAME(resp_error(w, "-WRONGTYPE Operation against a key"),
         "-WRONGTYPE Operation against a key\r\n");
    SAME(resp_error(w, "a\r\nb\rc\nd\r\n"), "-ERR a  b c d\r\n");
    SAME(resp_error(w, "-A\nb\r\n"), "-A b\r\n");
    SAME(resp_error(w, ""), "-ERR \r\n");
    SAME(resp_errorf(w, "unknown command '%.3s'", "fooo"), "-ERR unknown command 'foo'\r\n");
    SAME(resp_errorf(w, "-%s %d%%", "BUSY", 5), "-BUSY 5%\r\n");

    SAME(resp_int(w, 0), ":0\r\n");
    SAME(resp_int(w, 1234567), ":1234567\r\n");
    SAME(resp_int(w, INT64_MIN), ":-9223372036854775808\r\n");
    SAME(resp_int(w, INT64_MAX), ":9223372036854775807\r\n");

    FORM(resp_double(w, 1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
    FORM(resp_double(w, -3), "$2\r\n-3\r\n", ",-3\r\n");
    FORM(resp_double(w, 0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    FORM(resp_double(w, 3.141592653589793), "$17\r\n3.141592653589793\r\n",
         ",3.141592653589793\r\n");
    FORM(resp_double(w, 1e300), "$6\r\n1e+300\r\n", ",1e+300\r\n");
    FORM(resp_double(w, -2.2250738585072014e-308), "$24\r\n-2.2250738585072014e-308\r\n",
         ",-2.2250738585072014e-308\r\n");
    FORM(resp_double(w, INFINITY), "$3\r\ninf\r\n", ",inf\r\n");
    FORM(resp_double(w, -INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    FORM(resp_double(w, NAN), "$3\r\nnan\r\n", ",nan\r\n");
    FORM(resp_long_double(w, 3.25L), "$4\r\n3.25\r\n", ",3.25\r\n");
    SAME(resp_bulk_long_double(w, 10.5L), "$4\r\n10.5\r\n");

    FORM(resp_bool(w, true), ":1\r\n", "#t\r\n");
    FORM(resp_bool(w, false), ":0\r\n", "#f\r\n");
    FORM(resp_null(w), "$-1\r\n", "_\r\n");
    FORM(resp_null_array(w), "*-1\r\n", "_\r\n");

    SAME(resp_bulk(w, SLICE("a\r\n\0b")), "$5\r\na\r\n\0b\r\n");
    SAME(resp_bulk(w, SLICE("")), "$0\r\n\r\n");
    SAME(resp_bulk(w, none), "$0\r\n\r\n");
    SAME(resp_bulk(w, SLICE("123456789")), "$9\r\n123456789\r\n");
    SAME(resp_bulk(w, SLICE("123456789a")), "$10\r\n123456789a\r\n");
    SAME(resp_bulk_cstr(w, "abc"), "$3\r\nabc\r\n");
    SAME(resp_bulk_int(w, -42), "$3\r\n-42\r\n");
    SAME(resp_bulk_int(w, INT64_MIN), "$20\r\n-9223372036854775808\r\n");
    SAME(resp_bulkf(w, "%d-%s", 5, "0"), "$3\r\n5-0\r\n");
    FORM(resp_verbatim(w, "txt", SLICE("a\nb")), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n");
    FORM(resp_verbatim(w, "mkd", none), "$0\r\n\r\n", "=4\r\nmkd:\r\n");
    FORM(resp_bignum(w, SLICE("-12345678901234567890123")), "$24\r\n-12345678901234567890123\r\n",
         "(-12345678901234567890123\r\n");

    SAME(resp_array(w, 0), "*0\r\n");
    SAME(resp_array(w, 10), "*10\r\n");
    SAME(resp_array(w, SIZE_MAX), "*18446744073709551615\r\n");
    FORM(resp_map(w, 5), "*10\r\n", "%5\r\n");
    FORM(resp_set(w, 3), "*3\r\n", "~3\r\n");
    FORM(resp_push(w, 3), "*3\r\n", ">3\r\n");
}

static void test_every_form_in_both_protocols(void **state)
{
    assert_every_form(*state, 4096);
}

/* At every distance from the end of a chunk, where a form must go on in the next one. */
static void test_every_form_across_chunks(void **state)
{
    for (size_t room = 0; room < 64; room++)
        assert_every_form(*state, room);
}

static void test_attributes_are_of_resp3(void **state)
{
    struct fixture *f = *state;
    f->w.proto = 3;
    resp_attribute(&f->w, 1);
    assert_sends(f, SLICE("|1\r\n"));
}

static void test_long_double_of_most_digits(void **state)
{
    struct fixture *f = *state;
    resp_bulk_long_double(&f->w, -LDBL_MAX);
    struct slice got = send_all(f);
    assert_memory_equal(got.ptr, "$4934\r\n-1189731495357231765", 27);
    assert_int_equal(got.len, 7 + 4934 + 2);
}

/* ---- errors --------------------------------------------------------------------------------- */

static void test_remembers_errors(void **state)
{
    static const struct {
        const char *text, *code;
    } errors[] = {
        {"syntax error", "ERR"},
        {"-WRONGTYPE Operation", "WRONGTYPE"},
        {"-ERR x", "ERR"},
        {"-NOSPACE", "ERR"},
        {"-", "ERR"},
        {"", "ERR"},
        {"- x", ""},
        {"-ABCDEFGHIJKLMNOPQRSTUVWXYZ1234 x", "ABCDEFGHIJKLMNOPQRSTUVWXYZ1234"}, /* 30 bytes */
        {"-ABCDEFGHIJKLMNOPQRSTUVWXYZ12345 x", "ERR"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        resp_error(&f->w, errors[i].text);
        assert_int_equal(f->w.errors, i + 1);
        assert_string_equal(f->w.error_code, errors[i].code);
    }
    resp_status(&f->w, "-WRONGTYPE not an error");
    assert_int_equal(f->w.errors, COUNT_OF(errors));
}

static void assert_sends_cut(struct fixture *f, const char *start, size_t prefix_bytes)
{
    struct slice got = send_all(f);
    assert_int_equal(got.len, prefix_bytes + RESP_LINE_BYTES_MAX + 2);
    assert_memory_equal(got.ptr, start, strlen(start));
    assert_memory_equal(got.ptr + got.len - 3, "x\r\n", 3);
}

static void test_cuts_long_texts(void **state)
{
    struct fixture *f = *state;
    char text[20000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    resp_status(&f->w, text);
    assert_sends_cut(f, "+xxx", 1);
    resp_error(&f->w, text);
    assert_sends_cut(f, "-ERR xxx", 5);
    resp_errorf(&f->w, "%s!", text);
    assert_sends_cut(f, "-ERR xxx", 5);
    text[0] = '-';
    resp_error(&f->w, text);
    assert_sends_cut(f, "-xxx", 0);
}

/* ---- strings of all lengths ----------------------------------------------------------------- */

static void assert_sends_bulk(struct fixture *f, struct slice content)
{
    char header[32];
    size_t len = (size_t)sprintf(header, "$%zu\r\n", content.len);
    struct slice got = send_all(f);
    assert_int_equal(got.len, len + content.len + 2);
    assert_memory_equal(got.ptr, header, len);
    assert_memory_equal(got.ptr + len, content.ptr, content.len);
    assert_memory_equal(got.ptr + got.len - 2, "\r\n", 2);
}

static void test_strings_of_all_lengths(void **state)
{
    static const size_t lengths[] = {1,    99,   100,  511,  512,   999,   1000,  2047,  2048,
                                     2049, 4095, 4096, 8192, 16383, 16384, 16385, 99999, 300000};
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char *p = malloc(lengths[i] + 1);
        assert_non_null(p);
        for (size_t j = 0; j < lengths[i]; j++)
            p[j] = (char)('a' + j % 23);
        p[lengths[i]] = '\0';
        struct slice s = slice_of(p, lengths[i]);
        resp_bulk(&f->w, s);
        assert_sends_bulk(f, s);
        resp_bulk_cstr(&f->w, p);
        assert_sends_bulk(f, s);
        resp_bulkf(&f->w, "%s", p);
        assert_sends_bulk(f, s);

        struct blob *b = blob_try_new(s.len, s.len);
        assert_non_null(b);
        memcpy(b->data, p, s.len);
        resp_bulk_blob(&f->w, b);
        assert_int_equal(b->refs, s.len >= RESP_REF_BYTES_MIN ? 2 : 1);
        assert_sends_bulk(f, s);
        assert_int_equal(b->refs, 1);
        blob_drop(b);
        free(p);
    }
}

static void test_a_part_of_a_large_value_is_pointed_at(void **state)
{
    struct fixture *f = *state;
    static const size_t lens[] = {0, 1, RESP_REF_BYTES_MIN - 1, RESP_REF_BYTES_MIN, 40000};
    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        struct blob *b = blob_try_new(50000, 50000);
        assert_non_null(b);
        for (size_t n = 0; n < b->len; n++)
            b->data[n] = (char)(n * 7);
        struct slice part = slice_of(b->data + 123, lens[i]);
        size_t held = outq_memory(&f->queue);
        resp_bulk_part(&f->w, b, part);
        assert_int_equal(b->refs, lens[i] >= RESP_REF_BYTES_MIN ? 2 : 1);
        assert_true(outq_memory(&f->queue) - held >= lens[i]);
        assert_sends_bulk(f, part);
        assert_int_equal(b->refs, 1);
        blob_drop(b);
    }
}

/* The reply outlives its value, and a reply that is never sent lets it go, too. */
static void test_a_large_value_is_held_until_sent(void **state)
{
    struct fixture *f = *state;
    for (int sent = 0; sent < 2; sent++) {
        struct blob *b = blob_try_new(50000, 50000);
        assert_non_null(b);
        memset(b->data, 'v', b->len);
        resp_bulk_blob(&f->w, b);
        resp_bulk_blob(&f->w, b);
        assert_int_equal(b->refs, 3);
        assert_true(outq_bytes(&f->queue) == 2 * (8 + 50000 + 2));
        blob_drop(b);
        if (sent)
            assert_int_equal(send_all(f).len, 2 * (8 + 50000 + 2));
        else
            outq_deinit(&f->queue);
    }
}

/* ---- inner collections ---------------------------------------------------------------------- */

static void test_inner_collections(void **state)
{
    struct fixture *f = *state;
    for (uint8_t proto = 2; proto <= 3; proto++) {
        f->w.proto = proto;
        struct resp_inner in, deeper;
        resp_ok(&f->w);
        resp_inner_open(&in, &f->w);
        assert_int_equal(in.w.proto, proto);
        resp_int(&in.w, 1);
        resp_inner_open(&deeper, &in.w);
        resp_bulk_cstr(&deeper.w, "k");
        resp_null(&deeper.w);
        resp_inner_close_map(&deeper, 1);
        resp_inner_open(&deeper, &in.w);
        resp_inner_close_set(&deeper, 0);
        resp_inner_close_array(&in, 3);
        resp_ok(&f->w);
        assert_sends(f, proto == 2
                            ? SLICE("+OK\r\n*3\r\n:1\r\n*2\r\n$1\r\nk\r\n$-1\r\n*0\r\n+OK\r\n")
                            : SLICE("+OK\r\n*3\r\n:1\r\n%1\r\n$1\r\nk\r\n_\r\n~0\r\n+OK\r\n"));
    }
}

static void test_large_inner_collections(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 5000, EACH = 7 };
    struct resp_inner in;
    resp_ok(&f->w);
    resp_inner_open(&in, &f->w);
    for (int i = 0; i < COUNT; i++)
        resp_bulk_cstr(&in.w, "x");
    assert_int_equal(outq_bytes(&f->queue), 5);
    resp_inner_close_set(&in, COUNT);
    struct slice got = send_all(f);
    assert_int_equal(got.len, 5 + 7 + COUNT * EACH);
    assert_memory_equal(got.ptr, "+OK\r\n*5000\r\n$1\r\nx\r\n", 19);
}

static void test_inner_errors_and_drops(void **state)
{
    struct fixture *f = *state;
    struct resp_inner in;
    resp_error(&f->w, "-OUTER x");
    resp_inner_open(&in, &f->w);
    resp_inner_close_array(&in, 0);
    assert_int_equal(f->w.errors, 1);
    assert_string_equal(f->w.error_code, "OUTER");

    resp_inner_open(&in, &f->w);
    resp_error(&in.w, "-INNER x");
    resp_error(&in.w, "y");
    resp_inner_close_array(&in, 2);
    assert_int_equal(f->w.errors, 3);
    assert_string_equal(f->w.error_code, "ERR");

    resp_inner_open(&in, &f->w);
    resp_error(&in.w, "-DROPPED x");
    resp_inner_drop(&in);
    assert_int_equal(f->w.errors, 3);
    assert_sends(f, SLICE("-OUTER x\r\n*0\r\n*2\r\n-INNER x\r\n-ERR y\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_form_in_both_protocols, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_form_across_chunks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes_are_of_resp3, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_double_of_most_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remembers_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cuts_long_texts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strings_of_all_lengths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_part_of_a_large_value_is_pointed_at, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_value_is_held_until_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inner_collections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_inner_collections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_inner_errors_and_drops, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
