/* Whole strings: SET, GET and their family. */
#include "cmd/ctx.h"
#include "cmd/set_options.h"

#include <inttypes.h>

/* --- storing ---------------------------------------------------------------------------------- */

/* SET with options, and GETSET. Replies the old value, or whether the key was set. */
static void set_with(struct cmd_ctx *c, const struct set_options *o)
{
    int64_t expiry_ms;
    if (!set_options_expiry(c, o, &expiry_ms))
        return;
    bool get = o->given & SET_GET;
    const struct item *old = get ? ctx_read(c, &c->key) : ctx_write(c, &c->key);
    if ((o->given & (SET_GET | SET_COMPARISONS)) && !ctx_is_string(c, old))
        return;
    /* Storing frees the old value, so the reply is written first, and taken back where memory runs out. */
    struct outq_mark before_reply = outq_mark(c->out->out);
    bool hold = set_options_hold(o, old);
    if (get)
        ctx_reply_string_or_null(c, old);
    else if (hold)
        resp_ok(c->out);
    else
        resp_null(c->out);
    if (!hold)
        return;
    if (!ctx_store(c, &c->key, c->argv[2], expiry_ms)) {
        outq_rollback(c->out->out, before_reply);
        ctx_reply_nomem(c);
        return;
    }
    ctx_effect_set(c, c->key.name, c->argv[2], expiry_ms);
}

static void cmd_set(struct cmd_ctx *c)
{
    struct set_options o;
    if (c->argc > 3) {
        unsigned allowed = SET_CONDITIONS | SET_GET | SET_KEEPTTL | SET_DEADLINE;
        if (set_options_parse(c, 3, allowed, &o))
            set_with(c, &o);
        return;
    }
    /* SET k v: nothing to look up first, and canonical as it arrived */
    if (!ctx_store(c, &c->key, c->argv[2], ITEM_NO_EXPIRY)) {
        ctx_reply_nomem(c);
        return;
    }
    if (c->argv[2].len < CTX_REFER_BYTES_MIN)
        ctx_effect_as_is(c);
    else
        ctx_effect_set(c, c->key.name, c->argv[2], ITEM_NO_EXPIRY);
    resp_ok(c->out);
}

static void cmd_getset(struct cmd_ctx *c)
{
    set_with(c, &(struct set_options){.given = SET_GET});
}

static void cmd_setnx(struct cmd_ctx *c)
{
    if (ctx_write(c, &c->key)) {
        resp_int(c->out, 0);
    } else if (!ctx_store(c, &c->key, c->argv[2], ITEM_NO_EXPIRY)) {
        ctx_reply_nomem(c);
    } else {
        ctx_effect_set(c, c->key.name, c->argv[2], ITEM_NO_EXPIRY);
        resp_int(c->out, 1);
    }
}

static void set_until(struct cmd_ctx *c, enum deadline_unit unit)
{
    int64_t expiry_ms;
    if (!deadline_parse_positive(c, 2, unit, &expiry_ms))
        return;
    if (!ctx_store(c, &c->key, c->argv[3], expiry_ms)) {
        ctx_reply_nomem(c);
        return;
    }
    ctx_effect_set(c, c->key.name, c->argv[3], expiry_ms);
    resp_ok(c->out);
}

static void cmd_setex(struct cmd_ctx *c)
{
    set_until(c, DEADLINE_EX);
}

