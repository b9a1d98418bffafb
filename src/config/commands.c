/* CONFIG GET, SET, REWRITE, RESETSTAT, HELP. */
#include <assert.h>
#include <stdio.h>

#include "base/glob.h"
#include "base/logger.h"
#include "base/mem.h"
#include "cmd/ctx.h"
#include "config/option.h"

#define SET_FAILED "CONFIG SET failed (possibly related to argument '%s') - %s"

static const struct config_host *host_of(const struct cmd_ctx *c)
{
    return c->cmd->room;
}

/* --- CONFIG GET ------------------------------------------------------------------------------------- */

/* The patterns of a CONFIG GET. */
struct asked {
    struct glob **at; /* owned, as each of them */
    int count;
};

static void asked_free(struct asked *a)
{
    while (a->count > 0)
        glob_free(&a->at[--a->count]);
    mem_free(a->at);
}

/* False: no memory. */
static bool asked_read(const struct cmd_ctx *c, struct asked *a)
{
    size_t most = (size_t)(c->argc - 2);
    *a = (struct asked){.at = mem_try_alloc(most * sizeof(struct glob *))};
    for (size_t i = 0; a->at && i < most; i++) {
        a->at[i] = glob_try_new(c->argv[2 + i], true);
        if (!a->at[i])
            break;
        a->count++;
    }
    if ((size_t)a->count == most)
        return true;
    asked_free(a);
    return false;
}

static bool asked_for(const struct asked *a, const char *name)
{
    for (int i = 0; i < a->count; i++)
        if (glob_test(a->at[i], slice_from_cstr(name)))
            return true;
    return false;
}

static void reply_value(struct resp_writer *w, const char *name, const struct option *o,
                        const struct config *config)
{
    struct buf value;
    buf_init(&value);
    option_print(o, config, &value);
    resp_bulk_cstr(w, name);
    resp_bulk(w, buf_slice(&value));
    buf_deinit(&value);
}

static void config_get(struct cmd_ctx *c)
{
    const struct config_host *host = host_of(c);
    struct resp_inner in;
    struct asked asked;
    size_t pairs = 0;
    if (!asked_read(c, &asked)) {
        ctx_reply_nomem(c);
        return;
    }
    resp_inner_open(&in, c->out);
    for (const struct option *o = host->options->rows; o->name; o++) {
        if (o->type == OPTION_LINES)
            continue;
        if (asked_for(&asked, o->name)) {
            reply_value(&in.w, o->name, o, host->config);
            pairs++;
        }
        if (o->alias && asked_for(&asked, o->alias)) {
            reply_value(&in.w, o->alias, o, host->config);
            pairs++;
        }
    }
    resp_inner_close_map(&in, pairs);
    asked_free(&asked);
}

/* --- CONFIG SET ------------------------------------------------------------------------------------- */

/* The options of a request, in its order. */
struct settings {
    const struct option *at[OPTION_COUNT_MAX];
    int count;
    unsigned apply; /* groups of all of them together */
};

static bool may_set(struct cmd_ctx *c, const struct option *o, const char **why)
{
    const struct config_host *host = host_of(c);
    if (o->flags & OPTION_IMMUTABLE)
        *why = "can't set immutable config";
    else if ((o->flags & OPTION_PROTECTED) && !host->unprotected(host->arg, c))
        *why = "can't set protected config";
    else
        return true;
    return false;
}

/* Finds and checks the names, before any value is looked at. False: the error is replied. */
static bool find_settings(struct cmd_ctx *c, struct settings *s)
{
    *s = (struct settings){.count = 0};
    for (int i = 2; i < c->argc; i += 2) {
        const struct option *o = option_find(host_of(c)->options, c->argv[i]);
        const char *why = "duplicate parameter";
        if (!o) {
            int shown = slice_shown(c->argv[i], 128);
            resp_errorf(c->out, "Unknown option or number of arguments for CONFIG SET - '%.*s'",
                        shown, c->argv[i].ptr);
            return false;
        }
        bool wrong = !may_set(c, o, &why);
        for (int k = 0; k < s->count; k++)
            wrong |= s->at[k] == o;
        if (wrong) {
            resp_errorf(c->out, SET_FAILED, o->name, why);
            return false;
        }
        /* There is room, as no option comes twice. */
        s->at[s->count++] = o;
        s->apply |= o->apply;
    }
    return true;
}

static bool set_values(struct cmd_ctx *c, const struct settings *s, struct config *next)
{
    for (int i = 0; i < s->count; i++) {
        struct option_error e;
        if (option_set(s->at[i], next, 1, &c->argv[3 + 2 * i], &e) != OPTION_OK) {
            resp_errorf(c->out, SET_FAILED, s->at[i]->name, e.text);
            return false;
        }
    }
    return true;
}

