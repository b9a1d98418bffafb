#pragma once
/* What may stand between a request and its handler. Each of it is a bit of a mask that whoever changes the state keeps:
 * of the session (session_flags), of the engine (engine_checks_update), of the planned request (plan_make). Where all
 * three are zero nothing is looked at.
 *
 * The bits are in the order in which they are asked about. */
#include <stdint.h>

struct engine;
struct engine_request;
struct planned;
struct session;

enum check {
    CHECK_UNKNOWN = 1 << 0,    /* request: there is no such command */
    CHECK_ARITY = 1 << 1,      /* request: a wrong number of arguments */
    CHECK_AUTH = 1 << 2,       /* session: is not authenticated */
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
/* What an internal session (a replayed log) is not asked about. */
#define CHECKS_OF_CLIENTS \
    (CHECK_AUTH | CHECK_LOADING | CHECK_LOG_FAULT | CHECK_PAUSE | CHECK_LOG_FULL)
/* What a request is asked about that waited for a key and runs again. The end of a pause is waited for by
 * interest_serve, and a full log had room for the change that made the key ready. */
#define CHECKS_OF_SERVED CHECK_LOG_FAULT

enum verdict {
    VERDICT_PASS,
    VERDICT_DONE, /* its error, or that it is queued, is replied */
    VERDICT_HELD, /* it is to be offered again: see session_hold */
};
/* Asks about the bits of `mask`, in order, up to the first that says something else than PASS. */
enum verdict checks_run(struct engine *e, struct session *s, const struct engine_request *r,
                        const struct planned *p, uint32_t mask);

/* The engine's mask, and whether keys may expire: to be called when what these are made of changed. */
void engine_checks_update(struct engine *e);
/* The same for a session. */
uint32_t session_checks(const struct session *s);
