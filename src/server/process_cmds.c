/* LASTSAVE and SHUTDOWN stand here as they are about the process's end and its files. */
#include "engine/session.h"
#include "server/server_impl.h"

static void lastsave(struct cmd_ctx *c)
{
    resp_int(c->out, server_of(c)->created_wall_ms / 1000);
}

/* --- SHUTDOWN --------------------------------------------------------------------------------------- */

struct shutdown_words {
    bool save, nosave, now, force, abort;
};

static bool parse_shutdown(struct cmd_ctx *c, struct shutdown_words *w)
{
    *w = (struct shutdown_words){0};
    for (int i = 1; i < c->argc; i++) {
        bool *flag = slice_is(c->argv[i], "save")     ? &w->save
                     : slice_is(c->argv[i], "nosave") ? &w->nosave
                     : slice_is(c->argv[i], "now")    ? &w->now
                     : slice_is(c->argv[i], "force")  ? &w->force
                     : slice_is(c->argv[i], "abort")  ? &w->abort
                                                      : NULL;
        if (!flag)
            return false;
        *flag = true;
    }
    return !(w->save && w->nosave) && !(w->abort && c->argc > 2);
}

/* No reply: the connection's end is the answer, once all replies are sent. */
static void shutdown_cmd(struct cmd_ctx *c)
{
    struct server *s = server_of(c);
    struct shutdown_words w;
    bool logs = s->persist.state == PERSIST_ON;
    if (!parse_shutdown(c, &w)) {
        ctx_reply_syntax(c);
    } else if (w.abort) {
        if (server_stop_abort(s))
            resp_ok(c->out);
        else
            resp_error(c->out, "No shutdown in progress.");
    } else if (persist_begins(s) && !w.force && !w.nosave) {
        log_warning(&s->logger, "Writing initial AOF, can't exit");
        resp_error(c->out, "Errors trying to SHUTDOWN. Check logs.");
    } else if (w.save && !w.force && !logs) {
        resp_error(c->out, "Errors trying to SHUTDOWN: nothing can be saved, 'appendonly' is 'no'");
    } else {
        if (w.save && !logs)
            log_warning(&s->logger, "SHUTDOWN SAVE FORCE: nothing is saved, 'appendonly' is 'no'");
        server_drain(s, 0, true);
        if (w.now && s->stop != STOP_ASKED)
            server_drain(s, 0, true); /* a second call ends the wait */
        if (c->session)
            session_kill(c->session, true); /* takes no more requests */
    }
}

#define ADMIN_ACL (ACL_ADMIN | ACL_DANGEROUS)

const struct cmd_row server_rows_process[] = {
    {.name = "lastsave",
     .fn = lastsave,
     .arity = 1,
     .flags = CMD_LOADING | CMD_STALE | CMD_FAST,
     .acl = ADMIN_ACL,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Tells when data was last saved; the time of the start, as nothing is saved yet.",
     .tips = "nondeterministic_output"},
    {.name = "shutdown",
     .fn = shutdown_cmd,
     .arity = -1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_ALLOW_BUSY,
     .acl = ADMIN_ACL,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Stops the server once all replies are sent.",
     .synopsis = "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]"},
    {.name = NULL},
};
