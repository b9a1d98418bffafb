#include "unit/base/base_test.h"

#include <stdio.h>

#include "base/mem.h"
#include "base/rng.h"
#include "log/format.h"

/* Reads a record from a block of exactly its size. */
static enum format_kind read_exact(struct slice text, struct format_record *out)
{
    struct format_args args;
    struct slice s = exact_new(text);
    format_args_init(&args);
    enum format_kind kind = format_read(s, &args, out);
    assert_int_equal(args.count, kind == FORMAT_COMMAND ? (size_t)out->argc : 0);
    format_args_deinit(&args);
    exact_free(s);
    return kind;
}

static enum format_kind kind_of(struct slice text)
{
    struct format_record record;
    return read_exact(text, &record);
}

static void test_records(void **state)
{
    struct format_record r;
    assert_int_equal(kind_of(SLICE("*1\r\n$4\r\nPING\r\n")), FORMAT_COMMAND);
    assert_int_equal(kind_of(SLICE("*2\r\n$0\r\n\r\n$1\r\n\0\r\n")), FORMAT_COMMAND);
    assert_int_equal(kind_of(SLICE("#CORSAC:1\r\n")), FORMAT_HEADER);
    assert_int_equal(kind_of(SLICE("#CORSAC:2\r\n")), FORMAT_ANNOTATION);
    assert_int_equal(kind_of(SLICE("#\r\n")), FORMAT_ANNOTATION);
    assert_int_equal(kind_of(SLICE("# a note\r\n*1")), FORMAT_ANNOTATION);
    assert_int_equal(kind_of(SLICE("#BASE\r\n")), FORMAT_BASE);
    assert_int_equal(kind_of(SLICE("#BASED\r\n")), FORMAT_ANNOTATION);
    assert_int_equal(read_exact(SLICE("#END batches=00000000000000000042\r\n"), &r), FORMAT_END);
    assert_int_equal(r.batches, 42);
    assert_int_equal(kind_of(SLICE("#END batches=42\r\n")), FORMAT_BAD);
    assert_int_equal(kind_of(SLICE("#END batches=0000000000000000004x\r\n")), FORMAT_BAD);
    assert_int_equal(read_exact(SLICE("#TS:1700000000\r\nrest"), &r), FORMAT_TIMESTAMP);
    assert_int_equal(r.unix_s, 1700000000);
    assert_int_equal(r.bytes, 16);
    assert_int_equal(read_exact(SLICE("#TS:00000000001700000000\r\n"), &r), FORMAT_DATE);
    assert_int_equal(r.unix_s, 1700000000);
    assert_int_equal(r.bytes, FORMAT_DATE_BYTES);
    assert_int_equal(kind_of(SLICE("#TS:09223372036854775807\r\n")), FORMAT_DATE);
    assert_int_equal(read_exact(SLICE("#SEAL pos=00000000000000012345 crc=0a1b2c3d\r\n*"), &r),
                     FORMAT_SEAL);
    assert_int_equal(r.pos, 12345);
    assert_int_equal(r.crc, 0x0a1b2c3d);
    assert_int_equal(r.bytes, SEAL_BYTES);
    assert_int_equal(read_exact(SLICE("#SEAL pos=18446744073709551615 crc=ffffffff\r\n"), &r),
                     FORMAT_SEAL);
    assert_true(r.pos == UINT64_MAX);
}

static void test_what_is_no_record(void **state)
{
    static const struct slice bad[] = {
        SLICE("x"),
        SLICE("\r\n"),
        SLICE("$1\r\na\r\n"),
        SLICE("*0\r\n"),
        SLICE("*-1\r\n"),
        SLICE("*01\r\n"),
        SLICE("*+1\r\n"),
        SLICE("* 1\r\n"),
        SLICE("*1 \r\n"),
        SLICE("*\r\n"),
        SLICE("*1\n"),
        SLICE("*1\r\r"),
        SLICE("*2147483648\r\n"),
        SLICE("*99999999999999999999999999\r\n"),
        SLICE("*1\r\n*"),
        SLICE("*1\r\n$-1\r\n"),
        SLICE("*1\r\n$01\r\na\r\n"),
        SLICE("*1\r\n$\r\n"),
        SLICE("*1\r\n$1\n"),
        SLICE("*1\r\n$1x"),
        SLICE("*1\r\n$4294967297\r\n"),
        SLICE("*1\r\n$1\r\nab"),
        SLICE("*1\r\n$1\r\na\r\r"),
        SLICE("*2\r\n$1\r\na\r\n*1"),
        SLICE("#a\n"),
        SLICE("#a\rb"),
        SLICE("#a\x01"),
        SLICE("#\x80"),
        SLICE("#TS:x\r\n"),
        SLICE("#TS:01\r\n"),
        SLICE("#TS: 1\r\n"),
        SLICE("#TS:0000000000170000000\r\n"),
        SLICE("#TS:000000000001700000000\r\n"),
        SLICE("#TS:0000000000170000000x\r\n"),
        SLICE("#TS:09223372036854775808\r\n"),
        SLICE("#TS:10000000001700000000\r\n"),
        SLICE("#SEAL \r\n"),
        SLICE("#SEAL pos=0000000000000001234 crc=0a1b2c3d\r\n"),
        SLICE("#SEAL pos=00000000000000012345 crc=0A1b2c3d\r\n"),
        SLICE("#SEAL pos=00000000000000012345 crc=0a1b2c3\r\n"),
        SLICE("#SEAL pos=00000000000000012345 crc=0a1b2c3d \r\n"),
        SLICE("#SEAL pos=0000000000000001234x crc=0a1b2c3d\r\n"),
        SLICE("#SEAL pos=18446744073709551616 crc=00000000\r\n"),
        SLICE("#SEAL pos=00000000000000012345 crC=0a1b2c3d\r\n"),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct format_record r = {0};
        if (read_exact(bad[i], &r) != FORMAT_BAD)
            fail_msg("taken: %s", bad[i].ptr);
        assert_non_null(r.error);
    }
}

