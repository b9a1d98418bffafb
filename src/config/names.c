/* Names that configurations of Redis and Valkey may hold and Corsac does not have: they are told apart from
 * mistakes. */
#include <stdlib.h>

#include "config/option.h"

static const char *const elsewhere[] = {
    "acl-pubsub-default",
    "aclfile",
    "acllog-max-len",
    "active-defrag-cycle-max",
    "active-defrag-cycle-min",
    "active-defrag-cycle-us",
    "active-defrag-ignore-bytes",
    "active-defrag-max-scan-fields",
    "active-defrag-threshold-lower",
    "active-defrag-threshold-upper",
    "active-expire-effort",
    "always-show-logo",
    "aof-rewrite-cpulist",
    "aof-rewrite-incremental-fsync",
    "aof_rewrite_cpulist",
    "availability-zone",
    "bgsave-cpulist",
    "bgsave_cpulist",
    "bind-source-addr",
    "bio-cpulist",
    "bio_cpulist",
    "busy-reply-threshold",
    "client-default-resp",
    "cluster-allow-pubsubshard-when-down",
    "cluster-allow-reads-when-down",
    "cluster-allow-replica-migration",
    "cluster-announce-bus-port",
    "cluster-announce-client-ipv4",
    "cluster-announce-client-ipv6",
    "cluster-announce-client-port",
    "cluster-announce-client-tls-port",
    "cluster-announce-hostname",
    "cluster-announce-human-nodename",
    "cluster-announce-ip",
    "cluster-announce-port",
    "cluster-announce-tls-port",
    "cluster-blacklist-ttl",
    "cluster-compatibility-sample-ratio",
    "cluster-config-file",
    "cluster-config-save-behavior",
    "cluster-databases",
    "cluster-link-sendbuf-limit",
    "cluster-manual-failover-timeout",
    "cluster-migration-barrier",
    "cluster-node-timeout",
    "cluster-port",
    "cluster-preferred-endpoint-type",
    "cluster-replica-no-failover",
    "cluster-replica-validity-factor",
    "cluster-require-full-coverage",
    "cluster-slave-no-failover",
    "cluster-slave-validity-factor",
    "cluster-slot-migration-handoff-max-lag-bytes",
    "cluster-slot-migration-log-max-len",
    "cluster-slot-migration-sync-buffer-drain-timeout",
    "cluster-slot-migration-write-pause-timeout",
    "cluster-slot-stats-enabled",
    "commandlog-execution-slower-than",
    "commandlog-large-reply-max-len",
    "commandlog-large-request-max-len",
    "commandlog-reply-larger-than",
    "commandlog-request-larger-than",
    "commandlog-slow-execution-max-len",
    "crash-memcheck-enabled",
    "dbfilename",
    "disable-thp",
    "dual-channel-replication-enabled",
    "dynamic-hz",
    "events-per-io-thread",
    "extended-redis-compatibility",
    "glueoutputbuf",
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "hash-max-ziplist-entries",
    "hash-max-ziplist-value",
    "hash-max-zipmap-entries",
    "hash-max-zipmap-value",
    "hash-seed",
    "hide-user-data-from-log",
    "hll-sparse-max-bytes",
    "ignore-warnings",
    "import-mode",
    "io-threads-always-active",
    "io-threads-do-reads",
    "key-load-delay",
    "key-memory-histograms",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
    "lfu-decay-time",
    "lfu-log-factor",
    "list-compress-depth",
    "list-max-listpack-size",
    "list-max-ziplist-entries",
    "list-max-ziplist-size",
    "list-max-ziplist-value",
    "loading-process-events-interval-bytes",
    "loadmodule",
    "loadmodule-ex",
    "locale-collate",
    "log-format",
    "log-timestamp-format",
    "lua-enable-insecure-api",
    "lua-time-limit",
    "masteruser",
    "max-new-connections-per-cycle",
    "max-new-tls-connections-per-cycle",
    "maxmemory-eviction-tenacity",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "min-slaves-max-lag",
    "min-slaves-to-write",
    "mptcp",
    "no-appendfsync-on-rewrite",
    "oom-score-adj",
    "oom-score-adj-values",
    "prefetch-batch-max-size",
    "primaryauth",
    "primaryuser",
    "proc-title-template",
    "propagation-error-behavior",
    "rdb-del-sync-files",
    "rdb-save-incremental-fsync",
    "rdb-version-check",
    "rdbchecksum",
    "rdbcompression",
    "rdma-bind",
    "rdma-completion-vector",
    "rdma-port",
    "rdma-rx-size",
    "rename-command",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-disable-tcp-nodelay",
    "repl-diskless-load",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "repl-diskless-sync-max-replicas",
    "repl-diskless-sync-period",
    "repl-mptcp",
    "repl-ping-replica-period",
    "repl-ping-slave-period",
    "repl-rdb-channel",
    "repl-timeout",
    "replica-announce-ip",
    "replica-announce-port",
    "replica-announced",
    "replica-full-sync-buffer-limit",
    "replica-ignore-disk-write-errors",
    "replica-ignore-maxmemory",
    "replica-lazy-flush",
    "replica-priority",
    "replica-read-only",
    "replica-serve-stale-data",
    "sanitize-dump-payload",
    "server-cpulist",
    "server_cpulist",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "set-proc-title",
    "shutdown-timeout",
    "slave-announce-ip",
    "slave-announce-port",
    "slave-announced",
    "slave-ignore-maxmemory",
    "slave-lazy-flush",
    "slave-priority",
    "slave-read-only",
    "slave-serve-stale-data",
    "slot-migration-max-failover-repl-bytes",
    "socket-mark-id",
    "stop-writes-on-bgsave-error",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "syslog-enabled",
    "syslog-facility",
    "syslog-ident",
    "tls-allow-peer-unauthenticated",
    "tls-allowlisted-client-cert",
    "tls-auth-clients",
    "tls-auth-clients-user",
    "tls-auto-reload-interval",
    "tls-ca-cert-dir",
    "tls-ca-cert-file",
    "tls-cert-file",
    "tls-ciphers",
    "tls-ciphersuites",
    "tls-client-cert-file",
    "tls-client-key-file",
    "tls-client-key-file-pass",
    "tls-cluster",
    "tls-dh-params-file",
    "tls-key-file",
    "tls-key-file-pass",
    "tls-prefer-server-ciphers",
    "tls-protocols",
    "tls-replication",
    "tls-session-cache-size",
    "tls-session-cache-timeout",
    "tls-session-caching",
    "tracking-table-max-keys",
    "unixsocketgroup",
    "use-exit-on-panic",
    "user",
    "vm-enabled",
    "vm-max-memory",
    "vm-max-threads",
    "vm-page-size",
    "vm-pages",
    "vm-swap-file",
    "watchdog-period",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "zset-max-ziplist-entries",
    "zset-max-ziplist-value",
};

