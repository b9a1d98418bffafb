/* Commands on keys of any type: DEL, EXISTS, TYPE, TOUCH. */
#include "cmd/ctx.h"

/* Counts the given keys that `look_up` finds. */
typedef const struct item *(*look_up_fn)(struct cmd_ctx *c, const struct key *k);
static void count_keys(struct cmd_ctx *c, look_up_fn look_up)
{
    struct key keys[CTX_KEYS_GROUP];
    int64_t count = 0;
    for (int i = 1, n; i < c->argc; i += n) {
        n = ctx_keys_fetch(c, i, 1, c->argc, keys);
        for (int k = 0; k < n; k++)
            count += look_up(c, &keys[k]) != NULL;
    }
    resp_int(c->out, count);
}

static void cmd_exists(struct cmd_ctx *c)
{
    count_keys(c, ctx_peek);
}

static void cmd_touch(struct cmd_ctx *c)
{
    /* TOUCH touches in spite of CLIENT NO-TOUCH. */
    c->no_touch = false;
    count_keys(c, ctx_read);
}

static void cmd_type(struct cmd_ctx *c)
{
    const struct item *it = ctx_peek(c, &c->key);
    resp_status(c->out, it ? item_type_name(item_type(it)) : "none");
}

/* DEL and UNLINK: the keyspace frees large values in slices either way. */
static void cmd_del(struct cmd_ctx *c)
{
    struct key keys[CTX_KEYS_GROUP];
    int64_t count = 0;
    for (int i = 1, n; i < c->argc; i += n) {
        n = ctx_keys_fetch(c, i, 1, c->argc, keys);
        for (int k = 0; k < n; k++)
            count += ctx_delete(c, &keys[k]);
    }
    if (count > 0)
        ctx_effect_as_is(c);
    resp_int(c->out, count);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_key[] = {
    {.name = "del",
     .fn = cmd_del,
     .arity = -2,
     .flags = CMD_WRITE,
     .acl = ACL_KEYSPACE,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RM | KEY_DELETE}},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N) for N keys; the memory of large values is freed in slices, afterwards",
     .summary = "Deletes keys and returns how many there were.",
     .synopsis = "key [key ...]",
     .tips = "request_policy:multi_shard,response_policy:agg_sum"},
    {.name = "unlink",
     .fn = cmd_del,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RM | KEY_DELETE}},
     .group = "generic",
     .since = "4.0.0",
     .complexity = "O(N) for N keys; the memory of large values is freed in slices, afterwards",
     .summary = "Deletes keys and returns how many there were; the same as DEL here.",
     .synopsis = "key [key ...]",
     .tips = "request_policy:multi_shard,response_policy:agg_sum"},
    {.name = "exists",
     .fn = cmd_exists,
     .arity = -2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RO}},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N) for N keys",
     .summary = "Counts which of the given keys exist; a key given twice counts twice.",
     .synopsis = "key [key ...]",
     .tips = "request_policy:multi_shard,response_policy:agg_sum"},
    {.name = "type",
     .fn = cmd_type,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the type of the value that a key holds.",
     .synopsis = "key"},
    {.name = "touch",
     .fn = cmd_touch,
     .arity = -2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RO}},
     .group = "generic",
     .since = "3.2.1",
     .complexity = "O(N) for N keys",
     .summary = "Marks keys as used now and returns how many there are.",
     .synopsis = "key [key ...]",
     .tips = "request_policy:multi_shard,response_policy:agg_sum"},
    {.name = NULL},
};
