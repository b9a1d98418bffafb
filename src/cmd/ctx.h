#pragma once
/* What a command handler sees: the request, the keyspace, a reply writer, the time, and the
 * engine's services behind a table of functions. No socket, no protocol, no file.
 *
 * A handler that changes data does three things, in this order:
 *   1. the change, through store/;
 *   2. ctx_changed, for each key: informs WATCH, keyspace notifications and the dirty counter;
 *   3. ctx_effect (or ctx_effect_as_is): logs the change in canonical form: a command whose result
 *      depends on nothing but the data (absolute times, no random choice).
 * A handler that changed nothing does none of them. */
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/slice.h"
#include "cmd/table.h"
#include "resp/writer.h"
#include "store/edit.h"
#include "store/keyspace.h"
#include "store/string.h"
#include "store/value.h"

/* Classes of keyspace notifications, with their letters in notify-keyspace-events. */
enum notify_class {
    NOTIFY_KEYSPACE = 1 << 0,  /* K */
    NOTIFY_KEYEVENT = 1 << 1,  /* E */
    NOTIFY_GENERIC = 1 << 2,   /* g */
    NOTIFY_STRING = 1 << 3,    /* $ */
    NOTIFY_LIST = 1 << 4,      /* l */
    NOTIFY_SET = 1 << 5,       /* s */
    NOTIFY_HASH = 1 << 6,      /* h */
    NOTIFY_ZSET = 1 << 7,      /* z */
    NOTIFY_EXPIRED = 1 << 8,   /* x */
    NOTIFY_EVICTED = 1 << 9,   /* e */
    NOTIFY_STREAM = 1 << 10,   /* t */
    NOTIFY_KEY_MISS = 1 << 11, /* m */
    NOTIFY_MODULE = 1 << 12,   /* d */
    NOTIFY_NEW = 1 << 13,      /* n */
    NOTIFY_ALL = NOTIFY_GENERIC | NOTIFY_STRING | NOTIFY_LIST | NOTIFY_SET | NOTIFY_HASH |
                 NOTIFY_ZSET | NOTIFY_EXPIRED | NOTIFY_EVICTED | NOTIFY_STREAM |
                 NOTIFY_MODULE, /* A */
};

/* Keys that a request read or changed, by their hashes. */
#define TOUCHED_KEYS_MAX 64
struct touched {
    uint64_t changed; /* bit i: the key of hash[i] was changed */
    unsigned count;
    bool all; /* the request depends on every key, or on more than TOUCHED_KEYS_MAX */
    uint32_t hash[TOUCHED_KEYS_MAX];
};
static inline void touched_clear(struct touched *t)
{
    t->changed = 0;
    t->count = 0;
    t->all = false;
}
static inline void touched_add(struct touched *t, uint32_t hash, bool changed)
{
    if (t->count == 0 || t->hash[t->count - 1] != hash) {
        if (t->count == TOUCHED_KEYS_MAX) {
            t->all = true;
            return;
        }
        t->hash[t->count++] = hash;
    }
    t->changed |= (uint64_t)changed << (t->count - 1);
}

/* A request that finds nothing waits until one of its keys holds a value of `type`. A request that times out is
 * answered with a null array. */
struct ctx_wait {
    enum item_type type;
    int first, step, count; /* the keys, in argv */
    int64_t timeout_ms;     /* 0: forever */
    /* The answer where waiting is not allowed. True: a null bulk. False: a null array. */
    bool null_bulk;
};

struct cmd_host; /* the engine, as seen from below */
struct cmd_host_ops {
    /* A key's value or deadline changed, or the key came or went: WATCH, dirty counter, and the
     * event `name` of `class` (0: no event). */
    void (*changed)(struct cmd_ctx *c, int db, const struct key *key, unsigned class,
                    const char *name);
    /* An event without a change. */
    void (*notify)(struct cmd_ctx *c, int db, struct slice key, unsigned class, const char *name);
    /* An effect for the log. The slices are copied before it returns. A crash leaves all effects of a request, or
     * none. */
    void (*effect)(struct cmd_ctx *c, int db, int argc, const struct slice *argv);
    /* The same where one argument is the bytes of `blob`: the log may hold the blob instead of copying them. The
     * pointer may be NULL: not supported. */
    void (*effect_blob)(struct cmd_ctx *c, int db, int argc, const struct slice *argv,
                        struct blob *blob);
    /* The blob that the argument was read into, borrowed (blob_hold keeps it); NULL: the argument lies elsewhere. The
     * pointer may be NULL: no argument lies in a blob. */
    struct blob *(*blob)(struct cmd_ctx *c, struct slice arg);
    /* Called before all keys of `db` (-1: of every database) are deleted, and before databases a and b are swapped,
     * while the engine can still see which watched keys that changes. */
    void (*flushed)(struct cmd_ctx *c, int db);
    void (*swapped)(struct cmd_ctx *c, int a, int b);
    /* Serves ctx_block. False: this request may not wait. The pointer may be NULL: no request may. */
    bool (*block)(struct cmd_ctx *c, const struct ctx_wait *w);
};

