#include "resp/reply.h"

#include <math.h>

enum state {
    STATE_VALUE,      /* the first byte of a value comes next */
    STATE_LINE,       /* a number or a length, up to its line break */
    STATE_TEXT,       /* a string that ends with its line */
    STATE_TEXT_END,   /* '\r' was there, '\n' comes next */
    STATE_FORMAT,     /* "txt:" of a verbatim string */
    STATE_BYTES,      /* `left` bytes of a string */
    STATE_BYTES_END,  /* '\r' comes next */
    STATE_BYTES_END2, /* '\n' comes next */
};

void reply_parser_init(struct reply_parser *p)
{
    p->error = NULL;
    p->at = p->value_at = 0;
    p->state = STATE_VALUE;
    p->line_bytes = 0;
    p->depth = 0;
    p->within = false;
}

bool reply_is_between(const struct reply_parser *p)
{
    return !p->error && !p->within;
}

static const char no_crlf[] = "a line that does not end in CR LF";
static const char no_string_end[] = "a string that does not end in CR LF";
static const char no_integer[] = "no integer where one was expected";

static enum reply_status bad(struct reply_parser *p, const char *why)
{
    p->error = why;
    p->at = p->value_at;
    return REPLY_BAD;
}

static void take(struct reply_parser *p, struct slice *in, size_t bytes)
{
    in->ptr += bytes;
    in->len -= bytes;
    p->at += bytes;
}

/* --- collections -------------------------------------------------------------------------------------------- */

static bool is_counted_in_pairs(char type)
{
    return type == REPLY_MAP || type == REPLY_ATTRIBUTE;
}

static void close_collection(struct reply_parser *p, struct reply_token *out)
{
    p->depth--;
    out->type = REPLY_END;
    out->wire = p->opened[p->depth];
    out->depth = p->depth;
    out->last = p->depth == 0 && out->wire != REPLY_ATTRIBUTE;
    p->within = !out->last;
}

static enum reply_status open_collection(struct reply_parser *p, uint64_t count,
                                         struct reply_token *out)
{
    bool pairs = is_counted_in_pairs(p->type);
    if (p->depth == REPLY_DEPTH_MAX)
        return bad(p, "collections nested too deep");
    if (count > (uint64_t)INT64_MAX / 2)
        return bad(p, "a collection of too many elements");
    out->type = (enum reply_type)p->type;
    out->count = count;
    out->last = false;
    p->opened[p->depth] = p->type;
    p->elements[p->depth++] = pairs ? 2 * count : count;
    p->state = STATE_VALUE;
    return REPLY_TOKEN;
}

/* --- what a value begins with ------------------------------------------------------------------------------- */

static enum reply_status begin_value(struct reply_parser *p, struct slice *in)
{
    p->type = in->ptr[0];
    p->first = p->within = true;
    p->bytes = p->left = 0;
    p->value_at = p->at;
    switch (p->type) {
    case '+':
    case '-':
    case '(': p->state = STATE_TEXT; break;
    case ':':
    case ',':
    case '#':
    case '_':
    case '$':
    case '!':
    case '=':
    case '*':
    case '%':
    case '~':
    case '|': p->state = STATE_LINE; break;
    case '>':
        if (p->depth > 0)
            return bad(p, "a push within a reply");
        p->state = STATE_LINE;
        break;
    default: return bad(p, "a byte that no reply begins with");
    }
    if (p->depth > 0 && p->type != REPLY_ATTRIBUTE)
        p->elements[p->depth - 1]--;
    take(p, in, 1);
    return REPLY_TOKEN;
}

/* --- lines -------------------------------------------------------------------------------------------------- */

/* Takes a line, without its line break. Pieces are put together in p->line. REPLY_MORE: the line is not whole. */
static enum reply_status take_line(struct reply_parser *p, struct slice *in, struct slice *line)
{
    size_t room = REPLY_LINE_BYTES_MAX - p->line_bytes, most = in->len < room ? in->len : room;
    const char *newline = most ? memchr(in->ptr, '\n', most) : NULL;
    size_t bytes = newline ? (size_t)(newline - in->ptr) + 1 : most;
    if (!newline && bytes == room)
        return bad(p, "a number or length of too many bytes");
    *line = slice_of(in->ptr, bytes);
    if (!newline || p->line_bytes > 0) {
        memcpy(p->line + p->line_bytes, in->ptr, bytes);
        p->line_bytes += bytes;
        *line = slice_of(p->line, p->line_bytes);
    }
    if (newline && (line->len < 2 || line->ptr[line->len - 2] != '\r'))
        return bad(p, no_crlf);
    take(p, in, bytes);
    if (!newline)
        return REPLY_MORE;
    p->line_bytes = 0;
    line->len -= 2;
    return REPLY_TOKEN;
}

