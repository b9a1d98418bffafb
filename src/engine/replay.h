#pragma once
/* Replaying a log: its commands run like any others, in a session without a client. */
#include <stdbool.h>
#include <stdint.h>

#include "base/outq.h"
#include "log/reader.h"

#define REPLAY_ERROR_CHARS 256

/* Of a base, for each database: what is read of it before its tables are made ready for all of it. */
#define REPLAY_SAMPLE_BYTES (4 * 1024 * 1024)

struct engine;
struct session;

/* How many keys a base holds is told by its first part: it names each key once, in the order of a hash, so that the
 * first ones are as large as the others. That tables then need not grow saves a tenth of the time of loading, and they
 * get huge pages. A forecast that is wrong costs memory, until tables are back at their usual size after loading, but
 * never much more than the file is large: a key takes 14 bytes of it at least, and 8 to 14 of the table, and after
 * REPLAY_FORECASTS_MAX forecasts databases are left to grow, as each one takes what is left of the file for its own. A
 * file that Redis wrote before version 7 is a base, too, but a history: keys may be deleted in it. */
#define REPLAY_FORECASTS_MAX 2
struct replay_forecast {
    int db; /* that was sampled; -1: none yet */
    bool made;
    int count;                      /* that were made, of all databases */
    uint64_t from_bytes, from_keys; /* where the sample began */
};

struct replay {
    struct engine *engine;
    struct session *session;
    struct outq_pool pool;
    uint64_t commands;
    struct replay_forecast forecast;
    char error[REPLAY_ERROR_CHARS]; /* why the last replay_batch refused */
};

/* From here to replay_end the engine is loading: clients' requests for data are refused, nothing expires and no effect is
 * recorded. */
void replay_begin(struct replay *r, struct engine *e);
/* Applies the commands of a batch. False: one of them is no command, or fails; `error` says which. */
bool replay_batch(struct replay *r, const struct reader_batch *batch);
/* What was replayed last ended `bytes` into a base of `total`. */
void replay_forecast(struct replay *r, uint64_t bytes, uint64_t total);
void replay_forecast_end(struct replay *r); /* the base is over */
void replay_end(struct replay *r);
