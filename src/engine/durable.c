#include "engine/durable.h"

#include <assert.h>
#include <stdio.h>

#include "base/num.h"
#include "engine/block.h"
#include "engine/check.h"
#include "engine/engine_impl.h"
#include "engine/gate_impl.h"
#include "engine/timeout.h"
#include "log/aof.h"
#include "log/format.h"
#include "log/stream.h"

/* --- effects ---------------------------------------------------------------------------------------------- */

static void to_log(void *arg, int db, int argc, const struct slice *argv)
{
    struct engine *e = arg;
    if (e->effect_blob)
        stream_put_blob(e->stream, db, argc, argv, e->effect_blob);
    else
        stream_put(e->stream, db, argc, argv);
    e->promise.pos = stream_pos(e->stream);
}

_Static_assert(CTX_REFER_BYTES_MIN == STREAM_BLOB_BYTES_MIN, "what is large for both");

/* Pairs that are an effect each take as much more an argument. */
#define PAIR_BYTES_MAX ((size_t)3 * FORMAT_HEAD_BYTES_MAX)

static bool is_key(const struct cmd_keys *keys, int i)
{
    return i >= keys->first && (i - keys->first) % keys->step == 0 &&
           (i <= keys->last || keys->last < 0 || keys->numkeys > 0);
}

bool engine_has_room(struct engine *e, const struct cmd *cmd, const struct slice *argv, int argc)
{
    uint32_t flags = cmd->row->flags;
    if (!(flags & (CMD_WRITE | CMD_READONLY)))
        return true;
    size_t bytes = stream_command_bytes(argc, argv), blobs = 0;
    const struct cmd_keys *keys = &cmd->row->keys[0];
    for (int i = 1; (flags & CMD_REFERS) && i < argc; i++)
        if (argv[i].len >= STREAM_BLOB_BYTES_MIN && !is_key(keys, i)) {
            bytes -= argv[i].len;
            blobs++;
        }
    if ((flags & CMD_REFERS) && (blobs > 0 || keys->numkeys > 0))
        bytes += (size_t)argc * PAIR_BYTES_MAX;
    return stream_room(e->stream, bytes, blobs);
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
    p->strict = aof_syncs_always(e->aof);
    p->full = aof_full(e->aof);
    p->fault = aof_fault(e->aof);
    if (p->fault && !failed_before)
        p->fault_since_us = e->now_us;
    engine_checks_update(e);
}

void engine_log_attach(struct engine *e, struct aof *aof, bool effects)
{
    e->aof = aof;
    e->gate = gate_new();
    if (effects) {
        e->stream = stream_new(aof_pos(aof));
        stream_clock(e->stream, e->wall_ms / 1000);
        aof_follow(aof, e->stream);
        e->effect = to_log;
        e->effect_arg = e;
    }
    engine_log_look(e);
    for (struct session *s = e->first; s; s = s->next)
        s->last_pos = 0; /* positions of another log */
}

/* Resumes sessions paused by a full log. */
static void resume_paused(struct engine *e)
{
    if (e->pause == PAUSE_NONE && e->paused_count > 0)
        engine_pause(e, PAUSE_NONE, 0);
}

/* Resumes them once the log has room, or has a fault: then there may never be room, and each hears of the fault. */
static void resume_waiting(struct engine *e)
{
    if (!e->promise.full || e->promise.fault)
        resume_paused(e);
}

void engine_log_turn_end(struct engine *e)
{
    struct promise_wants wants = e->gate->wants;
    aof_awaited(e->aof, wants.waiting);
    if (wants.written)
        aof_want_written(e->aof);
    if (e->stream)
        stream_clock(e->stream, e->wall_ms / 1000);
    bool moved = aof_turn_end(e->aof);
    gate_sealed(e);
    if (wants.synced > aof_synced(e->aof))
        aof_want_sync(e->aof, wants.synced);
    if (!moved)
        return;
    engine_log_look(e);
    gate_advance(e);
    resume_waiting(e);
}

void engine_log_stop(struct engine *e)
{
    assert(e->unit.depth == 0);
    engine_log_turn_end(e);
    e->effect = NULL;
    engine_checks_update(e);
    resume_paused(e); /* sessions wait for room that may never come */
}

