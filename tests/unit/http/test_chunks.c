/* Bodies in chunks, at once and split at every byte. */
#include "http_test.h"

#include "http/chunks.h"

/* The body, and behind '|' what stands behind it; "bad" and "more" where it does not come to its end. */
static void decode(struct slice in, size_t piece, struct buf *out)
{
    struct chunks c = {0};
    buf_clear(out);
    for (size_t at = 0; at < in.len; at += piece) {
        size_t len = in.len - at < piece ? in.len - at : piece;
        struct slice exact = exact_new(slice_of(in.ptr + at, len)), rest = exact, bytes;
        enum chunks_status s;
        while ((s = chunks_next(&c, &rest, &bytes)) == CHUNKS_BYTES)
            buf_append_slice(out, bytes);
        size_t left = rest.len;
        exact_free(exact);
        if (s == CHUNKS_BAD) {
            buf_clear(out);
            buf_append_cstr(out, "bad");
            return;
        }
        if (s == CHUNKS_DONE) {
            buf_append_char(out, '|');
            buf_append(out, in.ptr + at + len - left, in.len - (at + len - left));
            return;
        }
    }
    buf_append_cstr(out, "more");
}

static void test_bodies(void **state)
{
    (void)state;
    static const struct {
        struct slice in;
        const char *out;
    } rows[] = {
        {SLICE("5\r\nhello\r\n0\r\n\r\nrest"), "hello|rest"},
        {SLICE("00005\r\nhello\r\n2\r\n!!\r\n0\r\n\r\n"), "hello!!|"},
        {SLICE("a;x=y\r\n0123456789\r\nA\r\n0123456789\r\n0;z\r\nT: r\r\nU: s\r\n\r\nx"),
         "01234567890123456789|x"},
        {SLICE("0\r\n\r\n"), "|"},
        {SLICE("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n|"},
        {SLICE("5\r\nhel"), "helmore"},
        {SLICE("0\r\n"), "more"},
        {SLICE("\r\n"), "bad"},
        {SLICE("g\r\n"), "bad"},
        {SLICE("+1\r\na\r\n"), "bad"},
        {SLICE("-1\r\na\r\n"), "bad"},
        {SLICE("0x1\r\na\r\n"), "bad"},
        {SLICE(" 1\r\na\r\n"), "bad"},
        {SLICE("1 \r\na\r\n"), "bad"},
        {SLICE("1\na\r\n"), "bad"},
        {SLICE("1\r\nab\r\n"), "bad"},
        {SLICE("1\r\na\n"), "bad"},
        {SLICE(";\r\n"), "bad"},
        {SLICE("fffffffffffffffff\r\n"), "bad"},
        {SLICE("0\r\nT: a\nU: b\r\n\r\n"), "bad"},
    };
    struct buf out;
    buf_init(&out);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t piece = 1; piece <= rows[i].in.len; piece++) {
            decode(rows[i].in, piece, &out);
            assert_string_equal(buf_cstr(&out), rows[i].out);
        }
    buf_deinit(&out);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    buf_append_cstr(&in, "1;");
    while (in.len <= CHUNKS_LINE_BYTES_MAX)
        buf_append_char(&in, 'x');
    decode(buf_slice(&in), 1, &out);
    assert_string_equal(buf_cstr(&out), "bad");
    buf_clear(&in);
    buf_append_cstr(&in, "0\r\n");
    for (int i = 0; i <= CHUNKS_TRAILER_BYTES_MAX / 6; i++)
        buf_append_cstr(&in, "X: a\r\n");
    decode(buf_slice(&in), 7, &out);
    assert_string_equal(buf_cstr(&out), "bad");
    buf_deinit(&in);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
