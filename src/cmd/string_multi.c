/* Many strings at once: MGET, MSET and their family.
 *
 * Keys are taken in groups whose memory is asked for together. When memory runs out half way, the
 * strings stored so far stay, and the effect names just these: the log holds what the data does. */
#include "cmd/ctx.h"
#include "cmd/set_options.h"

static void cmd_mget(struct cmd_ctx *c)
{
    struct key keys[CTX_KEYS_GROUP];
    resp_array(c->out, (size_t)c->argc - 1);
    for (int i = 1, n; i < c->argc; i += n) {
        n = ctx_keys_fetch(c, i, 1, c->argc, keys);
        for (int k = 0; k < n; k++) {
            const struct item *it = ctx_read(c, &keys[k]);
            ctx_reply_string_or_null(c, it && item_type(it) == TYPE_STRING ? it : NULL);
        }
    }
}

/* --- storing ---------------------------------------------------------------------------------- */

/* Pairs of keys and values, in arguments first to end - 1. */
struct pairs {
    int first, end;
};

/* True: some of the keys exist (`any`), or all of them. */
static bool keys_exist(struct cmd_ctx *c, struct pairs p, bool any)
{
    struct key keys[CTX_KEYS_GROUP];
    for (int i = p.first, n; i < p.end; i += 2 * n) {
        n = ctx_keys_fetch(c, i, 2, p.end, keys);
        for (int k = 0; k < n; k++) {
            if ((ctx_write(c, &keys[k]) != NULL) == any)
                return any;
        }
    }
    return !any;
}

/* Returns the end of the pairs that were stored: less than p.end where memory ran out. */
static int store_pairs(struct cmd_ctx *c, struct pairs p, int64_t expiry_ms)
{
    struct key keys[CTX_KEYS_GROUP];
    for (int i = p.first, n; i < p.end; i += 2 * n) {
        n = ctx_keys_fetch(c, i, 2, p.end, keys);
        for (int k = 0; k < n; k++) {
            if (!ctx_store(c, &keys[k], c->argv[i + 2 * k + 1], expiry_ms))
                return i + 2 * k;
        }
    }
    return p.end;
}

static bool reply_half_done(struct cmd_ctx *c)
{
    resp_error(c->out, "-OOM not enough memory for this command; only the first keys were set");
    return false;
}

/* MSET and MSETNX: canonical as they arrived, and so is the head of them. */
static bool store_all(struct cmd_ctx *c)
{
    int end = store_pairs(c, (struct pairs){1, c->argc}, ITEM_NO_EXPIRY);
    if (end > 1)
        ctx_effect(c, end, c->argv);
    return end == c->argc || reply_half_done(c);
}

static void cmd_mset(struct cmd_ctx *c)
{
    if (c->argc % 2 == 0)
        ctx_reply_arity(c);
    else if (store_all(c))
        resp_ok(c->out);
}

static void cmd_msetnx(struct cmd_ctx *c)
{
    if (c->argc % 2 == 0)
        ctx_reply_arity(c);
    else if (keys_exist(c, (struct pairs){1, c->argc}, true))
        resp_int(c->out, 0);
    else if (store_all(c))
        resp_int(c->out, 1);
}

static void cmd_msetex(struct cmd_ctx *c)
{
    int64_t count, expiry_ms;
    struct set_options o;
    if (!ctx_arg_range(c, 1, 1, INT32_MAX, &count, "invalid numkeys value or out of range"))
        return;
    if (count > (c->argc - 2) / 2) {
        ctx_reply_syntax(c);
        return;
    }
    struct pairs p = {2, 2 + 2 * (int)count};
    unsigned allowed = SET_NX | SET_XX | SET_KEEPTTL | SET_DEADLINE;
    if (!set_options_parse(c, p.end, allowed, &o) || !set_options_expiry(c, &o, &expiry_ms))
        return;
    if (((o.given & SET_NX) && keys_exist(c, p, true)) ||
        ((o.given & SET_XX) && !keys_exist(c, p, false))) {
        resp_int(c->out, 0);
        return;
    }
    int end = store_pairs(c, p, expiry_ms);
    if (count > 1)
        ctx_effects_together(c, true);
    for (int i = p.first; i < end; i += 2)
        ctx_effect_set(c, c->argv[i], c->argv[i + 1], expiry_ms);
    if (count > 1)
        ctx_effects_together(c, false);
    if (end == p.end || reply_half_done(c))
        resp_int(c->out, 1);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_multi[] = {
    {.name = "mget",
     .fn = cmd_mget,
     .arity = -2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RO | KEY_ACCESS}},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(N) for N keys",
     .summary = "Returns the strings that several keys hold.",
     .synopsis = "key [key ...]",
     .tips = "request_policy:multi_shard"},
    {.name = "mset",
     .fn = cmd_mset,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_STRING,
     .keys = {{.first = 1, .last = -1, .step = 2, .flags = KEY_OW | KEY_UPDATE}},
     .group = "string",
     .since = "1.0.1",
     .complexity = "O(N) for N keys",
     .summary = "Sets several keys to strings at once.",
     .synopsis = "key value [key value ...]",
     .tips = "request_policy:multi_shard,response_policy:all_succeeded"},
    {.name = "msetnx",
     .fn = cmd_msetnx,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_STRING,
     .keys = {{.first = 1, .last = -1, .step = 2, .flags = KEY_OW | KEY_INSERT}},
     .group = "string",
     .since = "1.0.1",
     .complexity = "O(N) for N keys",
     .summary = "Sets several keys to strings at once unless one of them exists.",
     .synopsis = "key value [key value ...]"},
    {.name = "msetex",
     .fn = cmd_msetex,
     .arity = -4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS,
     .acl = ACL_STRING,
     .keys = {{.first = 2, .step = 2, .numkeys = 1, .flags = KEY_OW | KEY_UPDATE}},
     .group = "string",
     .since = "8.4.0",
     .complexity = "O(N) for N keys",
     .summary = "Sets several keys to strings at once, on a condition and with a common deadline.",
     .synopsis = "numkeys key value [key value ...] [NX | XX] [EX seconds | PX milliseconds | EXAT"
                 " unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     .tips = "request_policy:multi_shard,response_policy:all_succeeded"},
    {.name = NULL},
};
