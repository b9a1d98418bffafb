#include "cmd/deadline.h"

static bool reply_invalid(struct cmd_ctx *c)
{
    resp_errorf(c->out, "invalid expire time in '%s' command", c->cmd->full_name);
    return false;
}

static bool from_number(struct cmd_ctx *c, int64_t number, enum deadline_unit unit, int64_t *out_ms)
{
    bool in_seconds = unit == DEADLINE_EX || unit == DEADLINE_EXAT;
    bool from_now = unit == DEADLINE_EX || unit == DEADLINE_PX;
    if (__builtin_mul_overflow(number, in_seconds ? 1000 : 1, out_ms) ||
        __builtin_add_overflow(*out_ms, from_now ? c->now_ms : 0, out_ms))
        return reply_invalid(c);
    /* 0 lies in the past as well, and a negative time could be ITEM_NO_EXPIRY. */
    if (*out_ms < 0)
        *out_ms = 0;
    return true;
}

bool deadline_parse(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms)
{
    int64_t number;
    return ctx_arg_i64(c, i, &number) && from_number(c, number, unit, out_ms);
}

bool deadline_parse_positive(struct cmd_ctx *c, int i, enum deadline_unit unit, int64_t *out_ms)
{
    int64_t number;
    if (!ctx_arg_i64(c, i, &number))
        return false;
    return number > 0 ? from_number(c, number, unit, out_ms) : reply_invalid(c);
}

bool deadline_set(struct cmd_ctx *c, const struct key *k, const struct item **it,
                  int64_t deadline_ms)
{
    if (ks_set_expiry(c->ks, c->db, k, it, deadline_ms)) {
        ctx_reply_nomem(c);
        return false;
    }
    char ms[NUM_I64_CHARS];
    size_t len = (size_t)num_print_i64(ms, deadline_ms);
    struct slice effect[] = {SLICE("PEXPIREAT"), k->name, slice_of(ms, len)};
    ctx_changed(c, k, NOTIFY_GENERIC, "expire");
    ctx_effect(c, 3, effect);
    return true;
}

bool deadline_clear(struct cmd_ctx *c, const struct key *k, const struct item **it)
{
    if (ks_set_expiry(c->ks, c->db, k, it, ITEM_NO_EXPIRY)) {
        ctx_reply_nomem(c);
        return false;
    }
    struct slice effect[] = {SLICE("PERSIST"), k->name};
    ctx_changed(c, k, NOTIFY_GENERIC, "persist");
    ctx_effect(c, 2, effect);
    return true;
}
