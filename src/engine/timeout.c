#include "engine/timeout.h"

#include "engine/engine_impl.h"

bool timeout_parse(struct cmd_ctx *c, int i, int64_t *ms)
{
    if (!ctx_arg_range(c, i, INT64_MIN, INT64_MAX, ms, "timeout is not an integer or out of range"))
        return false;
    if (*ms < 0)
        resp_error(c->out, "timeout is negative");
    else if (*ms > INT64_MAX - c->now_ms)
        resp_error(c->out, "timeout is out of range");
    else
        return true;
    return false;
}

int64_t timeout_end_us(const struct engine *e, int64_t ms)
{
    return ms <= (INT64_MAX - e->now_us) / 1000 ? e->now_us + ms * 1000 : INT64_MAX;
}
