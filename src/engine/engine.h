#pragma once
/* The engine finds, checks and runs requests, whatever they came in through. It owns the sessions and the interests
 * that tie them together (transactions, blocking), and works on the keyspace and the command table. It knows no
 * socket and no event loop: net/ hands it requests, server/ calls it regularly. One engine is one thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/logger.h"
#include "base/rng.h"
#include "base/ticks.h"
#include "cmd/ctx.h"
#include "cmd/table.h"
#include "engine/observers.h"
#include "engine/session.h"
#include "store/keyspace.h"

struct snapshot_jobs; /* snapshot_job.h */

#define ENGINE_BATCH_MAX      64   /* requests whose keys are fetched together */
#define ENGINE_CLOCK_STALE_US 1000 /* a longer request makes the clocks be read again */

enum engine_allow {
    ENGINE_ALLOW_NO,
    ENGINE_ALLOW_YES,
    ENGINE_ALLOW_LOCAL
}; /* loopback and Unix sockets */
#define ENGINE_PERCENTILES_MAX 16

/* Options that the engine goes by. */
struct engine_config {
    struct slice password; /* requirepass; empty: none */
    unsigned notify;       /* enum notify_class; 0: no notifications */
    int64_t slowlog_us;    /* slowlog-log-slower-than; negative: off */
    uint64_t slowlog_len_max;
    int64_t latency_ms;     /* latency-monitor-threshold; 0: off */
    int64_t bulk_bytes_max; /* proto-max-bulk-len */
    int debug_commands;     /* enable-debug-command: enum engine_allow */
    bool latency_tracking;  /* per-command histograms */
    int percentile_count;   /* latency-tracking-info-percentiles */
    double percentiles[ENGINE_PERCENTILES_MAX];
    int rewrite_key_delay_us; /* rdb-key-save-delay: for tests, snapshot jobs rest after each key */
};

/* An effect as it leaves for the log: a command in canonical form. */
typedef void (*engine_effect_fn)(void *arg, int db, int argc, const struct slice *argv);

struct engine_options {
    struct keyspace *ks; /* borrowed for life, like everything here */
    struct cmd_table *table;
    struct logger *logger;
    struct rng *rng;
    engine_effect_fn effect; /* NULL: effects are not recorded */
    void *effect_arg;
    void *owner;             /* server/'s, for handlers that live there */
    int64_t now_us, wall_ms; /* as in engine_turn */
    /* Calls engine_turn, after a request that took so long that the time is stale. NULL: the time stays as it is. */
    void (*late)(struct engine *e);
    struct engine_observers observers;
};

struct engine_stats {
    uint64_t commands;    /* processed */
    uint64_t connections; /* accepted, ever; counted by net/ */
    uint64_t rejected_connections;
    uint64_t in_bytes, out_bytes; /* of all sessions; counted by net/ */
    /* the part of out_bytes that was sent without a copy (net/lend.h) */
    uint64_t lent_bytes;
    uint64_t errors; /* error replies */
    uint64_t expired_time_cap_reached;
    uint64_t auth_failures;
    uint64_t query_limit_disconnections, output_limit_disconnections; /* counted by net/ */
    uint64_t dirty;                                                   /* changes since start */
    uint64_t reads_processed, writes_processed; /* socket events; counted by net/ */
    struct histogram gate_waits;                /* of replies, see gate.h */
};

#define ENGINE_ERROR_CODES_MAX 128
struct engine_error_stat { /* INFO errorstats */
    char code[RESP_ERROR_CODE_MAX];
    uint64_t count;
};

enum engine_pause { PAUSE_NONE, PAUSE_WRITE, PAUSE_ALL };

/* Adds the engine's own commands. `e` NULL: for look-ups only. */
void engine_add_rows(struct engine *e, struct cmd_table *t);
/* Makes an engine, and adds its commands to the table. `c` is borrowed for life; its owner may change it between
 * requests, and then calls engine_config_changed. */
struct engine *engine_new(const struct engine_options *o, const struct engine_config *c);
void engine_free(struct engine **e); /* all sessions must be gone */

/* --- for other rooms ---------------------------------------------------------------------------------- */

