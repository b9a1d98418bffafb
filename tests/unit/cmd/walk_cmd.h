#pragma once
/* WALK key n: n numbers, while the key's value, a string that begins with "v", is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/reply_walk.h"
#include "store/string.h"

struct walk_numbers {
    uint64_t next, end;
};

static inline bool walk_numbers(void *state, const struct item *it, struct resp_writer *w,
                                size_t bytes)
{
    struct walk_numbers *n = state;
    char scratch[NUM_I64_CHARS];
    assert_int_equal(string_run(it, 0, scratch).ptr[0], 'v');
    for (size_t written = 0; n->next < n->end && written < bytes; written += 12)
        resp_double(w, (double)n->next++);
    return n->next < n->end;
}

static inline void cmd_walk(struct cmd_ctx *c)
{
    struct walk_numbers n = {0};
    int64_t count;
    const struct item *it = ctx_read(c, &c->key);
    if (!ctx_arg_i64(c, 2, &count))
        return;
    n.end = (uint64_t)count;
    ctx_reply_walk(c, it,
                   &(struct reply_walk){.header = resp_set,
                                        .count = n.end,
                                        .write = walk_numbers,
                                        .state = &n,
                                        .state_bytes = sizeof(n)});
}

static const struct cmd_row walk_rows[] = {
    {.name = "walk",
     .fn = cmd_walk,
     .arity = 3,
     .flags = CMD_READONLY,
     .acl = ACL_STRING,
     .keys = {CMD_KEY(1, KEY_RO | KEY_ACCESS)},
     .group = "string",
     .since = "1.0.0",
     .summary = "Numbers."},
    {0},
};
