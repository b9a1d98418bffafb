#pragma once
/* Numbers as text, by Redis' rules: integers in num.c, floating point in num_float.c. */
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define NUM_I64_CHARS    21   /* longest int64 with sign, plus one */
#define NUM_DOUBLE_CHARS 5120 /* longest fixed-notation long double, as INCRBYFLOAT may print */

/* Strict: the canonical decimal form only (no spaces, no '+', no leading zeros, no "-0"). */
bool num_parse_i64(struct slice s, int64_t *out);
bool num_parse_u64(struct slice s, uint64_t *out);
/* As Redis reads INCRBYFLOAT's: strtold over the whole slice, no leading space, no NaN. */
bool num_parse_long_double(struct slice s, long double *out);
/* As Redis reads scores and timeouts: strtod over the whole slice, "inf" allowed, no leading space, no NaN. */
bool num_parse_double(struct slice s, double *out);

/* Both write the decimal form without a NUL and return its length (<= 20). */
int num_print_i64(char *out, int64_t v);
int num_print_u64(char *out, uint64_t v);
/* "%.17Lf" without trailing zeros, as INCRBYFLOAT stores it; returns the length, 0 when it does not
 * fit. `out` holds NUM_DOUBLE_CHARS. */
int num_print_long_double(char *out, long double v);
/* Shortest text that reads back as the same double, laid out as Redis 7.2 and later do ("0.1", "3",
 * "1e+25", "inf", "-inf", "nan", "-0"); returns the length (<= 32). */
int num_print_double(char *out, double v);

/* "512", "1k" (1000), "1kb" (1024), m, mb, g, gb, any case; as in redis.conf. Negative allowed. */
bool num_parse_memory(struct slice s, int64_t *bytes);
