#include "ds/intset.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

static inline __attribute__((always_inline)) int64_t load(const char *at, size_t width)
{
    if (width == 8)
        return (int64_t)bytes_load64(at);
    if (width == 4)
        return (int32_t)bytes_load32(at);
    assert(width > 0 && width < 8);
    unsigned above = (unsigned)(64 - 8 * width);
    return (int64_t)(bytes_load_short(at, width) << above) >> above;
}

static inline void store(char *at, size_t width, int64_t v)
{
    memcpy(at, &v, width); /* the lowest bytes: see bytes.h */
}

int64_t intset_at(struct slice s, size_t n)
{
    assert(n < intset_count(s));
    return load(s.ptr + intset_offset(s, n), intset_width(s));
}

/* The number of integers below v: a binary search without branches that could be mispredicted. */
static inline __attribute__((always_inline)) size_t below(const char *first, size_t count,
                                                          size_t width, int64_t v)
{
    const char *base = first;
    while (count > 1) {
        size_t half = count / 2;
        base += load(base + half * width, width) <= v ? half * width : 0;
        count -= half;
    }
    size_t n = (size_t)(base - first) / width;
    return n + (count == 1 && load(base, width) < v);
}

bool intset_find(struct slice s, int64_t v, size_t *n)
{
    size_t width = intset_width(s), count = intset_count(s);
    const char *first = s.ptr + INTSET_HEADER_BYTES;
    if (width == 2)
        *n = below(first, count, 2, v);
    else if (width == 4)
        *n = below(first, count, 4, v);
    else if (width == 8)
        *n = below(first, count, 8, v);
    else
        *n = below(first, count, width, v);
    return *n < count && load(first + *n * width, width) == v;
}

void intset_init(char *run, int64_t v)
{
    size_t width = intset_width_of(v);
    run[0] = (char)width;
    store(run + INTSET_HEADER_BYTES, width, v);
}

void intset_widen(char *run, size_t count, size_t width)
{
    size_t have = (uint8_t)run[0];
    assert(width >= have);
    char *first = run + INTSET_HEADER_BYTES;
    /* Backwards, so that no integer is overwritten before it is read. */
    for (size_t i = count; i-- > 0;)
        store(first + i * width, width, load(first + i * have, have));
    run[0] = (char)width;
}

void intset_put(char *run, size_t n, int64_t v)
{
    size_t width = (uint8_t)run[0];
    assert(intset_width_of(v) <= width);
    store(run + intset_bytes(width, n), width, v);
}

bool intset_valid(struct slice s)
{
    if (s.len < INTSET_HEADER_BYTES)
        return false;
    size_t width = intset_width(s);
    if (width < 1 || width > 8 || (s.len - INTSET_HEADER_BYTES) % width != 0)
        return false;
    for (size_t i = 1; i < intset_count(s); i++)
        if (intset_at(s, i - 1) >= intset_at(s, i))
            return false;
    return true;
}
