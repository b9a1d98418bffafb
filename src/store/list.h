#pragma once
/* Lists: a pack in the item while they are small (ds/pack.h), else a counted tree by position (ds/btree.h), whose nodes
 * copies and snapshots share. What OBJECT ENCODING tells is kept beside that, by Redis' rules. */
#include "base/err.h"
#include "base/slice.h"
#include "ds/btree.h"
#include "ds/pack.h"
#include "store/edit.h"
#include "store/item.h"

enum list_end { LIST_HEAD, LIST_TAIL };

/* A pack in an item has at most as many bytes. */
#define LIST_EMBED_BYTES_MAX 512

/* --- reading ---------------------------------------------------------------------------------------- */

uint64_t list_len(const struct item *it);

/* A place in a list. Ends with the next change of the item, or when it goes. Entries are those of ds/pack.h, and
 * borrowed as long. */
struct list_cursor {
    const char *entry;
    bool in_tree;
    struct btree_cursor tree;
    struct slice pack;
    /* Offsets of a pack's entries up to this one, once somebody went back. */
    unsigned nth;
    bool has_offsets;
    uint16_t offsets[LIST_EMBED_BYTES_MAX];
};
/* The entry at the position, from 0 on; NULL: there are not so many. */
const char *list_at(const struct item *it, uint64_t at, struct list_cursor *c);
/* The one behind it or ahead of it; NULL: there is none, and the cursor stays. */
const char *list_next(struct list_cursor *c);
const char *list_prev(struct list_cursor *c);
/* The entries from the cursor's on that lie behind each other, as a pack. The cursor moves behind them: c->entry is
 * NULL where nothing is. */
struct slice list_run(struct list_cursor *c);

/* --- editing ---------------------------------------------------------------------------------------- */

/* All of these change everything that they are to, or nothing: ERR_NOMEM. They end every cursor on the list. */

/* Pushes one after the other, so that the last is at the end. */
enum err list_push(struct ks_edit *e, enum list_end end, const struct slice *strings, size_t n);
/* The same of entries of another list, which bring nothing along: long strings are shared. */
enum err list_push_entries(struct ks_edit *e, enum list_end end, const char *const *entries,
                           size_t n);
/* Ahead of what is at the position, or at the tail where that is list_len. */
enum err list_insert(struct ks_edit *e, uint64_t at, struct slice string);
/* In the place of what is at the position. */
enum err list_set(struct ks_edit *e, uint64_t at, struct slice string);
/* Takes the first element out of a list that has one, or the last. `entry` has it then, with the reference of its blob,
 * until list_popped_end, which must be called unless there was no memory. */
enum err list_pop(struct ks_edit *e, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX]);
void list_popped_end(const char *entry);
/* Removes `n` elements from the position on. */
enum err list_remove(struct ks_edit *e, uint64_t at, uint64_t n);
/* Removes all but `n` > 0 elements from the position on. */
enum err list_keep(struct ks_edit *e, uint64_t at, uint64_t n);
/* Removes up to `count` elements that are the string, beginning at an end. */
enum err list_remove_equal(struct ks_edit *e, enum list_end from, uint64_t count,
                           struct slice string, uint64_t *removed);

/* --- taking, for who moves elements elsewhere -------------------------------------------------------------- */

/* What was taken from an end: goes back by list_taken_back, which needs no memory, or for good by list_taken_end. Until
 * then the entries are where they were, for whoever has pointers to them, and one of both must be called. */
struct list_taken {
    struct item *item; /* the list as it was, where it is a pack */
    struct btree tree; /* where it is a tree */
    uint64_t listpack_bytes;
};
enum err list_take(struct ks_edit *e, enum list_end end, uint64_t n, struct list_taken *t);
void list_taken_back(struct ks_edit *e, struct list_taken *t);
void list_taken_end(struct ks_edit *e, struct list_taken *t);

/* Takes `n` elements from one end and pushes them to one, in the order that they were taken in or, `as_they_are`, in
 * the order that they stood in. */
struct list_rotation {
    enum list_end from, to;
    uint64_t n;
    bool as_they_are;
};
/* The order of the pushes is the opposite of that in which the elements stand. */
static inline bool list_rotation_reverses(const struct list_rotation *r)
{
    return r->as_they_are ? r->to == LIST_HEAD : r->from == LIST_TAIL;
}
enum err list_rotate(struct ks_edit *e, const struct list_rotation *r);
