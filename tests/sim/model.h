#pragma once
/* What the data must be: a few keys, naively kept, with every change by its version so that it can be taken back. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sim/node.h"

/* s0..s5: strings; n0..n2: counters; t0..t2: strings with deadlines, in database 0 only; l0..l2: lists; z0, z1: sorted
 * sets; h0: a hash; m0: a set. Collections are small, and their bytes entries, each behind its length
 * (collection.h). */
#define SIM_STRINGS   6
#define SIM_COUNTERS  3
#define SIM_TIMED     3
#define SIM_LISTS     3
#define SIM_ZSETS     2
#define SIM_LIST      (SIM_STRINGS + SIM_COUNTERS + SIM_TIMED) /* the first one */
#define SIM_ZSET      (SIM_LIST + SIM_LISTS)
#define SIM_HASH      (SIM_ZSET + SIM_ZSETS)
#define SIM_SET_KEY   (SIM_HASH + 1)
#define SIM_KEYS      (SIM_SET_KEY + 1)
#define SIM_VALUE_MAX 200

struct sim_value {
    bool there;
    uint8_t len;
    char bytes[SIM_VALUE_MAX];
    int64_t deadline_ms; /* 0: none */
    uint64_t version;    /* that left it so */
};
struct sim_undo {
    uint64_t version;
    uint8_t db, key;
    struct sim_value before;
};
/* A key that was not there before. */
struct sim_made {
    int db, key;
};
#define SIM_MADE_MAX 64
struct sim_model {
    struct sim_value at[SIM_DATABASES][SIM_KEYS];
    uint64_t version; /* of the latest change of the log */
    uint64_t *pos;    /* owned: log position behind each version */
    size_t pos_cap;
    uint64_t first;        /* the oldest version that `pos` and `undo` reach */
    struct sim_undo *undo; /* owned */
    size_t undo_count, undo_cap;
    int64_t now_ms;
    /* Lists and sorted sets, in the order in which they were made; whoever looks at them empties it. */
    struct sim_made made[SIM_MADE_MAX];
    int made_count;
};

void sim_model_init(struct sim_model *m);
void sim_model_deinit(struct sim_model *m);
/* "s0"; good for ever. */
struct slice sim_key_name(int key);
/* NULL: not there, or its time has come. */
const struct sim_value *sim_model_get(const struct sim_model *m, int db, int key);
/* Changes of the version that is in the making: the one behind m->version. */
void sim_model_set(struct sim_model *m, int db, int key, struct slice value, int64_t deadline_ms);
bool sim_model_delete(struct sim_model *m, int db, int key);
void sim_model_flush(struct sim_model *m);
/* The log ends at `pos` after a request: whatever it changed has that position. */
void sim_model_moved(struct sim_model *m, uint64_t pos);
/* The data as of the latest version that ends at `pos` or ahead of it; it becomes the first. */
void sim_model_rewind(struct sim_model *m, uint64_t pos);
