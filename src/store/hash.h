#pragma once
/* Hashes: fields with a value each, and some with a deadline.
 *
 *   small      a pack in the item (ds/pack.h): field, value, ...; from the first deadline on (ITEM_DUES) field, value,
 *              deadline in ms or 0, ...
 *   else       a tree by hash (ds/hashtree.h), which never becomes a pack again; ITEM_DUES: a field has had a deadline
 *
 * OBJECT ENCODING follows Redis' limits (store/limits.h), whichever form the hash has. Deadlines: store/dues.h. */
#include "base/err.h"
#include "ds/hashtree.h"
#include "ds/pack.h"
#include "store/dues.h"
#include "store/edit.h"
#include "store/item.h"

/* A field where it stands, as entries of a pack: valid until the hash changes or is freed. */
struct hash_field {
    const char *name, *value;
    int64_t due_ms; /* DUES_NONE: none */
};

/* --- reading ---------------------------------------------------------------------------------------------- */

/* Due fields count. O(1) for a tree; the entries of a pack are counted. */
uint64_t hash_count(const struct item *it);
/* False: the field is not there, or is due by now_ms. */
bool hash_find(const struct item *it, struct slice name, int64_t now_ms, struct hash_field *out);
/* The nth field in the order of a walk, due or not; n < hash_count. */
struct hash_field hash_at(const struct item *it, uint64_t n);

/* A walk over every field, due or not, in the hash's own order, from a position on: 0, or hash_walk_at of another walk.
 * The hash must not change during the walk. */
struct hash_walk {
    const struct item *item;
    uint64_t at;
    struct hashtree_walk tree;
};
void hash_walk_init(struct hash_walk *w, const struct item *it, uint64_t at);
/* The position of the next field. */
uint64_t hash_walk_at(const struct hash_walk *w);
bool hash_walk_next(struct hash_walk *w, struct hash_field *out);

/* One step of HSCAN: calls fn for about `count` fields from the cursor on, due or not, and returns the next cursor; 0
 * at the end. A hash in a pack is given in one step. A field that exists throughout the scan is given. */
typedef void (*hash_each_fn)(const struct hash_field *f, void *arg);
uint64_t hash_scan(const struct item *it, uint64_t cursor, uint64_t count, hash_each_fn fn,
                   void *arg);

/* --- editing ---------------------------------------------------------------------------------------------- */

/* So many fields are about to be added: OBJECT ENCODING changes ahead of them when Redis' would. */
void hash_expect(struct ks_edit *e, size_t fields);
/* Adds a field or replaces its value; its deadline becomes due_ms, or stays with DUES_KEEP. *added: the field was not
 * there, or was due by the keyspace's clock; the deadline of a due field is not kept. ERR_NOMEM: unchanged. */
struct hash_new {
    struct slice name, value;
    int64_t due_ms;
};
enum err hash_set(struct ks_edit *e, const struct hash_new *n, bool *added);
/* Both find a due field, too. ERR_NOTFOUND: the field is not there. ERR_NOMEM: unchanged. */
enum err hash_remove(struct ks_edit *e, struct slice name);
/* DUES_NONE takes the deadline off. */
enum err hash_set_due(struct ks_edit *e, struct slice name, int64_t due_ms);
