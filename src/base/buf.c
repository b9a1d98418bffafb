#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/num.h"

#define BUF_BYTES_MIN 64
#define BUF_BYTES_MAX ((size_t)1 << 40) /* a larger length comes from a mistake in arithmetic */

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_deinit(struct buf *b)
{
    mem_free_large(b->ptr, b->cap);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->err = ERR_OK;
}

/* Doubles, so that appending takes amortised constant time for a byte. */
static enum err buf_grow(struct buf *b, size_t more)
{
    if (more > BUF_BYTES_MAX - b->len)
        return ERR_FULL;
    size_t cap = b->cap * 2;
    if (cap < b->len + more)
        cap = b->len + more;
    if (cap < BUF_BYTES_MIN)
        cap = BUF_BYTES_MIN;
    cap = mem_good_size(cap);
    char *grown = mem_try_realloc(b->ptr, cap);
    if (!grown)
        return ERR_NOMEM;
    b->ptr = grown;
    b->cap = cap;
    return ERR_OK;
}

enum err buf_reserve(struct buf *b, size_t more)
{
    if (b->err == ERR_OK && b->cap - b->len < more)
        b->err = buf_grow(b, more);
    return b->err;
}

void buf_append(struct buf *b, const void *p, size_t len)
{
    if (len == 0 || buf_reserve(b, len) != ERR_OK)
        return;
    memcpy(b->ptr + b->len, p, len);
    b->len += len;
}

void buf_append_slice(struct buf *b, struct slice s)
{
    buf_append(b, s.ptr, s.len);
}

void buf_append_cstr(struct buf *b, const char *s)
{
    buf_append(b, s, strlen(s));
}

void buf_append_char(struct buf *b, char c)
{
    buf_append(b, &c, 1);
}

void buf_append_i64(struct buf *b, int64_t v)
{
    char text[NUM_I64_CHARS];
    buf_append(b, text, (size_t)num_print_i64(text, v));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    if (b->err != ERR_OK)
        return;
    /* The first attempt uses the room that is left; its result tells how much is needed. */
    for (int attempt = 0; attempt < 2; attempt++) {
        size_t room = b->cap - b->len;
        va_list args;
        va_start(args, fmt);
        int len = vsnprintf(room > 0 ? b->ptr + b->len : NULL, room, fmt, args);
        va_end(args);
        assert(len >= 0); /* fails only on a bad format */
        if ((size_t)len < room) {
            b->len += (size_t)len;
            return;
        }
        if (buf_reserve(b, (size_t)len + 1) != ERR_OK)
            return;
    }
    assert(!"vsnprintf asked for more room than it said");
}

static bool is_printable(unsigned char c)
{
    return c >= ' ' && c <= '~';
}

static void append_escaped(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '\n': buf_append_cstr(b, "\\n"); break;
    case '\r': buf_append_cstr(b, "\\r"); break;
    case '\t': buf_append_cstr(b, "\\t"); break;
    case '\a': buf_append_cstr(b, "\\a"); break;
    case '\b': buf_append_cstr(b, "\\b"); break;
    case '\\': buf_append_cstr(b, "\\\\"); break;
    case '"': buf_append_cstr(b, "\\\""); break;
    default:
        assert(!is_printable(c));
        buf_append(b, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
    }
}

void buf_append_quoted(struct buf *b, struct slice s)
{
    buf_append_char(b, '"');
    size_t plain = 0; /* start of the run of bytes that need no escape */
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_printable(c) && c != '"' && c != '\\')
            continue;
        buf_append(b, s.ptr + plain, i - plain);
        append_escaped(b, c);
        plain = i + 1;
    }
    if (s.len > plain)
        buf_append(b, s.ptr + plain, s.len - plain);
    buf_append_char(b, '"');
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->len);
    b->len -= n;
    if (n > 0 && b->len > 0)
        memmove(b->ptr, b->ptr + n, b->len);
}

const char *buf_cstr(struct buf *b)
{
    if (b->cap == b->len && buf_reserve(b, 1) != ERR_OK)
        return "";
    b->ptr[b->len] = '\0';
    return b->ptr;
}
