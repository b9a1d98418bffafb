#pragma once
/* Checks between a request and its handler. Each check is a bit of three masks, which follow the state: of the session
 * (session_flags), of the engine (engine_checks_update) and of the planned request (plan_make). Where all three are
 * zero, the request goes straight to its handler.
 *
 * The bits are in the order of the checks. */
#include <stdint.h>

struct engine;
struct engine_request;
struct planned;
struct session;

enum check {
    CHECK_UNKNOWN = 1 << 0,    /* request: no such command */
    CHECK_ARITY = 1 << 1,      /* request: a wrong number of arguments */
    CHECK_AUTH = 1 << 2,       /* session: not authenticated */
    CHECK_MULTI = 1 << 3,      /* session: in a transaction, where some commands may not be */
    CHECK_LOG_FAULT = 1 << 4,  /* engine: the log cannot be written */
    CHECK_SUBSCRIBED = 1 << 5, /* session: subscribed */
    CHECK_LOADING = 1 << 6,    /* engine: a log is loaded */
    CHECK_PAUSE = 1 << 7,      /* engine: CLIENT PAUSE */
    CHECK_LOG_FULL = 1 << 8,   /* engine: the log takes no more for now */
    CHECK_QUEUE = 1 << 9,      /* session: in a transaction, whose commands are queued */
    CHECK_REPLY = 1 << 10,     /* session: CLIENT REPLY; refuses nothing */
    CHECK_SPECIAL =
        1 << 11, /* request: may change what the ones behind it depend on; refuses nothing */
};
#define CHECK_COUNT 12
/* Bits that an internal session (a replayed log) skips. */
#define CHECKS_OF_CLIENTS \
    (CHECK_AUTH | CHECK_LOADING | CHECK_LOG_FAULT | CHECK_PAUSE | CHECK_LOG_FULL)
/* Bits that count when a request that waited for a key runs again. interest_serve waits for the end of a pause, and
 * a full log had room for the change that made the key ready. */
#define CHECKS_OF_SERVED CHECK_LOG_FAULT

enum verdict {
    VERDICT_PASS,
    VERDICT_DONE, /* its error, or +QUEUED, is replied */
    VERDICT_HELD, /* the request is to be offered again: see session_hold */
};
/* Checks the bits of `mask` in order, up to the first verdict other than PASS. */
enum verdict checks_run(struct engine *e, struct session *s, const struct engine_request *r,
                        const struct planned *p, uint32_t mask);

/* Makes the engine's mask and the expiry mode anew: to be called when the pause, the log or loading changed. */
void engine_checks_update(struct engine *e);
/* The mask of a session. */
uint32_t session_checks(const struct session *s);
