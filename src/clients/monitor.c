#include "clients/monitor.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "clients/clients_impl.h"
#include "engine/engine.h"
#include "engine/redact.h"

#define CLOCK_DRIFT_US_MAX 1000 /* the wall clock is known to the millisecond only */

struct monitors {
    struct session **at; /* owned, count of them, each borrowed until it leaves */
    size_t count, cap;
    int64_t wall_ahead_us; /* the wall clock's lead over the monotonic clock */
};

struct monitors *monitors_new(void)
{
    return mem_zalloc(sizeof(struct monitors));
}

void monitors_free(struct monitors **m)
{
    assert((*m)->count == 0);
    mem_free((*m)->at);
    mem_free(*m);
    *m = NULL;
}

bool monitors_any(const struct monitors *m)
{
    return m->count > 0;
}

/* False: no memory. */
static bool join(struct monitors *m, struct session *s)
{
    if (m->count == m->cap) {
        size_t cap = m->cap ? 2 * m->cap : 4;
        struct session **at = mem_try_realloc(m->at, cap * sizeof(struct session *));
        if (!at)
            return false;
        m->at = at;
        m->cap = cap;
    }
    m->at[m->count++] = s;
    engine_monitors(session_engine(s), 1);
    session_flags(s, SESSION_MONITOR, 0);
    return true;
}

void monitors_leave(struct monitors *m, struct session *s)
{
    size_t i = 0;
    if (!session_is(s, SESSION_MONITOR))
        return;
    session_flags(s, 0, SESSION_MONITOR);
    while (i < m->count && m->at[i] != s)
        i++;
    assert(i < m->count);
    m->at[i] = m->at[--m->count];
    engine_monitors(session_engine(s), -1);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* The time in microseconds. The engine reads the wall clock by milliseconds; the monotonic clock gives the rest, so
 * that lines are as far apart as the requests were. */
static int64_t wall_us(struct monitors *m, const struct engine *e)
{
    int64_t ahead = engine_wall_ms(e) * 1000 - engine_now_us(e);
    int64_t drift = ahead - m->wall_ahead_us;
    if (drift > CLOCK_DRIFT_US_MAX || drift < -CLOCK_DRIFT_US_MAX)
        m->wall_ahead_us = ahead;
    return engine_now_us(e) + m->wall_ahead_us;
}

static void append_source(struct buf *line, const struct session *s)
{
    struct session_transport_info info;
    if (session_is(s, SESSION_INTERNAL)) {
        buf_printf(line, "[%d lua]",
                   session_db(s)); /* Redis' name for a request that no client sent */
        return;
    }
    session_transport_info(s, &info);
    char *port = strrchr(info.addr, ':');
    if (session_is(s, SESSION_UNIX_SOCKET) && port) {
        *port = '\0'; /* "/path:0" */
        buf_printf(line, "[%d unix:%s]", session_db(s), info.addr);
    } else {
        buf_printf(line, "[%d %s]", session_db(s), info.addr);
    }
}

/* +1700000000.123456 [0 127.0.0.1:5000] "set" "key" "value" */
static void append_line(struct buf *line, int64_t us, const struct session *s,
                        const struct slice *argv, int argc)
{
    buf_printf(line, "+%lld.%06lld ", (long long)(us / 1000000), (long long)(us % 1000000));
    append_source(line, s);
    for (int i = 0; i < argc; i++) {
        buf_append_char(line, ' ');
        buf_append_quoted(line, redact_argument(argv, argc, i));
    }
    buf_append_cstr(line, "\r\n");
}

static void send_line(struct session *s, struct slice line)
{
    struct resp_writer *w = session_push_open(s);
    if (!w)
        return;
    outq_append(w->out, line.ptr, line.len);
    session_push_close(s);
}

void monitors_feed(struct monitors *m, const struct session *s, const struct cmd *cmd,
                   const struct slice *argv, int argc)
{
    struct buf line;
    if (m->count == 0 || (cmd->row->flags & (CMD_SKIP_MONITOR | CMD_ADMIN)))
        return;
    buf_init(&line);
    append_line(&line, wall_us(m, session_engine(s)), s, argv, argc);
    for (size_t i = 0; line.err == ERR_OK && i < m->count; i++)
        send_line(m->at[i], buf_slice(&line));
    buf_deinit(&line);
}

/* --- MONITOR ---------------------------------------------------------------------------------- */

static void cmd_monitor(struct cmd_ctx *c)
{
    struct session *s = c->session;
    if (session_is(s, SESSION_DENY_BLOCKING)) {
        resp_error(c->out, "MONITOR isn't allowed for DENY BLOCKING client");
        return;
    }
    if (session_is(s, SESSION_MONITOR))
        return; /* as in Redis, a second MONITOR gets no reply */
    if (join(clients_of(c)->monitors, s))
        resp_ok(c->out);
    else
        ctx_reply_nomem(c);
}

const struct cmd_row clients_rows_monitor[] = {
    {.name = "monitor",
     .fn = cmd_monitor,
     .arity = 1,
     .flags = CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE,
     .acl = ACL_ADMIN | ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1), and O(N) for every later request where N is the number of monitors",
     .summary = "Shows every request from now on.",
     .synopsis = ""},
    {0},
};
