#include "server/persist.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>

#include "admin/host.h"
#include "base/clock.h"
#include "engine/durable.h"
#include "engine/snapshot_job.h"
#include "engine/unit.h"
#include "log/aof.h"
#include "server/server_impl.h"

#define SWITCH_RETRY_US (1000 * 1000)
/* The wait after failed rewrites: doubled for each failure in a row, up to 2^10 times. Each rewrite that begins leaves
 * an increment, and a log has a limited number of files. */
#define REWRITE_RETRY_US        (100 * 1000)
#define REWRITE_RETRY_SHIFT_MAX 10
#define REWRITE_CANCELLED_US    (60 * 1000 * 1000) /* after one was cancelled */

void persist_init(struct persist *p)
{
    *p = (struct persist){.rewrite_ok = true, .rewrite_took_us = -1};
}

/* --- opening -------------------------------------------------------------------------------------------- */

static void note_rewrite(struct persist *p, bool fine)
{
    p->rewrite_ok = fine;
    p->rewrites += fine;
    p->failures += !fine;
    p->rewrite_failures = fine ? 0 : p->rewrite_failures + 1;
    int shift = p->rewrite_failures < REWRITE_RETRY_SHIFT_MAX ? p->rewrite_failures
                                                              : REWRITE_RETRY_SHIFT_MAX;
    p->rewrite_retry_us = fine ? 0 : clock_mono_us() + ((int64_t)REWRITE_RETRY_US << shift);
}

static void on_rewrite_over(void *arg, enum snapshot_end end, int64_t took_us)
{
    struct server *s = arg;
    struct persist *p = &s->persist;
    struct aof_stats st;
    p->rewrite = NULL;
    if (end == SNAPSHOT_CANCELLED)
        return;
    note_rewrite(p, end == SNAPSHOT_DONE);
    p->rewrite_took_us = took_us;
    if (end != SNAPSHOT_DONE)
        return;
    aof_stats(p->aof, &st);
    log_notice(&s->logger,
               "Background AOF rewrite finished successfully: %llu bytes in %.3f seconds",
               (unsigned long long)st.base_bytes, (double)took_us / 1e6);
}

static void on_moved(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    (void)fd;
    (void)what;
    engine_turn(s->engine, clock_mono_us(), clock_wall_ms());
    engine_log_moved(s->engine);
    persist_watch_fault(s, engine_now_us(s->engine));
    engine_jobs_advance(s->engine);
}

