#include "unit/log/reader_files.h"

#include "base/mem.h"

static void check_sealed(bool dated)
{
    struct aof_text t;
    struct result r;
    make_sealed(&t, dated);
    read_text(&r, buf_slice(&t.bytes));
    assert_int_equal(r.status, READER_END);
    assert_true(r.report.sealed);
    assert_int_equal(r.batches, t.count);
    assert_int_equal(r.count, t.so_far);
    assert_int_equal(r.report.good_bytes, t.bytes.len);
    assert_int_equal(r.unix_s, 1700000001);
    assert_int_equal(r.report.begun_s, dated ? TEXT_BEGUN_S : 0);
    assert_int_equal(r.pos, t.pos);
    result_deinit(&r);
    /* The date is no timestamp. */
    read_text(&r, slice_of(t.bytes.ptr, t.ends[1]));
    assert_int_equal(r.batches, 2);
    assert_int_equal(r.unix_s, 0);
    result_deinit(&r);
    text_deinit(&t);
}

static void test_a_sealed_file(void **state)
{
    check_sealed(false);
    check_sealed(true);
}

static void check_every_byte_cut(bool dated)
{
    struct aof_text t;
    struct result whole, r;
    make_sealed(&t, dated);
    read_text(&whole, buf_slice(&t.bytes));
    for (size_t cut = 0; cut < t.bytes.len; cut++) {
        size_t batches = batches_before(&t, cut);
        bool between = cut == 0 || (batches && t.ends[batches - 1] == cut);
        read_text(&r, slice_of(t.bytes.ptr, cut));
        if (r.status != (between ? READER_END : READER_TORN))
            fail_msg("cut at %zu: %s", cut, r.report.error);
        check_prefix(&r, &whole, &t, batches);
        result_deinit(&r);
    }
    result_deinit(&whole);
    text_deinit(&t);
}

static void test_every_byte_cut(void **state)
{
    check_every_byte_cut(false);
    check_every_byte_cut(true);
}

/* The file had grown before its data arrived: zeros from any byte on, to the end or beyond it. */
static void check_every_tail_of_zeros(bool dated)
{
    struct aof_text t;
    struct result whole, r;
    make_sealed(&t, dated);
    read_text(&whole, buf_slice(&t.bytes));
    size_t most = t.bytes.len + 4096;
    char *text = malloc(most);
    for (size_t cut = 0; cut <= t.bytes.len; cut++) {
        memcpy(text, t.bytes.ptr, cut);
        memset(text + cut, 0, most - cut);
        size_t lens[] = {cut + 1, t.bytes.len, most};
        for (size_t i = 0; i < COUNT_OF(lens); i++) {
            if (lens[i] <= cut)
                continue;
            read_text(&r, slice_of(text, lens[i]));
            if (r.status != READER_TORN && memcmp(text, t.bytes.ptr, lens[i]) != 0)
                fail_msg("zeros from %zu to %zu: %s", cut, lens[i], r.report.error);
            size_t same = cut;
            while (same < t.bytes.len && same < lens[i] && text[same] == t.bytes.ptr[same])
                same++;
            check_prefix(&r, &whole, &t, batches_before(&t, same));
            result_deinit(&r);
        }
    }
    free(text);
    result_deinit(&whole);
    text_deinit(&t);
}

static void test_every_tail_of_zeros(void **state)
{
    check_every_tail_of_zeros(false);
    check_every_tail_of_zeros(true);
}

static void check_every_bit_flipped(bool dated)
{
    struct aof_text t;
    struct result whole, r;
    make_sealed(&t, dated);
    size_t beyond = 0; /* a longer length may end well, by chance, in a later batch */
    read_text(&whole, buf_slice(&t.bytes));
    for (size_t bit = 0; bit < t.bytes.len * 8; bit++) {
        size_t batches = batches_before(&t, bit / 8);
        size_t batch_at = batches ? t.ends[batches - 1] : 0;
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        read_text(&r, buf_slice(&t.bytes));
        t.bytes.ptr[bit / 8] = (char)(t.bytes.ptr[bit / 8] ^ 1 << bit % 8);
        if (r.status != READER_DAMAGED)
            fail_msg("bit %zu of byte %zu: %s", bit % 8, bit / 8, r.report.error);
        check_prefix(&r, &whole, &t, batches);
        assert_true(r.report.bad_at >= batch_at);
        beyond += r.report.bad_at >= t.ends[batches];
        result_deinit(&r);
    }
    assert_true(beyond <= 3);
    result_deinit(&whole);
    text_deinit(&t);
}

