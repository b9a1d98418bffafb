/* Loads the log in slices: at the start, and again for DEBUG LOADAOF and RELOAD. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/block.h"
#include "engine/session.h"
#include "log/aof.h"
#include "server/persist.h"
#include "server/server_impl.h"

#define LOAD_SLICE_US 5000 /* between two looks at the clients */
#define LOAD_TELL_US  (1000 * 1000)

void persist_load_begin(struct server *s)
{
    struct persist *p = &s->persist;
    p->loading = true;
    p->load_start_us = p->load_told_us = clock_mono_us();
    p->load_start_wall_ms = clock_wall_ms();
    aof_load_progress(p->aof, &p->load_bytes, &p->load_total);
    replay_begin(&p->replay, s->engine, REPLAY_LOADING);
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

/* Tells replay how far the base is read, so that tables get their size ahead. */
static void forecast(struct persist *p)
{
    uint64_t bytes, total;
    if (aof_load_in_base(p->aof, &bytes, &total))
        replay_forecast(&p->replay, bytes, total);
    else
        replay_forecast_end(&p->replay);
}

enum load { LOAD_MORE, LOAD_LATER, LOAD_DONE, LOAD_FAILED };

/* Why the batch at hand could not be applied, in Redis' words as far as tools look for them. */
static void explain(struct persist *p, enum replay_verdict verdict, char error[AOF_ERROR_CHARS])
{
    const struct admit_fault *f = &p->replay.fault;
    switch (verdict) {
    case REPLAY_FINE: break;
    case REPLAY_UNKNOWN: aof_load_refuse_unknown(p->aof, f, error); break;
    case REPLAY_DAMAGE: aof_load_refuse(p->aof, "Bad file format", f, error); break;
    case REPLAY_FAILED: aof_load_refuse(p->aof, "A command failed", f, error); break;
    }
}

/* Applies the next batch. */
static enum load load_batch(struct server *s, char error[AOF_ERROR_CHARS])
{
    struct persist *p = &s->persist;
    struct reader_batch batch;
    switch (aof_load_next(p->aof, &batch, error)) {
    case READER_BATCH: {
        enum replay_verdict verdict = replay_batch(&p->replay, &batch);
        explain(p, verdict, error);
        if (verdict != REPLAY_FINE)
            return LOAD_FAILED;
        forecast(p);
        return LOAD_MORE;
    }
    case READER_END: return LOAD_DONE;
    case READER_TORN:
    case READER_DAMAGED:
    case READER_IO: return LOAD_FAILED;
    case READER_LATER: return LOAD_LATER;
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
    return p->loaded(s, error);
}

void persist_refuse(struct server *s, const char *error)
{
    log_warning(&s->logger, "The append-only file cannot be loaded: %s", error);
    persist_reload_end(s, error);
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
        persist_refuse(s, error);
    else if (load != LOAD_DONE)
        tell_progress(s, now_us);
    else if (end_load(s, error) != ERR_OK)
        persist_refuse(s, error);
    else if (p->reloading)
        persist_reload_end(s, NULL);
    else
        server_ready(s);
}

/* --- DEBUG LOADAOF ------------------------------------------------------------------------------------------ */

static void stop_waiting(struct session *waiter, enum unblock_why why, struct resp_writer *out)
{
    (void)why;
    struct server *s = engine_owner(session_engine(waiter));
    s->persist.reloader = NULL;
    if (!out)
        return;
    if (s->failed)
        resp_error(out,
                   "the append-only file cannot be loaded, and the server stops: its log says why");
    else
        resp_ok(out);
}

bool persist_reload(struct server *s, struct session *waiter)
{
    struct persist *p = &s->persist;
    if (p->loading || p->reload || p->reloading)
        return false;
    p->reload = true;
    p->reloader = waiter;
    engine_loading(s->engine, true); /* changes made before the log is closed would be lost */
    block_session(waiter, INT64_MAX, stop_waiting);
    return true;
}

void persist_reload_end(struct server *s, const char *error)
{
    s->persist.reload = s->persist.reloading = false;
    s->failed = s->failed || error;
    engine_data_replaced(s->engine);
    if (s->persist.reloader)
        block_end(s->persist.reloader, UNBLOCK_TIMEOUT);
    engine_serve_ready(s->engine);
}
