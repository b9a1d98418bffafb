#include "engine/wait.h"

#include "base/mem.h"
#include "engine/block.h"
#include "engine/count_impl.h"
#include "engine/engine_impl.h"
#include "engine/interest.h"
#include "engine/timeout.h"

static void leave(struct session *s)
{
    interest_drop(s, INTEREST_BLOCKED);
    kept_free(&s->wait->request);
    mem_free(s->wait);
    s->wait = NULL;
}

/* Its deadline has come, or the session ends. */
static void on_end(struct session *s, enum unblock_why why, struct resp_writer *out)
{
    struct engine *e = s->engine;
    const struct key_wait *w = s->wait;
    const struct kept_request *r = w->request;
    if (out)
        resp_null_array(out);
    if (why != UNBLOCK_CLOSE) {
        struct cmd_ctx c = {.argv = r->argv,
                            .argc = r->argc,
                            .cmd = r->cmd,
                            .host = (struct cmd_host *)e,
                            .session = s};
        count_call(e, s, r->cmd, w->ticks, false);
        r->cmd->stats.failed_calls += why == UNBLOCK_ERROR || why == UNBLOCK_FAULT;
        if (w->ticks >= e->slow_ticks_min)
            count_slow(e, &c, w->ticks);
    }
    leave(s);
}

bool wait_begin(struct cmd_ctx *c, const struct ctx_wait *w)
{
    struct engine *e = engine_of(c);
    struct session *s = c->session;
    if (!s || (s->flags & SESSION_DENY_BLOCKING))
        return false;
    if (s->wait) { /* runs again: its links and its deadline stay */
        s->wait->again = true;
        return true;
    }
    s->wait = mem_try_zalloc(sizeof(*s->wait));
    if (!s->wait) {
        ctx_reply_nomem(c);
        return true;
    }
    s->wait->type = w->type;
    s->wait->request = kept_new(s, c->cmd, c->argv, c->argc);
    bool fine = s->wait->request != NULL;
    for (int i = 0; fine && i < w->count; i++) {
        struct key key = ctx_key(c, w->first + i * w->step);
        fine = interest_add(s, INTEREST_BLOCKED, c->db, &key);
    }
    if (fine) {
        block_session(s, w->timeout_ms ? timeout_end_us(e, w->timeout_ms) : INT64_MAX, on_end);
    } else {
        leave(s);
        ctx_reply_nomem(c);
    }
    return true;
}

void wait_done(struct session *s)
{
    leave(s);
    block_done(s);
}

size_t wait_memory(const struct session *s)
{
    return s->wait ? sizeof(*s->wait) + s->wait->request->bytes : 0;
}
