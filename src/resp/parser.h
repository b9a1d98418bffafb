#pragma once
/* Requests of the Redis protocol (RESP2 arrays of bulk strings, and inline commands) as slices of
 * the bytes they arrived in. Knows no socket: whoever reads calls it with what there is.
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

#include "base/err.h"
#include "base/slice.h"
#include "base/words.h"

#define RESP_ARGS_MAX         INT32_MAX /* arguments of a request; the query buffer's limit comes first */
#define RESP_INLINE_BYTES_MAX (64 * 1024) /* a line without its end: inline request, or a count */

/* Of a client that has yet to authenticate: */
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
struct resp_parser {
    struct resp_partial *partial; /* owned; NULL between requests */
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

/* What most requests are: arrays in the shortest form, wholly there, with room in `args` for their arguments. Takes as
 * many of them as stand at the start of `in`, up to `max`, appends their arguments to `args`, and returns how many.
 * What stands behind them is for resp_parse, as is everything of a client that is in an unfinished request, or has yet
 * to authenticate. */
struct resp_extent {
    size_t bytes; /* that the request took */
    int argc;
};
int resp_parse_plain(struct slice in, int64_t bulk_bytes_max, struct resp_args *args,
                     struct resp_extent *out, int max);

void resp_parser_init(struct resp_parser *p);
void resp_parser_deinit(struct resp_parser *p);
/* Looks for one request at the start of `in`. `in` starts with the first byte that no complete
 * request took, and on a call after RESP_MORE holds the same bytes again (perhaps elsewhere in
 * memory) and more. Work is linear in the bytes whatever the pieces they come in.
 * RESP_REQUEST: the arguments are appended to `args`, as slices of `in`; those of inline requests
 * as slices of memory that `args` owns until it is cleared. Otherwise `args` is as it was. */
enum resp_status resp_parse(struct resp_parser *p, struct slice in,
                            const struct resp_limits *limits, struct resp_args *args,
                            struct resp_request *out);
/* After RESP_MORE: the least number of further bytes that could complete the argument at the end
 * (1 when unknown), so that a reader can make room for a large argument at once. */
size_t resp_parser_wants(const struct resp_parser *p);
size_t resp_parser_memory(const struct resp_parser *p);
