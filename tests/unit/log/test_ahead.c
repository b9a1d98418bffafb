/* Reading ahead gives what reading gives, on disks that are slow or fail too. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "unit/log/aof_files.h"

#include "base/mem.h"
#include "base/rng.h"
#include "log/ahead.h"

#define BATCHES     40
#define LARGE_BATCH 17 /* is lent, as it is too large to be copied */

/* --- the disk ------------------------------------------------------------------------------- */

static _Atomic int delay_us, reads_until_failure; /* 0: none; read by the thread as well */

/* Stands in the way of libc's pread, by whatever name headers know that. */
ssize_t disk_pread(int fd, void *p, size_t len, off_t offset) __asm__("pread");
ssize_t disk_pread(int fd, void *p, size_t len, off_t offset)
{
    if (delay_us > 0)
        usleep((useconds_t)delay_us);
    if (reads_until_failure > 0 && --reads_until_failure == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, p, len, offset);
}

/* --- files ---------------------------------------------------------------------------------- */

static void add_batch(struct aof_text *t, struct rng *rng, size_t bytes)
{
    char name[32];
    char *value = malloc(bytes);
    memset(value, 'v', bytes);
    for (size_t left = bytes; left > 0;) {
        size_t len = 1 + rng_below(rng, left < 2000 ? left : 2000);
        snprintf(name, sizeof(name), "key:%zu", left);
        text_set(t, name, slice_of(value, left == bytes ? 0 : len));
        left -= len;
    }
    free(value);
}

static void add_nothing(struct aof_text *t)
{
    struct slice empty = SLICE("");
    t->pos += format_command_bytes(1, &empty);
    format_command(&t->bytes, 1, &empty);
}

/* Large enough for a thread. */
static void make_file(struct aof_text *t, bool sealed)
{
    struct rng rng;
    rng_seed(&rng, 7);
    text_init(t, 1000);
    if (sealed)
        text_header(t);
    for (int i = 0; i < BATCHES; i++) {
        if (i == 5) /* one without a byte to copy, */
            add_nothing(t);
        else if (i != 10) /* and one of nothing */
            add_batch(t, &rng, i == LARGE_BATCH ? AHEAD_COPY_BYTES_MAX + 1 : 30000);
        if (sealed)
            text_seal(t);
    }
    assert_true(t->bytes.len > AHEAD_FILE_BYTES_MIN * 5 / 4);
}

/* --- comparing ------------------------------------------------------------------------------ */

static void assert_same_batch(const struct reader_batch *a, const struct reader_batch *b)
{
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->at, b->at);
    assert_int_equal(a->start_pos, b->start_pos);
    assert_int_equal(a->end_pos, b->end_pos);
    assert_int_equal(a->unix_s, b->unix_s);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->commands[i].argc, b->commands[i].argc);
        for (int j = 0; j < a->commands[i].argc; j++)
            assert_true(slice_equal(a->commands[i].argv[j], b->commands[i].argv[j]));
    }
}

static void assert_same_report(const struct reader_report *a, const struct reader_report *b)
{
    assert_int_equal(a->file_bytes, b->file_bytes);
    assert_int_equal(a->good_bytes, b->good_bytes);
    assert_int_equal(a->bad_at, b->bad_at);
    assert_int_equal(a->sealed, b->sealed);
    assert_string_equal(a->error, b->error);
}

/* Each batch is looked at only after `rest_us`, when the thread has gone on as far as it may. */
static enum reader_status compare(const char *path, useconds_t rest_us)
{
    struct reader *reader;
    struct ahead *ahead;
    struct reader_batch want, got;
    struct reader_report want_report, got_report;
    enum reader_status status, ahead_status;
    assert_int_equal(reader_open(&reader, path), ERR_OK);
    assert_int_equal(ahead_open(&ahead, path), ERR_OK);
    do {
        status = reader_next(reader, &want);
        while ((ahead_status = ahead_next(ahead, &got)) == READER_LATER)
            continue;
        if (rest_us > 0)
            usleep(rest_us);
        assert_int_equal(ahead_status, status);
        assert_same_batch(&got, &want);
        reader_report(reader, &want_report);
        ahead_report(ahead, &got_report);
        assert_same_report(&got_report, &want_report);
        if (want_report.file_bytes >= AHEAD_FILE_BYTES_MIN)
            assert_int_equal(ahead_reader(ahead) == NULL, status == READER_BATCH);
    } while (status == READER_BATCH);
    /* Asked again, it says the same. */
    assert_non_null(ahead_reader(ahead));
    assert_int_equal(ahead_next(ahead, &got), status);
    ahead_report(ahead, &got_report);
    assert_same_report(&got_report, &want_report);
    ahead_close(&ahead);
    reader_close(&reader);
    return status;
}

/* --- tests ---------------------------------------------------------------------------------- */

