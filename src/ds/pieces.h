#pragma once
/* A long string with several holders that changes in parts: an array of slots, each of them a run of bytes in a blob.
 * The string begins as one blob, into which all slots point. A slot whose bytes are shared gets a blob of its own when
 * it changes. So a write copies at most the slots at both its ends besides its own bytes, however long the string is.
 *
 *   slot     0            1            2            3            4
 *   +------------+------------+------------+------------+-----+
 *   | blob a, 0  | blob a, S  | blob b, 0  | blob c, x  | ... |      S = PIECES_SLOT_BYTES: all but the last are full
 *   +------------+------------+------------+------------+-----+
 *
 * A string with several holders (pieces_hold) never changes: a write makes a new array with the same blobs instead. */
#include <stdbool.h>
#include <stddef.h>

#include "base/blob.h"
#include "base/slice.h"

/* A slot's blob with its header fits an allocation of 1 MiB. A multiple of 64 KiB, the runs in which values are given
 * as commands. */
#define PIECES_SLOT_BYTES ((size_t)960 * 1024)

struct pieces;

/* A string of the blob's bytes; takes a reference to the blob for each slot. NULL: no memory. */
struct pieces *pieces_try_new(struct blob *b);
/* Adds a holder. */
struct pieces *pieces_hold(struct pieces *p);
/* Drops a holder. The last one frees slots as long as *effort lasts: 1 is taken off for each slot and for each page
 * freed. True: done; false: slots are left, and the call is to be repeated. */
bool pieces_free_some(struct pieces *p, size_t *effort);
void pieces_free(struct pieces *p); /* the same in one go */

size_t pieces_len(const struct pieces *p);
/* The bytes from `offset` on that lie together in memory; empty at the end. Borrowed until the next change. */
struct slice pieces_run(const struct pieces *p, size_t offset);
/* The blob of the byte at `offset`, borrowed; NULL at the end. */
struct blob *pieces_blob(const struct pieces *p, size_t offset);

/* Writes `bytes` at `offset`. The string grows as needed, with zeros between its end and `offset`. `from` is the blob
 * that has the bytes, or NULL: whole slots of it are held instead of copied. *p may be replaced. False: no memory,
 * nothing changed. */
bool pieces_try_write(struct pieces **p, size_t offset, struct slice bytes, struct blob *from);

/* Bytes set aside, in O(1): each slot counts in full. */
size_t pieces_memory(const struct pieces *p);
/* An estimate of the part of these bytes that has no other holder. */
size_t pieces_memory_alone(const struct pieces *p);
size_t pieces_effort(const struct pieces *p); /* effort of freeing the string, in O(1) */

/* For tests: every invariant, by assertion. */
void pieces_validate(const struct pieces *p);