struct cmd_ctx {
    /* the request; slices are good until the handler returns */
    const struct slice *argv;
    int argc;
    int db;
    struct cmd *cmd;
    /* The first key, hashed already, of commands whose row has keys[0] as a range. */
    struct key key;

    /* the data, the reply, time and chance */
    struct keyspace *ks;
    struct resp_writer *out;
    int64_t now_ms; /* wall clock of the request: ks_now_ms */
    struct rng *rng;

    /* the engine */
    const struct cmd_host_ops *ops;
    struct cmd_host *host;
    struct session *session; /* engine/'s; opaque here. NULL when a log is replayed */
    struct cmd_table *table;
    int64_t string_bytes_max; /* proto-max-bulk-len: no string grows beyond it */
    struct touched *touched;  /* NULL: touched keys are not recorded */
    bool effects;             /* effects are recorded: when false, building one may be skipped */
    bool no_touch;            /* CLIENT NO-TOUCH: reads leave the access clock alone */
    bool replaying;           /* the request is an effect from a log: see ctx_is_due */
    /* NOTIFY_NEW is switched on: only then need a handler find out whether a key is new. */
    bool tell_new;
};

/* --- services --------------------------------------------------------------------------------- */

/* Records that the reply depends on a key. ctx_read, ctx_peek, ctx_write and the edits below do so themselves;
 * ctx_changed records a change. */
static inline void ctx_note(struct cmd_ctx *c, const struct key *k)
{
    if (c->touched)
        touched_add(c->touched, k->hash, false);
}
/* Records that the reply depends on all keys. */
static inline void ctx_note_all(struct cmd_ctx *c)
{
    if (c->touched)
        c->touched->all = true;
}
static inline void ctx_changed(struct cmd_ctx *c, const struct key *key, unsigned class,
                               const char *event)
{
    c->ops->changed(c, c->db, key, class, event);
}
static inline void ctx_notify(struct cmd_ctx *c, struct slice key, unsigned class,
                              const char *event)
{
    c->ops->notify(c, c->db, key, class, event);
}
static inline void ctx_effect(struct cmd_ctx *c, int argc, const struct slice *argv)
{
    if (c->effects)
        c->ops->effect(c, c->db, argc, argv);
}
/* Logs the request with the command's own name, where rename-command gave the client another one. */
void ctx_effect_by_name(struct cmd_ctx *c);
/* The request is canonical as it arrived: the very bytes are logged. */
static inline void ctx_effect_as_is(struct cmd_ctx *c)
{
    if (c->cmd->called)
        ctx_effect_by_name(c);
    else
        ctx_effect(c, c->argc, c->argv);
}

/* Lets the request wait. The handler has neither replied nor changed anything, and returns after this call. It is
 * called again with the same arguments when one of the keys holds a value, and may find nothing again. Where waiting is
 * not allowed (in EXEC, in a script, while a log is replayed), the empty reply is written at once. */
void ctx_block(struct cmd_ctx *c, const struct ctx_wait *w);
/* Reads argument i, seconds that are not negative and may have a fraction; rounds up to milliseconds. False: the error
 * is replied. */
bool ctx_arg_timeout(struct cmd_ctx *c, int i, int64_t *ms);

/* The key in argument i, hashed. */
static inline struct key ctx_key(const struct cmd_ctx *c, int i)
{
    return ks_key(c->ks, c->argv[i]);
}
/* The item for reading; NULL: no such key. Counts a hit or a miss, and notifies "keymiss". */
const struct item *ctx_read(struct cmd_ctx *c, const struct key *k);
/* The same for commands that only ask about the key: leaves the access clock alone. */
const struct item *ctx_peek(struct cmd_ctx *c, const struct key *k);
/* The item that is about to be edited or replaced. Counts neither hit nor miss. */
const struct item *ctx_write(struct cmd_ctx *c, const struct key *k);
/* ctx_read for commands that use all elements of a value. Elements that are due are removed first, with their own
 * effect, so that the request as an effect depends on no clock. False: no memory; the error is replied. */
bool ctx_read_whole(struct cmd_ctx *c, const struct key *k, const struct item **it);
/* Hashes the keys in arguments first, first + step, ... below `end` (at most CTX_KEYS_GROUP of
 * them) and prefetches their memory, so that cache misses overlap; returns how many. */
#define CTX_KEYS_GROUP 16
int ctx_keys_fetch(struct cmd_ctx *c, int first, int step, int end,
                   struct key keys[CTX_KEYS_GROUP]);

