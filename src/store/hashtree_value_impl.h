#pragma once
/* Inside store/: the operations of value_ops that sets and hashes share, for a value that is a tree by hash. */
#include "base/crc32c.h"
#include "ds/hashtree.h"
#include "store/item_impl.h"

static inline struct hashtree *hashtree_value(const struct item *it)
{
    assert(item_enc(it) == ENC_TREE);
    return item_pointer(it);
}
static inline void hashtree_value_share(const struct item *it)
{
    hashtree_hold(hashtree_value(it));
}
static inline bool hashtree_value_free_some(struct item *it, size_t *effort)
{
    return hashtree_drop_some(hashtree_value(it), effort);
}
static inline size_t hashtree_value_memory(const struct item *it)
{
    return hashtree_memory(hashtree_value(it));
}
static inline size_t hashtree_value_memory_alone(const struct item *it)
{
    return hashtree_is_shared(hashtree_value(it)) ? 0 : hashtree_value_memory(it);
}
static inline size_t hashtree_value_effort(const struct item *it)
{
    return hashtree_nodes(hashtree_value(it));
}
static inline bool hashtree_value_keep(struct item *it)
{
    struct hashtree *t = hashtree_value(it);
    if (!hashtree_own(&t))
        return false;
    item_set_pointer_in_place(it, t);
    return hashtree_keep(t);
}
static inline void hashtree_value_keep_end(struct item *it, bool undo)
{
    hashtree_keep_end(hashtree_value(it), undo);
}
static inline bool hashtree_value_fetch(const struct item *it, struct prefetch_way *way)
{
    return hashtree_fetch(hashtree_value(it), way);
}
static inline uint32_t hashtree_value_sum(const struct item *it)
{
    const struct hashtree *t = hashtree_value(it);
    uint64_t figures[] = {hashtree_count(t), hashtree_memory(t)};
    return crc32c(0, figures, sizeof(figures));
}
