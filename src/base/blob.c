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

static bool is_paged(size_t cap)
{
    return cap >= BLOB_PAGES_BYTES_MIN;
}

/* Takes what the allocator gave on top of what was asked for, unless that would make pages of it. */
static void set_cap(struct blob *b, size_t asked)
{
    size_t cap = mem_usable(b) - bytes_for(0);
    b->cap = is_paged(cap) == is_paged(asked) ? cap : asked;
}

struct blob *blob_try_new(size_t len, size_t cap)
{
    assert(len <= cap);
    size_t bytes = bytes_for(cap);
    struct blob *b =
        is_paged(cap) ? mem_try_alloc_pages(bytes, MEM_USUAL_PAGES) : mem_try_alloc(bytes);
    if (!b)
        return NULL;
    *b = (struct blob){.refs = 1, .len = len};
    set_cap(b, cap);
    return b;
}

static void blob_free(struct blob *b)
{
    if (is_paged(b->cap))
        mem_free_pages(b, bytes_for(b->cap), b->lent);
    else
        mem_free(b);
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
    if (is_paged(cap) != is_paged(b->cap)) {
        resized = blob_try_new(b->len, cap);
        if (!resized)
            return NULL;
        memcpy(resized->data, b->data, b->len);
        resized->edited = b->edited;
        blob_free(b);
        return resized;
    }
    resized = is_paged(cap) ? mem_try_realloc_pages(b, bytes_for(cap))
                            : mem_try_realloc(b, bytes_for(cap));
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
    if (b->promoted || b->sent < BLOB_SENT_COPIED || b->len < BLOB_PROMOTE_BYTES_MIN ||
        b->len > BLOB_PROMOTE_BYTES_MAX)
        return NULL;
    b->promoted = true; /* whatever comes of it: not tried again */
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
    return mem_usable(b);
}
