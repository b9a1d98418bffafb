#include "ds/btree_impl.h"

/* --- making ----------------------------------------------------------------------------------------- */

/* Rounds a number of children up to one that fills a size of the allocator. */
static unsigned room_for(unsigned children)
{
    static const unsigned rooms[] = {4, 10, 21, 43, 62, BTREE_CHILDREN_MAX};
    unsigned i = 0;
    while (rooms[i] < children)
        i++;
    return rooms[i];
}

struct btree_node *btree_inner_new(unsigned height, unsigned children)
{
    assert(height > 0 && height <= BTREE_HEIGHT_MAX && children <= BTREE_CHILDREN_MAX);
    unsigned room = room_for(children);
    struct btree_inner *n = mem_try_alloc(sizeof(*n) + room * BTREE_CHILD_BYTES);
    if (!n)
        return NULL;
    n->node = (struct btree_node){.refs = 1, .height = (uint8_t)height, .room = (uint16_t)room};
    n->skip = 0;
    return &n->node;
}

/* --- sums ------------------------------------------------------------------------------------------- */

static uint64_t sum(const uint64_t *numbers, unsigned n)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < n; i++)
        all += numbers[i];
    return all;
}

uint64_t btree_sum_count(const struct btree_node *n)
{
    return n->height == 0 ? n->count : sum(btree_counts(n), n->count);
}

uint64_t btree_sum_bytes(const struct btree_node *n)
{
    return btree_node_bytes(n) + (n->height == 0 ? n->outside : sum(btree_sizes(n), n->count));
}

void btree_inner_refresh(struct btree_node *n, unsigned i)
{
    const struct btree_node *child = btree_children(n)[i];
    btree_counts(n)[i] = btree_sum_count(child);
    btree_sizes(n)[i] = btree_sum_bytes(child);
}

/* --- separators ------------------------------------------------------------------------------------- */

static uint64_t head_of(struct slice string, unsigned skip)
{
    if (string.len <= skip)
        return 0;
    const char *at = string.ptr + skip;
    size_t len = string.len - skip;
    return __builtin_bswap64(len < sizeof(uint64_t) ? bytes_load_short(at, len) : bytes_load64(at));
}

/* The order of a string and the strings with the node's prefix. 0: it has that prefix. */
static int compare_prefix(const struct btree_inner *n, struct slice string)
{
    int order = memcmp(string.ptr, n->prefix, string.len < n->skip ? string.len : n->skip);
    return order == 0 && string.len < n->skip ? -1 : order;
}

static struct slice first_string(const struct btree_ops *ops, const struct btree_node *n,
                                 unsigned i, char scratch[NUM_I64_CHARS])
{
    return ops->string(btree_first_entry(btree_children(n)[i]), scratch);
}

static void find_prefix(const struct btree_ops *ops, struct btree_inner *n)
{
    char scratch[NUM_I64_CHARS];
    for (unsigned i = 1; i < n->node.count; i++) {
        struct slice s = first_string(ops, &n->node, i, scratch);
        if (i == 1) {
            n->skip = s.len < BTREE_PREFIX_BYTES_MAX ? (uint8_t)s.len : BTREE_PREFIX_BYTES_MAX;
            memcpy(n->prefix, s.ptr, n->skip);
        }
        uint8_t shared = 0;
        while (shared < n->skip && shared < s.len && s.ptr[shared] == n->prefix[shared])
            shared++;
        n->skip = shared;
    }
}

void btree_inner_separate(const struct btree_ops *ops, struct btree_node *n)
{
    char scratch[NUM_I64_CHARS];
    if (ops->string)
        find_prefix(ops, btree_inner(n));
    for (unsigned i = 1; i < n->count; i++) {
        btree_features(n)[i] = btree_feature(ops, btree_first_entry(btree_children(n)[i]));
        if (ops->string)
            btree_heads(n)[i] = head_of(first_string(ops, n, i, scratch), btree_inner(n)->skip);
    }
}

static void separate_one(const struct btree_ops *ops, struct btree_node *n, unsigned i)
{
    char scratch[NUM_I64_CHARS];
    if (ops->string) {
        struct slice s = first_string(ops, n, i, scratch);
        if (n->count == 2 || compare_prefix(btree_inner(n), s) != 0) {
            btree_inner_separate(ops, n);
            return;
        }
        btree_heads(n)[i] = head_of(s, btree_inner(n)->skip);
    }
    btree_features(n)[i] = btree_feature(ops, btree_first_entry(btree_children(n)[i]));
}

