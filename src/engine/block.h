#pragma once
/* Sessions that wait for an event, and the end of their wait. */
#include <stdint.h>

struct resp_writer;
struct session;

enum unblock_why {
    UNBLOCK_TIMEOUT, /* its deadline has come, the event has, or CLIENT UNBLOCK ... TIMEOUT */
    UNBLOCK_ERROR,   /* CLIENT UNBLOCK ... ERROR: -UNBLOCKED was replied */
    UNBLOCK_FAULT,   /* the event may never come: an error was replied */
    UNBLOCK_CLOSE,   /* the session ends */
};
/* Forgets the event that the session waited for, and writes the reply to `out`. NULL: no reply is wanted, or an
 * error is replied. */
typedef void (*block_end_fn)(struct session *s, enum unblock_why why, struct resp_writer *out);

/* The running request of `s` is answered later: no further request is taken until then. `deadline_us` monotonic,
 * INT64_MAX: none. */
void block_session(struct session *s, int64_t deadline_us, block_end_fn end);
/* Calls its function and resumes it. Only block_end knows whether the client wants a reply: CLIENT REPLY holds for
 * waiting requests, too. */
void block_end(struct session *s, enum unblock_why why);
/* Resumes it without calling its function: its reply is queued already. */
void block_done(struct session *s);
/* As block_end, replying this error: UNBLOCK_FAULT. */
void block_fail(struct session *s, const char *error);
