/* MULTI, EXEC, DISCARD, WATCH, UNWATCH. EXEC runs the queued commands in order while the clock stands still. */
#include "engine/engine_impl.h"
#include "engine/interest.h"
#include "engine/kept.h"
#include "engine/multi_impl.h"
#include "engine/run.h"

static void cmd_multi(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (s->flags & SESSION_MULTI) {
        resp_error(c->out, "MULTI calls can not be nested");
        return;
    }
    if (multi_begin(s)) {
        resp_ok(c->out);
        return;
    }
    /* What its client has sent behind it was meant to be one unit, and must not run piece by piece. */
    ctx_reply_nomem(c);
    session_kill(s, true);
}

static void cmd_discard(struct cmd_ctx *c)
{
    if (!(c->session->flags & SESSION_MULTI)) {
        resp_error(c->out, "DISCARD without MULTI");
        return;
    }
    multi_discard(c->session);
    resp_ok(c->out);
}

/* The queue is taken off the session first: a queued RESET or a session killed by its own transaction must not free
 * the commands that run. */
static void run_queue(struct cmd_ctx *c, struct session_multi *m)
{
    struct engine *e = engine_of(c);
    resp_array(c->out, m->count);
    for (size_t i = 0; i < m->count; i++) {
        struct kept_request *q = m->at[i];
        e->kept = q;
        engine_call(e, c->session, q->cmd, q->argv, q->argc);
    }
    e->kept = NULL;
}

static void cmd_exec(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (!(s->flags & SESSION_MULTI)) {
        resp_error(c->out, "EXEC without MULTI");
        return;
    }
    interest_settle_expired(s);
    uint32_t flags = s->flags;
    struct session_multi *m = multi_take(s);
    s->flags |= SESSION_DENY_BLOCKING;
    if (flags & SESSION_DIRTY_EXEC)
        resp_error(c->out, "-EXECABORT Transaction discarded because of previous errors.");
    else if (flags & SESSION_DIRTY_CAS)
        resp_null_array(c->out);
    else
        run_queue(c, m);
    s->flags &= ~SESSION_DENY_BLOCKING;
    multi_free(m);
}

static void cmd_watch(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (s->flags & SESSION_MULTI) {
        resp_error(c->out, "WATCH inside MULTI is not allowed");
        return;
    }
    for (int i = 1; i < c->argc; i++) {
        /* A key that is due already goes now, so that its end is no change that the transaction would fail for. */
        struct key key = ctx_key(c, i);
        ks_find(c->ks, c->db, &key, KS_NO_TOUCH);
        if (!interest_add(s, INTEREST_WATCH, c->db, &key)) {
            ctx_reply_nomem(c);
            return;
        }
    }
    resp_ok(c->out);
}

static void cmd_unwatch(struct cmd_ctx *c)
{
    multi_forget_watched(c->session);
    resp_ok(c->out);
}

#define TRANSACTION_FLAGS (CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY)

const struct cmd_row engine_rows_multi[] = {
    {.name = "multi",
     .fn = cmd_multi,
     .arity = 1,
     .flags = TRANSACTION_FLAGS | CMD_NO_QUEUE,
     .acl = ACL_TRANSACTION,
     .group = "transactions",
     .since = "1.2.0",
     .complexity = "O(1)",
     .summary = "Opens a transaction: what follows is queued until EXEC."},
    [MULTI_ROW_EXEC] =
        {.name = "exec",
         .fn = cmd_exec,
         .arity = 1,
         .flags = CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG | CMD_NO_QUEUE,
         .acl = ACL_TRANSACTION,
         .group = "transactions",
         .since = "1.2.0",
         .complexity = "The sum of the queued commands",
         .summary =
             "Runs the queued commands of a transaction, all of them with nothing in between."},
    {.name = "discard",
     .fn = cmd_discard,
     .arity = 1,
     .flags = TRANSACTION_FLAGS | CMD_NO_QUEUE,
     .acl = ACL_TRANSACTION,
     .group = "transactions",
     .since = "2.0.0",
     .complexity = "O(N) for N queued commands",
     .summary = "Forgets a transaction and the keys watched for it."},
    {.name = "watch",
     .fn = cmd_watch,
     .arity = -2,
     .flags = TRANSACTION_FLAGS | CMD_NO_QUEUE,
     .acl = ACL_TRANSACTION,
     .keys = {{.first = 1, .last = -1, .step = 1, .flags = KEY_RO}},
     .group = "transactions",
     .since = "2.2.0",
     .complexity = "O(N) for N keys watched by the client",
     .summary = "Makes the next transaction depend on keys not changing until EXEC.",
     .synopsis = "key [key ...]"},
    {.name = "unwatch",
     .fn = cmd_unwatch,
     .arity = 1,
     .flags = TRANSACTION_FLAGS,
     .acl = ACL_TRANSACTION,
     .group = "transactions",
     .since = "2.2.0",
     .complexity = "O(N) for N watched keys",
     .summary = "Forgets all watched keys."},
    {.name = NULL},
};
