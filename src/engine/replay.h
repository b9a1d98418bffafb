#pragma once
/* Replaying a log: its commands run like any others, in a session without a client. */
#include <stdbool.h>
#include <stdint.h>

#include "base/outq.h"
#include "log/reader.h"

#define REPLAY_ERROR_CHARS 256

struct engine;
struct session;

struct replay {
    struct engine *engine;
    struct session *session;
    struct outq_pool pool;
    uint64_t commands;
    char error[REPLAY_ERROR_CHARS]; /* why the last replay_batch refused */
};

/* From here to replay_end the engine is loading: clients' requests for data are refused, nothing expires and no effect is
 * recorded. */
void replay_begin(struct replay *r, struct engine *e);
/* Applies the commands of a batch. False: one of them is no command, or fails; `error` says which. */
bool replay_batch(struct replay *r, const struct reader_batch *batch);
void replay_end(struct replay *r);
