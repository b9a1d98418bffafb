/* Where a file's sealed part ends: at the end mark of a base, at what somebody else wrote behind it, and
 * where it begins behind what Redis wrote. */
#include "unit/log/reader_files.h"

#include <stdlib.h>

/* --- bases ---------------------------------------------------------------------------------- */

static void make_base(struct aof_text *t, bool dated)
{
    text_init(t, 7);
    if (dated)
        text_date(t);
    text_base(t);
    for (int i = 0; i < 3; i++) {
        text_set(t, "key", SLICE("value"));
        t->pos = 7;
        text_seal(t);
    }
    text_set(t, "last", SLICE("value"));
    t->pos = 7;
    text_base_end(t);
}

static void check_base_cut_at_every_byte(bool dated)
{
    struct aof_text t;
    struct result whole, r;
    struct reader *reader;
    make_base(&t, dated);
    read_text(&whole, buf_slice(&t.bytes));
    assert_int_equal(whole.status, READER_END);
    assert_int_equal(whole.count, 4);
    for (size_t cut = 1; cut < t.bytes.len; cut++) {
        read_text(&r, slice_of(t.bytes.ptr, cut));
        if (r.status != READER_TORN)
            fail_msg("cut at %zu: %s", cut, r.report.error);
        assert_true(r.report.error[0]);
        check_prefix(&r, &whole, &t, batches_before(&t, cut));
        result_deinit(&r);
    }
    /* Nobody goes on in a base. */
    struct reader_batch b;
    file_write("f.aof", slice_of(t.bytes.ptr, t.bytes.len - SEAL_BYTES));
    assert_int_equal(reader_open(&reader, "f.aof"), ERR_OK);
    while (reader_next(reader, &b) == READER_BATCH)
        ;
    assert_false(reader_read_tail(reader));
    reader_close(&reader);
    result_deinit(&whole);
    text_deinit(&t);
}

static void test_a_base_cut_at_every_byte(void **state)
{
    check_base_cut_at_every_byte(false);
    check_base_cut_at_every_byte(true);
}

static void check_every_bit_of_a_base_flipped(bool dated)
{
    struct aof_text t;
    struct result r;
    make_base(&t, dated);
    for (size_t bit = 0; bit < t.bytes.len * 8; bit++) {
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        read_text(&r, buf_slice(&t.bytes));
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        if (r.status != READER_DAMAGED)
            fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, r.report.error);
        result_deinit(&r);
    }
    text_deinit(&t);
}

static void test_every_bit_of_a_base_flipped(void **state)
{
    check_every_bit_of_a_base_flipped(false);
    check_every_bit_of_a_base_flipped(true);
}

static void test_what_is_no_base(void **state)
{
    struct aof_text t;
    /* A batch is missing, or one too many. */
    make_base(&t, false);
    size_t missing = t.ends[2] - t.ends[1];
    memmove(t.bytes.ptr + t.ends[1], t.bytes.ptr + t.ends[2], t.bytes.len - t.ends[2]);
    t.bytes.len -= missing;
    check_damage(buf_slice(&t.bytes), "another number of batches", t.ends[3] - missing, 2);
    text_deinit(&t);
    make_base(&t, false);
    text_set(&t, "more", SLICE("value"));
    text_seal(&t);
    check_damage(buf_slice(&t.bytes), "behind the end of a base", t.ends[4], 4);
    text_deinit(&t);
    /* It begins, or ends, where there is none. */
    text_init(&t, 0);
    text_header(&t);
    buf_append_cstr(&t.bytes, FORMAT_BASE_LINE);
    text_seal(&t);
    check_damage(buf_slice(&t.bytes), "a base that begins in the middle", t.ends[0], 0);
    text_deinit(&t);
    text_init(&t, 0);
    text_header(&t);
    text_base_end(&t);
    check_damage(buf_slice(&t.bytes), "the end of a base", t.ends[0], 0);
    text_deinit(&t);
}

/* --- plain, then sealed --------------------------------------------------------------------- */

/* Redis wrote the first part; Corsac went on behind it. The first of `ends` is that of the plain part. */
static void make_mixed(struct aof_text *t)
{
    struct buf plain;
    make_plain(t);
    buf_init(&plain);
    buf_append_slice(&plain, buf_slice(&t->bytes));
    size_t commands = t->so_far;
    text_deinit(t);
    text_init(t, 500);
    buf_append_slice(&t->bytes, buf_slice(&plain));
    buf_deinit(&plain);
    t->so_far = commands;
    text_end(t);
    text_header(t);
    text_set(t, "own", SLICE("\r\n#CORSAC:1\r\n" FAKE_SEAL));
    text_seal(t);
    text_command(t, "DEL own");
    text_set(t, "last", SLICE("value"));
    text_seal(t);
}

