#pragma once
/* A large run of bytes with a reference count: the value of a large string, to which replies point
 * instead of copying it. The count is not atomic: blobs never leave the loop's thread.
 *
 *   +------------------------+----------------+------------- - - -----------+------+------------+
 *   | refs, flags, len, cap  |          front | len bytes                   | back | up to cap  |
 *   +------------------------+----------------+------------- - - -----------+------+------------+
 *   0                       24               40 = data                              + 2 bytes
 *
 * Around the bytes is room for a protocol's framing of the value, so a reply is one run of memory.
 *
 * Lending. From BLOB_PAGES_BYTES_MIN on a blob has pages of its own, and a sender may have the kernel
 * send from them (net/lend.h) instead of copying. The kernel does not say when the peer has read them,
 * so lent pages are never changed and never used again: an edit makes a copy, and freeing gives the
 * pages up. Giving them up costs more than sending them once by reference gains. So a blob is lent only
 * after it was sent often, and never once it was edited: a value that is written as often as it is read,
 * or appended to and polled, pays nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define BLOB_FRONT_BYTES     16
#define BLOB_BACK_BYTES      2
#define BLOB_PAGES_BYTES_MIN (32 * 1024) /* of capacity */
#define BLOB_SENT_COPIED     16 /* times that a blob is copied to a socket before it is lent */
/* Length of a blob that moves to huge pages. Copying a larger one would hold up the loop. */
#define BLOB_PROMOTE_BYTES_MIN (60 * 1024)
#define BLOB_PROMOTE_BYTES_MAX (1024 * 1024)

struct blob {
    uint32_t refs;
    uint8_t sent;    /* times that it was queued to be sent, up to BLOB_SENT_COPIED */
    bool framed : 1; /* front and back are written */
    bool edited : 1, lent : 1;
    bool promoted : 1; /* huge pages were tried for it */
    size_t len, cap;   /* bytes used, bytes available */
    char front[BLOB_FRONT_BYTES];
    char data[];
};

/* From here on, a blob is a mapping: it grows without a copy, and a gap in it costs nothing. */
#define BLOB_MAPPED_BYTES_MIN ((size_t)8 * 1024 * 1024) /* of capacity */

/* One reference, content undefined. NULL: no memory. */
struct blob *blob_try_new(size_t len, size_t cap);
/* The same, all zero. */
struct blob *blob_try_new_zero(size_t len, size_t cap);
static inline struct blob *blob_hold(struct blob *b)
{
    b->refs++;
    return b;
}
void blob_drop(struct blob *b);   /* frees with the last reference */
void blob_drop_owner(void *blob); /* the same, as an outq_release_fn */

/* True: the bytes may be changed in place. False: the blob has other holders, or was lent. */
static inline bool blob_editable(const struct blob *b)
{
    return b->refs == 1 && !b->lent;
}
/* Required before each change of an editable blob. Sets its length to `len` (<= cap), which must not be less than
 * before; new bytes are zero. */
void blob_edit(struct blob *b, size_t len);
/* Required before a change of present bytes by a caller that has all references to the blob, however many. The blob
 * must not have been lent. */
void blob_edit_within(struct blob *b);
/* Gives an editable blob room for `cap` bytes; may move it. NULL: no memory, and b is unchanged. */
struct blob *blob_try_resize(struct blob *b, size_t cap);

/* To be called each time the blob is queued for sending. True: it may be lent. */
bool blob_ask_to_lend(struct blob *b);

/* Moves a blob that is sent often enough to be lent to a copy on huge pages, from which the kernel sends faster, but
 * which may take up to a fourth more memory (base/mem.h). Takes the caller's reference to b. NULL: b stays as it is. */
struct blob *blob_try_promote(struct blob *b);

size_t blob_memory(const struct blob *b); /* bytes set aside */
