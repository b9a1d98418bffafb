#pragma once
/* The server: everything that one process consists of, wired together. It is passed around; only the crash
 * handler, which the kernel calls with nothing but a signal, reaches it by a pointer of its own (crash.c). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/logger.h"
#include "base/rng.h"
#include "cmd/table.h"
#include "engine/engine.h"
#include "net/net.h"
#include "server/options.h"
#include "server/pace.h"
#include "server/persist.h"

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
    int stop_signal; /* which asked for it; 0: SHUTDOWN */

    /* What INFO tells. */
    char run_id[SERVER_ID_CHARS + 1];
    char repl_id[SERVER_ID_CHARS + 1];
    int64_t start_us; /* monotonic */
    int64_t start_wall_ms;
    int64_t created_wall_ms; /* when the data set began: LASTSAVE */
    uint64_t cycles;         /* turns of the loop */
    uint64_t busy_us;        /* of them: from the first event to the end */
};

static inline struct server *server_of(struct cmd_ctx *c)
{
    return (struct server *)engine_owner(engine_of(c));
}

/* Adds the commands on data, and this room's own; NULL: to be looked up only. */
struct cmd_table;
void server_add_rows(struct server *s, struct cmd_table *t);
/* Every command there is, to be looked up only. */
struct cmd_table *server_table_new(void);
/* Builds everything but the net from a configuration, which it takes. NULL: `error` says why. */
struct server *server_new(struct config *takes, char error[CONFIG_ERROR_CHARS]);
void server_free(struct server **s);
/* Opens the listeners. */
enum err server_listen(struct server *s, char error[CONFIG_ERROR_CHARS]);
/* Says that clients are served now. */
void server_ready(struct server *s);
/* Serves until somebody asks it to stop, then lets the replies out. */
void server_run(struct server *s);
/* Asks it to stop when the turn ends. */
void server_stop(struct server *s, int signal);
/* The same for who does not want to lose data: when the log that was switched on holds them. */
void server_stop_finished(struct server *s, int signal);
/* Withdraws that; false: nobody asked. */
bool server_stop_abort(struct server *s);
void server_new_id(char id[SERVER_ID_CHARS + 1]);

/* --- apply.c --- */

/* Puts what `next` says into force, for these groups (enum option_group): see struct config_host. */
enum err server_apply(struct server *s, struct config *next, unsigned groups, unsigned *failed,
                      char error[CONFIG_ERROR_CHARS]);
/* Makes s->config_host. */
void server_config_host(struct server *s);

/* --- renames.c --- */
/* What rename-command says; on failure `error` says which command is not there, or which name is taken. */
enum err server_rename_commands(struct cmd_table *t, const char *renames,
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

/* --- title.c --- */
/* Finds where the kernel looks for the title. Ahead of everything that changes the environment. */
struct title *title_new(int argc, char **argv);
void title_free(struct title **t);
/* The memory of arguments and environment is the title's from here on: argv is not to be read any more. */
void title_claim(struct title *t);
void title_set(struct title *t, struct slice title); /* cut off where there is no room for it */
struct title_values {
    const char *name;
    const char *file; /* the configuration's; NULL: none */
    const struct config *config;
};
/* False: the template is none, or gives nothing. */
bool title_expand(const char *template, const struct title_values *v, struct buf *out);
/* Gives the process the title that `next` says. */
enum err server_title(struct server *s, const struct config *next, char error[CONFIG_ERROR_CHARS]);

/* --- oom_score.c --- */
enum err server_oom_score(struct server *s, const struct config *next,
                          char error[CONFIG_ERROR_CHARS]);

/* --- daemon.c --- */
/* Goes into the background. Only the child returns; its parent waits until it is ready or dead, and ends with a
 * status that says which. Until then the child keeps the terminal, for its complaints. */
enum err daemon_start(int *ready_fd);
void daemon_ready(int ready_fd);
enum err pidfile_write(const char *path);
/* Removes it unless another process has written its id there. */
void pidfile_remove(const char *path);

/* --- commands --- */
extern const struct cmd_row server_rows_process[]; /* LASTSAVE SHUTDOWN */
extern const struct cmd_row server_rows_persist[]; /* BGREWRITEAOF */
