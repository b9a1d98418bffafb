#pragma once
/* Inside store/: scores as a sorted set keeps them, in as few bytes as hold them exactly.
 *
 *   code         followed by                            the score is
 *   00 .. df     nothing                                the integer code
 *   e0 .. e6     1 .. 7 bytes, little-endian, signed    an integer
 *   e7           4 bytes                                a float
 *   e8           8 bytes                                a double
 *
 * A score is always in the shortest form that fits, so it has one encoding. 0 and -0 have two, and are equal in the
 * order. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

#define ZSCORE_BYTES_MAX 9
#define ZSCORE_SMALL_MAX 0xdf
#define ZSCORE_INT       0xe0
#define ZSCORE_FLOAT     0xe7
#define ZSCORE_DOUBLE    0xe8
#define ZSCORE_INT_MAX   9007199254740992.0 /* 2^53: up to here each integer is a double */

static inline size_t zscore_bytes(const char *at)
{
    uint8_t code = (uint8_t)*at;
    if (code <= ZSCORE_SMALL_MAX)
        return 1;
    if (code < ZSCORE_FLOAT)
        return 2 + (size_t)(code - ZSCORE_INT);
    return code == ZSCORE_FLOAT ? 1 + sizeof(float) : 1 + sizeof(double);
}

static inline double zscore_read(const char *at)
{
    uint8_t code = (uint8_t)*at;
    if (code <= ZSCORE_SMALL_MAX)
        return code;
    if (code < ZSCORE_FLOAT) {
        size_t n = code - ZSCORE_INT + 1u;
        unsigned above = (unsigned)(64 - 8 * n);
        return (double)((int64_t)(bytes_load_short(at + 1, n) << above) >> above);
    }
    if (code == ZSCORE_FLOAT) {
        float f;
        memcpy(&f, at + 1, sizeof(f));
        return (double)f;
    }
    double d;
    memcpy(&d, at + 1, sizeof(d));
    return d;
}

/* Writes a score that is not NaN. Returns the end. */
static inline char *zscore_write(double score, char *to)
{
    if (score >= -ZSCORE_INT_MAX && score <= ZSCORE_INT_MAX && (double)(int64_t)score == score &&
        !(score == 0 && signbit(score))) {
        int64_t v = (int64_t)score;
        if (v >= 0 && v <= ZSCORE_SMALL_MAX) {
            *to = (char)v;
            return to + 1;
        }
        uint64_t magnitude = (uint64_t)(v < 0 ? ~v : v);
        unsigned bits = magnitude == 0 ? 1 : 65 - (unsigned)__builtin_clzll(magnitude);
        size_t n = (bits + 7) / 8;
        *to = (char)(ZSCORE_INT + n - 1);
        memcpy(to + 1, &v, n);
        return to + 1 + n;
    }
    float f = (float)score;
    if ((double)f == score) {
        *to = (char)ZSCORE_FLOAT;
        memcpy(to + 1, &f, sizeof(f));
        return to + 1 + sizeof(f);
    }
    *to = (char)ZSCORE_DOUBLE;
    memcpy(to + 1, &score, sizeof(score));
    return to + 1 + sizeof(score);
}

/* A number that rises with the score. */
static inline uint64_t zscore_rank(double score)
{
    uint64_t bits;
    score = score == 0 ? 0 : score; /* -0 has the rank of 0 */
    memcpy(&bits, &score, sizeof(bits));
    return bits >> 63 ? ~bits : bits | 1ULL << 63;
}
/* The score of that number. A number that is the rank of no score may give NaN. */
static inline double zscore_of_rank(uint64_t rank)
{
    uint64_t bits = rank >> 63 ? rank & ~(1ULL << 63) : ~rank;
    double score;
    memcpy(&score, &bits, sizeof(score));
    return score;
}
