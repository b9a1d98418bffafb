#include "store/keyspace.h"
#include "store/value.h"

void value_cursor_init(struct value_cursor *c, const struct item *it)
{
    c->item = it;
    c->held = NULL;
    c->at = 0;
    c->phase = 0;
    c->run_at = 0;
}

void value_cursor_deinit(struct value_cursor *c)
{
    if (c->held)
        ks_let_go(c->ks, c->held);
    c->item = c->held = NULL;
}

bool value_cursor_next(struct value_cursor *c, struct value_command *out)
{
    out->in_runs = -1;
    out->argv = c->argv;
    out->last = false;
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

bool value_cursor_hold(struct value_cursor *c, struct keyspace *ks)
{
    if (c->held)
        return true;
    c->ks = ks;
    c->held = ks_hold(ks, c->item);
    if (!c->held)
        return false;
    c->item = c->held;
    return true;
}
