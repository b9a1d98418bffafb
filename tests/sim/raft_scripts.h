#pragma once
/* Moments that chance does not find in thousands of lives: each script makes one, step by step. What goes wrong is in
 * group.failure. */
#include "sim/raft_group.h"

struct raft_script {
    const char *name;
    uint32_t voters;
    void (*run)(struct group *g); /* on a new group */
};
extern const struct raft_script raft_scripts[]; /* ends with a NULL */
