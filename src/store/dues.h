#pragma once
/* Deadlines of a collection's elements: the fields of a hash, the members of a set. The first deadline sets ITEM_DUES,
 * and from then on
 *
 *   in a pack      each element ends in one more entry: its deadline in ms, or 0
 *   in a tree      by hash (ds/hashtree.h) each entry has a deadline or none
 *
 * An element is due from its deadline on. A look-up with a `now_ms` at or past the deadline does not find it, but the
 * element counts until the keyspace has removed it. */
#include "base/slice.h"
#include "ds/hashtree.h"
#include "store/edit.h"
#include "store/item.h"

#define DUES_NONE HASHTREE_NO_DUE
#define DUES_KEEP INT64_MIN
/* For now_ms: no deadline has come. */
#define DUES_NOTHING INT64_MIN
#define DUES_MAX     64 /* elements in one call of dues_find */

/* The time to pass as now_ms: the keyspace's clock, or DUES_NOTHING while the keyspace ignores expiry. */
int64_t dues_now_ms(const struct keyspace *ks);
/* A time before which no element is due; DUES_NONE: none has a deadline. O(1) for a tree. */
int64_t dues_least_ms(const struct item *it);
/* The number of elements that are due by now_ms. In a tree, parts without a due element are passed over. */
uint64_t dues_count(const struct item *it, int64_t now_ms);
/* Finds up to `max` (at most DUES_MAX) elements that are due by the keyspace's clock, as entries of a pack. Returns
 * their number. */
size_t dues_find(const struct ks_edit *e, const char **out, size_t max);

/* --- inside store/ ---------------------------------------------------------------------------------------- */

struct value_cursor;
struct value_command;
/* The number of entries that an element has in a pack with deadlines. */
size_t dues_step(const struct item *it);
/* The next HPEXPIREAT or SPEXPIREAT that gives an element its deadline, from c->at on; false: there is none. A long
 * name is given in runs; all of it stands at DUES_ARG_IN_RUNS. */
#define DUES_ARG_IN_RUNS (VALUE_COMMAND_ARGS_MAX - 1)
bool dues_command(struct value_cursor *c, struct value_command *out);
