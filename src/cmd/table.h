#pragma once
/* The command table: one row declares everything about a command; nothing about it is said elsewhere. Rows live beside
 * their handlers, in any room; `cmd_table_add` collects them at start. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct cmd_ctx;
typedef void (*cmd_fn)(struct cmd_ctx *c);

enum cmd_flag {
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2, /* may grow memory: refused when maxmemory is reached */
    CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,
    CMD_NOSCRIPT = 1 << 5,
    CMD_BLOCKING = 1 << 6,
    CMD_LOADING = 1 << 7, /* allowed while loading */
    CMD_STALE = 1 << 8,
    CMD_SKIP_MONITOR = 1 << 9,
    CMD_SKIP_SLOWLOG = 1 << 10,
    CMD_FAST = 1 << 11,
    CMD_NO_AUTH = 1 << 12, /* allowed before AUTH */
    CMD_MAY_REPLICATE = 1 << 13,
    CMD_NO_ASYNC_LOADING = 1 << 14,
    CMD_NO_MULTI = 1 << 15, /* not inside MULTI */
    CMD_MOVABLE_KEYS = 1 << 16,
    CMD_ALLOW_BUSY = 1 << 17,
    CMD_SENTINEL_HIDDEN = 1 << 18,  /* listed nowhere */
    CMD_NO_QUEUE = 1 << 19,         /* runs at once inside MULTI: EXEC, DISCARD, WATCH, ... */
    CMD_RESP2_SUBSCRIBED = 1 << 20, /* allowed for a RESP2 client that is subscribed */
    CMD_REFERS = 1 << 21, /* effects hold large arguments by reference: see ctx_effect_set */
};

enum cmd_acl {
    ACL_KEYSPACE = 1 << 0,
    ACL_READ = 1 << 1,
    ACL_WRITE = 1 << 2,
    ACL_SET = 1 << 3,
    ACL_SORTEDSET = 1 << 4,
    ACL_LIST = 1 << 5,
    ACL_HASH = 1 << 6,
    ACL_STRING = 1 << 7,
    ACL_BITMAP = 1 << 8,
    ACL_HYPERLOGLOG = 1 << 9,
    ACL_GEO = 1 << 10,
    ACL_STREAM = 1 << 11,
    ACL_PUBSUB = 1 << 12,
    ACL_ADMIN = 1 << 13,
    ACL_FAST = 1 << 14,
    ACL_SLOW = 1 << 15,
    ACL_BLOCKING = 1 << 16,
    ACL_DANGEROUS = 1 << 17,
    ACL_CONNECTION = 1 << 18,
    ACL_TRANSACTION = 1 << 19,
    ACL_SCRIPTING = 1 << 20,
};

/* What a command does with its keys: COMMAND INFO's key specification flags. */
enum cmd_key_flag {
    KEY_RO = 1 << 0,
    KEY_RW = 1 << 1,
    KEY_OW = 1 << 2,
    KEY_RM = 1 << 3,
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE = 1 << 10,
};

/* Where the keys are. Either a range: arguments first, first + step, ... last (negative: from the
 * end, -1 the last argument); or counted: argument `numkeys` holds how many, `first` is the first
 * of them, and they too are `step` apart. */
struct cmd_keys {
    int16_t first; /* 0: the command has no keys */
    int16_t last, step;
    int16_t numkeys; /* index of the count, 0: a range */
    uint16_t flags;  /* enum cmd_key_flag */
};
#define CMD_KEYS_MAX 2 /* key specifications of a command */
/* CMD_KEY: one key at argument `at`. CMD_KEYS_FROM: keys at `at`, at + every, ... up to the last argument. */
#define CMD_KEY(at, key_flags)                                       \
    {                                                                \
        .first = (at), .last = (at), .step = 1, .flags = (key_flags) \
    }
#define CMD_KEYS_FROM(at, every, key_flags)                              \
    {                                                                    \
        .first = (at), .last = -1, .step = (every), .flags = (key_flags) \
    }

struct cmd_row {
    const char *name; /* lower case */
    cmd_fn fn;        /* NULL for a container that does nothing by itself */
    int16_t arity;    /* arguments, each name counted; negative: at least as many */
    uint32_t flags;   /* enum cmd_flag */
    uint32_t acl; /* enum cmd_acl; FAST/SLOW, READ/WRITE follow from flags and need not be given */
    struct cmd_keys keys[CMD_KEYS_MAX];
    /* The argument that names an element (member or field) of the first key's value: its memory is prefetched before
     * the call. 0: there is none. */
    int16_t element;

