#pragma once
/* The stream: effects, in the order in which they happened, each at a log position.
 *
 *     stream_put --> batch in the making --stream_seal--> every consumer, in turn: the append-only file's writer, ...
 *
 * A batch is a run of the stream's bytes that begins and ends between units. Whoever takes one may hold it for as long
 * as it likes; sealed, it never changes, so that another thread may read it. It is held and dropped on the loop's
 * thread only.
 *
 *     bytes   | SET k $65536 |              CRLF | DEL j | SET l $99999 |              CRLF |
 *     blobs                   ^ 64 KiB of a value                        ^ another's
 *
 * Large values are held by reference and stand in no buffer. Positions count the bytes of commands, SELECT, MULTI and
 * EXEC included, however they are kept; what one consumer alone adds (seals, dates) does not count. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/slice.h"

#define STREAM_BATCH_BYTES_MAX (1024 * 1024) /* a batch is sealed at this size, between units */
#define STREAM_BLOB_BYTES_MIN  (16 * 1024)   /* a smaller value is copied */
#define STREAM_SLACK_BYTES     256 /* SELECT, MULTI and EXEC, beside what room is asked for */
/* For effects that nobody asked room for, such as the end of an expired key. */
#define STREAM_RESERVE_BYTES (64 * 1024)

struct stream;
struct batch_blob {
    size_t at; /* of `bytes`: where the blob's stand */
    struct blob *blob;
};
struct batch {
    uint32_t refs;
    struct stream *stream; /* where its memory goes back to */
    uint64_t start, pos;   /* positions ahead of it and behind it */
    int db;                /* in which it begins; -1: it begins with a SELECT */
    int end_db;            /* in which it ends */
    int64_t unix_s;        /* when it was sealed */
    size_t len;            /* with the blobs' bytes */
    struct buf bytes;
    struct batch_blob *blobs; /* owned, each holds a reference */
    size_t blob_count, blob_cap;
    struct batch *next; /* while its memory waits to be used again */
};
static inline struct batch *batch_hold(struct batch *b)
{
    b->refs++;
    return b;
}
void batch_drop(struct batch *b);
/* The bytes from `skip` on, as at most `max` vectors; returns how many. On any thread, as the next. */
int batch_vectors(const struct batch *b, size_t skip, struct iovec *out, int max);
/* CRC-32C of the bytes behind others whose CRC is `crc`. */
uint32_t batch_crc(const struct batch *b, uint32_t crc);

/* Gets every batch once, in order, while it is sealed; holds it to keep it. */
struct stream_consumer {
    void (*take)(void *arg, struct batch *b);
    void *arg;
    struct stream_consumer *next;
};

/* Begins at a position. It lives as long as somebody holds it, or a batch of it. */
struct stream *stream_new(uint64_t pos);
struct stream *stream_hold(struct stream *st);
void stream_drop(struct stream **st);
/* From the batch in the making on. Borrowed until it is detached. */
void stream_attach(struct stream *st, struct stream_consumer *c);
void stream_detach(struct stream *st, struct stream_consumer *c);

/* Is there memory for effects of so many bytes in the stream, and as many blobs, not counted in them? To be asked
 * before the change that they tell of; false: it must not be made. Good for the unit under way, or the next. */
bool stream_room(struct stream *st, size_t bytes, size_t blobs);
/* Bytes that such a command takes at most. */
size_t stream_command_bytes(int argc, const struct slice *argv);
/* What is put between these is atomic: with more than one effect it is framed by MULTI and EXEC. They nest. */
void stream_unit_begin(struct stream *st);
void stream_unit_end(struct stream *st);
/* An effect; copies the arguments. Room for it was asked for, or it is smaller than STREAM_RESERVE_BYTES. */
void stream_put(struct stream *st, int db, int argc, const struct slice *argv);
/* The same; the argument that is the blob's bytes is held by reference where it is large enough. */
void stream_put_blob(struct stream *st, int db, int argc, const struct slice *argv,
                     struct blob *blob);
/* The second that batches sealed from now on are of. */
void stream_clock(struct stream *st, int64_t unix_s);
/* Ends the batch and hands it to the consumers; nothing where there is none, or within a unit that has put
 * something. */
void stream_seal(struct stream *st);
/* Between units: seals; whatever comes next begins with a SELECT, as a file does. */
void stream_cut(struct stream *st);

uint64_t stream_pos(const struct stream *st);      /* behind everything put */
size_t stream_open_bytes(const struct stream *st); /* of the batch in the making */
/* For tests: asserts what always holds. */
void stream_validate(const struct stream *st);
