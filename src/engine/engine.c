#include "engine/engine_impl.h"

#include <assert.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/raw.h"
#include "engine/check.h"
#include "engine/durable.h"
#include "engine/gate_impl.h"
#include "engine/interest.h"
#include "engine/multi.h"
#include "engine/redact.h"
#include "engine/run.h"
#include "engine/snapshot_job.h"
#include "store/dues.h"

#define EXPIRE_SLICE_KEYS 64 /* keys removed between two looks at the clock */

/* The keyspace removed a key whose time had come: watchers, the log and subscribers hear of a DEL. */
static void on_expired(void *arg, int db, struct slice key)
{
    struct engine *e = arg;
    struct key k = ks_key(e->ks, key);
    unit_begin(e, NULL);
    e->stats.dirty++;
    touched_add(&e->unit.touched, k.hash, true);
    interest_expired(e->interest, db, &k);
    unit_event(e, db, key, NOTIFY_EXPIRED, "expired");
    unit_effect(e, db, 2, (struct slice[]){SLICE("DEL"), key});
    unit_end(e);
}

/* The keyspace removed fields or members whose time had come: an HDEL or SREM. */
static void on_elements_expired(void *arg, const struct ks_elements *of)
{
    struct engine *e = arg;
    struct key k = ks_key(e->ks, of->key);
    bool is_set = of->type == TYPE_SET;
    struct slice effect[2 + DUES_MAX] = {is_set ? SLICE("SREM") : SLICE("HDEL"), of->key};
    memcpy(&effect[2], of->names, of->count * sizeof(effect[0]));
    unit_begin(e, NULL);
    e->stats.dirty++;
    touched_add(&e->unit.touched, k.hash, true);
    interest_changed(e->interest, of->db, &k);
    unit_event(e, of->db, of->key, is_set ? NOTIFY_SET : NOTIFY_HASH,
               is_set ? "sexpired" : "hexpired");
    if (of->gone)
        unit_event(e, of->db, of->key, NOTIFY_GENERIC, "del");
    unit_effect(e, of->db, 2 + (int)of->count, effect);
    unit_end(e);
}

void engine_add_rows(struct engine *e, struct cmd_table *t)
{
    cmd_table_add(t, engine_rows_multi, e);
    cmd_table_add(t, engine_rows_durable, e);
}

struct engine *engine_new(const struct engine_options *o, const struct engine_config *c)
{
    struct engine *e = mem_zalloc(sizeof(*e));
    e->ks = o->ks;
    e->table = o->table;
    e->logger = o->logger;
    e->rng = o->rng;
    e->effect = o->effect;
    e->effect_arg = o->effect_arg;
    e->owner = o->owner;
    e->late = o->late;
    e->observers = o->observers;
    e->config = c;
    e->active_expiry = true;
    e->ticks_per_us = ticks_measure_per_us();
    e->us_ticks = (uint64_t)e->ticks_per_us;
    e->next_session_id = 1;
    sessions_init(e);
    e->interest = interest_new(e, engine_serve);
    e->jobs = snapshot_jobs_new(e->ks);

    engine_add_rows(e, e->table);
    ks_on_expired(e->ks, on_expired, e);
    ks_on_elements_expired(e->ks, on_elements_expired, e);
    engine_config_changed(e);
    engine_turn(e, o->now_us, o->wall_ms);
    return e;
}

void engine_free(struct engine **e)
{
    if (!*e)
        return;
    assert((*e)->session_count == 0);
    table_deinit(&(*e)->sessions);
    snapshot_jobs_free(&(*e)->jobs);
    ks_on_expired((*e)->ks, NULL, NULL);
    ks_on_elements_expired((*e)->ks, NULL, NULL);
    interest_free(&(*e)->interest);
    unit_deinit(&(*e)->unit);
    mem_free(*e);
    *e = NULL;
}

void engine_config_changed(struct engine *e)
{
    int64_t least = ENGINE_CLOCK_STALE_US;
    if (e->config->slowlog_us >= 0 && e->config->slowlog_us < least)
        least = e->config->slowlog_us;
    e->slow_ticks_min = (uint64_t)((double)least * e->ticks_per_us);
}

void engine_turn(struct engine *e, int64_t now_us, int64_t wall_ms)
{
    e->now_us = now_us;
    e->wall_ms = wall_ms;
    ks_clock(e->ks, e->wall_ms);
}

bool engine_expires(const struct engine *e)
{
    return e->active_expiry && ks_expiry_mode(e->ks) == KS_EXPIRY_REMOVE;
}

/* Expiry for at most the budget: true while keys are due. */
static bool expire(struct engine *e, uint64_t start, double budget_ticks)
{
    if (!engine_expires(e) || e->wall_ms < ks_next_expiry_ms(e->ks))
        return false;
    bool more = true;
    while (more && (double)(ticks_now() - start) < budget_ticks)
        ks_expire_some(e->ks, EXPIRE_SLICE_KEYS, &more);
    if (e->observers.worked)
        e->observers.worked(e->observers.admin, "expire-cycle",
                            (int64_t)(engine_ticks_us(e, ticks_now() - start) / 1000));
    if (more)
        e->stats.expired_time_cap_reached++;
    return more;
}

