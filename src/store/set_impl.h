#pragma once
/* Inside sets: what their files share.
 *
 *   set.c         reading, the row of the type
 *   set_edit.c    members come and go, one form becomes another */
#include "ds/intset.h"
#include "store/keyspace_impl.h"
#include "store/set.h"

static inline struct hashtree *set_tree(const struct item *it)
{
    return item_pointer(it);
}
/* The integers or the pack of one that lies in its item. */
static inline struct slice set_run(const struct item *it)
{
    return item_embedded(it);
}
static inline bool set_is_integer(const struct pack_entry *m)
{
    return m->code >= PACK_CODE_SMALL || (m->code >= PACK_CODE_INT && m->code < PACK_CODE_STRING);
}
