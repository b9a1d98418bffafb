#include "base/outq.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* A run of bytes in the queue. Only the tail can still grow; its length is q->at - ptr. */
struct outq_chunk {
    struct outq_chunk *next;
    const char *ptr;          /* first byte not yet sent */
    size_t len;               /* bytes from ptr on; not kept in the tail */
    struct outq_block *block; /* the block of copied bytes; NULL: a reference or a source */
    size_t held_bytes; /* of a reference: its length when it was queued; of a source: its memory */
    bool lendable;     /* a reference to a blob, `owner`, that may be lent */
    bool staged;       /* bytes made by the source behind this chunk and other staged ones */
    bool ended;        /* a source without more bytes, which is freed already */
    outq_release_fn release; /* of a reference; may be NULL */
    void *owner;
    struct outq_source *source; /* NULL: the chunk is no source */
};
/* A source counts as one byte, which is never read. */
static const char source_byte;

/* Copied bytes. The block itself describes their first run, which is all that a queue without
 * references needs. Each other run in the block has a chunk of its own.
 *
 *   +----------------+----------------------+-----------------+-----------+
 *   | first, refs    | bytes of `first`     | bytes of        |  unused   |
 *   |                |                      | another chunk   |           |
 *   +----------------+----------------------+-----------------+-----------+
 *   0                bytes                                                OUTQ_CHUNK_BYTES */
struct outq_block {
    struct outq_chunk first;
    struct outq_block *next_free; /* in the pool */
    int refs;                     /* chunks in this block */
    char bytes[];
};
#define BLOCK_CAPACITY (OUTQ_CHUNK_BYTES - sizeof(struct outq_block))
static_assert(BLOCK_CAPACITY >= OUTQ_CHUNK_BYTES / 2, "outq_reserve promises half a block");

/* The room left in a block is used behind a reference, too, if it is worth a chunk: this many bytes. */
#define CONTINUE_BYTES_MIN 128

void outq_pool_init(struct outq_pool *p)
{
    *p = (struct outq_pool){0};
}

void outq_pool_deinit(struct outq_pool *p)
{
    while (p->free) {
        struct outq_block *block = p->free;
        p->free = block->next_free;
        mem_free_sized(block, OUTQ_CHUNK_BYTES);
    }
    p->count = 0;
}

static struct outq_block *pool_get(struct outq_pool *p)
{
    struct outq_block *block = p->free;
    if (!block)
        return mem_alloc(OUTQ_CHUNK_BYTES);
    p->free = block->next_free;
    p->count--;
    return block;
}

static void pool_put(struct outq_pool *p, struct outq_block *block)
{
    if (p->count == OUTQ_POOL_CHUNKS_MAX) {
        mem_free_sized(block, OUTQ_CHUNK_BYTES);
        return;
    }
    block->next_free = p->free;
    p->free = block;
    p->count++;
}

void outq_init(struct outq *q, struct outq_pool *pool)
{
    *q = (struct outq){.pool = pool};
}

static void block_unref(struct outq *q, struct outq_block *block)
{
    if (--block->refs > 0)
        return;
    q->held_bytes -= OUTQ_CHUNK_BYTES;
    pool_put(q->pool, block);
}

/* Frees a source, whose chunk stays in the queue and counts in offsets. */
static void source_end(struct outq *q, struct outq_chunk *chunk)
{
    if (chunk->ended)
        return;
    chunk->ended = true;
    q->held_bytes -= chunk->held_bytes;
    chunk->held_bytes = 0;
    chunk->source->ops->free(chunk->source);
}

/* Frees a chunk that is out of the queue. */
static void chunk_free(struct outq *q, struct outq_chunk *chunk)
{
    struct outq_block *block = chunk->block;
    if (!block && chunk->release)
        chunk->release(chunk->owner);
    if (chunk->source)
        source_end(q, chunk);
    if (!block || chunk != &block->first) {
        q->held_bytes -= sizeof(*chunk) + chunk->held_bytes;
        q->sources -= chunk->source != NULL;
        mem_free_sized(chunk, sizeof(*chunk));
    }
    if (block)
        block_unref(q, block);
}

