#include "store/value.h"

#include "base/slab.h"
#include "store/item_impl.h"

static const struct value_ops *const rows[TYPE_COUNT] = {
    [TYPE_STRING] = &value_ops_string, [TYPE_LIST] = &value_ops_list, [TYPE_SET] = &value_ops_set,
    [TYPE_ZSET] = &value_ops_zset,     [TYPE_HASH] = &value_ops_hash,
};

const struct value_ops *value_ops(enum item_type t)
{
    assert(t < TYPE_COUNT && rows[t]);
    return rows[t];
}

const char *value_encoding_name(const struct item *it)
{
    return value_ops(item_type(it))->encoding(it);
}

size_t value_memory(const struct item *it)
{
    size_t own = slab_good_size(item_bytes(it));
    return item_is_outside(it) ? own + value_ops(item_type(it))->memory(it) : own;
}

bool value_exceeds(const struct item *it, size_t bytes)
{
    size_t own = item_bytes(it);
    return own > bytes ||
           (item_is_outside(it) && value_ops(item_type(it))->memory(it) > bytes - own);
}

size_t value_memory_alone(const struct item *it)
{
    size_t own = slab_good_size(item_bytes(it));
    const struct value_ops *ops = value_ops(item_type(it));
    return item_is_outside(it) && ops->memory_alone ? own + ops->memory_alone(it) : own;
}

size_t value_effort(const struct item *it)
{
    return item_is_outside(it) ? 1 + value_ops(item_type(it))->effort(it) : 1;
}

bool value_fetch(const struct item *it, struct prefetch_way *way)
{
    const struct value_ops *ops = value_ops(item_type(it));
    return item_is_outside(it) && ops->fetch && ops->fetch(it, way);
}

bool value_free_some(struct item *it, size_t *effort)
{
    if (item_is_outside(it) && !value_ops(item_type(it))->free_some(it, effort))
        return false;
    item_free_shell(it);
    *effort -= *effort > 0;
    return true;
}
