#include "base_test.h"

#include "base/siphash.h"

/* Hashes of 00, 00 01, 00 01 02 ... under the key 00 01 .. 0f, from the authors' reference. */
static const uint64_t vectors_24[] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8};
static const uint64_t vectors_13[] = {
    0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
    0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
    0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
    0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
    0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
    0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123};
static const struct siphash_key reference_key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

/* At every alignment, in a block that ends where the message does. */
static void check_vectors(const uint64_t *vectors, size_t count,
                          uint64_t (*hash)(const struct siphash_key *, const void *, size_t))
{
    for (size_t len = 0; len < count; len++) {
        for (size_t shift = 0; shift < 8; shift++) {
            unsigned char *block = malloc(shift + len + (len == 0));
            assert_non_null(block);
            for (size_t i = 0; i < len; i++)
                block[shift + i] = (unsigned char)i;
            assert_true(hash(&reference_key, block + shift, len) == vectors[len]);
            free(block);
        }
    }
}

static void test_vectors_of_siphash_2_4(void **state)
{
    check_vectors(vectors_24, COUNT_OF(vectors_24), siphash24);
}

static void test_vectors_of_siphash_1_3(void **state)
{
    check_vectors(vectors_13, COUNT_OF(vectors_13), siphash13);
}

static void test_every_bit_of_key_length_and_message_counts(void **state)
{
    char message[64] = {0};
    uint64_t plain = siphash13(&reference_key, message, sizeof(message));
    for (size_t bit = 0; bit < 64; bit++) {
        struct siphash_key key = reference_key;
        key.k0 ^= (uint64_t)1 << bit;
        assert_true(siphash13(&key, message, sizeof(message)) != plain);
        key = reference_key;
        key.k1 ^= (uint64_t)1 << bit;
        assert_true(siphash13(&key, message, sizeof(message)) != plain);
    }
    for (size_t bit = 0; bit < 8 * sizeof(message); bit++) {
        message[bit / 8] = (char)(1 << bit % 8);
        assert_true(siphash13(&reference_key, message, sizeof(message)) != plain);
        message[bit / 8] = 0;
    }
    for (size_t len = 0; len < sizeof(message); len++)
        assert_true(siphash13(&reference_key, message, len) != plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_siphash_2_4),
        cmocka_unit_test(test_vectors_of_siphash_1_3),
        cmocka_unit_test(test_every_bit_of_key_length_and_message_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
