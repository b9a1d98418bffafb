#include "admin/slowlog.h"

#include <assert.h>

#include "admin/admin_impl.h"
#include "base/buf.h"
#include "base/mem.h"
#include "engine/dlist.h"
#include "engine/engine.h"
#include "engine/redact.h"

#define SLOWLOG_GET_DEFAULT 10

/* The bytes of all slices stand behind the entry, in the same allocation. */
struct entry {
    struct dlist in_log;
    uint64_t id;
    int64_t wall_s, duration_us;
    struct slice addr, name;
    int argc;
    struct slice argv[];
};

struct slowlog {
    struct dlist entries; /* oldest first */
    uint64_t count, next_id;
};

struct slowlog *slowlog_new(void)
{
    struct slowlog *l = mem_zalloc(sizeof(*l));
    dlist_init(&l->entries);
    return l;
}

static void drop_oldest(struct slowlog *l, uint64_t len_max)
{
    while (l->count > len_max) {
        struct entry *oldest = dlist_owner(l->entries.next, struct entry, in_log);
        dlist_remove(&oldest->in_log);
        mem_free(oldest);
        l->count--;
    }
}

void slowlog_free(struct slowlog **l)
{
    drop_oldest(*l, 0);
    mem_free(*l);
    *l = NULL;
}

