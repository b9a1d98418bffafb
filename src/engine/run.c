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
#include "engine/latency.h"
#include "engine/monitor.h"
#include "engine/multi.h"
#include "engine/pubsub.h"
#include "engine/slowlog.h"
#include "engine/watch.h"
#include "log/aof.h"

struct planned {
    struct cmd *cmd; /* the command, of a container the subcommand; NULL: there is none */
    struct key key;
    const void *line; /* where the key is looked for next; NULL: no need to */
};

/* --- what handlers ask of the engine ------------------------------------------------------------------ */

static void on_changed(struct cmd_ctx *c, int db, struct slice key, unsigned class,
                       const char *name)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    watches_touch(e->watches, db, key);
    if (class & e->config.notify)
        notify_event(e, db, key, class, name);
}

static void on_notify(struct cmd_ctx *c, int db, struct slice key, unsigned class, const char *name)
{
    struct engine *e = engine_of(c);
    if (class & e->config.notify)
        notify_event(e, db, key, class, name);
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
        .replaying = e->loading,
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
    const struct cmd_row *row = c->cmd->row;
    if (e->config.slowlog_us >= 0 && us >= e->config.slowlog_us && !(row->flags & CMD_SKIP_SLOWLOG))
        slowlog_add(e->slowlog, c->session, c->argv, c->argc, us);
    if (e->config.latency_ms > 0 && us / 1000 >= e->config.latency_ms)
        latency_add(e->latency, row->flags & CMD_FAST ? "fast-command" : "command", us / 1000,
                    e->config.latency_ms, e->wall_ms);
    if (us >= ENGINE_CLOCK_STALE_US && !e->in_exec)
        engine_turn(e);
}

/* Calls the handler with everything in `c` but what depends on the request set. The clock is read once a request, at its
 * end: within a batch that is when the next one begins, of which `start` is the time. */
static inline void call(struct cmd_ctx *c, struct engine *e, uint64_t start)
{
    struct cmd *cmd = c->cmd;
    struct session *s = c->session;
    const struct cmd_ctx *outer = e->running;
    e->running = c;
    uint64_t errors = s->writer.errors, counted = e->stats.errors;
    uint64_t log_before = e->aof ? aof_pos(e->aof) : 0;
    uint64_t reply_at = e->aof ? s->out_bytes + outq_bytes(&s->queue) : 0;
    cmd->row->fn(c);
    e->ticks = ticks_now();
    uint64_t ticks = e->ticks - start;
    e->running = outer;
    if (e->aof)
        gate_after(e, c, reply_at, log_before);

    /* Afterwards: EXEC is shown behind what it ran, and SELECT with its database, as by Redis. */
    if (monitors_any(e->monitors))
        monitors_feed(e->monitors, s, cmd, c->argv, c->argc);
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

static bool key_argument(const struct cmd *cmd, int argc, int *index)
{
    const struct cmd_keys *keys = &cmd->row->keys[0];
    *index = keys->first;
    return keys->first > 0 && keys->numkeys == 0 && keys->first < argc;
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
    if (key_argument(cmd, argc, &i))
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
               aof_fault(e->aof));
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
    if (e->effect && e->aof && aof_fault(e->aof) && !log_takes(e, s, cmd))
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
    bool log_full = e->effect && e->aof && aof_full(e->aof);
    return (log_full && (flags & CMD_WRITE)) ||
           (e->pause == PAUSE_WRITE && (flags & (CMD_WRITE | CMD_MAY_REPLICATE)));
}

/* --- one request and many -------------------------------------------------------------------------------- */

/* CLIENT REPLY: SKIP drops one reply, OFF all until ON. */
static bool reply_dropped(const struct session *s)
{
    return (s->flags & (SESSION_REPLY_OFF | SESSION_REPLY_SKIP)) != 0;
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
    c->cmd = p->cmd;
    c->argv = r->argv;
    c->argc = r->argc;
    c->key = p->key;
    context_refresh(c, e, s);
    call(c, e, e->ticks);
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

/* `before`: what the request ahead of this one was found to be, or NULL. Most pipelines repeat one command, and comparing
 * its name takes 33 instructions, looking it up 77. */
static inline struct cmd *find_command(const struct engine *e, const struct engine_request *r,
                                       struct cmd *before)
{
    if (before && !before->parent && !before->subs && r[-1].argc > 0 &&
        slice_equal(r->argv[0], r[-1].argv[0]))
        return before;
    struct cmd *cmd = cmd_lookup(e->table, r->argv[0]);
    if (cmd && cmd->subs && r->argc > 1)
        cmd = cmd_lookup_sub(cmd, r->argv[1]);
    return cmd;
}

/* Most keys are in the first line of their bucket, and nearly all others in the second. */
#define PLAN_LINES_MAX 2

static void prefetch_items(struct planned *p, int count)
{
    bool more = count > 1;
    for (int line = 0; more && line < PLAN_LINES_MAX; line++) {
        more = false;
        for (int i = 0; i < count; i++) {
            p[i].line = ks_prefetch_item(p[i].line, &p[i].key);
            more |= p[i].line != NULL;
        }
    }
}

/* Finds the commands of a batch and has their keys fetched. Returns how many are to be run with this plan: up to one
 * that may change how keys are placed, or where they are, or what becomes of effects. */
static int plan(struct engine *e, const struct session *s, const struct engine_request *r, int n,
                struct planned *p)
{
    int count = 0, index;
    bool last = false;
    while (count < n && !last) {
        struct planned *one = &p[count];
        one->line = NULL;
        one->cmd =
            r[count].argc > 0 ? find_command(e, &r[count], count ? one[-1].cmd : NULL) : NULL;
        if (one->cmd) {
            last = one->cmd->row->flags & CMD_ADMIN;
            if (key_argument(one->cmd, r[count].argc, &index)) {
                one->key = ks_key(e->ks, r[count].argv[index]);
                if (n > 1)
                    one->line = ks_prefetch(e->ks, s->db, &one->key);
                if (n > 1 && e->aof)
                    gate_prefetch(e, one->key.hash);
            }
        }
        count++;
    }
    prefetch_items(p, count);
    return count;
}

int engine_run(struct engine *e, struct session *s, const struct engine_request *requests, int n)
{
    struct planned planned[ENGINE_BATCH_MAX];
    struct cmd_ctx c;
    struct session *outer = e->current;
    int done = 0, until = 0, from = 0;
    e->current = s;
    context_init(&c, e, s);
    while (done < n && !(s->flags & SESSION_STOPPED)) {
        if (done == until) {
            from = done;
            c.effects = e->effect != NULL; /* the command before may have switched the log on */
            until += plan(e, s, requests + done,
                          n - done < ENGINE_BATCH_MAX ? n - done : ENGINE_BATCH_MAX, planned);
            e->ticks = ticks_now();
        }
        if (requests[done].argc > 0 && !run_one(&c, e, &requests[done], &planned[done - from]))
            break;
        done++;
    }
    s->active_us = e->now_us;
    e->current = outer;
    return done;
}
