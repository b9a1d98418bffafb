#include "base/crc16.h"

#include "base/bytes.h"

/* A CRC is linear: the checksum of a message is the XOR of the checksums of its bits. A bit with n
 * bits behind it in the message contributes x^(n+16) mod the polynomial. Eight bytes have 64 of these
 * remainders, each one step from the previous one, so the compiler computes the tables. */
#define POLYNOMIAL 0x1021
#define TIMES_X(v) ((((v) << 1) ^ ((v)&0x8000 ? POLYNOMIAL : 0)) & 0xffff)
#define POWERS(byte, before)                                            \
    P##byte##0 = TIMES_X(before), P##byte##1 = TIMES_X(P##byte##0),     \
    P##byte##2 = TIMES_X(P##byte##1), P##byte##3 = TIMES_X(P##byte##2), \
    P##byte##4 = TIMES_X(P##byte##3), P##byte##5 = TIMES_X(P##byte##4), \
    P##byte##6 = TIMES_X(P##byte##5), P##byte##7 = TIMES_X(P##byte##6)

/* P37 is the remainder of bit 7 of a byte with 3 bytes behind it. */
enum {
    POWERS(0, 0x8000),
    POWERS(1, P07),
    POWERS(2, P17),
    POWERS(3, P27),
    POWERS(4, P37),
    POWERS(5, P47),
    POWERS(6, P57),
    POWERS(7, P67),
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

/* crc_table[n][b]: the contribution of byte b with n bytes behind it. 4 KB stay in the first cache. */
static const uint16_t crc_table[8][256] = {
    CRC_256(0), CRC_256(1), CRC_256(2), CRC_256(3), CRC_256(4), CRC_256(5), CRC_256(6), CRC_256(7),
};

/* Eight bytes at once: their look-ups do not wait for each other, as they would byte by byte. */
static inline uint16_t crc_word(uint64_t word)
{
    return crc_table[7][word >> 56] ^ crc_table[6][word >> 48 & 0xff] ^
           crc_table[5][word >> 40 & 0xff] ^ crc_table[4][word >> 32 & 0xff] ^
           crc_table[3][word >> 24 & 0xff] ^ crc_table[2][word >> 16 & 0xff] ^
           crc_table[1][word >> 8 & 0xff] ^ crc_table[0][word & 0xff];
}

uint16_t crc16(const void *data, size_t len)
{
    const unsigned char *p = data;
    /* The bytes that do not fill a word come first, behind zeros: with an initial value of 0,
     * leading zeros do not change a CRC. So there is no loop over single bytes. */
    size_t odd = len % 8;
    uint16_t crc = 0;
    if (odd > 0)
        crc = crc_word(__builtin_bswap64(bytes_load_short(p, odd)) >> (64 - 8 * odd));
    for (size_t at = odd; at < len; at += 8)
        crc = crc_word(__builtin_bswap64(bytes_load64(p + at)) ^ (uint64_t)crc << 48);
    return crc;
}

uint16_t key_slot(struct slice key)
{
    const char *open = key.len == 0 ? NULL : memchr(key.ptr, '{', key.len);
    if (open) {
        const char *tag = open + 1;
        const char *close = memchr(tag, '}', (size_t)(key.ptr + key.len - tag));
        if (close > tag)
            return crc16(tag, (size_t)(close - tag)) % SLOT_COUNT;
    }
    return crc16(key.ptr, key.len) % SLOT_COUNT;
}