static void test_annotations_have_a_longest(void **state)
{
    char line[FORMAT_LINE_BYTES_MAX + 2];
    struct format_record r;
    memset(line, 'a', sizeof(line));
    line[0] = '#';
    for (size_t len = 1; len < FORMAT_LINE_BYTES_MAX - 1; len++)
        assert_int_equal(read_exact(slice_of(line, len), &r), FORMAT_MORE);
    assert_int_equal(read_exact(slice_of(line, FORMAT_LINE_BYTES_MAX), &r), FORMAT_BAD);
    memcpy(line + FORMAT_LINE_BYTES_MAX - 2, "\r\n", 2);
    assert_int_equal(read_exact(slice_of(line, FORMAT_LINE_BYTES_MAX), &r), FORMAT_ANNOTATION);
    memcpy(line + FORMAT_LINE_BYTES_MAX - 2, "a\r\n", 3);
    assert_int_equal(read_exact(slice_of(line, FORMAT_LINE_BYTES_MAX + 1), &r), FORMAT_BAD);
}

/* Arguments of each length, which are read to their last byte and no further, and counts of each number of digits. */
static void test_lengths(void **state)
{
    static char bytes[2000];
    struct slice argv[1200];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)('a' + i % 26);
    for (size_t len = 0; len <= 1200; len++) {
        char want[sizeof(bytes) + 64];
        struct slice arg = exact_new(slice_of(bytes + len % 7, len));
        struct buf out;
        buf_init(&out);
        format_command(&out, 1, &arg);
        int n =
            snprintf(want, sizeof(want), "*1\r\n$%zu\r\n%.*s\r\n", len, (int)len, bytes + len % 7);
        assert_slice_equal(buf_slice(&out), slice_of(want, (size_t)n));
        exact_free(arg);
        buf_clear(&out);
        for (size_t i = 0; i < len; i++)
            argv[i] = SLICE("x");
        if (len > 0) {
            format_command(&out, (int)len, argv);
            n = snprintf(want, sizeof(want), "*%zu\r\n$1\r\nx\r\n", len);
            assert_slice_equal(slice_of(out.ptr, (size_t)n), slice_of(want, (size_t)n));
            assert_int_equal(out.len, (size_t)n + (len - 1) * 7);
        }
        buf_deinit(&out);
    }
}

/* Random commands come back as they were; their beginnings are incomplete, and ask for no more than
 * the record has. */
static void test_round_trips(void **state)
{
    struct rng rng;
    rng_seed(&rng, 1);
    for (int round = 0; round < 300; round++) {
        char bytes[64];
        struct slice argv[8];
        int argc = 1 + (int)(rng_next(&rng) % 8);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (char)rng_next(&rng);
        for (int i = 0; i < argc; i++)
            argv[i] = slice_of(bytes + rng_next(&rng) % 32, rng_next(&rng) % 32);
        struct buf out;
        buf_init(&out);
        format_command(&out, argc, argv);
        assert_int_equal(out.len, format_command_bytes(argc, argv));

        struct format_record r;
        struct format_args args;
        format_args_init(&args);
        assert_int_equal(format_read(buf_slice(&out), &args, &r), FORMAT_COMMAND);
        assert_int_equal(r.bytes, out.len);
        assert_int_equal(r.argc, argc);
        for (int i = 0; i < argc; i++)
            assert_slice_equal(args.at[r.first + (size_t)i], argv[i]);
        format_args_deinit(&args);
        for (size_t cut = 0; cut < out.len; cut++) {
            assert_int_equal(read_exact(slice_of(out.ptr, cut), &r), FORMAT_MORE);
            assert_true(r.bytes > cut && r.bytes <= out.len);
        }
        buf_deinit(&out);
    }
}

static void test_seals(void **state)
{
    char seal[SEAL_BYTES];
    struct format_record r;
    uint32_t crc = crc32c(0, "batch", 5);
    format_seal(seal, 77, crc);
    assert_int_equal(read_exact(slice_of(seal, sizeof(seal)), &r), FORMAT_SEAL);
    assert_int_equal(r.pos, 77);
    assert_int_equal(r.crc, crc32c(crc, seal, SEAL_CRC_AT));
    for (size_t cut = 0; cut < sizeof(seal); cut++)
        assert_int_equal(read_exact(slice_of(seal, cut), &r), FORMAT_MORE);
}

static void test_no_memory_for_arguments(void **state)
{
    struct format_args args;
    struct format_record r;
    format_args_init(&args);
    mem_fail_after(1);
    assert_int_equal(format_read(SLICE("*1\r\n$1\r\na\r\n"), &args, &r), FORMAT_NOMEM);
    assert_int_equal(args.count, 0);
    assert_int_equal(format_read(SLICE("*1\r\n$1\r\na\r\n"), &args, &r), FORMAT_COMMAND);
    format_args_deinit(&args);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_annotations_have_a_longest),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_seals),
        cmocka_unit_test(test_no_memory_for_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