/* True: the deadline has passed, and the key is deleted instead of getting it. Never true while a log is replayed: the
 * deadline may have lain ahead when it was logged, and a later effect may have taken it away in time. */
static inline bool ctx_is_due(const struct cmd_ctx *c, int64_t deadline_ms)
{
    return deadline_ms <= c->now_ms && !c->replaying;
}

/* --- changes that several commands make ------------------------------------------------------- */

/* ks_set_string of an argument. An argument that was read into a blob is not copied. */
const struct item *ctx_set_string(struct cmd_ctx *c, const struct key *k, struct slice arg,
                                  int64_t expiry_ms);
/* The same, in a group. */
bool ctx_group_set(struct cmd_ctx *c, struct ks_group *g, const struct key *k, struct slice arg,
                   int64_t expiry_ms);
/* Stores a string and tells events "new", "set" and "expire", but leaves the effect to the caller.
 * `expiry_ms` as ks_set_string has it. False: no memory, nothing changed, nothing replied. */
bool ctx_store(struct cmd_ctx *c, const struct key *k, struct slice value, int64_t expiry_ms);
/* The events of a string that was stored. */
void ctx_stored(struct cmd_ctx *c, const struct key *k, bool is_new, int64_t expiry_ms);
/* Logs a stored string: SET k v [PXAT ms | KEEPTTL]. A value of CTX_REFER_BYTES_MIN bytes or more is logged by
 * reference to the item's blob. Where the same request has given the key a value of another length since, nothing is
 * logged: the later value has its own effect. */
#define CTX_REFER_BYTES_MIN ((size_t)16 * 1024)
void ctx_effect_set(struct cmd_ctx *c, struct slice key, struct slice value, int64_t expiry_ms);
/* Deletes a key and notifies "del"; the effect is the caller's. False: no such key. */
bool ctx_delete(struct cmd_ctx *c, const struct key *k);
/* Deletes an existing key, notifies "del" and logs DEL k. */
void ctx_delete_effect(struct cmd_ctx *c, const struct key *k);
/* Notifies "new" for a key that did not exist before. */
static inline void ctx_added(struct cmd_ctx *c, struct slice key)
{
    if (c->tell_new)
        ctx_notify(c, key, NOTIFY_NEW, "new");
}

/* --- collections ------------------------------------------------------------------------------ */

/* ctx_read for a value of type `t`; *it is NULL where there is no such key. False: the value is of another type, and
 * WRONGTYPE is replied. */
bool ctx_read_type(struct cmd_ctx *c, const struct key *k, enum item_type t,
                   const struct item **it);
/* Begins an edit of a value of type `t`. Where there is no such key, e->item is NULL and there is no edit to end.
 * False: WRONGTYPE is replied. */
bool ctx_edit_type(struct cmd_ctx *c, const struct key *k, enum item_type t, struct ks_edit *e);
/* The same, but creates a missing key with an empty collection, which must not stay empty unless ctx_edit_undone ends
 * the edit. False: WRONGTYPE or lack of memory is replied. */
bool ctx_edit_or_new(struct cmd_ctx *c, const struct key *k, enum item_type t, struct ks_edit *e);
/* Ends an edit that changed something. Notifies `event` of `class`, "new" where the edit created the key, and "del"
 * where the value became empty and the key was removed. The effect is the caller's. Returns the item, which may have
 * moved; NULL: the key was removed. */
const struct item *ctx_edited(struct cmd_ctx *c, const struct key *k, struct ks_edit *e,
                              unsigned class, const char *event);
/* Ends an edit that changed nothing, or takes back all of its changes: see ks_edit_keep. */
static inline void ctx_edit_undone(struct ks_edit *e)
{
    ks_edit_undo(e);
}

/* --- arguments and common replies ------------------------------------------------------------- */

#define ERR_TEXT_WRONGTYPE   "-WRONGTYPE Operation against a key holding the wrong kind of value"
#define ERR_TEXT_NOT_INTEGER "value is not an integer or out of range"
#define ERR_TEXT_SYNTAX      "syntax error"
#define ERR_TEXT_NO_KEY      "no such key"
#define ERR_TEXT_OOM         "-OOM command not allowed when used memory > 'maxmemory'."
#define ERR_TEXT_NOMEM       "-OOM not enough memory for this command; nothing was changed"

/* Read argument i as an integer. False: the error is replied, with `error` as its text unless that is NULL. */
bool ctx_arg_i64(struct cmd_ctx *c, int i, int64_t *out);
bool ctx_arg_range(struct cmd_ctx *c, int i, int64_t min, int64_t max, int64_t *out,
                   const char *error);
