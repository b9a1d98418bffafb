#include "base_test.h"

#include "base/crc16.h"
#include "base/rng.h"

/* By the definition: a bit a step. */
static uint16_t naive_crc16(struct slice s)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (uint16_t)((unsigned char)s.ptr[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0));
    }
    return crc;
}

static void test_the_check_value(void **state)
{
    assert_int_equal(crc16("123456789", 9), 0x31c3);
    assert_int_equal(crc16("", 0), 0);
    assert_int_equal(crc16(NULL, 0), 0);
}

static void test_every_single_byte_at_every_distance(void **state)
{
    for (size_t len = 1; len <= 24; len++) {
        for (int byte = 0; byte < 256; byte++) {
            char text[24] = {(char)byte};
            assert_int_equal(crc16(text, len), naive_crc16(slice_of(text, len)));
        }
    }
}

static void test_random_bytes_of_every_length(void **state)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (size_t len = 0; len <= 300; len++) {
        for (int round = 0; round < 20; round++) {
            char text[300];
            for (size_t i = 0; i < len; i++)
                text[i] = (char)rng_next(&rng);
            struct slice s = exact_new(slice_of(text, len));
            assert_int_equal(crc16(s.ptr, s.len), naive_crc16(s));
            exact_free(s);
        }
    }
}

static uint16_t slot_of(const char *key)
{
    return key_slot(slice_from_cstr(key));
}

static void test_slots_known_from_redis_cluster(void **state)
{
    assert_int_equal(slot_of("foo"), 12182);
    assert_int_equal(slot_of("bar"), 5061);
    assert_int_equal(slot_of("hello"), 866);
    assert_int_equal(slot_of("123456789"), 0x31c3 % SLOT_COUNT);
    assert_int_equal(slot_of(""), 0);
    assert_int_equal(key_slot((struct slice){NULL, 0}), 0);
}

static void test_the_hash_tag_decides_the_slot(void **state)
{
    assert_int_equal(slot_of("{user1000}.following"), slot_of("user1000"));
    assert_int_equal(slot_of("{user1000}.followers"), slot_of("user1000"));
    assert_int_equal(slot_of("x{user1000}"), slot_of("user1000"));
    /* The first '{' and the first '}' behind it. */
    assert_int_equal(slot_of("foo{{bar}}zap"), slot_of("{bar"));
    assert_int_equal(slot_of("foo{bar}{zap}"), slot_of("bar"));
    assert_int_equal(slot_of("a}b{c}d"), slot_of("c"));
}

static void test_without_a_hash_tag_the_whole_key_does(void **state)
{
    static const char *const keys[] = {"foo{}{bar}", "{}", "{", "}", "a{b", "a}b", "}{", "{}x"};
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct slice key = slice_from_cstr(keys[i]);
        assert_int_equal(key_slot(key), naive_crc16(key) % SLOT_COUNT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_check_value),
        cmocka_unit_test(test_every_single_byte_at_every_distance),
        cmocka_unit_test(test_random_bytes_of_every_length),
        cmocka_unit_test(test_slots_known_from_redis_cluster),
        cmocka_unit_test(test_the_hash_tag_decides_the_slot),
        cmocka_unit_test(test_without_a_hash_tag_the_whole_key_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