static void test_a_plain_file_that_goes_on_sealed(void **state)
{
    struct aof_text t;
    struct result whole, r;
    make_mixed(&t);
    read_text(&whole, buf_slice(&t.bytes));
    assert_int_equal(whole.status, READER_END);
    assert_true(whole.report.sealed && whole.report.has_seal);
    assert_int_equal(whole.count, t.so_far);
    assert_int_equal(whole.pos, t.pos);
    for (size_t cut = t.ends[0]; cut < t.bytes.len; cut++) {
        size_t batches = batches_before(&t, cut);
        read_text(&r, slice_of(t.bytes.ptr, cut));
        if (r.status != (t.ends[batches - 1] == cut ? READER_END : READER_TORN))
            fail_msg("cut at %zu: %s", cut, r.report.error);
        check_prefix(&r, &whole, &t, batches);
        assert_int_equal(r.report.has_seal, batches > 1);
        result_deinit(&r);
    }
    /* Every bit of the sealed part; nor does a flip in the plain one pass for a torn tail. */
    for (size_t bit = 0; bit < t.bytes.len * 8; bit++) {
        size_t batches = batches_before(&t, bit / 8);
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        read_text(&r, buf_slice(&t.bytes));
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        if (r.status != READER_DAMAGED && (batches > 0 || r.status != READER_END))
            fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, r.report.error);
        size_t count = commands_before(&t, batches);
        if (batches > 0)
            assert_slice_equal(buf_slice(&r.commands),
                               slice_of(whole.commands.ptr, whole.ends[count - 1]));
        result_deinit(&r);
    }
    result_deinit(&whole);
    text_deinit(&t);
    check_damage(SLICE("*1\r\n$5\r\nMULTI\r\n#CORSAC:1\r\n"), "a header within a transaction", 15,
                 0);
}

/* --- behind the last seal ------------------------------------------------------------------- */

/* Reads a file whose sealed part ends at `sealed`, and what is behind. */
static void read_with_tail(struct result *r, struct slice text, size_t sealed)
{
    struct reader *reader;
    struct reader_batch b;
    uint64_t pos = 0;
    *r = (struct result){0};
    buf_init(&r->commands);
    file_write("t.aof", text);
    assert_int_equal(reader_open(&reader, "t.aof"), ERR_OK);
    while ((r->status = reader_next(reader, &b)) == READER_BATCH)
        pos = b.end_pos;
    reader_report(reader, &r->report);
    if (r->status == READER_TORN) {
        assert_int_equal(r->report.good_bytes, sealed);
        assert_true(reader_read_tail(reader));
        while ((r->status = reader_next(reader, &b)) == READER_BATCH) {
            assert_int_equal(b.start_pos, pos);
            pos = b.end_pos;
            result_add(r, &b);
        }
        assert_int_equal(reader_next(reader, &b), r->status);
        reader_report(reader, &r->report);
        assert_true(r->report.tail && !r->report.sealed);
    }
    reader_close(&reader);
}

static void make_tail(struct aof_text *t, size_t *sealed)
{
    make_sealed(t, true);
    *sealed = t->bytes.len;
    t->so_far = t->count = 0;
    text_command(t, "SELECT 3");
    text_end(t);
    text_set(t, "redis", SLICE("went on here"));
    text_end(t);
    format_timestamp(&t->bytes, 1700000100);
    text_command(t, "multi");
    text_set(t, "a", SLICE("1"));
    text_command(t, "EXEC");
    text_end(t);
    text_set(t, "b", SLICE("2"));
    text_end(t);
}

static void test_a_tail_cut_at_every_byte(void **state)
{
    struct aof_text t;
    struct result r;
    size_t sealed;
    make_tail(&t, &sealed);
    for (size_t cut = sealed + 1; cut <= t.bytes.len; cut++) {
        size_t batches = batches_before(&t, cut);
        bool between = (batches && t.ends[batches - 1] == cut) || cut == t.ends[1] + 16;
        read_with_tail(&r, slice_of(t.bytes.ptr, cut), sealed);
        if (r.status != (between ? READER_END : READER_TORN))
            fail_msg("cut at %zu: %s", cut, r.report.error);
        assert_int_equal(r.count, commands_before(&t, batches));
        result_deinit(&r);
    }
    assert_int_equal(r.pos, t.pos);
    assert_int_equal(r.unix_s, 1700000100);
    text_deinit(&t);
}

/* As a power cut leaves a write of ours whose file had grown: what was whole counts, and the start is not refused. */
static void test_a_tail_cut_at_every_byte_with_zeros_behind(void **state)
{
    (void)state;
    struct aof_text t;
    struct result r;
    size_t sealed;
    make_tail(&t, &sealed);
    char *text = calloc(1, t.bytes.len + 100);
    for (size_t cut = sealed + 1; cut <= t.bytes.len; cut++) {
        memcpy(text, t.bytes.ptr, cut);
        read_with_tail(&r, slice_of(text, t.bytes.len + 100), sealed);
        if (r.status != READER_TORN)
            fail_msg("cut at %zu: %s", cut, r.report.error);
        assert_int_equal(r.count, commands_before(&t, batches_before(&t, cut)));
        result_deinit(&r);
        memset(text, 0, cut);
    }
    free(text);
    text_deinit(&t);
}

