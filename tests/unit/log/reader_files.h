#pragma once
/* What a reader gives of a file, and files for it to read. */
#include "unit/log/aof_files.h"

#include "log/reader.h"

#define FAKE_SEAL "\r\n#SEAL pos=00000000000000000001 crc=00000000\r\n"

/* What a file gave: commands in one text, and how it ended. */
struct result {
    struct buf commands;
    size_t ends[1024]; /* in that text, of each command */
    size_t count, batches;
    enum reader_status status;
    struct reader_report report;
    int64_t unix_s;
    uint64_t pos;
};

static inline void result_add(struct result *r, const struct reader_batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        format_command(&r->commands, b->commands[i].argc, b->commands[i].argv);
        if (r->count < COUNT_OF(r->ends))
            r->ends[r->count] = r->commands.len;
        r->count++;
    }
    r->batches++;
    r->unix_s = b->unix_s;
    r->pos = b->end_pos;
}

static inline void read_path(struct result *r, const char *path)
{
    struct reader *reader;
    struct reader_batch b;
    uint64_t at = 0;
    *r = (struct result){0};
    buf_init(&r->commands);
    assert_int_equal(reader_open(&reader, path), ERR_OK);
    while ((r->status = reader_next(reader, &b)) == READER_BATCH) {
        assert_int_equal(b.at, at);
        result_add(r, &b);
        reader_report(reader, &r->report);
        at = r->report.good_bytes;
    }
    /* Asked again, it says the same. */
    assert_int_equal(reader_next(reader, &b), r->status);
    reader_report(reader, &r->report);
    reader_close(&reader);
}

static inline void read_text(struct result *r, struct slice text)
{
    file_write("f.aof", text);
    read_path(r, "f.aof");
}

static inline void result_deinit(struct result *r)
{
    buf_deinit(&r->commands);
}

/* Several batches: transactions, timestamps, values that look like seals, zeros. */
static inline void make_sealed(struct aof_text *t, bool dated)
{
    text_init(t, 1000);
    if (dated)
        text_date(t);
    text_header(t);
    text_command(t, "SELECT 0");
    text_set(t, "plain", SLICE("value"));
    text_seal(t);
    format_timestamp(&t->bytes, 1700000000);
    text_set(t, "seal", SLICE(FAKE_SEAL FAKE_SEAL));
    text_command(t, "MULTI");
    text_set(t, "binary", SLICE("\r\n\0\xff#CORSAC:1\r\n*1\r\n$4\r\nPING\r\n"));
    text_command(t, "DEL plain");
    text_command(t, "EXEC");
    text_seal(t);
    text_seal(t); /* of nothing */
    text_set(t, "zeros", SLICE("\0\0\0\0\0\0\0\0\0\0\0\0"));
    text_seal(t);
    format_timestamp(&t->bytes, 1700000001);
    text_command(t, "PEXPIREAT binary 1800000000000");
    text_set(t, "last", SLICE("ends in\0\0"));
    text_seal(t);
}

/* The batches that end at or before `at`. */
static inline size_t batches_before(const struct aof_text *t, size_t at)
{
    size_t n = 0;
    while (n < t->count && t->ends[n] <= at)
        n++;
    return n;
}

static inline size_t commands_before(const struct aof_text *t, size_t batches)
{
    return batches ? t->commands[batches - 1] : 0;
}

/* Exactly the commands of the first batches were given out. */
static inline void check_prefix(const struct result *got, const struct result *whole,
                                const struct aof_text *t, size_t batches)
{
    size_t count = commands_before(t, batches);
    assert_int_equal(got->count, count);
    assert_slice_equal(buf_slice(&got->commands),
                       slice_of(whole->commands.ptr, count ? whole->ends[count - 1] : 0));
    assert_int_equal(got->report.good_bytes, batches ? t->ends[batches - 1] : 0);
}

static inline void check_damage(struct slice text, const char *why, uint64_t bad_at, size_t count)
{
    struct result r;
    read_text(&r, text);
    assert_int_equal(r.status, READER_DAMAGED);
    if (!strstr(r.report.error, why))
        fail_msg("%s", r.report.error);
    assert_int_equal(r.report.bad_at, bad_at);
    assert_int_equal(r.count, count);
    result_deinit(&r);
}

static inline void make_plain(struct aof_text *t)
{
    text_init(t, 0);
    buf_append_cstr(&t->bytes, "#TS:5\r\n");
    text_command(t, "SELECT 0");
    text_end(t);
    text_set(t, "a", SLICE("\r\n*1\r\n$4\r\nPING\r\n"));
    text_end(t);
    buf_append_cstr(&t->bytes, "#TS:6\r\n");
    text_command(t, "multi");
    text_set(t, "b", SLICE("1"));
    text_set(t, "c", SLICE("2"));
    text_command(t, "EXEC");
    text_end(t);
    text_command(t, "DEL a");
    text_end(t);
}
