#include "base/crc32c.h"

#include "base/bytes.h"

/* Bits are reflected: the lowest bit of a byte comes first, and a step is a shift to the right. A
 * CRC is linear, so a byte contributes the XOR of the contributions of its bits. Bit 7 of the last
 * byte is one step from the end, each bit before it one step more. The compiler computes the tables. */
#define POLYNOMIAL 0x82f63b78u
#define STEP(v)    (((v) >> 1) ^ ((v)&1 ? POLYNOMIAL : 0))
#define STEPS(byte, before)                                                                      \
    P##byte##7 = STEP(before), P##byte##6 = STEP(P##byte##7), P##byte##5 = STEP(P##byte##6),     \
    P##byte##4 = STEP(P##byte##5), P##byte##3 = STEP(P##byte##4), P##byte##2 = STEP(P##byte##3), \
    P##byte##1 = STEP(P##byte##2), P##byte##0 = STEP(P##byte##1)

/* P37 is the contribution of bit 7 of a byte with 3 bytes behind it. */
enum {
    STEPS(0, 1u),
    STEPS(1, P00),
    STEPS(2, P10),
    STEPS(3, P20),
    STEPS(4, P30),
    STEPS(5, P40),
    STEPS(6, P50),
    STEPS(7, P60),
};

#define BIT(value, bit, power) ((value) >> (bit)&1 ? (power) : 0)
#define CRC(byte, v)                                                         \
    (BIT(v, 0, P##byte##0) ^ BIT(v, 1, P##byte##1) ^ BIT(v, 2, P##byte##2) ^ \
     BIT(v, 3, P##byte##3) ^ BIT(v, 4, P##byte##4) ^ BIT(v, 5, P##byte##5) ^ \
     BIT(v, 6, P##byte##6) ^ BIT(v, 7, P##byte##7))
#define CRC_4(byte, v)  CRC(byte, v), CRC(byte, v + 1), CRC(byte, v + 2), CRC(byte, v + 3)
#define CRC_16(byte, v) CRC_4(byte, v), CRC_4(byte, v + 4), CRC_4(byte, v + 8), CRC_4(byte, v + 12)
#define CRC_64(byte, v) \
    CRC_16(byte, v), CRC_16(byte, v + 16), CRC_16(byte, v + 32), CRC_16(byte, v + 48)
#define CRC_256(byte)                                                           \
    {                                                                           \
        CRC_64(byte, 0), CRC_64(byte, 64), CRC_64(byte, 128), CRC_64(byte, 192) \
    }

/* crc_table[n][b]: the contribution of byte b with n bytes behind it. */
static const uint32_t crc_table[8][256] = {
    CRC_256(0), CRC_256(1), CRC_256(2), CRC_256(3), CRC_256(4), CRC_256(5), CRC_256(6), CRC_256(7),
};

static uint32_t crc_sliced(uint32_t crc, const unsigned char *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word = bytes_load64(p) ^ crc;
        crc = crc_table[7][word & 0xff] ^ crc_table[6][word >> 8 & 0xff] ^
              crc_table[5][word >> 16 & 0xff] ^ crc_table[4][word >> 24 & 0xff] ^
              crc_table[3][word >> 32 & 0xff] ^ crc_table[2][word >> 40 & 0xff] ^
              crc_table[1][word >> 48 & 0xff] ^ crc_table[0][word >> 56];
    }
    for (; len > 0; p++, len--)
        crc = crc >> 8 ^ crc_table[0][(crc ^ *p) & 0xff];
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const unsigned char *p,
                                                            size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; p += 8, len -= 8)
        wide = _mm_crc32_u64(wide, bytes_load64(p));
    for (crc = (uint32_t)wide; len > 0; p++, len--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

static uint32_t crc_best(uint32_t crc, const unsigned char *p, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc_sse42(crc, p, len) : crc_sliced(crc, p, len);
}
#else
#define crc_best crc_sliced
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
    return ~crc_best(~crc, p, len);
}

uint32_t crc32c_portable(uint32_t crc, const void *p, size_t len)
{
    return ~crc_sliced(~crc, p, len);
}
