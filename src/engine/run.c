/* A request's way through the engine.
 *
 *   requests of a batch --> find: command, key's hash, bucket on its way from memory
 *                       --> item on its way from memory
 *                       --> for each, in order: admit --> queue (MULTI) or call --> reply in the session's queue
 *
 * The first two passes are there for the cache misses: those of a whole pipeline are taken at once instead of one
 * behind the other. */
#include "engine/run.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "engine/errors.h"
#include "engine/gate.h"
#include "engine/multi.h"
#include "engine/plan.h"
#include "engine/watch.h"
#include "log/aof.h"

/* --- what handlers ask of the engine ------------------------------------------------------------------ */

static void on_changed(struct cmd_ctx *c, int db, const struct key *key, unsigned class,
                       const char *name)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    watches_touch(e->watches, db, key->name);
    engine_event(e, db, key->name, class, name);
}

static void on_notify(struct cmd_ctx *c, int db, struct slice key, unsigned class, const char *name)
{
    struct engine *e = engine_of(c);
    engine_event(e, db, key, class, name);
}

void engine_effect(struct engine *e, int db, int argc, const struct slice *argv)
{
    if (!e->effect)
        return;
    if ((e->in_exec || e->together) && !e->exec_effects) {
        e->exec_effects = true;
        if (e->aof)
            aof_group_begin(e->aof);
        e->effect(e->effect_arg, db, 1, &SLICE("MULTI"));
    }
    e->effect_db = db;
    e->effect(e->effect_arg, db, argc, argv);
}

void engine_effects_end(struct engine *e)
{
    if (e->exec_effects) {
        e->effect(e->effect_arg, e->effect_db, 1, &SLICE("EXEC"));
        if (e->aof)
            aof_group_end(e->aof);
    }
    e->exec_effects = false;
}

static void on_effect(struct cmd_ctx *c, int db, int argc, const struct slice *argv)
{
    engine_effect(engine_of(c), db, argc, argv);
}

static void on_together(struct cmd_ctx *c, bool on)
{
    struct engine *e = engine_of(c);
    if (e->in_exec)
        return;
    e->together = on;
    if (!on)
        engine_effects_end(e);
}

static void on_flush(struct cmd_ctx *c, int db)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    watches_touch_all(e->watches, db);
}

static void on_swap(struct cmd_ctx *c, int a, int b)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    watches_swap(e->watches, a, b);
}

static const struct cmd_host_ops host_ops = {
    .changed = on_changed,
    .notify = on_notify,
    .effect = on_effect,
    .together = on_together,
    .flushed = on_flush,
    .swapped = on_swap,
};

/* --- running a request ---------------------------------------------------------------------------------- */

/* What the request before may have changed. */
static void context_refresh(struct cmd_ctx *c, const struct engine *e, const struct session *s)
{
    c->db = s->db;
    c->now_ms = e->wall_ms;
    c->string_bytes_max = e->config.bulk_bytes_max;
    c->no_touch = (s->flags & SESSION_NO_TOUCH) != 0;
    c->tell_new = (e->config.notify & NOTIFY_NEW) != 0;
}

static void context_init(struct cmd_ctx *c, struct engine *e, struct session *s)
{
    *c = (struct cmd_ctx){
        .ks = e->ks,
        .out = &s->writer,
        .rng = e->rng,
        .ops = &host_ops,
        .host = (struct cmd_host *)e,
        .session = s,
        .table = e->table,
        .effects = e->effect != NULL,
        .replaying = e->replaying,
    };
    context_refresh(c, e, s);
}

/* Nearly all take less than a microsecond, for which nothing needs to be divided. */
static inline void count_duration(const struct engine *e, struct cmd *cmd, uint64_t ticks)
{
    struct cmd_stats *st = &cmd->stats;
    int bucket = 0;
    if (!st->histogram)
        st->histogram = mem_zalloc(CMD_HISTOGRAM_BUCKETS * sizeof(*st->histogram));
    if (ticks >= e->us_ticks) {
        uint64_t us = ticks / e->us_ticks;
        bucket = 64 - __builtin_clzll(us);
    }
    st->histogram[bucket < CMD_HISTOGRAM_BUCKETS ? bucket : CMD_HISTOGRAM_BUCKETS - 1]++;
}

