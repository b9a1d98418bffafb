/* Messages, and changes of keys, as server-sent events, for as long as the client listens.
 *
 *   /subscribe/CH, /psubscribe/PAT, /monitor   as the Upstash protocol has them: `data: message,CH,payload`
 *   /events?channel=..&pattern=..&key=..       events with a name, data in JSON, and for a key an id:
 *
 *       id: 4711
 *       event: key
 *       data: {"key":"k","event":"set"}
 *
 * The id is the log position when the event was sent; it is never less than the position of the event's change. */
#include <stdio.h>

#include "engine/engine.h"
#include "http/json_text.h"
#include "http/request.h"

#define EVENTS_NAMES_MAX      64 /* channels, patterns and keys of one request */
#define KEYSPACE_PREFIX_CHARS 40

/* A request that listens. */
struct events {
    bool base64; /* strings in the data */
    bool key;    /* the message at hand is about a key */
    int element; /* of the message at hand */
    char kind;   /* of the message: 's' a confirmation, 'm' of a channel or key, 'p' by a pattern */
    struct json_text text;
    struct slice prefix; /* "__keyspace@0__:" */
};

/* --- as Upstash has them ------------------------------------------------------------------------------------ */

/* Writes data of an event: a line break in it begins another line of data. */
static void put_lines(struct buf *out, struct slice s)
{
    while (s.len > 0) {
        const char *end = memchr(s.ptr, '\n', s.len);
        size_t len = end ? (size_t)(end - s.ptr) : s.len;
        for (size_t at = 0; at < len;) { /* a '\r' would end a line, too: it is left out */
            const char *cut = memchr(s.ptr + at, '\r', len - at);
            size_t run = cut ? (size_t)(cut - (s.ptr + at)) : len - at;
            buf_append(out, s.ptr + at, run);
            at += run + (cut ? 1 : 0);
        }
        if (end)
            buf_append_cstr(out, "\ndata: ");
        len += end ? 1 : 0;
        s = slice_of(s.ptr + len, s.len - len);
    }
}

static void plain_token(struct http_request *r, void *arg, int command, const struct reply_token *t)
{
    struct events *e = arg;
    struct buf *out = http_out(r);
    (void)command;
    bool text = t->type == REPLY_BULK || t->type == REPLY_STATUS || t->type == REPLY_ERROR;
    if (t->type == REPLY_ERROR && !http_is_answered(r)) {
        http_reply_errorf(r, 400, "%.*s", slice_shown(t->text, 400), t->text.ptr);
        return;
    }
    if (!http_is_answered(r))
        http_begin_events(r);
    if (t->type == REPLY_PUSH) {
        e->element = 0;
        buf_append_cstr(out, "data: ");
    } else if (t->type == REPLY_END) {
        buf_append_cstr(out, "\n\n");
    } else if (text) {
        if (t->first && t->depth == 0)
            buf_append_cstr(out, "data: ");
        else if (t->first && e->element++ > 0)
            buf_append_char(out, ',');
        if (t->depth == 0 && slice_equal(t->text, SLICE("OK")))
            buf_append_cstr(out, "\"OK\"");
        else
            put_lines(out, t->text);
        if (!t->more && t->depth == 0)
            buf_append_cstr(out, "\n\n");
    } else if (t->type == REPLY_INT || t->type == REPLY_NULL) {
        if (e->element++ > 0)
            buf_append_char(out, ',');
        buf_append_i64(out, t->integer);
    }
}

/* --- /events ------------------------------------------------------------------------------------------------ */

static bool begins_with(struct slice s, struct slice with)
{
    return s.len >= with.len && slice_equal(slice_of(s.ptr, with.len), with);
}

/* Takes a message's first element, which names its kind. */
static void begin_named(struct events *e, struct slice kind, struct buf *out)
{
    e->key = false;
    e->kind = slice_is(kind, "message") ? 'm' : slice_is(kind, "pmessage") ? 'p' : 's';
    if (e->kind == 's') {
        buf_append_cstr(out, "event: subscribed\ndata: {\"name\":");
        return;
    }
}

