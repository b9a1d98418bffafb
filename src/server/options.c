/* Every option there is, in one row each: names and meanings are those of redis.conf. */
#include "server/options.h"

#include <limits.h>
#include <stddef.h>

#include "base/logger.h"
#include "log/writer.h"
#include "store/keyspace.h"

#define MB (1024 * 1024)
#define AT(field) \
    .offset = offsetof(struct config, field), .bytes = sizeof(((struct config *)NULL)->field)
#define UP_TO(least, most) .min = (least), .max = (most)

static const struct option_choice loglevels[] = {
    {"debug", LOG_LEVEL_DEBUG},     {"verbose", LOG_LEVEL_VERBOSE}, {"notice", LOG_LEVEL_NOTICE},
    {"warning", LOG_LEVEL_WARNING}, {"nothing", LOG_LEVEL_NOTHING}, {NULL, 0},
};
static const struct option_choice allowances[] = {
    {"no", ENGINE_ALLOW_NO}, {"yes", ENGINE_ALLOW_YES}, {"local", ENGINE_ALLOW_LOCAL}, {NULL, 0}};
/* All that Redis knows, so that a value is told apart from a mistake; the first is what Corsac does. */
static const struct option_choice policies[] = {
    {"noeviction", 0},      {"allkeys-lru", 1},  {"volatile-lru", 2},
    {"allkeys-lfu", 3},     {"volatile-lfu", 4}, {"allkeys-random", 5},
    {"volatile-random", 6}, {"volatile-ttl", 7}, {NULL, 0}};
static const struct option_choice supervisors[] = {
    {"no", 0}, {"auto", 1}, {"systemd", 2}, {"upstart", 3}, {NULL, 0}};

static const struct option_choice fsync_policies[] = {
    {"everysec", WRITER_EVERYSEC}, {"always", WRITER_ALWAYS}, {"no", WRITER_NO}, {NULL, 0}};

static const char *check_file_name(struct slice value)
{
    if (value.len == 0 || value.len > OPTION_FILE_NAME_BYTES_MAX)
        return "a file name has 1 to 200 bytes";
    return memchr(value.ptr, '/', value.len) ? "it can't be a path, just a filename" : NULL;
}

