/* TIME, ROLE, LOLWUT. */
#include "admin/admin_impl.h"
#include "admin/lolwut.h"
#include "base/clock.h"

static void time_cmd(struct cmd_ctx *c)
{
    int64_t now_us = clock_wall_us(); /* the turn's clock is known to the millisecond only */
    resp_array(c->out, 2);
    resp_bulk_int(c->out, now_us / 1000000);
    resp_bulk_int(c->out, now_us % 1000000);
}

static void role(struct cmd_ctx *c)
{
    resp_array(c->out, 3);
    resp_bulk_cstr(c->out, "master");
    resp_int(c->out, 0);
    resp_array(c->out, 0);
}

static void lolwut(struct cmd_ctx *c)
{
    int64_t version = 0;
    if (c->argc > 2 && slice_is(c->argv[1], "version") && !ctx_arg_i64(c, 2, &version))
        return;
    struct buf art;
    buf_init(&art);
    lolwut_draw(version, c->rng, &art);
    ctx_reply_text(c, &art);
}

const struct cmd_row admin_rows_process[] = {
    {.name = "time",
     .fn = time_cmd,
     .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .group = "server",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Tells the server's time, in seconds and microseconds.",
     .tips = "nondeterministic_output"},
    {.name = "role",
     .fn = role,
     .arity = 1,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST,
     .acl = ACL_ADMIN | ACL_DANGEROUS,
     .group = "server",
     .since = "2.8.12",
     .complexity = "O(1)",
     .summary = "Tells whether the server leads or follows."},
    {.name = "lolwut",
     .fn = lolwut,
     .arity = -1,
     .flags = CMD_READONLY | CMD_FAST,
     .group = "server",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Draws a fox.",
     .synopsis = "[VERSION version]"},
    {.name = NULL},
};
