#include "resp/writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"

#define CRLF_BYTES       2
#define HEADER_BYTES_MAX (1 + 20 + CRLF_BYTES) /* a type, a count, the end of the line */

/* A string of up to this length is written in one piece; a longer one in pieces that fill the
 * queue's chunks, instead of leaving their ends empty. */
#define ONE_PIECE_BYTES_MAX 2048

#define OUTQ_RESERVE_MAX (OUTQ_CHUNK_BYTES / 2)
static_assert(HEADER_BYTES_MAX + ONE_PIECE_BYTES_MAX + CRLF_BYTES <= OUTQ_RESERVE_MAX,
              "a string in one piece is reserved at once");
static_assert(sizeof("-ERR ") + RESP_LINE_BYTES_MAX + CRLF_BYTES <= OUTQ_RESERVE_MAX,
              "a line is reserved at once");

/* ---- pieces --------------------------------------------------------------------------------- */

static inline char *put_crlf(char *p)
{
    memcpy(p, "\r\n", CRLF_BYTES);
    return p + CRLF_BYTES;
}

/* "$12\r\n", "*3\r\n", ... */
static inline char *put_count(char *p, char type, uint64_t n)
{
    *p++ = type;
    if (n < 10) {
        *p++ = (char)('0' + n);
    } else if (n < 100) {
        *p++ = (char)('0' + n / 10);
        *p++ = (char)('0' + n % 10);
    } else {
        p += num_print_u64(p, n);
    }
    return put_crlf(p);
}

static inline void write_count(struct resp_writer *w, char type, uint64_t n)
{
    char *start = outq_reserve(w->out, HEADER_BYTES_MAX);
    outq_commit(w->out, (size_t)(put_count(start, type, n) - start));
}

static inline void write_crlf(struct resp_writer *w)
{
    RESP_LITERAL(w, "\r\n");
}

/* A value that is one line in RESP3: `type`, the text, the end of the line. */
static void write_line(struct resp_writer *w, char type, struct slice text)
{
    outq_append(w->out, &type, 1);
    outq_append(w->out, text.ptr, text.len);
    write_crlf(w);
}

/* ---- status and errors ---------------------------------------------------------------------- */

static bool is_line_break(char c)
{
    return c == '\r' || c == '\n';
}

/* `text` may hold anything and becomes one line; at most RESP_LINE_BYTES_MAX bytes. */
static void write_text(struct resp_writer *w, struct slice prefix, struct slice text)
{
    char *start = outq_reserve(w->out, prefix.len + text.len + CRLF_BYTES);
    memcpy(start, prefix.ptr, prefix.len);
    char *p = start + prefix.len;
    for (size_t i = 0; i < text.len; i++)
        *p++ = is_line_break(text.ptr[i]) ? ' ' : text.ptr[i];
    outq_commit(w->out, (size_t)(put_crlf(p) - start));
}

/* Not by strnlen, whose bound GCC takes for an over-read of short literals. */
static struct slice line_of(const char *cstr)
{
    size_t len = strlen(cstr);
    return slice_of(cstr, len < RESP_LINE_BYTES_MAX ? len : RESP_LINE_BYTES_MAX);
}

void resp_status(struct resp_writer *w, const char *text)
{
    write_text(w, SLICE("+"), line_of(text));
}

/* The first word of "-CODE text"; "ERR" where there is none, or one too long to be a code. A line break ends it like
 * the space that is sent in its place: INFO has one line for each code. */
static struct slice error_code(struct slice text)
{
    size_t look = text.len < RESP_ERROR_CODE_MAX ? text.len : RESP_ERROR_CODE_MAX;
    if (look == 0 || text.ptr[0] != '-')
        return SLICE("ERR");
    for (size_t i = 1; i < look; i++)
        if (text.ptr[i] == ' ' || is_line_break(text.ptr[i]))
            return slice_of(text.ptr + 1, i - 1);
    return SLICE("ERR");
}

