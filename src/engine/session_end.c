/* The end of a session, and its return to a new one's state: it leaves what it takes part in. */
#include <assert.h>

#include "base/mem.h"
#include "engine/engine_impl.h"
#include "engine/gate_impl.h"
#include "engine/multi.h"

/* Leaves its transaction and watches and, through the observers, its subscriptions and monitors. */
static void leave_all(struct session *s)
{
    multi_discard(s);
    const struct engine_observers *o = &s->engine->observers;
    if (o->leave)
        o->leave(o->clients, s);
}

void session_free(struct session **session)
{
    struct session *s = *session;
    struct engine *e = s->engine;
    assert(e->current != s);
    if (s->flags & SESSION_BLOCKED)
        block_end(s, UNBLOCK_CLOSE);
    if (s->flags & SESSION_PAUSED)
        e->paused_count--;
    leave_all(s);
    gate_leave(s);
    session_unlink(e, s);
    outq_deinit(&s->queue);
    for (int i = 0; i < SESSION_TEXTS; i++)
        mem_free(s->texts[i]);
    mem_free(s);
    *session = NULL;
}

void session_reset(struct session *s)
{
    leave_all(s);
    s->db = 0;
    s->writer.proto = 2;
    bool open = s->engine->config->password.len == 0;
    session_flags(s, open ? SESSION_AUTHENTICATED : 0,
                  SESSION_MONITOR | SESSION_NO_EVICT | SESSION_NO_TOUCH | SESSION_REPLY_OFF |
                      SESSION_REPLY_SKIP | SESSION_REPLY_SKIP_NEXT |
                      (open ? 0 : SESSION_AUTHENTICATED));
    session_set_text(s, SESSION_NAME, SLICE(""));
}
