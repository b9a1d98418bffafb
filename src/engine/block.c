#include "engine/block.h"

#include <assert.h>

#include "engine/check.h"
#include "engine/engine_impl.h"
#include "engine/errors.h"
#include "engine/interest.h"

void block_session(struct session *s, int64_t deadline_us, block_end_fn end)
{
    struct engine *e = s->engine;
    assert(!(s->flags & SESSION_BLOCKED));
    s->flags |= SESSION_BLOCKED;
    s->block_deadline_us = deadline_us;
    s->unblock = end;
    e->blocked_count++;
    if (deadline_us != INT64_MAX)
        heap_add(&e->deadlines, &s->deadline, deadline_us);
}

static void leave(struct session *s)
{
    struct engine *e = s->engine;
    assert(s->flags & SESSION_BLOCKED);
    if (s->block_deadline_us != INT64_MAX)
        heap_remove(&e->deadlines, &s->deadline);
    s->flags &= ~SESSION_BLOCKED;
    s->block_deadline_us = INT64_MAX;
    s->unblock = NULL;
    e->blocked_count--;
}

static void end_with(struct session *s, enum unblock_why why, const char *error)
{
    block_end_fn end = s->unblock;
    leave(s);
    bool quiet = why == UNBLOCK_CLOSE || session_drops_reply(s);
    struct resp_writer *w = quiet ? NULL : session_push_open(s);
    if (w && error) {
        resp_error(w, error);
        engine_count_error(s->engine, w);
    }
    end(s, why, error ? NULL : w);
    if (w)
        session_push_close(s);
    if (why != UNBLOCK_CLOSE)
        s->ops->resume(s);
}

void block_end(struct session *s, enum unblock_why why)
{
    end_with(s, why,
             why == UNBLOCK_ERROR ? "-UNBLOCKED client unblocked via CLIENT UNBLOCK" : NULL);
}

void block_fail(struct session *s, const char *error)
{
    end_with(s, UNBLOCK_FAULT, error);
}

void block_done(struct session *s)
{
    leave(s);
    s->ops->ready(s);
    s->ops->resume(s);
}

void engine_pause(struct engine *e, enum engine_pause what, int64_t until_us)
{
    e->pause_until_us = what != PAUSE_NONE && e->pause != PAUSE_NONE && e->pause_until_us > until_us
                            ? e->pause_until_us
                            : until_us;
    e->pause = what;
    engine_checks_update(e);
    if (e->paused_count == 0)
        return;
    /* A session that the pause still concerns is held again when its request is looked at. */
    for (struct session *s = e->first; s; s = s->next) {
        if (!(s->flags & SESSION_PAUSED))
            continue;
        s->flags &= ~SESSION_PAUSED;
        e->paused_count--;
        s->ops->resume(s);
    }
}
