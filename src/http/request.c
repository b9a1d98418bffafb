/* A request: its life, and its fields for handlers. */
#include "http/request.h"

#include <stdio.h>

#include "http/http_impl.h"
#include "http/url.h"

struct http_kept {
    struct http_kept *next;
    char bytes[];
};

#define SPARE_BYTES_MAX 65536 /* of a buffer kept for the next request */

/* --- life --------------------------------------------------------------------------------------------------- */

static void keep_small(struct buf *b)
{
    if (b->cap > SPARE_BYTES_MAX)
        buf_deinit(b);
    else
        buf_clear(b);
}

static void drop_commands(struct http_request *r)
{
    if (r->arg_cap * sizeof(*r->argv) > SPARE_BYTES_MAX) {
        mem_free(r->argv);
        r->argv = NULL;
        r->arg_cap = 0;
    }
    if ((size_t)r->command_cap * sizeof(*r->requests) > SPARE_BYTES_MAX) {
        mem_free(r->commands);
        mem_free(r->requests);
        r->commands = NULL;
        r->requests = NULL;
        r->command_cap = 0;
    }
}

/* Frees everything that the request owns, but for small buffers. */
static void clear(struct http_request *r)
{
    struct http_kept *next;
    for (struct http_kept *k = r->kept; k; k = next) {
        next = k->next;
        mem_free(k);
    }
    if (r->blob)
        blob_drop(r->blob);
    keep_small(&r->spilled);
    keep_small(&r->headers);
    keep_small(&r->out);
    drop_commands(r);
    r->kept = NULL;
    r->blob = NULL;
}

/* Resets every field but the kept buffers. Large arrays need no clearing, as their counts are reset. */
static void begin_anew(struct http_request *r, struct http_conn *c)
{
    r->conn = c;
    r->http = c->http;
    r->match = (struct http_match){0};
    r->query_count = 0;
    r->authorized = r->deliberate = r->readable = false;
    r->refused = (struct http_problem){0};
    r->challenge = NULL;
    r->body = (struct slice){0};
    r->body_left = r->length = 0;
    r->chunks = (struct chunks){0};
    r->status = 0;
    r->type = NULL;
    r->begun = r->sent_head = r->ended = r->chunked = r->events = r->has_length = r->close = false;
    r->tells_position = false;
    r->argc = 0;
    r->command_count = r->ran = r->answered = 0;
    r->running = r->no_memory = r->in_push = false;
    r->reader = NULL;
    r->arg = NULL;
}

struct http_request *http_request_new(struct http_conn *c)
{
    struct http_request *r = c->http->spare;
    if (r)
        c->http->spare = NULL;
    else
        r = mem_try_zalloc(sizeof(*r));
    if (r)
        begin_anew(r, c);
    return r;
}

void http_request_free(struct http_request **request)
{
    struct http_request *r = *request;
    *request = NULL;
    if (!r)
        return;
    struct http *h = r->http;
    clear(r);
    if (!h->spare && request != &h->spare) {
        h->spare = r;
        return;
    }
    buf_deinit(&r->spilled);
    buf_deinit(&r->headers);
    buf_deinit(&r->out);
    mem_free(r->argv);
    mem_free(r->commands);
    mem_free(r->requests);
    mem_free(r);
}

static bool has_zero(struct slice s)
{
    return memchr(s.ptr, '\0', s.len) != NULL;
}

/* Decodes in place: the head is in the connection's own buffer. */
static bool decode(struct slice *s, bool plus)
{
    size_t len = s->len;
    bool good = url_decode((char *)s->ptr, &len, plus);
    s->len = len;
    return good;
}

static void decode_query(struct http_request *r)
{
    struct slice rest = r->head.query;
    struct http_query_pair p;
    while (url_query_next(&rest, &p.name, &p.value, &p.has_value)) {
        if (r->query_count == HTTP_QUERY_MAX) {
            r->refused = (struct http_problem){400, "ERR too many parameters in the query"};
            return;
        }
        if (!decode(&p.name, true) || !decode(&p.value, true) || has_zero(p.name)) {
            r->refused = (struct http_problem){400, "ERR a bad escape in the query"};
            return;
        }
        r->query[r->query_count++] = p;
    }
}

