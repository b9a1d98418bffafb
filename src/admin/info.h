#pragma once
/* The fields of INFO, each declared once. A row names a field and says where its value lies in the facts, which are
 * gathered by section. INFO, the metrics and every other view of the server's figures read these rows. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin/host.h"
#include "admin/metrics_text.h"
#include "base/buf.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "store/keyspace.h"

struct admin;

/* Derived from figures of the heap, the keyspace and the kernel. */
struct info_memory {
    uint64_t used, peak, rss, startup, dataset, overhead, clients, system;
    double peak_perc, dataset_perc; /* `used` of `peak`; `dataset` of `used` less `startup` */
    double frag_ratio, heap_rss_ratio, overhead_ratio, fragmentation;
    int64_t frag_bytes, heap_rss_bytes, overhead_bytes, fragmentation_bytes;
};

struct info_sessions {
    uint64_t blocked, subscribed, watching, watched_keys, timed;
    uint64_t keys_waited_for;
};

struct info_rates {
    double commands, in_kb, out_kb, cycles, turn_us; /* per second; of a turn */
    double commands_us;                              /* of all commands, ever */
};

struct info_pubsub {
    uint64_t channels, patterns, shard_channels;
};

struct info_move {
    uint64_t shards, from, to, keys, slots;
    double perc;
    bool active;
};

#define INFO_TEXT_CHARS 256
struct info_build {
    char os[INFO_TEXT_CHARS];
    char git_sha[INFO_TEXT_CHARS]; /* without "-dirty" */
    const char *version, *build_id, *allocator;
    bool dirty;
    int64_t pid, clock_us, clock_lru, up_s, up_days;
};

/* Seconds of processor time, in microseconds. */
struct info_cpu {
    int64_t sys_us, user_us, sys_children_us, user_children_us, sys_thread_us, user_thread_us;
};

/* Rows point into this struct. Gathering a section fills the fields that its rows need. */
struct info_facts {
    struct info_build build; /* first: no row's condition is at offset 0 */
    struct admin_process process;
    struct admin_net net;
    struct admin_persistence aof;
    struct engine_stats engine;
    struct ks_stats data;
    struct mem_stats heap;
    struct info_memory memory;
    struct info_sessions sessions;
    struct info_rates rates;
    struct info_pubsub pubsub;
    struct info_move move;
    struct info_cpu cpu;
};

enum info_kind {
    INFO_U64,
    INFO_I64,
    INFO_BOOL,
    INFO_WHOLE,   /* double, without decimals */
    INFO_DECIMAL, /* double, two decimals */
    INFO_PERCENT, /* the same, with a percent sign */
    INFO_BYTES,   /* uint64_t, as people read sizes: "1.50M" */
    INFO_SECONDS, /* int64_t microseconds, as seconds with six decimals */
    INFO_TEXT,    /* const char * */
    INFO_CHARS,   /* an array of char */
    INFO_FIXED,   /* the row's text */
    /* the same, for a field of a feature that Corsac has not: dashboards read it all the same */
    INFO_ABSENT,
    INFO_LINES, /* lines whose names depend on the data: the row's function appends them */
};

/* The field as a metric (metrics.h). A text is 1 where it is "ok", else 0. */
struct info_metric {
    enum metric_type type;
    /* the names behind METRICS_OWN and METRICS_REDIS; NULL: it has no metric there */
    const char *name, *redis;
    double
        per; /* so many of the field's units make one of `name`'s; `redis` keeps the field's unit */
    const char *help;
};

struct info_field {
    const char *name;
    enum info_kind kind;
    size_t at;   /* in struct info_facts */
    size_t only; /* of a bool in struct info_facts: shown while that is true; 0: always */
    const char *text;
    void (*lines)(const struct admin *a, struct buf *out);
    struct info_metric metric;
    /* appends families in place of one metric; NULL: none */
    void (*metrics)(const struct admin *a, struct buf *out);
};

struct info_section {
    const char *name, *title;
    bool by_default; /* in INFO and INFO default; every section is in INFO all and everything */
    void (*gather)(struct admin *a, struct info_facts *f); /* NULL: its rows need no facts */
    const struct info_field *fields;
    size_t count;
};

/* All sections, in the order in which INFO shows them. */
const struct info_section *info_sections(size_t *count);
/* Does the row's condition hold? */
bool info_shown(const struct info_facts *f, const struct info_field *row);
/* Appends the row's value; its kind must not be INFO_LINES. */
void info_append_value(const struct info_facts *f, const struct info_field *row, struct buf *out);

/* "1.50M", as Redis writes sizes for people. */
#define INFO_HUMAN_CHARS 32
void info_human(uint64_t bytes, char out[INFO_HUMAN_CHARS]);

/* --- info_gather.c ------------------------------------------------------------------------------------------- */

void info_gather_server(struct admin *a, struct info_facts *f);
void info_gather_clients(struct admin *a, struct info_facts *f);
void info_gather_memory(struct admin *a, struct info_facts *f);
void info_gather_persistence(struct admin *a, struct info_facts *f);
void info_gather_stats(struct admin *a, struct info_facts *f);
void info_gather_replication(struct admin *a, struct info_facts *f);
void info_gather_cpu(struct admin *a, struct info_facts *f);
void info_gather_shards(struct admin *a, struct info_facts *f);

/* --- info_lists.c -------------------------------------------------------------------------------------------- */

/* Appends a line. */
#define info_line(out, ...) (buf_printf((out), __VA_ARGS__), buf_append((out), "\r\n", 2))

void info_listeners(const struct admin *a, struct buf *out);
void info_commandstats(const struct admin *a, struct buf *out);
void info_errorstats(const struct admin *a, struct buf *out);
void info_latencystats(const struct admin *a, struct buf *out);
void info_databases(const struct admin *a, struct buf *out);
void info_shards(const struct admin *a, struct buf *out);
/* Counts shards that are being emptied, too: they still hold keys. */
unsigned info_shard_count(const struct keyspace *ks);

/* --- metrics_lists.c: the same as metrics -------------------------------------------------------------------- */

void metrics_commands(const struct admin *a, struct buf *out);
void metrics_errors(const struct admin *a, struct buf *out);
void metrics_durations(const struct admin *a, struct buf *out);
void metrics_databases(const struct admin *a, struct buf *out);
void metrics_shards(const struct admin *a, struct buf *out);
/* Figures that INFO does not show. */
void metrics_latency(const struct admin *a, struct buf *out);
void metrics_waits(const struct admin *a, struct buf *out);
