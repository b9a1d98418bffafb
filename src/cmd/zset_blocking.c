/* Sorted sets: commands that wait until there is a member. */
#include "cmd/zset.h"

static void wait_for_zset(struct cmd_ctx *c, int first, int count, int64_t timeout_ms)
{
    ctx_block(c, &(struct ctx_wait){.type = TYPE_ZSET,
                                    .first = first,
                                    .step = 1,
                                    .count = count,
                                    .timeout_ms = timeout_ms});
}

static void pop(struct cmd_ctx *c, bool max)
{
    struct zset_pop one = {.max = max, .with_key = true, .count = 1};
    int keys_end = c->argc - 1;
    int64_t timeout_ms;
    if (!ctx_arg_timeout(c, keys_end, &timeout_ms))
        return;
    for (int i = 1; i < keys_end; i++) {
        struct key k = ctx_key(c, i);
        if (zset_pop_reply(c, &k, &one))
            return;
    }
    wait_for_zset(c, 1, keys_end - 1, timeout_ms);
}

static void cmd_bzpopmin(struct cmd_ctx *c)
{
    pop(c, false);
}

static void cmd_bzpopmax(struct cmd_ctx *c)
{
    pop(c, true);
}

static void cmd_bzmpop(struct cmd_ctx *c)
{
    struct zset_mpop m;
    int64_t timeout_ms;
    if (!ctx_arg_timeout(c, 1, &timeout_ms) || !zset_mpop_parse(c, 2, &m))
        return;
    if (!zset_mpop(c, &m))
        wait_for_zset(c, m.first_key, m.keys, timeout_ms);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define POP_KEYS                                                                         \
    {                                                                                    \
        {                                                                                \
            .first = 1, .last = -2, .step = 1, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE \
        }                                                                                \
    }

const struct cmd_row cmd_rows_zset_blocking[] = {
    {.name = "bzpopmin",
     .fn = cmd_bzpopmin,
     .arity = -3,
     .flags = CMD_WRITE | CMD_BLOCKING | CMD_FAST,
     .acl = ACL_SORTEDSET | ACL_BLOCKING,
     .keys = POP_KEYS,
     .group = "sorted-set",
     .since = "5.0.0",
     .complexity = "O(log(N)) for N members",
     .summary = "Removes the member with the lowest score from the first sorted set that there is "
                "and returns it, or waits for one.",
     .synopsis = "key [key ...] timeout:double"},
    {.name = "bzpopmax",
     .fn = cmd_bzpopmax,
     .arity = -3,
     .flags = CMD_WRITE | CMD_BLOCKING | CMD_FAST,
     .acl = ACL_SORTEDSET | ACL_BLOCKING,
     .keys = POP_KEYS,
     .group = "sorted-set",
     .since = "5.0.0",
     .complexity = "O(log(N)) for N members",
     .summary = "Removes the member with the highest score from the first sorted set that there is "
                "and returns it, or waits for one.",
     .synopsis = "key [key ...] timeout:double"},
    {.name = "bzmpop",
     .fn = cmd_bzmpop,
     .arity = -5,
     .flags = CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS,
     .acl = ACL_SORTEDSET | ACL_BLOCKING,
     .keys = {{.first = 3, .step = 1, .numkeys = 2, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE}},
     .group = "sorted-set",
     .since = "7.0.0",
     .complexity = "O(K) + O(M*log(N)) for K keys and M members of N",
     .summary = "Removes the members with the lowest or highest scores from the first sorted set "
                "that there is and returns them, or waits for one.",
     .synopsis = "timeout:double numkeys key [key ...] <MIN | MAX> [COUNT count]"},
    {.name = NULL},
};