void resp_error(struct resp_writer *w, const char *text)
{
    struct slice line = line_of(text);
    while (line.len > 0 && is_line_break(line.ptr[line.len - 1]))
        line.len--;
    bool coded = line.len > 0 && line.ptr[0] == '-';
    write_text(w, coded ? SLICE("") : SLICE("-ERR "), line);

    struct slice code = error_code(line);
    memcpy(w->error_code, code.ptr, code.len);
    w->error_code[code.len] = '\0';
    w->errors++;
}

void resp_errorf(struct resp_writer *w, const char *fmt, ...)
{
    char text[RESP_LINE_BYTES_MAX + 1];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    resp_error(w, text);
}

/* ---- strings -------------------------------------------------------------------------------- */

void resp_bulk(struct resp_writer *w, struct slice s)
{
    if (s.len > ONE_PIECE_BYTES_MAX) {
        write_count(w, '$', s.len);
        outq_append(w->out, s.ptr, s.len);
        write_crlf(w);
        return;
    }
    char *start = outq_reserve(w->out, HEADER_BYTES_MAX + s.len + CRLF_BYTES);
    char *p = put_count(start, '$', s.len);
    /* An empty slice may be NULL. */
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    outq_commit(w->out, (size_t)(put_crlf(p + s.len) - start));
}

void resp_bulk_cstr(struct resp_writer *w, const char *s)
{
    resp_bulk(w, slice_from_cstr(s));
}

void resp_bulk_int(struct resp_writer *w, int64_t v)
{
    char digits[NUM_I64_CHARS];
    resp_bulk(w, slice_of(digits, (size_t)num_print_i64(digits, v)));
}

