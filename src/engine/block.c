#include "engine/block.h"

#include <assert.h>

#include "engine/engine.h"

void block_session(struct session *s, int64_t deadline_us, block_end_fn unblock)
{
    assert(!(s->flags & SESSION_BLOCKED));
    s->flags |= SESSION_BLOCKED;
    s->block_deadline_us = deadline_us;
    s->unblock = unblock;
    s->engine->blocked_count++;
    if (deadline_us < s->engine->deadline_us)
        s->engine->deadline_us = deadline_us;
}

void block_end(struct session *s, enum unblock_why why)
{
    assert(s->flags & SESSION_BLOCKED);
    block_end_fn unblock = s->unblock;
    s->flags &= ~SESSION_BLOCKED;
    s->block_deadline_us = INT64_MAX;
    s->unblock = NULL;
    s->engine->blocked_count--;
    unblock(s, why);
    if (why != UNBLOCK_CLOSE)
        s->ops->resume(s);
}

/* Walks the sessions only when the bound has come: at most maxclients steps, a few tens of microseconds. A session that
 * no longer waits leaves the bound too low, which costs one walk for nothing. */
void engine_deadlines(struct engine *e)
{
    if (e->pause != PAUSE_NONE && e->now_us >= e->pause_until_us)
        engine_pause(e, PAUSE_NONE, 0);
    if (e->now_us < e->deadline_us)
        return;
    struct session *next;
    e->deadline_us = INT64_MAX;
    for (struct session *s = e->first; s && e->blocked_count > 0; s = next) {
        next = s->next;
        if (!(s->flags & SESSION_BLOCKED))
            continue;
        if (s->block_deadline_us <= e->now_us)
            block_end(s, UNBLOCK_TIMEOUT);
        else if (s->block_deadline_us < e->deadline_us)
            e->deadline_us = s->block_deadline_us;
    }
}

int64_t engine_next_deadline_us(const struct engine *e)
{
    bool pause_first = e->pause != PAUSE_NONE && e->pause_until_us < e->deadline_us;
    return pause_first ? e->pause_until_us : e->deadline_us;
}

void engine_pause(struct engine *e, enum engine_pause what, int64_t until_us)
{
    e->pause_until_us = what != PAUSE_NONE && e->pause != PAUSE_NONE && e->pause_until_us > until_us
                            ? e->pause_until_us
                            : until_us;
    e->pause = what;
    if (e->paused_count == 0)
        return;
    /* Whoever is still concerned is held again when its request is looked at. */
    for (struct session *s = e->first; s; s = s->next) {
        if (!(s->flags & SESSION_PAUSED))
            continue;
        s->flags &= ~SESSION_PAUSED;
        e->paused_count--;
        s->ops->resume(s);
    }
}
