#pragma once
/* A byte slice: borrowed bytes, not NUL-terminated by contract. A slice is valid as long as the
 * memory that it borrows; a function that returns one says how long that is. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct slice {
    const char *ptr; /* may be NULL only when len is 0 */
    size_t len;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

static inline struct slice slice_from_cstr(const char *s)
{
    return (struct slice){s, strlen(s)};
}

/* For "%.*s": the length of `s`, at most `max`. */
static inline int slice_shown(struct slice s, int max)
{
    return s.len < (size_t)max ? (int)s.len : max;
}

/* Compares by words, the last of which may overlap the one before: for short keys a call of memcmp costs more. */
static inline bool slice_equal(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    if (a.len >= 8) {
        size_t last = a.len - 8;
        for (size_t at = 0; at < last; at += 8)
            if (bytes_load64(a.ptr + at) != bytes_load64(b.ptr + at))
                return false;
        return bytes_load64(a.ptr + last) == bytes_load64(b.ptr + last);
    }
    if (a.len >= 4)
        return bytes_load32(a.ptr) == bytes_load32(b.ptr) &&
               bytes_load32(a.ptr + a.len - 4) == bytes_load32(b.ptr + b.len - 4);
    return a.len == 0 || (a.ptr[0] == b.ptr[0] && a.ptr[a.len / 2] == b.ptr[a.len / 2] &&
                          a.ptr[a.len - 1] == b.ptr[a.len - 1]);
}

/* Equality of all of `s` and all of `cstr`; ASCII case-insensitive. */
bool slice_is(struct slice s, const char *cstr);

/* Equality of two slices; ASCII case-insensitive. */
bool slice_equal_nocase(struct slice a, struct slice b);

/* Bytewise order, a prefix first: < 0, 0, > 0. */
int slice_compare(struct slice a, struct slice b);
