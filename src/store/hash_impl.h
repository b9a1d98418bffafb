#pragma once
/* Inside hashes: what their files share.
 *
 *   hash.c         reading
 *   hash_edit.c    edits of either form, and the change from one to the other
 *   hash_value.c   the row of the type */
#include "store/hash.h"
#include "store/keyspace_impl.h"

static inline struct hashtree *hash_tree(const struct item *it)
{
    return item_pointer(it);
}
static inline struct slice hash_pack(const struct item *it)
{
    return item_embedded(it);
}
/* The number of entries that a field has in a pack. */
static inline size_t hash_step(const struct item *it)
{
    return it->flags & ITEM_DUES ? 3 : 2;
}
/* The field whose entries begin at `at`. Returns the end of its entries. */
const char *hash_field_at(const struct item *it, const char *at, struct hash_field *out);
/* As hash_find, but finds a due field, too. */
bool hash_find_any(const struct item *it, const struct pack_entry *name, struct hash_field *out);