/* Takes an element that names a channel, pattern or key. */
static void name_named(struct http_request *r, struct events *e, const struct reply_token *t)
{
    struct buf *out = http_out(r);
    struct slice name = t->text;
    if (e->kind == 'm' && t->first && begins_with(name, e->prefix)) {
        name = slice_of(name.ptr + e->prefix.len, name.len - e->prefix.len);
        e->key = true;
        buf_append_cstr(out, "id: ");
        buf_append_i64(out, (int64_t)engine_log_pos(http_engine(r)));
        buf_append_cstr(out, "\nevent: key\ndata: {\"key\":");
    } else if (e->kind == 'm' && t->first) {
        buf_append_cstr(out, "event: message\ndata: {\"channel\":");
    } else if (e->kind == 'p' && t->first) {
        buf_append_cstr(out,
                        e->element == 1 ? "event: pmessage\ndata: {\"pattern\":" : ",\"channel\":");
    }
    if (t->first)
        json_text_begin(&e->text, e->base64, out);
    json_text_add(&e->text, name, out);
    if (!t->more)
        json_text_end(&e->text, out);
}

static void data_named(struct events *e, const struct reply_token *t, struct buf *out)
{
    if (t->first) {
        buf_append_cstr(out, e->key ? ",\"event\":" : ",\"message\":");
        json_text_begin(&e->text, e->base64, out);
    }
    json_text_add(&e->text, t->text, out);
    if (!t->more)
        json_text_end(&e->text, out);
}

static void named_token(struct http_request *r, void *arg, int command, const struct reply_token *t)
{
    struct events *e = arg;
    struct buf *out = http_out(r);
    (void)command;
    if (t->type == REPLY_ERROR) {
        if (!http_is_answered(r))
            http_reply_errorf(r, 400, "%.*s", slice_shown(t->text, 400), t->text.ptr);
        return;
    }
    if (!http_is_answered(r))
        http_begin_events(r);
    if (t->type == REPLY_PUSH)
        e->element = 0;
    else if (t->type == REPLY_END)
        buf_append_cstr(out, "}\n\n");
    else if (t->type == REPLY_BULK) {
        int last_name = e->kind == 'p' ? 2 : 1;
        if (e->element == 0)
            begin_named(e, t->text, out);
        else if (e->element <= last_name)
            name_named(r, e, t);
        else
            data_named(e, t, out);
        e->element += !t->more;
    }
}

/* Never called once events have begun: they have no end. */
static void on_done(struct http_request *r, void *arg)
{
    (void)arg;
    http_end(r);
}

static const struct http_reader plain_reader = {.token = plain_token, .done = on_done};
static const struct http_reader named_reader = {.token = named_token, .done = on_done};

/* --- requests ----------------------------------------------------------------------------------------------- */

static struct events *start(struct http_request *r)
{
    struct events *e = (struct events *)http_keep(r, sizeof(*e));
    if (!e)
        http_reply_error(r, 503, "OOM there is no memory for the request");
    else
        *e = (struct events){0};
    return e;
}

static bool may_listen(struct http_request *r, bool everything)
{
    if (http_is_deliberate(r) || (!everything && http_is_readable(r)))
        return true;
    http_reply_error(r, 403, HTTP_NOT_DELIBERATE);
    return false;
}

static void listen_plain(struct http_request *r, const char *command, bool has_name)
{
    const struct slice argv[] = {slice_from_cstr(command), http_param(r, 0)};
    struct events *e = may_listen(r, !has_name) ? start(r) : NULL;
    if (!e)
        return;
    (void)http_command(r, has_name ? 2 : 1, argv);
    http_run(r, &plain_reader, e);
}

static void handle_subscribe(struct http_request *r)
{
    listen_plain(r, "SUBSCRIBE", true);
}

static void handle_psubscribe(struct http_request *r)
{
    listen_plain(r, "PSUBSCRIBE", true);
}

static void handle_monitor(struct http_request *r)
{
    listen_plain(r, "MONITOR", false);
}

