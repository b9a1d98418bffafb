/* CLIENT: a client's own settings; lists of clients; closing, unblocking and pausing others. */
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
    resp_int(c->out, (int64_t)session_id(c->session));
}

static void cmd_client_getname(struct cmd_ctx *c)
{
    const char *name = session_text(c->session, SESSION_NAME);
    if (name)
        resp_bulk_cstr(c->out, name);
    else
        resp_null(c->out);
}

static void cmd_client_setname(struct cmd_ctx *c)
{
    if (session_set_text(c->session, SESSION_NAME, c->argv[2]))
        resp_ok(c->out);
    else
        resp_error(c->out, CLIENT_NAME_ERROR);
}

static void cmd_client_setinfo(struct cmd_ctx *c)
{
    bool is_name = slice_is(c->argv[2], "lib-name");
    if (!is_name && !slice_is(c->argv[2], "lib-ver"))
        resp_errorf(c->out, "Unrecognized option '%.*s'",
                    slice_shown(c->argv[2], RESP_LINE_BYTES_MAX), c->argv[2].ptr);
    else if (session_set_text(c->session, is_name ? SESSION_LIB_NAME : SESSION_LIB_VERSION,
                              c->argv[3]))
        resp_ok(c->out);
    else
        resp_errorf(c->out, "%.*s" CLIENT_TEXT_ERROR, slice_shown(c->argv[2], RESP_LINE_BYTES_MAX),
                    c->argv[2].ptr);
}

static void switch_flag(struct cmd_ctx *c, uint32_t flag)
{
    bool on = slice_is(c->argv[2], "on");
    if (!on && !slice_is(c->argv[2], "off")) {
        ctx_reply_syntax(c);
        return;
    }
    session_flags(c->session, on ? flag : 0, flag);
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

/* Only ON has a reply: OFF and SKIP are silent themselves. */
static void cmd_client_reply(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (slice_is(c->argv[2], "on")) {
        session_flags(s, 0, SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT);
        resp_ok(c->out);
    } else if (slice_is(c->argv[2], "off")) {
        session_flags(s, SESSION_REPLY_OFF, 0);
    } else if (slice_is(c->argv[2], "skip")) {
        if (!session_is(s, SESSION_REPLY_OFF))
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

static void cmd_client_tracking(struct cmd_ctx *c)
{
    if (slice_is(c->argv[2], "off"))
        resp_ok(c->out);
    else if (slice_is(c->argv[2], "on"))
        resp_error(c->out, "Keys are not tracked yet: CLIENT TRACKING ON is not supported");
    else
        ctx_reply_syntax(c);
}

static void cmd_client_caching(struct cmd_ctx *c)
{
    resp_error(c->out, "CLIENT CACHING can be called only when the client is in tracking mode with "
                       "OPTIN or OPTOUT mode enabled");
}

/* Ignores unknown capabilities, so that a client may also name some that only later servers use. */
static void cmd_client_capa(struct cmd_ctx *c)
{
    for (int i = 2; i < c->argc; i++)
        if (slice_is(c->argv[i], "redirect"))
            session_flags(c->session, SESSION_CAPA_REDIRECT, 0);
    resp_ok(c->out);
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

/* --- lists ------------------------------------------------------------------------------------ */

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

static void list_one(struct session *s, void *text)
{
    append_session(text, s);
}

static void cmd_client_list(struct cmd_ctx *c)
{
    struct client_filter filter;
    struct buf text;
    if (!client_filter_parse(c, 2, true, &filter))
        return;
    buf_init(&text);
    client_each(c, &filter, list_one, &text);
    ctx_reply_text(c, &text);
}

/* --- about others ----------------------------------------------------------------------------- */

struct killing {
    const struct session *asking;
    int64_t killed;
    bool own; /* the asking session is among them */
};

static void kill_one(struct session *s, void *arg)
{
    struct killing *k = arg;
    bool own = s == k->asking;
    if (session_is(s, SESSION_CLOSE_NOW) || (own && k->own))
        return;
    session_kill(s, own); /* the asking session still gets its reply */
    k->own = k->own || own;
    k->killed++;
}

/* CLIENT KILL addr, which replies OK, or CLIENT KILL with options, which replies a count. */
static void cmd_client_kill(struct cmd_ctx *c)
{
    struct client_filter filter;
    struct killing k = {.asking = c->session};
    if (c->argc == 3)
        client_filter_address(&filter, c->argv[2]);
    else if (!client_filter_parse(c, 2, false, &filter))
        return;
    client_each(c, &filter, kill_one, &k);
    if (c->argc > 3)
        resp_int(c->out, k.killed);
    else if (k.killed > 0)
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
    bool blocked = s && session_is(s, SESSION_BLOCKED);
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
        engine_pause(e, engine_paused(e) > what ? engine_paused(e) : what, timeout_end_us(e, ms));
    resp_ok(c->out);
}

static void cmd_client_unpause(struct cmd_ctx *c)
{
    engine_pause(engine_of(c), PAUSE_NONE, 0);
    resp_ok(c->out);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define CLIENT_FLAGS       (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE)
#define CLIENT_ADMIN_FLAGS (CLIENT_FLAGS | CMD_ADMIN)
#define CLIENT_ADMIN_ACL   (ACL_CONNECTION | ACL_ADMIN | ACL_DANGEROUS)

#define CLIENT_FILTERS                                                                             \
    "[ID client-id [client-id ...]] [TYPE client-type] [USER username] [ADDR addr] [LADDR laddr] " \
    "[IP ip] [NAME name] [LIB-NAME lib-name] [LIB-VER lib-ver] [FLAGS flags] [CAPA capa] [DB db] " \
    "[MAXAGE maxage] [IDLE idle] [SKIPME yes-or-no] [NOT-ID not-id [not-id ...]] "                 \
    "[NOT-TYPE not-type] [NOT-USER not-user] [NOT-ADDR not-addr] [NOT-LADDR not-laddr] "           \
    "[NOT-IP not-ip] [NOT-NAME not-name] [NOT-LIB-NAME not-lib-name] [NOT-LIB-VER not-lib-ver] "   \
    "[NOT-FLAGS not-flags] [NOT-CAPA not-capa] [NOT-DB not-db]"

static const struct cmd_row client_subs[] = {
    {.name = "caching",
     .fn = cmd_client_caching,
     .arity = 3,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Refused: keys are not tracked yet.",
     .synopsis = "YES | NO"},
    {.name = "capa",
     .fn = cmd_client_capa,
     .arity = -3,
     .flags = CLIENT_FLAGS | CMD_ALLOW_BUSY,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "8.0.0",
     .complexity = "O(1)",
     .summary = "Tells what the client is able to do.",
     .synopsis = "capability [capability ...]"},
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
     .synopsis = "[ip:port] " CLIENT_FILTERS},
    {.name = "list",
     .fn = cmd_client_list,
     .arity = -2,
     .flags = CLIENT_ADMIN_FLAGS,
     .acl = CLIENT_ADMIN_ACL,
     .group = "connection",
     .since = "2.4.0",
     .complexity = "O(N) where N is the number of connections",
     .summary = "Describes connections.",
     .synopsis = CLIENT_FILTERS,
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
    {.name = "tracking",
     .fn = cmd_client_tracking,
     .arity = -3,
     .flags = CLIENT_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Switches tracking of keys off; it cannot be switched on yet.",
     .synopsis = "ON | OFF"},
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
