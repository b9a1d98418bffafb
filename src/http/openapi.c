/* /openapi.json: describes every route by OpenAPI 3.0.3, from the routes' rows. */
#include <stdio.h>
#include <string.h>

#include "engine/version.h"
#include "http/json_text.h"
#include "http/request.h"

static void text(struct buf *out, const char *s)
{
    json_text_put(slice_from_cstr(s), false, out);
}

/* A "name":"text" of an object, behind a comma where it is not the first. */
static void member(struct buf *out, bool first, const char *name, const char *value)
{
    if (!first)
        buf_append_char(out, ',');
    text(out, name);
    buf_append_char(out, ':');
    text(out, value);
}

/* --- paths ------------------------------------------------------------------------------------------------ */

/* OpenAPI has no {name*}: "/db/{key*}" becomes "/db/{key}". */
static void append_path(struct buf *out, const char *path)
{
    buf_append_char(out, '"');
    for (const char *p = path; *p; p++)
        if (*p != '*' || p[1] != '}')
            buf_append_char(out, *p);
    buf_append_char(out, '"');
}

static struct slice param_name(const char *open)
{
    size_t len = strcspn(open + 1, "*}");
    return slice_of(open + 1, len);
}

/* The parameter's value in the example, whose path equals the pattern up to there; empty: there is none. */
static struct slice param_example(const struct http_route *route, const char *open)
{
    size_t at = (size_t)(open - route->path);
    const char *example = route->example_path;
    if (!example || strlen(example) < at)
        return slice_of("", 0);
    bool rest = open[1 + strcspn(open + 1, "*}")] == '*';
    return slice_of(example + at, strcspn(example + at, rest ? "?" : "/?"));
}

/* Parameters of the path. Only the first one gets an example: behind it, example and pattern differ. False: none. */
static bool append_path_params(struct buf *out, const struct http_route *route)
{
    bool first = true;
    for (const char *open = strchr(route->path, '{'); open; open = strchr(open + 1, '{')) {
        struct slice example = param_example(route, open);
        buf_append_cstr(out, first ? "{\"name\":" : ",{\"name\":");
        json_text_put(param_name(open), false, out);
        buf_append_cstr(out, ",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}");
        if (first && example.len > 0) {
            buf_append_cstr(out, ",\"example\":");
            json_text_put(example, false, out);
        }
        buf_append_char(out, '}');
        first = false;
    }
    return !first;
}

/* The parameter's value in the example's query; empty: there is none. */
static struct slice query_example(const struct http_route *route, const char *name)
{
    const char *query = route->example_path ? strchr(route->example_path, '?') : NULL;
    size_t len = strlen(name);
    for (; query; query = strchr(query, '&')) {
        query++;
        if (strncmp(query, name, len) == 0 && query[len] == '=')
            return slice_of(query + len + 1, strcspn(query + len + 1, "&"));
    }
    return slice_of("", 0);
}

static void append_params(struct buf *out, const struct http_route *route)
{
    buf_append_cstr(out, ",\"parameters\":[");
    bool some = append_path_params(out, route);
    for (int i = 0; i < HTTP_PARAM_DOCS && route->query[i].name; i++) {
        const struct http_param_doc *doc = &route->query[i];
        buf_append_cstr(out, some ? ",{" : "{");
        member(out, true, "name", doc->name);
        buf_append_cstr(out, ",\"in\":\"query\",\"required\":false");
        member(out, false, "description", doc->summary);
        buf_append_cstr(out, ",\"schema\":{");
        member(out, true, "type", doc->type);
        buf_append_char(out, '}');
        struct slice example = query_example(route, doc->name);
        if (example.len > 0) {
            buf_append_cstr(out, ",\"example\":");
            json_text_put(example, false, out);
        }
        buf_append_char(out, '}');
        some = true;
    }
    buf_append_char(out, ']');
}

/* --- bodies ----------------------------------------------------------------------------------------------- */

static bool is_json(const char *type)
{
    return type && strcmp(type, HTTP_JSON) == 0;
}

static void append_body(struct buf *out, const struct http_route *route)
{
    buf_append_cstr(out, ",\"requestBody\":{\"required\":true,\"content\":{");
    text(out, route->consumes);
    buf_append_cstr(out, is_json(route->consumes)
                             ? ":{\"schema\":{}"
                             : ":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}");
    if (route->example_body) {
        buf_append_cstr(out, ",\"example\":");
        if (is_json(route->consumes))
            buf_append_cstr(out, route->example_body);
        else
            text(out, route->example_body);
    }
    buf_append_cstr(out, "}}}");
}