/* Bits of a value cannot be checked; but no flip makes of the tail anything else than commands, or
 * lets a length run over a seal. */
static void test_what_a_tail_must_not_hold(void **state)
{
    struct aof_text t;
    struct result r;
    size_t sealed;
    make_tail(&t, &sealed);
    size_t len = t.bytes.len;
    const struct {
        const char *text, *why;
    } wrong[] = {{"# a note\r\n", "unknown annotation"},
                 {FORMAT_HEADER_LINE, "a header in the middle"},
                 {"garbage", "'*' was expected"}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        t.bytes.len = len;
        buf_append_cstr(&t.bytes, wrong[i].text);
        /* The sealed part says so by itself, and gives out nothing of the tail. */
        read_with_tail(&r, buf_slice(&t.bytes), sealed);
        assert_int_equal(r.status, READER_DAMAGED);
        assert_non_null(strstr(r.report.error, wrong[i].why));
        assert_int_equal(r.report.good_bytes, sealed);
        result_deinit(&r);
    }
    t.bytes.len = len;
    t.batch = sealed;
    text_seal(&t); /* one that fits covers it all */
    read_with_tail(&r, buf_slice(&t.bytes), sealed);
    assert_int_equal(r.status, READER_END);
    assert_int_equal(r.report.good_bytes, t.bytes.len);
    result_deinit(&r);
    *(char *)memmem(t.bytes.ptr + sealed, len - sealed, "went", 4) ^= 1;
    read_with_tail(&r, buf_slice(&t.bytes), sealed);
    assert_int_equal(r.status, READER_DAMAGED);
    assert_non_null(strstr(r.report.error, "checksum"));
    result_deinit(&r);
    text_deinit(&t);
}

/* A power cut may leave blocks of a write out. */
static void test_a_hole_in_a_tail(void **state)
{
    for (size_t zeros = READER_HOLE_BYTES - 1; zeros < 2 * READER_HOLE_BYTES;
         zeros += READER_HOLE_BYTES) {
        struct aof_text t;
        struct result r;
        char *value = malloc(5 * READER_HOLE_BYTES);
        memset(value, 'v', 5 * READER_HOLE_BYTES);
        text_init(&t, 0);
        text_header(&t);
        size_t sealed = t.bytes.len;
        text_set(&t, "key", slice_of(value, 5 * READER_HOLE_BYTES));
        memset(t.bytes.ptr + 2 * READER_HOLE_BYTES, 0, zeros);
        read_with_tail(&r, buf_slice(&t.bytes), sealed);
        assert_int_equal(r.status, zeros < READER_HOLE_BYTES ? READER_END : READER_DAMAGED);
        if (zeros >= READER_HOLE_BYTES) {
            assert_int_equal(r.report.bad_at, 2 * READER_HOLE_BYTES);
            assert_int_equal(r.count, 0);
        }
        result_deinit(&r);
        text_deinit(&t);
        free(value);
    }
}

/* Redis went on for a long time: it is not all kept in memory. */
static void test_a_tail_larger_than_a_batch_may_be(void **state)
{
    struct reader *reader;
    struct reader_batch b;
    struct aof_text t;
    size_t count = 0, most = 0, value_bytes = 1024 * 1024;
    char *value = malloc(value_bytes);
    memset(value, 'v', value_bytes);
    text_init(&t, 0);
    text_header(&t);
    file_write("large.aof", buf_slice(&t.bytes));
    t.bytes.len = 0;
    text_set(&t, "key", slice_of(value, value_bytes));
    int fd = open("large.aof", O_WRONLY | O_APPEND);
    for (int i = 0; i < 100; i++)
        assert_int_equal(write(fd, t.bytes.ptr, t.bytes.len), t.bytes.len);
    close(fd);
    assert_int_equal(reader_open(&reader, "large.aof"), ERR_OK);
    assert_int_equal(reader_next(reader, &b), READER_BATCH);
    assert_int_equal(reader_next(reader, &b), READER_TORN);
    assert_true(reader_read_tail(reader));
    enum reader_status status;
    while ((status = reader_next(reader, &b)) == READER_BATCH) {
        count += b.count;
        most = b.count > most ? b.count : most;
    }
    assert_int_equal(status, READER_END);
    assert_int_equal(count, 100);
    assert_true(most < 100);
    reader_close(&reader);
    unlink("large.aof");
    text_deinit(&t);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_base_cut_at_every_byte),
        cmocka_unit_test(test_every_bit_of_a_base_flipped),
        cmocka_unit_test(test_what_is_no_base),
        cmocka_unit_test(test_a_plain_file_that_goes_on_sealed),
        cmocka_unit_test(test_a_tail_cut_at_every_byte),
        cmocka_unit_test(test_a_tail_cut_at_every_byte_with_zeros_behind),
        cmocka_unit_test(test_what_a_tail_must_not_hold),
        cmocka_unit_test(test_a_hole_in_a_tail),
        cmocka_unit_test(test_a_tail_larger_than_a_batch_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
