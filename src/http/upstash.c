/* The Upstash REST protocol: commands in JSON or in the path, one, many, or as a transaction.
 *
 *   POST /            ["SET","k","v"]               {"result":"OK"}, or 400 {"error":"ERR ..."}
 *   GET /get/k, POST /set/k?EX=100 with a body      the same
 *   POST /pipeline    [["GET","k"],["GET","l"]]     [{"result":"v"},{"result":null}]
 *   POST /multi-exec  the same, as one unit; 400 where nothing of it was run
 *
 * Fields of a request: Upstash-Encoding: base64, Upstash-Response-Format: resp2, upstash-sync-token. Beyond the
 * protocol, X-Corsac-Arguments: base64 says that the words in the body are in base64, so that they may be any bytes. */
#include "http/base64.h"
#include "http/json_args.h"
#include "http/reply_json.h"
#include "http/request.h"
#include "http/resp2_text.h"
#include "http/url.h"

#include "base/mem.h"

enum form { FORM_ONE, FORM_MANY, FORM_TRANSACTION };

/* A request at work. */
struct upstash {
    enum form form;
    bool resp2, more; /* `more`: a result has begun */
    struct reply_json json;
    unsigned skipped; /* of resp2_text */
};

static struct upstash *start(struct http_request *r, enum form form)
{
    struct slice encoding, format;
    bool base64 = http_header(r, "upstash-encoding", &encoding) && slice_is(encoding, "base64");
    bool has_format = http_header(r, "upstash-response-format", &format);
    bool resp2 = has_format && slice_is(format, "resp2");
    if (has_format && !resp2 && !slice_is(format, "json")) {
        http_reply_error(r, 400, "ERR Upstash-Response-Format may be json or resp2");
        return NULL;
    }
    if (resp2 && (base64 || form == FORM_TRANSACTION)) {
        http_reply_error(r, 400,
                         "ERR the format resp2 goes neither with base64 nor with /multi-exec");
        return NULL;
    }
    struct upstash *u = (struct upstash *)http_keep(r, sizeof(*u));
    if (!u) {
        http_reply_error(r, 503, "OOM there is no memory for the request");
        return NULL;
    }
    *u = (struct upstash){.form = form, .resp2 = resp2};
    reply_json_init(&u->json, base64);
    http_tell_position(r);
    http_speak_resp2(r);
    return u;
}

/* --- results ------------------------------------------------------------------------------------------------ */

static void put(struct http_request *r, struct upstash *u, const struct reply_token *t)
{
    if (u->resp2)
        resp2_text_token(&u->skipped, t, http_out(r));
    else
        reply_json_token(&u->json, t, http_out(r));
}

static const char *type_of(const struct upstash *u)
{
    return u->resp2 ? "application/octet-stream" : HTTP_JSON;
}

/* Writes the bracket in front of the first result, and commas between them. */
static void begin_result(struct http_request *r, struct upstash *u)
{
    http_begin(r, 200, type_of(u));
    if (!u->resp2)
        buf_append_char(http_out(r), u->more ? ',' : '[');
    u->more = true;
}

static void token_one(struct http_request *r, struct upstash *u, const struct reply_token *t)
{
    if (!http_is_answered(r))
        http_begin(r, t->type == REPLY_ERROR ? 400 : 200, type_of(u));
    put(r, u, t);
}

static void token_many(struct http_request *r, struct upstash *u, const struct reply_token *t)
{
    if (reply_token_begins(t, 0))
        begin_result(r, u);
    put(r, u, t);
}

