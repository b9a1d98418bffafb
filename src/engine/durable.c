#include "engine/durable.h"

#include <assert.h>
#include <stdio.h>

#include "base/num.h"
#include "engine/block.h"
#include "engine/engine.h"
#include "engine/gate.h"
#include "engine/timeout.h"
#include "log/aof.h"
#include "store/snapshot.h"
#include "store/string.h"
#include "store/value.h"

#define REWRITE_SLICE_KEYS  64 /* one at a time where rdb-key-save-delay slows it down, */
#define REWRITE_REST_US_MAX (5 * 1000 * 1000) /* for as long as that altogether */

/* --- effects ---------------------------------------------------------------------------------------------- */

static void to_log(void *arg, int db, int argc, const struct slice *argv)
{
    struct engine *e = arg;
    aof_append(e->aof, db, argc, argv, e->wall_ms / 1000);
    e->promise.pos = aof_pos(e->aof);
}

void engine_log_look(struct engine *e)
{
    struct promise *p = &e->promise;
    bool failed_before = p->fault != NULL;
    p->pos = aof_pos(e->aof);
    p->policy = aof_promised(e->aof);
    p->written = aof_written(e->aof);
    p->synced = aof_synced(e->aof);
    p->placed = aof_placed(e->aof);
    p->full = aof_full(e->aof);
    p->fault = aof_fault(e->aof);
    if (p->fault && !failed_before)
        p->fault_since_us = e->now_us;
}

void engine_log_attach(struct engine *e, struct aof *aof, bool effects)
{
    e->aof = aof;
    e->gate = gate_new();
    e->effect = effects ? to_log : NULL;
    e->effect_arg = e;
    engine_log_look(e);
    for (struct session *s = e->first; s; s = s->next)
        s->last_pos = 0; /* of another log */
}

/* Whoever waited for room in the log. */
static void resume_paused(struct engine *e)
{
    if (e->pause == PAUSE_NONE && e->paused_count > 0)
        engine_pause(e, PAUSE_NONE, 0);
}

void engine_log_turn_end(struct engine *e)
{
    struct promise_wants wants = e->gate->wants;
    aof_awaited(e->aof, wants.waiting);
    if (wants.written)
        aof_want_written(e->aof);
    bool moved = aof_turn_end(e->aof);
    gate_sealed(e);
    if (wants.synced > aof_synced(e->aof))
        aof_want_sync(e->aof, wants.synced);
    if (!moved)
        return;
    engine_log_look(e);
    gate_advance(e);
    if (!e->promise.full)
        resume_paused(e);
}

void engine_log_stop(struct engine *e)
{
    assert(!e->in_exec);
    engine_log_turn_end(e);
    ks_snapshot_end(&e->snapshot);
    e->effect = NULL;
    resume_paused(e); /* room in it is not needed any more, nor may there ever be some */
}

void engine_log_detach(struct engine *e)
{
    if (!e->aof)
        return;
    engine_log_stop(e);
    gate_open_all(e);
    gate_free(&e->gate);
    e->aof = NULL;
    e->promise = (struct promise){0};
}

/* What was there before the log was switched on is in it once the first rewrite is done. */
static bool is_synced(const struct engine *e, uint64_t pos)
{
    return e->aof && e->promise.placed && e->promise.synced >= pos;
}

static void answer_waitaof(struct session *s, enum unblock_why why)
{
    struct resp_writer *w = why == UNBLOCK_CLOSE ? NULL : session_push_open(s);
    if (!w)
        return;
    if (why == UNBLOCK_ERROR) {
        resp_error(w, "-UNBLOCKED client unblocked via CLIENT UNBLOCK");
    } else {
        resp_array(w, 2);
        resp_int(w, is_synced(s->engine, s->last_pos));
        resp_int(w, 0);
    }
    session_push_close(s);
}

/* WAITAOF: everybody whose position is synced. */
static void wake_waiting(struct engine *e)
{
    struct session *next;
    for (struct session *s = e->blocked_count ? e->first : NULL; s; s = next) {
        next = s->next;
        if ((s->flags & SESSION_BLOCKED) && s->unblock == answer_waitaof &&
            is_synced(e, s->wait_synced_pos))
            block_end(s, UNBLOCK_TIMEOUT);
    }
}

/* --- rewriting -------------------------------------------------------------------------------------------- */

/* A key as the commands that make it. */
static void give_key(void *arg, int db, const struct item *it)
{
    struct engine *e = arg;
    struct value_cursor cursor;
    struct value_command cmd;
    value_cursor_init(&cursor, it);
    while (value_cursor_next(&cursor, &cmd)) {
        struct blob *b = cmd.in_runs >= 0 ? string_blob(it, 0) : NULL;
        if (b) {
            struct slice deadline = cmd.argc > 4 ? cmd.argv[4] : slice_of(NULL, 0);
            struct aof_large_key large = {db, cmd.argv[1], slice_of(b->data, b->len), deadline};
            aof_rewrite_add_large(e->aof, &large, blob_drop_owner, blob_hold(b));
        } else if (cmd.argc == 3) {
            aof_rewrite_add_string(e->aof, db, cmd.argv[1], cmd.argv[2]);
        } else {
            aof_rewrite_add(e->aof, db, cmd.argc, cmd.argv);
        }
    }
    value_cursor_deinit(&cursor);
}

