#pragma once
/* Replies in RESP2 or RESP3, formatted into a connection's output queue. What only RESP3 has is
 * written to a RESP2 peer as Redis does (maps as flat arrays, doubles as bulk strings, nulls as
 * $-1, ...). Nothing here fails: the queue's chunks are small, large values are pointed at, and
 * the connection's owner limits what it may queue.
 *
 *                  RESP2                     RESP3
 *   status         +OK                       +OK
 *   error          -ERR text                 -ERR text
 *   int            :42                       :42
 *   double         $3 1.5                    ,1.5
 *   bool           :1                        #t
 *   null           $-1                       _
 *   null array     *-1                       _
 *   bulk           $3 abc                    $3 abc
 *   verbatim       $3 abc                    =7 txt:abc
 *   bignum         $3 123                    (123
 *   array          *2 ...                    *2 ...
 *   map            *4 ...                    %2 ...
 *   set            *2 ...                    ~2 ...
 *   push           *2 ...                    >2 ...
 *   attribute                                |1 ...
 *
 * Each line above ends in "\r\n", as does the length in front of a string.
 *
 * Source: the Redis serialization protocol specification. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/num.h"
#include "base/outq.h"
#include "base/slice.h"

/* A string of at least this length is pointed at where it can be, not copied. */
#define RESP_REF_BYTES_MIN  4096
#define RESP_LINE_BYTES_MAX 4096 /* text of a status or an error; the rest is cut off */
#define RESP_ERROR_CODE_MAX 32

struct resp_writer {
    struct outq *out;
    uint8_t proto;                        /* 2 or 3 */
    uint64_t errors;                      /* error replies written so far */
    char error_code[RESP_ERROR_CODE_MAX]; /* first word of the latest one */
};

static inline void resp_writer_init(struct resp_writer *w, struct outq *out)
{
    *w = (struct resp_writer){.out = out, .proto = 2};
}

/* Bytes that are a whole reply already; 0 < len <= OUTQ_CHUNK_BYTES / 2. */
static inline void resp_raw(struct resp_writer *w, const char *p, size_t len)
{
    memcpy(outq_reserve(w->out, len), p, len);
    outq_commit(w->out, len);
}
#define RESP_LITERAL(w, text) resp_raw((w), (text), sizeof(text) - 1)
static inline void resp_ok(struct resp_writer *w)
{
    RESP_LITERAL(w, "+OK\r\n");
}

/* Line breaks in the text of a status or an error become spaces; an error's last ones are dropped.
 * An error begins with its code: "ERR " is put in front of a text unless that starts with '-', as
 * in "-WRONGTYPE Operation ...". Errors are counted, and the code of the latest is remembered. */
void resp_status(struct resp_writer *w, const char *text);
void resp_error(struct resp_writer *w, const char *text);
void resp_errorf(struct resp_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void resp_int(struct resp_writer *w, int64_t v);
void resp_double(struct resp_writer *w, double v);
void resp_long_double(struct resp_writer *w, long double v); /* RESP2: bulk */
void resp_bool(struct resp_writer *w, bool v);               /* RESP2: :1 or :0 */
void resp_null(struct resp_writer *w);                       /* RESP2: $-1 */
void resp_null_array(struct resp_writer *w);                 /* RESP2: *-1 */
void resp_bulk(struct resp_writer *w, struct slice s);       /* copied */
void resp_bulk_cstr(struct resp_writer *w, const char *s);
void resp_bulk_int(struct resp_writer *w, int64_t v); /* as a string */
void resp_bulkf(struct resp_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void resp_bulk_blob(struct resp_writer *w, struct blob *b); /* held until sent, when it is large */
/* The same of some bytes of a blob. */
void resp_bulk_part(struct resp_writer *w, struct blob *b, struct slice part);
/* A string in several runs: its length, then each run, of a blob or (NULL) to be copied, then the end. */
void resp_bulk_begin(struct resp_writer *w, size_t len);
void resp_bulk_run(struct resp_writer *w, struct blob *b, struct slice run);
void resp_bulk_end(struct resp_writer *w);
void resp_bulk_long_double(struct resp_writer *w, long double v); /* as INCRBYFLOAT, in RESP3 too */
void resp_verbatim(struct resp_writer *w, const char format[3], struct slice s); /* RESP2: bulk */
void resp_bignum(struct resp_writer *w, struct slice digits);                    /* RESP2: bulk */

/* Headers: what follows is the caller's. */
void resp_array(struct resp_writer *w, size_t n);
void resp_map(struct resp_writer *w, size_t pairs);
void resp_set(struct resp_writer *w, size_t n);
void resp_push(struct resp_writer *w, size_t n);
void resp_attribute(struct resp_writer *w, size_t pairs); /* RESP3 only: the caller checks proto */

/* Behind a header: takes `s`, which writes the elements when they can be sent (base/outq.h), by a writer of its own
 * with the protocol of this moment. */
static inline void resp_source(struct resp_writer *w, struct outq_source *s)
{
    outq_append_source(w->out, s);
}

/* A collection whose length is known only at its end: write its elements to `inner`, which goes to
 * a queue of its own, then close it (or drop it, which leaves `outer` as it was). One can be open
 * within another. Not to be copied while open.
 *     struct resp_inner in; resp_inner_open(&in, w); ... resp_bulk(&in.w, s), n++ ...
 *     resp_inner_close_array(&in, n); */
struct resp_inner {
    struct resp_writer w;
    struct outq queue;
    struct resp_writer *outer; /* borrowed until closed */
};
void resp_inner_open(struct resp_inner *in, struct resp_writer *outer);
void resp_inner_close_array(struct resp_inner *in, size_t n);
void resp_inner_close_map(struct resp_inner *in, size_t pairs);
void resp_inner_close_set(struct resp_inner *in, size_t n);
void resp_inner_drop(struct resp_inner *in);
