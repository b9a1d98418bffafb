#pragma once
/* The requests that clients of a simulation make, and what the model says to them. */
#include "sim/model.h"

enum sim_op {
    SIM_GET,
    SIM_MGET,
    SIM_EXISTS,
    SIM_READ, /* a whole collection */
    SIM_SET,
    SIM_SET_PX,
    SIM_SET_NX,
    SIM_MSET,
    SIM_INCR,
    SIM_APPEND,
    SIM_DEL,
    SIM_PEXPIRE,
    SIM_ADD,  /* to a collection: RPUSH, ZADD, HSET, SADD */
    SIM_TAKE, /* from one: LPOP, ZPOPMIN, HDEL, SREM */
    SIM_LMOVE,
    SIM_RENAME, /* of a list */
    SIM_BPOP,   /* BLPOP, BZPOPMIN */
    SIM_BLMOVE,
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
    int name;       /* of a field or member */
    char value[16]; /* text */
};
static inline bool sim_request_waits(const struct sim_request *r)
{
    return r->op == SIM_BPOP || r->op == SIM_BLMOVE;
}
/* One that makes sense outside MULTI, or within. */
void sim_request_draw(struct sim_request *r, struct rng *rng, int db, bool in_multi);
/* Its arguments, which point into `r` and `text`; returns how many. */
int sim_request_args(const struct sim_request *r, struct slice argv[SIM_REQUEST_ARGS_MAX],
                     char text[48]);

/* What the request says and does, where it is one on data. */
struct sim_effect {
    struct buf *reply;
    uint64_t version; /* that the reply depends on */
    bool in_multi;
    bool nothing; /* it is to wait: there was nothing to be had, and nothing is said */
    /* An event of a key that was changed. */
    void (*event)(void *arg, int db, int key, const char *name);
    void *arg;
};
void sim_request_apply(const struct sim_request *r, struct sim_model *m, int db,
                       struct sim_effect *out);
