/* CLIENT: what a client sets for itself, and what it learns about and does to others. */
#include "clients/client_cmds.h"

#include "base/buf.h"
#include "clients/client_filter.h"
#include "clients/describe.h"
#include "engine/block.h"
#include "engine/durable.h"
#include "engine/engine.h"
#include "engine/timeout.h"

/* --- about itself ----------------------------------------------------------------------------- */

static void cmd_client_id(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)c->session->id);
}

static void cmd_client_getname(struct cmd_ctx *c)
{
    if (c->session->name)
        resp_bulk_cstr(c->out, c->session->name);
    else
        resp_null(c->out);
}

static void cmd_client_setname(struct cmd_ctx *c)
{
    if (session_set_text(&c->session->name, c->argv[2]))
        resp_ok(c->out);
    else
        resp_error(c->out, CLIENT_NAME_ERROR);
}

static void cmd_client_setinfo(struct cmd_ctx *c)
{
    struct session *s = c->session;
    bool is_name = slice_is(c->argv[2], "lib-name");
    if (!is_name && !slice_is(c->argv[2], "lib-ver"))
        resp_errorf(c->out, "Unrecognized option '%.*s'",
                    slice_shown(c->argv[2], RESP_LINE_BYTES_MAX), c->argv[2].ptr);
    else if (session_set_text(is_name ? &s->lib_name : &s->lib_version, c->argv[3]))
        resp_ok(c->out);
    else
        resp_errorf(c->out, "%.*s" CLIENT_TEXT_ERROR, slice_shown(c->argv[2], RESP_LINE_BYTES_MAX),
                    c->argv[2].ptr);
}

static void set_flag(struct session *s, uint32_t flag, bool on)
{
    s->flags = on ? s->flags | flag : s->flags & ~flag;
}

static void switch_flag(struct cmd_ctx *c, uint32_t flag)
{
    bool on = slice_is(c->argv[2], "on");
    if (!on && !slice_is(c->argv[2], "off")) {
        ctx_reply_syntax(c);
        return;
    }
    set_flag(c->session, flag, on);
    resp_ok(c->out);
}

static void cmd_client_no_evict(struct cmd_ctx *c)
{
    switch_flag(c, SESSION_NO_EVICT);
}

static void cmd_client_no_touch(struct cmd_ctx *c)
{
    switch_flag(c, SESSION_NO_TOUCH);
}

/* Only ON is answered: the others take effect at once, on themselves. */
static void cmd_client_reply(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (slice_is(c->argv[2], "on")) {
        session_flags(s, 0, SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT);
        resp_ok(c->out);
    } else if (slice_is(c->argv[2], "off")) {
        session_flags(s, SESSION_REPLY_OFF, 0);
    } else if (slice_is(c->argv[2], "skip")) {
        if (!(s->flags & SESSION_REPLY_OFF))
            session_flags(s, SESSION_REPLY_SKIP_NEXT, 0);
    } else {
        ctx_reply_syntax(c);
    }
}

/* There is no tracking of keys, so nothing is redirected. */
static void cmd_client_getredir(struct cmd_ctx *c)
{
    resp_int(c->out, -1);
}

static void cmd_client_trackinginfo(struct cmd_ctx *c)
{
    resp_map(c->out, 3);
    resp_bulk_cstr(c->out, "flags");
    resp_set(c->out, 1);
    resp_bulk_cstr(c->out, "off");
    resp_bulk_cstr(c->out, "redirect");
    resp_int(c->out, -1);
    resp_bulk_cstr(c->out, "prefixes");
    resp_array(c->out, 0);
}

/* --- who there is ----------------------------------------------------------------------------- */

static void append_session(struct buf *text, const struct session *s)
{
    client_describe(s, text);
    buf_append_char(text, '\n');
}

static void cmd_client_info(struct cmd_ctx *c)
{
    struct buf text;
    buf_init(&text);
    append_session(&text, c->session);
    ctx_reply_text(c, &text);
}

/* CLIENT LIST ID id ... False: the error is replied. */
static bool list_by_id(struct cmd_ctx *c, struct buf *text)
{
    for (int i = 3; i < c->argc; i++) {
        int64_t id;
        if (!ctx_arg_range(c, i, INT64_MIN, INT64_MAX, &id, "Invalid client ID"))
            return false;
        const struct session *s = id > 0 ? engine_session_by_id(engine_of(c), (uint64_t)id) : NULL;
        if (s && !(s->flags & SESSION_INTERNAL))
            append_session(text, s);
    }
    return true;
}

static void list_by_type(struct cmd_ctx *c, enum client_type type, struct buf *text)
{
    struct client_filter filter = {.type = type};
    for (const struct session *s = engine_of(c)->first; s; s = s->next)
        if (client_filter_matches(&filter, s, c->session))
            append_session(text, s);
}

