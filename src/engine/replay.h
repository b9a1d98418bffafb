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

/* Of a base, for each database: what is read of it before its tables are made ready for all of it. */
#define REPLAY_SAMPLE_BYTES (4 * 1024 * 1024)

struct cmd_table;
struct engine;
struct session;

enum replay_mode {
    /* A log at the start: clients' requests for data are refused from replay_begin to replay_end, which resets what was
     * counted. */
    REPLAY_LOADING,
    /* The stream of a leader, in a session that stays: clients are served, between two batches, and see each batch
     * whole. What is applied is no effect of this server's own, whoever records those. */
    REPLAY_APPLYING,
};

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

/* Why a batch was refused. */
enum replay_verdict {
    REPLAY_FINE,
    REPLAY_UNKNOWN, /* as ADMIT_UNKNOWN: nothing of the batch was applied */
    REPLAY_DAMAGE,  /* as ADMIT_DAMAGE: likewise */
    REPLAY_FAILED,  /* a command may stand there, but could not be run; those before it were */
};

struct replay {
    struct engine *engine;
    struct session *session;
    enum replay_mode mode;
    struct outq_pool pool;
    uint64_t commands;
    struct replay_forecast forecast;
    struct admit_fault fault; /* of the latest batch that was refused */
};

/* An admit_fn; `table`: a struct cmd_table. */
enum admit_verdict replay_admit(void *table, const struct reader_batch *batch,
                                struct admit_fault *out);

void replay_begin(struct replay *r, struct engine *e, enum replay_mode mode);
/* Applies the commands of a batch; whatever is due by the clock stays as it is meanwhile, as a stream says itself what
 * expired. Unless it is REPLAY_FINE, `fault` says why. */
enum replay_verdict replay_batch(struct replay *r, const struct reader_batch *batch);
/* What was replayed last ended `bytes` into a base of `total`. */
void replay_forecast(struct replay *r, uint64_t bytes, uint64_t total);
void replay_forecast_end(struct replay *r); /* the base is over */
void replay_end(struct replay *r);