/* Names the first setting of the group that failed. */
static void reply_apply_error(struct cmd_ctx *c, const struct settings *s, unsigned group,
                              const char *error)
{
    int i = 0;
    assert(s->count > 0);
    while (i < s->count - 1 && !(s->at[i]->apply & group))
        i++;
    const struct option *o = s->at[i];
    const char *lead = slice_is(SLICE("port"), o->name) ? "Unable to listen on this port: "
                       : slice_is(SLICE("bind"), o->name)
                           ? "Failed to bind to specified addresses: "
                           : "";
    log_warning(host_of(c)->logger, "CONFIG SET %s failed: %s", o->name, error);
    char text[CONFIG_ERROR_CHARS + 64];
    snprintf(text, sizeof(text), "%s%s", lead, error);
    resp_errorf(c->out, SET_FAILED, o->name, text);
}

/* All or nothing: a copy takes the values, and replaces the configuration once all of them are in force. */
static void config_set(struct cmd_ctx *c)
{
    const struct config_host *host = host_of(c);
    struct settings settings;
    if (c->argc % 2 != 0) {
        ctx_reply_syntax(c);
        return;
    }
    if (!find_settings(c, &settings))
        return;
    struct config *next = config_clone(host->config, host->options);
    unsigned failed = 0;
    char error[CONFIG_ERROR_CHARS] = "";
    if (!set_values(c, &settings, next)) {
        config_free(&next, host->options);
    } else if (host->apply(host->arg, next, settings.apply, &failed, error) != ERR_OK) {
        reply_apply_error(c, &settings, failed, error);
        config_free(&next, host->options);
    } else {
        host->replace(host->arg, next);
        mem_free(next);
        resp_ok(c->out);
    }
}

/* --- the others ------------------------------------------------------------------------------------- */

enum err config_host_rewrite(const struct config_host *h, bool all, char error[CONFIG_ERROR_CHARS])
{
    const struct config_rewrite w = {
        .options = h->options, .config = h->config, .files = &config_files_real, .all = all};
    return config_rewrite_file(&w, h->file, error);
}

static void config_rewrite(struct cmd_ctx *c)
{
    const struct config_host *host = host_of(c);
    char error[CONFIG_ERROR_CHARS] = "";
    if (!host->file) {
        resp_error(c->out, "The server is running without a config file");
    } else if (config_host_rewrite(host, false, error) != ERR_OK) {
        log_warning(host->logger, "CONFIG REWRITE of %s failed: %s", host->file, error);
        resp_errorf(c->out, "Rewriting config file: %s", error);
    } else {
        log_notice(host->logger, "CONFIG REWRITE executed with success.");
        resp_ok(c->out);
    }
}

static void config_resetstat(struct cmd_ctx *c)
{
    const struct config_host *host = host_of(c);
    host->reset_stats(host->arg);
    resp_ok(c->out);
}

static void config_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "GET <pattern> [<pattern> ...]",
        "    Options whose names match a glob-style pattern, with their values.",
        "SET <option> <value> [<option> <value> ...]",
        "    Change options: all of them, or none.",
        "RESETSTAT",
        "    Start the counters that INFO tells at zero.",
        "REWRITE",
        "    Write the configuration of now to the file that the server started with.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

#define CONFIG_FLAGS (CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define CONFIG_ACL   (ACL_ADMIN | ACL_DANGEROUS)

static const struct cmd_row config_subs[] = {
    {.name = "get",
     .fn = config_get,
     .arity = -3,
     .flags = CONFIG_FLAGS,
     .acl = CONFIG_ACL,
     .group = "server",
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Tells the values of configuration options.",
     .synopsis = "parameter [parameter ...]"},
    {.name = "set",
     .fn = config_set,
     .arity = -4,
     .flags = CONFIG_FLAGS,
     .acl = CONFIG_ACL,
     .group = "server",
     .since = "2.0.0",
     .complexity = "O(N) when N is the number of configuration parameters provided",
     .summary = "Changes configuration options while the server runs, all of them or none.",
     .synopsis = "parameter value [parameter value ...]",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "rewrite",
     .fn = config_rewrite,
     .arity = 2,
     .flags = CONFIG_FLAGS,
     .acl = CONFIG_ACL,
     .group = "server",
     .since = "2.8.0",
     .complexity = "O(1)",
     .summary = "Writes the configuration of now to the configuration file.",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "resetstat",
     .fn = config_resetstat,
     .arity = 2,
     .flags = CONFIG_FLAGS,
     .acl = CONFIG_ACL,
     .group = "server",
     .since = "2.0.0",
     .complexity = "O(1)",
     .summary = "Starts the server's counters at zero.",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "help",
     .fn = config_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Tells what CONFIG can do."},
    {.name = NULL},
};

static const struct cmd_row rows[] = {
    {.name = "config",
     .arity = -2,
     .group = "server",
     .since = "2.0.0",
     .complexity = "Depends on subcommand.",
     .summary = "Commands on the server's configuration.",
     .subs = config_subs},
    {.name = NULL},
};

void config_add_rows(struct cmd_table *t, const struct config_host *host)
{
    cmd_table_add(t, rows, (void *)host);
}