/* CLIENT LIST [TYPE type | ID id ...]. False: the error is replied. */
static bool list_sessions(struct cmd_ctx *c, struct buf *text)
{
    enum client_type type = CLIENT_ANY;
    if (c->argc > 3 && slice_is(c->argv[2], "id"))
        return list_by_id(c, text);
    if (c->argc == 4 && slice_is(c->argv[2], "type")) {
        if (!client_type_parse(c, c->argv[3], &type))
            return false;
    } else if (c->argc > 2) {
        ctx_reply_syntax(c);
        return false;
    }
    list_by_type(c, type, text);
    return true;
}

static void cmd_client_list(struct cmd_ctx *c)
{
    struct buf text;
    buf_init(&text);
    if (list_sessions(c, &text))
        ctx_reply_text(c, &text);
    else
        buf_deinit(&text);
}

/* --- what is done to others ------------------------------------------------------------------- */

/* CLIENT KILL addr, which says OK, or CLIENT KILL with options, which says how many. */
static void cmd_client_kill(struct cmd_ctx *c)
{
    struct client_filter filter = {.addr = &c->argv[2]};
    int64_t killed = 0;
    if (c->argc > 3 && !client_filter_parse(c, 2, &filter))
        return;
    for (struct session *s = engine_of(c)->first; s; s = s->next) {
        if ((s->flags & SESSION_CLOSE_NOW) || !client_filter_matches(&filter, s, c->session))
            continue;
        session_kill(s, s == c->session); /* who asks still hears the answer */
        killed++;
    }
    if (c->argc > 3)
        resp_int(c->out, killed);
    else if (killed > 0)
        resp_ok(c->out);
    else
        resp_error(c->out, "No such client");
}