#define WAITAOF_WITHOUT_LOG \
    "WAITAOF cannot be used when numlocal is set but appendonly is disabled."

/* Data older than the log are in it once the first rewrite is done. */
static bool is_synced(const struct engine *e, uint64_t pos)
{
    return e->gate && e->promise.placed && e->promise.synced >= pos;
}

static void reply_synced(const struct session *s, struct resp_writer *out)
{
    resp_array(out, 2);
    resp_int(out, is_synced(s->engine, s->last_pos));
    resp_int(out, 0);
}

static void end_waitaof(struct session *s, enum unblock_why why, struct resp_writer *out)
{
    (void)why;
    heap_remove(&s->engine->sync_waits, &s->sync_wait);
    if (out)
        reply_synced(s, out);
}

/* WAITAOF for replicas only, of which there are none. */
static void end_waitaof_of_others(struct session *s, enum unblock_why why, struct resp_writer *out)
{
    (void)why;
    if (out)
        reply_synced(s, out);
}

/* WAITAOF: wakes the sessions whose position is synced. */
static void wake_waiting(struct engine *e)
{
    struct heap_node *first;
    while ((first = heap_first(&e->sync_waits)) && is_synced(e, (uint64_t)first->key))
        block_end(heap_owner(first, struct session, sync_wait), UNBLOCK_TIMEOUT);
}

/* WAITAOF: the sessions' positions will never be synced. */
static void fail_waiting(struct engine *e, const char *error)
{
    struct heap_node *first;
    while ((first = heap_first(&e->sync_waits)))
        block_fail(heap_owner(first, struct session, sync_wait), error);
}

void engine_log_failed(struct engine *e)
{
    char error[AOF_ERROR_CHARS];
    snprintf(error, sizeof(error), "-MISCONF %s", e->promise.fault);
    fail_waiting(e, error);
    gate_fault(e);
}

void engine_log_detach(struct engine *e)
{
    if (!e->aof)
        return;
    engine_log_stop(e);
    fail_waiting(e, WAITAOF_WITHOUT_LOG);
    gate_open_all(e);
    gate_free(&e->gate);
    stream_drop(&e->stream);
    e->aof = NULL;
    e->promise = (struct promise){0};
}

void engine_promise_moved(struct engine *e)
{
    gate_advance(e);
    wake_waiting(e);
    resume_waiting(e);
}

void engine_log_moved(struct engine *e)
{
    if (!e->aof)
        return;
    aof_poll(e->aof);
    engine_log_look(e);
    engine_promise_moved(e);
}

/* --- waiting ---------------------------------------------------------------------------------------------- */

static void cmd_waitaof(struct cmd_ctx *c)
{
    struct engine *e = engine_of(c);
    struct session *s = c->session;
    int64_t local, replicas, timeout_ms;
    if (!ctx_arg_range(c, 1, 0, 1, &local, NULL) ||
        !ctx_arg_range(c, 2, 0, INT64_MAX, &replicas, "value is out of range, must be positive") ||
        !timeout_parse(c, 3, &timeout_ms))
        return;
    if (local && !(e->gate && e->effect)) {
        resp_error(c->out, WAITAOF_WITHOUT_LOG);
        return;
    }
    bool synced = is_synced(e, s->last_pos);
    if (((synced || local == 0) && replicas == 0) || (s->flags & SESSION_DENY_BLOCKING)) {
        reply_synced(s, c->out);
        return;
    }
    if (e->gate)
        gate_want_synced(e, s->last_pos);
    /* A local sync is waited for to the end of the log, even where replicas would have to follow. */
    if (local)
        heap_add(&e->sync_waits, &s->sync_wait, replicas > 0 ? INT64_MAX : (int64_t)s->last_pos);
    block_session(s, timeout_ms ? timeout_end_us(e, timeout_ms) : INT64_MAX,
                  local ? end_waitaof : end_waitaof_of_others);
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
     .flags = CMD_BLOCKING,
     .acl = ACL_BLOCKING | ACL_CONNECTION,
     .group = "generic",
     .since = "7.2.0",
     .complexity = "O(1)",
     .summary = "Waits until the client's writes are synced to the append-only file.",
     .synopsis = "numlocal numreplicas timeout"},
    {.name = NULL},
};
