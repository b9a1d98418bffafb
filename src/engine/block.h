#pragma once
/* Sessions that wait for something, and the end of their patience. */
#include <stdint.h>

struct session;

enum unblock_why {
    UNBLOCK_TIMEOUT, /* deadline, or CLIENT UNBLOCK ... TIMEOUT: answer as on time-out */
    UNBLOCK_ERROR,   /* CLIENT UNBLOCK ... ERROR: answer -UNBLOCKED */
    UNBLOCK_CLOSE,   /* the session ends: answer nothing */
};
typedef void (*block_end_fn)(struct session *s, enum unblock_why why);

/* The running request of `s` is answered later: no further request is taken until then. `unblock` writes the
 * reply (session_push_open) and forgets what it waited for. `deadline_us` monotonic, INT64_MAX: none. */
void block_session(struct session *s, int64_t deadline_us, block_end_fn unblock);
/* Calls its unblock function and resumes it. */
void block_end(struct session *s, enum unblock_why why);
