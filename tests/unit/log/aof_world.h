#pragma once
/* A few keys in a few databases, changed at random and logged: what a log must bring back. Which state
 * belongs to which log position is remembered, so that whatever prefix comes back can be judged. */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <sys/stat.h>

#include "log_test.h"

#include "base/logger.h"
#include "base/num.h"
#include "base/clock.h"
#include "log/aof.h"
#include "log/aof_impl.h"
#include "log/sink.h"

#define WORLD_DBS        3
#define WORLD_KEYS       16
#define WORLD_VALUE_MAX  48
#define WORLD_BEGUN_S    1700000000
#define WORLD_SNAPSHOT_S 1700000005 /* of rewrites */

struct world_data {
    char value[WORLD_DBS][WORLD_KEYS][WORLD_VALUE_MAX];
    unsigned char len[WORLD_DBS][WORLD_KEYS]; /* 0: there is none */
    int db;                                   /* SELECT */
};
struct world_point {
    uint64_t pos, hash;
};
struct world {
    struct world_data data;
    struct rng rng;
    struct logger logger;
    struct world_point *points; /* behind every command and every transaction */
    size_t count, cap;
    struct world_data snapshot; /* what the rewrite under way gives */
    int given;                  /* of its keys; -1: none under way */
    struct sink *sink;          /* of that rewrite; NULL: none under way */
    enum snapshot_phase phase;
    unsigned rewrites; /* that went well */
    bool rewrite_ok;   /* the last one did */
};

static inline uint64_t world_hash(const struct world_data *d)
{
    uint64_t h = 14695981039346656037u;
    for (int db = 0; db < WORLD_DBS; db++)
        for (int k = 0; k < WORLD_KEYS; k++)
            for (int i = -1; i < d->len[db][k]; i++)
                h = (h ^ (unsigned char)(i < 0 ? d->len[db][k] : d->value[db][k][i])) *
                    1099511628211u;
    return h;
}

static inline void world_note(struct world *w, uint64_t pos)
{
    if (w->count == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 256;
        w->points = realloc(w->points, w->cap * sizeof(*w->points));
        assert_non_null(w->points);
    }
    w->points[w->count++] = (struct world_point){pos, world_hash(&w->data)};
}

static inline void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof(*w));
    rng_seed(&w->rng, seed);
    logger_init(&w->logger);
    w->logger.level = LOG_LEVEL_NOTHING;
    w->given = -1;
    world_note(w, 0);
}

static inline void world_deinit(struct world *w)
{
    logger_deinit(&w->logger);
    free(w->points);
}

/* Applies SELECT, SET, MSET, DEL and APPEND, which is not the same when it comes twice. */
static inline void world_apply(struct world_data *d, const struct slice *argv, int argc)
{
    int64_t n = 0;
    if (slice_is(argv[0], "MULTI") || slice_is(argv[0], "EXEC"))
        return;
    if (slice_is(argv[0], "MSET")) {
        for (int i = 1; i < argc; i += 2)
            world_apply(d, (struct slice[]){SLICE("SET"), argv[i], argv[i + 1]}, 3);
        return;
    }
    assert_true(num_parse_i64(argv[1], &n));
    if (slice_is(argv[0], "SELECT")) {
        d->db = (int)n;
        return;
    }
    unsigned char *len = &d->len[d->db][n];
    if (!slice_is(argv[0], "APPEND"))
        *len = 0;
    if (slice_is(argv[0], "DEL"))
        return;
    assert_true(*len + argv[2].len <= WORLD_VALUE_MAX);
    memcpy(d->value[d->db][n] + *len, argv[2].ptr, argv[2].len);
    *len = (unsigned char)(*len + argv[2].len);
}

/* A random command, done and logged. */
static inline void world_step(struct world *w, struct aof *a)
{
    char digits[NUM_I64_CHARS], value[8];
    int db = rng_below(&w->rng, 8) ? 0 : (int)rng_below(&w->rng, WORLD_DBS);
    int k = (int)rng_below(&w->rng, WORLD_KEYS);
    size_t n = 1 + rng_below(&w->rng, sizeof(value));
    for (size_t i = 0; i < n; i++)
        value[i] = (char)rng_next(&w->rng);
    bool room = w->data.len[db][k] + n <= WORLD_VALUE_MAX;
    uint64_t dice = rng_below(&w->rng, 10);
    struct slice argv[3] = {SLICE("SET"), {digits, (size_t)num_print_i64(digits, k)}, {value, n}};
    if (dice < 7 && room)
        argv[0] = SLICE("APPEND");
    else if (dice == 9)
        argv[0] = SLICE("DEL");
    int argc = dice == 9 && argv[0].len == 3 && argv[0].ptr[0] == 'D' ? 2 : 3;
    stream_clock(a->stream, (int64_t)(1700000000 + w->count / 10));
    stream_put(a->stream, db, argc, argv);
    w->data.db = db;
    world_apply(&w->data, argv, argc);
}

