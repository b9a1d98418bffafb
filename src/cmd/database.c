/* Whole databases: their size, walks through their keys, emptying and swapping them. */
#include <limits.h>

#include "base/buf.h"
#include "cmd/ctx.h"
#include "cmd/scan_options.h"

static void cmd_dbsize(struct cmd_ctx *c)
{
    ctx_note_all(c);
    resp_int(c->out, (int64_t)ks_size(c->ks, c->db));
}

static void cmd_randomkey(struct cmd_ctx *c)
{
    ctx_note_all(c);
    const struct item *it = ks_random(c->ks, c->db, rng_next(c->rng));
    if (it)
        resp_bulk(c->out, item_key(it));
    else
        resp_null(c->out);
}

/* --- walks ------------------------------------------------------------------------------------ */

/* A reply of the keys that pass a filter, written during a walk. */
struct listing {
    struct resp_inner reply;
    size_t count;
    struct scan_options options;
    int64_t now_ms;
    struct buf *due; /* names of due keys, each behind its length; may be NULL */
};

/* The walk must not change the keyspace, so due keys are only noted. */
static void list_item(const struct item *it, void *arg)
{
    struct listing *l = arg;
    const struct scan_options *o = &l->options;
    struct slice name = item_key(it);
    if ((!o->any_type && item_type(it) != o->type) || !scan_matches(o, name))
        return;
    if (item_due_ms(it) > l->now_ms) {
        resp_bulk(&l->reply.w, name);
        l->count++;
    } else if (l->due) {
        buf_append(l->due, &name.len, sizeof(name.len));
        buf_append_slice(l->due, name);
    }
}

/* Looking a key up removes it if it is due. Where memory lacked for the names, the keys stay for another look-up or for
 * the expiry in the background. */
static void remove_due(struct cmd_ctx *c, const struct buf *due)
{
    const char *p = due->ptr, *end = due->err ? p : p + due->len;
    while (p < end) {
        struct slice name;
        memcpy(&name.len, p, sizeof(name.len));
        name.ptr = p + sizeof(name.len);
        struct key key = ks_key(c->ks, name);
        ks_find(c->ks, c->db, &key, KS_NO_TOUCH);
        p = name.ptr + name.len;
    }
}

/* False: no memory for the pattern; the error is replied. */
static bool listing_match(struct listing *l, struct cmd_ctx *c, struct slice pattern)
{
    if (slice_equal(pattern, SLICE("*")))
        return true;
    l->options.glob = glob_try_new(pattern, false);
    if (!l->options.glob)
        ctx_reply_nomem(c);
    return l->options.glob;
}

static void cmd_keys(struct cmd_ctx *c)
{
    struct listing l = {.options = {.any_type = true}, .now_ms = c->now_ms};
    if (!listing_match(&l, c, c->argv[1]))
        return;
    ctx_note_all(c);
    resp_inner_open(&l.reply, c->out);
    ks_each(c->ks, c->db, list_item, &l);
    resp_inner_close_array(&l.reply, l.count);
    scan_options_deinit(&l.options);
}

static void cmd_scan(struct cmd_ctx *c)
{
    struct buf due;
    struct listing l = {.now_ms = c->now_ms, .due = &due};
    uint64_t cursor;
    if (!scan_cursor_parse(c, 1, &cursor) || !scan_options_parse(c, 2, SCAN_TYPE, &l.options))
        return;
    buf_init(&due);
    ctx_note_all(c);
    resp_inner_open(&l.reply, c->out);
    cursor = ks_scan(c->ks, c->db, cursor, l.options.count, list_item, &l);
    resp_array(c->out, 2);
    resp_bulkf(c->out, "%llu", (unsigned long long)cursor);
    resp_inner_close_array(&l.reply, l.count);
    remove_due(c, &due);
    buf_deinit(&due);
    scan_options_deinit(&l.options);
}

/* --- emptying and swapping -------------------------------------------------------------------- */

/* Memory is freed in slices, unless SYNC asks to wait for it. False: the error is replied. */
static bool parse_flush(struct cmd_ctx *c, bool *now)
{
    *now = c->argc == 2 && slice_is(c->argv[1], "sync");
    if (c->argc == 1 || *now || (c->argc == 2 && slice_is(c->argv[1], "async")))
        return true;
    ctx_reply_syntax(c);
    return false;
}

