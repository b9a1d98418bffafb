#pragma once
/* What the tests of cmd/ share: handlers run on a real keyspace and a real table, for a host that only
 * takes notes. Time stands still unless a test moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/words.h"
#include "cmd/ctx.h"

#define CMD_TEST_DATABASES 4
#define CMD_TEST_NOW_MS    1700000000000
#define COUNT_OF(array)    (sizeof(array) / sizeof((array)[0]))

struct cmd_test {
    struct keyspace *ks;
    struct cmd_table *table;
    struct outq_pool pool;
    struct outq out;
    struct resp_writer writer;
    struct rng rng;
    struct words words;
    int64_t now_ms;
    int db;
    int64_t string_bytes_max;
    bool replaying, no_touch;
    size_t fail_after; /* the handler's nth allocation that may fail does; 0: none */
    bool failed;       /* there was such an allocation */

    /* of the latest request; items are separated by blanks */
    struct buf reply;   /* line ends as blanks, zero bytes as '@': "*2 $1 a $-1" */
    struct buf events;  /* "new:k set:k"; "/1" behind those of another database */
    struct buf effects; /* "SET k v;", as an inline request would write them */
    struct buf changed; /* keys that ctx_changed named */
    struct touched touched;

    /* of all requests, as RESP with a SELECT ahead of each: see cmd_test_replay */
    struct buf log;
    unsigned log_count;
};

void cmd_test_init(struct cmd_test *t, unsigned shards);
void cmd_test_deinit(struct cmd_test *t);
void cmd_test_move_clock(struct cmd_test *t, int64_t by_ms);

/* Runs a request given as one line, with Redis' quoting; returns reply. */
const char *cmd_test_run(struct cmd_test *t, const char *line);
const char *cmd_test_run_words(struct cmd_test *t, int argc, const struct slice *argv);
/* Runs all effects of `from` on `to`, as a log is replayed. */
void cmd_test_replay(const struct cmd_test *from, struct cmd_test *to);
/* All keys with values and deadlines, sorted: equal for equal data. */
void cmd_test_dump(const struct cmd_test *t, struct buf *out);

/* A request and everything that must come of it; NULL: nothing. Lines of the test's own:
 *    ~2 ~3       the protocol from here on
 *    ~db N       the database
 *    ~wait MS    time passes
 *    ~max BYTES  the longest string allowed */
struct cmd_case {
    const char *request, *reply, *events, *effects;
};
void cmd_test_cases(const struct cmd_case *cases, size_t count);