/* clang-format off */
static const struct option rows[] = {
    /* --- network --- */
    {.name = "bind", .type = OPTION_WORDS, AT(net.bind), .fallback = "* -::*", .flags = OPTION_MULTI_ARG,
     .apply = APPLY_LISTEN, .check = option_check_bind,
     .summary = "addresses to listen on; with a '-' in front one that may be missing; * is all"},
    {.name = "port", .type = OPTION_INT, AT(net.port), .fallback = "6379", UP_TO(0, 65535), .apply = APPLY_LISTEN,
     .summary = "TCP port; 0: none"},
    {.name = "unixsocket", .type = OPTION_STRING, AT(net.unix_path), .fallback = "", .flags = OPTION_IMMUTABLE,
     .summary = "path of a Unix socket to listen on"},
    {.name = "unixsocketperm", .type = OPTION_OCTAL, AT(net.unix_mode), .fallback = "0", UP_TO(0, 0777),
     .flags = OPTION_IMMUTABLE, .summary = "permissions of the Unix socket; 0: as umask leaves them"},
    {.name = "tcp-backlog", .type = OPTION_INT, AT(net.backlog), .fallback = "511", UP_TO(0, INT_MAX),
     .flags = OPTION_IMMUTABLE, .summary = "connections that may wait to be accepted"},
    {.name = "timeout", .type = OPTION_INT, AT(net.idle_s_max), .fallback = "0", UP_TO(0, INT_MAX),
     .summary = "seconds after which an idle client is disconnected; 0: never"},
    {.name = "tcp-keepalive", .type = OPTION_INT, AT(net.keepalive_s), .fallback = "300", UP_TO(0, INT_MAX), .summary = "seconds between signs of life on an idle connection; 0: none"},
    {.name = "protected-mode", .type = OPTION_BOOL, AT(net.protected_mode), .fallback = "yes",
     .summary = "without a password, serve clients of this machine only"},

    /* --- process --- */
    {.name = "daemonize", .type = OPTION_BOOL, AT(daemonize), .fallback = "no", .flags = OPTION_IMMUTABLE,
     .summary = "run in the background"},
    {.name = "pidfile", .type = OPTION_STRING, AT(pidfile), .fallback = "", .flags = OPTION_IMMUTABLE,
     .summary = "file that holds the process id while the server runs"},
    {.name = "loglevel", .type = OPTION_ENUM, AT(loglevel), .fallback = "notice", .choices = loglevels,
     .apply = APPLY_LOG, .summary = "how much is logged"},
    {.name = "logfile", .type = OPTION_STRING, AT(logfile), .fallback = "", .flags = OPTION_IMMUTABLE,
     .summary = "file to log to; empty: standard output"},
    {.name = "crash-log-enabled", .type = OPTION_BOOL, AT(crash_log), .fallback = "yes",
     .summary = "log a report when the server crashes"},
    {.name = "dir", .type = OPTION_STRING, AT(dir), .fallback = "./", .flags = OPTION_PROTECTED, .apply = APPLY_DIR,
     .summary = "directory to work in"},
    {.name = "shutdown-on-sigterm", .type = OPTION_SPECIAL, .special = &option_on_sigterm, .fallback = "default",
     .flags = OPTION_MULTI_ARG, .summary = "how SIGTERM ends the server; nothing is saved or waited for yet"},
    {.name = "shutdown-on-sigint", .type = OPTION_SPECIAL, .special = &option_on_sigint, .fallback = "default",
     .flags = OPTION_MULTI_ARG, .summary = "how SIGINT ends the server; nothing is saved or waited for yet"},
    {.name = "hz", .type = OPTION_INT, AT(hz), .fallback = "10", UP_TO(1, 500), .flags = OPTION_CLAMP,
     .apply = APPLY_CRON, .summary = "how often a second housekeeping looks round"},
    {.name = "jemalloc-bg-thread", .type = OPTION_BOOL, AT(purge_in_background), .fallback = "yes",
     .apply = APPLY_MEMORY, .summary = "give memory back to the system on a thread of its own"},

    /* --- who may do what --- */
    {.name = "requirepass", .type = OPTION_BYTES, AT(engine.password), .fallback = "", .flags = OPTION_SENSITIVE, .summary = "password that clients must give"},
    {.name = "enable-debug-command", .type = OPTION_ENUM, AT(engine.debug_commands), .fallback = "no",
     .flags = OPTION_IMMUTABLE, .choices = allowances, .summary = "whether DEBUG may be used"},
    {.name = "enable-protected-configs", .type = OPTION_ENUM, AT(protected_configs), .fallback = "no",
     .flags = OPTION_IMMUTABLE, .choices = allowances, .summary = "whether CONFIG SET may change paths"},
    {.name = "enable-module-command", .type = OPTION_ENUM, .fallback = "no",
     .flags = OPTION_IMMUTABLE | OPTION_FIXED, .choices = allowances, .summary = "there are no modules"},

    /* --- limits --- */
    {.name = "maxclients", .type = OPTION_INT, AT(net.clients_max), .fallback = "10000", UP_TO(1, UINT_MAX),
     .apply = APPLY_CLIENTS, .summary = "clients at the same time"},
    {.name = "proto-max-bulk-len", .type = OPTION_MEMORY, AT(engine.bulk_bytes_max), .fallback = "512mb",
     UP_TO(MB, INT64_MAX), .summary = "longest string"},
    {.name = "client-query-buffer-limit", .type = OPTION_MEMORY, AT(net.query_bytes_max), .fallback = "1gb",
     UP_TO(MB, INT64_MAX), .summary = "most that a client may send ahead"},
    {.name = "client-output-buffer-limit", .type = OPTION_SPECIAL, .special = &option_output_limits,
     .fallback = "normal 0 0 0 slave 256mb 64mb 60 pubsub 32mb 8mb 60", .flags = OPTION_MULTI_ARG, .summary = "class, hard limit, soft limit and its seconds: replies that wait for a client"},

    /* --- durability --- */
    {.name = "appendonly", .type = OPTION_BOOL, AT(aof), .fallback = "yes", .apply = APPLY_AOF,
     .summary = "keep data on disk, in an append-only file; no: in memory only"},
    {.name = "appendfsync", .type = OPTION_ENUM, AT(aof_policy), .fallback = "everysec", .choices = fsync_policies,
     .apply = APPLY_AOF, .summary = "when writes are forced to the disk"},
    {.name = "appendfilename", .type = OPTION_STRING, AT(aof_filename), .fallback = "appendonly.aof",
     .flags = OPTION_IMMUTABLE, .check = check_file_name, .summary = "how the append-only files' names begin"},
    {.name = "appenddirname", .type = OPTION_STRING, AT(aof_dirname), .fallback = "appendonlydir",
     .flags = OPTION_IMMUTABLE, .check = check_file_name, .summary = "directory of the append-only files, in `dir`"},
    {.name = "aof-load-truncated", .type = OPTION_BOOL, AT(aof_load_truncated), .fallback = "yes", .apply = APPLY_AOF,
     .summary = "start although the last write of the append-only file was cut off"},
    {.name = "aof-timestamp-enabled", .type = OPTION_BOOL, AT(aof_timestamps), .fallback = "no", .apply = APPLY_AOF,
     .summary = "record the time, so that the data of any second can be recovered"},
    {.name = "aof-use-rdb-preamble", .type = OPTION_BOOL, AT(aof_rdb_preamble), .fallback = "no", .apply = APPLY_AOF,
     .summary = "taken, with a warning: bases are always written as commands, which Redis loads as well"},
    {.name = "aof-disable-auto-gc", .type = OPTION_BOOL, AT(aof_keep_history), .fallback = "no", .apply = APPLY_AOF,
     .summary = "keep append-only files that a rewrite has replaced, until this is switched off"},
    {.name = "rdb-key-save-delay", .type = OPTION_INT, AT(engine.rewrite_key_delay_us), .fallback = "0",
     UP_TO(INT_MIN, INT_MAX), .summary = "for tests: microseconds that a rewrite rests after a key"},
    {.name = "auto-aof-rewrite-percentage", .type = OPTION_INT, AT(aof_rewrite_percentage), .fallback = "100",
     UP_TO(0, INT_MAX), .summary = "rewrite when the files have grown by this much; 0: never"},
    {.name = "auto-aof-rewrite-min-size", .type = OPTION_MEMORY, AT(aof_rewrite_min_bytes), .fallback = "64mb",
     UP_TO(0, INT64_MAX), .summary = "smaller files are not rewritten"},
    {.name = "aof-rewrite-cpu", .type = OPTION_INT, AT(aof_rewrite_cpu), .fallback = "10", UP_TO(1, 100),
     .summary = "percent of its time that the server gives a rewrite at least, however busy clients keep it"},

    /* --- data --- */
    {.name = "databases", .type = OPTION_INT, AT(databases), .fallback = "16", UP_TO(1, KS_DATABASES_MAX),
     .flags = OPTION_IMMUTABLE, .summary = "databases that SELECT can choose from"},
    {.name = "shards", .type = OPTION_INT, AT(shards), .fallback = "1", UP_TO(1, KS_SHARDS_MAX),
     .apply = APPLY_SHARDS, .summary = "tables that the keys are spread over, by consistent hashing"},
    {.name = "notify-keyspace-events", .type = OPTION_SPECIAL, .special = &option_notify, .fallback = "", .summary = "classes of events that are published, such as KEA"},

    /* --- what is recorded --- */
    {.name = "slowlog-log-slower-than", .type = OPTION_INT, AT(engine.slowlog_us), .fallback = "10000",
     UP_TO(-1, INT64_MAX), .summary = "microseconds; 0: every command; -1: none"},
    {.name = "slowlog-max-len", .type = OPTION_INT, AT(engine.slowlog_len_max), .fallback = "128", UP_TO(0, INT64_MAX), .summary = "commands that SLOWLOG remembers"},
    {.name = "latency-monitor-threshold", .type = OPTION_INT, AT(engine.latency_ms), .fallback = "0", UP_TO(0, INT64_MAX), .summary = "milliseconds from which LATENCY remembers an event; 0: none"},
    {.name = "latency-tracking", .type = OPTION_BOOL, AT(engine.latency_tracking), .fallback = "yes", .summary = "a histogram of durations for each command"},
    {.name = "latency-tracking-info-percentiles", .type = OPTION_SPECIAL, .special = &option_percentiles,
     .fallback = "50 99 99.9", .flags = OPTION_MULTI_ARG, .summary = "percentiles in INFO latencystats"},

    /* --- what tools ask for, and Corsac does in one way only --- */
    {.name = "save", .type = OPTION_SPECIAL, .special = &option_save, .fallback = "",
     .flags = OPTION_MULTI_ARG | OPTION_FIXED, .summary = "there are no snapshots, the append-only file keeps data"},
    {.name = "maxmemory", .type = OPTION_MEMORY, .fallback = "0", UP_TO(0, INT64_MAX), .flags = OPTION_FIXED,
     .summary = "there is no memory limit"},
    {.name = "maxmemory-policy", .type = OPTION_ENUM, .fallback = "noeviction", .choices = policies,
     .flags = OPTION_FIXED, .summary = "nothing is evicted"},
    {.name = "maxmemory-samples", .type = OPTION_INT, .fallback = "5", UP_TO(1, 64), .flags = OPTION_FIXED,
     .summary = "nothing is evicted"},
    {.name = "maxmemory-clients", .type = OPTION_MEMORY, .fallback = "0", UP_TO(0, INT64_MAX),
     .flags = OPTION_FIXED, .summary = "there is no memory limit for all clients together"},
    {.name = "activerehashing", .type = OPTION_BOOL, .fallback = "yes", .flags = OPTION_FIXED,
     .summary = "tables always grow in slices, whether clients are busy or not"},
    {.name = "activedefrag", .type = OPTION_BOOL, .fallback = "no", .flags = OPTION_FIXED,
     .summary = "memory is not defragmented"},
    {.name = "io-threads", .type = OPTION_INT, .fallback = "1", UP_TO(1, 128),
     .flags = OPTION_IMMUTABLE | OPTION_FIXED, .summary = "one thread serves all clients"},
    {.name = "cluster-enabled", .type = OPTION_BOOL, .fallback = "no", .flags = OPTION_IMMUTABLE | OPTION_FIXED,
     .summary = "there is no cluster"},
    {.name = "replicaof", .alias = "slaveof", .type = OPTION_SPECIAL, .special = &option_replicaof, .fallback = "",
     .flags = OPTION_IMMUTABLE | OPTION_MULTI_ARG | OPTION_FIXED, .summary = "there is no replication"},
    {.name = "masterauth", .type = OPTION_STRING, .fallback = "", .flags = OPTION_SENSITIVE | OPTION_FIXED,
     .summary = "there is no replication"},
    {.name = "tls-port", .type = OPTION_INT, .fallback = "0", UP_TO(0, 65535), .flags = OPTION_FIXED,
     .summary = "there is no TLS"},
    {.name = "supervised", .type = OPTION_ENUM, .fallback = "no", .flags = OPTION_IMMUTABLE | OPTION_FIXED,
     .choices = supervisors, .summary = "no supervisor is told of the start"},
    {.name = NULL},
};
/* clang-format on */

_Static_assert(sizeof(rows) / sizeof(rows[0]) <= OPTION_COUNT_MAX, "room for every option");

const struct options server_options = {.rows = rows, .config_bytes = sizeof(struct config)};
