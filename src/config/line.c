#include "config/line.h"

#include <stdbool.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice config_next_line(struct slice *rest)
{
    const char *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->ptr) + 1 : rest->len;
    struct slice line = {rest->ptr, len};
    *rest = (struct slice){rest->ptr + len, rest->len - len};
    return line;
}

struct slice config_trim(struct slice s)
{
    while (s.len && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

/* Editors on Windows put a byte order mark in front. */
struct slice config_skip_mark(struct slice text)
{
    bool mark = text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0;
    return mark ? slice_of(text.ptr + 3, text.len - 3) : text;
}