static void flush(struct cmd_ctx *c, int db)
{
    bool now, any = false;
    if (!parse_flush(c, &now))
        return;
    for (int i = 0; i < ks_databases(c->ks) && !any; i++)
        any = (db < 0 || i == db) && ks_size(c->ks, i) > 0;
    if (any) {
        /* The engine has to see which keys there are. */
        c->ops->flushed(c, db);
        ks_flush(c->ks, db, now);
    }
    /* The flush of an empty database is logged, too, as in Redis: another server may hold keys. */
    ctx_effect_as_is(c);
    resp_ok(c->out);
}

static void cmd_flushdb(struct cmd_ctx *c)
{
    flush(c, c->db);
}

static void cmd_flushall(struct cmd_ctx *c)
{
    flush(c, -1);
}

static void cmd_swapdb(struct cmd_ctx *c)
{
    int64_t a, b, last = ks_databases(c->ks) - 1;
    if (!ctx_arg_range(c, 1, INT_MIN, INT_MAX, &a, "invalid first DB index") ||
        !ctx_arg_range(c, 2, INT_MIN, INT_MAX, &b, "invalid second DB index") ||
        !ctx_arg_range(c, 1, 0, last, &a, "DB index is out of range") ||
        !ctx_arg_range(c, 2, 0, last, &b, "DB index is out of range"))
        return;
    if (a != b) {
        c->ops->swapped(c, (int)a, (int)b);
        ks_swap(c->ks, (int)a, (int)b);
        ctx_effect_as_is(c);
    }
    resp_ok(c->out);
}

/* --- rows ------------------------------------------------------------------------------------- */

const struct cmd_row cmd_rows_database[] = {
    {.name = "dbsize",
     .fn = cmd_dbsize,
     .arity = 1,
     .flags = CMD_READONLY | CMD_FAST,
     .acl = ACL_KEYSPACE,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns the number of keys in the database.",
     .tips = "request_policy:all_shards,response_policy:agg_sum"},
    {.name = "flushdb",
     .fn = cmd_flushdb,
     .arity = -1,
     .flags = CMD_WRITE,
     .acl = ACL_KEYSPACE | ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1); O(N) for N keys with SYNC, which waits until the memory is freed",
     .summary = "Deletes all keys of the database.",
     .synopsis = "[ASYNC | SYNC]",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "flushall",
     .fn = cmd_flushall,
     .arity = -1,
     .flags = CMD_WRITE,
     .acl = ACL_KEYSPACE | ACL_DANGEROUS,
     .group = "server",
     .since = "1.0.0",
     .complexity = "O(1) for each database; O(N) for N keys with SYNC, which waits until the "
                   "memory is freed",
     .summary = "Deletes all keys of all databases.",
     .synopsis = "[ASYNC | SYNC]",
     .tips = "request_policy:all_shards,response_policy:all_succeeded"},
    {.name = "swapdb",
     .fn = cmd_swapdb,
     .arity = 3,
     .flags = CMD_WRITE | CMD_FAST,
     .acl = ACL_KEYSPACE | ACL_DANGEROUS,
     .group = "server",
     .since = "4.0.0",
     .complexity = "O(N) for N keys watched in both databases",
     .summary = "Lets two databases change places, for all clients at once.",
     .synopsis = "index1 index2"},
    {.name = "randomkey",
     .fn = cmd_randomkey,
     .arity = 1,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(1)",
     .summary = "Returns some key of the database.",
     .tips = "request_policy:all_shards,response_policy:special,nondeterministic_output"},
    {.name = "keys",
     .fn = cmd_keys,
     .arity = 2,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE | ACL_DANGEROUS,
     .group = "generic",
     .since = "1.0.0",
     .complexity = "O(N) for N keys in the database, in one go",
     .summary = "Returns all keys whose names match a pattern.",
     .synopsis = "pattern",
     .tips = "request_policy:all_shards,nondeterministic_output_order"},
    {.name = "scan",
     .fn = cmd_scan,
     .arity = -2,
     .flags = CMD_READONLY,
     .acl = ACL_KEYSPACE,
     .group = "generic",
     .since = "2.8.0",
     .complexity = "O(1) for each call with a given COUNT, O(N) for all of N keys",
     .summary = "Returns the keys of the database in steps: each call goes on where the cursor "
                "says.",
     .synopsis = "cursor [MATCH pattern] [COUNT count] [TYPE type]",
     .tips = "nondeterministic_output,request_policy:special,response_policy:special"},
    {.name = NULL},
};
