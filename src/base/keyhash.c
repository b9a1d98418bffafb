#include "base/keyhash.h"

#include "base/bytes.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define WITH_AES __attribute__((target("aes,sse4.1")))

static inline __m128i load(const void *p)
{
    return _mm_loadu_si128(p);
}

/* A round key from the previous one (FIPS 197, 5.2); `assist` is aeskeygenassist of the latter. */
WITH_AES static inline __m128i next_round_key(__m128i key, __m128i assist)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, _mm_shuffle_epi32(assist, 0xff));
}

WITH_AES static void expand_key(struct keyhash *k)
{
    __m128i *keys = (__m128i *)k->round_keys;
    keys[0] = _mm_set_epi64x((long long)k->secret.k1, (long long)k->secret.k0);
    /* The round constant is a part of the instruction, so it cannot be a variable of a loop. */
    keys[1] = next_round_key(keys[0], _mm_aeskeygenassist_si128(keys[0], 0x01));
    keys[2] = next_round_key(keys[1], _mm_aeskeygenassist_si128(keys[1], 0x02));
    keys[3] = next_round_key(keys[2], _mm_aeskeygenassist_si128(keys[2], 0x04));
    keys[4] = next_round_key(keys[3], _mm_aeskeygenassist_si128(keys[3], 0x08));
    keys[5] = next_round_key(keys[4], _mm_aeskeygenassist_si128(keys[4], 0x10));
    keys[6] = next_round_key(keys[5], _mm_aeskeygenassist_si128(keys[5], 0x20));
    keys[7] = next_round_key(keys[6], _mm_aeskeygenassist_si128(keys[6], 0x40));
    keys[8] = next_round_key(keys[7], _mm_aeskeygenassist_si128(keys[7], 0x80));
    keys[9] = next_round_key(keys[8], _mm_aeskeygenassist_si128(keys[8], 0x1b));
    keys[10] = next_round_key(keys[9], _mm_aeskeygenassist_si128(keys[9], 0x36));
}

WITH_AES static inline __m128i encrypt(const struct keyhash *k, __m128i block)
{
    block = _mm_xor_si128(block, load(k->round_keys[0]));
    for (int i = 1; i < KEYHASH_ROUNDS; i++)
        block = _mm_aesenc_si128(block, load(k->round_keys[i]));
    return _mm_aesenclast_si128(block, load(k->round_keys[KEYHASH_ROUNDS]));
}

/* Doubles in GF(2^128), with the first byte the highest (RFC 4493, 2.3). */
static void twice(unsigned char to[16], const unsigned char from[16])
{
    unsigned char carry = from[0] & 0x80 ? 0x87 : 0;
    for (int i = 0; i < 15; i++)
        to[i] = (unsigned char)(from[i] << 1 | from[i + 1] >> 7);
    to[15] = (unsigned char)(from[15] << 1 ^ carry);
}

WITH_AES static void init_aes(struct keyhash *k)
{
    unsigned char zero[16];
    expand_key(k);
    _mm_storeu_si128((__m128i *)zero, encrypt(k, _mm_setzero_si128()));
    twice(k->whole_key, zero);
    twice(k->filled_key, k->whole_key);
}

/* The up to 15 bytes at p, padded with a one bit and zeros. */
WITH_AES static inline __m128i fill_up(const unsigned char *p, size_t len)
{
    uint64_t low, high = 0;
    if (len < 8) {
        low = bytes_load_short(p, len) | UINT64_C(0x80) << (8 * len);
    } else {
        low = bytes_load64(p);
        if (len > 8)
            high = bytes_load64(p + len - 8) >> (8 * (16 - len));
        high |= UINT64_C(0x80) << (8 * (len - 8));
    }
    return _mm_set_epi64x((long long)high, (long long)low);
}

WITH_AES static inline __m128i hash_block(const struct keyhash *k, const unsigned char *p,
                                          size_t len)
{
    __m128i state = _mm_setzero_si128();
    for (; len > 16; p += 16, len -= 16)
        state = encrypt(k, _mm_xor_si128(state, load(p)));
    __m128i last = len == 16 ? _mm_xor_si128(load(p), load(k->whole_key))
                             : _mm_xor_si128(fill_up(p, len), load(k->filled_key));
    return encrypt(k, _mm_xor_si128(state, last));
}

WITH_AES static uint32_t hash_aes(const struct keyhash *k, const unsigned char *p, size_t len)
{
    return (uint32_t)_mm_cvtsi128_si32(hash_block(k, p, len));
}

WITH_AES static uint64_t hash64_aes(const struct keyhash *k, const unsigned char *p, size_t len)
{
    return (uint64_t)_mm_cvtsi128_si64(hash_block(k, p, len));
}

static bool has_aes(void)
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

#else

static void init_aes(struct keyhash *k)
{
    (void)k;
}

static uint32_t hash_aes(const struct keyhash *k, const unsigned char *p, size_t len)
{
    (void)k, (void)p, (void)len;
    return 0;
}

static uint64_t hash64_aes(const struct keyhash *k, const unsigned char *p, size_t len)
{
    (void)k, (void)p, (void)len;
    return 0;
}

static bool has_aes(void)
{
    return false;
}

#endif

void keyhash_init(struct keyhash *k, struct siphash_key secret)
{
    *k = (struct keyhash){.secret = secret, .aes = has_aes()};
    if (k->aes)
        init_aes(k);
}

uint32_t keyhash(const struct keyhash *k, const void *p, size_t len)
{
    if (__builtin_expect(k->aes, 1))
        return hash_aes(k, p, len);
    return (uint32_t)(siphash13(&k->secret, p, len) >> 32);
}

uint64_t keyhash64(const struct keyhash *k, const void *p, size_t len)
{
    if (__builtin_expect(k->aes, 1))
        return hash64_aes(k, p, len);
    return siphash13(&k->secret, p, len);
}
