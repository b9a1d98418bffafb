#include "log/format.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/num.h"

/* --- writing -------------------------------------------------------------------------------- */

#define HEADER_BYTES_MAX (1 + NUM_I64_CHARS + 2)

/* Writes "*3\r\n" or "$16\r\n" at `out`, where HEADER_BYTES_MAX are free; returns its end. Numbers
 * below 100, as nearly all are, are put together in a register and stored at once. */
static inline char *put_header(char *out, char kind, size_t n)
{
    if (n < 100) {
        uint64_t tens = n / 10, ones = n % 10, two = tens > 0;
        uint64_t digits = tens ? ('0' + tens) | ('0' + ones) << 8 : '0' + ones;
        uint64_t word = (uint64_t)kind | digits << 8 | (uint64_t)0x0a0d << (16 + 8 * two);
        memcpy(out, &word, sizeof(word));
        return out + 4 + two;
    }
    *out++ = kind;
    out += num_print_u64(out, n);
    memcpy(out, "\r\n", 2);
    return out + 2;
}

static size_t header_bytes(size_t n)
{
    size_t digits = 1;
    while (n >= 10) {
        n /= 10;
        digits++;
    }
    return 1 + digits + 2;
}

size_t format_command_bytes(int argc, const struct slice *argv)
{
    size_t bytes = header_bytes((size_t)argc);
    for (int i = 0; i < argc; i++)
        bytes += header_bytes(argv[i].len) + argv[i].len + 2;
    return bytes;
}

/* Room for a header and so many arguments. */
static bool reserve(struct buf *out, int count, const struct slice *argv)
{
    size_t most = (size_t)(count + 1) * HEADER_BYTES_MAX;
    for (int i = 0; i < count; i++)
        most += argv[i].len + 2;
    return buf_reserve(out, most) == ERR_OK;
}

static inline char *put_bulks(char *p, int count, const struct slice *argv)
{
    for (int i = 0; i < count; i++) {
        p = put_header(p, '$', argv[i].len);
        bytes_copy(p, argv[i].ptr, argv[i].len);
        p += argv[i].len;
        memcpy(p, "\r\n", 2);
        p += 2;
    }
    return p;
}

void format_command(struct buf *out, int argc, const struct slice *argv)
{
    if (reserve(out, argc, argv))
        format_command_placed(out, argc, argv);
}

void format_select(struct buf *out, int db)
{
    char digits[NUM_I64_CHARS];
    struct slice select[2] = {SLICE("SELECT"), {digits, (size_t)num_print_i64(digits, db)}};
    format_command(out, 2, select);
}

_Static_assert(HEADER_BYTES_MAX + 2 <= FORMAT_HEAD_BYTES_MAX, "room for a length, and CR LF");

void format_command_placed(struct buf *out, int argc, const struct slice *argv)
{
    char *p = put_header(out->ptr + out->len, '*', (size_t)argc);
    out->len = (size_t)(put_bulks(p, argc, argv) - out->ptr);
}

void format_command_open(struct buf *out, int argc, const struct slice *argv, int i)
{
    char *p = put_header(out->ptr + out->len, '*', (size_t)argc);
    p = put_bulks(p, i, argv);
    out->len = (size_t)(put_header(p, '$', argv[i].len) - out->ptr);
}

void format_command_go_on(struct buf *out, int argc, const struct slice *argv, int i)
{
    char *p = out->ptr + out->len;
    memcpy(p, "\r\n", 2);
    out->len = (size_t)(put_bulks(p + 2, argc - i - 1, argv + i + 1) - out->ptr);
}

void format_bulks(struct buf *out, int count, const struct slice *argv)
{
    if (reserve(out, count, argv))
        out->len = (size_t)(put_bulks(out->ptr + out->len, count, argv) - out->ptr);
}

void format_timestamp(struct buf *out, int64_t unix_s)
{
    buf_printf(out, "#TS:%lld\r\n", (long long)unix_s);
}

void format_date(struct buf *out, int64_t unix_s)
{
    buf_printf(out, "#TS:%020lld\r\n", (long long)(unix_s > 0 ? unix_s : 0));
}

void format_end(struct buf *out, uint64_t batches)
{
    buf_printf(out, "#END batches=%020llu\r\n", (unsigned long long)batches);
}

#define SEAL_POS_AT     10 /* behind "#SEAL pos=" */
#define SEAL_POS_DIGITS 20
#define SEAL_CRC_DIGITS 8
_Static_assert(SEAL_CRC_AT == SEAL_POS_AT + SEAL_POS_DIGITS + 5, "the seal's layout");
_Static_assert(SEAL_CRC_AT + SEAL_CRC_DIGITS + 2 == SEAL_BYTES, "the seal's layout");

void format_seal(char out[SEAL_BYTES], uint64_t pos, uint32_t crc)
{
    char text[SEAL_BYTES + 1];
    snprintf(text, sizeof(text), "#SEAL pos=%020llu crc=", (unsigned long long)pos);
    crc = crc32c(crc, text, SEAL_CRC_AT);
    snprintf(text + SEAL_CRC_AT, sizeof(text) - SEAL_CRC_AT, "%08x\r\n", crc);
    memcpy(out, text, SEAL_BYTES);
}

