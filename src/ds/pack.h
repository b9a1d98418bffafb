#pragma once
/* Packs: strings behind each other in one run of bytes, integers among them as integers. A small collection is a pack
 * within its key's item; the leaves of large ones hold entries of the same form.
 *
 * An entry is a code byte, and what follows it:
 *
 *   code         followed by                           the entry is
 *   00 .. 7f     code bytes                            a string of that length
 *   80 .. 87     1 .. 8 bytes, little-endian, signed   an integer, in as few bytes as hold it
 *   88           2 bytes with a length, and as many    a string of 128 to PACK_STRING_BYTES_MAX bytes
 *   89           8 bytes: a pointer                    a longer string, in a blob of which the entry holds a reference
 *   c0 .. ff                                           the integer code - c0
 *
 * A string that is the canonical text of an int64 is always an integer here, in its shortest form. So every string has
 * one encoding, and two entries are the same string when their bytes are the same, but for blobs.
 *
 * A pack is read from its front only. It has no header: who keeps it knows its length, and counts its entries or not.
 * Nothing here allocates but pack_entry_init; nothing looks beyond the end of a pack that is valid. */
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
#define PACK_SHORT_BYTES_MAX 127 /* up to here the code is the length */
#define PACK_CODE_INT        0x80
#define PACK_CODE_STRING     0x88
#define PACK_CODE_BLOB       0x89
#define PACK_CODE_SMALL      0xc0
#define PACK_SMALL_MAX       63

/* --- a string on its way in ------------------------------------------------------------------------------ */

/* A string, encoded. Borrows it, but where it is in a blob, of which it has a reference. */
struct pack_entry {
    struct slice string; /* as it was given */
    struct blob *blob;   /* NULL: it is not that long */
    int64_t number;      /* of an integer */
    size_t bytes;        /* of the entry */
    uint8_t code;
};
/* False: no memory for its blob. */
bool pack_entry_init(struct pack_entry *e, struct slice string);
/* The same without a blob, to look for one. */
void pack_entry_init_to_find(struct pack_entry *e, struct slice string);
/* Writes e->bytes; the entry written takes the reference of the blob. Returns what is behind it. */
char *pack_entry_write(struct pack_entry *e, char *to);
/* Drops the blob of one that was not written; nothing else is needed. */
void pack_entry_deinit(struct pack_entry *e);

/* --- an entry where it stands ------------------------------------------------------------------------------ */

/* Of the entry. */
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
/* Its string: an integer is printed into scratch, else it is borrowed from the pack or the blob. */
struct slice pack_string(const char *at, char scratch[NUM_I64_CHARS]);
/* Without reading a long string: of an integer, that of its text. */
size_t pack_string_len(const char *at);
/* False: it is no integer. */
bool pack_int(const char *at, int64_t *out);
struct blob *pack_blob(const char *at); /* NULL: in none */
bool pack_equal(const char *at, const struct pack_entry *e);
/* Two entries are the same string. */
bool pack_same(const char *a, const char *b);
/* Order of the strings' bytes, as memcmp has it, a shorter one ahead. */
int pack_compare(const char *at, struct slice string);

/* --- runs of entries ---------------------------------------------------------------------------------------- */

size_t pack_count(struct slice pack);
/* The nth entry, from 0 on; NULL: there are not so many. */
const char *pack_at(struct slice pack, size_t n);
/* The first entry that is the string, of every `step`th from the first on (2: the fields of a hash); NULL: none is. */
const char *pack_find(struct slice pack, size_t step, const struct pack_entry *e);

/* The blobs in it: who copies entries takes a reference of each, who removes them drops it. False: there is none. */
bool pack_has_blobs(struct slice pack);
void pack_hold(struct slice pack);
void pack_drop(struct slice pack);
size_t pack_blob_bytes(struct slice pack); /* set aside for them */

/* For tests, and for packs from elsewhere: every entry is whole and in its shortest form. No pointer is followed: a
 * pack from elsewhere must not have blobs either. */
bool pack_valid(struct slice pack);
