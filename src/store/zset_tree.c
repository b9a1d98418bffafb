#include "store/zset_impl.h"

/* --- the order ----------------------------------------------------------------------------------------- */

static uint64_t order_feature(const char *element)
{
    return zscore_rank(zscore_read(element));
}

static int order_compare(const char *element, const void *key)
{
    return zset_compare(element, key);
}

static const char *order_scan(const char *element, const void *key, unsigned *n)
{
    unsigned ahead = 0;
    for (; ahead < *n && zset_compare(element, key) < 0; ahead++)
        element += zset_element_bytes(element);
    *n = ahead;
    return element;
}

static struct slice order_string(const char *element, char scratch[NUM_I64_CHARS])
{
    return pack_string(zset_member_at(element), scratch);
}

static struct blob *element_blob(const char *element)
{
    return pack_blob(zset_member_at(element));
}

static void order_hold(struct slice run)
{
    for (const char *e = run.ptr; e < run.ptr + run.len; e += zset_element_bytes(e))
        if (element_blob(e))
            blob_hold(element_blob(e));
}

static void order_drop(struct slice run)
{
    for (const char *e = run.ptr, *next; e < run.ptr + run.len; e = next) {
        next = e + zset_element_bytes(e);
        if (element_blob(e))
            blob_drop(element_blob(e));
    }
}

static size_t order_outside(struct slice run)
{
    size_t bytes = 0;
    for (const char *e = run.ptr; e < run.ptr + run.len; e += zset_element_bytes(e))
        if (element_blob(e))
            bytes += blob_memory(element_blob(e));
    return bytes;
}

/* A smaller leaf moves fewer bytes with each change, a larger one spends less memory on headers. */
#define LEAF_BYTES_MAX 3072

static const struct btree_ops order_ops = {.leaf_bytes_max = LEAF_BYTES_MAX,
                                           .bytes = zset_element_bytes,
                                           .feature = order_feature,
                                           .compare = order_compare,
                                           .scan = order_scan,
                                           .string = order_string,
                                           .hold = order_hold,
                                           .drop = order_drop,
                                           .outside = order_outside};

struct btree_key zset_tree_key(const struct zset_place *p)
{
    bool is_member = p->side == ZSET_BEFORE || p->side == ZSET_AFTER;
    return (struct btree_key){.feature = zscore_rank(p->score),
                              .key = p,
                              .string = is_member ? p->member : slice_of(NULL, 0)};
}

uint64_t zset_tree_rank(const struct zset *z, uint64_t score_rank)
{
    struct zset_place place = {.score = zscore_of_rank(score_rank), .side = ZSET_BEFORE_SCORE};
    /* The rank is below -inf, or above +inf. */
    if (isnan(place.score))
        return score_rank >> 63 ? btree_count(&z->order) : 0;
    struct btree_key key = zset_tree_key(&place);
    return btree_rank(&z->order, &key);
}

/* --- the index ------------------------------------------------------------------------------------------ */

#define INDEX_ENTRY_BYTES_MAX (sizeof(uint32_t) + ZSCORE_BYTES_MAX)

struct index_key {
    uint32_t hash;
    double score;
};

static size_t index_bytes(const char *entry)
{
    return sizeof(uint32_t) + zscore_bytes(entry + sizeof(uint32_t));
}

/* The feature is the hash alone, so an entry's score may be replaced in place. */
static uint64_t index_feature(const char *entry)
{
    return bytes_load32(entry);
}

static int index_compare(const char *entry, const void *key)
{
    const struct index_key *k = key;
    uint32_t hash = bytes_load32(entry);
    if (hash != k->hash)
        return hash < k->hash ? -1 : 1;
    double score = zscore_read(entry + sizeof(uint32_t));
    return score < k->score ? -1 : score > k->score;
}

static const char *index_scan(const char *entry, const void *key, unsigned *n)
{
    uint32_t wanted = ((const struct index_key *)key)->hash;
    unsigned ahead = 0;
    for (; ahead < *n; ahead++) {
        if (bytes_load32(entry) >= wanted && index_compare(entry, key) >= 0)
            break;
        entry += index_bytes(entry);
    }
    *n = ahead;
    return entry;
}

static const struct btree_ops index_ops = {.leaf_bytes_max = LEAF_BYTES_MAX,
                                           .bytes = index_bytes,
                                           .feature = index_feature,
                                           .compare = index_compare,
                                           .scan = index_scan};

