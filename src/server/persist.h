#pragma once
/* The append-only file of a server: opened and loaded at the start, rewritten when it has grown, closed at the end.
 *
 *      OFF ---appendonly yes---> ON ---appendonly no, DEBUG RELOAD---> CLOSING ---written out---> OFF
 *       '------BGREWRITEAOF----> ONCE ------------rewritten---------------^
 *
 * Steps that take time, or must not happen within a request, happen between turns: see persist_turn. While a log is
 * CLOSING, replies that wait for it go on waiting, and other clients are served. The state is OFF while a log is loaded
 * (`loading`). */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "engine/replay.h"
#include "config/config.h"

struct admin_persistence;
struct aof;
struct event;
struct server;

struct session;
struct snapshot_job;

enum persist_state {
    PERSIST_OFF,
    PERSIST_ON,
    PERSIST_ONCE,    /* open for one rewrite, whose base stays: nothing is appended */
    PERSIST_CLOSING, /* the rest is written out, on the log's own threads */
};

struct persist {
    enum persist_state state;
    struct aof *aof;     /* NULL: none is open */
    struct event *moved; /* owned: the log's descriptor */
    int64_t retry_us;    /* monotonic: when to try again to switch on */
    bool rewrite_scheduled;
    bool once; /* the log was opened for one rewrite, and is not closed yet */

    bool loading;
    /* called when all is loaded: the log goes on, or is closed where there is to be none */
    enum err (*loaded)(struct server *s, char error[CONFIG_ERROR_CHARS]);
    struct replay replay;
    int64_t load_start_us, load_start_wall_ms, load_told_us;
    uint64_t load_bytes, load_total;
    bool reload;              /* asked for, not begun; data must not change until it ends */
    bool reloading;           /* begun, not ended */
    struct session *reloader; /* waits for the end; NULL: none does */

    struct snapshot_job *rewrite; /* NULL: none is under way */
    /* the last rewrite, also of a log that is closed */
    bool rewrite_ok;
    int64_t rewrite_took_us; /* -1: there was none */
    uint64_t rewrites;
    int rewrite_failures;     /* in a row */
    int64_t rewrite_retry_us; /* monotonic: none begins by itself before */
    uint64_t failures;        /* to begin or to end a rewrite, ever */

    /* the log's fault, see persist_fault.c; times are monotonic */
    int64_t fault_since_us; /* 0: there is none */
    int64_t fault_told_us;
    bool fault_told; /* the one under way */

    /* the first file that an end waits for, see persist_end.c */
    uint64_t finish_failures; /* `failures` when the wait began */
    uint64_t finish_bytes;
    int64_t finish_moved_us;
};

void persist_init(struct persist *p);
/* Opens the log and begins to load it, where the configuration asks for one. On failure `error` says why. */
enum err persist_open(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* A slice of loading. When all is loaded the server is ready; a log that cannot be loaded stops the server. */
void persist_load_slice(struct server *s);
/* Call between two turns: brings the log into the state that the configuration and DEBUG RELOAD ask for. */
void persist_turn(struct server *s);
/* Call regularly: looks after the log, and begins a rewrite when one is due. */
void persist_cron(struct server *s, int64_t now_us);
/* Puts a changed configuration into force, or says in `error` why not. */
enum err persist_apply(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS]);
/* A log is open: its files stay where they are. */
bool persist_has_files(const struct server *s);
/* Writes the rest of the log out, and closes it. */
void persist_close(struct server *s);
/* BGREWRITEAOF. *scheduled: the rewrite begins later, and a failure to do so is logged. ERR_BUSY: one is under way, or
 * asked for. */
enum err persist_rewrite(struct server *s, bool *scheduled, char error[CONFIG_ERROR_CHARS]);
/* BGREWRITEAOF CANCEL: the log goes on as if no rewrite had been asked for, and none begins by itself for a minute.
 * ERR_NOTFOUND: there is none. ERR_BUSY: it cannot be cancelled, and `error` says why. */
enum err persist_rewrite_cancel(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* DEBUG LOADAOF and RELOAD: closes the log, empties the data and loads them again. `waiter` is blocked until that is
 * done. False: a reload or load is under way. */
bool persist_reload(struct server *s, struct session *waiter);
/* For INFO. */
void persist_figures(const struct server *s, struct admin_persistence *out);

/* --- persist_fault.c ---------------------------------------------------------------------------------------- */

/* Looks at the log's fault, and tells of it in the server's log: when it begins, now and then, when it is over. */
void persist_watch_fault(struct server *s, int64_t now_us);

/* --- persist_end.c ------------------------------------------------------------------------------------------ */

/* Would an end lose data? It would where the log was switched on and its first file is not done. */
bool persist_begins(const struct server *s);
/* Logs that the keys in memory are lost, where they are. */
void persist_forsake(struct server *s);
/* Begins to wait for the first file, with which the server ends. */
void persist_finish_begin(struct server *s);
/* Call each turn from then on: stops the server when the file is done, or cannot be done, which is logged. */
void persist_finish(struct server *s);

/* --- persist_load.c, for persist.c ---------------------------------------------------------------------- */

/* Begins to load the log, which is open and not empty: persist_load_slice is to be called from here on. */
void persist_load_begin(struct server *s);
/* Ends a reload, and unblocks its waiter. `error`: NULL, or why the reload failed. */
void persist_reload_end(struct server *s, const char *error);
/* Stops the server, as the log cannot be loaded. */
void persist_refuse(struct server *s, const char *error);
