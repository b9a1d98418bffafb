/* Single keys as resources: /db/KEY, whose body is the value.
 *
 * No content type is stored beside a value: a JSON object or array is served as application/json, up to a limit of
 * bytes, and any other value as application/octet-stream, however it was stored. So no type can be lost by a reload, a
 * rename or a SET over RESP, nor outlive its value. A body sent as application/json must be JSON.
 *
 * The ETag is the value's digest, as DIGEST replies it. Conditions become options of SET and DELEX, which compare
 * and change in one step: If-Match is IFDEQ, or XX for '*'; If-None-Match is IFDNE, or NX for '*'. */
#include <jansson.h>
#include <stdio.h>

#include "base/xxh3.h"
#include "http/request.h"

#define JSON_LOOKED_AT_MAX (64 * 1024) /* bytes of a value that is parsed to find its type */
#define ETAG_CHARS         24
#define WORDS_MAX          10 /* of a command */

static void etag_of(struct slice value, char etag[ETAG_CHARS])
{
    snprintf(etag, ETAG_CHARS, "\"%016llx\"", (unsigned long long)xxh3_64(value));
}

static bool is_json(struct slice s)
{
    json_t *json = json_loadb(s.ptr, s.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    json_decref(json);
    return json != NULL;
}

static const char *type_of(struct slice value)
{
    bool may_be = value.len > 1 && value.len <= JSON_LOOKED_AT_MAX &&
                  (*value.ptr == '{' || *value.ptr == '[');
    return may_be && is_json(value) ? HTTP_JSON : "application/octet-stream";
}

/* The HTTP status of a command's error. */
static int status_of(struct slice error)
{
    static const struct {
        const char *code;
        int status;
    } codes[] = {
        {"WRONGTYPE ", 409}, {"OOM ", 507}, {"LOADING ", 503}, {"MISCONF ", 503}, {"BUSY ", 503},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        size_t len = strlen(codes[i].code);
        if (error.len >= len && memcmp(error.ptr, codes[i].code, len) == 0)
            return codes[i].status;
    }
    return 400;
}

static void reply_command_error(struct http_request *r, const struct reply_token *t)
{
    http_reply_errorf(r, status_of(t->text), "%.*s", slice_shown(t->text, 400), t->text.ptr);
}

/* False: the request is refused, and answered. */
static bool may_run(struct http_request *r, int argc, const struct slice *argv)
{
    struct slice db = SLICE("0");
    bool forbidden;
    const char *error;
    (void)http_query(r, "db", &db);
    if (!http_may(r, argv, argc, &forbidden, &error)) {
        http_reply_error(r, 403, error);
        return false;
    }
    if (!http_select(r, db))
        return false;
    (void)http_command(r, argc, argv); /* http_run tells of a lack of memory */
    return true;
}

/* --- GET, HEAD ---------------------------------------------------------------------------------------------- */

static bool wants_json(const struct http_request *r)
{
    struct slice format;
    return http_query(r, "format", &format) && slice_is(format, "json");
}

/* The value's first bytes have come. Its ETag and type are known only where all of it has. */
static void begin_value(struct http_request *r, const struct reply_token *t)
{
    struct slice value, match;
    char etag[ETAG_CHARS];
    const char *type = "application/octet-stream";
    if (http_whole(r, t, &value)) {
        etag_of(value, etag);
        if (http_header(r, "if-match", &match) && !http_names_etag(match, etag)) {
            http_reply_error(r, 412, "ERR the value is another one");
            return;
        }
        if (http_reply_unchanged(r, etag))
            return;
        if (wants_json(r) && !is_json(value)) {
            http_reply_error(r, 406, "ERR the value is not JSON");
            return;
        }
        type = wants_json(r) ? HTTP_JSON : type_of(value);
    } else if (http_header(r, "if-match", &match) && !slice_equal(match, SLICE("*"))) {
        http_reply_error(r, 412, "ERR the value lies in pieces, and has no ETag");
        return;
    } else if (wants_json(r)) {
        http_reply_error(r, 406, "ERR the value lies in pieces, and is not looked at for JSON");
        return;
    }
    http_begin(r, 200, type);
    http_set_length(r, t->bytes);
}

static void value_token(struct http_request *r, void *arg, int command, const struct reply_token *t)
{
    (void)arg, (void)command;
    if (t->type == REPLY_NULL) {
        http_reply_error(r, 404, "ERR no such key");
    } else if (t->type == REPLY_ERROR && t->first) {
        reply_command_error(r, t);
    } else if (t->type == REPLY_BULK) {
        if (t->first)
            begin_value(r, t);
        if (!http_is_ended(r) && http_method(r) != HTTP_HEAD)
            buf_append_slice(http_out(r), t->text);
    }
}

static void value_done(struct http_request *r, void *arg)
{
    (void)arg;
    http_end(r);
}

static const struct http_reader value_reader = {.token = value_token, .done = value_done};

static void handle_get(struct http_request *r)
{
    const struct slice argv[] = {SLICE("GET"), http_param(r, 0)};
    if (may_run(r, 2, argv))
        http_run(r, &value_reader, NULL);
}

/* --- PUT, POST, DELETE -------------------------------------------------------------------------------------- */

/* The reply of SET, DEL or DELEX: null and 0 say that nothing was changed. */
static void change_token(struct http_request *r, void *arg, int command,
                         const struct reply_token *t)
{
    const char *unless = arg; /* the error of a failed condition; NULL: there is none */
    (void)command;
    bool nothing = t->type == REPLY_NULL || (t->type == REPLY_INT && t->integer == 0);
    if (t->type == REPLY_ERROR) {
        if (t->first)
            reply_command_error(r, t);
    } else if (nothing && unless) {
        http_reply_error(r, 412, unless);
    } else if (nothing) {
        http_reply_error(r, 404, "ERR no such key");
    } else if (t->type == REPLY_INT) {
        http_reply(r, 200, HTTP_JSON, SLICE("{\"result\":1}"));
    } else {
        http_reply(r, 200, HTTP_JSON, SLICE("{\"result\":\"OK\"}"));
    }
}

static void change_done(struct http_request *r, void *arg)
{
    (void)r, (void)arg; /* its one token has answered */
}

static const struct http_reader change_reader = {.token = change_token, .done = change_done};

#define UNLESS "ERR the condition does not hold: nothing was changed"

/* The digits of an ETag; empty: this server makes no such ETag. */
static struct slice digest_of(struct slice etag)
{
    bool quoted = etag.len == 18 && etag.ptr[0] == '"' && etag.ptr[17] == '"';
    return quoted ? slice_of(etag.ptr + 1, 16) : (struct slice){0};
}

/* Adds the words of If-Match or If-None-Match. False: no value can meet the condition, and the request is answered. */
static bool add_condition(struct http_request *r, struct slice *argv, int *argc, bool deletes)
{
    struct slice match, none;
    bool has_match = http_header(r, "if-match", &match);
    bool has_none = http_header(r, "if-none-match", &none);
    if (!has_match && !has_none)
        return true;
    if (has_match && has_none) {
        http_reply_error(r, 400, "ERR If-Match and If-None-Match do not go together");
        return false;
    }
    struct slice etag = has_match ? match : none, digest = digest_of(etag);
    if (slice_equal(etag, SLICE("*"))) {
        if (deletes && has_none) {
            http_reply_error(r, 412, UNLESS);
            return false;
        }
        if (!deletes)
            argv[(*argc)++] = has_match ? SLICE("XX") : SLICE("NX");
        return true;
    }
    if (digest.len == 0) {
        http_reply_error(r, has_match ? 412 : 400,
                         "ERR no value has such an ETag: it is 16 digits in quotes");
        return false;
    }
    argv[(*argc)++] = has_match ? SLICE("IFDEQ") : SLICE("IFDNE");
    argv[(*argc)++] = digest;
    return true;
}

/* ?ex=10, ?px=10, ?nx, ?xx */
static void add_parameters(const struct http_request *r, struct slice *argv, int *argc)
{
    static const char *const times[] = {"ex", "px"}, *const flags[] = {"nx", "xx"};
    struct slice value;
    for (int i = 0; i < 2; i++)
        if (http_query(r, times[i], &value)) {
            argv[(*argc)++] = slice_from_cstr(times[i]);
            argv[(*argc)++] = value;
        }
    for (int i = 0; i < 2; i++)
        if (http_query(r, flags[i], &value))
            argv[(*argc)++] = slice_from_cstr(flags[i]);
}

static void handle_put(struct http_request *r)
{
    struct slice argv[WORDS_MAX] = {SLICE("SET"), http_param(r, 0), http_body(r)};
    int argc = 3;
    char etag[ETAG_CHARS];
    bool json = http_content_type_is(r, HTTP_JSON, false);
    if (!json && !http_content_type_is(r, "application/octet-stream", true)) {
        http_reply_error(r, 415,
                         "ERR a value is application/octet-stream or application/json: say so by "
                         "Content-Type");
        return;
    }
    if (json && !is_json(http_body(r))) {
        http_reply_error(r, 400, "ERR the body is not JSON");
        return;
    }
    add_parameters(r, argv, &argc);
    if (!add_condition(r, argv, &argc, false) || !may_run(r, argc, argv))
        return;
    etag_of(http_body(r), etag);
    http_set_header(r, "ETag", etag);
    http_run(r, &change_reader, argc > 3 ? (void *)UNLESS : NULL);
}

static void handle_delete(struct http_request *r)
{
    struct slice argv[WORDS_MAX] = {SLICE("DELEX"), http_param(r, 0)};
    int argc = 2;
    if (!add_condition(r, argv, &argc, true))
        return;
    if (argc == 2)
        argv[0] = SLICE("DEL"); /* takes a value of any type */
    if (may_run(r, argc, argv))
        http_run(r, &change_reader, argc > 2 ? (void *)UNLESS : NULL);
}

#define DB_DOC                                               \
    {                                                        \
        "db", "integer", "number of the database to work in" \
    }

const struct http_route http_routes_db[] = {
    {.methods = HTTP_GET,
     .path = "/db/{key*}",
     .fn = handle_get,
     .flags = HTTP_ASKS,
     .summary = "The value of a key, as it is",
     .produces = "application/octet-stream",
     .query = {DB_DOC, {"format", "string", "json: the value is told as JSON, or refused"}},
     .example_path = "/db/greeting"},
    {.methods = HTTP_PUT | HTTP_POST,
     .path = "/db/{key*}",
     .fn = handle_put,
     .flags = HTTP_ASKS | HTTP_LARGE,
     .summary = "Store the body as the value of a key",
     .consumes = "application/octet-stream",
     .produces = HTTP_JSON,
     .query = {DB_DOC,
               {"ex", "integer", "seconds after which it is gone"},
               {"px", "integer", "milliseconds after which it is gone"},
               {"nx", "boolean", "only where there is no such key"},
               {"xx", "boolean", "only where there is one"}},
     .example_path = "/db/greeting",
     .example_body = "hello"},
    {.methods = HTTP_DELETE,
     .path = "/db/{key*}",
     .fn = handle_delete,
     .flags = HTTP_ASKS,
     .summary = "Delete a key",
     .produces = HTTP_JSON,
     .query = {DB_DOC},
     .example_path = "/db/greeting"},
    {.path = NULL},
};