static struct btree_key index_key(const struct index_key *k)
{
    return (struct btree_key){.feature = k->hash, .key = k};
}

static struct slice index_entry(const struct index_key *k, char to[INDEX_ENTRY_BYTES_MAX])
{
    memcpy(to, &k->hash, sizeof(k->hash));
    char *end = zscore_write(k->score, to + sizeof(k->hash));
    return slice_of(to, (size_t)(end - to));
}

static enum err index_add(struct zset *z, const struct index_key *k)
{
    char entry[INDEX_ENTRY_BYTES_MAX];
    struct btree_key key = index_key(k);
    return btree_insert_key(&z->index, &key, index_entry(k, entry));
}

static void index_remove(struct zset *z, const struct index_key *k)
{
    struct btree_key key = index_key(k);
    (void)btree_erase_key(&z->index, &key);
}

static uint32_t hash_of(const struct zset *z, struct slice member)
{
    return keyhash(z->hash, member.ptr, member.len);
}

static bool order_has(const struct zset *z, struct zset_found *f)
{
    struct zset_place place = {f->score, f->member, ZSET_BEFORE};
    struct btree_key key = zset_tree_key(&place);
    const char *e = btree_find(&z->order, &key, &f->order);
    return e && zset_compare(e, &place) == 0;
}

void zset_tree_find(const struct zset *z, struct slice member, struct zset_found *f)
{
    f->member = member;
    f->hash = hash_of(z, member);
    f->is_there = false;
    struct index_key k = {f->hash, -HUGE_VAL};
    struct btree_key key = index_key(&k);
    bool at_entry;
    const char *entry = btree_seek(&z->index, &key, &f->index, &at_entry);
    f->first = true;
    if (!entry || bytes_load32(entry) != f->hash)
        return;
    if (!at_entry)
        btree_find(&z->index, &key, &f->index);
    for (; entry && bytes_load32(entry) == f->hash; entry = btree_next(&f->index)) {
        f->score = zscore_read(entry + sizeof(uint32_t));
        f->is_there = order_has(z, f);
        if (f->is_there)
            return;
        f->first = false;
    }
}

bool zset_tree_score(const struct zset *z, struct slice member, double *score)
{
    struct zset_found f;
    zset_tree_find(z, member, &f);
    *score = f.is_there ? f.score : 0;
    return f.is_there;
}

static struct index_key index_key_of(const struct zset *z, const char *element)
{
    char scratch[NUM_I64_CHARS];
    struct slice member = pack_string(zset_member_at(element), scratch);
    return (struct index_key){hash_of(z, member), zscore_read(element)};
}

/* --- removed runs ---------------------------------------------------------------------------------------- */

/* Index entries of removed elements that a change removes: more than one, so that their number falls. */
#define TIDIED_BY_A_CHANGE 4

static void gone_push(struct zset *z, struct zset_gone *g)
{
    g->next = z->gone;
    z->gone = g;
    z->gone_bytes += btree_bytes(&g->run);
}

/* Unlinks the first run, which is empty. */
static void gone_pop(struct zset *z)
{
    struct zset_gone *g = z->gone;
    z->gone = g->next;
    mem_free_sized(g, sizeof(*g));
}

/* Frees a slice: see free_some of value_ops. */
static bool gone_free_some(struct zset *z, size_t *effort)
{
    while (z->gone) {
        if (!btree_free_some(&z->gone->run, effort))
            return false;
        gone_pop(z);
        if (*effort == 0)
            return false;
    }
    return true;
}

static bool gone_copy(const struct zset *from, struct zset *to)
{
    for (const struct zset_gone *g = from->gone; g; g = g->next) {
        struct zset_gone *copy = mem_try_alloc(sizeof(*copy));
        if (!copy)
            return false;
        btree_share(&g->run, &copy->run);
        gone_push(to, copy);
    }
    return true;
}

static void tidy(struct zset *z, unsigned n)
{
    char element[BTREE_ENTRY_BYTES_MAX];
    for (; z->gone && n > 0; n--) {
        struct btree *run = &z->gone->run;
        uint64_t bytes = btree_bytes(run);
        if (btree_pop(run, true, element) != ERR_OK)
            return;
        z->gone_bytes -= bytes - btree_bytes(run);
        struct index_key k = index_key_of(z, element);
        index_remove(z, &k);
        order_drop(slice_of(element, zset_element_bytes(element)));
        if (btree_count(run) == 0)
            gone_pop(z);
    }
}

/* --- life ------------------------------------------------------------------------------------------------ */

