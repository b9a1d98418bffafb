#include "server/persist.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/durable.h"
#include "log/aof.h"
#include "server/info.h"
#include "server/server.h"

#define LOAD_SLICE_US 5000 /* between two looks at the clients */
#define LOAD_TELL_US  (1000 * 1000)

static void on_moved(evutil_socket_t fd, short what, void *arg)
{
    struct server *s = arg;
    (void)fd;
    (void)what;
    engine_turn(s->engine);
    engine_log_moved(s->engine);
}

/* `load`: its data are to be loaded, else they belong to other data. */
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
        .policy = (enum writer_policy)c->aof_policy,
        .load_truncated = c->aof_load_truncated,
        .timestamps = c->aof_timestamps,
        .logger = &s->logger,
    };
    enum err e = aof_open(&s->persist.aof, &o, why);
    if (e != ERR_OK)
        snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
    return e;
}

/* From here on effects are logged. `fresh`: what is in the directory belongs to other data. */
static enum err start_log(struct server *s, bool fresh, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    char why[AOF_ERROR_CHARS];
    enum err e = aof_start(p->aof, fresh, why);
    if (e != ERR_OK) {
        snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
        return e;
    }
    engine_log_attach(s->engine, p->aof);
    p->moved = event_new(s->base, aof_event_fd(p->aof), EV_READ | EV_PERSIST, on_moved, s);
    assert(p->moved);
    event_add(p->moved, NULL);
    return ERR_OK;
}

/* --- loading ---------------------------------------------------------------------------------------------- */

static void begin_load(struct server *s)
{
    struct persist *p = &s->persist;
    p->loading = true;
    p->load_start_us = p->load_told_us = clock_mono_us();
    p->load_start_wall_ms = clock_wall_ms();
    aof_load_progress(p->aof, &p->load_bytes, &p->load_total);
    replay_begin(&p->replay, s->engine);
    log_notice(&s->logger, "Loading the append-only file: %llu bytes",
               (unsigned long long)p->load_total);
}

static void tell_progress(struct server *s, int64_t now_us)
{
    struct persist *p = &s->persist;
    if (now_us - p->load_told_us < LOAD_TELL_US || p->load_bytes == 0)
        return;
    p->load_told_us = now_us;
    double done = (double)p->load_bytes / (double)p->load_total;
    double passed_s = (double)(now_us - p->load_start_us) / 1e6;
    log_notice(&s->logger, "Loading: %.0f %%, %llu commands, %.0f seconds left", done * 100,
               (unsigned long long)p->replay.commands, passed_s / done - passed_s);
}

enum load { LOAD_MORE, LOAD_DONE, LOAD_FAILED };

/* Why a command of the log could not be run; of one that we do not have in Redis' words, which tools look for. */
static void explain(const char *why, char error[AOF_ERROR_CHARS])
{
    static const char unknown[] = "unknown command '";
    const char *name = strstr(why, unknown);
    if (!name) {
        snprintf(error, AOF_ERROR_CHARS, "%s", why);
        return;
    }
    name += sizeof(unknown) - 1;
    snprintf(error, AOF_ERROR_CHARS, "Unknown command '%.*s' reading the append only file",
             (int)strcspn(name, "'"), name);
}