/* What is only looked at when a request took at least a microsecond-scale threshold. */
static void report_slow(struct engine *e, const struct cmd_ctx *c, int64_t us)
{
    if (e->observers.slow)
        e->observers.slow(e->observers.admin, c, us);
    if (us >= ENGINE_CLOCK_STALE_US && !e->in_exec && e->late)
        e->late(e);
}

/* Calls the handler with everything in `c` but what depends on the request set. The clock is read once a request, at its
 * end: within a batch that is when the next one begins, of which `start` is the time. */
static inline __attribute__((always_inline)) void call(struct cmd_ctx *c, struct engine *e,
                                                       uint64_t start)
{
    struct cmd *cmd = c->cmd;
    struct session *s = c->session;
    const struct cmd_ctx *outer = e->running;
    e->running = c;
    uint64_t errors = s->writer.errors, counted = e->stats.errors;
    uint64_t log_before = e->promise.pos;
    uint64_t reply_at = e->gate ? s->out_bytes + outq_bytes(&s->queue) : 0;
    cmd->row->fn(c);
    e->ticks = ticks_now();
    uint64_t ticks = e->ticks - start;
    e->running = outer;
    if (e->gate)
        gate_after(e, c, reply_at, log_before);

    /* Afterwards: EXEC is shown behind what it ran, and SELECT with its database, as by Redis. */
    if (e->monitors > 0)
        e->observers.request(e->observers.clients, s, cmd, c->argv, c->argc);
    cmd->stats.calls++;
    cmd->stats.ticks += ticks;
    e->stats.commands++;
    s->commands++;
    s->last_cmd = cmd;
    /* Errors of what EXEC ran are counted there, not for EXEC again. */
    if (s->writer.errors != errors && s->writer.errors - errors > e->stats.errors - counted) {
        cmd->stats.failed_calls++;
        engine_count_error(e, &s->writer);
    }
    if (e->config.latency_tracking)
        count_duration(e, cmd, ticks);
    if (__builtin_expect(ticks >= e->slow_ticks_min, 0)) {
        report_slow(e, c, (int64_t)((double)ticks / e->ticks_per_us));
        e->ticks = ticks_now();
    }
}

void engine_call(struct engine *e, struct session *s, struct cmd *cmd, const struct slice *argv,
                 int argc)
{
    struct cmd_ctx c;
    int i;
    context_init(&c, e, s);
    c.cmd = cmd;
    c.argv = argv;
    c.argc = argc;
    if (plan_key_argument(cmd, argc, &i))
        c.key = ks_key(e->ks, argv[i]);
    call(&c, e, ticks_now());
}

/* --- what is checked before ------------------------------------------------------------------------------ */

static bool needs_auth(const struct engine *e, const struct session *s)
{
    return e->config.password.len > 0 && !(s->flags & SESSION_AUTHENTICATED);
}

/* Replies an error without running anything. A transaction that it happens in will not be run. */
static void reject(struct engine *e, struct session *s, struct cmd *cmd, const char *error)
{
    if (cmd)
        cmd->stats.rejected_calls++;
    if (s->flags & SESSION_MULTI)
        s->flags |= SESSION_DIRTY_EXEC;
    resp_error(&s->writer, error);
    engine_count_error(e, &s->writer);
}

static void reject_unknown(struct engine *e, struct session *s, const struct engine_request *r)
{
    struct buf text;
    buf_init(&text);
    struct cmd *container = cmd_lookup(e->table, r->argv[0]);
    int name_len = (int)(r->argv[0].len < 128 ? r->argv[0].len : 128);
    if (container) {
        int sub_len = (int)(r->argv[1].len < 128 ? r->argv[1].len : 128);
        buf_printf(&text, "unknown subcommand '%.*s'. Try ", sub_len, r->argv[1].ptr);
        for (const char *p = container->row->name; *p; p++)
            buf_append_char(&text, (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p));
        buf_append_cstr(&text, " HELP.");
    } else {
        buf_printf(&text, "unknown command '%.*s', with args beginning with: ", name_len,
                   r->argv[0].ptr);
        size_t start = text.len;
        for (int i = 1; i < r->argc && text.len - start < 128; i++) {
            size_t room = 128 - (text.len - start);
            buf_printf(&text, "'%.*s' ", (int)(r->argv[i].len < room ? r->argv[i].len : room),
                       r->argv[i].ptr);
        }
    }
    reject(e, s, NULL, buf_cstr(&text));
    buf_deinit(&text);
}

