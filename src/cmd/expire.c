/* Deadlines of keys: EXPIRE, TTL and their family. */
#include "cmd/ctx.h"
#include "cmd/deadline.h"

#define TTL_NO_KEY      (-2)
#define TTL_NO_DEADLINE (-1)
#define ERROR_ARG_BYTES 128

/* --- setting ---------------------------------------------------------------------------------- */

enum expire_option {
    EXPIRE_NX = 1 << 0, /* only where there is no deadline */
    EXPIRE_XX = 1 << 1, /* only where there is one */
    EXPIRE_GT = 1 << 2, /* only a later one; no deadline counts as the latest */
    EXPIRE_LT = 1 << 3, /* only an earlier one */
};

static unsigned option_of(struct slice s)
{
    static const char *const names[] = {"nx", "xx", "gt", "lt"};
    for (unsigned i = 0; i < 4; i++) {
        if (slice_is(s, names[i]))
            return 1u << i;
    }
    return 0;
}

static bool parse_options(struct cmd_ctx *c, unsigned *given)
{
    *given = 0;
    for (int i = 3; i < c->argc; i++) {
        struct slice s = c->argv[i];
        unsigned option = option_of(s);
        if (!option) {
            resp_errorf(c->out, "Unsupported option %.*s", slice_shown(s, ERROR_ARG_BYTES), s.ptr);
            return false;
        }
        *given |= option;
    }
    const char *error = NULL;
    if ((*given & EXPIRE_NX) && *given != EXPIRE_NX)
        error = "NX and XX, GT or LT options at the same time are not compatible";
    else if ((*given & EXPIRE_GT) && (*given & EXPIRE_LT))
        error = "GT and LT options at the same time are not compatible";
    if (error)
        resp_error(c->out, error);
    return !error;
}

static bool options_hold(unsigned given, int64_t current_ms, int64_t wanted_ms)
{
    bool none = current_ms == ITEM_NO_EXPIRY;
    return !((given & EXPIRE_NX) && !none) && !((given & EXPIRE_XX) && none) &&
           !((given & EXPIRE_GT) && (none || wanted_ms <= current_ms)) &&
           !((given & EXPIRE_LT) && !none && wanted_ms >= current_ms);
}

static void expire_at(struct cmd_ctx *c, enum deadline_unit unit)
{
    unsigned options;
    int64_t deadline_ms;
    if (!parse_options(c, &options) || !deadline_parse(c, 2, unit, &deadline_ms))
        return;
    const struct item *it = ctx_write(c, &c->key);
    if (!it || !options_hold(options, item_expiry_ms(it), deadline_ms)) {
        resp_int(c->out, 0);
        return;
    }
    if (ctx_is_due(c, deadline_ms))
        ctx_delete_effect(c, &c->key);
    else if (!deadline_set(c, &c->key, &it, deadline_ms))
        return;
    resp_int(c->out, 1);
}

static void cmd_expire(struct cmd_ctx *c)
{
    expire_at(c, DEADLINE_EX);
}

static void cmd_pexpire(struct cmd_ctx *c)
{
    expire_at(c, DEADLINE_PX);
}

static void cmd_expireat(struct cmd_ctx *c)
{
    expire_at(c, DEADLINE_EXAT);
}

static void cmd_pexpireat(struct cmd_ctx *c)
{
    expire_at(c, DEADLINE_PXAT);
}

static void cmd_persist(struct cmd_ctx *c)
{
    const struct item *it = ctx_write(c, &c->key);
    if (!it || !item_has_expiry(it))
        resp_int(c->out, 0);
    else if (deadline_clear(c, &c->key, &it))
        resp_int(c->out, 1);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Replies the key's deadline, counted from `from_ms`, in units of `unit_ms`, rounded. */
static void reply_deadline(struct cmd_ctx *c, int64_t from_ms, int64_t unit_ms)
{
    const struct item *it = ctx_peek(c, &c->key);
    if (!it) {
        resp_int(c->out, TTL_NO_KEY);
    } else if (!item_has_expiry(it)) {
        resp_int(c->out, TTL_NO_DEADLINE);
    } else {
        int64_t ms = item_expiry_ms(it) - from_ms;
        bool up = ms % unit_ms * 2 >= unit_ms; /* false for milliseconds */
        resp_int(c->out, ms > 0 ? ms / unit_ms + up : 0);
    }
}

static void cmd_ttl(struct cmd_ctx *c)
{
    reply_deadline(c, c->now_ms, 1000);
}

static void cmd_pttl(struct cmd_ctx *c)
{
    reply_deadline(c, c->now_ms, 1);
}

static void cmd_expiretime(struct cmd_ctx *c)
{
    reply_deadline(c, 0, 1000);
}

static void cmd_pexpiretime(struct cmd_ctx *c)
{
    reply_deadline(c, 0, 1);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_expire[] = {
    {.name = "expire",
     .fn = cmd_expire,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Lets a key expire after some seconds.",
     .synopsis = "key seconds [NX | XX | GT | LT]"},
    {.name = "pexpire",
     .fn = cmd_pexpire,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Lets a key expire after some milliseconds.",
     .synopsis = "key milliseconds [NX | XX | GT | LT]"},
    {.name = "expireat",
     .fn = cmd_expireat,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "generic",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Lets a key expire at a Unix time in seconds.",
     .synopsis = "key unix-time-seconds [NX | XX | GT | LT]"},
    {.name = "pexpireat",
     .fn = cmd_pexpireat,
     .arity = -3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Lets a key expire at a Unix time in milliseconds.",
     .synopsis = "key unix-time-milliseconds [NX | XX | GT | LT]"},
    {.name = "ttl",
     .fn = cmd_ttl,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns how many seconds a key has left.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "pttl",
     .fn = cmd_pttl,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "generic",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Returns how many milliseconds a key has left.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "expiretime",
     .fn = cmd_expiretime,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "generic",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns the Unix time in seconds at which a key expires.",
     .synopsis = "key"},
    {.name = "pexpiretime",
     .fn = cmd_pexpiretime,
     .arity = 2,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "generic",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Returns the Unix time in milliseconds at which a key expires.",
     .synopsis = "key"},
    {.name = "persist",
     .fn = cmd_persist,
     .arity = 2,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_UPDATE)},
     .group = "generic",
     .since = "2.2.0",
     .complexity = "O(1)",
     .summary = "Takes a key's deadline away.",
     .synopsis = "key"},
    {.name = NULL},
};
