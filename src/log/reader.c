#include "log/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "log/format.h"

struct reader {
    int fd;
    uint64_t file_bytes;
    char *buf; /* owned: bytes [at, at + len) of the file */
    size_t len, cap;
    uint64_t at;
    size_t batch; /* offset in buf: where the batch that is read now begins */
    bool sealed, started, ended;
    int64_t unix_s;
    struct format_args args;
    struct reader_command *commands; /* owned, of the batch */
    size_t *firsts;                  /* owned: first argument of each in args */
    size_t count, commands_cap;
    uint64_t bad_at;
    char error[READER_ERROR_CHARS];
};

enum err reader_open(struct reader **out, const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return ERR_IO;
    }
    struct reader *r = mem_zalloc(sizeof(*r));
    r->fd = fd;
    r->file_bytes = (uint64_t)st.st_size;
    format_args_init(&r->args);
    *out = r;
    return ERR_OK;
}

void reader_close(struct reader **reader)
{
    struct reader *r = *reader;
    if (!r)
        return;
    close(r->fd);
    format_args_deinit(&r->args);
    mem_free(r->commands);
    mem_free(r->firsts);
    mem_free(r->buf);
    mem_free(r);
    *reader = NULL;
}

/* --- bytes -------------------------------------------------------------------------------------------------- */

/* Reads on, keeping the bytes of the batch. False: there are no more (ended), or it failed (errno in error). */
static bool read_more(struct reader *r)
{
    if (r->ended)
        return false;
    if (r->batch > 0) {
        r->len -= r->batch;
        r->at += r->batch;
        memmove(r->buf, r->buf + r->batch, r->len);
        r->batch = 0;
    }
    if (r->cap - r->len < READER_CHUNK_BYTES) {
        size_t cap = r->cap + (r->cap > READER_CHUNK_BYTES ? r->cap : READER_CHUNK_BYTES);
        char *buf = mem_try_realloc(r->buf, cap);
        if (!buf) {
            snprintf(r->error, sizeof(r->error), "no memory for a batch of more than %zu bytes",
                     r->len);
            return false;
        }
        r->buf = buf;
        r->cap = cap;
    }
    ssize_t n;
    do
        n = pread(r->fd, r->buf + r->len, r->cap - r->len, (off_t)(r->at + r->len));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        snprintf(r->error, sizeof(r->error), "cannot be read: %s", strerror(errno));
    if (n == 0)
        r->ended = true;
    if (n <= 0)
        return false;
    r->len += (size_t)n;
    return true;
}

/* --- ends --------------------------------------------------------------------------------------------------- */

static enum reader_status damaged(struct reader *r, size_t offset, const char *why)
{
    r->bad_at = r->at + offset;
    snprintf(r->error, sizeof(r->error), "damaged at offset %llu: %s",
             (unsigned long long)r->bad_at, why);
    return READER_DAMAGED;
}

static bool only_zeros_left(struct reader *r)
{
    size_t from = r->batch;
    do
        for (; from < r->len; from++)
            if (r->buf[from])
                return false;
    while (from -= r->batch, read_more(r));
    return r->ended;
}

static enum reader_status torn(struct reader *r)
{
    uint64_t good = r->at + r->batch;
    snprintf(r->error, sizeof(r->error),
             "the last %llu bytes, from offset %llu on, are an incomplete write",
             (unsigned long long)(r->file_bytes - good), (unsigned long long)good);
    return READER_TORN;
}

/* The bytes ran out at `offset` of the buffer. */
static enum reader_status at_end(struct reader *r, size_t offset)
{
    if (r->error[0])
        return READER_IO;
    if (offset == r->batch && r->len == offset)
        return READER_END;
    return torn(r);
}

/* --- batches ------------------------------------------------------------------------------------------------ */

static void begin(struct reader *r)
{
    r->args.count = 0;
    r->count = 0;
}

static bool add_command(struct reader *r, const struct format_record *record)
{
    if (r->count == r->commands_cap) {
        size_t cap = r->commands_cap ? r->commands_cap * 2 : 1024;
        void *commands = mem_try_realloc(r->commands, cap * sizeof(*r->commands));
        if (commands)
            r->commands = commands;
        void *firsts = commands ? mem_try_realloc(r->firsts, cap * sizeof(*r->firsts)) : NULL;
        if (!firsts)
            return false;
        r->firsts = firsts;
        r->commands_cap = cap;
    }
    r->firsts[r->count] = record->first;
    r->commands[r->count++].argc = record->argc;
    return true;
}

