#pragma once
/* A large run of bytes with a count of who holds it: the value of a large string, which replies
 * point at instead of copying it. Counted without atomics: blobs never leave the loop's thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct blob {
    uint32_t refs;
    size_t len, cap; /* bytes used, bytes there are */
    char data[];
};

/* One reference, content undefined. NULL: no memory. */
struct blob *blob_try_new(size_t len, size_t cap);
static inline struct blob *blob_hold(struct blob *b)
{
    b->refs++;
    return b;
}
void blob_drop(struct blob *b);   /* frees with the last reference */
void blob_drop_owner(void *blob); /* the same, as an outq_release_fn */
/* Room for `cap` bytes in a blob that only the caller holds; moves it. NULL: no memory, and b is
 * as it was. */
struct blob *blob_try_resize(struct blob *b, size_t cap);
size_t blob_memory(const struct blob *b); /* bytes set aside */
