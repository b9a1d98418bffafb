#pragma once
/* Replaying a stream: its commands run like any others, in a session without a client.
 *
 * A stream holds effects, and nothing else: writing commands, SELECT, and MULTI ... EXEC around effects of one unit.
 * Each batch is looked at whole before any of it is applied; a batch with anything else in it is damage, and so is one
 * that ends within a transaction. */
#include <stdbool.h>
#include <stdint.h>

#include "base/outq.h"
#include "log/admit.h"
#include "log/reader.h"

#define REPLAY_ERROR_CHARS 256

/* A sample of each database in a base: so much is read before the tables are made ready for the whole. */
#define REPLAY_SAMPLE_BYTES (4 * 1024 * 1024)

struct cmd_table;
struct engine;
struct session;

enum replay_mode {
    /* A log at the start: clients' requests for data are refused from replay_begin to replay_end, which resets what was
     * counted. */
    REPLAY_LOADING,
    /* The stream of a leader, in a session that stays: clients are served between two batches, and see each batch
     * whole. Applied commands are no effects of this server, and are not recorded again. */
    REPLAY_APPLYING,
};

/* The first part of a base tells how many keys it holds: it names each key once, in the order of a hash, so that the
 * first keys are as large as the others. Tables made ready for all keys need not grow while loading, and get huge
 * pages. A wrong forecast costs memory until tables return to their usual size after loading, but never much more
 * than the file is large: a key takes 14 bytes of the file at least, and 8 to 14 of the table. After
 * REPLAY_FORECASTS_MAX forecasts databases are left to grow, as each forecast takes the rest of the file for one
 * database. A file of Redis before version 7 counts as a base though it is a history, in which keys may be deleted. */
#define REPLAY_FORECASTS_MAX 2
struct replay_forecast {
    int db; /* the sampled database; -1: none yet */
    bool made;
    int count;                      /* forecasts made, of all databases */
    uint64_t from_bytes, from_keys; /* where the sample began */
};

/* Why a batch was refused. */
enum replay_verdict {
    REPLAY_FINE,
    REPLAY_UNKNOWN, /* as ADMIT_UNKNOWN: nothing of the batch was applied */
    REPLAY_DAMAGE,  /* as ADMIT_DAMAGE: nothing of the batch was applied */
    REPLAY_FAILED,  /* a command may stand there, but failed; the commands before it were applied */
};

struct replay {
    struct engine *engine;
    struct session *session;
    enum replay_mode mode;
    struct outq_pool pool;
    uint64_t commands;
    struct replay_forecast forecast;
    struct admit_fault fault; /* why the latest batch was refused */
};

/* An admit_fn; `table`: a struct cmd_table. */
enum admit_verdict replay_admit(void *table, const struct reader_batch *batch,
                                struct admit_fault *out);

void replay_begin(struct replay *r, struct engine *e, enum replay_mode mode);
/* Applies the commands of a batch; due keys stay as they are meanwhile, as a stream says itself which keys expired.
 * Unless it is REPLAY_FINE, `fault` says why. */
enum replay_verdict replay_batch(struct replay *r, const struct reader_batch *batch);
/* The latest batch ended `bytes` into a base of `total`. */
void replay_forecast(struct replay *r, uint64_t bytes, uint64_t total);
void replay_forecast_end(struct replay *r); /* the base is over */
void replay_end(struct replay *r);
