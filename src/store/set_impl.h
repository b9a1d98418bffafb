#pragma once
/* Inside sets: what their files share.
 *
 *   set.c          reading
 *   set_edit.c     edits of each form, and the change from one to another
 *   set_value.c    the row of the type */
#include "ds/intset.h"
#include "store/keyspace_impl.h"
#include "store/set.h"

static inline struct hashtree *set_tree(const struct item *it)
{
    return item_pointer(it);
}
/* The integers or the pack of a set in its item. */
static inline struct slice set_run(const struct item *it)
{
    return item_embedded(it);
}
/* The number of entries that a member has in a pack. */
static inline size_t set_step(const struct item *it)
{
    return it->flags & ITEM_DUES ? 2 : 1;
}
/* NULL: the member is not there. */
const char *set_find_in_pack(const struct item *it, const struct pack_entry *member);
static inline bool set_is_integer(const struct pack_entry *m)
{
    return m->code >= PACK_CODE_SMALL || (m->code >= PACK_CODE_INT && m->code < PACK_CODE_STRING);
}
