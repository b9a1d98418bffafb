#pragma once
/* A group's life by chance, from one seed: clients append and read; messages are lost, late, doubled and out of order;
 * links are cut one way or both; nodes pause, crash, and start again with any part of what was not synced; the lead is
 * handed over, members come and go, logs are compacted. Then all faults end, and the group must serve. */
#include <stdint.h>

#include "sim/raft_group.h"

struct chaos_result {
    char failure[GROUP_FAILURE_CHARS]; /* "": none */
    uint64_t committed, reads, terms, crashes, changes, transfers, bases;
};
struct chaos_options {
    uint64_t seed;
    uint32_t steps; /* 0: CHAOS_STEPS */
    int planted;    /* enum core_planted, where the core is built with it */
    bool log;
};
#define CHAOS_STEPS 1500

void chaos_run(const struct chaos_options *o, struct chaos_result *out);
