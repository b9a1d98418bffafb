#pragma once
/* A key and its value: one allocation for both while the value is small.
 *
 *    0         3      4       5      6        8
 *   +---------+------+-------+------+--------+-------------+-------------+-----+-------+
 *   | access  | kind | flags | klen | vlen   | [expiry 8]  | [long klen] | key | value |
 *   +---------+------+-------+------+--------+-------------+-------------+-----+-------+
 *
 *   access  24 bits, little-endian: when the key was last used, in seconds mod 2^24 (LRU clock)
 *   kind    low 4 bits the type, high 4 bits the encoding
 *   flags   ITEM_HAS_EXPIRY: eight bytes with the deadline in ms since the epoch stand ahead of the key
 *           ITEM_EDITED: the string was changed by APPEND or SETRANGE: OBJECT ENCODING calls it raw
 *           ITEM_PARITY: the keyspace's, which sets them on what it takes in: see store/snapshot.h
 *   klen    length of the key, or 255: four bytes with the length stand ahead of it
 *   vlen    ENC_EMBED: length of the value's bytes
 *   value   ENC_EMBED: the bytes; ENC_INT: int64; ENC_BLOB and structures: a pointer
 *
 * Nothing behind the header is aligned: it is read and written through memcpy. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/blob.h"
#include "base/err.h"
#include "base/num.h"
#include "base/slice.h"

enum item_type { TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_HASH, TYPE_STREAM, TYPE_COUNT };
enum item_enc { ENC_EMBED, ENC_INT, ENC_BLOB };

#define ITEM_HAS_EXPIRY   0x01
#define ITEM_EDITED       0x02
#define ITEM_PARITY       0xf0 /* a bit for each of KS_SNAPSHOTS_MAX, from this one on: */
#define ITEM_PARITY_SHIFT 4

#define ITEM_KLEN_LONG     255
#define ITEM_KEY_BYTES_MAX UINT32_MAX /* of a longer one no item is made, as if memory lacked */
/* A string up to this length lives in the item, a longer one in a blob. */
#define ITEM_EMBED_BYTES_MAX 1024
#define ITEM_NO_EXPIRY       INT64_MAX /* "never", wherever a deadline is handed around */

struct item {
    uint8_t access[3];
    uint8_t kind;
    uint8_t flags;
    uint8_t klen;
    uint16_t vlen;
    char body[];
};
_Static_assert(sizeof(struct item) == 8, "the header of every key is 8 bytes");

static inline enum item_type item_type(const struct item *it)
{
    return it->kind & 0x0f;
}
static inline enum item_enc item_enc(const struct item *it)
{
    return it->kind >> 4;
}
static inline bool item_has_expiry(const struct item *it)
{
    return it->flags & ITEM_HAS_EXPIRY;
}
/* ITEM_NO_EXPIRY when there is none. */
static inline int64_t item_expiry_ms(const struct item *it)
{
    int64_t ms = ITEM_NO_EXPIRY;
    if (item_has_expiry(it))
        memcpy(&ms, it->body, sizeof(ms));
    return ms;
}
static inline const char *item_behind_expiry(const struct item *it)
{
    return it->body + (item_has_expiry(it) ? sizeof(int64_t) : 0);
}
static inline struct slice item_key(const struct item *it)
{
    const char *p = item_behind_expiry(it);
    uint32_t len = it->klen;
    if (len == ITEM_KLEN_LONG) {
        memcpy(&len, p, sizeof(len));
        p += sizeof(len);
    }
    return (struct slice){p, len};
}
static inline const char *item_value_place(const struct item *it)
{
    struct slice key = item_key(it);
    return key.ptr + key.len;
}
static inline int64_t item_int(const struct item *it)
{
    int64_t v;
    memcpy(&v, item_value_place(it), sizeof(v));
    return v;
}
static inline void *item_pointer(const struct item *it)
{
    void *p;
    memcpy(&p, item_value_place(it), sizeof(p));
    return p;
}
static inline struct blob *item_blob(const struct item *it)
{
    return item_pointer(it);
}

/* The bytes of a string value. An integer is printed into `scratch`; else they are borrowed from the item
 * until it changes. */
static inline struct slice item_string(const struct item *it, char scratch[NUM_I64_CHARS])
{
    switch (item_enc(it)) {
    case ENC_EMBED: return (struct slice){item_value_place(it), it->vlen};
    case ENC_INT: return (struct slice){scratch, (size_t)num_print_i64(scratch, item_int(it))};
    case ENC_BLOB: return (struct slice){item_blob(it)->data, item_blob(it)->len};
    }
    __builtin_unreachable();
}
size_t item_string_len(const struct item *it);

struct slab_heap; /* base/slab.h: where items live */

/* New items; NULL: no memory. `expiry_ms` may be ITEM_NO_EXPIRY. The value is stored as an integer where it is
 * the canonical form of one, embedded where it is small, as a blob else. The key and value are copied. */
struct item *item_try_new_string(struct slab_heap *heap, struct slice key, struct slice value,
                                 int64_t expiry_ms);
struct item *item_try_new_int(struct slab_heap *heap, struct slice key, int64_t value,
                              int64_t expiry_ms);
/* Takes the caller's reference of the blob, on success only. */
struct item *item_try_new_blob(struct slab_heap *heap, struct slice key, struct blob *takes,
                               int64_t expiry_ms);
/* The same value (moved, not copied) under another key or deadline. Frees the old item on success only. */
struct item *item_try_rekey(struct slab_heap *heap, struct item *old, struct slice key,
                            int64_t expiry_ms);
/* A copy of key, value and deadline under another key; blobs are shared until one side changes. */
struct item *item_try_copy(struct slab_heap *heap, const struct item *from, struct slice key,
                           int64_t expiry_ms);
void item_free(struct item *it); /* with its value */

/* Bytes of the item's own allocation, by its header: as many as were asked for, or at least as many of the same
 * size class. */
size_t item_bytes(const struct item *it);
/* Bytes set aside for key and value together. A blob that several hold counts in full. */
size_t item_memory(const struct item *it);
/* Work to free it, in small allocations: every page of a large one counts as much. */
#define ITEM_PAGE_BYTES 4096
size_t item_free_effort(const struct item *it);

/* "string", ... as TYPE answers; "embstr", "int", "raw" as OBJECT ENCODING does. Static storage. */
const char *item_type_name(enum item_type t);
const char *item_encoding_name(const struct item *it);

/* Access clock: seconds mod 2^24. A touch within the same second writes nothing, so that reading a hot key
 * leaves its cache line clean. */
#define ITEM_CLOCK_MASK 0xffffffu
static inline uint32_t item_clock(int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) & ITEM_CLOCK_MASK;
}
static inline uint32_t item_access(const struct item *it)
{
    return it->access[0] | (uint32_t)it->access[1] << 8 | (uint32_t)it->access[2] << 16;
}
static inline void item_touch(struct item *it, int64_t now_ms)
{
    uint32_t clock = item_clock(now_ms);
    if (item_access(it) == clock)
        return;
    it->access[0] = (uint8_t)clock;
    it->access[1] = (uint8_t)(clock >> 8);
    it->access[2] = (uint8_t)(clock >> 16);
}
/* Seconds since the last touch. */
static inline uint32_t item_idle_s(const struct item *it, int64_t now_ms)
{
    return (item_clock(now_ms) - item_access(it)) & ITEM_CLOCK_MASK;
}
