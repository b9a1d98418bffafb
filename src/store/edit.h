#pragma once
/* The only way to a value that may be changed.
 *
 *     struct ks_edit e;
 *     if (!ks_edit(ks, db, &key, &e))
 *         ... there is no such key
 *     enum err err = string_write(&e, offset, bytes);      operations of the type, any number
 *     const struct item *it = ks_edit_end(&e);
 *
 * ks_edit gives the value to the snapshot that it is still owed to; ks_edit_end keeps the counts of bytes and deadlines
 * right, puts an item that moved back into its place, and removes a key whose value became empty. In between no
 * function of the keyspace may be called, but for other edits. An operation that finds no memory changes nothing, and
 * the edit is ended like any other.
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

/* False: the key does not exist, or its time has come; then the edit has not begun. */
bool ks_edit(struct keyspace *ks, int db, const struct key *k, struct ks_edit *e);
/* As ks_edit, for a value of this type. ERR_NOTFOUND: the key does not exist. ERR_TYPE: its value is of another
 * type. Then the edit has not begun. */
enum err ks_edit_type(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                      struct ks_edit *e);
/* As ks_edit_type, but makes a key that does not exist, with an empty collection: it goes again if it is still empty
 * at the end. ERR_TYPE, ERR_NOMEM: the edit has not begun. */
enum err ks_edit_or_new(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                        struct ks_edit *e);
/* The item as it is now; NULL: nothing was left in it, and the key is gone. */
const struct item *ks_edit_end(struct ks_edit *e);

/* From here on ks_edit_undo takes back what the edit does; once in an edit, which borrows the names of what it adds.
 * What lies in its item is copied. Of what lies outside the changes are noted, or it is held, in O(1), and each node
 * that changes is copied: see value_ops. A key that the edit made needs nothing. False: no memory, nothing changed. */
bool ks_edit_keep(struct ks_edit *e);
/* Ends the edit with all as it was at ks_edit_keep; a key that the edit made is gone. Needs no memory. Without
 * ks_edit_keep, it ends an edit whose only operation changed nothing. */
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
/* The item becomes the key's value, in place of the present one, without a deadline. It must not be empty.
 * ERR_NOMEM: nothing changed, and the item still belongs to the caller. */
enum err ks_edit_put(struct ks_edit *e, int db, const struct key *k);
/* Frees it, perhaps later. */
void ks_edit_drop(struct ks_edit *e);
