#include "base_test.h"

#include "base/crc32c.h"
#include "base/rng.h"

/* By the definition: a bit a step. */
static uint32_t naive_crc32c(uint32_t crc, struct slice s)
{
    crc = ~crc;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (unsigned char)s.ptr[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void check(struct slice s, uint32_t want)
{
    assert_int_equal(crc32c(0, s.ptr, s.len), want);
    assert_int_equal(crc32c_portable(0, s.ptr, s.len), want);
}

/* RFC 3720, appendix B.4. */
static void test_published_vectors(void **state)
{
    char zeros[32] = {0}, ones[32], up[32], down[32];
    static const unsigned char read_command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02,
    };
    for (int i = 0; i < 32; i++) {
        ones[i] = (char)0xff;
        up[i] = (char)i;
        down[i] = (char)(31 - i);
    }
    check(slice_of(zeros, 32), 0x8a9136aa);
    check(slice_of(ones, 32), 0x62a8ab43);
    check(slice_of(up, 32), 0x46dd794e);
    check(slice_of(down, 32), 0x113fdb5c);
    check(slice_of(read_command, 48), 0xd9963a56);
    check(SLICE("123456789"), 0xe3069283);
    check(slice_of(NULL, 0), 0);
}

static void test_every_single_byte_at_every_distance(void **state)
{
    for (size_t len = 1; len <= 24; len++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[24] = {(char)byte};
            check(slice_of(text, len), naive_crc32c(0, slice_of(text, len)));
        }
    }
}

static void test_random_bytes_of_every_length_in_two_parts(void **state)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t len = 0; len <= 300; len++) {
        char text[300];
        for (size_t i = 0; i < len; i++)
            text[i] = (char)rng_next(&rng);
        struct slice s = exact_new(slice_of(text, len));
        uint32_t want = naive_crc32c(0, s);
        check(s, want);
        size_t first = len ? rng_next(&rng) % len : 0;
        const char *rest = s.ptr + first;
        assert_int_equal(crc32c(crc32c(0, s.ptr, first), rest, len - first), want);
        assert_int_equal(crc32c_portable(crc32c_portable(0, s.ptr, first), rest, len - first),
                         want);
        exact_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_every_single_byte_at_every_distance),
        cmocka_unit_test(test_random_bytes_of_every_length_in_two_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