static bool parse_int(struct slice line, int64_t *out)
{
    if (line.len > 1 && line.ptr[0] == '+' && line.ptr[1] != '-')
        line = slice_of(line.ptr + 1, line.len - 1);
    return num_parse_i64(line, out);
}

/* A number beyond the range of a double becomes infinite. */
static bool parse_double(struct slice line, double *out)
{
    long double wide;
    if (num_parse_double(line, out))
        return true;
    bool fine = num_parse_long_double(line, &wide);
    *out = fine ? (double)wide : (double)NAN;
    return fine || slice_is(line, "nan") || slice_is(line, "-nan");
}

/* A length; -1 of a bulk string or an array is RESP2's null. */
static enum reply_status take_length(struct reply_parser *p, struct slice line,
                                     struct reply_token *out)
{
    uint64_t n;
    bool is_string = p->type == '$' || p->type == '=' || p->type == '!';
    if ((p->type == '$' || p->type == '*') && slice_equal(line, SLICE("-1"))) {
        out->type = REPLY_NULL;
        p->state = STATE_VALUE;
        return REPLY_TOKEN;
    }
    if (slice_equal(line, SLICE("?")))
        return bad(p, "a length that is to be told later");
    if (!num_parse_u64(line, &n))
        return bad(p, "no length where one was expected");
    if (!is_string)
        return open_collection(p, n, out);
    if (n > (uint64_t)INT64_MAX)
        return bad(p, "a string of too many bytes");
    if (p->type == '=' && n < 4)
        return bad(p, "a verbatim string without its format");
    p->bytes = p->left = p->type == '=' ? n - 4 : n;
    p->state = p->type == '=' ? STATE_FORMAT : STATE_BYTES;
    return REPLY_MORE; /* no token yet */
}

/* The line is whole. REPLY_MORE: a string's length, and the string comes now. */
static enum reply_status end_line(struct reply_parser *p, struct slice line,
                                  struct reply_token *out)
{
    out->type = (enum reply_type)p->type;
    out->last = p->depth == 0;
    switch (p->type) {
    case ':':
        if (!parse_int(line, &out->integer))
            return bad(p, no_integer);
        break;
    case ',':
        out->text = line;
        if (!parse_double(line, &out->number))
            return bad(p, "no number where one was expected");
        break;
    case '#':
        out->integer = slice_equal(line, SLICE("t"));
        if (!out->integer && !slice_equal(line, SLICE("f")))
            return bad(p, "a boolean that is neither t nor f");
        break;
    case '_':
        if (line.len > 0)
            return bad(p, "a null with a value");
        break;
    default: return take_length(p, line, out);
    }
    p->state = STATE_VALUE;
    return REPLY_TOKEN;
}

/* --- strings ------------------------------------------------------------------------------------------------ */

/* Gives out a part of the string at hand; `more`: another part follows. */
static enum reply_status tell_part(struct reply_parser *p, struct slice part, bool more,
                                   struct reply_token *out)
{
    out->type = (enum reply_type)(p->type == '!' ? '-' : p->type);
    out->text = part;
    out->first = p->first;
    out->more = more;
    out->last = !more && p->depth == 0;
    memcpy(out->format, p->format, sizeof(out->format));
    out->bytes = p->type == '$' || p->type == '=' || p->type == '!' ? p->bytes : 0;
    p->first = false;
    if (!more)
        p->state = STATE_VALUE;
    return REPLY_TOKEN;
}

/* Checks a part of a big number: a sign may be its first byte, and by its end there has to be a digit. */
static bool take_digits(struct reply_parser *p, struct slice part, bool ends)
{
    size_t sign = p->first && part.len > 0 && (part.ptr[0] == '-' || part.ptr[0] == '+');
    for (size_t i = sign; i < part.len; i++)
        if (part.ptr[i] < '0' || part.ptr[i] > '9')
            return false;
    p->left += part.len - sign;
    return !ends || p->left > 0;
}

