/* Which commands an HTTP request may run. */
#include "http/http_impl.h"

/* Commands that belong to a connection: their effect outlives the request, or they have not exactly one reply. */
static const char *const refused[] = {
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "monitor",
    "auth",
    "hello",
    "select",
    "quit",
    "reset",
    "multi",
    "exec",
    "discard",
    "watch",
    "unwatch",
    "sync",
    "psync",
    "wait",
    "waitaof",
    "readonly",
    "readwrite",
    "asking",
    "client|reply",
    "client|caching",
    "client|setname",
    "client|tracking",
    "client|no-evict",
    "client|no-touch",
    "client|capa",
    "client|setinfo",
    "client|durability",
};

/* Commands that only read, without CMD_READONLY in their rows. */
static const char *const harmless[] = {"ping", "echo", "info", "time", "lolwut", "command"};

static bool is_in(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}
#define IS_IN(name, names) is_in((name), (names), sizeof(names) / sizeof((names)[0]))

static bool only_reads(const struct cmd *cmd)
{
    const char *name = cmd->parent ? cmd->parent->full_name : cmd->full_name;
    return (cmd->row->flags & CMD_READONLY) || IS_IN(name, harmless);
}

bool http_may(const struct http_request *r, const struct slice *argv, int argc, bool *forbidden,
              const char **error)
{
    const struct cmd *cmd = cmd_lookup(engine_table(r->http->o.engine), argv[0]);
    *forbidden = false;
    if (cmd && cmd->subs && argc > 1) {
        const struct cmd *sub = cmd_lookup_sub(cmd, argv[1]);
        cmd = sub ? sub : cmd;
    }
    if (cmd && ((cmd->row->flags & CMD_BLOCKING) || IS_IN(cmd->full_name, refused))) {
        *error =
            "ERR this command is not available over HTTP, as it waits or belongs to a connection";
        return false;
    }
    if (r->deliberate || (cmd && r->readable && only_reads(cmd)))
        return true;
    *forbidden = true;
    *error = HTTP_NOT_DELIBERATE;
    return false;
}
