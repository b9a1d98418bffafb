#pragma once
/* What a handler sees of a request, and how it answers.
 *
 * A handler answers once: at once, or when the replies of the commands that it runs have come. Slices of the request
 * (path, query, fields, body) are good until it is answered. HEAD is a GET whose body is dropped for the handler. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "http/http.h"
#include "http/method.h"
#include "http/route.h"
#include "resp/reply.h"

struct http_request;

/* --- what was asked ----------------------------------------------------------------------------------------- */

enum http_method http_method(const struct http_request *r);
/* The path's i-th parameter, decoded. */
struct slice http_param(const struct http_request *r, int i);
/* A parameter of the query by name, decoded; empty where it has no value. False: it is not there. */
bool http_query(const struct http_request *r, const char *name, struct slice *value);
/* All of them in order. */
int http_query_count(const struct http_request *r);
struct slice http_query_at(const struct http_request *r, int i, struct slice *value,
                           bool *has_value);
/* A header field by its name in small letters. */
bool http_header(const struct http_request *r, const char *name, struct slice *value);
/* Its content type is that, whatever parameters follow; or there is none, where `or_none`. */
bool http_content_type_is(const struct http_request *r, const char *type, bool or_none);
struct slice http_body(const struct http_request *r);
/* The same to decode in place. */
char *http_body_bytes(struct http_request *r);

struct engine *http_engine(const struct http_request *r);
const struct http_host *http_host(const struct http_request *r);
const struct http_config *http_config(const struct http_request *r);
/* No page of another origin can have made a browser send it: it has a token, or what such a request cannot have. */
bool http_is_deliberate(const struct http_request *r);
/* It may at least read: nothing says that such a page made it. */
bool http_is_readable(const struct http_request *r);
/* It has the password, or there is none. Others get no further than to routes that are open. */
bool http_is_authorized(const struct http_request *r);

/* --- answering ---------------------------------------------------------------------------------------------- */

#define HTTP_JSON "application/json"
#define HTTP_TEXT "text/plain; charset=utf-8"

/* Ahead of the answer. Names and values are the handler's word: no line breaks. */
void http_set_header(struct http_request *r, const char *name, const char *value);
/* Copies `body`. */
void http_reply(struct http_request *r, int status, const char *type, struct slice body);
/* The same of bytes that stay for good. */
void http_reply_static(struct http_request *r, int status, const char *type, struct slice body);
/* Takes what is in the buffer, which is empty then. */
void http_reply_buf(struct http_request *r, int status, const char *type, struct buf *body);
/* {"error":"text"} */
void http_reply_error(struct http_request *r, int status, const char *text);
void http_reply_errorf(struct http_request *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Does a field's list of ETags, or '*', name it? */
bool http_names_etag(struct slice list, const char *etag);
/* True: the client has what has that ETag (with its quotes): 304 is answered. Else the answer has the ETag. */
bool http_reply_unchanged(struct http_request *r, const char *etag);

/* An answer in pieces. http_begin, then whatever is appended to http_out, then http_end. Up to HTTP_WHOLE_BYTES_MAX are
 * kept, so that a short one has a length; of a longer one the beginning leaves, where nothing about it can change
 * any more. */
#define HTTP_WHOLE_BYTES_MAX (32 * 1024)
void http_begin(struct http_request *r, int status, const char *type);
struct buf *http_out(struct http_request *r);
void http_end(struct http_request *r);
/* The answer's length is known: nothing is kept back. Behind http_begin, ahead of the first byte. */
void http_set_length(struct http_request *r, uint64_t bytes);
/* The answer has begun, or is there: its status stays as it is; and all of it is there. */
bool http_is_answered(const struct http_request *r);
bool http_is_ended(const struct http_request *r);
/* The answer tells the log's position, as upstash-sync-token, of the moment it leaves. */
void http_tell_position(struct http_request *r);
/* An answer without an end: server-sent events. What is appended to http_out leaves at once (http_flush). */
void http_begin_events(struct http_request *r);
void http_flush(struct http_request *r);

/* --- commands ----------------------------------------------------------------------------------------------- */

/* Bytes that live until the request is answered. NULL: no memory. */
char *http_keep(struct http_request *r, size_t bytes);
struct slice http_keep_slice(struct http_request *r, struct slice s);
/* Adds a command to those that http_run runs. Borrows the bytes, and copies the array, until it is answered. False: no
 * memory; http_run answers that. */
bool http_command(struct http_request *r, int argc, const struct slice *argv);
/* Their replies have the shapes of RESP2, in which a member and its score are no pair; else those of RESP3. */
void http_speak_resp2(struct http_request *r);
/* The database that they run in. False: there is none of that number, which is answered. */
bool http_select(struct http_request *r, struct slice number);

struct http_reader {
    /* A token of the reply of the command-th command. `command` < 0: of a message that is no reply (a
     * subscription's). */
    void (*token)(struct http_request *r, void *arg, int command, const struct reply_token *t);
    /* Every reply has come. */
    void (*done)(struct http_request *r, void *arg);
};
/* Runs the commands in order, a batch a turn where they are many. `arg` is the reader's, good until the end. A reader
 * may add commands and run them in `done`. */
void http_run(struct http_request *r, const struct http_reader *reader, void *arg);
/* Within `token`, where a string begins: all of it, which may be more than the token has. False: it is not all
 * there, or lies in several pieces. */
bool http_whole(const struct http_request *r, const struct reply_token *t, struct slice *whole);
/* How many commands there are. */
int http_command_count(const struct http_request *r);
#define HTTP_NOT_DELIBERATE                                                                         \
    "NOPERM a web page could have made a browser send this: add a token, the field 'X-Corsac: 1', " \
    "or Content-Type: application/json"
/* May it be run by an HTTP request? False: `error` says why not (static text), as 400 or, with *forbidden, 403. */
struct cmd;
bool http_may(const struct http_request *r, const struct slice *argv, int argc, bool *forbidden,
              const char **error);
