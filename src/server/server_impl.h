#pragma once
/* The fields of the server, and what its files do for each other. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/histogram.h"
#include "base/logger.h"
#include "base/rng.h"
#include "cmd/table.h"
#include "engine/engine.h"
#include "net/net.h"
#include "server/options.h"
#include "server/pace.h"
#include "server/persist.h"
#include "server/server.h"

struct admin;
struct admin_host;
struct clients;
struct event;
struct event_base;
struct title;

#define SERVER_ID_CHARS 40 /* hexadecimal digits of a run or replication id */

/* Asked for by a signal or SHUTDOWN; until the loop has ended it may be withdrawn. */
enum server_stop {
    STOP_NO,
    STOP_DRAINING, /* it is announced, and clients are served until then: drain.c */
    STOP_FINISHING, /* when the log's first file is done: persist_end.c; clients are served until then */
    STOP_ASKED, /* when the turn ends */
};

struct server {
    struct config config;
    struct config_host config_host; /* owns its file name */
    char *executable;               /* owned; absolute */
    struct title *title;  /* owned; NULL: the process keeps the one that it was started with */
    int oom_score_before; /* of the process, ahead of oom-score-adj */
    bool oom_score_set;   /* by oom-score-adj */
    bool pidfile_written;

    struct logger logger;
    struct rng rng;
    struct keyspace *ks;
    struct cmd_table *table;
    struct engine *engine;
    struct clients *clients;
    struct admin *admin;
    struct event_base *base;
    struct net *net;
    struct http *http;
    struct persist persist;
    bool failed; /* it ends because it cannot go on: exit status 1 */

    /* The loop, see server.c; times are monotonic. */
    struct event *timer, *on_term, *on_int, *on_hup;
    int64_t timer_us; /* when the timer will fire; INT64_MAX: it is not set */
    int64_t next_cron_us;
    int64_t next_work_us;
    bool work_left;
    uint64_t commands_seen, reads_seen;
    struct pace pace; /* of snapshot jobs */
    bool giving;      /* they have more to give */
    bool cron_paused; /* DEBUG PAUSE-CRON */
    enum server_stop stop;
    int stop_signal;    /* which asked for it; 0: SHUTDOWN */
    bool stop_loses;    /* what is in no file yet may be lost */
    int64_t drained_us; /* when STOP_DRAINING is over; monotonic */

    /* What INFO tells. */
    char run_id[SERVER_ID_CHARS + 1];
    char repl_id[SERVER_ID_CHARS + 1];
    int64_t start_us; /* monotonic */
    int64_t start_wall_ms;
    int64_t created_wall_ms; /* when the data set began: LASTSAVE */
    uint64_t cycles;         /* turns of the loop */
    uint64_t busy_us;        /* of them: from the first event to the end */
    struct histogram turns;  /* the same, one by one */
};

static inline struct server *server_of(struct cmd_ctx *c)
{
    return (struct server *)engine_owner(engine_of(c));
}

/* Draws a run or replication id. */
void server_new_id(char id[SERVER_ID_CHARS + 1]);

#define SERVER_NOWHERE \
    "there is nothing to listen on: port is 0 or bind is empty, and there is no unixsocket"

/* --- apply.c --- */

/* Puts what `next` says into force, for these groups (enum option_group): see struct config_host. */
enum err server_apply(struct server *s, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS]);
/* Makes s->config_host. */
void server_config_host(struct server *s);

/* --- drain.c --- */
/* Asks the server to stop, by and by where http-drain-ms says so, at once where that is under way already. `loses`: it
 * does not wait for a log that was switched on and does not hold the data yet. */
void server_drain(struct server *s, int signal, bool loses);
void server_drain_cron(struct server *s, int64_t now_us);

/* --- http.c --- */
void server_http(struct server *s);

/* --- renames.c --- */
/* What rename-command says; on failure `error` says which command is not there, or which name is taken. */
enum err server_rename_commands(struct cmd_table *t, const char *renames,
                                char error[CONFIG_ERROR_CHARS]);

/* --- oom_score.c --- */
/* Gives the process the score that `next` says. */
enum err server_oom_score(struct server *s, const struct config *next,
                          char error[CONFIG_ERROR_CHARS]);

/* --- host.c --- */
/* What admin/ asks of the process: functions only, each of which takes a server. */
extern const struct admin_host server_host;

/* --- cron.c --- */
void server_cron(struct server *s, int64_t now_us);

/* --- signals.c, crash.c --- */
enum err signals_init(struct server *s);
void signals_deinit(struct server *s);
/* From now on a second SIGINT ends the process at once. */
void signals_insist(void);
/* Installs handlers, and remembers the server for them, for life. */
void crash_init(struct server *s);

/* --- supervisor.c --- */
bool supervisor_is_there(const struct config *c);
void supervisor_started(struct server *s); /* before data are loaded */
void supervisor_ready(
    struct server *s); /* clients are served; each time, but only the first counts */
void supervisor_stopping(struct server *s);

/* --- commands --- */
extern const struct cmd_row server_rows_process[]; /* LASTSAVE SHUTDOWN */
extern const struct cmd_row server_rows_persist[]; /* BGREWRITEAOF */
