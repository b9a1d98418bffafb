#pragma once
/* Strings: an int64 where the text is the canonical form of one; bytes in the item while they are few; else a blob;
 * and slots of several blobs (ds/pieces.h) once a long string was edited while a reply or a copy held it, or got
 * many bytes that could be held without a copy. */
#include "base/blob.h"
#include "base/err.h"
#include "base/num.h"
#include "base/slice.h"
#include "store/edit.h"
#include "store/item.h"

/* --- reading ---------------------------------------------------------------------------------------- */

size_t string_len(const struct item *it);
/* The run of bytes from `offset` on, up to where they lie together no longer: empty behind the end. An integer is
 * printed into `scratch`; else they are borrowed from the item until it changes. */
struct slice string_run(const struct item *it, size_t offset, char scratch[NUM_I64_CHARS]);
bool string_equal(const struct item *it, struct slice s);
/* XXH3 of all of it: O(n). */
uint64_t string_digest(const struct item *it);
/* The integer that it is, or is the canonical text of. */
bool string_int(const struct item *it, int64_t *out);
/* Its value lies in its key's item as an integer: for OBJECT REFCOUNT. */
bool string_is_stored_int(const struct item *it, int64_t *out);
/* All of it where it is at most STRING_SHORT_BYTES_MAX long, which any number is; false: it is longer. */
#define STRING_SHORT_BYTES_MAX 1024
bool string_short(const struct item *it, char scratch[NUM_I64_CHARS], struct slice *out);

/* All of it in one run, perhaps copied: *owned is NULL, or to be freed by mem_free. False: no memory. */
bool string_flat(const struct item *it, char scratch[NUM_I64_CHARS], struct slice *out,
                 char **owned);

/* The blob of the run from `offset` on, to be held where it is used for longer; NULL: the run lies in none. */
struct blob *string_blob(const struct item *it, size_t offset);
/* As string_blob, for bytes about to be sent. A blob that is sent often moves to memory that the kernel sends from
 * at less cost; the value does not change. */
struct blob *string_blob_to_send(const struct item *it, size_t offset);

/* --- editing ---------------------------------------------------------------------------------------- */

/* Lays bytes over the string from `offset` on, which grows as needed: with zeros up to there. Grown strings get slack,
 * so that appending is amortised. ERR_NOMEM: unchanged. The bytes must not be the string's own. */
enum err string_write(struct ks_edit *e, size_t offset, struct slice bytes);
/* As string_write, with bytes that lie in `from`, which is held where they are many, and not copied. */
enum err string_write_blob(struct ks_edit *e, size_t offset, struct slice bytes, struct blob *from);