static void test_every_bit_flipped(void **state)
{
    check_every_bit_flipped(false);
    check_every_bit_flipped(true);
}

/* A length that lost its way beyond the end must not pass for a torn tail. */
static void test_lengths_that_swallow_the_rest(void **state)
{
    struct aof_text t;
    struct result r;
    text_init(&t, 0);
    text_header(&t);
    for (int i = 0; i < 3; i++) {
        char *value = malloc(200000);
        memset(value, 'v', 200000);
        text_set(&t, "key", slice_of(value, 100000));
        text_seal(&t);
        free(value);
    }
    for (size_t batch = 1; batch < t.count; batch++) {
        char *p = memmem(t.bytes.ptr + t.ends[batch - 1], 100, "$100000", 7);
        p[1] = '9';
        read_text(&r, buf_slice(&t.bytes));
        assert_int_equal(r.status, READER_DAMAGED);
        assert_int_equal(r.batches, batch);
        assert_int_equal(r.report.bad_at, t.ends[batch - 1]);
        result_deinit(&r);
        /* Without the seals behind, it is just a write that was cut off. */
        read_text(&r, slice_of(t.bytes.ptr, t.ends[batch] - 1));
        assert_int_equal(r.status, READER_TORN);
        result_deinit(&r);
        p[1] = '1';
    }
    text_deinit(&t);
}

static void test_what_a_sealed_file_must_not_hold(void **state)
{
    struct aof_text t;
    text_init(&t, 0);
    text_header(&t);
    text_command(&t, "PING");
    buf_append_cstr(&t.bytes, FORMAT_HEADER_LINE);
    text_seal(&t);
    check_damage(buf_slice(&t.bytes), "a header in the middle", t.ends[0] + 14, 0);
    t.bytes.len = t.ends[0] + 14;
    text_date(&t);
    check_damage(buf_slice(&t.bytes), "a date in the middle", t.ends[0] + 14, 0);
    t.bytes.len = t.ends[0] + 14;
    buf_append_cstr(&t.bytes, "# a note\r\n");
    check_damage(buf_slice(&t.bytes), "unknown annotation", t.ends[0] + 14, 0);
    t.bytes.len = t.ends[0];
    buf_append_cstr(&t.bytes, "garbage");
    check_damage(buf_slice(&t.bytes), "'*' was expected", t.ends[0], 0);
    text_deinit(&t);
    check_damage(SLICE("#CORSAC:2\r\n"), "another version", 0, 0);
    check_damage(SLICE("#TS:00000000001700000000\r\n#CORSAC:2\r\n"), "another version", 26, 0);
    check_damage(SLICE("#TS:00000000001700000000\r\n# note\r\n"), "unknown annotation", 26, 0);
    check_damage(SLICE("# note\r\n*1\r\n$4\r\nPING\r\n"), "neither", 0, 0);
}

/* --- plain files ---------------------------------------------------------------------------- */

static void test_a_plain_file_cut_at_every_byte(void **state)
{
    struct aof_text t;
    struct result whole, r;
    make_plain(&t);
    read_text(&whole, buf_slice(&t.bytes));
    assert_int_equal(whole.status, READER_END);
    assert_false(whole.report.sealed);
    assert_int_equal(whole.count, t.so_far);
    assert_int_equal(whole.unix_s, 6);
    size_t annotation_ends[] = {7, t.ends[1] + 7};
    for (size_t cut = 1; cut < t.bytes.len; cut++) {
        size_t batches = batches_before(&t, cut), count = commands_before(&t, batches);
        bool between = cut == annotation_ends[0] || cut == annotation_ends[1] ||
                       (batches && t.ends[batches - 1] == cut);
        if (cut < 7 && cut > 0)
            batches = count = 0;
        read_text(&r, slice_of(t.bytes.ptr, cut));
        if (r.status != (between ? READER_END : READER_TORN))
            fail_msg("cut at %zu: %s", cut, r.report.error);
        assert_int_equal(r.count, count);
        assert_slice_equal(buf_slice(&r.commands),
                           slice_of(whole.commands.ptr, count ? whole.ends[count - 1] : 0));
        if (between)
            assert_int_equal(r.report.good_bytes, cut);
        result_deinit(&r);
    }
    result_deinit(&whole);
    text_deinit(&t);
}

