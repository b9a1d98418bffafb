#pragma once
/* The only way to a value that may be changed.
 *
 *     struct ks_edit e;
 *     if (!ks_edit(ks, db, &key, &e))
 *         ... there is no such key
 *     enum err err = string_write(&e, offset, bytes);      what the type offers, as often as is liked
 *     const struct item *it = ks_edit_end(&e);
 *
 * ks_edit gives the value to the snapshot that it is still owed to; ks_edit_end keeps the counts of bytes and deadlines
 * right, puts an item that moved back into its place, and removes a key whose value became empty. In between nothing
 * else of the keyspace may be called, but other edits. An operation that finds no memory changes nothing, and the edit
 * is ended like any other.
 *
 * Several operations are all or nothing when the edit is kept ahead of them:
 *
 *     if (count > 1 && !ks_edit_keep(&e))
 *         ... no memory
 *     for (...)
 *         if (operation(&e, ...) == ERR_NOMEM) {
 *             ks_edit_undo(&e);
 *             ... no memory: nothing changed
 *         }
 *     ks_edit_end(&e); */
#include "ds/table.h"
#include "store/keyspace.h"

/* Fields are store/'s own. */
struct ks_place { /* where a key is or would be */
    struct ks_db *db;
    struct ks_cell *cell;
    struct table_pos pos; /* pos.bucket is NULL when it is not there */
};
struct ks_edit {
    struct item *item;  /* may move */
    struct item *there; /* what the table points to meanwhile */
    struct keyspace *ks;
    struct ks_place at;
    uint32_t hash;
    bool is_new;       /* ks_edit_or_new made it */
    struct item *kept; /* by ks_edit_keep, as it was then; NULL: nothing is */
    bool noted;        /* what is done since then is, by the value; */
    uint8_t flags;     /* which the item had */
};

/* False: there is no such key, or its time has come; then there is nothing to be ended. */
bool ks_edit(struct keyspace *ks, int db, const struct key *k, struct ks_edit *e);
/* The same for a value of this type. ERR_NOTFOUND: there is no such key. ERR_TYPE: its value is of another type. Then
 * there is nothing to be ended. */
enum err ks_edit_type(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                      struct ks_edit *e);
/* The same, and where there is no such key, one with an empty collection is made: it goes again if it is still empty at
 * the end. ERR_TYPE, ERR_NOMEM: there is nothing to be ended. */
enum err ks_edit_or_new(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                        struct ks_edit *e);
/* The item as it is now; NULL: nothing was left in it, and the key is gone. */
const struct item *ks_edit_end(struct ks_edit *e);

/* From here on ks_edit_undo takes back what the edit does; once in an edit, which borrows the names of what it adds.
 * What lies in its item is copied. Of what lies outside the changes are noted, or it is held, in O(1), and each node
 * that changes is copied: see value_ops. A key that the edit made needs nothing. False: no memory, nothing changed. */
bool ks_edit_keep(struct ks_edit *e);
/* Ends the edit: all is as it was at ks_edit_keep, and a key that the edit made is gone. Needs no memory. Where nothing
 * was kept, it is the end of an edit whose only operation changed nothing. */
void ks_edit_undo(struct ks_edit *e);

/* --- aside ------------------------------------------------------------------------------------------------ */

/* A value that is made beside the keyspace, and takes a key's place as a whole: SUNIONSTORE, SORT ... STORE.
 *
 *     if (!ks_edit_aside(ks, &key, TYPE_SET, &e))
 *         ... no memory
 *     ... operations on that type
 *     if (ks_edit_put(&e, db, &key) != ERR_OK)
 *         ks_edit_drop(&e);
 *
 * In between everything of the keyspace may be called. */

/* An empty collection, for a key of this name. False: no memory. */
bool ks_edit_aside(struct keyspace *ks, const struct key *k, enum item_type t, struct ks_edit *e);
/* It becomes the key's value, in place of what is there, without a deadline. It must not be empty. ERR_NOMEM: nothing
 * changed, and it is the caller's still. */
enum err ks_edit_put(struct ks_edit *e, int db, const struct key *k);
/* Frees it, perhaps later. */
void ks_edit_drop(struct ks_edit *e);
