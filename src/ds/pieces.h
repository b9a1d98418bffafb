#pragma once
/* A long string that several hold, and that changes in parts: an array of slots, each of which is a run of bytes in a
 * blob. It begins as one blob, into which all slots point; a slot that is changed while others hold its bytes gets a
 * blob of its own, so that a change copies a slot for each end of it, however long the string is.
 *
 *   slot     0            1            2            3            4
 *   +------------+------------+------------+------------+-----+
 *   | blob a, 0  | blob a, S  | blob b, 0  | blob c, x  | ... |      S = PIECES_SLOT_BYTES: all but the last are full
 *   +------------+------------+------------+------------+-----+
 *
 * What is held, by pieces_hold, never changes: who changes it then gets an array of his own, with the same blobs. */
#include <stdbool.h>
#include <stddef.h>

#include "base/blob.h"
#include "base/slice.h"

/* A blob of one fits an allocation of a megabyte with its header. A multiple of the bytes that values are given in as
 * commands. */
#define PIECES_SLOT_BYTES ((size_t)960 * 1024)

struct pieces;

/* All bytes of the blob, which is held for each slot. NULL: no memory. */
struct pieces *pieces_try_new(struct blob *b);
struct pieces *pieces_hold(struct pieces *p);
/* Lets go of some of it, as long as there is effort left (1 for each slot, and for each page that is freed), which is
 * taken off *effort, 1 at least. True: all of it is gone. */
bool pieces_free_some(struct pieces *p, size_t *effort);
void pieces_free(struct pieces *p); /* at once */

size_t pieces_len(const struct pieces *p);
/* The bytes from `offset` on, up to where they lie together no longer; empty at the end. Good until the next change. */
struct slice pieces_run(const struct pieces *p, size_t offset);
/* The blob that they lie in; NULL at the end. */
struct blob *pieces_blob(const struct pieces *p, size_t offset);

/* Lays `bytes` over the string from `offset` on, which grows as needed: with zeros up to there. They lie in `from`, of
 * which whole slots are held instead of copied, or NULL. *p is another one afterwards where it was held. False: no
 * memory, nothing changed. */
bool pieces_try_write(struct pieces **p, size_t offset, struct slice bytes, struct blob *from);

/* In O(1): each slot counts as if its bytes were its own. */
size_t pieces_memory(const struct pieces *p);
/* Of that, about how much nobody else holds. */
size_t pieces_memory_alone(const struct pieces *p);
size_t pieces_effort(const struct pieces *p); /* of freeing it, in O(1) */

/* For tests: checks everything that must hold between the fields. */
void pieces_validate(const struct pieces *p);