uint64_t slowlog_len(const struct slowlog *l)
{
    return l->count;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The text of an entry, gathered first, as it decides the entry's size. */
struct draft {
    struct buf text;
    int argc;
    size_t len[SLOWLOG_ARGS_MAX]; /* of each argument */
};

static void draft_argument(struct draft *d, struct slice s)
{
    size_t before = d->text.len;
    size_t shown = s.len < SLOWLOG_ARG_BYTES_MAX ? s.len : SLOWLOG_ARG_BYTES_MAX;
    buf_append(&d->text, s.ptr, shown);
    if (shown < s.len)
        buf_printf(&d->text, "... (%zu more bytes)", s.len - shown);
    d->len[d->argc++] = d->text.len - before;
}

/* The last of too many arguments gives way to a note of how many are left out. */
static void draft_arguments(struct draft *d, const struct slice *argv, int argc)
{
    int shown = argc <= SLOWLOG_ARGS_MAX ? argc : SLOWLOG_ARGS_MAX - 1;
    for (int i = 0; i < shown; i++)
        draft_argument(d, redact_argument(argv, argc, i));
    if (shown == argc)
        return;
    size_t before = d->text.len;
    buf_printf(&d->text, "... (%d more arguments)", argc - shown);
    d->len[d->argc++] = d->text.len - before;
}

static struct slice take(const char **at, size_t len)
{
    struct slice s = slice_of(*at, len);
    *at += len;
    return s;
}

/* NULL: no memory. */
static struct entry *entry_new(const struct draft *d, struct slice addr, struct slice name)
{
    size_t text_offset = sizeof(struct entry) + (size_t)d->argc * sizeof(struct slice);
    struct entry *one = mem_try_alloc(text_offset + d->text.len + addr.len + name.len);
    if (!one)
        return NULL;
    *one = (struct entry){.argc = d->argc};
    char *text = (char *)one + text_offset;
    const char *at = text;
    text = mempcpy(text, d->text.ptr, d->text.len);
    text = mempcpy(text, addr.ptr, addr.len);
    memcpy(text, name.ptr, name.len);
    for (int i = 0; i < d->argc; i++)
        one->argv[i] = take(&at, d->len[i]);
    one->addr = take(&at, addr.len);
    one->name = take(&at, name.len);
    return one;
}

void slowlog_add(struct slowlog *l, const struct session *s, const struct slice *argv, int argc,
                 int64_t duration_us)
{
    const struct engine *e = session_engine(s);
    struct session_transport_info info;
    struct draft d = {.argc = 0};
    session_transport_info(s, &info);
    buf_init(&d.text);
    draft_arguments(&d, argv, argc);
    struct entry *one = NULL;
    const char *name = session_text(s, SESSION_NAME);
    if (d.text.err == ERR_OK)
        one = entry_new(&d, slice_from_cstr(info.addr), slice_from_cstr(name ? name : ""));
    buf_deinit(&d.text);
    if (!one)
        return; /* no client waits for the missing entry */
    one->id = l->next_id++;
    one->wall_s = engine_wall_ms(e) / 1000;
    one->duration_us = duration_us;
    dlist_append(&l->entries, &one->in_log);
    l->count++;
    drop_oldest(l, engine_config(e)->slowlog_len_max);
}

/* --- SLOWLOG ---------------------------------------------------------------------------------- */

static void reply_entry(struct resp_writer *w, const struct entry *one)
{
    resp_array(w, 6);
    resp_int(w, (int64_t)one->id);
    resp_int(w, one->wall_s);
    resp_int(w, one->duration_us);
    resp_array(w, (size_t)one->argc);
    for (int i = 0; i < one->argc; i++)
        resp_bulk(w, one->argv[i]);
    resp_bulk(w, one->addr);
    resp_bulk(w, one->name);
}

static void cmd_slowlog_get(struct cmd_ctx *c)
{
    const struct slowlog *l = admin_of(c)->slowlog;
    int64_t asked = SLOWLOG_GET_DEFAULT;
    if (c->argc > 3) {
        ctx_reply_unknown_sub(c);
        return;
    }
    if (c->argc == 3 &&
        !ctx_arg_range(c, 2, -1, INT64_MAX, &asked, "count should be greater than or equal to -1"))
        return;
    uint64_t count = asked < 0 || (uint64_t)asked > l->count ? l->count : (uint64_t)asked;
    const struct dlist *at = l->entries.prev;
    resp_array(c->out, count);
    for (; count > 0; count--, at = at->prev)
        reply_entry(c->out, dlist_owner(at, struct entry, in_log));
}

static void cmd_slowlog_len(struct cmd_ctx *c)
{
    resp_int(c->out, (int64_t)slowlog_len(admin_of(c)->slowlog));
}

static void cmd_slowlog_reset(struct cmd_ctx *c)
{
    drop_oldest(admin_of(c)->slowlog, 0);
    resp_ok(c->out);
}

static void cmd_slowlog_help(struct cmd_ctx *c)
{
    static const char *const lines[] = {
        "GET [<count>]",
        "    Show the latest <count> entries (10 unless given, -1 for all), newest first. Each is:",
        "    id, Unix time, microseconds taken, arguments, client address, client name.",
        "LEN",
        "    Count the entries.",
        "RESET",
        "    Drop all entries.",
        NULL,
    };
    ctx_reply_help(c, lines);
}

#define SLOWLOG_FLAGS (CMD_ADMIN | CMD_LOADING | CMD_STALE)
#define SLOWLOG_ACL   (ACL_ADMIN | ACL_DANGEROUS)

static const struct cmd_row slowlog_subs[] = {
    {.name = "get",
     .fn = cmd_slowlog_get,
     .arity = -2,
     .flags = SLOWLOG_FLAGS,
     .acl = SLOWLOG_ACL,
     .group = "server",
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries shown",
     .summary = "Shows the latest slow requests.",
     .synopsis = "[count]",
     .tips = "request_policy:all_nodes,nondeterministic_output"},
    {.name = "len",
     .fn = cmd_slowlog_len,
     .arity = 2,
     .flags = SLOWLOG_FLAGS,
     .acl = SLOWLOG_ACL,
     .group = "server",
     .since = "2.2.12",
     .complexity = "O(1)",
     .summary = "Counts the entries of the slow log.",
     .synopsis = "",
     .tips = "request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output"},
    {.name = "reset",
     .fn = cmd_slowlog_reset,
     .arity = 2,
     .flags = SLOWLOG_FLAGS,
     .acl = SLOWLOG_ACL,
     .group = "server",
     .since = "2.2.12",
     .complexity = "O(N) where N is the number of entries",
     .summary = "Empties the slow log.",
     .synopsis = "",
     .tips = "request_policy:all_nodes,response_policy:all_succeeded"},
    {.name = "help",
     .fn = cmd_slowlog_help,
     .arity = 2,
     .flags = CMD_LOADING | CMD_STALE,
     .group = "server",
     .since = "6.2.0",
     .complexity = "O(1)",
     .summary = "Tells what the subcommands do.",
     .synopsis = ""},
    {0},
};

const struct cmd_row admin_rows_slowlog[] = {
    {.name = "slowlog",
     .arity = -2,
     .group = "server",
     .since = "2.2.12",
     .complexity = "Depends on the subcommand.",
     .summary = "Shows and empties the log of slow requests.",
     .synopsis = "subcommand [argument ...]",
     .subs = slowlog_subs},
    {0},
};
