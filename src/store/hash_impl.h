#pragma once
/* Inside hashes: what their files share.
 *
 *   hash.c         reading
 *   hash_edit.c    fields come and go, one form becomes another
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
/* Entries of a field in the pack. */
static inline size_t hash_step(const struct item *it)
{
    return it->flags & ITEM_DUES ? 3 : 2;
}
/* The field whose entries begin here; returns what is behind them. */
const char *hash_field_at(const struct item *it, const char *at, struct hash_field *out);
/* Whether it is due or not. */
bool hash_find_any(const struct item *it, const struct pack_entry *name, struct hash_field *out);
