#include "base/slice.h"

/* ASCII only, whatever the locale: names of commands and options are ASCII. */
static unsigned char to_lower(unsigned char c)
{
    return (unsigned char)(c - 'A') < 26 ? c | 0x20 : c;
}

bool slice_is(struct slice s, const char *cstr)
{
    size_t i = 0;
    for (; i < s.len && cstr[i] != '\0'; i++)
        if (to_lower((unsigned char)s.ptr[i]) != to_lower((unsigned char)cstr[i]))
            return false;
    return i == s.len && cstr[i] == '\0';
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (to_lower((unsigned char)a.ptr[i]) != to_lower((unsigned char)b.ptr[i]))
            return false;
    return true;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}
