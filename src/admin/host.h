#pragma once
/* The process around the engine, for admin/: figures that only the process has, and actions for DEBUG. server/ fills
 * the table once, when the rooms are wired. */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/config.h"

struct clients;
struct histogram;
struct logger;
struct session;

#define ADMIN_LISTENERS_MAX  32
#define ADMIN_LISTENER_CHARS 128

/* The process and its loop. Texts are never NULL, and live as long as the process. */
struct admin_process {
    const char *run_id, *repl_id;
    const char *executable, *config_file;
    const char *event_api; /* "epoll" */
    int64_t start_us;      /* monotonic */
    int64_t start_wall_ms; /* the same, of the wall clock */
    int64_t saved_unix_s;  /* when the data set began */
    uint64_t port, hz;
    uint64_t clients_max;
    uint64_t cycles;               /* turns of the loop */
    uint64_t busy_us;              /* of all turns, each from its first event to its end */
    const struct histogram *turns; /* the same, turn by turn; NULL: not counted */
};

/* Connections, all together. */
struct admin_net {
    uint64_t clients;
    uint64_t query_bytes, output_bytes;                 /* memory that buffers hold */
    uint64_t largest_query_bytes, largest_output_bytes; /* of one connection */
};

/* The append-only file. */
struct admin_persistence {
    bool loading;
    /* while loading */
    int64_t load_start_unix_s;
    uint64_t load_bytes, load_total;
    double load_perc, load_eta_s;

    bool enabled, rewriting, rewrite_scheduled;
    int64_t last_rewrite_s, current_rewrite_s;      /* -1: there is none */
    const char *last_rewrite_status, *write_status; /* "ok", "err" */
    uint64_t rewrites, rewrite_failures;            /* failures in a row */

    bool open; /* a log is open and appended to: the fields below are about it */
    uint64_t current_bytes, base_bytes, buffer_bytes;
    uint64_t slow_syncs;
    uint64_t pos, written_pos, synced_pos;
};

/* Everything is borrowed for life. */
struct admin_host {
    void *server; /* the argument of the functions */
    const struct clients *clients;
    const struct config_host *config;
    struct logger *logger;
    void (*process)(void *server, struct admin_process *out);
    void (*net)(void *server, struct admin_net *out); /* looks at every connection */
    void (*persistence)(void *server, struct admin_persistence *out);
    /* Names of the listeners: "127.0.0.1:6379", "/path". Returns how many there are. */
    int (*listeners)(void *server, char out[][ADMIN_LISTENER_CHARS], int max);

    /* --- DEBUG --- */
    void (*pause_cron)(void *server, bool on);
    void (*new_repl_id)(void *server);
    /* Empties the data and loads them from the log; `waiter` is blocked until that is done. ERR_BUSY: one is under
     * way. */
    enum err (*reload)(void *server, struct session *waiter);
    /* The log's writer rests ahead of each write; without a log nothing happens. */
    void (*flush_sleep)(void *server, int64_t us);
};
