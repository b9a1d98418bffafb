#include "http/url.h"

#include "base/bytes.h"

bool url_decode(char *bytes, size_t *len, bool plus)
{
    size_t to = 0;
    for (size_t at = 0; at < *len; at++) {
        char c = bytes[at];
        if (c == '%') {
            int high = at + 2 < *len ? bytes_hex(bytes[at + 1]) : -1;
            int low = at + 2 < *len ? bytes_hex(bytes[at + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            at += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        bytes[to++] = c;
    }
    *len = to;
    return true;
}

bool url_query_next(struct slice *rest, struct slice *name, struct slice *value, bool *has_value)
{
    while (rest->len > 0 && *rest->ptr == '&')
        *rest = slice_of(rest->ptr + 1, rest->len - 1);
    if (rest->len == 0)
        return false;
    const char *end = memchr(rest->ptr, '&', rest->len);
    size_t len = end ? (size_t)(end - rest->ptr) : rest->len;
    const char *equals = memchr(rest->ptr, '=', len);
    *has_value = equals != NULL;
    *name = slice_of(rest->ptr, equals ? (size_t)(equals - rest->ptr) : len);
    *value = equals ? slice_of(equals + 1, len - name->len - 1) : slice_of(rest->ptr + len, 0);
    *rest = slice_of(rest->ptr + len, rest->len - len);
    return true;
}
