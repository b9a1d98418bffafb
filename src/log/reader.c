#include "log/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "log/files.h"
#include "log/format.h"

#define TAIL_CHUNK_BYTES (64 * 1024)

struct reader {
    int fd;
    uint64_t file_bytes; /* when it was opened */
    /* buf[0 .. len) are the bytes of the file from `at` on; the ones ahead of buf[batch] were given
     * out. */
    char *buf; /* owned */
    size_t len, cap, batch;
    uint64_t at;
    bool sealed, started, tail;
    uint64_t sealed_at; /* offset of the header, or of the date ahead of it */
    int64_t begun_s;
    bool has_seal;
    bool base, ended;   /* the file said that it is a base; and that it is whole */
    uint64_t batches;   /* sealed ones */
    uint64_t pos;       /* of the last seal, or behind the commands given out after it */
    uint64_t looked_at; /* batch whose seal was looked for, see seal_is_missing; UINT64_MAX: none */
    int64_t unix_s;
    /* The batch. Its arguments move while it grows, so its commands know theirs by index at first. */
    struct format_args args;
    struct reader_command *commands; /* owned */
    size_t *firsts;                  /* owned: first argument of each command */
    size_t count, commands_cap;
    uint64_t bad_at;
    char error[READER_ERROR_CHARS];
};

enum err reader_open(struct reader **out, const char *path)
{
    int fd = files_open(AT_FDCWD, path, O_RDONLY);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
    return reader_open_fd(out, fd);
}

enum err reader_open_fd(struct reader **out, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        close(fd);
        return ERR_IO;
    }
    struct reader *r = mem_zalloc(sizeof(*r));
    r->fd = fd;
    r->file_bytes = (uint64_t)st.st_size;
    r->looked_at = UINT64_MAX;
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

/* --- bytes ---------------------------------------------------------------------------------- */

enum fill { FILL_OK, FILL_END, FILL_FAILED };

