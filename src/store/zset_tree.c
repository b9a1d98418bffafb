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

/* Smaller leaves take less copying within them, larger ones less memory for their headers. */
#define LEAF_BYTES_MAX 3072

static const struct btree_ops order_ops = {.leaf_bytes_max = LEAF_BYTES_MAX,
                                           .bytes = zset_element_bytes,
                                           .feature = order_feature,
                                           .compare = order_compare,
                                           .hold = order_hold,
                                           .drop = order_drop,
                                           .outside = order_outside};

struct btree_key zset_tree_key(const struct zset_place *p)
{
    return (struct btree_key){zscore_rank(p->score), p};
}

uint64_t zset_tree_rank(const struct zset *z, uint64_t score_rank)
{
    struct zset_place place = {.score = zscore_of_rank(score_rank), .side = ZSET_BEFORE_SCORE};
    if (isnan(place.score)) /* below the least number, or above the largest */
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

static uint64_t feature_of(uint32_t hash, double score)
{
    return (uint64_t)hash << 32 | zscore_rank(score) >> 32;
}

static uint64_t index_feature(const char *entry)
{
    return feature_of(bytes_load32(entry), zscore_read(entry + sizeof(uint32_t)));
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

static const struct btree_ops index_ops = {.leaf_bytes_max = LEAF_BYTES_MAX,
                                           .bytes = index_bytes,
                                           .feature = index_feature,
                                           .compare = index_compare};

static enum err index_add(struct zset *z, const struct index_key *k)
{
    char entry[INDEX_ENTRY_BYTES_MAX];
    memcpy(entry, &k->hash, sizeof(k->hash));
    char *end = zscore_write(k->score, entry + sizeof(k->hash));
    struct btree_key key = {feature_of(k->hash, k->score), k};
    return btree_insert_key(&z->index, &key, slice_of(entry, (size_t)(end - entry)));
}

static void index_remove(struct zset *z, const struct index_key *k)
{
    struct btree_key key = {feature_of(k->hash, k->score), k};
    (void)btree_erase_key(&z->index, &key);
}

static uint32_t hash_of(const struct zset *z, struct slice member)
{
    return keyhash(z->hash, member.ptr, member.len);
}

static bool order_has(const struct zset *z, struct slice member, double score)
{
    struct zset_place place = {score, member, ZSET_BEFORE};
    struct btree_key key = zset_tree_key(&place);
    struct btree_cursor c;
    const char *e = btree_find(&z->order, &key, &c);
    return e && zset_compare(e, &place) == 0;
}

bool zset_tree_score(const struct zset *z, struct slice member, double *score)
{
    struct index_key k = {hash_of(z, member), -HUGE_VAL};
    struct btree_key key = {feature_of(k.hash, k.score), &k};
    struct btree_cursor c;
    const char *entry = btree_find(&z->index, &key, &c);
    for (; entry && bytes_load32(entry) == k.hash; entry = btree_next(&c)) {
        *score = zscore_read(entry + sizeof(uint32_t));
        if (order_has(z, member, *score))
            return true;
    }
    return false;
}

/* --- life ------------------------------------------------------------------------------------------------ */

struct zset *zset_tree_new(const struct keyhash *hash)
{
    struct zset *z = mem_try_alloc(sizeof(*z));
    if (!z)
        return NULL;
    z->refs = 1;
    z->hash = hash;
    btree_init(&z->order, &order_ops);
    btree_init(&z->index, &index_ops);
    return z;
}

struct zset *zset_tree_copy(const struct zset *from)
{
    struct zset *z = mem_try_alloc(sizeof(*z));
    if (!z)
        return NULL;
    z->refs = 1;
    z->hash = from->hash;
    btree_share(&from->order, &z->order);
    btree_share(&from->index, &z->index);
    return z;
}

bool zset_tree_free_some(struct zset *z, size_t *effort)
{
    if (z->refs == 1) {
        if (!btree_free_some(&z->order, effort) || *effort == 0 ||
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
    return mem_good_size(sizeof(*z)) + btree_bytes(&z->order) + btree_bytes(&z->index);
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

enum err zset_tree_add(struct zset *z, double score, struct pack_entry *member)
{
    struct zset_place place = {score, member->string, ZSET_BEFORE};
    struct index_key k = {hash_of(z, member->string), score};
    enum err err = index_add(z, &k);
    if (err != ERR_OK)
        return err;
    char entry[PACK_ENTRY_BYTES_MAX];
    struct blob *blob = member->blob;
    char *end = pack_entry_write(member, entry);
    err = order_add(z, &place, slice_of(entry, (size_t)(end - entry)));
    if (err == ERR_OK)
        return ERR_OK;
    member->blob = blob;
    index_remove(z, &k);
    return err;
}

enum err zset_tree_remove(struct zset *z, struct slice member, double score)
{
    struct zset_place place = {score, member, ZSET_BEFORE};
    struct btree_key key = zset_tree_key(&place);
    struct index_key k = {hash_of(z, member), score};
    enum err err = btree_erase_key(&z->order, &key);
    if (err == ERR_OK)
        index_remove(z, &k);
    return err;
}

enum err zset_tree_move(struct zset *z, struct slice member, double from, double to)
{
    struct zset_place old = {from, member, ZSET_BEFORE}, new = {to, member, ZSET_BEFORE};
    struct btree_key old_key = zset_tree_key(&old), new_key = zset_tree_key(&new);
    struct index_key old_index = {hash_of(z, member), from}, new_index = {old_index.hash, to};
    struct btree_cursor c;
    const char *at = zset_member_at(btree_find(&z->order, &old_key, &c));
    char entry[PACK_ENTRY_BYTES_MAX];
    struct slice copy = slice_of(entry, pack_bytes(at));
    memcpy(entry, at, copy.len);
    enum err err = index_add(z, &new_index);
    if (err != ERR_OK)
        return err;
    struct blob *blob = pack_blob(entry);
    if (blob)
        blob_hold(blob);
    err = order_add(z, &new, copy);
    if (err == ERR_OK) {
        err = btree_erase_key(&z->order, &old_key);
        if (err == ERR_OK) {
            index_remove(z, &old_index);
            return ERR_OK;
        }
        /* The nodes on the way are the tree's own since it was added. */
        enum err undone = btree_erase_key(&z->order, &new_key);
        assert(undone == ERR_OK);
    } else if (blob) {
        blob_drop(blob);
    }
    index_remove(z, &new_index);
    return err;
}

static struct index_key index_key_of(const struct zset *z, const char *element)
{
    char scratch[NUM_I64_CHARS];
    struct slice member = pack_string(zset_member_at(element), scratch);
    return (struct index_key){hash_of(z, member), zscore_read(element)};
}

/* What is popped goes one by one. */
static enum err remove_at(struct zset *z, uint64_t at)
{
    struct btree_cursor c;
    struct index_key k = index_key_of(z, btree_at(&z->order, at, &c));
    enum err err = btree_erase(&z->order, at);
    if (err == ERR_OK)
        index_remove(z, &k);
    return err;
}

enum err zset_tree_remove_run(struct zset *z, uint64_t from, uint64_t n)
{
    if (n == 1)
        return remove_at(z, from);
    struct btree held, cut;
    btree_share(&z->order, &held);
    enum err err = btree_cut(&z->order, from, n, &cut);
    if (err == ERR_OK && n == btree_count(&held)) {
        btree_free(&z->index);
    } else if (err == ERR_OK) {
        struct btree_cursor c;
        const char *e = btree_at(&held, from, &c);
        for (; e && n > 0; n--, e = btree_next(&c)) {
            struct index_key k = index_key_of(z, e);
            index_remove(z, &k);
        }
    }
    if (err == ERR_OK)
        btree_free(&cut);
    btree_free(&held);
    return err;
}

void zset_tree_validate(const struct zset *z)
{
    btree_validate(&z->order);
    btree_validate(&z->index);
    assert(btree_count(&z->index) >= btree_count(&z->order));
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
