#pragma once
/* Feeds bytes to the parser in given pieces, as a connection would, and writes down what it says:
 *
 *   @0 "SET" "key" "value"
 *   @33 inline "PING"
 *   error Protocol error: ...
 *
 * The bytes of each call are in a heap block of exactly their size, at another address each time,
 * so that a sanitizer sees a byte read too far, or in a block of an earlier call. What must hold
 * after every call is asserted. Also used by the fuzz target, so without cmocka. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "resp/parser.h"

#define FEED_BATCH_MAX 64 /* requests of one piece before the arguments are cleared */

struct feed {
    struct resp_limits limits;
    struct resp_parser parser;
    struct resp_args args;
    struct buf said;
    bool failed; /* an error was said */
    bool plain;  /* requests in plain form are taken by resp_parse_plain */
};

static inline void feed_init(struct feed *f, bool authenticated)
{
    *f = (struct feed){.limits = {.bulk_bytes_max = 1 << 20, .authenticated = authenticated}};
    resp_parser_init(&f->parser);
    resp_args_init(&f->args);
    buf_init(&f->said);
}

/* From now on as a connection does: what is plain by resp_parse_plain, which needs room for arguments. */
static inline void feed_plain(struct feed *f)
{
    struct resp_request r;
    f->plain = f->limits.authenticated;
    resp_parse(&f->parser, SLICE("*1\r\n$1\r\nx\r\n"), &f->limits, &f->args, &r);
    resp_args_clear(&f->args);
}

static inline void feed_deinit(struct feed *f)
{
    resp_parser_deinit(&f->parser);
    resp_args_deinit(&f->args);
    buf_deinit(&f->said);
}

static inline enum resp_status feed_parse(struct feed *f, struct slice in, struct resp_request *r)
{
    size_t count = f->args.count;
    enum resp_status status = resp_parse(&f->parser, in, &f->limits, &f->args, r);
    assert(f->args.count <= f->args.cap);
    assert((f->parser.partial == NULL) == (resp_parser_memory(&f->parser) == 0));
    if (status == RESP_REQUEST) {
        assert(r->argc >= 0 && r->argc <= RESP_ARGS_MAX);
        assert(r->first == count && f->args.count == count + (size_t)r->argc);
        assert(r->bytes > 0 && r->bytes <= in.len);
        assert(r->inlined == (in.ptr[0] != '*'));
    } else {
        assert(f->args.count == count);
    }
    assert((f->parser.partial != NULL) == (status == RESP_MORE && in.len > 0));
    assert(resp_parser_wants(&f->parser) >= 1);
    return status;
}

/* Requests in plain form at the start of `in`, into batch[0 .. max); returns how many. */
static inline size_t feed_parse_plain(struct feed *f, struct slice in, struct resp_request *batch,
                                      size_t max)
{
    struct resp_extent extents[FEED_BATCH_MAX];
    size_t first = f->args.count, bytes = 0;
    if (!f->plain || f->parser.partial)
        return 0;
    int n = resp_parse_plain(in, f->limits.bulk_bytes_max, &f->args, extents, (int)max);
    assert(n >= 0 && (size_t)n <= max);
    for (int i = 0; i < n; i++) {
        assert(extents[i].argc > 0 && in.ptr[bytes] == '*');
        batch[i] = (struct resp_request){
            .first = first, .argc = extents[i].argc, .bytes = extents[i].bytes};
        first += (size_t)extents[i].argc;
        bytes += extents[i].bytes;
    }
    assert(f->args.count == first && first <= f->args.cap && bytes <= in.len);
    return (size_t)n;
}

/* Only at the end of a batch, when the arguments of all its requests must still be there. */
static inline void feed_write_down(struct feed *f, size_t start, const struct resp_request *batch,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct resp_request *r = &batch[i];
        buf_printf(&f->said, "@%zu%s", start, r->inlined ? " inline" : "");
        for (int j = 0; j < r->argc; j++) {
            buf_append_char(&f->said, ' ');
            buf_append_quoted(&f->said, f->args.at[r->first + (size_t)j]);
        }
        buf_append_char(&f->said, '\n');
        start += r->bytes;
    }
}

/* Parses a batch of what is complete in `block`, which starts at input[start]; returns what is left
 * of it. */
static inline struct slice feed_batch(struct feed *f, struct slice block, size_t start,
                                      enum resp_status *status)
{
    struct resp_request batch[FEED_BATCH_MAX];
    size_t count = 0;
    do {
        size_t plain = feed_parse_plain(f, block, batch + count, FEED_BATCH_MAX - count);
        for (; plain > 0; plain--, count++)
            block = slice_of(block.ptr + batch[count].bytes, block.len - batch[count].bytes);
        *status = RESP_REQUEST;
        if (count == FEED_BATCH_MAX)
            break;
        struct resp_request *r = &batch[count];
        *status = feed_parse(f, block, r);
        if (*status == RESP_REQUEST) {
            block = slice_of(block.ptr + r->bytes, block.len - r->bytes);
            count++;
        }
    } while (*status == RESP_REQUEST && count < FEED_BATCH_MAX);
    feed_write_down(f, start, batch, count);
    if (*status == RESP_ERROR) {
        buf_printf(&f->said, "error %s\n", batch[count].error);
        f->failed = true;
    }
    resp_args_clear(&f->args);
    return block;
}

/* Parses all that is complete in input[start, end); returns where the rest starts. */
static inline size_t feed_piece(struct feed *f, struct slice input, size_t start, size_t end)
{
    char *block = malloc(end - start + (end == start));
    assert(block != NULL);
    memcpy(block, input.ptr + start, end - start);
    struct slice rest = slice_of(block, end - start);
    enum resp_status status;
    do {
        rest = feed_batch(f, rest, end - rest.len, &status);
    } while (status == RESP_REQUEST);
    free(block);
    return end - rest.len;
}

/* The input in pieces that end at ends[0] < ends[1] < ... < input.len; then as a string. */
static inline const char *feed_run(struct feed *f, struct slice input, const size_t *ends,
                                   size_t count)
{
    size_t start = 0;
    for (size_t i = 0; i <= count && !f->failed; i++)
        start = feed_piece(f, input, start, i < count ? ends[i] : input.len);
    return buf_cstr(&f->said);
}
