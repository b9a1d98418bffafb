#include "engine/check.h"

#include "base/buf.h"
#include "engine/engine_impl.h"
#include "engine/errors.h"
#include "engine/multi.h"
#include "engine/plan.h"

/* A request to be checked. */
struct asked {
    struct engine *e;
    struct session *s;
    const struct engine_request *r;
    struct cmd *cmd; /* NULL: unknown */
};

#define ERROR_NAME_BYTES_MAX 128 /* of a name repeated in an error */

/* --- refusing --------------------------------------------------------------------------------------------- */

/* Replies an error without running the request. A transaction around it will not be run; an EXEC that is refused
 * ends its transaction at once. */
static enum verdict reject(const struct asked *a, const char *error)
{
    struct session *s = a->s;
    if (a->cmd)
        a->cmd->stats.rejected_calls++;
    if (a->cmd && multi_is_exec(a->cmd)) {
        struct buf text;
        buf_init(&text);
        buf_printf(&text, "-EXECABORT Transaction discarded because of: %s",
                   *error == '-' ? error + 1 : error);
        multi_discard(s);
        resp_error(&s->writer, buf_cstr(&text));
        buf_deinit(&text);
    } else {
        if (s->flags & SESSION_MULTI)
            s->flags |= SESSION_DIRTY_EXEC;
        resp_error(&s->writer, error);
    }
    engine_count_error(a->e, &s->writer);
    return VERDICT_DONE;
}

static enum verdict reject_with_name(const struct asked *a, const char *before, const char *after)
{
    struct buf text;
    buf_init(&text);
    buf_printf(&text, "%s'%s'%s", before, a->cmd->full_name, after);
    reject(a, buf_cstr(&text));
    buf_deinit(&text);
    return VERDICT_DONE;
}

/* A web page can make its reader's browser send a form here, whose lines might be commands. A form starts with one
 * of these words, which ends the connection before the next line is read. */
static bool is_http(const struct engine_request *r)
{
    return slice_is(r->argv[0], "post") || slice_is(r->argv[0], "host:");
}

/* A page can try it a thousand times a second. */
#define ATTACK_LOG_EVERY_US (60 * INT64_C(1000000))

static enum verdict hang_up(const struct asked *a)
{
    struct engine *e = a->e;
    struct session_transport_info info = {.addr = ""};
    session_kill(a->s, false);
    if (e->attack_logged_us > 0 && e->now_us - e->attack_logged_us < ATTACK_LOG_EVERY_US)
        return VERDICT_DONE;
    e->attack_logged_us = e->now_us;
    if (a->s->ops && a->s->ops->describe)
        a->s->ops->describe(a->s, &info);
    log_warning(
        e->logger,
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or "
        "Host: commands. This is likely due to an attacker attempting to use Cross Protocol "
        "Scripting to compromise this server. Connection from %s aborted.",
        info.addr);
    return VERDICT_DONE;
}

static int shown(size_t len)
{
    return (int)(len < ERROR_NAME_BYTES_MAX ? len : ERROR_NAME_BYTES_MAX);
}

/* --- one function a bit ----------------------------------------------------------------------------------- */

