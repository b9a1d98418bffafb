#pragma once
/* Unaligned words, for code that reads bytes eight at a time. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first byte is a word's lowest");

static inline uint32_t bytes_load32(const void *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

static inline uint64_t bytes_load64(const void *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* memcpy for bytes that are mostly few: overlapping pieces instead of a call. */
static inline void bytes_copy(char *to, const char *from, size_t len)
{
    if (len > 32) {
        memcpy(to, from, len);
    } else if (len >= 16) {
        memcpy(to, from, 16);
        memcpy(to + len - 16, from + len - 16, 16);
    } else if (len >= 8) {
        memcpy(to, from, 8);
        memcpy(to + len - 8, from + len - 8, 8);
    } else if (len >= 4) {
        memcpy(to, from, 4);
        memcpy(to + len - 4, from + len - 4, 4);
    } else if (len > 0) {
        to[0] = from[0];
        to[len / 2] = from[len / 2];
        to[len - 1] = from[len - 1];
    }
}

/* A word of the `len` < 8 bytes at p, with zeros above. Reads no other byte: overlapping loads
 * instead of one a byte. */
static inline uint64_t bytes_load_short(const void *p, size_t len)
{
    const unsigned char *b = p;
    if (len >= 4)
        return bytes_load32(b) | (uint64_t)bytes_load32(b + len - 4) << (8 * (len - 4));
    if (len == 0)
        return 0;
    return b[0] | (uint64_t)b[len / 2] << (8 * (len / 2)) | (uint64_t)b[len - 1] << (8 * (len - 1));
}

/* The value of a hexadecimal digit, in either case; -1: `c` is none. */
static inline int bytes_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
