#include "store/value.h"

#include "base/slab.h"
#include "store/item_impl.h"

static const struct value_ops *const rows[TYPE_COUNT] = {
    [TYPE_STRING] = &value_ops_string,
    [TYPE_ZSET] = &value_ops_zset,
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

size_t value_effort(const struct item *it)
{
    return item_is_outside(it) ? 1 + value_ops(item_type(it))->effort(it) : 1;
}

bool value_free_some(struct item *it, size_t *effort)
{
    if (item_is_outside(it) && !value_ops(item_type(it))->free_some(it, effort))
        return false;
    item_free_shell(it);
    *effort -= *effort > 0;
    return true;
}

/* --- cursor ----------------------------------------------------------------------------------------- */

void value_cursor_init(struct value_cursor *c, const struct item *it)
{
    c->item = it;
    c->held = NULL;
    c->at = 0;
    c->run_at = 0;
}

void value_cursor_deinit(struct value_cursor *c)
{
    if (c->held)
        item_free(c->held);
    c->item = c->held = NULL;
}

bool value_cursor_next(struct value_cursor *c, struct value_command *out)
{
    out->in_runs = -1;
    out->argv = c->argv;
    c->run_at = 0;
    return value_ops(item_type(c->item))->command(c, out);
}

struct slice value_cursor_run(struct value_cursor *c)
{
    struct slice run = value_ops(item_type(c->item))->run(c);
    if (run.len > VALUE_COMMAND_BYTES_MAX)
        run.len = VALUE_COMMAND_BYTES_MAX;
    c->run_at += run.len;
    return run;
}

bool value_cursor_hold(struct value_cursor *c, struct slab_heap *heap)
{
    if (c->held)
        return true;
    c->held = item_try_copy(heap, c->item, item_key(c->item), item_expiry_ms(c->item));
    if (!c->held)
        return false;
    c->item = c->held;
    return true;
}
