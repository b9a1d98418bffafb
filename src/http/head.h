#pragma once
/* The head of an HTTP/1.x request: its line and its header fields, as slices of the bytes that it came in. Knows no
 * socket.
 *
 *   GET /db/key?db=1 HTTP/1.1\r\n
 *   Host: localhost:8379\r\n
 *   \r\n
 *
 * The parser is stricter than the RFCs ask. It refuses everything that a proxy and this server could understand
 * differently: line breaks without '\r', lines that go on in the next one, spaces around a field's name, two lengths, a
 * length beside Transfer-Encoding. Otherwise a body to the one could be a request to the other (request smuggling).
 *
 * Source: RFC 9110, RFC 9112. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/method.h"

#define HTTP_HEAD_BYTES_MAX   (32 * 1024) /* of a head */
#define HTTP_TARGET_BYTES_MAX (16 * 1024) /* of its target */
#define HTTP_FIELDS_MAX       64

struct http_field {
    struct slice name, value;
};

/* Why a request is refused; the text is static. */
struct http_problem {
    int status;
    const char *text;
};

struct http_head {
    enum http_method method;
    struct slice path, query; /* as they came; the query without its '?' */
    int minor;                /* of the version: HTTP/1.minor */
    struct http_field fields[HTTP_FIELDS_MAX];
    int field_count;

    /* from the fields: about the connection and the body */
    bool has_length, chunked, keep_alive, expects_continue;
    uint64_t length; /* of the body; 0: none */
};

/* How far an unfinished head has been searched for its end: bytes, and where the line at hand begins. Begins all
 * zero. */
struct http_head_scan {
    size_t seen, line;
};

enum http_head_status { HTTP_HEAD_MORE, HTTP_HEAD_DONE, HTTP_HEAD_BAD };
/* `in` begins with the head's first byte; on a call after HTTP_HEAD_MORE it holds the same bytes and more. DONE:
 * *bytes of it are the head. BAD: *problem says why. */
enum http_head_status http_head_parse(struct http_head *h, struct http_head_scan *scan,
                                      struct slice in, size_t *bytes, struct http_problem *problem);
/* The value of the first field called `name`, which is given in small letters. False: there is none. */
bool http_head_field(const struct http_head *h, const char *name, struct slice *value);
