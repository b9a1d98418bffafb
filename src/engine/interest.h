#pragma once
/* Interest in keys: which sessions care that a key changes, and in which way. One table of keys, by database and the
 * hash that a request has already, holds links of several kinds:
 *
 *     key --> WATCH    link --> link            (other sessions, oldest first)
 *         --> BLOCKED  link --> link --> link
 *                       |
 *     session --------> link --> link           (other keys, latest first; a list for each kind)
 *
 * A change costs one look-up in that table, most not even that (a filter ahead of it says so), and nothing but a
 * comparison while it is empty. Its consequence goes by kind:
 *
 *   WATCH     the session's transaction fails (SESSION_DIRTY_CAS).
 *   BLOCKED   a key that is there now is *ready*: at the end of the outermost unit, interest_serve hands its sessions
 *             to its function that serves them, in the order in which the keys became ready and, by key, the links were
 *             made. */
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct engine;
struct interest;
struct item;
struct key;
struct session;

enum interest_kind { INTEREST_WATCH, INTEREST_BLOCKED };
#define INTEREST_KINDS 2

/* A key that the session waits for holds `it`. It may change anything by a unit of its own, but neither ends a session
 * nor drops another session's links. False: it has done nothing. */
typedef bool (*interest_serve_fn)(struct session *s, const struct item *it);

struct interest *interest_new(struct engine *e, interest_serve_fn serve);
void interest_free(struct interest **i); /* no session has a link any more */

/* Adds a link (again: no change). False: no memory, and there is none. Copies the name. */
bool interest_add(struct session *s, enum interest_kind kind, int db, const struct key *key);
/* Drops all links of the session and kind. */
void interest_drop(struct session *s, enum interest_kind kind);
/* Links of the session and kind; walks them. */
size_t interest_count(const struct session *s, enum interest_kind kind);
/* Keys with a link of the kind. */
size_t interest_keys(const struct interest *i, enum interest_kind kind);
/* Removes watched keys whose time has come, which marks their watchers like any other change. */
void interest_settle_expired(struct session *s);

/* A key changed. Not between ks_edit and ks_edit_end. */
void interest_changed(struct interest *i, int db, const struct key *key);
/* The keyspace removes a key whose time has come. */
void interest_expired(struct interest *i, int db, const struct key *key);
/* A database (-1: every one) is about to be emptied: a change of the keys that exist in it. */
void interest_flushing(struct interest *i, int db);
/* Two databases are about to change places: a change of the keys that exist in either. */
void interest_swapping(struct interest *i, int a, int b);

/* Serves all keys that are ready (engine.keys_ready: there are some), and the keys that this makes ready. Between
 * units only. */
void interest_serve(struct interest *i);
