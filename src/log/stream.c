/* See stream.h. The memory of batches is used again: the pool keeps at most as much as consumers held of late, as one
 * sync releases so much at once. */
#include "log/stream.h"

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/prefetch.h"
#include "log/format.h"

#define POOL_BYTES_MIN       (1024 * 1024) /* may be kept however little was held */
#define POOL_BATCH_BYTES_MAX (512 * 1024)  /* a larger batch's memory is not kept */
#define PEAK_DECAY_SHIFT     10            /* by 2^-10 with each batch */
#define BLOBS_MIN            4

#define MULTI_TEXT       "*1\r\n$5\r\nMULTI\r\n"
#define EXEC_TEXT        "*1\r\n$4\r\nEXEC\r\n"
#define TEXT_BYTES(text) (sizeof(text) - 1)
_Static_assert(STREAM_SLACK_BYTES > TEXT_BYTES(MULTI_TEXT) + TEXT_BYTES(EXEC_TEXT) + 64,
               "room for the framing of a unit and a SELECT");

struct stream {
    uint32_t refs;
    struct batch *batch; /* in the making */
    uint64_t pos;
    int64_t unix_s;
    int depth; /* stream_unit_begin less stream_unit_end */
    /* Of the unit under way: */
    unsigned effects;
    size_t first_at;    /* where its first effect begins in the batch's bytes */
    size_t first_blobs; /* and the index that its first blob would have */
    struct stream_consumer *consumers;

    struct batch *pool;
    size_t pool_bytes, held_bytes, held_peak; /* capacities */
    char *reserve;                            /* NULL: in use, and not yet replaced */
};

/* --- batches ------------------------------------------------------------------------------------------------ */

static void batch_free(struct batch *b)
{
    buf_deinit(&b->bytes);
    mem_free(b->blobs);
    mem_free(b);
}

static struct batch *pool_take(struct stream *st)
{
    struct batch *b = st->pool;
    if (b) {
        st->pool = b->next;
        st->pool_bytes -= b->bytes.cap;
    }
    return b;
}

static size_t pool_limit(const struct stream *st)
{
    return st->held_peak > POOL_BYTES_MIN ? st->held_peak : POOL_BYTES_MIN;
}

/* Takes a batch that no consumer holds. */
static void pool_give(struct stream *st, struct batch *b)
{
    size_t most = pool_limit(st);
    if (b->bytes.cap > POOL_BATCH_BYTES_MAX || st->pool_bytes + b->bytes.cap > most) {
        batch_free(b);
    } else {
        b->next = st->pool;
        st->pool = b;
        st->pool_bytes += b->bytes.cap;
    }
    while (st->pool_bytes > most)
        batch_free(pool_take(st));
}

static void open_batch(struct stream *st, int db)
{
    struct batch *b = pool_take(st);
    if (!b)
        b = mem_zalloc(sizeof(*b));
    *b = (struct batch){.refs = 1,
                        .stream = st,
                        .start = st->pos,
                        .db = db,
                        .end_db = db,
                        .bytes = b->bytes,
                        .blobs = b->blobs,
                        .blob_cap = b->blob_cap};
    buf_clear(&b->bytes);
    st->batch = b;
}

static void drop_blobs(struct batch *b)
{
    for (size_t i = 0; i < b->blob_count; i++)
        blob_drop(b->blobs[i].blob);
    b->blob_count = 0;
}

static void unref(struct stream *st)
{
    if (--st->refs > 0)
        return;
    struct batch *b;
    while ((b = pool_take(st)))
        batch_free(b);
    drop_blobs(st->batch);
    batch_free(st->batch);
    mem_free(st->reserve);
    mem_free(st);
}

void batch_drop(struct batch *b)
{
    struct stream *st = b->stream;
    assert(b->refs > 0);
    if (--b->refs > 0)
        return;
    drop_blobs(b);
    st->held_bytes -= b->bytes.cap;
    pool_give(st, b);
    unref(st);
}

