/* Corsac has no modules, no cluster, no scripts and only one user. Clients and tools ask for them all the same, and
 * take an "unknown command" for a broken server: so they get the replies of a Redis that has none of them. */
#include "admin/admin_impl.h"
#include "base/crc16.h"
#include "cmd/ctx.h"

/* --- modules ---------------------------------------------------------------------------------- */

static void module_list(struct cmd_ctx *c)
{
    resp_array(c->out, 0);
}

/* The reply of Redis where enable-module-command is "no", which cannot change while it runs. */
static void module_refused(struct cmd_ctx *c)
{
    resp_error(c->out,
               "MODULE command not allowed. If the enable-module-command option is set to "
               "\"local\", you can run it from a local connection, otherwise you need to set this "
               "option in the configuration file, and then restart the server.");
}

static void module_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "LIST",
        "    Tell which modules are loaded: none, Corsac takes none.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

#define MODULE_FLAGS (CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING)
#define MODULE_ROW(word, words, version, text)                                                   \
    {                                                                                            \
        .name = (word), .fn = module_refused, .arity = (words), .flags = MODULE_FLAGS,           \
        .acl = ACL_ADMIN | ACL_DANGEROUS, .group = "server", .since = (version),                 \
        .complexity = "O(1)", .summary = "Refused: Corsac takes no modules.", .synopsis = (text) \
    }

static const struct cmd_row module_subs[] = {
    {.name = "list",
     .fn = module_list,
     .arity = 2,
     .flags = CMD_ADMIN | CMD_NOSCRIPT,
     .acl = ACL_ADMIN | ACL_DANGEROUS,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(N) where N is the number of modules",
     .summary = "Tells which modules are loaded.",
     .synopsis = "",
     .tips = "nondeterministic_output_order"},
    MODULE_ROW("load", -3, "4.0.0", "path [arg [arg ...]]"),
    MODULE_ROW("loadex", -3, "7.0.0", "path [arg [arg ...]]"),
    MODULE_ROW("unload", 3, "4.0.0", "name"),
    {.name = "help",
     .fn = module_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Tells what MODULE can do.",
     .synopsis = ""},
    {0},
};

/* --- cluster ---------------------------------------------------------------------------------- */

static void cluster_disabled(struct cmd_ctx *c)
{
    resp_error(c->out, "This instance has cluster support disabled");
}

/* Shards consist of slots, so that a key has one without a cluster, too. Valkey replies the same. */
static void cluster_keyslot(struct cmd_ctx *c)
{
    resp_int(c->out, key_slot(c->argv[2]));
}

#define CLUSTER_ROW(word, words, more_flags, version, note)                               \
    {                                                                                     \
        .name = (word), .fn = cluster_disabled, .arity = (words),                         \
        .flags = CMD_STALE | (more_flags), .group = "cluster", .since = (version),        \
        .complexity = "O(1)", .summary = "Refused: there is no cluster.", .tips = (note), \
    }
#define VARIES "nondeterministic_output"

