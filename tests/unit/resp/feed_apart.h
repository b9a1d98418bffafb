#pragma once
/* Feeds bytes to the parser as a connection does that reads large arguments apart, and writes down the arguments that
 * come out, each request a line. `dice` decides what a connection leaves to chance: which arguments are read apart,
 * whether requests that were found run at once or are held, to be parsed anew, and whether what comes is looked at.
 * Also used by the fuzz target. */
#include "feed.h"

struct apart_feed {
    struct resp_limits limits;
    struct resp_parser parser;
    struct resp_args args;
    struct buf said, stream;
    size_t bulk_bytes_min; /* of an argument that is read apart */
    uint32_t dice;
    bool failed, ends; /* nothing is held any more */
};

static inline void apart_init(struct apart_feed *f, bool authenticated, size_t min, uint32_t dice)
{
    *f = (struct apart_feed){
        .limits = {.bulk_bytes_max = 1 << 20, .authenticated = authenticated},
        .bulk_bytes_min = min,
        .dice = dice,
    };
    resp_parser_init(&f->parser);
    resp_args_init(&f->args);
    buf_init(&f->said);
    buf_init(&f->stream);
}

static inline void apart_deinit(struct apart_feed *f)
{
    resp_parser_deinit(&f->parser);
    resp_args_deinit(&f->args);
    buf_deinit(&f->said);
    buf_deinit(&f->stream);
}

static inline uint32_t apart_dice(struct apart_feed *f, uint32_t sides)
{
    f->dice = f->dice * 1664525 + 1013904223;
    return (f->dice >> 16) % sides;
}

static inline void apart_write_down(struct apart_feed *f, const struct resp_request *r)
{
    for (int i = 0; i < r->argc; i++) {
        struct slice arg = f->args.at[r->first + (size_t)i];
        struct blob *b = resp_parser_blob(&f->parser, arg.ptr);
        assert(!b || b->len == arg.len);
        if (b)
            blob_hold(b); /* as a handler does that keeps it */
        buf_append_quoted(&f->said, arg);
        buf_append_char(&f->said, ' ');
        if (b)
            blob_drop(b);
    }
    buf_append_char(&f->said, '\n');
}

/* Requests that run; what comes behind them stays. */
static inline void apart_parse(struct apart_feed *f)
{
    size_t len = f->stream.len, used = 0;
    char *block = malloc(len + (len == 0));
    assert(block != NULL);
    if (len > 0)
        memcpy(block, f->stream.ptr, len);
    for (;;) {
        struct resp_request r;
        struct slice in = slice_of(block + used, len - used);
        enum resp_status status = resp_parse_at(&f->parser, used, in, &f->limits, &f->args, &r);
        if (status == RESP_ERROR) {
            buf_printf(&f->said, "error %s\n", r.error);
            f->failed = true;
        }
        if (status != RESP_REQUEST)
            break;
        if (!f->ends && apart_dice(f, 8) == 0) { /* held */
            resp_parser_forget(&f->parser);
            resp_args_clear(&f->args);
            break;
        }
        apart_write_down(f, &r);
        resp_args_clear(&f->args);
        used += r.bytes;
    }
    free(block);
    resp_parser_taken(&f->parser, used);
    buf_consume(&f->stream, used);
}

static inline void apart_begin(struct apart_feed *f)
{
    size_t have, len = resp_parser_open_bulk(&f->parser, f->stream.len, &have);
    if (f->failed || len < f->bulk_bytes_min || len == 0 || apart_dice(f, 4) == 0)
        return;
    size_t place = f->stream.len - have;
    if (resp_parser_set_apart(&f->parser, place, slice_of(f->stream.ptr + place, have)))
        f->stream.len = place;
}

static inline void apart_piece(struct apart_feed *f, struct slice bytes)
{
    while (bytes.len > 0) {
        size_t room, n = bytes.len;
        char *apart = resp_parser_apart_room(&f->parser, &room);
        if (apart) {
            n = n < room ? n : room;
            memcpy(apart, bytes.ptr, n);
            resp_parser_apart_came(&f->parser, n);
        } else {
            buf_append(&f->stream, bytes.ptr, n);
        }
        bytes = slice_of(bytes.ptr + n, bytes.len - n);
        /* While a session waits, nothing is parsed that comes. */
        if (apart_dice(f, 4) > 0)
            apart_parse(f);
        if (f->failed)
            return;
        apart_begin(f);
    }
}

/* As feed_run; what was held at the end runs. */
static inline const char *apart_run(struct apart_feed *f, struct slice input, const size_t *ends,
                                    size_t count)
{
    size_t start = 0;
    for (size_t i = 0; i <= count && !f->failed; i++) {
        size_t end = i < count ? ends[i] : input.len;
        apart_piece(f, slice_of(input.ptr + start, end - start));
        start = end;
    }
    f->ends = true;
    if (!f->failed)
        apart_parse(f);
    return buf_cstr(&f->said);
}
