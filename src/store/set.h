#pragma once
/* Sets of strings, each in it once.
 *
 *   integers only, and few         sorted integers of one width in the item (ds/intset.h)
 *   small                          a pack in the item (ds/pack.h); once a member had a deadline (ITEM_DUES) member,
 *                                  deadline in ms or 0, ...
 *   else                           a tree by hash (ds/hashtree.h), which a set never leaves again
 *
 * What OBJECT ENCODING tells goes by Redis' limits (store/limits.h): the first two are small as long as they are within
 * them. Members that make a set large to Redis by their length alone stay in a pack while they are few. What deadlines
 * mean, and questions about them: store/dues.h. */
#include "base/err.h"
#include "ds/hashtree.h"
#include "ds/pack.h"
#include "store/dues.h"
#include "store/edit.h"
#include "store/item.h"

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Those that are due included. O(1), but for packs, whose entries are counted. */
uint64_t set_count(const struct item *it);
/* `member` as pack_entry_init_to_find makes it. */
bool set_has(const struct item *it, const struct pack_entry *member, int64_t now_ms);
/* Whether it is due or not. */
bool set_find(const struct item *it, const struct pack_entry *member, int64_t *due_ms);
/* The nth in the order of a walk, n < count, due or not. An integer is printed into scratch. Borrowed until the set
 * changes. */
struct slice set_at(const struct item *it, uint64_t n, int64_t *due_ms,
                    char scratch[NUM_I64_CHARS]);

/* Every member that is not due by now_ms, in an order that is the set's own, from a position on: 0, or what set_walk_at
 * told. The set must not change meanwhile, though another item may have the same one. */
struct set_walk {
    const struct item *item;
    uint64_t at;
    int64_t now_ms, due_ms; /* due_ms is that of the member that was given last */
    struct hashtree_walk tree;
    char scratch[NUM_I64_CHARS];
};
void set_walk_init(struct set_walk *w, const struct item *it, uint64_t at, int64_t now_ms);
/* Where it goes on. */
uint64_t set_walk_at(const struct set_walk *w);
/* The next one, borrowed until the call behind; false: that was all. */
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
 * and returns the next cursor; 0 at the end. A small set is given at once. A member that is there throughout is
 * given. */
typedef void (*set_each_fn)(struct slice member, void *arg);
struct set_scan {
    uint64_t cursor, count;
    int64_t now_ms;
    set_each_fn fn;
    void *arg;
};
uint64_t set_scan(const struct item *it, const struct set_scan *s);

/* --- editing ---------------------------------------------------------------------------------------------- */

/* So many members are about to be added, the first of them this one, some of which may be there: what Redis would make
 * of such a set at once, this one is, too. ERR_NOMEM: unchanged. */
enum err set_expect(struct ks_edit *e, size_t count, struct slice first);
/* One that is there keeps its deadline, even one that is due: such are to be removed ahead. ERR_NOMEM: unchanged. */
enum err set_add(struct ks_edit *e, struct slice member, bool *added);
/* ERR_NOTFOUND: it is not there. ERR_NOMEM: unchanged. */
enum err set_remove(struct ks_edit *e, struct slice member);
/* Gives the member this deadline, or DUES_NONE. ERR_NOTFOUND: it is not there. ERR_NOMEM: unchanged. */
enum err set_set_due(struct ks_edit *e, struct slice member, int64_t due_ms);