/* Applies the next batch. */
static enum load load_batch(struct server *s, char error[AOF_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    struct reader_batch batch;
    switch (aof_load_next(p->aof, &batch, error)) {
    case READER_BATCH:
        if (replay_batch(&p->replay, &batch))
            return LOAD_MORE;
        explain(p->replay.error, error);
        return LOAD_FAILED;
    case READER_END: return LOAD_DONE;
    case READER_TORN:
    case READER_DAMAGED:
    case READER_IO: return LOAD_FAILED;
    }
    return LOAD_FAILED;
}

static enum err end_load(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    log_notice(&s->logger, "Loaded %llu commands from the append-only file in %.3f seconds",
               (unsigned long long)p->replay.commands,
               (double)(clock_mono_us() - p->load_start_us) / 1e6);
    replay_end(&p->replay);
    p->loading = false;
    return start_log(s, false, error);
}

static void refuse(struct server *s, const char *error)
{
    log_warning(&s->logger, "The append-only file cannot be loaded: %s", error);
    s->failed = true;
    server_stop(s, 0);
}

void persist_load_slice(struct server *s)
{
    struct persist *p = &s->persist;
    char error[AOF_ERROR_CHARS] = "";
    int64_t now_us = clock_mono_us(), until_us = now_us + LOAD_SLICE_US;
    enum load load;
    do {
        load = load_batch(s, error);
        now_us = clock_mono_us();
    } while (load == LOAD_MORE && now_us < until_us);
    aof_load_progress(p->aof, &p->load_bytes, &p->load_total);
    if (load == LOAD_FAILED)
        refuse(s, error);
    else if (load == LOAD_MORE)
        tell_progress(s, now_us);
    else if (end_load(s, error) != ERR_OK)
        refuse(s, error);
    else
        server_ready(s);
}

/* --- life ------------------------------------------------------------------------------------------------- */

enum err persist_open(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    if (!s->config.aof)
        return ERR_OK;
    enum err e = open_log(s, &s->config, true, error);
    if (e != ERR_OK)
        return e;
    if (aof_is_empty(s->persist.aof))
        return start_log(s, false, error);
    begin_load(s);
    return ERR_OK;
}

/* False: not all of it could be written, and it is said so. */
static bool drop_log(struct server *s)
{
    struct persist *p = &s->persist;
    engine_log_detach(s->engine);
    if (p->moved)
        event_free(p->moved);
    p->moved = NULL;
    bool fine = aof_close(&p->aof);
    if (!fine)
        log_warning(&s->logger, "Not all of the append-only file could be written");
    return fine;
}

void persist_close(struct server *s)
{
    if (s->persist.loading)
        replay_end(&s->persist.replay);
    s->persist.loading = false;
    if (s->persist.aof && !drop_log(s))
        s->failed = true;
}

static enum err switch_on(struct server *s, const struct config *next,
                          char error[CONFIG_ERROR_CHARS])
{
    char why[ENGINE_LOG_ERROR_CHARS] = "";
    enum err e = open_log(s, next, false, error);
    if (e == ERR_OK)
        e = start_log(s, true, error);
    if (e != ERR_OK) {
        aof_close(&s->persist.aof);
        return e;
    }
    e = engine_rewrite_begin(s->engine, why);
    if (e != ERR_OK) {
        snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
        drop_log(s);
    }
    return e;
}

enum err persist_apply(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    if (!s->net || p->loading) /* see persist_open */
        return ERR_OK;
    if (next->aof && !p->aof)
        return switch_on(s, next, error);
    if (!next->aof && p->aof) {
        drop_log(s);
        return ERR_OK;
    }
    if (p->aof) {
        aof_set_policy(p->aof, (enum writer_policy)next->aof_policy);
        aof_set_timestamps(p->aof, next->aof_timestamps);
    }
    return ERR_OK;
}

enum err persist_reload(struct server *s, char error[CONFIG_ERROR_CHARS])
{
    char why[AOF_ERROR_CHARS] = "";
    enum load load;
    drop_log(s);
    ks_flush(s->ks, -1, true);
    enum err e = persist_open(s, error);
    if (e != ERR_OK || !s->persist.loading)
        return e;
    while ((load = load_batch(s, why)) == LOAD_MORE)
        continue;
    if (load == LOAD_DONE)
        return end_load(s, error);
    snprintf(error, CONFIG_ERROR_CHARS, "%.*s", CONFIG_ERROR_CHARS - 1, why);
    refuse(s, error);
    return ERR_IO;
}

/* --- rewriting -------------------------------------------------------------------------------------------- */

static bool has_grown(const struct server *s, const struct aof_stats *st)
{
    uint64_t least = (uint64_t)s->config.aof_rewrite_min_bytes;
    uint64_t base = st->base_bytes ? st->base_bytes : 1;
    if (s->config.aof_rewrite_percentage == 0 || st->current_bytes < least)
        return false;
    return (double)st->current_bytes * 100 / (double)base - 100 >=
           (double)s->config.aof_rewrite_percentage;
}

static void watch_rewrite(struct server *s, const struct aof_stats *st)
{
    struct persist *p = &s->persist;
    if (p->was_rewriting && !st->rewriting) {
        p->rewrite_failures = st->last_rewrite_ok ? 0 : p->rewrite_failures + 1;
        if (st->last_rewrite_ok)
            log_notice(&s->logger,
                       "Background AOF rewrite finished successfully: %llu bytes in %.3f seconds",
                       (unsigned long long)st->base_bytes, (double)st->last_rewrite_us / 1e6);
    }
    p->was_rewriting = st->rewriting;
}

void persist_cron(struct server *s)
{
    struct aof_stats st;
    char error[ENGINE_LOG_ERROR_CHARS] = "";
    if (!s->persist.aof || s->persist.loading)
        return;
    engine_log_moved(s->engine);
    aof_stats(s->persist.aof, &st);
    watch_rewrite(s, &st);
    bool due = aof_rewrite_due(s->persist.aof) || has_grown(s, &st);
    if (st.rewriting || !due)
        return;
    enum err e = engine_rewrite_begin(s->engine, error);
    if (e == ERR_OK)
        log_notice(&s->logger, "Rewriting the append-only file of %llu bytes",
                   (unsigned long long)st.current_bytes);
    else if (e != ERR_BUSY)
        log_warning(&s->logger, "Rewriting the append-only file failed: %s", error);
}

/* --- INFO ------------------------------------------------------------------------------------------------- */

static void info_loading(const struct persist *p, struct buf *out)
{
    double done = p->load_total ? (double)p->load_bytes / (double)p->load_total : 0;
    double passed_s = (double)(clock_mono_us() - p->load_start_us) / 1e6;
    info_line(out, "loading_start_time:%lld", (long long)(p->load_start_wall_ms / 1000));
    info_line(out, "loading_total_bytes:%llu", (unsigned long long)p->load_total);
    info_line(out, "loading_rdb_used_mem:0");
    info_line(out, "loading_loaded_bytes:%llu", (unsigned long long)p->load_bytes);
    info_line(out, "loading_loaded_perc:%.2f", done * 100);
    info_line(out, "loading_eta_seconds:%.0f", done > 0 ? passed_s / done - passed_s : 1);
}

static long long seconds(int64_t us)
{
    return us < 0 ? -1 : (long long)(us / 1000000);
}

void persist_info(const struct server *s, struct buf *out)
{
    const struct persist *p = &s->persist;
    struct aof_stats st = {.last_rewrite_us = -1, .last_rewrite_ok = true};
    bool on = p->aof && !p->loading;
    if (on)
        aof_stats(p->aof, &st);
    info_line(out, "aof_enabled:%d", p->aof != NULL);
    info_line(out, "aof_rewrite_in_progress:%d", st.rewriting);
    info_line(out, "aof_rewrite_scheduled:0"); /* one begins at once, or is refused */
    info_line(out, "aof_last_rewrite_time_sec:%lld", seconds(st.last_rewrite_us));
    info_line(out, "aof_current_rewrite_time_sec:%lld",
              st.rewriting ? seconds(s->engine->now_us - st.rewrite_started_us) : -1LL);
    info_line(out, "aof_last_bgrewrite_status:%s", st.last_rewrite_ok ? "ok" : "err");
    info_line(out, "aof_rewrites:%llu", (unsigned long long)st.rewrites);
    info_line(out, "aof_rewrites_consecutive_failures:%d", p->rewrite_failures);
    info_line(out, "aof_last_write_status:%s", on && aof_fault(p->aof) ? "err" : "ok");
    info_line(out, "aof_last_cow_size:0");
    if (on) {
        info_line(out, "aof_current_size:%llu", (unsigned long long)st.current_bytes);
        info_line(out, "aof_base_size:%llu", (unsigned long long)st.base_bytes);
        info_line(out, "aof_pending_rewrite:0");
        info_line(out, "aof_buffer_length:%llu", (unsigned long long)st.buffer_bytes);
        info_line(out, "aof_pending_bio_fsync:0");
        info_line(out, "aof_delayed_fsync:%llu", (unsigned long long)st.slow_syncs);
        info_line(out, "aof_position:%llu", (unsigned long long)aof_pos(p->aof));
        info_line(out, "aof_written_position:%llu", (unsigned long long)aof_written(p->aof));
        info_line(out, "aof_synced_position:%llu", (unsigned long long)aof_synced(p->aof));
    }
    if (p->loading)
        info_loading(p, out);
}