/* The time of the turn under way: monotonic, and of the wall clock. */
int64_t engine_now_us(const struct engine *e);
int64_t engine_wall_ms(const struct engine *e);
const struct engine_config *engine_config(const struct engine *e);
/* Counters since the start. net/ and clients/ add to the counters of events that the engine does not see. */
struct engine_stats *engine_stats(struct engine *e);
/* Errors replied so far, by code. */
const struct engine_error_stat *engine_error_stats(const struct engine *e, int *count);
struct keyspace *engine_keyspace(const struct engine *e);
struct cmd_table *engine_table(const struct engine *e);
void *engine_owner(const struct engine *e);
struct snapshot_jobs *engine_jobs(const struct engine *e);
/* The session that came first; session_next leads to the others. NULL: there is none. */
struct session *engine_sessions(const struct engine *e);
/* How many sessions wait for an event (WAIT, BLPOP, ...), and how many a pause or a full log holds. */
size_t engine_sessions_blocked(const struct engine *e);
size_t engine_sessions_paused(const struct engine *e);
/* The pause under way. */
enum engine_pause engine_paused(const struct engine *e);
/* DEBUG SET-ACTIVE-EXPIRE. False: due keys are removed only when they are next looked at. */
void engine_set_active_expiry(struct engine *e, bool on);
/* One session more (1) or less (-1) monitors requests: observers.request is called while there are any. */
void engine_monitors(struct engine *e, int more);
/* All data were replaced: transactions that watch any key are aborted. */
void engine_data_replaced(struct engine *e);
/* Serves the sessions that wait for keys which a load brought. */
void engine_serve_ready(struct engine *e);
/* Keys that some session waits for (BLPOP, ...). */
size_t engine_keys_waited_for(const struct engine *e);

/* --- requests --------------------------------------------------------------------------------------- */

struct engine_request {
    const struct slice *argv; /* borrowed until engine_run returns */
    int argc;                 /* 0: nothing to run */
};
/* Runs requests of a session in order. Returns how many were taken: fewer than n when the session was blocked
 * or paused or is closing; the others are offered again after ops->resume (or never). Replies are in the session's
 * queue. The session stays alive through the call. `plan`: made of the first of them, see plan.h; NULL: not yet. */
struct plan;
int engine_run(struct engine *e, struct session *s, const struct engine_request *requests, int n,
               struct plan *plan);

/* The log position behind all effects; 0: there is no log. */
uint64_t engine_log_pos(const struct engine *e);

/* Takes the time, monotonic and of the wall clock; net/ calls it when the loop wakes, before the first request. */
void engine_turn(struct engine *e, int64_t now_us, int64_t wall_ms);
/* Hands the log's batch of the turn over; net/ calls it before it sends replies. */
void engine_turn_end(struct engine *e);
/* Sinks of snapshot jobs moved on: the log's descriptor is readable, for example. Between requests only. */
void engine_jobs_advance(struct engine *e);
/* Some job has data to give, and a sink that takes them. */
bool engine_jobs_giving(const struct engine *e);
/* Has jobs give for about `budget_us`, at least one slice. */
void engine_jobs_give(struct engine *e, int64_t budget_us);
/* Replies wait for the log: on a single processor its writer goes first. */
bool engine_replies_wait(const struct engine *e);
/* Work in slices for about `budget_us`: expiry, table moves, resharding, freeing. True: there is more. */
bool engine_work(struct engine *e, int64_t budget_us);
/* Keys are removed when they are due: not while writes are paused, or the log cannot take the removal. */
bool engine_expires(const struct engine *e);
/* Deadlines of blocked sessions and of a pause. Call when engine_next_deadline_us has come. */
void engine_deadlines(struct engine *e);
/* Nothing is due before: monotonic; INT64_MAX: nothing ever. */
int64_t engine_next_deadline_us(const struct engine *e);

/* --- for handlers of engine/ and server/ ------------------------------------------------------------- */

static inline struct engine *engine_of(const struct cmd_ctx *c)
{
    return (struct engine *)c->host;
}
struct session *engine_session_by_id(const struct engine *e, uint64_t id); /* NULL: none */
/* Holds back requests until `until_us`, or until the end of a pause under way if that is later. PAUSE_NONE ends it
 * and resumes all sessions. */
void engine_pause(struct engine *e, enum engine_pause what, int64_t until_us);
/* A log is loaded, or not any more. */
void engine_loading(struct engine *e, bool loading);
/* True: the handler may go on; else the error (Redis' text) is replied. */
bool engine_debug_allowed(struct cmd_ctx *c);
double engine_ticks_us(const struct engine *e, uint64_t ticks);
/* Writes the running command, or that there is none, for a crash report: it allocates nothing (base/raw.h). */
void engine_crash_report(const struct engine *e, int fd);
void engine_reset_stats(struct engine *e);
/* Derives the state that depends on the configuration, which has changed. */
void engine_config_changed(struct engine *e);
