#pragma once
/* A unit is atomic: one request, EXEC with all that it runs, a request that waited for a key and runs again, the end of
 * a key that expired by itself. Units nest; this happens to the outermost one:
 *
 *     begin -- clocks stand still -- effects, one batch's -- keys read and changed are noted -- end
 *       |                                                                                        |
 *       log position before it, and where its reply begins                             gates close:
 *                                       at the reply's first byte, for the keys that were touched;
 *                                            at messages that it caused in other sessions
 *
 * Then interest_serve serves the sessions that wait for keys which the unit made ready, each as a unit of its own. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outq.h"
#include "cmd/ctx.h"

struct engine;
struct session;

enum unit_work {
    UNIT_GATE = 1 << 0,   /* there is a log: gates may have to be closed */
    UNIT_STREAM = 1 << 1, /* it has put effects into the stream, whose unit is to end with it */
};

/* A session that got messages about keys, and where in its stream the first one begins. */
struct unit_told {
    struct session *session;
    uint64_t offset;
};

struct unit {
    int depth;               /* 0: none runs */
    unsigned work;           /* enum unit_work: to be done at its end */
    bool telling;            /* a message about a key is being sent */
    struct session *session; /* the session whose request it is; NULL: none */
    uint64_t before;         /* log position at its beginning */
    uint64_t reply_at;       /* in the stream of `session` */
    struct outq_mark reply;  /* the place of reply_at, while the log has a fault */
    struct touched touched;
    struct unit_told *told; /* owned */
    size_t told_count, told_cap;
};

void unit_open(struct engine *e, struct session *s);
void unit_close(struct engine *e);
void unit_deinit(struct unit *u);

/* True: a request runs within another unit than its own: within EXEC. */
bool unit_nested(const struct engine *e);
/* A change on its way to the log. */
void unit_effect(struct engine *e, int db, int argc, const struct slice *argv);
/* Sends a message about a key to the sessions that listen for its class: each gets it when the change is safe. */
void unit_event(struct engine *e, int db, struct slice key, unsigned class, const char *name);
/* Bytes are about to be queued for a session outside its own request. */
void unit_tells(struct engine *e, struct session *s);