    const char *key_notes; /* of the first of `keys`, for COMMAND INFO; NULL: none */
    /* With KEY_VARIABLE: the flags of the keys of this request. NULL: `keys` has them. */
    uint16_t (*key_flags)(const struct slice *argv, int argc);
    /* The argument that is a key because of the word ahead of it (STORE), beside `keys`; the key is overwritten. 0:
     * this request has none. NULL: no request has. */
    int (*key_by_word)(const struct slice *argv, int argc);
    /* for COMMAND DOCS */
    const char *group; /* "string", "generic", "server", "connection", "transactions", "pubsub" */
    const char *since; /* the Redis (or Valkey) version that brought it */
    const char *complexity;
    const char *summary;
    const char *synopsis; /* arguments as the manual writes them, see synopsis.h */
    const char *tips;     /* comma-separated, or NULL */

    const struct cmd_row *subs; /* container: rows up to one without name */
};

#define CMD_HISTOGRAM_BUCKETS 32
struct cmd_stats {
    uint64_t calls, rejected_calls, failed_calls;
    uint64_t ticks; /* time spent, in clock ticks of the engine */
    /* Calls by duration: bucket i counts calls below 2^i microseconds that no lower bucket counts. Owned; NULL until
     * the first call. */
    uint64_t *histogram;
};

/* A row at run time. */
struct cmd {
    const struct cmd_row *row;
    const struct cmd *parent; /* of a subcommand, else NULL */
    const char *full_name;    /* "set", "config|get" */
    struct cmd **subs;        /* owned, NULL-terminated; NULL: not a container */
    char *called;             /* owned: the name that clients use; empty: none; NULL: the row's */
    int id;                   /* dense, 0..cmd_table_count-1 */
    uint32_t acl;             /* row->acl with what follows from flags */
    struct cmd_stats stats;
    void *room; /* the object that its handlers work on beside the context; may be NULL */
};

struct cmd_table;
struct cmd_table *cmd_table_new(void);
void cmd_table_free(struct cmd_table **t);
/* Adds rows up to one without a name; the handlers find `room` in c->cmd->room. Borrows both until the table is freed.
 * Asserts on a name given twice. */
void cmd_table_add(struct cmd_table *t, const struct cmd_row *rows, void *room);
/* Renames a command: clients find it as `called` only; empty: not at all. No rows may be added afterwards.
 * ERR_NOTFOUND: there is no such command. ERR_BUSY: another command has that name. */
enum err cmd_table_rename(struct cmd_table *t, struct slice name, struct slice called);
/* While `on`, commands are found by the names of their rows, which a log holds. */
void cmd_table_use_real_names(struct cmd_table *t, bool on);
/* Top-level command by name, any case; NULL: unknown. */
struct cmd *cmd_lookup(const struct cmd_table *t, struct slice name);
/* A container's subcommand by name, any case; NULL: unknown. */
struct cmd *cmd_lookup_sub(const struct cmd *container, struct slice name);
/* The command or subcommand by its full name, "config" or "config|get"; NULL: unknown. */
struct cmd *cmd_lookup_full(const struct cmd_table *t, struct slice full_name);
size_t cmd_table_count(const struct cmd_table *t); /* with subcommands */
size_t cmd_table_top_count(const struct cmd_table *t);
/* Any command by its id; a top-level command by its place in the order of adding. */
struct cmd *cmd_table_at(const struct cmd_table *t, size_t i);
struct cmd *cmd_table_top_at(const struct cmd_table *t, size_t i);
void cmd_table_reset_stats(struct cmd_table *t);

bool cmd_arity_ok(const struct cmd *c, int argc);
/* The one range of keys that COMMAND INFO gives beside the key specifications; all 0: there are no keys, or they depend
 * on the arguments. */
struct cmd_key_range {
    int first, last, step;
};
struct cmd_key_range cmd_key_range(const struct cmd *c);
/* Calls fn with the index of each key of a request. False: the arguments do not fit (bad numkeys). */
typedef void (*cmd_each_key_fn)(int index, uint16_t key_flags, void *arg);
bool cmd_each_key(const struct cmd *c, const struct slice *argv, int argc, cmd_each_key_fn fn,
                  void *arg);
