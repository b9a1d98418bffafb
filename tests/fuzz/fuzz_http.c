/* What HTTP is given: a head, whole and in pieces, says the same; the path finds a route, and decodes or does not; the
 * body, in chunks or as commands in JSON, is taken or refused. Nothing is read beyond its end.
 *
 * Input:  n  bytes of the connection
 *         1
 *
 * The bytes come in two pieces, of which the first has n. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "http/chunks.h"
#include "http/head.h"
#include "http/json_args.h"
#include "http/route.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy_of(struct slice s)
{
    char *copy = malloc(s.len ? s.len : 1);
    assert(copy);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

static void take_target(const struct http_head *h)
{
    struct http_match m;
    struct slice rest = h->query, name, value;
    bool has_value;
    http_route_find(http_route_tables, h->path, h->method, &m);
    for (int i = 0; i < m.param_count; i++) {
        char *copy = copy_of(m.params[i]);
        size_t len = m.params[i].len;
        if (url_decode(copy, &len, false))
            assert(len <= m.params[i].len);
        free(copy);
    }
    while (url_query_next(&rest, &name, &value, &has_value))
        assert(name.len + value.len <= h->query.len);
}

static void take_body(struct slice body)
{
    struct chunks c = {0};
    struct slice in = body, bytes;
    size_t got = 0;
    enum chunks_status status;
    while ((status = chunks_next(&c, &in, &bytes)) == CHUNKS_BYTES)
        got += bytes.len;
    assert(got + in.len <= body.len);
    for (int many = 0; many < 2; many++) {
        struct json_args a;
        char *copy = copy_of(body);
        json_args_init(&a);
        if (json_args_parse(&a, copy, body.len, many))
            for (size_t i = 0; i < a.argc; i++)
                assert(a.argv[i].ptr >= copy && a.argv[i].ptr + a.argv[i].len <= copy + body.len);
        else
            assert(a.error);
        json_args_deinit(&a);
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    struct http_head whole = {0}, split = {0};
    struct http_head_scan at_once = {0}, scan = {0};
    struct http_problem problem = {0}, other = {0};
    size_t bytes = 0, split_bytes = 0, first = data[0] < in.len ? data[0] : in.len;
    char *copy = copy_of(in), *piece = copy_of(slice_of(in.ptr, first));
    enum http_head_status status =
        http_head_parse(&whole, &at_once, slice_of(copy, in.len), &bytes, &problem);
    enum http_head_status said =
        http_head_parse(&split, &scan, slice_of(piece, first), &split_bytes, &other);
    if (said == HTTP_HEAD_MORE)
        said = http_head_parse(&split, &scan, slice_of(copy, in.len), &split_bytes, &other);
    assert(said == status && split_bytes == bytes && problem.status == other.status);
    if (status == HTTP_HEAD_DONE) {
        assert(whole.field_count == split.field_count && whole.length == split.length);
        take_target(&whole);
        take_body(slice_of(copy + bytes, in.len - bytes));
    } else {
        take_body(slice_of(copy, in.len));
    }
    free(piece);
    free(copy);
    return 0;
}
