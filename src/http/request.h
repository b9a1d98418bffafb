#pragma once
/* A request as its handler sees it, and how the handler answers.
 *
 * A handler answers once: directly, or when the replies of the commands that it runs have come. Slices of the request
 * (path, query, fields, body) are valid until then. A handler of GET also gets HEAD, whose body is dropped for it. */
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

/* --- the request -------------------------------------------------------------------------------------------- */

enum http_method http_method(const struct http_request *r);
/* The path's i-th parameter, decoded. */
struct slice http_param(const struct http_request *r, int i);
/* A parameter of the query by name, decoded; empty where it has no value. False: it is not there. */
bool http_query(const struct http_request *r, const char *name, struct slice *value);
/* All parameters of the query, in order. */
int http_query_count(const struct http_request *r);
struct slice http_query_at(const struct http_request *r, int i, struct slice *value,
                           bool *has_value);
/* A header field by its name in small letters. */
bool http_header(const struct http_request *r, const char *name, struct slice *value);
/* Is Content-Type `type`, whatever parameters follow? `or_none`: true also where the field is missing. */
bool http_content_type_is(const struct http_request *r, const char *type, bool or_none);
struct slice http_body(const struct http_request *r);
/* The same bytes, to be decoded in place. */
char *http_body_bytes(struct http_request *r);

struct engine *http_engine(const struct http_request *r);
const struct http_host *http_host(const struct http_request *r);
const struct http_config *http_config(const struct http_request *r);
/* No page of another origin can have made a browser send the request (guard.c says how that is known). */
bool http_is_deliberate(const struct http_request *r);
/* The request may at least read: nothing shows that a page of another origin made it. */
bool http_is_readable(const struct http_request *r);
/* The request has the password, or there is none. Without it, only routes that are HTTP_OPEN are reached. */
bool http_is_authorized(const struct http_request *r);

/* --- answering ---------------------------------------------------------------------------------------------- */

#define HTTP_JSON "application/json"
#define HTTP_TEXT "text/plain; charset=utf-8"

/* Call ahead of the answer. Names and values must have no line breaks, which nothing checks. */
void http_set_header(struct http_request *r, const char *name, const char *value);
/* Copies `body`. */
void http_reply(struct http_request *r, int status, const char *type, struct slice body);
/* The same without a copy: for bytes that stay for good. */
void http_reply_static(struct http_request *r, int status, const char *type, struct slice body);
/* Takes the buffer's bytes, and leaves it empty. */
void http_reply_buf(struct http_request *r, int status, const char *type, struct buf *body);
/* {"error":"text"} */
void http_reply_error(struct http_request *r, int status, const char *text);
void http_reply_errorf(struct http_request *r, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Does `list`, a field of ETags or '*', name `etag`? */
bool http_names_etag(struct slice list, const char *etag);
/* Sets the field ETag; `etag` comes with its quotes. True: the client has that already, and 304 is answered. */
bool http_reply_unchanged(struct http_request *r, const char *etag);

/* An answer in pieces: http_begin, then bytes appended to http_out, then http_end. Up to HTTP_WHOLE_BYTES_MAX bytes are
 * kept back, so that a short answer has a length; of a longer one the beginning leaves, which then cannot change. */
#define HTTP_WHOLE_BYTES_MAX (32 * 1024)
void http_begin(struct http_request *r, int status, const char *type);
struct buf *http_out(struct http_request *r);
void http_end(struct http_request *r);
/* Tells a length that is known, so that a long answer needs no chunks. Call after http_begin, before the first byte. */
void http_set_length(struct http_request *r, uint64_t bytes);
/* http_is_answered: the answer has begun, and its status is settled. http_is_ended: all of it is written. */
bool http_is_answered(const struct http_request *r);
bool http_is_ended(const struct http_request *r);
/* Adds the log's position when the head is written, as upstash-sync-token. */
void http_tell_position(struct http_request *r);
/* An answer without an end: server-sent events. Bytes appended to http_out leave at the next http_flush. */
void http_begin_events(struct http_request *r);
void http_flush(struct http_request *r);

/* --- commands ----------------------------------------------------------------------------------------------- */

/* Bytes that live until the request is answered. NULL: no memory. */
char *http_keep(struct http_request *r, size_t bytes);
/* A copy that lives as long. Empty where there is no memory, which http_run answers. */
struct slice http_keep_slice(struct http_request *r, struct slice s);
/* Adds a command for http_run. Copies the array, and borrows the words' bytes until the request is answered. False: no
 * memory, which http_run answers. */
bool http_command(struct http_request *r, int argc, const struct slice *argv);
/* Gives replies the shapes of RESP2, where members and scores are one flat array, instead of RESP3's pairs. */
void http_speak_resp2(struct http_request *r);
/* Selects the database of the commands. False: there is none of that number, and 400 is answered. */
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
/* Call within `token`, at the first token of a string. *whole: all of the string, maybe more than the token has. False:
 * some of it has not come, or it lies in several pieces. */
bool http_whole(const struct http_request *r, const struct reply_token *t, struct slice *whole);
/* How many commands there are. */
int http_command_count(const struct http_request *r);
#define HTTP_NOT_DELIBERATE                                                                         \
    "NOPERM a web page could have made a browser send this: add a token, the field 'X-Corsac: 1', " \
    "or Content-Type: application/json"
struct cmd;
/* May the request run this command? False: *error says why not (static text), for a 400 or, with *forbidden, a 403. */
bool http_may(const struct http_request *r, const struct slice *argv, int argc, bool *forbidden,
              const char **error);
