/* Names of options: Corsac's, the ones that only Redis or Valkey has, and the one that a misspelt name is most like. */
#include <stdlib.h>

#include "config/option.h"

static const char *const elsewhere[] = {
    "active-defrag-cycle-us",
    "availability-zone",
    "client-default-resp",
    "cluster-announce-client-ipv4",
    "cluster-announce-client-ipv6",
    "cluster-announce-client-port",
    "cluster-announce-client-tls-port",
    "cluster-blacklist-ttl",
    "cluster-config-save-behavior",
    "cluster-databases",
    "cluster-manual-failover-timeout",
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
    "dual-channel-replication-enabled",
    "events-per-io-thread",
    "extended-redis-compatibility",
    "glueoutputbuf",
    "hash-max-zipmap-entries",
    "hash-max-zipmap-value",
    "hash-seed",
    "import-mode",
    "io-threads-always-active",
    "io-threads-do-reads",
    "key-load-delay",
    "key-memory-histograms",
    "list-max-ziplist-entries",
    "list-max-ziplist-value",
    "loading-process-events-interval-bytes",
    "loadmodule",
    "loadmodule-ex",
    "log-format",
    "log-timestamp-format",
    "lua-enable-insecure-api",
    "mptcp",
    "prefetch-batch-max-size",
    "primaryauth",
    "primaryuser",
    "rdb-version-check",
    "rdma-bind",
    "rdma-completion-vector",
    "rdma-port",
    "rdma-rx-size",
    "repl-diskless-sync-period",
    "repl-mptcp",
    "repl-rdb-channel",
    "slave-announced",
    "slot-migration-max-failover-repl-bytes",
    "tls-allow-peer-unauthenticated",
    "tls-allowlisted-client-cert",
    "tls-auth-clients-user",
    "tls-auto-reload-interval",
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
};

const struct option *option_find(const struct options *t, struct slice name)
{
    for (const struct option *o = t->rows; o->name; o++)
        if (slice_is(name, o->name) || (o->alias && slice_is(name, o->alias)))
            return o;
    return NULL;
}

/* Options of Redis and Valkey that may keep clients out: users, modules (which may check passwords), the group that may
 * open the socket, the user that a certificate stands for. */
static const char *const guards[] = {
    "user", "loadmodule", "loadmodule-ex", "unixsocketgroup", "tls-auth-clients-user",
};

bool option_guards_elsewhere(struct slice name)
{
    for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
        if (slice_is(name, guards[i]))
            return true;
    return false;
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

/* How many characters to add, drop, change or swap with their neighbour (the optimal string alignment distance). */
static int distance(struct slice a, const char *b)
{
    /* d[i][j]: between the first i characters of `a` and the first j of `b` */
    int d[NAME_CHARS_MAX + 1][NAME_CHARS_MAX + 1];
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
    int best_distance = name.len < 5 ? 2 : 3; /* names so far apart are not alike */
    if (name.len == 0 || name.len + (size_t)best_distance > NAME_CHARS_MAX)
        return NULL;
    for (const struct option *o = t->rows; o->name; o++) {
        int longer = (int)strlen(o->name) - (int)name.len;
        /* Each missing character is a change. */
        if (abs(longer) >= best_distance)
            continue;
        int d = distance(name, o->name);
        if (d < best_distance) {
            best = o;
            best_distance = d;
        }
    }
    return best;
}
