#pragma once
/* A copy of a request that runs later: queued by MULTI, or waiting for a key. */
#include <stddef.h>

#include "base/slice.h"

struct cmd;

/* One allocation, which mem_free frees. */
struct kept_request {
    struct cmd *cmd;
    int argc;
    size_t bytes;        /* of this allocation */
    struct slice argv[]; /* the bytes stand behind it */
};

/* NULL: no memory. */
struct kept_request *kept_new(struct cmd *cmd, const struct slice *argv, int argc);
