#pragma once
/* Append-only files for tests, written record by record. Needs a working directory of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/base/base_test.h"

#include "base/buf.h"
#include "log/format.h"

/* A file in the making; a sealed one from its header on. */
struct aof_text {
    struct buf bytes;
    size_t batch;         /* where the batch begins */
    uint64_t pos;         /* of the log */
    size_t ends[64];      /* of the batches, for tests that cut */
    size_t commands[64];  /* in the file up to there */
    size_t count, so_far; /* batches; commands */
};

static inline void text_init(struct aof_text *t, uint64_t pos)
{
    *t = (struct aof_text){.pos = pos};
    buf_init(&t->bytes);
}

static inline void text_deinit(struct aof_text *t)
{
    buf_deinit(&t->bytes);
}

/* Words separated by spaces. */
static inline void text_command(struct aof_text *t, const char *line)
{
    struct slice argv[16];
    int argc = 0;
    for (const char *p = line; *p; p += *p == ' ') {
        size_t len = strcspn(p, " ");
        argv[argc++] = slice_of(p, len);
        p += len;
    }
    t->pos += format_command_bytes(argc, argv);
    t->so_far++;
    format_command(&t->bytes, argc, argv);
}

static inline void text_set(struct aof_text *t, const char *key, struct slice value)
{
    struct slice argv[3] = {SLICE("SET"), slice_from_cstr(key), value};
    t->pos += format_command_bytes(3, argv);
    t->so_far++;
    format_command(&t->bytes, 3, argv);
}

static inline void text_end(struct aof_text *t)
{
    t->commands[t->count] = t->so_far;
    t->ends[t->count++] = t->batch = t->bytes.len;
}

static inline void text_seal(struct aof_text *t)
{
    char seal[SEAL_BYTES];
    format_seal(seal, t->pos, crc32c(0, t->bytes.ptr + t->batch, t->bytes.len - t->batch));
    buf_append(&t->bytes, seal, sizeof(seal));
    text_end(t);
}

#define TEXT_BEGUN_S 1699999999

/* Corsac's files begin with the date; those that it wrote before there were dates do not. */
static inline void text_date(struct aof_text *t)
{
    format_date(&t->bytes, TEXT_BEGUN_S);
}

static inline void text_header(struct aof_text *t)
{
    buf_append_cstr(&t->bytes, FORMAT_HEADER_LINE);
    text_seal(t);
}

/* Of a base that ends in a line that says so; and that end. */
static inline void text_base(struct aof_text *t)
{
    buf_append_cstr(&t->bytes, FORMAT_HEADER_LINE FORMAT_BASE_LINE);
    text_seal(t);
}
static inline void text_base_end(struct aof_text *t)
{
    format_end(&t->bytes, t->count + 1);
    text_seal(t);
}

/* Not truncated first: some file systems write a file out that is emptied and filled again. */
static inline void file_write(const char *path, struct slice content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    assert_int_equal(ftruncate(fd, (off_t)content.len), 0);
    close(fd);
}

static inline uint64_t file_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : UINT64_MAX;
}
