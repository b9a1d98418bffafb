/* COMMAND: the command table, as clients ask for it. */
#include <stdio.h>

#include "admin/admin_impl.h"
#include "admin/docs.h"
#include "base/glob.h"
#include "cmd/ctx.h"

/* --- names of flags --------------------------------------------------------------------------- */

struct flag_name {
    uint32_t flag;
    const char *name;
};

/* clang-format off */
static const struct flag_name command_flags[] = {
    {CMD_WRITE, "write"}, {CMD_READONLY, "readonly"}, {CMD_DENYOOM, "denyoom"},
    {CMD_ADMIN, "admin"}, {CMD_PUBSUB, "pubsub"}, {CMD_NOSCRIPT, "noscript"},
    {CMD_BLOCKING, "blocking"}, {CMD_LOADING, "loading"}, {CMD_STALE, "stale"},
    {CMD_SKIP_MONITOR, "skip_monitor"}, {CMD_SKIP_SLOWLOG, "skip_slowlog"}, {CMD_FAST, "fast"},
    {CMD_NO_AUTH, "no_auth"},
    {CMD_NO_ASYNC_LOADING, "no_async_loading"}, {CMD_NO_MULTI, "no_multi"},
    {CMD_MOVABLE_KEYS, "movablekeys"}, {CMD_ALLOW_BUSY, "allow_busy"}, {0, NULL},
};

static const struct flag_name acl_categories[] = {
    {ACL_KEYSPACE, "keyspace"}, {ACL_READ, "read"}, {ACL_WRITE, "write"}, {ACL_SET, "set"},
    {ACL_SORTEDSET, "sortedset"}, {ACL_LIST, "list"}, {ACL_HASH, "hash"}, {ACL_STRING, "string"},
    {ACL_BITMAP, "bitmap"}, {ACL_HYPERLOGLOG, "hyperloglog"}, {ACL_GEO, "geo"},
    {ACL_STREAM, "stream"}, {ACL_PUBSUB, "pubsub"}, {ACL_ADMIN, "admin"}, {ACL_FAST, "fast"},
    {ACL_SLOW, "slow"}, {ACL_BLOCKING, "blocking"}, {ACL_DANGEROUS, "dangerous"},
    {ACL_CONNECTION, "connection"}, {ACL_TRANSACTION, "transaction"},
    {ACL_SCRIPTING, "scripting"}, {0, NULL},
};

static const struct flag_name key_flags[] = {
    {KEY_RO, "RO"}, {KEY_RW, "RW"}, {KEY_OW, "OW"}, {KEY_RM, "RM"}, {KEY_ACCESS, "access"},
    {KEY_UPDATE, "update"}, {KEY_INSERT, "insert"}, {KEY_DELETE, "delete"},
    {KEY_NOT_KEY, "not_key"}, {KEY_INCOMPLETE, "incomplete"}, {KEY_VARIABLE, "variable_flags"},
    {0, NULL},
};
/* clang-format on */

static void reply_flags(struct resp_writer *w, uint32_t flags, const struct flag_name *names,
                        const char *prefix)
{
    size_t n = 0;
    for (const struct flag_name *f = names; f->flag; f++)
        n += (flags & f->flag) != 0;
    resp_set(w, n);
    for (const struct flag_name *f = names; f->flag; f++) {
        char text[64];
        snprintf(text, sizeof(text), "%s%s", prefix, f->name);
        if (flags & f->flag)
            resp_status(w, text);
    }
}

/* --- COMMAND INFO ----------------------------------------------------------------------------- */

static void reply_pair(struct resp_writer *w, const char *name, int64_t value)
{
    resp_bulk_cstr(w, name);
    resp_int(w, value);
}

/* The head of {name: {type: type, spec: {... n pairs}}}. */
static void reply_step(struct resp_writer *w, const char *name, const char *type, size_t n)
{
    resp_bulk_cstr(w, name);
    resp_map(w, 2);
    resp_bulk_cstr(w, "type");
    resp_bulk_cstr(w, type);
    resp_bulk_cstr(w, "spec");
    resp_map(w, n);
}

