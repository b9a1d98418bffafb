#pragma once
/* WATCH: which sessions want to know that a key changed. */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct engine;
struct key;
struct session;
struct watches;

struct watches *watches_new(struct engine *e);
void watches_free(struct watches **w); /* no session watches anything any more */

/* False: nobody watches anything, which is all that a change costs then. */
bool watches_any(const struct watches *w);

/* The session watches a key (again: no change). False: no memory, not watched. Copies the name. */
bool watch_add(struct session *s, int db, struct slice key);
void watch_forget_all(struct session *s);
size_t watch_count(const struct session *s); /* walks them */
/* Removes watched keys whose time has come, which marks their watchers like any other change. */
void watch_settle_expired(struct session *s);

/* A key changed: its watchers' transactions fail (SESSION_DIRTY_CAS). */
void watches_touch(struct watches *w, int db, const struct key *key);
/* A database (-1: every one) is about to be emptied: the same for the watched keys that exist in it. */
void watches_touch_all(struct watches *w, int db);
/* Two databases are about to change places: the same for the watched keys that exist in either. */
void watches_swap(struct watches *w, int a, int b);
