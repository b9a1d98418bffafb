#include "store/dues.h"
#include "store/keyspace_impl.h"

/* Removing keys whose time has come.
 *
 * Three levels of lower bounds lead to them: the keyspace's, each database's, and each cell's tree, which says
 * which part of the hashes to look through. Bounds are lowered at once when a deadline is set, and raised only
 * here, when a look finds that there is nothing. So asking when something is due costs one load, and a deadline
 * that was lifted costs one look for nothing. */

/* Keys that one look into a part removes at most; the next look finds the rest. */
#define EXPIRE_BATCH_MAX 128
/* Parts looked into in one call, each of some hundred keys: most of them may hold nothing due any more. */
#define EXPIRE_LOOKS_MAX 8

enum err ks_note_deadline(struct keyspace *ks, struct ks_place *at, uint32_t hash,
                          int64_t deadline_ms)
{
    if (deadline_ms == ITEM_NO_EXPIRY || deadline_ms == INT64_MAX) /* which never comes */
        return ERR_OK;
    struct ks_cell *cell = at->cell;
    if (cell->expires == 0)
        (void)duetree_fit(&cell->dues, cell->table.count); /* else it is only coarser */
    enum err e = duetree_add(&cell->dues, hash, deadline_ms);
    if (e)
        return e;
    if (deadline_ms < at->db->due_ms)
        at->db->due_ms = deadline_ms;
    if (deadline_ms < ks->due_ms)
        ks->due_ms = deadline_ms;
    return ERR_OK;
}

void ks_expire_at(struct keyspace *ks, int db, struct ks_place *at, uint32_t hash)
{
    struct item *it = ks_remove_at(ks, at, hash);
    ks->expired_count++;
    if (ks->expired)
        ks->expired(ks->expired_arg, db, item_key(it));
    ks_dispose(ks, it);
}

/* --- elements of one key ----------------------------------------------------------------------------- */

/* Copied names of removed elements and of their key, as the item forgets them. */
struct removed {
    const char *of[DUES_MAX];
    struct slice names[DUES_MAX], key;
    size_t count;
    char *texts;
};

/* False: no memory. */
static bool copy_names(struct removed *r, const struct item *it)
{
    char scratch[NUM_I64_CHARS];
    size_t bytes = item_key(it).len + 1;
    for (size_t i = 0; i < r->count; i++)
        bytes += pack_string_len(r->of[i]);
    char *to = r->texts = mem_try_alloc(bytes);
    if (!to)
        return false;
    r->key = slice_of(to, item_key(it).len);
    memcpy(to, item_key(it).ptr, r->key.len);
    to += r->key.len;
    for (size_t i = 0; i < r->count; i++) {
        struct slice name = pack_string(r->of[i], scratch);
        memcpy(to, name.ptr, name.len);
        r->names[i] = slice_of(to, name.len);
        to += name.len;
    }
    return true;
}

/* Removes some of what is due in a collection, and notes when the rest is. False: no memory. */
static bool expire_elements(struct keyspace *ks, int db, const struct item *of, uint32_t hash)
{
    struct key key = {.name = item_key(of), .hash = hash, .slot = KS_SLOT_UNKNOWN};
    struct ks_edit e;
    struct removed r = {.count = 0};
    size_t removed = 0;
    if (!ks_edit(ks, db, &key, &e))
        return true;
    enum item_type type = item_type(e.item);
    const struct value_ops *ops = value_ops(type);
    r.count = ops->due(&e, r.of, DUES_MAX);
    bool named = copy_names(&r, e.item);
    if (named)
        while (removed < r.count && ops->remove(&e, r.names[removed]) == ERR_OK)
            removed++;
    struct ks_place at = e.at;
    const struct item *it = ks_edit_end(&e);
    if (it)
        (void)ks_note_deadline(ks, &at, hash, ops->due_ms(it)); /* there is a tree: nothing fails */
    ks->elements_expired_count += removed;
    if (removed > 0 && ks->elements_expired) {
        struct ks_elements told = {db, type, r.key, r.names, removed, !it};
        ks->elements_expired(ks->elements_expired_arg, &told);
    }
    mem_free(r.texts);
    return named && removed == r.count;
}

enum err ks_expire_elements(struct keyspace *ks, int db, const struct key *k)
{
    struct ks_place at;
    const struct item *it;
    while ((it = ks_locate(ks, db, k, &at)) && ks->expiry == KS_EXPIRY_REMOVE &&
           dues_least_ms(it) <= ks->now_ms)
        if (!expire_elements(ks, db, it, k->hash))
            return ERR_NOMEM;
    return ERR_OK;
}

/* --- one part --------------------------------------------------------------------------------------- */

