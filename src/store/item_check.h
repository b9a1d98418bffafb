#pragma once
/* Inside store/: finds changes of an item that went past ks_edit, in builds with CORSAC_CHECK_EDITS (those of `make
 * asan` and of the tests under sanitizers).
 *
 *   +--------+-----+-------+------+
 *   | header | key | value | sum  |   four bytes more, behind the value
 *   +--------+-----+-------+------+
 *
 * The sum is over header, deadline, key and value, and over the beginning and the end of what lies outside; not over
 * the access clock and the snapshots' bit, which the keyspace changes in between. The store makes it anew behind each
 * change of its own, and compares it whenever an item is looked up, given out or freed, and in ks_validate. */
#include <stdint.h>

#include "store/item.h"

#ifdef CORSAC_CHECK_EDITS
#define ITEM_SEAL_BYTES sizeof(uint32_t)
void item_seal(struct item *it);
void item_check(const struct item *it); /* asserts that nothing changed since */
#else
#define ITEM_SEAL_BYTES 0
static inline void item_seal(struct item *it)
{
    (void)it;
}
static inline void item_check(const struct item *it)
{
    (void)it;
}
#endif