static void append_responses(struct buf *out, const struct http_route *route)
{
    buf_append_cstr(out, ",\"responses\":{\"2XX\":{\"description\":\"It is done\"");
    if (route->produces) {
        buf_append_cstr(out, ",\"content\":{");
        text(out, route->produces);
        buf_append_cstr(out, is_json(route->produces) ? ":{\"schema\":{}}}"
                                                      : ":{\"schema\":{\"type\":\"string\"}}}");
    }
    buf_append_cstr(out,
                    "},\"default\":{\"description\":\"It is refused, or failed\",\"content\":{"
                    "\"" HTTP_JSON "\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}}}");
}

/* --- operations ------------------------------------------------------------------------------------------- */

/* "get":{...} */
static void append_operation(struct buf *out, const struct http_route *route, int bit)
{
    char method[8], id[96];
    size_t len = 0;
    for (const char *p = http_method_names[bit]; *p && len < sizeof(method) - 1; p++)
        method[len++] = (char)(*p | 0x20);
    method[len] = '\0';
    snprintf(id, sizeof(id), "%s %s", method, route->path);
    text(out, method);
    buf_append_cstr(out, ":{");
    member(out, true, "operationId", id);
    member(out, false, "summary", route->summary ? route->summary : id);
    append_params(out, route);
    if (route->consumes && (1U << bit) & (HTTP_POST | HTTP_PUT))
        append_body(out, route);
    append_responses(out, route);
    if (route->flags & HTTP_OPEN)
        buf_append_cstr(out, ",\"security\":[]");
    buf_append_char(out, '}');
}

/* A row's operations. No row names HEAD, which comes with GET; OPTIONS is for browsers. Returns `first` for the
 * next. */
static bool append_operations(struct buf *out, const struct http_route *route, bool first)
{
    for (int bit = 0; bit < HTTP_METHODS; bit++) {
        unsigned method = 1U << bit;
        if (!(route->methods & method) || method == HTTP_OPTIONS)
            continue;
        if (!first)
            buf_append_char(out, ',');
        append_operation(out, route, bit);
        first = false;
    }
    return first;
}

struct place {
    const struct http_route *const *table;
    const struct http_route *route;
};

static bool next_route(struct place *at)
{
    if (at->route)
        at->route++;
    else
        at->route = *at->table;
    while (at->route && !at->route->path)
        at->route = *++at->table;
    return at->route != NULL;
}

/* Does a row ahead of this one have the same path? Its entry lists the methods of both. */
static bool is_told(const struct http_route *route)
{
    struct place p = {.table = http_route_tables};
    while (next_route(&p) && p.route != route)
        if (strcmp(p.route->path, route->path) == 0 && !(p.route->flags & HTTP_HIDDEN))
            return true;
    return false;
}

static void append_paths(struct buf *out)
{
    struct place p = {.table = http_route_tables};
    bool first_path = true;
    while (next_route(&p)) {
        if ((p.route->flags & HTTP_HIDDEN) || is_told(p.route))
            continue;
        if (!first_path)
            buf_append_char(out, ',');
        first_path = false;
        append_path(out, p.route->path);
        buf_append_cstr(out, ":{");
        bool first = true;
        for (struct place q = p; q.route;) {
            if (strcmp(q.route->path, p.route->path) == 0 && !(q.route->flags & HTTP_HIDDEN))
                first = append_operations(out, q.route, first);
            if (!next_route(&q))
                break;
        }
        buf_append_char(out, '}');
    }
}

static void handle_openapi(struct http_request *r)
{
    struct buf out;
    buf_init(&out);
    buf_append_cstr(&out, "{\"openapi\":\"3.0.3\",\"info\":{");
    member(&out, true, "title", "Corsac");
    member(&out, false, "version", corsac_version);
    member(
        &out, false, "description",
        "Commands, keys, transactions, events and figures of a Corsac server. Any command is also "
        "a path: GET /echo/hello.");
    buf_append_cstr(
        &out, "},\"servers\":[{\"url\":\"/\"}],\"security\":[{},{\"bearer\":[]},{\"basic\":[]}],"
              "\"paths\":{");
    append_paths(&out);
    buf_append_cstr(
        &out,
        "},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
        "\"basic\":{\"type\":\"http\",\"scheme\":\"basic\"}},\"schemas\":{\"Error\":{\"type\":\"object\","
        "\"required\":[\"error\"],\"properties\":{\"error\":{\"type\":\"string\"}}}}}}");
    if (out.err == ERR_OK)
        http_reply_buf(r, 200, HTTP_JSON, &out);
    else
        http_reply_error(r, 503, "OOM there is no memory for the description");
    buf_deinit(&out);
}

const struct http_route http_routes_openapi[] = {
    {.methods = HTTP_GET,
     .path = "/openapi.json",
     .fn = handle_openapi,
     .flags = HTTP_OPEN | HTTP_SIMPLE,
     .summary = "This description, by OpenAPI 3",
     .produces = HTTP_JSON},
    {.path = NULL},
};