void resp_bulkf(struct resp_writer *w, const char *fmt, ...)
{
    char small[512], *text = small;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof(small), fmt, ap);
    assert(len >= 0);
    if ((size_t)len >= sizeof(small)) {
        text = mem_alloc((size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    va_end(ap);
    resp_bulk(w, slice_of(text, (size_t)len));
    if (text != small)
        mem_free(text);
}

/* Writes length and line break around a value, into the room that its blob has for them; returns the bytes in front. */
static size_t frame_blob(struct blob *b)
{
    char front[HEADER_BYTES_MAX];
    size_t bytes = (size_t)(put_count(front, '$', b->len) - front);
    assert(bytes <= BLOB_FRONT_BYTES);
    if (!b->framed) {
        memcpy(b->data - bytes, front, bytes);
        put_crlf(b->data + b->len);
        b->framed = true;
    }
    return bytes;
}

void resp_bulk_blob(struct resp_writer *w, struct blob *b)
{
    if (b->len < RESP_REF_BYTES_MIN) {
        resp_bulk(w, slice_of(b->data, b->len));
        return;
    }
    size_t front = frame_blob(b);
    outq_append_blob(w->out, b->data - front, front + b->len + CRLF_BYTES, b);
}

void resp_bulk_begin(struct resp_writer *w, size_t len)
{
    write_count(w, '$', len);
}

void resp_bulk_run(struct resp_writer *w, struct blob *b, struct slice run)
{
    if (!b || run.len < RESP_REF_BYTES_MIN) {
        outq_append(w->out, run.ptr, run.len);
        return;
    }
    assert(run.ptr >= b->data && run.ptr + run.len <= b->data + b->len);
    outq_append_blob(w->out, run.ptr, run.len, b);
}

void resp_bulk_end(struct resp_writer *w)
{
    write_crlf(w);
}

void resp_bulk_part(struct resp_writer *w, struct blob *b, struct slice part)
{
    if (part.len < RESP_REF_BYTES_MIN) {
        resp_bulk(w, part);
        return;
    }
    resp_bulk_begin(w, part.len);
    resp_bulk_run(w, b, part);
    resp_bulk_end(w);
}

void resp_verbatim(struct resp_writer *w, const char format[3], struct slice s)
{
    if (w->proto < 3) {
        resp_bulk(w, s);
        return;
    }
    write_count(w, '=', s.len + sizeof("txt:") - 1);
    outq_append(w->out, format, 3);
    outq_append(w->out, ":", 1);
    outq_append(w->out, s.ptr, s.len);
    write_crlf(w);
}

/* ---- numbers, booleans, nulls --------------------------------------------------------------- */

void resp_int(struct resp_writer *w, int64_t v)
{
    char *start = outq_reserve(w->out, HEADER_BYTES_MAX), *p = start;
    *p++ = ':';
    p += num_print_i64(p, v);
    outq_commit(w->out, (size_t)(put_crlf(p) - start));
}

/* A number that is a bulk string in RESP2. */
static void write_number(struct resp_writer *w, char type, struct slice text)
{
    if (w->proto < 3)
        resp_bulk(w, text);
    else
        write_line(w, type, text);
}

void resp_double(struct resp_writer *w, double v)
{
    char text[32];
    write_number(w, ',', slice_of(text, (size_t)num_print_double(text, v)));
}

void resp_long_double(struct resp_writer *w, long double v)
{
    char text[NUM_DOUBLE_CHARS];
    write_number(w, ',', slice_of(text, (size_t)num_print_long_double(text, v)));
}

void resp_bulk_long_double(struct resp_writer *w, long double v)
{
    char text[NUM_DOUBLE_CHARS];
    resp_bulk(w, slice_of(text, (size_t)num_print_long_double(text, v)));
}

void resp_bignum(struct resp_writer *w, struct slice digits)
{
    write_number(w, '(', digits);
}

void resp_bool(struct resp_writer *w, bool v)
{
    if (w->proto < 3)
        resp_raw(w, v ? ":1\r\n" : ":0\r\n", 4);
    else
        resp_raw(w, v ? "#t\r\n" : "#f\r\n", 4);
}

void resp_null(struct resp_writer *w)
{
    if (w->proto < 3)
        RESP_LITERAL(w, "$-1\r\n");
    else
        RESP_LITERAL(w, "_\r\n");
}

void resp_null_array(struct resp_writer *w)
{
    if (w->proto < 3)
        RESP_LITERAL(w, "*-1\r\n");
    else
        RESP_LITERAL(w, "_\r\n");
}

/* ---- collections ---------------------------------------------------------------------------- */

void resp_array(struct resp_writer *w, size_t n)
{
    write_count(w, '*', n);
}

void resp_map(struct resp_writer *w, size_t pairs)
{
    if (w->proto < 3)
        write_count(w, '*', pairs * 2);
    else
        write_count(w, '%', pairs);
}

void resp_set(struct resp_writer *w, size_t n)
{
    write_count(w, w->proto < 3 ? '*' : '~', n);
}

void resp_push(struct resp_writer *w, size_t n)
{
    write_count(w, w->proto < 3 ? '*' : '>', n);
}

void resp_attribute(struct resp_writer *w, size_t pairs)
{
    assert(w->proto >= 3);
    write_count(w, '|', pairs);
}

void resp_inner_open(struct resp_inner *in, struct resp_writer *outer)
{
    outq_init(&in->queue, outer->out->pool);
    resp_writer_init(&in->w, &in->queue);
    in->w.proto = outer->proto;
    in->outer = outer;
}

/* Moves the elements behind the header, which the caller has just written. */
static void inner_close(struct resp_inner *in)
{
    struct resp_writer *outer = in->outer;
    if (in->w.errors > 0) {
        outer->errors += in->w.errors;
        memcpy(outer->error_code, in->w.error_code, sizeof(outer->error_code));
    }
    outq_move(outer->out, &in->queue);
}

void resp_inner_close_array(struct resp_inner *in, size_t n)
{
    resp_array(in->outer, n);
    inner_close(in);
}

void resp_inner_close_map(struct resp_inner *in, size_t pairs)
{
    resp_map(in->outer, pairs);
    inner_close(in);
}

void resp_inner_close_set(struct resp_inner *in, size_t n)
{
    resp_set(in->outer, n);
    inner_close(in);
}

void resp_inner_drop(struct resp_inner *in)
{
    outq_deinit(&in->queue);
}
