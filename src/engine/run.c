/* A request's way through the engine.
 *
 *   requests of a batch --> plan: find the command, hash the key, prefetch its bucket
 *                       --> prefetch the item
 *                       --> for each, in order: checks (check.h) --> call --> reply in the session's queue
 *
 * The two passes ahead of the calls let the cache misses of a whole pipeline overlap. */
#include "engine/run.h"

#include <assert.h>

#include "engine/block.h"
#include "engine/check.h"
#include "engine/count_impl.h"
#include "engine/durable.h"
#include "engine/interest.h"
#include "engine/multi.h"
#include "engine/plan_impl.h"
#include "engine/wait.h"

/* --- functions of the engine for handlers ------------------------------------------------------------- */

static void on_changed(struct cmd_ctx *c, int db, const struct key *key, unsigned class,
                       const char *name)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    if (c->touched)
        touched_add(c->touched, key->hash, true);
    interest_changed(e->interest, db, key);
    unit_event(e, db, key->name, class, name);
}

static void on_notify(struct cmd_ctx *c, int db, struct slice key, unsigned class, const char *name)
{
    struct engine *e = engine_of(c);
    unit_event(e, db, key, class, name);
}

static void on_effect(struct cmd_ctx *c, int db, int argc, const struct slice *argv)
{
    unit_effect(engine_of(c), db, argc, argv);
}

static void on_effect_blob(struct cmd_ctx *c, int db, int argc, const struct slice *argv,
                           struct blob *blob)
{
    struct engine *e = engine_of(c);
    e->effect_blob = blob;
    unit_effect(e, db, argc, argv);
    e->effect_blob = NULL;
}

static struct blob *on_blob(struct cmd_ctx *c, struct slice arg)
{
    const struct session *s = c->session;
    const struct kept_request *kept = engine_of(c)->kept;
    if (kept)
        return kept_blob(kept, arg.ptr);
    return s && s->ops && s->ops->blob ? s->ops->blob(s, arg.ptr) : NULL;
}

static void on_flush(struct cmd_ctx *c, int db)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    ctx_note_all(c);
    interest_flushing(e->interest, db);
}

static void on_swap(struct cmd_ctx *c, int a, int b)
{
    struct engine *e = engine_of(c);
    e->stats.dirty++;
    ctx_note_all(c);
    interest_swapping(e->interest, a, b);
}

static const struct cmd_host_ops host_ops = {
    .changed = on_changed,
    .notify = on_notify,
    .effect = on_effect,
    .effect_blob = on_effect_blob,
    .blob = on_blob,
    .flushed = on_flush,
    .swapped = on_swap,
    .block = wait_begin,
};

/* --- running a request ---------------------------------------------------------------------------------- */

/* Sets the fields that the previous request may have changed. */
static void context_refresh(struct cmd_ctx *c, const struct engine *e, const struct session *s)
{
    c->db = s->db;
    c->now_ms = e->wall_ms;
    c->string_bytes_max = e->config->bulk_bytes_max;
    c->no_touch = (s->flags & SESSION_NO_TOUCH) != 0;
    c->tell_new = (e->config->notify & NOTIFY_NEW) != 0;
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
        .touched = e->gate ? &e->unit.touched : NULL,
        .effects = e->effect != NULL,
        .replaying = e->replaying,
    };
    context_refresh(c, e, s);
}

enum call {
    CALL_AT_ONCE, /* the request cannot wait for a key */
    CALL_FIRST,   /* the request may begin to wait */
    CALL_AGAIN,   /* the request has waited, and may go on waiting */
};

/* Runs the handler of c->cmd. `start` is the time at which the request begins. The clock is read once a request, at its
 * end, which within a batch is the start of the next request. */
