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

/* --- the engine's calls ----------------------------------------------------------------------- */

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
    cmd_table_add(t, admin_rows_info, a);
    cmd_table_add(t, admin_rows_memory, a);
    cmd_table_add(t, admin_rows_debug, a);
    cmd_table_add(t, admin_rows_process, a);
}

/* --- the process's figures -------------------------------------------------------------------- */

void admin_set_host(struct admin *a, const struct admin_host *h)
{
    a->host = *h;
}

void admin_process(const struct admin *a, struct admin_process *out)
{
    *out = (struct admin_process){
        .run_id = "", .repl_id = "", .executable = "", .config_file = "", .event_api = ""};
    if (a->host.process)
        a->host.process(a->host.server, out);
}

void admin_net(const struct admin *a, struct admin_net *out)
{
    *out = (struct admin_net){0};
    if (a->host.net)
        a->host.net(a->host.server, out);
}

void admin_persistence(const struct admin *a, struct admin_persistence *out)
{
    *out = (struct admin_persistence){.last_rewrite_s = -1,
                                      .current_rewrite_s = -1,
                                      .last_rewrite_status = "ok",
                                      .write_status = "ok"};
    if (a->host.persistence)
        a->host.persistence(a->host.server, out);
}

/* --- samples ---------------------------------------------------------------------------------- */

void admin_started(struct admin *a)
{
    a->samples.startup_bytes = samples_memory(&a->samples);
}

void admin_cron(struct admin *a, int64_t now_us)
{
    const struct engine_stats *st = engine_stats(a->engine);
    struct admin_process p;
    admin_process(a, &p);
    uint64_t values[RATE_COUNT] = {
        [RATE_COMMANDS] = st->commands,   [RATE_IN_BYTES] = st->in_bytes,
        [RATE_OUT_BYTES] = st->out_bytes, [RATE_CYCLES] = p.cycles,
        [RATE_BUSY_US] = p.busy_us,
    };
    samples_take(&a->samples, values, now_us);
}

void admin_reset_stats(struct admin *a)
{
    samples_reset(&a->samples);
}

void admin_memory(const struct admin *a, size_t *peak_bytes, size_t *rss_bytes)
{
    *peak_bytes = a->samples.peak_bytes;
    *rss_bytes = a->samples.rss_bytes;
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