static enum verdict check_unknown(const struct asked *a)
{
    const struct engine_request *r = a->r;
    if (is_http(r))
        return hang_up(a);
    struct buf text;
    buf_init(&text);
    const struct cmd *container = cmd_lookup(a->e->table, r->argv[0]);
    if (container) {
        buf_printf(&text, "unknown subcommand '%.*s'. Try ", shown(r->argv[1].len), r->argv[1].ptr);
        for (const char *p = container->row->name; *p; p++)
            buf_append_char(&text, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
        buf_append_cstr(&text, " HELP.");
    } else {
        buf_printf(&text,
                   "unknown command '%.*s', with args beginning with: ", shown(r->argv[0].len),
                   r->argv[0].ptr);
        size_t start = text.len;
        for (int i = 1; i < r->argc && text.len - start < ERROR_NAME_BYTES_MAX; i++) {
            size_t room = ERROR_NAME_BYTES_MAX - (text.len - start);
            buf_printf(&text, "'%.*s' ", (int)(r->argv[i].len < room ? r->argv[i].len : room),
                       r->argv[i].ptr);
        }
    }
    reject(a, buf_cstr(&text));
    buf_deinit(&text);
    return VERDICT_DONE;
}

static enum verdict check_arity(const struct asked *a)
{
    return reject_with_name(a, "wrong number of arguments for ", " command");
}

static enum verdict check_auth(const struct asked *a)
{
    if (a->e->config->password.len == 0 || (a->cmd->row->flags & CMD_NO_AUTH))
        return VERDICT_PASS;
    return reject(a, "-NOAUTH Authentication required.");
}

static enum verdict check_multi(const struct asked *a)
{
    if (!(a->cmd->row->flags & CMD_NO_MULTI))
        return VERDICT_PASS;
    return reject(a, "Command not allowed inside a transaction");
}

/* Flags of a request; EXEC has the flags of its queued commands. */
static unsigned flags_of(const struct asked *a)
{
    return a->cmd->row->flags | (multi_is_exec(a->cmd) ? multi_flags(a->s) : 0);
}

/* While the log cannot be written, writes are refused: nothing is acknowledged that could be lost. */
static enum verdict check_log_fault(const struct asked *a)
{
    if (!(flags_of(a) & CMD_WRITE))
        return VERDICT_PASS;
    struct buf text;
    buf_init(&text);
    buf_printf(&text, "-MISCONF %s", a->e->promise.fault);
    reject(a, buf_cstr(&text));
    buf_deinit(&text);
    return VERDICT_DONE;
}

static enum verdict check_subscribed(const struct asked *a)
{
    if (!session_in_pubsub_mode(a->s) || (a->cmd->row->flags & CMD_RESP2_SUBSCRIBED))
        return VERDICT_PASS;
    return reject_with_name(a, "Can't execute ",
                            ": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                            "allowed in this context");
}

static enum verdict check_loading(const struct asked *a)
{
    bool allowed = (a->cmd->row->flags & CMD_LOADING) &&
                   (!multi_is_exec(a->cmd) || (multi_common_flags(a->s) & CMD_LOADING));
    return allowed ? VERDICT_PASS : reject(a, "-LOADING Redis is loading the dataset in memory");
}

static enum verdict check_pause(const struct asked *a)
{
    if (a->e->pause == PAUSE_WRITE && !(flags_of(a) & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return VERDICT_PASS;
    return VERDICT_HELD;
}

static enum verdict check_log_full(const struct asked *a)
{
    return flags_of(a) & CMD_WRITE ? VERDICT_HELD : VERDICT_PASS;
}

static enum verdict check_queue(const struct asked *a)
{
    if (a->cmd->row->flags & CMD_NO_QUEUE)
        return VERDICT_PASS;
    if (multi_queue(a->s, a->cmd, a->r->argv, a->r->argc))
        RESP_LITERAL(&a->s->writer, "+QUEUED\r\n");
    else
        resp_error(&a->s->writer, ERR_TEXT_NOMEM);
    return VERDICT_DONE;
}

typedef enum verdict (*check_fn)(const struct asked *a);
static const check_fn checks[CHECK_COUNT] = {
    check_unknown,
    check_arity,
    check_auth,
    check_multi,
    check_log_fault,
    check_subscribed,
    check_loading,
    check_pause,
    check_log_full,
    check_queue,
    NULL, /* CHECK_REPLY: see run_checked */
    NULL, /* CHECK_SPECIAL: refuses nothing */
};

enum verdict checks_run(struct engine *e, struct session *s, const struct engine_request *r,
                        const struct planned *p, uint32_t mask)
{
    struct asked a = {e, s, r, p->cmd};
    enum verdict v = VERDICT_PASS;
    for (; mask && v == VERDICT_PASS; mask &= mask - 1) {
        check_fn check = checks[__builtin_ctz(mask)];
        v = check ? check(&a) : VERDICT_PASS;
    }
    return v;
}

/* --- masks ------------------------------------------------------------------------------------------------ */

void engine_checks_update(struct engine *e)
{
    uint32_t mask = 0;
    if (e->loading)
        mask |= CHECK_LOADING;
    if (e->pause != PAUSE_NONE)
        mask |= CHECK_PAUSE;
    if (e->effect && e->promise.fault)
        mask |= CHECK_LOG_FAULT;
    if (e->effect && e->promise.full)
        mask |= CHECK_LOG_FULL;
    e->checks = mask;
    /* A removal is a write: where none may be, due keys are hidden and nothing else. */
    bool writes = !(mask & (CHECK_PAUSE | CHECK_LOG_FAULT | CHECK_LOG_FULL));
    ks_set_expiry_mode(e->ks, e->loading ? KS_EXPIRY_IGNORE
                              : writes   ? KS_EXPIRY_REMOVE
                                         : KS_EXPIRY_HIDE);
}
