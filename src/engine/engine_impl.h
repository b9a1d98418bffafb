#pragma once
/* The fields of the engine, for the files of engine/ alone. Other rooms include engine.h. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outq.h"
#include "ds/heap.h"
#include "ds/table.h"
#include "engine/engine.h"
#include "engine/promise.h"
#include "engine/session_impl.h"
#include "engine/unit.h"
#include "resp/writer.h"

struct aof;          /* log/aof.h */
struct gate;         /* gate.h */
struct interest;     /* interest.h */
struct kept_request; /* kept.h */
struct stream;       /* log/stream.h */

struct engine {
    struct keyspace *ks;
    struct cmd_table *table;
    struct logger *logger;
    struct rng *rng;
    void *owner;
    engine_effect_fn effect;
    void *effect_arg;
    struct aof *aof; /* NULL: no log. Borrowed, see durable.h */
    /* held; NULL: no effects are recorded, or they go elsewhere than to a stream */
    struct stream *stream;
    /* the argument that the effect under way may refer to; NULL: none */
    struct blob *effect_blob;
    const struct kept_request *kept; /* the queued request that runs; NULL: none does */
    struct gate *gate;               /* NULL: no log, nothing waits */
    struct promise promise;
    void (*late)(struct engine *e);
    struct snapshot_jobs *jobs;
    bool loading;    /* a log is replayed: see replay.h; changed by engine_loading */
    bool replaying;  /* a replayed batch runs just now */
    uint32_t checks; /* enum check, of the engine's state */

    const struct engine_config *config; /* borrowed */
    bool active_expiry;                 /* DEBUG SET-ACTIVE-EXPIRE */
    struct engine_stats stats;
    struct engine_error_stat errors[ENGINE_ERROR_CODES_MAX];
    int error_codes;

    /* time: read once a turn, and after a slow command */
    int64_t now_us;  /* monotonic */
    int64_t wall_ms; /* wall clock */
    double ticks_per_us;
    uint64_t us_ticks; /* ticks_per_us as a whole number */
    /* the shortest duration that slow log, latency monitor or the clock care about */
    uint64_t slow_ticks_min;
    uint64_t ticks; /* when the latest request of a batch ended, or its plan was made */

    struct session *first, *last; /* all sessions, oldest first */
    struct table sessions;        /* all sessions, by id */
    size_t session_count, blocked_count, paused_count;
    uint64_t next_session_id;
    struct session *current;       /* its request is running */
    const struct cmd_ctx *running; /* the innermost request: for crash reports and MONITOR */
    struct unit unit;              /* the unit under way */
    /* messages to the session whose request runs: they leave behind its reply */
    struct outq pushes;
    struct resp_writer push_writer;

    int64_t attack_logged_us; /* monotonic; 0: never */
    struct heap deadlines;    /* deadlines of blocked sessions: monotonic microseconds */
    struct heap sync_waits;   /* sessions in WAITAOF, by log position */
    enum engine_pause pause;
    int64_t pause_until_us; /* monotonic */

    struct interest *interest;
    bool keys_ready; /* sessions wait for keys that are there now; kept by interest.c */
    struct engine_observers observers;
    size_t monitors; /* sessions that see every request; kept by clients/ */
};

/* An atomic change lies between these, see unit.h. `s`: the session whose request it is, or NULL. */
static inline void unit_begin(struct engine *e, struct session *s)
{
    if (e->unit.depth++ == 0 && e->gate)
        unit_open(e, s);
}
static inline void unit_end(struct engine *e)
{
    if (--e->unit.depth == 0 && e->unit.work)
        unit_close(e);
}