struct zset *zset_tree_new(const struct keyhash *hash)
{
    struct zset *z = mem_try_alloc(sizeof(*z));
    if (!z)
        return NULL;
    *z = (struct zset){.refs = 1, .hash = hash};
    btree_init(&z->order, &order_ops);
    btree_init(&z->index, &index_ops);
    return z;
}

struct zset *zset_tree_copy(const struct zset *from)
{
    struct zset *z = zset_tree_new(from->hash);
    if (!z)
        return NULL;
    btree_share(&from->order, &z->order);
    btree_share(&from->index, &z->index);
    if (gone_copy(from, z))
        return z;
    zset_tree_free(z);
    return NULL;
}

bool zset_tree_free_some(struct zset *z, size_t *effort)
{
    if (z->refs == 1) {
        if (!gone_free_some(z, effort) || !btree_free_some(&z->order, effort) || *effort == 0 ||
            !btree_free_some(&z->index, effort))
            return false;
        mem_free_sized(z, sizeof(*z));
    } else {
        z->refs--;
    }
    *effort -= *effort > 0;
    return true;
}

void zset_tree_free(struct zset *z)
{
    size_t effort = SIZE_MAX;
    while (!zset_tree_free_some(z, &effort))
        effort = SIZE_MAX;
}

size_t zset_tree_bytes(const struct zset *z)
{
    return sizeof(*z) + btree_bytes(&z->order) + btree_bytes(&z->index) + z->gone_bytes;
}

/* --- changes --------------------------------------------------------------------------------------------- */

static enum err order_add(struct zset *z, const struct zset_place *p, struct slice member_entry)
{
    char element[ZSET_ELEMENT_BYTES_MAX];
    char *end = zscore_write(p->score, element);
    memcpy(end, member_entry.ptr, member_entry.len);
    end += member_entry.len;
    struct btree_key key = zset_tree_key(p);
    return btree_insert_key(&z->order, &key, slice_of(element, (size_t)(end - element)));
}

enum err zset_tree_add(struct zset *z, const struct zset_found *f, double score,
                       struct pack_entry *member)
{
    struct zset_place place = {score, member->string, ZSET_BEFORE};
    struct index_key k = {f->hash, score};
    char index[INDEX_ENTRY_BYTES_MAX];
    enum err err = f->first ? btree_insert_here(&z->index, &f->index, index_entry(&k, index))
                            : index_add(z, &k);
    if (err != ERR_OK)
        return err;
    char entry[PACK_ENTRY_BYTES_MAX];
    struct blob *blob = member->blob;
    char *end = pack_entry_write(member, entry);
    err = order_add(z, &place, slice_of(entry, (size_t)(end - entry)));
    if (err == ERR_OK) {
        tidy(z, TIDIED_BY_A_CHANGE);
        return ERR_OK;
    }
    member->blob = blob;
    index_remove(z, &k);
    return err;
}

enum err zset_tree_remove(struct zset *z, const struct zset_found *f)
{
    enum err err = btree_erase_here(&z->order, &f->order);
    if (err == ERR_OK) {
        (void)btree_erase_here(&z->index, &f->index);
        tidy(z, TIDIED_BY_A_CHANGE);
    }
    return err;
}

/* Gives the index entry of a member another score: in place, unless another entry has the same hash. */
static enum err index_move(struct zset *z, const struct zset_found *f, double to)
{
    struct index_key k = {f->hash, to};
    char entry[INDEX_ENTRY_BYTES_MAX];
    struct btree_cursor c = f->index;
    const char *next = btree_next(&c);
    if (f->first && (!next || bytes_load32(next) != f->hash))
        return btree_replace_here(&z->index, &f->index, index_entry(&k, entry));
    struct index_key old = {f->hash, f->score};
    enum err err = index_add(z, &k);
    if (err == ERR_OK)
        index_remove(z, &old);
    return err;
}

