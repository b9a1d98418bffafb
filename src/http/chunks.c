#include "http/chunks.h"

#include "base/bytes.h"

static void begin_line(struct chunks *c, enum chunks_state state)
{
    c->state = state;
    c->line = 0;
    c->returned = c->digits = false;
    c->empty = true;
}

/* The line with a chunk's length has ended. */
static void end_length(struct chunks *c)
{
    if (c->left > 0)
        c->state = CHUNKS_DATA;
    else
        begin_line(c, CHUNKS_TRAILER);
}

/* A byte of a chunk's length, of its extensions or of the line break behind them. */
static bool take_length(struct chunks *c, char byte)
{
    int digit = bytes_hex(byte);
    if (++c->line > CHUNKS_LINE_BYTES_MAX)
        return false;
    if (c->returned) {
        if (byte != '\n')
            return false;
        end_length(c);
        return true;
    }
    if (byte == '\r') {
        c->returned = true;
        return c->digits;
    }
    if (c->state == CHUNKS_EXTENSION)
        return (unsigned char)byte >= ' ' || byte == '\t';
    if (byte == ';' && c->digits) {
        c->state = CHUNKS_EXTENSION;
        return true;
    }
    if (digit < 0 || c->left >> 56)
        return false;
    c->left = c->left << 4 | (uint64_t)digit;
    c->digits = true;
    return true;
}

/* *done: the body has ended. */
static bool take_trailer(struct chunks *c, char byte, bool *done)
{
    if (++c->line > CHUNKS_TRAILER_BYTES_MAX)
        return false;
    if (c->returned) {
        *done = c->empty;
        c->returned = false;
        c->empty = true;
        return byte == '\n';
    }
    if (byte == '\r') {
        c->returned = true;
        return true;
    }
    c->empty = false;
    return byte != '\n';
}

enum chunks_status chunks_next(struct chunks *c, struct slice *in, struct slice *out)
{
    while (in->len > 0) {
        char byte = *in->ptr;
        bool done = false, good = true;
        if (c->state == CHUNKS_DATA) {
            size_t take = c->left < in->len ? (size_t)c->left : in->len;
            *out = slice_of(in->ptr, take);
            *in = slice_of(in->ptr + take, in->len - take);
            c->left -= take;
            if (c->left == 0)
                begin_line(c, CHUNKS_DATA_END);
            return CHUNKS_BYTES;
        }
        *in = slice_of(in->ptr + 1, in->len - 1);
        if (c->state == CHUNKS_DATA_END) {
            good = byte == (c->returned ? '\n' : '\r');
            if (c->returned)
                begin_line(c, CHUNKS_LENGTH);
            else
                c->returned = true;
        } else if (c->state == CHUNKS_TRAILER) {
            good = take_trailer(c, byte, &done);
        } else {
            good = take_length(c, byte);
        }
        if (!good)
            return CHUNKS_BAD;
        if (done)
            return CHUNKS_DONE;
    }
    return CHUNKS_MORE;
}
