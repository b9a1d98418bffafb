#pragma once
/* The requests that clients of a simulation make, and what the model says to them. */
#include "sim/model.h"

enum sim_op {
    SIM_GET,
    SIM_MGET,
    SIM_EXISTS,
    SIM_SET,
    SIM_SET_PX,
    SIM_SET_NX,
    SIM_MSET,
    SIM_INCR,
    SIM_APPEND,
    SIM_DEL,
    SIM_PEXPIRE,
    SIM_FLUSHALL,
    SIM_SELECT,
    SIM_WATCH,
    SIM_MULTI,
    SIM_EXEC,
    SIM_DISCARD,
    SIM_WAITAOF,
};
#define SIM_REQUEST_KEYS_MAX 3
#define SIM_REQUEST_ARGS_MAX 8
#define SIM_QUEUE_MAX        6

struct sim_request {
    enum sim_op op;
    int keys[SIM_REQUEST_KEYS_MAX], key_count;
    int number;     /* milliseconds, or a database */
    char value[16]; /* text */
};
/* One that makes sense outside MULTI, or within. */
void sim_request_draw(struct sim_request *r, struct rng *rng, int db, bool in_multi);
/* Its arguments, which point into `r` and `text`; returns how many. */
int sim_request_args(const struct sim_request *r, struct slice argv[SIM_REQUEST_ARGS_MAX],
                     char text[32]);

/* What the request says and does, where it is one on data. */
struct sim_effect {
    struct buf *reply;
    uint64_t version; /* that the reply depends on */
    /* An event of a key that was changed. */
    void (*event)(void *arg, int db, int key, const char *name);
    void *arg;
};
void sim_request_apply(const struct sim_request *r, struct sim_model *m, int db,
                       struct sim_effect *out);
