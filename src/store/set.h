#pragma once
/* Sets of strings.
 *
 *   integers only, and few         sorted integers of one width in the item (ds/intset.h)
 *   small                          a pack in the item (ds/pack.h); from the first deadline on (ITEM_DUES) member,
 *                                  deadline in ms or 0, ...
 *   else                           a tree by hash (ds/hashtree.h), which never becomes a pack again
 *
 * OBJECT ENCODING follows Redis' limits (store/limits.h). A set past these limits becomes a tree, unless its members
 * and bytes are few: long members alone do not make a tree. Deadlines: store/dues.h. */
#include "base/err.h"
#include "ds/hashtree.h"
#include "ds/pack.h"
#include "store/dues.h"
#include "store/edit.h"
#include "store/item.h"

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Due members count. O(1) but for packs, whose entries are counted. */
uint64_t set_count(const struct item *it);
/* Both take a member from pack_entry_init_to_find. set_has finds a member that is not due by now_ms, set_find any. */
bool set_has(const struct item *it, const struct pack_entry *member, int64_t now_ms);
bool set_find(const struct item *it, const struct pack_entry *member, int64_t *due_ms);
/* The nth member in the order of a walk, due or not; n < set_count. An integer is printed into scratch; other members
 * are borrowed until the set changes. */
struct slice set_at(const struct item *it, uint64_t n, int64_t *due_ms,
                    char scratch[NUM_I64_CHARS]);

/* A walk over every member that is not due by now_ms, in the set's own order, from a position on: 0, or set_walk_at of
 * another walk. The set must not change during the walk. */
struct set_walk {
    const struct item *item;
    uint64_t at;
    int64_t now_ms, due_ms; /* due_ms: the deadline of the member given last */
    struct hashtree_walk tree;
    char scratch[NUM_I64_CHARS];
};
void set_walk_init(struct set_walk *w, const struct item *it, uint64_t at, int64_t now_ms);
/* The position of the next member. */
uint64_t set_walk_at(const struct set_walk *w);
/* The next member, borrowed until the next call; false: the walk is over. */
bool set_walk_next(struct set_walk *w, struct slice *out);

/* Looks up in a set what a walk through another one gives. */
struct set_finger {
    const struct item *item;
    struct hashtree_finger tree;
};
void set_finger_init(struct set_finger *f, const struct item *it);
/* The member that the walk gave last, by the walk's now_ms. */
bool set_finger_has(struct set_finger *f, const struct set_walk *w, struct slice member);

/* One step of SSCAN: looks at about `count` members from the cursor on, calls fn for those that are not due by now_ms,
 * and returns the next cursor; 0 at the end. A set without a tree is given in one step. A member that exists throughout
 * the scan is given. */
typedef void (*set_each_fn)(struct slice member, void *arg);
struct set_scan {
    uint64_t cursor, count;
    int64_t now_ms;
    set_each_fn fn;
    void *arg;
};
uint64_t set_scan(const struct item *it, const struct set_scan *s);

/* --- editing ---------------------------------------------------------------------------------------------- */

/* `count` members are about to be added, beginning with `first`. As in Redis their number alone makes the set a large
 * one ahead of them, even if some are in it already. ERR_NOMEM: unchanged. */
enum err set_expect(struct ks_edit *e, size_t count, struct slice first);
/* A member that is there keeps its deadline, even a due one: the caller removes due members first. ERR_NOMEM:
 * unchanged. */
enum err set_add(struct ks_edit *e, struct slice member, bool *added);
/* Both find a due member, too. ERR_NOTFOUND: the member is not there. ERR_NOMEM: unchanged. */
enum err set_remove(struct ks_edit *e, struct slice member);
/* DUES_NONE takes the deadline off. */
enum err set_set_due(struct ks_edit *e, struct slice member, int64_t due_ms);
