/* Heads: what is understood, what is refused and why, in whatever pieces they come. */
#include "http_test.h"

#include "http/head.h"

static enum http_head_status parse(struct http_head *h, struct slice in, size_t *bytes,
                                   struct http_problem *p)
{
    struct http_head_scan scan = {0};
    return http_head_parse(h, &scan, in, bytes, p);
}

static void test_fields(void **state)
{
    (void)state;
    struct http_head h;
    struct http_problem p;
    size_t bytes;
    struct slice in =
        SLICE("PUT /db/a%20b?ex=1&nx HTTP/1.1\r\nHost: localhost:1\r\nX-One:  a b\t\r\n"
              "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    assert_int_equal(parse(&h, in, &bytes, &p), HTTP_HEAD_DONE);
    assert_int_equal(bytes, in.len - 5);
    assert_int_equal(h.method, HTTP_PUT);
    assert_true(slice_equal(h.path, SLICE("/db/a%20b")));
    assert_true(slice_equal(h.query, SLICE("ex=1&nx")));
    assert_int_equal(h.length, 5);
    assert_true(h.keep_alive && h.expects_continue && h.has_length && !h.chunked);
    struct slice value;
    assert_true(http_head_field(&h, "x-one", &value));
    assert_true(slice_equal(value, SLICE("a b")));
    assert_false(http_head_field(&h, "x-two", &value));
}

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        struct slice line, path, query;
    } rows[] = {
        {SLICE("GET / HTTP/1.1"), SLICE("/"), SLICE("")},
        {SLICE("GET /a?b?c HTTP/1.1"), SLICE("/a"), SLICE("b?c")},
        {SLICE("GET http://h:1/a/b?c HTTP/1.1"), SLICE("/a/b"), SLICE("c")},
        {SLICE("GET http://h HTTP/1.1"), SLICE("/"), SLICE("")},
        {SLICE("OPTIONS * HTTP/1.1"), SLICE("*"), SLICE("")},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_head h;
        struct http_problem p;
        size_t bytes;
        struct buf text;
        buf_init(&text);
        buf_append_slice(&text, rows[i].line);
        buf_append_cstr(&text, "\r\nHost: h\r\n\r\n");
        assert_int_equal(parse(&h, buf_slice(&text), &bytes, &p), HTTP_HEAD_DONE);
        assert_true(slice_equal(h.path, rows[i].path));
        assert_true(slice_equal(h.query, rows[i].query));
        buf_deinit(&text);
    }
}

/* At once, and byte by byte in a block of its exact size. */
static void assert_refused(struct slice in, int status)
{
    struct http_head h;
    struct http_problem p = {0};
    size_t bytes;
    struct http_head_scan scan = {0};
    struct slice exact = exact_new(in);
    assert_int_equal(parse(&h, exact, &bytes, &p), HTTP_HEAD_BAD);
    if (p.status != status)
        fail_msg("%.*s: %d instead of %d: %s", (int)in.len, in.ptr, p.status, status, p.text);
    exact_free(exact);
    for (size_t len = 1; len <= in.len; len++) {
        exact = exact_new(slice_of(in.ptr, len));
        enum http_head_status s = http_head_parse(&h, &scan, exact, &bytes, &p);
        exact_free(exact);
        assert_true(s != HTTP_HEAD_DONE);
        if (s == HTTP_HEAD_BAD) {
            assert_int_equal(p.status, status);
            return;
        }
    }
    fail_msg("%.*s is not refused in pieces", (int)in.len, in.ptr);
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct slice in;
        int status;
    } rows[] = {
        {SLICE("GET / HTTP/1.1\nHost: h\n\n"), 400},
        {SLICE("\n"), 400},
        {SLICE("\r\n\r\n"), 400},
        {SLICE("GET /\r\nHost: h\r\n\r\n"), 400},
        {SLICE("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505},
        {SLICE("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), 505},
        {SLICE("GET / HTTP/1.11\r\nHost: h\r\n\r\n"), 400},
        {SLICE("GET x HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
        {SLICE("GET * HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
        {SLICE("GET /\x7f HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
        {SLICE("G(T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400},
        {SLICE("GET / HTTP/1.1\r\n\r\n"), 400},
        {SLICE(GET "Host: i\r\n\r\n"), 400},
        {SLICE(GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400},
        {SLICE(GET "Content-Length: 1, 1\r\n\r\n"), 400},
        {SLICE(GET "Content-Length: +1\r\n\r\n"), 400},
        {SLICE(GET "Content-Length: \r\n\r\n"), 400},
        {SLICE(GET "Content-Length: 9999999999999999999\r\n\r\n"), 400},
        {SLICE(GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {SLICE(GET "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501},
        {SLICE(GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 501},
        {SLICE(GET "Transfer-Encoding: identity\r\n\r\n"), 501},
        {SLICE("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
        {SLICE(GET "X : a\r\n\r\n"), 400},
        {SLICE(GET "X: a\r\n b\r\n\r\n"), 400},
        {SLICE(GET " X: a\r\n\r\n"), 400},
        {SLICE(GET "X\r\n\r\n"), 400},
        {SLICE(GET ": a\r\n\r\n"), 400},
        {SLICE(GET "X: a\rb\r\n\r\n"), 400},
        {SLICE(GET "X: a\0b\r\n\r\n"), 400},
        {SLICE(GET "Expect: x\r\n\r\n"), 417},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_refused(rows[i].in, rows[i].status);
}

static void test_limits(void **state)
{
    (void)state;
    struct buf text;
    struct http_head h;
    struct http_problem p;
    size_t bytes;
    buf_init(&text);
    buf_append_cstr(&text, "GET /");
    while (text.len <= HTTP_HEAD_BYTES_MAX)
        buf_append_char(&text, 'a');
    assert_int_equal(parse(&h, buf_slice(&text), &bytes, &p), HTTP_HEAD_BAD);
    assert_int_equal(p.status, 414);
    buf_clear(&text);
    buf_append_cstr(&text, GET "X: ");
    while (text.len <= HTTP_HEAD_BYTES_MAX)
        buf_append_char(&text, 'a');
    assert_int_equal(parse(&h, buf_slice(&text), &bytes, &p), HTTP_HEAD_BAD);
    assert_int_equal(p.status, 431);
    buf_clear(&text);
    buf_append_cstr(&text, GET);
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        buf_append_cstr(&text, "X: a\r\n");
    buf_append_cstr(&text, "\r\n");
    assert_int_equal(parse(&h, buf_slice(&text), &bytes, &p), HTTP_HEAD_BAD);
    assert_int_equal(p.status, 431);
    buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
