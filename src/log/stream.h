#pragma once
/* The stream: effects, in the order in which they happened, each at a log position.
 *
 *     stream_put --> batch in the making --stream_seal--> every consumer, in turn: the append-only file's writer, ...
 *
 * A batch is a run of the stream's bytes that begins and ends between units. A consumer may hold it for as long as it
 * likes. A sealed batch never changes, so that other threads may read it; it is held and dropped on the loop's thread
 * only.
 *
 *     bytes   | SET k $65536 |              CRLF | DEL j | SET l $99999 |              CRLF |
 *     blobs                   ^ a value                                  ^ another value
 *
 * Large values are held by reference, and are not copied into `bytes`. Positions count the bytes of commands, SELECT,
 * MULTI and EXEC included, copied or not; lines that one consumer adds (seals, dates) do not count. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/buf.h"
#include "base/slice.h"

#define STREAM_BATCH_BYTES_MAX (1024 * 1024) /* a batch is sealed at this size, between units */
#define STREAM_BLOB_BYTES_MIN  (16 * 1024)   /* a smaller value is copied */
#define STREAM_SLACK_BYTES     256 /* for SELECT, MULTI and EXEC, beside the room that is asked for */
/* For effects without stream_room, such as the end of an expired key. */
#define STREAM_RESERVE_BYTES (64 * 1024)

struct stream;
struct batch_blob {
    size_t at; /* where in `bytes` the blob's belong */
    struct blob *blob;
};
struct batch {
    uint32_t refs;
    struct stream *stream; /* where its memory goes back to */
    uint64_t start, pos;   /* positions ahead of it and behind it */
    int db;                /* the database in which it begins; -1: it begins with a SELECT */
    int end_db;            /* the database in which it ends */
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
/* The bytes from `skip` on, as at most `max` vectors; returns how many. On any thread, as is the next. */
int batch_vectors(const struct batch *b, size_t skip, struct iovec *out, int max);
/* CRC-32C of the bytes behind others whose CRC is `crc`. */
uint32_t batch_crc(const struct batch *b, uint32_t crc);

/* `take` gets every batch once, in order, when it is sealed, and holds it (batch_hold) to keep it. */
struct stream_consumer {
    void (*take)(void *arg, struct batch *b);
    void *arg;
    struct stream_consumer *next;
};

/* A stream that begins at a position. It lives as long as it, or a batch of it, is held. */
struct stream *stream_new(uint64_t pos);
struct stream *stream_hold(struct stream *st);
void stream_drop(struct stream **st);
/* Gives the consumer all batches from the one in the making on. Borrows it until it is detached. */
void stream_attach(struct stream *st, struct stream_consumer *c);
void stream_detach(struct stream *st, struct stream_consumer *c);

/* Makes room for effects of so many bytes in the stream, and so many blobs, whose bytes do not count. To be called
 * before the change that the effects tell of. False: no memory, and the change must not be made. Good for the unit
 * under way, or the next. */
bool stream_room(struct stream *st, size_t bytes, size_t blobs);
/* Bytes that the command takes at most. */
size_t stream_command_bytes(int argc, const struct slice *argv);
/* A unit: the effects between these are atomic, framed by MULTI and EXEC if there is more than one. Units nest. */
void stream_unit_begin(struct stream *st);
void stream_unit_end(struct stream *st);
/* Puts an effect; copies the arguments. stream_room made room for it, or it is smaller than STREAM_RESERVE_BYTES. */
void stream_put(struct stream *st, int db, int argc, const struct slice *argv);
/* The same, but the argument that is the blob's bytes is held by reference where it is large enough. */
void stream_put_blob(struct stream *st, int db, int argc, const struct slice *argv,
                     struct blob *blob);
/* Sets the second in which batches are sealed from now on. */
void stream_clock(struct stream *st, int64_t unix_s);
/* Ends the batch and hands it to the consumers. Does nothing where the batch is empty, or within a unit that has an
 * effect. */
void stream_seal(struct stream *st);
/* Between units: seals, and has the next batch begin with a SELECT, as a file does. */
void stream_cut(struct stream *st);

uint64_t stream_pos(const struct stream *st);      /* behind everything put */
size_t stream_open_bytes(const struct stream *st); /* of the batch in the making */
/* For tests: asserts what always holds. */
void stream_validate(const struct stream *st);
