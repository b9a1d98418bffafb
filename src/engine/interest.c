#include "engine/interest.h"

#include <assert.h>

#include "base/mem.h"
#include "ds/table.h"
#include "engine/check.h"
#include "engine/dlist.h"
#include "engine/engine_impl.h"

#define FILTER_BITS      (1u << 17)
#define FILTER_KEYS_MAX  (FILTER_BITS / 8) /* it is not worth while to make it for more */
#define FILTER_STALE_MIN 1024

struct interest_links {
    struct interest_link *first, *last; /* oldest first; both NULL: none */
};

/* Has a link of some kind. */
struct interest_key {
    struct interest_links of[INTEREST_KINDS];
    struct dlist in_ready;
    bool ready;
    uint32_t hash;
    int db;
    size_t len;
    char name[];
};

struct interest_link {
    struct interest_key *key;
    struct session *session;
    struct interest_link *key_prev, *key_next;
    struct interest_link *session_next;
};

struct interest {
    struct engine *engine;
    interest_serve_fn serve;
    struct table keys;  /* of struct interest_key */
    struct dlist ready; /* oldest first */
    size_t count[INTEREST_KINDS];
    /* A bit for the hash of each key, and of some that are gone: most changes are spared a look-up by it, and
     * with that a cache miss. */
    uint64_t filter[FILTER_BITS / 64];
    size_t filter_stale; /* keys that went since it was made */
};

struct name_in_db {
    int db;
    struct slice name;
};

static uint32_t rehash(const void *p, void *arg)
{
    (void)arg;
    return ((const struct interest_key *)p)->hash;
}

static bool same_key(const void *p, const void *name)
{
    const struct interest_key *k = p;
    const struct name_in_db *n = name;
    return k->db == n->db && slice_equal(slice_of(k->name, k->len), n->name);
}

/* The database is compared, but not hashed: the same name is rarely of interest in two databases. */
static struct interest_key *find(const struct interest *i, int db, const struct key *key)
{
    struct name_in_db name = {db, key->name};
    struct table_pos pos = table_find(&i->keys, key->hash, same_key, &name);
    return pos.bucket ? table_at(pos) : NULL;
}

static struct key key_of(const struct interest *i, const struct interest_key *k)
{
    return ks_key(i->engine->ks, slice_of(k->name, k->len));
}

/* --- the filter ------------------------------------------------------------------------------------------- */

static bool filter_passes(const struct interest *i, uint32_t hash)
{
    return i->keys.count > 0 && (i->filter[hash % FILTER_BITS / 64] >> hash % 64 & 1);
}

static void filter_add(struct interest *i, uint32_t hash)
{
    i->filter[hash % FILTER_BITS / 64] |= 1ULL << hash % 64;
}

/* As many keys went as are left: a new filter costs each of them a constant. */
static bool filter_is_stale(const struct interest *i)
{
    return i->filter_stale >= FILTER_STALE_MIN && i->filter_stale >= i->keys.count &&
           i->keys.count <= FILTER_KEYS_MAX;
}

static void filter_one(void *p, uint32_t hash, void *arg)
{
    (void)hash;
    filter_add(arg, ((const struct interest_key *)p)->hash);
}

static void filter_renew(struct interest *i)
{
    memset(i->filter, 0, sizeof(i->filter));
    i->filter_stale = 0;
    table_range(&i->keys, 0, 1ULL << 32, filter_one, i);
}

/* --- life ------------------------------------------------------------------------------------------------- */

struct interest *interest_new(struct engine *e, interest_serve_fn serve)
{
    struct interest *i = mem_zalloc(sizeof(*i));
    i->engine = e;
    i->serve = serve;
    table_init(&i->keys, rehash, NULL);
    dlist_init(&i->ready);
    return i;
}

void interest_free(struct interest **i)
{
    if (!*i)
        return;
    assert((*i)->keys.count == 0);
    table_deinit(&(*i)->keys);
    mem_free(*i);
    *i = NULL;
}

