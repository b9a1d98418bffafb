#pragma once
/* The only way to a value that may be changed.
 *
 *     struct ks_edit e;
 *     if (!ks_edit(ks, db, &key, &e))
 *         ... there is no such key
 *     enum err err = string_write(&e, offset, bytes);      operations of the type, any number
 *     const struct item *it = ks_edit_end(&e);
 *
 * ks_edit hands the value to each snapshot that has not had it yet. ks_edit_end brings the counts of bytes and
 * deadlines up to date, puts an item that moved back into the table, and removes a key whose value became empty. In
 * between no function of the keyspace may be called, except for other edits. An operation that finds no memory changes
 * nothing, and the edit is ended like any other.
 *
 * ks_edit_keep ahead of several operations makes them all or nothing:
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

/* Where a key is or would be. The fields of this struct and the next are store/'s own. */
struct ks_place {
    struct ks_db *db;
    struct ks_cell *cell;
    struct table_pos pos; /* pos.bucket is NULL when the key is not there */
};
struct ks_edit {
    struct item *item;  /* may move */
    struct item *there; /* the item in the table meanwhile */
    struct keyspace *ks;
    struct ks_place at;
    uint32_t hash;
    bool is_new;       /* ks_edit_or_new made the key */
    struct item *kept; /* a copy by ks_edit_keep; NULL: there is none */
    bool noted;        /* since ks_edit_keep the value notes its changes */
    uint8_t flags;     /* of the item at ks_edit_keep */
};

/* False: the key does not exist, or is due; then the edit has not begun. */
bool ks_edit(struct keyspace *ks, int db, const struct key *k, struct ks_edit *e);
/* As ks_edit, for a value of this type. ERR_NOTFOUND: the key does not exist. ERR_TYPE: its value is of another
 * type. Then the edit has not begun. */
enum err ks_edit_type(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                      struct ks_edit *e);
/* As ks_edit_type, but makes a key that does not exist, with an empty collection. ks_edit_end removes the key if it is
 * still empty. ERR_TYPE, ERR_NOMEM: the edit has not begun. */
enum err ks_edit_or_new(struct keyspace *ks, int db, const struct key *k, enum item_type t,
                        struct ks_edit *e);
/* The edited item; NULL: its value became empty, and the key is gone. */
const struct item *ks_edit_end(struct ks_edit *e);

/* Allows ks_edit_undo to take back the operations that follow; at most once in an edit. The edit borrows the names of
 * elements added from then on. A value in its item is copied. A value outside it notes its changes, or is held in O(1)
 * and has each node that changes copied: see value_ops. A key that the edit made needs neither. False: no memory,
 * nothing changed. */
bool ks_edit_keep(struct ks_edit *e);
/* Ends the edit with all as it was at ks_edit_keep; a key that the edit made is gone. Needs no memory. Without
 * ks_edit_keep the edit must have changed nothing. */
void ks_edit_undo(struct ks_edit *e);

/* --- aside ------------------------------------------------------------------------------------------------ */

/* A value that is made beside the keyspace, and replaces a key's value as a whole: SUNIONSTORE, SORT ... STORE.
 *
 *     if (!ks_edit_aside(ks, &key, TYPE_SET, &e))
 *         ... no memory
 *     ... operations on that type
 *     if (ks_edit_put(&e, db, &key) != ERR_OK)
 *         ks_edit_drop(&e);
 *
 * In between any function of the keyspace may be called. */

/* An empty collection, for a key of this name. False: no memory. */
bool ks_edit_aside(struct keyspace *ks, const struct key *k, enum item_type t, struct ks_edit *e);
/* The item becomes the key's value, in place of the present one, without a deadline. It must not be empty.
 * ERR_NOMEM: nothing changed, and the item still belongs to the caller. */
enum err ks_edit_put(struct ks_edit *e, int db, const struct key *k);
/* Frees the value, perhaps later. */
void ks_edit_drop(struct ks_edit *e);
