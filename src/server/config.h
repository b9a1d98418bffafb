#pragma once
/* The configuration: its values, and how they are read from text in the syntax of redis.conf.
 *
 * What options there are, how each is parsed, checked and printed, is said once, in config_table.c; this header
 * is what they all fill. CONFIG SET works on a copy, which replaces the old one when all of it is in force. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"
#include "net/net.h"

#define CONFIG_PERCENTILES_MAX    16
#define CONFIG_ERROR_CHARS        512
#define CONFIG_VALUE_BYTES_MAX    (1024 * 1024) /* of one option */
#define CONFIG_FILE_BYTES_MAX     (16 * 1024 * 1024)
#define CONFIG_INCLUDE_DEPTH_MAX  16
#define CONFIG_INCLUDES_MAX       1024 /* files that one configuration reads */
#define CONFIG_AOF_NAME_BYTES_MAX 200
#define CONFIG_PROBLEMS_MAX       1024 /* further ones are only counted */

/* Shards of a new keyspace. One until measurements say otherwise. */
#define CONFIG_SHARDS_DEFAULT "1"

enum config_allow { ALLOW_NO, ALLOW_YES, ALLOW_LOCAL }; /* local: loopback and Unix sockets */

/* Words of shutdown-on-sigterm and -sigint. None is "default". */
enum config_shutdown {
    CONFIG_SHUTDOWN_NOSAVE = 1 << 0,
    CONFIG_SHUTDOWN_NOW = 1 << 1,
    CONFIG_SHUTDOWN_FORCE = 1 << 2,
};

/* Strings are owned and never NULL. */
struct config {
    /* network */
    char *bind; /* addresses, separated by spaces */
    int64_t port;
    char *unix_path;
    int64_t unix_mode;
    int64_t backlog;
    int64_t idle_s_max;
    int64_t keepalive_s;
    int64_t clients_max;
    bool protected_mode;
    int64_t bulk_bytes_max;
    int64_t query_bytes_max;
    struct net_output_limit output_limit[NET_CLASS_COUNT];

    /* process */
    bool daemonize;
    bool crash_log;
    bool purge_in_background;
    char *pidfile;
    char *dir;
    char *logfile;
    int loglevel;                   /* enum log_level */
    unsigned on_sigterm, on_sigint; /* enum config_shutdown */
    int64_t hz;

    /* who may do what */
    struct slice password; /* owned */
    int debug_commands;    /* enum config_allow */
    int protected_configs; /* enum config_allow */

    /* durability */
    bool aof;
    int aof_policy; /* enum writer_policy */
    char *aof_filename, *aof_dirname;
    bool aof_load_truncated, aof_timestamps, aof_rdb_preamble, aof_keep_history;
    int64_t rewrite_key_delay_us;
    int64_t aof_rewrite_percentage, aof_rewrite_min_bytes;

    /* data */
    int64_t databases;
    int64_t shards;
    unsigned notify; /* enum notify_class */

    /* what is recorded */
    int64_t slowlog_us;
    int64_t slowlog_len_max;
    int64_t latency_ms;
    bool latency_tracking;
    int percentile_count;
    double percentiles[CONFIG_PERCENTILES_MAX];
};

void config_init(struct config *c); /* every option at its default */
void config_deinit(struct config *c);
void config_copy(struct config *to, const struct config *from); /* `to` is uninitialised */

/* --- problems --------------------------------------------------------------------------------------- */

struct config_problem {
    bool fatal; /* the server must not start */
    char *text; /* owned; one line: place, option, what is wrong, what would be right */
};
struct config_problems {
    struct config_problem *at; /* owned, in order of finding */
    int count, cap;
    int fatal; /* how many are */
};
void config_problems_init(struct config_problems *p);
void config_problems_deinit(struct config_problems *p);
void config_problem(struct config_problems *p, bool fatal, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- reading ---------------------------------------------------------------------------------------- */

/* How `include` reaches files; tests and the fuzzer hand in their own. */
struct config_files {
    /* Appends the content of `path`. ERR_NOTFOUND, ERR_IO (errno), ERR_FULL: larger than CONFIG_FILE_BYTES_MAX. */
    enum err (*read)(void *arg, const char *path, struct buf *out);
    /* Calls fn for each path that a pattern names, in alphabetical order; for a name without wildcards once,
     * whether it exists or not. */
    void (*each)(void *arg, const char *pattern, void (*fn)(void *fn_arg, const char *path),
                 void *fn_arg);
    void *arg;
};
extern const struct config_files config_files_real;

struct config_loader {
    struct config *config;
    struct config_problems *problems;
    const struct config_files *files;
    int depth, includes; /* start at 0 */
};
/* Sets what the text says; `origin` names it in messages. Goes on behind a problem, to find them all. */
void config_load_text(struct config_loader *l, const char *origin, struct slice text);
/* The same for a file. A file that cannot be read is a fatal problem. */
void config_load_file(struct config_loader *l, const char *path);

enum config_mode { CONFIG_RUN, CONFIG_CHECK, CONFIG_VERSION, CONFIG_USAGE };
struct config_args {
    enum config_mode mode;
    const char *file; /* borrowed from argv; NULL: none */
    bool stdin_too;   /* "-": standard input, behind the file */
};
/* `corsac [FILE | -] [--option value ...] [-]`: first finds what to read, then, once that is read, sets the
 * options. argv starts with the program's name. */
void config_args_scan(int argc, char **argv, struct config_args *out);
void config_args_load(struct config_loader *l, int argc, char **argv);
void config_usage(struct buf *out); /* --help: every option with its default */

/* --- rewriting -------------------------------------------------------------------------------------- */

/* The text of a configuration file that gives `c` when it is read again: comments, order and whatever Corsac
 * does not know are kept, changed options change where they stand, others go to the end. `all`: options at
 * their default too. */
void config_rewrite_text(const struct config *c, const struct config_files *files, struct slice old,
                         bool all, struct buf *out);
/* Rewrites a file so that a crash leaves the old or the new one. On failure `error` says what and why. */
enum err config_rewrite_file(const struct config *c, const char *path, bool all,
                             char error[CONFIG_ERROR_CHARS]);
