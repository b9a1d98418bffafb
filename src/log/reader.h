#pragma once
/* Reads one append-only file from its start, batch by batch, believing nothing that a seal does not
 * cover.
 *
 * A file that begins with Corsac's date or header is sealed: each batch is given out only once its seal
 * holds, so that no torn and no damaged batch is ever applied. Any other file (written by Redis) is
 * plain: commands are given out as Redis would load them, whole transactions at a time. How a file
 * ends otherwise than behind a batch:
 *
 *             torn: cut off while it was written            damaged: anything else
 *   sealed    a beginning of a batch, perhaps with zeros    a seal that does not fit, bytes that
 *             behind it (the file grew before its data      are no record, a length that reaches
 *             arrived); a base without its last batch       beyond the end over a seal
 *   plain     within a command or a transaction             bytes that are no command; a seal
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define READER_CHUNK_BYTES    (4 * 1024 * 1024)
#define READER_PLAIN_COMMANDS 256 /* given out together, of a plain file */
/* Before more bytes of one batch are read, the rest of the file is searched for its seal. */
#define READER_LOOK_BYTES  (64 * 1024 * 1024)
#define READER_HOLE_BYTES  4096 /* a file system's block: zeros where data never arrived */
#define READER_ERROR_CHARS 256

struct reader;
/* ERR_IO, ERR_NOTFOUND: errno says why, in the words of files_error. Nothing else may write to the file. */
enum err reader_open(struct reader **out, const char *path);
/* The same, of an open file, which it takes. */
enum err reader_open_fd(struct reader **out, int fd);
void reader_close(struct reader **r);

enum reader_status {
    READER_BATCH,   /* commands to apply */
    READER_END,     /* the file ends where a batch ends */
    READER_TORN,    /* the tail is incomplete; everything before it was given out */
    READER_DAMAGED, /* everything before was given out, and is right where the file is sealed */
    READER_IO,      /* reading failed, or there was no memory for a batch */
    READER_LATER,   /* not from a reader: nothing is there yet, see log/ahead.h */
};
struct reader_command {
    const struct slice *argv;
    int argc;
    uint64_t at; /* offset in the file */
};
struct reader_batch {
    const struct reader_command *commands; /* good until the next reader_next */
    size_t count;
    uint64_t at;                 /* offset in the file, of the annotations ahead of it */
    uint64_t start_pos, end_pos; /* log positions; 0 in a plain file. See log/format.h for a base */
    int64_t unix_s;              /* of the latest timestamp annotation so far; 0: none */
};
enum reader_status reader_next(struct reader *r, struct reader_batch *out);

/* After READER_TORN, in a sealed file: the bytes behind the last seal are given out as a plain file's
 * are, with positions that go on from the seal's. False, and nothing changed: there is no seal, or the
 * file is a base, which no server goes on in.
 *
 * Each write of Corsac's ends in a seal. So bytes behind the last seal are Corsac's last write, cut off
 * and never acknowledged; or commands of another server that went on in the file, as Redis does, and may
 * have acknowledged them; or both. Applying the whole commands and transactions among them loses nothing
 * of either. But no checksum covers them: so where a seal follows that may have been meant for them
 * (behind a damaged length), the file is DAMAGED and not TORN, and a block of zeros in them, as a power
 * cut may leave it in a write, is damage and no value. */
bool reader_read_tail(struct reader *r);

struct reader_report {
    uint64_t file_bytes;
    int64_t begun_s;     /* the file's date, once its first batch was given out; 0: none */
    uint64_t good_bytes; /* up to the end of the last batch given out */
    uint64_t bad_at;     /* DAMAGED: offset of what cannot be understood */
    bool sealed;         /* at this place */
    bool tail;           /* behind the last seal, see reader_read_tail */
    bool has_seal;       /* there was one; else all that was given out is plain */
    char error[READER_ERROR_CHARS]; /* TORN, DAMAGED, IO: what is wrong */
};
void reader_report(const struct reader *r, struct reader_report *out);