/* The bytes left in a chunk. Staged chunks are never the tail. */
static size_t chunk_len(const struct outq *q, const struct outq_chunk *chunk)
{
    return chunk == q->tail ? (size_t)(q->at - chunk->ptr) : chunk->len;
}

/* The length of a chunk that is not the tail, as offsets count it. */
static size_t closed_len(const struct outq_chunk *chunk)
{
    return chunk->staged ? 0 : chunk->len;
}

/* Makes `chunk` the tail, with `len` bytes in it. */
static void push(struct outq *q, struct outq_chunk *chunk, size_t len)
{
    if (q->tail) {
        q->tail->len = chunk_len(q, q->tail);
        q->closed_bytes += q->tail->len;
        q->tail->next = chunk;
    } else {
        q->head = chunk;
    }
    q->tail = chunk;
    q->at = (char *)chunk->ptr + len;
    q->end = chunk->block ? (char *)chunk->block + OUTQ_CHUNK_BYTES : q->at;
}

static void pop(struct outq *q)
{
    struct outq_chunk *chunk = q->head;
    q->head = chunk->next;
    if (chunk == q->tail) {
        q->tail = NULL;
        q->at = q->end = NULL;
    } else {
        q->closed_bytes -= closed_len(chunk);
    }
    chunk_free(q, chunk);
}

void outq_deinit(struct outq *q)
{
    while (q->head)
        pop(q);
    assert(q->closed_bytes == 0 && q->held_bytes == 0);
}

char *outq_reserve_slow(struct outq *q, size_t need)
{
    assert(need <= OUTQ_CHUNK_BYTES / 2);
    struct outq_block *block = pool_get(q->pool);
    block->first = (struct outq_chunk){.ptr = block->bytes, .block = block};
    block->refs = 1;
    q->held_bytes += OUTQ_CHUNK_BYTES;
    push(q, &block->first, 0);
    return q->at;
}

void outq_append(struct outq *q, const void *p, size_t len)
{
    for (const char *from = p; len > 0;) {
        char *to = outq_reserve(q, 1);
        size_t room = (size_t)(q->end - to);
        size_t part = len < room ? len : room;
        memcpy(to, from, part);
        outq_commit(q, part);
        from += part;
        len -= part;
    }
}

static struct outq_chunk *chunk_new(struct outq *q, struct outq_chunk content)
{
    struct outq_chunk *chunk = mem_alloc(sizeof(*chunk));
    *chunk = content;
    q->held_bytes += sizeof(*chunk) + content.held_bytes;
    return chunk;
}

static void push_ref(struct outq *q, struct outq_chunk ref, size_t len)
{
    struct outq_block *block = q->tail ? q->tail->block : NULL;
    char *at = q->at, *end = q->end;
    push(q, chunk_new(q, ref), len);
    if (block && end - at >= CONTINUE_BYTES_MIN) {
        block->refs++;
        push(q, chunk_new(q, (struct outq_chunk){.ptr = at, .block = block}), 0);
    }
}

void outq_append_ref(struct outq *q, const void *p, size_t len, outq_release_fn release,
                     void *owner)
{
    struct outq_chunk ref = {.ptr = p, .held_bytes = len, .release = release, .owner = owner};
    push_ref(q, ref, len);
}

void outq_append_blob(struct outq *q, const char *p, size_t len, struct blob *b)
{
    struct outq_chunk ref = {.ptr = p,
                             .held_bytes = len,
                             .lendable = blob_ask_to_lend(b),
                             .release = blob_drop_owner,
                             .owner = blob_hold(b)};
    push_ref(q, ref, len);
}

void outq_append_source(struct outq *q, struct outq_source *s)
{
    struct outq_chunk chunk = {.ptr = &source_byte, .held_bytes = s->ops->memory(s), .source = s};
    push_ref(q, chunk, 1);
    q->sources++;
}

void outq_move(struct outq *q, struct outq *src)
{
    assert(q != src && q->pool == src->pool);
    if (!src->head)
        return;
    bool one_run = src->head == src->tail && src->head->block;
    size_t len = outq_bytes(src);
    if (one_run && len <= (size_t)(q->end - q->at)) {
        /* A copy of few bytes leaves q in one run and gives the block back. */
        outq_append(q, src->head->ptr, len);
        outq_deinit(src);
        return;
    }
    push(q, src->head, 0);
    q->tail = src->tail;
    q->at = src->at;
    q->end = src->end;
    q->closed_bytes += src->closed_bytes;
    q->held_bytes += src->held_bytes;
    q->sources += src->sources;
    outq_init(src, src->pool);
}