/* Reads `len` bytes, or as many as are left. -1: failed, and `error` says why. */
static ssize_t read_at(struct reader *r, char *p, size_t len, uint64_t offset)
{
    ssize_t n;
    do
        n = pread(r->fd, p, len, (off_t)offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        snprintf(r->error, sizeof(r->error), "cannot be read: %s", strerror(errno));
    if (n == 0) {
        snprintf(r->error, sizeof(r->error), "became shorter while it was read");
        return -1;
    }
    return n;
}

/* Moves the batch to the start of the buffer and makes room for `more` bytes behind it. */
static bool make_room(struct reader *r, size_t more)
{
    r->len -= r->batch;
    r->at += r->batch;
    if (r->batch > 0 && r->len > 0)
        memmove(r->buf, r->buf + r->batch, r->len);
    r->batch = 0;
    if (r->cap - r->len >= more)
        return true;
    size_t cap = r->len + more + r->cap; /* doubles at least */
    char *buf = mem_try_realloc(r->buf, cap);
    if (!buf) {
        snprintf(r->error, sizeof(r->error), "no memory for a batch of more than %zu bytes",
                 r->len + more);
        return false;
    }
    r->buf = buf;
    r->cap = cap;
    return true;
}

/* Reads on, so that at least `bytes` of the batch are there. Slices of the buffer are void afterwards. */
static enum fill fill(struct reader *r, uint64_t bytes)
{
    uint64_t batch_at = r->at + r->batch, left = r->file_bytes - (r->at + r->len);
    if (bytes > r->file_bytes - batch_at || left == 0)
        return FILL_END;
    uint64_t want = bytes - (r->len - r->batch);
    if (want < READER_CHUNK_BYTES)
        want = left < READER_CHUNK_BYTES ? left : READER_CHUNK_BYTES;
    if (!make_room(r, want))
        return FILL_FAILED;
    while (want > 0) {
        ssize_t n = read_at(r, r->buf + r->len, want, r->at + r->len);
        if (n < 0)
            return FILL_FAILED;
        r->len += (size_t)n;
        want -= (uint64_t)n;
    }
    return FILL_OK;
}

/* --- the tail ------------------------------------------------------------------------------- */

/* The rest of a file, from the batch on that does not parse. */
struct tail {
    uint64_t content_end; /* zeros only from here to the end of the file */
    bool has_seal;        /* one that may have been written for these bytes */
    bool has_header;
};

/* Is there a seal whose position fits: not before the last one's, and beyond it by no more than the
 * bytes between them? Its checksum tells nothing, as the start of its batch is unknown. */
static bool has_seal(const struct reader *r, struct slice chunk, uint64_t chunk_at)
{
    static const char start[] = "#SEAL pos=";
    uint64_t batch_at = r->at + r->batch;
    struct format_record record;
    const char *p = chunk.ptr, *end = chunk.ptr + chunk.len;
    for (; (p = memmem(p, (size_t)(end - p), start, sizeof(start) - 1)); p++) {
        if (format_read(slice_of(p, (size_t)(end - p)), NULL, &record) != FORMAT_SEAL)
            continue;
        uint64_t offset = chunk_at + (uint64_t)(p - chunk.ptr);
        if (batch_at == r->sealed_at ||
            (record.pos >= r->pos && record.pos - r->pos <= offset - batch_at))
            return true;
    }
    return false;
}

/* False: reading failed. */
static bool look_at_tail(struct reader *r, struct tail *tail)
{
    static const char header[] = "\r\n" FORMAT_HEADER_LINE;
    char *buf = mem_alloc(TAIL_CHUNK_BYTES);
    uint64_t at = r->at + r->batch; /* of the bytes in buf */
    size_t len = 0;
    *tail = (struct tail){.content_end = at};
    while (at + len < r->file_bytes) {
        ssize_t n = read_at(r, buf + len, TAIL_CHUNK_BYTES - len, at + len);
        if (n < 0) {
            mem_free(buf);
            return false;
        }
        len += (size_t)n;
        for (size_t i = len; i > 0; i--)
            if (buf[i - 1]) {
                tail->content_end = at + i;
                break;
            }
        tail->has_seal = tail->has_seal || has_seal(r, slice_of(buf, len), at);
        tail->has_header = tail->has_header || memmem(buf, len, header, sizeof(header) - 1);
        /* A seal, or the shorter header, may go on in the next piece. */
        size_t kept = len < SEAL_BYTES ? len : SEAL_BYTES - 1;
        memmove(buf, buf + len - kept, kept);
        at += len - kept;
        len = kept;
    }
    mem_free(buf);
    return true;
}

/* --- ends ----------------------------------------------------------------------------------- */

static enum reader_status damaged(struct reader *r, uint64_t offset, const char *why)
{
    unsigned long long batch_at = r->at + r->batch;
    r->bad_at = offset;
    if (r->sealed && offset != batch_at)
        snprintf(r->error, sizeof(r->error),
                 "damaged at offset %llu, in the batch that begins at offset %llu: %s",
                 (unsigned long long)offset, batch_at, why);
    else
        snprintf(r->error, sizeof(r->error), "damaged at offset %llu: %s",
                 (unsigned long long)offset, why);
    return READER_DAMAGED;
}

static enum reader_status torn(struct reader *r)
{
    uint64_t good = r->at + r->batch;
    if (good == r->file_bytes)
        snprintf(r->error, sizeof(r->error),
                 "it is cut off behind a batch, at offset %llu: a base ends in a line that says so",
                 (unsigned long long)good);
    else
        snprintf(r->error, sizeof(r->error),
                 "the last %llu bytes, from offset %llu on, are an incomplete write",
                 (unsigned long long)(r->file_bytes - good), (unsigned long long)good);
    return READER_TORN;
}

static enum reader_status no_memory(struct reader *r)
{
    snprintf(r->error, sizeof(r->error), "no memory for the commands of a batch");
    return READER_IO;
}

/* --- batches -------------------------------------------------------------------------------- */

/* How far the batch has been scanned. When more bytes are read the buffer moves, and the scan starts
 * over; a batch is small beside a chunk, so little is scanned twice. */
struct scan {
    size_t at;              /* in buf: of the record at hand */
    uint64_t command_bytes; /* of the commands ahead of it */
    int64_t unix_s, begun_s;
    bool dated, base, end;
    uint64_t end_batches;
    struct format_record record;
    /* plain files */
    size_t whole_at, whole; /* what can be given out: where its bytes end, commands */
    uint64_t whole_bytes;   /* of those commands */
    bool in_multi;
};

enum step {
    STEP_BATCH,   /* a batch is there */
    STEP_SEALED,  /* the plain part ends here, at a header */
    STEP_MORE,    /* the bytes end; record.bytes tells how many are wanted */
    STEP_DAMAGED, /* record.error says why */
    STEP_NOMEM,
};

static enum step stop(struct scan *s, const char *error)
{
    s->record.error = error;
    return STEP_DAMAGED;
}

static void scan_init(struct scan *s, struct reader *r)
{
    *s = (struct scan){.at = r->batch, .whole_at = r->batch, .unix_s = r->unix_s};
    r->args.count = 0;
    r->count = 0;
}

static enum format_kind scan_record(struct scan *s, struct reader *r)
{
    if (s->at == r->len) {
        s->record.bytes = 1;
        return FORMAT_MORE;
    }
    return format_read(slice_of(r->buf + s->at, r->len - s->at), &r->args, &s->record);
}

static bool add_command(struct reader *r, const struct scan *s)
{
    const struct format_record *record = &s->record;
    if (r->count == r->commands_cap) {
        size_t cap = r->commands_cap ? r->commands_cap * 2 : 1024;
        void *commands = mem_try_realloc(r->commands, cap * sizeof(*r->commands));
        if (!commands)
            return false;
        r->commands = commands;
        void *firsts = mem_try_realloc(r->firsts, cap * sizeof(*r->firsts));
        if (!firsts)
            return false;
        r->firsts = firsts;
        r->commands_cap = cap;
    }
    r->firsts[r->count] = record->first;
    r->commands[r->count].at = r->at + s->at;
    r->commands[r->count++].argc = record->argc;
    return true;
}

static enum reader_status give_out(struct reader *r, const struct scan *s, size_t count, size_t end,
                                   struct reader_batch *out)
{
    for (size_t i = 0; i < count; i++)
        r->commands[i].argv = r->args.at + r->firsts[i];
    out->commands = r->commands;
    out->count = count;
    out->at = r->at + r->batch;
    out->unix_s = r->unix_s = s->unix_s;
    r->batch = end;
    return READER_BATCH;
}

/* --- sealed files --------------------------------------------------------------------------- */

static bool is_of_other_version(struct slice line)
{
    static const char start[] = "#CORSAC:";
    return line.len > sizeof(start) - 1 && memcmp(line.ptr, start, sizeof(start) - 1) == 0;
}

static const char other_version[] = "a header of another version of Corsac";

/* Why an annotation cannot stand here in a sealed file; NULL: it can. A date may be the first line, the
 * header comes next. */
static const char *start_error(const struct scan *s, const struct reader *r, enum format_kind kind)
{
    uint64_t at = r->at + s->at;
    bool first = at == r->sealed_at + (s->dated ? FORMAT_DATE_BYTES : 0);
    if (kind == FORMAT_DATE)
        return at == 0 ? NULL : "a date in the middle of the file";
    if (kind == FORMAT_HEADER)
        return first ? NULL : "a header in the middle of the file";
    if (first && is_of_other_version(slice_of(r->buf + s->at, s->record.bytes)))
        return other_version;
    return "an unknown annotation";
}

/* Reads on to the next seal. */
static enum step scan_sealed(struct scan *s, struct reader *r)
{
    const char *why;
    for (;; s->at += s->record.bytes) {
        enum format_kind kind = scan_record(s, r);
        switch (kind) {
        case FORMAT_COMMAND:
            s->command_bytes += s->record.bytes;
            if (!add_command(r, s))
                return STEP_NOMEM;
            break;
        case FORMAT_TIMESTAMP: s->unix_s = s->record.unix_s; break;
        case FORMAT_SEAL: return STEP_BATCH;
        case FORMAT_DATE:
        case FORMAT_HEADER:
        case FORMAT_ANNOTATION:
            if ((why = start_error(s, r, kind)))
                return stop(s, why);
            s->dated = s->dated || kind == FORMAT_DATE;
            if (kind == FORMAT_DATE)
                s->begun_s = s->record.unix_s;
            break;
        case FORMAT_BASE: s->base = true; break;
        case FORMAT_END:
            s->end = true;
            s->end_batches = s->record.batches;
            break;
        case FORMAT_MORE: return STEP_MORE;
        case FORMAT_BAD: return STEP_DAMAGED;
        case FORMAT_NOMEM: return STEP_NOMEM;
        }
    }
}

/* Why a batch whose checksum fits cannot stand here; NULL: it can. */
static const char *base_error(const struct reader *r, const struct scan *s)
{
    if (r->ended)
        return "a batch behind the end of a base";
    if (s->base && r->batches > 0)
        return "a base that begins in the middle of the file";
    if (s->end && (!(r->base || s->base) || s->end_batches != r->batches + 1))
        return "the end of a base that has another number of batches";
    return NULL;
}

static enum reader_status end_batch(struct reader *r, const struct scan *s,
                                    struct reader_batch *out)
{
    const struct format_record *seal = &s->record;
    if (crc32c(0, r->buf + r->batch, s->at + SEAL_CRC_AT - r->batch) != seal->crc)
        return damaged(r, r->at + r->batch,
                       "the checksum of the batch that begins here does not fit");
    const char *why = base_error(r, s);
    if (why)
        return damaged(r, r->at + r->batch, why);
    if (s->dated)
        r->begun_s = s->begun_s;
    r->batches++;
    r->base = r->base || s->base;
    r->ended = s->end;
    r->has_seal = true;
    r->pos = out->end_pos = seal->pos;
    out->start_pos = seal->pos > s->command_bytes ? seal->pos - s->command_bytes : 0;
    return give_out(r, s, r->count, s->at + seal->bytes, out);
}

/* Without the zeros at the end of the file, would its last bytes be the beginning of a record? */
static bool ends_in_zeros(struct reader *r, struct scan *s, uint64_t content_end)
{
    uint64_t at = r->at + s->at, loaded_end = r->at + r->len;
    if (content_end == r->file_bytes)
        return false;
    if (content_end <= at)
        return true;
    uint64_t end = content_end < loaded_end ? content_end : loaded_end;
    struct format_record record;
    size_t before = r->args.count;
    enum format_kind kind =
        format_read(slice_of(r->buf + s->at, (size_t)(end - at)), &r->args, &record);
    r->args.count = before;
    return kind == FORMAT_MORE;
}

/* The rest of the file is not a whole batch. */
static enum reader_status end_sealed(struct reader *r, struct scan *s, enum step step)
{
    struct tail tail;
    uint64_t at = r->at + s->at;
    if (r->at + r->batch == r->file_bytes && (!r->base || r->ended))
        return READER_END;
    if (!look_at_tail(r, &tail))
        return READER_IO;
    if (step == STEP_DAMAGED && !ends_in_zeros(r, s, tail.content_end))
        return damaged(r, at, s->record.error);
    if (tail.has_seal)
        return damaged(r, at, "a length that reaches beyond the end, though whole batches follow");
    return torn(r);
}

/* --- plain files ---------------------------------------------------------------------------- */

static bool is_word(const struct reader *r, const struct format_record *record, const char *word)
{
    return record->argc == 1 && slice_is(r->args.at[record->first], word);
}

/* Why a file cannot begin with this annotation: it is no timestamp, and may have been a header. */
static const char *first_line_error(const struct reader *r)
{
    return is_of_other_version(slice_of(r->buf, r->len))
               ? other_version
               : "neither Corsac's header nor what Redis begins a file with";
}

/* Why an annotation cannot stand here in a plain file; NULL: it can. */
static const char *annotation_error(const struct scan *s, const struct reader *r,
                                    enum format_kind kind)
{
    if (kind == FORMAT_SEAL)
        return r->tail ? "a seal without a batch"
                       : "a seal in a file that does not begin with Corsac's header";
    if (r->tail)
        return kind == FORMAT_HEADER ? "a header in the middle of the file"
                                     : "an unknown annotation";
    if (kind == FORMAT_HEADER)
        return s->in_multi ? "a header within a transaction" : NULL;
    return r->at + s->at == 0 ? first_line_error(r) : NULL;
}

/* Collects commands until there are enough, or the rest is sealed. */
static enum step scan_plain(struct scan *s, struct reader *r)
{
    const char *why;
    for (;;) {
        if (!s->in_multi) {
            s->whole_at = s->at;
            s->whole = r->count;
            s->whole_bytes = s->command_bytes;
            if (r->count >= READER_PLAIN_COMMANDS)
                return STEP_BATCH;
        }
        enum format_kind kind = scan_record(s, r);
        switch (kind) {
        case FORMAT_COMMAND:
            if (!add_command(r, s))
                return STEP_NOMEM;
            s->command_bytes += s->record.bytes;
            s->in_multi =
                is_word(r, &s->record, "multi") || (s->in_multi && !is_word(r, &s->record, "exec"));
            break;
        case FORMAT_TIMESTAMP:
            /* The timestamp is not for the commands ahead of it. */
            if (s->whole > 0 && !s->in_multi)
                return STEP_BATCH;
            s->unix_s = s->record.unix_s;
            break;
        case FORMAT_DATE:
        case FORMAT_BASE:
        case FORMAT_END:
        case FORMAT_ANNOTATION:
        case FORMAT_HEADER:
        case FORMAT_SEAL:
            if ((why = annotation_error(s, r, kind)))
                return stop(s, why);
            if (kind == FORMAT_HEADER)
                return STEP_SEALED;
            break;
        case FORMAT_MORE: return STEP_MORE;
        case FORMAT_BAD: return STEP_DAMAGED;
        case FORMAT_NOMEM: return STEP_NOMEM;
        }
        s->at += s->record.bytes;
    }
}

/* The file holds no other whole command. */
static enum reader_status end_plain(struct reader *r, struct scan *s, enum step step)
{
    struct tail tail;
    if (step == STEP_DAMAGED && !r->tail)
        return damaged(r, r->at + s->at, s->record.error);
    /* Behind the annotations that follow the last command. */
    r->batch = s->whole_at;
    r->unix_s = s->unix_s;
    if (r->at + r->batch == r->file_bytes)
        return READER_END;
    if (!look_at_tail(r, &tail))
        return READER_IO;
    /* Where a power cut took the end of Corsac's own write, there may be zeros. */
    if (step == STEP_DAMAGED && !ends_in_zeros(r, s, tail.content_end))
        return damaged(r, r->at + s->at, s->record.error);
    if (tail.has_header)
        return damaged(r, r->at + s->at,
                       "a length that reaches beyond the end, though sealed batches follow");
    return torn(r);
}

/* Is a whole block of the bytes to be given out nothing but zeros? *at: its offset in the file. */
static bool has_hole(const struct reader *r, size_t end, uint64_t *at)
{
    static const char zeros[READER_HOLE_BYTES];
    uint64_t from = r->at + r->batch, to = r->at + end;
    *at = (from + READER_HOLE_BYTES - 1) / READER_HOLE_BYTES * READER_HOLE_BYTES;
    for (; *at + READER_HOLE_BYTES <= to; *at += READER_HOLE_BYTES)
        if (memcmp(r->buf + (*at - r->at), zeros, READER_HOLE_BYTES) == 0)
            return true;
    return false;
}

static enum reader_status give_out_plain(struct reader *r, const struct scan *s,
                                         struct reader_batch *out)
{
    uint64_t hole;
    if (r->tail) {
        if (has_hole(r, s->whole_at, &hole))
            return damaged(r, hole,
                           "a block of zeros behind the last seal: what was written "
                           "there may never have arrived");
        out->start_pos = r->pos;
        out->end_pos = r->pos += s->whole_bytes;
    }
    return give_out(r, s, s->whole, s->whole_at, out);
}

bool reader_read_tail(struct reader *r)
{
    if (!r->sealed || !r->has_seal || r->base)
        return false;
    r->sealed = false;
    r->tail = true;
    r->error[0] = 0;
    return true;
}

/* --- any file ------------------------------------------------------------------------------- */

/* Does the text begin with `start`, as far as it goes? */
static bool begins_with(struct slice text, struct slice start)
{
    size_t i = 0, most = text.len < start.len ? text.len : start.len;
    while (i < most && text.ptr[i] == start.ptr[i])
        i++;
    /* Zeros: the file grew before its data arrived. */
    return text.len > 0 && (i == most || text.ptr[i] == 0);
}

static bool begins_sealed(struct slice text)
{
    return begins_with(text, SLICE(FORMAT_HEADER_LINE)) ||
           begins_with(text, SLICE(FORMAT_DATE_START));
}

static enum reader_status start(struct reader *r)
{
    if (fill(r, 1) == FILL_FAILED)
        return READER_IO;
    r->started = true;
    r->sealed = begins_sealed(slice_of(r->buf, r->len));
    return READER_BATCH;
}

/* Before a batch without an end fills the memory, looks for its seal in the rest of the file. */
static enum fill fill_sealed(struct reader *r, uint64_t bytes)
{
    uint64_t batch_at = r->at + r->batch;
    struct tail tail;
    if (r->len - r->batch >= READER_LOOK_BYTES && r->looked_at != batch_at) {
        if (!look_at_tail(r, &tail))
            return FILL_FAILED;
        if (!tail.has_seal)
            return FILL_END;
        r->looked_at = batch_at;
    }
    return fill(r, bytes);
}

/* The plain part of the file ends at a header. */
static void begin_sealed(struct reader *r, const struct scan *s)
{
    r->batch = s->whole_at;
    r->unix_s = s->unix_s;
    r->sealed_at = r->at + r->batch;
    r->sealed = true;
}

enum reader_status reader_next(struct reader *r, struct reader_batch *out)
{
    struct scan s;
    enum step step;
    enum fill filled = FILL_OK;
    bool again;
    *out = (struct reader_batch){0};
    if (!r->started && start(r) == READER_IO)
        return READER_IO;
    do {
        scan_init(&s, r);
        step = r->sealed ? scan_sealed(&s, r) : scan_plain(&s, r);
        again = step == STEP_SEALED && s.whole == 0;
        if (again) {
            begin_sealed(r, &s);
        } else if (step == STEP_MORE && (r->sealed || s.whole == 0)) {
            uint64_t bytes = s.at - r->batch + s.record.bytes;
            filled = r->sealed ? fill_sealed(r, bytes) : fill(r, bytes);
            again = filled == FILL_OK;
        }
    } while (again);

    if (step == STEP_NOMEM)
        return no_memory(r);
    if (filled == FILL_FAILED)
        return READER_IO;
    if (r->sealed)
        return step == STEP_BATCH ? end_batch(r, &s, out) : end_sealed(r, &s, step);
    return s.whole > 0 ? give_out_plain(r, &s, out) : end_plain(r, &s, step);
}

void reader_report(const struct reader *r, struct reader_report *out)
{
    *out = (struct reader_report){
        .file_bytes = r->file_bytes,
        .begun_s = r->begun_s,
        .good_bytes = r->at + r->batch,
        .bad_at = r->bad_at,
        .sealed = r->sealed,
        .tail = r->tail,
        .has_seal = r->has_seal,
    };
    memcpy(out->error, r->error, sizeof(out->error));
}