static inline void world_transaction(struct world *w, struct aof *a)
{
    stream_unit_begin(a->stream);
    for (uint64_t m = 1 + rng_below(&w->rng, 4); m > 0; m--) {
        world_step(w, a);
        stream_seal(a->stream); /* does nothing within a unit */
    }
    stream_unit_end(a->stream);
}

/* A turn: some commands and transactions, then the seal. */
static inline void world_turn(struct world *w, struct aof *a)
{
    for (uint64_t n = 1 + rng_below(&w->rng, 5); n > 0; n--) {
        if (rng_below(&w->rng, 4) == 0)
            world_transaction(w, a);
        else
            world_step(w, a);
        world_note(w, aof_pos(a));
    }
    stream_seal(a->stream);
}

/* --- rewriting ------------------------------------------------------------------------------ */

/* Has one prepared; the snapshot is taken later, by a slice. */
static inline bool world_rewrite_begin(struct world *w, struct aof *a)
{
    char error[AOF_ERROR_CHARS];
    if (aof_rewrite(a, 0, &w->sink, error) != ERR_OK)
        return false;
    w->phase = SNAPSHOT_PREPARING;
    w->given = 0;
    return true;
}

static inline void world_rewrite_close(struct world *w, bool fine)
{
    struct sink *sink = w->sink;
    w->sink = NULL;
    w->given = -1;
    w->rewrite_ok = fine;
    w->rewrites += fine;
    sink->ops->close(sink, fine);
}

static inline void world_rewrite_cancel(struct world *w)
{
    if (w->sink && w->phase != SNAPSHOT_PLACING)
        world_rewrite_close(w, false);
}

static inline bool world_rewrite_ready(struct world *w)
{
    return w->sink && w->sink->ops->step(w->sink, w->phase) == SINK_READY;
}

/* Leads it to its next phase, as a job does; takes the snapshot, if that can be done now. */
static inline void world_rewrite_advance(struct world *w)
{
    if (!w->sink)
        return;
    enum sink_step step = w->sink->ops->step(w->sink, w->phase);
    if (step == SINK_FAILED)
        world_rewrite_close(w, false);
    if (step != SINK_READY)
        return;
    switch (w->phase) {
    case SNAPSHOT_PREPARING:
        w->sink->ops->begin(w->sink, WORLD_SNAPSHOT_S);
        w->snapshot = w->data;
        w->phase = SNAPSHOT_GIVING;
        break;
    case SNAPSHOT_GIVING: break;
    case SNAPSHOT_SAVING:
        w->sink->ops->place(w->sink);
        w->phase = SNAPSHOT_PLACING;
        break;
    case SNAPSHOT_PLACING: world_rewrite_close(w, true); break;
    }
}

static inline void world_poll(struct world *w, struct aof *a)
{
    aof_poll(a);
    world_rewrite_advance(w);
}

static inline void world_rewrite_end(struct world *w)
{
    assert_int_equal(w->sink->ops->end(w->sink), ERR_OK);
    w->phase = SNAPSHOT_SAVING;
    w->given = -1;
}

/* Gives a few keys of the snapshot, or the end. */
static inline void world_rewrite_slice(struct world *w, struct aof *a)
{
    char digits[NUM_I64_CHARS];
    world_poll(w, a);
    if (!w->sink || w->phase != SNAPSHOT_GIVING)
        return;
    for (int i = 0; i < 5 && w->given < WORLD_DBS * WORLD_KEYS; i++, w->given++) {
        int db = w->given / WORLD_KEYS, k = w->given % WORLD_KEYS;
        struct slice argv[3] = {SLICE("SET"),
                                {digits, (size_t)num_print_i64(digits, k)},
                                {w->snapshot.value[db][k], w->snapshot.len[db][k]}};
        if (argv[2].len)
            assert_int_equal(w->sink->ops->put(w->sink, db, 3, argv), ERR_OK);
    }
    if (w->given == WORLD_DBS * WORLD_KEYS)
        world_rewrite_end(w);
}

static inline void await_rewrite(struct world *w, struct aof *a)
{
    int64_t until_us = clock_mono_us() + 10000000;
    for (world_poll(w, a); a->rewrite; world_poll(w, a)) {
        struct pollfd p = {.fd = aof_event_fd(a), .events = POLLIN};
        assert_true(clock_mono_us() < until_us);
        poll(&p, 1, 1000);
    }
}

