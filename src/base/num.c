#include "base/num.h"

#include "base/bytes.h"

#define U64_DIGITS_MAX 20

#define EIGHT_ZEROS 0x3030303030303030u /* "00000000" */

/* The number of the eight decimal digits in `word`, the first of them in its lowest byte: three
 * multiplications instead of eight in a row. False: one of them is not a digit. */
static inline bool parse_eight(uint64_t word, uint64_t *out)
{
    uint64_t digits = word - EIGHT_ZEROS;
    /* The high bit of a byte is set in the difference if the byte is below '0' or above 0xaf, and
     * in the sum if it lies between '9' and 0xba. Borrows and carries come from wrong bytes only, so
     * they do not matter. */
    if (((word + 0x4646464646464646u) | digits) & 0x8080808080808080u)
        return false;
    digits = digits * 10 + (digits >> 8); /* pairs, in every second byte */
    uint64_t odd_pairs = (digits & 0x000000ff000000ffu) * (100 + (1000000ull << 32));
    uint64_t even_pairs = (digits >> 16 & 0x000000ff000000ffu) * (1 + (10000ull << 32));
    *out = (odd_pairs + even_pairs) >> 32;
    return true;
}

bool num_parse_u64(struct slice s, uint64_t *out)
{
    if (s.len == 0 || s.len > U64_DIGITS_MAX || (s.ptr[0] == '0' && s.len > 1))
        return false;
    uint64_t v = 0;
    /* The first digits, which do not fill a word, are put behind zeros. */
    size_t odd = s.len % 8;
    if (odd > 0) {
        uint64_t head = bytes_load_short(s.ptr, odd) << (64 - 8 * odd) | EIGHT_ZEROS >> (8 * odd);
        if (!parse_eight(head, &v))
            return false;
    }
    for (size_t at = odd; at < s.len; at += 8) {
        uint64_t eight;
        if (!parse_eight(bytes_load64(s.ptr + at), &eight))
            return false;
        if (__builtin_mul_overflow(v, 100000000, &v) || __builtin_add_overflow(v, eight, &v))
            return false;
    }
    *out = v;
    return true;
}

bool num_parse_i64(struct slice s, int64_t *out)
{
    /* The first byte tells for most values that they are no numbers. */
    if (s.len == 0 || (s.ptr[0] != '-' && (unsigned char)(s.ptr[0] - '0') > 9))
        return false;
    bool negative = s.ptr[0] == '-';
    if (negative) {
        s.ptr++;
        s.len--;
    }
    uint64_t magnitude;
    if (!num_parse_u64(s, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    if (negative && magnitude == 0)
        return false;
    *out = (int64_t)(negative ? -magnitude : magnitude);
    return true;
}

static int count_digits(uint64_t v)
{
    static const uint64_t power_of_ten[] = {
        0,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
        10000000000000000000u,
    };
    /* 1233 / 4096 is just below the logarithm of 2 to base 10, near enough for 64 bits. */
    int guess = (64 - __builtin_clzll(v | 1)) * 1233 >> 12;
    return guess + (v >= power_of_ten[guess]);
}

int num_print_u64(char *out, uint64_t v)
{
    static const char pairs[] = "00010203040506070809"
                                "10111213141516171819"
                                "20212223242526272829"
                                "30313233343536373839"
                                "40414243444546474849"
                                "50515253545556575859"
                                "60616263646566676869"
                                "70717273747576777879"
                                "80818283848586878889"
                                "90919293949596979899";
    int len = count_digits(v);
    char *p = out + len;
    while (v >= 100) {
        p -= 2;
        memcpy(p, pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10)
        memcpy(out, pairs + v * 2, 2);
    else
        out[0] = (char)('0' + v);
    return len;
}

int num_print_i64(char *out, int64_t v)
{
    if (v >= 0)
        return num_print_u64(out, (uint64_t)v);
    out[0] = '-';
    return 1 + num_print_u64(out + 1, -(uint64_t)v);
}

/* The digits are summed below zero, as INT64_MIN has no positive counterpart. */
bool num_parse_memory(struct slice s, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = {
        {"", 1},        {"b", 1},        {"k", 1000},       {"kb", 1 << 10},
        {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000}, {"gb", 1 << 30},
    };
    bool negative = s.len > 0 && s.ptr[0] == '-';
    size_t at = negative, digits_start = at;
    int64_t v = 0;
    for (; at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9'; at++)
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, s.ptr[at] - '0', &v))
            return false;
    if (at == digits_start)
        return false;

    struct slice unit = {s.ptr + at, s.len - at};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (!slice_is(unit, units[i].name))
            continue;
        if (__builtin_mul_overflow(v, units[i].bytes, &v))
            return false;
        return !__builtin_mul_overflow(v, negative ? 1 : -1, bytes);
    }
    return false;
}