struct due_look {
    int64_t now_ms;
    int64_t least_ms; /* the earliest deadline that stays */
    unsigned count, max;
    struct {
        struct item *it;
        uint32_t hash;
        bool elements; /* its elements have deadlines, not the key itself */
    } due[EXPIRE_BATCH_MAX];
};

static void prefetch_item(void *item, uint32_t hash, void *arg)
{
    (void)hash, (void)arg;
    prefetch_line(item);
}

static void look_at(void *item, uint32_t hash, void *arg)
{
    struct due_look *look = arg;
    int64_t deadline_ms = ks_least_due_ms(item);
    if (deadline_ms <= look->now_ms && look->count < look->max) {
        look->due[look->count].elements = item_due_ms(item) > look->now_ms;
        look->due[look->count].it = item;
        look->due[look->count].hash = hash;
        look->count++;
    } else if (deadline_ms < look->least_ms) {
        look->least_ms = deadline_ms;
    }
}

/* Removes up to `max` keys that are due in [from, to) of a cell, and sets the bound of this part. */
static unsigned expire_part(struct keyspace *ks, int db, struct ks_cell *cell, unsigned max,
                            uint64_t from, uint64_t to)
{
    struct due_look look = {
        .now_ms = ks->now_ms,
        .least_ms = INT64_MAX,
        .max = max < EXPIRE_BATCH_MAX ? max : EXPIRE_BATCH_MAX,
    };
    table_range(&cell->table, from, to, prefetch_item, NULL); /* misses overlap */
    table_range(&cell->table, from, to, look_at, &look);
    duetree_settle(&cell->dues, from, look.least_ms);
    for (unsigned i = 0; i < look.count; i++) {
        if (look.due[i].elements) {
            expire_elements(ks, db, look.due[i].it, look.due[i].hash);
            continue;
        }
        struct ks_place at = {.db = ks->dbs[db], .cell = cell};
        at.pos = table_find(&cell->table, look.due[i].hash, ks_item_is, look.due[i].it);
        ks_expire_at(ks, db, &at, look.due[i].hash);
    }
    return look.count;
}

/* --- finding parts ---------------------------------------------------------------------------------- */

/* A database that may hold something due; -1: none does, and the keyspace's bound is set anew. */
static int find_due_db(struct keyspace *ks)
{
    int64_t least_ms = INT64_MAX;
    for (int i = 0; i < ks->databases; i++) {
        const struct ks_db *d = ks->dbs[ks->due_db];
        if (d && d->due_ms <= ks->now_ms)
            return ks->due_db;
        if (d && d->due_ms < least_ms)
            least_ms = d->due_ms;
        if (++ks->due_db == ks->databases)
            ks->due_db = 0;
    }
    ks->due_ms = least_ms;
    return -1;
}

/* A cell with a part that is due; NULL: none has one, and the database's bound is set anew. */
static struct ks_cell *find_due_cell(const struct keyspace *ks, struct ks_db *d)
{
    int64_t least_ms = INT64_MAX;
    for (unsigned i = 0; i < d->cell_count; i++) {
        if (d->due_cell >= d->cell_count) /* there may be fewer now */
            d->due_cell = 0;
        struct ks_cell *cell = &d->cells[d->due_cell];
        int64_t next_ms = duetree_next_ms(&cell->dues);
        if (next_ms <= ks->now_ms)
            return cell;
        if (next_ms < least_ms)
            least_ms = next_ms;
        d->due_cell++;
    }
    d->due_ms = least_ms;
    return NULL;
}

unsigned ks_expire_some(struct keyspace *ks, unsigned max, bool *more)
{
    unsigned removed = 0;
    *more = false;
    if (ks->expiry != KS_EXPIRY_REMOVE || ks->due_ms > ks->now_ms)
        return 0;
    for (int looks = 0; looks < EXPIRE_LOOKS_MAX && removed < max; looks++) {
        int db = find_due_db(ks);
        if (db < 0)
            break;
        struct ks_cell *cell = find_due_cell(ks, ks->dbs[db]);
        uint64_t from, to;
        if (!cell)
            continue;
        /* The table may have grown since the last round of tidying, and parts are to stay small. */
        (void)duetree_fit(&cell->dues, cell->table.count);
        if (duetree_due(&cell->dues, ks->now_ms, &from, &to))
            removed += expire_part(ks, db, cell, max - removed, from, to);
    }
    *more = ks->due_ms <= ks->now_ms;
    return removed;
}

int64_t ks_next_expiry_ms(const struct keyspace *ks)
{
    return ks->expiry == KS_EXPIRY_REMOVE ? ks->due_ms : INT64_MAX;
}

void ks_set_expiry_mode(struct keyspace *ks, enum ks_expiry_mode mode)
{
    ks->expiry = mode;
}

enum ks_expiry_mode ks_expiry_mode(const struct keyspace *ks)
{
    return ks->expiry;
}