/* Where to start looking for keys, and where they are from there. */
static void reply_key_spec(struct resp_writer *w, const struct cmd_keys *k, const char *notes)
{
    resp_map(w, notes ? 4 : 3);
    if (notes) {
        resp_bulk_cstr(w, "notes");
        resp_bulk_cstr(w, notes);
    }
    resp_bulk_cstr(w, "flags");
    reply_flags(w, k->flags, key_flags, "");
    reply_step(w, "begin_search", "index", 1);
    reply_pair(w, "index", k->numkeys ? k->numkeys : k->first);
    reply_step(w, "find_keys", k->numkeys ? "keynum" : "range", 3);
    if (k->numkeys) {
        reply_pair(w, "keynumidx", 0);
        reply_pair(w, "firstkey", k->first - k->numkeys);
        reply_pair(w, "keystep", k->step);
    } else {
        reply_pair(w, "lastkey", k->last < 0 ? k->last : k->last - k->first);
        reply_pair(w, "keystep", k->step);
        reply_pair(w, "limit", 0);
    }
}

static void reply_key_specs(struct resp_writer *w, const struct cmd_row *row)
{
    size_t n = 0;
    while (n < CMD_KEYS_MAX && row->keys[n].first)
        n++;
    resp_set(w, n);
    for (size_t i = 0; i < n; i++)
        reply_key_spec(w, &row->keys[i], i == 0 ? row->key_notes : NULL);
}

static void reply_tips(struct resp_writer *w, const char *tips)
{
    size_t n = tips ? 1 : 0;
    for (const char *p = tips; p && (p = strchr(p, ',')); p++)
        n++;
    resp_set(w, n);
    for (; n > 0; n--) {
        size_t len = strcspn(tips, ",");
        resp_bulk(w, slice_of(tips, len));
        tips += len + 1;
    }
}

static void reply_info(struct resp_writer *w, const struct cmd *cmd)
{
    struct cmd_key_range range = cmd_key_range(cmd);
    size_t subs = 0;
    while (cmd->subs && cmd->subs[subs])
        subs++;
    resp_array(w, 10);
    resp_bulk_cstr(w, cmd->full_name);
    resp_int(w, cmd->row->arity);
    reply_flags(w, cmd->row->flags, command_flags, "");
    resp_int(w, range.first);
    resp_int(w, range.last);
    resp_int(w, range.step);
    reply_flags(w, cmd->acl, acl_categories, "@");
    reply_tips(w, cmd->row->tips);
    reply_key_specs(w, cmd->row);
    if (subs > 0)
        resp_array(w, subs);
    else
        resp_set(w, 0);
    for (size_t i = 0; i < subs; i++)
        reply_info(w, cmd->subs[i]);
}

/* --- all commands, or those named ------------------------------------------------------------- */

static bool is_listed(const struct cmd *cmd)
{
    return !(cmd->row->flags & CMD_SENTINEL_HIDDEN);
}

static size_t listed_count(const struct cmd_ctx *c)
{
    size_t n = 0;
    for (size_t i = 0; i < cmd_table_top_count(c->table); i++)
        n += is_listed(cmd_table_top_at(c->table, i));
    return n;
}

typedef void (*reply_one_fn)(struct resp_writer *w, const struct cmd *cmd);

static void reply_all(struct cmd_ctx *c, reply_one_fn reply)
{
    for (size_t i = 0; i < cmd_table_top_count(c->table); i++) {
        const struct cmd *cmd = cmd_table_top_at(c->table, i);
        if (is_listed(cmd))
            reply(c->out, cmd);
    }
}

static void cmd_command(struct cmd_ctx *c)
{
    resp_array(c->out, listed_count(c));
    reply_all(c, reply_info);
}

static void cmd_command_info(struct cmd_ctx *c)
{
    if (c->argc == 2) {
        cmd_command(c);
        return;
    }
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        const struct cmd *cmd = cmd_lookup_full(c->table, c->argv[i]);
        if (cmd)
            reply_info(c->out, cmd);
        else
            resp_null(c->out);
    }
}