size_t outq_bytes(const struct outq *q)
{
    return q->tail ? q->closed_bytes + chunk_len(q, q->tail) : 0;
}

size_t outq_memory(const struct outq *q)
{
    return q->held_bytes;
}

int outq_chunks(const struct outq *q)
{
    int count = 0;
    for (const struct outq_chunk *chunk = q->head; chunk; chunk = chunk->next)
        count++;
    return count;
}

void outq_update_memory(struct outq *q)
{
    size_t left = q->sources;
    for (struct outq_chunk *chunk = q->head; left > 0; chunk = chunk->next) {
        if (!chunk->source)
            continue;
        left--;
        if (chunk->ended)
            continue;
        q->held_bytes -= chunk->held_bytes;
        chunk->held_bytes = chunk->source->ops->memory(chunk->source);
        q->held_bytes += chunk->held_bytes;
    }
}

/* --- sending -------------------------------------------------------------------------------------------- */

/* Puts the chunks of `made` ahead of the head, which is the source that made them. */
static void stage(struct outq *q, struct outq *made)
{
    if (!made->head)
        return;
    made->tail->len = chunk_len(made, made->tail);
    for (struct outq_chunk *chunk = made->head; chunk; chunk = chunk->next)
        chunk->staged = true;
    made->tail->next = q->head;
    q->head = made->head;
    q->held_bytes += made->held_bytes;
}

/* Asks the source at the head for bytes. */
static void produce(struct outq *q)
{
    struct outq_chunk *chunk = q->head;
    struct outq made;
    outq_init(&made, q->pool);
    bool more = chunk->source->ops->produce(chunk->source, &made, OUTQ_SOURCE_BYTES);
    assert(made.sources == 0 && (!more || outq_bytes(&made) > 0));
    if (!more)
        source_end(q, chunk);
    stage(q, &made);
}

/* Asks sources for bytes and drops empty chunks until bytes stand at the head, or `until` is reached. */
static void come_to_bytes(struct outq *q, uint64_t until)
{
    while (q->head && q->passed < until) {
        if (q->head->source && !q->head->ended)
            produce(q);
        if (!q->head->source && chunk_len(q, q->head) > 0)
            return;
        outq_drain(q, 0);
    }
}

/* Fills vectors with the next bytes, as far as they lie within `open` bytes of offsets. `sources` is a constant of the
 * caller: a queue without sources is spared the checks for them. */
static inline __attribute__((always_inline)) int
fill_vectors(const struct outq *q, uint64_t open, struct iovec *iov, int max, bool sources)
{
    int count = 0;
    for (const struct outq_chunk *chunk = q->head; chunk && count < max && open > 0;
         chunk = chunk->next) {
        size_t len = chunk_len(q, chunk);
        if (sources && chunk->source && !chunk->ended)
            break;
        if (!sources || !chunk->staged) {
            len = len < open ? len : (size_t)open;
            open -= len;
        }
        if ((sources && chunk->source) || len == 0)
            continue;
        if (chunk->lendable && count > 0)
            break;
        iov[count++] = (struct iovec){(void *)chunk->ptr, len};
        if (chunk->lendable)
            break;
    }
    return count;
}

/* The queue is one chunk of bytes, as most replies are. */
static bool is_plain(const struct outq *q)
{
    return q->head && q->head == q->tail && q->sources == 0;
}

int outq_peek_until(struct outq *q, uint64_t until, struct iovec *iov, int max)
{
    size_t len = is_plain(q) ? chunk_len(q, q->head) : 0;
    if (len > 0 && q->passed + len <= until) {
        iov[0] = (struct iovec){(void *)q->head->ptr, len};
        return 1;
    }
    if (q->sources > 0)
        come_to_bytes(q, until);
    if (until <= q->passed)
        return 0;
    uint64_t open = until - q->passed;
    return q->sources > 0 ? fill_vectors(q, open, iov, max, true)
                          : fill_vectors(q, open, iov, max, false);
}