static enum reader_status give_out(struct reader *r, struct reader_batch *out, size_t end)
{
    for (size_t i = 0; i < r->count; i++)
        r->commands[i].argv = r->args.at + r->firsts[i];
    out->commands = r->commands;
    out->count = r->count;
    out->unix_s = r->unix_s;
    r->batch = end;
    return READER_BATCH;
}

static bool is_word(const struct reader *r, const struct format_record *record, const char *word)
{
    return record->argc == 1 && slice_is(r->args.at[record->first], word);
}

/* Does the seal at `offset` cover the batch? */
static bool seal_fits(const struct reader *r, size_t offset, const struct format_record *record)
{
    return crc32c(0, r->buf + r->batch, offset + SEAL_CRC_AT - r->batch) == record->crc;
}

static enum reader_status next_sealed(struct reader *r, struct reader_batch *out)
{
    struct format_record record;
    size_t offset;
restart:
    begin(r);
    offset = r->batch;
    for (uint64_t command_bytes = 0;; offset += record.bytes) {
        enum format_kind kind =
            format_read(slice_of(r->buf + offset, r->len - offset), &r->args, &record);
        switch (kind) {
        case FORMAT_COMMAND:
            command_bytes += record.bytes;
            if (!add_command(r, &record))
                return READER_IO;
            break;
        case FORMAT_TIMESTAMP: r->unix_s = record.unix_s; break;
        case FORMAT_SEAL:
            if (!seal_fits(r, offset, &record))
                return damaged(r, r->batch,
                               "the checksum of the batch that begins here does not fit");
            out->end_pos = record.pos;
            out->start_pos = record.pos - command_bytes;
            return give_out(r, out, offset + record.bytes);
        case FORMAT_HEADER:
            if (r->at + offset == 0)
                break;
            return damaged(r, offset, "a header in the middle of the file");
        case FORMAT_ANNOTATION: return damaged(r, offset, "an unknown annotation");
        case FORMAT_MORE:
            if (!read_more(r))
                return at_end(r, offset);
            goto restart; /* the bytes moved; a batch is small beside a chunk */
        case FORMAT_BAD:
            if (r->buf[r->batch] == 0 && only_zeros_left(r))
                return torn(r);
            return damaged(r, offset, record.error);
        }
    }
}

static enum reader_status next_plain(struct reader *r, struct reader_batch *out)
{
    struct format_record record;
    size_t offset;
restart:
    begin(r);
    offset = r->batch;
    for (bool in_multi = false;; offset += record.bytes) {
        if (r->count >= READER_PLAIN_COMMANDS && !in_multi)
            return give_out(r, out, offset);
        enum format_kind kind =
            format_read(slice_of(r->buf + offset, r->len - offset), &r->args, &record);
        switch (kind) {
        case FORMAT_COMMAND:
            if (!add_command(r, &record))
                return READER_IO;
            in_multi = is_word(r, &record, "multi") || (in_multi && !is_word(r, &record, "exec"));
            break;
        case FORMAT_TIMESTAMP:
            if (r->count && !in_multi)
                return give_out(r, out, offset); /* so that unix_s is that of the batch */
            r->unix_s = record.unix_s;
            break;
        case FORMAT_ANNOTATION: break;
        case FORMAT_HEADER:
        case FORMAT_SEAL:
            return damaged(r, offset, "a seal in a file that does not begin with Corsac's header");
        case FORMAT_MORE:
            if (read_more(r))
                goto restart;
            if (r->count && !in_multi && !r->error[0])
                return give_out(r, out, offset);
            return at_end(r, offset);
        case FORMAT_BAD: return damaged(r, offset, record.error);
        }
    }
}

enum reader_status reader_next(struct reader *r, struct reader_batch *out)
{
    static const char header[] = FORMAT_HEADER_LINE;
    *out = (struct reader_batch){0};
    if (!r->started) {
        r->started = true;
        read_more(r);
        size_t most = r->len < sizeof(header) - 1 ? r->len : sizeof(header) - 1;
        r->sealed = most > 0 && memcmp(r->buf, header, most) == 0;
    }
    return r->sealed ? next_sealed(r, out) : next_plain(r, out);
}

void reader_report(const struct reader *r, struct reader_report *out)
{
    *out = (struct reader_report){
        .file_bytes = r->file_bytes,
        .good_bytes = r->at + r->batch,
        .bad_at = r->bad_at,
        .sealed = r->sealed,
    };
    memcpy(out->error, r->error, sizeof(out->error));
}
