#pragma once
/* Requests of the Redis protocol (RESP2 arrays of bulk strings, and inline commands) as slices of the bytes
 * they arrived in. Knows no socket: whoever reads calls it with what there is.
 *
 * Source: the Redis serialization protocol specification. */
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/words.h"

#define RESP_ARGS_MAX (1024 * 1024)         /* arguments of a request */
#define RESP_INLINE_BYTES_MAX (64 * 1024)   /* a line: inline request, or a count */
#define RESP_UNAUTH_ARGS_MAX 10             /* of a client that has yet to authenticate */
#define RESP_UNAUTH_BULK_BYTES_MAX 16384

/* Arguments of the requests of one batch, one behind the other; grows, is reused, never shrinks below a
 * named size. Requests say which are theirs by index, as the array moves when it grows. */
struct resp_args {
    struct slice *at; /* owned */
    size_t count, cap;
};
void resp_args_init(struct resp_args *a);
void resp_args_deinit(struct resp_args *a);
void resp_args_clear(struct resp_args *a); /* gives memory back that one huge request took */

struct resp_limits {
    int64_t bulk_bytes_max; /* proto-max-bulk-len */
    bool authenticated;     /* false: the RESP_UNAUTH_ limits hold */
};

/* State between calls of one connection: where in an unfinished request it is. Small; what a request of many
 * arguments needs beside it is allocated while it is unfinished. */
struct resp_partial;
struct resp_parser {
    struct resp_partial *partial; /* owned; NULL between requests */
};

enum resp_status {
    RESP_MORE,    /* not complete: keep the bytes, call again with more behind them */
    RESP_REQUEST, /* a request; argc may be 0 (an empty line or "*0"): nothing to run */
    RESP_ERROR,   /* the peer broke the protocol; *error says how, as Redis words it */
};

struct resp_request {
    size_t first;       /* its first argument in resp_args */
    int argc;
    size_t bytes;       /* that it took, from the start of `in` */
    bool inlined;       /* came as a line; its arguments may not be slices of `in` but of `words` */
    const char *error;  /* RESP_ERROR: "Protocol error: ..." without "-ERR "; lives until the next call */
    char error_text[96];
};

void resp_parser_init(struct resp_parser *p);
void resp_parser_deinit(struct resp_parser *p);
/* Looks for one request at the start of `in`. `in` starts with the first byte that no complete request took,
 * and on a call after RESP_MORE holds the same bytes again (perhaps elsewhere in memory) and more.
 * Work is linear in the bytes whatever the pieces they come in. The arguments are appended to `args`, as
 * slices of `in`; those of inline requests as slices of memory that `args` owns until it is cleared. */
enum resp_status resp_parse(struct resp_parser *p, struct slice in, const struct resp_limits *limits,
                            struct resp_args *args, struct resp_request *out);
/* After RESP_MORE: the least number of further bytes that could complete the request (1 when unknown), so that
 * a reader can make room for a large argument at once. */
size_t resp_parser_wants(const struct resp_parser *p);
size_t resp_parser_memory(const struct resp_parser *p);