/* True: the item is of type `t`, or NULL. False: WRONGTYPE is replied. */
bool ctx_is_type(struct cmd_ctx *c, const struct item *it, enum item_type t);
static inline bool ctx_is_string(struct cmd_ctx *c, const struct item *it)
{
    return ctx_is_type(c, it, TYPE_STRING);
}
/* Replies the value of a string item; a large value is sent by reference, not copied. */
void ctx_reply_string(struct cmd_ctx *c, const struct item *it);
/* Replies `len` bytes from `offset` on, which lie within the value. */
void ctx_reply_string_part(struct cmd_ctx *c, const struct item *it, size_t offset, size_t len);
/* `it` may be NULL. */
void ctx_reply_string_or_null(struct cmd_ctx *c, const struct item *it);
void ctx_reply_syntax(struct cmd_ctx *c);
void ctx_reply_nomem(struct cmd_ctx *c);
void ctx_reply_arity(struct cmd_ctx *c);
/* "-ERR unknown subcommand or wrong number of arguments for 'X'. Try Y HELP." */
void ctx_reply_unknown_sub(struct cmd_ctx *c);
/* Replies a container's HELP: `lines`, which NULL ends, between the title and the lines about HELP itself. The
 * description of a subcommand stands below its name, indented by four blanks. */
void ctx_reply_help(struct cmd_ctx *c, const char *const *lines);
/* Replies text for people, or -OOM where the buffer lacked memory. Deinits the buffer. */
void ctx_reply_text(struct cmd_ctx *c, struct buf *text);

/* --- rows of this room ------------------------------------------------------------------------ */

extern const struct cmd_row cmd_rows_string[];   /* SET, GET and their family */
extern const struct cmd_row cmd_rows_counter[];  /* INCR and its family */
extern const struct cmd_row cmd_rows_range[];    /* APPEND STRLEN GETRANGE SETRANGE */
extern const struct cmd_row cmd_rows_lcs[];      /* LCS */
extern const struct cmd_row cmd_rows_multi[];    /* MGET MSET MSETNX MSETEX */
extern const struct cmd_row cmd_rows_key[];      /* DEL UNLINK EXISTS TYPE TOUCH */
extern const struct cmd_row cmd_rows_move[];     /* RENAME RENAMENX COPY MOVE */
extern const struct cmd_row cmd_rows_expire[];   /* EXPIRE, TTL and their family */
extern const struct cmd_row cmd_rows_database[]; /* DBSIZE FLUSHDB FLUSHALL SWAPDB KEYS SCAN ... */
extern const struct cmd_row cmd_rows_object[];   /* OBJECT */
extern const struct cmd_row cmd_rows_sort[];     /* SORT SORT_RO */
extern const struct cmd_row cmd_rows_set[];      /* SISMEMBER, SMEMBERS and their family */
extern const struct cmd_row cmd_rows_set_add[];  /* SADD SADDEX SREM SMOVE */
extern const struct cmd_row cmd_rows_set_random[];    /* SPOP SRANDMEMBER */
extern const struct cmd_row cmd_rows_set_ops[];       /* SINTER, SUNION, SDIFF and their family */
extern const struct cmd_row cmd_rows_list[];          /* LPUSH, LPOP, LRANGE and their family */
extern const struct cmd_row cmd_rows_list_move[];     /* LPOS LMPOP LMOVE RPOPLPUSH LMOVEM */
extern const struct cmd_row cmd_rows_zset[];          /* ZADD, ZREM, ZSCORE and their family */
extern const struct cmd_row cmd_rows_zset_range[];    /* ZRANGE, ZCOUNT, ZREMRANGEBYSCORE ... */
extern const struct cmd_row cmd_rows_zset_pop[];      /* ZPOPMIN ZPOPMAX ZMPOP */
extern const struct cmd_row cmd_rows_zset_combine[];  /* ZUNION ZINTER ZDIFF */
extern const struct cmd_row cmd_rows_zset_random[];   /* ZRANDMEMBER ZSCAN */
extern const struct cmd_row cmd_rows_hash[];          /* HSET, HGET and their family */
extern const struct cmd_row cmd_rows_elements[];      /* HEXPIRE, HTTL, SEXPIRE, STTL ... */
extern const struct cmd_row cmd_rows_hash_values[];   /* HGETEX HSETEX HGETDEL */
extern const struct cmd_row cmd_rows_hash_all[];      /* HGETALL HKEYS HVALS HSCAN HRANDFIELD */
extern const struct cmd_row cmd_rows_list_blocking[]; /* BLPOP, BLMOVE and their family */
extern const struct cmd_row cmd_rows_zset_blocking[]; /* BZPOPMIN BZPOPMAX BZMPOP */

/* Adds all rows of this room. */
void cmd_add_rows(struct cmd_table *t);