static void cmd_command_docs(struct cmd_ctx *c)
{
    if (c->argc == 2) {
        resp_map(c->out, listed_count(c));
        reply_all(c, docs_reply);
        return;
    }
    size_t n = 0;
    for (int i = 2; i < c->argc; i++)
        n += cmd_lookup_full(c->table, c->argv[i]) != NULL;
    resp_map(c->out, n);
    for (int i = 2; i < c->argc; i++) {
        const struct cmd *cmd = cmd_lookup_full(c->table, c->argv[i]);
        if (cmd)
            docs_reply(c->out, cmd);
    }
}

static void cmd_command_count(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)listed_count(c));
}

/* --- COMMAND LIST ----------------------------------------------------------------------------- */

struct filter {
    bool by_pattern, by_acl; /* neither: everything */
    struct slice pattern;
    struct glob *glob; /* the pattern, while the list is made */
    uint32_t acl;
};

static uint32_t acl_category(struct slice name)
{
    for (const struct flag_name *f = acl_categories; f->flag; f++) {
        if (slice_is(name, f->name))
            return f->flag;
    }
    return 0;
}

static bool parse_filter(struct cmd_ctx *c, struct filter *f)
{
    *f = (struct filter){0};
    if (c->argc == 2)
        return true;
    if (c->argc != 5 || !slice_is(c->argv[2], "filterby"))
        return false;
    f->by_acl = slice_is(c->argv[3], "aclcat");
    f->by_pattern = slice_is(c->argv[3], "pattern");
    f->pattern = c->argv[4];
    if (f->by_acl)
        f->acl = acl_category(c->argv[4]);
    if (slice_is(c->argv[3], "module"))
        f->by_acl = true; /* there are no modules, so no command is of one */
    return f->by_acl || f->by_pattern;
}

static bool filter_passes(const struct filter *f, const struct cmd *cmd)
{
    if (f->by_pattern)
        return glob_test(f->glob, slice_from_cstr(cmd->full_name));
    return !f->by_acl || (cmd->acl & f->acl);
}

static void cmd_command_list(struct cmd_ctx *c)
{
    struct filter f;
    struct resp_inner in;
    size_t n = 0;
    if (!parse_filter(c, &f)) {
        ctx_reply_syntax(c);
        return;
    }
    if (f.by_pattern && !(f.glob = glob_try_new(f.pattern, true))) {
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&in, c->out);
    for (size_t i = 0; i < cmd_table_count(c->table); i++) {
        const struct cmd *cmd = cmd_table_at(c->table, i);
        if (!is_listed(cmd) || !filter_passes(&f, cmd))
            continue;
        resp_bulk_cstr(&in.w, cmd->full_name);
        n++;
    }
    resp_inner_close_array(&in, n);
    glob_free(&f.glob);
}

/* --- COMMAND GETKEYS -------------------------------------------------------------------------- */

struct keys_reply {
    struct resp_writer *w;
    const struct slice *argv;
    bool with_flags;
};

/* Shard channels have key positions, but are no keys. */
static void count_key(int index, uint16_t flags, void *count)
{
    *(size_t *)count += !(flags & KEY_NOT_KEY);
}

static void reply_key(int index, uint16_t flags, void *arg)
{
    const struct keys_reply *r = arg;
    if (flags & KEY_NOT_KEY)
        return;
    if (r->with_flags)
        resp_array(r->w, 2);
    resp_bulk(r->w, r->argv[index]);
    if (r->with_flags)
        reply_flags(r->w, flags, key_flags, "");
}

/* Is the number of keys 0 where it must not be, as the command works on nothing but these keys? */
static bool is_none_wrong(const struct cmd *cmd, size_t count)
{
    return count == 0 && cmd->row->keys[0].numkeys && cmd->row->keys[0].step > 1;
}

