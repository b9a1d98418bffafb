/* Paths and queries: which route they lead to, and what is in them. */
#include "http_test.h"

#include "http/base64.h"
#include "http/route.h"
#include "http/url.h"

static const struct http_route some[] = {
    {.methods = HTTP_POST, .path = "/"},
    {.methods = HTTP_GET, .path = "/db/{key*}"},
    {.methods = HTTP_PUT, .path = "/db/{key*}"},
    {.methods = HTTP_GET, .path = "/a/{one}/b/{two}"},
    {.path = NULL},
};
static const struct http_route any[] = {
    {.methods = HTTP_GET | HTTP_POST, .path = "/{rest*}", .flags = HTTP_HIDDEN},
    {.path = NULL},
};
static const struct http_route *const tables[] = {some, any, NULL};

static struct http_match find(struct slice path, enum http_method method)
{
    struct http_match m;
    http_route_find(tables, path, method, &m);
    return m;
}

static void test_routes(void **state)
{
    (void)state;
    assert_ptr_equal(find(SLICE("/"), HTTP_POST).route, &some[0]);
    assert_ptr_equal(find(SLICE("/db/a/b"), HTTP_GET).route, &some[1]);
    assert_ptr_equal(find(SLICE("/db/a"), HTTP_HEAD).route, &some[1]);
    assert_ptr_equal(find(SLICE("/db/"), HTTP_PUT).route, &some[2]);
    struct http_match m = find(SLICE("/a/x%2fy/b/z"), HTTP_GET);
    assert_ptr_equal(m.route, &some[3]);
    assert_int_equal(m.param_count, 2);
    assert_true(slice_equal(m.params[0], SLICE("x%2fy")));
    assert_true(slice_equal(m.params[1], SLICE("z")));
    assert_ptr_equal(find(SLICE("/a//b/z"), HTTP_GET).route, &any[0]);
    m = find(SLICE("/db/a"), HTTP_POST);
    assert_null(m.route);
    char allow[HTTP_ALLOW_CHARS];
    http_route_allow(m.allowed, allow);
    assert_string_equal(allow, "GET, HEAD, PUT");
    m = find(SLICE("/x"), HTTP_DELETE);
    assert_null(m.route);
    assert_int_equal(m.allowed, HTTP_GET | HTTP_HEAD | HTTP_POST);
    m = find(SLICE("*"), HTTP_OPTIONS);
    assert_int_equal(m.allowed, 0);
}

static void assert_decodes(const char *from, const char *to, bool plus)
{
    char text[64];
    size_t len = strlen(from);
    memcpy(text, from, len);
    bool good = url_decode(text, &len, plus);
    assert_int_equal(good, to != NULL);
    if (to)
        assert_true(slice_equal(slice_of(text, len), slice_from_cstr(to)));
}

static void test_escapes(void **state)
{
    (void)state;
    assert_decodes("a%20b%2Fc%2f", "a b/c/", false);
    assert_decodes("a+b", "a+b", false);
    assert_decodes("a+b%2B", "a b+", true);
    assert_decodes("", "", true);
    assert_decodes("%", NULL, true);
    assert_decodes("%2", NULL, true);
    assert_decodes("%2g", NULL, true);
    assert_decodes("a%%20", NULL, true);
}

static void test_queries(void **state)
{
    (void)state;
    struct slice rest = SLICE("&a=1&&b&c=&=d&e=f=g&"), name, value;
    struct buf said;
    bool has;
    buf_init(&said);
    while (url_query_next(&rest, &name, &value, &has))
        buf_printf(&said, "%.*s%s%.*s;", (int)name.len, name.ptr, has ? "=" : "", (int)value.len,
                   value.ptr);
    assert_string_equal(buf_cstr(&said), "a=1;b;c=;=d;e=f=g;");
    buf_deinit(&said);
}

static void test_base64(void **state)
{
    (void)state;
    char out[8];
    size_t len;
    assert_true(base64_decode(SLICE("ZGVmOng="), out, sizeof(out), &len));
    assert_true(slice_equal(slice_of(out, len), SLICE("def:x")));
    assert_true(base64_decode(SLICE(""), out, sizeof(out), &len) && len == 0);
    assert_false(base64_decode(SLICE("a"), out, sizeof(out), &len));
    assert_false(base64_decode(SLICE("ab!="), out, sizeof(out), &len));
    assert_false(base64_decode(SLICE("YWFhYWFhYWFhYWFh"), out, sizeof(out), &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