static void test_plain_files_give_what_comes_before_the_damage(void **state)
{
    struct aof_text t;
    make_plain(&t);
    size_t len = t.bytes.len;
    buf_append_cstr(&t.bytes, "garbage");
    check_damage(buf_slice(&t.bytes), "'*' was expected", len, t.so_far);
    t.bytes.len = len;
    text_seal(&t);
    check_damage(buf_slice(&t.bytes), "a seal in a file", len, t.so_far);
    text_deinit(&t);
    /* Within a transaction, nothing of it. */
    check_damage(SLICE("*1\r\n$4\r\nPING\r\n*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nPING\r\nx"), "'*'", 43,
                 1);
}

/* --- large files ---------------------------------------------------------------------------- */

static void check_large(bool sealed, size_t value_bytes, int count, int batch)
{
    struct aof_text t;
    struct result r;
    char *value = calloc(1, value_bytes);
    text_init(&t, 0);
    if (sealed)
        text_header(&t);
    for (int i = 1; i <= count; i++) {
        memset(value, i, value_bytes);
        text_set(&t, "key", slice_of(value, value_bytes));
        if (sealed && i % batch == 0) {
            t.count = 0;
            text_seal(&t);
        }
    }
    read_text(&r, buf_slice(&t.bytes));
    assert_int_equal(r.status, READER_END);
    assert_int_equal(r.count, count);
    assert_true(r.commands.len <= t.bytes.len);
    if (!sealed)
        assert_memory_equal(r.commands.ptr, t.bytes.ptr, t.bytes.len);
    result_deinit(&r);
    read_text(&r, slice_of(t.bytes.ptr, t.bytes.len - 1));
    assert_int_equal(r.status, READER_TORN);
    assert_int_equal(r.count, sealed ? count - batch : count - 1);
    result_deinit(&r);
    text_deinit(&t);
    free(value);
}

static void test_files_larger_than_the_buffer(void **state)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        check_large(sealed, 10, 200000, 1000);
        check_large(sealed, 1000, 10000, 10000);               /* a batch of 10 MB */
        check_large(sealed, 3 * READER_CHUNK_BYTES + 1, 3, 1); /* a value */
        check_large(sealed, READER_CHUNK_BYTES - 60, 4, 2);
    }
}

/* Each allocation fails in turn: nothing but what is right is given out, and it goes on later. */
static void test_no_memory(void **state)
{
    struct aof_text t;
    struct reader *reader;
    struct reader_batch b;
    struct reader_report report;
    text_init(&t, 0);
    text_header(&t);
    for (int i = 0; i < 3000; i++)
        text_command(&t, "SET a b");
    text_seal(&t);
    file_write("f.aof", buf_slice(&t.bytes));
    for (size_t n = 1; n < 100; n++) {
        size_t count = 0;
        bool failed = false;
        enum reader_status status;
        assert_int_equal(reader_open(&reader, "f.aof"), ERR_OK);
        mem_fail_after(n);
        for (;;) {
            status = reader_next(reader, &b);
            if (status == READER_IO) {
                failed = true;
                mem_fail_after(0);
                reader_report(reader, &report);
                assert_non_null(strstr(report.error, "no memory"));
                continue;
            }
            if (status != READER_BATCH)
                break;
            count += b.count;
        }
        mem_fail_after(0);
        assert_int_equal(status, READER_END);
        assert_int_equal(count, 3000);
        reader_close(&reader);
        if (!failed) {
            assert_true(n > 5);
            break;
        }
    }
    text_deinit(&t);
}

static void test_opening(void **state)
{
    struct reader *reader = NULL;
    struct reader_batch b;
    assert_int_equal(reader_open(&reader, "none"), ERR_NOTFOUND);
    assert_int_equal(mkdir("dir", 0755), 0);
    assert_int_equal(reader_open(&reader, "dir"), ERR_IO);
    assert_int_equal(mkfifo("fifo", 0644), 0);
    assert_int_equal(reader_open(&reader, "fifo"), ERR_IO);
    reader_close(&reader);
    file_write("empty", SLICE(""));
    assert_int_equal(reader_open(&reader, "empty"), ERR_OK);
    assert_int_equal(reader_next(reader, &b), READER_END);
    reader_close(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sealed_file),
        cmocka_unit_test(test_every_byte_cut),
        cmocka_unit_test(test_every_tail_of_zeros),
        cmocka_unit_test(test_every_bit_flipped),
        cmocka_unit_test(test_lengths_that_swallow_the_rest),
        cmocka_unit_test(test_what_a_sealed_file_must_not_hold),
        cmocka_unit_test(test_a_plain_file_cut_at_every_byte),
        cmocka_unit_test(test_plain_files_give_what_comes_before_the_damage),
        cmocka_unit_test(test_files_larger_than_the_buffer),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