int btree_inner_compare(const struct btree_node *n, unsigned i, uint64_t feature,
                        struct slice string)
{
    uint64_t other = btree_features(n)[i];
    if (feature != other)
        return feature < other ? -1 : 1;
    int order = compare_prefix(btree_inner(n), string);
    if (order != 0)
        return order;
    uint64_t head = head_of(string, btree_inner(n)->skip);
    return head < btree_heads(n)[i] ? -1 : head > btree_heads(n)[i];
}

/* --- children --------------------------------------------------------------------------------------- */

void btree_inner_put(const struct btree_ops *ops, struct btree_node *n, unsigned i,
                     struct btree_node *child)
{
    assert(n->count < n->room && (i > 0 || n->count == 0));
    size_t behind = (n->count - i) * sizeof(uint64_t);
    memmove(btree_features(n) + i + 1, btree_features(n) + i, behind);
    memmove(btree_heads(n) + i + 1, btree_heads(n) + i, behind);
    memmove(btree_counts(n) + i + 1, btree_counts(n) + i, behind);
    memmove(btree_sizes(n) + i + 1, btree_sizes(n) + i, behind);
    memmove(btree_children(n) + i + 1, btree_children(n) + i, behind);
    n->count++;
    btree_children(n)[i] = child;
    if (i > 0)
        separate_one(ops, n, i);
    btree_inner_refresh(n, i);
}

void btree_inner_take(struct btree_node *n, unsigned i, unsigned how_many)
{
    size_t behind = (n->count - i - how_many) * sizeof(uint64_t);
    memmove(btree_features(n) + i, btree_features(n) + i + how_many, behind);
    memmove(btree_heads(n) + i, btree_heads(n) + i + how_many, behind);
    memmove(btree_counts(n) + i, btree_counts(n) + i + how_many, behind);
    memmove(btree_sizes(n) + i, btree_sizes(n) + i + how_many, behind);
    memmove(btree_children(n) + i, btree_children(n) + i + how_many, behind);
    n->count = (uint16_t)(n->count - how_many);
}

void btree_inner_append(struct btree_node *n, const struct btree_node *from, unsigned first,
                        unsigned how_many)
{
    assert(n->count + how_many <= n->room && first + how_many <= from->count);
    if (n->count == 0) {
        btree_inner(n)->skip = btree_inner(from)->skip;
        memcpy(btree_inner(n)->prefix, btree_inner(from)->prefix, BTREE_PREFIX_BYTES_MAX);
    }
    size_t bytes = how_many * sizeof(uint64_t);
    memcpy(btree_features(n) + n->count, btree_features(from) + first, bytes);
    memcpy(btree_heads(n) + n->count, btree_heads(from) + first, bytes);
    memcpy(btree_counts(n) + n->count, btree_counts(from) + first, bytes);
    memcpy(btree_sizes(n) + n->count, btree_sizes(from) + first, bytes);
    memcpy(btree_children(n) + n->count, btree_children(from) + first, bytes);
    n->count = (uint16_t)(n->count + how_many);
}

/* --- searching -------------------------------------------------------------------------------------- */

/* The first child from `first` on whose separator is not ahead of (feature, head). No child from `first` on has a
 * smaller feature. */
static unsigned first_head(const struct btree_node *n, unsigned first, uint64_t feature,
                           uint64_t head)
{
    const uint64_t *features = btree_features(n), *heads = btree_heads(n);
    unsigned left = n->count - first;
    while (left > 0) {
        unsigned half = left / 2, middle = first + half;
        bool ahead = features[middle] == feature && heads[middle] < head;
        first = ahead ? middle + 1 : first;
        left = ahead ? left - half - 1 : half;
    }
    return first;
}

unsigned btree_inner_find(const struct btree_ops *ops, const struct btree_node *n,
                          const struct btree_key *key)
{
    const uint64_t *features = btree_features(n);
    /* The first child from 1 on that has no smaller feature. */
    unsigned base = 1, left = n->count - 1;
    while (left > 0) {
        unsigned half = left / 2;
        bool smaller = features[base + half] < key->feature;
        base = smaller ? base + half + 1 : base;
        left = smaller ? left - half - 1 : half;
    }
    if (base == n->count || features[base] != key->feature)
        return base - 1;
    bool has_heads = ops->string && key->string.ptr;
    uint64_t head = 0;
    if (has_heads) {
        int order = compare_prefix(btree_inner(n), key->string);
        if (order < 0)
            return base - 1;
        head = order > 0 ? UINT64_MAX : head_of(key->string, btree_inner(n)->skip);
        base = first_head(n, base, key->feature, head);
        has_heads = order == 0;
    }
    unsigned low = base - 1, high = base;
    while (high < n->count && features[high] == key->feature &&
           (!has_heads || btree_heads(n)[high] == head))
        high++;
    /* Of the children with equal separators, the last one whose first entry is ahead of the key. */
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (ops->compare(btree_first_entry(btree_children(n)[middle]), key->key) < 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}
