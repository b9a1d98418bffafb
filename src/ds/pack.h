#pragma once
/* Packs: strings behind each other in one run of bytes; strings that are integers are stored as such. A small
 * collection is a pack within its key's item, and the trees of large ones have entries of the same form.
 *
 * An entry is a code byte and the bytes that the code asks for:
 *
 *   code         followed by                           the entry is
 *   00 .. 7f     code bytes                            a string of that length
 *   80 .. 87     1 .. 8 bytes, little-endian, signed   an integer, in as few bytes as hold it
 *   88           2 bytes of length, and the string     a string of 128 to PACK_STRING_BYTES_MAX bytes
 *   89           8 bytes: a pointer                    a longer string, in a blob to which the entry has a reference
 *   c0 .. ff                                           the integer code - c0
 *
 * The canonical text of an int64 is always stored as an integer, in the shortest form. So each string has one encoding,
 * and two entries are the same string exactly when their bytes are the same, except for blobs.
 *
 * A pack is read from its front only. A pack has no header: its owner knows its length. Only pack_entry_init allocates.
 * No function reads beyond the end of a valid pack. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/num.h"
#include "base/slice.h"

#define PACK_STRING_BYTES_MAX 1024
/* The longest entry. */
#define PACK_ENTRY_BYTES_MAX (3 + PACK_STRING_BYTES_MAX)

/* Codes, as drawn above. */
#define PACK_SHORT_BYTES_MAX 127 /* the code of a string up to this long is its length */
#define PACK_CODE_INT        0x80
#define PACK_CODE_STRING     0x88
#define PACK_CODE_BLOB       0x89
#define PACK_CODE_SMALL      0xc0
#define PACK_SMALL_MAX       63

/* --- a string to be written -------------------------------------------------------------------------------- */

/* A string about to be written or looked for; borrowed. */
struct pack_entry {
    struct slice string; /* as it was given */
    struct blob *blob;   /* a copy of a long string; NULL: there is none */
    int64_t number;      /* if the string is an integer */
    size_t bytes;        /* of the entry */
    uint8_t code;
};
/* Copies a long string into a blob. False: no memory. */
bool pack_entry_init(struct pack_entry *e, struct slice string);
/* The same without a blob: an entry to look for. A long string cannot be written then. */
void pack_entry_init_to_find(struct pack_entry *e, struct slice string);
/* Writes e->bytes bytes, which take the reference to the blob. Returns the end. */
char *pack_entry_write(struct pack_entry *e, char *to);
/* Drops the blob of an entry that was not written. Other entries need no call. */
void pack_entry_deinit(struct pack_entry *e);

/* --- an entry where it stands ------------------------------------------------------------------------------ */

/* Bytes of the entry. */
static inline size_t pack_bytes(const char *at)
{
    uint8_t code = (uint8_t)*at;
    if (code <= PACK_SHORT_BYTES_MAX)
        return 1 + (size_t)code;
    if (code >= PACK_CODE_SMALL)
        return 1;
    if (code < PACK_CODE_STRING)
        return 2 + (size_t)(code - PACK_CODE_INT);
    return code == PACK_CODE_BLOB ? 1 + sizeof(struct blob *)
                                  : 3 + (size_t)(uint8_t)at[1] + ((size_t)(uint8_t)at[2] << 8);
}
static inline bool pack_is_int(const char *at)
{
    uint8_t code = (uint8_t)*at;
    return code >= PACK_CODE_SMALL || (code >= PACK_CODE_INT && code < PACK_CODE_STRING);
}
/* The entry's string: an integer is printed into scratch, other strings are borrowed from the pack or the blob. */
struct slice pack_string(const char *at, char scratch[NUM_I64_CHARS]);
/* The length of pack_string. */
size_t pack_string_len(const char *at);
/* False: the entry is no integer, and *out is unchanged. */
bool pack_int(const char *at, int64_t *out);
struct blob *pack_blob(const char *at); /* NULL: the string is not in a blob */
bool pack_equal(const char *at, const struct pack_entry *e);
/* Two entries are the same string. */
bool pack_same(const char *a, const char *b);
/* The bytewise order of the entry's string and another one; a prefix is ahead. */
int pack_compare(const char *at, struct slice string);

/* --- runs of entries ---------------------------------------------------------------------------------------- */

size_t pack_count(struct slice pack);
/* The nth entry, from 0 on; NULL: the pack is shorter. */
const char *pack_at(struct slice pack, size_t n);
/* The first entry that is the string, of every `step`th entry (2: the fields of a hash). NULL: there is none. */
const char *pack_find(struct slice pack, size_t step, const struct pack_entry *e);

/* References to blobs: a copy of entries needs pack_hold, removed entries need pack_drop. */
bool pack_has_blobs(struct slice pack);
void pack_hold(struct slice pack);
void pack_drop(struct slice pack);
size_t pack_blob_bytes(struct slice pack); /* set aside for the blobs */

/* For tests, and for packs read from elsewhere: each entry is whole and in its shortest form. Pointers to blobs are not
 * followed, so a pack from elsewhere must be checked with pack_has_blobs, too. */
bool pack_valid(struct slice pack);
