#pragma once
/* WATCH: which sessions want to know that a key changed. */
#include <stddef.h>

#include "base/slice.h"

struct engine;
struct session;
struct watches;

struct watches *watches_new(struct engine *e);
void watches_free(struct watches **w);

/* True when anybody watches anything: what a change costs otherwise. */
int watches_any(const struct watches *w);
/* The session watches a key (again: no change). ERR_NOMEM semantics: aborts never; false: no memory. */
int watch_add(struct session *s, int db, struct slice key);
void watch_forget_all(struct session *s);
size_t watch_count(const struct session *s);
/* True when a key that the session watches has expired since: EXEC must fail. */
int watch_any_expired(struct session *s);

/* A key changed, a database (-1: all) was emptied, two databases changed places. */
void watches_touch(struct watches *w, int db, struct slice key);
void watches_touch_all(struct watches *w, int db);
void watches_swap(struct watches *w, int a, int b);