/* Takes as much of a line of text as there is. */
static enum reply_status take_text(struct reply_parser *p, struct slice *in,
                                   struct reply_token *out)
{
    const char *cr = memchr(in->ptr, '\r', in->len);
    struct slice part = slice_of(in->ptr, cr ? (size_t)(cr - in->ptr) : in->len);
    bool ends = cr && part.len + 1 < in->len;
    if (p->type == '(' && !take_digits(p, part, cr != NULL))
        return bad(p, no_integer);
    if (part.len > 0 && memchr(part.ptr, '\n', part.len))
        return bad(p, "a line feed within a line");
    if (ends && cr[1] != '\n')
        return bad(p, no_crlf);
    take(p, in, part.len + (cr != NULL) + ends);
    if (cr && !ends)
        p->state = STATE_TEXT_END;
    return tell_part(p, part, !ends, out);
}

static enum reply_status take_format(struct reply_parser *p, struct slice *in)
{
    while (p->line_bytes < 4 && in->len > 0) {
        p->line[p->line_bytes++] = in->ptr[0];
        take(p, in, 1);
    }
    if (p->line_bytes < 4)
        return REPLY_MORE;
    if (p->line[3] != ':')
        return bad(p, "a verbatim string without its format");
    memcpy(p->format, p->line, 3);
    p->format[3] = '\0';
    p->line_bytes = 0;
    p->state = STATE_BYTES;
    return REPLY_TOKEN;
}

/* Takes as much as there is of a string whose length is known, with its line break if that is there, too. */
static enum reply_status take_bytes(struct reply_parser *p, struct slice *in,
                                    struct reply_token *out)
{
    struct slice part = slice_of(in->ptr, p->left < in->len ? (size_t)p->left : in->len);
    bool ends = part.len == p->left && in->len - part.len >= 2;
    if (ends && (in->ptr[part.len] != '\r' || in->ptr[part.len + 1] != '\n'))
        return bad(p, no_string_end);
    p->left -= part.len;
    if (p->left == 0)
        p->state = STATE_BYTES_END;
    take(p, in, part.len + (ends ? 2 : 0));
    return tell_part(p, part, !ends, out);
}

/* Takes a line break that did not come with the end of its string. REPLY_MORE: the LF has yet to come. */
static enum reply_status take_end(struct reply_parser *p, struct slice *in, struct reply_token *out)
{
    bool cr = p->state == STATE_BYTES_END;
    if (in->ptr[0] != (cr ? '\r' : '\n'))
        return bad(p, p->state == STATE_TEXT_END ? no_crlf : no_string_end);
    take(p, in, 1);
    if (!cr)
        return tell_part(p, slice_of(NULL, 0), false, out);
    p->state = STATE_BYTES_END2;
    return REPLY_MORE;
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

/* One step within a value. REPLY_MORE: it gives no token yet. */
static enum reply_status step(struct reply_parser *p, struct slice *in, struct reply_token *out)
{
    struct slice line;
    enum reply_status status;
    switch ((enum state)p->state) {
    case STATE_VALUE: status = begin_value(p, in); return status == REPLY_BAD ? status : REPLY_MORE;
    case STATE_LINE:
        status = take_line(p, in, &line);
        return status == REPLY_TOKEN ? end_line(p, line, out) : status;
    case STATE_FORMAT:
        status = take_format(p, in);
        return status == REPLY_BAD ? status : REPLY_MORE;
    case STATE_TEXT: return take_text(p, in, out);
    case STATE_BYTES: return take_bytes(p, in, out);
    case STATE_TEXT_END:
    case STATE_BYTES_END:
    case STATE_BYTES_END2: break;
    }
    return take_end(p, in, out);
}

enum reply_status reply_next(struct reply_parser *p, struct slice *in, struct reply_token *out)
{
    enum reply_status status = REPLY_MORE;
    *out = (struct reply_token){0};
    if (p->error)
        return REPLY_BAD;
    if (p->state == STATE_VALUE && p->depth > 0 && p->elements[p->depth - 1] == 0) {
        close_collection(p, out);
        return REPLY_TOKEN;
    }
    unsigned depth = p->depth;
    while (status == REPLY_MORE && in->len > 0)
        status = step(p, in, out);
    if (status == REPLY_TOKEN) {
        out->wire = p->type;
        out->depth = depth;
        p->within = !out->last;
    }
    return status;
}
