#pragma once
/* The commands that a session has queued. */
#include <stddef.h>

#include "engine/multi.h"

struct kept_request;

struct session_multi {
    struct kept_request **at; /* owned, count of them, each owned */
    size_t count, cap;
    size_t bytes;
    unsigned flags;  /* enum cmd_flag of all, or-ed */
    unsigned common; /* and-ed */
};

/* Begins a transaction. False: no memory. */
bool multi_begin(struct session *s);
/* Takes the queued commands off the session, and ends its transaction. */
struct session_multi *multi_take(struct session *s);
void multi_free(struct session_multi *m);
void multi_forget_watched(struct session *s);

/* The place of EXEC in engine_rows_multi. */
#define MULTI_ROW_EXEC 1