/* Adds a run of bytes without its part of the *skip bytes. Returns 0 where nothing is left of the run. */
static int add_vector(struct iovec *out, const char *p, size_t len, size_t *skip)
{
    size_t over = *skip < len ? *skip : len;
    *skip -= over;
    *out = (struct iovec){(char *)p + over, len - over};
    return len > over;
}

int batch_vectors(const struct batch *b, size_t skip, struct iovec *out, int max)
{
    size_t at = 0;
    int n = 0;
    for (size_t i = 0; i < b->blob_count && n < max; i++) {
        const struct batch_blob *r = &b->blobs[i];
        n += add_vector(&out[n], b->bytes.ptr + at, r->at - at, &skip);
        at = r->at;
        if (n < max)
            n += add_vector(&out[n], r->blob->data, r->blob->len, &skip);
        else
            return n;
    }
    if (n < max)
        n += add_vector(&out[n], b->bytes.ptr + at, b->bytes.len - at, &skip);
    return n;
}

uint32_t batch_crc(const struct batch *b, uint32_t crc)
{
    size_t at = 0;
    for (size_t i = 0; i < b->blob_count; i++) {
        const struct batch_blob *r = &b->blobs[i];
        crc = crc32c(crc, b->bytes.ptr + at, r->at - at);
        crc = crc32c(crc, r->blob->data, r->blob->len);
        at = r->at;
    }
    return crc32c(crc, b->bytes.ptr + at, b->bytes.len - at);
}

/* --- life --------------------------------------------------------------------------------------------------- */

struct stream *stream_new(uint64_t pos)
{
    struct stream *st = mem_zalloc(sizeof(*st));
    st->refs = 1;
    st->pos = pos;
    st->reserve = mem_alloc(STREAM_RESERVE_BYTES);
    open_batch(st, -1);
    return st;
}

struct stream *stream_hold(struct stream *st)
{
    st->refs++;
    return st;
}

void stream_drop(struct stream **stream)
{
    if (*stream)
        unref(*stream);
    *stream = NULL;
}

void stream_attach(struct stream *st, struct stream_consumer *c)
{
    c->next = st->consumers;
    st->consumers = c;
}

void stream_detach(struct stream *st, struct stream_consumer *c)
{
    struct stream_consumer **at = &st->consumers;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
}

/* --- room --------------------------------------------------------------------------------------------------- */

size_t stream_command_bytes(int argc, const struct slice *argv)
{
    size_t bytes = (size_t)(argc + 1) * FORMAT_HEAD_BYTES_MAX;
    for (int i = 0; i < argc; i++)
        bytes += argv[i].len;
    return bytes;
}

static bool grow_blobs(struct batch *b, size_t more)
{
    size_t cap = b->blob_cap ? b->blob_cap * 2 : BLOBS_MIN;
    if (cap < b->blob_count + more)
        cap = b->blob_count + more;
    struct batch_blob *blobs = mem_try_realloc(b->blobs, cap * sizeof(*blobs));
    if (!blobs)
        return false;
    b->blobs = blobs;
    b->blob_cap = cap;
    return true;
}

/* A batch that would get too large is sealed first: growing an empty one copies nothing. */
static bool make_room(struct stream *st, size_t bytes, size_t blobs)
{
    if (st->effects == 0 && st->batch->bytes.len + bytes > STREAM_BATCH_BYTES_MAX)
        stream_seal(st);
    struct batch *b = st->batch;
    if (b->blob_cap - b->blob_count < blobs && !grow_blobs(b, blobs))
        return false;
    if (buf_reserve(&b->bytes, bytes) == ERR_OK)
        return true;
    b->bytes.err = ERR_OK;
    return false;
}

bool stream_room(struct stream *st, size_t bytes, size_t blobs)
{
    const struct batch *b = st->batch;
    bytes += STREAM_SLACK_BYTES;
    bool there = b->bytes.cap - b->bytes.len >= bytes && b->blob_cap - b->blob_count >= blobs;
    return there || make_room(st, bytes, blobs);
}

