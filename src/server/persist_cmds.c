/* BGREWRITEAOF. */
#include "server/server_impl.h"

static void cancel(struct cmd_ctx *c)
{
    char error[CONFIG_ERROR_CHARS] = "";
    switch (persist_rewrite_cancel(server_of(c), error)) {
    case ERR_OK: resp_status(c->out, "Background append only file rewriting cancelled"); break;
    case ERR_NOTFOUND:
        resp_error(c->out, "Background append only file rewriting is currently not in progress or "
                           "scheduled");
        break;
    default: resp_errorf(c->out, "Can't cancel the AOF background rewriting: %s", error);
    }
}

static void bgrewriteaof(struct cmd_ctx *c)
{
    char error[CONFIG_ERROR_CHARS] = "";
    bool scheduled;
    if (c->argc > 1) {
        if (c->argc == 2 && slice_is(c->argv[1], "cancel"))
            cancel(c);
        else
            resp_error(c->out, ERR_TEXT_SYNTAX);
        return;
    }
    switch (persist_rewrite(server_of(c), &scheduled, error)) {
    case ERR_OK:
        resp_status(c->out, scheduled ? "Background append only file rewriting scheduled"
                                      : "Background append only file rewriting started");
        break;
    case ERR_BUSY:
        resp_error(c->out, "Background append only file rewriting already in progress");
        break;
    default: resp_errorf(c->out, "Can't execute an AOF background rewriting: %s", error);
    }
}

const struct cmd_row server_rows_persist[] = {
    {.name = "bgrewriteaof",
     .fn = bgrewriteaof,
     .arity = -1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_ASYNC_LOADING,
     .acl = ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(N) for N keys, in slices beside the serving",
     .summary =
         "Writes the data as they are in the place of the append-only file's history, or ends "
         "that before it is done.",
     .synopsis = "[CANCEL]"},
    {.name = NULL},
};