static struct interest_key *key_new(struct interest *i, int db, const struct key *key)
{
    struct interest_key *k = mem_try_alloc(sizeof(*k) + key->name.len);
    if (!k)
        return NULL;
    *k = (struct interest_key){.hash = key->hash, .db = db, .len = key->name.len};
    memcpy(k->name, key->name.ptr, key->name.len);
    if (table_insert(&i->keys, key->hash, k) != ERR_OK) {
        mem_free(k);
        return NULL;
    }
    filter_add(i, key->hash);
    return k;
}

static bool has_links(const struct interest_key *k)
{
    for (int kind = 0; kind < INTEREST_KINDS; kind++)
        if (k->of[kind].first)
            return true;
    return false;
}

static void set_ready(struct interest *i, struct interest_key *k, bool ready)
{
    if (k->ready == ready)
        return;
    k->ready = ready;
    if (ready)
        dlist_append(&i->ready, &k->in_ready);
    else
        dlist_remove(&k->in_ready);
    i->engine->keys_ready = !dlist_empty(&i->ready);
}

static void key_free(struct interest *i, struct interest_key *k)
{
    struct name_in_db name = {k->db, slice_of(k->name, k->len)};
    struct table_pos pos = table_find(&i->keys, k->hash, same_key, &name);
    assert(pos.bucket);
    table_remove(&i->keys, pos, k->hash);
    mem_free(k);
    i->filter_stale++;
    if (filter_is_stale(i))
        filter_renew(i);
}

/* --- links ------------------------------------------------------------------------------------------------ */

/* Looks through both lists at once, for as long as the shorter one is: either may be of any length. */
static bool is_linked(const struct interest_key *k, const struct session *s,
                      enum interest_kind kind)
{
    const struct interest_link *of_key = k->of[kind].last, *of_session = s->interests[kind];
    for (; of_key && of_session; of_key = of_key->key_prev, of_session = of_session->session_next)
        if (of_key->session == s || of_session->key == k)
            return true;
    return false;
}

bool interest_add(struct session *s, enum interest_kind kind, int db, const struct key *key)
{
    struct interest *i = s->engine->interest;
    struct interest_key *k = find(i, db, key);
    if (k && is_linked(k, s, kind))
        return true;

    struct interest_link *link = mem_try_alloc(sizeof(*link));
    if (!link)
        return false;
    if (!k && !(k = key_new(i, db, key))) {
        mem_free(link);
        return false;
    }
    struct interest_links *links = &k->of[kind];
    *link = (struct interest_link){
        .key = k, .session = s, .key_prev = links->last, .session_next = s->interests[kind]};
    if (links->last)
        links->last->key_next = link;
    else
        links->first = link;
    links->last = link;
    i->count[kind] += links->first == link;
    s->interests[kind] = link;
    return true;
}

/* Takes it off its key, which goes with its last link. */
static void unlink_from_key(struct interest *i, struct interest_link *l, enum interest_kind kind)
{
    struct interest_key *k = l->key;
    struct interest_links *links = &k->of[kind];
    *(l->key_prev ? &l->key_prev->key_next : &links->first) = l->key_next;
    *(l->key_next ? &l->key_next->key_prev : &links->last) = l->key_prev;
    i->count[kind] -= !links->first;
    if (!k->of[INTEREST_BLOCKED].first)
        set_ready(i, k, false);
    if (!has_links(k))
        key_free(i, k);
}

void interest_drop(struct session *s, enum interest_kind kind)
{
    struct interest_link *next;
    for (struct interest_link *l = s->interests[kind]; l; l = next) {
        next = l->session_next;
        unlink_from_key(s->engine->interest, l, kind);
        mem_free(l);
    }
    s->interests[kind] = NULL;
}

size_t interest_count(const struct session *s, enum interest_kind kind)
{
    size_t n = 0;
    for (const struct interest_link *l = s->interests[kind]; l; l = l->session_next)
        n++;
    return n;
}

size_t interest_keys(const struct interest *i, enum interest_kind kind)
{
    return i->count[kind];
}

void interest_settle_expired(struct session *s)
{
    const struct interest *i = s->engine->interest;
    for (struct interest_link *l = s->interests[INTEREST_WATCH]; l; l = l->session_next) {
        struct key key = key_of(i, l->key);
        /* Removes it when it is due. */
        ks_find(i->engine->ks, l->key->db, &key, KS_NO_TOUCH);
    }
}

