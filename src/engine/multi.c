/* The queue of a transaction. Commands are copied as they are queued, each in one allocation with its arguments. */
#include "engine/multi_impl.h"

#include "base/mem.h"
#include "engine/engine_impl.h"
#include "engine/interest.h"
#include "engine/kept.h"

static bool make_room(struct session_multi *m)
{
    if (m->count < m->cap)
        return true;
    size_t cap = m->cap ? m->cap * 2 : 8;
    if (cap > MULTI_COMMANDS_MAX)
        return false;
    struct kept_request **at = mem_try_realloc(m->at, cap * sizeof(struct kept_request *));
    if (!at)
        return false;
    m->at = at;
    m->cap = cap;
    return true;
}

bool multi_queue(struct session *s, struct cmd *cmd, const struct slice *argv, int argc)
{
    struct session_multi *m = s->multi;
    struct kept_request *q = make_room(m) ? kept_new(s, cmd, argv, argc) : NULL;
    if (!q) {
        s->flags |= SESSION_DIRTY_EXEC;
        return false;
    }
    m->at[m->count++] = q;
    m->bytes += q->bytes;
    m->flags |= cmd->row->flags;
    m->common &= cmd->row->flags;
    return true;
}

void multi_free(struct session_multi *m)
{
    for (size_t i = 0; i < m->count; i++)
        kept_free(&m->at[i]);
    mem_free(m->at);
    mem_free(m);
}

void multi_forget_watched(struct session *s)
{
    interest_drop(s, INTEREST_WATCH);
    s->flags &= ~SESSION_DIRTY_CAS;
}

void multi_discard(struct session *s)
{
    if (s->multi)
        multi_free(s->multi);
    s->multi = NULL;
    session_flags(s, 0, SESSION_MULTI | SESSION_DIRTY_EXEC);
    multi_forget_watched(s);
}

size_t multi_count(const struct session *s)
{
    return s->multi ? s->multi->count : 0;
}

size_t multi_memory(const struct session *s)
{
    return s->multi ? s->multi->bytes + s->multi->cap * sizeof(struct kept_request *) : 0;
}

unsigned multi_flags(const struct session *s)
{
    return s->multi ? s->multi->flags : 0;
}

unsigned multi_common_flags(const struct session *s)
{
    return s->multi ? s->multi->common : ~0U;
}

bool multi_begin(struct session *s)
{
    s->multi = mem_try_zalloc(sizeof(*s->multi));
    if (!s->multi)
        return false;
    s->multi->common = ~0U;
    session_flags(s, SESSION_MULTI, 0);
    return true;
}

struct session_multi *multi_take(struct session *s)
{
    struct session_multi *m = s->multi;
    s->multi = NULL;
    multi_discard(s);
    return m;
}

bool multi_is_exec(const struct cmd *cmd)
{
    return cmd->row == &engine_rows_multi[MULTI_ROW_EXEC];
}