enum err engine_rewrite_begin(struct engine *e, char error[ENGINE_LOG_ERROR_CHARS])
{
    /* Asked before anything begins, as that makes files. */
    if (aof_rewriting(e->aof) || ks_snapshot_busy(e->ks)) {
        snprintf(error, ENGINE_LOG_ERROR_CHARS, "the last snapshot is still being tidied up");
        return ERR_BUSY;
    }
    return aof_rewrite_prepare(e->aof, e->now_us, error);
}

/* What was changed so far belongs to the old increment and is in the snapshot. */
static void take_snapshot(struct engine *e)
{
    e->rewrite_rests_until_us = 0;
    e->rewrite_rest_left_us = REWRITE_REST_US_MAX;
    engine_log_turn_end(e);
    aof_rewrite_begin(e->aof, e->wall_ms / 1000);
    e->snapshot = ks_snapshot_begin(e->ks, give_key, e);
    assert(e->snapshot); /* there is room: see engine_rewrite_begin */
}

void engine_log_moved(struct engine *e)
{
    if (!e->aof)
        return;
    aof_poll(e->aof);
    engine_log_look(e);
    gate_advance(e);
    wake_waiting(e);
    if (!e->promise.full)
        resume_paused(e);
    if (aof_rewrite_prepared(e->aof))
        take_snapshot(e);
}

bool engine_rewrite_slice(struct engine *e)
{
    if (!e->aof)
        return false;
    if (!aof_rewrite_collecting(e->aof)) {
        ks_snapshot_end(&e->snapshot); /* where the log gave it up: a disk that fails, say */
        return false;
    }
    int64_t rest_us = e->config.rewrite_key_delay_us, left_us = e->rewrite_rest_left_us;
    if (aof_rewrite_full(e->aof) || (rest_us > 0 && e->now_us < e->rewrite_rests_until_us))
        return false;
    if (aof_rewrite_has_large(e->aof)) {
        aof_rewrite_give_piece(e->aof);
        return true;
    }
    rest_us = rest_us < left_us ? rest_us : left_us;
    if (rest_us > 0) {
        e->rewrite_rests_until_us = e->now_us + rest_us;
        e->rewrite_rest_left_us -= rest_us;
    }
    if (ks_snapshot_slice(e->snapshot, rest_us > 0 ? 1 : REWRITE_SLICE_KEYS))
        return rest_us <= 0;
    if (aof_rewrite_has_large(e->aof))
        return true;
    ks_snapshot_end(&e->snapshot);
    aof_rewrite_end(e->aof);
    return false;
}

/* --- waiting ---------------------------------------------------------------------------------------------- */

static void cmd_waitaof(struct cmd_ctx *c)
{
    struct engine *e = engine_of(c);
    struct session *s = c->session;
    int64_t local, replicas, timeout_ms;
    if (!ctx_arg_range(c, 1, 0, 1, &local, "value is out of range, must be between 0 and 1") ||
        !ctx_arg_range(c, 2, 0, INT64_MAX, &replicas, "value is out of range, must be positive") ||
        !timeout_parse(c, 3, &timeout_ms))
        return;
    if (local && !(e->aof && e->effect)) {
        resp_error(c->out,
                   "WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
        return;
    }
    bool synced = is_synced(e, s->last_pos);
    if (((synced || local == 0) && replicas == 0) || (s->flags & SESSION_DENY_BLOCKING)) {
        resp_array(c->out, 2);
        resp_int(c->out, synced);
        resp_int(c->out, 0);
        return;
    }
    s->wait_synced_pos = replicas > 0 || !e->aof ? UINT64_MAX : s->last_pos;
    if (e->gate)
        gate_want_synced(e, s->last_pos);
    block_session(s, timeout_ms ? timeout_end_us(e, timeout_ms) : INT64_MAX, answer_waitaof);
}

void cmd_client_durability(struct cmd_ctx *c)
{
    static const struct {
        const char *name;
        enum durability level;
    } levels[] = {{"fsync", DURABILITY_FSYNC},
                  {"written", DURABILITY_WRITTEN},
                  {"none", DURABILITY_NONE},
                  {"default", DURABILITY_POLICY}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (!slice_is(c->argv[2], levels[i].name))
            continue;
        c->session->durability = levels[i].level;
        resp_ok(c->out);
        return;
    }
    resp_error(c->out, "the durability of replies is one of fsync, written, none and default");
}

const struct cmd_row engine_rows_durable[] = {
    {.name = "waitaof",
     .fn = cmd_waitaof,
     .arity = 4,
     .flags = CMD_BLOCKING | CMD_NOSCRIPT,
     .acl = ACL_BLOCKING | ACL_CONNECTION,
     .group = "generic",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Waits until the client's writes are synced to the append-only file.",
     .synopsis = "numlocal numreplicas timeout"},
    {.name = NULL},
};