static inline __attribute__((always_inline)) void call(struct cmd_ctx *c, struct engine *e,
                                                       uint64_t start, enum call as)
{
    struct cmd *cmd = c->cmd;
    struct session *s = c->session;
    const struct cmd_ctx *outer = e->running;
    e->running = c;
    uint64_t errors = s->writer.errors, counted = e->stats.errors;
    unit_begin(e, s);
    if (e->stream && !engine_has_room(e, cmd, c->argv, c->argc))
        ctx_reply_nomem(c);
    else
        cmd->row->fn(c);
    unit_end(e);
    e->ticks = ticks_now();
    uint64_t ticks = e->ticks - start;
    e->running = outer;

    /* Monitors see a request after it ran: EXEC behind its commands, and SELECT with its new database, as in Redis. A
     * request that waits is shown when it begins to wait, and counted when it is done. */
    if (e->monitors > 0 && as != CALL_AGAIN)
        e->observers.request(e->observers.clients, s, cmd, c->argv, c->argc);
    if (as != CALL_AT_ONCE && s->wait) {
        s->last_cmd = cmd;
        ticks = s->wait->ticks += ticks;
        if (as == CALL_FIRST || s->wait->again)
            return;
    }
    /* An error of a command in EXEC was counted for that command, and is not counted for EXEC again. */
    bool failed =
        s->writer.errors != errors && s->writer.errors - errors > e->stats.errors - counted;
    count_call(e, s, cmd, ticks, failed);
    if (__builtin_expect(ticks >= e->slow_ticks_min, 0)) {
        count_slow(e, c, ticks);
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
    call(&c, e, ticks_now(), CALL_AT_ONCE);
}

/* --- one request and many -------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) void run_planned(struct cmd_ctx *c, struct engine *e,
                                                              const struct engine_request *r,
                                                              const struct planned *p, enum call as)
{
    c->cmd = p->cmd;
    c->argv = r->argv;
    c->argc = r->argc;
    c->key = p->key;
    c->now_ms = e->wall_ms;
    call(c, e, e->ticks, as);
}

/* CLIENT REPLY SKIP drops the reply of the next request. */
static void turn_reply_skip(struct session *s)
{
    if (s->flags & SESSION_REPLY_SKIP_NEXT)
        session_flags(s, SESSION_REPLY_SKIP, SESSION_REPLY_SKIP_NEXT);
    else
        session_flags(s, 0, SESSION_REPLY_SKIP);
}

/* Runs a request for which some bit of the mask is set. False: the request is held, and is to be offered again. */
static bool run_checked(struct cmd_ctx *c, struct engine *e, const struct engine_request *r,
                        const struct planned *p, uint32_t mask)
{
    struct session *s = c->session;
    if (r->argc == 0)
        return true;
    struct outq_mark mark = {0};
    if (mask & CHECK_REPLY)
        mark = outq_mark(&s->queue);
    enum verdict verdict = checks_run(e, s, r, p, mask);
    if (verdict == VERDICT_HELD) {
        session_hold(s, p->cmd);
        return false;
    }
    if (mask & CHECK_REPLY)
        turn_reply_skip(s);
    if (verdict == VERDICT_PASS)
        run_planned(c, e, r, p, CALL_FIRST);
    if ((mask & CHECK_REPLY) && session_drops_reply(s))
        outq_rollback(&s->queue, mark);
    if (!outq_empty(&e->pushes))
        outq_move(&s->queue, &e->pushes);
    return true;
}

/* Runs the request with which the session waits. The session's queue gets the reply, then messages for the session. */
static void run_again(struct session *s)
{
    struct engine *e = s->engine;
    const struct kept_request *kept = s->wait->request;
    const struct engine_request r = {kept->argv, kept->argc};
    struct planned p = {.cmd = kept->cmd};
    struct cmd_ctx c;
    int i;
    struct outq_mark mark = outq_mark(&s->queue);
    if (plan_key_argument(p.cmd, r.argc, &i))
        p.key = ks_key(e->ks, r.argv[i]);
    context_init(&c, e, s);
    e->ticks = ticks_now();
    if (checks_run(e, s, &r, &p, e->checks & ~s->unchecked & CHECKS_OF_SERVED) == VERDICT_PASS)
        run_planned(&c, e, &r, &p, CALL_AGAIN);
    if (session_drops_reply(s))
        outq_rollback(&s->queue, mark);
    if (!outq_empty(&e->pushes))
        outq_move(&s->queue, &e->pushes);
}

bool engine_serve(struct session *s, const struct item *it)
{
    struct engine *e = s->engine;
    struct session *outer = e->current;
    if (item_type(it) != s->wait->type ||
        (s->flags & (SESSION_CLOSE_AFTER_REPLY | SESSION_CLOSE_NOW)))
        return false;
    e->current = s;
    s->wait->again = false;
    run_again(s);
    e->current = outer;
    if (!s->wait->again)
        wait_done(s);
    return true;
}

int engine_run(struct engine *e, struct session *s, const struct engine_request *requests, int n,
               struct plan *plan)
{
    struct plan own;
    struct cmd_ctx c;
    struct session *outer = e->current;
    int done = 0, until = 0, from = 0;
    e->current = s;
    context_init(&c, e, s);
    for (; done < n && !(s->flags & SESSION_STOPPED); done++) {
        if (done == until) {
            from = done;
            if (!plan || from > 0) {
                plan = &own;
                plan_make(plan, e, s->db, requests + from, n - from, n - from > 1);
            }
            if (plan->count > 1) /* a single request is looked up right away */
                plan_fetch(plan, e, s->db);
            until += plan->count;
            context_refresh(&c, e, s);
            c.effects = e->effect != NULL; /* the previous request may have switched the log on */
            c.touched = e->gate ? &e->unit.touched : NULL;
            e->ticks = ticks_now();
        }
        const struct engine_request *r = &requests[done];
        const struct planned *p = &plan->of[done - from];
        plan_fetch_ahead(plan, e, c.db, done - from);
        if (__builtin_expect(plan->elements, 0))
            plan_fetch_elements_ahead(plan, e, c.db, requests + from, done - from);
        uint32_t mask = (s->checks | e->checks | p->checks) & ~s->unchecked;
        if (__builtin_expect(mask == 0, 1)) {
            run_planned(&c, e, r, p, CALL_AT_ONCE);
        } else {
            if (!run_checked(&c, e, r, p, mask))
                break;
            context_refresh(&c, e, s);
        }
        if (__builtin_expect(e->keys_ready, 0))
            interest_serve(e->interest);
    }
    s->active_us = e->now_us;
    e->current = outer;
    return done;
}