/* What is done is logged from here on. */
static inline void world_follow(struct aof *a)
{
    struct stream *st = stream_new(aof_pos(a));
    aof_follow(a, st);
    stream_drop(&st);
}

static inline void await_prepared(struct world *w, struct aof *a)
{
    int64_t until_us = clock_mono_us() + 10000000;
    for (aof_poll(a); !world_rewrite_ready(w); aof_poll(a)) {
        struct pollfd p = {.fd = aof_event_fd(a), .events = POLLIN};
        assert_true(clock_mono_us() < until_us);
        poll(&p, 1, 1000);
    }
}

/* A rewrite under way ends with the log, unless it takes its place just now. */
static inline bool world_close(struct world *w, struct aof **a)
{
    world_rewrite_cancel(w);
    aof_stop(*a);
    if (w->sink) {
        while (!aof_stopped(*a)) {
            usleep(100);
            aof_poll(*a);
        }
        world_rewrite_advance(w);
        if (w->sink)
            world_rewrite_close(w, false);
    }
    return aof_close(a);
}

/* --- opening and loading ---------------------------------------------------------------------- */

static inline struct aof *world_open(struct world *w, const char *dir, enum writer_policy policy)
{
    char error[AOF_ERROR_CHARS] = "";
    struct aof *a = NULL;
    struct aof_options o = {.dir = dir,
                            .filename = "log.aof",
                            .config.policy = policy,
                            .config.load_truncated = true,
                            .config.timestamps = true,
                            .unix_s = WORLD_BEGUN_S,
                            .logger = &w->logger};
    if (aof_open(&a, &o, error) != ERR_OK)
        fail_msg("cannot open: %s", error);
    return a;
}

/* Loads what the log holds; returns the position behind it. `error`: what stopped it, "" for the end. */
static inline uint64_t world_load_until(struct aof *a, struct world_data *d,
                                        char error[AOF_ERROR_CHARS])
{
    error[0] = 0;
    struct reader_batch batch;
    enum reader_status status;
    uint64_t pos = 0;
    memset(d, 0, sizeof(*d));
    while ((status = aof_load_next(a, &batch, error)) == READER_BATCH) {
        for (size_t i = 0; i < batch.count; i++)
            world_apply(d, batch.commands[i].argv, batch.commands[i].argc);
        if (batch.end_pos > pos)
            pos = batch.end_pos;
    }
    if (status == READER_END)
        error[0] = 0;
    else
        assert_true(error[0]);
    return pos;
}

static inline uint64_t world_load(struct aof *a, struct world_data *d)
{
    char error[AOF_ERROR_CHARS];
    uint64_t pos = world_load_until(a, d, error);
    if (error[0])
        fail_msg("cannot load: %s", error);
    return pos;
}

/* The loaded state is one that was between two commands or transactions, and not one before `least`. */
static inline void world_judge(struct world *w, const struct world_data *d, uint64_t pos,
                               uint64_t least)
{
    if (pos < least)
        fail_msg("only %llu of %llu came back", (unsigned long long)pos, (unsigned long long)least);
    for (size_t i = w->count; i-- > 0;) {
        if (w->points[i].pos != pos)
            continue;
        if (w->points[i].hash != world_hash(d))
            fail_msg("wrong data at position %llu", (unsigned long long)pos);
        return;
    }
    fail_msg("position %llu is within a transaction", (unsigned long long)pos);
}

static inline void world_judge_dir(struct world *w, const char *dir, uint64_t least)
{
    struct world_data d;
    struct aof *a = world_open(w, dir, WRITER_NO);
    world_judge(w, &d, world_load(a, &d), least);
    aof_close(&a);
}

/* Takes up after a crash: what came back is the state now. */
static inline struct aof *world_restart(struct world *w, const char *dir, enum writer_policy policy,
                                        uint64_t least)
{
    char error[AOF_ERROR_CHARS] = "";
    struct aof *a = world_open(w, dir, policy);
    struct world_data d;
    uint64_t pos = world_load(a, &d);
    world_judge(w, &d, pos, least);
    if (aof_start(a, AOF_GO_ON, error) != ERR_OK)
        fail_msg("cannot start: %s", error);
    world_follow(a);
    assert_int_equal(aof_pos(a), pos);
    while (w->points[w->count - 1].pos > pos)
        w->count--;
    w->data = d;
    w->given = -1;
    w->sink = NULL;
    return a;
}

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path);
}

/* Without a shell, as some tests do it hundreds of times. */
static inline void remove_dir(const char *dir)
{
    int rc = nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    assert_true(rc == 0 || errno == ENOENT);
}
