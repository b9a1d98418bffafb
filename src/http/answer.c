/* Writes answers: the status line, the header fields, and a body that is whole, in chunks, or without an end. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "http/http_impl.h"
#include "http/json_text.h"

static const struct {
    int status;
    const char *text;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

/* --- the head ----------------------------------------------------------------------------------------------- */

static const char *date_of(struct http *h)
{
    time_t now = (time_t)(engine_wall_ms(h->o.engine) / 1000);
    struct tm tm;
    if (h->date_s != (int64_t)now) {
        h->date_s = (int64_t)now;
        gmtime_r(&now, &tm);
        strftime(h->date, sizeof(h->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return h->date;
}

static void put(struct outq *q, const char *text)
{
    outq_append(q, text, strlen(text));
}

static bool has_no_body(int status)
{
    return status == 204 || status == 304;
}

/* `length`: of the body, in bytes. UINT64_MAX: unknown; the body comes in chunks, or ends with the connection. */
static void send_head(struct http_request *r, uint64_t length)
{
    struct http_conn *c = r->conn;
    struct outq *q = &c->out;
    char digits[NUM_I64_CHARS];
    int status = r->status;
    char line[] = {'H',
                   'T',
                   'T',
                   'P',
                   '/',
                   '1',
                   '.',
                   '1',
                   ' ',
                   (char)('0' + status / 100),
                   (char)('0' + status / 10 % 10),
                   (char)('0' + status % 10),
                   ' '};
    if (r->close || session_is(c->session, SESSION_CLOSE_AFTER_REPLY))
        r->close = true;
    outq_append(q, line, sizeof(line));
    put(q, reason_of(status));
    put(q, "\r\nDate: ");
    put(q, date_of(c->http));
    if (r->type) {
        put(q, "\r\nContent-Type: ");
        put(q, r->type);
    }
    if (r->chunked)
        put(q, "\r\nTransfer-Encoding: chunked");
    if (!r->chunked && !r->events && !has_no_body(status) && !(r->close && length == UINT64_MAX)) {
        put(q, "\r\nContent-Length: ");
        outq_append(q, digits, (size_t)num_print_u64(digits, length));
    }
    if (r->close)
        put(q, "\r\nConnection: close");
    else if (r->head.minor == 0)
        put(q, "\r\nConnection: keep-alive");
    if (r->tells_position) {
        put(q, "\r\nUpstash-Sync-Token: ");
        outq_append(q, digits, (size_t)num_print_u64(digits, engine_log_pos(c->http->o.engine)));
    }
    put(q, "\r\nX-Content-Type-Options: nosniff\r\n");
    outq_append(q, r->headers.ptr, r->headers.len);
    put(q, "\r\n");
    r->sent_head = true;
}

void http_set_header(struct http_request *r, const char *name, const char *value)
{
    buf_append_cstr(&r->headers, name);
    buf_append_cstr(&r->headers, ": ");
    buf_append_cstr(&r->headers, value);
    buf_append_cstr(&r->headers, "\r\n");
}

/* --- in pieces ---------------------------------------------------------------------------------------------- */

void http_begin(struct http_request *r, int status, const char *type)
{
    if (r->begun)
        return;
    r->begun = true;
    r->status = status;
    r->type = type;
    http_guard_headers(r);
}

struct buf *http_out(struct http_request *r)
{
    return &r->out;
}

void http_set_length(struct http_request *r, uint64_t bytes)
{
    r->has_length = true;
    r->length = bytes;
}

void http_tell_position(struct http_request *r)
{
    r->tells_position = true;
}

bool http_is_answered(const struct http_request *r)
{
    return r->begun;
}

bool http_is_ended(const struct http_request *r)
{
    return r->ended;
}

static bool drops_body(const struct http_request *r)
{
    return r->head.method == HTTP_HEAD || has_no_body(r->status);
}

/* Moves `out` into the connection's queue, as one chunk where the answer is chunked. */
static void send_piece(struct http_request *r)
{
    struct outq *q = &r->conn->out;
    char digits[32];
    if (r->out.len > 0 && !drops_body(r)) {
        if (r->chunked)
            outq_append(q, digits, (size_t)snprintf(digits, sizeof(digits), "%zx\r\n", r->out.len));
        outq_append(q, r->out.ptr, r->out.len);
        if (r->chunked)
            outq_append(q, "\r\n", 2);
    }
    buf_clear(&r->out);
}

/* Was there no memory for the answer? Before its head is sent, a 503 takes its place (false: go on and send that).
 * After it, only closing the connection can tell the client (true). */
static bool failed(struct http_request *r)
{
    if (r->out.err == ERR_OK && r->headers.err == ERR_OK)
        return false;
    if (r->sent_head) {
        http_conn_close_soon(r->conn);
        return true;
    }
    buf_clear(&r->out);
    buf_clear(&r->headers);
    r->status = 503;
    r->type = HTTP_JSON;
    r->has_length = false;
    buf_append_cstr(&r->out, "{\"error\":\"OOM there is no memory for the answer\"}");
    return false;
}

void http_flush(struct http_request *r)
{
    if (failed(r))
        return;
    if (!r->sent_head) {
        if (!r->has_length && r->head.minor == 0)
            r->close = true;
        r->chunked = !r->has_length && r->head.minor == 1;
        send_head(r, r->has_length ? r->length : UINT64_MAX);
    }
    send_piece(r);
}

void http_end(struct http_request *r)
{
    if (failed(r))
        return;
    if (!r->sent_head)
        send_head(r, r->has_length ? r->length : r->out.len);
    send_piece(r);
    if (r->chunked && !drops_body(r))
        outq_append(&r->conn->out, "0\r\n\r\n", 5);
    r->ended = true;
    http_list_add(r->conn, HTTP_LIST_SEND);
}

void http_begin_events(struct http_request *r)
{
    http_set_header(r, "Cache-Control", "no-store");
    http_set_header(r, "X-Accel-Buffering", "no");
    http_begin(r, 200, "text/event-stream");
    r->events = true;
    /* Reading shows when the client goes. */
    http_conn_set_reading(r->conn, true);
    http_flush(r);
}

/* --- at once ------------------------------------------------------------------------------------------------ */

void http_reply(struct http_request *r, int status, const char *type, struct slice body)
{
    http_begin(r, status, type);
    buf_append_slice(&r->out, body);
    http_end(r);
}

void http_reply_static(struct http_request *r, int status, const char *type, struct slice body)
{
    http_begin(r, status, type);
    if (failed(r))
        return;
    send_head(r, body.len);
    if (!drops_body(r))
        outq_append_ref(&r->conn->out, body.ptr, body.len, NULL, NULL);
    r->ended = true;
    http_list_add(r->conn, HTTP_LIST_SEND);
}

void http_reply_buf(struct http_request *r, int status, const char *type, struct buf *body)
{
    struct buf kept = r->out;
    http_begin(r, status, type);
    r->out = *body;
    *body = kept;
    buf_clear(body);
    http_end(r);
}

void http_reply_error(struct http_request *r, int status, const char *text)
{
    http_begin(r, status, HTTP_JSON);
    buf_clear(&r->out);
    buf_append_cstr(&r->out, "{\"error\":");
    json_text_put(slice_from_cstr(text), false, &r->out);
    buf_append_char(&r->out, '}');
    http_end(r);
}

void http_reply_errorf(struct http_request *r, int status, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    http_reply_error(r, status, text);
}

/* A weak ETag, W/"...", matches too: values with one digest are equal byte for byte. */
bool http_names_etag(struct slice list, const char *text)
{
    struct slice etag = slice_from_cstr(text);
    if (slice_equal(list, SLICE("*")))
        return true;
    for (size_t at = 0; at + etag.len <= list.len; at++)
        if (slice_equal(slice_of(list.ptr + at, etag.len), etag))
            return true;
    return false;
}

bool http_reply_unchanged(struct http_request *r, const char *etag)
{
    struct slice has;
    http_set_header(r, "ETag", etag);
    if (!http_header(r, "if-none-match", &has) || !http_names_etag(has, etag))
        return false;
    http_reply(r, 304, NULL, (struct slice){0});
    return true;
}
