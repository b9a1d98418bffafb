#pragma once
/* Lists: a small list is a pack in its item (ds/pack.h), a larger one a counted tree by position (ds/btree.h), whose
 * nodes are shared with copies and snapshots. OBJECT ENCODING follows Redis' rules, whichever form the list has. */
#include "base/err.h"
#include "base/slice.h"
#include "ds/btree.h"
#include "ds/pack.h"
#include "store/edit.h"
#include "store/item.h"

enum list_end { LIST_HEAD, LIST_TAIL };

/* Bytes of a pack in an item. */
#define LIST_EMBED_BYTES_MAX 512

/* --- reading ---------------------------------------------------------------------------------------- */

uint64_t list_len(const struct item *it);

/* A place in a list, valid until the item changes or is freed. Entries have the form of ds/pack.h and are borrowed as
 * long as the cursor is valid. */
struct list_cursor {
    const char *entry;
    bool in_tree;
    struct btree_cursor tree;
    struct slice pack;
    /* A pack is read from its front only: the first list_prev notes the offsets of the entries ahead of the nth. */
    unsigned nth;
    bool has_offsets;
    uint16_t offsets[LIST_EMBED_BYTES_MAX];
};
/* The entry at the position, counted from 0; NULL: the list is shorter. */
const char *list_at(const struct item *it, uint64_t at, struct list_cursor *c);
/* The next or the previous entry; NULL: there is none, and the cursor stays. */
const char *list_next(struct list_cursor *c);
const char *list_prev(struct list_cursor *c);
/* The entries from the cursor on that lie behind each other in memory, as a pack. The cursor moves behind them;
 * c->entry is NULL at the end of the list. */
struct slice list_run(struct list_cursor *c);

/* --- editing ---------------------------------------------------------------------------------------- */

/* Each edit is all or nothing: ERR_NOMEM leaves the list unchanged. Each ends every cursor on the list. */

/* Pushes the strings one after the other, so that the last one becomes the list's first or last element. */
enum err list_push(struct ks_edit *e, enum list_end end, const struct slice *strings, size_t n);
/* As list_push, with entries of another list. Their blobs are shared; the caller's references stay its own. */
enum err list_push_entries(struct ks_edit *e, enum list_end end, const char *const *entries,
                           size_t n);
/* Inserts ahead of the element at the position, or at the tail when the position is list_len. */
enum err list_insert(struct ks_edit *e, uint64_t at, struct slice string);
/* Replaces the element at the position. */
enum err list_set(struct ks_edit *e, uint64_t at, struct slice string);
/* Moves the first or the last element of a list that is not empty to `entry`, with the reference to its blob. On
 * success list_popped_end must be called, which drops that reference. */
enum err list_pop(struct ks_edit *e, enum list_end end, char entry[BTREE_ENTRY_BYTES_MAX]);
void list_popped_end(const char *entry);
/* Removes the `n` elements from the position on. */
enum err list_remove(struct ks_edit *e, uint64_t at, uint64_t n);
/* Keeps the `n` > 0 elements from the position on, and removes all others. */
enum err list_keep(struct ks_edit *e, uint64_t at, uint64_t n);
/* Removes up to `count` elements equal to the string, beginning at an end. *removed: how many; 0 on ERR_NOMEM. */
enum err list_remove_equal(struct ks_edit *e, enum list_end from, uint64_t count,
                           struct slice string, uint64_t *removed);

/* --- taking, to move elements to another list --------------------------------------------------------------- */

/* The list as it was before elements were taken from an end, so pointers to the taken entries stay valid. Either
 * list_taken_back must be called, which restores the list and needs no memory, or list_taken_end, which lets the
 * elements go. */
struct list_taken {
    struct item *item; /* of a pack; NULL: the list is a tree */
    struct btree tree; /* of a tree */
    uint64_t listpack_bytes;
};
enum err list_take(struct ks_edit *e, enum list_end end, uint64_t n, struct list_taken *t);
void list_taken_back(struct ks_edit *e, struct list_taken *t);
void list_taken_end(struct ks_edit *e, struct list_taken *t);

/* Takes `n` elements from one end and pushes them to the same or the other end: in the order of taking, or, with
 * `as_they_are`, so that they keep the order in which they stood. */
struct list_rotation {
    enum list_end from, to;
    uint64_t n;
    bool as_they_are;
};
/* True: the elements are pushed in the opposite of the order in which they stand. */
static inline bool list_rotation_reverses(const struct list_rotation *r)
{
    return r->as_they_are ? r->to == LIST_HEAD : r->from == LIST_TAIL;
}
enum err list_rotate(struct ks_edit *e, const struct list_rotation *r);
