#pragma once
/* The fields of the server, and the functions that its files share. */
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

/* A stop that a signal or SHUTDOWN has asked for. It may be withdrawn until the loop has ended. */
enum server_stop {
    STOP_NO,
    /* it is announced, and clients are still served: drain.c */
    STOP_DRAINING,
    /* it comes when the log's first file is done, and clients are still served: persist_end.c */
    STOP_FINISHING,
    /* it comes when the turn ends */
    STOP_ASKED,
};

struct server {
    struct config config;
    struct config_host config_host; /* owns its file name */
    char *executable;               /* owned; absolute */
    struct title *title;            /* owned; NULL: the process keeps its first one */
    int oom_score_before;           /* of the process, ahead of oom-score-adj */
    bool oom_score_set;             /* by oom-score-adj */
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
    bool giving;      /* snapshot jobs have more to do */
    bool cron_paused; /* DEBUG PAUSE-CRON */
    enum server_stop stop;
    int stop_signal;    /* the one that asked for it; 0: none did */
    bool stop_loses;    /* data that are in no file yet may be lost */
    int64_t drained_us; /* when STOP_DRAINING is over; monotonic */

    /* For INFO. */
    char run_id[SERVER_ID_CHARS + 1];
    char repl_id[SERVER_ID_CHARS + 1];
    int64_t start_us; /* monotonic */
    int64_t start_wall_ms;
    int64_t created_wall_ms; /* when the data set began: LASTSAVE */
    uint64_t cycles;         /* turns of the loop */
    uint64_t busy_us;        /* of all turns, each from its first event to its end */
    struct histogram turns;  /* the same, turn by turn */
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

/* Puts these groups (enum option_group) of `next` into force: see struct config_host. */
enum err server_apply(struct server *s, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS]);
/* Makes s->config_host. */
void server_config_host(struct server *s);

/* --- drain.c --- */
/* Asks the server to stop: after http-drain-ms, or at once where that wait is under way already. `loses`: does not wait
 * for a log that was switched on and does not hold all data yet. */
void server_drain(struct server *s, int signal, bool loses);
void server_drain_cron(struct server *s, int64_t now_us);

/* --- http.c --- */
void server_http(struct server *s);

/* --- renames.c --- */
/* Applies rename-command. On failure `error` says which command is not there, or which name is taken. */
enum err server_rename_commands(struct cmd_table *t, const char *renames,
                                char error[CONFIG_ERROR_CHARS]);

/* --- oom_score.c --- */
/* Gives the process the score of `next`. */
enum err server_oom_score(struct server *s, const struct config *next,
                          char error[CONFIG_ERROR_CHARS]);

/* --- host.c --- */
/* The process's functions for admin/; each takes a server. */
extern const struct admin_host server_host;

/* --- cron.c --- */
void server_cron(struct server *s, int64_t now_us);

/* --- signals.c, crash.c --- */
enum err signals_init(struct server *s);
void signals_deinit(struct server *s);
/* From here on SIGINT ends the process at once. */
void signals_insist(void);
/* Installs handlers, and remembers the server for them, for life. */
void crash_init(struct server *s);

/* --- supervisor.c --- */
bool supervisor_is_there(const struct config *c);
void supervisor_started(struct server *s); /* before data are loaded */
/* Call whenever clients begin to be served; for the supervisor only the first time counts. */
void supervisor_ready(struct server *s);
void supervisor_stopping(struct server *s);

/* --- commands --- */
extern const struct cmd_row server_rows_process[]; /* LASTSAVE SHUTDOWN */
extern const struct cmd_row server_rows_persist[]; /* BGREWRITEAOF */
