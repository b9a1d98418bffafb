#include "ds/pieces.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

#define SLOT       PIECES_SLOT_BYTES
#define PAGE_BYTES 4096
/* A write of up to so many slots needs no allocation for the list of them. */
#define FRESH_FEW 4

struct piece {
    struct blob *blob; /* held */
    size_t offset;     /* of the slot's first byte in the blob */
};

struct pieces {
    size_t refs;
    size_t len; /* bytes */
    size_t count, cap;
    struct piece at[];
};

static size_t slots_for(size_t len)
{
    return (len + SLOT - 1) / SLOT;
}

/* Bytes of slot i in a string of `len`. */
static size_t slot_len(size_t len, size_t i)
{
    size_t begin = i * SLOT;
    return begin >= len ? 0 : len - begin < SLOT ? len - begin : SLOT;
}

static struct pieces *try_alloc(size_t cap)
{
    struct pieces *p = mem_try_alloc(sizeof(*p) + cap * sizeof(p->at[0]));
    if (p)
        *p = (struct pieces){.refs = 1, .cap = cap};
    return p;
}

struct pieces *pieces_try_new(struct blob *b)
{
    size_t count = slots_for(b->len);
    struct pieces *p = try_alloc(count + 1);
    if (!p)
        return NULL;
    p->len = b->len;
    p->count = count;
    for (size_t i = 0; i < count; i++)
        p->at[i] = (struct piece){blob_hold(b), i * SLOT};
    return p;
}

struct pieces *pieces_hold(struct pieces *p)
{
    p->refs++;
    return p;
}

/* --- the end -------------------------------------------------------------------------------------------- */

static size_t pages(const struct blob *b)
{
    return b->refs > 1 ? 0 : b->cap / PAGE_BYTES;
}

bool pieces_free_some(struct pieces *p, size_t *effort)
{
    if (p->refs > 1) {
        p->refs--;
        *effort -= *effort > 0;
        return true;
    }
    while (p->count > 0 && *effort > 0) {
        struct blob *b = p->at[--p->count].blob;
        size_t cost = 1 + pages(b);
        blob_drop(b);
        *effort -= cost < *effort ? cost : *effort;
    }
    if (p->count > 0)
        return false;
    mem_free(p);
    return true;
}

void pieces_free(struct pieces *p)
{
    size_t effort = SIZE_MAX;
    while (!pieces_free_some(p, &effort))
        effort = SIZE_MAX;
}

/* --- reading -------------------------------------------------------------------------------------------- */

size_t pieces_len(const struct pieces *p)
{
    return p->len;
}

struct slice pieces_run(const struct pieces *p, size_t offset)
{
    if (offset >= p->len)
        return slice_of(NULL, 0);
    size_t i = offset / SLOT, within = offset % SLOT;
    const struct piece *first = &p->at[i];
    size_t len = slot_len(p->len, i) - within;
    for (i++; i < p->count && p->at[i].blob == first->blob &&
              p->at[i].offset == first->offset + within + len;
         i++)
        len += slot_len(p->len, i);
    return slice_of(first->blob->data + first->offset + within, len);
}

struct blob *pieces_blob(const struct pieces *p, size_t offset)
{
    return offset < p->len ? p->at[offset / SLOT].blob : NULL;
}

/* --- writing -------------------------------------------------------------------------------------------- */

/* A write first makes everything that may fail, beside the string, and then puts it in place. */
struct write {
    struct pieces *p;
    size_t offset, end, len; /* the range written; the string's new length */
    struct slice bytes;
    struct blob *from;
    struct blob *zero;   /* owned: a slot of zeros; NULL: none was needed yet */
    struct pieces *root; /* owned: replaces p; NULL: p stays */
    size_t first, count; /* slots that change */
    /* The new slots. One without a blob is changed in place. */
    struct piece *fresh, few[FRESH_FEW];
};

/* Only slot i uses its bytes: every reference to its blob is from a slot of this string, for other bytes. */
static bool is_alone(const struct pieces *p, size_t i)
{
    const struct piece *mine = &p->at[i];
    size_t refs = 0;
    if (mine->blob->lent)
        return false;
    if (mine->blob->refs == 1)
        return true;
    for (size_t j = 0; j < p->count; j++) {
        const struct piece *other = &p->at[j];
        if (other->blob != mine->blob)
            continue;
        refs++;
        if (j != i && other->offset < mine->offset + SLOT && mine->offset < other->offset + SLOT)
            return false;
    }
    return refs == mine->blob->refs;
}

/* Slot i can be changed, and grow if it does, in its present blob. */
static bool fits_in_place(const struct write *w, size_t i)
{
    const struct pieces *p = w->p;
    if (p->refs > 1 || i >= p->count || !is_alone(p, i))
        return false;
    size_t have = slot_len(p->len, i), need = slot_len(w->len, i);
    const struct piece *at = &p->at[i];
    return need == have || (at->blob->refs == 1 && at->offset + have == at->blob->len &&
                            at->offset + need <= at->blob->cap);
}

/* Copies the part of the written bytes that falls into slot i, whose bytes are at `to`. */
static void overlay(const struct write *w, size_t i, char *to)
{
    size_t begin = i * SLOT, end = begin + slot_len(w->len, i);
    size_t from = w->offset > begin ? w->offset : begin, until = w->end < end ? w->end : end;
    if (from < until)
        memcpy(to + (from - begin), w->bytes.ptr + (from - w->offset), until - from);
}

/* All gaps of a write share one blob of zeros. NULL: no memory. */
static struct blob *try_zero_slot(struct write *w)
{
    if (!w->zero)
        w->zero = blob_try_new_zero(SLOT, SLOT);
    return w->zero ? blob_hold(w->zero) : NULL;
}

