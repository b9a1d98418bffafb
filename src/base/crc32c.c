#include "base/crc32c.h"

#include <string.h>

#include "base/crc32c_table.h"

/* Eight bytes a step: table[k][b] is the CRC of byte b followed by k zero bytes. */
static uint32_t crc32c_sliced(uint32_t crc, const unsigned char *p, size_t len)
{
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        word ^= crc; /* little-endian: the CRC meets the first four bytes */
        crc = crc32c_table[7][word & 0xff] ^ crc32c_table[6][word >> 8 & 0xff] ^
              crc32c_table[5][word >> 16 & 0xff] ^ crc32c_table[4][word >> 24 & 0xff] ^
              crc32c_table[3][word >> 32 & 0xff] ^ crc32c_table[2][word >> 40 & 0xff] ^
              crc32c_table[1][word >> 48 & 0xff] ^ crc32c_table[0][word >> 56];
    }
    while (len--)
        crc = crc >> 8 ^ crc32c_table[0][(crc ^ *p++) & 0xff];
    return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const unsigned char *p,
                                                               size_t len)
{
    uint64_t c = crc;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        c = _mm_crc32_u64(c, word);
    }
    for (crc = (uint32_t)c; len; p++, len--)
        crc = _mm_crc32_u8(crc, *p);
    return crc;
}

static uint32_t crc32c_run(uint32_t crc, const unsigned char *p, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, p, len)
                                            : crc32c_sliced(crc, p, len);
}
#else
static uint32_t crc32c_run(uint32_t crc, const unsigned char *p, size_t len)
{
    return crc32c_sliced(crc, p, len);
}
#endif

uint32_t crc32c(uint32_t crc, const void *p, size_t len)
{
    return ~crc32c_run(~crc, p, len);
}

uint32_t crc32c_portable(uint32_t crc, const void *p, size_t len)
{
    return ~crc32c_sliced(~crc, p, len);
}