/* --- changes ---------------------------------------------------------------------------------------------- */

static void touch_watchers(const struct interest_key *k)
{
    for (struct interest_link *l = k->of[INTEREST_WATCH].first; l; l = l->key_next)
        l->session->flags |= SESSION_DIRTY_CAS;
}

/* Within a change nothing may be removed, so one that is due counts as there. */
static bool is_stored(struct keyspace *ks, int db, const struct key *key)
{
    enum ks_expiry_mode mode = ks_expiry_mode(ks);
    ks_set_expiry_mode(ks, KS_EXPIRY_IGNORE);
    bool stored = ks_find(ks, db, key, KS_NO_TOUCH);
    ks_set_expiry_mode(ks, mode);
    return stored;
}

void interest_changed(struct interest *i, int db, const struct key *key)
{
    struct interest_key *k = filter_passes(i, key->hash) ? find(i, db, key) : NULL;
    if (!k)
        return;
    touch_watchers(k);
    if (k->of[INTEREST_BLOCKED].first && !k->ready && is_stored(i->engine->ks, db, key))
        set_ready(i, k, true);
}

void interest_expired(struct interest *i, int db, const struct key *key)
{
    const struct interest_key *k = filter_passes(i, key->hash) ? find(i, db, key) : NULL;
    if (k)
        touch_watchers(k);
}

/* Walks over all keys, and takes those that exist in one of two databases (b may be a; -1: each key's own). */
struct change_walk {
    struct interest *interest;
    int a, b;
};

static bool exists(const struct interest *i, int db, const struct interest_key *k)
{
    struct key key = key_of(i, k);
    return ks_find(i->engine->ks, db, &key, KS_NO_TOUCH) != NULL;
}

static void flush_one(void *p, uint32_t hash, void *arg)
{
    (void)hash;
    const struct interest_key *k = p;
    const struct change_walk *walk = arg;
    if ((walk->a < 0 || k->db == walk->a) && exists(walk->interest, k->db, k))
        touch_watchers(k);
}

static void swap_one(void *p, uint32_t hash, void *arg)
{
    (void)hash;
    struct interest_key *k = p;
    const struct change_walk *walk = arg;
    struct interest *i = walk->interest;
    if (k->db != walk->a && k->db != walk->b)
        return;
    bool comes = exists(i, k->db == walk->a ? walk->b : walk->a, k);
    if (comes || exists(i, k->db, k))
        touch_watchers(k);
    if (comes && k->of[INTEREST_BLOCKED].first)
        set_ready(i, k, true);
}

void interest_flushing(struct interest *i, int db)
{
    struct change_walk walk = {i, db, db};
    table_range(&i->keys, 0, 1ULL << 32, flush_one, &walk);
}

void interest_swapping(struct interest *i, int a, int b)
{
    struct change_walk walk = {i, a, b};
    table_range(&i->keys, 0, 1ULL << 32, swap_one, &walk);
}

/* --- serving ---------------------------------------------------------------------------------------------- */

/* A session that is served drops its links; the next link, if there is one, keeps the key. */
static void serve_key(struct interest *i, struct interest_key *k)
{
    struct key key = key_of(i, k);
    const struct item *it = NULL;
    bool look = true;
    struct interest_link *next;
    for (struct interest_link *l = k->of[INTEREST_BLOCKED].first; l; l = next) {
        next = l->key_next;
        if (look && !(it = ks_find(i->engine->ks, k->db, &key, KS_NO_TOUCH)))
            return;
        look = i->serve(l->session, it);
    }
}

/* Not within another unit, nor while requests are held, or applied rather than asked for. */
static bool may_serve(const struct engine *e)
{
    return e->unit.depth == 0 && !(e->checks & (CHECK_PAUSE | CHECK_LOADING)) && !e->replaying;
}

void interest_serve(struct interest *i)
{
    if (!may_serve(i->engine))
        return;
    while (!dlist_empty(&i->ready)) {
        struct interest_key *k = dlist_owner(i->ready.next, struct interest_key, in_ready);
        set_ready(i, k, false);
        serve_key(i, k);
    }
}