static struct blob *try_own_slot(const struct write *w, size_t i)
{
    size_t have = slot_len(w->p->len, i), need = slot_len(w->len, i);
    struct blob *b = blob_try_new(need, SLOT);
    if (!b)
        return NULL;
    blob_edit(b, need); /* marks the blob as edited, so that it is not lent */
    if (have > 0)
        memcpy(b->data, w->p->at[i].blob->data + w->p->at[i].offset, have);
    memset(b->data + have, 0, need - have);
    overlay(w, i, b->data);
    return b;
}

/* False: no memory. */
static bool make_slot(struct write *w, size_t i, struct piece *out)
{
    size_t begin = i * SLOT, end = begin + slot_len(w->len, i);
    *out = (struct piece){NULL, 0};
    if (w->from && w->offset <= begin && end <= w->end) {
        *out = (struct piece){blob_hold(w->from),
                              (size_t)(w->bytes.ptr - w->from->data) + begin - w->offset};
        return true;
    }
    if (fits_in_place(w, i))
        return true;
    bool is_gap = begin >= w->p->len && end <= w->offset;
    out->blob = is_gap ? try_zero_slot(w) : try_own_slot(w, i);
    return out->blob != NULL;
}

/* False: no memory. */
static bool make_root(struct write *w)
{
    const struct pieces *p = w->p;
    size_t count = slots_for(w->len);
    if (p->refs == 1 && count <= p->cap)
        return true;
    w->root = try_alloc(count + count / 8 + 1);
    return w->root != NULL;
}

static bool make_all(struct write *w)
{
    w->fresh = w->few;
    if (w->count > FRESH_FEW)
        w->fresh = mem_try_alloc(w->count * sizeof(*w->fresh));
    size_t made = 0;
    bool ok = w->fresh && make_root(w);
    while (ok && made < w->count) {
        ok = make_slot(w, w->first + made, &w->fresh[made]);
        made += ok;
    }
    if (ok)
        return true;
    while (made-- > 0)
        if (w->fresh[made].blob)
            blob_drop(w->fresh[made].blob);
    mem_free(w->root);
    return false;
}

/* Moves the slots to `root`. If others hold p, too, it keeps its slots and `root` gets references of its own. */
static struct pieces *move_to_root(struct write *w)
{
    struct pieces *p = w->p, *root = w->root;
    root->len = p->len;
    root->count = p->count;
    memcpy(root->at, p->at, p->count * sizeof(p->at[0]));
    if (--p->refs == 0) {
        mem_free(p);
        return root;
    }
    for (size_t i = 0; i < root->count; i++) {
        assert(root->at[i].blob);
        blob_hold(root->at[i].blob);
    }
    return root;
}

static void change_in_place(const struct write *w, struct pieces *p, size_t i)
{
    struct piece *at = &p->at[i];
    size_t need = slot_len(w->len, i);
    if (need > slot_len(p->len, i))
        blob_edit(at->blob, at->offset + need);
    else
        blob_edit_within(at->blob);
    overlay(w, i, at->blob->data + at->offset);
}

static struct pieces *put_in_place(struct write *w)
{
    struct pieces *p = w->root ? move_to_root(w) : w->p;
    for (size_t j = 0; j < w->count; j++) {
        size_t i = w->first + j;
        if (!w->fresh[j].blob) {
            change_in_place(w, p, i);
            continue;
        }
        if (i < p->count)
            blob_drop(p->at[i].blob);
        p->at[i] = w->fresh[j];
    }
    p->len = w->len;
    p->count = slots_for(w->len);
    return p;
}

bool pieces_try_write(struct pieces **p, size_t offset, struct slice bytes, struct blob *from)
{
    size_t have = (*p)->len, end = offset + bytes.len;
    if (end <= have && bytes.len == 0)
        return true;
    struct write w = {
        .p = *p,
        .offset = offset,
        .end = end,
        .len = end > have ? end : have,
        .bytes = bytes,
        .from = from,
        .first = (offset < have ? offset : have) / SLOT,
    };
    w.count = slots_for(end) - w.first;
    bool ok = make_all(&w);
    if (ok)
        *p = put_in_place(&w);
    if (w.zero)
        blob_drop(w.zero);
    if (w.fresh != w.few)
        mem_free(w.fresh);
    return ok;
}

/* --- memory and effort ---------------------------------------------------------------------------------- */

static size_t own_bytes(const struct pieces *p)
{
    return sizeof(*p) + p->cap * sizeof(p->at[0]);
}

size_t pieces_memory(const struct pieces *p)
{
    return own_bytes(p) + p->count * SLOT;
}

/* Of the blobs with several slots only the first is looked at: more of them are rare. */
size_t pieces_memory_alone(const struct pieces *p)
{
    const struct blob *large = NULL;
    size_t slots = 0, of_large = 0;
    if (p->refs > 1)
        return 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct blob *b = p->at[i].blob;
        if (b->refs > 1 && !large)
            large = b;
        slots += b->refs == 1;
        of_large += b == large;
    }
    if (large && large->refs == of_large)
        slots += of_large;
    return own_bytes(p) + slots * SLOT;
}

size_t pieces_effort(const struct pieces *p)
{
    return p->refs > 1 ? 0 : p->count * (1 + SLOT / PAGE_BYTES);
}

void pieces_validate(const struct pieces *p)
{
    assert(p->refs > 0 && p->count == slots_for(p->len) && p->count <= p->cap);
    for (size_t i = 0; i < p->count; i++) {
        const struct piece *at = &p->at[i];
        assert(at->blob && at->blob->refs > 0);
        assert(at->offset + slot_len(p->len, i) <= at->blob->len);
    }
}