static void cmd_psetex(struct cmd_ctx *c)
{
    set_until(c, DEADLINE_PX);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void cmd_get(struct cmd_ctx *c)
{
    const struct item *it = ctx_read(c, &c->key);
    if (ctx_is_string(c, it))
        ctx_reply_string_or_null(c, it);
}

static void cmd_getdel(struct cmd_ctx *c)
{
    const struct item *it = ctx_read(c, &c->key);
    if (!ctx_is_string(c, it))
        return;
    ctx_reply_string_or_null(c, it);
    if (it)
        ctx_delete_effect(c, &c->key);
}

static void getex_until(struct cmd_ctx *c, const struct item *it, const struct set_options *o)
{
    int64_t deadline_ms;
    if (!set_options_expiry(c, o, &deadline_ms))
        return;
    if (ctx_is_due(c, deadline_ms)) {
        ctx_reply_string(c, it);
        ctx_delete_effect(c, &c->key);
    } else if (deadline_set(c, &c->key, &it, deadline_ms)) {
        ctx_reply_string(c, it);
    }
}

static void cmd_getex(struct cmd_ctx *c)
{
    struct set_options o;
    if (!set_options_parse(c, 2, SET_PERSIST | SET_DEADLINE, &o))
        return;
    const struct item *it = ctx_read(c, &c->key);
    if (!ctx_is_string(c, it))
        return;
    if (it && (o.given & SET_DEADLINE)) {
        getex_until(c, it, &o);
        return;
    }
    bool persist = it && (o.given & SET_PERSIST) && item_has_expiry(it);
    if (!persist || deadline_clear(c, &c->key, &it))
        ctx_reply_string_or_null(c, it);
}

static void cmd_digest(struct cmd_ctx *c)
{
    const struct item *it = ctx_read(c, &c->key);
    if (!ctx_is_string(c, it))
        return;
    if (it)
        resp_bulkf(c->out, "%016" PRIx64, string_digest(it));
    else
        resp_null(c->out);
}

/* --- deleting on a condition ------------------------------------------------------------------ */

static void delete_if(struct cmd_ctx *c, const struct set_options *o)
{
    const struct item *it = ctx_write(c, &c->key);
    if ((o->given & SET_COMPARISONS) && !ctx_is_string(c, it))
        return;
    bool hold = it && set_options_hold(o, it);
    if (hold)
        ctx_delete_effect(c, &c->key);
    resp_int(c->out, hold);
}

static void cmd_delifeq(struct cmd_ctx *c)
{
    delete_if(c, &(struct set_options){.given = SET_IFEQ, .comparison = c->argv[2]});
}

static void cmd_delex(struct cmd_ctx *c)
{
    struct set_options o;
    if (c->argc != 2 && c->argc != 4)
        ctx_reply_arity(c);
    else if (set_options_parse(c, 2, SET_COMPARISONS, &o))
        delete_if(c, &o);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* SET reads the old value only to reply or compare it. */
static uint16_t set_key_flags(const struct slice *argv, int argc)
{
    for (int i = 3; i < argc; i++)
        if (slice_is(argv[i], "get") || slice_is(argv[i], "ifeq") || slice_is(argv[i], "ifne") ||
            slice_is(argv[i], "ifdeq") || slice_is(argv[i], "ifdne"))
            return KEY_RW | KEY_ACCESS | KEY_UPDATE;
    return KEY_OW | KEY_UPDATE;
}

static uint16_t delex_key_flags(const struct slice *argv, int argc)
{
    (void)argv;
    return argc > 2 ? KEY_RW | KEY_ACCESS | KEY_DELETE : KEY_RM | KEY_DELETE;
}

const struct cmd_row cmd_rows_string[] = {
    {.name = "set",
     .fn = cmd_set,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_REFERS,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE)},
     .key_notes = "RW and ACCESS due to the optional `GET` argument",
     .key_flags = set_key_flags,
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Sets a key to a string, whatever it held before.",
     .synopsis =
         "key value [NX | XX | IFEQ comparison-value | IFNE comparison-value | IFDEQ digest | "
         "IFDNE digest] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]"},
    {.name = "get",
     .fn = cmd_get,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the string that a key holds.",
     .synopsis = "key"},
    {.name = "getdel",
     .fn = cmd_getdel,
     .arity = 2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     .group = "string",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string that a key holds and deletes the key.",
     .synopsis = "key"},
    {.name = "getex",
     .fn = cmd_getex,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .key_notes = "RW and UPDATE because it changes the TTL",
     .group = "string",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Returns the string that a key holds and sets or clears its deadline.",
     .synopsis = "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT "
                 "unix-time-milliseconds | PERSIST]"},
    {.name = "getset",
     .fn = cmd_getset,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_REFERS,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Sets a key to a string and returns the one that it held.",
     .synopsis = "key value"},
    {.name = "setnx",
     .fn = cmd_setnx,
     .arity = 3,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_REFERS,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_OW | KEY_INSERT)},
     .group = "string",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Sets a key to a string unless the key exists.",
     .synopsis = "key value"},
    {.name = "setex",
     .fn = cmd_setex,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_REFERS,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE)},
     .group = "string",
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Sets a key to a string that expires after some seconds.",
     .synopsis = "key seconds value"},
    {.name = "psetex",
     .fn = cmd_psetex,
     .arity = 4,
     .flags = CMD_WRITE | CMD_DENYOOM | CMD_REFERS,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_OW | KEY_UPDATE)},
     .group = "string",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Sets a key to a string that expires after some milliseconds.",
     .synopsis = "key milliseconds value"},
    {.name = "delifeq",
     .fn = cmd_delifeq,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RM | KEY_DELETE)},
     .group = "string",
     .since = "9.0.0",
     .complexity = "O(1) for short strings, else O(N) for the bytes compared",
     .summary = "Deletes a key if it holds a given string.",
     .synopsis = "key comparison-value"},
    {.name = "delex",
     .fn = cmd_delex,
     .arity = -2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_VARIABLE)},
     .key_notes = "RW and ACCESS due to the optional comparisons",
     .key_flags = delex_key_flags,
     .group = "string",
     .since = "8.4.0",
     .complexity = "O(1) for short strings, else O(N) for the bytes compared",
     .summary = "Deletes a key, on a condition on the string that it holds if one is given.",
     .synopsis =
         "key [IFEQ comparison-value | IFNE comparison-value | IFDEQ digest | IFDNE digest]"},
    {.name = "digest",
     .fn = cmd_digest,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "string",
     .since = "8.4.0",
     .complexity = "O(N) for the N bytes of the string",
     .summary = "Returns the XXH3 digest of the string that a key holds.",
     .synopsis = "key"},
    {.name = NULL},
};