void http_request_begin(struct http_request *r)
{
    session_set_proto(r->conn->session, 3);
    http_route_find(http_route_tables, r->head.path, r->head.method, &r->match);
    decode_query(r);
    /* With HTTP_RAW escapes stay, so that the handler can tell a slash between segments from one within. */
    for (int i = 0; i < r->match.param_count && r->match.route; i++)
        if (!(r->match.route->flags & HTTP_RAW) && !decode(&r->match.params[i], false))
            r->refused = (struct http_problem){400, "ERR a bad escape in the path"};
    if (!r->head.keep_alive)
        r->close = true;
    if (r->refused.status == 0)
        http_guard(r);
}

static void answer_options(struct http_request *r)
{
    char allow[HTTP_ALLOW_CHARS];
    http_route_allow(r->match.allowed | HTTP_OPTIONS, allow);
    http_set_header(r, "Allow", allow);
    http_reply(r, 204, NULL, (struct slice){0});
}

static void refuse(struct http_request *r)
{
    char allow[HTTP_ALLOW_CHARS];
    if (r->challenge)
        http_set_header(r, "WWW-Authenticate", r->challenge);
    if (r->refused.status == 405) {
        http_route_allow(r->match.allowed, allow);
        http_set_header(r, "Allow", allow);
    }
    http_reply_error(r, r->refused.status, r->refused.text);
}

void http_request_handle(struct http_request *r)
{
    if (r->refused.status)
        refuse(r);
    else if (!r->match.route) /* the guard lets OPTIONS pass */
        answer_options(r);
    else
        r->match.route->fn(r);
}

/* --- for handlers --------------------------------------------------------------------------------------------- */

enum http_method http_method(const struct http_request *r)
{
    return r->head.method;
}

struct slice http_param(const struct http_request *r, int i)
{
    return i < r->match.param_count ? r->match.params[i] : (struct slice){0};
}

bool http_query(const struct http_request *r, const char *name, struct slice *value)
{
    for (int i = 0; i < r->query_count; i++)
        if (slice_is(r->query[i].name, name)) {
            *value = r->query[i].value;
            return true;
        }
    return false;
}

int http_query_count(const struct http_request *r)
{
    return r->query_count;
}

struct slice http_query_at(const struct http_request *r, int i, struct slice *value,
                           bool *has_value)
{
    *value = r->query[i].value;
    *has_value = r->query[i].has_value;
    return r->query[i].name;
}

bool http_header(const struct http_request *r, const char *name, struct slice *value)
{
    return http_head_field(&r->head, name, value);
}

bool http_content_type_is(const struct http_request *r, const char *type, bool or_none)
{
    struct slice value;
    if (!http_header(r, "content-type", &value))
        return or_none;
    const char *end = memchr(value.ptr, ';', value.len);
    size_t len = end ? (size_t)(end - value.ptr) : value.len;
    while (len > 0 && (value.ptr[len - 1] == ' ' || value.ptr[len - 1] == '\t'))
        len--;
    return slice_is(slice_of(value.ptr, len), type);
}

struct slice http_body(const struct http_request *r)
{
    return r->body;
}

char *http_body_bytes(struct http_request *r)
{
    return (char *)r->body.ptr;
}

struct engine *http_engine(const struct http_request *r)
{
    return r->conn->http->o.engine;
}

const struct http_host *http_host(const struct http_request *r)
{
    return &r->conn->http->o.host;
}

const struct http_config *http_config(const struct http_request *r)
{
    return r->conn->http->o.config;
}

bool http_is_deliberate(const struct http_request *r)
{
    return r->deliberate;
}

bool http_is_readable(const struct http_request *r)
{
    return r->readable;
}

bool http_is_authorized(const struct http_request *r)
{
    return r->authorized;
}

char *http_keep(struct http_request *r, size_t bytes)
{
    struct http_kept *k = mem_try_alloc(sizeof(*k) + bytes);
    if (!k)
        return NULL;
    k->next = r->kept;
    r->kept = k;
    return k->bytes;
}

struct slice http_keep_slice(struct http_request *r, struct slice s)
{
    char *copy = http_keep(r, s.len);
    if (copy && s.len)
        memcpy(copy, s.ptr, s.len);
    r->no_memory = r->no_memory || !copy;
    return slice_of(copy, copy ? s.len : 0);
}
