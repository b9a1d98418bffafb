#include "http/resp2_text.h"

static void line(struct buf *out, char type, int64_t v)
{
    buf_append_char(out, type);
    buf_append_i64(out, v);
    buf_append_cstr(out, "\r\n");
}

static void bulk(struct buf *out, struct slice s)
{
    line(out, '$', (int64_t)s.len);
    buf_append_slice(out, s);
    buf_append_cstr(out, "\r\n");
}

/* A bulk or verbatim string has its length in front; a status or error ends with its line. A bignum becomes a bulk
 * string where it came whole, else a status. */
static void string(const struct reply_token *t, struct buf *out)
{
    bool sized = t->type == REPLY_BULK || t->type == REPLY_VERBATIM;
    if (t->type == REPLY_BIGNUM && t->first && !t->more) {
        bulk(out, t->text);
        return;
    }
    if (t->first && sized)
        line(out, '$', (int64_t)t->bytes);
    else if (t->first)
        buf_append_char(out, t->type == REPLY_ERROR ? '-' : '+');
    for (size_t i = 0; i < t->text.len; i++) /* an error of the form "!" may hold line breaks */
        buf_append_char(out, !sized && (t->text.ptr[i] == '\r' || t->text.ptr[i] == '\n')
                                 ? ' '
                                 : t->text.ptr[i]);
    if (!t->more)
        buf_append_cstr(out, "\r\n");
}

bool resp2_text_token(unsigned *skipped, const struct reply_token *t, struct buf *out)
{
    if (t->type == REPLY_ATTRIBUTE && !*skipped) {
        *skipped = t->depth + 1;
        return false;
    }
    if (*skipped) {
        if (t->type == REPLY_END && t->depth + 1 == *skipped)
            *skipped = 0;
        return false;
    }
    switch (t->type) {
    case REPLY_ARRAY:
    case REPLY_SET:
    case REPLY_PUSH: line(out, '*', (int64_t)t->count); break;
    case REPLY_MAP: line(out, '*', (int64_t)t->count * 2); break;
    case REPLY_INT:
    case REPLY_BOOL: line(out, ':', t->integer); break;
    case REPLY_DOUBLE: bulk(out, t->text); break;
    case REPLY_NULL: buf_append_cstr(out, "$-1\r\n"); break;
    case REPLY_END:
    case REPLY_ATTRIBUTE: break;
    default: string(t, out); break;
    }
    return t->last;
}
