/* Large values on their way into a base: piece by piece, as one of 256 MiB held the loop for 260 ms and twice its memory
 * when it was copied at once.
 *
 *     rewrite's batch:  |- small keys, sealed -|                            |- small keys -|
 *     to the writer:    |- small keys, sealed -| SET k $n | piece | ... | piece, seal |
 *
 * A large value is a batch of its own, whose pieces follow each other in the file: small keys that come
 * meanwhile wait in the rewrite's batch until it is sealed. */
#include <assert.h>

#include "base/mem.h"
#include "base/num.h"
#include "log/aof_impl.h"

struct aof_large {
    struct aof_large *next;
    struct buf head, tail; /* of the command, around the value */
    struct slice left;     /* of the value; the owner's */
    aof_release_fn release;
    void *owner;
};

static void append_bulk_head(struct buf *b, size_t len)
{
    buf_printf(b, "$%zu\r\n", len);
}

static void append_bulk(struct buf *b, struct slice s)
{
    append_bulk_head(b, s.len);
    buf_append(b, s.ptr, s.len);
    buf_append_cstr(b, "\r\n");
}

void aof_rewrite_add_large(struct aof *a, const struct aof_large_key *k, aof_release_fn release,
                           void *owner)
{
    struct aof_rewrite *rw = a->rewrite;
    if (!rw || rw->phase != REWRITE_COLLECTING) {
        release(owner);
        return;
    }
    struct aof_large *l = mem_zalloc(sizeof(*l));
    struct aof_batch head = {.db = -1};
    buf_init(&head.bytes);
    buf_init(&l->tail);
    aof_batch_select(&head, k->db);
    buf_append_cstr(&head.bytes, k->deadline.len ? "*5\r\n" : "*3\r\n");
    append_bulk(&head.bytes, SLICE("SET"));
    append_bulk(&head.bytes, k->key);
    append_bulk_head(&head.bytes, k->value.len);
    buf_append_cstr(&l->tail, "\r\n");
    if (k->deadline.len) {
        append_bulk(&l->tail, SLICE("PXAT"));
        append_bulk(&l->tail, k->deadline);
    }
    assert(head.bytes.err == ERR_OK && l->tail.err == ERR_OK);
    l->head = head.bytes;
    l->left = k->value;
    l->release = release;
    l->owner = owner;
    *rw->large_end = l;
    rw->large_end = &l->next;
}

bool aof_rewrite_has_large(const struct aof *a)
{
    return a->rewrite && a->rewrite->large;
}

static void drop_first(struct aof_rewrite *rw)
{
    struct aof_large *l = rw->large;
    rw->large = l->next;
    if (!rw->large)
        rw->large_end = &rw->large;
    l->release(l->owner);
    buf_deinit(&l->head);
    buf_deinit(&l->tail);
    mem_free(l);
}

void aof_rewrite_drop_large(struct aof_rewrite *rw)
{
    while (rw->large)
        drop_first(rw);
}

void aof_rewrite_give_piece(struct aof *a)
{
    struct aof_rewrite *rw = a->rewrite;
    struct aof_large *l = rw->large;
    struct buf *b = &rw->piece;
    char seal[SEAL_BYTES];
    if (!rw->in_large) {
        aof_rewrite_seal(a);
        rw->batch.db = -1; /* whatever this one selects comes ahead of what follows there */
        rw->in_large = true;
        rw->piece_crc = 0;
        buf_append(b, l->head.ptr, l->head.len);
    }
    size_t n = l->left.len < AOF_REWRITE_BATCH_BYTES ? l->left.len : AOF_REWRITE_BATCH_BYTES;
    buf_append(b, l->left.ptr, n);
    l->left = slice_of(l->left.ptr + n, l->left.len - n);
    bool last = l->left.len == 0;
    if (last)
        buf_append(b, l->tail.ptr, l->tail.len);
    rw->piece_crc = crc32c(rw->piece_crc, b->ptr, b->len);
    if (last) {
        format_seal(seal, a->jobs.base_pos, rw->piece_crc);
        buf_append(b, seal, sizeof(seal));
        rw->batches++;
        rw->in_large = false;
        drop_first(rw);
    }
    assert(b->err == ERR_OK);
    aof_rewrite_submit(rw, b, -1);
}
