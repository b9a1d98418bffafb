/* rename-command: the names by which clients reach commands. The log, replay and COMMAND go on with the real ones. */
#include <stdio.h>

#include "base/words.h"
#include "config/line.h"
#include "server/server_impl.h"

/* Commands of Redis. Renaming one that Corsac lacks is harmless, and told apart from a misspelt name, which would leave
 * the meant command open. */
static const char *const absent[] = {
    "bgsave",
    "bitcount",
    "bitfield",
    "bitfield_ro",
    "bitop",
    "bitpos",
    "dump",
    "eval",
    "eval_ro",
    "evalsha",
    "evalsha_ro",
    "failover",
    "fcall",
    "fcall_ro",
    "geoadd",
    "geodist",
    "geohash",
    "geopos",
    "georadius",
    "georadius_ro",
    "georadiusbymember",
    "georadiusbymember_ro",
    "geosearch",
    "geosearchstore",
    "getbit",
    "migrate",
    "pfadd",
    "pfcount",
    "pfdebug",
    "pfmerge",
    "pfselftest",
    "psync",
    "replconf",
    "replicaof",
    "restore",
    "restore-asking",
    "save",
    "setbit",
    "slaveof",
    "sync",
    "vadd",
    "vcard",
    "vdim",
    "vemb",
    "vgetattr",
    "vinfo",
    "vismember",
    "vlinks",
    "vrandmember",
    "vrem",
    "vsetattr",
    "vsim",
    "xack",
    "xadd",
    "xautoclaim",
    "xclaim",
    "xdel",
    "xgroup",
    "xinfo",
    "xlen",
    "xpending",
    "xrange",
    "xread",
    "xreadgroup",
    "xrevrange",
    "xsetid",
    "xtrim",
};

static bool is_absent(struct slice name)
{
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (slice_is(name, absent[i]))
            return true;
    return false;
}

static enum err rename_one(struct cmd_table *t, const struct words *w,
                           char error[CONFIG_ERROR_CHARS])
{
    if ((slice_is(w->at[0], "auth") || slice_is(w->at[0], "hello")) && w->at[1].len > 0) {
        snprintf(
            error, CONFIG_ERROR_CHARS,
            "rename-command: AUTH and HELLO keep their names, by which passwords are kept out of logs");
        return ERR_SYNTAX;
    }
    enum err err = cmd_table_rename(t, w->at[0], w->at[1]);
    if (err == ERR_NOTFOUND && is_absent(w->at[0]))
        err = ERR_OK;
    if (err != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "rename-command: %s '%.*s'",
                 err == ERR_NOTFOUND ? "there is no command" : "there already is a command",
                 slice_shown(w->at[err != ERR_NOTFOUND], 64), w->at[err != ERR_NOTFOUND].ptr);
    return err;
}

enum err server_rename_commands(struct cmd_table *t, const char *renames,
                                char error[CONFIG_ERROR_CHARS])
{
    struct slice lines = slice_from_cstr(renames);
    struct words w;
    enum err err = ERR_OK;
    words_init(&w);
    while (err == ERR_OK && lines.len > 0) {
        err = words_split(&w, config_trim(config_next_line(&lines)));
        if (err == ERR_OK)
            err = rename_one(t, &w, error);
    }
    words_deinit(&w);
    return err;
}