static void reject_with_name(struct engine *e, struct session *s, struct cmd *cmd,
                             const char *before, const char *after)
{
    struct buf text;
    buf_init(&text);
    buf_printf(&text, "%s'%s'%s", before, cmd->full_name, after);
    reject(e, s, cmd, buf_cstr(&text));
    buf_deinit(&text);
}

/* Flags of a request, with those of what EXEC would run. */
static unsigned flags_with_queue(const struct session *s, const struct cmd *cmd)
{
    unsigned flags = cmd->row->flags;
    if ((s->flags & SESSION_MULTI) && (flags & CMD_NO_QUEUE))
        flags |= multi_flags(s);
    return flags;
}

/* While the log cannot be written, writes are refused: nothing is acknowledged that could be lost. */
static bool log_takes(struct engine *e, struct session *s, struct cmd *cmd)
{
    if (!(flags_with_queue(s, cmd) & CMD_WRITE))
        return true;
    bool exec = !(cmd->row->flags & CMD_WRITE);
    struct buf text;
    buf_init(&text);
    buf_printf(&text, "%sMISCONF %s", exec ? "-EXECABORT Transaction discarded because of: " : "-",
               e->promise.fault);
    reject(e, s, cmd, buf_cstr(&text));
    buf_deinit(&text);
    if (exec)
        multi_discard(s);
    return false;
}

/* A web page can make its reader's browser send a form here, whose lines might be commands. It
 * starts with one of these, which ends the connection before the next line is looked at. */
static bool is_http(const struct engine_request *r)
{
    return slice_is(r->argv[0], "post") || slice_is(r->argv[0], "host:");
}

static void hang_up(struct engine *e, struct session *s)
{
    struct session_transport_info info = {.addr = ""};
    if (s->ops && s->ops->describe)
        s->ops->describe(s, &info);
    log_warning(
        e->logger,
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or "
        "Host: commands. This is likely due to an attacker attempting to use Cross Protocol "
        "Scripting to compromise this server. Connection from %s aborted.",
        info.addr);
    session_kill(s, false);
}