const struct option *option_find(const struct options *t, struct slice name)
{
    for (const struct option *o = t->rows; o->name; o++)
        if (slice_is(name, o->name) || (o->alias && slice_is(name, o->alias)))
            return o;
    return NULL;
}

bool option_known_elsewhere(struct slice name)
{
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (slice_is(name, elsewhere[i]))
            return true;
    return false;
}

#define NAME_CHARS_MAX 48 /* longest name that is compared */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Characters to add, drop, change or swap with their neighbour (Damerau's distance of neighbours). */
static int distance(struct slice a, const char *b)
{
    int d[NAME_CHARS_MAX + 1]
         [NAME_CHARS_MAX + 1]; /* between the first i and the first j characters */
    int a_len = (int)a.len, b_len = (int)strlen(b);
    for (int i = 0; i <= a_len; i++)
        for (int j = 0; j <= b_len; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            char x = lower(a.ptr[i - 1]), y = b[j - 1];
            d[i][j] = least(d[i - 1][j - 1] + (x != y), least(d[i - 1][j], d[i][j - 1]) + 1);
            if (i > 1 && j > 1 && x == b[j - 2] && lower(a.ptr[i - 2]) == y)
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[a_len][b_len];
}

const struct option *option_like(const struct options *t, struct slice name)
{
    const struct option *best = NULL;
    int best_distance = name.len < 5 ? 2 : 3; /* as far apart is too far */
    if (name.len == 0 || name.len + (size_t)best_distance > NAME_CHARS_MAX)
        return NULL;
    for (const struct option *o = t->rows; o->name; o++) {
        int longer = (int)strlen(o->name) - (int)name.len;
        if (abs(longer) >= best_distance) /* each needs a change */
            continue;
        int d = distance(name, o->name);
        if (d < best_distance) {
            best = o;
            best_distance = d;
        }
    }
    return best;
}