bool outq_at_source(const struct outq *q)
{
    return q->head && (q->head->staged || q->head->source);
}

struct blob *outq_lendable(const struct outq *q)
{
    return q->head && q->head->lendable ? q->head->owner : NULL;
}

void outq_drain(struct outq *q, size_t len)
{
    struct outq_chunk *chunk;
    if (is_plain(q) && len == chunk_len(q, q->head)) {
        q->passed += len;
        pop(q);
        return;
    }
    while ((chunk = q->head) != NULL) {
        size_t have = chunk_len(q, chunk), sent = len < have ? len : have;
        if (chunk->source) {
            if (!chunk->ended)
                break;
            q->passed++;
            pop(q);
            continue;
        }
        q->passed += chunk->staged ? 0 : sent;
        len -= sent;
        if (sent == have) {
            pop(q);
            continue;
        }
        chunk->ptr += sent;
        if (chunk != q->tail) {
            q->closed_bytes -= closed_len(chunk);
            chunk->len -= sent;
            q->closed_bytes += closed_len(chunk);
        }
        return;
    }
    assert(len == 0);
}

struct outq_mark outq_mark(const struct outq *q)
{
    return (struct outq_mark){q->tail, q->at};
}

void outq_rollback(struct outq *q, struct outq_mark mark)
{
    struct outq_chunk *chunk = mark.chunk;
    if (!chunk) {
        outq_deinit(q);
        return;
    }
    if (chunk != q->tail) {
        q->closed_bytes -= closed_len(chunk);
        for (struct outq_chunk *next, *dropped = chunk->next; dropped; dropped = next) {
            next = dropped->next;
            if (dropped != q->tail)
                q->closed_bytes -= closed_len(dropped);
            chunk_free(q, dropped);
        }
        chunk->next = NULL;
        q->tail = chunk;
    }
    /* The block's bytes behind the mark belonged to chunks that were dropped. */
    assert(mark.at >= chunk->ptr);
    q->at = mark.at;
    q->end = chunk->block ? (char *)chunk->block + OUTQ_CHUNK_BYTES : mark.at;
}

static int block_chunks(const struct outq *q, const struct outq_block *block)
{
    int count = 0;
    for (const struct outq_chunk *chunk = q->head; chunk; chunk = chunk->next)
        count += chunk->block == block;
    return count;
}

/* Staged bytes stand at the head, with their source behind them; no other source may have ended. */
static void validate_order(const struct outq *q)
{
    size_t sources = 0;
    bool ahead = true;
    for (const struct outq_chunk *chunk = q->head; chunk; chunk = chunk->next) {
        if (chunk->source) {
            assert(!chunk->block && !chunk->release && !chunk->lendable && !chunk->staged);
            assert(ahead || !chunk->ended);
            sources++;
        }
        assert(!chunk->staged || (ahead && chunk != q->tail));
        assert(!chunk->staged || chunk->next->staged || chunk->next->source);
        ahead = ahead && chunk->staged;
    }
    assert(q->sources == sources);
}

void outq_validate(const struct outq *q)
{
    assert(!q->head == !q->tail && !q->at == !q->tail && !q->end == !q->tail);
    validate_order(q);
    size_t closed_bytes = 0, held_bytes = 0;
    for (const struct outq_chunk *chunk = q->head; chunk; chunk = chunk->next) {
        const struct outq_block *block = chunk->block;
        const char *end = chunk->ptr + chunk_len(q, chunk);
        if (block) {
            assert(chunk->ptr >= block->bytes && end <= (char *)block + OUTQ_CHUNK_BYTES);
            assert(block->refs == block_chunks(q, block));
        }
        if (!block || chunk != &block->first)
            held_bytes += sizeof(*chunk) + chunk->held_bytes;
        /* A block is counted at its last chunk, as its first one may have been sent and freed. */
        bool seen_again = false;
        for (const struct outq_chunk *later = chunk->next; block && later; later = later->next)
            seen_again |= later->block == block;
        if (block && !seen_again)
            held_bytes += OUTQ_CHUNK_BYTES;
        if (chunk != q->tail)
            closed_bytes += closed_len(chunk);
        else
            assert(!chunk->next && q->at <= q->end);
    }
    assert(q->closed_bytes == closed_bytes && q->held_bytes == held_bytes);
}
