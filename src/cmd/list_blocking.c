/* Lists: commands that wait until there is an element. */
#include "cmd/list.h"

static void wait_for_list(struct cmd_ctx *c, const struct ctx_wait *w)
{
    struct ctx_wait list = *w;
    list.type = TYPE_LIST;
    list.step = 1;
    ctx_block(c, &list);
}

/* --- BLPOP BRPOP BLMPOP ----------------------------------------------------------------------- */

static void pop(struct cmd_ctx *c, enum list_end end)
{
    int keys_end = c->argc - 1;
    int64_t timeout_ms;
    if (!ctx_arg_timeout(c, keys_end, &timeout_ms))
        return;
    for (int i = 1; i < keys_end; i++) {
        struct key k = ctx_key(c, i);
        if (list_pop_pair(c, &k, end))
            return;
    }
    wait_for_list(c,
                  &(struct ctx_wait){.first = 1, .count = keys_end - 1, .timeout_ms = timeout_ms});
}

static void cmd_blpop(struct cmd_ctx *c)
{
    pop(c, LIST_HEAD);
}

static void cmd_brpop(struct cmd_ctx *c)
{
    pop(c, LIST_TAIL);
}

static void cmd_blmpop(struct cmd_ctx *c)
{
    struct list_mpop m;
    int64_t timeout_ms;
    if (ctx_arg_timeout(c, 1, &timeout_ms) && list_mpop_parse(c, 2, &m) && !list_mpop(c, &m))
        wait_for_list(c, &(struct ctx_wait){.first = m.keys,
                                            .count = m.keys_end - m.keys,
                                            .timeout_ms = timeout_ms});
}

/* --- BLMOVE and its family -------------------------------------------------------------------- */

static void move(struct cmd_ctx *c, const struct list_move *m, int64_t timeout_ms)
{
    if (!list_move(c, m))
        wait_for_list(c, &(struct ctx_wait){
                             .first = 1, .count = 1, .timeout_ms = timeout_ms, .null_bulk = true});
}

static void cmd_blmove(struct cmd_ctx *c)
{
    struct list_move m;
    int64_t timeout_ms;
    if (list_move_parse(c, 3, &m) && ctx_arg_timeout(c, 5, &timeout_ms))
        move(c, &m, timeout_ms);
}

static void cmd_brpoplpush(struct cmd_ctx *c)
{
    struct list_move m = {.from = ctx_key(c, 1),
                          .to = ctx_key(c, 2),
                          .how = {.from = LIST_TAIL, .to = LIST_HEAD, .n = 1}};
    int64_t timeout_ms;
    if (ctx_arg_timeout(c, 3, &timeout_ms))
        move(c, &m, timeout_ms);
}

static void cmd_blmovem(struct cmd_ctx *c)
{
    struct list_move m;
    int64_t timeout_ms;
    if (list_move_parse(c, 3, &m) && ctx_arg_timeout(c, 5, &timeout_ms) &&
        list_move_parse_many(c, 6, &m))
        move(c, &m, timeout_ms);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define POP_KEYS                                                                         \
    {                                                                                    \
        {                                                                                \
            .first = 1, .last = -2, .step = 1, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE \
        }                                                                                \
    }
#define MOVE_KEYS                                                                     \
    {                                                                                 \
        CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE), CMD_KEY(2, KEY_RW | KEY_INSERT) \
    }

const struct cmd_row cmd_rows_list_blocking[] = {
    {.name = "blpop",
     .fn = cmd_blpop,
     .arity = -3,
     .flags = CMD_WRITE | CMD_BLOCKING,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = POP_KEYS,
     .group = "list",
     .since = "2.0.0",
     .complexity = "O(N) for N keys",
     .summary =
         "Removes and returns the first element of the first list that there is, or waits for "
         "one.",
     .synopsis = "key [key ...] timeout:double"},
    {.name = "brpop",
     .fn = cmd_brpop,
     .arity = -3,
     .flags = CMD_WRITE | CMD_BLOCKING,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = POP_KEYS,
     .group = "list",
     .since = "2.0.0",
     .complexity = "O(N) for N keys",
     .summary =
         "Removes and returns the last element of the first list that there is, or waits for "
         "one.",
     .synopsis = "key [key ...] timeout:double"},
    {.name = "blmpop",
     .fn = cmd_blmpop,
     .arity = -5,
     .flags = CMD_WRITE | CMD_BLOCKING | CMD_MOVABLE_KEYS,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = {{.first = 3, .step = 1, .numkeys = 2, .flags = KEY_RW | KEY_ACCESS | KEY_DELETE}},
     .group = "list",
     .since = "7.0.0",
     .complexity = "O(N+M) for N keys and M elements",
     .summary = "Removes and returns elements from an end of the first list among several keys, or "
                "waits for one.",
     .synopsis = "timeout:double numkeys key [key ...] <LEFT | RIGHT> [COUNT count]"},
    {.name = "blmove",
     .fn = cmd_blmove,
     .arity = 6,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Moves an element from an end of a list to an end of another, and returns it, or "
                "waits for one.",
     .synopsis = "source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT> timeout:double"},
    {.name = "brpoplpush",
     .fn = cmd_brpoplpush,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Moves the last element of a list to the head of another, and returns it, or waits "
                "for one.",
     .synopsis = "source:key destination:key timeout:double"},
    {.name = "blmovem",
     .fn = cmd_blmovem,
     .arity = -6,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_BLOCKING,
     .acl = ACL_LIST | ACL_BLOCKING,
     .keys = MOVE_KEYS,
     .group = "list",
     .since = "8.10.0",
     .complexity = "O(N) for N elements",
     .summary = "Moves elements from an end of a list to an end of another, and returns them, or "
                "waits for as many.",
     .synopsis = "source:key destination:key <LEFT | RIGHT> <LEFT | RIGHT> timeout:double"
                 " [<COUNT count | EXACTLY exactly:integer> <OBO | BULK>]"},
    {.name = NULL},
};
