/* Many strings at once: MGET, MSET and their family.
 *
 * Keys are taken in groups whose memory is prefetched together. When memory runs out half way, the keys set so far get
 * their old values back: nothing is changed, notified or logged. */
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

static bool set_pairs(struct cmd_ctx *c, struct ks_group *g, struct pairs p, int64_t expiry_ms)
{
    struct key keys[CTX_KEYS_GROUP];
    for (int i = p.first, n; i < p.end; i += 2 * n) {
        n = ctx_keys_fetch(c, i, 2, p.end, keys);
        for (int k = 0; k < n; k++)
            if (!ctx_group_set(c, g, &keys[k], c->argv[i + 2 * k + 1], expiry_ms))
                return false;
    }
    return true;
}

/* Stores all pairs and notifies; the effect is the caller's. False: nothing changed, and -OOM is replied. */
static bool store_pairs(struct cmd_ctx *c, struct pairs p, int64_t expiry_ms)
{
    struct ks_group g;
    if (!ks_group_init(&g, c->ks, c->db, (size_t)(p.end - p.first) / 2) ||
        !set_pairs(c, &g, p, expiry_ms)) {
        ks_group_undo(&g);
        ctx_reply_nomem(c);
        return false;
    }
    for (int i = p.first; i < p.end; i += 2) {
        size_t number = (size_t)(i - p.first) / 2;
        bool is_new = ks_group_is_new(&g, number);
        struct key key = {
            .name = c->argv[i], .hash = ks_group_hash(&g, number), .slot = KS_SLOT_UNKNOWN};
        ctx_stored(c, &key, is_new, expiry_ms);
    }
    ks_group_keep(&g);
    return true;
}

/* Logs each pair by itself, so that large values are logged by reference. */
static void tell_pairs(struct cmd_ctx *c, struct pairs p, int64_t expiry_ms)
{
    for (int i = p.first; i < p.end; i += 2)
        ctx_effect_set(c, c->argv[i], c->argv[i + 1], expiry_ms);
}

static bool any_large(const struct cmd_ctx *c, struct pairs p)
{
    for (int i = p.first; i < p.end; i += 2)
        if (c->argv[i + 1].len >= CTX_REFER_BYTES_MIN)
            return true;
    return false;
}

/* MSET and MSETNX. Unless a value is large, the request is logged as it arrived. */
static bool store_all(struct cmd_ctx *c)
{
    struct pairs p = {1, c->argc};
    if (!store_pairs(c, p, ITEM_NO_EXPIRY))
        return false;
    if (c->effects && any_large(c, p))
        tell_pairs(c, p, ITEM_NO_EXPIRY);
    else
        ctx_effect_as_is(c);
    return true;
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
    if (!store_pairs(c, p, expiry_ms))
        return;
    tell_pairs(c, p, expiry_ms);
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
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_REFERS,
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
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_REFERS,
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
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_MOVABLE_KEYS | CMD_REFERS,
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
