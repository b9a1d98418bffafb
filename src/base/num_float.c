#include "base/num.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The decimal point does not depend on the locale: nothing in the program calls setlocale. */

/* Integers of at most 15 digits and powers of ten up to 22 are exact as doubles, and one operation
 * on two exact doubles rounds correctly (Clinger 1990). Most numbers in use need no more, so neither
 * reading nor printing them takes the C library. */
#define EXACT_DIGITS_MAX 15
static const double power_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
static_assert(FLT_EVAL_METHOD == 0, "a double is rounded as a double");

/* Reads [-]digits[.digits]. False: the text has another form, which may be a number, too. */
static bool parse_plain_double(struct slice s, double *out)
{
    if (s.len == 0)
        return false;
    const char *p = s.ptr, *end = p + s.len;
    bool negative = *p == '-';
    p += negative;
    int64_t mantissa = 0;
    int digits = 0, decimals = -1; /* -1: no point yet */
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (digit <= 9) {
            if (++digits > EXACT_DIGITS_MAX)
                return false;
            mantissa = mantissa * 10 + digit;
            decimals += decimals >= 0;
        } else if (*p == '.' && decimals < 0 && digits > 0) {
            decimals = 0;
        } else {
            return false;
        }
    }
    if (digits == 0)
        return false;
    double v = (double)mantissa / power_of_ten[decimals > 0 ? decimals : 0];
    *out = negative ? -v : v;
    return true;
}

/* A NUL-terminated copy for strtod. False: the text is empty, too long, or begins with white space,
 * which strtod would accept and Redis does not. */
static bool number_text(struct slice s, char text[static NUM_DOUBLE_CHARS])
{
    if (s.len == 0 || s.len >= NUM_DOUBLE_CHARS)
        return false;
    if (s.ptr[0] == ' ' || (s.ptr[0] >= '\t' && s.ptr[0] <= '\r'))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return true;
}

bool num_parse_double(struct slice s, double *out)
{
    if (parse_plain_double(s, out))
        return true;
    char text[NUM_DOUBLE_CHARS], *end;
    if (!number_text(s, text))
        return false;
    errno = 0;
    double v = strtod(text, &end);
    if (end != text + s.len || isnan(v))
        return false;
    /* ERANGE is also set for denormal numbers, which are no error. */
    if (errno == ERANGE && (isinf(v) || v == 0))
        return false;
    *out = v;
    return true;
}

bool num_parse_long_double(struct slice s, long double *out)
{
    char text[NUM_DOUBLE_CHARS], *end;
    if (!number_text(s, text))
        return false;
    errno = 0;
    long double v = strtold(text, &end);
    if (end != text + s.len || isnan(v) || (errno == ERANGE && (isinf(v) || v == 0)))
        return false;
    *out = v;
    return true;
}

static int print_text(char *out, const char *text)
{
    size_t len = strlen(text);
    memcpy(out, text, len);
    return (int)len;
}

int num_print_long_double(char *out, long double v)
{
    if (isnan(v))
        return print_text(out, "nan");
    if (isinf(v))
        return print_text(out, v > 0 ? "inf" : "-inf");
    int len = snprintf(out, NUM_DOUBLE_CHARS, "%.17Lf", v);
    assert(len > 0);
    if (len >= NUM_DOUBLE_CHARS)
        return 0;
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    return len == 2 && out[0] == '-' && out[1] == '0' ? print_text(out, "0") : len;
}

/* A positive decimal number: digits * 10^exponent, without zeros at the end of digits. */
struct decimal {
    uint64_t digits;
    int exponent;
};

/* Finds a decimal with few enough digits to be exact, up to six of them behind the point, that reads
 * back as v. No other decimal of so few digits does. */
static bool decimal_of_plain_double(double v, struct decimal *d)
{
    enum { DECIMALS_MAX = 6 };
    for (int decimals = 1; decimals <= DECIMALS_MAX; decimals++) {
        double scaled = v * power_of_ten[decimals];
        if (scaled >= power_of_ten[EXACT_DIGITS_MAX])
            return false;
        uint64_t digits = (uint64_t)(scaled + 0.5);
        if ((double)digits / power_of_ten[decimals] == v) {
            *d = (struct decimal){digits, -decimals};
            return true;
        }
    }
    return false;
}

/* The shortest decimal that reads back as v. 17 digits are always enough. A decimal of fewer than 15
 * digits is found with 15 of them and zeros at the end, unless v is denormal. */
static struct decimal decimal_of_double(double v)
{
    struct decimal d;
    if (decimal_of_plain_double(v, &d))
        return d;
    char text[32]; /* "d.ddde+xx" */
    for (int digits = v < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, v);
        if (strtod(text, NULL) == v)
            break;
    }
    const char *e = strchr(text, 'e');
    d = (struct decimal){(uint64_t)(text[0] - '0'), atoi(e + 1)};
    for (const char *p = text + 2; p < e; p++) {
        d.digits = d.digits * 10 + (uint64_t)(*p - '0');
        d.exponent--;
    }
    for (; d.digits % 10 == 0; d.digits /= 10)
        d.exponent++;
    return d;
}

/* Prints a number in the form of Redis 7.2 and later, with their rules of when to use an exponent:
 * "12300000", "0.00123" and "12345.678", but "1.23e+25", "1.23e-10" and "1.23456789012e+4". */
static int print_decimal(char *out, struct decimal d)
{
    enum { ZEROS_MAX = 7, DECIMALS_MAX = 6, POINT_FROM_FIRST_MAX = 3 };
    char digits[NUM_I64_CHARS];
    int count = num_print_u64(digits, d.digits);
    int first = d.exponent + count - 1; /* the power of ten of the first digit */

    if (d.exponent >= 0 && first < count + ZEROS_MAX) {
        memcpy(out, digits, (size_t)count);
        memset(out + count, '0', (size_t)d.exponent);
        return count + d.exponent;
    }
    if (d.exponent < 0 && (d.exponent >= -DECIMALS_MAX || abs(first) <= POINT_FROM_FIRST_MAX)) {
        if (first < 0) {
            int zeros = -first - 1;
            memcpy(out, "0.", 2);
            memset(out + 2, '0', (size_t)zeros);
            memcpy(out + 2 + zeros, digits, (size_t)count);
            return 2 + zeros + count;
        }
        int whole = first + 1;
        memcpy(out, digits, (size_t)whole);
        out[whole] = '.';
        memcpy(out + whole + 1, digits + whole, (size_t)(count - whole));
        return count + 1;
    }
    int len = 0;
    out[len++] = digits[0];
    if (count > 1) {
        out[len++] = '.';
        memcpy(out + len, digits + 1, (size_t)(count - 1));
        len += count - 1;
    }
    out[len++] = 'e';
    out[len++] = first < 0 ? '-' : '+';
    return len + num_print_i64(out + len, abs(first));
}

int num_print_double(char *out, double v)
{
    if (isnan(v))
        return print_text(out, "nan");
    if (isinf(v))
        return print_text(out, v > 0 ? "inf" : "-inf");
    if (v == 0)
        return print_text(out, signbit(v) ? "-0" : "0");
    /* Whole numbers well inside int64 are printed to the last digit. */
    if (fabs(v) < 0x1p62 && (double)(int64_t)v == v)
        return num_print_i64(out, (int64_t)v);
    int sign = v < 0;
    out[0] = '-';
    return sign + print_decimal(out + sign, decimal_of_double(fabs(v)));
}
