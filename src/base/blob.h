#pragma once
/* A large run of bytes with a count of who holds it: the value of a large string, which replies
 * point at instead of copying it. Counted without atomics: blobs never leave the loop's thread.
 *
 *   +------------------------+----------------+------------- - - -----------+------+------------+
 *   | refs, flags, len, cap  |          front | len bytes                   | back | up to cap  |
 *   +------------------------+----------------+------------- - - -----------+------+------------+
 *   0                       24               40 = data                              + 2 bytes
 *
 * In front of the bytes and behind them is room for what a protocol puts around a value: so a reply
 * is one run of memory.
 *
 * Lending. From BLOB_PAGES_BYTES_MIN on a blob has pages of its own, and a sender may have the kernel
 * send from them (net/lend.h) instead of copying. Nobody says when the peer has read them, so what
 * was lent is never changed and never used again: who edits makes a copy, and freeing gives the pages
 * up. That has its price: a SET over a lent value took 67 us more for 64 KiB and 820 us for 1 MiB, where
 * sending it once by reference gained 10 and 200 (measured with all large values on huge pages). So a blob is lent only
 * when it was sent often before, and never once it was edited: what is written as often as it is read, or
 * appended to and polled, pays nothing. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define BLOB_FRONT_BYTES     16
#define BLOB_BACK_BYTES      2
#define BLOB_PAGES_BYTES_MIN (32 * 1024) /* of capacity */
#define BLOB_SENT_COPIED     16          /* times that a blob is sent before it is lent */
/* Length of what moves to huge pages. A copy of more would hold the loop up. */
#define BLOB_PROMOTE_BYTES_MIN (60 * 1024)
#define BLOB_PROMOTE_BYTES_MAX (1024 * 1024)

struct blob {
    uint32_t refs;
    uint8_t sent;    /* times that it was queued to be sent, up to BLOB_SENT_COPIED */
    bool framed : 1; /* front and back are written */
    bool edited : 1, lent : 1;
    bool promoted : 1; /* it is on huge pages, or could not be */
    size_t len, cap;   /* bytes used, bytes there are */
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

/* May its bytes be changed where they are? Not when somebody else holds it, or it was lent. */
static inline bool blob_editable(const struct blob *b)
{
    return b->refs == 1 && !b->lent;
}
/* Before each change of an editable blob: from now on it has `len` bytes (<= cap), at least as many as before. Those
 * that come are zero. */
void blob_edit(struct blob *b, size_t len);
/* Before a change of bytes that are there, by who has all references of it, however many, and where it was not lent. */
void blob_edit_within(struct blob *b);
/* Room for `cap` bytes in a blob that is editable; moves it. NULL: no memory, and b is as it was. */
struct blob *blob_try_resize(struct blob *b, size_t cap);

/* Somebody is about to queue it to be sent: may it be lent then? */
bool blob_ask_to_lend(struct blob *b);

/* Of a blob that is sent so often that it is lent: a copy on huge pages, from which the kernel sends 64 KiB for an
 * eighth less and 1 MiB for three tenths less, at the price of up to a fourth more memory (base/mem.h). Takes the
 * caller's reference of b. NULL: it stays as it is, for now or for good. */
struct blob *blob_try_promote(struct blob *b);

size_t blob_memory(const struct blob *b); /* bytes set aside */
