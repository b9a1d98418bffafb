#pragma once
/* A key and its value: one allocation for both while the value is small.
 *
 *    0         3      4       5      6        8
 *   +---------+------+-------+------+--------+-------------+-------------+-----+-------+
 *   | access  | kind | flags | klen | vlen   | [expiry 8]  | [long klen] | key | value |
 *   +---------+------+-------+------+--------+-------------+-------------+-----+-------+
 *
 *   access  24 bits, little-endian: when the key was last used, in seconds mod 2^24 (LRU clock)
 *   kind    low 4 bits the type, high 4 bits the encoding: its highest bit says that the value is a pointer
 *   flags   ITEM_HAS_EXPIRY: eight bytes with the deadline in ms since the epoch stand ahead of the key
 *           ITEM_EDITED: the string was changed by APPEND or SETRANGE: OBJECT ENCODING calls it raw
 *           ITEM_GROWN: the collection outgrew Redis' limits of a small one once, which OBJECT ENCODING goes on telling
 *           ITEM_DUES: the collection's elements have deadlines, or had: value_ops' due_ms tells
 *           ITEM_PARITY: the keyspace's, which sets them on what it takes in: see store/snapshot.h
 *   klen    length of the key, or 255: four bytes with the length stand ahead of it
 *   vlen    length of a value whose bytes lie in the item; 0 where it is an int64 or a pointer
 *   value   ENC_EMBED: a string's text, a collection's pack (ds/pack.h); ENC_INTS: a set's integers; ENC_INT: int64;
 *           ENC_BLOB and ENC_TREE: a pointer
 *
 * Nothing behind the header is aligned: it is read and written through memcpy.
 *
 * Outside store/ an item is read only, by the functions of this header, of store/value.h and of its type's header.
 * ks_edit (store/edit.h) gives one to be changed. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

enum item_type { TYPE_STRING, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_HASH, TYPE_STREAM, TYPE_COUNT };

#define ITEM_HAS_EXPIRY   0x01
#define ITEM_EDITED       0x02
#define ITEM_GROWN        0x04
#define ITEM_DUES         0x08
#define ITEM_PARITY       0xf0 /* a bit for each of KS_SNAPSHOTS_MAX, from this one on: */
#define ITEM_PARITY_SHIFT 4

#define ITEM_KLEN_LONG     255
#define ITEM_KEY_BYTES_MAX UINT32_MAX /* a longer key is refused as if memory lacked */
/* "None", wherever a deadline is handed around: below every deadline, and INT64_MAX is one, which never comes. */
#define ITEM_NO_EXPIRY (-1)

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
/* From when on it is not there any more; INT64_MAX: for ever. */
static inline int64_t item_due_ms(const struct item *it)
{
    int64_t ms = item_expiry_ms(it);
    return ms == ITEM_NO_EXPIRY ? INT64_MAX : ms;
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
/* "string", ... as TYPE answers. Static storage. */
const char *item_type_name(enum item_type t);

/* Access clock: seconds mod 2^24. */
#define ITEM_CLOCK_MASK 0xffffffu
static inline uint32_t item_clock(int64_t now_ms)
{
    return (uint32_t)(now_ms / 1000) & ITEM_CLOCK_MASK;
}
static inline uint32_t item_access(const struct item *it)
{
    return it->access[0] | (uint32_t)it->access[1] << 8 | (uint32_t)it->access[2] << 16;
}
/* Seconds since the last touch. */
static inline uint32_t item_idle_s(const struct item *it, int64_t now_ms)
{
    return (item_clock(now_ms) - item_access(it)) & ITEM_CLOCK_MASK;
}