/* Takes the reserve for an effect that has happened already and for which there is no memory. */
static void use_reserve(struct stream *st)
{
    /* The reserve is for one effect outside a unit, or a unit's first: others call stream_room. */
    assert(st->effects == 0 && st->reserve);
    stream_seal(st);
    struct batch *b = st->batch;
    assert(b->bytes.len == 0);
    buf_deinit(&b->bytes);
    b->bytes = (struct buf){.ptr = st->reserve, .cap = STREAM_RESERVE_BYTES};
    st->reserve = NULL;
}

static inline void need(struct stream *st, size_t bytes)
{
    struct batch *b = st->batch;
    bytes += STREAM_SLACK_BYTES;
    if (b->bytes.cap - b->bytes.len >= bytes || buf_reserve(&b->bytes, bytes) == ERR_OK)
        return;
    b->bytes.err = ERR_OK;
    use_reserve(st);
    assert(bytes <= STREAM_RESERVE_BYTES);
}

/* --- putting ------------------------------------------------------------------------------------------------ */

/* With `everysec` a batch's memory was last used about a second ago, and is in no cache. Prefetched some commands
 * ahead, its lines are there when commands are written to them. */
#define PREFETCH_AHEAD_BYTES 512
#define PREFETCH_BYTES_MAX   256 /* for one command */
static inline void prefetch_behind(const struct buf *b, size_t before)
{
    size_t from =
        (before + PREFETCH_AHEAD_BYTES + MEM_LINE_BYTES - 1) & ~(size_t)(MEM_LINE_BYTES - 1);
    size_t to = b->len + PREFETCH_AHEAD_BYTES;
    if (to > from + PREFETCH_BYTES_MAX)
        to = from + PREFETCH_BYTES_MAX;
    for (; from < to && from < b->cap; from += MEM_LINE_BYTES)
        prefetch_line_to_write(b->ptr + from);
}

/* The unit has a second effect: MULTI goes in front of the first. */
static void put_multi(struct stream *st)
{
    struct batch *b = st->batch;
    char *at = b->bytes.ptr + st->first_at;
    memmove(at + TEXT_BYTES(MULTI_TEXT), at, b->bytes.len - st->first_at);
    memcpy(at, MULTI_TEXT, TEXT_BYTES(MULTI_TEXT));
    b->bytes.len += TEXT_BYTES(MULTI_TEXT);
    for (size_t i = st->first_blobs; i < b->blob_count; i++)
        b->blobs[i].at += TEXT_BYTES(MULTI_TEXT);
}

/* Begins an effect for which there is room; returns the batch, in the effect's database. */
static inline struct batch *begin_effect(struct stream *st, int db)
{
    struct batch *b = st->batch;
    if (st->depth > 0 && st->effects == 1)
        put_multi(st);
    if (b->end_db != db) {
        format_select(&b->bytes, db);
        b->end_db = db;
    }
    if (st->depth > 0 && st->effects++ == 0) {
        st->first_at = b->bytes.len;
        st->first_blobs = b->blob_count;
    }
    return b;
}

/* `before`: the length of the batch's bytes ahead of the effect. */
static inline void end_effect(struct stream *st, size_t before, size_t by_reference)
{
    struct batch *b = st->batch;
    size_t bytes = b->bytes.len - before + by_reference;
    b->len += bytes;
    st->pos += bytes;
    if (b->len >= STREAM_BATCH_BYTES_MAX && st->depth == 0)
        stream_seal(st);
}

void stream_put(struct stream *st, int db, int argc, const struct slice *argv)
{
    need(st, stream_command_bytes(argc, argv));
    size_t before = st->batch->bytes.len;
    struct batch *b = begin_effect(st, db);
    format_command_placed(&b->bytes, argc, argv);
    prefetch_behind(&b->bytes, before);
    end_effect(st, before, 0);
}