/* An element of EXEC's reply is a result of its own: one collection less is around it. */
static void token_transaction(struct http_request *r, struct upstash *u, int command,
                              const struct reply_token *t)
{
    /* The others reply +OK, +QUEUED, or an error for which EXEC replies one of its own. */
    if (command != http_command_count(r) - 1)
        return;
    if (t->depth == 0 && t->type == REPLY_ERROR) {
        if (!http_is_answered(r))
            http_begin(r, 400, HTTP_JSON);
        put(r, u, t);
        return;
    }
    http_begin(r, 200, HTTP_JSON);
    if (t->depth == 0) {
        if (t->type == REPLY_END && !u->more)
            buf_append_char(http_out(r), '[');
        if (t->type == REPLY_END)
            buf_append_char(http_out(r), ']');
        return;
    }
    struct reply_token element = reply_token_element(t);
    if (reply_token_begins(t, 1))
        begin_result(r, u);
    put(r, u, &element);
}

static void on_token(struct http_request *r, void *arg, int command, const struct reply_token *t)
{
    struct upstash *u = arg;
    if (u->form == FORM_ONE)
        token_one(r, u, t);
    else if (u->form == FORM_MANY)
        token_many(r, u, t);
    else
        token_transaction(r, u, command, t);
}

static void on_done(struct http_request *r, void *arg)
{
    struct upstash *u = arg;
    if (u->form == FORM_MANY && !u->resp2) {
        http_begin(r, 200, HTTP_JSON);
        buf_append_cstr(http_out(r), u->more ? "]" : "[]");
    }
    http_begin(r, 200, type_of(u));
    http_end(r);
}

static const struct http_reader reader = {.token = on_token, .done = on_done};

/* --- requests ----------------------------------------------------------------------------------------------- */

/* False: the request is refused, and answered. */
static bool add(struct http_request *r, int argc, const struct slice *argv)
{
    bool forbidden;
    const char *error;
    if (!http_may(r, argv, argc, &forbidden, &error)) {
        http_reply_error(r, forbidden ? 403 : 400, error);
        return false;
    }
    (void)http_command(r, argc, argv); /* http_run tells of a lack of memory */
    return true;
}

/* The commands are copied as arrays; their bytes stay in the body. */
static bool add_all(struct http_request *r, const struct json_args *a, enum form form)
{
    static const struct slice multi = {"MULTI", 5}, exec = {"EXEC", 4};
    const struct slice *argv = a->argv;
    if (form == FORM_TRANSACTION)
        (void)http_command(r, 1, &multi);
    for (size_t i = 0; i < a->commands; i++) {
        if (!add(r, a->counts[i], argv))
            return false;
        argv += a->counts[i];
    }
    if (form == FORM_TRANSACTION)
        (void)http_command(r, 1, &exec);
    return true;
}

/* Decodes the words in place, as they only get shorter. */
static bool decode_words(struct http_request *r, struct json_args *a)
{
    struct slice encoding;
    if (!http_header(r, "x-corsac-arguments", &encoding))
        return true;
    if (!slice_is(encoding, "base64")) {
        a->error = "ERR X-Corsac-Arguments may be base64";
        return false;
    }
    for (size_t i = 0; i < a->argc; i++) {
        struct slice *word = &a->argv[i];
        if (!base64_decode(*word, (char *)word->ptr, word->len, &word->len)) {
            a->error = "ERR a word is not in base64";
            return false;
        }
    }
    return true;
}

static void handle_body(struct http_request *r, enum form form)
{
    struct slice db = SLICE("0"), body = http_body(r);
    struct json_args a;
    (void)http_query(r, "db", &db);
    struct upstash *u = start(r, form);
    if (!u || !http_select(r, db))
        return;
    json_args_init(&a);
    if (!json_args_parse(&a, http_body_bytes(r), body.len, form != FORM_ONE) ||
        !decode_words(r, &a))
        http_reply_error(r, 400, a.error);
    else if (add_all(r, &a, form))
        http_run(r, &reader, u);
    json_args_deinit(&a);
}

static void handle_command(struct http_request *r)
{
    handle_body(r, FORM_ONE);
}

static void handle_pipeline(struct http_request *r)
{
    handle_body(r, FORM_MANY);
}

static void handle_transaction(struct http_request *r)
{
    handle_body(r, FORM_TRANSACTION);
}

