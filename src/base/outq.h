#pragma once
/* Bytes on their way out of a connection: a queue of chunks, each a run of bytes that were copied
 * in, or a large value that is only pointed at (and held) until it is sent, or a source that makes
 * its bytes when they can be sent.
 *
 *   head [copied "+OK\r\n$70000\r\n"] -> [referenced, 70000 bytes] -> [copied "\r\n*900000\r\n"]
 *        -> [source] -> [copied ":1\r\n"]
 *
 * Copied runs live in blocks of one size, which a pool recycles; the run behind a reference goes on
 * in the block of the run before it. An empty queue owns no memory, so that an idle connection
 * costs nothing.
 *
 * Offsets. Whoever remembers a place in the stream that a queue hands on (a gate, a message behind a reply) counts in
 * offsets: of a byte one, of a source one, however many bytes it makes. So places behind a source are known before its
 * bytes are. What it has made stands ahead of it and counts nothing; the source is passed when all of that is sent. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/slice.h"

#define OUTQ_CHUNK_BYTES     16384 /* a block, its header included */
#define OUTQ_POOL_CHUNKS_MAX 64    /* free blocks that a pool keeps */
#define OUTQ_SOURCE_BYTES    65536 /* that a source is asked for at once */

/* Called once, when the referenced bytes are sent or dropped. */
typedef void (*outq_release_fn)(void *owner);

/* Embedded in whatever makes the bytes. */
struct outq_source {
    const struct outq_source_ops *ops;
};
struct outq;
struct outq_source_ops {
    /* Appends its next bytes to `to`, an empty queue: about as many as asked for, and no source. False: those were the
     * last; else there is at least one. */
    bool (*produce)(struct outq_source *s, struct outq *to, size_t bytes);
    /* It is sent, or dropped. Must not take long. */
    void (*free)(struct outq_source *s);
    /* Memory that would go with it, in O(1). */
    size_t (*memory)(const struct outq_source *s);
};

struct outq_chunk;
struct outq_block;
struct outq_pool { /* free blocks, shared by all queues of one loop */
    struct outq_block *free;
    int count;
};

struct outq {
    struct outq_chunk *head, *tail;
    char *at, *end;      /* where tail's next byte goes, and its room ends; NULL when empty */
    size_t closed_bytes; /* bytes in all chunks but tail, as offsets count them */
    size_t held_bytes;   /* memory behind the queue: blocks, chunks, referenced bytes, sources */
    uint64_t passed;     /* offset of the head: what was drained so far */
    size_t sources;
    struct outq_pool *pool; /* borrowed for life */
};

void outq_pool_init(struct outq_pool *p);
void outq_pool_deinit(struct outq_pool *p);

void outq_init(struct outq *q, struct outq_pool *pool);
/* Drops what is queued, releases what is referenced. The queue is empty then, and good for more. */
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
/* The same with bytes in a blob, which is held until then; a sender may lend them if the blob agrees
 * (base/blob.h). */
void outq_append_blob(struct outq *q, const char *p, size_t len, struct blob *b);
/* Takes the source, which is asked for its bytes when all ahead of it is sent. */
void outq_append_source(struct outq *q, struct outq_source *s);
/* Moves all of `src` behind what `q` holds; src is empty afterwards. Both have the same pool. */
void outq_move(struct outq *q, struct outq *src);

size_t outq_bytes(const struct outq *q);  /* not yet sent; of a source one */
size_t outq_memory(const struct outq *q); /* held, references and block slack included */
/* Asks sources anew for the memory that would go with them: others may have let go of what they hold. */
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
/* Fills up to `max` vectors with what is to be sent next and stands ahead of offset `until`; returns how many. A source
 * at the head is asked for bytes. What may be lent is given alone: the first vector, and then the only one. */
int outq_peek_until(struct outq *q, uint64_t until, struct iovec *iov, int max);
static inline int outq_peek(struct outq *q, struct iovec *iov, int max)
{
    return outq_peek_until(q, UINT64_MAX, iov, max);
}
/* Sending it goes on with bytes of a source, whose making takes longer than writing them. */
bool outq_at_source(const struct outq *q);
/* The blob that outq_peek's first vector may be lent from, or NULL. */
struct blob *outq_lendable(const struct outq *q);
/* Forgets the first `len` bytes that outq_peek gave, which have been sent. A queue with nothing left is empty. */
void outq_drain(struct outq *q, size_t len);

/* A place in the stream to come back to, good until the queue is peeked at, drained, moved away or rolled back
 * to an earlier place. */
struct outq_mark {
    struct outq_chunk *chunk;
    char *at;
};
struct outq_mark outq_mark(const struct outq *q);
/* Everything appended after `mark` is dropped again. */
void outq_rollback(struct outq *q, struct outq_mark mark);

/* For tests: checks everything that must hold between the fields. */
void outq_validate(const struct outq *q);
