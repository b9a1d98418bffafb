/* Commands about a client's own connection: PING ECHO QUIT RESET SELECT AUTH HELLO; and WAIT. */
#include <limits.h>

#include "base/mem.h"
#include "base/secret.h"
#include "clients/client_cmds.h"
#include "engine/block.h"
#include "engine/engine.h"
#include "engine/timeout.h"
#include "engine/version.h"

static void cmd_ping(struct cmd_ctx *c)
{
    if (c->argc > 2) {
        ctx_reply_arity(c);
    } else if (session_in_pubsub_mode(c->session)) {
        /* A subscribed RESP2 client reads messages only, so the reply has their form. */
        resp_array(c->out, 2);
        resp_bulk_cstr(c->out, "pong");
        resp_bulk(c->out, c->argc == 2 ? c->argv[1] : SLICE(""));
    } else if (c->argc == 2) {
        resp_bulk(c->out, c->argv[1]);
    } else {
        RESP_LITERAL(c->out, "+PONG\r\n");
    }
}

static void cmd_echo(struct cmd_ctx *c)
{
    resp_bulk(c->out, c->argv[1]);
}

static void cmd_quit(struct cmd_ctx *c)
{
    resp_ok(c->out);
    session_kill(c->session, true);
}

static void cmd_reset(struct cmd_ctx *c)
{
    session_reset(c->session);
    RESP_LITERAL(c->out, "+RESET\r\n");
}

static void cmd_select(struct cmd_ctx *c)
{
    int64_t db;
    if (!ctx_arg_i64(c, 1, &db))
        return;
    if (db < INT_MIN || db > INT_MAX)
        resp_errorf(c->out, "value is out of range, value must between %d and %d", INT_MIN,
                    INT_MAX);
    else if (db < 0 || db >= ks_databases(c->ks))
        resp_error(c->out, "DB index is out of range");
    else {
        session_select(c->session, (int)db);
        resp_ok(c->out);
    }
}

/* --- passwords -------------------------------------------------------------------------------- */

#define USER_NAME "default" /* there is no other */

static bool password_needed(const struct engine *e)
{
    return engine_config(e)->password.len > 0;
}

/* False: the error is replied. */
static bool authenticate(struct cmd_ctx *c, struct slice user, struct slice password)
{
    struct engine *e = engine_of(c);
    bool right = !password_needed(e) || secret_equal(password, engine_config(e)->password);
    if (!right || !slice_equal(user, SLICE(USER_NAME))) {
        engine_stats(e)->auth_failures++;
        resp_error(c->out, "-WRONGPASS invalid username-password pair or user is disabled.");
        return false;
    }
    session_flags(c->session, SESSION_AUTHENTICATED, 0);
    return true;
}

static void cmd_auth(struct cmd_ctx *c)
{
    if (c->argc > 3) {
        ctx_reply_syntax(c);
        return;
    }
    if (c->argc == 2 && !password_needed(engine_of(c))) {
        resp_error(c->out, "AUTH <password> called without any password configured for the default "
                           "user. Are you sure your configuration is correct?");
        return;
    }
    if (authenticate(c, c->argc == 3 ? c->argv[1] : SLICE(USER_NAME), c->argv[c->argc - 1]))
        resp_ok(c->out);
}

/* --- HELLO ------------------------------------------------------------------------------------ */

struct hello {
    int64_t proto;                   /* 0: unchanged */
    const struct slice *credentials; /* user and password, or NULL */
    const struct slice *name;        /* or NULL */
};

/* False: the error is replied. */
static bool hello_parse(struct cmd_ctx *c, struct hello *h)
{
    *h = (struct hello){0};
    if (c->argc > 1 && !ctx_arg_range(c, 1, INT64_MIN, INT64_MAX, &h->proto,
                                      "Protocol version is not an integer or out of range"))
        return false;
    if (c->argc > 1 && h->proto != 2 && h->proto != 3) {
        resp_error(c->out, "-NOPROTO unsupported protocol version");
        return false;
    }
    for (int i = 2; i < c->argc; i++) {
        int more = c->argc - 1 - i;
        if (slice_is(c->argv[i], "auth") && more >= 2) {
            h->credentials = &c->argv[i + 1];
            i += 2;
        } else if (slice_is(c->argv[i], "setname") && more >= 1) {
            h->name = &c->argv[++i];
            if (!session_text_is_valid(*h->name)) {
                resp_error(c->out, CLIENT_NAME_ERROR);
                return false;
            }
        } else {
            resp_errorf(c->out, "Syntax error in HELLO option '%.*s'",
                        slice_shown(c->argv[i], RESP_LINE_BYTES_MAX), c->argv[i].ptr);
            return false;
        }
    }
    return true;
}

