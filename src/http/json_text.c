#include "http/json_text.h"

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json_text_begin(struct json_text *t, bool base64, struct buf *out)
{
    *t = (struct json_text){.base64 = base64};
    buf_append_char(out, '"');
}

/* --- base64 ------------------------------------------------------------------------------------------------- */

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *put_three(char *to, const unsigned char *p)
{
    to[0] = digits[p[0] >> 2];
    to[1] = digits[(p[0] & 3) << 4 | p[1] >> 4];
    to[2] = digits[(p[1] & 15) << 2 | p[2] >> 6];
    to[3] = digits[p[2] & 63];
    return to + 4;
}

static void add_base64(struct json_text *t, struct slice s, struct buf *out)
{
    while (t->kept_count > 0 && t->kept_count < 3 && s.len > 0) {
        t->kept[t->kept_count++] = *s.ptr;
        s = slice_of(s.ptr + 1, s.len - 1);
    }
    if (buf_reserve(out, s.len / 3 * 4 + 8) != ERR_OK)
        return;
    char *to = out->ptr + out->len;
    if (t->kept_count == 3) {
        to = put_three(to, (const unsigned char *)t->kept);
        t->kept_count = 0;
    }
    for (; s.len >= 3; s = slice_of(s.ptr + 3, s.len - 3))
        to = put_three(to, (const unsigned char *)s.ptr);
    out->len = (size_t)(to - out->ptr);
    for (; s.len > 0; s = slice_of(s.ptr + 1, s.len - 1))
        t->kept[t->kept_count++] = *s.ptr;
}

static void end_base64(struct json_text *t, struct buf *out)
{
    unsigned char last[3] = {0};
    char four[4];
    if (t->kept_count == 0)
        return;
    memcpy(last, t->kept, t->kept_count);
    put_three(four, last);
    four[3] = '=';
    if (t->kept_count == 1)
        four[2] = '=';
    buf_append(out, four, 4);
}

/* --- JSON --------------------------------------------------------------------------------------------------- */

/* Needs no escape: ASCII but for control characters, '"' and '\\'. */
static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

/* Are eight bytes plain? No byte has its highest bit set, is below a space, or is one of the two. */
static bool are_plain(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    uint64_t below = (w - ones * ' ') | (quote - ones) | (slash - ones);
    return !((w | below) & high);
}

static size_t plain_span(struct slice s)
{
    size_t at = 0;
    while (at + 8 <= s.len && are_plain(bytes_load64(s.ptr + at)))
        at += 8;
    while (at < s.len && is_plain((unsigned char)s.ptr[at]))
        at++;
    return at;
}

static void put_escape(char c, struct buf *out)
{
    static const char bytes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(bytes, c) : NULL;
    if (found)
        buf_append(out, (char[]){'\\', letters[found - bytes]}, 2);
    else
        buf_printf(out, "\\u%04x", (unsigned)(unsigned char)c);
}

/* Can more bytes make these a character? */
static bool may_begin(struct slice s)
{
    unsigned char c = (unsigned char)*s.ptr;
    size_t wants = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    char tried[4];
    if (c < 0xc2 || c > 0xf4 || s.len >= wants)
        return false;
    /* One of these fits behind every first byte: 0xe0 needs 0xa0 or more, 0xf0 0x90 or more, the others take 0x80. */
    static const unsigned char seconds[] = {0x80, 0x90, 0xa0};
    for (size_t i = 0; i < sizeof(seconds); i++) {
        memset(tried, 0x80, sizeof(tried));
        tried[1] = (char)seconds[i];
        memcpy(tried, s.ptr, s.len);
        if (utf8_next(slice_of(tried, wants)) == wants)
            return true;
    }
    return false;
}

/* The kept bytes are no character: each becomes U+FFFD. */
static void drop_kept(struct json_text *t, struct buf *out)
{
    for (; t->kept_count > 0; t->kept_count--)
        buf_append_cstr(out, REPLACEMENT);
}

static void add_json(struct json_text *t, struct slice s, struct buf *out)
{
    char joined[8];
    /* byte by byte, until the kept ones are a character, or cannot become one */
    while (t->kept_count > 0 && s.len > 0) {
        size_t n = t->kept_count;
        memcpy(joined, t->kept, n);
        joined[n++] = *s.ptr;
        struct slice tried = slice_of(joined, n);
        size_t whole = utf8_next(tried);
        if (whole == 0 && may_begin(tried)) {
            t->kept[t->kept_count++] = *s.ptr;
        } else if (whole > 0) {
            buf_append(out, joined, n);
            t->kept_count = 0;
        } else {
            drop_kept(t, out);
            continue; /* the byte begins something else */
        }
        s = slice_of(s.ptr + 1, s.len - 1);
    }
    while (s.len > 0) {
        size_t n = plain_span(s);
        buf_append(out, s.ptr, n);
        s = slice_of(s.ptr + n, s.len - n);
        if (s.len == 0)
            return;
        n = 1;
        if ((unsigned char)*s.ptr < 0x80) {
            put_escape(*s.ptr, out);
        } else if ((n = utf8_next(s)) > 0) {
            buf_append(out, s.ptr, n);
        } else if (may_begin(s)) {
            memcpy(t->kept, s.ptr, s.len);
            t->kept_count = (uint8_t)s.len;
            return;
        } else {
            buf_append_cstr(out, REPLACEMENT);
            n = 1;
        }
        s = slice_of(s.ptr + n, s.len - n);
    }
}

void json_text_add(struct json_text *t, struct slice piece, struct buf *out)
{
    if (t->base64)
        add_base64(t, piece, out);
    else
        add_json(t, piece, out);
}

void json_text_end(struct json_text *t, struct buf *out)
{
    if (t->base64)
        end_base64(t, out);
    else
        drop_kept(t, out);
    buf_append_char(out, '"');
}

void json_text_put(struct slice text, bool base64, struct buf *out)
{
    struct json_text t;
    json_text_begin(&t, base64, out);
    json_text_add(&t, text, out);
    json_text_end(&t, out);
}
