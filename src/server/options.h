#pragma once
/* The values of all options. A room that reads options has a struct of its own within struct config, into which rows of
 * options.c point; engine, net and http borrow theirs for life. */
#include <stdbool.h>
#include <stdint.h>

#include "config/option.h"
#include "engine/engine.h"
#include "http/http.h"
#include "log/aof.h"
#include "net/net.h"
#include "store/limits.h"

#define OPTION_FILE_NAME_BYTES_MAX 200 /* of an append-only file's name */

/* Groups of options whose change needs a step of apply.c. */
enum option_group {
    APPLY_DIR = 1 << 0,
    APPLY_LOG = 1 << 1,
    APPLY_CLIENTS = 1 << 2,
    APPLY_LISTEN = 1 << 3, /* addresses and ports, on which listening may fail */
    APPLY_SHARDS = 1 << 4,
    APPLY_MEMORY = 1 << 5,
    APPLY_CRON = 1 << 6,
    APPLY_AOF = 1 << 7,
    APPLY_TITLE = 1 << 9,
    APPLY_OOM_SCORE = 1 << 10,
    APPLY_LIMITS = 1 << 8, /* of small collections */
};

enum option_supervised { SUPERVISED_NO, SUPERVISED_AUTO, SUPERVISED_SYSTEMD, SUPERVISED_UPSTART };

/* oom-score-adj. The values are for this process, a replica's and children. */
enum option_oom_score { OOM_SCORE_AS_IT_IS, OOM_SCORE_RELATIVE, OOM_SCORE_ABSOLUTE };
#define OPTION_OOM_VALUES    3
#define OPTION_OOM_VALUE_MAX 2000

/* Words of shutdown-on-sigterm and -sigint. No bit: "default". */
enum option_shutdown {
    OPTION_SHUTDOWN_NOSAVE = 1 << 0,
    OPTION_SHUTDOWN_NOW = 1 << 1,
    OPTION_SHUTDOWN_FORCE = 1 << 2,
};

/* Strings are owned and never NULL. */
struct config {
    struct net_config net;
    struct http_config http;
    struct engine_config engine;

    /* process */
    bool daemonize;
    int supervised; /* enum option_supervised */
    bool crash_log;
    bool purge_in_background;
    char *pidfile;
    char *dir;
    char *logfile;
    int loglevel;                   /* enum log_level */
    unsigned on_sigterm, on_sigint; /* enum option_shutdown */
    int64_t hz;
    bool set_proc_title;
    char *proc_title; /* template */
    int oom_score;    /* enum option_oom_score */
    int oom_score_values[OPTION_OOM_VALUES];
    char *bind_source;     /* of connections that go out */
    int protected_configs; /* enum engine_allow */
    char *renames;         /* rename-command: lines of two words, see renames.c */

    /* durability */
    bool aof;
    struct aof_config log;
    char *aof_filename, *aof_dirname;
    bool aof_rdb_preamble;
    int64_t aof_rewrite_percentage, aof_rewrite_min_bytes, aof_rewrite_cpu;

    /* data */
    int64_t databases;
    int64_t shards;
    struct ks_limits limits;
    int64_t list_compress_depth;
};

extern const struct options server_options;

/* Options with a form of their own (option_forms.c). */
extern const struct option_special option_save, option_output_limits, option_notify,
    option_percentiles, option_replicaof, option_on_sigterm, option_on_sigint, option_oom_values;
const char *option_check_bind(struct slice value);
const char *option_check_title(struct slice value); /* title.c */
