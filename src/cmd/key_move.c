/* A value under another name or in another database: RENAME, COPY, MOVE. */
#include <limits.h>

#include "cmd/ctx.h"

static const struct item *find_at(struct cmd_ctx *c, struct ks_name at)
{
    ctx_note(c, at.key);
    return ks_find(c->ks, at.db, at.key, KS_NO_TOUCH);
}

static void tell(struct cmd_ctx *c, struct ks_name at, const char *event)
{
    c->ops->changed(c, at.db, at.key, NOTIFY_GENERIC, event);
}

/* Runs ks_move or ks_copy, which replace any value at `to`. False: no memory, nothing changed, the error is replied. */
typedef enum err (*put_fn)(struct keyspace *ks, struct ks_name from, struct ks_name to);
static bool put(struct cmd_ctx *c, put_fn fn, struct ks_name from, struct ks_name to)
{
    if (fn(c->ks, from, to)) {
        ctx_reply_nomem(c);
        return false;
    }
    /* A key that was replaced is new as well: it was deleted first. */
    if (c->tell_new)
        c->ops->notify(c, to.db, to.key->name, NOTIFY_NEW, "new");
    return true;
}

static bool parse_db(struct cmd_ctx *c, int i, int *db)
{
    int64_t index;
    if (!ctx_arg_range(c, i, INT_MIN, INT_MAX, &index, NULL))
        return false;
    *db = (int)index;
    if (index >= 0 && index < ks_databases(c->ks))
        return true;
    resp_error(c->out, "DB index is out of range");
    return false;
}

/* --- renaming --------------------------------------------------------------------------------- */

enum renamed { RENAME_FAILED, RENAME_NOT_NEW, RENAME_DONE }; /* failed: the error is replied */

static enum renamed rename_key(struct cmd_ctx *c, bool only_new)
{
    struct key new_key = ctx_key(c, 2);
    struct ks_name from = {c->db, &c->key}, to = {c->db, &new_key};
    if (!find_at(c, from)) {
        resp_error(c->out, ERR_TEXT_NO_KEY);
        return RENAME_FAILED;
    }
    if (only_new && find_at(c, to))
        return RENAME_NOT_NEW;
    if (slice_equal(from.key->name, to.key->name))
        return RENAME_DONE;
    if (!put(c, ks_move, from, to))
        return RENAME_FAILED;
    tell(c, from, "rename_from");
    tell(c, to, "rename_to");
    struct slice effect[] = {SLICE("RENAME"), from.key->name, to.key->name};
    ctx_effect(c, 3, effect);
    return RENAME_DONE;
}

static void cmd_rename(struct cmd_ctx *c)
{
    if (rename_key(c, false) == RENAME_DONE)
        resp_ok(c->out);
}

static void cmd_renamenx(struct cmd_ctx *c)
{
    enum renamed renamed = rename_key(c, true);
    if (renamed != RENAME_FAILED)
        resp_int(c->out, renamed == RENAME_DONE);
}

/* --- copying ---------------------------------------------------------------------------------- */

static bool parse_copy(struct cmd_ctx *c, int *db, bool *replace)
{
    *db = c->db;
    *replace = false;
    for (int i = 3; i < c->argc; i++) {
        if (slice_is(c->argv[i], "replace")) {
            *replace = true;
        } else if (slice_is(c->argv[i], "db") && i + 1 < c->argc) {
            if (!parse_db(c, ++i, db))
                return false;
        } else {
            ctx_reply_syntax(c);
            return false;
        }
    }
    if (*db != c->db || !slice_equal(c->argv[1], c->argv[2]))
        return true;
    resp_error(c->out, "source and destination objects are the same");
    return false;
}

static void cmd_copy(struct cmd_ctx *c)
{
    int db;
    bool replace;
    if (!parse_copy(c, &db, &replace))
        return;
    struct key new_key = ctx_key(c, 2);
    struct ks_name from = {c->db, &c->key}, to = {db, &new_key};
    if (!ctx_peek(c, &c->key) || (find_at(c, to) && !replace)) {
        resp_int(c->out, 0);
        return;
    }
    if (!put(c, ks_copy, from, to))
        return;
    tell(c, to, "copy_to");
    ctx_effect_as_is(c);
    resp_int(c->out, 1);
}

/* --- moving ----------------------------------------------------------------------------------- */

static void cmd_move(struct cmd_ctx *c)
{
    int db;
    if (!parse_db(c, 2, &db))
        return;
    if (db == c->db) {
        resp_error(c->out, "source and destination objects are the same");
        return;
    }
    struct ks_name from = {c->db, &c->key}, to = {db, &c->key};
    if (!find_at(c, from) || find_at(c, to)) {
        resp_int(c->out, 0);
        return;
    }
    if (!put(c, ks_move, from, to))
        return;
    tell(c, from, "move_from");
    tell(c, to, "move_to");
    ctx_effect_as_is(c);
    resp_int(c->out, 1);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_move[] = {
    {.name = "rename",
     .fn = cmd_rename,
     .arity = 3,
     .flags = CMD_WRITE,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE), CMD_KEY(2, KEY_OW | KEY_UPDATE)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Gives a key another name, replacing what has that name.",
     .synopsis = "key newkey"},
    {.name = "renamenx",
     .fn = cmd_renamenx,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_DELETE), CMD_KEY(2, KEY_OW | KEY_INSERT)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Gives a key another name unless something has that name.",
     .synopsis = "key newkey"},
    {.name = "copy",
     .fn = cmd_copy,
     .arity = -3,
     .flags = CMD_WRITE | CMD_DENYOOM,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS), CMD_KEY(2, KEY_OW | KEY_UPDATE)},
     .group = "generic",
     .since = "6.2.0",
     .complexity = "O(1) for strings: large ones are shared until one side changes",
     .summary = "Copies the value and deadline of a key to another key.",
     .synopsis = "source destination [DB destination-db] [REPLACE]"},
    {.name = "move",
     .fn = cmd_move,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .keys = {CMD_KEY(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Moves a key to another database unless that has such a key.",
     .synopsis = "key db"},
    {.name = NULL},
};