enum err zset_tree_move(struct zset *z, const struct zset_found *f, double to)
{
    struct zset_place old = {f->score, f->member, ZSET_BEFORE}, new = {to, f->member, ZSET_BEFORE};
    struct btree_key old_key = zset_tree_key(&old), new_key = zset_tree_key(&new);
    enum err err = btree_own_here(&z->order, &f->order);
    if (err != ERR_OK)
        return err;
    /* The cursor may be in the old leaf, of which btree_own_here made a copy: others hold the old one. */
    const char *at = zset_member_at(btree_entry(&f->order));
    char entry[PACK_ENTRY_BYTES_MAX];
    struct slice copy = slice_of(entry, pack_bytes(at));
    memcpy(entry, at, copy.len);
    struct blob *blob = pack_blob(entry);
    if (blob)
        blob_hold(blob);
    err = order_add(z, &new, copy);
    if (err != ERR_OK) {
        if (blob)
            blob_drop(blob);
        return err;
    }
    err = index_move(z, f, to);
    /* The nodes on the way to either are the tree's own, so erasing needs no memory. */
    enum err erased = btree_erase_key(&z->order, err == ERR_OK ? &old_key : &new_key);
    assert(erased == ERR_OK);
    tidy(z, TIDIED_BY_A_CHANGE);
    return err;
}

enum err zset_tree_pop(struct zset *z, bool last, char to[BTREE_ENTRY_BYTES_MAX])
{
    enum err err = btree_pop(&z->order, last, to);
    if (err != ERR_OK)
        return err;
    struct index_key k = index_key_of(z, to);
    index_remove(z, &k);
    tidy(z, TIDIED_BY_A_CHANGE);
    return ERR_OK;
}

/* Up to so many elements of a removed run leave the index at once, the others with later changes. */
#define AT_ONCE_MAX 512

/* Makes `run` a tree of these elements alone, which shares their nodes. False: no memory. */
static bool copy_run(const struct btree *order, uint64_t from, uint64_t n, struct btree *run)
{
    struct btree rest;
    uint64_t behind = btree_count(order) - from - n;
    btree_share(order, run);
    if (behind > 0) {
        if (btree_cut(run, from + n, behind, &rest) != ERR_OK)
            goto fail;
        btree_free(&rest); /* bounded: the order holds its nodes */
    }
    if (from > 0) {
        if (btree_cut(run, 0, from, &rest) != ERR_OK)
            goto fail;
        btree_free(&rest);
    }
    return true;
fail:
    btree_free(run);
    return false;
}

static enum err remove_long_run(struct zset *z, uint64_t from, uint64_t n)
{
    struct btree cut;
    struct zset_gone *g = mem_try_alloc(sizeof(*g));
    if (!g)
        return ERR_NOMEM;
    if (!copy_run(&z->order, from, n, &g->run))
        goto fail;
    if (btree_cut(&z->order, from, n, &cut) != ERR_OK) {
        btree_free(&g->run);
        goto fail;
    }
    btree_free(&cut); /* bounded: g->run holds its nodes */
    gone_push(z, g);
    tidy(z, AT_ONCE_MAX);
    return ERR_OK;
fail:
    mem_free_sized(g, sizeof(*g));
    return ERR_NOMEM;
}

enum err zset_tree_remove_run(struct zset *z, uint64_t from, uint64_t n)
{
    if (n > AT_ONCE_MAX)
        return remove_long_run(z, from, n);
    struct btree held, cut;
    btree_share(&z->order, &held);
    enum err err = btree_cut(&z->order, from, n, &cut);
    if (err == ERR_OK) {
        struct btree_cursor c;
        const char *e = btree_at(&held, from, &c);
        for (; e && n > 0; n--, e = btree_next(&c)) {
            struct index_key k = index_key_of(z, e);
            index_remove(z, &k);
        }
        btree_free(&cut);
    }
    btree_free(&held);
    return err;
}

void zset_tree_validate(const struct zset *z)
{
    btree_validate(&z->order);
    btree_validate(&z->index);
    uint64_t gone = 0, gone_bytes = 0;
    for (const struct zset_gone *g = z->gone; g; g = g->next) {
        assert(btree_count(&g->run) > 0);
        btree_validate(&g->run);
        gone += btree_count(&g->run);
        gone_bytes += btree_bytes(&g->run);
    }
    assert(gone_bytes == z->gone_bytes);
    assert(btree_count(&z->index) >= btree_count(&z->order) + gone);
    struct btree_cursor c;
    const struct zset_place *last = NULL;
    struct zset_place places[2];
    char scratch[2][NUM_I64_CHARS];
    unsigned n = 0;
    for (const char *e = btree_at(&z->order, 0, &c); e; e = btree_next(&c), n++) {
        assert(!last || zset_compare(e, last) > 0);
        struct zset_place *p = &places[n & 1];
        *p = (struct zset_place){zscore_read(e), pack_string(zset_member_at(e), scratch[n & 1]),
                                 ZSET_BEFORE};
        double score;
        assert(zset_tree_score(z, p->member, &score) && score == p->score);
        last = p;
    }
}
