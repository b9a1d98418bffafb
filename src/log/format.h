#pragma once
/* What the append-only file is made of.
 *
 * A file is a sequence of records as Redis 7 writes them: commands as RESP arrays of bulk strings,
 * and annotation lines that begin with '#', which Redis' and Valkey's loaders skip. Corsac's files
 * are sealed: they begin with a date and a header line, and each batch of commands ends in a seal.
 *
 *     #TS:00000000001700000000\r\n         date: the second in which the file was begun
 *     #CORSAC:1\r\n                        header; both are in the first batch's seal like all else
 *     #TS:1700000000\r\n                   from here on it is this second; as Redis writes it
 *                                          (aof-timestamp-enabled)
 *     *2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n    commands, whole transactions
 *     *3\r\n$3\r\nSET\r\n...
 *     #SEAL pos=00000000000000012345 crc=0a1b2c3d\r\n
 *
 * A base says so in its first batch, and its last batch counts all of them: otherwise a base that was cut
 * between two batches would pass for whole. (A sealed file without these two lines is loaded as a base,
 * too, and so is a plain one of Redis.)
 *
 *     #BASE\r\n
 *     #END batches=00000000000000000042\r\n      of the file, this one counted
 *
 *     date  the form of Redis' timestamps, which tools look for in the first line, in 20 digits, as only
 *           Corsac writes it: so a file that was cut behind that line does not pass for a whole one of
 *           Redis. A date says nothing of when what follows happened: timestamps do, where they are
 *           recorded, and then a base's first batch holds the one of its instant. A sealed file may
 *           begin with the header, without a date; so does the sealed part of a file of Redis
 *     pos   20 decimal digits: the log position behind the batch. Positions count the bytes of all
 *           commands ever logged (annotations do not count), across files and rewrites; all
 *           batches of a base bear the position of its instant
 *     crc   8 lower-case hex digits: CRC-32C of every byte from the end of the previous seal (or
 *           the start of the file) up to and including "crc="
 *
 * So a seal covers the batch, its own position and everything between: a changed bit anywhere is
 * found. And as a batch starts where the one before it ended, a batch that is missing or comes
 * twice is found too.
 *
 * Redis reads lines of at most 127 bytes: a seal is shorter.
 *
 * Others may write in these files. Redis goes on in the last increment: where Corsac had written it,
 * unsealed commands follow the last seal, and they are loaded (see log/reader.h and log/tail.h); the
 * next increment begins behind them. Where Redis had written it, Corsac goes on with its header, and
 * all is sealed from there on. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/slice.h"

#define SEAL_BYTES            45 /* "#SEAL pos=" 20 " crc=" 8 "\r\n" */
#define SEAL_CRC_AT           35 /* bytes of a seal ahead of its CRC's digits */
#define FORMAT_LINE_BYTES_MAX 127
#define FORMAT_ARGS_MAX       INT32_MAX /* as many as a request may have */
#define FORMAT_ARG_BYTES_MAX  (4ull * 1024 * 1024 * 1024)

#define FORMAT_DATE_START  "#TS:0" /* how a date begins, and no timestamp */
#define FORMAT_DATE_BYTES  26      /* "#TS:" 20 "\r\n" */
#define FORMAT_HEADER_LINE "#CORSAC:1\r\n"
#define FORMAT_BASE_LINE   "#BASE\r\n"

/* Appends a command in its RESP form. */
void format_command(struct buf *out, int argc, const struct slice *argv);
/* Appends SELECT db. */
void format_select(struct buf *out, int db);
/* As format_command, where `out` has room: FORMAT_HEAD_BYTES_MAX for the count and for each argument, and the
 * arguments' bytes. */
#define FORMAT_HEAD_BYTES_MAX 32
void format_command_placed(struct buf *out, int argc, const struct slice *argv);
/* The same in two halves, around the bytes of argument i, which the caller puts in between, or elsewhere. */
void format_command_open(struct buf *out, int argc, const struct slice *argv, int i);
void format_command_go_on(struct buf *out, int argc, const struct slice *argv, int i);
/* Appends arguments only, of a command whose head, "*3\r\n", stands in front of them or will. */
void format_bulks(struct buf *out, int count, const struct slice *argv);
/* Bytes that format_command appends. */
size_t format_command_bytes(int argc, const struct slice *argv);
void format_timestamp(struct buf *out, int64_t unix_s);
void format_date(struct buf *out, int64_t unix_s); /* 0 for any before 1970 */
void format_end(struct buf *out, uint64_t batches);
/* Writes a seal for a batch whose bytes have the CRC `crc`. A seal is right where its own CRC is
 * crc32c(CRC of the batch, the first SEAL_CRC_AT bytes of the seal). */
void format_seal(char out[SEAL_BYTES], uint64_t pos, uint32_t crc);
/* Ends a batch, which is all of `out`, with its seal. */
void format_seal_all(struct buf *out, uint64_t pos);

enum format_kind {
    FORMAT_COMMAND, /* argc and first are set */
    FORMAT_HEADER,
    FORMAT_SEAL,      /* pos and crc are set; whether the CRC fits is for the caller to say */
    FORMAT_TIMESTAMP, /* unix_s is set */
    FORMAT_DATE,      /* unix_s is set */
    FORMAT_BASE,
    FORMAT_END,        /* batches is set */
    FORMAT_ANNOTATION, /* any other line that begins with '#' */
    FORMAT_MORE,       /* the bytes end within a record: bytes is set */
    FORMAT_BAD,        /* no record: error is set */
    FORMAT_NOMEM,      /* no memory for the arguments */
};
struct format_record {
    /* that the record takes; FORMAT_MORE: that it takes at least, as far as known */
    size_t bytes;
    int argc;
    size_t first; /* of its arguments in format_args */
    uint64_t pos;
    uint32_t crc;
    int64_t unix_s;
    uint64_t batches;
    const char *error; /* what was expected; static text */
};
/* Arguments of the commands read so far, one behind the other; grows. */
struct format_args {
    struct slice *at; /* owned */
    size_t count, cap;
};
void format_args_init(struct format_args *a);
void format_args_deinit(struct format_args *a);

/* Reads the record at the start of `in`. Strict: exactly the forms above, canonical lengths, CR LF,
 * annotations of printable characters; bytes that cannot become a record are FORMAT_BAD as soon as
 * the first wrong one is there. With FORMAT_COMMAND the arguments, slices of `in`, are appended to
 * `args`; otherwise `args` is as it was. */
enum format_kind format_read(struct slice in, struct format_args *args, struct format_record *out);
