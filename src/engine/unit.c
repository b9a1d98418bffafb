#include "engine/unit.h"

#include "base/mem.h"
#include "engine/engine_impl.h"
#include "engine/gate_impl.h"
#include "log/stream.h"

void unit_open(struct engine *e, struct session *s)
{
    struct unit *u = &e->unit;
    u->work = UNIT_GATE;
    u->session = s;
    u->before = e->promise.pos;
    touched_clear(&u->touched);
    if (!s)
        return;
    u->reply_at = outq_end(&s->queue);
    if (e->promise.fault)
        u->reply = outq_mark(&s->queue);
}

void unit_deinit(struct unit *u)
{
    mem_free(u->told);
    u->told = NULL;
}

bool unit_nested(const struct engine *e)
{
    return e->unit.depth > 1;
}

/* --- effects ---------------------------------------------------------------------------------------------- */

void unit_effect(struct engine *e, int db, int argc, const struct slice *argv)
{
    struct unit *u = &e->unit;
    if (!e->effect)
        return;
    if (e->stream && !(u->work & UNIT_STREAM)) {
        u->work |= UNIT_STREAM;
        stream_unit_begin(e->stream);
    }
    e->effect(e->effect_arg, db, argc, argv);
}

/* --- messages --------------------------------------------------------------------------------------------- */

void unit_event(struct engine *e, int db, struct slice key, unsigned class, const char *name)
{
    if (!(class & e->config->notify) || !e->observers.event)
        return;
    e->unit.telling = true;
    e->observers.event(e->observers.clients, db, key, class, name);
    e->unit.telling = false;
}

void unit_tells(struct engine *e, struct session *s)
{
    struct unit *u = &e->unit;
    if (!u->telling || !(u->work & UNIT_GATE) || s->told)
        return;
    if (u->told_count == u->told_cap) {
        u->told_cap = u->told_cap ? u->told_cap * 2 : 8;
        u->told = mem_realloc(u->told, u->told_cap * sizeof(*u->told));
    }
    s->told = true;
    u->told[u->told_count++] = (struct unit_told){s, outq_end(&s->queue)};
}

/* --- gates ------------------------------------------------------------------------------------------------ */

/* The reply of a read of a change that is not safe yet, and may never be, as the log has a fault. Where a sync was
 * promised, the client gets the fault in its place; else the reply goes, from memory. A reply about keys as such
 * (DBSIZE, SCAN) goes in any case. */
static void reply_with_fault(struct engine *e, struct session *s)
{
    bool promised = s->durability == DURABILITY_FSYNC ||
                    (s->durability == DURABILITY_POLICY && e->promise.strict);
    if (!promised || e->unit.touched.all)
        return;
    outq_rollback(&s->queue, e->unit.reply);
    resp_errorf(&s->writer, "-MISCONF %s", e->promise.fault);
}

static void gate_reply(struct engine *e, struct session *s, uint64_t pos)
{
    bool own = e->promise.pos != e->unit.before;
    if (own)
        s->last_pos = pos;
    if (gate_is_open(e, pos, s->durability))
        return;
    if (e->promise.fault && !own)
        reply_with_fault(e, s);
    else
        gate_close(s,
                   &(struct closed_gate){
                       .offset = e->unit.reply_at, .pos = pos, .level = s->durability, .own = own});
}

static void gate_messages(struct engine *e, uint64_t pos)
{
    struct unit *u = &e->unit;
    for (size_t i = 0; i < u->told_count; i++) {
        struct session *s = u->told[i].session;
        s->told = false;
        if (!gate_is_open(e, pos, s->durability))
            gate_close(s, &(struct closed_gate){
                              .offset = u->told[i].offset, .pos = pos, .level = s->durability});
    }
    u->told_count = 0;
}

void unit_close(struct engine *e)
{
    struct unit *u = &e->unit;
    if (u->work & UNIT_STREAM) {
        stream_unit_end(e->stream);
        e->promise.pos = stream_pos(e->stream);
    }
    if (e->gate && (u->work & UNIT_GATE)) {
        bool changed = e->promise.pos != u->before;
        uint64_t pos = changed ? gate_changed(e, &u->touched) : gate_read(e, &u->touched);
        if (u->session)
            gate_reply(e, u->session, pos);
        gate_messages(e, pos);
    }
    u->work = 0;
}
