#include "base_test.h"

#include "base/bytes.h"
#include "base/keyhash.h"

/* RFC 4493, section 4. */
static const unsigned char rfc_key[16] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static const unsigned char rfc_message[64] = {
    0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
    0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf, 0x8e, 0x51,
    0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11, 0xe5, 0xfb, 0xc1, 0x19, 0x1a, 0x0a, 0x52, 0xef,
    0xf6, 0x9f, 0x24, 0x45, 0xdf, 0x4f, 0x9b, 0x17, 0xad, 0x2b, 0x41, 0x7b, 0xe6, 0x6c, 0x37, 0x10};
static const struct {
    size_t len;
    unsigned char mac[4];
} rfc_macs[] = {
    {0, {0xbb, 0x1d, 0x69, 0x29}},
    {16, {0x07, 0x0a, 0x16, 0xb4}},
    {40, {0xdf, 0xa6, 0x67, 0x47}},
    {64, {0x51, 0xf0, 0xbe, 0xbf}},
};

static struct keyhash rfc_hash(void)
{
    struct keyhash k;
    keyhash_init(&k, (struct siphash_key){bytes_load64(rfc_key), bytes_load64(rfc_key + 8)});
    return k;
}

static void is_the_begin_of_cmac(void **state)
{
    (void)state;
    struct keyhash k = rfc_hash();
    if (!k.aes)
        skip();
    for (size_t i = 0; i < COUNT_OF(rfc_macs); i++)
        assert_int_equal(keyhash(&k, rfc_message, rfc_macs[i].len), bytes_load32(rfc_macs[i].mac));
}

static void is_siphash_without_the_instructions(void **state)
{
    (void)state;
    struct keyhash k = rfc_hash();
    k.aes = false;
    for (size_t len = 0; len <= sizeof(rfc_message); len++)
        assert_int_equal(keyhash(&k, rfc_message, len),
                         (uint32_t)(siphash13(&k.secret, rfc_message, len) >> 32));
}

/* In blocks of exactly their size: a sanitizer sees a byte read beyond them. */
static void every_byte_and_the_length_count(void **state)
{
    (void)state;
    struct keyhash k = rfc_hash();
    uint32_t seen[sizeof(rfc_message) + 1];
    for (size_t len = 0; len <= sizeof(rfc_message); len++) {
        struct slice s = exact_new(slice_of(rfc_message, len));
        seen[len] = keyhash(&k, s.ptr, len);
        for (size_t shorter = 0; shorter < len; shorter++)
            assert_int_not_equal(seen[len], seen[shorter]);
        for (size_t i = 0; i < len; i++) {
            ((char *)s.ptr)[i] ^= 1;
            assert_int_not_equal(keyhash(&k, s.ptr, len), seen[len]);
            ((char *)s.ptr)[i] ^= 1;
        }
        exact_free(s);
    }
}

static void another_secret_is_another_hash(void **state)
{
    (void)state;
    struct keyhash a = rfc_hash(), b;
    keyhash_init(&b, (struct siphash_key){a.secret.k0 ^ 1, a.secret.k1});
    for (size_t len = 0; len <= sizeof(rfc_message); len++)
        assert_int_not_equal(keyhash(&a, rfc_message, len), keyhash(&b, rfc_message, len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_begin_of_cmac),
        cmocka_unit_test(is_siphash_without_the_instructions),
        cmocka_unit_test(every_byte_and_the_length_count),
        cmocka_unit_test(another_secret_is_another_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