static const struct cmd_row cluster_subs[] = {
    CLUSTER_ROW("addslots", -3, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("countkeysinslot", 3, 0, "3.0.0", NULL),
    CLUSTER_ROW("delslots", -3, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("failover", -2, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("forget", 3, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("getkeysinslot", 4, 0, "3.0.0", VARIES),
    CLUSTER_ROW("help", 2, CMD_LOADING, "5.0.0", NULL),
    CLUSTER_ROW("info", 2, 0, "3.0.0", VARIES),
    {.name = "keyslot",
     .fn = cluster_keyslot,
     .arity = 3,
     .flags = CMD_STALE,
     .group = "cluster",
     .since = "3.0.0",
     .complexity = "O(N) where N is the number of bytes in the key",
     .summary = "Tells the hash slot of a key.",
     .synopsis = "key"},
    CLUSTER_ROW("links", 2, 0, "7.0.0", VARIES),
    CLUSTER_ROW("meet", -4, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("myid", 2, 0, "3.0.0", NULL),
    CLUSTER_ROW("myshardid", 2, 0, "7.2.0", VARIES),
    CLUSTER_ROW("nodes", 2, 0, "3.0.0", VARIES),
    CLUSTER_ROW("replicas", 3, CMD_ADMIN, "5.0.0", VARIES),
    CLUSTER_ROW("replicate", 3, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("reset", -2, CMD_ADMIN | CMD_NOSCRIPT, "3.0.0", NULL),
    CLUSTER_ROW("setslot", -4, CMD_ADMIN | CMD_NO_ASYNC_LOADING, "3.0.0", NULL),
    CLUSTER_ROW("shards", 2, CMD_LOADING, "7.0.0", VARIES),
    CLUSTER_ROW("slots", 2, CMD_LOADING, "3.0.0", VARIES),
    {0},
};

/* --- scripts and functions -------------------------------------------------------------------- */

/* "X FLUSH [ASYNC|SYNC]": there is nothing to flush. */
static void flush_nothing(struct cmd_ctx *c, const char *error)
{
    if (c->argc > 3 ||
        (c->argc == 3 && !slice_is(c->argv[2], "sync") && !slice_is(c->argv[2], "async")))
        resp_error(c->out, error);
    else
        resp_ok(c->out);
}

static void script_flush(struct cmd_ctx *c)
{
    flush_nothing(c, "SCRIPT FLUSH only support SYNC|ASYNC option");
}

static void script_exists(struct cmd_ctx *c)
{
    resp_array(c->out, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        resp_int(c->out, 0);
}

static void kill_nothing(struct cmd_ctx *c)
{
    resp_error(c->out, "-NOTBUSY No scripts in execution right now.");
}

static void script_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "EXISTS <sha1> [<sha1> ...]",
        "    Tell which of these scripts are known: none, there are no scripts yet.",
        "FLUSH [ASYNC|SYNC]",
        "    Forget all scripts.",
        "KILL",
        "    End the script that runs.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

static const struct cmd_row script_subs[] = {
    {.name = "exists",
     .fn = script_exists,
     .arity = -3,
     .flags = CMD_NOSCRIPT,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "2.6.0",
     .complexity = "O(N) where N is the number of scripts asked for",
     .summary = "Tells which scripts are known: none.",
     .synopsis = "sha1 [sha1 ...]",
     .tips = "request_policy:all_shards,response_policy:agg_logical_and"},
    {.name = "flush",
     .fn = script_flush,
     .arity = -2,
     .flags = CMD_NOSCRIPT,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Forgets all scripts: there are none.",
     .synopsis = "[ASYNC | SYNC]",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "kill",
     .fn = kill_nothing,
     .arity = 2,
     .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "2.6.0",
     .complexity = "O(1)",
     .summary = "Ends the script that runs: there is none.",
     .synopsis = "",
     .tips = "request_policy:all_shards,response_policy:one_succeeded"},
    {.name = "help",
     .fn = script_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Tells what SCRIPT can do.",
     .synopsis = ""},
    {0},
};

static void function_delete(struct cmd_ctx *c)
{
    resp_error(c->out, "Library not found");
}

static void function_flush(struct cmd_ctx *c)
{
    flush_nothing(c, "FUNCTION FLUSH only supports SYNC|ASYNC option");
}

static void function_list(struct cmd_ctx *c)
{
    for (int i = 2; i < c->argc; i++) {
        bool name = slice_is(c->argv[i], "libraryname");
        if (!name && !slice_is(c->argv[i], "withcode")) {
            resp_errorf(c->out, "Unknown argument %.*s",
                        slice_shown(c->argv[i], RESP_LINE_BYTES_MAX), c->argv[i].ptr);
            return;
        }
        if (name && ++i == c->argc) {
            resp_error(c->out, "library name argument was not given");
            return;
        }
    }
    resp_array(c->out, 0);
}

static void function_stats(struct cmd_ctx *c)
{
    struct resp_writer *w = c->out;
    resp_map(w, 2);
    resp_bulk_cstr(w, "running_script");
    resp_null(w);
    resp_bulk_cstr(w, "engines");
    resp_map(w, 1);
    resp_bulk_cstr(w, "LUA");
    resp_map(w, 2);
    resp_bulk_cstr(w, "libraries_count");
    resp_int(w, 0);
    resp_bulk_cstr(w, "functions_count");
    resp_int(w, 0);
}

static void function_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "DELETE <library>",
        "    Remove a library. There are none: they cannot be loaded yet.",
        "FLUSH [ASYNC|SYNC]",
        "    Remove all functions.",
        "KILL",
        "    End the function that runs.",
        "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
        "    Tell which functions there are.",
        "STATS",
        "    Tell what runs, and how many functions there are.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

static const struct cmd_row function_subs[] = {
    {.name = "delete",
     .fn = function_delete,
     .arity = 3,
     .flags = CMD_WRITE | CMD_NOSCRIPT,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Removes a library: there is none.",
     .synopsis = "library-name",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "flush",
     .fn = function_flush,
     .arity = -2,
     .flags = CMD_WRITE | CMD_NOSCRIPT,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of functions deleted",
     .summary = "Removes all functions.",
     .synopsis = "[ASYNC | SYNC]",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "kill",
     .fn = kill_nothing,
     .arity = 2,
     .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Ends the function that runs: there is none.",
     .synopsis = "",
     .tips = "request_policy:all_shards,response_policy:one_succeeded"},
    {.name = "list",
     .fn = function_list,
     .arity = -2,
     .flags = CMD_NOSCRIPT,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(N) where N is the number of functions",
     .summary = "Tells which functions there are.",
     .synopsis = "[LIBRARYNAME library-name-pattern] [WITHCODE]",
     .tips = "nondeterministic_output_order"},
    {.name = "stats",
     .fn = function_stats,
     .arity = 2,
     .flags = CMD_NOSCRIPT | CMD_ALLOW_BUSY,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Tells which function runs, and how many there are.",
     .synopsis = "",
     .tips = VARIES ",request_policy:all_shards,response_policy:special"},
    {.name = "help",
     .fn = function_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_SCRIPTING,
     .group = "scripting",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Tells what FUNCTION can do.",
     .synopsis = ""},
    {0},
};

/* --- users ------------------------------------------------------------------------------------ */

static void acl_whoami(struct cmd_ctx *c)
{
    resp_bulk_cstr(c->out, "default");
}

static void acl_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "WHOAMI",
        "    Tell the name of this connection's user: always default, there is no other yet.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

static const struct cmd_row acl_subs[] = {
    {.name = "whoami",
     .fn = acl_whoami,
     .arity = 2,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Tells the name of this connection's user.",
     .synopsis = ""},
    {.name = "help",
     .fn = acl_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Tells what ACL can do.",
     .synopsis = ""},
    {0},
};

/* --- rows ------------------------------------------------------------------------------------- */

#define CONTAINER(word, version, family, text, rows)                               \
    {                                                                              \
        .name = (word), .arity = -2, .group = (family), .since = (version),        \
        .complexity = "Depends on subcommand.", .summary = (text), .subs = (rows), \
    }
#define CLUSTER_MODE_ROW(word, more_flags)                                                    \
    {                                                                                         \
        .name = (word), .fn = cluster_disabled, .arity = 1, .flags = CMD_FAST | (more_flags), \
        .acl = ACL_CONNECTION, .group = "cluster", .since = "3.0.0", .complexity = "O(1)",    \
        .summary = "Refused: there is no cluster.", .synopsis = "",                           \
    }

const struct cmd_row admin_rows_absent[] = {
    CONTAINER("acl", "6.0.0", "server", "Commands on users.", acl_subs),
    CLUSTER_MODE_ROW("asking", 0),
    CONTAINER("cluster", "3.0.0", "cluster", "Commands on a cluster.", cluster_subs),
    CONTAINER("function", "7.0.0", "scripting", "Commands on functions.", function_subs),
    CONTAINER("module", "4.0.0", "server", "Commands on modules.", module_subs),
    CLUSTER_MODE_ROW("readonly", CMD_LOADING | CMD_STALE),
    CLUSTER_MODE_ROW("readwrite", CMD_LOADING | CMD_STALE),
    CONTAINER("script", "2.6.0", "scripting", "Commands on scripts.", script_subs),
    {0},
};