static void reply_keys(struct cmd_ctx *c, bool with_flags)
{
    struct keys_reply r = {c->out, c->argv + 2, with_flags};
    int argc = c->argc - 2;
    size_t count = 0;
    const struct cmd *cmd = cmd_lookup(c->table, r.argv[0]);
    if (cmd && cmd->subs && argc > 1)
        cmd = cmd_lookup_sub(cmd, r.argv[1]);
    if (!cmd) {
        resp_error(c->out, "Invalid command specified");
    } else if (cmd->row->keys[0].first == 0 || (cmd->row->keys[0].flags & KEY_NOT_KEY)) {
        resp_error(c->out, "The command has no key arguments");
    } else if (!cmd_arity_ok(cmd, argc)) {
        resp_error(c->out, "Invalid number of arguments specified for command");
    } else if (!cmd_each_key(cmd, r.argv, argc, count_key, &count) || is_none_wrong(cmd, count)) {
        resp_error(c->out, "Invalid arguments specified for command");
    } else {
        resp_array(c->out, count);
        cmd_each_key(cmd, r.argv, argc, reply_key, &r);
    }
}

static void cmd_command_getkeys(struct cmd_ctx *c)
{
    reply_keys(c, false);
}

static void cmd_command_getkeysandflags(struct cmd_ctx *c)
{
    reply_keys(c, true);
}

/* --- HELP ------------------------------------------------------------------------------------- */

static void cmd_command_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "(no subcommand)",
        "    Describe all commands, as INFO does.",
        "COUNT",
        "    Return how many commands there are.",
        "LIST [FILTERBY <MODULE name | ACLCAT category | PATTERN pattern>]",
        "    Return the names of all commands, or of those that pass the filter.",
        "INFO [<command-name> ...]",
        "    Describe arity, flags, categories and keys of the commands; of all without a name.",
        "DOCS [<command-name> ...]",
        "    Describe purpose and arguments of the commands; of all without a name.",
        "GETKEYS <full-command>",
        "    Return the keys of a request.",
        "GETKEYSANDFLAGS <full-command>",
        "    Return the keys of a request and what it does with them.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

/* --- rows ------------------------------------------------------------------------------------- */

static const struct cmd_row command_subs[] = {
    {.name = "count",
     .fn = cmd_command_count,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(N) for N commands",
     .summary = "Returns how many commands there are."},
    {.name = "list",
     .fn = cmd_command_list,
     .arity = -2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "7.0.0",
     .complexity = "O(N) for N commands",
     .summary = "Returns the names of commands.",
     .synopsis = "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
     .tips = "nondeterministic_output_order"},
    {.name = "info",
     .fn = cmd_command_info,
     .arity = -2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(N) for N commands",
     .summary = "Describes arity, flags, categories and keys of commands.",
     .synopsis = "[command-name ...]",
     .tips = "nondeterministic_output_order"},
    {.name = "docs",
     .fn = cmd_command_docs,
     .arity = -2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "7.0.0",
     .complexity = "O(N) for N commands",
     .summary = "Describes purpose and arguments of commands.",
     .synopsis = "[command-name ...]",
     .tips = "nondeterministic_output_order"},
    {.name = "getkeys",
     .fn = cmd_command_getkeys,
     .arity = -3,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(N) for N arguments of the request",
     .summary = "Returns the keys of a request.",
     .synopsis = "command [arg ...]"},
    {.name = "getkeysandflags",
     .fn = cmd_command_getkeysandflags,
     .arity = -3,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "7.0.0",
     .complexity = "O(N) for N arguments of the request",
     .summary = "Returns the keys of a request and what it does with them.",
     .synopsis = "command [arg ...]"},
    {.name = "help",
     .fn = cmd_command_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Lists the subcommands of COMMAND."},
    {.name = NULL},
};

const struct cmd_row admin_rows_command[] = {
    {.name = "command",
     .fn = cmd_command,
     .arity = -1,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "server",
     .since = "2.8.13",
     .complexity = "O(N) for N commands",
     .summary = "Describes all commands.",
     .tips = "nondeterministic_output_order",
     .subs = command_subs},
    {.name = NULL},
};