void format_seal_all(struct buf *out, uint64_t pos)
{
    char seal[SEAL_BYTES];
    format_seal(seal, pos, crc32c(0, out->ptr, out->len));
    buf_append(out, seal, sizeof(seal));
}

/* --- reading -------------------------------------------------------------------------------- */

void format_args_init(struct format_args *a)
{
    *a = (struct format_args){0};
}

void format_args_deinit(struct format_args *a)
{
    mem_free(a->at);
    *a = (struct format_args){0};
}

static bool args_grow(struct format_args *a)
{
    size_t cap = a->cap ? a->cap * 2 : 64;
    struct slice *at = mem_try_realloc(a->at, cap * sizeof(*at));
    if (!at)
        return false;
    a->at = at;
    a->cap = cap;
    return true;
}

static enum format_kind bad(struct format_record *out, const char *error)
{
    out->error = error;
    return FORMAT_BAD;
}

/* The record takes `bytes` at least, which is more than there are. */
static enum format_kind more(struct format_record *out, size_t bytes)
{
    out->bytes = bytes;
    return FORMAT_MORE;
}

/* Reads "<digits>\r\n" at *p: canonical, at most `max`. FORMAT_COMMAND: *n is the number. */
static enum format_kind read_any_count(const char **p, const char *end, uint64_t max, uint64_t *n,
                                       struct format_record *out)
{
    const char *q = *p;
    uint64_t v = 0;
    for (; q < end && *q >= '0' && *q <= '9'; q++) {
        if (q > *p && v == 0)
            return bad(out, "a length with a leading zero");
        v = v * 10 + (uint64_t)(*q - '0');
        if (v > max)
            return bad(out, "a length beyond every limit");
    }
    if (q < end && (q == *p || *q != '\r'))
        return bad(out, "a length that is no number");
    if (q + 1 < end && q[1] != '\n')
        return bad(out, "a length that does not end in CR LF");
    if (end - q < 2)
        return FORMAT_MORE;
    *p = q + 2;
    *n = v;
    return FORMAT_COMMAND;
}

/* The same for a `max` of 99 and more. Nearly all counts have one digit or two. */
static inline enum format_kind read_count(const char **p, const char *end, uint64_t max,
                                          uint64_t *n, struct format_record *out)
{
    const char *q = *p;
    if (end - q >= 4 && q[0] >= '1' && q[0] <= '9') {
        unsigned tens = (unsigned)(q[0] - '0'), ones = (unsigned)(q[1] - '0');
        bool two = ones <= 9;
        if (q[1 + two] == '\r' && q[2 + two] == '\n') {
            *n = two ? tens * 10 + ones : tens;
            *p = q + 3 + two;
            return FORMAT_COMMAND;
        }
    }
    return read_any_count(p, end, max, n, out);
}

/* One argument, "$3\r\nSET\r\n" at *p. */
static enum format_kind read_arg(const char **p, struct slice in, struct slice *arg,
                                 struct format_record *out)
{
    const char *q = *p, *end = in.ptr + in.len;
    uint64_t len;
    if (q == end)
        return more(out, in.len + 1);
    if (*q++ != '$')
        return bad(out, "'$' was expected, the start of an argument");
    enum format_kind kind = read_count(&q, end, FORMAT_ARG_BYTES_MAX, &len, out);
    if (kind != FORMAT_COMMAND)
        return kind == FORMAT_MORE ? more(out, in.len + 1) : kind;
    size_t there = (size_t)(end - q);
    if ((there > len && q[len] != '\r') || (there > len + 1 && q[len + 1] != '\n'))
        return bad(out, "an argument that does not end in CR LF");
    if (there < len + 2)
        return more(out, (size_t)(q - in.ptr) + len + 2);
    *arg = slice_of(q, len);
    *p = q + len + 2;
    return FORMAT_COMMAND;
}

static enum format_kind read_command(struct slice in, struct format_args *args,
                                     struct format_record *out)
{
    const char *p = in.ptr + 1;
    uint64_t argc;
    enum format_kind kind = read_count(&p, in.ptr + in.len, FORMAT_ARGS_MAX, &argc, out);
    if (kind != FORMAT_COMMAND)
        return kind == FORMAT_MORE ? more(out, in.len + 1) : kind;
    if (argc == 0)
        return bad(out, "a command without a name");
    out->first = args->count;
    out->argc = (int)argc;
    for (uint64_t i = 0; i < argc; i++) {
        if (args->count == args->cap && !args_grow(args))
            return FORMAT_NOMEM;
        kind = read_arg(&p, in, &args->at[args->count], out);
        if (kind != FORMAT_COMMAND)
            return kind;
        args->count++;
    }
    out->bytes = (size_t)(p - in.ptr);
    return FORMAT_COMMAND;
}

/* False also for a number beyond 64 bits, as 20 digits can make. */
static bool read_digits(const char *p, int n, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < n; i++)
        if (p[i] < '0' || p[i] > '9' || __builtin_mul_overflow(*v, 10, v) ||
            __builtin_add_overflow(*v, (uint64_t)(p[i] - '0'), v))
            return false;
    return true;
}

