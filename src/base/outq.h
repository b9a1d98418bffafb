#pragma once
/* Bytes on their way out of a connection: a queue of chunks. A chunk is a run of copied bytes, or a
 * reference to a large value that is held until it is sent, or a source that makes its bytes when
 * they can be sent.
 *
 *   head [copied "+OK\r\n$70000\r\n"] -> [referenced, 70000 bytes] -> [copied "\r\n*900000\r\n"]
 *        -> [source] -> [copied ":1\r\n"]
 *
 * Copied runs live in blocks of one size, which a pool recycles. The run behind a reference goes on
 * in the block of the run before it. An empty queue owns no memory, so an idle connection costs
 * nothing.
 *
 * Offsets. Places in the stream of a queue (a gate, a message behind a reply) are counted in offsets: a byte counts
 * one, and a source counts one, however many bytes it makes. So places behind a source are known before its bytes are.
 * Bytes that a source has made stand ahead of it and count nothing; the source is passed when all of them are sent. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/slice.h"

#define OUTQ_CHUNK_BYTES     16384 /* a block, its header included */
#define OUTQ_POOL_CHUNKS_MAX 64    /* free blocks that a pool keeps */
#define OUTQ_SOURCE_BYTES    65536 /* asked for in one call of a source */

/* Called once, when the referenced bytes are sent or dropped. */
typedef void (*outq_release_fn)(void *owner);

/* Embedded in the object that makes the bytes. */
struct outq_source {
    const struct outq_source_ops *ops;
};
struct outq;
struct outq_source_ops {
    /* Appends about `bytes` of its next bytes to `to`, an empty queue, but no source. True: more bytes follow, and at
     * least one was appended. False: these were the last. */
    bool (*produce)(struct outq_source *s, struct outq *to, size_t bytes);
    /* Called once, when all its bytes are made or the source is dropped. Must not take long. */
    void (*free)(struct outq_source *s);
    /* Memory that freeing the source would give back, in O(1). */
    size_t (*memory)(const struct outq_source *s);
};

struct outq_chunk;
struct outq_block;
/* Free blocks, shared by all queues of one loop. */
struct outq_pool {
    struct outq_block *free;
    int count;
};

struct outq {
    struct outq_chunk *head, *tail;
    char *at, *end;      /* place of tail's next byte, and end of its room; NULL when empty */
    size_t closed_bytes; /* bytes in all chunks but tail, as offsets count them */
    size_t held_bytes;   /* memory behind the queue: blocks, chunks, referenced bytes, sources */
    uint64_t passed;     /* offset of the head */
    size_t sources;
    struct outq_pool *pool; /* borrowed for life */
};

void outq_pool_init(struct outq_pool *p);
void outq_pool_deinit(struct outq_pool *p);

void outq_init(struct outq *q, struct outq_pool *pool);
/* Drops all chunks and releases references and sources. The queue is empty then, and can be used again. */
void outq_deinit(struct outq *q);

/* A place for `need` contiguous bytes (need <= OUTQ_CHUNK_BYTES / 2); follow with outq_commit. */
char *outq_reserve_slow(struct outq *q, size_t need);
static inline char *outq_reserve(struct outq *q, size_t need)
{
    return (size_t)(q->end - q->at) >= need ? q->at : outq_reserve_slow(q, need);
}
static inline void outq_commit(struct outq *q, size_t len)
{
    q->at += len;
}
void outq_append(struct outq *q, const void *p, size_t len);
/* Queues bytes without copying; `release(owner)` is called when they are no longer needed. A NULL
 * `release` is for bytes that outlive the queue. */
void outq_append_ref(struct outq *q, const void *p, size_t len, outq_release_fn release,
                     void *owner);
/* The same for bytes in a blob, which the queue holds until then. A sender may lend them if
 * blob_ask_to_lend says so. */
void outq_append_blob(struct outq *q, const char *p, size_t len, struct blob *b);
/* Takes the source, which is asked for its bytes when all bytes ahead of it are sent. */
void outq_append_source(struct outq *q, struct outq_source *s);
/* Moves all of `src` behind what `q` holds; src is empty afterwards. Both have the same pool. */
void outq_move(struct outq *q, struct outq *src);

size_t outq_bytes(const struct outq *q);  /* not yet sent, as offsets count */
size_t outq_memory(const struct outq *q); /* held, references and block slack included */
/* Asks sources again for their memory, which grows when other holders of it let go. */
void outq_update_memory(struct outq *q);
int outq_chunks(const struct outq *q); /* length of the queue in chunks (walks it) */
static inline int outq_empty(const struct outq *q)
{
    return q->head == NULL;
}
/* Offset of the next byte that is appended. */
static inline uint64_t outq_end(const struct outq *q)
{
    return q->passed + outq_bytes(q);
}
/* Fills up to `max` vectors with the next bytes to be sent, ahead of offset `until`; returns how many. A source at the
 * head is asked for bytes. Bytes that may be lent are given alone, as the only vector. */
int outq_peek_until(struct outq *q, uint64_t until, struct iovec *iov, int max);
static inline int outq_peek(struct outq *q, struct iovec *iov, int max)
{
    return outq_peek_until(q, UINT64_MAX, iov, max);
}
/* True: a source, or bytes made by one, are next. Making bytes takes longer than writing them. */
bool outq_at_source(const struct outq *q);
/* The blob of outq_peek's first vector, if it may be lent; else NULL. */
struct blob *outq_lendable(const struct outq *q);
/* Drops the first `len` bytes that outq_peek gave, which have been sent. */
void outq_drain(struct outq *q, size_t len);

/* The end of the queue, to roll back to. Valid until the queue is peeked at, drained, moved away or rolled back to an
 * earlier mark. */
struct outq_mark {
    struct outq_chunk *chunk;
    char *at;
};
struct outq_mark outq_mark(const struct outq *q);
/* Drops all that was appended since the mark. */
void outq_rollback(struct outq *q, struct outq_mark mark);

/* For tests: every invariant, by assertion. */
void outq_validate(const struct outq *q);