void stream_put_blob(struct stream *st, int db, int argc, const struct slice *argv,
                     struct blob *blob)
{
    int i = 0;
    while (i < argc && (argv[i].ptr != blob->data || argv[i].len != blob->len))
        i++;
    bool refers = i < argc && blob->len >= STREAM_BLOB_BYTES_MIN &&
                  (st->batch->blob_count < st->batch->blob_cap || grow_blobs(st->batch, 1));
    if (!refers) {
        stream_put(st, db, argc, argv);
        return;
    }
    need(st, stream_command_bytes(argc, argv) - blob->len);
    size_t before = st->batch->bytes.len;
    struct batch *b = begin_effect(st, db);
    format_command_open(&b->bytes, argc, argv, i);
    b->blobs[b->blob_count++] = (struct batch_blob){b->bytes.len, blob_hold(blob)};
    format_command_go_on(&b->bytes, argc, argv, i);
    end_effect(st, before, blob->len);
}

void stream_unit_begin(struct stream *st)
{
    st->depth++;
}

void stream_unit_end(struct stream *st)
{
    struct batch *b = st->batch;
    assert(st->depth > 0);
    if (--st->depth > 0)
        return;
    if (st->effects > 1) {
        buf_append(&b->bytes, EXEC_TEXT, TEXT_BYTES(EXEC_TEXT));
        assert(b->bytes.err == ERR_OK);
        b->len += TEXT_BYTES(EXEC_TEXT);
        st->pos += TEXT_BYTES(EXEC_TEXT);
    }
    st->effects = 0;
    if (b->len >= STREAM_BATCH_BYTES_MAX)
        stream_seal(st);
}

/* --- sealing ------------------------------------------------------------------------------------------------ */

void stream_clock(struct stream *st, int64_t unix_s)
{
    st->unix_s = unix_s;
}

/* The next batch will be about as long as this one: reserving that at once costs less than doubling up to it. */
static void open_alike(struct stream *st, const struct batch *like)
{
    open_batch(st, like->end_db);
    struct buf *b = &st->batch->bytes;
    size_t len = like->bytes.len < POOL_BATCH_BYTES_MAX ? like->bytes.len : POOL_BATCH_BYTES_MAX;
    if (b->cap == 0 && buf_reserve(b, len) != ERR_OK)
        buf_clear(b);
}

static void note_held(struct stream *st, size_t bytes)
{
    st->held_bytes += bytes;
    st->held_peak -= st->held_peak >> PEAK_DECAY_SHIFT;
    if (st->held_peak < st->held_bytes)
        st->held_peak = st->held_bytes;
    if (!st->reserve)
        st->reserve = mem_try_alloc(STREAM_RESERVE_BYTES);
}

void stream_seal(struct stream *st)
{
    struct batch *b = st->batch;
    if (b->len == 0 || st->effects > 0)
        return;
    b->pos = st->pos;
    b->unix_s = st->unix_s;
    note_held(st, b->bytes.cap);
    open_alike(st, b);
    /* The batch refers to the stream. */
    st->refs++;
    for (struct stream_consumer *c = st->consumers; c; c = c->next)
        c->take(c->arg, b);
    batch_drop(b);
}

void stream_cut(struct stream *st)
{
    assert(st->effects == 0);
    stream_seal(st);
    st->batch->db = st->batch->end_db = -1;
}

/* --- state -------------------------------------------------------------------------------------------------- */

uint64_t stream_pos(const struct stream *st)
{
    return st->pos;
}

size_t stream_open_bytes(const struct stream *st)
{
    return st->batch->len;
}

void stream_validate(const struct stream *st)
{
    const struct batch *b = st->batch;
    size_t len = b->bytes.len, pooled = 0, at = 0;
    for (size_t i = 0; i < b->blob_count; i++) {
        assert(b->blobs[i].at >= at && b->blobs[i].at <= b->bytes.len);
        assert(b->blobs[i].blob->refs > 0);
        at = b->blobs[i].at;
        len += b->blobs[i].blob->len;
    }
    assert(b->len == len && b->start + len == st->pos);
    assert(b->refs == 1 && b->bytes.err == ERR_OK);
    assert(b->len == 0 || b->end_db >= 0);
    for (const struct batch *p = st->pool; p; p = p->next) {
        assert(p->refs == 0 && p->blob_count == 0);
        pooled += p->bytes.cap;
    }
    assert(pooled == st->pool_bytes && pooled <= pool_limit(st));
    assert(st->depth > 0 || st->effects == 0);
}