static bool read_hex(const char *p, int n, uint32_t *v)
{
    *v = 0;
    for (int i = 0; i < n; i++) {
        int digit = p[i] >= '0' && p[i] <= '9'   ? p[i] - '0'
                    : p[i] >= 'a' && p[i] <= 'f' ? p[i] - 'a' + 10
                                                 : -1;
        if (digit < 0)
            return false;
        *v = *v << 4 | (uint32_t)digit;
    }
    return true;
}

/* Finds the line's length with its CR LF. An annotation holds printable characters only, so that a line
 * whose end is damaged does not swallow the next one. */
static enum format_kind find_line_end(struct slice in, struct format_record *out)
{
    size_t most = in.len < FORMAT_LINE_BYTES_MAX ? in.len : FORMAT_LINE_BYTES_MAX, n = 0;
    while (n < most && in.ptr[n] >= 0x20 && in.ptr[n] <= 0x7e)
        n++;
    if (n + 1 >= FORMAT_LINE_BYTES_MAX)
        return bad(out, "an annotation without end");
    if (n < in.len && in.ptr[n] != '\r')
        return bad(out, "an annotation that does not end in CR LF");
    if (n + 1 < in.len && in.ptr[n + 1] != '\n')
        return bad(out, "an annotation that does not end in CR LF");
    if (in.len < n + 2)
        return more(out, in.len + 1);
    out->bytes = n + 2;
    return FORMAT_ANNOTATION;
}

static enum format_kind read_seal(const char *p, struct format_record *out)
{
    if (out->bytes == SEAL_BYTES && memcmp(p, "#SEAL pos=", SEAL_POS_AT) == 0 &&
        read_digits(p + SEAL_POS_AT, SEAL_POS_DIGITS, &out->pos) &&
        memcmp(p + SEAL_POS_AT + SEAL_POS_DIGITS, " crc=", 5) == 0 &&
        read_hex(p + SEAL_CRC_AT, SEAL_CRC_DIGITS, &out->crc))
        return FORMAT_SEAL;
    return bad(out, "a seal in another form than \"#SEAL pos=<20 digits> crc=<8 hex digits>\"");
}

#define END_BATCHES_AT 13 /* behind "#END batches=" */

static enum format_kind read_end(const char *p, struct format_record *out)
{
    if (out->bytes == END_BATCHES_AT + SEAL_POS_DIGITS + 2 &&
        memcmp(p, "#END batches=", END_BATCHES_AT) == 0 &&
        read_digits(p + END_BATCHES_AT, SEAL_POS_DIGITS, &out->batches))
        return FORMAT_END;
    return bad(out, "an end in another form than \"#END batches=<20 digits>\"");
}

#define TS_AT       4 /* behind "#TS:" */
#define DATE_DIGITS 20
_Static_assert(FORMAT_DATE_BYTES == TS_AT + DATE_DIGITS + 2, "the date's layout");

/* A line that begins with "#TS:". */
static enum format_kind read_time(struct slice line, struct format_record *out)
{
    uint64_t date;
    if (line.len == FORMAT_DATE_BYTES && line.ptr[TS_AT] == '0' &&
        read_digits(line.ptr + TS_AT, DATE_DIGITS, &date) && date <= INT64_MAX) {
        out->unix_s = (int64_t)date;
        return FORMAT_DATE;
    }
    if (num_parse_i64(slice_of(line.ptr + TS_AT, line.len - TS_AT - 2), &out->unix_s))
        return FORMAT_TIMESTAMP;
    return bad(out, "a timestamp that is no number");
}

static enum format_kind read_annotation(struct slice in, struct format_record *out)
{
    enum format_kind kind = find_line_end(in, out);
    if (kind != FORMAT_ANNOTATION)
        return kind;
    struct slice line = slice_of(in.ptr, out->bytes);
    if (line.len > 6 && memcmp(line.ptr, "#SEAL ", 6) == 0)
        return read_seal(line.ptr, out);
    if (slice_equal(line, SLICE(FORMAT_HEADER_LINE)))
        return FORMAT_HEADER;
    if (slice_equal(line, SLICE(FORMAT_BASE_LINE)))
        return FORMAT_BASE;
    if (line.len > 5 && memcmp(line.ptr, "#END ", 5) == 0)
        return read_end(line.ptr, out);
    if (line.len > 6 && memcmp(line.ptr, "#TS:", TS_AT) == 0)
        return read_time(line, out);
    return FORMAT_ANNOTATION;
}

enum format_kind format_read(struct slice in, struct format_args *args, struct format_record *out)
{
    if (in.len == 0)
        return more(out, 1);
    if (in.ptr[0] == '#')
        return read_annotation(in, out);
    if (in.ptr[0] != '*')
        return bad(out, "'*' was expected, the start of a command");
    size_t before = args->count;
    enum format_kind kind = read_command(in, args, out);
    if (kind != FORMAT_COMMAND)
        args->count = before;
    return kind;
}
