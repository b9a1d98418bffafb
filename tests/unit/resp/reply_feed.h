#pragma once
/* Feeds bytes to the reply parser in given pieces and writes down what it says, a reply a line:
 *
 *   *2( $"hello" :7 )
 *   bad 12: no integer where one was expected
 *
 * Each piece is in a heap block of exactly its size, so that a sanitizer sees a byte read too far, or in a piece that
 * is gone. What must hold of every token is asserted. Also used by the fuzz target, so without cmocka. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "resp/reply.h"

struct reply_feed {
    struct reply_parser parser;
    struct buf said;
    struct buf string; /* parts of it so far */
    uint64_t fed;
    bool failed, in_string;
};

static inline void reply_feed_init(struct reply_feed *f)
{
    memset(f, 0xaa, sizeof(*f));
    reply_parser_init(&f->parser);
    buf_init(&f->said);
    buf_init(&f->string);
    f->fed = 0;
    f->failed = f->in_string = false;
}

static inline void reply_feed_deinit(struct reply_feed *f)
{
    buf_deinit(&f->said);
    buf_deinit(&f->string);
}

static inline void reply_feed_string(struct reply_feed *f, const struct reply_token *t)
{
    assert(t->first == !f->in_string);
    f->in_string = t->more;
    if (t->first)
        buf_clear(&f->string);
    buf_append_slice(&f->string, t->text);
    if (t->more) {
        assert(!t->last);
        return;
    }
    buf_append_char(&f->said, t->wire);
    if (t->type == REPLY_VERBATIM)
        buf_printf(&f->said, "%s:", t->format);
    if (strchr("$=!", t->wire))
        assert(t->bytes == f->string.len);
    buf_append_quoted(&f->said, buf_slice(&f->string));
}

static inline void reply_feed_token(struct reply_feed *f, const struct reply_token *t)
{
    const struct reply_parser *p = &f->parser;
    assert(t->depth <= REPLY_DEPTH_MAX && p->depth <= REPLY_DEPTH_MAX);
    assert(!t->last || (t->depth == 0 && reply_is_between(p)));
    size_t before = f->said.len;
    switch (t->type) {
    case REPLY_STATUS:
    case REPLY_ERROR:
    case REPLY_BULK:
    case REPLY_VERBATIM:
    case REPLY_BIGNUM: reply_feed_string(f, t); break;
    case REPLY_INT: buf_printf(&f->said, ":%lld", (long long)t->integer); break;
    case REPLY_BOOL: buf_printf(&f->said, "#%lld", (long long)t->integer); break;
    case REPLY_DOUBLE:
        buf_printf(&f->said, ",%g<%.*s>", t->number, (int)t->text.len, t->text.ptr);
        break;
    case REPLY_NULL: buf_printf(&f->said, "%cnull", t->wire); break;
    case REPLY_ARRAY:
    case REPLY_MAP:
    case REPLY_SET:
    case REPLY_PUSH:
    case REPLY_ATTRIBUTE:
        assert(p->depth == t->depth + 1 && !t->last);
        buf_printf(&f->said, "%c%llu(", t->wire, (unsigned long long)t->count);
        break;
    case REPLY_END:
        assert(p->depth == t->depth);
        buf_append_char(&f->said, ')');
        break;
    }
    if (f->said.len > before)
        buf_append_char(&f->said, t->last ? '\n' : ' ');
}

static inline void reply_feed_piece(struct reply_feed *f, struct slice piece)
{
    char *block = malloc(piece.len + (piece.len == 0));
    assert(block != NULL);
    if (piece.len)
        memcpy(block, piece.ptr, piece.len);
    struct slice in = slice_of(block, piece.len);
    struct reply_token t;
    enum reply_status status;
    while ((status = reply_next(&f->parser, &in, &t)) == REPLY_TOKEN)
        reply_feed_token(f, &t);
    f->fed += piece.len;
    if (status == REPLY_BAD) {
        buf_printf(&f->said, "bad %llu: %s", (unsigned long long)f->parser.at, f->parser.error);
        f->failed = true;
        assert(reply_next(&f->parser, &in, &t) == REPLY_BAD && f->parser.at <= f->fed);
    } else {
        assert(in.len == 0 && f->parser.at == f->fed);
    }
    free(block);
}

/* The input in pieces that end at ends[0] < ends[1] < ... < input.len; then as a string. */
static inline const char *reply_feed_run(struct reply_feed *f, struct slice input,
                                         const size_t *ends, size_t count)
{
    size_t start = 0;
    for (size_t i = 0; i <= count && !f->failed; i++) {
        size_t end = i < count ? ends[i] : input.len;
        reply_feed_piece(f, slice_of(input.ptr + start, end - start));
        start = end;
    }
    return buf_cstr(&f->said);
}