void engine_jobs_advance(struct engine *e)
{
    if (snapshot_jobs_preparing(e->jobs)) /* the snapshot to come holds the changes made so far */
        engine_turn_end(e);
    snapshot_jobs_advance(e->jobs, e->now_us, e->wall_ms / 1000);
}

bool engine_jobs_giving(const struct engine *e)
{
    return snapshot_jobs_giving(e->jobs, e->config->rewrite_key_delay_us);
}

void engine_jobs_give(struct engine *e, int64_t budget_us)
{
    uint64_t start = ticks_now();
    double budget = (double)budget_us * e->ticks_per_us;
    bool more = true;
    while (more && (double)(ticks_now() - start) < budget)
        more = snapshot_jobs_slice(e->jobs, e->now_us, e->config->rewrite_key_delay_us);
}

bool engine_replies_wait(const struct engine *e)
{
    return e->gate && e->gate->first;
}

bool engine_work(struct engine *e, int64_t budget_us)
{
    uint64_t start = ticks_now();
    double budget = (double)budget_us * e->ticks_per_us;
    bool due = expire(e, start, budget / 2);
    bool more = true;
    do
        more = ks_work(e->ks);
    while (more && (double)(ticks_now() - start) < budget);
    return due || more;
}

void engine_turn_end(struct engine *e)
{
    if (e->aof)
        engine_log_turn_end(e);
}

void engine_loading(struct engine *e, bool loading)
{
    e->loading = loading;
    engine_checks_update(e);
}

bool engine_debug_allowed(struct cmd_ctx *c)
{
    const struct engine *e = engine_of(c);
    if (e->config->debug_commands == ENGINE_ALLOW_YES)
        return true;
    if (e->config->debug_commands == ENGINE_ALLOW_LOCAL && session_is_local(c->session))
        return true;
    resp_error(
        c->out,
        "DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it "
        "from a local connection, otherwise you need to set this option in the configuration file, and "
        "then restart the server.");
    return false;
}

int64_t engine_now_us(const struct engine *e)
{
    return e->now_us;
}

int64_t engine_wall_ms(const struct engine *e)
{
    return e->wall_ms;
}

uint64_t engine_log_pos(const struct engine *e)
{
    return e->promise.pos;
}

const struct engine_config *engine_config(const struct engine *e)
{
    return e->config;
}

struct engine_stats *engine_stats(struct engine *e)
{
    return &e->stats;
}

const struct engine_error_stat *engine_error_stats(const struct engine *e, int *count)
{
    *count = e->error_codes;
    return e->errors;
}

struct keyspace *engine_keyspace(const struct engine *e)
{
    return e->ks;
}

struct cmd_table *engine_table(const struct engine *e)
{
    return e->table;
}

void *engine_owner(const struct engine *e)
{
    return e->owner;
}

struct snapshot_jobs *engine_jobs(const struct engine *e)
{
    return e->jobs;
}

struct session *engine_sessions(const struct engine *e)
{
    return e->first;
}

size_t engine_sessions_blocked(const struct engine *e)
{
    return e->blocked_count;
}

size_t engine_sessions_paused(const struct engine *e)
{
    return e->paused_count;
}

enum engine_pause engine_paused(const struct engine *e)
{
    return e->pause;
}

void engine_set_active_expiry(struct engine *e, bool on)
{
    e->active_expiry = on;
}

void engine_monitors(struct engine *e, int more)
{
    assert(more > 0 || e->monitors > 0);
    e->monitors += (size_t)more;
}

void engine_data_replaced(struct engine *e)
{
    interest_flushing(e->interest, -1);
}

void engine_serve_ready(struct engine *e)
{
    interest_serve(e->interest);
}

size_t engine_keys_waited_for(const struct engine *e)
{
    return interest_keys(e->interest, INTEREST_BLOCKED);
}

double engine_ticks_us(const struct engine *e, uint64_t ticks)
{
    return (double)ticks / e->ticks_per_us;
}

void engine_reset_stats(struct engine *e)
{
    uint64_t dirty = e->stats.dirty;
    e->stats = (struct engine_stats){.dirty = dirty};
    e->error_codes = 0;
    cmd_table_reset_stats(e->table);
    ks_reset_stats(e->ks);
}

#define CRASH_ARGS_MAX      16
#define CRASH_ARG_BYTES_MAX 128

void engine_crash_report(const struct engine *e, int fd)
{
    const struct cmd_ctx *c = e->running;
    if (!c) {
        raw_text(fd, "no command was running\n");
        return;
    }
    raw_text(fd, c->cmd->full_name);
    raw_text(fd, "\nthe command that was running:");
    for (int i = 0; i < c->argc && i < CRASH_ARGS_MAX; i++) {
        struct slice arg = redact_argument(c->argv, c->argc, i);
        if (arg.len > CRASH_ARG_BYTES_MAX)
            arg.len = CRASH_ARG_BYTES_MAX;
        raw_text(fd, " ");
        raw_slice(fd, arg);
    }
    raw_text(fd, "\n");
}
