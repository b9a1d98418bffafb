#pragma once
/* Requests of the Redis protocol (RESP2 arrays of bulk strings, and inline commands) as slices of
 * the bytes they arrived in. The parser knows no socket: its caller hands in the bytes there are.
 *
 *   *3\r\n $3\r\n SET\r\n $3\r\n key\r\n $5\r\n value\r\n       (without the spaces)
 *              [0]            [1]           [2]
 *
 * What is accepted, and how the rest is refused, is as in Redis 7.2. So, like Redis, it takes the byte behind a
 * '\r' for a '\n', and the two bytes behind an argument for "\r\n", without looking.
 *
 * Source: the Redis serialization protocol specification. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/words.h"

#define RESP_ARGS_MAX         INT32_MAX /* arguments of a request; the query buffer's limit comes first */
#define RESP_INLINE_BYTES_MAX (64 * 1024) /* a line without its end: inline request, or a count */

/* For a client that has yet to authenticate: */
#define RESP_UNAUTH_ARGS_MAX       10
#define RESP_UNAUTH_BULK_BYTES_MAX 16384

/* Arguments of the requests of one batch, one behind the other; grows and is reused. Requests say
 * which are theirs by index, as the array moves when it grows. */
struct resp_text;
struct resp_args {
    struct slice *at; /* owned */
    size_t count, cap;
    struct words words;     /* of the latest inline request: scratch */
    struct resp_text *text; /* owned: the bytes of inline arguments, until cleared */
};
void resp_args_init(struct resp_args *a);
void resp_args_deinit(struct resp_args *a);
void resp_args_clear(struct resp_args *a); /* gives memory back that one huge request took */

struct resp_limits {
    int64_t bulk_bytes_max; /* proto-max-bulk-len */
    bool authenticated;     /* false: the RESP_UNAUTH_ limits hold */
};

/* State between calls of one connection: where in an unfinished request it is. Allocated, with
 * the places of the arguments found so far, only while there is an unfinished request. */
struct resp_partial;
struct resp_apart;
struct resp_parser {
    struct resp_partial *partial; /* owned; NULL between requests */
    struct resp_apart *apart;     /* owned; NULL: no argument was read apart */
};

enum resp_status {
    RESP_MORE,    /* not complete: keep the bytes, call again with more behind them */
    RESP_REQUEST, /* a request; argc may be 0 (an empty line, "*0", "*-1"): nothing to run */
    RESP_ERROR,   /* the peer broke the protocol, or there is no memory: *error says how */
};

struct resp_request {
    size_t first; /* its first argument in resp_args */
    int argc;
    size_t bytes; /* that it took, from the start of `in` */
    bool inlined; /* came as a line; its arguments are not slices of `in` */
    /* RESP_ERROR: a text for resp_error(), as Redis words it ("Protocol error: ..."), after which
     * the connection is to be closed. Static, or in error_text; good until the next call. */
    const char *error;
    char error_text[96];
};

/* Requests in plain form, as most are: arrays with lengths in their shortest form, wholly there, with room in `args`
 * for their arguments. Takes as many of them as stand at the start of `in`, up to `max`, appends their arguments to
 * `args`, and returns how many. Everything behind them is for resp_parse. So is all input of a client that is in an
 * unfinished request, or has yet to authenticate. */
struct resp_extent {
    size_t bytes; /* that the request took */
    int argc;
};
int resp_parse_plain(struct slice in, int64_t bulk_bytes_max, struct resp_args *args,
                     struct resp_extent *out, int max);

void resp_parser_init(struct resp_parser *p);
void resp_parser_deinit(struct resp_parser *p);
/* Forgets an unfinished request, whose bytes will be handed in again. Arguments that were read apart stay. */
void resp_parser_forget(struct resp_parser *p);
/* Looks for one request at the start of `in`. `in` starts with the first byte that no complete
 * request took, and on a call after RESP_MORE holds the same bytes again (perhaps elsewhere in
 * memory) and more. Work is linear in the bytes whatever the pieces they come in.
 * RESP_REQUEST: the arguments are appended to `args`, as slices of `in` or, for inline requests, of
 * memory that `args` owns until it is cleared. Otherwise `args` is as it was. */
enum resp_status resp_parse(struct resp_parser *p, struct slice in,
                            const struct resp_limits *limits, struct resp_args *args,
                            struct resp_request *out);
/* The same where `start` bytes of requests that are not taken yet stand in front of `in`. */
enum resp_status resp_parse_at(struct resp_parser *p, size_t start, struct slice in,
                               const struct resp_limits *limits, struct resp_args *args,
                               struct resp_request *out);
/* After RESP_MORE: the least number of bytes more that could complete the argument at the end
 * (1 when unknown), so that a reader can make room for a large argument at once. */
size_t resp_parser_wants(const struct resp_parser *p);
size_t resp_parser_memory(const struct resp_parser *p);

/* --- arguments read apart ------------------------------------------------------------------------------------
 *
 * A large argument need not come through the reader's buffer: once its length is known, the bytes go straight into a
 * blob, which a handler may hold on to instead of copying it. In the stream of bytes that is parsed it is left out,
 * with the two bytes behind it:
 *
 *   sent    *3 $3 SET $3 key $100000 <100000 bytes> *2 $3 GET $3 key
 *   in      *3 $3 SET $3 key $100000                *2 $3 GET $3 key
 *                                   ^ place: a blob, of which so many bytes have come
 *
 * Places count from the first byte that no request has taken. What is apart stays, however often the bytes around it
 * are parsed anew, until the reader says that they were taken. */
/* An argument of this size or more may be read apart. */
#define RESP_APART_BYTES_MIN ((size_t)32 * 1024)
/* Arguments apart at once; with as many, the next one is read like a small one. */
#define RESP_APART_MAX 64

/* After RESP_MORE: the length of the unfinished argument at the end of `in`, which had `bytes` bytes, *have of them the
 * argument's. 0: `in` does not end in an argument, the argument is apart already, or the last call saw another number
 * of bytes. */
size_t resp_parser_open_bulk(const struct resp_parser *p, size_t bytes, size_t *have);
/* That argument is apart from here on. `place`: where it begins, which is the new end of the stream. `have`: the bytes
 * of it that were there, which are copied. False: no memory, or RESP_APART_MAX arguments are apart. */
bool resp_parser_set_apart(struct resp_parser *p, size_t place, struct slice have);
/* Where the next bytes of the incomplete argument go, and the room for them; NULL: no argument is incomplete. */
char *resp_parser_apart_room(const struct resp_parser *p, size_t *room);
void resp_parser_apart_came(struct resp_parser *p, size_t bytes);
/* Requests that have run took the stream's first `bytes`: drops the arguments that are apart there. */
void resp_parser_taken(struct resp_parser *p, size_t bytes);
/* The blob whose bytes begin there; NULL: none. A handler that keeps it for longer than its request runs holds it. */
struct blob *resp_parser_blob(const struct resp_parser *p, const char *bytes);
size_t resp_parser_apart_bytes(const struct resp_parser *p); /* that came */