static void cmd_client_unblock(struct cmd_ctx *c)
{
    enum unblock_why why = UNBLOCK_TIMEOUT;
    int64_t id;
    if (c->argc > 4) {
        ctx_reply_unknown_sub(c);
        return;
    }
    if (c->argc == 4 && slice_is(c->argv[3], "error")) {
        why = UNBLOCK_ERROR;
    } else if (c->argc == 4 && !slice_is(c->argv[3], "timeout")) {
        resp_error(c->out, "CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
        return;
    }
    if (!ctx_arg_i64(c, 2, &id))
        return;
    struct session *s = id > 0 ? engine_session_by_id(engine_of(c), (uint64_t)id) : NULL;
    bool blocked = s && (s->flags & SESSION_BLOCKED);
    if (blocked)
        block_end(s, why);
    resp_int(c->out, blocked);
}

/* A second pause neither shortens nor weakens the one under way. */
static void cmd_client_pause(struct cmd_ctx *c)
{
    struct engine *e = engine_of(c);
    enum engine_pause what = PAUSE_ALL;
    int64_t ms;
    if (c->argc > 4) {
        ctx_reply_unknown_sub(c);
        return;
    }
    if (c->argc == 4 && slice_is(c->argv[3], "write")) {
        what = PAUSE_WRITE;
    } else if (c->argc == 4 && !slice_is(c->argv[3], "all")) {
        resp_error(c->out, "CLIENT PAUSE mode must be WRITE or ALL");
        return;
    }
    if (!timeout_parse(c, 2, &ms))
        return;
    if (ms > 0)
        engine_pause(e, e->pause > what ? e->pause : what, timeout_end_us(e, ms));
    resp_ok(c->out);
}

static void cmd_client_unpause(struct cmd_ctx *c)
{
    engine_pause(engine_of(c), PAUSE_NONE, 0);
    resp_ok(c->out);
}

static void cmd_client_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "GETNAME",
        "    Tell the name of this connection.",
        "GETREDIR",
        "    Tell where notices of tracked keys go: always -1, keys are not tracked.",
        "ID",
        "    Tell the number of this connection.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from <ip:port>.",
        "KILL <option> <value> [<option> <value> ...]",
        "    Close all connections that fit all options, and tell how many. Options are:",
        "    * ADDR <ip:port>|<unixsocket>:0",
        "      from this address",
        "    * LADDR <ip:port>|<unixsocket>:0",
        "      to this address",
        "    * TYPE NORMAL|MASTER|REPLICA|PUBSUB",
        "      of this type",
        "    * USER <username>",
        "      of this user",
        "    * SKIPME YES|NO",
        "      but this connection (YES unless given)",
        "    * ID <client-id>",
        "      with this number",
        "    * MAXAGE <seconds>",
        "      at least as old",
        "LIST [TYPE NORMAL|MASTER|REPLICA|PUBSUB | ID <client-id> ...]",
        "    Describe all connections, those of a type or those with these numbers.",
        "UNPAUSE",
        "    End a pause.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Hold back all requests (or those that write) for <timeout> milliseconds.",
        "REPLY ON|OFF|SKIP",
        "    Answer this connection's requests, none of them, or all but the next.",
        "SETNAME <name>",
        "    Name this connection.",
        "SETINFO LIB-NAME|LIB-VER <value>",
        "    Tell the name or the version of the client's library.",
        "UNBLOCK <client-id> [TIMEOUT|ERROR]",
        "    End what a connection waits for, as if the time were up or with an error.",
        "TRACKINGINFO",
        "    Tell how keys are tracked for this connection: never.",
        "NO-EVICT ON|OFF",
        "    Exempt this connection from being closed when connections take too much memory.",
        "NO-TOUCH ON|OFF",
        "    Leave the access clocks of keys alone.",
        "DURABILITY FSYNC|WRITTEN|NONE|DEFAULT",
        "    Hold replies back until what they tell of is so safe.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define CLIENT_FLAGS       (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define CLIENT_ADMIN_FLAGS (CLIENT_FLAGS | CMD_ADMIN)
#define CLIENT_ADMIN_ACL   (ACL_CONNECTION | ACL_ADMIN | ACL_DANGEROUS)

static const struct cmd_row client_subs[] = {
    {.name = "durability",
     .fn = cmd_client_durability,
     .arity = 3,
     .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Says how durable this client's writes must be before their replies leave.",
     .synopsis = "<FSYNC | WRITTEN | NONE | DEFAULT>"},
    {.name = "getname",
     .fn = cmd_client_getname,
     .arity = 2,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Tells the name of this connection.",
     .synopsis = ""},
    {.name = "getredir",
     .fn = cmd_client_getredir,
     .arity = 2,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Tells where notices of tracked keys are redirected to.",
     .synopsis = ""},
    {.name = "id",
     .fn = cmd_client_id,
     .arity = 2,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Tells the number of this connection, which no other ever has.",
     .synopsis = ""},
    {.name = "info",
     .fn = cmd_client_info,
     .arity = 2,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Describes this connection.",
     .synopsis = "",
     .tips = "nondeterministic_output"},
    {.name = "kill",
     .fn = cmd_client_kill,
     .arity = -3,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of connections",
     .summary = "Closes connections.",
     .synopsis = "[ip:port] [ID client-id] [TYPE client-type] [USER username] [ADDR addr] "
                 "[LADDR laddr] [SKIPME yes-or-no] [MAXAGE maxage]"},
    {.name = "list",
     .fn = cmd_client_list,
     .arity = -2,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of connections",
     .summary = "Describes connections.",
     .synopsis = "[TYPE client-type] [ID client-id [client-id ...]]",
     .tips = "nondeterministic_output"},
    {.name = "no-evict",
     .fn = cmd_client_no_evict,
     .arity = 3,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "7.0.0",
     .complexity = "O(1)",
     .summary = "Exempts this connection from being closed for its memory.",
     .synopsis = "ON | OFF"},
    {.name = "no-touch",
     .fn = cmd_client_no_touch,
     .arity = 3,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Lets the requests of this connection leave no trace in access clocks.",
     .synopsis = "ON | OFF"},
    {.name = "pause",
     .fn = cmd_client_pause,
     .arity = -3,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary = "Holds requests back for some time.",
     .synopsis = "timeout [WRITE | ALL]"},
    {.name = "reply",
     .fn = cmd_client_reply,
     .arity = 3,
     .flags = CLIENT_FLAGS | CMD_NO_MULTI,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "3.2.0",
     .complexity = "O(1)",
     .summary = "Chooses whether requests of this connection are answered.",
     .synopsis = "ON | OFF | SKIP"},
    {.name = "setinfo",
     .fn = cmd_client_setinfo,
     .arity = 4,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Tells the server which library the client uses.",
     .synopsis = "LIB-NAME libname | LIB-VER libver",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "setname",
     .fn = cmd_client_setname,
     .arity = 3,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "2.6.9",
     .complexity = "O(1)",
     .summary = "Names this connection.",
     .synopsis = "connection-name",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "trackinginfo",
     .fn = cmd_client_trackinginfo,
     .arity = 2,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Tells how keys are tracked for this connection.",
     .synopsis = ""},
    {.name = "unblock",
     .fn = cmd_client_unblock,
     .arity = -3,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "5.0.0",
     .complexity = "O(N) where N is the number of connections",
     .summary = "Ends what another connection waits for.",
     .synopsis = "client-id [TIMEOUT | ERROR]"},
    {.name = "unpause",
     .fn = cmd_client_unpause,
     .arity = 2,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "6.2.0",
     .complexity = "O(N) where N is the number of paused connections",
     .summary = "Ends CLIENT PAUSE.",
     .synopsis = ""},
    {.name = "help",
     .fn = cmd_client_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "5.0.0",
     .complexity = "O(1)",
     .summary = "Tells what the subcommands do.",
     .synopsis = ""},
    {0},
};

const struct cmd_row clients_rows_client[] = {
    {.name = "client",
     .arity = -2,
     .group = "connection",
     .since = "2.4.0",
     .complexity = "Depends on the subcommand.",
     .summary = "Describes and governs connections.",
     .synopsis = "subcommand [argument ...]",
     .subs = client_subs},
    {0},
};
