#include "base/blob.h"

#include <assert.h>

#include "base/mem.h"

struct blob *blob_try_new(size_t len, size_t cap)
{
    assert(len <= cap);
    struct blob *b = mem_try_alloc(sizeof(*b) + cap);
    if (!b)
        return NULL;
    b->refs = 1;
    b->len = len;
    b->cap = mem_usable(b) - sizeof(*b);
    return b;
}

void blob_drop(struct blob *b)
{
    assert(b->refs > 0);
    if (--b->refs == 0)
        mem_free_large(b, sizeof(*b) + b->cap);
}

void blob_drop_owner(void *blob)
{
    blob_drop(blob);
}

struct blob *blob_try_resize(struct blob *b, size_t cap)
{
    assert(b->refs == 1 && cap >= b->len);
    struct blob *grown = mem_try_realloc(b, sizeof(*b) + cap);
    if (grown)
        grown->cap = mem_usable(grown) - sizeof(*grown);
    return grown;
}

size_t blob_memory(const struct blob *b)
{
    return mem_usable(b);
}
