#pragma once
/* Replies of RESP3 as JSON, token by token (resp/reply.h), in the shapes of RESP2 that clients of the Upstash protocol
 * expect: maps are flat arrays, booleans 0 and 1, doubles strings; within a value an error is a string.
 *
 *   ARRAY 2, BULK "a", INT 7, END     ->   {"result":["a",7]}
 *   ERROR "ERR no such key"           ->   {"error":"ERR no such key"} */
#include <stdbool.h>

#include "base/buf.h"
#include "http/json_text.h"
#include "resp/reply.h"

#define REPLY_JSON_STATUS_MAX 128

struct reply_json {
    bool base64; /* strings are in base64, but for OK and the text of an error reply */
    /* maps are objects, booleans and doubles are themselves: for routes that are not Upstash's */
    bool natural;
    bool bare;        /* no {"result": } around a reply; an error reply still has its {"error": } */
    bool failed;      /* the reply is an error */
    bool comma;       /* something stands in front of the next element */
    unsigned skipped; /* 1 + depth of an attribute that is left out; 0: none */
    unsigned depth;
    uint8_t kinds[REPLY_DEPTH_MAX]; /* of the collections that are open */
    struct json_text text;
    size_t status_len;
    /* a status that stands alone, as far as it has come; a longer one is cut off */
    char status[REPLY_JSON_STATUS_MAX];
};

/* `natural` and `bare` are false: set them afterwards. */
void reply_json_init(struct reply_json *j, bool base64);
/* Appends the token as JSON. True: the reply ended with it. */
bool reply_json_token(struct reply_json *j, const struct reply_token *t, struct buf *out);

/* For a collection whose elements are written as replies of their own. reply_token_begins: the token is the first one
 * of a value at that depth. reply_token_element: the token with one collection less around it. */
bool reply_token_begins(const struct reply_token *t, unsigned depth);
struct reply_token reply_token_element(const struct reply_token *t);