/* --- by path ------------------------------------------------------------------------------------------------ */

#define PATH_ARGS_MAX 1024

/* The command's words: segments, then the body, then the query. -1: too many, or a bad escape. */
static int path_args(struct http_request *r, struct slice argv[PATH_ARGS_MAX])
{
    struct slice path = http_param(r, 0), value;
    int argc = 0;
    bool has_value;
    for (bool more = true; more;) {
        const char *slash = memchr(path.ptr, '/', path.len);
        size_t len = slash ? (size_t)(slash - path.ptr) : path.len, decoded = len;
        if (argc == PATH_ARGS_MAX || !url_decode((char *)path.ptr, &decoded, false))
            return -1;
        argv[argc++] = slice_of(path.ptr, decoded);
        more = slash != NULL;
        path = slice_of(path.ptr + len + more, path.len - len - more);
    }
    if (http_body(r).len > 0) {
        if (argc == PATH_ARGS_MAX)
            return -1;
        argv[argc++] = http_body(r);
    }
    for (int i = 0; i < http_query_count(r); i++) {
        struct slice name = http_query_at(r, i, &value, &has_value);
        if (slice_equal(name, SLICE("_token")))
            continue;
        if (argc + 2 > PATH_ARGS_MAX)
            return -1;
        argv[argc++] = name;
        if (has_value && value.len > 0)
            argv[argc++] = value;
    }
    return argc;
}

static void handle_path(struct http_request *r)
{
    struct slice argv[PATH_ARGS_MAX];
    int argc = path_args(r, argv);
    if (argc < 0) {
        http_reply_error(r, 400, "ERR a bad escape in the path, or too many segments");
        return;
    }
    if (argc == 1 && argv[0].len == 0) {
        http_reply_error(r, 404, "ERR there is no such path");
        return;
    }
    struct upstash *u = start(r, FORM_ONE);
    if (u && http_select(r, SLICE("0")) && add(r, argc, argv))
        http_run(r, &reader, u);
}

#define DB_DOC                                                       \
    {                                                                \
        "db", "integer", "number of the database to work in; 0 else" \
    }

const struct http_route http_routes_upstash[] = {
    {.methods = HTTP_POST,
     .path = "/",
     .fn = handle_command,
     .flags = HTTP_ASKS,
     .summary = "Run one command: an array of its words",
     .consumes = HTTP_JSON,
     .produces = HTTP_JSON,
     .query = {DB_DOC},
     .example_body = "[\"SET\",\"greeting\",\"hello\",\"EX\",100]"},
    {.methods = HTTP_POST,
     .path = "/pipeline",
     .fn = handle_pipeline,
     .flags = HTTP_ASKS,
     .summary = "Run several commands, in order and not atomically",
     .consumes = HTTP_JSON,
     .produces = HTTP_JSON,
     .query = {DB_DOC},
     .example_body = "[[\"SET\",\"greeting\",\"hello\"],[\"GET\",\"greeting\"]]"},
    {.methods = HTTP_POST,
     .path = "/multi-exec",
     .fn = handle_transaction,
     .flags = HTTP_ASKS,
     .summary = "Run several commands as one transaction, all of them or none",
     .consumes = HTTP_JSON,
     .produces = HTTP_JSON,
     .query = {DB_DOC},
     .example_body = "[[\"INCR\",\"visits\"],[\"GET\",\"visits\"]]"},
    {.path = NULL},
};

/* Takes every path that no other route has. */
const struct http_route http_routes_path[] = {
    {.methods = HTTP_GET | HTTP_POST | HTTP_PUT,
     .path = "/{command*}",
     .fn = handle_path,
     .flags = HTTP_ASKS | HTTP_HIDDEN | HTTP_RAW | HTTP_LARGE,
     .summary = "Run one command: its words are segments of the path",
     .produces = HTTP_JSON,
     .example_path = "/echo/hello"},
    {.path = NULL},
};