/* `load`: the log's data will be loaded. Otherwise a log for other data begins in its place. */
static enum err open_log(struct server *s, const struct config *c, bool load,
                         char error[CONFIG_ERROR_CHARS])
{
    char dir[CONFIG_ERROR_CHARS], why[AOF_ERROR_CHARS];
    if (snprintf(dir, sizeof(dir), "%s/%s", c->dir, c->aof_dirname) >= (int)sizeof(dir)) {
        snprintf(error, CONFIG_ERROR_CHARS, "the path of the append-only file is too long");
        return ERR_RANGE;
    }
    struct aof_options o = {
        .dir = dir,
        .filename = c->aof_filename,
        .old_dir = load ? c->dir : NULL,
        .config = c->log,
        .fresh = !load,
        .unix_s = clock_wall_ms() / 1000,
        .logger = &s->logger,
    };
    enum err e = aof_open(&s->persist.aof, &o, why);
    if (e != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
    return e;
}

/* `state`: ON, from here on effects are logged, or ONCE. */
static enum err start_log(struct server *s, enum persist_state state, enum aof_start how,
                          char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    char why[AOF_ERROR_CHARS];
    enum err e = aof_start(p->aof, how, why);
    if (e != ERR_OK) {
        snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
        aof_close(&p->aof);
        return e;
    }
    engine_log_attach(s->engine, p->aof, state == PERSIST_ON);
    p->moved = event_new(s->base, aof_event_fd(p->aof), EV_READ | EV_PERSIST, on_moved, s);
    assert(p->moved);
    event_add(p->moved, NULL);
    p->state = state;
    p->once = state == PERSIST_ONCE;
    return ERR_OK;
}

static void warn_preamble(struct server *s, const struct config *c)
{
    if (c->aof_rdb_preamble)
        log_warning(&s->logger,
                    "aof-use-rdb-preamble is yes, but bases are written as commands all the "
                    "same: RDB files cannot be written yet. Redis loads either");
}

static enum err on_loaded(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    if (s->config.aof)
        return start_log(s, PERSIST_ON, AOF_GO_ON, error);
    aof_close(&s->persist.aof);
    return ERR_OK;
}

enum err persist_open(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    warn_preamble(s, &s->config);
    if (!s->config.aof)
        return ERR_OK;
    enum err e = open_log(s, &s->config, true, error);
    if (e != ERR_OK)
        return e;
    if (aof_is_empty(s->persist.aof))
        return start_log(s, PERSIST_ON, AOF_GO_ON, error);
    s->persist.loaded = on_loaded;
    persist_load_begin(s);
    return ERR_OK;
}

bool persist_has_files(const struct server *s)
{
    return s->persist.aof != NULL;
}

/* --- closing -------------------------------------------------------------------------------------------- */

/* The log ends on its own threads; see end_close. */
static void begin_close(struct server *s)
{
    struct persist *p = &s->persist;
    if (aof_rewriting(p->aof)) /* in Redis' words, as far as they fit */
        log_notice(&s->logger, "Killing the running AOF rewrite, which is no child process here: "
                               "the append-only file is closed");
    if (p->rewrite) /* a rewrite that is just taking its place goes on */
        (void)snapshot_job_cancel(p->rewrite, SNAPSHOT_FAILED);
    engine_log_stop(s->engine);
    aof_stop(p->aof);
    p->state = PERSIST_CLOSING;
}

/* Waits for the log's threads, unless aof_stopped. False: not all of the log could be written, which is logged. */
static bool end_close(struct server *s)
{
    struct persist *p = &s->persist;
    engine_log_moved(s->engine);
    engine_jobs_advance(s->engine);
    if (p->rewrite)
        snapshot_job_drop(p->rewrite);
    engine_log_detach(s->engine);
    event_free(p->moved);
    p->moved = NULL;
    p->once = false;
    p->fault_since_us = 0;
    p->fault_told = false;
    p->state = PERSIST_OFF;
    bool fine = aof_close(&p->aof);
    if (!fine)
        log_warning(&s->logger, "Not all of the append-only file could be written");
    return fine;
}

void persist_close(struct server *s)
{
    struct persist *p = &s->persist;
    if (p->loading)
        replay_end(&p->replay);
    p->loading = false;
    if (p->state == PERSIST_ON || p->state == PERSIST_ONCE)
        begin_close(s);
    if (p->state == PERSIST_CLOSING && !end_close(s))
        s->failed = true;
    aof_close(&p->aof); /* still open where loading was not done */
}

/* --- rewriting ------------------------------------------------------------------------------------------ */

static enum err begin_rewrite(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    struct snapshot_jobs *jobs = engine_jobs(s->engine);
    char why[AOF_ERROR_CHARS] = "";
    struct sink *base;
    if (snapshot_jobs_busy(jobs)) {
        snprintf(error, CONFIG_ERROR_CHARS, "as many snapshots as may be are under way");
        return ERR_BUSY;
    }
    enum err e = aof_rewrite(p->aof, engine_now_us(s->engine), &base, why);
    snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
    if (e == ERR_OK)
        p->rewrite = snapshot_job_new(jobs, base, engine_now_us(s->engine), on_rewrite_over, s);
    return e;
}

/* Opens a log for data that it does not hold, and begins to write them. */
static enum err begin_anew(struct server *s, const struct config *c, enum persist_state state,
                           char error[CONFIG_ERROR_CHARS])
{
    enum err e = open_log(s, c, false, error);
    if (e == ERR_OK)
        e = start_log(s, state, state == PERSIST_ON ? AOF_FRESH : AOF_BASE_ONLY, error);
    if (e != ERR_OK)
        return e;
    e = begin_rewrite(s, error);
    if (e != ERR_OK)
        begin_close(s);
    return e;
}

static bool has_grown(const struct server *s, const struct aof_stats *st)
{
    uint64_t least = (uint64_t)s->config.aof_rewrite_min_bytes;
    uint64_t base = st->base_bytes ? st->base_bytes : 1;
    if (s->config.aof_rewrite_percentage == 0 || st->current_bytes < least)
        return false;
    return (double)st->current_bytes * 100 / (double)base - 100 >=
           (double)s->config.aof_rewrite_percentage;
}

/* Will the log be switched on as soon as its present state ends? That begins with a rewrite. */
static bool waits_to_switch_on(const struct server *s)
{
    const struct persist *p = &s->persist;
    return s->config.aof && !p->reload && !p->loading && p->state != PERSIST_ON;
}

/* Is the log being closed, or will be before the next turn? A rewrite of it ends, too. */
static bool is_closing(const struct server *s)
{
    const struct persist *p = &s->persist;
    return p->state == PERSIST_CLOSING || (p->state == PERSIST_ON && !s->config.aof) || p->reload;
}

/* True from the request for a rewrite until another one may be asked for. */
static bool is_rewriting(const struct server *s)
{
    const struct persist *p = &s->persist;
    return p->rewrite_scheduled || p->once || waits_to_switch_on(s) ||
           (p->state == PERSIST_ON && !is_closing(s) && aof_rewriting(p->aof));
}

/* Must a rewrite wait? Between the commands of a transaction there is no place for a new increment. */
static bool must_wait(const struct server *s)
{
    return unit_nested(s->engine) || is_closing(s) || snapshot_jobs_busy(engine_jobs(s->engine));
}

/* ERR_BUSY: the last one is still being tidied up. */
static enum err rewrite_now(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    if (s->persist.state != PERSIST_OFF)
        return begin_rewrite(s, error);
    enum err e = begin_anew(s, &s->config, PERSIST_ONCE, error);
    return e == ERR_BUSY ? ERR_IO : e; /* the directory is another server's */
}

enum err persist_rewrite(struct server *s, bool *scheduled, char error[CONFIG_ERROR_CHARS])
{
    *scheduled = false;
    if (is_rewriting(s)) {
        snprintf(error, CONFIG_ERROR_CHARS, "the append-only file is being rewritten already");
        return ERR_BUSY;
    }
    enum err e = must_wait(s) ? ERR_BUSY : rewrite_now(s, error);
    *scheduled = s->persist.rewrite_scheduled = e == ERR_BUSY;
    return *scheduled ? ERR_OK : e;
}

enum err persist_rewrite_cancel(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    if (!is_rewriting(s))
        return ERR_NOTFOUND;
    if (waits_to_switch_on(s) || (p->state == PERSIST_ON && !aof_placed(p->aof))) {
        snprintf(error, CONFIG_ERROR_CHARS,
                 "the append-only file begins with it: CONFIG SET appendonly no ends both");
        return ERR_BUSY;
    }
    if (p->rewrite && !snapshot_job_cancel(p->rewrite, SNAPSHOT_CANCELLED)) {
        snprintf(error, CONFIG_ERROR_CHARS, "it is done, and takes its place just now");
        return ERR_BUSY;
    }
    p->rewrite_scheduled = false;
    p->rewrite_retry_us = clock_mono_us() + REWRITE_CANCELLED_US;
    log_notice(&s->logger, "Rewriting the append-only file was cancelled");
    return ERR_OK;
}

void persist_cron(struct server *s, int64_t now_us)
{
    struct persist *p = &s->persist;
    struct aof_stats st;
    char error[CONFIG_ERROR_CHARS] = "";
    if (p->state != PERSIST_ON)
        return;
    engine_log_moved(s->engine);
    persist_watch_fault(s, now_us);
    engine_jobs_advance(s->engine);
    aof_stats(p->aof, &st);
    if (st.rewriting || now_us < p->rewrite_retry_us ||
        !(aof_rewrite_due(p->aof) || has_grown(s, &st)))
        return;
    bool scheduled;
    enum err e = persist_rewrite(s, &scheduled, error);
    if (e == ERR_OK)
        log_notice(&s->logger, "Rewriting the append-only file of %llu bytes",
                   (unsigned long long)st.current_bytes);
    else if (e != ERR_BUSY) {
        note_rewrite(p, false); /* the next try waits */
        log_warning(&s->logger, "Rewriting the append-only file failed: %s", error);
    }
}

/* --- from one state to the next --------------------------------------------------------------------------- */

enum err persist_apply(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    if (!s->net) /* see persist_open */
        return ERR_OK;
    if (next->aof_rdb_preamble != s->config.aof_rdb_preamble)
        warn_preamble(s, next);
    bool loading = p->loading && p->aof; /* once loaded, this log goes on with the new options */
    if (p->state == PERSIST_ON || p->state == PERSIST_ONCE || loading)
        aof_configure(p->aof, &next->log);
    if (p->state == PERSIST_ON)
        engine_log_look(s->engine);
    /* Any other change of `appendonly` waits for the end of the turn. */
    if (next->aof && !s->config.aof && p->state == PERSIST_OFF && !p->loading && !p->reload &&
        !unit_nested(s->engine) && !snapshot_jobs_busy(engine_jobs(s->engine)))
        return begin_anew(s, next, PERSIST_ON, error);
    return ERR_OK;
}

/* The log is closed: empties the data, and loads them again. */
static void load_again(struct server *s)
{
    struct persist *p = &s->persist;
    char error[CONFIG_ERROR_CHARS] = "";
    p->reload = false;
    p->reloading = true;
    engine_loading(s->engine, false); /* until replay_begin */
    engine_data_replaced(s->engine);  /* persist_reload_end says so again for the loaded data */
    ks_flush(s->ks, -1, false);
    enum err e = open_log(s, &s->config, true, error);
    if (e == ERR_OK && !aof_is_empty(p->aof)) {
        s->persist.loaded = on_loaded;
        persist_load_begin(s);
        return;
    }
    if (e == ERR_OK)
        e = on_loaded(s, error);
    if (e == ERR_OK)
        persist_reload_end(s, NULL);
    else
        persist_refuse(s, error);
}

static void switch_on(struct server *s)
{
    char error[CONFIG_ERROR_CHARS] = "";
    int64_t now_us = clock_mono_us();
    if (now_us < s->persist.retry_us || snapshot_jobs_busy(engine_jobs(s->engine)))
        return;
    s->persist.retry_us = 0;
    if (begin_anew(s, &s->config, PERSIST_ON, error) == ERR_OK)
        return;
    s->persist.retry_us = now_us + SWITCH_RETRY_US;
    s->persist.failures++;
    log_warning(&s->logger, "The append-only file cannot be switched on, which is tried again: %s",
                error);
}

static void rewrite_as_scheduled(struct server *s)
{
    struct persist *p = &s->persist;
    char error[CONFIG_ERROR_CHARS] = "";
    p->rewrite_scheduled = false;
    if (is_rewriting(s)) /* switching the log on began one */
        return;
    enum err e = must_wait(s) ? ERR_BUSY : rewrite_now(s, error);
    p->rewrite_scheduled = e == ERR_BUSY;
    if (e != ERR_OK && e != ERR_BUSY)
        log_warning(&s->logger, "The rewrite that was scheduled cannot begin: %s", error);
}

static void step(struct server *s)
{
    struct persist *p = &s->persist;
    bool wanted = s->config.aof && !p->reload;
    switch (p->state) {
    case PERSIST_OFF:
        if (p->reload)
            load_again(s);
        else if (wanted)
            switch_on(s);
        break;
    case PERSIST_ON:
        if (!wanted)
            begin_close(s);
        break;
    case PERSIST_ONCE:
        if (s->config.aof || p->reload || !aof_rewriting(p->aof))
            begin_close(s);
        break;
    case PERSIST_CLOSING:
        if (aof_stopped(p->aof))
            end_close(s);
        break;
    }
}

void persist_turn(struct server *s)
{
    struct persist *p = &s->persist;
    if (p->loading || s->stop == STOP_ASKED)
        return;
    bool closing = p->state == PERSIST_CLOSING;
    step(s);
    if (closing && p->state == PERSIST_OFF) /* no request sees the state in between */
        step(s);
    if (p->rewrite_scheduled && !p->loading)
        rewrite_as_scheduled(s);
    if (s->stop == STOP_FINISHING)
        persist_finish(s);
}

/* --- figures ---------------------------------------------------------------------------------------------- */

static void loading_figures(const struct persist *p, struct admin_persistence *out)
{
    double done = p->load_total ? (double)p->load_bytes / (double)p->load_total : 0;
    double passed_s = (double)(clock_mono_us() - p->load_start_us) / 1e6;
    out->load_start_unix_s = p->load_start_wall_ms / 1000;
    out->load_total = p->load_total;
    out->load_bytes = p->load_bytes;
    out->load_perc = done * 100;
    out->load_eta_s = done > 0 ? passed_s / done - passed_s : 1;
}

static int64_t seconds(int64_t us)
{
    return us < 0 ? -1 : us / 1000000;
}

void persist_figures(const struct server *s, struct admin_persistence *out)
{
    const struct persist *p = &s->persist;
    struct aof_stats st = {0};
    if (p->state != PERSIST_OFF)
        aof_stats(p->aof, &st);
    *out = (struct admin_persistence){
        .loading = p->loading,
        .enabled = s->config.aof && (p->state != PERSIST_OFF || p->loading),
        .rewriting = is_rewriting(s),
        .rewrite_scheduled = p->rewrite_scheduled || waits_to_switch_on(s),
        .last_rewrite_s = seconds(p->rewrite_took_us),
        .current_rewrite_s =
            st.rewriting ? seconds(engine_now_us(s->engine) - st.rewrite_started_us) : -1,
        .last_rewrite_status = p->rewrite_ok ? "ok" : "err",
        .rewrites = p->rewrites,
        .rewrite_failures = (uint64_t)p->rewrite_failures,
        .open = p->state == PERSIST_ON,
        .write_status = "ok",
    };
    if (p->loading)
        loading_figures(p, out);
    if (!out->open)
        return;
    out->write_status = aof_fault(p->aof) ? "err" : "ok";
    out->current_bytes = st.current_bytes;
    out->base_bytes = st.base_bytes;
    out->buffer_bytes = st.buffer_bytes;
    out->slow_syncs = st.slow_syncs;
    out->pos = aof_pos(p->aof);
    out->written_pos = aof_written(p->aof);
    out->synced_pos = aof_synced(p->aof);
}
