#include "base/blob.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

static_assert(offsetof(struct blob, data) == 40, "as drawn");
static_assert(offsetof(struct blob, front) >= MEM_FREED_BYTES, "only what is behind it is lent");
static_assert(BLOB_PAGES_BYTES_MIN >= MEM_PAGES_BYTES_MIN, "smaller ones share their pages");

static size_t bytes_for(size_t cap)
{
    return sizeof(struct blob) + cap + BLOB_BACK_BYTES;
}

/* How a blob's memory was allocated; follows from its capacity. */
enum kind { SHARED_PAGES, OWN_PAGES, MAPPED };

static enum kind kind_of(size_t cap)
{
    return cap >= BLOB_MAPPED_BYTES_MIN  ? MAPPED
           : cap >= BLOB_PAGES_BYTES_MIN ? OWN_PAGES
                                         : SHARED_PAGES;
}

static bool is_paged(size_t cap)
{
    return kind_of(cap) != SHARED_PAGES;
}

/* Uses all bytes of the allocation as capacity, unless the blob would be of another kind then. */
static void set_cap(struct blob *b, size_t asked)
{
    size_t there = kind_of(asked) == MAPPED ? mem_map_bytes(bytes_for(asked)) : mem_usable(b);
    size_t cap = there - bytes_for(0);
    b->cap = kind_of(cap) == kind_of(asked) ? cap : asked;
}

static void *try_alloc(size_t cap)
{
    switch (kind_of(cap)) {
    case SHARED_PAGES: return mem_try_alloc(bytes_for(cap));
    case OWN_PAGES: return mem_try_alloc_pages(bytes_for(cap), MEM_USUAL_PAGES);
    case MAPPED: return mem_try_map(mem_map_bytes(bytes_for(cap)));
    }
    __builtin_unreachable();
}

struct blob *blob_try_new(size_t len, size_t cap)
{
    assert(len <= cap);
    struct blob *b = try_alloc(cap);
    if (!b)
        return NULL;
    *b = (struct blob){.refs = 1, .len = len};
    set_cap(b, cap);
    return b;
}

struct blob *blob_try_new_zero(size_t len, size_t cap)
{
    struct blob *b = blob_try_new(len, cap);
    if (b && kind_of(b->cap) != MAPPED)
        memset(b->data, 0, len);
    return b;
}

static void blob_free(struct blob *b)
{
    switch (kind_of(b->cap)) {
    case SHARED_PAGES: mem_free(b); break;
    case OWN_PAGES: mem_free_pages(b, bytes_for(b->cap), b->lent); break;
    case MAPPED: mem_unmap(b, bytes_for(b->cap)); break;
    }
}

/* In a mapping the bytes behind `len` are zero already, but for the BLOB_BACK_BYTES of a protocol. */
void blob_edit(struct blob *b, size_t len)
{
    assert(blob_editable(b) && len >= b->len && len <= b->cap);
    size_t more = len - b->len;
    if (kind_of(b->cap) == MAPPED && more > BLOB_BACK_BYTES)
        more = BLOB_BACK_BYTES;
    memset(b->data + b->len, 0, more);
    b->len = len;
    b->framed = false;
    b->edited = true;
}

void blob_edit_within(struct blob *b)
{
    assert(!b->lent);
    b->edited = true;
}

void blob_drop(struct blob *b)
{
    assert(b->refs > 0);
    if (--b->refs == 0)
        blob_free(b);
}

void blob_drop_owner(void *blob)
{
    blob_drop(blob);
}

struct blob *blob_try_resize(struct blob *b, size_t cap)
{
    assert(blob_editable(b) && cap >= b->len);
    struct blob *resized;
    if (kind_of(cap) != kind_of(b->cap)) {
        resized = blob_try_new(b->len, cap);
        if (!resized)
            return NULL;
        memcpy(resized->data, b->data, b->len);
        resized->edited = b->edited;
        blob_free(b);
        return resized;
    }
    switch (kind_of(cap)) {
    case SHARED_PAGES: resized = mem_try_realloc(b, bytes_for(cap)); break;
    case OWN_PAGES: resized = mem_try_realloc_pages(b, bytes_for(cap)); break;
    case MAPPED:
        resized = mem_try_remap(b, bytes_for(b->cap), mem_map_bytes(bytes_for(cap)));
        break;
    }
    if (resized)
        set_cap(resized, cap);
    return resized;
}

bool blob_ask_to_lend(struct blob *b)
{
    if (!is_paged(b->cap) || b->edited)
        return false;
    if (b->sent == BLOB_SENT_COPIED)
        return true;
    b->sent++;
    return false;
}

struct blob *blob_try_promote(struct blob *b)
{
    if (b->promoted || kind_of(b->cap) == MAPPED || b->sent < BLOB_SENT_COPIED ||
        b->len < BLOB_PROMOTE_BYTES_MIN || b->len > BLOB_PROMOTE_BYTES_MAX)
        return NULL;
    b->promoted = true; /* not tried again, even if this fails */
    struct blob *copy = mem_try_alloc_pages(bytes_for(b->cap), MEM_HUGE_PAGES);
    if (!copy)
        return NULL;
    memcpy(copy, b, bytes_for(b->len));
    copy->refs = 1;
    copy->lent = false;
    blob_drop(b);
    return copy;
}

size_t blob_memory(const struct blob *b)
{
    return kind_of(b->cap) == MAPPED ? bytes_for(b->cap) : mem_usable(b);
}
