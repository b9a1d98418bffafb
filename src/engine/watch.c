/* WATCH: two crossing lists. A watched key holds a link for each session that watches it; a session holds the
 * same links in a list of its own, so that both ends let go in constant time a link.
 *
 *      watched key --> link --> link            (other sessions)
 *                        |
 *      session    --> link --> link             (other keys)
 */
#include "engine/watch.h"

#include <assert.h>

#include "base/mem.h"
#include "ds/table.h"
#include "engine/engine_impl.h"

struct watched_key {
    struct session_watch *first; /* links of the sessions that watch it; never NULL */
    uint32_t hash;
    int db;
    size_t len;
    char name[];
};

struct session_watch {
    struct watched_key *key;
    struct session *session;
    struct session_watch *key_prev, *key_next;
    struct session_watch *session_next;
};

struct watches {
    struct engine *engine;
    struct table keys; /* of struct watched_key */
};

struct watch_name {
    int db;
    struct slice key;
};

static uint32_t rehash(const void *p, void *arg)
{
    (void)arg;
    return ((const struct watched_key *)p)->hash;
}

static bool same_key(const void *p, const void *name)
{
    const struct watched_key *k = p;
    const struct watch_name *n = name;
    return k->db == n->db && slice_equal(slice_of(k->name, k->len), n->key);
}

/* By the hash of the keyspace, which a request has. The database is part of what is compared, not of the hash: the same
 * name is rarely watched in two. */
static struct watched_key *find(const struct watches *w, int db, struct slice key, uint32_t hash)
{
    struct watch_name name = {db, key};
    struct table_pos pos = table_find(&w->keys, hash, same_key, &name);
    return pos.bucket ? table_at(pos) : NULL;
}

struct watches *watches_new(struct engine *e)
{
    struct watches *w = mem_zalloc(sizeof(*w));
    w->engine = e;
    table_init(&w->keys, rehash, NULL);
    return w;
}

void watches_free(struct watches **w)
{
    if (!*w)
        return;
    assert((*w)->keys.count == 0);
    table_deinit(&(*w)->keys);
    mem_free(*w);
    *w = NULL;
}

bool watches_any(const struct watches *w)
{
    return w->keys.count > 0;
}

static struct watched_key *key_new(struct watches *w, int db, struct slice key, uint32_t hash)
{
    struct watched_key *k = mem_try_alloc(sizeof(*k) + key.len);
    if (!k)
        return NULL;
    *k = (struct watched_key){.hash = hash, .db = db, .len = key.len};
    memcpy(k->name, key.ptr, key.len);
    if (table_insert(&w->keys, hash, k) != ERR_OK) {
        mem_free(k);
        return NULL;
    }
    return k;
}

static void key_free(struct watches *w, struct watched_key *k)
{
    struct watch_name name = {k->db, slice_of(k->name, k->len)};
    struct table_pos pos = table_find(&w->keys, k->hash, same_key, &name);
    assert(pos.bucket);
    table_remove(&w->keys, pos, k->hash);
    mem_free(k);
}

/* Looks through both lists at once, for as long as the shorter one is: either may be of any length. */
static bool is_watched_by(const struct watched_key *k, const struct session *s)
{
    const struct session_watch *of_key = k->first, *of_session = s->watched;
    for (; of_key && of_session; of_key = of_key->key_next, of_session = of_session->session_next)
        if (of_key->session == s || of_session->key == k)
            return true;
    return false;
}

bool watch_add(struct session *s, int db, struct slice key)
{
    struct watches *w = s->engine->watches;
    uint32_t hash = ks_key(w->engine->ks, key).hash;
    struct watched_key *k = find(w, db, key, hash);
    if (k && is_watched_by(k, s))
        return true;

    struct session_watch *link = mem_try_alloc(sizeof(*link));
    if (!link)
        return false;
    if (!k && !(k = key_new(w, db, key, hash))) {
        mem_free(link);
        return false;
    }
    *link = (struct session_watch){
        .key = k, .session = s, .key_next = k->first, .session_next = s->watched};
    if (k->first)
        k->first->key_prev = link;
    k->first = link;
    s->watched = link;
    return true;
}

void watch_forget_all(struct session *s)
{
    struct watches *w = s->engine->watches;
    struct session_watch *next;
    for (struct session_watch *l = s->watched; l; l = next) {
        next = l->session_next;
        if (l->key_next)
            l->key_next->key_prev = l->key_prev;
        if (l->key_prev)
            l->key_prev->key_next = l->key_next;
        else
            l->key->first = l->key_next;
        if (!l->key->first)
            key_free(w, l->key);
        mem_free(l);
    }
    s->watched = NULL;
    s->flags &= ~SESSION_DIRTY_CAS;
}

size_t watch_count(const struct session *s)
{
    size_t n = 0;
    for (const struct session_watch *l = s->watched; l; l = l->session_next)
        n++;
    return n;
}

void watch_settle_expired(struct session *s)
{
    struct keyspace *ks = s->engine->ks;
    for (struct session_watch *l = s->watched; l; l = l->session_next) {
        struct key key = ks_key(ks, slice_of(l->key->name, l->key->len));
        ks_find(ks, l->key->db, &key,
                KS_NO_TOUCH); /* removes it when due, which touches its watchers */
    }
}

static void touch(struct watched_key *k)
{
    for (struct session_watch *l = k->first; l; l = l->key_next)
        l->session->flags |= SESSION_DIRTY_CAS;
}

void watches_touch(struct watches *w, int db, const struct key *key)
{
    if (!watches_any(w))
        return;
    struct watched_key *k = find(w, db, key->name, key->hash);
    if (k)
        touch(k);
}

/* For a walk over all watched keys: those of two databases (b may be a; -1: every one) that exist in either. */
struct touch_walk {
    struct watches *watches;
    int a, b;
};

static bool exists(struct keyspace *ks, int db, const struct watched_key *k)
{
    struct key key = ks_key(ks, slice_of(k->name, k->len));
    return ks_find(ks, db, &key, KS_NO_TOUCH) != NULL;
}

static void touch_if_there(void *p, uint32_t hash, void *arg)
{
    (void)hash;
    struct watched_key *k = p;
    const struct touch_walk *walk = arg;
    struct keyspace *ks = walk->watches->engine->ks;
    if (walk->a < 0 ? exists(ks, k->db, k)
                    : (k->db == walk->a || k->db == walk->b) &&
                          (exists(ks, walk->a, k) || exists(ks, walk->b, k)))
        touch(k);
}

void watches_touch_all(struct watches *w, int db)
{
    struct touch_walk walk = {w, db, db};
    table_range(&w->keys, 0, 1ULL << 32, touch_if_there, &walk);
}

void watches_swap(struct watches *w, int a, int b)
{
    struct touch_walk walk = {w, a, b};
    table_range(&w->keys, 0, 1ULL << 32, touch_if_there, &walk);
}
