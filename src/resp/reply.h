#pragma once
/* Replies as values: a pull parser for what resp/writer.h writes, in RESP2 and RESP3, and for what any Redis server
 * answers. The parser knows no socket: its caller hands in bytes, in pieces of any size, and pulls tokens out of them.
 *
 *   *2\r\n $5\r\nhello\r\n :7\r\n   ->   ARRAY 2, BULK "hello", INT 7, END
 *
 *   struct slice in = ...;
 *   while ((status = reply_next(&p, &in, &token)) == REPLY_TOKEN) ...
 *   REPLY_MORE: `in` is used up; go on with the bytes behind it.
 *
 * Every collection, the empty one too, is closed by an END, so that nobody has to count. Bytes are neither kept nor
 * copied: a string comes in parts, each a slice of the input at hand, and a value as large as the memory takes no
 * memory here. Input that is whole gives each string in one part.
 *
 * An attribute stands in front of the value that it belongs to, and counts as no element. A push is a value of its own
 * between two replies. Collections of unknown length (`*?`), which no server sends, are refused like anything else that
 * is no reply: by a text that names what is wrong, with its offset.
 *
 * Source: the Redis serialization protocol specification. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/num.h"
#include "base/slice.h"

#define REPLY_DEPTH_MAX      128              /* collections within each other */
#define REPLY_LINE_BYTES_MAX NUM_DOUBLE_CHARS /* of a number or a length, with its line break */

/* The first byte of the value, where it has one of its own. */
enum reply_type {
    REPLY_STATUS = '+',
    REPLY_ERROR = '-', /* `!`, the error that may hold line breaks, is one, too */
    REPLY_INT = ':',
    REPLY_DOUBLE = ',',
    REPLY_BOOL = '#',
    REPLY_NULL = '_', /* and `$-1`, and `*-1` */
    REPLY_BULK = '$',
    REPLY_VERBATIM = '=',
    REPLY_BIGNUM = '(',
    REPLY_ARRAY = '*',
    REPLY_MAP = '%',
    REPLY_SET = '~',
    REPLY_PUSH = '>',
    REPLY_ATTRIBUTE = '|',
    REPLY_END = ']', /* of the collection opened last */
};

struct reply_token {
    enum reply_type type;
    char wire;      /* the byte that the value began with: tells `$-1` from `_`, and `!` from `-` */
    unsigned depth; /* of collections around it; an END has its collection's */
    bool last;      /* the reply ends with it */
    /* STATUS, ERROR, BULK, VERBATIM, BIGNUM: a part of the string, perhaps empty; `first`, and whether there are more
     * to come. DOUBLE: its text. Good as long as the input; a DOUBLE's until the next call. */
    struct slice text;
    bool first, more;
    char format[4];  /* VERBATIM: "txt", "mkd" */
    uint64_t bytes;  /* of the whole string, where a length says so: BULK, VERBATIM, `!` */
    uint64_t count;  /* ARRAY, SET, PUSH: elements; MAP, ATTRIBUTE: pairs */
    int64_t integer; /* INT; BOOL: 0 or 1 */
    double number;   /* DOUBLE */
};

enum reply_status {
    REPLY_TOKEN,
    REPLY_MORE, /* the input is used up */
    REPLY_BAD, /* the bytes are no reply: `error` says why, `at` where; every later call is the same */
};

struct reply_parser {
    const char *error; /* static text */
    uint64_t at; /* bytes taken so far; after REPLY_BAD: where the value begins that is wrong */
    uint64_t value_at; /* where the latest value began */

    uint8_t state;
    char type;          /* of the value at hand: its first byte */
    bool within, first; /* a reply; and at the beginning of a string */
    /* of the string at hand: altogether, and still to come; of a bignum: digits so far */
    uint64_t bytes, left;
    size_t line_bytes; /* of a line that began in an earlier piece */
    unsigned depth;
    char opened[REPLY_DEPTH_MAX];
    uint64_t elements[REPLY_DEPTH_MAX]; /* still to come */
    char format[4];
    char line[REPLY_LINE_BYTES_MAX];
};

/* There is nothing to be freed. */
void reply_parser_init(struct reply_parser *p);
/* The next token; moves the start of `in` behind the bytes that were taken. */
enum reply_status reply_next(struct reply_parser *p, struct slice *in, struct reply_token *out);
/* Between two replies: nothing of one is taken yet. */
bool reply_is_between(const struct reply_parser *p);