/* Adds one command that listens to the values of all parameters of that name. False: refused, and answered. */
static bool add_names(struct http_request *r, const char *parameter, const char *command,
                      struct slice prefix)
{
    struct slice argv[EVENTS_NAMES_MAX + 1] = {slice_from_cstr(command)}, value;
    int argc = 1;
    bool has_value;
    for (int i = 0; i < http_query_count(r); i++) {
        if (!slice_is(http_query_at(r, i, &value, &has_value), parameter))
            continue;
        if (argc > EVENTS_NAMES_MAX) {
            http_reply_error(r, 400, "ERR too many names to listen to");
            return false;
        }
        char *joined = http_keep(r, prefix.len + value.len + 1);
        if (!joined) {
            http_reply_error(r, 503, "OOM there is no memory for the request");
            return false;
        }
        if (prefix.len)
            memcpy(joined, prefix.ptr, prefix.len);
        if (value.len)
            memcpy(joined + prefix.len, value.ptr, value.len);
        argv[argc++] = slice_of(joined, prefix.len + value.len);
    }
    if (argc > 1)
        (void)http_command(r, argc, argv);
    return true;
}

static void handle_events(struct http_request *r)
{
    struct slice db = SLICE("0"), keys, encoding;
    struct events *e = may_listen(r, false) ? start(r) : NULL;
    if (!e)
        return;
    (void)http_query(r, "db", &db);
    e->base64 = http_query(r, "base64", &encoding);
    if (http_query(r, "key", &keys) && !(engine_config(http_engine(r))->notify & NOTIFY_KEYSPACE)) {
        http_reply_error(r, 409, "ERR events of keys need notify-keyspace-events, KA say");
        return;
    }
    char *prefix = http_keep(r, KEYSPACE_PREFIX_CHARS);
    if (!prefix || !http_select(r, db)) {
        if (!prefix)
            http_reply_error(r, 503, "OOM there is no memory for the request");
        return;
    }
    int len =
        snprintf(prefix, KEYSPACE_PREFIX_CHARS, "__keyspace@%.*s__:", slice_shown(db, 10), db.ptr);
    e->prefix = slice_of(prefix, (size_t)len);
    if (!add_names(r, "channel", "SUBSCRIBE", (struct slice){0}) ||
        !add_names(r, "pattern", "PSUBSCRIBE", (struct slice){0}) ||
        !add_names(r, "key", "SUBSCRIBE", e->prefix))
        return;
    if (http_command_count(r) == 0)
        http_reply_error(r, 400, "ERR say what to listen to: channel=, pattern= or key=");
    else
        http_run(r, &named_reader, e);
}

#define EVENT_STREAM "text/event-stream"

const struct http_route http_routes_events[] = {
    {.methods = HTTP_GET | HTTP_POST,
     .path = "/subscribe/{channel}",
     .fn = handle_subscribe,
     .flags = HTTP_ASKS,
     .summary = "Messages of a channel, as server-sent events",
     .produces = EVENT_STREAM,
     .example_path = "/subscribe/news"},
    {.methods = HTTP_GET | HTTP_POST,
     .path = "/psubscribe/{pattern}",
     .fn = handle_psubscribe,
     .flags = HTTP_ASKS,
     .summary = "Messages of all channels that match a pattern, as server-sent events",
     .produces = EVENT_STREAM,
     .example_path = "/psubscribe/news.*"},
    {.methods = HTTP_GET | HTTP_POST,
     .path = "/monitor",
     .fn = handle_monitor,
     .flags = HTTP_ASKS,
     .summary = "Every command that is run, as server-sent events",
     .produces = EVENT_STREAM,
     .example_path = "/monitor"},
    {.methods = HTTP_GET,
     .path = "/events",
     .fn = handle_events,
     .flags = HTTP_ASKS,
     .summary = "Events of channels, patterns and keys, as server-sent events with data in JSON",
     .produces = EVENT_STREAM,
     .query = {{"channel", "string", "messages of this channel; may be given several times"},
               {"pattern", "string", "messages of channels that match this"},
               {"key", "string", "what happens to this key (notify-keyspace-events)"},
               {"db", "integer", "number of the database of the keys"},
               {"base64", "boolean", "strings in the data are base64"}},
     .example_path = "/events?channel=news"},
    {.path = NULL},
};
