#include "http/base64.h"

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct slice in, char *out, size_t cap, size_t *len)
{
    uint32_t bits = 0;
    int count = 0;
    *len = 0;
    while (in.len > 0 && in.ptr[in.len - 1] == '=')
        in.len--;
    for (size_t i = 0; i < in.len; i++) {
        int d = digit(in.ptr[i]);
        if (d < 0)
            return false;
        bits = bits << 6 | (uint32_t)d;
        count += 6;
        if (count < 8)
            continue;
        if (*len == cap)
            return false;
        count -= 8;
        out[(*len)++] = (char)(bits >> count);
    }
    return count < 6;
}