/* True: the request may be queued or run. Else its error is replied. */
static bool admit(struct engine *e, struct session *s, struct cmd *cmd,
                  const struct engine_request *r)
{
    if (!cmd) {
        if (is_http(r))
            hang_up(e, s);
        else
            reject_unknown(e, s, r);
        return false;
    }
    uint32_t flags = cmd->row->flags;
    if (!cmd->row->fn || !cmd_arity_ok(cmd, r->argc)) {
        reject_with_name(e, s, cmd, "wrong number of arguments for ", " command");
        return false;
    }
    if (needs_auth(e, s) && !(flags & CMD_NO_AUTH)) {
        reject(e, s, cmd, "-NOAUTH Authentication required.");
        return false;
    }
    if (e->loading && !(flags & CMD_LOADING) && !(s->flags & SESSION_INTERNAL)) {
        reject(e, s, cmd, "-LOADING Redis is loading the dataset in memory");
        return false;
    }
    if (e->effect && e->promise.fault && !log_takes(e, s, cmd))
        return false;
    if ((s->flags & SESSION_MULTI) && (flags & CMD_NO_MULTI)) {
        reject(e, s, cmd, "Command not allowed inside a transaction");
        return false;
    }
    if (s->pubsub && !(flags & CMD_RESP2_SUBSCRIBED) && session_in_pubsub_mode(s)) {
        reject_with_name(e, s, cmd, "Can't execute ",
                         ": only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                         "allowed in this context");
        return false;
    }
    return true;
}

/* Does CLIENT PAUSE, or a log that takes no more for now, hold this request back? */
static bool is_held_back(const struct engine *e, const struct session *s, const struct cmd *cmd)
{
    if (s->flags & SESSION_INTERNAL)
        return false;
    if (e->pause == PAUSE_ALL)
        return true;
    unsigned flags = flags_with_queue(s, cmd);
    bool log_full = e->effect && e->promise.full;
    return (log_full && (flags & CMD_WRITE)) ||
           (e->pause == PAUSE_WRITE && (flags & (CMD_WRITE | CMD_MAY_REPLICATE)));
}

/* --- one request and many -------------------------------------------------------------------------------- */

/* CLIENT REPLY: SKIP drops one reply, OFF all until ON. */
static bool reply_dropped(const struct session *s)
{
    return (s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
}

static inline __attribute__((always_inline)) void run_planned(struct cmd_ctx *c, struct engine *e,
                                                              const struct engine_request *r,
                                                              const struct planned *p)
{
    c->cmd = p->cmd;
    c->argv = r->argv;
    c->argc = r->argc;
    c->key = p->key;
    c->now_ms = e->wall_ms;
    call(c, e, e->ticks);
}

static void run_admitted(struct cmd_ctx *c, struct engine *e, const struct engine_request *r,
                         const struct planned *p)
{
    struct session *s = c->session;
    assert(p->cmd); /* or nothing had been admitted */
    if ((s->flags & SESSION_MULTI) && !(p->cmd->row->flags & CMD_NO_QUEUE)) {
        if (multi_queue(s, p->cmd, r->argv, r->argc))
            RESP_LITERAL(&s->writer, "+QUEUED\r\n");
        else
            ctx_reply_nomem(c);
        return;
    }
    context_refresh(c, e, s);
    run_planned(c, e, r, p);
}

/* False: the session was paused; the request is to be offered again. */
static bool run_one(struct cmd_ctx *c, struct engine *e, const struct engine_request *r,
                    const struct planned *p)
{
    struct session *s = c->session;
    if ((e->pause != PAUSE_NONE || e->aof) && p->cmd && is_held_back(e, s, p->cmd)) {
        s->flags |= SESSION_PAUSED;
        e->paused_count++;
        return false;
    }
    bool may_drop = s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT);
    struct outq_mark mark = {0};
    if (may_drop) {
        s->flags &= ~SESSION_REPLY_SKIP;
        if (s->flags & SESSION_REPLY_SKIP_NEXT)
            s->flags = (s->flags & ~SESSION_REPLY_SKIP_NEXT) | SESSION_REPLY_SKIP;
        mark = outq_mark(&s->queue);
    }
    if (admit(e, s, p->cmd, r))
        run_admitted(c, e, r, p);
    if (may_drop && reply_dropped(s))
        outq_rollback(&s->queue, mark);
    if (!outq_empty(&e->pushes))
        outq_move(&s->queue, &e->pushes);
    return true;
}

/* Nearly all requests are for data, of sessions in no special state. What run_one and admit look at is then looked at once
 * a batch instead of once a request, as such requests change none of it. */
static bool plain_session(const struct engine *e, const struct session *s)
{
    const uint32_t special = SESSION_STOPPED | SESSION_MULTI | SESSION_MONITOR | SESSION_REPLY_OFF |
                             SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT;
    return !(s->flags & special) && !s->pubsub && !needs_auth(e, s) && e->pause == PAUSE_NONE &&
           (!e->loading || (s->flags & SESSION_INTERNAL));
}

/* The log takes whatever comes. */
static inline bool log_is_open(const struct engine *e)
{
    return !e->promise.fault && !e->promise.full;
}

int engine_run(struct engine *e, struct session *s, const struct engine_request *requests, int n,
               struct plan *plan)
{
    struct plan own;
    struct cmd_ctx c;
    struct session *outer = e->current;
    int done = 0, until = 0, from = 0;
    bool plain = false;
    e->current = s;
    context_init(&c, e, s);
    for (; done < n && !(s->flags & SESSION_STOPPED); done++) {
        if (done == until) {
            from = done;
            if (!plan || from > 0) {
                plan = &own;
                plan_make(plan, e, s->db, requests + from, n - from, n - from > 1);
            }
            if (plan->count > 1) /* else the look-up itself is next */
                plan_fetch(plan, e, s->db);
            until += plan->count;
            context_refresh(&c, e, s);
            c.effects = e->effect != NULL; /* the command before may have switched the log on */
            plain = plain_session(e, s);
            e->ticks = ticks_now();
        }
        const struct engine_request *r = &requests[done];
        const struct planned *p = &plan->of[done - from];
        plan_fetch_ahead(plan, e, c.db, done - from);
        if (plain && p->plain && log_is_open(e)) {
            run_planned(&c, e, r, p);
        } else {
            if (r->argc > 0 && !run_one(&c, e, r, p))
                break;
            context_refresh(&c, e, s);
            plain = plain_session(e, s);
        }
    }
    s->active_us = e->now_us;
    e->current = outer;
    return done;
}
