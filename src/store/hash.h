#pragma once
/* Hashes: fields with a value each, and a deadline where one was set.
 *
 *   small      a pack in the item (ds/pack.h): field, value, ...; once a field had a deadline (ITEM_DUES) field, value,
 *              deadline in ms or 0, ...
 *   else       a tree by hash (ds/hashtree.h), which a hash never leaves again; ITEM_DUES: a field had a deadline
 *
 * What OBJECT ENCODING tells goes by Redis' limits (store/limits.h), whatever the hash lies in. What deadlines mean,
 * and questions about them: store/dues.h. */
#include "base/err.h"
#include "ds/hashtree.h"
#include "ds/pack.h"
#include "store/dues.h"
#include "store/edit.h"
#include "store/item.h"

/* A field where it stands, as entries of a pack: good until the hash changes or goes. */
struct hash_field {
    const char *name, *value;
    int64_t due_ms; /* DUES_NONE: none */
};

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Those that are due included. O(1), but for packs, whose entries are counted. */
uint64_t hash_count(const struct item *it);
/* False: it is not there, or is due. */
bool hash_find(const struct item *it, struct slice name, int64_t now_ms, struct hash_field *out);
/* The nth in the order of a walk, n < count. */
struct hash_field hash_at(const struct item *it, uint64_t n);

/* Every field, those that are due included, in an order that is the hash's own, from a position on: 0, or where another
 * walk came. The hash must not change meanwhile, though another item may have the same one. */
struct hash_walk {
    const struct item *item;
    uint64_t at;
    struct hashtree_walk tree;
};
void hash_walk_init(struct hash_walk *w, const struct item *it, uint64_t at);
uint64_t hash_walk_at(const struct hash_walk *w); /* where it goes on */
bool hash_walk_next(struct hash_walk *w, struct hash_field *out);

/* One step of HSCAN: calls fn for about `count` fields from the cursor on, those that are due included, and returns the
 * next one; 0 at the end. A small hash is given at once. A field that is there throughout is given. */
typedef void (*hash_each_fn)(const struct hash_field *f, void *arg);
uint64_t hash_scan(const struct item *it, uint64_t cursor, uint64_t count, hash_each_fn fn,
                   void *arg);

/* --- editing ---------------------------------------------------------------------------------------------- */

/* What Redis would make a hash of many fields for at once, this one becomes, too. */
void hash_expect(struct ks_edit *e, size_t fields);
/* Adds a field or gives it this value; its deadline becomes due_ms, or stays (DUES_KEEP). *added: there was none,
 * or one that is due by the keyspace's clock, of which nothing is kept. ERR_NOMEM: unchanged. */
struct hash_new {
    struct slice name, value;
    int64_t due_ms;
};
enum err hash_set(struct ks_edit *e, const struct hash_new *n, bool *added);
/* ERR_NOTFOUND: it is not there. ERR_NOMEM: unchanged. */
enum err hash_remove(struct ks_edit *e, struct slice name);
/* The same. */
enum err hash_set_due(struct ks_edit *e, struct slice name, int64_t due_ms);
