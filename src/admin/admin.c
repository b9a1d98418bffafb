#include "admin/admin.h"

#include "admin/admin_impl.h"
#include "admin/latency.h"
#include "admin/slowlog.h"
#include "base/mem.h"
#include "engine/engine.h"

struct admin *admin_new(void)
{
    struct admin *a = mem_zalloc(sizeof(*a));
    a->latency = latency_new();
    a->slowlog = slowlog_new();
    return a;
}

void admin_free(struct admin **a)
{
    if (!*a)
        return;
    slowlog_free(&(*a)->slowlog);
    latency_free(&(*a)->latency);
    mem_free(*a);
    *a = NULL;
}

/* --- what the engine tells -------------------------------------------------------------------- */

static void on_slow(void *admin, const struct cmd_ctx *c, int64_t us)
{
    struct admin *a = admin;
    const struct engine *e = a->engine;
    uint32_t flags = c->cmd->row->flags;
    if (engine_config(e)->slowlog_us >= 0 && us >= engine_config(e)->slowlog_us &&
        !(flags & CMD_SKIP_SLOWLOG))
        slowlog_add(a->slowlog, c->session, c->argv, c->argc, us);
    latency_add(a->latency, flags & CMD_FAST ? "fast-command" : "command", us / 1000,
                engine_config(e)->latency_ms, engine_wall_ms(e));
}

static void on_worked(void *admin, const char *work, int64_t ms)
{
    struct admin *a = admin;
    latency_add(a->latency, work, ms, engine_config(a->engine)->latency_ms,
                engine_wall_ms(a->engine));
}

void admin_observe(struct admin *a, struct engine_observers *out)
{
    out->admin = a;
    out->slow = on_slow;
    out->worked = on_worked;
}

void admin_add_rows(struct admin *a, struct cmd_table *t)
{
    cmd_table_add(t, admin_rows_absent, a);
    cmd_table_add(t, admin_rows_command, a);
    cmd_table_add(t, admin_rows_slowlog, a);
    cmd_table_add(t, admin_rows_latency, a);
}

void admin_attach(struct admin *a, struct engine *e)
{
    a->engine = e;
    admin_add_rows(a, engine_table(e));
}

struct latency *admin_latency(const struct admin *a)
{
    return a->latency;
}

struct slowlog *admin_slowlog(const struct admin *a)
{
    return a->slowlog;
}
