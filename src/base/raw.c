#include "base/raw.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DIGITS_MAX 20 /* of 2^64 - 1 */

void raw_slice(int fd, struct slice text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.ptr, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        text.ptr += n;
        text.len -= (size_t)n;
    }
}

void raw_text(int fd, const char *text)
{
    raw_slice(fd, slice_from_cstr(text));
}

static void number(int fd, uint64_t v, unsigned base, int digits)
{
    char text[DIGITS_MAX];
    int at = DIGITS_MAX;
    do {
        text[--at] = "0123456789abcdef"[v % base];
        v /= base;
        digits--;
    } while (at > 0 && (v > 0 || digits > 0));
    raw_slice(fd, slice_of(text + at, (size_t)(DIGITS_MAX - at)));
}

void raw_uint(int fd, uint64_t v)
{
    number(fd, v, 10, 1);
}

void raw_int(int fd, int64_t v)
{
    if (v < 0)
        raw_text(fd, "-");
    number(fd, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, 1);
}

void raw_hex(int fd, uint64_t v, int digits)
{
    number(fd, v, 16, digits);
}
