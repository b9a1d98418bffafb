#include "base/siphash.h"

#include "base/bytes.h"

static inline uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_rounds(struct sip_state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate_left(s->v1, 13) ^ s->v0;
        s->v3 = rotate_left(s->v3, 16) ^ s->v2;
        s->v0 = rotate_left(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate_left(s->v1, 17) ^ s->v2;
        s->v3 = rotate_left(s->v3, 21) ^ s->v0;
        s->v2 = rotate_left(s->v2, 32);
    }
}

static inline void sip_absorb(struct sip_state *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    sip_rounds(s, rounds);
    s->v0 ^= word;
}

/* Inlined, so that the numbers of rounds are constants and the loops unroll. */
__attribute__((always_inline)) static inline uint64_t sip(const struct siphash_key *key,
                                                          const unsigned char *p, size_t len,
                                                          int word_rounds, int final_rounds)
{
    struct sip_state s = {
        .v0 = key->k0 ^ 0x736f6d6570736575u,
        .v1 = key->k1 ^ 0x646f72616e646f6du,
        .v2 = key->k0 ^ 0x6c7967656e657261u,
        .v3 = key->k1 ^ 0x7465646279746573u,
    };
    uint64_t last = (uint64_t)len << 56; /* the length's low byte closes the message */
    for (; len >= 8; p += 8, len -= 8)
        sip_absorb(&s, bytes_load64(p), word_rounds);
    sip_absorb(&s, last | bytes_load_short(p, len), word_rounds);
    s.v2 ^= 0xff;
    sip_rounds(&s, final_rounds);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t siphash13(const struct siphash_key *key, const void *p, size_t len)
{
    return sip(key, p, len, 1, 3);
}

uint64_t siphash24(const struct siphash_key *key, const void *p, size_t len)
{
    return sip(key, p, len, 2, 4);
}