static void hello_reply(struct cmd_ctx *c)
{
    struct resp_writer *w = c->out;
    resp_map(w, 7);
    resp_bulk_cstr(w, "server");
    resp_bulk_cstr(w, "redis");
    resp_bulk_cstr(w, "version");
    resp_bulk_cstr(w, ENGINE_REDIS_VERSION);
    resp_bulk_cstr(w, "proto");
    resp_int(w, w->proto);
    resp_bulk_cstr(w, "id");
    resp_int(w, (int64_t)session_id(c->session));
    resp_bulk_cstr(w, "mode");
    resp_bulk_cstr(w, "standalone");
    resp_bulk_cstr(w, "role");
    resp_bulk_cstr(w, "master");
    resp_bulk_cstr(w, "modules");
    resp_array(w, 0);
}

static void cmd_hello(struct cmd_ctx *c)
{
    struct hello h;
    if (!hello_parse(c, &h))
        return;
    if (h.credentials && !authenticate(c, h.credentials[0], h.credentials[1]))
        return;
    if (password_needed(engine_of(c)) && !session_is(c->session, SESSION_AUTHENTICATED)) {
        resp_error(c->out, "-NOAUTH HELLO must be called with the client already authenticated, "
                           "otherwise the HELLO <proto> AUTH <user> <pass> option can be used to "
                           "authenticate the client and select the RESP protocol version at the "
                           "same time");
        return;
    }
    if (h.name)
        session_set_text(c->session, SESSION_NAME, *h.name);
    if (h.proto)
        c->out->proto = (uint8_t)h.proto;
    hello_reply(c);
}

/* --- WAIT ------------------------------------------------------------------------------------- */

/* There are no replicas, so none has acknowledged when the time is up. */
static void wait_end(struct session *s, enum unblock_why why, struct resp_writer *out)
{
    (void)s, (void)why;
    if (out)
        resp_int(out, 0);
}

static void cmd_wait(struct cmd_ctx *c)
{
    int64_t replicas, ms;
    if (!ctx_arg_i64(c, 1, &replicas) || !timeout_parse(c, 2, &ms))
        return;
    if (replicas <= 0 || session_is(c->session, SESSION_DENY_BLOCKING))
        resp_int(c->out, 0);
    else
        block_session(c->session, ms > 0 ? timeout_end_us(engine_of(c), ms) : INT64_MAX, wait_end);
}

/* --- rows ------------------------------------------------------------------------------------- */

#define HANDSHAKE_FLAGS \
    (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY)

const struct cmd_row clients_rows_connection[] = {
    {.name = "ping",
     .fn = cmd_ping,
     .arity = -1,
     .flags = CMD_FAST | CMD_RESP2_SUBSCRIBED,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Answers PONG, or the message if there is one.",
     .synopsis = "[message]",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "echo",
     .fn = cmd_echo,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Answers the message.",
     .synopsis = "message"},
    {.name = "quit",
     .fn = cmd_quit,
     .arity = -1,
     .flags = HANDSHAKE_FLAGS | CMD_NO_QUEUE | CMD_RESP2_SUBSCRIBED,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Closes the connection once the replies are sent.",
     .synopsis = ""},
    {.name = "reset",
     .fn = cmd_reset,
     .arity = 1,
     .flags = HANDSHAKE_FLAGS | CMD_NO_QUEUE | CMD_RESP2_SUBSCRIBED,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Makes the connection as it was when new.",
     .synopsis = ""},
    {.name = "select",
     .fn = cmd_select,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Chooses the database that later requests are about.",
     .synopsis = "index"},
    {.name = "auth",
     .fn = cmd_auth,
     .arity = -2,
     .flags = HANDSHAKE_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Proves by a password that the client may send requests.",
     .synopsis = "[username] password"},
    {.name = "hello",
     .fn = cmd_hello,
     .arity = -1,
     .flags = HANDSHAKE_FLAGS,
     .acl = ACL_CONNECTION,
     .group = "connection",
     .since = "6.0.0",
     .complexity = "O(1)",
     .summary = "Chooses the protocol and tells about the server.",
     .synopsis = "[protover [AUTH username password] [SETNAME clientname]]"},
    {.name = "wait",
     .fn = cmd_wait,
     .arity = 3,
     .flags = CMD_BLOCKING,
     .acl = ACL_BLOCKING | ACL_CONNECTION,
     .group = "generic",
     .since = "3.0.0",
     .complexity = "O(1)",
     .summary = "Waits until replicas have what this client wrote, or the time is up.",
     .synopsis = "numreplicas timeout",
     .tips = "request_policy:all_shards,response_policy:agg_min"},
    {0},
};
