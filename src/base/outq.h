#pragma once
/* Bytes on their way out of a connection: a queue of chunks, each a run of bytes that were copied
 * in, or a large value that is only pointed at (and held) until it is sent.
 *
 *   head [copied "+OK\r\n$70000\r\n"] -> [referenced, 70000 bytes] -> [copied "\r\n:1\r\n"]
 *
 * Copied runs live in blocks of one size, which a pool recycles; the run behind a reference goes on
 * in the block of the run before it. An empty queue owns no memory, so that an idle connection
 * costs nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blob.h"
#include "base/slice.h"

#define OUTQ_CHUNK_BYTES     16384 /* a block, its header included */
#define OUTQ_POOL_CHUNKS_MAX 64    /* free blocks that a pool keeps */

/* Called once, when the referenced bytes are sent or dropped. */
typedef void (*outq_release_fn)(void *owner);

struct outq_chunk;
struct outq_block;
struct outq_pool { /* free blocks, shared by all queues of one loop */
    struct outq_block *free;
    int count;
};

struct outq {
    struct outq_chunk *head, *tail;
    char *at, *end;         /* where tail's next byte goes, and its room ends; NULL when empty */
    size_t closed_bytes;    /* bytes in all chunks but tail */
    size_t held_bytes;      /* memory behind the queue: blocks, chunks, referenced bytes */
    struct outq_pool *pool; /* borrowed for life */
};

void outq_pool_init(struct outq_pool *p);
void outq_pool_deinit(struct outq_pool *p);

void outq_init(struct outq *q, struct outq_pool *pool);
void outq_deinit(struct outq *q); /* drops what is queued, releases what is referenced */

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
/* Moves all of `src` behind what `q` holds; src is empty afterwards. Both have the same pool. */
void outq_move(struct outq *q, struct outq *src);

size_t outq_bytes(const struct outq *q);  /* not yet sent */
size_t outq_memory(const struct outq *q); /* held, references and block slack included */
int outq_chunks(const struct outq *q);    /* length of the queue in chunks (walks it) */
static inline int outq_empty(const struct outq *q)
{
    return q->head == NULL;
}
/* Fills up to `max` vectors with what is to be sent next; returns how many. What may be lent is given
 * alone: the first vector, and then the only one. */
int outq_peek(const struct outq *q, struct iovec *iov, int max);
/* The blob that outq_peek's first vector may be lent from, or NULL. */
struct blob *outq_lendable(const struct outq *q);
/* Forgets the first `len` bytes, which have been sent. A queue with nothing left is empty. */
void outq_drain(struct outq *q, size_t len);

/* A place in the stream to come back to, good until the queue is drained, moved away or rolled back
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
