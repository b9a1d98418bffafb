/* OBJECT: how a value is stored. */
#include "cmd/ctx.h"

/* In Redis all keys with the same small number share one value, which is said to have INT_MAX references. */
#define OBJECT_SHARED_INT_MAX  9999
#define OBJECT_SHARED_REFCOUNT 2147483647

/* Finds the item; leaves the access clock alone and does not notify "keymiss". False: no such key; null is replied. */
static bool look_at(struct cmd_ctx *c, const struct item **it)
{
    ctx_note(c, &c->key);
    *it = ks_find(c->ks, c->db, &c->key, KS_READ | KS_NO_TOUCH);
    if (!*it)
        resp_null(c->out);
    return *it;
}

static void cmd_object_encoding(struct cmd_ctx *c)
{
    const struct item *it;
    if (look_at(c, &it))
        resp_bulk_cstr(c->out, value_encoding_name(it));
}

static void cmd_object_freq(struct cmd_ctx *c)
{
    const struct item *it;
    if (look_at(c, &it))
        resp_error(c->out,
                   "An LFU maxmemory policy is not selected, access frequency not tracked. Please "
                   "note that when switching between policies at runtime LRU and LFU data will "
                   "take some time to adjust.");
}

static void cmd_object_idletime(struct cmd_ctx *c)
{
    const struct item *it;
    if (look_at(c, &it))
        resp_int(c->out, item_idle_s(it, c->now_ms));
}

/* Replies as Redis does, though no value is shared here: an integer lies in its key's item. */
static void cmd_object_refcount(struct cmd_ctx *c)
{
    const struct item *it;
    if (!look_at(c, &it))
        return;
    int64_t v;
    bool small = string_is_stored_int(it, &v) && v >= 0 && v <= OBJECT_SHARED_INT_MAX;
    resp_int(c->out, small ? OBJECT_SHARED_REFCOUNT : 1);
}

static void cmd_object_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Return how the value of <key> is stored.",
        "FREQ <key>",
        "    Return how often <key> was used lately, on a logarithmic scale.",
        "IDLETIME <key>",
        "    Return how many seconds ago <key> was last used.",
        "REFCOUNT <key>",
        "    Return how many references to the value of <key> there are.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct cmd_row object_subs[] = {
    {.name = "encoding",
     .fn = cmd_object_encoding,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(2, KEY_RO)},
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns how a value is stored.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "freq",
     .fn = cmd_object_freq,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(2, KEY_RO)},
     .group = "generic",
     .since = "4.0.0",
     .complexity = "O(1)",
     .summary = "Returns how often a key was used lately, on a logarithmic scale.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "idletime",
     .fn = cmd_object_idletime,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(2, KEY_RO)},
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns how many seconds ago a key was last used.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "refcount",
     .fn = cmd_object_refcount,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(2, KEY_RO)},
     .group = "generic",
     .since = "2.2.3",
     .complexity = "O(1)",
     .summary = "Returns how many references to a value there are.",
     .synopsis = "key",
     .tips = "nondeterministic_output"},
    {.name = "help",
     .fn = cmd_object_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_KEYSPACE,
     .group = "generic",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Lists the subcommands of OBJECT."},
    {.name = NULL},
};

const struct cmd_row cmd_rows_object[] = {
    {.name = "object",
     .arity = -2,
     .group = "generic",
     .since = "2.2.3",
     .complexity = "See the subcommands",
     .summary = "Tells how a value is stored.",
     .subs = object_subs},
    {.name = NULL},
};
