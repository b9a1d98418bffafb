#pragma once
/* Deadlines of the elements of a collection, whatever its type: the fields of a hash, the members of a set. Where one
 * had a deadline once the item has ITEM_DUES, and
 *
 *   in a pack      each element ends in an entry more: its deadline in ms, or 0
 *   in a tree      by hash (ds/hashtree.h) each entry has a deadline or none
 *
 * An element whose deadline has come is not there for whoever reads or edits with a `now_ms` at or beyond it, but it
 * counts until the keyspace has removed it. */
#include "base/slice.h"
#include "ds/hashtree.h"
#include "store/edit.h"
#include "store/item.h"

#define DUES_NONE HASHTREE_NO_DUE
#define DUES_KEEP INT64_MIN
/* For now_ms: no deadline has come. */
#define DUES_NOTHING INT64_MIN
#define DUES_MAX     64 /* in one call of dues_find */

/* What is due by the keyspace's clock is not there. */
int64_t dues_now_ms(const struct keyspace *ks);
/* No element has a deadline before this one; DUES_NONE: none has any. Of a tree O(1). */
int64_t dues_least_ms(const struct item *it);
/* Those that are due: looks at what hold such only. */
uint64_t dues_count(const struct item *it, int64_t now_ms);
/* Some of the elements that are due by the keyspace's clock, up to `max` (at most DUES_MAX), as entries of a pack; how
 * many. */
size_t dues_find(const struct ks_edit *e, const char **out, size_t max);

/* --- inside store/ ---------------------------------------------------------------------------------------- */

struct value_cursor;
struct value_command;
/* Entries of an element in a pack with deadlines. */
size_t dues_step(const struct item *it);
/* The next of the commands that give the elements their deadlines, HPEXPIREAT or SPEXPIREAT, from c->at on; false: that
 * was all. A long name is in runs, and stands whole at DUES_ARG_IN_RUNS. */
#define DUES_ARG_IN_RUNS (VALUE_COMMAND_ARGS_MAX - 1)
bool dues_command(struct value_cursor *c, struct value_command *out);