static void whole_files(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct aof_text t;
        make_file(&t, sealed);
        file_write("f.aof", buf_slice(&t.bytes));
        assert_int_equal(compare("f.aof", 0), READER_END);
        assert_int_equal(compare("f.aof", 500), READER_END);
        file_write("f.aof", slice_of(t.bytes.ptr, t.ends[1])); /* too small for a thread */
        compare("f.aof", 0);
        text_deinit(&t);
    }
    file_write("f.aof", SLICE(""));
    assert_int_equal(compare("f.aof", 0), READER_END);
    struct ahead *ahead;
    assert_int_equal(ahead_open(&ahead, "nothing.aof"), ERR_NOTFOUND);
}

static void files_that_are_cut_or_damaged(void **state)
{
    (void)state;
    struct aof_text t;
    struct rng rng;
    unsigned torn = 0, damaged = 0;
    rng_seed(&rng, 1);
    for (int sealed = 0; sealed < 2; sealed++) {
        make_file(&t, sealed);
        for (int i = 0; i < 25; i++) {
            size_t len = AHEAD_FILE_BYTES_MIN + rng_below(&rng, t.bytes.len - AHEAD_FILE_BYTES_MIN);
            file_write("f.aof", slice_of(t.bytes.ptr, len));
            torn += compare("f.aof", 0) == READER_TORN;

            char *byte = &t.bytes.ptr[rng_below(&rng, t.bytes.len)];
            char bit = (char)(1 << rng_below(&rng, 8));
            *byte ^= bit;
            file_write("f.aof", buf_slice(&t.bytes));
            *byte ^= bit;
            damaged += compare("f.aof", 0) == READER_DAMAGED;
        }
        text_deinit(&t);
    }
    assert_true(torn > 30);
    assert_true(damaged >= 25);
}

/* Whatever the thread is doing. */
static void closing_early(void **state)
{
    (void)state;
    struct aof_text t;
    make_file(&t, true);
    file_write("f.aof", buf_slice(&t.bytes));
    for (int n = 0; n <= BATCHES; n++) {
        for (useconds_t rest_us = 0; rest_us <= 2000; rest_us += 2000) {
            struct ahead *ahead;
            struct reader_batch b;
            assert_int_equal(ahead_open(&ahead, "f.aof"), ERR_OK);
            for (int i = 0; i < n; i++)
                ahead_next(ahead, &b);
            usleep(rest_us);
            ahead_close(&ahead);
            assert_null(ahead);
        }
    }
    text_deinit(&t);
}

static void a_slow_disk_holds_nobody_up(void **state)
{
    (void)state;
    struct aof_text t;
    struct ahead *ahead;
    struct reader_batch b;
    unsigned later = 0, batches = 0;
    enum reader_status status;
    make_file(&t, true);
    file_write("f.aof", buf_slice(&t.bytes));
    delay_us = 300 * 1000;
    assert_int_equal(ahead_open(&ahead, "f.aof"), ERR_OK);
    while ((status = ahead_next(ahead, &b)) == READER_LATER || status == READER_BATCH) {
        later += status == READER_LATER;
        batches += status == READER_BATCH;
        if (status == READER_LATER)
            assert_null(b.commands);
    }
    assert_int_equal(status, READER_END);
    assert_int_equal(batches, BATCHES + 1); /* the header is one */
    assert_true(later > 1);
    ahead_close(&ahead);
    assert_int_equal(ahead_open(&ahead, "f.aof"), ERR_OK);
    ahead_close(&ahead);
    delay_us = 0;
    text_deinit(&t);
}

static void a_disk_that_fails_is_told_of(void **state)
{
    (void)state;
    struct aof_text t;
    struct ahead *ahead;
    struct reader_batch b;
    struct reader_report report;
    enum reader_status status;
    make_file(&t, true);
    while (t.bytes.len < 2 * (size_t)READER_CHUNK_BYTES) /* more than one read */
        buf_append_slice(&t.bytes, SLICE("*1\r\n$4\r\nPING\r\n"));
    text_seal(&t);
    file_write("f.aof", buf_slice(&t.bytes));
    reads_until_failure = 2;
    unsigned batches = 0;
    assert_int_equal(ahead_open(&ahead, "f.aof"), ERR_OK);
    while ((status = ahead_next(ahead, &b)) == READER_LATER || status == READER_BATCH)
        batches += status == READER_BATCH;
    assert_int_equal(status, READER_IO);
    assert_int_equal(reads_until_failure, 0);
    assert_int_equal(batches, BATCHES + 1);
    ahead_report(ahead, &report);
    assert_string_equal(report.error, "cannot be read: Input/output error");
    assert_int_equal(report.good_bytes, t.ends[t.count - 2]);
    ahead_close(&ahead);
    text_deinit(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_files),
        cmocka_unit_test(files_that_are_cut_or_damaged),
        cmocka_unit_test(closing_early),
        cmocka_unit_test(a_slow_disk_holds_nobody_up),
        cmocka_unit_test(a_disk_that_fails_is_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
